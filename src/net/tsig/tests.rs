//! The tests of `tsig.rs`. The vectors were made with dnspython 2.9.2 (dns.tsig) at 2026-11-20 12:00:00 UTC with the key
//! `ddns.example.` and the secret `0123456789abcdef` twice, of an update `replace('h', 60, 'A', '192.0.2.1')` of the
//! zone `example.`, id 0x1234.

use super::*;

const NOW: Timestamp = 1_795_176_000;
const PLAIN: &str = "123428000001000000020000076578616d706c6500000600010168c00c000100ff000000000000c01900010001\
                     0000003c0004c0000201";
const MAC: &str = "0c1465a957e20a0048a2ed0b219bed6d7b36ed8edface86336aee184b29d87de";
const REPLY: &str = "1234a8000001000000000001076578616d706c6500000600010464646e73c00c00fa00ff00000000003d0b686d61\
                     632d7368613235360000006b003640012c0020f306c8654be928ec09f6c52b2a4ecb205d5d92f3025ce3f2b279c9\
                     04993796cf123400000000";
const MACS: [(&str, &str); 6] = [
    ("hmac-md5", "a5de1dba35f161245f0ae09b32d2b69e"),
    ("hmac-sha1", "da915d7c54db860875c151feb97b1fe788b0b140"),
    ("hmac-sha224", "bde82e9e5931381ea3af6b9c84c50efbf75e1dd622d8c67e1ef4bb3f"),
    ("hmac-sha256", MAC),
    ("hmac-sha384", "4e9cd279443cbb8ea220a9ca25311b88cfe9c9c7305494a2e5b08b8e020780d3e123fcf804f367453123ec0505595df2"),
    (
        "hmac-sha512",
        "4bec1f192658f3c57fb5e2d774e1517039c22f620ae9935890d14c4da24a0bdeee377369891fc5b5dc512c0c6aad07d30c5bf85883bfb1a\
         72f8652d7169bba91",
    ),
];

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
}

fn key(algorithm: &str) -> Key {
    let secret = Secret::new(&BASE64.encode(b"0123456789abcdef0123456789abcdef"));
    Key::new("DDNS.example.", algorithm, &secret).unwrap()
}

fn judge(reply: &[u8]) -> Seal {
    key("hmac-sha256").judge(reply, &bytes(MAC), NOW)
}

