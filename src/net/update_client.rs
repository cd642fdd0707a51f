//! Sends an update (RFC 2136) to a name server and reads its reply. A message that is too long for a datagram goes over
//! TCP. Over UDP a reply counts only if it is signed: what anybody can forge is ignored until the deadline, and what a
//! server says without a signature makes us ask again over TCP, where no stranger can answer for it.

use crate::net::dns::update::Update;
use crate::net::dns::wire::{rcode_name, same_name, Header, Reader, HEADER, LONGEST};
use crate::net::dns::zone::way;
use crate::net::dns::{exchange_on, first, random_id, udp, DnsError, Stream};
use crate::net::socket::Bind;
use crate::net::tsig::{Key, Seal, BADTIME};
use crate::sys::clock::{self, Timestamp};
use std::cell::Cell;
use std::net::SocketAddr;
use std::time::Instant;

/// How the sending of an update ended. `verified` says that the reply carries a valid signature, or that no key is set
/// and it needs none; an unverified reply came over TCP, or nothing better came in time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum UpdateOutcome {
    /// The server made the change: NOERROR, verified.
    Done,
    /// The server did not make the change: an RCODE other than NOERROR (RFC 1035 §4.1.1, RFC 2136 §2.2).
    Refused { rcode: u16, verified: bool },
    /// The server reports an error of our signature, 16 and up (RFC 8945 §3), and did not make the change.
    TsigError { error: u16, verified: bool },
    /// The server's clock, verified, and ours differ by more than the signature allows (RFC 8945 §5.2.3). Whether the
    /// change was made is not known: the difference may be in the reply alone.
    BadTime { server_clock: Timestamp },
    /// Sent, and no usable reply came before the deadline; why. Whether the change was made is not known.
    Unanswered(String),
    /// Nothing was sent; why.
    NotSent(String),
}

impl UpdateOutcome {
    /// The code of the reply as people write it: of the signature's error if there is one, else the RCODE.
    /// The error is why there is no reply.
    pub fn code_name(&self) -> Result<String, &str> {
        match self {
            UpdateOutcome::Done => Ok(rcode_name(0)),
            UpdateOutcome::Refused { rcode: code, .. } | UpdateOutcome::TsigError { error: code, .. } => {
                Ok(rcode_name(*code))
            }
            UpdateOutcome::BadTime { .. } => Ok(rcode_name(BADTIME)),
            UpdateOutcome::Unanswered(why) | UpdateOutcome::NotSent(why) => Err(why),
        }
    }
}

/// A name server that takes updates. It keeps a TCP connection open between updates.
pub struct UpdateClient<'a> {
    /// Where it is, the address that answered last first.
    addresses: Vec<SocketAddr>,
    key: Option<&'a Key>,
    tcp: bool,
    bind: Option<&'a Bind>,
    stream: Option<(SocketAddr, Stream)>,
}

impl<'a> UpdateClient<'a> {
    /// A server at these addresses, which are tried in order. Updates are signed with `key`; `tcp` never uses UDP;
    /// `bind` is the address or interface to send from, except to a server on this machine.
    pub fn new(
        addresses: Vec<SocketAddr>,
        key: Option<&'a Key>,
        tcp: bool,
        bind: Option<&'a Bind>,
    ) -> UpdateClient<'a> {
        UpdateClient { addresses, key, tcp, bind, stream: None }
    }

    /// Sends an update and waits for its reply until the deadline. An update may arrive twice: a lost datagram is sent
    /// again, and each address gets its share of the time.
    pub fn send(&mut self, update: &Update, until: Instant) -> UpdateOutcome {
        let id = match random_id() {
            Ok(id) => id,
            Err(error) => return UpdateOutcome::NotSent(error.to_string()),
        };
        let (message, mac) = match self.key {
            Some(key) => key.sign(update.message(id), clock::now()),
            None => (update.message(id), Vec::new()),
        };
        let mut request = Request { bind: None, key: self.key, id, message, mac, left: Cell::new(false) };
        let by_tcp = self.tcp || request.message.len() > LONGEST;
        let stream = &mut self.stream;
        let mut answered = None;
        let reply = first(&self.addresses, until, |address, until| {
            request.bind = way(address, self.bind);
            let reply = match by_tcp {
                true => over_tcp(stream, address, &request, until),
                false => over_udp(stream, address, &request, until),
            };
            answered = answered.or(reply.is_ok().then_some(address));
            reply
        });
        // The next update begins with the address that answered.
        self.addresses.sort_by_key(|address| Some(*address) != answered);
        let why = match reply {
            Ok(Ok(outcome)) => return outcome,
            Ok(Err(why)) => why,
            Err(error) => error.to_string(),
        };
        match request.left.get() {
            true => UpdateOutcome::Unanswered(why),
            false => UpdateOutcome::NotSent(why),
        }
    }
}

