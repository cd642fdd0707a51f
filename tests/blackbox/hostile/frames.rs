//! Responses with wrong framing: truncated, contradictory, endless, or not HTTP.

use super::attack::{case, run_cases, run_cases_over_tls, summary, Attack, Case, Role, GOOD};
use crate::testbed::{HttpServer, Pki, Reply, TlsBehaviour};

/// A 200 response with these header lines and a body that would be accepted if the framing were right.
fn framed(headers: &str, body: &str) -> Reply {
    Reply::raw(format!("HTTP/1.1 200 OK\r\n{headers}\r\n{body}"))
}

/// The same message in both roles.
fn both(name: &'static str, reply: Reply, expected: &'static str) -> Case {
    case(name, reply, [expected, expected])
}

const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";
/// The body that a detector accepts; a provider does not know its return code.
const PLAIN: &str = "198.41.0.4";
const GOOD_WORD: &str = "good 198.41.0.4";

/// What a detector would accept and what a provider would accept, each as its own case. Both must be rejected.
fn twice(name: &'static str, reply: impl Fn(&str) -> Reply, expected: &'static str) -> [Case; 2] {
    [both(name, reply(PLAIN), expected), both(name, reply(GOOD_WORD), expected)]
}

fn length(n: impl std::fmt::Display) -> String {
    format!("Content-Length: {n}\r\n")
}

#[test]
fn a_truncated_response_is_rejected() {
    let mut cases = Vec::new();
    cases.extend(twice("a short Content-Length body", |body| framed(&length(body.len() + 1), body), "cut short"));
    cases.extend(twice("no body at all", |_| framed(&length(15), ""), "cut short"));
    cases.extend(twice(
        "truncated between chunks",
        |b| framed(CHUNKED, &format!("{:x}\r\n{b}\r\n", b.len())),
        "cut short",
    ));
    cases.extend(twice("truncated in a chunk", |b| framed(CHUNKED, &format!("{:x}\r\n{b}", b.len() + 1)), "cut short"));
    cases.extend(twice(
        "truncated after the last chunk",
        |b| framed(CHUNKED, &format!("{:x}\r\n{b}\r\n0\r\n", b.len())),
        "cut short",
    ));
    cases.extend(twice("reset in the body", |b| framed(&length(b.len() + 1), b).then_reset(), ""));
    cases.extend(twice("reset in a chunk", |b| framed(CHUNKED, &format!("1f\r\n{b}")).then_reset(), ""));
    cases.extend(twice("reset of a body without length", |b| framed("", b).then_reset(), ""));
    cases.push(both("reset before the first byte", Reply::nothing().then_reset(), "could not be confirmed"));
    cases.push(both("reset in the headers", Reply::raw("HTTP/1.1 200 OK\r\nContent").then_reset(), ""));
    cases.push(both("truncated headers", Reply::raw("HTTP/1.1 200 OK\r\nContent-Le"), ""));
    cases.push(both("a truncated status line", Reply::raw("HTTP/1.1 20"), ""));
    cases.push(both("an empty reply", Reply::nothing(), ""));
    run_cases(&cases, "plain");
}

/// minreq takes the end of a connection for the end of a head. A template that takes every 2xx answer for success must
/// not take this one.
#[test]
#[cfg_attr(not(feature = "template"), ignore = "needs templates")]
fn a_head_without_its_blank_line_is_cut_short() {
    const CUT: &str = "HTTP/1.1 200 OK\r\nContent-Le";
    let mut servers = vec![HttpServer::new(|_| Reply::raw(CUT))];
    if cfg!(feature = "tls") {
        servers.push(HttpServer::tls(&Pki::get().good, TlsBehaviour::Proper, |_| Reply::raw(CUT)));
        servers.push(HttpServer::tls(&Pki::get().good, TlsBehaviour::Cut, |_| Reply::raw(CUT)));
    }
    for server in servers {
        let attack = Attack::new(Role::Provider, &server.url(), "plain", "");
        attack.trust(&Pki::get().ca);
        let config = attack.scratch.read("homing.conf");
        let (head, _) = config.split_once("[home]").unwrap();
        let section = format!(
            "[home]\nprovider = template\nurl = {}/{{host}}/{{ip}}\nsuccess = *\nhosts = a.example.com\n",
            server.url()
        );
        attack.scratch.write("homing.conf", &format!("{head}{section}"), 0o600);
        let ended = attack.run().go();
        summary(&server.url(), attack.check_failed(&ended, "cut short"), &ended).unwrap();
        assert_eq!(server.count(), 1);
    }
}

