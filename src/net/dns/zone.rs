//! Where a name lives: its zone, the zone's servers, and what a server says a name's addresses are. Asked step by
//! step and without a cache, as the system's resolver gives none of it.

use super::update::SOA;
use super::wire::{name_text, put_name, put_u16, rcode_name, same_name, Header, Reader, Record};
use super::{exchange, random_id, DnsError, Kind, Stream};
use crate::net::socket::Bind;
use crate::types::address::Family;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Instant;

const NS: u16 = 2;
const CNAME: u16 = super::update::CNAME;
const IN: u16 = 1;
const NXDOMAIN: u16 = 3;

/// A zone and the server that takes its changes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Zone {
    /// Without the last dot.
    pub name: String,
    /// MNAME of its SOA (RFC 1035 §3.3.13); empty where that names nobody.
    pub primary: String,
}

/// Who is asked, and from where.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    place: SocketAddr,
    bind: Option<&'a Bind>,
}

impl<'a> Asked<'a> {
    /// A server, asked by this way as far as it leads there.
    pub fn by(place: SocketAddr, bind: Option<&'a Bind>) -> Asked<'a> {
        Asked { place, bind: way(place, bind) }
    }
}

/// The way to a server. One on this machine is reached from this machine: no uplink leads to it.
pub fn way(place: SocketAddr, bind: Option<&Bind>) -> Option<&Bind> {
    bind.filter(|bind| match bind {
        Bind::Address(from) => from.is_loopback() || !place.ip().is_loopback(),
        Bind::Interface(_) => !place.ip().is_loopback(),
    })
}

/// The zone that holds a name, found as nsupdate(1) does: by asking for the SOA of the name, and where the reply
/// names none, of what is left when labels are taken off.
pub fn find(server: Asked<'_>, host: &str, until: Instant) -> Result<Zone, DnsError> {
    let mut name = host.trim_end_matches('.');
    loop {
        if let Some(zone) = ask(server, name, SOA, until, zone_in)? {
            return Ok(zone);
        }
        name = name.split_once('.').ok_or(DnsError::Empty)?.1;
    }
}

/// The names of a zone's servers; empty where the reply has none.
pub fn servers(server: Asked<'_>, zone: &str, until: Instant) -> Result<Vec<String>, DnsError> {
    ask(server, zone, NS, until, |reply| {
        let named = reply.answers().filter(|record| record.kind == NS && same_name(&record.owner, reply.asked));
        Ok(named.filter_map(|record| reply.name_at(record.at)).collect())
    })
}

/// A host's addresses in a family, empty where the server knows that there are none. A server that does not know
/// is an error: it sends us on to others, or refuses.
pub fn addresses(server: Asked<'_>, host: &str, family: Family, until: Instant) -> Result<Vec<IpAddr>, DnsError> {
    let kind = kind(family);
    ask(server, host, kind, until, |reply| {
        let ours = reply.answers().filter(|record| record.kind == kind && same_name(&record.owner, reply.asked));
        let found: Vec<IpAddr> = ours.filter_map(|record| address(record.data)).collect();
        let denied = reply.authority || reply.records.iter().any(|(part, record)| *part == 1 && record.kind == SOA);
        match found.is_empty() && !denied {
            true => Err(DnsError::Refused("that it does not have the zone".to_string())),
            false => Ok(found),
        }
    })
}

/// The type of a family's records.
pub fn kind(family: Family) -> u16 {
    match family {
        Family::V4 => Kind::A.code(),
        Family::V6 => Kind::Aaaa.code(),
    }
}

fn address(data: &[u8]) -> Option<IpAddr> {
    match data.len() {
        4 => <[u8; 4]>::try_from(data).ok().map(|bytes| Ipv4Addr::from(bytes).into()),
        _ => <[u8; 16]>::try_from(data).ok().map(|bytes| Ipv6Addr::from(bytes).into()),
    }
}

/// A reply to our question, its records read.
struct Reply<'a> {
    reader: Reader<'a>,
    asked: &'a [u8],
    authority: bool,
    /// Each with its section: 0 answer, 1 authority, 2 additional.
    records: Vec<(usize, Record<'a>)>,
}

impl<'a> Reply<'a> {
    fn answers(&self) -> impl Iterator<Item = &Record<'a>> + '_ {
        self.records.iter().filter(|(part, record)| *part == 0 && record.class == IN).map(|(_, record)| record)
    }

