//! Checks the framing of responses. minreq returns a body that is shorter than announced, takes the end of a connection for
//! the end of a body, and takes any number in the first line for a status. Only a consistent response is accepted here.

use super::relay::Transcript;
use super::status_line;
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

    /// The status for messages, with the host that a redirect points to.
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

/// The end of a chunked body without trailers (RFC 9112, 7.1).
const LAST_CHUNK: &[u8] = b"\n0\r\n\r\n";

/// A response as minreq parsed it, before it is checked.
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Why reading stopped before the end.
    pub cut: Option<String>,
}

impl Answer {
    /// Accepts a response whose framing is right. One with an error status and wrong framing loses its body only.
    pub fn reply(self, request: &Request, transcript: &Transcript) -> Result<Reply, RequestError> {
        let host = request.url.host();
        if transcript.received == 0 {
            return Err(RequestError::Unconfirmed(format!("{host}: no answer; it could not be confirmed")));
        }
        if let Some(why) = &transcript.tls_error {
            return Err(RequestError::Unconfirmed(format!("{host}: {why}; it could not be confirmed")));
        }
        // minreq looks for a number after the first blank, whatever is before it.
        let status = status_line::status(&transcript.head);
        if status != Some(self.status) || !(200..=599).contains(&self.status) {
            return Err(RequestError::InvalidReply(format!("{host}: the answer is not HTTP")));
        }
        // minreq takes the end of a connection for the end of a head.
        if transcript.body_at.is_none() {
            return Err(RequestError::InvalidReply(format!("{host}: the answer was cut short in its head")));
        }
        let framed = self.framing(request, transcript);
        let body = match framed {
            Ok(()) => String::from_utf8_lossy(&self.body).into_owned(),
            Err(_) if self.status >= 300 => String::new(),
            Err(why) => return Err(RequestError::InvalidReply(format!("{host}: {why}"))),
        };
        Ok(Reply { status: self.status, headers: self.headers, body })
    }

    /// Whether the connection can take another request (RFC 9112, 9.3): the answer says where it ends, has ended there,
    /// and does not ask for the end of the connection.
    pub fn leaves_open(&self, transcript: &Transcript) -> bool {
        let Some(body_at) = transcript.body_at else { return false };
        let body = transcript.received - body_at;
        let (codings, lengths) = (self.all("transfer-encoding"), self.all("content-length"));
        let ended = match (codings.as_slice(), lengths.as_slice()) {
            ([], []) => [204, 304].contains(&self.status) && body == 0,
            ([], [length]) => length.parse() == Ok(body) && ![204, 304].contains(&self.status),
            ([coding], []) if coding.eq_ignore_ascii_case("chunked") => {
                transcript.tail.ends_with(LAST_CHUNK) && !self.body.ends_with(LAST_CHUNK) && self.cut.is_none()
            }
            _ => false,
        };
        let asks_to_close = |value: &&str| value.split(',').any(|word| word.trim().eq_ignore_ascii_case("close"));
        ended
            && self.status >= 200
            && transcript.head.starts_with(b"HTTP/1.1 ")
            && !self.all("connection").iter().any(asks_to_close)
    }

    fn all(&self, name: &str) -> Vec<&str> {
        let matching = self.headers.iter().filter(|(key, _)| key.trim() == name);
        matching.map(|(_, value)| value.trim()).collect()
    }

    /// Whether the body is whole and means what it says (RFC 9112, 6.3).
    fn framing(&self, request: &Request, transcript: &Transcript) -> Result<(), String> {
        let (codings, lengths) = (self.all("transfer-encoding"), self.all("content-length"));
        // First, so that the message is the same whether the relay or this function finds the body too large.
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
            ([], []) if transcript.broken => Err("the answer was cut short: the connection broke".to_string()),
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
                // minreq takes the end of a connection for the last chunk. So that chunk must be there, at the end, and not
                // in what a wrong chunk size made part of the body. Trailers, which nobody sends, are refused with it.
                if transcript.tail.ends_with(LAST_CHUNK) && !self.body.ends_with(LAST_CHUNK) {
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
    fn a_redirect_shows_its_host_and_nothing_else() {
        let mut redirect = reply(&[("location", "https://evil.example:8443/x?password=hunter2")]);
        redirect.status = 302;
        assert_eq!(redirect.status_line(), "HTTP 302: redirect to evil.example:8443, not followed");
    }
}
