//! A web server that replies as a test says, byte for byte, and records the requests.

use super::stop::Stop;
use super::tls::{self, Identity, TlsBehaviour};
use rustix::net::sockopt::set_socket_linger;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A request as received.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// Path and query, unchanged.
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    /// The value of a header; the case of its name does not matter.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(held, _)| held.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn read(stream: impl Read) -> io::Result<Request> {
        const MOST: u64 = 1 << 20;
        let mut reader = BufReader::new(stream.take(MOST));
        let mut line = || -> io::Result<String> {
            let mut line = Vec::new();
            reader.read_until(b'\n', &mut line)?;
            Ok(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_string())
        };
        let first = line()?;
        let mut words = first.splitn(3, ' ').map(String::from);
        let (method, target) = (words.next().unwrap_or_default(), words.next());
        let target = target.ok_or(io::ErrorKind::UnexpectedEof)?;
        let mut headers = Vec::new();
        loop {
            let line = line()?;
            match line.split_once(':') {
                Some((name, value)) => headers.push((name.to_string(), value.trim().to_string())),
                None => break,
            }
        }
        let mut request = Request { method, target, headers, body: Vec::new() };
        let length = request.header("Content-Length").and_then(|n| n.parse().ok()).unwrap_or(0);
        reader.take(length).read_to_end(&mut request.body)?;
        Ok(request)
    }
}

/// A step in sending a reply.
#[derive(Clone, Debug)]
enum Part {
    Bytes(Vec<u8>),
    /// One byte at a time, with a pause before each.
    Drip(Vec<u8>, Duration),
    /// The same bytes repeatedly, as long as the client reads.
    Flood(Vec<u8>),
    /// Nothing more, without closing, until the client closes.
    Hang,
    /// The connection is reset. On loopback, what was sent before has arrived.
    Reset,
    /// The connection stays open for the next request.
    KeepOpen,
}

/// A reply; the connection is closed after it unless the reply keeps it open.
#[derive(Clone, Debug)]
pub struct Reply(Vec<Part>);

impl Reply {
    /// A well-formed reply.
    pub fn new(status: u16, headers: &[(&str, &str)], body: &str) -> Reply {
        let chunked = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("Transfer-Encoding"));
        let mut text = format!("HTTP/1.1 {status} As Scripted\r\nConnection: close\r\n");
        if !chunked && status != 204 {
            text += &format!("Content-Length: {}\r\n", body.len());
        }
        for (name, value) in headers {
            text += &format!("{name}: {value}\r\n");
        }
        let mut bytes = (text + "\r\n").into_bytes();
        if chunked {
            // Three bytes per chunk, so that words are split.
            for piece in body.as_bytes().chunks(3) {
                bytes.extend(format!("{:x}\r\n", piece.len()).bytes().chain(piece.iter().copied()).chain(*b"\r\n"));
            }
            bytes.extend(b"0\r\n\r\n");
        } else if status != 204 {
            bytes.extend(body.bytes());
        }
        Reply::raw(bytes)
    }

    /// Status 200 and a text.
    pub fn ok(body: &str) -> Reply {
        Reply::new(200, &[], body)
    }

    /// Exactly these bytes.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Reply {
        Reply(vec![Part::Bytes(bytes.into())])
    }

    /// Closes the connection without sending a byte.
    pub fn nothing() -> Reply {
        Reply(Vec::new())
    }

    /// Then these bytes one at a time, with a pause before each.
    pub fn then_drip(self, bytes: impl Into<Vec<u8>>, pause: Duration) -> Reply {
        self.then(Part::Drip(bytes.into(), pause))
    }

    /// Then these bytes forever.
    pub fn then_flood(self, bytes: impl Into<Vec<u8>>) -> Reply {
        self.then(Part::Flood(bytes.into()))
    }

    /// Then nothing, forever.
    pub fn then_hang(self) -> Reply {
        self.then(Part::Hang)
    }

    /// Then a reset instead of a close.
    pub fn then_reset(self) -> Reply {
        self.then(Part::Reset)
    }

    /// Then the next request on this connection is waited for.
    pub fn then_keep_open(self) -> Reply {
        self.then(Part::KeepOpen)
    }

    fn keeps_open(&self) -> bool {
        matches!(self.0.last(), Some(Part::KeepOpen))
    }

    fn resets(&self) -> bool {
        matches!(self.0.last(), Some(Part::Reset))
    }

    fn then(mut self, part: Part) -> Reply {
        self.0.push(part);
        self
    }

    fn give(&self, mut stream: impl Read + Write, stop: &Stop) -> io::Result<()> {
        for part in &self.0 {
            match part {
                Part::Bytes(bytes) => stream.write_all(bytes)?,
                Part::Drip(bytes, pause) => {
                    for byte in bytes {
                        if stop.within(*pause) {
                            return Ok(());
                        }
                        stream.write_all(&[*byte])?;
                    }
                }
                Part::Flood(bytes) => {
                    while !stop.is_set() {
                        stream.write_all(bytes)?;
                    }
                }
                Part::Hang => while stream.read(&mut [0; 512])? > 0 {},
                Part::Reset | Part::KeepOpen => {}
            }
        }
        Ok(())
    }
}

