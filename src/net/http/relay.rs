//! The relay between minreq and a server: minreq speaks plain HTTP to a port on the loopback interface, and this thread
//! carries it over a connection that was made before (`connect.rs`), TLS included. minreq alone knows no address family,
//! no share of the time for each address and no bound on what comes back, and a slow server outlives its timeout. Here
//! one deadline and one size limit hold, and what came is noted for those who judge the answer.

use super::admission::{admit, refuse_all, Admitted};
use super::connection::Connection;
use super::status_line;
use super::stream::{read, send, Received};
use super::tls;
use crate::sys::os;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

/// The end of a well-formed chunked body, and then some.
const TAIL: usize = 6;

/// Bytes read at once: most answers are shorter than the first, and clearing more than they need costs more than reading.
const SMALL_READ: usize = 2 * 1024;
const LARGE_READ: usize = 16 * 1024;

/// Why the relay ended.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub enum End {
    /// One side closed.
    #[default]
    Closed,
    Deadline,
    /// The server sent more than the limit.
    TooLarge,
}

/// What went over a connection for one request.
#[derive(Default)]
pub struct Transcript {
    pub end: End,
    /// Bytes of the request that went to the server.
    pub sent: usize,
    /// Bytes of the answer that came from it.
    pub received: usize,
    /// The first bytes of the answer.
    pub head: Vec<u8>,
    /// Where its body begins: after the first blank line.
    pub body_at: Option<usize>,
    /// Its last bytes.
    pub tail: Vec<u8>,
    /// The connection broke where it should have ended.
    pub broken: bool,
    /// What TLS says about that.
    pub tls_error: Option<String>,
    /// The connection, if it is still open.
    pub connection: Option<Connection>,
    /// Bytes of the current line of the head.
    line: usize,
}

impl Transcript {
    fn note(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while self.body_at.is_none() {
            let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
                self.line += rest.iter().filter(|byte| **byte != b'\r').count();
                break;
            };
            // minreq takes a bare LF for the end of a line too.
            let blank = self.line == 0 && rest[..end].iter().all(|byte| *byte == b'\r');
            rest = &rest[end + 1..];
            self.line = 0;
            if blank {
                self.body_at = Some(self.received + bytes.len() - rest.len());
            }
        }
        self.received += bytes.len();
        let missing = status_line::LENGTH.saturating_sub(self.head.len());
        self.head.extend_from_slice(&bytes[..bytes.len().min(missing)]);
        self.tail.extend_from_slice(&bytes[bytes.len() - bytes.len().min(TAIL)..]);
        self.tail.drain(..self.tail.len().saturating_sub(TAIL));
    }
}

/// The beginning of a request as minreq writes it to the relay, and as the server gets it.
pub struct Opening {
    pub written: String,
    pub sent: String,
}

/// A loopback port that waits for minreq.
pub struct Listener {
    listener: TcpListener,
    /// Where minreq connects.
    pub port: u16,
}

impl Listener {
    pub fn new() -> io::Result<Listener> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        Ok(Listener { listener, port })
    }
}

/// A relay at work.
pub struct Relay {
    port: u16,
    thread: JoinHandle<Transcript>,
    over: Arc<AtomicBool>,
}

impl Relay {
    /// Carries one request, which begins with `opening`, and its answer of at most `limit` bytes.
    pub fn start(
        listener: Listener,
        connection: Connection,
        opening: Opening,
        until: Instant,
        limit: usize,
    ) -> io::Result<Relay> {
        let Listener { listener, port } = listener;
        let over = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&over);
        let thread = std::thread::Builder::new()
            .stack_size(256 * 1024)
            .spawn(move || carry(listener, connection, &opening, until, limit, &told))?;
        Ok(Relay { port, thread, over })
    }

    /// Ends it, whether minreq came or not. To be called when minreq has returned.
    pub fn close(self) -> Transcript {
        self.over.store(true, Ordering::SeqCst);
        if !self.thread.is_finished() {
            // Wakes a relay to which minreq never came.
            let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        }
        self.thread.join().unwrap_or_default()
    }
}

