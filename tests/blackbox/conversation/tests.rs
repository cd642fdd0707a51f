//! Tests of parsing and comparing: a test harness that notices nothing would pass everything.

use super::compare::compare;
use super::format::{parse, Exchange, Expect, Text};
use super::play::secrets;
use super::script::Script;
use crate::testbed::Request;

const WHOLE: &str = "# What it is about.
[config]
ipv4 = four
[home]
# gone
password = s3cret
[exchange]
> GET /update?hostname=a.example.com&myip=198.41.0.4
> Authorization: Basic eA==
> !Cookie
< 200
< Retry-After: 120
<
< good\\r
< nochg
[expect]
exit = 0
stderr = (empty)
stdout ~ a.example.com
state a.example.com ipv4 = 198.41.0.4
why a.example.com ipv4 = (none)
[again]
at = +30m
args = --force --only home
lost = lib/state.json
change = four -> newfour
times = 3
[expect]
exit = 3
stderr !~ s3cret
";

fn request(target: &str, body: &str) -> Request {
    let headers = [("User-Agent", "homing/1"), ("authorization", "Basic eA==")];
    Request {
        method: "GET".into(),
        target: target.into(),
        headers: headers.map(|(name, value)| (name.to_string(), value.to_string())).to_vec(),
        body: body.into(),
    }
}

fn expecting(target: &str) -> Exchange {
    Exchange { method: "GET".into(), target: target.into(), ..Exchange::default() }
}

#[test]
fn a_conversation_is_parsed() {
    let read = parse(WHOLE).unwrap();
    let [first, second] = &read.passes[..] else { panic!("{read:?}") };
    assert_eq!(first.config.as_deref(), Some("ipv4 = four\n[home]\npassword = s3cret\n"));
    let exchange = &first.exchanges[0];
    assert_eq!((exchange.line, exchange.target.as_str()), (7, "/update?hostname=a.example.com&myip=198.41.0.4"));
    assert_eq!(exchange.headers[0], ("Authorization".into(), Some("Basic eA==".into())));
    assert_eq!(exchange.headers[1], ("Cookie".into(), None));
    assert_eq!((exchange.reply.status, exchange.reply.body.as_str()), (Some(200), "good\r\nnochg"));
    assert_eq!(exchange.reply.headers, [("Retry-After".into(), "120".into())]);
    assert_eq!(first.expects[0], (17, Expect::Exit(0)));
    assert_eq!(first.expects[1].1, Expect::Output { error: true, what: Text::Is(String::new()) });
    assert!(matches!(&first.expects[4].1, Expect::Status { key: "why", .. }));
    assert_eq!((second.at, second.times), (Some(1800), 3));
    assert_eq!(second.args, ["--force", "--only", "home"]);
    assert_eq!(second.lost, ["lib/state.json"]);
    assert_eq!(second.changes, [(26, "four".into(), "newfour".into())]);
}

#[test]
fn parse_errors_name_the_line() {
    for (text, expected) in [
        ("[expect]\nexit = 0", "line 1: there is no [config]"),
        ("[config]\n[exchange]\n", "line 1: this pass expects no exit code"),
        ("[config]\n[exchange]\n? GET /", "line 3: a line of an exchange"),
        ("[config]\n[exchange]\n> GET", "line 3: a request reads"),
        ("[config]\n[exchange]\n> GET /\n< good", "line 4: a reply begins with its status"),
        ("[config]\n[exchange]\n> GET /\n< 200\n<\n< \\x", "line 6: an unknown escape"),
        ("[config]\n[expect]\nexit = 0\nstdin = x", "line 4: not an expectation"),
        ("[config]\n[expect]\nexit = 0\n[again]\nat = 3m", "line 5: not a time"),
        ("[config]\n[expect]\nexit = 0\n[again]\nchange = x", "line 5: a change reads"),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.starts_with(expected), "{text:?}: {error}");
    }
}

