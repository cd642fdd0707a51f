//! Detecting the address through the web, and agreement between detectors. An answer that is not certainly an address
//! is not published, and the stored files stay unchanged.

use crate::testbed::{DnsServer, Home, HttpServer, Record, Reply, FOUR, OTHER, SIX};
use std::sync::{Arc, Mutex};

/// A page that returns what it was last set to.
fn page(on: &str) -> (HttpServer, Arc<Mutex<Reply>>) {
    let reply = Arc::new(Mutex::new(Reply::nothing()));
    let given = Arc::clone(&reply);
    (HttpServer::on(on, move |_| given.lock().unwrap().clone()), reply)
}

/// Detectors with these names, each with a page that returns one of these answers.
fn pages(on: &str, said: &[&str]) -> (HttpServer, String, String) {
    let bodies: Vec<String> = said.iter().map(|text| text.to_string()).collect();
    let server = HttpServer::on(on, move |request| {
        let index: usize = request.target.trim_start_matches('/').parse().unwrap();
        Reply::ok(&bodies[index])
    });
    let names: Vec<String> = (0..said.len()).map(|i| format!("d{i}")).collect();
    let section = |i: usize| format!("[detector:d{i}]\nkind = web\nurl = {}/{i}\n", server.url());
    let sections: String = (0..said.len()).map(section).collect();
    (server, names.join(", "), sections)
}

