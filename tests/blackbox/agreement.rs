//! The built-in detectors, each with the kind of response its server gives, and agreement between operators.

use crate::testbed::{Home, HttpServer, Reply, FOUR, OTHER, SIX};
use homing::internals::provider::{built_in, built_ins};

/// The responses of these detectors, if they are more than the address and a newline. `{}` is the address.
const PAGES: &[(&str, &str)] = &[
    ("cloudflare", "fl=1f1\nh=1.1.1.1\nip={}\nts=1700000000.1\nvisit_scheme=https\nuag=homing\ncolo=ZRH\nwarp=off\n"),
    ("jsonip", "{\"ip\":\"{}\"}"),
    (
        "ip4only",
        "IPv4,{},Remaining fields reserved for future use,,,v1.1,,,See http://ip6.me/docs/ for api documentation",
    ),
    ("freedns", "Detected IP : {}\nHTTP_CLIENT_IP : \nHTTP_X_FORWARDED_FOR : \nREMOTE_ADDR : {}\n"),
    ("dyndns", "<html><head><title>Current IP Check</title></head><body>Current IP Address: {}</body></html>\r\n"),
    ("he.net", "<!DOCTYPE html>\n<html><body>\nYour IP address is : {}</body>\n</html>\n"),
    ("dynu", "Current IP Address: {}"),
    ("joker", "<html><body>Current IP Address: {}</body></html>"),
    ("loopia", "<html><head></head><body>Current IP Address: {}</body></html>"),
    ("zoneedit", "<html><body>Current IP Address: {}</body></html>"),
    ("eurodyndns", "<html><body>Current IP Address: {}<br>Hostname: dsl-9-9-9-9.example.net</body></html>"),
    ("dy.fi", "<html><body>Current IP Address: {}</body></html>"),
    ("changeip", "{}\n<!--IPADDR={}-->\n"),
    ("updatedip", "<html><body>Current IP Address: {}</body></html>"),
];

#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs HTTPS")]
fn built_in_pages_are_read() {
    let mut seen = 0;
    for (name, _) in built_ins("detector") {
        let section = built_in(&format!("detector:{name}")).unwrap();
        if section.get("kind").unwrap().value != "web" {
            continue;
        }
        seen += 1;
        let body = PAGES.iter().find(|(known, _)| *known == name).map_or("{}\n", |(_, body)| body).to_string();
        for (family, on, address) in [("ipv4", "127.0.0.1:0", FOUR), ("ipv6", "[::1]:0", SIX)] {
            let body = body.replace("{}", address);
            let server = HttpServer::on(on, move |_| Reply::ok(&body));
            let home = Home::new();
            let off = if family == "ipv6" { "ipv4 = off\n" } else { "" };
            let own = format!("[detector:{name}]\nurl = {}/\n", server.url());
            home.config(&format!("{off}{family} = {name}"), &own).passes(0);
            assert!(home.history().ends_with(&format!(" {family} {address} {name}\n")), "{name}: {}", home.history());
            assert_eq!(server.count(), 1, "{name}");
        }
    }
    assert!(seen > 25, "only {seen} pages");
}

/// The list marks detectors that prove nothing.
#[test]
fn plain_http_detectors_are_marked_in_the_list() {
    for (name, what) in built_ins("detector") {
        let section = built_in(&format!("detector:{name}")).unwrap();
        let url = |key: &str| section.get(key).map_or("", |entry| entry.value.as_str());
        assert_eq!(url("url").starts_with("http:"), what.contains("plain HTTP"), "{name}: {what}");
        assert!(what.len() < 80, "{name}");
    }
}