#[test]
fn requests_are_compared_after_decoding() {
    let same = |expected: &str, came: &str| compare(&expecting(expected), &request(came, "")).is_ok();
    assert!(same("/u?h=a,b&myip=2620:fe::fe", "/u?h=a%2Cb&myip=2620%3afe%3A%3Afe"));
    assert!(!same("/u?h=a&m=b", "/u?m=b&h=a"), "the order of parameters counts");
    assert!(!same("/u?h=a&m=b", "/u?h=a%26m=b"), "an escaped & does not separate parameters");
    assert!(!same("/u?h=a", "/u?h=a&m=b"));
    assert!(!same("/u", "/v"));
    assert!(same("/u?a=1&sum=*&b=2", "/u?a=1&sum=%2Bx&b=2"), "a value that changes");
    assert!(!same("/u?a=1&sum=*&b=2", "/u?a=1&sum=x&b=3"));
    assert!(!same("/u?a=1&sum=*", "/u?a=1"));
    let exact = Exchange { exact: true, ..expecting("/u?h=a,b") };
    assert!(compare(&exact, &request("/u?h=a%2Cb", "")).is_err());
    let header = |name: &str, value: Option<&str>| Exchange {
        headers: vec![(name.into(), value.map(String::from))],
        ..expecting("/")
    };
    assert!(compare(&header("Authorization", Some("Basic eA==")), &request("/", "")).is_ok());
    assert!(compare(&header("Authorization", Some("Basic eB==")), &request("/", "")).is_err());
    assert!(compare(&header("Authorization", None), &request("/", "")).is_err());
    assert!(compare(&header("Cookie", None), &request("/", "")).is_ok());
    let nameless = Request { headers: Vec::new(), ..request("/", "") };
    assert!(compare(&expecting("/"), &nameless).is_err(), "a User-Agent is always required");
}

#[test]
fn json_bodies_are_compared_by_value() {
    let body = |text: &str| Exchange { body: Some(text.into()), ..expecting("/") };
    assert!(compare(&body("{\"a\":1,\"b\":[true,null]}"), &request("/", "{ \"b\":[true,null], \"a\":1 }")).is_ok());
    assert!(compare(&body("{\"a\":[1,2]}"), &request("/", "{\"a\":[2,1]}")).is_err());
    assert!(compare(&body("{\"a\":1}"), &request("/", "{\"a\":1,\"b\":2}")).is_err());
    assert!(compare(&body("a=1\n"), &request("/", "a=1")).is_ok());
    assert!(compare(&expecting("/"), &request("/", "a=1")).is_err());
}

#[test]
fn wrong_missing_and_extra_requests_are_reported() {
    let script = Script::default();
    script.set(vec![expecting("/a"), expecting("/b")]);
    script.answer(&request("/x", ""));
    assert_eq!(script.complaints(), ["line 0: asked for /x, expected /a", "line 0: never asked: GET /b"]);
    script.set(vec![expecting("/a")]);
    script.answer(&request("/a", ""));
    script.answer(&request("/a", ""));
    assert_eq!(script.complaints(), ["a request too many: GET /a"]);
    let any = |target| Exchange { any_order: true, ..expecting(target) };
    script.set(vec![any("/a"), any("/b"), expecting("/c")]);
    for target in ["/b", "/a", "/c"] {
        script.answer(&request(target, ""));
    }
    assert!(script.complaints().is_empty());
    script.set(vec![expecting("/a"), expecting("/b")]);
    script.answer(&request("/b", ""));
    assert_eq!(script.complaints().len(), 2, "the order counts unless the exchange says otherwise");
}

#[test]
fn secrets_are_found_in_a_config() {
    let config = "user = alice\npassword = s3cret\n token =\"a\\\"b\"\npassword_file = /x\n";
    assert_eq!(secrets(config), ["s3cret", "a\"b"]);
}
