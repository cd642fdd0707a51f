//! A connection to a server, in the clear or under TLS. What its users read and write is always the clear text.

use super::stream::{read, send, Received};
use super::tls::TlsSession;
use crate::sys::os;
use std::io;
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

pub struct Connection {
    tcp: TcpStream,
    /// Boxed, for it is large and the connection is moved often.
    tls: Option<Box<TlsSession>>,
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.tcp.as_fd()
    }
}

impl Connection {
    pub fn new(tcp: TcpStream, tls: Option<TlsSession>) -> Connection {
        Connection { tcp, tls: tls.map(Box::new) }
    }

    pub fn send(&mut self, bytes: &[u8], until: Instant) -> io::Result<()> {
        match &mut self.tls {
            None => send(&self.tcp, bytes, until),
            Some(tls) => tls.send(&self.tcp, bytes, until),
        }
    }

    /// Reads once from the socket, which must be readable. Says how many bytes came over the wire, and what they are.
    pub fn receive(&mut self, into: &mut [u8]) -> io::Result<(usize, Received)> {
        let Some(tls) = &mut self.tls else {
            let n = read(&self.tcp, into)?;
            return Ok((n, if n == 0 { Received::End { proper: true } } else { Received::Bytes(n) }));
        };
        let n = tls.receive(&self.tcp)?;
        Ok((n, tls.read(into)?))
    }

    /// What the last [`Connection::receive`] left over.
    pub fn buffered(&mut self, into: &mut [u8]) -> io::Result<Received> {
        self.tls.as_mut().map_or(Ok(Received::Nothing), |tls| tls.read(into))
    }

    /// Whether it can take another request, as far as this side knows: it is open, and nothing has come that nobody
    /// asked for. Takes no time.
    pub fn is_idle(&mut self) -> bool {
        loop {
            match os::wait_readable(&[self.tcp.as_fd()], Instant::now()).as_deref() {
                Ok([false]) => return true,
                // Session tickets come when they like.
                Ok([true]) if self.tls.is_some() => {
                    if !matches!(self.receive(&mut [0]), Ok((1.., Received::Nothing))) {
                        return false;
                    }
                }
                _ => return false,
            }
        }
    }
}