/// Computes the reply to a request.
type Handler = dyn Fn(&Request) -> Reply + Send + Sync;

/// Listens until it is dropped.
pub struct HttpServer {
    address: SocketAddr,
    secure: bool,
    /// Each request and the number of its connection.
    asked: Arc<Mutex<Vec<(Request, usize)>>>,
    stop: Stop,
    listening: Option<thread::JoinHandle<()>>,
}

impl HttpServer {
    /// On 127.0.0.1.
    pub fn new(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> HttpServer {
        HttpServer::on("127.0.0.1:0", handler)
    }

    /// Sends these replies in order, and 500 after the last.
    pub fn replies(replies: impl IntoIterator<Item = Reply>) -> HttpServer {
        let rest = Mutex::new(replies.into_iter().collect::<Vec<_>>().into_iter());
        HttpServer::new(move |_| rest.lock().unwrap().next().unwrap_or_else(|| Reply::new(500, &[], "no reply left")))
    }

    /// On an address and port of your choice ("[::1]:0", "127.0.0.3:0").
    pub fn on(address: &str, handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> HttpServer {
        HttpServer::start(address, None, handler)
    }

    /// On 127.0.0.1, over TLS.
    pub fn tls(
        identity: &Identity,
        behaviour: TlsBehaviour,
        handler: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> HttpServer {
        HttpServer::start("127.0.0.1:0", Some((tls::config(identity), behaviour)), handler)
    }

    fn start(
        address: &str,
        tls: Option<(Arc<tls::Config>, TlsBehaviour)>,
        handler: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> HttpServer {
        let secure = tls.is_some();
        let listener = TcpListener::bind(address).unwrap_or_else(|e| panic!("{address}: {e}"));
        let address = listener.local_addr().unwrap();
        let (asked, stop, handler) = (Arc::new(Mutex::new(Vec::new())), Stop::default(), Arc::new(handler));
        let (log, end) = (Arc::clone(&asked), stop.clone());
        let listening = thread::spawn(move || {
            let streams = listener.incoming().take_while(|_| !end.is_set()).flatten();
            for (number, stream) in streams.enumerate() {
                let (log, end, handler, tls) = (Arc::clone(&log), end.clone(), Arc::clone(&handler), tls.clone());
                // Errors here come from the client, which may close at any time.
                thread::spawn(move || match tls {
                    None => serve(stream, number, &log, &end, &*handler),
                    Some((config, behaviour)) => tls::serve(stream, config, behaviour, &end, |mut stream| loop {
                        let request = Request::read(&mut stream)?;
                        log.lock().unwrap().push((request.clone(), number));
                        let reply = handler(&request);
                        stream.answer(|stream| reply.give(stream, &end))?;
                        if !reply.keeps_open() {
                            return Ok(reply.resets());
                        }
                    }),
                });
            }
        });
        HttpServer { address, secure, asked, stop, listening: Some(listening) }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://` or `https://` and the address, without a slash at its end.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.secure { "https" } else { "http" }, self.address)
    }

    /// All requests so far, in order.
    pub fn asked(&self) -> Vec<Request> {
        self.asked.lock().unwrap().iter().map(|(request, _)| request.clone()).collect()
    }

    /// For each request the number of its connection, from 0 on.
    pub fn connections(&self) -> Vec<usize> {
        self.asked.lock().unwrap().iter().map(|(_, number)| *number).collect()
    }

    pub fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.stop.now();
        // A last connection, so that `accept` returns and the flag is checked.
        let _ = TcpStream::connect(self.address);
        let _ = self.listening.take().map(thread::JoinHandle::join);
    }
}

fn serve(
    mut stream: TcpStream,
    number: usize,
    log: &Mutex<Vec<(Request, usize)>>,
    stop: &Stop,
    handler: &Handler,
) -> io::Result<()> {
    let (reply, given) = loop {
        let request = Request::read(&stream)?;
        // The request is logged before the reply, so that a client with the reply finds it in the log.
        log.lock().unwrap().push((request.clone(), number));
        let reply = handler(&request);
        let given = reply.give(&mut stream, stop);
        if !reply.keeps_open() || given.is_err() {
            break (reply, given);
        }
    };
    if reply.resets() {
        return Ok(set_socket_linger(&stream, Some(Duration::ZERO))?);
    }
    let _ = stream.shutdown(Shutdown::Write);
    // Closing with unread bytes would send a reset, which could overtake the reply.
    let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
    let _ = io::copy(&mut stream.take(1 << 20), &mut io::sink());
    given
}
