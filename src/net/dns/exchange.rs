//! How messages go to a server and come back: datagrams that are sent again when they get lost, and a connection for
//! those that are too long for one. Nothing here knows what a message means; who asks says which reply is the right one.

use super::wire::put_u16;
use super::DnsError;
use crate::net::datagram;
use crate::net::socket::{self, Bind};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

/// How long to wait before the second and the third datagram (RFC 1035 §4.2.1 asks for 2 to 5 seconds).
const PAUSES: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(4)];
/// How many messages on a connection may be somebody else's before it is given up.
const MOST_STRAYS: usize = 16;

/// Sends `message` and hands every datagram from `server` to `accept` until it takes one or time is up.
/// Sent again unchanged after 2 and 4 more seconds, so a message must do no harm when it arrives twice.
pub fn exchange<T>(
    server: SocketAddr,
    bind: Option<&Bind>,
    message: &[u8],
    until: Instant,
    accept: impl FnMut(&[u8]) -> Option<T>,
) -> Result<T, DnsError> {
    exchange_on(&udp(server, bind)?, message, until, accept)
}

/// A UDP socket that receives from `server` alone.
pub fn udp(server: SocketAddr, bind: Option<&Bind>) -> Result<UdpSocket, DnsError> {
    socket::udp(server, bind).map_err(network)
}

/// The same as [`exchange`] on a socket of [`udp`].
pub fn exchange_on<T>(
    socket: &UdpSocket,
    message: &[u8],
    until: Instant,
    mut accept: impl FnMut(&[u8]) -> Option<T>,
) -> Result<T, DnsError> {
    let mut taken = None;
    datagram::ask(socket, message, &PAUSES, until, &mut |packet| {
        taken = accept(packet);
        taken.is_some()
    })
    .map_err(network)?;
    taken.ok_or(DnsError::Timeout)
}

/// What is left until then; never zero, which would mean "wait for ever" to a socket.
fn time_to(then: Instant) -> Option<Duration> {
    then.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
}

/// The system's words without its number.
fn network(error: io::Error) -> DnsError {
    let words = error.to_string();
    let plain = words.split(" (os error").next().unwrap_or(&words);
    DnsError::Network(match error.kind() {
        ErrorKind::ConnectionRefused => "connection refused".to_string(),
        _ => plain.to_string(),
    })
}

/// Asks one place after the other until one gives an answer, each in its share of the time; the error is the last.
pub fn first<T>(
    places: &[SocketAddr],
    until: Instant,
    mut ask: impl FnMut(SocketAddr, Instant) -> Result<T, DnsError>,
) -> Result<T, DnsError> {
    let mut last = DnsError::Timeout;
    for (at, place) in places.iter().enumerate() {
        let Some(left) = time_to(until) else { break };
        let share = left / u32::try_from(places.len() - at).unwrap_or(1);
        match ask(*place, Instant::now() + share) {
            Ok(answer) => return Ok(answer),
            Err(trouble) => last = trouble,
        }
    }
    Err(last)
}

/// A connection that carries messages one after the other (RFC 7766 §6.2.1), each behind its length (RFC 1035 §4.2.2).
pub struct Stream(TcpStream);

impl Stream {
    pub fn open(server: SocketAddr, bind: Option<&Bind>, until: Instant) -> Result<Stream, DnsError> {
        let left = time_to(until).ok_or(DnsError::Timeout)?;
        let stream = socket::tcp(server, bind, left).map_err(network)?;
        // Length and message go out in one write; nothing is gained by holding them back.
        let _ = stream.set_nodelay(true);
        Ok(Stream(stream))
    }

    /// Sends `message` and hands what comes to `accept` until it takes one or time is up.
    pub fn ask<T>(
        &mut self,
        message: &[u8],
        until: Instant,
        mut accept: impl FnMut(&[u8]) -> Option<T>,
    ) -> Result<T, DnsError> {
        let length = u16::try_from(message.len()).map_err(|_| DnsError::Malformed("longer than a message can be"))?;
        let mut framed = Vec::with_capacity(message.len() + 2);
        put_u16(&mut framed, length);
        framed.extend_from_slice(message);
        let mut sent = 0;
        while let Some(rest) = framed.get(sent..).filter(|rest| !rest.is_empty()) {
            self.0.set_write_timeout(Some(time_to(until).ok_or(DnsError::Timeout)?)).map_err(network)?;
            sent += moved(self.0.write(rest))?;
        }
        for _ in 0..MOST_STRAYS {
            let mut length = [0; 2];
            self.fill(&mut length, until)?;
            let mut reply = vec![0; usize::from(u16::from_be_bytes(length))];
            self.fill(&mut reply, until)?;
            if let Some(taken) = accept(&reply) {
                return Ok(taken);
            }
        }
        Err(DnsError::Malformed("replies to other questions"))
    }

    fn fill(&mut self, buffer: &mut [u8], until: Instant) -> Result<(), DnsError> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            self.0.set_read_timeout(Some(time_to(until).ok_or(DnsError::Timeout)?)).map_err(network)?;
            filled += moved(self.0.read(rest))?;
        }
        Ok(())
    }
}

/// How many bytes went over a connection; 0 of them when it is to be tried again, and an error at its end.
fn moved(result: io::Result<usize>) -> Result<usize, DnsError> {
    match result {
        Ok(0) => Err(DnsError::Network("the server closed the connection".to_string())),
        Ok(count) => Ok(count),
        Err(error) => match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => Ok(0),
            _ => Err(network(error)),
        },
    }
}