#[test]
fn contradictory_response_framing_is_rejected() {
    let mut cases = Vec::new();
    let chunk = |body: &str| format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let contradicts = "contradicts itself";
    cases.extend(twice(
        "two lengths, the last one correct",
        |b| framed(&(length(5) + &length(b.len())), b),
        contradicts,
    ));
    cases.extend(twice("two lengths, the last too small", |b| framed(&(length(b.len()) + &length(4)), b), contradicts));
    cases.extend(twice("a list of lengths", |b| framed(&length(format!("{0}, {0}", b.len())), b), ""));
    cases.extend(twice("a negative length", |b| framed(&length("-1"), b), ""));
    cases.extend(twice("a signed length", |b| framed(&length(format!("+{}", b.len())), b), contradicts));
    cases.extend(twice("a length that overflows", |b| framed(&length("18446744073709551625"), b), ""));
    cases.extend(twice("a huge length", |b| framed(&length("18446744073709551615"), b), "cut short"));
    cases.extend(twice("a length beyond 32 bits", |b| framed(&length((1u64 << 32) + b.len() as u64), b), "cut short"));
    cases.extend(twice("an empty length", |b| framed(&length(""), b), ""));
    cases.extend(twice("a length and chunks", |b| framed(&(length(b.len()) + CHUNKED), &chunk(b)), contradicts));
    cases.extend(twice("chunks and a length", |b| framed(&(CHUNKED.to_string() + &length(4)), &chunk(b)), contradicts));
    cases.extend(twice(
        "an unknown coding",
        |b| framed("Transfer-Encoding: gzip, chunked\r\n", &chunk(b)),
        contradicts,
    ));
    cases.extend(twice("chunked twice", |b| framed(&CHUNKED.repeat(2), &chunk(b)), contradicts));
    cases.extend(twice("identity as a coding", |b| framed("Transfer-Encoding: identity\r\n", b), contradicts));
    run_cases(&cases, "plain");
}

#[test]
fn invalid_chunk_sizes_are_rejected() {
    let mut cases = Vec::new();
    for size in ["-5", "zz", "0x0f", "ffffffffffffffff", "10000000000000000", "7fffffffffffffff", "", " ", "1 0", "f f"]
    {
        cases.extend(twice(size, |b| framed(CHUNKED, &format!("{size}\r\n{b}\r\n0\r\n\r\n")), ""));
        // After a valid chunk: what came before must not count.
        let start = |b: &str| format!("{:x}\r\n{b}\r\n{size}\r\nx\r\n", b.len());
        cases.extend(twice(size, |b| framed(CHUNKED, &start(b)), ""));
    }
    cases.extend(twice("too small a size", |b| framed(CHUNKED, &format!("4\r\n{b}\r\n0\r\n\r\n")), ""));
    cases.extend(twice("a size line of 2 KiB", |b| framed(CHUNKED, &format!("f;{}\r\n{b}", "x".repeat(2048))), ""));
    run_cases(&cases, "plain");
}

