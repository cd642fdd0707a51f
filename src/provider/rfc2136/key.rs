//! The key of a section, from whichever keys of the settings tell it.

use crate::net::tsig::{self, Key, Material};
use crate::settings::reader::{SectionReader, SECRET_FORMS};
use crate::types::spelling::alternatives;

/// `Some(None)` where the section says that there is none; `None` after a mistake, which is noted.
pub fn key(facts: &SectionReader<'_>) -> Option<Option<Key>> {
    let given = |base: &str| SECRET_FORMS.iter().find_map(|form| facts.entry(&format!("{base}{form}")));
    let (whole, secret) = (given("key"), given("secret"));
    let off = facts.choice("tsig", &["on", "off"]) == Some(1);
    if let Some(entry) = whole.or(secret).or(facts.entry("key_name")).filter(|_| off) {
        facts.wrong(entry, "conflicts with tsig = off: remove one");
        return None;
    }
    let name = facts.text("key_name");
    let algorithm = facts.text("algorithm").and_then(|text| {
        let known = tsig::algorithm(&text);
        if let (None, Some(entry)) = (known, facts.entry("algorithm")) {
            let (text, known) = (crate::settings::shown(&text), alternatives(&tsig::algorithms()));
            facts.wrong(entry, format!("'{text}' is invalid: use {known}"));
        }
        known
    });
    let (material, entry) = match (whole, secret) {
        _ if off => return Some(None),
        (None, None) => {
            facts.lacking("no key is set: add key_file, or key_name and secret_file, or tsig = off");
            return None;
        }
        (Some(_), Some(entry)) => {
            facts.wrong(entry, "conflicts with 'key' or 'key_file', which contains a secret: remove one");
            return None;
        }
        (Some(entry), None) => {
            let text = facts.document("key")?;
            let file = entry.key.ends_with("_file").then_some(entry.value.as_str());
            match tsig::read_key(text.expose(), name.as_deref(), file) {
                Ok(material) => (material, entry),
                Err(why) => {
                    facts.wrong(entry, why);
                    return None;
                }
            }
        }
        (None, Some(entry)) => (Material { name: None, algorithm: None, secret: facts.secret("secret")? }, entry),
    };
    // What is said beside a key may not be another than what the key says: one of the two is a mistake.
    let same = |one: &str, other: &str| one.trim_end_matches('.').eq_ignore_ascii_case(other.trim_end_matches('.'));
    if let (Some(own), Some(entry)) = (&material.name, facts.entry("key_name")) {
        if !same(own, &entry.value) {
            let (name, own) = (crate::settings::shown(&entry.value), crate::settings::shown(own));
            facts.wrong(entry, format!("'{name}' is not the name of the key: write '{own}', or remove the line"));
            return None;
        }
    }
    if let (Some(own), Some(said), Some(entry)) = (material.algorithm, algorithm, facts.entry("algorithm")) {
        if own != said {
            let text = crate::settings::shown(&entry.value);
            facts.wrong(entry, format!("'{text}' is not the algorithm of the key: write {own}, or remove the line"));
            return None;
        }
    }
    let Some(name) = material.name.or(name) else {
        facts.lacking("'key_name' is missing: add the name of the key, as the server has it");
        return None;
    };
    let algorithm = material.algorithm.or(algorithm).unwrap_or("hmac-sha256");
    Key::new(&name, algorithm, &material.secret).map_err(|why| facts.wrong(entry, why)).ok().map(Some)
}
