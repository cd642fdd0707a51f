//! The wire between minreq and the world. minreq resolves and connects by itself: it knows no family, no share
//! of the time for each address, no bound on what comes back, and a server that drips outlives its timeout. So
//! it is given a proxy, this one: a loopback listener for a single connection that only we can pass (a random
//! password), behind which the name has been resolved and the connection made already. From then on bytes go
//! through untouched, TLS included, until the deadline or the cap, at which both ends are closed.

use super::egress::Egress;
use super::records::Records;
use super::stream::{left, plain, send};
use super::tunnel;
use crate::net::resolve;
use crate::net::socket::{self, Bind};
use crate::sys::os;
use crate::types::address::Family;
use crate::types::oneshot::Oneshot;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// An address that is not the last one may not keep us longer than this.
const PATIENCE: Duration = Duration::from_secs(3);
/// The end of a well-formed chunked body, and then some.
const TAIL: usize = 6;
/// As much of an answer's first bytes as tells its protocol.
const HEAD: usize = 7;

/// Where to connect.
#[derive(Clone)]
pub struct Goal {
    pub host: String,
    pub port: u16,
    /// Only addresses of this family, if given.
    pub family: Option<Family>,
    /// By which way to connect.
    pub way: Egress,
    /// Whether TLS goes through.
    pub secure: bool,
    /// What to write in place of the stand-in that minreq takes for an IPv6 literal, in a plain request.
    pub rewrite: Vec<(String, String)>,
    /// No body that ends with the connection is wanted, so TLS's own end need not be shown, see `records.rs`.
    pub endless: bool,
}

/// Why the relay ended.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub enum End {
    /// One side closed.
    #[default]
    Closed,
    Deadline,
    /// The server sent more than the cap.
    Flood,
}

/// What went over the wire.
#[derive(Default)]
pub struct Told {
    pub end: End,
    /// Bytes that went to the server.
    pub sent: usize,
    /// Bytes that came from it.
    pub received: usize,
    /// The first bytes that came from it.
    pub head: Vec<u8>,
    /// The last bytes that came from it.
    pub tail: Vec<u8>,
    /// The connection to it broke where it should have ended.
    pub broken: bool,
    /// Why there was no connection at all.
    unreached: Option<String>,
}

/// What is said to a relay at work.
#[derive(Default)]
struct Orders {
    over: AtomicBool,
    /// Whether TLS's own end is shown: one of the three below.
    end: AtomicU8,
    /// The relay waits to be told.
    waits: AtomicBool,
}

const UNTOLD: u8 = 0;
const HIDDEN: u8 = 1;
const SHOWN: u8 = 2;

impl Orders {
    /// Waits to be told whether the end is shown, which follows from the answer's head. Who has no head by now gets none
    /// any more, and needs no end; its patience is that of a connection.
    fn show_end(&self, listener: &TcpListener, until: Instant) -> io::Result<bool> {
        let until = until.min(Instant::now() + PATIENCE);
        self.waits.store(true, Ordering::SeqCst);
        while self.end.load(Ordering::SeqCst) == UNTOLD && !self.over.load(Ordering::SeqCst) {
            if !os::wait_readable(&[listener.as_fd()], until)?[0] {
                break;
            }
            listener.accept()?;
        }
        Ok(self.end.load(Ordering::SeqCst) == SHOWN)
    }
}

/// A connection that waits for minreq.
pub struct Relay {
    pub port: u16,
    pub password: String,
    thread: JoinHandle<Told>,
    orders: Arc<Orders>,
}

impl Relay {
    /// Resolves and connects, and listens for minreq. The error is told in words for a person; nothing was sent.
    pub fn open(goal: &Goal, until: Instant, cap: usize) -> Result<Relay, String> {
        let trouble = |error: io::Error| format!("cannot listen on the loopback interface: {error}");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(trouble)?;
        let port = listener.local_addr().map_err(trouble)?.port();
        let password = password();
        let orders = Arc::new(Orders::default());
        orders.end.store(if goal.endless { HIDDEN } else { UNTOLD }, Ordering::SeqCst);
        let bell = Oneshot::of_this_thread();
        let connected = bell.clone();
        let (goal, host) = (goal.clone(), goal.host.clone());
        let pass = format!("Basic {}", crate::net::http::base64(format!("homing:{password}")));
        let told = Arc::clone(&orders);
        let thread = std::thread::Builder::new()
            .stack_size(256 * 1024)
            .spawn(move || carry(&goal, &listener, &pass, until, cap, &connected, &told))
            .map_err(|error| format!("cannot start a thread: {error}"))?;
        match bell.wait(until) {
            Some(true) => Ok(Relay { port, password, thread, orders }),
            // A resolver cannot be interrupted: its thread is left behind and ends with the process.
            None => Err(format!("cannot reach {host}: no answer in time from the resolver or the server")),
            Some(false) => {
                let unreached = thread.join().ok().and_then(|told| told.unreached);
                Err(unreached.unwrap_or_else(|| format!("cannot reach {host}")))
            }
        }
    }

