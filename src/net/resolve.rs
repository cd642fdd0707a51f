//! Names to addresses, by the system's resolver. It can be neither interrupted nor told a family, so whoever has a
//! deadline waits for it from another thread.

use crate::types::address::Family;
use crate::types::oneshot::Oneshot;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Instant;

/// The addresses of a host, of one family or both, in the resolver's order. Never empty.
pub fn addresses(host: &str, port: u16, family: Option<Family>) -> Result<Vec<SocketAddr>, String> {
    let found = (host, port).to_socket_addrs().map_err(|_| format!("cannot resolve {host}"))?;
    let found: Vec<SocketAddr> = found.filter(|at| family.is_none_or(|family| Family::of(at.ip()) == family)).collect();
    match (found.is_empty(), family) {
        (false, _) => Ok(found),
        (true, Some(family)) => Err(format!("{host} has no {family} address")),
        (true, None) => Err(format!("{host} has no address")),
    }
}

/// The same, before a deadline. A resolver that hangs is left behind; its thread ends with the process.
pub fn addresses_by(host: &str, port: u16, family: Option<Family>, until: Instant) -> Result<Vec<SocketAddr>, String> {
    if let Ok(literal) = host.parse() {
        return Ok(vec![SocketAddr::new(literal, port)]);
    }
    let bell = Oneshot::of_this_thread();
    let (name, over) = (host.to_string(), bell.clone());
    let thread = std::thread::Builder::new()
        .stack_size(256 * 1024)
        .spawn(move || {
            let found = addresses(&name, port, family);
            over.ring(true);
            found
        })
        .map_err(|error| format!("cannot start a thread: {error}"))?;
    match bell.wait(until) {
        None => Err(format!("cannot resolve {host}: no answer in time")),
        Some(_) => thread.join().unwrap_or_else(|_| Err(format!("cannot resolve {host}"))),
    }
}

/// The name servers that the system asks (resolv.conf(5)), where names are asked of them that it can't be asked for.
pub fn name_servers() -> Vec<SocketAddr> {
    let text = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let named =
        text.lines().filter_map(|line| line.strip_prefix("nameserver")?.split_whitespace().next()?.parse().ok());
    // Three are the most that others ask (MAXNS); without any it is this machine itself.
    let mut found: Vec<SocketAddr> = named.map(|ip| SocketAddr::new(ip, 53)).take(3).collect();
    if found.is_empty() {
        found.push(SocketAddr::from(([127, 0, 0, 1], 53)));
    }
    found
}
