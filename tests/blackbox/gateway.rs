//! The router as detector, with a scripted router: answers that a real one never gives, and no answers.

use crate::testbed::{in_a_network, seconds, Home, HttpServer, Reply, UdpServer, FOUR, OTHER};
use std::net::Ipv4Addr;

/// A PCP response to this request with this result code and external address (RFC 6887 §7.2, §11.1).
fn pcp(request: &[u8], code: u8, address: &str) -> Vec<u8> {
    let external = address.parse::<Ipv4Addr>().unwrap().to_ipv6_mapped().octets();
    let mut reply = request.to_vec();
    (reply[1], reply[3]) = (0x81, code);
    reply[8..24].fill(0);
    reply[42..44].copy_from_slice(&[0x30, 0x39]);
    reply[44..].copy_from_slice(&external);
    reply
}

/// A NAT-PMP response (RFC 6886 §3.2).
fn nat_pmp(code: u8, address: &str) -> Vec<u8> {
    [&[0, 128, 0, code, 0, 0, 0, 9][..], &address.parse::<Ipv4Addr>().unwrap().octets()].concat()
}

fn is_pcp(request: &[u8]) -> bool {
    request.first() == Some(&2)
}

/// Whether a PCP request deletes its mapping.
fn is_farewell(request: &[u8]) -> bool {
    request[4..8] == [0; 4]
}

fn config(home: &Home, head: &str, server: &UdpServer, more: &str) {
    let own = format!("[detector:gateway]\nserver = {}\n{more}\n", server.address());
    home.config(&format!("ipv4 = gateway\n{head}"), &own);
}

#[test]
fn pcp_answers_with_another_nonce_are_ignored() {
    let home = Home::new();
    let router = UdpServer::on("127.0.0.1:0", |request| {
        let good = pcp(request, 0, FOUR);
        // One wrong bit in version, opcode, nonce, protocol or port.
        let mut all: Vec<Vec<u8>> = [0, 1, 24, 30, 35, 36, 41]
            .map(|at| {
                let mut wrong = pcp(request, 0, OTHER);
                wrong[at] ^= 4;
                wrong
            })
            .to_vec();
        all.extend([request.to_vec(), Vec::new(), good[..59].to_vec(), good]);
        all
    });
    config(&home, "", &router, "");
    home.passes(0);
    assert_eq!(home.sent(), [FOUR]);
    let asked: Vec<Vec<u8>> = router.asked().into_iter().map(|(request, _)| request).collect();
    assert_eq!((asked.len(), is_farewell(&asked[0]), is_farewell(&asked[1])), (2, false, true));
    assert_eq!(asked[0][24..44], asked[1][24..44], "the same mapping is deleted");
    assert_eq!(asked[0][8..24], Ipv4Addr::LOCALHOST.to_ipv6_mapped().octets());
    home.passes(0).silent();
    assert_ne!(router.asked()[2].0[24..36], asked[0][24..36], "another nonce each time");
}

#[test]
fn gateway_protocols_are_tried_in_order() {
    type Answer = fn(&[u8]) -> Vec<Vec<u8>>;
    let cases: [(&str, Answer); 6] = [
        ("a router of NAT-PMP alone", |request| match is_pcp(request) {
            true => vec![vec![0, 0x81, 0, 1, 0, 0, 0, 9]],
            false => vec![nat_pmp(0, FOUR)],
        }),
        ("PCP that is not allowed", |request| match is_pcp(request) {
            // The address in an error response is ignored.
            true => vec![pcp(request, 2, OTHER)],
            false => vec![nat_pmp(0, FOUR)],
        }),
        ("PCP without an address", |request| match is_pcp(request) {
            true => vec![pcp(request, 0, "0.0.0.0")],
            false => vec![nat_pmp(0, FOUR)],
        }),
        ("PCP that is silent", |request| match is_pcp(request) {
            true => Vec::new(),
            false => vec![nat_pmp(0, FOUR)],
        }),
        ("NAT-PMP among strays", |request| match is_pcp(request) {
            true => vec![pcp(request, 8, OTHER)],
            false => vec![
                vec![0, 129, 0, 0, 0, 0, 0, 9, 193, 0, 14, 129],
                vec![0, 0],
                vec![],
                vec![0, 128],
                nat_pmp(0, FOUR),
            ],
        }),
        ("a datagram of the largest size", |request| match is_pcp(request) {
            true => vec![vec![2; 60_000], vec![0xff; 1500], pcp(request, 0, FOUR)],
            false => Vec::new(),
        }),
    ];
    for (name, answer) in cases {
        let home = Home::new();
        let router = UdpServer::on("127.0.0.1:0", answer);
        config(&home, "timeout = 4s", &router, "protocols = pcp, nat-pmp");
        let ended = home.pass().go();
        assert_eq!((ended.code, home.sent()), (Some(0), vec![FOUR.to_string()]), "{name}: {ended:?}");
    }
}

