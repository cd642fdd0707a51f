//! Which providers there are: the table of protocols, and the presets, which are rows of facts in `presets/*.ini`
//! written as a user would write them. Nothing here knows what is inside any of them.

mod afraid;
mod api_error;
mod cloudflare;
pub mod contract;
mod duckdns;
mod dyndns2;
mod lookup;
mod requests;
mod rest;
mod rfc2136;
mod slots;
pub mod synonyms;
pub mod template;

use crate::net::http::Url;
use crate::settings::{Section, Settings};
use crate::types::spelling;
use contract::Protocol;

/// A row, whole only in a build with the Cargo feature.
macro_rules! row {
    ($module:ident, $feature:literal) => {{
        const ROW: Protocol = $module::PROTOCOL;
        ROW.with($feature, cfg!(feature = $feature))
    }};
}

/// The protocols that each have code of their own.
const OWN: &[Protocol] = &[
    dyndns2::PROTOCOL,
    row!(template, "template"),
    row!(duckdns, "apis"),
    row!(afraid, "apis"),
    row!(cloudflare, "cloudflare"),
    row!(rfc2136, "rfc2136"),
];

/// Every protocol that a build can have; see [`Protocol::make`].
pub fn rows() -> impl Iterator<Item = &'static Protocol> {
    OWN.iter().chain(rest::PROTOCOLS)
}

/// All protocols of this build.
pub fn protocols() -> impl Iterator<Item = &'static Protocol> {
    rows().filter(|protocol| protocol.make.is_some())
}

/// What to print of a provider that this build leaves out.
pub fn left_out(name: &str) -> Option<String> {
    let preset = built_in(&format!("preset:{name}"));
    let name = match preset.as_ref().and_then(|preset| preset.get("protocol")) {
        Some(protocol) => &protocol.value,
        None => name,
    };
    let row = rows().find(|row| row.name == name || row.names.contains(&name))?;
    row.make.is_none().then(|| spelling::left_out(row.feature))
}

/// Whether a key holds a secret in any section.
pub fn is_secret(key: &str) -> bool {
    protocols().flat_map(|protocol| protocol.keys).any(|known| known.secret && known.name == key)
}

/// What a service or a detector needs that a build has not is left out of its text.
macro_rules! built_in {
    ($($text:ident, $feature:literal, $file:literal;)*) => {
        $(
            #[cfg(feature = $feature)]
            macro_rules! $text { () => { include_str!($file) }; }
            #[cfg(not(feature = $feature))]
            macro_rules! $text { () => { "" }; }
        )*
    };
}
built_in! {
    https, "tls", "presets/https.ini";
    more, "tls", "presets/more.ini";
    further, "detectors", "presets/detectors.ini";
}
/// Detectors first, see [`place`].
const WHOLE: &str = concat!(https!(), further!(), include_str!("presets/plain.ini"), more!());
#[cfg(feature = "advice")]
const PRESETS: &str = WHOLE;
/// Its comments are for `--list`.
#[cfg(not(feature = "advice"))]
const PRESETS: &str = {
    const LENGTH: usize = without_comments::<{ WHOLE.len() }>(WHOLE.as_bytes()).1;
    const BARE: [u8; LENGTH] = without_comments(WHOLE.as_bytes()).0;
    match std::str::from_utf8(&BARE) {
        Ok(text) => text,
        Err(_) => panic!("whole lines were taken out"),
    }
};

/// The lines of a text that are no comments, and how long they are.
#[cfg(not(feature = "advice"))]
const fn without_comments<const LENGTH: usize>(text: &[u8]) -> ([u8; LENGTH], usize) {
    let (mut bare, mut length, mut at, mut comment) = ([0; LENGTH], 0, 0, false);
    while at < text.len() {
        if at == 0 || text[at - 1] == b'\n' {
            comment = text[at] == b'#';
        }
        if !comment {
            bare[length] = text[at];
            length += 1;
        }
        at += 1;
    }
    (bare, length)
}

/// The detectors that are asked where the settings name none.
pub const USUAL_DETECTORS: &str = if cfg!(feature = "tls") { "ipify, opendns" } else { "opendns" };
/// Begins a line with the further names of a built-in section.
const NAMES: &str = "\nnames = ";

/// A protocol of this build by one of its names.
pub fn protocol(name: &str) -> Option<&'static Protocol> {
    let by_name = protocols().find(|protocol| protocol.name == name);
    by_name.or_else(|| protocols().find(|protocol| protocol.names.contains(&name)))
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
        None => protocol(name).map(|found| (found, None)),
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
        for (name, what) in presets.into_iter().filter(|(name, _)| left_out(name).is_none()) {
            assert!(what.is_empty() != cfg!(feature = "advice"), "{name}: {what}");
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
    #[cfg_attr(not(all(feature = "tls", feature = "apis", feature = "rfc2136")), ignore = "needs all services")]
    fn a_service_has_several_names_and_no_other_has_one_of_them() {
        let mut names: Vec<&str> = protocols().map(|protocol| protocol.name).collect();
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
