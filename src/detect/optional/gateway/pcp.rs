//! PCP (RFC 6887) and its elder NAT-PMP (RFC 6886), which share a port.
//!
//! NAT-PMP has a question for the router's address; PCP has none, and says what to do instead (§11.6): ask for a short
//! mapping of the discard port, whose answer holds the external address. Nothing listens there, the mapping is taken
//! back at once, and if that gets lost it ends by itself after two minutes.

use super::towards;
use crate::net::datagram;
use crate::net::http::plain;
use crate::sys::os;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

const PCP: u8 = 2;
const NAT_PMP: u8 = 0;
const MAP: u8 = 1;
const ANSWER: u8 = 0x80;
const UDP: u8 = 17;
/// Discard (RFC 863).
const PORT: u16 = 9;
/// Seconds that the mapping lasts if it can't be taken back. Two minutes are the least that servers should give (§15).
const LIFETIME: u32 = 120;
/// A MAP message without options (§7.1, §11.1).
const LENGTH: usize = 60;
/// Result 1 of both protocols.
const UNSUPPORTED_VERSION: u8 = 1;
/// RFC 6887 §8.1.1: three seconds, doubled; what is longer does not fit into a pass.
const PCP_PAUSES: [Duration; 3] = [Duration::from_secs(3), Duration::from_secs(6), Duration::from_secs(12)];
/// RFC 6886 §3.1: a quarter of a second, doubled.
const NAT_PMP_PAUSES: [Duration; 6] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];
/// How long to wait for the word that the mapping is gone.
const FAREWELL: Duration = Duration::from_millis(500);

/// RFC 6887 §7.4, RFC 6886 §3.5.
const PCP_RESULTS: [&str; 14] = [
    "success",
    "this version is not supported",
    "not authorized",
    "malformed request",
    "MAP is not supported",
    "an option is not supported",
    "malformed option",
    "network failure",
    "no resources",
    "UDP is not supported",
    "the quota of mappings is used up",
    "the external address cannot be given",
    "our address is not the one that the router sees",
    "too many peers",
];
const NAT_PMP_RESULTS: [&str; 6] =
    ["success", "this version is not supported", "not authorized", "network failure", "no resources", "not supported"];

/// The external address by PCP.
pub fn map(place: SocketAddr, until: Instant) -> Result<Ipv4Addr, String> {
    let (socket, ours) = towards(place)?;
    let mut nonce = [0; 12];
    os::random(&mut nonce);
    let mut answer = None;
    let ask = |lifetime| request(ours, &nonce, lifetime);
    datagram::ask(&socket, &ask(LIFETIME), &PCP_PAUSES, until, &mut |packet| {
        answer = read_map(packet, &nonce);
        answer.is_some()
    })
    .map_err(|error| plain(&error))?;
    let answer = answer.unwrap_or_else(|| Err("no answer in time".to_string()));
    if answer.is_ok() {
        let until = until.min(Instant::now() + FAREWELL);
        let mut gone = |packet: &[u8]| read_map(packet, &nonce).is_some();
        // Whatever becomes of this, the mapping ends.
        let _ = datagram::ask(&socket, &ask(0), &NAT_PMP_PAUSES, until, &mut gone);
    }
    answer
}

/// Header (§7.1): version, opcode, reserved u16, lifetime u32, our address; MAP (§11.1): nonce, protocol, reserved,
/// internal port, suggested external port and address, of which we have no wish.
fn request(ours: Ipv4Addr, nonce: &[u8; 12], lifetime: u32) -> Vec<u8> {
    let mut message = vec![PCP, MAP, 0, 0];
    message.extend(lifetime.to_be_bytes());
    message.extend(ours.to_ipv6_mapped().octets());
    message.extend(nonce);
    message.extend([UDP, 0, 0, 0]);
    message.extend(PORT.to_be_bytes());
    message.extend([0; 2]);
    message.extend(Ipv4Addr::UNSPECIFIED.to_ipv6_mapped().octets());
    message
}

/// The answer to our request, good or bad; `None` where it is none.
fn read_map(packet: &[u8], nonce: &[u8; 12]) -> Option<Result<Ipv4Addr, String>> {
    let [version, opcode, _, code] = *packet.get(..4)? else { return None };
    if opcode & ANSWER == 0 {
        return None;
    }
    // A router that knows NAT-PMP alone says so in its own version (RFC 6886 §3.5).
    if version == NAT_PMP {
        return Some(Err("the router speaks NAT-PMP only".to_string()));
    }
    // An error about the message as a whole need not repeat the nonce, nor one about its version our version (§9).
    let short = version == PCP && opcode == MAP | ANSWER && packet.len() < LENGTH;
    if code != 0 && (short || code == UNSUPPORTED_VERSION && version < PCP + 2) {
        return Some(Err(result(u16::from(code), &PCP_RESULTS)));
    }
    let ours = version == PCP && opcode == MAP | ANSWER && packet.get(24..36)? == nonce;
    let ours = ours && packet.get(36) == Some(&UDP) && packet.get(40..42)? == PORT.to_be_bytes();
    if !ours {
        return None;
    }
    if code != 0 {
        return Some(Err(result(u16::from(code), &PCP_RESULTS)));
    }
    let external = <[u8; 16]>::try_from(packet.get(44..LENGTH)?).ok()?;
    let external = Ipv6Addr::from(external).to_ipv4_mapped();
    Some(external.ok_or_else(|| "the external address is not of IPv4".to_string()))
}

