//! Several uplinks: bound to an address, bound to an interface, through a proxy.

use crate::testbed::{
    in_a_network, runner, seconds, Canary, DnsServer, Home, HttpServer, Record, Reply, UdpServer, FOUR, OTHER, SECRET,
};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

/// A web server that returns the address of the client, like a check-IP page, and records it.
struct Mirror {
    port: u16,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Mirror {
    /// `names` maps the address of a client to the response.
    fn new(names: &'static [(&'static str, &'static str)]) -> Mirror {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let peer = stream.peer_addr().unwrap().ip().to_string();
                let said = names.iter().find(|(from, _)| *from == peer).map_or("good", |(_, said)| said);
                log.lock().unwrap().push(peer);
                let mut head = [0; 4096];
                let _ = stream.read(&mut head);
                let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{said}", said.len());
            }
        });
        Mirror { port, seen }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

#[test]
#[cfg_attr(not(feature = "detectors"), ignore = "needs the detectors gateway, stun and teredo")]
fn all_connections_use_the_bound_address() {
    let home = Home::new();
    let page = Mirror::new(&[("127.0.0.7", FOUR), ("127.0.0.8", OTHER)]);
    let provider = Mirror::new(&[]);
    let stun = UdpServer::on("127.0.0.1:0", |_| Vec::new());
    let detectors = format!(
        "[detector:page]\nkind = web\nurl = {}\n[detector:own]\nkind = web\nurl = {}\nbind = 127.0.0.8\n\
         [detector:stun]\nkind = stun\nserver = {}\n",
        page.url(),
        page.url(),
        stun.address()
    );
    let url = format!("url = {}", provider.url());
    let config = |head: &str, section: &str| {
        home.config(head, &format!("{section}\n{detectors}"));
        let text = home.scratch.read("homing.conf").replacen(&home.filled("url = {url}/nic/update"), &url, 1);
        home.scratch.write("homing.conf", &text, 0o600);
    };
    // The agent's setting applies to all.
    config("bind = 127.0.0.7\nipv4 = page", "");
    home.passes(0);
    assert_eq!((page.seen(), provider.seen()), (vec!["127.0.0.7".to_string()], vec!["127.0.0.7".to_string()]));
    assert!(home.history().ends_with(" 198.41.0.4 page\n"));
    // A detector's own setting takes precedence over the section's, and the section's over the agent's.
    config("bind = 127.0.0.7\nipv4 = own", "bind = 127.0.0.9");
    home.passes(0);
    assert_eq!((page.seen(), provider.seen()), (vec!["127.0.0.8".to_string()], vec!["127.0.0.9".to_string()]));
    assert!(home.history().ends_with(" 193.0.14.129 own\n"));
    config("timeout = 1s\nipv4 = stun, page", "bind = 127.0.0.7");
    home.passes(0);
    assert_eq!(stun.asked()[0].1.ip().to_string(), "127.0.0.7");
    assert_eq!(provider.seen(), ["127.0.0.7"]);
}

/// Zone lookups and verification use the address of the section.
#[test]
#[cfg_attr(not(all(feature = "rfc2136", feature = "verify")), ignore = "needs --verify and signed updates")]
fn zone_lookups_use_the_bound_address() {
    let home = Home::new();
    let silent = UdpServer::on("127.0.0.1:0", |_| Vec::new());
    // While it waits longer for an emulated homing, a query is repeated.
    let from = |first: usize| {
        let mut from: Vec<_> = silent.asked().into_iter().skip(first).map(|(_, from)| from.ip().to_string()).collect();
        if runner::emulated() {
            from.dedup();
        }
        from
    };
    let section = format!("bind = 127.0.0.7\nnameserver = {}\n", silent.address());
    home.config("timeout = 1s\nipv4 = four", &section).pass().at_noon_and(0).go().expect(0);
    home.pass().at_noon_and(600).arg("--verify").go().expect(1).says("not verified");
    assert_eq!(from(0), ["127.0.0.7"]);
    let verifying = silent.asked().len();
    let head = "timeout = 1s\nipv4 = four\n[zone]\nprovider = rfc2136\nhosts = b.example.org\ntsig = off\n";
    home.config(&format!("{head}{section}"), "").pass().args(["--only", "zone"]).go().expect(1).says("no zone found");
    assert_eq!(from(verifying), ["127.0.0.7"]);
}

