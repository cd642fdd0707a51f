//! A STUN server (RFC 8489) says which address it sees. One datagram each way, as with DNS, and as little proof: what
//! keeps off strangers is the random transaction id, the random port and the connected socket.

use super::{family_key, server, OptionalKind};
use crate::net::datagram;
use crate::net::dns::Server;
use crate::net::http::{plain, quoted};
use crate::net::socket::Bind;
use crate::settings::reader::SectionReader;
use crate::sys::os;
use crate::types::address::Family;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

const USUAL_PORT: u16 = 3478;
/// In every message (§5), and what addresses are veiled with (§14.2).
const COOKIE: [u8; 4] = 0x2112_a442_u32.to_be_bytes();
const HEADER: usize = 20;
const BINDING_REQUEST: u16 = 0x0001;
const BINDING_SUCCESS: u16 = 0x0101;
const BINDING_ERROR: u16 = 0x0111;
const ERROR_CODE: u16 = 0x0009;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
const FINGERPRINT: u16 = 0x8028;
/// Attributes that a client must understand (§18.3), and those of RFC 3489 and 5389 that old servers still send.
const UNDERSTOOD: &[u16] = &[1, 2, 3, 4, 5, 6, 8, ERROR_CODE, 0x0a, 0x0b, 0x14, 0x15, 0x1c, 0x1d, 0x1e, 0x20];
/// §6.2.1: half a second, doubled each time, seven datagrams in all.
const PAUSES: [Duration; 6] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(16),
];

pub fn make(facts: &SectionReader<'_>, family: Family) -> Option<OptionalKind> {
    let own = facts.section.get("url").is_some();
    let place = if own { "url" } else { family_key(facts, "server", "server6", family) };
    Some(OptionalKind::Stun { server: server::read(facts, place, "stun:", USUAL_PORT)? })
}

pub fn ask(server: &Server, family: Family, until: Instant, bind: Option<&Bind>) -> Result<IpAddr, String> {
    let place = server::address(server, family, until)?;
    let mut id = [0; 12];
    os::random(&mut id);
    let answer = datagram::exchange(place, bind, &request(&id), &PAUSES, until, |packet| read(packet, &id));
    match answer.map_err(|error| plain(&error))? {
        None => Err("no answer in time".to_string()),
        Some(Err(why)) => Err(why),
        Some(Ok(address)) if Family::of(address) == family => Ok(address),
        Some(Ok(_)) => Err(format!("the answer is not an {family} address")),
    }
}

/// A Binding request without any attribute: the server needs to know nothing of us (§6.1).
fn request(id: &[u8; 12]) -> Vec<u8> {
    let head = (u32::from(BINDING_REQUEST) << 16).to_be_bytes();
    [&head[..], &COOKIE, id].concat()
}

/// The answer to our request, good or bad; `None` where it is none.
fn read(packet: &[u8], id: &[u8; 12]) -> Option<Result<IpAddr, String>> {
    let kind = u16_at(packet, 0)?;
    let ours = packet.get(4..8)? == COOKIE && packet.get(8..HEADER)? == id;
    (ours && (kind == BINDING_SUCCESS || kind == BINDING_ERROR)).then(|| {
        let length = usize::from(u16_at(packet, 2).unwrap_or(0));
        match length == packet.len() - HEADER && length % 4 == 0 {
            true => answer(packet, kind == BINDING_ERROR, id),
            false => Err("broken answer: not as long as it says".to_string()),
        }
    })
}

fn answer(packet: &[u8], error: bool, id: &[u8; 12]) -> Result<IpAddr, String> {
    let (mut mapped, mut code) = (None, None);
    let mut at = HEADER;
    while at < packet.len() {
        let broken = || "broken answer: an attribute is longer than the rest".to_string();
        let kind = u16_at(packet, at).ok_or_else(broken)?;
        let length = usize::from(u16_at(packet, at + 2).ok_or_else(broken)?);
        let value = packet.get(at + 4..at + 4 + length).ok_or_else(broken)?;
        match kind {
            // Of several only the first counts (§14).
            XOR_MAPPED_ADDRESS if mapped.is_none() => mapped = Some(unveil(value, id)?),
            ERROR_CODE if code.is_none() => code = Some(value),
            FINGERPRINT if value != fingerprint(&packet[..at]).as_slice() || at + 8 != packet.len() => {
                return Err("broken answer: its fingerprint is wrong".to_string());
            }
            // What must be understood and isn't: the answer is not used (§6.3.1).
            0..=0x7fff if !UNDERSTOOD.contains(&kind) => {
                return Err(format!("the answer needs attribute {kind:#06x}, which nobody here knows"));
            }
            _ => {}
        }
        at += 4 + length.next_multiple_of(4);
    }
    match (error, mapped, code) {
        (false, Some(address), _) => Ok(address),
        (false, None, _) => Err("the answer holds no XOR-MAPPED-ADDRESS".to_string()),
        (true, _, Some(&[_, _, class, number, ref reason @ ..])) => {
            let code = u32::from(class & 7) * 100 + u32::from(number);
            Err(format!("the STUN server said {code}: {}", quoted(&String::from_utf8_lossy(reason))))
        }
        (true, ..) => Err("the STUN server reported an error".to_string()),
    }
}

