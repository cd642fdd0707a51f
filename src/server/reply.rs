//! Replies in the words of the dyndns2 protocol, as text or as JSON. Pure.
//!
//! Clients of this protocol search a whole body for `good`, `nochg` or (inadyn) `OK`, so no error may contain these.
//! They also expect status 200 with most errors: ddclient 3.10 logs nothing for a 404, a 429 or a 503.

use std::net::IpAddr;
use std::time::Duration;

/// What happened for one hostname.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// The name server confirmed a change.
    Good,
    /// Published already, and confirmed.
    NoChange,
    /// Not a hostname of this account, or not one of this token.
    NoHost,
    /// Not a fully qualified name.
    NotFqdn,
    /// An unusable address, or a name server that did not confirm the change.
    DnsError,
}

impl Status {
    pub fn code(self) -> &'static str {
        match self {
            Status::Good => "good",
            Status::NoChange => "nochg",
            Status::NoHost => "nohost",
            Status::NotFqdn => "notfqdn",
            Status::DnsError => "dnserr",
        }
    }
}

/// The line for one hostname.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// As it was given, which can be any text.
    pub hostname: String,
    pub status: Status,
    pub value: Value,
}

/// What follows `good` or `nochg`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Value {
    #[default]
    None,
    /// The addresses of the families that the request named, IPv4 first.
    Addresses(Vec<IpAddr>),
    Txt(String),
}

/// The reply to an update request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reply {
    /// In the request's order.
    Hosts(Vec<Line>),
    /// No or wrong credentials.
    BadAuth,
    /// No hostname was given.
    NoHostGiven,
    /// Too many hostnames.
    NumHost,
    /// Too many changes or wrong logins; wait that long.
    Abuse(Duration),
    /// A fault of the server, or no result in time; wait that long.
    Fault(Duration),
    /// The request cannot be understood; says why.
    BadRequest(String),
    /// There is nothing at this path.
    NotFound,
}

/// What goes over the wire.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    pub status: u16,
    pub content_type: &'static str,
    pub body: String,
    /// Seconds for `Retry-After`.
    pub retry_after: Option<u64>,
    /// `WWW-Authenticate: Basic` goes with it: GNU wget sends credentials only after it.
    pub challenge: bool,
}

pub const TEXT: &str = "text/plain; charset=utf-8";
pub const HTML: &str = "text/html; charset=utf-8";
pub const JSON: &str = "application/json";

impl Answer {
    /// Status 200 with this body.
    pub fn ok(content_type: &'static str, body: String) -> Answer {
        Answer { status: 200, content_type, body, retry_after: None, challenge: false }
    }
}

impl Reply {
    /// The word that stands for the whole request in the log: the worst of its lines.
    pub fn code(&self) -> &'static str {
        let worst = |lines: &[Line]| lines.iter().map(|line| line.status).max_by_key(|status| severity(*status));
        match self {
            Reply::Hosts(lines) => worst(lines).map_or("notfqdn", Status::code),
            Reply::BadAuth => "badauth",
            Reply::NoHostGiven => "notfqdn",
            Reply::NumHost => "numhost",
            Reply::Abuse(_) => "abuse",
            Reply::Fault(_) => "911",
            Reply::BadRequest(_) => "badrequest",
            Reply::NotFound => "notfound",
        }
    }

    /// The words of all lines, for the metrics.
    pub fn codes(&self) -> impl Iterator<Item = &'static str> + '_ {
        let (lines, whole) = match self {
            Reply::Hosts(lines) => (lines.as_slice(), None),
            _ => (&[][..], Some(self.code())),
        };
        lines.iter().map(|line| line.status.code()).chain(whole)
    }

    pub fn answer(&self, json: bool) -> Answer {
        let (content_type, body) = match json {
            true => (JSON, self.json()),
            false => (TEXT, self.text()),
        };
        let retry_after = match self {
            // Rounded up: a second too early is too early.
            Reply::Abuse(wait) | Reply::Fault(wait) => Some(wait.as_millis().div_ceil(1000).max(1) as u64),
            _ => None,
        };
        let challenge = *self == Reply::BadAuth;
        Answer { status: self.status(json), content_type, body, retry_after, challenge }
    }

    fn status(&self, json: bool) -> u16 {
        match self {
            Reply::BadAuth => 401,
            Reply::BadRequest(_) => 400,
            Reply::NotFound => 404,
            Reply::Abuse(_) if json => 429,
            Reply::Fault(_) if json => 503,
            Reply::Hosts(lines) if json && lines.iter().any(|line| line.status == Status::DnsError) => 503,
            _ => 200,
        }
    }

    fn text(&self) -> String {
        match self {
            Reply::Hosts(lines) => lines.iter().map(text_line).collect(),
            Reply::BadRequest(why) => format!("bad request: {}\n", neutral(why)),
            Reply::NotFound => "not found\n".to_string(),
            _ => format!("{}\n", self.code()),
        }
    }

    fn json(&self) -> String {
        use serde_json::{json, to_string};
        let body = match self {
            Reply::Hosts(lines) => match lines.as_slice() {
                [line] => to_string(&JsonLine::new(line, false)),
                lines => {
                    let hosts: Vec<_> = lines.iter().map(|line| JsonLine::new(line, true)).collect();
                    to_string(&JsonLines { hosts })
                }
            },
            Reply::BadRequest(why) => to_string(&json!({ "status": self.code(), "message": neutral(why) })),
            _ => to_string(&json!({ "status": self.code() })),
        };
        // Strings and lists always serialize.
        body.unwrap_or_default() + "\n"
    }
}

