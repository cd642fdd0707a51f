//! One DNS question, one honest answer: a stub resolver that asks the server it is told to ask.
//! It stands apart because the system's resolver can't: asking who asks (`myip.opendns.com`) needs one given
//! server, the CHAOS class, and no cache between. Plain DNS proves nothing about who answered: the random id and
//! port, the connected socket and the echoed question keep off strangers who can't see the question, no one else.

use crate::net::socket::Bind;
use crate::types::spelling::visible;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Instant;

mod exchange;
mod server;
pub mod update;
pub mod wire;
pub mod zone;

pub use exchange::{exchange, exchange_on, first, udp, Stream};
pub use server::Server;
use wire::{put_name, put_u16, rcode_name, same_name, Header, Reader, Record, LONGEST};

/// The record types we ask for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// An IPv4 address (RFC 1035 §3.4.1).
    A,
    /// An IPv6 address (RFC 3596 §2.1).
    Aaaa,
    /// Strings (RFC 1035 §3.3.14).
    Txt,
}

impl Kind {
    /// The type that people write so, in any case.
    pub fn from_name(name: &str) -> Option<Kind> {
        [Kind::A, Kind::Aaaa, Kind::Txt].into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name))
    }

    /// As people write it (RFC 1035 §3.2.2, RFC 3596 §2.1).
    pub fn name(self) -> &'static str {
        match self {
            Kind::A => "A",
            Kind::Aaaa => "AAAA",
            Kind::Txt => "TXT",
        }
    }

    /// As it goes over the wire (RFC 1035 §3.2.2, RFC 3596 §2.1).
    pub fn code(self) -> u16 {
        match self {
            Kind::A => 1,
            Kind::Txt => 16,
            Kind::Aaaa => 28,
        }
    }
}

/// The classes we ask in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// The Internet (RFC 1035 §3.2.4).
    In,
    /// CHAOS, where servers tell about themselves (RFC 1035 §3.2.4, RFC 4892).
    Ch,
}

impl Class {
    /// The class that people write so, in any case.
    pub fn from_name(name: &str) -> Option<Class> {
        [Class::In, Class::Ch].into_iter().find(|class| class.name().eq_ignore_ascii_case(name))
    }

    /// As people write it (RFC 1035 §3.2.4).
    pub fn name(self) -> &'static str {
        match self {
            Class::In => "IN",
            Class::Ch => "CH",
        }
    }

    /// As it goes over the wire (RFC 1035 §3.2.4).
    pub fn code(self) -> u16 {
        match self {
            Class::In => 1,
            Class::Ch => 3,
        }
    }
}

/// What is asked (RFC 1035 §4.1.2).
#[derive(Clone, Debug)]
pub struct Question {
    /// The name in ASCII, with or without the trailing dot.
    pub name: String,
    /// The type of the records wanted.
    pub kind: Kind,
    /// Their class.
    pub class: Class,
}

/// What one record says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// From A (RFC 1035 §3.4.1) or AAAA (RFC 3596 §2.2).
    Address(IpAddr),
    /// The strings of one TXT record, in order, at least one (RFC 1035 §3.3.14).
    Text(Vec<Vec<u8>>),
}

/// Why there is no answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DnsError {
    /// Nothing that belongs to the question came in time.
    Timeout,
    /// The system could not send or receive, and why.
    Network(String),
    /// The server said so, by this name of its RCODE (RFC 1035 §4.1.1).
    Refused(String),
    /// The server's message is broken, and how.
    Malformed(&'static str),
    /// The answer did not fit in one datagram (TC, RFC 1035 §4.1.1).
    Truncated,
    /// No record of the type for the name (NODATA, RFC 2308 §2.2; an alias alone counts as none).
    Empty,
    /// The name can't be asked for, and why.
    BadName(String),
}

impl fmt::Display for DnsError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            DnsError::Timeout => f.write_str("no answer in time"),
            DnsError::Network(why) => write!(f, "network trouble: {why}"),
            DnsError::Refused(rcode) => write!(f, "the name server said {rcode}"),
            DnsError::Malformed(how) => write!(f, "broken answer: {how}"),
            DnsError::Truncated => f.write_str("the answer is too long for one datagram"),
            DnsError::Empty => f.write_str("the name has no such record"),
            DnsError::BadName(why) => write!(f, "bad name {why}"),
        }
    }
}

impl std::error::Error for DnsError {}

/// What a datagram turned out to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reading {
    /// Not a reply to this question: to be ignored, not believed and not a failure.
    NotOurs,
    /// The reply to this question, good or bad; `Ok` holds at least one answer.
    Ours(Result<Vec<Answer>, DnsError>),
}

/// Asks `server` until the right reply comes or time is up, with one datagram, or three when they get lost.
/// An `Ok` holds at least one answer; aliases are not followed, as the servers worth asking never use them.
pub fn ask(
    server: SocketAddr,
    bind: Option<&Bind>,
    question: &Question,
    until: Instant,
) -> Result<Vec<Answer>, DnsError> {
    let id = random_id()?;
    let query = encode_query(id, question)?;
    exchange(server, bind, &query, until, |packet| match read_reply(packet, id, question) {
        Reading::NotOurs => None,
        Reading::Ours(answers) => Some(answers),
    })?
}