#[test]
fn a_silent_router_is_given_up_quickly() {
    let home = Home::new();
    let silent = UdpServer::on("127.0.0.1:0", |_| Vec::new());
    config(&home, "timeout = 2s", &silent, "protocols = pcp, nat-pmp");
    let ended = home.passes(1).says("PCP: no answer in time; NAT-PMP: no answer in time");
    assert!(ended.took < seconds(5) && silent.count() >= 3, "{ended:?}");
    let broken = UdpServer::on("127.0.0.1:0", |request| match is_pcp(request) {
        true => vec![pcp(request, 7, OTHER)],
        false => vec![nat_pmp(3, OTHER)],
    });
    config(&home, "", &broken, "protocols = nat-pmp, pcp");
    home.passes(1).says("NAT-PMP: the router said: network failure (3); PCP: the router said: network failure (7)");
    config(&home, "", &broken, "protocols = pcp");
    let nobody = home.scratch.read("homing.conf").replace(&broken.address().to_string(), "127.0.0.1:9");
    home.scratch.write("homing.conf", &nobody, 0o600);
    home.passes(1).says("PCP: connection refused");
    assert_eq!((home.pushes(), home.stored_files().len()), (0, 0));
}

#[test]
fn an_unreachable_router_address_is_explained_and_not_published() {
    for (address, reason, meant) in [
        ("100.64.7.7", "which the provider shares among customers", "carrier-grade NAT, RFC 6598"),
        ("192.168.0.9", "so another router stands before it", "Ports must be forwarded on both"),
    ] {
        let home = Home::new();
        let router = UdpServer::on("127.0.0.1:0", move |_| vec![nat_pmp(0, address)]);
        config(&home, "", &router, "protocols = nat-pmp");
        home.passes(1).says(&format!("gateway: the router has {address}, {reason}"));
        let ended = home.pass().arg("--detect").go();
        let row = ended.stdout.lines().find(|line| line.starts_with("gateway ")).unwrap();
        assert!(row.contains(reason) && ended.stdout.contains(meant), "{}", ended.stdout);
        assert_eq!(home.pushes(), 0);
        config(&home, "allow_private = yes", &router, "protocols = nat-pmp");
        home.passes(0);
        assert_eq!(home.sent(), [address]);
    }
    let home = Home::new();
    let router = UdpServer::on("127.0.0.1:0", |_| vec![nat_pmp(0, FOUR)]);
    let web = "[detector:web]\nkind = fixed\naddress = 193.0.14.129\n";
    home.config(
        "ipv4 = web, gateway",
        &format!("{web}[detector:gateway]\nserver = {}\nprotocols = nat-pmp\n", router.address()),
    );
    let ended = home.pass().arg("--detect").go();
    assert!(ended.stdout.contains("the router has 198.41.0.4 and the web sees 193.0.14.129"), "{}", ended.stdout);
}

/// A router's description, and its response to GetExternalIPAddress.
fn igd(service: &str, control: &str, answer: &str) -> HttpServer {
    let description = format!(
        "<?xml version=\"1.0\"?>\n<root><device><serviceList><service><serviceType>{service}</serviceType>\
         <SCPDURL>/x.xml</SCPDURL><controlURL>{control}</controlURL></service></serviceList></device></root>"
    );
    let answer = answer.to_string();
    HttpServer::new(move |request| match (request.method.as_str(), request.target.as_str()) {
        ("GET", "/root.xml") => Reply::ok(&description),
        ("POST", "/ctl") if answer.contains("<errorCode>") => Reply::new(500, &[], &answer),
        ("POST", "/ctl") => Reply::ok(&answer),
        _ => Reply::new(404, &[], "no"),
    })
}

