//! A name server that answers with the address it sees, such as OpenDNS's for myip.opendns.com. One datagram each
//! way, but nothing proves who sent the answer: DESIGN calls such an address weak where HTTPS was to be had.

use super::{family_key, server, Kind};
use crate::net::dns::{self, Answer, Class, Question, Server};
use crate::net::socket::Bind;
use crate::settings::reader::SectionReader;
use crate::settings::shown;
use crate::types::address::{self, Family};
use std::net::IpAddr;
use std::time::Instant;

pub fn make(facts: &SectionReader<'_>, family: Family) -> Option<Kind> {
    // `url` is `server` in other words; whichever the section itself says counts.
    let own = facts.section.get("url").is_some();
    let place = if own { "url" } else { family_key(facts, "server", "server6", family) };
    let server = server::read(facts, place, "dns:", 53)?;
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
            let name = shown(&entry.value);
            facts.wrong(entry, format!("'{name}' cannot be queried: {why}: write a DNS name"));
        }
        return None;
    }
    Some(Kind::Dns { server, question })
}

pub fn ask(
    server: &Server,
    question: &Question,
    family: Family,
    until: Instant,
    bind: Option<&Bind>,
) -> Result<IpAddr, String> {
    let mut answers = dns::ask(server::address(server, family, until)?, bind, question, until)
        .map_err(|trouble| trouble.to_string())?;
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
