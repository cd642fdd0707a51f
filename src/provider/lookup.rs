//! What the providers share that keep a zone's records: names and ids as an answer tells them, which of several records
//! is ours, and the settings that all of them take.

use crate::net::http::quoted;
use crate::settings::reader::SectionReader;
use crate::settings::shown;
use crate::types::address::Family;
use crate::types::hostname::Host;

/// Whether an id may stand in a URL and in the memory.
pub fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// A name from an answer as [`Host::ascii`] writes it, so that the two can be compared.
pub fn plain(name: &str) -> String {
    match Host::new(name) {
        Ok(host) if !name.is_ascii() => host.ascii().to_string(),
        _ => name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase(),
    }
}

/// Whether a record of this type excludes addresses of the same name. Porkbun, for one, gives each new domain an ALIAS.
pub fn in_the_way(kind: &str) -> bool {
    ["CNAME", "ALIAS", "ANAME", "URL", "URL301", "URLFWD", "FRAME", "REDIRECT_URL", "FORWARD_URL"].contains(&kind)
}

/// The record that is ours among those of the host's name, of any type; `told` gives a record's type and content.
/// Nothing: it is to be created. The error is why homing does neither, and the way out.
pub fn one<T>(
    records: &[T],
    told: fn(&T) -> (&str, &str),
    family: Family,
    create: bool,
) -> Result<Option<&T>, (String, String)> {
    let kind = family.record();
    if let Some((alias, target)) = records.iter().map(told).find(|(kind, _)| in_the_way(kind)) {
        return Err((
            format!("there is a record of type {alias} with this name, which points to {}", quoted(target)),
            format!("delete the record of type {alias} in the provider's dashboard, or use another name"),
        ));
    }
    let mut found = records.iter().filter(|record| told(record).0 == kind);
    match (found.next(), found.count()) {
        (None, _) if create => Ok(None),
        (None, _) => Err((
            format!("there is no {kind} record of this name, and create = no"),
            format!("create the {kind} record in the dashboard, or set create = yes"),
        )),
        (Some(record), 0) => Ok(Some(record)),
        (Some(_), more) => Err((
            format!("there are {} {kind} records of this name; homing does not guess which one is ours", more + 1),
            "delete all but one in the dashboard".to_string(),
        )),
    }
}

/// A value that may be missing but not wrong.
pub fn given<T>(facts: &SectionReader<'_>, key: &str, value: Option<T>) -> Option<Option<T>> {
    (value.is_some() || facts.entry(key).is_none()).then_some(value)
}

/// The same for one that `read` must like.
pub fn optional<T>(facts: &SectionReader<'_>, key: &str, read: fn(&str) -> Result<T, String>) -> Option<Option<T>> {
    let Some(entry) = facts.entry(key) else {
        return Some(None);
    };
    match read(&facts.text(key)?) {
        Ok(value) => Some(Some(value)),
        Err(why) => {
            facts.wrong(entry, why);
            None
        }
    }
}

/// A zone's name.
pub fn zone(text: &str) -> Result<Host, String> {
    let zone = Host::new(text).map_err(|why| format!("'{}': {why}", shown(text)))?;
    match zone.is_wildcard() {
        true => Err("a zone cannot be a wildcard: write the name without '*.'".to_string()),
        false => Ok(zone),
    }
}

/// Notes the hosts that are not in the zone which the section names.
pub fn hosts_under(facts: &SectionReader<'_>, zone: &Host) -> Option<()> {
    let mut fine = Some(());
    for host in facts.hosts().filter_map(|(_, host)| host.ok()) {
        if !host.under(zone.ascii()) {
            if let Some(entry) = facts.entry("zone") {
                facts.wrong(
                    entry,
                    format!("host '{host}' is not in the zone '{zone}': put it into a section of its own"),
                );
            }
            fine = None;
        }
    }
    fine
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_could_leave_their_place_are_no_ids() {
        for bad in ["", "a/b", "..", "a?b", "a b", "ü", &"a".repeat(65)] {
            assert!(!is_id(bad), "{bad}");
        }
        assert_eq!(plain("BÜCHER.example."), "xn--bcher-kva.example");
        assert_eq!(plain("Sel1._domainkey.Example."), "sel1._domainkey.example");
    }
}