fn said(address: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><s:Envelope><s:Body><u:GetExternalIPAddressResponse><NewExternalIPAddress>{address}\
         </NewExternalIPAddress></u:GetExternalIPAddressResponse></s:Body></s:Envelope>"
    )
}

const IP: &str = "urn:schemas-upnp-org:service:WANIPConnection:1";

fn upnp(home: &Home, server: &HttpServer) {
    let own = format!("[detector:gateway]\nprotocols = upnp\nurl = {}/root.xml\n", server.url());
    home.config("ipv4 = gateway", &own);
}

#[test]
fn upnp_uses_the_control_url_of_the_description() {
    for service in
        [IP, "urn:schemas-upnp-org:service:WANIPConnection:2", "urn:schemas-upnp-org:service:WANPPPConnection:1"]
    {
        let home = Home::new();
        let server = igd(service, "/ctl", &said(FOUR));
        upnp(&home, &server);
        home.passes(0);
        assert_eq!(home.sent(), [FOUR]);
        let post = &server.asked()[1];
        assert_eq!(post.header("SOAPAction"), Some(format!("\"{service}#GetExternalIPAddress\"").as_str()));
        assert!(post.text().contains(&format!("<u:GetExternalIPAddress xmlns:u=\"{service}\">")), "{}", post.text());
        assert!(post.header("Authorization").is_none());
    }
}

#[test]
fn upnp_rejects_other_hosts_and_endless_answers() {
    let other = HttpServer::new(|_| Reply::ok(&said(OTHER)));
    let elsewhere = format!("{}/ctl", other.url().replace("127.0.0.1", "127.0.0.2"));
    let long = format!("{}{}", said(OTHER), " ".repeat(70_000));
    let cases = [
        (igd(IP, &elsewhere, &said(OTHER)), "points to another machine"),
        (igd(IP, "https://127.0.0.1/ctl", &said(OTHER)), "points to another machine"),
        (igd("urn:schemas-upnp-org:service:WANCommonInterfaceConfig:1", "/ctl", &said(OTHER)), "names no connection"),
        (igd(IP, "/ctl", &said("")), "the router has no address now"),
        (igd(IP, "/ctl", &said("0.0.0.0")), "the router has no address now"),
        (igd(IP, "/ctl", &said("2620:fe::fe")), "not an IPv4 address"),
        (igd(IP, "/ctl", &said("<b>193.0.14.129</b>")), "not an IPv4 address"),
        (igd(IP, "/ctl", "<html>\u{1b}[31m193.0.14.129</html>"), "no address in the answer"),
        (
            igd(IP, "/ctl", "<errorCode>501</errorCode><errorDescription>Action Failed</errorDescription>"),
            "\"501\" \"Action Failed\"",
        ),
        (igd(IP, "/gone", &said(OTHER)), "404"),
        (igd(IP, "/ctl", &long), "larger than"),
        (HttpServer::new(|_| Reply::ok(&"<service>".repeat(20_000))), "larger than"),
        (HttpServer::new(|_| Reply::ok(&"<service>".repeat(5_000))), "names no connection"),
        (HttpServer::new(|_| Reply::new(302, &[("Location", "http://127.0.0.2/")], "")), "redirect"),
    ];
    for (server, says) in cases {
        let home = Home::new();
        upnp(&home, &server);
        let ended = home.passes(1).says("UPnP: ").says(says);
        assert!(ended.took < seconds(8) && !ended.stderr.contains('\x1b'), "{ended:?}");
        assert_eq!(home.pushes(), 0, "{says}");
    }
    assert_eq!(other.count(), 0);
}