    /// Says, once the head of an answer is read, whether its body ends where the connection does.
    pub fn body_ends_with_connection(&self, so: bool) {
        self.orders.end.store(if so { SHOWN } else { HIDDEN }, Ordering::SeqCst);
        if self.orders.waits.load(Ordering::SeqCst) {
            self.wake();
        }
    }

    fn wake(&self) {
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }

    /// Ends it, whether minreq came or not, and tells what went through.
    pub fn close(self) -> Told {
        self.orders.over.store(true, Ordering::SeqCst);
        if !self.thread.is_finished() {
            // Wakes a relay that minreq never came to.
            self.wake();
        }
        self.thread.join().unwrap_or_default()
    }
}

fn password() -> String {
    let mut bytes = [0u8; 16];
    os::random(&mut bytes);
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn carry(
    goal: &Goal,
    listener: &TcpListener,
    pass: &str,
    until: Instant,
    cap: usize,
    connected: &Oneshot,
    orders: &Orders,
) -> Told {
    let mut told = Told::default();
    let server = match connect(goal, until) {
        Ok(server) => server,
        Err(why) => {
            told.unreached = Some(why);
            connected.ring(false);
            return told;
        }
    };
    if !connected.ring(true) {
        return told;
    }
    match admit(listener, pass, until, &orders.over) {
        Ok(Some(client)) => {
            // An error on either side ends it as closing would; the other side sees the connection end.
            let end = pump([&client, &server], (listener, orders), goal, until, cap, &mut told);
            told.end = end.unwrap_or(End::Closed);
            let _ = client.shutdown(Shutdown::Both);
        }
        Ok(None) => {}
        Err(_) => told.end = End::Deadline,
    }
    told
}

/// Tries each address of the host for its share of what is left.
fn connect(goal: &Goal, until: Instant) -> Result<TcpStream, String> {
    let bind = goal.way.bind.as_ref();
    let (host, port, family) = match &goal.way.proxy {
        // It is the proxy that reaches the host, in whichever family.
        Some(proxy) => (&proxy.host, proxy.port, None),
        None => (&goal.host, goal.port, goal.family),
    };
    // An address of one family can't reach the other.
    let all = resolve::addresses(host, port, family.or(bind.and_then(Bind::family)))?;
    let mut last = String::new();
    for (i, at) in all.iter().enumerate() {
        let share = left(until);
        let share = match all.len() - i {
            1 => share,
            n => (share / u32::try_from(n).unwrap_or(u32::MAX)).min(PATIENCE),
        };
        let mut result = socket::tcp(*at, bind, share.max(Duration::from_millis(1)));
        while result.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::Interrupted) {
            result = socket::tcp(*at, bind, left(until).min(share));
        }
        match result {
            Ok(mut stream) => {
                let _ = stream.set_nodelay(true);
                match &goal.way.proxy {
                    Some(proxy) if goal.secure => {
                        tunnel::open(&mut stream, proxy, &tunnel::authority(&goal.host, goal.port), until)?
                    }
                    _ => {}
                }
                return Ok(stream);
            }
            Err(error) => last = format!("cannot reach {host}: {}", plain(&error)),
        }
    }
    Err(last)
}

