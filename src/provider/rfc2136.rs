//! Signed updates straight to a name server (RFC 2136, RFC 8945), as nsupdate(1) makes them: one message for all hosts
//! of a zone and both families, which replaces their A and AAAA sets and touches nothing else. What is sent is in
//! `change.rs`, how it is sent in `net/update_client.rs`, what its result means in `rcodes.rs`.

mod change;
mod key;
mod push;
mod rcodes;

use super::contract::{HostResult, HostUpdate, Protocol, Provider, PushContext, UpdateResult};
use crate::net::context::PassContext;
use crate::net::dns::zone::{self, Asked};
use crate::net::dns::{self, DnsError, Server};
use crate::net::resolve;
use crate::net::socket::Bind;
use crate::net::tsig::Key as Shared;
use crate::settings::reader::{key, secret, Key, SectionReader};
use crate::settings::shown;
use crate::types::hostname::Host;
use change::Change;
use std::net::SocketAddr;
use std::time::Instant;

/// What a section may say.
const KEYS: &[Key] = &[
    key("server", "name server that takes updates, and :port if not 53 (default: the zone's primary)"),
    key("zone", "zone that is updated (default: looked up for each host)"),
    key("ttl", "seconds that others may keep an address (default 60)"),
    key("transport", "udp (default; what is too long goes over TCP) or tcp"),
    secret("key", "key as tsig-keygen or dnssec-keygen writes it, or hmac-sha256:name:secret").needed(),
    key("key_name", "name of the key, with secret; or which one of key_file"),
    key("algorithm", "hmac-sha256 (default), hmac-md5, hmac-sha1, -sha224, -sha384 or -sha512"),
    secret("secret", "the key's secret in base64"),
    key("tsig", "off: no signature"),
    key("prerequisite", "none (default), or mine: replace only what homing published"),
];

struct Rfc2136 {
    server: Option<Server>,
    nameserver: Option<Server>,
    zone: Option<String>,
    ttl: u32,
    tcp: bool,
    key: Option<Shared>,
    mine: bool,
}

pub const PROTOCOL: Protocol = Protocol {
    name: "rfc2136",
    names: &["bind-nsupdate"],
    what: "signed DNS updates, sent to the name server of the zone",
    lists: true,
    sets: true,
    server_key: "server",
    keys: KEYS,
    make: Some(make),
    ..Protocol::PLAIN
};

/// Reads a section; notes what is wrong with it.
fn make(facts: &SectionReader<'_>, _plaintext: bool) -> Option<Box<dyn Provider>> {
    let (server, nameserver) = (facts.with("server", Server::parse), facts.with("nameserver", Server::parse));
    let zone = facts.with("zone", |text| match Host::new(text) {
        Ok(zone) => Ok(zone.ascii().to_string()),
        Err(why) => Err(format!("'{}': {why}", shown(text))),
    });
    if let (Some(zone), Some(entry)) = (&zone, facts.entry("hosts")) {
        // Others of the list are told of by whoever reads them.
        for host in facts.hosts().filter_map(|(_, host)| host.ok()) {
            if !host.under(zone) {
                facts.wrong(
                    entry,
                    format!("host '{host}' is not in the zone '{zone}': put it into a section of its own"),
                );
            }
        }
    }
    let ttl = facts.number("ttl", 0, i64::from(i32::MAX)).and_then(|ttl| u32::try_from(ttl).ok());
    let tcp = facts.choice("transport", &["udp", "tcp"]) == Some(1);
    let mine = facts.choice("prerequisite", &["none", "mine"]) == Some(1);
    let key = key::key(facts)?;
    Some(Box::new(Rfc2136 { server, nameserver, zone, ttl: ttl.unwrap_or(60), tcp, key, mine }))
}

/// Names of which the zone is kept in mind before hosts are taken to be in the zone of their neighbours.
const MOST_KNOWN: usize = 96;

/// A zone and who takes its changes, or why that is not known.
type Place = Result<(String, Server), String>;

