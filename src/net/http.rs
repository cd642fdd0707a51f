//! HTTP requests, by minreq, which no other module names. One request has one deadline and one bounded answer; no
//! redirect is followed, no environment variable has an effect, and what is shown or quoted is masked first. `url.rs`
//! decides what may be asked, `connect.rs` connects, `relay.rs` carries requests, `answer.rs` checks responses.

mod admission;
mod answer;
mod connect;
mod connection;
mod egress;
mod pool;
mod relay;
mod status_line;
mod stream;
#[cfg_attr(not(feature = "tls"), path = "http/no_tls.rs")]
mod tls;
mod trust;
mod tunnel;
mod url;

pub use answer::Reply;
pub use egress::{Egress, Proxy};
pub use pool::ConnectionPool;
pub use stream::plain;
#[cfg(feature = "tls")]
#[doc(hidden)]
pub use tls::{certificate_names, certificates};
pub use trust::{settle_environment, Trust};
pub use url::{port_number, Url};

use crate::net::context::{PassContext, Show};
use crate::sys::os;
use crate::types::address::Family;
use crate::types::secret;
use answer::Answer;
use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use connect::{connect, Destination};
use relay::{End, Listener, Opening, Relay};
use std::fmt;
use std::io::Read;
use std::rc::Rc;
use std::time::Instant;

/// Bytes that an answer's head and the TLS handshake may add to the body's cap.
const OVERHEAD: usize = 48 * 1024;
/// The most bytes of a response body that a detector or a message needs.
pub const SMALL: usize = 16 * 1024;
/// Bytes of an API's answer.
pub const LARGE: usize = 256 * 1024;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
}

impl Method {
    pub fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
        }
    }
}

/// One request. Header values may hold secrets; what is shown of them is masked.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: Method,
    pub url: Url,
    pub headers: Vec<(&'static str, String)>,
    /// Headers that the settings name.
    pub named: Vec<(String, String)>,
    pub body: Option<String>,
    /// Connect over this family only.
    pub family: Option<Family>,
    /// Bytes of body that are accepted.
    pub cap: usize,
    /// The answer holds secrets that nobody knows yet: it is not shown.
    pub private: bool,
    /// Reject a response that ends only with the connection: it could be truncated.
    pub measured: bool,
}

impl Request {
    pub fn get(url: Url) -> Request {
        Request {
            method: Method::Get,
            url,
            headers: Vec::new(),
            named: Vec::new(),
            body: None,
            family: None,
            cap: SMALL,
            private: false,
            measured: false,
        }
    }

    /// Whether sending it twice has the effect of sending it once. dyndns2's GET sets an address, as a PUT does.
    fn repeatable(&self) -> bool {
        matches!(self.method, Method::Get | Method::Put)
    }
}

/// Why there is no answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RequestError {
    /// A dry run: shown and not sent.
    DryRun,
    /// The pass has no time left; nothing was sent.
    OutOfTime,
    /// Nothing was asked of the server: no address, no connection, no trusted certificate.
    NotSent(String),
    /// It was sent, or may have been; what came of it is not known.
    Unconfirmed(String),
    /// The same, and it was the end of the pass that came, before a request's usual time was over.
    Interrupted(String),
    /// An answer came that cannot be used.
    InvalidReply(String),
}

impl fmt::Display for RequestError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RequestError::DryRun => out.write_str("dry run"),
            RequestError::OutOfTime => out.write_str("no time left in this pass"),
            RequestError::NotSent(why)
            | RequestError::Unconfirmed(why)
            | RequestError::Interrupted(why)
            | RequestError::InvalidReply(why) => out.write_str(why),
        }
    }
}

/// An HTTP client within the limits of one pass.
pub struct Http<'a> {
    pub context: PassContext<'a>,
    /// The value of the User-Agent header.
    pub agent: &'a str,
    pub trust: &'a Trust,
    /// The proxy that requests go through.
    pub proxy: Option<Proxy>,
    /// Connections that wait for another request. Without it each request has its own.
    pub pool: Option<Rc<ConnectionPool>>,
}

