//! Through an HTTP proxy (RFC 9110 and 9112). TLS goes through CONNECT, so the proxy sees no more than a name and a
//! port. A plain request is sent in absolute form: many proxies allow CONNECT to port 443 only.

use super::egress::Proxy;
use super::stream::{left, plain, send};
use std::io::Read;
use std::net::{IpAddr, TcpStream};
use std::time::Instant;

/// Bytes that the proxy's answer to CONNECT may have.
const LONGEST: usize = 8 * 1024;

/// Asks the proxy for a connection to a host and port. The error is told in words for a person; nothing went to that host.
pub fn open(stream: &mut TcpStream, proxy: &Proxy, place: &str, until: Instant) -> Result<(), String> {
    let ask = format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n{}\r\n", proxy.authorization());
    let told = |error| format!("the proxy {}: {}", proxy.host, plain(&error));
    send(stream, ask.as_bytes(), until).map_err(told)?;
    let mut head = Vec::new();
    // A byte at a time: what comes after the head is the host's.
    let mut byte = [0u8];
    while !head.ends_with(b"\r\n\r\n") {
        stream.set_read_timeout(Some(left(until))).map_err(told)?;
        match stream.read(&mut byte) {
            Ok(1) if head.len() < LONGEST => head.push(byte[0]),
            Ok(_) => return Err(format!("the proxy {} gave no proper answer", proxy.host)),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(told(error)),
        }
    }
    match status(&head) {
        Some(200..=299) => Ok(()),
        Some(407) => Err(format!("the proxy {} wants another user or password (407)", proxy.host)),
        Some(status) => Err(format!("the proxy {} refused to connect to {place}: HTTP {status}", proxy.host)),
        None => Err(format!("the proxy {} gave no proper answer", proxy.host)),
    }
}

/// The status of an answer's head.
fn status(head: &[u8]) -> Option<u16> {
    let [_, b' ', digits @ .., b' ' | b'\r'] = head.strip_prefix(b"HTTP/1.")?.get(..6)? else { return None };
    digits.iter().all(u8::is_ascii_digit).then(|| std::str::from_utf8(digits).ok()?.parse().ok())?
}

/// What to change in a plain request's first line, and to add after it.
pub fn rewrites(proxy: &Proxy, place: &str) -> [(String, String); 2] {
    let first = (" /".to_string(), format!(" http://{place}/"));
    [first, (" HTTP/1.1\r\n".to_string(), format!(" HTTP/1.1\r\n{}", proxy.authorization()))]
}

/// Host and port as a proxy takes them.
pub fn authority(host: &str, port: u16) -> String {
    match host.parse() {
        Ok(IpAddr::V6(ip)) => format!("[{ip}]:{port}"),
        _ => format!("{host}:{port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_three_digits() {
        assert_eq!(status(b"HTTP/1.1 200 Connection established\r\n\r\n"), Some(200));
        assert_eq!(status(b"HTTP/1.0 407\r\n\r\n"), Some(407));
        for head in [
            "\r\n\r\n",
            "HTTP/1.1 20\r\n\r\n",
            "HTTP/1.1 2000 OK\r\n\r\n",
            "HTTP/1.1 +20\r\n\r\n",
            "HTTP/2 200\r\n\r\n",
            "SSH-2.0-x\r\n\r\n",
        ] {
            assert_eq!(status(head.as_bytes()), None, "{head}");
        }
    }
}
