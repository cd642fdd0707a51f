//! What the fuzzers do with bytes, and `cargo test` with those that they kept: read them in every way that bytes from
//! the network are read, and hold what must be true of any.

#![allow(dead_code)] // Each fuzzer uses one of them.

use homing::internals::tsig::{Key, Seal};
use homing::internals::Secret;
use homing::internals::{name_text, put_name, Reader};
use homing::internals::{read_reply, zone, Class, Kind, Question, Reading};

/// When the corpus was signed: 2026-11-20 12:00:00 UTC.
const NOW: i64 = 1_795_176_000;

/// DNS messages: names, records, and the replies to the questions that homing asks.
pub fn dns(data: &[u8]) {
    let mut reader = Reader::new(data);
    if let Ok(header) = reader.header() {
        for _ in 0..header.counts[0] {
            if reader.question().is_err() {
                break;
            }
        }
        while reader.left() > 0 {
            let before = reader.at();
            let Ok(record) = reader.record() else { break };
            assert!(reader.at() > before && record.owner.len() <= 255 && record.at + record.data.len() == reader.at());
            if let Some(text) = name_text(&record.owner).filter(|text| !text.is_empty()) {
                let mut again = Vec::new();
                put_name(&mut again, &text).unwrap();
                assert_eq!(again, record.owner, "a name that can be written is written as it was read");
            }
        }
    }
    let id = data.get(..2).map_or(0, |id| u16::from_be_bytes([id[0], id[1]]));
    for kind in [Kind::A, Kind::Aaaa, Kind::Txt] {
        for class in [Class::In, Class::Ch] {
            let question = Question { name: "home.example".to_string(), kind, class };
            if let Reading::Ours(Ok(answers)) = read_reply(data, id, &question) {
                assert!(!answers.is_empty());
            }
        }
    }
    let asked = b"\x04home\x07example\0";
    if let Some(Ok(Some(zone))) = zone::read_zone(data, id, asked) {
        assert!("home.example".ends_with(&zone.name.to_ascii_lowercase()), "{zone:?}");
    }
}

/// Signatures: nothing counts that was not made with the key.
pub fn tsig(data: &[u8]) {
    // Base64 of a text that no input can know how to sign with.
    let key = Key::new("ddns.example", "hmac-sha256", &Secret::unmasked("YSBzZWNyZXQgb2YgdGhlIGZ1enplcnM=")).unwrap();
    let request = b"the MAC of a request, as it were";
    let seal = key.judge(data, request, NOW);
    assert!(matches!(seal, Seal::None | Seal::Claim(_) | Seal::Forged(_)), "{seal:?}");
    // Nor does what we sign ourselves: it is no reply, and may have begun as anything.
    let (signed, _) = key.sign(data.to_vec(), NOW);
    let seal = key.judge(&signed, request, NOW);
    assert!(matches!(seal, Seal::None | Seal::Claim(_) | Seal::Forged(_)), "{seal:?}");
}

/// A bundle of certificates: what is found by name is what is found by reading everything. The first byte chooses the
/// name: none, or that of the first certificate that a whole reading finds.
#[cfg(feature = "tls")]
pub fn bundle(data: &[u8]) {
    use homing::internals::{certificate_names, certificates};
    use rustls::pki_types::{pem::PemObject, CertificateDer};
    let Some((choice, text)) = data.split_first() else { return };
    let whole: Vec<CertificateDer<'_>> = CertificateDer::pem_slice_iter(text).flatten().collect();
    let named = whole.iter().find_map(|der| certificate_names(der)).filter(|_| choice % 2 == 1);
    let subjects: Vec<&[u8]> = named.iter().map(|names| names.subject).collect();
    let wanted =
        |der: &&CertificateDer<'_>| certificate_names(der).is_none_or(|names| subjects.contains(&names.subject));
    let expected: Vec<Vec<u8>> = whole.iter().filter(wanted).map(|der| der.to_vec()).collect();
    let mut found = Vec::new();
    let count = certificates(text, &subjects, &mut |der| found.push(der));
    assert_eq!(found, expected);
    assert!(count >= whole.len());
}