impl<'a> Http<'a> {
    /// The same client by another way: source address or interface, and proxy.
    pub fn by(&self, egress: &Egress) -> Http<'a> {
        let context = self.context.bound_to(egress.bind.as_ref());
        Http { context, proxy: egress.proxy.clone(), pool: self.pool.clone(), ..*self }
    }

    /// The same client with a deadline of its own.
    pub fn until(&self, deadline: Instant) -> Http<'a> {
        let context = PassContext { deadline, ..self.context.clone() };
        Http { context, proxy: self.proxy.clone(), pool: self.pool.clone(), ..*self }
    }

    /// The same client, which keeps connections for the next request to the same server.
    pub fn with_pool(&self) -> Http<'a> {
        Http { pool: Some(Rc::default()), context: self.context.clone(), proxy: self.proxy.clone(), ..*self }
    }

    /// The same client with a connection of its own for each request.
    pub fn without_pool(&self) -> Http<'a> {
        Http { context: self.context.clone(), proxy: self.proxy.clone(), pool: None, ..*self }
    }

    /// Sends a request and waits for the whole answer.
    pub fn send(&self, request: &Request) -> Result<Reply, RequestError> {
        if let Some(show) = self.context.dry_run {
            present(request, show);
            return Err(RequestError::DryRun);
        }
        self.fetch(request)
    }

    /// Sends a request that asks for nothing but our own address: in a dry run too.
    pub fn fetch(&self, request: &Request) -> Result<Reply, RequestError> {
        if self.context.expired() {
            return Err(RequestError::OutOfTime);
        }
        if let Some(show) = self.context.verbose {
            present(request, show);
        }
        let begun = Instant::now();
        let until = self.context.request_deadline();
        let result = match self.exchange(request, until) {
            // It was our own end that came, not the server that failed.
            Err(RequestError::NotSent(_)) if self.context.expired() => Err(RequestError::OutOfTime),
            // Nor here, unless it had about all the time that it will have when the next pass begins with it.
            Err(RequestError::Unconfirmed(why))
                if self.context.expired() && until - begun < self.context.full_timeout * 3 / 4 =>
            {
                Err(RequestError::Interrupted(why))
            }
            result => result,
        };
        if let Some(show) = self.context.verbose {
            match &result {
                Ok(reply) if request.private => show(&format!("< {} (not shown)", reply.status)),
                Ok(reply) => show(&format!("< {} {}", reply.status, quoted(&reply.body))),
                Err(fault) => show(&format!("< nothing usable: {fault}")),
            }
        }
        result
    }

    fn exchange(&self, request: &Request, until: Instant) -> Result<Reply, RequestError> {
        let url = &request.url;
        let host = url.host();
        let tls = match url.secure() {
            true => Some(self.trust.tls_config().map_err(RequestError::NotSent)?),
            false => None,
        };
        let to = Destination {
            host: host.to_string(),
            port: url.port(),
            family: request.family,
            egress: Egress { bind: self.context.bind.clone(), proxy: self.proxy.clone() },
            secure: url.secure(),
        };
        let pool = self.pool.as_ref().filter(|_| !request.measured);
        let mut kept = pool.and_then(|pool| pool.take(&to, request.repeatable()));
        loop {
            let reused = kept.is_some();
            let connection =
                kept.take().map_or_else(|| connect(&to, tls.as_ref(), until), Ok).map_err(RequestError::NotSent)?;
            let local = |error| RequestError::NotSent(format!("cannot use the loopback interface: {error}"));
            let listener = Listener::new().map_err(local)?;
            let port = listener.port;
            let (opening, path) = self.opening(request, port);
            let relay = Relay::start(listener, connection, opening, until, request.cap + OVERHEAD).map_err(local)?;
            let asked = self.ask(request, port, &path, pool.is_some());
            let mut transcript = relay.close();
            // The server closed a kept connection before it read the request.
            let unread = reused && transcript.received == 0 && transcript.end == End::Closed;
            if unread && request.repeatable() && Instant::now() < until {
                continue;
            }
            return match (asked, transcript.end) {
                (Ok(answer), End::Closed) => {
                    let open = transcript.connection.take().filter(|_| answer.leaves_open(&transcript));
                    if let (Some(pool), Some(connection)) = (pool, open) {
                        pool.put(to, connection);
                    }
                    answer.reply(request, &transcript)
                }
                (_, End::Deadline) => Err(RequestError::Unconfirmed(format!(
                    "{host}: no whole answer in time; it could not be confirmed"
                ))),
                (_, End::TooLarge) => Err(RequestError::InvalidReply(format!(
                    "{host}: the answer is larger than {} KiB",
                    request.cap / 1024
                ))),
                // minreq gives up on an interrupted system call. Where nothing was sent yet, it starts again.
                (Err(error), End::Closed) if transcript.sent == 0 && interrupted(&error) && Instant::now() < until => {
                    kept = transcript.connection.take();
                    continue;
                }
                (Err(error), End::Closed) => Err(refine(error, host, transcript.received > 0)),
            };
        }
    }

    /// How the request begins: as minreq writes it to a port on loopback, with a token that no other process knows, and
    /// as the server gets it. Also the path for minreq.
    fn opening(&self, request: &Request, port: u16) -> (Opening, String) {
        let (url, method) = (&request.url, request.method.name());
        let path = ["/", &token(), url.resource()].concat();
        let port = port.to_string();
        // A proxy gets a plain request in absolute form (RFC 9112, 3.2.2): many allow CONNECT to port 443 only.
        let (absolute, authorization) = match &self.proxy {
            Some(proxy) if !url.secure() => {
                (["http://", &tunnel::authority(url.host(), url.port())].concat(), proxy.authorization())
            }
            _ => Default::default(),
        };
        let opening = Opening {
            written: [method, " ", &path, " HTTP/1.1\r\nHost: 127.0.0.1:", &port, "\r\n"].concat(),
            sent: [
                method,
                " ",
                &absolute,
                url.resource(),
                " HTTP/1.1\r\nHost: ",
                &url.authority(),
                "\r\n",
                &authorization,
            ]
            .concat(),
        };
        (opening, path)
    }

    fn ask(&self, request: &Request, port: u16, path: &str, keep: bool) -> Result<Answer, minreq::Error> {
        let mut ask = minreq::Request::new(
            match request.method {
                Method::Get => minreq::Method::Get,
                Method::Post => minreq::Method::Post,
                Method::Put => minreq::Method::Put,
                Method::Patch => minreq::Method::Patch,
            },
            format!("http://127.0.0.1:{port}{path}"),
        )
        .with_follow_redirects(false)
        .with_max_status_line_length(Some(512))
        // A new random limit each time, so that no server can hit it on purpose; see Cargo.toml on minreq's counters.
        .with_max_headers_size(Some(8_192 + random_below_4096()))
        .with_header("User-Agent", self.agent)
        .with_header("Accept", "*/*");
        if !keep {
            ask = ask.with_header("Connection", "close");
        }
        for (name, value) in &request.headers {
            debug_assert!(clean(value), "config refuses such values");
            ask = ask.with_header(*name, value);
        }
        for (name, value) in &request.named {
            ask = ask.with_header(name.as_str(), value);
        }
        if let Some(body) = &request.body {
            ask = ask.with_body(body.as_str());
        }
        let mut lazy = ask.send_lazy()?;
        let mut body = Vec::new();
        // Redirects carry nothing to read, and 1xx, 204 and 304 have no body (RFC 9112, 6.3).
        let mut cut = None;
        if (200..=299).contains(&lazy.status_code) && lazy.status_code != 204 || lazy.status_code >= 400 {
            cut = read_body(&mut lazy, request.cap, &mut body).err();
        }
        Ok(Answer {
            status: lazy.status_code,
            headers: std::mem::take(&mut lazy.headers),
            body,
            cut: cut.map(|error| plain(&error)),
        })
    }
}

