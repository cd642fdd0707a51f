//! Several requests on one connection (RFC 9112, 9.3): when a connection is used again, and what a server can do wrong
//! with it. Every case over HTTP and over HTTPS.

use super::attack::{all, summary, Attack, Role};
use crate::testbed::{HttpServer, Pki, Reply, Request, Run, TlsBehaviour};
use homing::internals::json;
use std::sync::atomic::{AtomicUsize, Ordering};

const ADDRESS: &str = "198.41.0.4";
const GOOD: &str = "good 198.41.0.4";

/// What the server answers to the request with this number, from 0 on.
type Script = fn(usize) -> Reply;

/// A script, the hosts that it leaves published, and the connections of the requests that it gets.
struct Case {
    name: &'static str,
    script: Script,
    published: &'static [&'static str],
    connections: &'static [usize],
    /// Must be in what was reported.
    reported: &'static str,
}

const BOTH_HOSTS: &[&str] = &["a.example.com", "b.example.com"];
const FIRST_HOST: &[&str] = &["a.example.com"];

fn with_length(version: &str, headers: &str, body: &str) -> Reply {
    Reply::raw(format!("HTTP/{version} 200 OK\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len()))
}

fn kept() -> Reply {
    with_length("1.1", "", GOOD).then_keep_open()
}

fn chunked(trailers: &str) -> Reply {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    Reply::raw(format!("{head}{:x}\r\n{GOOD}\r\n0\r\n{trailers}\r\n", GOOD.len())).then_keep_open()
}

fn server(secure: bool, script: Script) -> HttpServer {
    let number = AtomicUsize::new(0);
    let handler = move |_: &Request| script(number.fetch_add(1, Ordering::SeqCst));
    match secure {
        false => HttpServer::new(handler),
        true => HttpServer::tls(&Pki::get().good, TlsBehaviour::Proper, handler),
    }
}

/// A section with these hosts.
fn attack(server: &HttpServer, hosts: &str) -> Attack {
    let attack = Attack::new(Role::Provider, &server.url(), "plain", "");
    attack.trust(&Pki::get().ca);
    let config = attack.scratch.read("homing.conf").replace("hosts = a.example.com", &format!("hosts = {hosts}"));
    attack.scratch.write("homing.conf", &config, 0o600);
    attack
}

fn published(attack: &Attack) -> Vec<String> {
    let status = Run::pass(&attack.scratch).args(["--status", "--json"]).go();
    let objects = status.stdout.lines().filter_map(|line| json::parse(line).ok());
    let current = objects.filter(|object| json::text(object, "address") == Some(ADDRESS));
    current.filter_map(|object| json::text(&object, "host").map(String::from)).collect()
}

/// Over HTTP, and over HTTPS where the build has it.
fn schemes() -> &'static [bool] {
    if cfg!(feature = "tls") {
        &[false, true]
    } else {
        &[false]
    }
}

fn meet(cases: &[Case]) {
    let jobs: Vec<_> = cases.iter().flat_map(|case| schemes().iter().map(move |secure| (case, *secure))).collect();
    all(&jobs, |(case, secure)| {
        let server = server(*secure, case.script);
        let attack = attack(&server, "a.example.com, b.example.com");
        let ended = attack.run().go();
        let mut wrong = attack.check_always(&ended);
        let code = if case.published == BOTH_HOSTS { 0 } else { 1 };
        if ended.code != Some(code) {
            wrong.push(format!("exit {:?}", ended.code));
        }
        if published(&attack) != case.published {
            wrong.push(format!("{:?} published", published(&attack)));
        }
        if server.connections() != case.connections {
            wrong.push(format!("connections {:?}", server.connections()));
        }
        if !format!("{}{}", ended.stdout, ended.stderr).contains(case.reported) {
            wrong.push(format!("{:?} not reported", case.reported));
        }
        summary(&format!("{} (secure: {secure})", case.name), wrong, &ended)
    });
}

#[test]
fn a_whole_answer_leaves_the_connection_to_the_next_request() {
    let case = |name, script| Case { name, script, published: BOTH_HOSTS, connections: &[0, 0], reported: "" };
    meet(&[
        case("a length", |_| kept()),
        case("chunks", |_| chunked("")),
        case("Connection: keep-alive", |_| with_length("1.1", "Connection: keep-alive\r\n", GOOD).then_keep_open()),
        case("an error that does not end the section", |n| match n {
            0 => kept(),
            _ => with_length("1.1", "", "nochg 198.41.0.4").then_keep_open(),
        }),
    ]);
}

#[test]
fn an_answer_that_does_not_end_exactly_is_the_last_on_its_connection() {
    let case = |name, script| Case { name, script, published: BOTH_HOSTS, connections: &[0, 1], reported: "" };
    meet(&[
        case("Connection: close", |_| with_length("1.1", "Connection: close\r\n", GOOD).then_keep_open()),
        case("close in a list", |_| with_length("1.1", "Connection: x, Close\r\n", GOOD).then_keep_open()),
        case("HTTP/1.0", |_| with_length("1.0", "", GOOD).then_keep_open()),
        case("HTTP/1.0 with keep-alive", |_| with_length("1.0", "Connection: keep-alive\r\n", GOOD).then_keep_open()),
        case("no length", |_| Reply::raw(format!("HTTP/1.1 200 OK\r\n\r\n{GOOD}"))),
        case("extra bytes", |_| {
            Reply::raw(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{GOOD}extra", GOOD.len())).then_keep_open()
        }),
        // Not taken for the answer to what comes next: it names another address.
        case("a second answer that nobody asked for", |_| {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", GOOD.len());
            Reply::raw(format!("{head}{GOOD}{head}good 203.0.114.9")).then_keep_open()
        }),
        case("extra bytes after chunks", |_| {
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            Reply::raw(format!("{head}{:x}\r\n{GOOD}\r\n0\r\n\r\nmore", GOOD.len()))
        })
        .refused("the last chunk is missing", &[], &[0, 1]),
        case("trailers after chunks", |_| chunked("A: b\r\n")).refused("the last chunk is missing", &[], &[0, 1]),
        case("a silent close", |_| with_length("1.1", "", GOOD)),
    ]);
}

impl Case {
    /// The same, where the answers are refused.
    fn refused(
        self,
        reported: &'static str,
        published: &'static [&'static str],
        connections: &'static [usize],
    ) -> Case {
        Case { reported, published, connections, ..self }
    }
}

#[test]
fn a_request_that_a_kept_connection_lost_is_sent_once_more() {
    let case = |name, script| Case { name, script, published: BOTH_HOSTS, connections: &[0, 0, 1], reported: "" };
    meet(&[
        case("closed", |n| if n == 1 { Reply::nothing() } else { kept() }),
        case("reset", |n| if n == 1 { Reply::nothing().then_reset() } else { kept() }),
        // Only once: a new connection that is closed too says nothing about the update.
        case("closed twice", |n| if n > 0 { Reply::nothing() } else { kept() }).refused(
            "could not be confirmed",
            FIRST_HOST,
            &[0, 0, 1],
        ),
        // Something of an answer came, so the request was read.
        case("half a head", |n| if n == 1 { Reply::raw("HTTP/1.1 200 OK\r\nContent-Le") } else { kept() }).refused(
            "cut short in its head",
            FIRST_HOST,
            &[0, 0],
        ),
        case("half a body", |n| {
            if n == 1 {
                Reply::raw(format!("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{GOOD}"))
            } else {
                kept()
            }
        })
        .refused("cut short", FIRST_HOST, &[0, 0]),
        case("silence", |n| if n == 1 { Reply::nothing().then_hang() } else { kept() }).refused(
            "could not be confirmed",
            FIRST_HOST,
            &[0, 0],
        ),
    ]);
}

/// A POST may have been carried out by the server that closed the connection, so its effect is not known.
#[test]
#[cfg_attr(not(feature = "template"), ignore = "needs templates")]
fn a_post_that_a_kept_connection_lost_is_not_sent_again() {
    for secure in schemes() {
        let server = server(*secure, |n| if n == 1 { Reply::nothing() } else { kept() });
        let attack = attack(&server, "a.example.com, b.example.com");
        let config = attack.scratch.read("homing.conf");
        let (head, _) = config.split_once("[home]").unwrap();
        let section = format!(
            "[home]\nprovider = template\nurl = {}/{{host}}\nmethod = post\nbody = {{ip}}\nsuccess = good\n\
             hosts = a.example.com, b.example.com\n",
            server.url()
        );
        attack.scratch.write("homing.conf", &format!("{head}{section}"), 0o600);
        let ended = attack.run().go();
        let mut wrong = attack.check_always(&ended);
        if ended.code != Some(1) || published(&attack) != FIRST_HOST || server.connections() != [0, 0] {
            wrong.push(format!("{:?} published on {:?}", published(&attack), server.connections()));
        }
        if !ended.stderr.contains("could not be confirmed") {
            wrong.push("not reported".to_string());
        }
        summary(&format!("secure: {secure}"), wrong, &ended).unwrap();
    }
}

/// A server that hears "close" closes; some answer without a length and rely on it.
#[test]
fn a_lone_request_asks_for_the_end_of_the_connection() {
    for secure in schemes() {
        for (hosts, value) in [("a.example.com", Some("close")), ("a.example.com, b.example.com", None)] {
            let server = server(*secure, |_| kept());
            let attack = attack(&server, hosts);
            let ended = attack.run().go();
            summary(hosts, attack.check_succeeded(&ended), &ended).unwrap();
            for request in server.asked() {
                assert_eq!(request.header("Connection"), value, "{hosts}");
            }
        }
        let server = server(*secure, |_| with_length("1.1", "", ADDRESS).then_keep_open());
        let detector = Attack::new(Role::Detector, &server.url(), "plain", "");
        detector.trust(&Pki::get().ca);
        let ended = detector.run().go();
        summary("detector", detector.check_succeeded(&ended), &ended).unwrap();
        assert_eq!(server.asked()[0].header("Connection"), Some("close"));
    }
}
