//! Clients that harm, on purpose or not: floods, silence, leaving early, odd characters.

use crate::world::{basic, request, Reply, World, PASSWORD};
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const HOME: &str = "/nic/update?hostname=home.dyn.example&myip=9.9.9.9";

/// With a proxy in front, so that a test can come from anywhere.
fn behind_a_proxy(limits: &str) -> World {
    let mut world = World::new();
    world.limits = limits.to_string();
    world.daemon = "proxy_header = \"X-Forwarded-For\"\ntrusted_proxies = [\"127.0.0.1\"]\n".to_string();
    world.populate();
    world.start();
    world
}

#[test]
fn a_flood_of_wrong_passwords_from_everywhere_locks_nobody_out() {
    let world = behind_a_proxy("");
    let token = world.token(&[]);
    let home = "X-Forwarded-For: 198.41.0.4";
    let (by_password, by_token) = (basic("alice", PASSWORD), basic("", &token));
    assert_eq!(world.get(HOME, &[home, &by_password]).body, "good 9.9.9.9\n");
    let (over, sent) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for thread in 0..8_usize {
            let (world, over, sent) = (&world, &over, &sent);
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    let n = sent.fetch_add(1, Ordering::Relaxed);
                    let from = format!("X-Forwarded-For: 9.{thread}.{}.{}", n / 250 % 250, n % 250);
                    let body = world.get(HOME, &[&from, &basic("alice", "wrong")]).body;
                    assert!(["badauth\n", "911\n", "abuse\n"].contains(&body.as_str()), "{body}");
                }
            });
        }
        let mut slowest = Duration::ZERO;
        for _ in 0..20 {
            for login in [&by_password, &by_token] {
                let begun = Instant::now();
                assert_eq!(world.get(HOME, &[home, login]).body, "nochg 9.9.9.9\n");
                slowest = slowest.max(begun.elapsed());
            }
        }
        over.store(true, Ordering::Relaxed);
        assert!(slowest < Duration::from_secs(2), "{slowest:?} on a busy machine");
    });
    let memory = world.memory();
    assert!(memory < 200_000, "{memory} KiB, in a build for tests");
}