/// Outside text for a log line: masked, escaped to printable ASCII, cut at 200 characters.
pub fn quoted(text: &str) -> String {
    let masked = secret::mask(text.trim());
    let mut out = String::from("\"");
    for c in masked.chars() {
        if out.len() > 200 {
            out.push_str("...");
            break;
        }
        match c {
            '"' => out.push('\''),
            ' '..='~' => out.push(c),
            c => out.extend(c.escape_default()),
        }
    }
    out.push('"');
    out
}

/// Standard base64 with padding (RFC 4648).
pub fn base64(text: impl AsRef<[u8]>) -> String {
    STANDARD.encode(text)
}

/// Whether a text is valid in a header: visible ASCII and blanks.
pub fn clean(value: &str) -> bool {
    value.bytes().all(|b| (0x20..0x7f).contains(&b))
}

/// Shows a request as it would go out, secrets masked.
fn present(request: &Request, show: Show<'_>) {
    let url = request.url.to_string();
    show(&format!("> {} {}", request.method.name(), secret::mask(&url)));
    for (name, value) in &request.headers {
        let hidden = ["Authorization", "X-Auth-Key"].contains(name);
        match value.split_once(' ') {
            Some((scheme, _)) if hidden => show(&format!("> {name}: {scheme} ***")),
            None if hidden => show(&format!("> {name}: ***")),
            _ => show(&format!("> {name}: {}", secret::mask(value))),
        }
    }
    for (name, value) in &request.named {
        show(&format!("> {name}: {}", secret::mask(value)));
    }
    if let Some(body) = &request.body {
        show(&format!("> {}", secret::mask(body)));
    }
}

