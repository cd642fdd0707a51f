//! Which providers there are: the table of protocols, and the presets, which are rows of facts in `presets.ini`
//! written as a user would write them. Nothing here knows what is inside any of them.

pub mod asking;
pub mod cloudflare;
pub mod contract;
pub mod dyndns2;
pub mod records;
pub mod rest;
pub mod rfc2136;
pub mod template;

use crate::settings::{Section, Settings};
use crate::values::{Facts, Key};
use contract::Provider;

/// A way to speak to a server.
pub struct Protocol {
    pub name: &'static str,
    pub what: &'static str,
    pub keys: &'static [Key],
    /// Reads a section, noting mistakes in the facts; the flag says whether passwords may go over `http://`.
    pub make: fn(&Facts<'_>, bool) -> Option<Box<dyn Provider>>,
}

/// The row of an adapter whose facts are `rest::$api`.
macro_rules! rest {
    ($api:ident) => {
        Protocol {
            name: rest::$api.name,
            what: rest::$api.what,
            keys: rest::$api.keys,
            make: |facts, plaintext| rest::make(&rest::$api, facts, plaintext),
        }
    };
}

pub const PROTOCOLS: &[Protocol] = &[
    Protocol {
        name: "dyndns2",
        what: "the protocol that most services speak; needs url",
        keys: dyndns2::KEYS,
        make: dyndns2::make,
    },
    Protocol {
        name: "template",
        what: "a request of your own making, for services that take a URL; needs url",
        keys: template::KEYS,
        make: template::make,
    },
    Protocol { name: "cloudflare", what: "Cloudflare's DNS API", keys: cloudflare::KEYS, make: cloudflare::make },
    Protocol {
        name: "rfc2136",
        what: "signed updates of a zone, straight to its name server",
        keys: rfc2136::KEYS,
        make: rfc2136::make,
    },
    rest!(DESEC),
    rest!(DIGITALOCEAN),
    rest!(DNSIMPLE),
    rest!(GANDI),
    rest!(GODADDY),
    rest!(HETZNER),
    rest!(IONOS),
    rest!(LINODE),
    rest!(NAMESILO),
    rest!(NETCUP),
    rest!(OVH),
    rest!(PORKBUN),
    rest!(POWERDNS),
    rest!(ROUTE53),
    rest!(VULTR),
];

const PRESETS: &str = include_str!("presets.ini");

pub fn protocol(name: &str) -> Option<&'static Protocol> {
    PROTOCOLS.iter().find(|protocol| protocol.name == name)
}

/// A built-in section of this name (`preset:NAME`, `detector:NAME`). Only this one is parsed.
pub fn built_in(name: &str) -> Option<Section> {
    let heading = format!("\n[{name}]\n");
    let from = PRESETS.find(&heading)? + 1;
    let rest = &PRESETS[from..];
    let to = rest[1..].find("\n[").map_or(rest.len(), |at| at + 1);
    let mut settings = Settings::empty();
    settings.parse(&rest[..to], "built-in");
    settings.sections.into_iter().nth(1)
}

/// The names of all built-in sections of a kind, with the comment above each.
pub fn built_ins(kind: &str) -> Vec<(&'static str, &'static str)> {
    let mut found = Vec::new();
    let mut comment = "";
    for line in PRESETS.lines() {
        if let Some(text) = line.strip_prefix("# ") {
            comment = text;
        } else if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            if let Some(name) = name.strip_prefix(kind).and_then(|rest| rest.strip_prefix(':')) {
                found.push((name, comment));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_reads_without_a_mistake() {
        let mut whole = Settings::empty();
        whole.parse(PRESETS, "presets.ini");
        assert_eq!(whole.problems, []);
        let presets = built_ins("preset");
        assert!(presets.len() >= 10);
        for (name, what) in presets {
            assert!(!what.is_empty(), "{name} has no comment");
            let section = built_in(&format!("preset:{name}")).expect(name);
            assert_eq!(Some(&section.entries.len()), whole.section(&section.name).map(|s| s.entries.len()).as_ref());
            let protocol = section.get("protocol").and_then(|entry| protocol(&entry.value)).expect(name);
            for entry in section.entries.iter().filter(|entry| entry.key != "protocol" && entry.key != "refresh") {
                assert!(protocol.keys.iter().any(|key| key.name == entry.key), "{name}: {}", entry.key);
            }
        }
    }

    #[test]
    fn what_is_not_built_in_is_none() {
        assert!(built_in("preset:nosuch").is_none());
        assert!(built_in("preset:").is_none());
    }
}
