//! Pushes against a scripted API on the loopback: what is asked, and what is made of the answers.

use super::*;
use crate::net::context::PassContext;
use crate::net::http::{Http, Trust};
use crate::provider::contract::{Desired, Pause, UpdateResult};
use crate::settings::Settings;
use crate::types::address::Family;
use crate::types::vec_map::VecMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;

const ZONES: (u16, &str) =
    (200, r#"{"success":true,"errors":[],"result":[{"id":"z1","name":"example.net","status":"active"}]}"#);

fn record(id: &str, name: &str, address: &str) -> String {
    let kind = if address.contains(':') { "AAAA" } else { "A" };
    format!(r#"{{"id":"{id}","name":"{name}","type":"{kind}","content":"{address}","ttl":1,"proxied":false}}"#)
}

fn good(result: &str) -> String {
    format!(r#"{{"success":true,"errors":[],"messages":[],"result":{result}}}"#)
}

fn bad(code: u32) -> String {
    format!(r#"{{"success":false,"errors":[{{"code":{code},"message":"said"}}],"messages":[],"result":null}}"#)
}

/// One request: first line and body, the path below the base.
fn receive(stream: &mut TcpStream) -> String {
    let (mut bytes, mut chunk) = (Vec::new(), [0u8; 4096]);
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                assert!(head.to_lowercase().contains("authorization: bearer cf-canary-0"), "{head}");
                let first = head.lines().next().unwrap_or("").replace(" HTTP/1.1", "").replace(" /v4", " ");
                return format!("{first} {body}").trim_end().to_string();
            }
        }
        match stream.read(&mut chunk) {
            Ok(n) if n > 0 => bytes.extend_from_slice(&chunk[..n]),
            _ => return String::from_utf8_lossy(&bytes).into_owned(),
        }
    }
}

struct World {
    memory: VecMap<String, String>,
    /// Requests of the last push.
    asked: Vec<String>,
    lines: &'static str,
    port: u16,
    listener: TcpListener,
}

impl World {
    fn new(lines: &'static str) -> World {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        World { memory: VecMap::default(), asked: Vec::new(), lines, port, listener }
    }

    /// Pushes `host address address …` lines; the server answers with `answers` and nothing more.
    fn push(&mut self, wants: &[&str], answers: &[(u16, &str)]) -> Vec<HostResult> {
        let mut settings = Settings::empty();
        settings.parse(
            &format!("[dns]\ntoken = cf-canary-0\nurl = http://127.0.0.1:{}/v4\n{}", self.port, self.lines),
            "x",
        );
        let facts = SectionReader::new(&settings.sections[1], None);
        let provider = build(&facts, false).expect("good settings");
        let batch: Vec<HostUpdate> = wants.iter().map(|line| wanted(line)).collect();
        let answers: Vec<(u16, String)> = answers.iter().map(|(status, body)| (*status, body.to_string())).collect();
        let listener = self.listener.try_clone().expect("a listener");
        listener.set_nonblocking(true).expect("a socket");
        let done = Arc::new(AtomicBool::new(false));
        let over = done.clone();
        let server = std::thread::spawn(move || {
            let mut asked = Vec::new();
            for (status, body) in answers {
                let mut stream = loop {
                    match listener.accept() {
                        Ok((stream, _)) => break stream,
                        // Fewer requests than answers fail the test by what is missing, not by hanging.
                        Err(_) if over.load(Ordering::Relaxed) => return asked,
                        Err(_) => std::thread::yield_now(),
                    }
                };
                stream.set_nonblocking(false).expect("a socket");
                asked.push(receive(&mut stream));
                let head =
                    format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
                stream.write_all(format!("{head}{body}").as_bytes()).expect("written");
            }
            asked
        });
        let trust = Trust::establish(None);
        let http = Http {
            context: PassContext::new(Duration::from_secs(10), Duration::from_secs(5)),
            agent: "test",
            trust: &trust,
            proxy: None,
            pool: None,
        };
        let mut results =
            provider.push(&batch, &mut PushContext { http: &http, memory: &mut self.memory, past: &[], force: false });
        done.store(true, Ordering::Relaxed);
        self.asked = server.join().expect("the server");
        results.sort_by_key(|ruling| (ruling.host, ruling.family));
        results
    }
}

fn wanted(line: &str) -> HostUpdate {
    let mut words = line.split(' ');
    let host = Host::new(words.next().unwrap_or("")).expect("a host");
    let mut want = [None, None];
    for word in words {
        let address = word.parse().expect("an address");
        want[Family::of(address) as usize] = Some(Desired { address, due: true });
    }
    HostUpdate { host, want, beside: Default::default() }
}

fn verdicts(results: &[HostResult]) -> Vec<String> {
    let told = |verdict: &UpdateResult| match verdict {
        UpdateResult::Updated => "updated".to_string(),
        UpdateResult::Unchanged => "already so".to_string(),
        UpdateResult::RetryLater { why, .. } => format!("later: {why}"),
        UpdateResult::Rejected { why, .. } => format!("refused: {why}"),
        UpdateResult::Unauthorized { .. } => "turned away".to_string(),
        UpdateResult::NotAttempted => "not asked".to_string(),
        UpdateResult::Interrupted { .. } => "cut off".to_string(),
    };
    results.iter().map(|ruling| told(&ruling.verdict)).collect()
}

#[test]
fn a_cold_change_takes_three_requests_and_a_warm_one_one() {
    let mut world = World::new("");
    let (old, new4, new6) = (
        record("r4", "h.example.net", "192.0.2.1"),
        record("r4", "h.example.net", "203.0.113.7"),
        record("r6", "h.example.net", "2001:db8::1"),
    );
    let results = world.push(
        &["h.example.net 203.0.113.7 2001:db8::1"],
        &[
            ZONES,
            (200, &good(&format!("[{old}]"))),
            (200, &good(&format!(r#"{{"patches":[{new4}],"posts":[{new6}]}}"#))),
        ],
    );
    assert_eq!(verdicts(&results), ["updated", "updated"]);
    assert_eq!(
        world.asked,
        [
            "GET /zones?per_page=50",
            "GET /zones/z1/dns_records?name.exact=h.example.net&per_page=200",
            r#"POST /zones/z1/dns_records/batch {"patches":[{"id":"r4","content":"203.0.113.7"}],"posts":[{"name":"h.example.net","type":"AAAA","content":"2001:db8::1","ttl":1,"proxied":false}]}"#,
        ]
    );
    let (a, b) = (record("r4", "h.example.net", "203.0.113.8"), record("r6", "h.example.net", "2001:db8::2"));
    let answer = good(&format!(r#"{{"patches":[{a},{b}]}}"#));
    let results = world.push(&["h.example.net 203.0.113.8 2001:db8::2"], &[(200, &answer)]);
    assert_eq!(verdicts(&results), ["updated", "updated"]);
    assert_eq!(world.asked.len(), 1);
    assert_eq!(world.memory.get("record h.example.net AAAA").map(String::as_str), Some("z1/r6"));
    // The sibling's zone is known, and what a new zone means is not asked of old ids.
    world.lines = "zone_id = 023e105f4ecef8ad9ca31a8372d0c353";
    let results = world.push(&["h.example.net 203.0.113.8"], &[(200, &good(&format!("[{a}]")))]);
    assert_eq!(verdicts(&results), ["already so"]);
    assert!(world.asked[0].starts_with("GET /zones/023e105f4ecef8ad9ca31a8372d0c353/"), "{:?}", world.asked);
}

#[test]
fn a_stale_record_is_listed_again_once() {
    let mut world = World::new("");
    world.memory.insert("at".into(), format!("127.0.0.1:{} *", world.port));
    world.memory.insert("record h.example.net A".into(), "z1/old".into());
    let (held, new) = (record("r", "h.example.net", "192.0.2.1"), record("r", "h.example.net", "203.0.113.7"));
    let results = world.push(
        &["h.example.net 203.0.113.7"],
        &[(400, &bad(81044)), (200, &good(&format!("[{held}]"))), (200, &good(&format!(r#"{{"patches":[{new}]}}"#)))],
    );
    assert_eq!(verdicts(&results), ["updated"]);
    assert!(world.asked[1].starts_with("GET /zones/z1/dns_records?name.exact"), "{:?}", world.asked);
    assert_eq!(world.memory.get("record h.example.net A").map(String::as_str), Some("z1/r"));
    // A zone that is gone is looked up again too; a second time it is told.
    let results = world.push(&["h.example.net 203.0.113.8"], &[(404, &bad(7003)), ZONES, (404, &bad(7003))]);
    assert!(verdicts(&results)[0].starts_with("refused: Cloudflare finds no zone under this id"));
    assert!(world.memory.get("record h.example.net A").is_none());
    // One renamed in the dashboard is noticed.
    world.memory.insert("record h.example.net A".into(), "z1/r".into());
    let renamed = record("r", "moved.example.net", "203.0.113.8");
    let made = record("n", "h.example.net", "203.0.113.8");
    let results = world.push(
        &["h.example.net 203.0.113.8"],
        &[
            (200, &good(&format!(r#"{{"patches":[{renamed}]}}"#))),
            (200, &good("[]")),
            (200, &good(&format!(r#"{{"posts":[{made}]}}"#))),
        ],
    );
    assert_eq!(verdicts(&results), ["updated"]);
    assert!(results[0].warning.as_ref().is_some_and(|text| text.contains("moved.example.net")));
}

#[test]
fn one_bad_record_does_not_hold_the_rest() {
    let mut world = World::new("zone_id = 023e105f4ecef8ad9ca31a8372d0c353");
    let list = [record("a", "a.example.net", "192.0.2.1"), record("b", "b.example.net", "192.0.2.1")].join(",");
    let one = good(&record("a", "a.example.net", "203.0.113.7"));
    let results = world.push(
        &["a.example.net 203.0.113.7", "b.example.net 203.0.113.7", "c.example.net 203.0.113.7"],
        &[(200, &good(&format!("[{list}]"))), (400, &bad(9003)), (200, &one), (400, &bad(9003)), (400, &bad(81058))],
    );
    let told = verdicts(&results);
    assert_eq!((told[0].as_str(), told[2].as_str()), ("updated", "already so"));
    assert!(told[1].starts_with("refused: Cloudflare does not proxy to this address (code 9003: \"said\")"));
    assert!(world.asked[2]
        .ends_with(r#"PATCH /zones/023e105f4ecef8ad9ca31a8372d0c353/dns_records/a {"content":"203.0.113.7"}"#));
    assert!(world.memory.get("record b.example.net A").is_none());
}

#[test]
fn what_concerns_every_call_ends_the_push() {
    let wants = ["h.example.net 203.0.113.7", "h.example.org 203.0.113.7"];
    for (status, body, want) in [
        (403, bad(9109), "refused: Cloudflare does not know this token"),
        (429, "error code: 1015".to_string(), "later: too many requests"),
        (403, "error code: 1020".to_string(), "later: Cloudflare did not let us in"),
        (200, "<html>".to_string(), "later: not an answer of Cloudflare's API"),
        (200, good("null"), "later: Cloudflare's listing is no list"),
        (200, r#"{"success":false,"errors":[],"result":[]}"#.to_string(), "later: Cloudflare did not do it"),
        (400, bad(81058), "later: Cloudflare did not list it"),
        (503, good("[]"), "later: Cloudflare has a temporary fault"),
    ] {
        let mut world = World::new("");
        let results = world.push(&wants, &[(status, &body)]);
        for told in verdicts(&results) {
            assert!(told.starts_with(want), "{told}");
        }
        assert_eq!((results.len(), world.asked.len()), (2, 1), "{want}");
        if status == 429 {
            let pause = Pause { seconds: 300, strict: true };
            assert!(matches!(&results[1].verdict, UpdateResult::RetryLater { pause: told, .. } if *told == pause));
        }
    }
    let mut world = World::new("");
    assert_eq!(verdicts(&world.push(&wants, &[(403, ""), (403, "")])), ["turned away", "turned away"]);
    let results = world.push(&wants[1..], &[(403, "no"), ZONES]);
    assert!(verdicts(&results)[0].starts_with("refused: it is in none of the zones"));
}

#[test]
fn an_answer_counts_only_with_the_record_in_it() {
    for (result, want) in [
        ("{}".to_string(), "later: Cloudflare's answer does not hold the record"),
        ("null".to_string(), "later: Cloudflare's answer does not hold the record"),
        (
            format!(r#"{{"patches":[{}]}}"#, record("r", "h.example.net", "192.0.2.9")),
            "later: Cloudflare's answer holds \"192.0.2.9\"",
        ),
    ] {
        let mut world = World::new("");
        world.memory.insert("at".into(), format!("127.0.0.1:{} *", world.port));
        world.memory.insert("record h.example.net A".into(), "z1/r".into());
        let results = world.push(&["h.example.net 203.0.113.7"], &[(200, &good(&result))]);
        assert!(verdicts(&results)[0].starts_with(want), "{results:?}");
    }
}

#[test]
fn an_incomplete_listing_creates_nothing() {
    let mut world = World::new("zone_id = 023e105f4ecef8ad9ca31a8372d0c353");
    let cut = r#"{"success":true,"errors":[],"result":[],"result_info":{"page":1,"total_pages":1,"total_count":2}}"#;
    let results = world.push(&["h.example.net 203.0.113.7"], &[(200, cut)]);
    assert_eq!(verdicts(&results), ["later: Cloudflare's listing is not complete"]);
}

#[test]
fn a_dry_run_shows_and_remembers_no_record() {
    let mut settings = Settings::empty();
    settings.parse("[dns]\ntoken = cf-canary-0\n", "x");
    let provider = build(&SectionReader::new(&settings.sections[1], None), false).expect("good settings");
    let shown = std::cell::RefCell::new(Vec::new());
    let show = |line: &str| shown.borrow_mut().push(line.to_string());
    let trust = Trust::establish(None);
    let context = PassContext::new(Duration::from_secs(10), Duration::from_secs(5));
    let http = Http {
        context: PassContext { dry_run: Some(&show), ..context },
        agent: "test",
        trust: &trust,
        proxy: None,
        pool: None,
    };
    let mut memory = VecMap::default();
    let results = provider.push(
        &[wanted("h.example.net 203.0.113.7")],
        &mut PushContext { http: &http, memory: &mut memory, past: &[], force: false },
    );
    assert_eq!(verdicts(&results), ["not asked"]);
    assert_eq!(results[0].warning.as_deref(), Some("then one batch call: A 203.0.113.7 (patch or create)"));
    assert_eq!(shown.borrow()[0], "> GET https://api.cloudflare.com/client/v4/zones?per_page=50");
    assert_eq!(memory.values().count(), 1);
}