    fn name_at(&self, at: usize) -> Option<String> {
        name_text(&self.reader.from(at).name().ok()?).filter(|name| !name.is_empty())
    }
}

/// The zone that a reply names: its SOA is the answer, or says of whose zone nothing more is known.
fn zone_in(reply: &Reply<'_>) -> Result<Option<Zone>, DnsError> {
    // What stands below an alias is of the zone to which it leads.
    if reply.answers().any(|record| record.kind == CNAME) {
        return Ok(None);
    }
    let holds = |zone: &[u8]| {
        reply.asked.len() >= zone.len() && {
            let front = reply.asked.len() - zone.len();
            same_name(&reply.asked[front..], zone) && labels(reply.asked).contains(&front)
        }
    };
    let soa = reply.records.iter().map(|(_, record)| record).find(|record| record.kind == SOA && holds(&record.owner));
    let Some(soa) = soa else { return Ok(None) };
    let name = name_text(&soa.owner).filter(|name| !name.is_empty());
    // Who has no primary to name names the root.
    let primary = reply.name_at(soa.at).unwrap_or_default();
    Ok(name.map(|name| Zone { name, primary }))
}

/// Where the labels of a name in wire form begin, the root's included.
fn labels(name: &[u8]) -> Vec<usize> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(length) = name.get(at) {
        found.push(at);
        at += usize::from(*length) + 1;
    }
    found
}

