//! Detecting the address through a name server. Anyone on the path can forge its answers.

use crate::testbed::{seconds, DnsServer, Home, Query, Record, FOUR, OTHER};
use std::net::TcpListener;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::Arc;

fn address(text: &str) -> Record {
    Record::Address(text.parse().unwrap())
}

fn detector(name: &str, server: &DnsServer, more: &str) -> String {
    format!("[detector:{name}]\nkind = dns\nserver = {}\nname = {name}.test\n{more}\n", server.address())
}

#[test]
fn dns_answers_to_other_questions_are_ignored() {
    let home = Home::new();
    let server = DnsServer::new(|query| {
        let lie = query.answer(&[address(OTHER)]);
        let mut all: Vec<Vec<u8>> = (1..=1000u16)
            .map(|i| {
                let mut wrong = lie.clone();
                let id = u16::from_be_bytes([wrong[0], wrong[1]]).wrapping_add(i);
                wrong[..2].copy_from_slice(&id.to_be_bytes());
                wrong
            })
            .collect();
        // The right id, but another name, type or class, a repeated question, no question, or a fragment.
        for (at, flip) in [(13, 1), (query.bytes.len() - 3, 1), (query.bytes.len() - 1, 2), (2, 0x80)] {
            let mut wrong = lie.clone();
            wrong[at] ^= flip;
            all.push(wrong);
        }
        let mut unasked = lie[..12].to_vec();
        unasked[5] = 0;
        unasked.extend(&lie[query.bytes.len()..]);
        all.extend([unasked, Vec::new(), lie[..11].to_vec(), query.bytes.clone()]);
        // 200 datagrams at once would overflow a socket buffer; these are sent before the receiver runs.
        all.drain(..800);
        all.push(query.answer(&[address(FOUR)]));
        all
    });
    home.config("ipv4 = d", &detector("d", &server, "")).passes(0);
    assert_eq!((home.sent(), server.count()), (vec![FOUR.to_string()], 1));
}

/// A raw record for an answer, under the name that was asked for.
fn raw(query: &Query, kind: u16, data: &[u8]) -> Vec<u8> {
    query.answer(&[Record::Raw(kind, data.to_vec())])
}

fn bad(query: &Query) -> Vec<u8> {
    let good = query.answer(&[address(OTHER)]);
    let change = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    let record = query.bytes.len();
    match query.name.split('.').next().unwrap() {
        "nxdomain" => query.fail(3),
        "servfail" => query.fail(2),
        "refused" => query.fail(5),
        "empty" => query.fail(0),
        "alias" => raw(query, 5, b"\x01x\xc0\x0c"),
        "several" => query.answer(&[address(FOUR), address(OTHER)]),
        "twice" => query.answer(&[address(OTHER), address(OTHER)]),
        "cut" => change(2, 0x87),
        "short" => good[..good.len() - 1].to_vec(),
        "trailing" => [good, b"x".to_vec()].concat(),
        "loop" => change(record + 1, record as u8),
        "forward" => change(record + 1, 200),
        "class" => change(record + 5, 3),
        "type" => raw(query, 28, &[0x26, 0x20, 0, 0xfe, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfe]),
        "length" => raw(query, 1, &[193, 0, 14]),
        "promise" => change(7, 200),
        "long" => query.answer(&[address(OTHER), Record::Raw(16, vec![7; 600])]),
        "private" => query.answer(&[address("10.0.0.1")]),
        "carrier" => query.answer(&[address("100.64.3.4")]),
        "hijacked" => query.answer(&[address("198.51.100.99")]),
        "loopback" => query.answer(&[address("127.0.0.53")]),
        "benchmark" => query.answer(&[address("198.18.0.1")]),
        other => panic!("{other}"),
    }
}

#[test]
fn malformed_dns_answers_fail_at_once() {
    const BAD: [&str; 22] = [
        "nxdomain",
        "servfail",
        "refused",
        "empty",
        "alias",
        "several",
        "twice",
        "cut",
        "short",
        "trailing",
        "loop",
        "forward",
        "class",
        "type",
        "length",
        "promise",
        "long",
        "private",
        "carrier",
        "hijacked",
        "loopback",
        "benchmark",
    ];
    let home = Home::new();
    let server = DnsServer::new(|query| vec![bad(query)]);
    let sections: String = BAD.iter().map(|name| detector(name, &server, "")).collect();
    home.config(&format!("ipv4 = {}\nallow_private = yes", BAD.join(", ")), &sections);
    let ended = home.passes(1).says("nxdomain: the name server said NXDOMAIN").says("servfail: ");
    for name in BAD {
        assert!(ended.stderr.contains(&format!(" {name}: ")), "{name}: {}", ended.stderr);
    }
    assert!(ended.took < seconds(8), "{:?}", ended.took);
    assert_eq!((home.pushes(), home.stored_files().len(), server.count()), (0, 0, BAD.len()), "{}", ended.stderr);
}

