//! Signatures on DNS messages (RFC 8945): a key that two sides share, a MAC over the message and the time. Pure: bytes
//! and a clock's reading in, bytes or a judgement out. A reply counts only under the MAC of the request that it answers.

mod keyfile;

pub use keyfile::{read_key, Material};

use crate::net::dns::wire::{put_name, put_record, put_u16, same_name, Reader, HEADER};
use crate::sys::clock::Timestamp;
use crate::types::digest::{self, Algorithm};
use crate::types::secret::Secret;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{alphabet, Engine};
use zeroize::Zeroizing;

/// The type of the record that holds the signature, and its class (RFC 8945 §4.2).
const TSIG: u16 = 250;
const ANY: u16 = 255;
/// Seconds that two clocks may differ (RFC 8945 §10 recommends it).
const FUDGE: u16 = 300;
/// The error that says that clocks differ more (RFC 8945 §5.2.3).
pub const BADTIME: u16 = 18;
/// The longest name and MAC, and what stands around them: what a signature adds at most.
pub const LONGEST: usize = 255 + 10 + 26 + 16 + 64;

/// The algorithms as people and `named.conf` write them, and as they stand in messages (RFC 8945 §6).
const ALGORITHMS: [(&str, &str, Algorithm); 6] = [
    ("hmac-md5", "hmac-md5.sig-alg.reg.int", Algorithm::MD5),
    ("hmac-sha1", "hmac-sha1", Algorithm::SHA1),
    ("hmac-sha224", "hmac-sha224", Algorithm::SHA224),
    ("hmac-sha256", "hmac-sha256", Algorithm::SHA256),
    ("hmac-sha384", "hmac-sha384", Algorithm::SHA384),
    ("hmac-sha512", "hmac-sha512", Algorithm::SHA512),
];

/// Keys are written with padding and without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The algorithm of this name, written short or whole, in any case, with a last dot or without, `hmac-` left out or not.
pub fn algorithm(name: &str) -> Option<&'static str> {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let named = |(short, long, _): &&(&'static str, &'static str, Algorithm)| {
        name == *short || name == *long || short.strip_prefix("hmac-") == Some(&name)
    };
    ALGORITHMS.iter().find(named).map(|(short, ..)| *short)
}

/// The short names of all algorithms.
pub fn algorithms() -> [&'static str; 6] {
    ALGORITHMS.map(|(short, ..)| short)
}

/// A key that we share with a server.
pub struct Key {
    /// In wire form, lower-case (RFC 8945 §4.3.3 digests it so).
    name: Vec<u8>,
    /// As people write it.
    shown: String,
    short: &'static str,
    /// The algorithm's name in wire form.
    called: Vec<u8>,
    algorithm: Algorithm,
    secret: Zeroizing<Vec<u8>>,
}