/// Discovery: only the router's response counts, and only with a description URL at the router.
#[test]
fn upnp_discovery_ignores_answers_from_other_hosts() {
    for (router, place, says) in [
        ("127.77.0.1", "127.77.0.1", ""),
        ("127.77.0.2", "127.77.0.9", "UPnP: its answer points to another machine"),
        ("127.77.0.3", "", "UPnP: no answer in time"),
    ] {
        let description = format!("<service><serviceType>{IP}</serviceType><controlURL>/ctl</controlURL></service>");
        let server = HttpServer::on(&format!("{router}:0"), move |request| match request.method.as_str() {
            "GET" => Reply::ok(&description),
            _ => Reply::ok(&said(FOUR)),
        });
        let port = server.url().rsplit(':').next().unwrap().trim_end_matches('/').to_string();
        let answer = format!("HTTP/1.1 200 OK\r\nEXT:\r\nlocation: http://{place}:{port}/root.xml\r\n\r\n");
        // Another host answers, unasked and repeatedly.
        let other_host = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let ssdp = UdpServer::on(&format!("{router}:1900"), move |request| {
            assert!(request.starts_with(b"M-SEARCH * HTTP/1.1\r\n"));
            let junk = ["", "NOTIFY * HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\nLOCATION: \u{1b}\r\n\r\n"];
            junk.iter().copied().chain((!place.is_empty()).then_some(answer.as_str())).map(|text| text.into()).collect()
        });
        let home = Home::new();
        let own = format!("[detector:gateway]\nserver = {router}\nprotocols = upnp\n");
        home.config("timeout = 3s\nipv4 = gateway", &own);
        let ended = std::thread::scope(|scope| {
            scope.spawn(|| {
                let from = std::time::Instant::now();
                while ssdp.count() == 0 && from.elapsed() < seconds(20) {
                    std::thread::sleep(std::time::Duration::from_millis(2));
                }
                let lie = format!("HTTP/1.1 200 OK\r\nLOCATION: http://{router}:1/evil.xml\r\n\r\n");
                ssdp.asked().first().map(|(_, peer)| other_host.send_to(lie.as_bytes(), peer));
            });
            home.pass().go()
        });
        match says {
            "" => assert_eq!((ended.code, home.sent()), (Some(0), vec![FOUR.to_string()]), "{ended:?}"),
            _ => assert!(ended.code == Some(1) && ended.stderr.contains(says) && home.pushes() == 0, "{ended:?}"),
        }
        assert!(ended.took < seconds(10) && (says.is_empty() || server.count() == 0), "{ended:?}");
    }
}

#[test]
fn an_invalid_gateway_setting_is_rejected() {
    let home = Home::new();
    for (keys, says) in [
        ("protocols = pcp, pcp", "use each of pcp, nat-pmp, upnp once"),
        ("protocols = igd", "use each of pcp, nat-pmp, upnp once"),
        ("url = https://192.168.1.1/", "write http:// and an address"),
        ("url = http://fritz.box:49000/igddesc.xml", "write http:// and an address"),
        ("server = a b", "server: "),
    ] {
        home.config("ipv4 = gateway", &format!("[detector:gateway]\n{keys}\n"));
        home.pass().arg("--check").go().expect(2).says(says);
    }
    home.config("ipv6 = gateway", "");
    home.pass()
        .arg("--check")
        .go()
        .expect(2)
        .says("homing.conf:3: ipv6: 'gateway' does not detect IPv6 addresses: use another detector, such as ipify or interface");
}

#[test]
fn a_missing_router_is_reported() {
    let line = "ip link add ppp0 type veth peer name far0 && ip link set ppp0 up && ip link set far0 up && \
                ip addr add 198.41.0.4/32 dev ppp0 && ip route add default dev ppp0";
    for (script, keys, says) in [
        ("true", "", "no router: there is no ipv4 default route"),
        (line, "", "no router: the line leads straight to the provider"),
        (line, "interface = far0", "no router: there is no ipv4 default route by far0"),
        (line, "interface = eth7", "there is no interface eth7"),
    ] {
        let home = Home::new();
        home.config("ipv4 = gateway", &format!("[detector:gateway]\n{keys}\n"));
        let Some(ended) = in_a_network(&home.scratch, script, "") else { return };
        assert!(ended.code == Some(1) && ended.stderr.contains(says), "{says}: {ended:?}");
        assert!(ended.took < seconds(5));
    }
}
