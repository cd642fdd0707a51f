//! Which local connection the relay serves. Every process of this machine can connect to a port on loopback, so the
//! relay reads from all of them at once and serves the one that sends the expected bytes. A client that is silent or
//! slow delays nobody.

use super::stream::read;
use crate::sys::os;
use std::io::{self, ErrorKind};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Connections that may wait at one time. One more, and the oldest is closed.
const MOST_WAITING: usize = 32;

/// A connection that has not sent enough yet.
struct Waiting {
    stream: TcpStream,
    received: Vec<u8>,
}

/// The client that sent the expected bytes.
pub struct Admitted {
    pub stream: TcpStream,
    /// What it sent after them.
    pub rest: Vec<u8>,
}

/// Waits for the client whose first bytes are `expected`. `None` when `over` was set, which is noticed when somebody
/// connects. At the deadline, an error of the kind `TimedOut`.
pub fn admit(
    listener: &TcpListener,
    expected: &[u8],
    until: Instant,
    over: &AtomicBool,
) -> io::Result<Option<Admitted>> {
    let mut waiting: Vec<Waiting> = Vec::new();
    loop {
        let fds: Vec<BorrowedFd<'_>> =
            std::iter::once(listener.as_fd()).chain(waiting.iter().map(|client| client.stream.as_fd())).collect();
        let ready = os::wait_readable(&fds, until)?;
        if !ready.contains(&true) || Instant::now() >= until {
            return Err(ErrorKind::TimedOut.into());
        }
        // From the last to the first, so that taking one out moves none that is still to be read.
        for i in (0..waiting.len()).rev().filter(|i| ready[i + 1]) {
            let client = &mut waiting[i];
            let mut piece = [0u8; 1024];
            // An error is the client's end, as a close is.
            let n = read(&client.stream, &mut piece).unwrap_or(0);
            client.received.extend_from_slice(&piece[..n]);
            // Decide only when all bytes have come: an earlier reaction would let others guess the token byte by byte.
            if n > 0 && client.received.len() < expected.len() {
                continue;
            }
            let client = waiting.swap_remove(i);
            if let Some(rest) = client.received.strip_prefix(expected) {
                return Ok(Some(Admitted { rest: rest.to_vec(), stream: client.stream }));
            }
        }
        if ready[0] {
            let (stream, _) = listener.accept()?;
            if over.load(Ordering::SeqCst) {
                return Ok(None);
            }
            if waiting.len() >= MOST_WAITING {
                waiting.remove(0);
            }
            waiting.push(Waiting { stream, received: Vec::new() });
        }
    }
}

/// Closes whatever connects until `over` is set. While the listener is open no other process can take its port, and
/// with it a request that is still on its way there.
pub fn refuse_all(listener: &TcpListener, over: &AtomicBool) {
    while !over.load(Ordering::SeqCst) {
        if listener.accept().is_err_and(|error| error.kind() != ErrorKind::Interrupted) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, SocketAddr};
    use std::time::Duration;

    /// The time that a client needs to be admitted while `disturb` runs in another thread.
    fn time_to_admit(disturb: impl Fn(SocketAddr) -> Vec<TcpStream>) -> Duration {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let _strangers = disturb(address);
        let (over, begun) = (AtomicBool::new(false), Instant::now());
        let mut client = TcpStream::connect(address).unwrap();
        client.write_all(b"secret and more").unwrap();
        let admitted = admit(&listener, b"secret", begun + Duration::from_secs(10), &over).unwrap().unwrap();
        assert_eq!(admitted.rest, b" and more");
        assert_eq!(admitted.stream.peer_addr().unwrap(), client.local_addr().unwrap());
        begun.elapsed()
    }

    fn silent(address: SocketAddr, count: usize) -> Vec<TcpStream> {
        (0..count).map(|_| TcpStream::connect(address).unwrap()).collect()
    }

    const SOON: Duration = Duration::from_millis(300);

    #[test]
    fn a_silent_client_delays_nobody() {
        let took = time_to_admit(|address| silent(address, 1));
        assert!(took < SOON, "{took:?}");
    }

    #[test]
    fn a_client_that_sends_a_byte_every_half_second_delays_nobody() {
        let took = time_to_admit(|address| {
            let mut slow = TcpStream::connect(address).unwrap();
            let held = slow.try_clone().unwrap();
            std::thread::spawn(move || {
                // Ends when the listener and with it the connection is closed.
                while slow.write_all(b"s").is_ok() {
                    std::thread::sleep(Duration::from_millis(500));
                }
            });
            vec![held]
        });
        assert!(took < SOON, "{took:?}");
    }

    #[test]
    fn two_hundred_clients_delay_nobody() {
        // More than the kernel keeps in a queue that nobody takes from, so they come while the relay admits.
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (over, begun) = (AtomicBool::new(false), Instant::now());
        let took = std::thread::scope(|scope| {
            let client = scope.spawn(|| {
                let strangers = silent(address, 200);
                let begun = Instant::now();
                let mut client = TcpStream::connect(address).unwrap();
                client.write_all(b"secret").unwrap();
                // Admission ends with a byte from the relay's side.
                client.read_exact(&mut [0]).unwrap();
                (begun.elapsed(), strangers)
            });
            let mut admitted = admit(&listener, b"secret", begun + Duration::from_secs(10), &over).unwrap().unwrap();
            admitted.stream.write_all(b"x").unwrap();
            client.join().unwrap().0
        });
        assert!(took < SOON, "{took:?}");
    }

    #[test]
    fn wrong_bytes_are_closed_without_an_answer_and_only_when_all_have_come() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut short = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        short.write_all(b"wrong").unwrap();
        let mut whole = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        whole.write_all(b"wrong!").unwrap();
        let over = AtomicBool::new(false);
        let ended = std::thread::scope(|scope| {
            let admission = scope.spawn(|| admit(&listener, b"secret", Instant::now() + SOON, &over).err());
            let mut answer = Vec::new();
            // Closed at once, long before the deadline.
            assert_eq!(whole.read_to_end(&mut answer).unwrap(), 0);
            assert!(!admission.is_finished());
            short.set_nonblocking(true).unwrap();
            assert_eq!(short.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
            admission.join().unwrap()
        });
        assert_eq!(ended.map(|error| error.kind()), Some(ErrorKind::TimedOut));
    }

    #[test]
    fn no_other_process_gets_the_port_before_the_end() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| refuse_all(&listener, &over));
            let mut late = TcpStream::connect(address).unwrap();
            assert_eq!(late.read(&mut [0]).unwrap_or(0), 0);
            assert_eq!(TcpListener::bind(address).unwrap_err().kind(), ErrorKind::AddrInUse);
            over.store(true, Ordering::SeqCst);
            let _ = TcpStream::connect(address);
        });
    }
}
