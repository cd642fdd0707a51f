//! A server that is asked in datagrams, by name or address. Apart because name servers, STUN servers and routers are
//! named in the same way.

use crate::address::Family;
use crate::host::Host;
use crate::http::port_number;
use crate::resolve;
use crate::values::Facts;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Server {
    pub host: String,
    pub port: u16,
}

impl fmt::Display for Server {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.host, self.port)
    }
}

impl Server {
    /// `name`, `address`, `name:port`, `1.2.3.4:port`, `[v6]:port` or a bare IPv6 address.
    pub fn parse(text: &str, usual_port: u16) -> Result<Server, String> {
        let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, "")) => (host, None),
            Some((host, rest)) => {
                (host, Some(rest.strip_prefix(':').ok_or("after the bracket comes :PORT or nothing")?))
            }
            None if text.parse::<IpAddr>().is_ok() => (text, None),
            None => match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        let port = port.map_or(Ok(usual_port), port_number)?;
        if host.parse::<IpAddr>().is_err() {
            Host::new(host)?;
        }
        Ok(Server { host: host.to_string(), port })
    }

    /// Reads the server out of `key`, whose value may begin with `scheme`; it must be there.
    pub fn read(facts: &Facts<'_>, key: &str, scheme: &str, usual_port: u16) -> Option<Server> {
        let text = facts.needed(key)?;
        let bare = text.strip_prefix(scheme).unwrap_or(&text).trim_start_matches('/').trim_end_matches('/');
        match Server::parse(bare, usual_port) {
            Ok(server) => Some(server),
            Err(why) => {
                facts.entry(key).into_iter().for_each(|entry| facts.wrong(entry, &why));
                None
            }
        }
    }

    /// Its first address of a family.
    pub fn address(&self, family: Family, until: Instant) -> Result<SocketAddr, String> {
        let found = resolve::addresses_by(&self.host, self.port, Some(family), until)?;
        Ok(found[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_read() {
        for (text, host, port) in [
            ("resolver1.opendns.com", "resolver1.opendns.com", 53),
            ("127.0.0.1:5353", "127.0.0.1", 5353),
            ("::1", "::1", 53),
            ("[::1]:5353", "::1", 5353),
            ("[2620:119:35::35]", "2620:119:35::35", 53),
        ] {
            assert_eq!(Server::parse(text, 53), Ok(Server { host: host.to_string(), port }), "{text}");
        }
        for text in ["", "a b", "x:0", "x:99999", "[::1]5353", "a/b"] {
            assert!(Server::parse(text, 53).is_err(), "{text}");
        }
    }
}
