//! The tests of `dns.rs`, in a file of their own for their golden packets: what each reply must mean, and that no
//! reply, however broken, is believed or brings us down. Sockets are on loopback; nothing sleeps.

use super::*;
use crate::net::datagram;
use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

const ID: u16 = 0x1234;
/// Flags of a good reply: QR, RD, RA.
const GOOD: u16 = 0x8180;
/// A pointer to the asked name.
const ASKED: &[u8] = b"\xc0\x0c";

fn question(kind: Kind) -> Question {
    Question { name: "my.ip".to_string(), kind, class: Class::In }
}

fn record(owner: &[u8], kind: u16, class: u16, data: &[u8]) -> Vec<u8> {
    let mut record = owner.to_vec();
    put_u16(&mut record, kind);
    put_u16(&mut record, class);
    record.extend([0, 0, 0, 60]);
    put_u16(&mut record, data.len() as u16);
    record.extend(data);
    record
}

fn a(last: u8) -> Vec<u8> {
    record(ASKED, 1, 1, &[192, 0, 2, last])
}

fn address(last: u8) -> Answer {
    Answer::Address([192, 0, 2, last].into())
}

/// A reply to `my.ip` with these records, all counted as answers.
fn reply(flags: u16, kind: Kind, records: &[Vec<u8>]) -> Vec<u8> {
    let mut packet = encode_query(ID, &question(kind)).unwrap();
    packet[2..4].copy_from_slice(&flags.to_be_bytes());
    packet[7] = records.len() as u8;
    packet.extend(records.concat());
    packet
}

fn read(packet: &[u8], kind: Kind) -> Reading {
    read_reply(packet, ID, &question(kind))
}

/// What a good header with these records means.
fn told(kind: Kind, records: &[Vec<u8>]) -> Result<Vec<Answer>, DnsError> {
    match read(&reply(GOOD, kind, records), kind) {
        Reading::Ours(told) => told,
        Reading::NotOurs => panic!("not ours"),
    }
}

fn is_malformed(told: Result<Vec<Answer>, DnsError>) -> bool {
    matches!(told, Err(DnsError::Malformed(_)))
}

#[test]
fn the_query_is_what_the_rfc_says() {
    let golden = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x02my\x02ip\0\0\x1c\0\x01";
    assert_eq!(encode_query(ID, &question(Kind::Aaaa)).unwrap(), golden);
    let bad = Question { name: "my..ip".to_string(), ..question(Kind::A) };
    let trouble = encode_query(ID, &bad).unwrap_err();
    assert_eq!(trouble.to_string(), "bad name \"my..ip\": an empty label");
    assert_eq!(read_reply(&reply(GOOD, Kind::A, &[a(1)]), ID, &bad), Reading::NotOurs);
}

#[test]
fn words_lead_to_kinds_and_back() {
    for kind in [Kind::A, Kind::Aaaa, Kind::Txt] {
        assert_eq!(Kind::from_name(&kind.name().to_lowercase()), Some(kind));
    }
    assert_eq!((Class::from_name("ch"), Class::from_name("In")), (Some(Class::Ch), Some(Class::In)));
    assert_eq!((Kind::from_name("MX"), Class::from_name("")), (None, None));
}

#[test]
fn a_golden_reply_from_the_wire() {
    // Names compressed, an alias first, authority and additional records behind.
    let golden = b"\x12\x34\x81\x80\0\x01\0\x02\0\x01\0\x01\x02my\x02ip\0\0\x01\0\x01\
        \x01x\xc0\x0f\0\x05\0\x01\0\0\0\x3c\0\x02\xc0\x0c\
        \xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x07\
        \xc0\x0f\0\x02\0\x01\0\0\0\x3c\0\x02\xc0\x0c\
        \0\0\x29\x04\xd0\0\0\0\0\0\0";
    assert_eq!(read(golden, Kind::A), Reading::Ours(Ok(vec![address(7)])));
}

