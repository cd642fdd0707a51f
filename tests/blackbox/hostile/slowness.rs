//! Slow servers. The timeout of a request and the deadline of a pass end all of them.

use super::attack::{all, case, run_cases, run_cases_over_tls, summary, Attack, Case, Role, BOTH, GOOD, PASSWORD};
use crate::testbed::{adjusted, seconds, HttpServer, Pki, Reply, Run, Scratch, TlsBehaviour};
use std::net::TcpListener;
use std::time::Duration;

/// The pause between two bytes; no such response completes within the deadline.
fn pause() -> Duration {
    seconds(1) / 20
}

fn both(name: &'static str, reply: Reply, expected: &'static str) -> Case {
    case(name, reply, [expected, expected])
}

fn drips() -> Vec<Case> {
    let head = "HTTP/1.1 200 OK\r\n";
    let drip = |start: &str, rest: String| Reply::raw(start.to_string()).then_drip(rest, pause());
    let chunks = format!("{head}Transfer-Encoding: chunked\r\n\r\n");
    vec![
        both("silence", Reply::nothing().then_hang(), "could not be confirmed"),
        both("a slow status line", drip("", "HTTP/1.1 200 OK".repeat(20)), "could not be confirmed"),
        both("slow headers", drip(head, "A: b\r\n".repeat(100)), "could not be confirmed"),
        both("a slow body", drip(&format!("{head}Content-Length: 500\r\n\r\n"), " ".repeat(500)), "not be confirmed"),
        both("a slow body without length", drip(&format!("{head}\r\n"), " ".repeat(500)), ""),
        both("slow chunks", drip(&chunks, "1\r\n \r\n".repeat(100)), "could not be confirmed"),
        both("silence in the headers", Reply::raw(head).then_hang(), "could not be confirmed"),
        both("silence in a chunk", Reply::raw(format!("{chunks}1f\r\ngood")).then_hang(), "could not be confirmed"),
        both(
            "silence before the last chunk",
            Reply::raw(format!("{chunks}4\r\ngood\r\n")).then_hang(),
            "not be confirmed",
        ),
        both("an endless 100", Reply::raw("HTTP/1.1 100 Continue\r\n\r\n").then_hang(), ""),
    ]
}

#[test]
fn the_timeout_ends_slow_responses() {
    run_cases(&drips(), "plain");
}

#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs TLS")]
fn the_timeout_ends_slow_responses_over_tls() {
    run_cases_over_tls(&drips(), "plain", TlsBehaviour::Proper);
}

#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs TLS")]
fn the_timeout_ends_a_slow_tls_record() {
    let cases = [both("a record", Reply::ok("good 198.41.0.4"), "could not be confirmed")];
    run_cases_over_tls(&cases, "plain", TlsBehaviour::Drip(pause()));
}

/// A server that sent a complete response may keep the connection open; that costs no time.
#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs TLS")]
fn a_complete_response_does_not_wait_for_close() {
    let whole = |body: &str| {
        let text = format!("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        Reply::raw(text).then_hang()
    };
    let chunked = |b: &str| {
        let head = "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n";
        Reply::raw(format!("{head}{:x}\r\n{b}\r\n0\r\n\r\n", b.len())).then_hang()
    };
    let cases = [
        case("a length", whole("198.41.0.4"), [GOOD, "unexpected reply"]),
        case("a length", whole("good 198.41.0.4"), ["not an IPv4", GOOD]),
        case("chunks", chunked("198.41.0.4"), [GOOD, "unexpected reply"]),
        case("chunks", chunked("good 198.41.0.4"), ["not an IPv4", GOOD]),
    ];
    run_cases(&cases, "plain");
    run_cases_over_tls(&cases, "plain", TlsBehaviour::Proper);
    // Without a length only the closing ends this response.
    let endless = Reply::raw("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\ngood 198.41.0.4").then_hang();
    run_cases(&[both("no length", endless, "")], "plain");
}

/// A listener that never sends a byte: the TLS handshake stalls.
#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs TLS")]
fn a_stalled_tls_handshake_times_out() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    all(&BOTH, |role| {
        let attack = Attack::new(*role, &url, "plain", "");
        attack.trust(&Pki::get().ca);
        let ended = attack.run().go();
        summary(&format!("{role:?}"), attack.check_failed(&ended, "in time"), &ended)
    });
}

/// Four slow detectors would take four timeouts. The deadline allows two, and later sections are not updated.
#[test]
fn the_deadline_ends_a_pass_with_many_slow_servers() {
    let server = HttpServer::new(|_| Reply::raw("HTTP/1.1 200 OK\r\n").then_drip("A: b\r\n".repeat(100), pause()));
    let names = ["one", "two", "three", "four", "five"];
    let detectors = |url: &str| {
        let one = |name: &&str| format!("[detector:{name}]\nkind = web\nurl = {url}/{name}\n");
        names.iter().map(one).collect::<String>()
    };
    let attack = Attack::new(Role::Detector, &server.url(), "plain", "");
    let config = attack.scratch.read("homing.conf").replace("ipv4 = probe", &format!("ipv4 = {}", names.join(", ")));
    attack.scratch.write("homing.conf", &(config + &detectors(&server.url())), 0o600);
    let ended = attack.run().go();
    let wrong = attack.check_failed(&ended, "no time left");
    summary("detectors", wrong, &ended).unwrap();
    assert!(server.count() <= 3, "{} were asked", server.count());

    let scratch = Scratch::new();
    scratch.folder("lib");
    let dir = scratch.root().display();
    let head = format!(
        "state = {dir}/lib/state.json\nhistory = {dir}/lib/history.log\nipv4 = f\ntimeout = 1s\ndeadline = 2s\n"
    );
    let section = |name: &&str| {
        let url = server.url();
        format!("[{name}]\nprovider = dyndns2\nurl = {url}\nhosts = {name}.example.com\nuser = u\npassword = \"{PASSWORD}\"\n")
    };
    let sections: String = names.iter().map(section).collect();
    let config = format!("{head}[detector:f]\nkind = fixed\naddress = 198.41.0.4\n{sections}");
    scratch.write("homing.conf", &adjusted(&config), 0o600);
    let ended = Run::pass(&scratch).arg("-v").go();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.took < seconds(3), "{ended:?}");
    let expected = format!("out of time after {} s", seconds(2).as_secs());
    assert!(ended.stderr.contains(&expected), "{ended:?}");
}
