//! One question in a datagram, sent again when it gets lost, until its answer comes or time is up. Nothing here knows
//! what a message means: who asks says which datagram is the right one, and all others are passed over.

use crate::net::socket::{self, Bind};
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// What fits into one datagram on Ethernet, and one byte more to see that one is longer.
const LONGEST: usize = 1501;

/// Sends `message` and hands every datagram from `server` to `accept` until it takes one; `None` when time is up.
/// Sent again unchanged after each of the pauses, so a message must do no harm when it arrives twice.
pub fn exchange<T>(
    server: SocketAddr,
    bind: Option<&Bind>,
    message: &[u8],
    pauses: &[Duration],
    until: Instant,
    mut accept: impl FnMut(&[u8]) -> Option<T>,
) -> io::Result<Option<T>> {
    let mut taken = None;
    let socket = socket::udp(server, bind)?;
    ask(&socket, message, pauses, until, &mut |packet| {
        taken = accept(packet);
        taken.is_some()
    })?;
    Ok(taken)
}

/// The same on a socket that is connected already, until `accept` says that it is enough.
pub fn ask(
    socket: &UdpSocket,
    message: &[u8],
    pauses: &[Duration],
    until: Instant,
    accept: &mut dyn FnMut(&[u8]) -> bool,
) -> io::Result<()> {
    if left(until).is_none() {
        return Ok(());
    }
    // An ICMP error that came before our first datagram can't be about it: the first "refused" is dropped, which clears it.
    // After that it ends the question. Who forges one must guess our port, and gains a failure, never an answer.
    match send(socket, message) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => send(socket, message)?,
        sent => sent?,
    }
    let mut buffer = [0; LONGEST];
    let mut pauses = pauses.iter();
    loop {
        let pause = pauses.next().and_then(|pause| Instant::now().checked_add(*pause));
        let next = pause.map_or(until, |pause| pause.min(until));
        while let Some(left) = left(next) {
            socket.set_read_timeout(Some(left))?;
            match socket.recv(&mut buffer) {
                Ok(length) if buffer.get(..length).is_some_and(&mut *accept) => return Ok(()),
                Ok(_) => {}
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => {}
                    _ => return Err(error),
                },
            }
        }
        if left(until).is_none() {
            return Ok(());
        }
        send(socket, message)?;
    }
}

/// What is left until then; never zero, which would mean "wait for ever" to a socket.
fn left(then: Instant) -> Option<Duration> {
    then.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
}

fn send(socket: &UdpSocket, message: &[u8]) -> io::Result<()> {
    loop {
        match socket.send(message) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            sent => return sent.map(|_| ()),
        }
    }
}