impl Key {
    /// A key of this name; `short` is what [`algorithm`] gave, the secret is in base64. The error says what is wrong.
    pub fn new(name: &str, short: &str, secret: &Secret) -> Result<Key, &'static str> {
        let found = ALGORITHMS.iter().find(|(known, ..)| *known == short);
        let (short, long, algorithm) = found.ok_or("no such algorithm")?;
        let (mut wire, mut called) = (Vec::new(), Vec::new());
        let shown = name.trim_end_matches('.').to_ascii_lowercase();
        put_name(&mut wire, &shown)?;
        put_name(&mut called, long)?;
        // As long as it can become: one that grew would leave copies behind.
        let mut bare = Zeroizing::new(String::with_capacity(secret.expose().len()));
        bare.extend(secret.expose().split_ascii_whitespace());
        let secret = BASE64.decode(bare.as_bytes()).map_err(|_| "the secret is not base64: copy it from the key")?;
        if secret.is_empty() {
            return Err("the secret is empty: copy it from the key");
        }
        Ok(Key { name: wire, shown, short, called, algorithm: *algorithm, secret: Zeroizing::new(secret) })
    }

    /// `hmac-sha256:name`, as nsupdate(1) writes it before the secret.
    pub fn shown(&self) -> String {
        format!("{}:{}", self.short, self.shown)
    }

    /// What a signature covers besides the message (RFC 8945 §4.3.3).
    fn variables(&self, times: &[u8], error: u16, other: &[u8]) -> Vec<u8> {
        let mut out = self.name.clone();
        put_u16(&mut out, ANY);
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.called);
        out.extend_from_slice(times);
        put_u16(&mut out, error);
        put_u16(&mut out, u16::try_from(other.len()).unwrap_or(u16::MAX));
        out.extend_from_slice(other);
        out
    }

    /// Signs a request at this time. Gives the message with its signature, and the MAC that the reply answers to.
    /// What is no message comes back as it is.
    pub fn sign(&self, mut message: Vec<u8>, now: Timestamp) -> (Vec<u8>, Vec<u8>) {
        let header = Reader::new(&message).header();
        let counted = header.ok().and_then(|header| Some((header, header.counts[3].checked_add(1)?)));
        let Some((header, count)) = counted else { return (message, Vec::new()) };
        let seconds = u64::try_from(now).unwrap_or(0).to_be_bytes();
        let mut times = seconds[2..].to_vec();
        put_u16(&mut times, FUDGE);
        let mac = digest::hmac(self.algorithm, &self.secret, &[&message, &self.variables(&times, 0, &[])]);
        let mut data = self.called.clone();
        data.extend_from_slice(&times);
        put_u16(&mut data, u16::try_from(mac.len()).unwrap_or(0));
        data.extend_from_slice(&mac);
        put_u16(&mut data, header.id);
        data.extend_from_slice(&[0; 4]); // no error, no other data
        put_record(&mut message, &self.name, [TSIG, ANY], 0, &data);
        message[10..HEADER].copy_from_slice(&count.to_be_bytes());
        (message, mac)
    }

    /// Judges the signature of a reply to the request that had this MAC.
    pub fn judge(&self, reply: &[u8], request: &[u8], now: Timestamp) -> Seal {
        match self.seal(reply, request, now) {
            Ok(seal) => seal,
            Err(how) => Seal::Forged(how),
        }
    }

    fn seal(&self, reply: &[u8], request: &[u8], now: Timestamp) -> Result<Seal, &'static str> {
        let Some(found) = find(reply)? else { return Ok(Seal::None) };
        if !same_name(&found.owner, &self.name) {
            return Err("signed with another key");
        }
        if !same_name(&found.algorithm, &self.called) {
            return Err("signed with another algorithm");
        }
        if found.mac.is_empty() {
            return Ok(Seal::Claim(found.error));
        }
        // What was signed: the request's MAC, the message as it was before the signature, its circumstances.
        let length = u16::try_from(request.len()).unwrap_or(0).to_be_bytes();
        let count = found.additional.wrapping_sub(1).to_be_bytes();
        let circumstances = self.variables(found.times, found.error, found.other);
        let (Some(middle), Some(body)) = (reply.get(2..10), reply.get(HEADER..found.at)) else {
            return Err("it ends too early");
        };
        let parts = [&length[..], request, found.id, middle, &count, body, &circumstances];
        if !digest::hmac_is(self.algorithm, &self.secret, &parts, found.mac) {
            return Err("the signature is wrong");
        }
        let mut times = Reader::new(found.times);
        let (signed, fudge) = (seconds(&times.array()?), Timestamp::from(times.u16()?));
        if found.error == BADTIME {
            // The server's clock (RFC 8945 §5.2.3); the time of signing is ours again.
            let theirs = <[u8; 6]>::try_from(found.other).map_or(signed, |bytes| seconds(&bytes));
            return Ok(Seal::Clock { theirs });
        }
        match (now - signed).abs() > fudge {
            true => Ok(Seal::Clock { theirs: signed }),
            false => Ok(Seal::Good(found.error)),
        }
    }
}

/// What a reply's signature shows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Seal {
    /// It is the server's, in time, with this error (0: none).
    Good(u16),
    /// It is the server's, whose clock and ours differ by more than is allowed.
    Clock { theirs: Timestamp },
    /// The reply says that it could not be signed, because of this error. Anybody can say so.
    Claim(u16),
    /// There is no signature.
    None,
    /// It is not the server's, or no message at all; how that is seen.
    Forged(&'static str),
}

fn seconds(bytes: &[u8; 6]) -> Timestamp {
    bytes.iter().fold(0, |sum, byte| sum << 8 | Timestamp::from(*byte))
}

/// The signature's record, taken apart (RFC 8945 §4.2).
struct Found<'a> {
    owner: Vec<u8>,
    algorithm: Vec<u8>,
    /// Time signed and fudge, as they stand there.
    times: &'a [u8],
    mac: &'a [u8],
    /// The message's id before anybody forwarded it.
    id: &'a [u8],
    error: u16,
    other: &'a [u8],
    /// Where the record begins.
    at: usize,
    /// How many additional records the header counts.
    additional: u16,
}

/// The signature of a message, which must be its last record and the only one of its kind (RFC 8945 §5.1).
fn find(message: &[u8]) -> Result<Option<Found<'_>>, &'static str> {
    let mut reader = Reader::new(message);
    let header = reader.header()?;
    for _ in 0..header.counts[0] {
        reader.question()?;
    }
    let records: usize = header.counts[1..].iter().map(|count| usize::from(*count)).sum();
    if !reader.has_room_for(records) {
        return Err("more records promised than it can hold");
    }
    let mut found = None;
    for left in (0..records).rev() {
        let at = reader.at();
        let record = reader.record()?;
        if record.kind != TSIG {
            continue;
        }
        if left > 0 || header.counts[3] == 0 {
            return Err("a signature in the wrong place");
        }
        if record.class != ANY || record.ttl != 0 {
            return Err("a signature of the wrong kind");
        }
        let mut data = Reader::new(record.data);
        let (algorithm, times, length) = (data.name()?, data.take(8)?, data.u16()?);
        let (mac, id, error) = (data.take(usize::from(length))?, data.take(2)?, data.u16()?);
        let length = data.u16()?;
        let other = data.take(usize::from(length))?;
        if data.left() > 0 {
            return Err("a signature of the wrong length");
        }
        found = Some(Found {
            owner: record.owner,
            algorithm,
            times,
            mac,
            id,
            error,
            other,
            at,
            additional: header.counts[3],
        });
    }
    match reader.left() {
        0 => Ok(found),
        _ => Err("more bytes than its records"),
    }
}

#[cfg(test)]
mod tests;
