//! HTTP: methods, versions, lengths, and what is refused.

use crate::world::{basic, request, Reply, World, PASSWORD};
use std::io::{Read, Write};
use std::time::{Duration, Instant};

/// Everything that the server still sends.
fn rest(stream: &mut impl Read) -> String {
    let mut all = Vec::new();
    // A reset is an end too.
    let _ = stream.read_to_end(&mut all);
    String::from_utf8_lossy(&all).into_owned()
}

#[test]
fn get_head_and_post_do_the_same() {
    let world = World::ready();
    let alice = basic("alice", PASSWORD);
    assert_eq!(world.update("hostname=home.dyn.example&myip=9.9.9.1").body, "good 9.9.9.1\n");
    assert_eq!(world.dig("home.dyn.example", "A"), ["9.9.9.1"]);
    let mut stream = world.connect();
    let head = request("HEAD", "/nic/update?hostname=home.dyn.example&myip=9.9.9.2", &[&alice], "");
    stream.write_all(head.as_bytes()).unwrap();
    let reply = rest(&mut stream).to_lowercase();
    assert!(reply.starts_with("http/1.1 200 ok\r\n") && reply.ends_with("\r\n\r\n"), "{reply}");
    assert!(reply.contains("content-length: 13\r\n"), "{reply}");
    assert_eq!(world.dig("home.dyn.example", "A"), ["9.9.9.2"]);
    let form = "hostname=home.dyn.example&myip=9.9.9.3";
    assert_eq!(world.post("/nic/update", &[&alice], form).body, "good 9.9.9.3\n");
    let form = format!("{form}&username=alice&password=correct+horse");
    assert_eq!(world.post("/nic/update", &[], &form).body, "nochg 9.9.9.3\n");
    let reply = world.post("/nic/update?hostname=home.dyn.example", &[&alice], "myip=9.9.9.4");
    assert_eq!(reply.body, "good 9.9.9.4\n", "query and form together");
}

#[test]
fn the_three_default_paths_and_no_others_take_updates() {
    let world = World::ready();
    for path in ["/update", "/nic/update", "/v3/update"] {
        let reply = world.get(&format!("{path}?hostname=home.dyn.example&myip=9.9.9.9"), &[&basic("alice", PASSWORD)]);
        assert!(reply.body == "good 9.9.9.9\n" || reply.body == "nochg 9.9.9.9\n", "{path} {reply:?}");
    }
    for path in ["/", "/nic/update/", "/nic", "/nic%2Fupdate", "/metrics", "/health", "//nic/update"] {
        let reply = world.get(path, &[&basic("alice", PASSWORD)]);
        assert_eq!((reply.status, reply.body.as_str()), (404, "not found\n"), "{path}");
    }
}

#[test]
fn http_1_0_is_answered_and_closed() {
    let world = World::ready();
    let mut stream = world.connect();
    let line = basic("alice", PASSWORD);
    let text = format!("GET /nic/update?hostname=home.dyn.example&myip=9.9.9.9 HTTP/1.0\r\n{line}\r\n\r\n");
    stream.write_all(text.as_bytes()).unwrap();
    let reply = rest(&mut stream);
    assert!(reply.starts_with("HTTP/1.0 200 OK\r\n") && reply.ends_with("\r\n\r\ngood 9.9.9.9\n"), "{reply}");
    assert!(reply.to_lowercase().contains("content-length: 13\r\n"), "{reply}");
}

#[test]
fn transfer_encoding_is_refused_and_the_connection_closed() {
    let world = World::ready();
    let line = basic("alice", PASSWORD);
    for framing in [
        "Transfer-Encoding: chunked\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    ] {
        let mut stream = world.connect();
        let smuggled = "GET /nic/update?hostname=home.dyn.example&myip=9.9.9.66 HTTP/1.1\r\nHost: x\r\n";
        let text = format!(
            "POST /nic/update HTTP/1.1\r\nHost: x\r\n{line}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n{framing}\r\n0\r\n\r\n{smuggled}{line}\r\n\r\n"
        );
        stream.write_all(text.as_bytes()).unwrap();
        let reply = rest(&mut stream);
        assert!(reply.starts_with("HTTP/1.1 400 ") && reply.matches("HTTP/1.1").count() == 1, "{framing}{reply}");
        assert!(reply.to_lowercase().contains("connection: close"), "{reply}");
    }
    assert!(world.dig("home.dyn.example", "A").is_empty());
}

#[test]
fn contradictory_lengths_are_refused() {
    let world = World::ready();
    let text = "POST /nic/update HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef";
    let mut stream = world.connect();
    stream.write_all(text.as_bytes()).unwrap();
    let reply = rest(&mut stream);
    assert!(reply.is_empty() || reply.starts_with("HTTP/1.1 400 "), "{reply}");
    assert!(reply.matches("HTTP/1.1").count() <= 1, "{reply}");
}

#[test]
fn what_is_no_form_or_too_long_is_refused() {
    let world = World::ready();
    let alice = basic("alice", PASSWORD);
    let long = format!("hostname=home.dyn.example&myip=9.9.9.9&x={}", "x".repeat(9000));
    assert_eq!(world.post("/nic/update", &[&alice], &long).status, 400);
    let json = request("POST", "/nic/update", &[&alice, "Content-Type: application/json"], "{}");
    assert_eq!(world.raw(json.as_bytes()).status, 400);
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS"] {
        let text = request(method, "/nic/update?hostname=home.dyn.example&myip=9.9.9.9", &[&alice], "");
        assert_eq!(world.raw(text.as_bytes()).status, 400, "{method}");
    }
    assert!(world.dig("home.dyn.example", "A").is_empty());
}