/// Hosts of one zone, as indices into what is to be changed, and who takes the changes.
struct Area {
    zone: String,
    server: Server,
    changes: Vec<Change>,
}

impl Provider for Rfc2136 {
    fn push(&self, batch: &[HostUpdate], line: &mut PushContext<'_>) -> Vec<HostResult> {
        let mut rulings = Vec::new();
        let changes = change::of(batch, line.past, self.mine && !line.force);
        for area in self.areas(changes, &line.http.context, &mut rulings) {
            push::push(self, area, &line.http.context, &mut rulings);
        }
        rulings
    }
}

impl Rfc2136 {
    /// The changes by zone. What no zone is found for gets its verdict.
    fn areas(&self, changes: Vec<Change>, context: &PassContext<'_>, rulings: &mut Vec<HostResult>) -> Vec<Area> {
        let mut areas: Vec<Area> = Vec::new();
        // Found so far: the zone of a name. Hosts with the same parent are in one zone, unless a host is a zone itself:
        // so each is asked for, but of so many at once that it would take all the time there is.
        let (mut known, mut places): (Vec<(String, usize)>, Vec<Place>) = (Vec::new(), Vec::new());
        for change in changes {
            let name = self.zone.as_deref().unwrap_or(&change.host);
            let parent = name.split_once('.').map_or("", |(_, parent)| parent);
            let by = |name: &str| known.iter().find(|(of, _)| of == name).map(|(_, at)| *at);
            let beside = || by(parent).filter(|at| places[*at].is_err() || known.len() > MOST_KNOWN);
            let at = by(name).or_else(beside).unwrap_or_else(|| {
                let found = self.look_up(name, context);
                let zone = found.as_ref().map_or(name, |(zone, _)| zone);
                let beside = if found.is_ok() && zone == name { name } else { parent };
                for name in [name, beside, zone] {
                    known.push((name.to_string(), places.len()));
                }
                places.push(found);
                places.len() - 1
            });
            match &places[at] {
                Ok((zone, server)) => {
                    match areas.iter_mut().find(|area| area.zone == *zone && area.server == *server) {
                        Some(area) => area.changes.push(change),
                        None => areas.push(Area { zone: zone.clone(), server: server.clone(), changes: vec![change] }),
                    }
                }
                Err(why) => {
                    if let Some(show) = context.dry_run {
                        show(&format!("{}: {why}", change.host));
                    }
                    let verdict =
                        if context.expired() { UpdateResult::NotAttempted } else { UpdateResult::later(why.as_str()) };
                    rulings.push(change.ruling(verdict));
                }
            }
        }
        areas
    }

    /// The zone of a host, or the one that is said, and the server that takes its changes.
    fn look_up(&self, name: &str, context: &PassContext<'_>) -> Place {
        if let (Some(zone), Some(server)) = (&self.zone, &self.server) {
            return Ok((zone.clone(), server.clone()));
        }
        let until = context.request_deadline();
        let asked = self.nameserver.as_ref().or(self.server.as_ref());
        let places = match asked {
            Some(server) => places(server, context, until)?,
            None => resolve::name_servers(),
        };
        let told = |trouble: DnsError| format!("no zone found for {name}: {trouble}");
        let zone =
            dns::first(&places, until, |place, until| zone::find(Asked::by(place, context.bind.as_ref()), name, until))
                .map_err(told)?;
        if self.server.is_none() && zone.primary.is_empty() {
            return Err(format!("the zone {} names no primary: set 'server'", zone.name));
        }
        let server = self.server.clone().unwrap_or(Server { host: zone.primary, port: 53 });
        Ok((self.zone.clone().unwrap_or(zone.name), server))
    }
}

/// Where a server is, as far as our way leads there: from an address of one family the other cannot be reached.
fn places(server: &Server, context: &PassContext<'_>, until: Instant) -> Result<Vec<SocketAddr>, String> {
    resolve::addresses_by(&server.host, server.port, context.bind.as_ref().and_then(Bind::family), until)
}
