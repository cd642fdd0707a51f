//! The key of a section, from whichever keys of the settings tell it.

use crate::net::tsig::{self, Key, Material};
use crate::settings::reader::{SectionReader, SECRET_FORMS};

/// `Some(None)` where the section says that there is none; `None` after a mistake, which is noted.
pub fn key(facts: &SectionReader<'_>) -> Option<Option<Key>> {
    let given = |base: &str| SECRET_FORMS.iter().find_map(|form| facts.entry(&format!("{base}{form}")));
    let (whole, secret) = (given("key"), given("secret"));
    let off = facts.choice("tsig", &["on", "off"]) == Some(1);
    if let Some(entry) = whole.or(secret).or(facts.entry("key_name")).filter(|_| off) {
        facts.wrong(entry, "tsig = off wants no key");
        return None;
    }
    let name = facts.text("key_name");
    let algorithm = facts.text("algorithm").and_then(|text| {
        let known = tsig::algorithm(&text);
        if let (None, Some(entry)) = (known, facts.entry("algorithm")) {
            let text = crate::settings::shown(&text);
            facts.wrong(entry, format!("'{text}' is none of {}", tsig::algorithms().join(", ")));
        }
        known
    });
    let (material, entry) = match (whole, secret) {
        _ if off => return Some(None),
        (None, None) => {
            facts.lacking("how are updates signed? 'key_file', or 'key_name' and 'secret_file', or tsig = off");
            return None;
        }
        (Some(_), Some(entry)) => {
            facts.wrong(entry, "the key is said twice: key_file holds a secret");
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
            facts.wrong(entry, format!("the key is called '{}'", crate::settings::shown(own)));
            return None;
        }
    }
    if let (Some(own), Some(said), Some(entry)) = (material.algorithm, algorithm, facts.entry("algorithm")) {
        if own != said {
            facts.wrong(entry, format!("the key is one of {own}"));
            return None;
        }
    }
    let Some(name) = material.name.or(name) else {
        facts.lacking("'key_name' is missing: the server knows the key by it");
        return None;
    };
    let algorithm = material.algorithm.or(algorithm).unwrap_or("hmac-sha256");
    Key::new(&name, algorithm, &material.secret).map_err(|why| facts.wrong(entry, why)).ok().map(Some)
}
