//! Environment variables that dependencies read have no effect on requests, their destination, or files.

use super::attack::{summary, Attack, Role};
use crate::testbed::{HttpServer, Pki, Reply, Request, Run, TlsBehaviour};

/// What was sent, without the parts that may differ between two runs.
fn comparable(request: &Request) -> String {
    let headers: Vec<_> = request.headers.iter().filter(|(name, _)| name != "Host").collect();
    format!("{} {} {headers:?} {}", request.method, request.target, request.text())
}

#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs TLS")]
fn environment_variables_do_not_change_requests() {
    let pki = Pki::get();
    let trap = HttpServer::new(|_| Reply::ok("good 198.41.0.4"));
    let (trap_url, trap_host) = (trap.url(), trap.address().to_string());
    let plain_server = || HttpServer::new(|_| Reply::ok("good 198.41.0.4"));
    let tls_server = || HttpServer::tls(&pki.good, TlsBehaviour::Proper, |_| Reply::ok("good 198.41.0.4"));
    for serve in [&plain_server as &dyn Fn() -> HttpServer, &tls_server] {
        let mut seen = Vec::new();
        for hostile in [false, true] {
            let server = serve();
            let attack = Attack::new(Role::Provider, &server.url(), "plain", "");
            attack.trust(&pki.ca);
            let keys = attack.scratch.path("keys.log");
            let mut run: Run<'_> = attack.run();
            if hostile {
                for name in ["http_proxy", "https_proxy", "all_proxy", "ftp_proxy", "no_proxy"] {
                    run = run.env(name, trap_url.as_str()).env(&name.to_uppercase(), trap_url.as_str());
                }
                run = run.env("MINREQ_TIMEOUT", "0").env("SSLKEYLOGFILE", &keys);
                for name in ["RUST_LOG", "RUSTLS_LOG", "RUST_BACKTRACE", "HOSTALIASES", "RES_OPTIONS", "LOCALDOMAIN"] {
                    run = run.env(name, "trace");
                }
                run = run.env("RESOLV_HOST_CONF", trap_host.as_str()).env("SSL_CERT_DIR", "/nonexistent");
            }
            let ended = run.go();
            summary(&format!("hostile: {hostile}"), attack.check_succeeded(&ended), &ended).unwrap();
            assert!(!keys.exists(), "TLS keys were written to a file");
            assert_eq!(server.count(), 1);
            let port = server.address().port().to_string();
            let stamps = |line: &&str| !line.starts_with("history: ");
            let said: Vec<_> = ended.stdout.lines().filter(stamps).map(|line| line.replace(&port, "PORT")).collect();
            seen.push((comparable(&server.asked()[0]), said, ended.stderr));
        }
        assert_eq!(seen[0], seen[1]);
    }
    assert_eq!(trap.count(), 0);
}

/// minreq takes its timeout in seconds from this variable; homing's own timeout counts.
#[test]
fn minreqs_timeout_variable_is_ignored() {
    let server = HttpServer::new(|_| Reply::nothing().then_hang());
    for timeout in ["0", "20", "-1", "x"] {
        let attack = Attack::new(Role::Detector, &server.url(), "plain", "");
        let ended = attack.run().env("MINREQ_TIMEOUT", timeout).go();
        summary(timeout, attack.check_failed(&ended, "could not be confirmed"), &ended).unwrap();
        assert!(ended.took.as_millis() >= 900, "{ended:?}");
    }
}
