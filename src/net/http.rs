//! The only door to minreq. One request, one connection, one deadline, one bounded answer; no redirect is
//! followed, no environment variable is heeded, and what goes out or is quoted is masked first. `url.rs` decides
//! what may be asked, `relay.rs` holds the wire, `records.rs` TLS's end, `trust.rs` says whose certificates count.

mod answer;
mod egress;
mod records;
mod relay;
mod stream;
#[cfg(feature = "tls")]
mod suites;
mod trust;
mod tunnel;
mod url;

pub use answer::Reply;
pub use egress::{Egress, Proxy};
pub use stream::plain;
pub use trust::{settle_environment, Trust};
pub use url::{port_number, Url};

use crate::net::context::{PassContext, Show};
use crate::sys::os;
use crate::types::address::Family;
use crate::types::secret;
use answer::Answer;
use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use relay::{End, Goal, Relay};
use std::fmt;
use std::io::Read;
use std::time::Instant;

/// Bytes that an answer's head and the TLS handshake may add to the body's cap.
const OVERHEAD: usize = 48 * 1024;
/// Bytes of an answer of which a person or a detector makes use.
pub const SMALL: usize = 16 * 1024;
/// Bytes of an API's answer.
pub const LARGE: usize = 256 * 1024;
/// Stands in for an IPv6 literal, which minreq cannot write (RFC 6761: never resolves).
const STAND_IN: &str = "ipv6-literal.invalid";

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
    /// Refuse an answer whose end is only told by the connection closing: it could be cut.
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
}

impl<'a> Http<'a> {
    /// The same client by another way: source address or interface, and proxy.
    pub fn by(&self, egress: &Egress) -> Http<'a> {
        Http { context: self.context.bound_to(egress.bind.as_ref()), proxy: egress.proxy.clone(), ..*self }
    }

    /// The same client with a deadline of its own.
    pub fn until(&self, deadline: Instant) -> Http<'a> {
        Http { context: PassContext { deadline, ..self.context.clone() }, proxy: self.proxy.clone(), ..*self }
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
        if url.secure() {
            self.trust.ready().map_err(RequestError::NotSent)?;
        }
        let literal = url.literal().filter(|ip| ip.is_ipv6());
        let goal = Goal {
            host: url.host().to_string(),
            port: url.port(),
            family: request.family,
            way: Egress { bind: self.context.bind.clone(), proxy: self.proxy.clone() },
            secure: url.secure(),
            rewrite: literal.map(|ip| (STAND_IN.to_string(), format!("[{ip}]"))).into_iter().collect(),
            endless: request.measured && url.secure(),
        };
        loop {
            let relay = Relay::open(&goal, until, request.cap + OVERHEAD).map_err(RequestError::NotSent)?;
            let asked = self.ask(request, &relay);
            let told = relay.close();
            let host = url.host();
            return match (asked, told.end) {
                (Ok(answer), End::Closed) => answer.reply(request, &told),
                (_, End::Deadline) => Err(RequestError::Unconfirmed(format!(
                    "{host}: no whole answer in time; it could not be confirmed"
                ))),
                (_, End::Flood) => Err(RequestError::InvalidReply(format!(
                    "{host}: the answer is larger than {} KiB",
                    request.cap / 1024
                ))),
                // minreq gives up on an interrupted system call; where nothing was sent yet, it starts again.
                (Err(error), End::Closed) if told.sent == 0 && interrupted(&error) && Instant::now() < until => {
                    continue
                }
                (Err(error), End::Closed) => Err(refine(error, host, told.received > 0)),
            };
        }
    }

    fn ask(&self, request: &Request, relay: &Relay) -> Result<Answer, minreq::Error> {
        let url = &request.url;
        let name = match url.literal() {
            Some(ip) if ip.is_ipv6() => STAND_IN,
            _ => url.host(),
        };
        let scheme = if url.secure() { "https" } else { "http" };
        let port = match url.authority().rsplit_once(':') {
            Some((_, port)) if !port.ends_with(']') => format!(":{port}"),
            _ => String::new(),
        };
        let proxy = minreq::Proxy::new(format!("http://homing:{}@127.0.0.1:{}", relay.password, relay.port))?;
        let mut ask = minreq::Request::new(
            match request.method {
                Method::Get => minreq::Method::Get,
                Method::Post => minreq::Method::Post,
                Method::Put => minreq::Method::Put,
                Method::Patch => minreq::Method::Patch,
            },
            format!("{scheme}://{name}{port}{}", url.resource()),
        )
        .with_proxy(proxy)
        .with_follow_redirects(false)
        .with_max_status_line_length(Some(512))
        // A limit drawn anew can't be hit on purpose, see Cargo.toml on minreq's counters.
        .with_max_headers_size(Some(8_192 + random_below_4096()))
        .with_header("User-Agent", self.agent)
        .with_header("Accept", "*/*")
        .with_header("Connection", "close");
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
        let framed = |(name, _): &(String, String)| {
            ["transfer-encoding", "content-length"].iter().any(|known| name.trim().eq_ignore_ascii_case(known))
        };
        relay.body_ends_with_connection(!request.measured && !lazy.headers.iter().any(framed));
        let mut body = Vec::new();
        // Redirects carry nothing to read, and 1xx, 204 and 304 have no body (RFC 9112, 6.3).
        let mut cut = None;
        if (200..=299).contains(&lazy.status_code) && lazy.status_code != 204 || lazy.status_code >= 400 {
            let cap = u64::try_from(request.cap).unwrap_or(u64::MAX);
            cut = (&mut lazy).take(cap + 1).read_to_end(&mut body).err();
        }
        Ok(Answer {
            status: lazy.status_code,
            reason: std::mem::take(&mut lazy.reason_phrase),
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

/// Whether a text can stand in a header: visible ASCII and blanks.
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

fn random_below_4096() -> usize {
    let mut bytes = [0u8; 2];
    os::random(&mut bytes);
    usize::from(u16::from_ne_bytes(bytes) & 0x0fff)
}

fn interrupted(error: &minreq::Error) -> bool {
    matches!(error, minreq::Error::IoError(error) if error.kind() == std::io::ErrorKind::Interrupted)
}

/// minreq's error in the words of a person.
fn refine(error: minreq::Error, host: &str, answered: bool) -> RequestError {
    match trust::explain(&error, host) {
        Some((why, true)) => return RequestError::NotSent(why),
        Some((why, false)) => return RequestError::Unconfirmed(format!("{why}; it could not be confirmed")),
        None => {}
    }
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
