//! Whether an answer is believed. minreq returns a body that is shorter than it said, takes the end of a connection
//! for the end of a body, and makes a status of anything with a number in it; only what holds together gets past here.

use super::relay::Told;
use super::{Request, RequestError, Url};
use crate::sys::clock::{self, Timestamp};

/// An answer that arrived whole.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    /// Names in lower case.
    headers: Vec<(String, String)>,
    /// Not UTF-8 becomes U+FFFD; empty where the framing of an error answer could not be trusted.
    pub body: String,
}

impl Reply {
    pub fn ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.trim())
    }

    /// `Retry-After` in seconds from now, as seconds or a date (RFC 9110, 10.2.3), held between 1 minute and 24 hours.
    pub fn retry_after(&self, now: Timestamp) -> Option<i64> {
        let value = self.header("retry-after")?;
        let seconds = match clock::parse_http_date(value) {
            Some(at) => at.saturating_sub(now),
            None if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) => value.parse().unwrap_or(i64::MAX),
            None => return None,
        };
        Some(seconds.clamp(clock::MINUTE, clock::DAY))
    }

    /// The status as a person reads it, with the host that a redirect points to.
    pub fn status_line(&self) -> String {
        match (self.status, self.header("location")) {
            (300..=399, Some(to)) => {
                let to = Url::parse(to).map_or("elsewhere".to_string(), |url| url.authority());
                format!("HTTP {}: redirect to {to}, not followed", self.status)
            }
            _ => format!("HTTP {}", self.status),
        }
    }
}

/// What minreq made of the bytes, before we believe it.
pub struct Answer {
    pub status: u16,
    pub reason: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Why reading stopped before the end.
    pub cut: Option<String>,
}

impl Answer {
    /// Believes an answer whose framing holds. One with an error status keeps its status and loses its body.
    pub fn reply(self, request: &Request, told: &Told) -> Result<Reply, RequestError> {
        let host = request.url.host();
        if told.received == 0 {
            return Err(RequestError::Unconfirmed(format!("{host}: no answer; it could not be confirmed")));
        }
        // minreq looks for a number after the first blank, whatever stands before it.
        let foreign = !request.url.secure() && !told.head.starts_with(b"HTTP/1.");
        if foreign || self.status < 200 || self.status > 599 || self.reason.starts_with("Server did not") {
            return Err(RequestError::InvalidReply(format!("{host}: the answer is not HTTP")));
        }
        let framed = self.framing(request, told);
        let body = match framed {
            Ok(()) => String::from_utf8_lossy(&self.body).into_owned(),
            Err(_) if self.status >= 300 => String::new(),
            Err(why) => return Err(RequestError::InvalidReply(format!("{host}: {why}"))),
        };
        Ok(Reply { status: self.status, headers: self.headers, body })
    }

    fn all(&self, name: &str) -> Vec<&str> {
        let matching = self.headers.iter().filter(|(key, _)| key.trim() == name);
        matching.map(|(_, value)| value.trim()).collect()
    }

    /// Whether the body is whole and means what it says (RFC 9112, 6.3).
    fn framing(&self, request: &Request, told: &Told) -> Result<(), String> {
        let (codings, lengths) = (self.all("transfer-encoding"), self.all("content-length"));
        // First, so that a flood is called one whoever notices it, we or the relay.
        if self.body.len() > request.cap {
            return Err(format!("the answer is larger than {} KiB", request.cap / 1024));
        }
        if request.measured && codings.is_empty() && lengths.is_empty() {
            return Err("the answer does not say how long it is".to_string());
        }
        if let Some(why) = &self.cut {
            return Err(format!("the answer was cut short: {why}"));
        }
        let plain = |coding: &&str| coding.eq_ignore_ascii_case("identity") || coding.is_empty();
        if !self.all("content-encoding").iter().all(plain) {
            return Err("the answer is compressed, which was not asked for".to_string());
        }
        match (codings.as_slice(), lengths.as_slice()) {
            _ if self.status == 204 => Ok(()),
            ([], []) if told.broken => Err("the answer was cut short: the connection broke".to_string()),
            ([], []) => Ok(()),
            ([], [length, rest @ ..]) => {
                let digits = !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit());
                if !digits || rest.iter().any(|other| other != length) {
                    return Err("the answer contradicts itself about its length".to_string());
                }
                match length.parse::<usize>() {
                    Ok(n) if n == self.body.len() => Ok(()),
                    _ => Err(format!("the answer was cut short: {} of {length} bytes", self.body.len())),
                }
            }
            ([coding], []) if coding.eq_ignore_ascii_case("chunked") => {
                // minreq takes the end of the connection for the last chunk. In the clear we look for that chunk,
                // and not in what a wrong chunk size made part of the body; under TLS it is not shown the end.
                let last = b"\n0\r\n\r\n";
                if request.url.secure() || told.tail.ends_with(last) && !self.body.ends_with(last) {
                    Ok(())
                } else {
                    Err("the answer was cut short: the last chunk is missing".to_string())
                }
            }
            _ => Err("the answer contradicts itself about its length".to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(headers: &[(&str, &str)]) -> Reply {
        let own = |(k, v): &(&str, &str)| (k.to_string(), v.to_string());
        Reply { status: 429, headers: headers.iter().map(own).collect(), body: String::new() }
    }

    #[test]
    fn retry_after_is_read_and_held_in_bounds() {
        let now = 784_111_777;
        for (value, want) in [
            ("120", Some(120)),
            ("0", Some(60)),
            ("99999999999999999999", Some(86_400)),
            ("Sun, 06 Nov 1994 08:59:37 GMT", Some(600)),
            ("Sun, 06 Nov 1994 08:39:37 GMT", Some(60)),
            ("-5", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(reply(&[("retry-after", value)]).retry_after(now), want, "{value}");
        }
        assert_eq!(reply(&[]).retry_after(now), None);
    }

    #[test]
    fn a_redirect_tells_its_host_and_nothing_else() {
        let mut redirect = reply(&[("location", "https://evil.example:8443/x?password=hunter2")]);
        redirect.status = 302;
        assert_eq!(redirect.status_line(), "HTTP 302: redirect to evil.example:8443, not followed");
    }
}
