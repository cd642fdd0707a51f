//! Through an HTTP proxy (RFC 9110 and 9112). TLS goes through CONNECT, so the proxy sees no more than a name and a
//! port. A plain request is sent in absolute form: many proxies allow CONNECT to port 443 only.

use super::egress::Proxy;
use super::status_line::status;
use super::stream::{left, plain, send};
use std::io::Read;
use std::net::{IpAddr, TcpStream};
use std::time::Instant;

/// Bytes that the proxy's answer to CONNECT may have.
const LONGEST: usize = 8 * 1024;

/// Asks the proxy for a connection to a host and port. The error is a message; nothing was sent to that host.
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

/// Host and port as a proxy takes them.
pub fn authority(host: &str, port: u16) -> String {
    match host.parse() {
        Ok(IpAddr::V6(ip)) => format!("[{ip}]:{port}"),
        _ => format!("{host}:{port}"),
    }
}