/// Waits for the one client that knows the password. `None`: we were told to stop. An error: the deadline.
fn admit(listener: &TcpListener, pass: &str, until: Instant, over: &AtomicBool) -> io::Result<Option<TcpStream>> {
    loop {
        if !os::wait_readable(&[listener.as_fd()], until)?[0] {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let (mut client, _) = listener.accept()?;
        if over.load(Ordering::SeqCst) {
            return Ok(None);
        }
        let _ = client.set_nodelay(true);
        client.set_read_timeout(Some(left(until)))?;
        if asks_rightly(&mut client, pass) {
            client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
            return Ok(Some(client));
        }
    }
}

/// Reads one CONNECT request and looks for the password in it.
fn asks_rightly(client: &mut TcpStream, pass: &str) -> bool {
    let mut head = Vec::new();
    let mut piece = [0u8; 512];
    while !head.ends_with(b"\r\n\r\n") && head.len() < 2_048 {
        match read(client, &mut piece) {
            Ok(n) if n > 0 => head.extend_from_slice(&piece[..n]),
            _ => return false,
        }
    }
    let head = String::from_utf8_lossy(&head);
    head.starts_with("CONNECT ") && head.lines().any(|line| line.strip_prefix("Proxy-Authorization: ") == Some(pass))
}

fn pump(
    [client, server]: [&TcpStream; 2],
    (listener, orders): (&TcpListener, &Orders),
    goal: &Goal,
    until: Instant,
    cap: usize,
    told: &mut Told,
) -> io::Result<End> {
    let mut piece = vec![0u8; 8 * 1024];
    let mut rewrite = goal.rewrite.clone();
    if let Some(proxy) = goal.way.proxy.as_ref().filter(|_| !goal.secure) {
        rewrite.extend(tunnel::rewrites(proxy, &tunnel::authority(&goal.host, goal.port)));
    }
    let mut records = goal.secure.then(Records::default);
    let mut server_open = true;
    loop {
        // Once the server has closed, all that is left is to wait until minreq has read what came.
        let ready = match server_open {
            true => os::wait_readable(&[client.as_fd(), server.as_fd()], until)?,
            false => vec![os::wait_readable(&[client.as_fd()], until)?[0], false],
        };
        if ready == [false, false] {
            return Ok(End::Deadline);
        }
        if ready[1] {
            let n = read(server, &mut piece).inspect_err(|_| told.broken = true)?;
            if n == 0 {
                server_open = false;
                let held = records.as_ref().map_or(&[][..], Records::held);
                if !held.is_empty() && orders.show_end(listener, until)? {
                    send(client, held, until)?;
                }
                let _ = client.shutdown(Shutdown::Write);
                continue;
            }
            told.received += n;
            if told.received > cap {
                return Ok(End::Flood);
            }
            told.head.extend_from_slice(&piece[..n.min(HEAD.saturating_sub(told.head.len()))]);
            let fresh = n.min(TAIL);
            told.tail.extend_from_slice(&piece[n - fresh..n]);
            let stale = told.tail.len().saturating_sub(TAIL);
            told.tail.drain(..stale);
            match &mut records {
                Some(records) => send(client, &records.pass(&piece[..n]), until)?,
                None => send(client, &piece[..n], until)?,
            }
        }
        if ready[0] {
            let n = read(client, &mut piece)?;
            if n == 0 {
                return Ok(End::Closed);
            }
            told.sent += n;
            match std::mem::take(&mut rewrite).as_slice() {
                [] => send(server, &piece[..n], until)?,
                // minreq writes a request at once, and its Host line is in the first piece of it.
                all => {
                    let mut head = piece[..n].to_vec();
                    for (from, to) in all {
                        head = replace_once(&head, from.as_bytes(), to.as_bytes());
                    }
                    send(server, &head, until)?;
                }
            }
        }
    }
}

fn read(mut from: &TcpStream, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match from.read(into) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn replace_once(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    match bytes.windows(from.len()).position(|part| part == from) {
        Some(at) => [&bytes[..at], to, &bytes[at + from.len()..]].concat(),
        None => bytes.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goal(port: u16, family: Option<Family>) -> Goal {
        let (way, rewrite) = (Egress::default(), Vec::new());
        Goal { host: "127.0.0.1".to_string(), port, family, way, secure: false, rewrite, endless: false }
    }

    #[test]
    fn a_stranger_on_the_loopback_is_not_let_through() {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback");
        let port = server.local_addr().expect("bound").port();
        let until = Instant::now() + Duration::from_secs(5);
        let goal = goal(port, None);
        let relay = Relay::open(&goal, until, 1_000).expect("connects");
        let mut stranger = TcpStream::connect((Ipv4Addr::LOCALHOST, relay.port)).expect("listens");
        stranger.write_all(b"CONNECT x:1 HTTP/1.1\r\nProxy-Authorization: Basic Z3Vlc3M=\r\n\r\n").expect("written");
        let mut answer = Vec::new();
        let _ = stranger.read_to_end(&mut answer);
        assert!(answer.is_empty());
        assert_eq!(relay.close().received, 0);
    }

    #[test]
    fn a_host_without_the_family_is_told() {
        let goal = goal(9, Some(Family::V6));
        let until = Instant::now() + Duration::from_secs(5);
        let why = Relay::open(&goal, until, 1_000).err();
        assert_eq!(why.as_deref(), Some("127.0.0.1 has no ipv6 address"));
    }
}
