//! From a host name to an open connection: resolves the name, tries the addresses, goes through a proxy, and begins
//! TLS. Nothing of a request is sent here, so every error means "not sent".

use super::connection::Connection;
use super::egress::Egress;
use super::stream::{left, plain};
use super::tls::{TlsConfig, TlsSession};
use super::tunnel;
use crate::net::resolve;
use crate::net::socket::{self, Bind};
use crate::types::address::Family;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// The longest time for one address while others are left to try.
const ONE_OF_SEVERAL: Duration = Duration::from_secs(3);

/// The server at the other end, and how to get there. Two requests may share a connection if these are equal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Destination {
    pub host: String,
    pub port: u16,
    /// Only addresses of this family, if given.
    pub family: Option<Family>,
    pub egress: Egress,
    pub secure: bool,
}

/// Connects before `until`. `tls` is needed where the destination is secure.
pub fn connect(to: &Destination, tls: Option<&TlsConfig>, until: Instant) -> Result<Connection, String> {
    let tcp = match &to.egress.proxy {
        // It is the proxy that reaches the host, in whichever family.
        Some(proxy) => {
            let mut tcp = open(&proxy.host, proxy.port, None, to.egress.bind.as_ref(), until)?;
            if to.secure {
                tunnel::open(&mut tcp, proxy, &tunnel::authority(&to.host, to.port), until)?;
            }
            tcp
        }
        None => open(&to.host, to.port, to.family, to.egress.bind.as_ref(), until)?,
    };
    let tls = match tls.filter(|_| to.secure) {
        Some(config) => Some(TlsSession::open(config, &to.host, &tcp, until)?),
        None => None,
    };
    Ok(Connection::new(tcp, tls))
}

/// Tries each address of the host for its share of the time that is left.
fn open(
    host: &str,
    port: u16,
    family: Option<Family>,
    bind: Option<&Bind>,
    until: Instant,
) -> Result<TcpStream, String> {
    // An address of one family cannot reach the other.
    let all = addresses(host, port, family.or(bind.and_then(Bind::family)), until)?;
    let mut last = format!("cannot reach {host}: no answer in time");
    for (i, at) in all.iter().enumerate() {
        let share = match u32::try_from(all.len() - i) {
            Ok(1) => left(until),
            others => (left(until) / others.unwrap_or(u32::MAX)).min(ONE_OF_SEVERAL),
        };
        let mut result = socket::tcp(*at, bind, share.max(Duration::from_millis(1)));
        while result.as_ref().is_err_and(|error| error.kind() == ErrorKind::Interrupted) {
            result = socket::tcp(*at, bind, left(until).min(share));
        }
        match result {
            Ok(tcp) => {
                // A request is written at once, and the answer should not wait for more of it.
                let _ = tcp.set_nodelay(true);
                return Ok(tcp);
            }
            Err(error) => last = format!("cannot reach {host}: {}", plain(&error)),
        }
    }
    Err(last)
}

fn addresses(host: &str, port: u16, family: Option<Family>, until: Instant) -> Result<Vec<SocketAddr>, String> {
    match host.parse::<IpAddr>() {
        // No thread is needed where nothing has to be resolved.
        Ok(_) => resolve::addresses(host, port, family),
        Err(_) => resolve::addresses_by(host, port, family, until),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_without_an_address_of_the_family_is_an_error() {
        let to = Destination {
            host: "127.0.0.1".to_string(),
            port: 9,
            family: Some(Family::V6),
            egress: Egress::default(),
            secure: false,
        };
        let why = connect(&to, None, Instant::now() + Duration::from_secs(5)).err();
        assert_eq!(why.as_deref(), Some("127.0.0.1 has no ipv6 address"));
    }
}
