//! What a service is like, in the words of a table: told from its preset and its protocol's keys, so that no table has
//! to be kept beside them.

use crate::provider::{contract::Protocol, template};
use crate::settings::reader::Need;
use crate::settings::Section;
use crate::types::address::Family;
use crate::types::json::{array, quote, Object};

/// What an operator wants to know of a service before choosing it.
pub struct Traits {
    /// By family, in the order of [`Family::BOTH`].
    pub families: [bool; 2],
    /// Whether one request carries both.
    pub together: bool,
    /// Whether one request carries several hosts.
    pub lists: bool,
    /// The keys that a section has to say besides `provider` and `hosts`; `*` marks a secret.
    pub needs: Vec<String>,
    /// Where credentials travel, if that is known here.
    pub sent: Option<&'static str>,
    pub refresh: Option<String>,
}

/// The traits of a protocol, or of a preset of it.
pub fn traits(protocol: &Protocol, preset: Option<&Section>) -> Traits {
    let value = |key: &str| preset.and_then(|preset| preset.get(key)).map(|entry| entry.value.as_str());
    let shape = (protocol.name == "template").then(|| template::shape(preset));
    let on = |family: Family| {
        value(family.name()) != Some("off") && shape.as_ref().is_none_or(|shape| shape.families[family as usize])
    };
    let families = Family::BOTH.map(on);
    let joint = match &shape {
        Some(shape) => shape.together,
        None => protocol.lists || value("dual").is_some_and(|dual| dual != "separate"),
    };
    Traits {
        families,
        together: joint && families == [true, true],
        lists: protocol.lists || value("batch") == Some("yes"),
        needs: needs(protocol, preset),
        sent: match &shape {
            Some(shape) => shape.sent,
            None => (protocol.name == "dyndns2").then_some("header"),
        },
        refresh: value("refresh").map(str::to_string),
    }
}

/// The keys that a section has to say; `*` marks a secret.
fn needs(protocol: &Protocol, preset: Option<&Section>) -> Vec<String> {
    let set = |name: &str| preset.is_some_and(|preset| preset.get(name).is_some());
    let needed = protocol.keys.iter().filter(|key| match key.need {
        Need::No => false,
        Need::Yes => !set(key.name),
        Need::IfUsed => template::needs(preset, key.name),
    });
    needed.map(super::shown).collect()
}

impl Traits {
    /// Adds them to an object of `--list --json`.
    pub fn tell(&self, object: Object) -> Object {
        let families = Family::BOTH.into_iter().filter(|family| self.families[*family as usize]);
        object
            .raw("needs", &array(self.needs.iter().map(|key| quote(key))))
            .raw("families", &array(families.map(|family| quote(family.name()))))
            .flag("together", self.together)
            .flag("lists", self.lists)
            .maybe("sent", self.sent)
            .maybe("refresh", self.refresh.as_deref())
    }

    /// The same in a sentence.
    pub fn sentence(&self) -> String {
        let families = match (self.families, self.together) {
            ([true, true], true) => "IPv4 and IPv6 in one request",
            ([true, true], false) => "IPv4 and IPv6, a request each",
            ([_, true], _) => "IPv6 only",
            _ => "IPv4 only",
        };
        let hosts = if self.lists { "several hosts in one request" } else { "hosts one by one" };
        let sent = self.sent.map_or(String::new(), |place| format!("; credentials in the {place}"));
        format!("{families}; {hosts}{sent}")
    }
}