fn severity(status: Status) -> u32 {
    match status {
        Status::NoChange => 0,
        Status::Good => 1,
        Status::NotFqdn => 2,
        Status::NoHost => 3,
        Status::DnsError => 4,
    }
}

fn text_line(line: &Line) -> String {
    let value = match &line.value {
        Value::None => String::new(),
        Value::Addresses(addresses) => addresses.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(","),
        Value::Txt(text) => text.clone(),
    };
    let blank = if value.is_empty() { "" } else { " " };
    format!("{}{blank}{value}\n", line.status.code())
}

/// A message may quote the request, which may hold the words of success.
fn neutral(why: &str) -> String {
    let lower = why.to_ascii_lowercase();
    let success = ["good", "nochg", "ok"].iter().any(|code| lower.contains(code));
    if success {
        "it cannot be understood".to_string()
    } else {
        why.escape_debug().to_string()
    }
}

/// Several hostnames.
#[derive(serde::Serialize)]
struct JsonLines<'a> {
    hosts: Vec<JsonLine<'a>>,
}

/// One hostname's members in the order of the documentation.
#[derive(serde::Serialize)]
struct JsonLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    hostname: Option<&'a str>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ipv4: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ipv6: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    txt: Option<&'a str>,
}

impl<'a> JsonLine<'a> {
    fn new(line: &'a Line, named: bool) -> JsonLine<'a> {
        let address = |of_family: fn(&IpAddr) -> bool| match &line.value {
            Value::Addresses(addresses) => addresses.iter().find(|ip| of_family(ip)).map(IpAddr::to_string),
            _ => None,
        };
        JsonLine {
            hostname: named.then_some(line.hostname.as_str()),
            status: line.status.code(),
            ipv4: address(IpAddr::is_ipv4),
            ipv6: address(IpAddr::is_ipv6),
            txt: match &line.value {
                Value::Txt(text) => Some(text),
                _ => None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(hostname: &str, status: Status, addresses: &[&str]) -> Line {
        let addresses: Vec<IpAddr> = addresses.iter().map(|ip| ip.parse().unwrap()).collect();
        let value = if addresses.is_empty() { Value::None } else { Value::Addresses(addresses) };
        Line { hostname: hostname.into(), status, value }
    }

    fn wait(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn each_hostname_has_a_line_in_order() {
        let reply = Reply::Hosts(vec![
            line("a.example", Status::Good, &["9.9.9.9", "2620:fe::9"]),
            line("b.example", Status::NoChange, &["9.9.9.9"]),
            line("c.example", Status::NoHost, &[]),
            line("nonsense", Status::NotFqdn, &[]),
            line("d.example", Status::DnsError, &[]),
        ]);
        let answer = reply.answer(false);
        assert_eq!(answer.body, "good 9.9.9.9,2620:fe::9\nnochg 9.9.9.9\nnohost\nnotfqdn\ndnserr\n");
        assert_eq!(
            (answer.status, answer.content_type, answer.retry_after, answer.challenge),
            (200, TEXT, None, false)
        );
        let txt = Line { value: Value::Txt("x_-1".into()), ..line("a.example", Status::Good, &[]) };
        assert_eq!(Reply::Hosts(vec![txt]).answer(false).body, "good x_-1\n");
    }

    #[test]
    fn the_whole_request_has_one_line() {
        for (reply, body, status, retry_after) in [
            (Reply::BadAuth, "badauth\n", 401, None),
            (Reply::NoHostGiven, "notfqdn\n", 200, None),
            (Reply::NumHost, "numhost\n", 200, None),
            (Reply::Abuse(wait(42)), "abuse\n", 200, Some(42)),
            (Reply::Fault(wait(60)), "911\n", 200, Some(60)),
            (Reply::NotFound, "not found\n", 404, None),
        ] {
            let answer = reply.answer(false);
            assert_eq!((answer.body.as_str(), answer.status, answer.retry_after), (body, status, retry_after));
            assert_eq!(answer.challenge, reply == Reply::BadAuth);
        }
    }

    #[test]
    fn json_has_the_same_facts_and_its_own_statuses() {
        let one = line("a.example", Status::Good, &["9.9.9.9", "2620:fe::9"]);
        let two = line("b.\"x\n", Status::DnsError, &[]);
        for (reply, body, status) in [
            (Reply::Hosts(vec![one.clone()]), r#"{"status":"good","ipv4":"9.9.9.9","ipv6":"2620:fe::9"}"#, 200),
            (
                Reply::Hosts(vec![line("a", Status::NoChange, &["2620:fe::9"])]),
                r#"{"status":"nochg","ipv6":"2620:fe::9"}"#,
                200,
            ),
            (
                Reply::Hosts(vec![one, two]),
                "{\"hosts\":[{\"hostname\":\"a.example\",\"status\":\"good\",\"ipv4\":\"9.9.9.9\",\
                 \"ipv6\":\"2620:fe::9\"},{\"hostname\":\"b.\\\"x\\n\",\"status\":\"dnserr\"}]}",
                503,
            ),
            (Reply::Hosts(vec![line("a", Status::NoHost, &[])]), r#"{"status":"nohost"}"#, 200),
            (Reply::BadAuth, r#"{"status":"badauth"}"#, 401),
            (Reply::Abuse(wait(1)), r#"{"status":"abuse"}"#, 429),
            (Reply::Fault(wait(1)), r#"{"status":"911"}"#, 503),
            (Reply::NumHost, r#"{"status":"numhost"}"#, 200),
            (Reply::NotFound, r#"{"status":"notfound"}"#, 404),
        ] {
            let answer = reply.answer(true);
            assert_eq!((answer.body.trim_end(), answer.status, answer.content_type), (body, status, JSON));
        }
    }

    #[test]
    fn retry_after_is_never_too_early() {
        for (wait, seconds) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (59_999, 60)] {
            let answer = Reply::Abuse(Duration::from_millis(wait)).answer(false);
            assert_eq!(answer.retry_after, Some(seconds), "{wait} ms");
        }
    }

    #[test]
    fn no_error_contains_a_word_of_success() {
        for why in ["\"good\" is not an address", "NoChG", "OK"] {
            for json in [false, true] {
                let body = Reply::BadRequest(why.to_string()).answer(json).body.to_lowercase();
                assert!(!["good", "nochg", "ok"].iter().any(|code| body.contains(code)), "{body}");
            }
        }
        let body = Reply::BadRequest("\"a\r\nb\" is not an address".into()).answer(false).body;
        assert_eq!(body, "bad request: \\\"a\\r\\nb\\\" is not an address\n");
    }

    #[test]
    fn the_worst_line_stands_for_the_request() {
        let of =
            |statuses: &[Status]| Reply::Hosts(statuses.iter().map(|status| line("a", *status, &[])).collect()).code();
        assert_eq!(of(&[Status::Good, Status::NoChange]), "good");
        assert_eq!(of(&[Status::NoChange]), "nochg");
        assert_eq!(of(&[Status::DnsError, Status::Good, Status::NoHost]), "dnserr");
    }
}