#[test]
fn a_full_queue_of_passwords_is_a_fault_of_the_server() {
    let world = behind_a_proxy("enabled = false\n");
    let replies: Vec<Reply> = std::thread::scope(|scope| {
        let one = |n: usize| {
            let world = &world;
            move || world.get(HOME, &[&format!("X-Forwarded-For: 9.9.8.{n}"), &basic("alice", "wrong")])
        };
        let threads: Vec<_> = (0..60).map(|n| scope.spawn(one(n))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let of = |body: &str| replies.iter().filter(|reply| reply.body == body).count();
    assert_eq!(of("badauth\n") + of("911\n"), 60, "{replies:?}");
    let busy = replies.iter().find(|reply| reply.body == "911\n").expect("60 do not fit into a queue of 16");
    assert_eq!((busy.status, busy.header("retry-after")), (200, Some("60")));
}

#[test]
fn a_change_is_finished_without_its_client() {
    let world = World::ready();
    // The first message takes BIND's zone and key; the next one is under way while BIND sleeps.
    assert_eq!(world.update("hostname=home.dyn.example&myip=9.9.9.1").body, "good 9.9.9.1\n");
    world.signal_bind("STOP");
    let mut stream = world.connect();
    let text = request("GET", &HOME.replace("9.9.9.9", "9.9.9.2"), &[&basic("alice", PASSWORD)], "");
    stream.write_all(text.as_bytes()).unwrap();
    let begun = Instant::now();
    while !is_waiting(world.dns_port()) {
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", world.log());
    }
    drop(stream);
    world.signal_bind("CONT");
    let begun = Instant::now();
    while world.dig("home.dyn.example", "A") != ["9.9.9.2"] {
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", world.log());
    }
}

/// Whether a message waits at this port, to be read.
fn is_waiting(port: u16) -> bool {
    ["udp", "tcp"].iter().any(|kind| {
        let table = std::fs::read_to_string(format!("/proc/net/{kind}")).unwrap();
        table.lines().skip(1).any(|line| {
            let fields: Vec<_> = line.split_whitespace().collect();
            fields[1].ends_with(&format!(":{port:04X}")) && !fields[4].ends_with(":00000000")
        })
    })
}

#[test]
fn a_name_server_that_never_answers_is_911_after_twelve_seconds() {
    let mut world = World::without_bind();
    let silent = UdpSocket::bind(("127.0.0.1", world.dns_port())).unwrap();
    world.dns = "dns_timeout = 30\n".to_string();
    world.populate();
    world.start();
    let begun = Instant::now();
    let reply = world.update("hostname=home.dyn.example&myip=9.9.9.9");
    let took = begun.elapsed();
    assert_eq!((reply.status, reply.body.as_str(), reply.header("retry-after")), (200, "911\n", Some("60")));
    assert!((Duration::from_secs(11)..Duration::from_secs(25)).contains(&took), "{took:?}");
    drop(silent);
}

#[test]
fn a_name_server_that_never_answers_is_dnserr_after_the_configured_time() {
    let mut world = World::without_bind();
    let silent = UdpSocket::bind(("127.0.0.1", world.dns_port())).unwrap();
    world.dns = "dns_timeout = 1\n".to_string();
    world.populate();
    world.start();
    let begun = Instant::now();
    assert_eq!(world.update("hostname=home.dyn.example&myip=9.9.9.9").body, "dnserr\n");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    let begun = Instant::now();
    assert_eq!(world.update("hostname=home.dyn.example&myip=9.9.9.9").body, "dnserr\n");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    drop(silent);
}

#[test]
fn no_character_of_a_client_reaches_a_header_or_breaks_json() {
    let world = World::ready();
    let alice = basic("alice", PASSWORD);
    let evil = "a%0d%0aSet-Cookie:%20x%22%5c%00%e2%80%ae.example";
    let target = format!("/update?hostname=home.dyn.example,{evil}&myip=9.9.9.9");
    let reply = world.get(&target, &[&alice, "Accept: application/json"]);
    let json: serde_json::Value = serde_json::from_str(&reply.body).expect("JSON");
    assert_eq!(json["hosts"][1]["status"], "notfqdn");
    assert_eq!(json["hosts"][1]["hostname"], "a\r\nSet-Cookie: x\"\\\0\u{202e}.example");
    assert!(!reply.head.to_lowercase().contains("set-cookie"), "{}", reply.head);
    assert_eq!(world.get(&target, &[&alice]).body, "nochg 9.9.9.9\nnotfqdn\n");
}

#[test]
fn one_source_has_its_share_of_connections() {
    let Some(here) = own_address() else {
        eprintln!("no address but loopback here: LEFT OUT that connections are limited per source");
        return;
    };
    let mut world = World::new();
    world.host = "0.0.0.0".to_string();
    world.daemon = "max_connections_per_source = 3\n".to_string();
    world.populate();
    world.start();
    let connect = || {
        let stream = TcpStream::connect(SocketAddr::new(here, world.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream
    };
    let served = |stream: &mut TcpStream| {
        let _ = stream.write_all(b"GET /myip HTTP/1.1\r\nHost: x\r\n\r\n");
        Reply::read(stream).is_some_and(|reply| reply.body == format!("{here}\n"))
    };
    let mut held: Vec<_> = (0..3).map(|_| connect()).collect();
    assert!(held.iter_mut().all(served));
    let mut fourth = connect();
    let mut all = Vec::new();
    let _ = fourth.write_all(b"GET /myip HTTP/1.1\r\nHost: x\r\n\r\n");
    let _ = fourth.read_to_end(&mut all);
    assert!(all.is_empty(), "{}", String::from_utf8_lossy(&all));
    assert_eq!(world.get("/myip", &[]).body, "127.0.0.1\n", "others are served");
}

/// An IPv4 address of this machine that is not loopback. Nothing is sent.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.53:53").ok()?;
    socket.local_addr().ok().map(|address| address.ip()).filter(|ip| !ip.is_loopback())
}