/// The external address by NAT-PMP (RFC 6886 §3.2).
pub fn public_address(place: SocketAddr, until: Instant) -> Result<Ipv4Addr, String> {
    let asked = datagram::exchange(place, None, &[NAT_PMP, 0], &NAT_PMP_PAUSES, until, read_public);
    asked.map_err(|error| plain(&error))?.unwrap_or_else(|| Err("no answer in time".to_string()))
}

/// Version, opcode, result u16, seconds since the router's epoch u32, address.
fn read_public(packet: &[u8]) -> Option<Result<Ipv4Addr, String>> {
    let [version, opcode, high, low] = *packet.get(..4)? else { return None };
    if version != NAT_PMP {
        return (opcode & ANSWER != 0).then(|| Err("the router does not speak NAT-PMP".to_string()));
    }
    if opcode != ANSWER {
        return None;
    }
    match u16::from_be_bytes([high, low]) {
        0 => match <[u8; 4]>::try_from(packet.get(8..).unwrap_or_default()) {
            Ok(address) => Some(Ok(address.into())),
            Err(_) => Some(Err("the answer is not as long as it should be".to_string())),
        },
        code => Some(Err(result(code, &NAT_PMP_RESULTS))),
    }
}

fn result(code: u16, known: &[&str]) -> String {
    match known.get(usize::from(code)) {
        Some(text) => format!("the router said: {text} ({code})"),
        None => format!("the router said no ({code})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: [u8; 12] = *b"twelve bytes";

    fn answer(code: u8, external: &str) -> Vec<u8> {
        let mut message = request(Ipv4Addr::LOCALHOST, &NONCE, 120);
        (message[1], message[3]) = (MAP | ANSWER, code);
        message[8..24].fill(0);
        message[44..].copy_from_slice(&external.parse::<Ipv6Addr>().unwrap().octets());
        message
    }

    fn told(packet: &[u8]) -> Option<Result<String, String>> {
        read_map(packet, &NONCE).map(|answer| answer.map(|address| address.to_string()))
    }

    #[test]
    fn a_map_request_is_as_the_rfc_says() {
        let bytes = request(Ipv4Addr::new(192, 168, 1, 7), &NONCE, 120);
        assert_eq!(bytes.len(), LENGTH);
        assert_eq!(bytes[..8], [2, 1, 0, 0, 0, 0, 0, 120]);
        assert_eq!(bytes[8..24], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 168, 1, 7]);
        assert_eq!(bytes[36..44], [17, 0, 0, 0, 0, 9, 0, 0]);
    }

    #[test]
    fn only_our_mapping_counts() {
        let good = answer(0, "::ffff:198.41.0.4");
        assert_eq!(told(&good), Some(Ok("198.41.0.4".to_string())));
        // Version, opcode, nonce, protocol, port: each makes it somebody else's.
        for at in [0, 1, 24, 35, 36, 41] {
            let mut other = good.clone();
            other[at] ^= 4;
            assert_eq!(told(&other), None, "{at}");
        }
        assert_eq!(told(&request(Ipv4Addr::LOCALHOST, &NONCE, 120)), None, "our own question");
        for length in 0..LENGTH {
            assert!(!matches!(told(&good[..length]), Some(Ok(_))), "{length}");
        }
        assert!(told(&answer(0, "2620:fe::fe")).unwrap().is_err());
        let whole = told(&[&answer(0, "::ffff:198.41.0.4")[..], &[0; 8]].concat());
        assert_eq!(whole, Some(Ok("198.41.0.4".to_string())), "options may follow");
    }

    #[test]
    fn errors_are_told_and_their_address_is_not_believed() {
        for code in 1..=14 {
            let why = told(&answer(code, "::ffff:198.41.0.4")).unwrap().unwrap_err();
            assert!(why.ends_with(&format!("({code})")), "{why}");
        }
        assert_eq!(
            told(&[2, 0x81, 0, 1, 0, 0, 0, 0]).unwrap().unwrap_err(),
            "the router said: this version is not supported (1)"
        );
        assert!(told(&[0, 0x81, 0, 1, 0, 0, 0, 0]).unwrap().unwrap_err().contains("NAT-PMP only"));
    }

    #[test]
    fn nat_pmp_answers_are_twelve_bytes() {
        let good = [0, 128, 0, 0, 0, 0, 9, 9, 198, 41, 0, 4];
        assert_eq!(read_public(&good), Some(Ok(Ipv4Addr::new(198, 41, 0, 4))));
        for length in 0..good.len() {
            assert!(!matches!(read_public(&good[..length]), Some(Ok(_))));
        }
        assert!(read_public(&[&good[..], &[0]].concat()).unwrap().is_err());
        assert_eq!(read_public(&[0, 129, 0, 0, 0, 0, 9, 9, 198, 41, 0, 4]), None);
        assert!(read_public(&[0, 128, 0, 3, 0, 0, 0, 1]).unwrap().unwrap_err().contains("network failure (3)"));
        assert!(read_public(&[2, 128, 0, 1]).unwrap().is_err());
        assert_eq!(read_public(&[0, 0]), None);
    }
}
