//! A name server that answers with the address it sees, such as OpenDNS's for myip.opendns.com. One datagram each
//! way, but nothing proves who sent the answer: DESIGN calls such an address weak where HTTPS was to be had.

use super::{family_key, Kind};
use crate::address::{self, Family};
use crate::dns::{self, Answer, Class, Question};
use crate::http::port_number;
use crate::resolve;
use crate::values::Facts;
use std::net::IpAddr;
use std::time::Instant;

/// A name server by name or address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Server {
    pub host: String,
    pub port: u16,
}

pub fn make(facts: &Facts<'_>, family: Family) -> Option<Kind> {
    // `url` is `server` in other words; whichever the section itself says counts.
    let own = facts.section.get("url").is_some();
    let place = if own { "url" } else { family_key(facts, "server", "server6", family) };
    let server = facts.needed(place)?;
    let server = server.strip_prefix("dns://").unwrap_or(&server).trim_end_matches('/');
    let server = match parse_server(server) {
        Ok(server) => server,
        Err(why) => {
            if let Some(entry) = facts.entry(place) {
                facts.wrong(entry, why);
            }
            return None;
        }
    };
    let name = facts.needed("name")?;
    let kinds = ["A", "AAAA", "TXT"];
    let kind = match facts.entry("type") {
        None => family.record(),
        Some(_) => kinds[facts.choice("type", &kinds)?],
    };
    let class = match facts.entry("class") {
        None => Class::In,
        Some(_) => Class::from_name(["IN", "CH"][facts.choice("class", &["IN", "CH"])?])?,
    };
    let question = Question { name, kind: dns::Kind::from_name(kind)?, class };
    if let Err(why) = dns::encode_query(0, &question) {
        if let Some(entry) = facts.entry("name") {
            facts.wrong(entry, why.to_string());
        }
        return None;
    }
    Some(Kind::Dns { server, question })
}

/// `name`, `address`, `name:port`, `1.2.3.4:port`, `[v6]:port` or a bare IPv6 address.
fn parse_server(text: &str) -> Result<Server, String> {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, rest)) => (host, Some(rest.strip_prefix(':').ok_or("after the bracket comes :PORT or nothing")?)),
        None if text.parse::<IpAddr>().is_ok() => (text, None),
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let port = port.map_or(Ok(53), port_number)?;
    if host.parse::<IpAddr>().is_err() {
        crate::host::Host::new(host)?;
    }
    Ok(Server { host: host.to_string(), port })
}

pub fn ask(server: &Server, question: &Question, family: Family, until: Instant) -> Result<IpAddr, String> {
    let found = resolve::addresses_by(&server.host, server.port, Some(family), until)?;
    let mut answers = dns::ask(found[0], question, until).map_err(|trouble| trouble.to_string())?;
    // Google adds a record about the subnet that a resolver on the way named (RFC 7871); it is no answer.
    answers
        .retain(|answer| !matches!(answer, Answer::Text(strings) if strings[0].starts_with(b"edns0-client-subnet ")));
    match answers.as_slice() {
        [Answer::Address(ip)] if Family::of(*ip) == family => Ok(*ip),
        [Answer::Address(_)] => Err(format!("the answer is not an {family} address")),
        [Answer::Text(strings)] => match strings.as_slice() {
            [one] => address::parse(&String::from_utf8_lossy(one), family),
            _ => Err(format!("{} strings where one address should be", strings.len())),
        },
        several => Err(format!("{} answers where one should be", several.len())),
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
            assert_eq!(parse_server(text), Ok(Server { host: host.to_string(), port }), "{text}");
        }
        for text in ["", "a b", "x:0", "x:99999", "[::1]5353", "a/b"] {
            assert!(parse_server(text).is_err(), "{text}");
        }
    }
}
