//! A connection under a deadline, and what went wrong with it in words for a person.

use std::io::{self, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// What is left until then, never zero (which sockets take for "for ever").
pub fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}

/// Writes it all, in the time that is left.
pub fn send(mut to: &TcpStream, bytes: &[u8], until: Instant) -> io::Result<()> {
    to.set_write_timeout(Some(left(until)))?;
    to.write_all(bytes)
}

/// An I/O error in the words of a person.
pub fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => "no answer in time".to_string(),
        io::ErrorKind::ConnectionRefused => "connection refused".to_string(),
        io::ErrorKind::ConnectionReset => "connection reset".to_string(),
        io::ErrorKind::NetworkUnreachable => "network unreachable".to_string(),
        io::ErrorKind::HostUnreachable => "host unreachable".to_string(),
        io::ErrorKind::UnexpectedEof => "connection closed early".to_string(),
        _ => error.to_string(),
    }
}