/// The message that asks the question: recursion desired, no EDNS (RFC 1035 §4.1).
pub fn encode_query(id: u16, question: &Question) -> Result<Vec<u8>, DnsError> {
    let mut message = Vec::new();
    Header { id, flags: Header::RECURSE, counts: [1, 0, 0, 0] }.put(&mut message);
    put_name(&mut message, &question.name)
        .map_err(|why| DnsError::BadName(format!("\"{}\": {why}", visible(&question.name))))?;
    put_u16(&mut message, question.kind.code());
    put_u16(&mut message, question.class.code());
    Ok(message)
}

/// Reads a datagram that may be anything; the work is bounded by 512 bytes, whatever they are.
/// A reply without the echoed question is not ours, even an error: nothing but 16 bits would vouch for it.
pub fn read_reply(packet: &[u8], id: u16, question: &Question) -> Reading {
    let mut reader = Reader::new(packet);
    match echo(&mut reader, id, question) {
        Some((header, name)) => Reading::Ours(answers(packet, reader, header, &name, question)),
        None => Reading::NotOurs,
    }
}

/// The header and the asked name of a reply that echoes id and question (RFC 5452 §9.1); the reader is left behind them.
fn echo(reader: &mut Reader, id: u16, question: &Question) -> Option<(Header, Vec<u8>)> {
    let header = reader.header().ok()?;
    let is_reply = header.flags & Header::REPLY != 0 && header.opcode() == 0;
    if header.id != id || !is_reply || header.counts[0] != 1 {
        return None;
    }
    let mut asked = Vec::new();
    put_name(&mut asked, &question.name).ok()?;
    let (name, kind, class) = (reader.name().ok()?, reader.u16().ok()?, reader.u16().ok()?);
    let same = same_name(&name, &asked) && kind == question.kind.code() && class == question.class.code();
    same.then_some((header, asked))
}

/// What our reply says, its other sections walked only to see that the message is whole.
fn answers(
    packet: &[u8],
    mut reader: Reader,
    header: Header,
    name: &[u8],
    question: &Question,
) -> Result<Vec<Answer>, DnsError> {
    if packet.len() > LONGEST {
        return Err(DnsError::Malformed("longer than 512 bytes"));
    }
    if header.flags & Header::CUT != 0 {
        return Err(DnsError::Truncated);
    }
    if header.rcode() != 0 {
        return Err(DnsError::Refused(rcode_name(header.rcode())));
    }
    let [_, answered, authority, additional] = header.counts.map(usize::from);
    if !reader.has_room_for(answered + authority + additional) {
        return Err(DnsError::Malformed("more records promised than it can hold"));
    }
    let mut found = Vec::new();
    for _ in 0..answered {
        let record = reader.record().map_err(DnsError::Malformed)?;
        if record.kind == question.kind.code() && same_name(&record.owner, name) {
            found.push(answer(&record, question).map_err(DnsError::Malformed)?);
        }
    }
    for _ in 0..authority + additional {
        reader.record().map_err(DnsError::Malformed)?;
    }
    if reader.left() > 0 {
        return Err(DnsError::Malformed("more bytes than its records"));
    }
    if found.is_empty() {
        return Err(DnsError::Empty);
    }
    Ok(found)
}

/// What a record of the asked name and type says.
fn answer(record: &Record, question: &Question) -> Result<Answer, &'static str> {
    if record.class != question.class.code() {
        return Err("a record of another class");
    }
    let mut data = Reader::new(record.data);
    let answer = match question.kind {
        Kind::A => Answer::Address(Ipv4Addr::from(data.array::<4>()?).into()),
        Kind::Aaaa => Answer::Address(Ipv6Addr::from(data.array::<16>()?).into()),
        Kind::Txt => {
            let mut strings = Vec::new();
            // Once before the check: RDATA without any string is not a TXT record.
            loop {
                let length = data.u8()?;
                strings.push(data.take(usize::from(length))?.to_vec());
                if data.left() == 0 {
                    break Answer::Text(strings);
                }
            }
        }
    };
    match data.left() {
        0 => Ok(answer),
        _ => Err("a record of the wrong length"),
    }
}

/// An id that can't be guessed (RFC 5452 §4.5). It does not wait for a board that has gathered no randomness yet:
/// that could take longer than the pass has.
pub fn random_id() -> Result<u16, DnsError> {
    use rustix::rand::{getrandom, GetRandomFlags};
    let mut id = [0; 2];
    loop {
        match getrandom(&mut id, GetRandomFlags::NONBLOCK) {
            Ok(2) => return Ok(u16::from_ne_bytes(id)),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return Err(DnsError::Network("the system has no random numbers yet".to_string())),
        }
    }
}

#[cfg(test)]
mod tests;