#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs HTTPS")]
fn detectors_of_one_operator_count_once() {
    let home = Home::new();
    for (list, says) in [
        ("cloudflare, cloudflare-dns", "only 1 run by different operators (cloudflare)"),
        ("cloudflare, icanhazip, cloudflare-dns", "only 1 run by different operators (cloudflare)"),
        ("opendns, dnsomatic", "only 1 run by different operators (opendns)"),
    ] {
        home.config(&format!("ipv4 = {list}\nagree = 2"), "");
        home.pass().arg("--check").go().expect(2).says(says);
    }
    home.config("ipv4 = ipify, opendns, cloudflare\nagree = 3", "");
    home.pass().arg("--check").go().expect(0);

    // Another detector of the same operator is not queried; the third one decides.
    let lying = HttpServer::new(|_| Reply::ok(OTHER));
    let honest = HttpServer::new(|_| Reply::ok(FOUR));
    let section = |name: &str, server: &HttpServer, path: &str, more: &str| {
        format!("[detector:{name}]\nkind = web\nurl = {}/{path}\n{more}\n", server.url())
    };
    let sections = section("a", &lying, "a", "operator = one")
        + &section("b", &lying, "b", "operator = one")
        + &section("c", &honest, "c", "")
        + &section("d", &honest, "d", "");
    home.config("ipv4 = a, b, c, d\nagree = 2", &sections);
    home.passes(0).says("warning: a says 193.0.14.129, where c says 198.41.0.4, d says 198.41.0.4");
    // Reported once until it changes; `-v` reports it in every pass, and nothing is stored for that.
    let before = home.stored_files();
    home.passes(0).silent();
    assert!(home.pass().arg("-v").go().expect(0).stdout.contains("warning: a says 193.0.14.129"));
    assert_eq!(home.stored_files(), before);
    // c and d count as two although one server answers both: the user configured that.
    assert_eq!((home.sent(), lying.count(), honest.count()), (vec![FOUR.to_string()], 3, 6));
    // Without the fourth there is no agreement.
    home.config("ipv4 = a, b, c\nagree = 2", &sections);
    home.passes(1).says("2 must agree: a says 193.0.14.129, c says 198.41.0.4");
}

#[test]
fn a_new_contradiction_is_reported_again() {
    let home = Home::new();
    let says = std::sync::Arc::new(std::sync::Mutex::new(OTHER));
    let words = std::sync::Arc::clone(&says);
    let odd = HttpServer::new(move |_| Reply::ok(*words.lock().unwrap()));
    let sections = format!("[detector:odd]\nkind = web\nurl = {}/\n", odd.url());
    home.config(
        "ipv4 = odd, four, same\nagree = 2",
        &format!("{sections}[detector:same]\nkind = fixed\naddress = {FOUR}\n"),
    );
    home.passes(0).says("warning: odd says 193.0.14.129");
    home.passes(0).silent();
    *says.lock().unwrap() = "193.0.14.130";
    home.passes(0).says("warning: odd says 193.0.14.130");
    home.passes(0).silent();
    // A detector that agreed once may contradict again.
    *says.lock().unwrap() = FOUR;
    home.passes(0).silent();
    assert!(!home.state().contains("dissent"), "{}", home.state());
    *says.lock().unwrap() = "193.0.14.130";
    home.passes(0).says("warning: odd says 193.0.14.130");
    // A --log-only pass keeps no state and reports it every time.
    for _ in 0..2 {
        home.pass().arg("--log-only").go().expect(0).says("warning: odd says 193.0.14.130");
    }
}

/// The families in the list of detectors are those that the settings are checked against.
#[test]
fn ipv4_only_detectors_are_off_for_ipv6() {
    for (name, what) in built_ins("detector").into_iter().filter(|(name, _)| *name != "gateway") {
        let off = built_in(&format!("detector:{name}")).unwrap().get("ipv6").is_some();
        assert_eq!(off, what.contains("IPv4 only"), "{name}: {what}");
    }
}

/// Two sections that use the same detectors over two uplinks have two contradictions, each reported once.
#[test]
fn each_uplinks_contradiction_is_reported_once() {
    let home = Home::new();
    let turn = std::sync::atomic::AtomicUsize::new(0);
    let odd = HttpServer::new(move |_| {
        let first = turn.fetch_add(1, std::sync::atomic::Ordering::SeqCst).is_multiple_of(2);
        Reply::ok(if first { OTHER } else { "193.0.14.130" })
    });
    let second = "[second]\nprovider = dyndns2\nurl = {url}/second\nuser = bob\npassword = another\n\
                  hosts = b.example.org\nbind = 127.0.0.8\n";
    let more =
        format!("[detector:odd]\nkind = web\nurl = {}/\n[detector:same]\nkind = fixed\naddress = {FOUR}\n", odd.url());
    home.config("ipv4 = odd, four, same\nagree = 2", &format!("{second}{more}"));
    home.passes(0).says("warning: odd says 193.0.14.129").says("warning: odd says 193.0.14.130");
    home.passes(0).silent();
    assert_eq!(odd.count(), 4);
}