/// A signed update and what its reply is checked against.
struct Request<'a> {
    bind: Option<&'a Bind>,
    key: Option<&'a Key>,
    id: u16,
    message: Vec<u8>,
    mac: Vec<u8>,
    /// Whether a part of it may have left this machine.
    left: Cell<bool>,
}

/// What a received message proves.
enum Reply {
    /// It is no reply to our update.
    Stranger,
    /// It is the reply.
    Proven(UpdateOutcome),
    /// It may be the reply; nothing proves it.
    Unproven(UpdateOutcome),
    /// It says that the rest of it goes over TCP.
    Truncated,
    /// It claims what only a signed reply may claim, or its signature is wrong; why.
    Unusable(String),
}

/// The outer error: no reply came. The inner one: a reply came and cannot be used.
type Exchanged = Result<Result<UpdateOutcome, String>, DnsError>;

fn over_udp(
    stream: &mut Option<(SocketAddr, Stream)>,
    address: SocketAddr,
    request: &Request<'_>,
    until: Instant,
) -> Exchanged {
    let socket = udp(address, request.bind)?;
    request.left.set(request.left.get() || Instant::now() < until);
    let (mut unusable, mut unproven, mut tried_tcp) = (None, None, false);
    let exchanged = exchange_on(&socket, &request.message, until, |packet| {
        let maybe = match request.judge(packet) {
            Reply::Stranger => return None,
            Reply::Proven(outcome) => return Some(Ok(outcome)),
            Reply::Unusable(why) => {
                unusable = Some(why);
                return None;
            }
            Reply::Unproven(outcome) => Some(outcome),
            Reply::Truncated => None,
        };
        unproven = maybe.or(unproven.take());
        if tried_tcp {
            return None;
        }
        tried_tcp = true;
        // What made us ask over TCP may be forged, and nobody may answer there: half of the time is kept for what
        // comes by datagram.
        let now = Instant::now();
        over_tcp(stream, address, request, now + until.saturating_duration_since(now) / 2).ok()
    });
    match (exchanged, unproven, unusable) {
        (Err(DnsError::Timeout), Some(outcome), _) => Ok(Ok(outcome)),
        (Err(DnsError::Timeout), None, Some(why)) => Ok(Err(why)),
        (exchanged, ..) => exchanged,
    }
}

fn over_tcp(
    stream: &mut Option<(SocketAddr, Stream)>,
    address: SocketAddr,
    request: &Request<'_>,
    until: Instant,
) -> Exchanged {
    let ask = |stream: &mut Stream| {
        request.left.set(true);
        stream.ask(&request.message, until, |packet| match request.judge(packet) {
            Reply::Stranger => None,
            Reply::Proven(outcome) | Reply::Unproven(outcome) => Some(Ok(outcome)),
            Reply::Unusable(why) => Some(Err(why)),
            Reply::Truncated => Some(Err("the reply is cut off".to_string())),
        })
    };
    // A server may have closed a connection that it thought idle.
    if let Some((_, mut open)) = stream.take().filter(|(of, _)| *of == address) {
        if let Ok(outcome) = ask(&mut open) {
            *stream = Some((address, open));
            return Ok(outcome);
        }
    }
    let mut fresh = Stream::open(address, request.bind, until)?;
    let outcome = ask(&mut fresh)?;
    *stream = Some((address, fresh));
    Ok(outcome)
}