/// Reads a body, and one byte more than `cap` if there is more of it.
fn read_body(from: &mut impl Read, cap: usize, body: &mut Vec<u8>) -> std::io::Result<()> {
    let mut piece = [0u8; 1024];
    while body.len() <= cap {
        let most = piece.len().min(cap + 1 - body.len());
        match from.read(&mut piece[..most]) {
            Ok(0) => break,
            Ok(n) => body.extend_from_slice(&piece[..n]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// 128 random bits in hexadecimal.
fn token() -> String {
    let mut bytes = [0u8; 16];
    os::random(&mut bytes);
    crate::types::digest::hex(&bytes)
}

fn random_below_4096() -> usize {
    let mut bytes = [0u8; 2];
    os::random(&mut bytes);
    usize::from(u16::from_ne_bytes(bytes) & 0x0fff)
}

fn interrupted(error: &minreq::Error) -> bool {
    matches!(error, minreq::Error::IoError(error) if error.kind() == std::io::ErrorKind::Interrupted)
}

/// minreq's error as a message.
fn refine(error: minreq::Error, host: &str, answered: bool) -> RequestError {
    match error {
        minreq::Error::IoError(error) => {
            RequestError::Unconfirmed(format!("{host}: {}; it could not be confirmed", plain(&error)))
        }
        minreq::Error::HeadersOverflow | minreq::Error::StatusLineOverflow => {
            RequestError::InvalidReply(format!("{host}: the head of the answer is too long"))
        }
        // Where addresses have 32 bits, so has this length, and 4 GiB that never came end here.
        minreq::Error::MalformedContentLength => {
            RequestError::InvalidReply(format!("{host}: the answer was cut short, or its length is no number"))
        }
        _ if answered => RequestError::InvalidReply(format!("{host}: the answer is not proper HTTP")),
        _ => RequestError::Unconfirmed(format!("{host}: no answer; it could not be confirmed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_text_is_escaped_and_cut() {
        assert_eq!(quoted("a\u{1b}[31m\"b\"\u{202e}"), "\"a\\u{1b}[31m'b'\\u{202e}\"");
        assert!(quoted(&"x".repeat(10_000)).len() < 220);
    }
}
