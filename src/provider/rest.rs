//! The providers that keep a zone's records behind a REST API: one way to find a record, write it and believe that it was
//! written, and for each provider a table of facts. An adapter is its table; what no table can say is in `own`.
//! `push.rs` does the work, `look.rs` reads listings, `write.rs` writes, `talk.rs` makes one call, `placeholders.rs` fills in its placeholders.

mod apis;
mod look;
mod placeholders;
mod push;
mod sign;
mod table;
mod talk;
mod write;
mod xml;

pub use apis::PROTOCOLS;

use super::contract::{HostResult, HostUpdate, Provider, PushContext};
use super::lookup::{self, given, hosts_under, optional};
use crate::net::http::Url;
use crate::settings::reader::{Key, Need, SectionReader};
use crate::settings::shown;
use crate::types::hostname::Host;
use crate::types::secret::{self, Secret};
use table::Api;

/// One account at one of them.
pub struct Rest {
    api: &'static Api,
    url: Url,
    /// By key.
    login: Vec<(&'static str, Secret)>,
    zone: Option<Host>,
    zone_id: Option<String>,
    ttl: Option<i64>,
    create: bool,
}

impl Provider for Rest {
    fn push(&self, batch: &[HostUpdate], line: &mut PushContext<'_>) -> Vec<HostResult> {
        push::push(self, batch, line)
    }
}

/// Reads a section. Mistakes are noted in `facts`; then there is no provider.
pub fn make(api: &'static Api, facts: &SectionReader<'_>, plaintext: bool) -> Option<Box<dyn Provider>> {
    // Everything is read before anything is given up, so that all mistakes are told.
    let url = base(api, facts, plaintext);
    let login = login(api, facts);
    let zone = optional(facts, "zone", lookup::zone);
    let zone_id = optional(facts, "zone_id", zone_id);
    let ttl = given(facts, "ttl", facts.number("ttl", api.ttls.0, api.ttls.1));
    let create = given(facts, "create", facts.flag("create"));
    let zone = zone?;
    match &zone {
        Some(zone) => hosts_under(facts, zone)?,
        None if api.zones.is_none() => {
            facts.lacking(format!("'zone' is missing: {} cannot list its zones: add zone = example.com", api.vendor));
            return None;
        }
        None => {}
    }
    let create = create?.unwrap_or(true);
    Some(Box::new(Rest { api, url: url?, login: login?, zone, zone_id: zone_id?, ttl: ttl?, create }))
}

fn base(api: &Api, facts: &SectionReader<'_>, plaintext: bool) -> Option<Url> {
    let Some(entry) = facts.entry("url") else {
        if api.base.is_empty() {
            facts.lacking(format!("'url' is missing: add the URL of the {} API", api.vendor));
        }
        return Url::parse(api.base).ok();
    };
    let url = facts.guarded_url("url", plaintext)?;
    if url.resource().contains('?') {
        facts.wrong(entry, "the URL contains a query (?...): remove it");
        return None;
    }
    Some(url)
}

/// The keys that log in: all that are needed, but for where the API and the zone are.
fn credentials(api: &Api) -> impl Iterator<Item = &'static Key> {
    api.keys.iter().filter(|key| key.need == Need::Yes && !["url", "zone"].contains(&key.name))
}

fn login(api: &Api, facts: &SectionReader<'_>) -> Option<Vec<(&'static str, Secret)>> {
    let mut login = Vec::new();
    let mut missing = Vec::new();
    for key in credentials(api) {
        let there = if key.secret { facts.has_secret(key.name) } else { facts.entry(key.name).is_some() };
        if !there {
            missing.push(format!("'{}{}'", key.name, if key.secret { "_file" } else { "" }));
            continue;
        }
        let value = match key.secret {
            true => facts.secret(key.name),
            false => facts.text(key.name).map(|text| Secret::unmasked(&text)),
        };
        // What could not be read was noted.
        let Some(value) = value else { continue };
        if !value.expose().bytes().all(|b| b.is_ascii_graphic()) {
            let entry = ["", "_file", "_env", "_credential"].map(|form| facts.entry(&format!("{}{form}", key.name)));
            if let Some(entry) = entry.into_iter().flatten().next() {
                let vendor = api.vendor;
                facts.wrong(
                    entry,
                    format!("{vendor} credentials contain no spaces or non-ASCII characters: is there a stray one?"),
                );
            }
            continue;
        }
        login.push((key.name, value));
    }
    if let [("email", email), ("token", token)] = login.as_slice() {
        let basic = secret::basic(email.expose(), token);
        login.push(("basic", basic));
    }
    if !missing.is_empty() {
        facts.lacking(format!("{} missing: {}", are(&missing), api.remedy));
    }
    (login.len() >= credentials(api).count()).then_some(login)
}

fn are(names: &[String]) -> String {
    format!("{} {}", names.join(" and "), if names.len() == 1 { "is" } else { "are" })
}

fn zone_id(text: &str) -> Result<String, String> {
    match lookup::is_id(text) {
        true => Ok(text.to_string()),
        false => Err(format!("'{}' is not a zone ID: copy it from the provider", shown(text))),
    }
}
