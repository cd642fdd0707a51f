//! Digests and keyed digests: what tells settings apart, what signs a request to an API, what signs a DNS message.
//! The only door to RustCrypto's `sha1`, `sha2`, `md-5` and `hmac`; who asks names an algorithm and gets bytes.

use hmac::digest::core_api::BlockSizeUser;
use hmac::digest::Digest;
use hmac::{Mac, SimpleHmac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};

/// An HMAC's digest. A function to call and not a case of a match, so that a build holds those that somebody names and no
/// others. MD5 and SHA-1 are broken as digests and not as HMACs (RFC 6151 §2.3, RFC 6194 §3.3); old protocols ask for them.
#[derive(Clone, Copy)]
pub struct Algorithm(Keyed);

/// Of a key, a message in parts, and the HMAC that is claimed.
type Keyed = fn(&[u8], &[&[u8]], Option<&[u8]>) -> Option<Vec<u8>>;

impl Algorithm {
    /// RFC 1321.
    pub const MD5: Algorithm = Algorithm(keyed::<Md5>);
    /// FIPS 180-4, as the others below.
    pub const SHA1: Algorithm = Algorithm(keyed::<Sha1>);
    pub const SHA224: Algorithm = Algorithm(keyed::<Sha224>);
    pub const SHA256: Algorithm = Algorithm(keyed::<Sha256>);
    pub const SHA384: Algorithm = Algorithm(keyed::<Sha384>);
    pub const SHA512: Algorithm = Algorithm(keyed::<Sha512>);
}

/// The digest of these parts, one after the other.
pub fn sha1(parts: &[&[u8]]) -> Vec<u8> {
    plain::<Sha1>(parts)
}

/// The same by SHA-256.
pub fn sha256(parts: &[&[u8]]) -> Vec<u8> {
    plain::<Sha256>(parts)
}

/// The HMAC (RFC 2104) of these parts, one after the other, under a key of any length.
pub fn hmac(algorithm: Algorithm, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    (algorithm.0)(key, parts, None).unwrap_or_default()
}

/// Whether that is their HMAC, whole: a part of one is none. How long the comparison takes tells nothing.
pub fn hmac_is(algorithm: Algorithm, key: &[u8], parts: &[&[u8]], claimed: &[u8]) -> bool {
    (algorithm.0)(key, parts, Some(claimed)).is_some()
}

/// Bytes in hexadecimal, lower-case.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from(b"0123456789abcdef"[usize::from(half)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn plain<D: Digest>(parts: &[&[u8]]) -> Vec<u8> {
    let mut hash = D::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().to_vec()
}

/// Both in one, so that each algorithm is in the binary once: the HMAC, or nothing where it is not the claimed one.
fn keyed<D: Digest + BlockSizeUser>(key: &[u8], parts: &[&[u8]], claimed: Option<&[u8]>) -> Option<Vec<u8>> {
    // No length is wrong to an HMAC.
    let mut mac = <SimpleHmac<D> as Mac>::new_from_slice(key).ok()?;
    parts.iter().for_each(|part| mac.update(part));
    match claimed {
        Some(claimed) => mac.verify_slice(claimed).ok().map(|()| Vec::new()),
        None => Some(mac.finalize().into_bytes().to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_the_standards() {
        // FIPS 180-4's examples of "abc".
        let parts: [&[u8]; 3] = [b"a", b"", b"bc"];
        assert_eq!(hex(&sha1(&parts)), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert!(hex(&sha256(&parts)).starts_with("ba7816bf8f01cfea"));
        assert_eq!((sha1(&[b"abc"]), sha256(&[b"abc"])), (sha1(&parts), sha256(&parts)));
    }

    #[test]
    fn hmacs_are_those_of_the_standards() {
        // The key "Jefe": RFC 2202 §2 and §3, RFC 4231 §4.3.
        let parts: [&[u8]; 2] = [b"what do ya want ", b"for nothing?"];
        for (algorithm, expected) in [
            (Algorithm::MD5, "750c783e6ab0b503eaa86e310a5db738"),
            (Algorithm::SHA1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
            (Algorithm::SHA224, "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44"),
            (Algorithm::SHA256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
            (
                Algorithm::SHA384,
                "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
            ),
            (
                Algorithm::SHA512,
                "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554\
                 9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
            ),
        ] {
            let sum = hmac(algorithm, b"Jefe", &parts);
            assert_eq!(hex(&sum), expected);
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
        let long = hmac(Algorithm::SHA256, &[0xaa; 131], &[b"Test Using Larger Than Block-Size Key - Hash Key First"]);
        assert_eq!(hex(&long), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    }
}