#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs TLS")]
fn a_truncated_chunked_response_over_tls_is_rejected() {
    let chunk = |b: &str| framed(CHUNKED, &format!("{:x}\r\n{b}\r\n", b.len()));
    // The server ends the TLS connection properly, but the response is incomplete.
    let mut cases = Vec::new();
    cases.extend(twice("truncated between chunks", chunk, "cut short"));
    cases.extend(twice("truncated in a chunk", |b| framed(CHUNKED, &format!("20\r\n{b}")), "cut short"));
    cases.extend(twice(
        "truncated in a chunk size",
        |b| framed(CHUNKED, &format!("{:x}\r\n{b}\r\n1", b.len())),
        "cut short",
    ));
    cases.extend(twice(
        "truncated after the last chunk",
        |b| framed(CHUNKED, &format!("{:x}\r\n{b}\r\n0\r\n", b.len())),
        "cut short",
    ));
    cases.extend(twice("truncated before the first chunk", |_| framed(CHUNKED, ""), "cut short"));
    cases.extend(twice("a short Content-Length body", |b| framed(&length(b.len() + 1), b), "cut short"));
    cases.push(both("truncated headers", Reply::raw("HTTP/1.1 200 OK\r\nContent-Le"), ""));
    let whole = |body: &str| Reply::new(200, &[("Transfer-Encoding", "chunked")], body);
    cases.push(case("a complete response", whole(PLAIN), [GOOD, "unexpected reply"]));
    cases.push(case("a complete response", whole(GOOD_WORD), ["", GOOD]));
    run_cases_over_tls(&cases, "plain", TlsBehaviour::Proper);
}

#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs TLS")]
fn a_tls_connection_without_close_notify_is_rejected() {
    let mut cases = Vec::new();
    cases.extend(twice("in chunks", |b| framed(CHUNKED, &format!("{:x}\r\n{b}\r\n", b.len())), ""));
    cases.extend(twice("in a length", |b| framed(&length(b.len() + 1), b), "cut short"));
    cases.extend(twice("a body without length", |b| framed("", b), ""));
    run_cases_over_tls(&cases, "plain", TlsBehaviour::Cut);
}

#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs TLS")]
fn a_response_without_length_is_rejected_from_detectors_only() {
    let cases = [
        case("closed", framed("", PLAIN), ["does not say how long", "unexpected reply"]),
        case("closed", framed("", GOOD_WORD), ["does not say how long", GOOD]),
    ];
    run_cases(&cases, "plain");
    run_cases_over_tls(&cases, "plain", TlsBehaviour::Proper);
}

#[test]
fn a_status_other_than_200_gives_no_address() {
    let mut cases = Vec::new();
    for status in
        ["100 Continue", "101 Switching", "102 Processing", "103 Early Hints", "99 x", "600 x", "1000 x", "0 x"]
    {
        let reply = |b: &str| Reply::raw(format!("HTTP/1.1 {status}\r\n{}\r\n{b}", length(b.len())));
        cases.extend(twice("not final", reply, "not HTTP"));
    }
    let after =
        |b: &str| Reply::raw(format!("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n{}\r\n{b}", length(b.len())));
    cases.extend(twice("a 100 before the 200", after, ""));
    for status in [204, 205, 206, 304] {
        let reply = Reply::raw(format!("HTTP/1.1 {status} x\r\n{}\r\n{PLAIN}", length(PLAIN.len())));
        cases.push(case(
            "an answer without content",
            reply,
            [
                match status {
                    204 => "HTTP 204",
                    205 => "HTTP 205",
                    206 => "HTTP 206",
                    _ => "HTTP 304",
                },
                "",
            ],
        ));
    }
    cases.push(both("a 204", Reply::raw(format!("HTTP/1.1 204 x\r\n\r\n{GOOD_WORD}")), ""));
    cases.push(both("a 304", Reply::raw(format!("HTTP/1.1 304 x\r\n\r\n{GOOD_WORD}")), ""));
    cases.push(both("a 503 with an address", Reply::new(503, &[], PLAIN), "HTTP 503"));
    cases.push(both("a 502 with good", Reply::new(502, &[], GOOD_WORD), "HTTP 502"));
    run_cases(&cases, "plain");
}