#[test]
fn several_records_and_strings_are_all_told() {
    assert_eq!(told(Kind::A, &[a(1), a(2), a(1)]), Ok(vec![address(1), address(2), address(1)]));
    let six: Ipv6Addr = "2001:db8::7".parse().unwrap();
    let aaaa = record(b"\x02MY\xc0\x0f", 28, 1, &six.octets());
    assert_eq!(told(Kind::Aaaa, &[aaaa]), Ok(vec![Answer::Address(six.into())]));
    let txt = record(ASKED, 16, 1, b"\x02ab\0\x03\xffde");
    let strings = [&b"ab"[..], b"", b"\xffde"].map(<[u8]>::to_vec).to_vec();
    assert_eq!(told(Kind::Txt, &[txt]), Ok(vec![Answer::Text(strings)]));
}

#[test]
fn strangers_are_ignored() {
    let good = reply(GOOD, Kind::A, &[a(1)]);
    assert_eq!(read(&good, Kind::A), Reading::Ours(Ok(vec![address(1)])));
    let mut shouted = good.clone();
    shouted[12..18].make_ascii_uppercase();
    assert_eq!(read(&shouted, Kind::A), Reading::Ours(Ok(vec![address(1)])));
    // Id, id, QR, opcode, QDCOUNT 0 and 2, name, name's length, type, class.
    let strange = [(0, 0), (1, 0), (2, 1), (2, 0xa9), (5, 0), (5, 2), (13, b'n'), (12, 1), (20, 16), (22, 3)];
    for (at, byte) in strange {
        let mut packet = good.clone();
        packet[at] = byte;
        assert_eq!(read(&packet, Kind::A), Reading::NotOurs, "byte {at}");
    }
    assert_eq!(read(&[], Kind::A), Reading::NotOurs);
    let chaos = Question { class: Class::Ch, ..question(Kind::A) };
    assert_eq!(read_reply(&good, ID, &chaos), Reading::NotOurs);
}

#[test]
fn the_servers_no_is_told_by_name() {
    for (rcode, name) in [(1, "FORMERR"), (2, "SERVFAIL"), (3, "NXDOMAIN"), (5, "REFUSED"), (15, "RCODE 15")] {
        let refused = Reading::Ours(Err(DnsError::Refused(name.to_string())));
        assert_eq!(read(&reply(GOOD | rcode, Kind::A, &[]), Kind::A), refused);
    }
    let cut = reply(GOOD | Header::CUT, Kind::A, &[a(1)]);
    assert_eq!(read(&cut, Kind::A), Reading::Ours(Err(DnsError::Truncated)));
}

#[test]
fn what_was_not_asked_is_no_answer() {
    let alias = record(ASKED, 5, 1, b"\x01x\0");
    let others = record(b"\x01x\0", 1, 1, &[192, 0, 2, 9]);
    let text = record(ASKED, 16, 1, b"\x01x");
    assert_eq!(told(Kind::A, &[]), Err(DnsError::Empty));
    assert_eq!(told(Kind::A, &[alias.clone(), others.clone(), text]), Err(DnsError::Empty));
    assert_eq!(told(Kind::A, &[alias, others, a(3)]), Ok(vec![address(3)]));
    // The record stands in another section.
    let mut packet = reply(GOOD, Kind::A, &[a(1)]);
    packet.swap(7, 11);
    assert_eq!(read(&packet, Kind::A), Reading::Ours(Err(DnsError::Empty)));
}

