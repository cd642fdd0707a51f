//! Detecting the address with a STUN server, from a Teredo tunnel and from a file.

use crate::testbed::{in_a_network, seconds, Home, UdpServer, FOUR, OTHER};
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

/// A STUN message with these attributes, in reply to this request.
fn reply(request: &[u8], kind: u16, attributes: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (kind, value) in attributes {
        body.extend(kind.to_be_bytes().into_iter().chain((value.len() as u16).to_be_bytes()));
        body.extend(value);
        body.resize(body.len().next_multiple_of(4), 0);
    }
    let head = [kind.to_be_bytes(), (body.len() as u16).to_be_bytes()].concat();
    [&head[..], &request[4..20], &body].concat()
}

/// An XOR-MAPPED-ADDRESS attribute with this address.
fn mapped(address: &str) -> (u16, Vec<u8>) {
    let address: Ipv4Addr = address.parse().unwrap();
    let veiled: Vec<u8> = address.octets().iter().zip(0x2112_a442_u32.to_be_bytes()).map(|(a, b)| a ^ b).collect();
    (0x20, [&[0, 1, 0xa1, 0x47], &veiled[..]].concat())
}

fn good(request: &[u8], address: &str) -> Vec<u8> {
    reply(request, 0x101, &[mapped(address)])
}

fn detector(name: &str, server: &UdpServer) -> String {
    format!("[detector:{name}]\nkind = stun\nserver = {}\n", server.address())
}

#[test]
fn stun_answers_to_other_transactions_are_ignored() {
    let home = Home::new();
    let server = UdpServer::on("127.0.0.1:0", |request| {
        let mut all: Vec<Vec<u8>> = (0..20)
            .map(|i| {
                let mut wrong = good(request, OTHER);
                // One wrong byte at a time in type, cookie and transaction ID.
                wrong[if i < 2 { i } else { i + 2 }] ^= 0x20;
                wrong
            })
            .take(18)
            .collect();
        all.extend([request.to_vec(), Vec::new(), vec![0; 19], good(request, FOUR)]);
        all
    });
    home.config("ipv4 = s", &detector("s", &server)).passes(0);
    assert_eq!((home.sent(), server.count()), (vec![FOUR.to_string()], 1));
    let (request, _) = &server.asked()[0];
    assert_eq!(
        (request.len(), &request[..8]),
        (20, &[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42][..]),
        "no attribute identifies the client"
    );
    home.passes(0).silent();
    assert_ne!(server.asked()[1].0, *request, "a new transaction ID each time");
}

/// The server's reply to a request.
type Answer = fn(&[u8]) -> Vec<u8>;

#[test]
fn invalid_stun_answers_fail_at_once() {
    let home = Home::new();
    let cases: [(&str, Answer, &str); 12] = [
        ("empty", |r| reply(r, 0x101, &[]), "no XOR-MAPPED-ADDRESS"),
        ("plain", |r| reply(r, 0x101, &[(1, vec![0, 1, 0, 0, 9, 9, 9, 9])]), "no XOR-MAPPED-ADDRESS"),
        ("error", |r| reply(r, 0x111, &[(9, b"\0\0\x05\0Server \x1b[1mError".to_vec())]), "said 500"),
        ("required", |r| reply(r, 0x101, &[mapped(OTHER), (0x7777, vec![1])]), "0x7777"),
        ("print", |r| reply(r, 0x101, &[mapped(OTHER), (0x8028, vec![1, 2, 3, 4])]), "fingerprint"),
        ("short", |r| good(r, OTHER)[..28].to_vec(), "not as long as it says"),
        ("long", |r| [good(r, OTHER), vec![0; 4]].concat(), "not as long as it says"),
        ("huge", |r| [good(r, OTHER), vec![0; 60_000]].concat(), "not as long as it says"),
        ("attribute", |r| reply(r, 0x101, &[(0x20, vec![0; 3])]), "no address"),
        ("sixth", |r| reply(r, 0x101, &[(0x20, [vec![0, 2, 0, 0], vec![9; 16]].concat())]), "not an ipv4"),
        ("private", |r| good(r, "10.0.0.1"), "10.0.0.1 is not a public address"),
        ("carrier", |r| good(r, "100.64.0.1"), "100.64.0.1 is not a public address"),
    ];
    for (name, answer, says) in cases {
        let server = UdpServer::on("127.0.0.1:0", move |request| vec![answer(request)]);
        home.config(&format!("ipv4 = {name}\nallow_private = yes"), &detector(name, &server));
        let ended = home.passes(1).says(&format!("{name}: ")).says(says);
        assert!(ended.took < seconds(5) && !ended.stderr.contains('\x1b'), "{name}: {ended:?}");
        assert_eq!((server.count(), home.pushes()), (1, 0), "{name}");
    }
}

