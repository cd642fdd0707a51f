//! Digests and keyed digests: what tells settings apart, what signs a request to an API, what signs a DNS message.
//! The only door to RustCrypto's `sha1`, `sha2`, `md-5` and `hmac`; who asks names an algorithm and gets bytes.

use hmac::digest::core_api::BlockSizeUser;
use hmac::digest::Digest;
use hmac::{Mac, SimpleHmac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};

/// MD5 and SHA-1 are broken as digests and not as HMACs (RFC 6151 §2.3, RFC 6194 §3.3); old protocols ask for them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Algorithm {
    /// RFC 1321.
    Md5,
    /// FIPS 180-4, as the others below.
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

/// The digest of these parts, one after the other.
pub fn digest(algorithm: Algorithm, parts: &[&[u8]]) -> Vec<u8> {
    fn of<D: Digest>(parts: &[&[u8]]) -> Vec<u8> {
        let mut hash = D::new();
        parts.iter().for_each(|part| hash.update(part));
        hash.finalize().to_vec()
    }
    match algorithm {
        Algorithm::Md5 => of::<Md5>(parts),
        Algorithm::Sha1 => of::<Sha1>(parts),
        Algorithm::Sha224 => of::<Sha224>(parts),
        Algorithm::Sha256 => of::<Sha256>(parts),
        Algorithm::Sha384 => of::<Sha384>(parts),
        Algorithm::Sha512 => of::<Sha512>(parts),
    }
}

/// The HMAC (RFC 2104) of these parts, one after the other, under a key of any length.
pub fn hmac(algorithm: Algorithm, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    keyed(algorithm, key, parts, None).unwrap_or_default()
}

/// Whether that is their HMAC, whole: a part of one is none. How long the comparison takes tells nothing.
pub fn hmac_is(algorithm: Algorithm, key: &[u8], parts: &[&[u8]], claimed: &[u8]) -> bool {
    keyed(algorithm, key, parts, Some(claimed)).is_some()
}

/// Bytes in hexadecimal, lower-case.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from(b"0123456789abcdef"[usize::from(half)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Both in one, so that each algorithm is in the binary once: the HMAC, or nothing where it is not the claimed one.
fn keyed(algorithm: Algorithm, key: &[u8], parts: &[&[u8]], claimed: Option<&[u8]>) -> Option<Vec<u8>> {
    fn of<D: Digest + BlockSizeUser>(key: &[u8], parts: &[&[u8]], claimed: Option<&[u8]>) -> Option<Vec<u8>> {
        // No length is wrong to an HMAC.
        let mut mac = <SimpleHmac<D> as Mac>::new_from_slice(key).ok()?;
        parts.iter().for_each(|part| mac.update(part));
        match claimed {
            Some(claimed) => mac.verify_slice(claimed).ok().map(|()| Vec::new()),
            None => Some(mac.finalize().into_bytes().to_vec()),
        }
    }
    match algorithm {
        Algorithm::Md5 => of::<Md5>(key, parts, claimed),
        Algorithm::Sha1 => of::<Sha1>(key, parts, claimed),
        Algorithm::Sha224 => of::<Sha224>(key, parts, claimed),
        Algorithm::Sha256 => of::<Sha256>(key, parts, claimed),
        Algorithm::Sha384 => of::<Sha384>(key, parts, claimed),
        Algorithm::Sha512 => of::<Sha512>(key, parts, claimed),
    }
}

#[cfg(test)]
mod tests {
    use super::Algorithm::{Md5, Sha1, Sha224, Sha256, Sha384, Sha512};
    use super::*;

    #[test]
    fn digests_are_those_of_the_standards() {
        // RFC 1321 A.5; FIPS 180-4's examples of "abc".
        for (algorithm, begins) in [
            (Md5, "900150983cd24fb0"),
            (Sha1, "a9993e364706816a"),
            (Sha224, "23097d223405d822"),
            (Sha256, "ba7816bf8f01cfea"),
            (Sha384, "cb00753f45a35e8b"),
            (Sha512, "ddaf35a193617aba"),
        ] {
            let sum = digest(algorithm, &[b"a", b"", b"bc"]);
            assert!(hex(&sum).starts_with(begins), "{algorithm:?}");
            assert_eq!(sum, digest(algorithm, &[b"abc"]));
        }
    }

    #[test]
    fn hmacs_are_those_of_the_standards() {
        // The key "Jefe": RFC 2202 §2 and §3, RFC 4231 §4.3.
        let parts: [&[u8]; 2] = [b"what do ya want ", b"for nothing?"];
        for (algorithm, expected) in [
            (Md5, "750c783e6ab0b503eaa86e310a5db738"),
            (Sha1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
            (Sha224, "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44"),
            (Sha256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
            (
                Sha384,
                "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
            ),
            (
                Sha512,
                "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554\
                 9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
            ),
        ] {
            let sum = hmac(algorithm, b"Jefe", &parts);
            assert_eq!(hex(&sum), expected, "{algorithm:?}");
            assert!(hmac_is(algorithm, b"Jefe", &parts, &sum));
            assert!(!hmac_is(algorithm, b"jefe", &parts, &sum));
            assert!(!hmac_is(algorithm, b"Jefe", &parts[..1], &sum));
            assert!(!hmac_is(algorithm, b"Jefe", &parts, &sum[..10]), "a part is not the whole");
            assert!(!hmac_is(algorithm, b"Jefe", &parts, &[]));
            let mut other = sum.clone();
            other[sum.len() - 1] ^= 1;
            assert!(!hmac_is(algorithm, b"Jefe", &parts, &other));
        }
        // A key longer than a block is digested first: RFC 4231 §4.7.
        let long = hmac(Sha256, &[0xaa; 131], &[b"Test Using Larger Than Block-Size Key - Hash Key First"]);
        assert_eq!(hex(&long), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    }
}
