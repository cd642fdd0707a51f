//! A relay between homing and BIND that inspects, drops, truncates and forges datagrams; and nsupdate's messages
//! compared.

use super::daemon::{done, program};
use super::rfc2136::{config, key, with, FOUR, HOSTS, SIX};
use super::zones::{Kind, Zones, SHARED};
use crate::testbed::{lines, DnsServer, Run, Scratch};
use homing::internals::{Header, Reader};
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Forwards datagrams to a server. Each reply is passed to `change` with its number, from 0; the result goes to the
/// client.
fn between(
    server: SocketAddr,
    at: &str,
    change: impl Fn(usize, Vec<u8>) -> Vec<Vec<u8>> + Send + 'static,
) -> DnsServer {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(server).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let count = AtomicUsize::new(0);
    DnsServer::on(at, move |query| {
        let mut reply = vec![0; 4096];
        socket.send(&query.bytes).unwrap();
        let length = socket.recv(&mut reply).unwrap();
        reply.truncate(length);
        change(count.fetch_add(1, Ordering::Relaxed), reply)
    })
}

/// A reply without its signature and with this RCODE.
fn unsigned(reply: &[u8], rcode: u8) -> Vec<u8> {
    let mut reader = Reader::new(reply);
    let header = reader.header().unwrap();
    for _ in 0..header.counts[0] {
        reader.question().unwrap();
    }
    let mut bare = reply[..reader.at()].to_vec();
    bare[3] = bare[3] & 0xf0 | rcode;
    bare[6..12].fill(0);
    bare
}

/// A reply with one bit of its MAC changed: the MAC ends six bytes before ID, error and other length.
fn spoilt(reply: &[u8]) -> Vec<u8> {
    let mut reply = reply.to_vec();
    let at = reply.len() - 7;
    reply[at] ^= 1;
    reply
}

/// The output and exit code of a pass with such datagrams; the zone must hold these records before and after.
fn pass(
    extra: &str,
    code: i32,
    says: &str,
    lands: bool,
    change: impl Fn(usize, Vec<u8>) -> Vec<Vec<u8>> + Send + 'static,
) {
    let scratch = Scratch::new();
    let zones = Zones::start(Kind::Bind, &scratch);
    let before = zones.records();
    let between = between(zones.place, "127.0.0.1:0", change);
    config(&scratch, between.address().port(), &format!("{HOSTS}{}{extra}", key("hmac-sha256")), (FOUR, SIX));
    let run = Run::pass(&scratch).args(["--set", "timeout=3s"]).go();
    assert_eq!(run.code, Some(code), "{run:?}");
    assert!(run.stderr.contains(says), "{says}: {run:?}");
    let after = if lands { with(&before, FOUR, SIX) } else { before };
    assert_eq!(zones.records(), after);
}

#[test]
fn an_update_is_repeated_after_a_lost_reply() {
    let lose = |count, reply| if count == 0 { vec![] } else { vec![reply] };
    pass("", 0, "", true, lose);
}

/// The applied update makes its own repetition fail, since the records are no longer the previous ones.
#[test]
fn a_lost_reply_is_not_mistaken_for_a_foreign_record() {
    let scratch = Scratch::new();
    let zones = Zones::start(Kind::Bind, &scratch);
    let before = zones.records();
    let between = between(zones.place, "127.0.0.1:0", |count, reply| if count == 0 { vec![] } else { vec![reply] });
    let section = format!("hosts = new.example.test\nzone = example.test\nprerequisite = mine\n{}", key("hmac-sha256"));
    config(&scratch, between.address().port(), &section, (FOUR, SIX));
    let run = Run::pass(&scratch).go();
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    let sent = between.asked();
    assert_eq!(sent.len(), 3, "the update, its repeat, and the query for the existing record");
    assert_eq!(sent[0].bytes, sent[1].bytes);
    assert_eq!(zones.records().len(), before.len() + 2);
}

#[test]
fn forged_replies_are_ignored() {
    let forge = |_, reply: Vec<u8>| {
        let mut other = reply.clone();
        other[0] ^= 1;
        let noise = vec![0xff; 300];
        vec![unsigned(&reply, 0), unsigned(&reply, 5), spoilt(&reply), other, noise, reply[..20].to_vec(), reply]
    };
    pass("", 0, "", true, forge);
}

#[test]
fn an_unsigned_reply_does_not_confirm_an_update() {
    pass("", 1, "the reply is not signed", true, |_, reply| vec![unsigned(&reply, 0)]);
    pass("", 1, "the signature is wrong", true, |_, reply| vec![spoilt(&reply)]);
    // Nothing answers over TCP here: the unsigned reply is reported at the deadline, as unsigned.
    pass("", 3, "without a signature", true, |_, reply| vec![unsigned(&reply, 5)]);
}

/// After a forged reply homing does not wait for TCP longer than the reply itself may take. Where a firewall drops TCP,
/// that would take the rest of the pass, and the forged reply would decide.
#[test]
fn a_signed_reply_counts_while_tcp_is_blocked() {
    for forged in [5, 0x20] {
        let scratch = Scratch::new();
        let zones = Zones::start(Kind::Bind, &scratch);
        let before = zones.records();
        // Connections are accepted, but nothing is sent.
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let forge = move |_, reply: Vec<u8>| {
            let mut word = unsigned(&reply, forged & 0xf);
            word[2] |= forged >> 4;
            vec![word, reply]
        };
        let between = between(zones.place, &silent.local_addr().unwrap().to_string(), forge);
        config(&scratch, between.address().port(), &format!("{HOSTS}{}", key("hmac-sha256")), (FOUR, SIX));
        let run = Run::pass(&scratch).args(["--set", "timeout=3s"]).go();
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{forged} {run:?}");
        assert_eq!(zones.records(), with(&before, FOUR, SIX));
        assert!(silent.accept().is_ok(), "TCP was tried too");
    }
}

