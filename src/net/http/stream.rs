//! Reading and writing on a socket under a deadline, and I/O errors in plain words.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// What a read found.
pub enum Received {
    /// So many bytes of clear text. More of them may be there already: ask `Connection::buffered`.
    Bytes(usize),
    /// Nothing for us yet: a part of a TLS record, or a record of TLS's own.
    Nothing,
    /// The end of what the server sends.
    End {
        /// Whether it is the server who ended it. Under TLS only a close_notify proves that (RFC 8446, 6.1).
        proper: bool,
    },
}

/// The time until `until`, never zero: sockets take zero for "without a limit".
pub fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}

/// The time until `until`, or an error of the kind `TimedOut` when it is over.
pub fn time_left(until: Instant) -> io::Result<Duration> {
    match until.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(ErrorKind::TimedOut.into()),
        left => Ok(left),
    }
}

/// Reads once.
pub fn read(mut from: &TcpStream, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match from.read(into) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Writes all of `bytes` before `until`, however slowly the peer reads.
pub fn send(mut to: &TcpStream, mut bytes: &[u8], until: Instant) -> io::Result<()> {
    while !bytes.is_empty() {
        to.set_write_timeout(Some(time_left(until)?))?;
        match to.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(n) => bytes = &bytes[n..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// An I/O error as a message shows it.
pub fn plain(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => "no answer in time".to_string(),
        ErrorKind::ConnectionRefused => "connection refused".to_string(),
        ErrorKind::ConnectionReset => "connection reset".to_string(),
        ErrorKind::NetworkUnreachable => "network unreachable".to_string(),
        ErrorKind::HostUnreachable => "host unreachable".to_string(),
        ErrorKind::UnexpectedEof => "connection closed early".to_string(),
        _ => error.to_string(),
    }
}