/// XOR-MAPPED-ADDRESS (§14.2): a zero, the family, the port, the address; the address XORed with cookie and id.
fn unveil(value: &[u8], id: &[u8; 12]) -> Result<IpAddr, String> {
    let veil = COOKIE.iter().chain(id);
    let clear: Vec<u8> = value.iter().skip(4).zip(veil).map(|(byte, veil)| byte ^ veil).collect();
    let family = value.get(1);
    if let (Some(1), 8, Ok(four)) = (family, value.len(), <[u8; 4]>::try_from(clear.as_slice())) {
        return Ok(Ipv4Addr::from(four).into());
    }
    if let (Some(2), 20, Ok(six)) = (family, value.len(), <[u8; 16]>::try_from(clear.as_slice())) {
        return Ok(Ipv6Addr::from(six).into());
    }
    Err("broken answer: its XOR-MAPPED-ADDRESS is no address".to_string())
}

/// FINGERPRINT (§14.7): CRC-32 of ISO 3309 over all before it, veiled.
fn fingerprint(before: &[u8]) -> [u8; 4] {
    let mut crc = u32::MAX;
    for byte in before {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
        }
    }
    (!crc ^ 0x5354_554e).to_be_bytes()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5769 §2.2 and §2.3: what they have in common.
    const ID: [u8; 12] = [0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae];
    const V4: &str = "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112a643\
                      000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96";
    const V6: &str = "010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000140002a1470113a9fa\
                      a5d3f179bc25f4b5bed2b9d900080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c";

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        digits.chunks(2).map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap()).collect()
    }

    fn told(packet: &[u8]) -> Option<Result<String, String>> {
        read(packet, &ID).map(|answer| answer.map(|address| address.to_string()))
    }

    /// A success with these attributes, each padded.
    fn success(attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let mut body = Vec::new();
        for (kind, value) in attributes {
            body.extend(kind.to_be_bytes());
            body.extend((value.len() as u16).to_be_bytes());
            body.extend(*value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        let head = [BINDING_SUCCESS.to_be_bytes(), (body.len() as u16).to_be_bytes()].concat();
        [&head[..], &COOKIE, &ID, &body].concat()
    }

    #[test]
    fn the_test_vectors_of_rfc_5769_are_read() {
        assert_eq!(told(&bytes(V4)), Some(Ok("192.0.2.1".to_string())));
        assert_eq!(told(&bytes(V6)), Some(Ok("2001:db8:1234:5678:11:2233:4455:6677".to_string())));
        assert_eq!(request(&ID), [&[0, 1, 0, 0], &COOKIE[..], &ID].concat());
    }

    #[test]
    fn what_is_not_ours_is_passed_over() {
        let good = bytes(V4);
        for (at, what) in [(0, "type"), (1, "type"), (4, "cookie"), (8, "id"), (19, "id")] {
            let mut other = good.clone();
            other[at] ^= 0x20;
            assert_eq!(told(&other), None, "{what}");
        }
        for length in 0..HEADER {
            assert_eq!(told(&good[..length]), None);
        }
        assert_eq!(told(&request(&ID)), None, "our own question come back");
    }

    #[test]
    fn what_is_ours_and_broken_is_an_error_never_a_panic() {
        let good = bytes(V4);
        for length in HEADER..good.len() {
            assert!(matches!(told(&good[..length]), Some(Err(_))), "{length}");
        }
        for at in HEADER..good.len() {
            for value in [0, 1, 7, 0x20, 0x7f, 0x80, 0xff] {
                let mut bent = good.clone();
                bent[at] = value;
                // The fingerprint tells every change but that of its own type, which makes it another attribute.
                let own = at == good.len() - 8 || at == good.len() - 7;
                assert!(own || bent == good || matches!(told(&bent), Some(Err(_))), "{at} {value}");
            }
        }
        let four = |family: u8, len: usize| {
            let mut value = vec![0, family, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9];
            value.truncate(len);
            told(&success(&[(XOR_MAPPED_ADDRESS, &value)])).unwrap()
        };
        assert_eq!(four(1, 8), Ok("192.0.2.1".to_string()));
        for (family, len) in [(0, 8), (1, 7), (1, 9), (1, 20), (2, 8), (2, 19), (2, 21), (3, 8), (1, 0), (1, 3)] {
            assert!(four(family, len).is_err(), "{family} {len}");
        }
    }

    #[test]
    fn only_the_veiled_address_counts_and_the_first_of_it() {
        let plain: &[u8] = &[0, 1, 0, 0, 9, 9, 9, 9];
        let veiled: &[u8] = &[0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43];
        assert_eq!(told(&success(&[(1, plain)])).unwrap().unwrap_err(), "the answer holds no XOR-MAPPED-ADDRESS");
        let both = success(&[(1, plain), (XOR_MAPPED_ADDRESS, veiled), (XOR_MAPPED_ADDRESS, plain), (0x802b, plain)]);
        assert_eq!(told(&both), Some(Ok("192.0.2.1".to_string())));
        let unknown = success(&[(XOR_MAPPED_ADDRESS, veiled), (0x7f00, b"x")]);
        assert!(told(&unknown).unwrap().unwrap_err().contains("0x7f00"));
        assert!(told(&success(&[])).unwrap().is_err());
    }

    #[test]
    fn an_error_is_told_in_the_servers_words() {
        let mut refusal = success(&[(ERROR_CODE, b"\0\0\x04\x14Unknown \x1b[31mAttribute"), (0x0a, &[0, 1])]);
        refusal[1] = 0x11;
        let why = told(&refusal).unwrap().unwrap_err();
        assert_eq!(why, "the STUN server said 420: \"Unknown \\u{1b}[31mAttribute\"");
    }
}