#[test]
fn a_truncated_reply_is_fetched_over_tcp() {
    let scratch = Scratch::new();
    let zones = Zones::start(Kind::Bind, &scratch);
    let before = zones.records();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let place = zones.place;
    let relay = std::thread::spawn(move || {
        let (mut ours, _) = listener.accept().unwrap();
        let mut theirs = TcpStream::connect(place).unwrap();
        let (mut from, mut to) = (ours.try_clone().unwrap(), theirs.try_clone().unwrap());
        let back = std::thread::spawn(move || std::io::copy(&mut theirs, &mut ours));
        let sent = std::io::copy(&mut from, &mut to).unwrap();
        let _ = to.shutdown(std::net::Shutdown::Both);
        let _ = back.join();
        sent
    });
    let cut = |_, reply: Vec<u8>| {
        let mut cut = unsigned(&reply, 0);
        cut[2] |= 2;
        vec![cut]
    };
    let between = between(place, &at.to_string(), cut);
    config(&scratch, at.port(), &format!("{HOSTS}{}", key("hmac-sha512")), (FOUR, SIX));
    let run = Run::pass(&scratch).go();
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    assert_eq!(between.count(), 1);
    assert!(relay.join().unwrap() > 100);
    assert_eq!(zones.records(), with(&before, FOUR, SIX));
}

/// The output of `--dry-run` is given to nsupdate unchanged, with the key; both datagrams are then compared. They agree
/// in all that a server acts on. They differ in the ID, in what follows from it and from the second of signing (the
/// MAC), and in name compression, which nsupdate uses and homing does not.
#[test]
fn nsupdate_sends_the_same_update() {
    let scratch = Scratch::new();
    let zones = Zones::start(Kind::Bind, &scratch);
    let before = zones.records();
    let between = between(zones.place, "127.0.0.1:0", |_, reply| vec![reply]);
    let file = format!("key \"hmac-sha256\" {{\n\talgorithm hmac-sha256;\n\tsecret \"{SHARED}\";\n}};\n");
    scratch.write("ddns.key", &file, 0o600);
    let section = format!("{HOSTS}key_file = {}\n", scratch.path("ddns.key").display());
    config(&scratch, between.address().port(), &section, (FOUR, SIX));
    let shown = Run::pass(&scratch).arg("--dry-run").go();
    assert_eq!((shown.code, between.count()), (Some(0), 0), "{shown:?}");
    assert!(shown.stdout.contains("\nkey hmac-sha256:hmac-sha256 ***\n"), "{}", shown.stdout);
    let script: String =
        shown.stdout.lines().filter(|line| !line.starts_with("key ")).map(|line| format!("{line}\n")).collect();

    let mut nsupdate = Command::new(program("nsupdate"));
    nsupdate.arg("-k").arg(scratch.path("ddns.key")).stdin(Stdio::piped());
    let mut child = nsupdate.spawn().unwrap();
    child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success(), "{script}");
    assert_eq!(zones.records(), with(&before, FOUR, SIX), "nsupdate with the output of --dry-run");

    let run = Run::pass(&scratch).go();
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    assert_eq!(zones.records(), with(&before, FOUR, SIX));
    let sent = between.asked();
    let (theirs, ours) = (&sent[0].bytes, &sent[1].bytes);
    assert_eq!(sent.len(), 2);
    let head = |message: &[u8]| Header { id: 0, ..Reader::new(message).header().unwrap() };
    assert_eq!(head(theirs), head(ours));
    assert_eq!(lines(theirs), lines(ours));
    let (theirs_sealed, ours_sealed) = (seal(theirs), seal(ours));
    assert_eq!(theirs_sealed, ours_sealed, "key, algorithm, fudge, length of the MAC");
    assert!(ours.len() > theirs.len(), "nsupdate compresses: {} and {}", theirs.len(), ours.len());
}

/// Of the last record, the signature: owner, algorithm, fudge and length of the MAC.
fn seal(message: &[u8]) -> (Vec<u8>, Vec<u8>, u16, u16) {
    let mut reader = Reader::new(message);
    let header = reader.header().unwrap();
    reader.question().unwrap();
    let mut last = None;
    for _ in 0..header.counts[1..].iter().sum() {
        last = Some(reader.record().unwrap());
    }
    let last = last.unwrap();
    assert_eq!((last.kind, last.class, last.ttl), (250, 255, 0));
    let mut data = Reader::new(last.data);
    let algorithm = data.name().unwrap();
    data.take(6).unwrap();
    (last.owner.to_ascii_lowercase(), algorithm.to_ascii_lowercase(), data.u16().unwrap(), data.u16().unwrap())
}

/// Key files as BIND's programs write them.
#[test]
fn keys_of_tsig_keygen_are_read() {
    let scratch = Scratch::new();
    for (algorithm, name) in [("hmac-sha256", "ddns-key"), ("hmac-sha512", "home.example.test"), ("hmac-md5", "k")] {
        let text = done(&scratch, &["tsig-keygen", "-a", algorithm, name]);
        scratch.write("ddns.key", &text, 0o600);
        let section = format!("{HOSTS}key_file = {}\n", scratch.path("ddns.key").display());
        config(&scratch, 5300, &section, (FOUR, SIX));
        let run = Run::pass(&scratch).arg("--dry-run").go();
        assert_eq!(run.code, Some(0), "{run:?}");
        assert!(run.stdout.contains(&format!("\nkey {algorithm}:{name} ***\n")), "{}", run.stdout);
    }
}