#[test]
fn a_connection_takes_a_hundred_requests() {
    let world = World::ready();
    let mut stream = world.connect();
    for n in 1..=100 {
        stream.write_all(b"GET /myip HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let reply = Reply::read(&mut stream).unwrap();
        assert_eq!((reply.status, reply.body.as_str()), (200, "127.0.0.1\n"), "{n}");
        assert_eq!(reply.header("connection") == Some("close"), n == 100, "{n}");
    }
    assert_eq!(rest(&mut stream), "");
}

#[test]
fn the_address_pages_answer_without_a_login() {
    let world = World::ready();
    let reply = world.get("/myip", &[]);
    assert_eq!((reply.status, reply.body.as_str()), (200, "127.0.0.1\n"));
    let page = "<html><head><title>Current IP Check</title></head><body>Current IP Address: 127.0.0.1</body></html>\n";
    let reply = world.get("/nic/checkip.html", &[]);
    assert_eq!((reply.body.as_str(), reply.header("content-type")), (page, Some("text/html; charset=utf-8")));
}

#[test]
fn heads_that_are_too_large_do_not_reach_a_handler() {
    let world = World::ready();
    let alice = basic("alice", PASSWORD);
    let target = "/nic/update?hostname=home.dyn.example&myip=9.9.9.9";
    let many: Vec<String> = (0..70).map(|n| format!("X-{n}: 1")).collect();
    let long = vec![format!("X-Long: {}", "x".repeat(20_000))];
    for lines in [many, long] {
        let mut lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        lines.push(&alice);
        let mut stream = world.connect();
        // It may be closed before all was sent.
        let _ = stream.write_all(request("GET", target, &lines, "").as_bytes());
        let reply = rest(&mut stream);
        assert!(reply.is_empty() || reply.starts_with("HTTP/1.1 431 "), "{reply}");
    }
    assert!(world.dig("home.dyn.example", "A").is_empty());
}

#[test]
fn half_a_head_and_silence_end_after_five_seconds() {
    let world = World::ready();
    let begun = Instant::now();
    let mut streams: Vec<_> = (0..3).map(|_| world.connect()).collect();
    streams[1].write_all(b"GET /myip HTTP/1.1\r\nHost: ").unwrap();
    // The third one has been served once.
    streams[2].write_all(b"GET /myip HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert_eq!(Reply::read(&mut streams[2]).unwrap().status, 200);
    for stream in &mut streams {
        let left = rest(stream);
        assert!(left.is_empty() || left.starts_with("HTTP/1.1 408 "), "{left}");
    }
    let took = begun.elapsed();
    assert!(took >= Duration::from_secs(4) && took < Duration::from_secs(30), "{took:?}");
}

#[test]
fn a_body_that_never_ends_is_given_up() {
    let world = World::ready();
    let mut stream = world.connect();
    let text = "POST /nic/update HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n\
                Content-Length: 100\r\n\r\nhost";
    let begun = Instant::now();
    stream.write_all(text.as_bytes()).unwrap();
    let reply = rest(&mut stream);
    assert!(reply.contains("\r\n\r\n911\n") || reply.contains(" 400 ") || reply.is_empty(), "{reply}");
    assert!(begun.elapsed() < Duration::from_secs(40), "{:?}", begun.elapsed());
}

#[test]
fn a_thousand_half_sent_heads_lock_nobody_out() {
    let world = World::ready();
    assert_eq!(world.update("hostname=home.dyn.example&myip=9.9.9.9").body, "good 9.9.9.9\n");
    let mut held = Vec::new();
    for _ in 0..1000 {
        let Ok(mut stream) = std::net::TcpStream::connect(world.address()) else { continue };
        let _ = stream.write_all(b"GET /nic/update?hostname=home.dyn.exam");
        held.push(stream);
    }
    // The first of them have now had time to send the rest.
    std::thread::sleep(Duration::from_millis(600));
    let mut slowest = Duration::ZERO;
    for _ in 0..20 {
        let begun = Instant::now();
        let reply = world.update("hostname=home.dyn.example&myip=9.9.9.9");
        assert_eq!(reply.body, "nochg 9.9.9.9\n");
        slowest = slowest.max(begun.elapsed());
    }
    let memory = world.memory();
    assert!(memory < 120_000, "{memory} KiB, in a build for tests");
    assert!(slowest < Duration::from_secs(2), "{slowest:?} on a busy machine");
}

#[test]
fn connections_over_the_limit_are_closed_without_a_reply() {
    let mut world = World::new();
    world.daemon = "max_connections = 2\n".to_string();
    world.populate();
    world.start();
    // The one that found out that it has started may still be counted.
    let begun = Instant::now();
    let held = loop {
        let held: Vec<_> = (0..2)
            .map(|_| {
                let mut stream = world.connect();
                stream.write_all(b"GET /myip HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
                Reply::read(&mut stream).map(|_| stream)
            })
            .collect();
        if held.iter().all(Option::is_some) {
            break held;
        }
        assert!(begun.elapsed() < Duration::from_secs(30));
    };
    let mut over = world.connect();
    let _ = over.write_all(b"GET /myip HTTP/1.1\r\nHost: x\r\n\r\n");
    let reply = rest(&mut over);
    drop(held);
    assert_eq!(reply, "");
}
