//! Complete responses with malicious content.

use super::attack::{case, run_cases, Case, GOOD};
use crate::testbed::Reply;

fn ok(body: impl AsRef<[u8]>) -> Reply {
    let body = body.as_ref();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    Reply::raw([head.as_bytes(), body].concat())
}

fn both(name: &'static str, reply: Reply) -> Case {
    case(name, reply, ["", ""])
}

/// Documents that need a limit on depth or size, in the form in which an API such as Cloudflare's could send them.
pub fn bombs() -> Vec<(&'static str, String)> {
    let deep = |open: &str, n: usize, close: &str| format!("{}1{}", open.repeat(n), close.repeat(n));
    let mut bombs = vec![
        ("16 KiB of [", "[".repeat(16 * 1024)),
        ("16 KiB of {\"a\":", "{\"a\":".repeat(16 * 1024 / 5)),
        ("nesting of 33", deep("[", 33, "]")),
        ("nesting within the member", format!("{{\"ip\":\"198.41.0.4\",\"x\":{}}}", deep("[", 2_000, "]"))),
        ("nesting after a quote that is none", format!("{{\"\\\"\":{}}}", deep("[", 4_000, "]"))),
        ("nesting in a string that does not end", format!("{{\"x\":\"{}", "[".repeat(8_000))),
    ];
    for (name, text) in [
        ("1e999", "{\"ip\":1e999}"),
        ("a lone surrogate", "{\"ip\":\"\\ud800\"}"),
        ("half a document", "{\"ip\":\"198.41.0.4\""),
        ("two documents", "{\"ip\":\"198.41.0.4\"}{}"),
        ("another type", "{\"ip\":[\"198.41.0.4\"]}"),
        ("null", "null"),
        ("a bare string", "\"198.41.0.4\""),
        ("the member one floor deeper", "{\"x\":{\"ip\":\"198.41.0.4\"}}"),
        ("a byte-order mark", "\u{feff}{\"ip\":\"198.41.0.4\"}"),
        ("a private address", "{\"ip\":\"192.168.1.1\"}"),
        ("an address with a tail", "{\"ip\":\"198.41.0.4\\u0000\"}"),
    ] {
        bombs.push((name, text.to_string()));
    }
    bombs
}

#[test]
fn json_bombs_are_rejected() {
    let mut cases: Vec<Case> = bombs().into_iter().map(|(name, text)| both(name, ok(text))).collect();
    cases.push(case("deep", ok("[".repeat(16 * 1024)), ["nested deeper than 32", "unexpected reply"]));
    cases.push(case("a good one", ok("{\"ip\":\"198.41.0.4\"}"), [GOOD, "unexpected reply"]));
    run_cases(&cases, "json:ip");
}

/// tinyjson keeps the last of two members with one name. Which one was meant is unknown.
#[test]
fn conflicting_duplicate_json_keys_are_rejected() {
    let cases = [
        both("last is public", ok("{\"ip\":\"10.0.0.1\",\"ip\":\"198.41.0.4\"}")),
        both("both are public", ok("{\"ip\":\"193.0.14.129\",\"ip\":\"198.41.0.4\"}")),
        both("one is escaped", ok("{\"ip\":\"193.0.14.129\",\"\\u0069p\":\"198.41.0.4\"}")),
    ];
    run_cases(&cases, "json:ip");
}

#[test]
fn control_characters_in_bodies_are_escaped() {
    let mut cases = Vec::new();
    for (name, poison) in [
        ("not UTF-8", b"\xff\xfe\x80 198.41.0.4".to_vec()),
        ("NUL", b"198.41.0.4\0good\0".to_vec()),
        ("ANSI escapes", b"\x1b[2J\x1b[31mgood\x1b]0;title\x07 198.41.0.4".to_vec()),
        ("C1 controls", "\u{9b}31m198.41.0.4\u{85}".into()),
        ("bidi", "\u{202e}4.0.14.891\u{2066}".into()),
        ("other spaces", "\u{a0}198.41.0.4\u{2028}".into()),
        ("other digits", "\u{0661}98.41.0.4".into()),
        ("a return code of 10 kB", "good".repeat(2_500).into()),
        ("10 kB of escapes", "\x1b".repeat(10_000).into()),
        ("line ends", b"x\r\n\rhome: is now 198.41.0.4\nx\x0b\x0c".to_vec()),
        ("a captive portal", b"<html><body>Please log in. 198.41.0.4</body></html>".to_vec()),
        ("a good word in a page", b"<p>good 198.41.0.4</p>".to_vec()),
        ("two addresses", b"198.41.0.4 193.0.14.129".to_vec()),
        ("a mapped address", b"::ffff:198.41.0.4".to_vec()),
        ("the other family", b"2620:fe::fe".to_vec()),
        ("a private address", b"192.168.1.1".to_vec()),
        ("octal", b"0306.051.0.4".to_vec()),
        ("one number", b"3324575748".to_vec()),
        ("a zone", b"198.41.0.4%eth0".to_vec()),
        ("nothing", b"".to_vec()),
        ("blanks", b" \r\n\t".to_vec()),
    ] {
        cases.push(both(name, ok(&poison)));
        let chunks = format!("{:x}\r\n", poison.len()).into_bytes();
        let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        cases.push(both(name, Reply::raw([head, chunks, poison.clone(), b"\r\n0\r\n\r\n".to_vec()].concat())));
        let head = format!("HTTP/1.1 500 {}\r\nContent-Length: {}\r\n\r\n", "x".repeat(200), poison.len());
        cases.push(both(name, Reply::raw([head.into_bytes(), poison].concat())));
    }
    run_cases(&cases, "plain");
}

#[test]
fn control_characters_in_headers_are_escaped() {
    let mut cases = Vec::new();
    let with = |header: &str| Reply::raw(format!("HTTP/1.1 200 OK\r\n{header}\r\nContent-Length: 1\r\n\r\nx"));
    let redirect =
        |to: &str| Reply::raw(format!("HTTP/1.1 302 \x1b[31m\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n"));
    cases.push(both("escapes in a header", with("X: \x1b[31m\u{202e}\0")));
    cases.push(both("an address in a header", with("Set-Cookie: ip=198.41.0.4; good")));
    cases.push(both("escapes in a redirect", redirect("http://\x1b[31mevil\u{202e}/")));
    cases.push(both("a redirect of 4 kB", redirect(&format!("http://{}.example/", "a".repeat(4_000)))));
    cases.push(both("a redirect to nowhere", redirect("")));
    cases.push(both("an absurd Retry-After", Reply::new(503, &[("Retry-After", "999999999999999999999")], "x")));
    run_cases(&cases, "plain");
}

#[test]
fn compressed_responses_are_rejected() {
    let coded = |coding: &str, body: &str| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {}\r\n\r\n", body.len());
        Reply::raw(head + body)
    };
    let mut cases = Vec::new();
    for coding in ["gzip", "deflate", "br", "GZIP", "identity, gzip"] {
        for body in ["198.41.0.4", "good 198.41.0.4"] {
            cases.push(case("compressed", coded(coding, body), ["compressed", "compressed"]));
        }
    }
    cases.push(case("identity", coded("identity", "198.41.0.4"), [GOOD, ""]));
    run_cases(&cases, "plain");
}