/// A reply to the request above, signed as a server signs: with the request's MAC, and these circumstances.
fn signed(rcode: u8, at: Timestamp, error: u16, other: &[u8], mac: impl Fn(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
    let key = key("hmac-sha256");
    let mut reply = bytes("1234a8000001000000000000076578616d706c650000060001");
    reply[3] |= rcode;
    let mut times = (at as u64).to_be_bytes()[2..].to_vec();
    put_u16(&mut times, FUDGE);
    let request = bytes(MAC);
    let parts = [&[0, 32][..], &request, &reply, &key.variables(&times, error, other)];
    let mac = mac(digest::hmac(key.algorithm, &key.secret, &parts));
    let mut data = [&key.called[..], &times, &[0, mac.len() as u8], &mac, &reply[..2]].concat();
    put_u16(&mut data, error);
    put_u16(&mut data, other.len() as u16);
    data.extend_from_slice(other);
    put_record(&mut reply, &key.name, [TSIG, ANY], 0, &data);
    reply[11] = 1;
    reply
}

#[test]
fn requests_are_signed_as_another_program_does() {
    for (algorithm, mac) in MACS {
        let (message, ours) = key(algorithm).sign(bytes(PLAIN), NOW);
        assert_eq!(digest::hex(&ours), mac, "{algorithm}");
        assert_eq!(find(&message).unwrap().unwrap().mac, ours, "{algorithm}");
        assert_eq!(message[11], 1);
        assert!(message.len() <= PLAIN.len() / 2 + LONGEST);
    }
    assert_eq!(key("hmac-sha256").sign(vec![1, 2], NOW), (vec![1, 2], vec![]));
}

#[test]
fn a_reply_counts_under_its_request_and_in_time() {
    let reply = bytes(REPLY);
    assert_eq!(judge(&reply), Seal::Good(0));
    let key = key("hmac-sha256");
    assert_eq!(key.judge(&reply, &bytes(MACS[2].1), NOW), Seal::Forged("the signature is wrong"));
    assert_eq!(key.judge(&reply, &[], NOW), Seal::Forged("the signature is wrong"));
    for late in [-300, 300] {
        assert_eq!(key.judge(&reply, &bytes(MAC), NOW + late), Seal::Good(0));
    }
    for late in [-301, 301] {
        assert_eq!(key.judge(&reply, &bytes(MAC), NOW + late), Seal::Clock { theirs: NOW });
    }
}

/// Every bit that differs makes it another message. Of the id, only the one that was signed counts: the one in front
/// may change on the way (RFC 8945 §5.3.1), and is compared with ours before.
#[test]
fn no_bit_of_a_reply_can_be_changed() {
    let reply = bytes(REPLY);
    for bit in 16..reply.len() * 8 {
        let mut other = reply.clone();
        other[bit / 8] ^= 1 << (bit % 8);
        let seal = judge(&other);
        // Letters of names in another case are the same names.
        let folded = other.eq_ignore_ascii_case(&reply);
        assert!(matches!(seal, Seal::Forged(_) | Seal::None) || folded, "bit {bit}: {seal:?}");
    }
    for end in 0..reply.len() {
        assert!(matches!(judge(&reply[..end]), Seal::Forged(_)), "{end}");
    }
    assert!(matches!(judge(&[&reply[..], b"x"].concat()), Seal::Forged(_)));
}

#[test]
fn part_of_a_signature_is_none() {
    let good = signed(0, NOW, 0, &[], |mac| mac);
    assert_eq!(judge(&good), Seal::Good(0));
    for length in [1, 10, 16, 31] {
        let cut = signed(0, NOW, 0, &[], |mac| mac[..length].to_vec());
        assert_eq!(judge(&cut), Seal::Forged("the signature is wrong"), "{length}");
    }
    let none = signed(9, NOW, 17, &[], |_| Vec::new());
    assert_eq!(judge(&none), Seal::Claim(17));
}

#[test]
fn errors_and_clocks_are_told_apart() {
    assert_eq!(judge(&signed(5, NOW, 0, &[], |mac| mac)), Seal::Good(0));
    let theirs = NOW + 600;
    let other = &(theirs as u64).to_be_bytes()[2..];
    assert_eq!(judge(&signed(9, NOW, BADTIME, other, |mac| mac)), Seal::Clock { theirs });
    // Not signed: not believed.
    assert_eq!(
        judge(&signed(9, NOW, BADTIME, other, |mac| vec![0; mac.len()])),
        Seal::Forged("the signature is wrong")
    );
}

#[test]
fn a_signature_stands_last_and_alone() {
    let reply = bytes(REPLY);
    let record = &reply[25..];
    let twice = |counts: [u8; 2]| {
        let mut reply = [&reply[..25], record, record].concat();
        (reply[9], reply[11]) = (counts[0], counts[1]);
        reply
    };
    assert_eq!(judge(&twice([0, 2])), Seal::Forged("a signature in the wrong place"));
    assert_eq!(judge(&twice([1, 1])), Seal::Forged("a signature in the wrong place"));
    let mut elsewhere = reply.clone();
    (elsewhere[9], elsewhere[11]) = (1, 0);
    assert_eq!(judge(&elsewhere), Seal::Forged("a signature in the wrong place"));
    let mut bare = reply[..25].to_vec();
    bare[11] = 0;
    assert_eq!(judge(&bare), Seal::None);
    let mut promised = reply.clone();
    promised[4..12].fill(0xff);
    assert!(matches!(judge(&promised), Seal::Forged(_)));
}

#[test]
fn keys_are_made_or_refused() {
    let made = |name: &str, algorithm: &str, secret: &str| Key::new(name, algorithm, &Secret::new(secret));
    assert_eq!(key("hmac-sha256").shown(), "hmac-sha256:ddns.example");
    assert_eq!(made("k", "hmac-sha1", "q/w+ AQ").unwrap().secret.as_slice(), [0xab, 0xfc, 0x3e, 1]);
    assert!(made("k..x", "hmac-sha1", "AQ==").is_err());
    assert!(made("k", "hmac-sha3", "AQ==").is_err());
    assert_eq!(made("k", "hmac-sha1", "no base64!").err(), Some("the secret is not base64: copy it from the key"));
    assert_eq!(made("k", "hmac-sha1", " ").err(), Some("the secret is empty: copy it from the key"));
    for name in ["sha256", "HMAC-SHA256.", "hmac-sha256"] {
        assert_eq!(algorithm(name), Some("hmac-sha256"));
    }
    assert_eq!(algorithm("md5"), Some("hmac-md5"));
    assert_eq!(algorithm("hmac-md5.sig-alg.reg.int."), Some("hmac-md5"));
    assert_eq!(algorithm("sha"), None);
}