fn carry(
    listener: TcpListener,
    mut connection: Connection,
    opening: &Opening,
    until: Instant,
    limit: usize,
    over: &AtomicBool,
) -> Transcript {
    let mut transcript = Transcript::default();
    match admit(&listener, opening.written.as_bytes(), until, over) {
        Ok(Some(client)) => {
            // The listener stays open meanwhile, so that `close` wakes nobody but this relay.
            match pump(&client, &mut connection, opening.sent.as_bytes(), until, limit, &mut transcript) {
                Ok(true) => transcript.connection = Some(connection),
                Ok(false) => {}
                Err(error) => {
                    transcript.broken = true;
                    transcript.tls_error = tls::describe_io(&error);
                    transcript.end = match error.kind() {
                        _ if is_timeout(&error) => End::Deadline,
                        ErrorKind::FileTooLarge => End::TooLarge,
                        _ => End::Closed,
                    };
                }
            }
            // minreq sees any error as the end of the connection.
            let _ = client.stream.shutdown(Shutdown::Both);
        }
        Ok(None) => transcript.connection = Some(connection),
        Err(error) => {
            if is_timeout(&error) {
                transcript.end = End::Deadline;
            }
            refuse_all(&listener, over);
        }
    }
    transcript
}

/// Carries a request and its answer until minreq closes. Returns whether the server's side is still open. The deadline
/// is an error of the kind `TimedOut`, an answer over the limit one of the kind `FileTooLarge`.
fn pump(
    client: &Admitted,
    connection: &mut Connection,
    opening: &[u8],
    until: Instant,
    limit: usize,
    transcript: &mut Transcript,
) -> io::Result<bool> {
    let (rest, client) = (&client.rest, &client.stream);
    let _ = client.set_nodelay(true);
    // In one piece, so that a small request is one packet and one TLS record.
    connection.send(&[opening, rest].concat(), until)?;
    transcript.sent = opening.len() + rest.len();
    let mut piece = vec![0u8; SMALL_READ];
    let (mut open, mut over_the_wire) = (true, 0);
    loop {
        let ready = match open {
            true => os::wait_readable(&[client.as_fd(), connection.as_fd()], until)?,
            // The server has closed. What is left is to wait until minreq has read what came.
            false => vec![os::wait_readable(&[client.as_fd()], until)?[0], false],
        };
        if ready == [false, false] {
            return Err(ErrorKind::TimedOut.into());
        }
        if ready[1] {
            let (n, mut received) = connection.receive(&mut piece)?;
            over_the_wire += n;
            if n >= SMALL_READ {
                piece.resize(LARGE_READ, 0);
            }
            loop {
                if over_the_wire.max(transcript.received) > limit {
                    return Err(ErrorKind::FileTooLarge.into());
                }
                match received {
                    Received::Nothing => break,
                    Received::Bytes(n) => {
                        transcript.note(&piece[..n]);
                        match send(client, &piece[..n], until) {
                            Ok(()) => {}
                            Err(error) if is_timeout(&error) => return Err(error),
                            // minreq has seen enough. What it left unread is not known, so no request may follow.
                            Err(_) => return Ok(false),
                        }
                    }
                    Received::End { proper } => {
                        open = false;
                        transcript.broken = !proper;
                        let _ = client.shutdown(Shutdown::Write);
                        break;
                    }
                }
                received = connection.buffered(&mut piece)?;
            }
        }
        if ready[0] {
            // minreq closes when it has read the response; if bytes are left unread, that is a reset.
            let n = read(client, &mut piece).unwrap_or(0);
            if n == 0 {
                return Ok(open);
            }
            connection.send(&piece[..n], until)?;
            transcript.sent += n;
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the body begins, whatever the pieces in which an answer comes.
    #[test]
    fn the_end_of_a_head_is_its_blank_line() {
        for (answer, body_at) in [
            ("HTTP/1.1 200 OK\r\n\r\nbody", Some(19)),
            ("HTTP/1.1 200 OK\r\nA: b\r\n\r\n", Some(25)),
            ("HTTP/1.1 200 OK\nA: b\n\nbody", Some(22)),
            ("HTTP/1.1 200 OK\r\nContent-Le", None),
            ("HTTP/1.1 200 OK\r\nA: b\r\n", None),
            ("", None),
        ] {
            for size in [1, 2, 5, 100] {
                let mut transcript = Transcript::default();
                answer.as_bytes().chunks(size).for_each(|piece| transcript.note(piece));
                assert_eq!((transcript.body_at, transcript.received), (body_at, answer.len()), "{answer:?} by {size}");
                let tail = &answer.as_bytes()[answer.len() - answer.len().min(TAIL)..];
                assert_eq!(transcript.tail, tail);
            }
        }
    }
}
