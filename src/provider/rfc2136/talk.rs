//! One update and its reply. Over UDP a reply counts only if it is signed: what anybody can forge is passed over until
//! the deadline. What a server says without a signature, it is asked again over TCP, where no stranger can answer for it.

use crate::net::dns::wire::{same_name, Header, Reader, HEADER, LONGEST};
use crate::net::dns::zone::way;
use crate::net::dns::{self, DnsError, Stream};
use crate::net::http::Http;
use crate::net::socket::Bind;
use crate::net::tsig::{Key, Seal};
use crate::sys::clock::{self, Timestamp};
use std::net::SocketAddr;
use std::time::Instant;

/// What a server said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Answer {
    pub rcode: u16,
    /// Of the signature: 0, or 16 and up (RFC 8945 §3).
    pub error: u16,
    /// Whether it is signed, or need not be.
    pub sure: bool,
    /// The server's clock, where it and ours differ too much.
    pub theirs: Option<Timestamp>,
}

/// What a message that came is worth.
enum Worth {
    /// Nothing: it is no reply to our update.
    Nothing,
    /// It is the reply.
    Answer(Answer),
    /// It may be the reply; nothing proves it.
    Claim(Answer),
    /// It says that the rest of it goes over TCP.
    Cut,
    /// It is no proof of anything; why.
    Wrong(String),
}

/// A server that is being talked to.
pub struct Talk<'a> {
    /// Where it is, the place that answered first.
    places: Vec<SocketAddr>,
    key: Option<&'a Key>,
    tcp: bool,
    stream: Option<(SocketAddr, Stream)>,
    http: &'a Http<'a>,
    /// Messages sent so far; repeats of a lost datagram count once.
    pub sent: usize,
}

/// An update on its way.
struct Sent<'a> {
    bind: Option<&'a Bind>,
    key: Option<&'a Key>,
    id: u16,
    message: Vec<u8>,
    mac: Vec<u8>,
}

impl<'a> Talk<'a> {
    pub fn new(places: Vec<SocketAddr>, key: Option<&'a Key>, tcp: bool, http: &'a Http<'a>) -> Talk<'a> {
        Talk { places, key, tcp, stream: None, http, sent: 0 }
    }

    /// Sends an update and waits for its reply. The error is why nothing is known of it.
    pub fn ask(&mut self, update: impl Fn(u16) -> Vec<u8>) -> Result<Answer, String> {
        let id = dns::random_id().map_err(|trouble| trouble.to_string())?;
        let (message, mac) = match self.key {
            Some(key) => key.sign(update(id), clock::now()),
            None => (update(id), Vec::new()),
        };
        let mut sent = Sent { bind: None, key: self.key, id, message, mac };
        self.sent += 1;
        let until = (Instant::now() + self.http.timeout).min(self.http.until);
        let by_tcp = self.tcp || sent.message.len() > LONGEST;
        let stream = &mut self.stream;
        let mut worked = None;
        let answer = dns::first(&self.places, until, |place, until| {
            sent.bind = way(place, self.http.way.bind.as_ref());
            let answer = match by_tcp {
                true => over_tcp(stream, place, &sent, until),
                false => over_udp(stream, place, &sent, until),
            };
            worked = worked.or(answer.is_ok().then_some(place));
            answer
        });
        // The rest of the pass begins with the place that answered.
        self.places.sort_by_key(|place| Some(*place) != worked);
        answer.unwrap_or_else(|trouble| Err(trouble.to_string()))
    }
}

type Asked = Result<Result<Answer, String>, DnsError>;

fn over_udp(stream: &mut Option<(SocketAddr, Stream)>, place: SocketAddr, sent: &Sent<'_>, until: Instant) -> Asked {
    let (mut doubt, mut claim, mut turned) = (None, None, false);
    let asked = dns::exchange(place, sent.bind, &sent.message, until, |packet| {
        let maybe = match sent.weigh(packet) {
            Worth::Nothing => return None,
            Worth::Answer(answer) => return Some(Ok(answer)),
            Worth::Wrong(why) => {
                doubt = Some(why);
                return None;
            }
            Worth::Claim(answer) => Some(answer),
            Worth::Cut => None,
        };
        claim = maybe.or(claim);
        if turned {
            return None;
        }
        turned = true;
        // What made us ask may be forged, and nobody may answer there: the other half is for what comes by datagram.
        let now = Instant::now();
        over_tcp(stream, place, sent, now + until.saturating_duration_since(now) / 2).ok()
    });
    match (asked, claim, doubt) {
        (Err(DnsError::Timeout), Some(claim), _) => Ok(Ok(claim)),
        (Err(DnsError::Timeout), None, Some(doubt)) => Ok(Err(doubt)),
        (asked, ..) => asked,
    }
}

fn over_tcp(stream: &mut Option<(SocketAddr, Stream)>, place: SocketAddr, sent: &Sent<'_>, until: Instant) -> Asked {
    let ask = |stream: &mut Stream| {
        stream.ask(&sent.message, until, |packet| match sent.weigh(packet) {
            Worth::Nothing => None,
            Worth::Answer(answer) | Worth::Claim(answer) => Some(Ok(answer)),
            Worth::Wrong(why) => Some(Err(why)),
            Worth::Cut => Some(Err("the reply is cut off".to_string())),
        })
    };
    // A server may have closed a connection that it thought idle.
    if let Some((_, mut open)) = stream.take().filter(|(at, _)| *at == place) {
        if let Ok(answer) = ask(&mut open) {
            *stream = Some((place, open));
            return Ok(answer);
        }
    }
    let mut fresh = Stream::open(place, sent.bind, until)?;
    let answer = ask(&mut fresh)?;
    *stream = Some((place, fresh));
    Ok(answer)
}

impl Sent<'_> {
    fn weigh(&self, packet: &[u8]) -> Worth {
        let Ok(header) = Reader::new(packet).header() else { return Worth::Nothing };
        if header.id != self.id || header.flags & Header::REPLY == 0 || header.opcode() != 5 {
            return Worth::Nothing;
        }
        // Servers repeat the zone, or leave it out (RFC 2136 §3.8).
        let zone = |message| Reader::new(message).from(HEADER).name().unwrap_or_default();
        if header.counts[0] > 0 && !same_name(&zone(packet), &zone(&self.message)) {
            return Worth::Nothing;
        }
        if header.flags & Header::CUT != 0 {
            return Worth::Cut;
        }
        let answer = Answer { rcode: header.rcode(), error: 0, sure: true, theirs: None };
        let Some(key) = self.key else { return Worth::Answer(answer) };
        let unsure = |error| match header.rcode() {
            0 => Worth::Wrong("the reply is not signed".to_string()),
            _ => Worth::Claim(Answer { error, sure: false, ..answer }),
        };
        match key.judge(packet, &self.mac, clock::now()) {
            Seal::Good(error) => Worth::Answer(Answer { error, ..answer }),
            Seal::Clock { theirs } => Worth::Answer(Answer { theirs: Some(theirs), ..answer }),
            Seal::Claim(error) => unsure(error),
            Seal::None => unsure(0),
            Seal::Forged(how) => Worth::Wrong(format!("the reply cannot be believed: {how}")),
        }
    }
}