#[test]
fn a_response_that_is_not_http_is_reported() {
    let mut cases = Vec::new();
    cases.extend(twice("HTTP/0.9", |b| Reply::raw(b), ""));
    cases.extend(twice("HTTP/0.9 with an end of line", |b| Reply::raw(format!("{b}\r\n\r\n{b}")), ""));
    cases.extend(twice(
        "another protocol",
        |b| Reply::raw(format!("SSH-2.0 200 x\r\n{}\r\n{b}", length(b.len()))),
        "HTTP",
    ));
    cases.extend(twice("no version", |b| Reply::raw(format!("x 200\r\n{}\r\n{b}", length(b.len()))), "HTTP"));
    cases.push(both("noise", Reply::raw((0..=255).cycle().take(5000).collect::<Vec<u8>>()), ""));
    cases.push(both("noise with lines", Reply::raw(b"\xff\xfe\r\n\x00\x01: \xff\r\n\r\n\x80".to_vec()), ""));
    cases.push(both("a header that is not UTF-8", framed("X: y\r\n", "").then_flood(*b"X: \xff\r\n"), ""));
    cases.push(both("a TLS alert", Reply::raw(*b"\x15\x03\x03\x00\x02\x02\x28"), ""));
    run_cases(&cases, "plain");
}

#[test]
fn endless_responses_are_bounded() {
    let mut cases = Vec::new();
    let head = |headers: &str| Reply::raw(format!("HTTP/1.1 200 OK\r\n{headers}"));
    cases.push(case("an endless body", framed("", PLAIN).then_flood([b'x'; 4096]), ["", "larger than 16 KiB"]));
    cases.push(both("an endless blank body", framed("", GOOD_WORD).then_flood([b' '; 4096]), "larger than 16 KiB"));
    cases.push(both("a huge body", framed(&length(i32::MAX), PLAIN).then_flood([b'x'; 4096]), "larger than 16 KiB"));
    let full = "1000\r\n".to_string() + &"x".repeat(0x1000) + "\r\n";
    cases.push(both("endless chunks", framed(CHUNKED, "").then_flood(full), "larger than 16 KiB"));
    cases.push(both(
        "endless small chunks",
        framed(CHUNKED, "").then_flood("1\r\nx\r\n".repeat(700)),
        "larger than 16 KiB",
    ));
    cases.push(both("endless trailers", framed(CHUNKED, "1\r\nx\r\n0\r\n").then_flood("A: b\r\n".repeat(700)), ""));
    let over = |n: usize| framed(&length(n), &format!("{PLAIN}{}", " ".repeat(n - PLAIN.len())));
    cases.push(both("a byte above the limit", over(16 * 1024 + 1), "larger than 16 KiB"));
    cases.push(case("a body of exactly the limit", over(16 * 1024), [GOOD, "unexpected reply"]));
    cases.push(both("endless headers", head("").then_flood("A: b\r\n".repeat(700)), ""));
    cases.push(both("a huge header", head("A: ").then_flood([b'x'; 4096]), ""));
    cases.push(both("endless header lines without a colon", head("").then_flood("x\n".repeat(2000)), ""));
    cases.push(both("an endless status line", Reply::raw("HTTP/1.1 200 ").then_flood([b'x'; 4096]), ""));
    cases.push(both("an endless error body", Reply::raw("HTTP/1.1 503 x\r\n\r\n").then_flood([b'x'; 4096]), ""));
    run_cases(&cases, "plain");
}

/// minreq drops its limit on the size of headers after a line of exactly the limit's length minus one that ends in a
/// bare LF. homing picks a random limit for each request, so that a server can only guess. These cases try possible lengths,
/// then flood.
#[test]
fn minreqs_header_limit_cannot_be_bypassed() {
    let line = |n: usize| format!("HTTP/1.1 200 OK\r\nA: {}\n", "x".repeat(n - 3));
    let lengths = [8_190, 8_191, 8_192, 9_215, 10_239, 11_263, 12_286, 12_287];
    let after = |n: usize| both("a bare LF", Reply::raw(line(n)).then_flood("A: b\r\n".repeat(700)), "");
    let cases: Vec<Case> = lengths.into_iter().map(after).collect();
    run_cases(&cases, "plain");
}