#[test]
fn broken_records_spoil_the_reply() {
    let long_txt = record(ASKED, 16, 1, b"\x09ab");
    for (kind, broken) in [
        (Kind::A, record(ASKED, 1, 3, &[192, 0, 2, 1])),
        (Kind::A, record(ASKED, 1, 1, &[192, 0, 2])),
        (Kind::A, record(ASKED, 1, 1, &[192, 0, 2, 1, 0])),
        (Kind::A, record(ASKED, 1, 1, &[])),
        (Kind::Aaaa, record(ASKED, 28, 1, &[192, 0, 2, 1])),
        (Kind::Aaaa, record(ASKED, 28, 1, &[0; 17])),
        (Kind::Txt, record(ASKED, 16, 1, &[])),
        (Kind::Txt, long_txt),
        (Kind::A, record(b"\xc0\x17", 1, 1, &[192, 0, 2, 1])), // to itself
        (Kind::A, record(b"\xc0\x19", 1, 1, &[192, 0, 2, 1])), // forward
        (Kind::A, record(b"\x01x\xc0\x17", 1, 1, &[192, 0, 2, 1])), // round and round
        (Kind::A, record(b"\xc0\x02", 1, 1, &[192, 0, 2, 1])), // into the header
    ] {
        assert!(is_malformed(told(kind, std::slice::from_ref(&broken))), "{broken:x?}");
    }
}

#[test]
fn the_message_must_be_as_long_as_it_says() {
    let good = reply(GOOD, Kind::A, &[a(1)]);
    let malformed = |packet: &[u8]| match read(packet, Kind::A) {
        Reading::Ours(told) => is_malformed(told),
        Reading::NotOurs => false,
    };
    assert!(malformed(&[&good[..], b"\0"].concat()), "junk behind");
    for count in 6..12 {
        let mut packet = good.clone();
        packet[count] = 0xff;
        assert!(malformed(&packet), "count at {count}");
    }
    // Header, question and the record's own head take 34 bytes.
    let full = |length: usize| reply(GOOD, Kind::Txt, &[record(b"\0", 16, 1, &vec![0; length - 34])]);
    assert_eq!(read(&full(512), Kind::Txt), Reading::Ours(Err(DnsError::Empty)));
    assert_eq!(full(513).len(), 513);
    let long = DnsError::Malformed("longer than 512 bytes");
    assert_eq!(read(&full(513), Kind::Txt), Reading::Ours(Err(long)));
}

#[test]
fn no_part_of_a_reply_is_believed_and_no_byte_brings_us_down() {
    let txt = record(b"\x02my\xc0\x0f", 16, 1, b"\x03abc\x01d");
    for (kind, records) in [(Kind::A, vec![a(1), a(2)]), (Kind::Txt, vec![txt.clone(), txt])] {
        let good = reply(GOOD, kind, &records);
        assert!(matches!(read(&good, kind), Reading::Ours(Ok(_))));
        for length in 0..good.len() {
            assert!(!matches!(read(&good[..length], kind), Reading::Ours(Ok(_))), "{length} bytes");
        }
        for at in 0..good.len() {
            for byte in 0..=255 {
                let mut packet = good.clone();
                packet[at] = byte;
                let reading = read(&packet, kind);
                assert!(at > 1 || byte == good[at] || reading == Reading::NotOurs);
            }
        }
    }
}

#[test]
fn noise_behind_a_good_question_brings_nothing_down() {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    for _ in 0..20_000 {
        let mut packet = reply(GOOD, Kind::Txt, &[]);
        packet[7] = (random() % 40) as u8;
        for _ in 0..random() % 500 {
            // Few distinct bytes, so that pointers, lengths and types often fit.
            packet.push([0, 0, 0, 1, 2, 12, 16, 23, 0xc0, 0xc0, 0x3f, 0xff][(random() % 12) as usize]);
        }
        read(&packet, Kind::Txt);
    }
}

/// Runs `ask` against `serve` on a thread, which gets the socket and a flag that says the asking is over.
fn against(
    time: Duration,
    serve: impl FnOnce(&UdpSocket, &AtomicBool) + Send,
) -> (Result<Vec<Answer>, DnsError>, Duration) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let server = socket.local_addr().unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| serve(&socket, &over));
        let begin = Instant::now();
        let told = ask(server, None, &question(Kind::A), begin + time);
        over.store(true, Ordering::Relaxed);
        (told, begin.elapsed())
    })
}