#[test]
fn stun_answers_from_other_senders_are_ignored() {
    let home = Home::new();
    // Replies from another port than the request went to.
    let (socket, other_host) = (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    home.config(
        "timeout = 1s\nipv4 = s",
        &format!("[detector:s]\nkind = stun\nserver = {}\n", socket.local_addr().unwrap()),
    );
    let ended = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut request = [0; 64];
            let (length, peer) = socket.recv_from(&mut request).unwrap();
            other_host.send_to(&good(&request[..length], OTHER), peer).unwrap();
        });
        home.passes(1).says("s: no answer in time")
    });
    assert!(ended.took < seconds(8), "{:?}", ended.took);
    let silent = UdpServer::on("127.0.0.1:0", |_| Vec::new());
    let at = silent.address();
    home.config("timeout = 1s\nipv4 = s", &format!("[detector:s]\nkind = stun\nurl = stun:{at}\n"));
    home.passes(1).says("s: no answer in time");
    assert!(silent.count() >= 2, "asked again after half a second");
}

#[test]
fn a_file_detector_reads_the_first_line() {
    let home = Home::new();
    home.config("ipv4 = f", &home.filled("[detector:f]\nkind = file\nfile = {dir}/wan\n"));
    home.passes(1).says("cannot read ");
    let cases: [(&[u8], &str); 8] = [
        (b"", "is empty"),
        (b"198.41.0.4", "may be half written"),
        (b"198.41.0.4 and more\n", "not an IPv4 address"),
        (b"\n198.41.0.4\n", "not an IPv4 address"),
        (b"2620:fe::fe\n", "an IPv6 address where IPv4 was asked"),
        (b"198.41.0.4\x00\n", "not an IPv4 address"),
        (b"192.168.1.1\n", "not a public address"),
        (&[b'1'; 5000], "may be half written"),
    ];
    for (text, says) in cases {
        std::fs::write(home.scratch.path("wan"), text).unwrap();
        home.passes(1).says(says);
    }
    for place in ["/dev/zero", "/dev", "/proc/self/fd/0"] {
        home.config("ipv4 = f", &format!("[detector:f]\nkind = file\nfile = {place}\n"));
        let ended = home.passes(1).says("f: ");
        assert!(ended.took < seconds(5));
    }
    let pipe = home.scratch.path("pipe");
    if std::process::Command::new("mkfifo").arg(&pipe).status().is_ok_and(|made| made.success()) {
        home.config("ipv4 = f", &format!("[detector:f]\nkind = file\nfile = {}\n", pipe.display()));
        home.passes(1).says("is not a regular file");
    }
    assert_eq!((home.pushes(), home.stored_files().len()), (0, 0));
    home.config("ipv4 = f", &home.filled("[detector:f]\nkind = file\nfile = {dir}/wan\n"));
    home.scratch.write("wan", "198.41.0.4\r\nand whatever follows\n", 0o600);
    home.passes(0);
    assert_eq!(home.sent(), [FOUR]);
}

/// 2001:0:<server>:<flags>:<port>:<client>; the client is 198.41.0.4 inverted.
#[test]
fn a_teredo_address_contains_the_public_ipv4() {
    let made = "ip link add teredo type veth peer name far0 && ip link set teredo up && ip link set far0 up && \
                { sysctl -qw net.ipv6.conf.all.disable_ipv6=0; sysctl -qw net.ipv6.conf.teredo.disable_ipv6=0; \
                ip addr add 2001:0:4136:e378:8000:63bf:39d6:fffb/32 dev teredo nodad; }";
    for (head, script, history) in [
        ("ipv4 = teredo", made, " ipv4 198.41.0.4 teredo\n"),
        ("ipv4 = off\nipv6 = teredo", made, " ipv6 2001:0:4136:e378:8000:63bf:39d6:fffb teredo\n"),
        ("ipv4 = off\nipv6 = interface", made, ""),
        ("ipv4 = teredo", "true", ""),
    ] {
        let home = Home::new();
        home.config(head, "");
        let Some(ended) = in_a_network(&home.scratch, script, "") else { return };
        assert_eq!(ended.code, Some(1), "{head}: {}", ended.stderr);
        assert!(
            home.history().ends_with(history) && home.history().is_empty() == history.is_empty(),
            "{head}: {ended:?}"
        );
        if history.is_empty() {
            let says =
                if head.contains("interface") { "a Teredo tunnel" } else { "no Teredo address on any interface" };
            assert!(ended.stderr.contains(says), "{head}: {}", ended.stderr);
        }
    }
}
