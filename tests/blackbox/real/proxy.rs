//! Updates through a real proxy, tinyproxy: HTTP, CONNECT, and its password.

use super::daemon::{Daemon, Started};
use crate::testbed::{Home, HttpServer, Pki, Reply, TlsBehaviour};

fn tinyproxy(home: &Home, more: &str) -> Started {
    Daemon::start(&home.scratch, &["127.0.0.1"], |places| {
        let config = format!(
            "Port {}\nListen 127.0.0.1\nTimeout 20\nMaxClients 10\nLogFile \"{}\"\nLogLevel Connect\n{more}\n",
            places[0].port(),
            home.scratch.path("error.log").display(),
        );
        let file = home.scratch.write("tinyproxy.conf", &config, 0o600);
        ["tinyproxy", "-d", "-c"].map(String::from).into_iter().chain([file.display().to_string()]).collect()
    })
}

#[test]
fn an_http_update_goes_through_the_proxy() {
    let home = Home::new();
    let proxy = tinyproxy(&home, "BasicAuth carol s3same\nConnectPort 443");
    let place = proxy.places[0];
    home.scratch.write("proxy.key", "s3same\n", 0o600);
    home.config(
        "ipv4 = four",
        &home.filled(&format!("proxy = http://carol@{place}\nproxy_password_file = {{dir}}/proxy.key")),
    );
    home.passes(0);
    assert_eq!(home.sent(), ["198.41.0.4"]);
    let request = &home.provider.asked()[0];
    assert!(request.header("Via").is_some_and(|via| via.contains("tinyproxy")), "{request:?}");
    assert!(request.header("Proxy-Authorization").is_none() && request.header("Authorization").is_some());
    home.config("ipv4 = other", &format!("proxy = http://{place}"));
    home.passes(1).says("407");
    assert_eq!(home.pushes(), 1);
}

#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs TLS")]
fn an_https_update_goes_through_connect() {
    let home = Home::new();
    let pki = Pki::get();
    let server = HttpServer::tls(&pki.good, TlsBehaviour::Proper, |_| Reply::ok("good"));
    let port = server.url().rsplit(':').next().unwrap().trim_end_matches('/').to_string();
    let proxy = tinyproxy(&home, &format!("ConnectPort {port}"));
    let ca = home.scratch.write("ca.pem", &pki.ca, 0o644);
    let head = format!("ipv4 = four\nproxy = http://{}\nca_file = {}", proxy.places[0], ca.display());
    home.config(&head, "");
    let text = home.scratch.read("homing.conf").replace(&home.filled("{url}"), &server.url());
    home.scratch.write("homing.conf", &text, 0o600);
    home.passes(0);
    assert_eq!((server.count(), home.pushes()), (1, 0));
    assert!(home.scratch.read("error.log").contains("CONNECT "), "{}", home.scratch.read("error.log"));
    // A port that the proxy does not connect to.
    let other = tinyproxy(&home, "ConnectPort 443");
    let text = text.replace(&proxy.places[0].to_string(), &other.places[0].to_string());
    home.scratch.write("homing.conf", &text.replace("ipv4 = four", "ipv4 = other"), 0o600);
    home.passes(1).says("refused to connect to");
}