#[test]
fn invalid_detector_answers_change_nothing() {
    let home = Home::new();
    home.config("ipv4 = four", "").passes(0);
    let before = home.stored_files();
    assert_eq!((before.len(), home.pushes()), (2, 1));
    let (server, reply) = page("127.0.0.1:0");
    home.config("ipv4 = page", &format!("[detector:page]\nkind = web\nurl = {}/\n", server.url()));
    let html = "<html><body>Please log in</body></html>";
    let cases = [
        ("HTML", Reply::ok(html)),
        ("HTML that holds an address", Reply::ok("<html><body>193.0.14.129</body></html>")),
        ("503 with an address", Reply::new(503, &[], OTHER)),
        ("500", Reply::new(500, &[], html)),
        ("404 with an address", Reply::new(404, &[], OTHER)),
        ("201 with an address", Reply::new(201, &[], OTHER)),
        ("204", Reply::new(204, &[], "")),
        ("an address in headers only", Reply::new(200, &[("Set-Cookie", "ip=193.0.14.129"), ("X-IP", OTHER)], "")),
        ("a redirect", Reply::new(302, &[("Location", "/193.0.14.129")], OTHER)),
        ("two addresses", Reply::ok("193.0.14.129\n193.0.14.130\n")),
        ("a leading zero", Reply::ok("193.0.014.129")),
        ("IPv6", Reply::ok(SIX)),
        ("IPv4-mapped", Reply::ok("::ffff:193.0.14.129")),
        ("a port", Reply::ok("193.0.14.129:80")),
        ("not UTF-8", Reply::raw(b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n193.0.14.129\xff".to_vec())),
        ("a NUL", Reply::ok("193.0.14.129\0")),
        ("cut short of its length", Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n193.0.14.12")),
        (
            "cut within its chunks",
            Reply::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n193.0.14.12\r\n"),
        ),
        ("a body that ends with the connection", Reply::raw("HTTP/1.1 200 OK\r\n\r\n193.0.14.12")),
        ("nothing", Reply::nothing()),
    ];
    for (name, answer) in cases {
        *reply.lock().unwrap() = answer;
        let ended = home.pass().go();
        assert_eq!(ended.code, Some(1), "{name}: {}{}", ended.stdout, ended.stderr);
        assert!(ended.stderr.contains("address not detected: page: "), "{name}: {}", ended.stderr);
        assert_eq!((home.pushes(), home.stored_files() == before), (1, true), "{name}");
    }
    assert_eq!(server.count(), 20, "one request each");
    *reply.lock().unwrap() = Reply::ok(" 193.0.14.129\r\n");
    home.passes(0);
    assert_eq!(home.sent(), [FOUR, OTHER]);
}

/// An IP address in the URL already decides over which family it is reached.
#[test]
fn a_url_with_an_ip_address_serves_either_family() {
    let home = Home::new();
    let (server, reply) = page("127.0.0.1:0");
    *reply.lock().unwrap() = Reply::ok(SIX);
    home.config("ipv4 = off\nipv6 = page", &format!("[detector:page]\nkind = web\nurl = {}/\n", server.url()));
    home.passes(0);
    assert_eq!(home.sent(), [SIX]);
    *reply.lock().unwrap() = Reply::ok(FOUR);
    home.passes(1).says("page: an IPv4 address where IPv6 was asked");
}

#[test]
fn private_addresses_from_the_web_are_rejected() {
    let four = [
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.1.1",
        "172.16.0.1",
        "192.168.1.1",
        "192.0.2.1",
        "198.51.100.1",
        "203.0.113.7",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "0.1.2.3",
        "192.0.0.8",
        "192.88.99.1",
    ];
    let six = [
        "::1",
        "::",
        "fe80::1",
        "fd00::1",
        "fc00::1",
        "2001:db8::1",
        "3fff::1",
        "ff02::1",
        "2002:a00:1::1",
        "64:ff9b::a00:1",
        "64:ff9b:1::1",
        "2001::1",
        "100::1",
        "fec0::1",
        "4000::1",
    ];
    for (family, on, said) in [("ipv4", "127.0.0.1:0", &four[..]), ("ipv6", "[::1]:0", &six[..])] {
        let home = Home::new();
        let (server, names, sections) = pages(on, said);
        let off = if family == "ipv6" { "ipv4 = off\n" } else { "" };
        home.config(&format!("{off}{family} = {names}\nallow_private = yes"), &sections);
        let ended = home.passes(1);
        for address in said {
            assert!(ended.stderr.contains(&format!(": {address} is not a public address")), "{address}");
        }
        assert_eq!((server.count(), home.pushes(), home.stored_files().len()), (said.len(), 0, 0));
    }
    let home = Home::new();
    let (_server, names, sections) = pages("[::1]:0", &["::ffff:198.41.0.4", FOUR, "fe80::1%eth0", "[2620:fe::fe]"]);
    home.config(&format!("ipv4 = off\nipv6 = {names}"), &sections).passes(1).says("IPv4-mapped");
    assert_eq!(home.pushes(), 0);
}

#[test]
fn private_local_addresses_are_published_if_allowed() {
    for detector in ["kind = fixed\naddress = 192.168.1.5", "kind = command\ncommand = /bin/echo 192.168.1.5"] {
        let home = Home::new();
        let tail = format!("[detector:lan]\n{detector}\n");
        home.config("ipv4 = lan", &tail).passes(1).says("192.168.1.5 is not a public address");
        assert_eq!(home.pushes(), 0);
        home.config("ipv4 = lan\nallow_private = yes", &tail).passes(0);
        assert_eq!(home.sent(), ["192.168.1.5"]);
    }
}

#[test]
fn detectors_are_tried_in_order_until_one_answers() {
    let home = Home::new();
    let (server, names, sections) = pages("127.0.0.1:0", &["<html>", FOUR, OTHER]);
    home.config(&format!("ipv4 = {names}"), &sections).passes(0);
    let targets: Vec<String> = server.asked().into_iter().map(|request| request.target).collect();
    assert_eq!(targets, ["/0", "/1"]);
    assert_eq!(home.sent(), [FOUR]);
    assert!(home.history().ends_with(" ipv4 198.41.0.4 d1\n"), "{}", home.history());
    assert!(server.asked().iter().all(|request| request.header("Authorization").is_none()));
}

#[test]
fn agree_sets_how_many_detectors_must_agree() {
    let home = Home::new();
    let (server, names, sections) = pages("127.0.0.1:0", &[FOUR, OTHER]);
    home.config(&format!("ipv4 = {names}\nagree = 2"), &sections);
    let ended = home.passes(1).says("2 must agree");
    assert!(ended.stderr.contains("d0 says 198.41.0.4") && ended.stderr.contains("d1 says 193.0.14.129"));
    assert_eq!((home.pushes(), home.stored_files().len(), server.count()), (0, 0, 2));

    let (_one, names, sections) = pages("127.0.0.1:0", &[OTHER, FOUR, FOUR]);
    home.config(&format!("ipv4 = {names}\nagree = 2"), &sections);
    home.passes(0).says("ipv4 warning: d0 says 193.0.14.129, where d1 says 198.41.0.4, d2 says 198.41.0.4");
    assert_eq!(home.sent(), [FOUR]);
    assert!(home.history().ends_with(" d1\n"));

    // A failed detector is no agreement, however often the other one answers.
    let (_two, names, sections) = pages("127.0.0.1:0", &[OTHER, ""]);
    home.config(&format!("ipv4 = {names}\nagree = 2"), &sections).passes(1);
    assert_eq!(home.sent(), [FOUR]);
}

#[test]
fn one_family_is_updated_while_the_other_fails() {
    let home = Home::new();
    home.config("ipv4 = four\nipv6 = six", "").passes(0);
    assert_eq!(home.sent(), [FOUR, SIX]);
    home.config("ipv4 = other\nipv6 = lost", "").passes(1).says("ipv6 address not detected");
    assert_eq!(home.sent(), [FOUR, SIX, OTHER]);
    assert!(home.state().contains(SIX) && !home.history().contains("lost"));
    // Both are detected again: nothing is due.
    home.config("ipv4 = other\nipv6 = six", "").passes(0).silent();
    assert_eq!(home.pushes(), 3);
}

#[test]
fn parse_decides_how_a_page_is_read() {
    for (parse, body, address) in [
        ("json:ip", "{\"ip\": \"198.41.0.4\", \"x\": [1]}", Some(FOUR)),
        ("json:ip", "{\"ip\": \"198.41.0.4\", \"ip\": \"193.0.14.129\"", None),
        ("json:ip", "{\"address\": \"198.41.0.4\"}", None),
        ("json:ip", "{\"ip\": [\"198.41.0.4\"]}", None),
        ("json:ip", "{\"ip\": \"198.41.0.4 \u{fc}\"}", None),
        ("line:ip=", "fl=1\nip=198.41.0.4\nts=193.0.14.129\n", Some(FOUR)),
        ("line:ip=", "ip=198.41.0.4\nip=193.0.14.129\n", None),
        ("text", "<html>Current IP Address: 198.41.0.4</html>", Some(FOUR)),
        ("text", "<html>198.41.0.4 or 193.0.14.129</html>", None),
        ("text", "<html>version 10.0.0.1</html>", None),
        ("plain", "Current IP Address: 198.41.0.4", None),
    ] {
        let home = Home::new();
        let (_server, _, sections) = pages("127.0.0.1:0", &[body]);
        let ended = home.config("ipv4 = d0", &sections.replace("kind = web", &format!("kind = web\nparse = {parse}")));
        ended.passes(i32::from(address.is_none()));
        assert_eq!(home.sent(), address.iter().map(|a| a.to_string()).collect::<Vec<_>>(), "{parse}: {body}");
    }
}

#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs HTTPS")]
fn built_in_detectors_accept_another_url() {
    let name_server = DnsServer::always(vec![Record::Address(FOUR.parse().unwrap())]);
    let at = name_server.address();
    for line in [format!("server = {at}"), format!("url = dns://{at}")] {
        let home = Home::new();
        home.config("ipv4 = opendns", &format!("[detector:opendns]\n{line}\n")).passes(0);
        assert_eq!(home.sent(), [FOUR]);
        assert!(home.history().ends_with(" opendns\n"));
    }
    let asked = &name_server.asked()[0];
    assert_eq!((asked.name.as_str(), asked.kind, asked.class, name_server.count()), ("myip.opendns.com", 1, 1, 2));
    let (web, reply) = page("127.0.0.1:0");
    *reply.lock().unwrap() = Reply::ok(OTHER);
    let home = Home::new();
    // If ipv4 is not set, ipify is asked first.
    home.config("", &format!("[detector:ipify]\nurl = {}\n[detector:opendns]\nserver = {at}\n", web.url())).passes(0);
    assert_eq!((home.sent(), name_server.count()), (vec![OTHER.to_string()], 2));
}

#[test]
fn a_section_may_have_its_own_detectors() {
    let home = Home::new();
    let (server, _, sections) = pages("127.0.0.1:0", &[FOUR]);
    let work = "ipv4 = off\nipv6 = six\n[work]\nprovider = dyndns2\nurl = {url}/work\nuser = bob\npassword = x\nhosts = w.example.org\n\
                [third]\nprovider = dyndns2\nurl = {url}/third\nuser = bob\npassword = x\nhosts = t.example.org\nipv6 = off\n";
    home.config("ipv4 = d0\nipv6 = lost", &format!("{work}{sections}"));
    home.passes(1).says("ipv6 address not detected");
    let targets: Vec<String> = home.provider.asked().into_iter().map(|request| request.target).collect();
    let want = [
        "/nic/update?hostname=a.example.org&myip=2620%3Afe%3A%3Afe",
        "/work?hostname=w.example.org&myip=198.41.0.4",
        "/third?hostname=t.example.org&myip=198.41.0.4",
    ];
    assert_eq!(targets, want);
    assert_eq!(server.count(), 1, "a detector of two sections is queried once");
}
