//! The words of rtnetlink: what we ask the kernel about its interfaces and how its answer reads.
//! Apart from `os.rs`, which does the talking, so that all of it is bytes in and values out and can be tested
//! with dumps made by hand. Sources: netlink(7), rtnetlink(7), linux/netlink.h, linux/if_addr.h, linux/if_link.h.
//! Netlink numbers are in the host's byte order; addresses are in the network's.

pub mod route;

use crate::types::address::Family;
use std::io;
use std::net::IpAddr;

/// `RTM_NEWLINK`: one interface in an answer.
pub const NEW_LINK: u16 = 16;
/// `RTM_GETLINK`: the question after interfaces.
pub const GET_LINK: u16 = 18;
/// `RTM_NEWADDR`: one address in an answer.
pub const NEW_ADDRESS: u16 = 20;
/// `RTM_GETADDR`: the question after addresses.
pub const GET_ADDRESS: u16 = 22;

const HEADER: usize = 16; // struct nlmsghdr: len u32, type u16, flags u16, seq u32, pid u32
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLMSG_OVERRUN: u16 = 4;
const NLM_F_REQUEST: u16 = 0x01;
const NLM_F_DUMP_INTR: u16 = 0x10;
const NLM_F_DUMP: u16 = 0x300;

const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_CACHEINFO: u16 = 6;
const IFA_FLAGS: u16 = 8;
const IFA_F_TEMPORARY: u32 = 0x01; // the same bit is IFA_F_SECONDARY for IPv4
const IFA_F_DEPRECATED: u32 = 0x20;
const IFA_F_PERMANENT: u32 = 0x80;
/// Optimistic, failed (DADFAILED) and tentative: in all three nobody has confirmed that the address is ours alone.
const IFA_F_UNCONFIRMED: u32 = 0x04 | 0x08 | 0x40;

const IFLA_IFNAME: u16 = 3;
const IFF_UP: u32 = 1;

/// One address that an interface of this machine holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Our side of it: on a point-to-point link never the peer's.
    pub address: IpAddr,
    /// Index of the interface; 1 is always the loopback.
    pub interface: u32,
    /// The interface's name, or `#` and its index where it vanished meanwhile.
    pub name: String,
    /// The interface is switched on (`IFF_UP`). IPv4 addresses stay on one that is off.
    pub up: bool,
    /// IPv6: a privacy address (RFC 8981). IPv4: a secondary address, for it is the same bit.
    pub temporary: bool,
    /// Its preferred lifetime has passed.
    pub deprecated: bool,
    /// Duplicate detection has not ended, was skipped, or failed.
    pub tentative: bool,
    /// `RT_SCOPE_UNIVERSE`: not bound to a link, a site or this host.
    pub global_scope: bool,
    /// Seconds it stays preferred; `u32::MAX` is for ever.
    pub preferred_s: u32,
    /// Set by hand, not by a lease or a router's advertisement.
    pub permanent: bool,
    /// Length of the network's prefix in bits.
    pub prefix_len: u8,
}

/// One network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The kernel's number for it.
    pub index: u32,
    /// As `ip link` shows it.
    pub name: String,
    /// Switched on (`IFF_UP`); says nothing of a cable.
    pub up: bool,
}

/// A dump request: `GET_LINK`, `GET_ADDRESS` or `GET_ROUTE`, of one family (0 is all of them).
pub fn request(kind: u16, family: u8, sequence: u32) -> Vec<u8> {
    // struct ifinfomsg has 16 bytes, rtmsg 12, ifaddrmsg 8; in all the family comes first and the rest is zero.
    let body: u32 = match kind {
        GET_LINK => 16,
        route::GET_ROUTE => 12,
        _ => 8,
    };
    let mut bytes = Vec::with_capacity(32);
    bytes.extend((16 + body).to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend((NLM_F_REQUEST | NLM_F_DUMP).to_ne_bytes());
    bytes.extend(sequence.to_ne_bytes());
    bytes.extend(0_u32.to_ne_bytes());
    bytes.push(family);
    bytes.resize(HEADER + body as usize, 0);
    bytes
}

/// How far a dump has come with one more datagram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DumpStatus {
    /// The kernel said that this was the last of it.
    pub done: bool,
    /// The tables changed while the kernel walked them: what was read may lack or repeat something.
    pub interrupted: bool,
}

/// Hands the body of every `wanted` message in one datagram to `each`. Messages of other dumps are passed over.
pub fn read(mut part: &[u8], wanted: u16, sequence: u32, mut each: impl FnMut(&[u8])) -> io::Result<DumpStatus> {
    let mut progress = DumpStatus::default();
    while !part.is_empty() {
        let (len, kind, flags, seq) = header(part).ok_or_else(broken)?;
        let body = part.get(HEADER..len).ok_or_else(broken)?;
        // The last message of a datagram may come without its padding.
        part = part.get(len.next_multiple_of(4)..).unwrap_or_default();
        if seq != sequence {
            continue;
        }
        progress.interrupted |= flags & NLM_F_DUMP_INTR != 0;
        match kind {
            NLMSG_ERROR => refused(i32_at(body, 0).ok_or_else(broken)?)?,
            NLMSG_DONE => {
                // A dump that failed half-way says so in the number that DONE may carry.
                refused(i32_at(body, 0).unwrap_or(0))?;
                progress.done = true;
                return Ok(progress);
            }
            NLMSG_OVERRUN => return Err(io::Error::other("the kernel's answer lost data")),
            other if other == wanted => each(body),
            _ => {}
        }
    }
    Ok(progress)
}