/// A section bound to an uplink gets the address of that uplink, even if both name the same detector.
#[test]
fn sections_detect_the_addresses_of_their_uplinks() {
    let home = Home::new();
    let page = Mirror::new(&[("127.0.0.7", FOUR), ("127.0.0.8", OTHER)]);
    let detectors = format!("[detector:page]\nkind = web\nurl = {}\n", page.url());
    let second = "bind = 127.0.0.7\n[second]\nprovider = dyndns2\nurl = {url}/second\nuser = bob\npassword = x\n\
                  hosts = b.example.org\nbind = 127.0.0.8\n";
    home.config("ipv4 = page", &format!("{second}{detectors}")).passes(0);
    let targets: Vec<String> = home.provider.asked().into_iter().map(|request| request.target).collect();
    assert_eq!(
        targets,
        ["/nic/update?hostname=a.example.org&myip=198.41.0.4", "/second?hostname=b.example.org&myip=193.0.14.129"]
    );
    assert_eq!(page.seen(), ["127.0.0.7", "127.0.0.8"]);
    home.passes(0).silent();
}

#[test]
fn a_missing_interface_is_retried_and_an_invalid_bind_rejected() {
    let home = Home::new();
    for (way, says) in [
        ("no-such0", "cannot go out by no-such0: there is no such interface"),
        ("198.41.0.4", "cannot go out by 198.41.0.4: no interface here holds it"),
    ] {
        home.config("ipv4 = four", &format!("bind = {way}"));
        home.pass().arg("--check").go().expect(0);
        home.pass().arg("--force").go().expect(1).says(says);
        assert_eq!(home.pushes(), 0);
    }
    for (way, says) in [
        ("fe80::1", "'fe80::1' cannot reach the Internet"),
        ("0.0.0.0", "cannot reach the Internet"),
        ("two words", "neither an address nor an interface name"),
        ("127.0.0.1:80", "neither an address nor an interface name"),
    ] {
        home.config("ipv4 = four", &format!("bind = {way}"));
        home.pass().arg("--check").go().expect(2).says(says);
    }
}

/// Two uplinks with default routes of different metrics: the second is used because it is bound, despite the routes,
/// and detects what its own far end answers.
#[test]
#[cfg_attr(not(feature = "detectors"), ignore = "needs the detectors gateway, stun and teredo")]
fn a_bound_interface_overrides_the_routes() {
    let side = |n: u32| {
        format!(
            "ip link add up{n} type veth peer name far{n} && ip link set far{n} netns $far && \
             ip addr add 10.0.{n}.2/24 dev up{n} && ip link set up{n} up && \
             nsenter -t $far -n ip addr add 10.0.{n}.1/24 dev far{n} && nsenter -t $far -n ip link set far{n} up && \
             ip route add default via 10.0.{n}.1 metric {n}0"
        )
    };
    // Beyond both is 192.0.2.9, a server in its own namespace that records its clients.
    let script = format!(
        "{{ unshare -n sleep 60 & far=$!; }} && until [ \"$(readlink /proc/$far/ns/net)\" != \"$(readlink /proc/self/ns/net)\" ]; do :; done && \
         {} && {} && nsenter -t $far -n ip link set lo up && nsenter -t $far -n ip addr add 192.0.2.9/32 dev lo && \
         {{ nsenter -t $far -n turnserver -n -S --no-cli --no-tls --no-dtls -L 192.0.2.9 -p 3478 \
            --pidfile $PWD/turn.pid --log-file stdout > turn.log 2>&1 & }} && \
         until nsenter -t $far -n grep -q :0D96 /proc/net/udp; do sleep 0.05; done",
        side(1),
        side(2)
    );
    for (bind, seen) in [("", "10.0.1.2"), ("bind = up2", "10.0.2.2"), ("bind = up1", "10.0.1.2")] {
        let home = Home::new();
        let stun = "[detector:stun]\nkind = stun\nserver = 192.0.2.9\n";
        home.config("ipv4 = stun", &format!("{bind}\n{stun}"));
        let Some(ended) = in_a_network(&home.scratch, &script, "") else { return };
        assert!(ended.stderr.contains(&format!("{seen} is not a public address")), "{bind}: {ended:?}");
    }
}

/// A proxy that records each request head and replies with this.
fn scripted_proxy(answer: &'static str) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&heads);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n > 0) {
                head.push(byte[0]);
            }
            log.lock().unwrap().push(String::from_utf8_lossy(&head).into_owned());
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (port, heads)
}

