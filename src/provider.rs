//! Which providers there are: the table of protocols, and the presets, which are rows of facts in `presets.ini`
//! written as a user would write them. Nothing here knows what is inside any of them.

pub mod afraid;
pub mod asking;
pub mod cloudflare;
pub mod contract;
pub mod duckdns;
pub mod dyndns2;
pub mod records;
pub mod rest;
pub mod rfc2136;
pub mod template;
pub mod trouble;

use crate::http::Url;
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
    Protocol { name: "duckdns", what: "DuckDNS", keys: duckdns::KEYS, make: duckdns::make },
    Protocol {
        name: "afraid",
        what: "FreeDNS at afraid.org, by user and password",
        keys: afraid::KEYS,
        make: afraid::make,
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
    #[cfg(feature = "all-providers")]
    rest!(ALIYUN),
    #[cfg(feature = "all-providers")]
    rest!(DNSPOD),
    #[cfg(feature = "all-providers")]
    rest!(LUADNS),
    #[cfg(feature = "all-providers")]
    rest!(NJALLA),
    #[cfg(feature = "all-providers")]
    rest!(NS1),
    #[cfg(feature = "all-providers")]
    rest!(SCALEWAY),
    #[cfg(feature = "all-providers")]
    rest!(SERVERCOW),
    #[cfg(feature = "all-providers")]
    rest!(TENCENT),
];

/// Those that are in a build with the feature `all-providers` only.
pub const REST: &[&str] = &["aliyun", "dnspod", "luadns", "njalla-api", "ns1", "scaleway", "servercow", "tencent"];

/// What to tell of a provider that this build leaves out.
pub fn left_out(name: &str) -> Option<&'static str> {
    let out = REST.contains(&name) && protocol(name).is_none();
    out.then_some("this build leaves it out; the full build has it (cargo build --features all-providers)")
}

/// Those of them that take several hosts, and both families, in one request.
pub const LISTS: &[&str] =
    &["duckdns", "cloudflare", "rfc2136", "desec-api", "netcup", "powerdns", "route53", "scaleway"];

/// Those that take several addresses of a host.
pub const SETS: &[&str] = &["rfc2136"];

const PRESETS: &str = include_str!("presets.ini");
/// Begins a line with the further names of a built-in section.
const NAMES: &str = "\nnames = ";

pub fn protocol(name: &str) -> Option<&'static Protocol> {
    PROTOCOLS.iter().find(|protocol| protocol.name == name)
}

/// A service or protocol by one of its names, and its preset if it is one. The name with the ending of its domain is
/// a name where the preset's own URL has it, so that credentials never go to somebody else's server.
pub fn named(name: &str) -> Option<(&'static Protocol, Option<Section>)> {
    // No preset has the name of a protocol, so that the search through them all is for those that need it.
    if let Some(found) = protocol(name) {
        return Some((found, None));
    }
    let by_name = |name: &str| match built_in(&format!("preset:{name}")) {
        Some(preset) => Some((protocol(&preset.get("protocol")?.value)?, Some(preset))),
        None => protocol(name).or_else(|| protocol(place(&format!("protocol:{name}"))?.1)).map(|found| (found, None)),
    };
    by_name(name).or_else(|| {
        let (protocol, preset) = by_name(name.rsplit_once('.')?.0)?;
        let url = Url::parse(&preset.as_ref()?.get("url")?.value).ok()?;
        let own = url.host().strip_suffix(name).is_some_and(|front| front.is_empty() || front.ends_with('.'));
        own.then_some((protocol, preset))
    })
}

/// Since when a service of this name is closed, and what to do.
pub fn closed(name: &str) -> Option<&'static str> {
    let (_, name) = place(&format!("closed:{name}"))?;
    built_ins("closed").into_iter().find_map(|(known, why)| (known == name).then_some(why))
}