/// One address out of the body of a `NEW_ADDRESS`; `None` where it is of another family or makes no sense.
/// The family must be checked: a kernel without IPv6 answers a question after IPv6 with all it has.
pub fn held(body: &[u8], family: Family, links: &[Link]) -> Option<Held> {
    let [kind, prefix_len, low_flags, scope] = *body.get(..4)? else {
        return None;
    };
    if kind != number(family) {
        return None;
    }
    let interface = u32_at(body, 4)?;
    let (mut peer, mut local) = (None, None);
    let mut flags = u32::from(low_flags);
    let mut lifetime = u32::MAX;
    for (kind, value) in attributes(body.get(8..)?) {
        match kind {
            IFA_ADDRESS => peer = ip(value, family),
            IFA_LOCAL => local = ip(value, family),
            IFA_FLAGS => flags = u32_at(value, 0)?,
            IFA_CACHEINFO => lifetime = u32_at(value, 0)?,
            _ => {}
        }
    }
    let link = links.iter().find(|link| link.index == interface);
    Some(Held {
        address: local.or(peer)?,
        interface,
        name: link.map_or_else(|| format!("#{interface}"), |link| link.name.clone()),
        up: link.is_some_and(|link| link.up),
        temporary: flags & IFA_F_TEMPORARY != 0,
        deprecated: flags & IFA_F_DEPRECATED != 0,
        tentative: flags & IFA_F_UNCONFIRMED != 0,
        global_scope: scope == 0,
        preferred_s: lifetime,
        permanent: flags & IFA_F_PERMANENT != 0,
        prefix_len,
    })
}

/// One interface out of the body of a `NEW_LINK`.
pub fn link(body: &[u8]) -> Option<Link> {
    let (index, flags) = (u32_at(body, 4)?, u32_at(body, 8)?);
    let (_, name) = attributes(body.get(16..)?).find(|(kind, _)| *kind == IFLA_IFNAME)?;
    let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
    Some(Link { index, name: String::from_utf8_lossy(name).into_owned(), up: flags & IFF_UP != 0 })
}

/// `AF_INET` or `AF_INET6`, the same on every Linux.
pub fn number(family: Family) -> u8 {
    match family {
        Family::V4 => 2,
        Family::V6 => 10,
    }
}

fn header(part: &[u8]) -> Option<(usize, u16, u16, u32)> {
    let len = usize::try_from(u32_at(part, 0)?).ok()?;
    (HEADER..=part.len()).contains(&len).then_some(())?;
    Some((len, u16_at(part, 4)?, u16_at(part, 6)?, u32_at(part, 8)?))
}