impl Request<'_> {
    fn judge(&self, packet: &[u8]) -> Reply {
        let Ok(header) = Reader::new(packet).header() else { return Reply::Stranger };
        if header.id != self.id || header.flags & Header::REPLY == 0 || header.opcode() != 5 {
            return Reply::Stranger;
        }
        // Servers repeat the zone, or leave it out (RFC 2136 §3.8).
        let zone = |message| Reader::new(message).from(HEADER).name().unwrap_or_default();
        if header.counts[0] > 0 && !same_name(&zone(packet), &zone(&self.message)) {
            return Reply::Stranger;
        }
        if header.flags & Header::CUT != 0 {
            return Reply::Truncated;
        }
        let rcode = header.rcode();
        let outcome = |error, verified| match (rcode, error) {
            (0, 0) => UpdateOutcome::Done,
            (rcode, 0) => UpdateOutcome::Refused { rcode, verified },
            (_, error) => UpdateOutcome::TsigError { error, verified },
        };
        let Some(key) = self.key else { return Reply::Proven(outcome(0, true)) };
        let unsigned = |error| match rcode {
            0 => Reply::Unusable("the reply is not signed".to_string()),
            _ => Reply::Unproven(outcome(error, false)),
        };
        match key.judge(packet, &self.mac, clock::now()) {
            Seal::Good(error) => Reply::Proven(outcome(error, true)),
            Seal::Clock { theirs } => Reply::Proven(UpdateOutcome::BadTime { server_clock: theirs }),
            Seal::Claim(error) => unsigned(error),
            Seal::None => unsigned(0),
            Seal::Forged(how) => Reply::Unusable(format!("the reply cannot be believed: {how}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::dns::update::{CNAME, UPDATE};
    use crate::types::secret::Secret;
    use std::net::{TcpListener, UdpSocket};
    use std::thread;
    use std::time::Duration;

    fn update() -> Update {
        let mut update = Update::of("example").unwrap();
        update.need_none(b"\x01h\x07example\0", CNAME);
        update.replace(b"\x01h\x07example\0", 1, 60, &[[192, 0, 2, 1].into()]);
        update
    }

    /// The reply of a server that does not sign: the message's header without its records.
    fn reply(message: &[u8], rcode: u8) -> Vec<u8> {
        let mut reply = message[..HEADER].to_vec();
        reply[2] |= 0x80;
        reply[3] = rcode;
        reply[4..].fill(0);
        reply
    }

    /// Sends an update to a server that answers each datagram with what `answer` gives.
    fn against(key: Option<&Key>, time: u64, answer: impl FnOnce(&[u8]) -> Vec<Vec<u8>> + Send) -> UpdateOutcome {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        thread::scope(|scope| {
            scope.spawn(move || {
                let mut buffer = [0; 1500];
                let (length, client) = socket.recv_from(&mut buffer).unwrap();
                for reply in answer(&buffer[..length]) {
                    socket.send_to(&reply, client).unwrap();
                }
            });
            let until = Instant::now() + Duration::from_millis(time);
            UpdateClient::new(vec![address], key, false, None).send(&update(), until)
        })
    }

    fn key() -> Key {
        Key::new("k", "hmac-sha256", &Secret::unmasked("YSBzZWNyZXQ=")).unwrap()
    }

    #[test]
    fn without_a_key_the_rcode_is_the_outcome() {
        assert_eq!(against(None, 10_000, |message| vec![reply(message, 0)]), UpdateOutcome::Done);
        let refused = UpdateOutcome::Refused { rcode: 5, verified: true };
        assert_eq!(against(None, 10_000, |message| vec![reply(message, 5)]), refused);
        assert_eq!(refused.code_name(), Ok("REFUSED".to_string()));
    }

    #[test]
    fn replies_to_other_messages_are_ignored() {
        let outcome = against(None, 10_000, |message| {
            let (mut other_id, mut query, good) = (reply(message, 5), reply(message, 5), reply(message, 0));
            other_id[0] ^= 1;
            query[2] &= !(UPDATE >> 8) as u8;
            let echo = message.to_vec();
            vec![vec![], other_id, query, echo, good]
        });
        assert_eq!(outcome, UpdateOutcome::Done);
    }

    #[test]
    fn with_a_key_an_unsigned_success_does_not_count() {
        let outcome = against(Some(&key()), 200, |message| vec![reply(message, 0)]);
        assert_eq!(outcome, UpdateOutcome::Unanswered("the reply is not signed".to_string()));
    }

    #[test]
    fn with_a_key_an_unsigned_refusal_is_unverified() {
        // Nobody listens on the TCP port, where it would be asked again.
        let outcome = against(Some(&key()), 200, |message| vec![reply(message, 9)]);
        assert_eq!(outcome, UpdateOutcome::Refused { rcode: 9, verified: false });
    }

    #[test]
    fn a_silent_server_leaves_the_outcome_unknown() {
        assert!(matches!(against(None, 50, |_| vec![]), UpdateOutcome::Unanswered(_)));
    }

    #[test]
    fn what_was_not_sent_is_not_unknown() {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut client = UpdateClient::new(vec![address], None, true, None);
        let until = Instant::now() + Duration::from_secs(10);
        let refused = client.send(&update(), until);
        assert!(matches!(&refused, UpdateOutcome::NotSent(why) if why.ends_with("connection refused")), "{refused:?}");
        assert!(matches!(client.send(&update(), Instant::now()), UpdateOutcome::NotSent(_)));
    }
}