#[test]
fn updates_use_the_proxy_and_detectors_do_not() {
    let home = Home::new();
    let page = HttpServer::new(|_| Reply::ok(FOUR));
    let (port, heads) = scripted_proxy("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood");
    home.scratch.write("proxy.key", "pr0xy-canary\n", 0o600);
    let proxy = home.filled(&format!("proxy = http://carol@127.0.0.1:{port}\nproxy_password_file = {{dir}}/proxy.key"));
    let page = format!("[detector:page]\nkind = web\nurl = {}/\n", page.url());
    home.config(&format!("{proxy}\nipv4 = page"), &page);
    let ended = home.pass().arg("-v").go().expect(0);
    // A request in absolute form (RFC 9112, 3.2.2), with the proxy's password and the provider's.
    let head = heads.lock().unwrap().pop().unwrap();
    let url = home.filled("{url}");
    assert!(
        head.starts_with(&format!("GET {url}/nic/update?hostname=a.example.org&myip=198.41.0.4 HTTP/1.1\r\n")),
        "{head}"
    );
    assert!(head.contains("\r\nProxy-Authorization: Basic Y2Fyb2w6cHIweHktY2FuYXJ5\r\n"), "{head}");
    assert!(head.contains("\r\nAuthorization: Basic ") && head.contains("\r\nHost: 127.0.0.1:"), "{head}");
    assert_eq!((heads.lock().unwrap().len(), home.pushes()), (0, 0), "the page was asked directly");
    Canary::new(["pr0xy-canary", SECRET]).assert_silent(&ended, &home.scratch, &["homing.conf", "proxy.key"]);
    // A section may bypass the proxy.
    home.config(&format!("{proxy}\nipv4 = other"), "proxy = off").passes(0);
    assert_eq!((heads.lock().unwrap().len(), home.pushes()), (0, 1));
    // A detector uses a proxy if its own section has one.
    let (port, heads) = scripted_proxy("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n193.0.14.130");
    home.config("ipv4 = page", &page.replace("kind = web", &format!("kind = web\nproxy = http://127.0.0.1:{port}")));
    home.passes(0);
    let head = heads.lock().unwrap().pop().unwrap();
    assert!(head.starts_with("GET http://127.0.0.1:") && !head.contains("Proxy-Authorization"), "{head}");
    assert!(home.sent().contains(&"193.0.14.130".to_string()));
}

