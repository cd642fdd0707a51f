//! What a preset's texts tell of its service, for those who list it.

use super::TEXTS;
use crate::provider::slots::slots;
use crate::settings::Section;

/// What a preset's texts tell of a service.
pub struct Shape {
    /// By family, in the order of [`Family::BOTH`](crate::types::address::Family::BOTH).
    pub families: [bool; 2],
    pub together: bool,
    /// Where its credentials travel.
    pub sent: Option<&'static str>,
}

/// The shape of a preset; without one, of what a template can be.
pub fn shape(preset: Option<&Section>) -> Shape {
    let Some(preset) = preset else { return Shape { families: [true, true], together: true, sent: None } };
    let value = |key: &str| preset.get(key).map_or("", |entry| entry.value.as_str());
    let has = |key: &str, wanted: &[&str]| slots(value(key)).any(|slot| wanted.contains(&slot));
    let secret = ["password", "token"];
    Shape {
        families: [
            !value("url").is_empty(),
            !value("url6").is_empty() || has("url", &["ips", "ipv6"]) || !has("url", &["ipv4"]),
        ],
        together: value("url6").is_empty() && has("url", &["ips", "ipv4"]),
        sent: match () {
            () if has("url", &secret) => Some("URL"),
            () if has("body", &secret) => Some("body"),
            () => Some("header"),
        },
    }
}

/// Whether a section that names this preset has to say the key; without a preset, what the example needs.
pub fn needs(preset: Option<&Section>, key: &str) -> bool {
    let Some(preset) = preset else { return key == "token" };
    let uses = |slot: &str| {
        TEXTS.iter().filter_map(|text| preset.get(text)).any(|entry| slots(&entry.value).any(|used| used == slot))
    };
    let auth = preset.get("auth").map(|entry| entry.value.as_str());
    let wanted = match key {
        "user" | "password" => uses(key) || auth == Some("basic"),
        "token" => uses(key) || auth == Some("bearer"),
        "zone" => ["zone", "name", "sub", "root"].into_iter().any(uses),
        "id" => uses(key),
        _ => false,
    };
    wanted && preset.get(key).is_none()
}