/// One question with recursion desired; `read` is given the reply if it is one of NOERROR or NXDOMAIN.
fn ask<T>(
    server: Asked<'_>,
    name: &str,
    kind: u16,
    until: Instant,
    read: impl Fn(&Reply<'_>) -> Result<T, DnsError>,
) -> Result<T, DnsError> {
    let id = random_id()?;
    let mut asked = Vec::new();
    put_name(&mut asked, name).map_err(|why| DnsError::BadName(format!("{name}: {why}")))?;
    let packet = fetch(server, id, &asked, kind, until)?;
    read(&read_reply(&packet, id, &asked, kind).ok_or(DnsError::Timeout)??)
}

/// The bytes of the reply. Apart from what is read of them, so that it is compiled once.
fn fetch(server: Asked<'_>, id: u16, asked: &[u8], kind: u16, until: Instant) -> Result<Vec<u8>, DnsError> {
    let mut query = Vec::new();
    Header { id, flags: Header::RECURSE, counts: [1, 0, 0, 0] }.put(&mut query);
    query.extend_from_slice(asked);
    put_u16(&mut query, kind);
    put_u16(&mut query, IN);
    let take = |packet: &[u8]| read_reply(packet, id, asked, kind).map(|reply| reply.map(|_| packet.to_vec()));
    match exchange(server.place, server.bind, &query, until, take)? {
        // What does not fit into a datagram comes over TCP (RFC 7766 §5).
        Err(DnsError::Truncated) => Stream::open(server.place, server.bind, until)?.ask(&query, until, take)?,
        read => read,
    }
}

/// What a datagram says of a name's zone, if it is the reply to a question for its SOA; any bytes will do.
pub fn read_zone(packet: &[u8], id: u16, asked: &[u8]) -> Option<Result<Option<Zone>, DnsError>> {
    read_reply(packet, id, asked, SOA).map(|reply| zone_in(&reply?))
}

/// Reads a datagram that may be anything; `None` for what is no reply to this question.
fn read_reply<'a>(packet: &'a [u8], id: u16, asked: &'a [u8], kind: u16) -> Option<Result<Reply<'a>, DnsError>> {
    let mut reader = Reader::new(packet);
    let header = reader.header().ok()?;
    let ours = header.id == id && header.flags & Header::REPLY != 0 && header.opcode() == 0 && header.counts[0] == 1;
    let (echoed, echoed_kind, class) = reader.question().ok().filter(|_| ours)?;
    if !same_name(&echoed, asked) || echoed_kind != kind || class != IN {
        return None;
    }
    if !matches!(header.rcode(), 0 | NXDOMAIN) {
        return Some(Err(DnsError::Refused(rcode_name(header.rcode()))));
    }
    // Also where it holds a part: what was cut off may be the zone, and its parent's would be taken for it.
    if header.flags & Header::CUT != 0 {
        return Some(Err(DnsError::Truncated));
    }
    let authority = header.flags & Header::AUTHORITY != 0;
    let mut reply = Reply { reader: reader.clone(), asked, authority, records: Vec::new() };
    for (part, count) in header.counts[1..].iter().enumerate() {
        for _ in 0..*count {
            match reader.record() {
                Ok(record) => reply.records.push((part, record)),
                Err(why) => return Some(Err(DnsError::Malformed(why))),
            }
        }
    }
    Some(Ok(reply))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::dns::wire::{put_record, HEADER};
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::time::Duration;

    /// Flags, and records: each with its section, owner, type and data.
    type Script = Vec<(u16, Vec<(usize, Vec<u8>, u16, Vec<u8>)>)>;

    /// Answers what the script says, in order; `\xc0\x0c` in an owner is the name that was asked for.
    fn served<T>(script: Script, ask: impl FnOnce(Asked<'static>) -> T) -> T {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let place = socket.local_addr().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                for (flags, records) in script {
                    let mut packet = vec![0; 512];
                    let (length, from) = socket.recv_from(&mut packet).unwrap();
                    packet.truncate(length);
                    packet[2..4].copy_from_slice(&(Header::REPLY | flags).to_be_bytes());
                    for (part, owner, kind, data) in records {
                        packet[7 + 2 * part] += 1;
                        put_record(&mut packet, &owner, [kind, IN], 60, &data);
                    }
                    socket.send_to(&packet, from).unwrap();
                }
            });
            ask(Asked::by(place, None))
        })
    }

    fn wire(name: &str) -> Vec<u8> {
        let mut wire = Vec::new();
        put_name(&mut wire, name).unwrap();
        wire
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(20)
    }

    #[test]
    fn a_resolver_on_this_machine_is_asked_from_it() {
        let by = |place: &str, bind: &str| {
            let bind = Bind::parse(bind).unwrap();
            Asked::by(place.parse().unwrap(), Some(&bind)).bind.is_some()
        };
        assert!(by("192.0.2.1:53", "eth0") && by("192.0.2.1:53", "198.41.0.4") && by("127.0.0.1:53", "127.0.0.7"));
        assert!(!by("127.0.0.53:53", "eth0") && !by("127.0.0.53:53", "198.41.0.4") && !by("[::1]:53", "eth0"));
    }

    #[test]
    fn the_zone_is_found_on_the_way_up() {
        let soa = |zone: &str, part| (part, wire(zone), SOA, [wire("ns.example.net"), wire("x"), vec![0; 20]].concat());
        let zone_of = |name: &str, primary: &str| Ok(Zone { name: name.to_string(), primary: primary.to_string() });
        let zone = |name: &str| zone_of(name, "ns.example.net");
        let find = |script| served(script, |place| super::find(place, "a.b.example.org", soon()));
        assert_eq!(find(vec![(0, vec![soa("a.b.example.org", 0)])]), zone("a.b.example.org"));
        assert_eq!(find(vec![(NXDOMAIN, vec![soa("example.org", 1)])]), zone("example.org"));
        // Not a suffix at a dot, not a suffix at all, an alias, nothing: then its parent is asked for.
        for odd in [soa("ample.org", 1), soa("b", 1), soa("example.net", 1)] {
            assert_eq!(find(vec![(0, vec![odd]), (0, vec![soa("b.example.org", 0)])]), zone("b.example.org"));
        }
        let alias = (0, vec![0xc0, 12], CNAME, wire("c.example.org"));
        assert_eq!(
            find(vec![(0, vec![alias, soa("example.org", 1)]), (0, vec![soa("b.example.org", 1)])]),
            zone("b.example.org")
        );
        assert_eq!(find(vec![(0, vec![]), (0, vec![]), (0, vec![]), (0, vec![])]), Err(DnsError::Empty));
        assert_eq!(find(vec![(5, vec![])]), Err(DnsError::Refused("REFUSED".to_string())));
        // Whose zone names nobody is still in it, and not in that of its parent.
        let nobody = (0, wire("b.example.org"), SOA, vec![0; 22]);
        assert_eq!(find(vec![(0, vec![]), (0, vec![nobody])]), zone_of("b.example.org", ""));
    }

    /// A server that is asked too much cuts all that it says, so that it need not answer who cannot hear it.
    #[test]
    fn a_zone_that_was_cut_off_is_not_taken_for_its_parents() {
        let cut = (Header::CUT, vec![]);
        let found = served(vec![cut], |asked| {
            let listener = TcpListener::bind(asked.place).unwrap();
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    let (mut stream, _) = listener.accept().unwrap();
                    let mut query = vec![0; 2 + HEADER + 15 + 4];
                    stream.read_exact(&mut query).unwrap();
                    let mut reply = query.split_off(2);
                    reply[2..4].copy_from_slice(&Header::REPLY.to_be_bytes());
                    reply[9] = 1;
                    put_record(
                        &mut reply,
                        &wire("example.org"),
                        [SOA, IN],
                        60,
                        &[wire("ns.example.net"), vec![0; 21]].concat(),
                    );
                    let length = u16::try_from(reply.len()).unwrap().to_be_bytes();
                    stream.write_all(&[&length[..], &reply].concat()).unwrap();
                });
                let found = super::find(asked, "a.example.org", soon());
                // Whoever still waits for us waits no more.
                drop(TcpStream::connect(asked.place));
                found
            })
        });
        assert_eq!(found.map(|zone| zone.name), Ok("example.org".to_string()));
    }

    #[test]
    fn who_has_the_zone_may_say_that_there_is_nothing() {
        let ask = |script| served(script, |place| addresses(place, "h.example.org", Family::V4, soon()));
        let a = |last| (0, vec![0xc0, 12], 1, vec![192, 0, 2, last]);
        assert_eq!(ask(vec![(0, vec![a(1), a(2)])]).map(|found| found.len()), Ok(2));
        assert_eq!(ask(vec![(Header::AUTHORITY, vec![])]), Ok(vec![]));
        assert_eq!(ask(vec![(NXDOMAIN, vec![(1, wire("example.org"), SOA, vec![])])]), Ok(vec![]));
        let onward = (1, wire("example.org"), NS, wire("ns.example.net"));
        assert!(matches!(ask(vec![(0, vec![onward])]), Err(DnsError::Refused(_))));
        let elsewhere = (0, wire("x.example.org"), 1, vec![192, 0, 2, 1]);
        assert_eq!(ask(vec![(Header::AUTHORITY, vec![elsewhere])]), Ok(vec![]));
        let names = served(vec![(0, vec![(0, vec![0xc0, 12], NS, vec![2, b'n', b's', 0xc0, 12])])], |place| {
            servers(place, "example.org", soon())
        });
        assert_eq!(names, Ok(vec!["ns.example.org".to_string()]));
    }
}