#[test]
fn a_txt_answer_must_hold_one_address() {
    let home = Home::new();
    let server = DnsServer::new(|query| {
        let text = |strings: &[&str]| vec![Record::Text(strings.iter().map(|s| s.to_string()).collect())];
        let records = match query.name.as_str() {
            "two.test" => text(&["193.0.14.129", "193.0.14.129"]),
            "halves.test" => text(&["193.0.", "14.129"]),
            "junk.test" => text(&["ip=193.0.14.129"]),
            "nul.test" => text(&[""]),
            "records.test" => [text(&[FOUR]), text(&[OTHER])].concat(),
            _ => text(&[FOUR]),
        };
        vec![query.answer(&records)]
    });
    let names = ["two", "halves", "junk", "nul", "records", "good"];
    let chaos = "type = TXT\nclass = CH";
    let sections: String = names.iter().map(|name| detector(name, &server, chaos)).collect();
    home.config(&format!("ipv4 = {}", names.join(", ")), &sections).passes(0);
    assert!(home.history().ends_with(" ipv4 198.41.0.4 good\n"), "{}", home.history());
    assert!(server.asked().iter().all(|query| (query.kind, query.class) == (16, 3)));
}

#[test]
fn a_silent_or_absent_name_server_times_out() {
    let home = Home::new();
    let silent = DnsServer::new(|_| Vec::new());
    let absent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let nobody = absent.local_addr().unwrap();
    drop(absent);
    let sections =
        detector("silent", &silent, "") + &format!("[detector:absent]\nkind = dns\nserver = {nobody}\nname = x.test\n");
    home.config("timeout = 1s\nipv4 = absent, silent, four", &sections);
    let ended = home.passes(0);
    assert!(ended.took < seconds(4), "{:?}", ended.took);
    assert_eq!(home.sent(), [FOUR]);
}

/// Plain DNS alone changes the address only after a second pass agrees; HTTPS was configured and failed.
#[test]
fn an_unauthenticated_answer_needs_a_second_pass() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let https = format!("[detector:https]\nkind = web\nurl = https://{}/\n", listener.local_addr().unwrap());
    // From now on nothing listens there.
    drop(listener);
    let last = Arc::new(AtomicU8::new(129));
    let byte = Arc::clone(&last);
    let server = DnsServer::new(move |query| {
        vec![query.answer(&[address(&format!("193.0.14.{}", byte.load(Ordering::SeqCst)))])]
    });
    let sections = https + &detector("d", &server, "");
    let home = Home::new();
    home.config("ipv4 = four", "").passes(0);
    home.config("ipv4 = https, d", &sections);
    home.passes(1).says("if the next pass agrees");
    assert_eq!(home.sent(), [FOUR]);
    last.store(130, Ordering::SeqCst);
    home.passes(1).says("193.0.14.130");
    last.store(129, Ordering::SeqCst);
    home.passes(1);
    assert_eq!(home.sent(), [FOUR], "two different answers are no agreement");
    home.passes(0);
    assert_eq!(home.sent(), [FOUR, OTHER]);
    home.passes(0).silent();
    // Passes for one section confirm each other too.
    last.store(128, Ordering::SeqCst);
    home.pass().args(["--only", "home"]).go().expect(1).says("if the next pass agrees");
    home.pass().args(["--only", "home"]).go().expect(0);
    assert_eq!(home.sent().last().unwrap(), "193.0.14.128");
    // An unchanged address needs no second pass, nor does a DNS detector that the user lists first.
    last.store(131, Ordering::SeqCst);
    home.config("ipv4 = d, https", &sections).passes(0);
    assert_eq!(home.sent().last().unwrap(), "193.0.14.131");
    // Two detectors that agree need no second pass.
    let two = detector("e", &server, "");
    last.store(132, Ordering::SeqCst);
    home.config("ipv4 = https, d, e\nagree = 2", &(sections + &two)).passes(0);
    assert_eq!(home.sent().last().unwrap(), "193.0.14.132");
}
