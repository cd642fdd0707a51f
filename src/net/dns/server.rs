//! A name server as people write it in the settings.

use crate::net::http::port_number;
use crate::types::spelling::shown;
use std::fmt;
use std::net::IpAddr;

/// A name server by name or address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Server {
    pub host: String,
    pub port: u16,
}

impl Server {
    /// `name`, `address`, `name:port`, `1.2.3.4:port`, `[v6]:port` or a bare IPv6 address.
    pub fn parse(text: &str) -> Result<Server, String> {
        Server::parse_at(text, 53)
    }

    /// The same for a server of another kind, whose usual port is this.
    pub fn parse_at(text: &str, usual_port: u16) -> Result<Server, String> {
        let after = || format!("'{}' is not a server: write [ADDRESS]:PORT", shown(text));
        let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, "")) => (host, None),
            Some((host, rest)) => (host, Some(rest.strip_prefix(':').ok_or_else(after)?)),
            None if text.parse::<IpAddr>().is_ok() => (text, None),
            None => match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        let port = port.map_or(Ok(usual_port), port_number)?;
        if host.parse::<IpAddr>().is_err() {
            crate::types::hostname::Host::new(host).map_err(|why| format!("'{}': {why}", shown(host)))?;
        }
        Ok(Server { host: host.to_string(), port })
    }
}

impl fmt::Display for Server {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(out, "[{}]:{}", self.host, self.port),
            false if self.port == 53 => out.write_str(&self.host),
            false => write!(out, "{}:{}", self.host, self.port),
        }
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
            assert_eq!(Server::parse(text), Ok(Server { host: host.to_string(), port }), "{text}");
        }
        for text in ["", "a b", "x:0", "x:99999", "[::1]5353", "a/b"] {
            assert!(Server::parse(text).is_err(), "{text}");
        }
    }
}
