//! Which family a detector tells. That it cannot tell one is known from the settings, before anybody is asked.

use super::{Kind, NamedDetector};
use crate::settings::reader::{key, Key, SectionReader};
use crate::types::address::Family;

/// What any kind may say of itself.
pub(super) const OFF: &[Key] =
    &[key("ipv4", "off where it tells no IPv4 address"), key("ipv6", "off where it tells no IPv6 address")];

/// Keys by which a section makes another detector of a built-in one.
const ELSEWHERE: [&str; 4] = ["url", "url6", "server", "server6"];

/// The key that counts for a family: `url6` for IPv6 where there is one. A built-in's second value does not stand
/// beside a first one that the section sets itself.
pub(super) fn family_key<'a>(facts: &SectionReader<'_>, one: &'a str, six: &'a str, family: Family) -> &'a str {
    let shadowed = facts.section.get(one).is_some() && facts.section.get(six).is_none();
    match family {
        Family::V6 if facts.entry(six).is_some() && !shadowed => six,
        _ => one,
    }
}

impl NamedDetector {
    /// Whether it can tell an address of this family at all.
    pub fn tells(&self, facts: &SectionReader<'_>, family: Family) -> bool {
        // What is said of a built-in holds where it is, not elsewhere.
        let own = facts.section.get(family.name()).is_some();
        let moved = ELSEWHERE.iter().any(|key| facts.section.get(key).is_some());
        if facts.entry(family.name()).is_some() && (own || !moved) {
            return false;
        }
        match &self.kind {
            Kind::Dns { question, .. } => ["AAAA", "A"][family as usize] != question.kind.name(),
            _ => family == Family::V4 || !self.is_gateway(),
        }
    }
}