/// A built-in section of this name (`preset:NAME`, `detector:NAME`). Only this one is parsed.
pub fn built_in(name: &str) -> Option<Section> {
    let rest = &PRESETS[place(name)?.0..];
    let to = rest[1..].find("\n[").map_or(rest.len(), |at| at + 1);
    let mut settings = Settings::empty();
    settings.parse(&rest[..to], "built-in");
    settings.sections.into_iter().nth(1)
}

/// Where a built-in section begins, and its name without the kind: found by that, or by a name in its line `names`.
fn place(name: &str) -> Option<(usize, &'static str)> {
    let (kind, name) = name.split_once(':')?;
    let named = |at: usize| {
        let heading = PRESETS[at..].lines().next()?.strip_prefix('[')?.strip_suffix(']')?;
        Some((at, heading.strip_prefix(kind)?.strip_prefix(':')?))
    };
    // From bracket to bracket: one letter is found ten times as fast as a text, and each pass asks.
    let heading = format!("[{kind}:{name}]\n");
    let found = |(at, _): &(usize, &str)| PRESETS[..*at].ends_with('\n') && PRESETS[*at..].starts_with(&heading);
    // Detectors come first, and of those each pass asks, for some that are not there.
    let ours = |(at, _): &(usize, &str)| kind != "detector" || !PRESETS[*at..].starts_with("[preset:");
    if let Some((at, _)) = PRESETS.match_indices('[').take_while(ours).find(found) {
        return named(at);
    }
    // Detectors have one name each.
    let others = if kind == "detector" { "" } else { PRESETS };
    let mut lines = others.match_indices('\n').filter(|(at, _)| others[*at..].starts_with(NAMES));
    lines.find_map(|(at, _)| {
        let names = PRESETS[at + NAMES.len()..].lines().next()?;
        let ours = names.split(", ").any(|known| known == name);
        ours.then(|| named(PRESETS[..at].rfind("\n[")? + 1)).flatten()
    })
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
        for (name, _) in built_ins("detector") {
            assert!(built_in(&format!("detector:{name}")).is_some(), "{name} stands below the presets");
        }
        let presets = built_ins("preset");
        assert!(presets.len() >= 10);
        for (name, what) in presets {
            assert!(!what.is_empty(), "{name} has no comment");
            assert!(protocol(name).is_none(), "{name} is the name of a protocol");
            assert_eq!(named(name).and_then(|(_, preset)| preset), built_in(&format!("preset:{name}")), "{name}");
            let section = built_in(&format!("preset:{name}")).expect(name);
            assert_eq!(Some(&section.entries.len()), whole.section(&section.name).map(|s| s.entries.len()).as_ref());
            let protocol = section.get("protocol").and_then(|entry| protocol(&entry.value)).expect(name);
            for entry in section.entries.iter().filter(|entry| entry.key != "names") {
                let keys = [crate::config::PRESET_KEYS, protocol.keys].concat();
                assert!(keys.iter().any(|key| key.name == entry.key), "{name}: {}", entry.key);
            }
        }
    }

    #[test]
    fn a_service_has_several_names_and_no_other_has_one_of_them() {
        let mut names: Vec<&str> = PROTOCOLS.iter().map(|protocol| protocol.name).collect();
        names.extend(["preset", "closed"].into_iter().flat_map(built_ins).map(|(name, _)| name));
        names
            .extend(PRESETS.lines().filter_map(|line| line.strip_prefix("names = ")).flat_map(|line| line.split(", ")));
        for (at, name) in names.iter().enumerate() {
            assert!(!names[..at].contains(name), "{name}");
            assert!(named(name).is_some() != closed(name).is_some(), "{name}");
        }
        let preset = |name: &str| named(name).and_then(|(_, preset)| preset).map(|preset| preset.name);
        assert_eq!(preset("infomaniak.com").as_deref(), Some("preset:infomaniak"));
        assert_eq!(preset("no-ip.com").as_deref(), Some("preset:noip"));
        assert_eq!(preset("infomaniak.org"), None, "perhaps another's server");
    }

    #[test]
    fn what_is_not_built_in_is_none() {
        assert!(built_in("preset:nosuch").is_none());
        assert!(built_in("preset:").is_none());
    }
}
