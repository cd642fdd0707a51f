//! Replays the corpus of the fuzzers (tests/fuzz): as it is, truncated, and with changed bytes. No input may panic or
//! take long.

#[path = "../fuzz/probe.rs"]
mod probe;

use std::path::Path;
use std::time::{Duration, Instant};

/// Much longer than any input takes, so that only an endless loop or quadratic work exceeds it.
const LONG: Duration = Duration::from_secs(5);

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target);
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 20, "{}: only {}", folder.display(), files.len());
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

fn replay(target: &str, probe: fn(&[u8])) {
    let mut noise = 0x2545_f491_4f6c_dd1d_u64;
    let timed = |data: &[u8]| {
        let begun = Instant::now();
        probe(data);
        assert!(begun.elapsed() < LONG, "{target}: {:?} for {data:?}", begun.elapsed());
    };
    for input in corpus(target) {
        timed(&input);
        for cut in (0..input.len()).step_by(1 + input.len() / 16) {
            timed(&input[..cut]);
        }
        for _ in 0..8 {
            let mut other = input.clone();
            // xorshift: the same sequence in every run.
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            if let Some(byte) = other.get_mut(noise as usize % input.len().max(1)) {
                *byte = (noise >> 32) as u8;
            }
            timed(&other);
        }
    }
}

#[test]
fn fuzzed_dns_messages_do_not_panic() {
    replay("dns", probe::dns);
}

#[test]
fn fuzzed_signatures_do_not_panic() {
    replay("tsig", probe::tsig);
}

#[test]
#[cfg(feature = "tls")]
fn certificate_bundles_are_searched_as_if_all_of_them_were_decoded() {
    replay("bundle", probe::bundle);
}

/// A message of the size limit of TCP; each record points to the longest possible name.
#[test]
fn the_longest_dns_message_is_parsed_quickly() {
    let mut message = vec![0x12, 0x34, 0xa8, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 1];
    // The name: 127 labels, each reached by a pointer from the one before.
    let mut last: Option<u16> = None;
    for _ in 0..127 {
        let at = message.len() as u16;
        message.extend([1, b'x']);
        match last {
            None => message.push(0),
            Some(last) => message.extend((0xc000 | last).to_be_bytes()),
        }
        last = Some(at);
    }
    let owner = (0xc000 | last.unwrap()).to_be_bytes();
    while message.len() + 12 <= 65_535 {
        message.extend(owner);
        message.extend([0, 1, 0, 1, 0, 0, 0, 0, 0, 0]);
    }
    let begun = Instant::now();
    probe::dns(&message);
    probe::tsig(&message);
    assert!(begun.elapsed() < LONG, "{:?}", begun.elapsed());
}