/// Waits for the question; gives the right reply to it, one with a wrong id and address, and whom to send them.
fn replies(socket: &UdpSocket) -> (Vec<u8>, Vec<u8>, SocketAddr) {
    let mut query = [0; 512];
    let (length, client) = socket.recv_from(&mut query).unwrap();
    assert_eq!(query[2..length], encode_query(0, &question(Kind::A)).unwrap()[2..]);
    let (mut right, mut wrong) = (reply(GOOD, Kind::A, &[a(1)]), reply(GOOD, Kind::A, &[a(99)]));
    right[..2].copy_from_slice(&query[..2]);
    wrong[..2].copy_from_slice(&[query[0] ^ 1, query[1]]);
    (right, wrong, client)
}

#[test]
fn the_right_reply_wins_after_a_thousand_wrong_ones() {
    let (told, _) = against(Duration::from_secs(20), |socket, over| {
        let (right, mut wrong, client) = replies(socket);
        for turn in 0..1000u16 {
            wrong[1] = wrong[1].wrapping_add(turn as u8);
            let _ = socket.send_to(&wrong, client);
        }
        // The wrong ones may have filled the client's queue, and loopback drops what does not fit.
        while !over.load(Ordering::Relaxed) {
            let _ = socket.send_to(&right, client);
            thread::yield_now();
        }
    });
    assert_eq!(told, Ok(vec![address(1)]));
}

#[test]
fn a_silent_server_costs_the_time_given_and_no_more() {
    let time = Duration::from_millis(60);
    let (told, took) = against(time, |_, _| {});
    assert_eq!(told, Err(DnsError::Timeout));
    assert!(took >= time && took < time + Duration::from_secs(2), "{took:?}");
}

#[test]
fn a_flood_of_wrong_replies_does_not_move_the_deadline() {
    let time = Duration::from_millis(60);
    let (told, took) = against(time, |socket, over| {
        let (_, wrong, client) = replies(socket);
        while !over.load(Ordering::Relaxed) {
            let _ = socket.send_to(&wrong, client);
        }
    });
    assert_eq!(told, Err(DnsError::Timeout));
    assert!(took >= time && took < time + Duration::from_secs(2), "{took:?}");
}

#[test]
fn a_reply_from_another_port_is_not_heard() {
    let (told, _) = against(Duration::from_millis(60), |socket, over| {
        let (right, _, client) = replies(socket);
        let other = UdpSocket::bind("127.0.0.1:0").unwrap();
        while !over.load(Ordering::Relaxed) {
            let _ = other.send_to(&right, client);
            thread::yield_now();
        }
    });
    assert_eq!(told, Err(DnsError::Timeout));
}

#[test]
fn lost_datagrams_are_sent_again_unchanged() {
    let socket = UdpSocket::bind("[::1]:0").or_else(|_| UdpSocket::bind("127.0.0.1:0")).unwrap();
    let server = socket.local_addr().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut seen = [0; 8];
            for _ in 0..3 {
                let (length, client) = socket.recv_from(&mut seen).unwrap();
                assert_eq!(&seen[..length], b"hello");
                socket.connect(client).unwrap();
            }
            socket.send(b"there").unwrap();
        });
        let (pauses, until) = ([Duration::from_millis(5); 2], Instant::now() + Duration::from_secs(20));
        let heard = datagram::exchange(server, None, b"hello", &pauses, until, |packet| Some(packet.to_vec()));
        assert_eq!(heard.unwrap(), Some(b"there".to_vec()));
    });
}

#[test]
fn a_closed_port_is_told_at_once_and_a_past_deadline_too() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let begin = Instant::now();
    let told = ask(server, None, &question(Kind::A), begin + Duration::from_secs(20));
    assert_eq!(told, Err(DnsError::Network("connection refused".to_string())));
    assert!(begin.elapsed() < Duration::from_secs(2));
    assert_eq!(ask(server, None, &question(Kind::A), begin), Err(DnsError::Timeout));
}