/// struct rtattr: len u16, type u16 (its two top bits are marks), value, padding to 4. Ends at the first broken one.
fn attributes(mut rest: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let len = usize::from(u16_at(rest, 0)?);
        let kind = u16_at(rest, 2)? & 0x3fff;
        let value = rest.get(4..len)?;
        rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

fn ip(value: &[u8], family: Family) -> Option<IpAddr> {
    match family {
        Family::V4 => Some(IpAddr::from(<[u8; 4]>::try_from(value).ok()?)),
        Family::V6 => Some(IpAddr::from(<[u8; 16]>::try_from(value).ok()?)),
    }
}

/// The kernel tells errors as negative numbers; 0 is none.
fn refused(number: i32) -> io::Result<()> {
    match number {
        0.. => Ok(()),
        negative => Err(io::Error::from_raw_os_error(negative.saturating_neg())),
    }
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the kernel's answer is cut short")
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn i32_at(bytes: &[u8], at: usize) -> Option<i32> {
    Some(i32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEQ: u32 = 7;

    fn message(kind: u16, flags: u16, body: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend((16 + body.len() as u32).to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(flags.to_ne_bytes());
        bytes.extend(SEQ.to_ne_bytes());
        bytes.extend(99_u32.to_ne_bytes());
        bytes.extend(body);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let mut bytes = (4 + value.len() as u16).to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn address_body(family: Family, flags: u8, scope: u8, attributes: &[Vec<u8>]) -> Vec<u8> {
        let mut body = vec![number(family), 24, flags, scope];
        body.extend(2_u32.to_ne_bytes());
        body.extend(attributes.concat());
        body
    }

    fn lifetimes(preferred: u32) -> Vec<u8> {
        let words = [preferred, u32::MAX, 0, 0];
        attribute(IFA_CACHEINFO, &words.map(u32::to_ne_bytes).concat())
    }

    fn links() -> Vec<Link> {
        vec![Link { index: 2, name: "eth0".into(), up: true }]
    }

    fn collect(part: &[u8], family: Family) -> io::Result<(Vec<Held>, DumpStatus)> {
        let mut found = Vec::new();
        let progress = read(part, NEW_ADDRESS, SEQ, |body| found.extend(held(body, family, &links())))?;
        Ok((found, progress))
    }

    /// A label whose length is no multiple of 4, a point-to-point pair, an IPv6 with 32-bit flags, and the end.
    fn dump() -> Vec<u8> {
        let v4 = address_body(
            Family::V4,
            0x80,
            0,
            &[
                attribute(IFA_ADDRESS, &[10, 0, 0, 1]),
                attribute(IFA_LOCAL, &[203, 0, 113, 7]),
                attribute(3, b"ppp0\0"),
                lifetimes(u32::MAX),
            ],
        );
        let v6 = address_body(
            Family::V6,
            0x80,
            0,
            &[
                attribute(IFA_ADDRESS, &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
                lifetimes(3600),
                attribute(IFA_FLAGS, &0x321_u32.to_ne_bytes()),
            ],
        );
        [message(NEW_ADDRESS, 2, &v4), message(NEW_ADDRESS, 2, &v6), message(NLMSG_DONE, 2, &[0; 4])].concat()
    }

    #[test]
    fn our_side_of_a_point_to_point_link() {
        let (found, progress) = collect(&dump(), Family::V4).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].address, "203.0.113.7".parse::<IpAddr>().unwrap());
        assert_eq!((found[0].name.as_str(), found[0].up, found[0].prefix_len), ("eth0", true, 24));
        assert!(found[0].permanent && found[0].global_scope && !found[0].temporary);
        assert_eq!(progress, DumpStatus { done: true, interrupted: false });
    }

    #[test]
    fn wide_flags_win_over_narrow() {
        let (found, _) = collect(&dump(), Family::V6).unwrap();
        assert_eq!(found.len(), 1);
        assert!(found[0].temporary && found[0].deprecated && !found[0].permanent && !found[0].tentative);
        assert_eq!(found[0].preferred_s, 3600);
    }

    #[test]
    fn cut_anywhere_it_is_an_error_or_unfinished_never_a_panic() {
        let whole = dump();
        for cut in 0..whole.len() {
            if let Ok((_, progress)) = collect(&whole[..cut], Family::V4) {
                assert!(!progress.done, "done at {cut} of {}", whole.len());
            }
            for family in [Family::V4, Family::V6] {
                let _ = held(&whole[16..cut.max(16)], family, &links());
                let _ = link(&whole[16..cut.max(16)]);
            }
        }
    }

    #[test]
    fn any_byte_changed_it_does_not_panic() {
        let whole = dump();
        for at in 0..whole.len() {
            for value in [0, 1, 3, 15, 127, 255] {
                let mut bent = whole.clone();
                bent[at] = value;
                let _ = collect(&bent, Family::V4);
                let _ = collect(&bent, Family::V6);
            }
        }
    }

    #[test]
    fn errors_interruptions_and_strangers() {
        let refusal = message(NLMSG_ERROR, 0, &(-97_i32).to_ne_bytes());
        assert_eq!(collect(&refusal, Family::V4).unwrap_err().raw_os_error(), Some(97));
        let late = message(NLMSG_DONE, 2, &(-12_i32).to_ne_bytes());
        assert_eq!(collect(&late, Family::V4).unwrap_err().raw_os_error(), Some(12));
        let worst = message(NLMSG_ERROR, 0, &i32::MIN.to_ne_bytes());
        assert!(collect(&worst, Family::V4).is_err());
        let changed = message(NLMSG_DONE, 2 | NLM_F_DUMP_INTR, &[0; 4]);
        assert!(collect(&changed, Family::V4).unwrap().1.interrupted);
        assert!(collect(&message(NLMSG_OVERRUN, 0, &[]), Family::V4).is_err());
        let progress = read(&dump(), NEW_ADDRESS, SEQ + 1, |_| panic!("not ours")).unwrap();
        assert_eq!(progress, DumpStatus::default());
    }

    #[test]
    fn a_link() {
        let mut body = vec![0; 16];
        body[4..8].copy_from_slice(&3_u32.to_ne_bytes());
        body[8..12].copy_from_slice(&0x1002_u32.to_ne_bytes());
        body.extend(attribute(IFLA_IFNAME, b"wlan0\0"));
        assert_eq!(link(&body), Some(Link { index: 3, name: "wlan0".into(), up: false }));
        assert_eq!(link(&body[..16]), None);
    }

    #[test]
    fn a_request_reads_as_it_should() {
        let bytes = request(GET_ADDRESS, 10, 5);
        assert_eq!(header(&bytes), Some((24, GET_ADDRESS, 0x301, 5)));
        assert_eq!((bytes[16], bytes.len()), (10, 24));
        assert_eq!(request(GET_LINK, 0, 1).len(), 32);
    }
}