#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs TLS")]
fn proxy_failures_are_reported() {
    let home = Home::new();
    for (answer, says) in [
        ("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "wants another user or password (407)"),
        ("HTTP/1.1 403 Filtered\r\n\r\n", "refused to connect to api.example.net:443: HTTP 403"),
        ("HTTP/1.1 2000 OK\r\n\r\n", "no proper answer"),
        ("SSH-2.0-x\r\n\r\n", "no proper answer"),
        ("", "no answer in time"),
        ("HTTP/1.1 200 OK\r\n", "no answer in time"),
    ] {
        let (port, heads) = scripted_proxy(answer);
        home.config(&format!("timeout = 1s\nipv4 = four\nproxy = http://127.0.0.1:{port}"), "");
        let text = home.scratch.read("homing.conf").replace(&home.filled("{url}/"), "https://api.example.net/");
        home.scratch.write("homing.conf", &text, 0o600);
        let ended = home.pass().arg("--force").go().expect(1);
        let gone = ended.stderr.contains("connection closed") || ended.stderr.contains("no proper answer");
        assert!(ended.stderr.contains(says) || (says.contains("in time") && gone), "{answer:?}: {}", ended.stderr);
        assert!(ended.took < seconds(8), "{answer:?}");
        let head = heads.lock().unwrap().pop().unwrap();
        assert!(
            head.starts_with("CONNECT api.example.net:443 HTTP/1.1\r\nHost: api.example.net:443\r\n\r\n"),
            "{head}"
        );
        assert!(!head.contains("Authorization"), "the provider's password is not sent to the proxy");
    }
    let endless: &'static str = Box::leak("x".repeat(1 << 20).into_boxed_str());
    let (port, _) = scripted_proxy(endless);
    home.config(&format!("ipv4 = four\nproxy = http://127.0.0.1:{port}"), "");
    let text = home.scratch.read("homing.conf").replace(&home.filled("{url}/"), "https://api.example.net/");
    home.scratch.write("homing.conf", &text, 0o600);
    home.pass().arg("--force").go().expect(1).says("no proper answer");
    for (proxy, says) in [
        ("proxy = http://carol:hunter2@127.0.0.1:1", "use proxy_password_file"),
        ("proxy = http://carol@127.0.0.1:1", "has a user but no password"),
        ("proxy = http://127.0.0.1:1\nproxy_password = y0uknow", "has no user for the password"),
        ("proxy = http://127.0.0.1", "is not a host with a port"),
        ("proxy = https://127.0.0.1:1", "write http://host:3128"),
        ("proxy_password = y0uknow", "'proxy_password' needs 'proxy'"),
    ] {
        home.config(&format!("ipv4 = four\n{proxy}"), "");
        let ended = home.pass().arg("--check").go().expect(2).says(says);
        assert!(!ended.stderr.contains("hunter2"), "{}", ended.stderr);
    }
}

/// A provider that assigns another prefix: one machine updates all hosts in it, each with its own interface ID.
#[test]
fn ipv6_suffix_publishes_other_hosts_of_the_prefix() {
    let home = Home::new();
    let section = |name: &str, suffix: &str| {
        format!(
            "[{name}]\nprovider = dyndns2\nurl = {{url}}/{name}\nuser = bob\npassword = hunter7\nhosts = {name}.example.org\n{suffix}\n"
        )
    };
    let more = section("nas", "ipv6_suffix = ::1234/64") + &section("printer", "ipv6_suffix = 0:0:0:1::9/56");
    home.config("ipv4 = off\nipv6 = here", &more).set_detected("2a00:1:2:3:aaaa:bbbb:cccc:dddd");
    home.passes(0);
    let sent = home.sent();
    assert_eq!(sent, ["2a00:1:2:3:aaaa:bbbb:cccc:dddd", "2a00:1:2:3::1234", "2a00:1:2:1::9"]);
    assert!(
        home.history().ends_with(" ipv6 2a00:1:2:3:aaaa:bbbb:cccc:dddd here\n") && home.history().lines().count() == 1
    );
    assert!(home.state().contains("2a00:1:2:3::1234"));
    home.passes(0).silent();
    // This host's own interface ID changes: the others stay. Then the prefix changes.
    home.set_detected("2a00:1:2:3::7").passes(0);
    assert_eq!(home.sent()[3..], ["2a00:1:2:3::7"]);
    home.set_detected("2a00:9:9:9::7").passes(0);
    assert_eq!(home.sent()[4..], ["2a00:9:9:9::7", "2a00:9:9:9::1234", "2a00:9:9:1::9"]);
    // IPv4 has no suffix, nor has an address that is not detected.
    home.config("ipv4 = four\nipv6 = lost", &more).passes(1);
    assert_eq!(home.sent()[7..], [FOUR, FOUR, FOUR]);
    for (suffix, says) in [
        ("2a00::1/64", "the first 64 bits of '2a00::1/64' are not zero"),
        ("::1/129", "use 32 to 127"),
        ("1234", "::1234/64"),
        ("::/64", "not a host"),
    ] {
        home.config("ipv6 = six", &section("nas", &format!("ipv6_suffix = {suffix}")));
        home.pass().arg("--check").go().expect(2).says(says);
    }
}

/// An unauthenticated address waits for a second pass in every section, whichever part of it each publishes.
#[test]
fn an_unauthenticated_prefix_is_confirmed_in_each_section() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let home = Home::new();
    let name_server = |said: &str| {
        let said = Record::Address(said.parse().unwrap());
        DnsServer::on("[::1]:0", move |query| vec![query.answer(std::slice::from_ref(&said))])
    };
    let config = |server: &DnsServer| {
        let more = "ipv6_suffix = ::1\n[nas]\nprovider = dyndns2\nurl = {url}/nas\nuser = bob\npassword = hunter7\nhosts = nas.example.org\n\
                    ipv6_suffix = ::2\n";
        let detectors =
            format!("[detector:https]\nkind = web\nurl = https://{gone}/\n[detector:dns]\nkind = dns\nname = x.test\nserver = {}\n", server.address());
        home.config("ipv4 = off\nipv6 = https, dns", &format!("{more}{detectors}"));
    };
    let first = name_server("2a00:1::7");
    config(&first);
    home.passes(0);
    assert_eq!(home.sent(), ["2a00:1::1", "2a00:1::2"]);
    let second = name_server("2a00:2::7");
    config(&second);
    home.passes(1).says("if the next pass agrees");
    assert_eq!(home.pushes(), 2);
    home.passes(0);
    assert_eq!(home.sent()[2..], ["2a00:2::1", "2a00:2::2"]);
}
