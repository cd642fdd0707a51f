//! `--list`: what there is to choose from, told from the tables that the config is read by.

mod traits;

use crate::cli::output::out;
use crate::config::SECTION_KEYS;
use crate::detect::{kinds, FURTHER};
use crate::provider::{self, contract::Protocol};
use crate::settings::reader::{Key, SECRET_FORMS};
use crate::settings::Section;
use crate::types::json::{array, quote, Object};
use crate::types::spelling::{left_out, meant_or_listed, visible};
use traits::{traits, Traits};

/// Lists everything, a line each.
pub fn all(json: bool) {
    heading(json, "providers (provider = NAME):");
    for protocol in provider::protocols() {
        item(json, "provider", protocol.name, protocol.what, protocol.keys, Some(&traits(protocol, None)));
    }
    heading(json, "\npresets (provider = NAME), with the keys that they need:");
    for (name, what) in provider::built_ins("preset") {
        if let Some((section, protocol)) = preset(name) {
            item(json, "preset", name, what, protocol.keys, Some(&traits(protocol, Some(&section))));
        }
    }
    heading(json, "\ndetectors (ipv4 = NAME, ipv6 = NAME):");
    for (name, what) in provider::built_ins("detector") {
        item(json, "detector", name, what, &[], None);
    }
    heading(json, "\nkinds of detectors ([detector:NAME] kind = KIND):");
    for (name, what, keys) in kinds() {
        item(json, "kind", name, what, keys, None);
    }
    heading(json, "\nkey* also comes as key_file, key_env and key_credential\nhoming --list NAME tells one in full");
}

/// Tells one in full, by any of its names; the error offers the nearest.
pub fn one(name: &str, json: bool) -> Result<(), String> {
    if let Some((protocol, section)) = provider::named(name) {
        let name = section.as_ref().map_or(protocol.name, |section| &section.name["preset:".len()..]);
        let what = provider::built_ins("preset").into_iter().find(|(known, _)| *known == name);
        let (kind, what) = match &section {
            Some(_) => ("preset", what.map_or("", |(_, what)| what)),
            None => ("provider", protocol.what),
        };
        let traits = traits(protocol, section.as_ref());
        full(json, kind, name, what, &[&SECTION_KEYS[..3], protocol.keys, &SECTION_KEYS[3..]], Some(&traits));
        if let Some(section) = &section {
            facts(json, section);
            heading(json, &format!("in short: {}", traits.sentence()));
            let also = section.get("names").map_or("", |entry| entry.value.as_str());
            let own = [name].into_iter().chain(also.split(", "));
            if let Some(own) = own.into_iter().find(|own| provider::built_in(&format!("detector:{own}")).is_some()) {
                heading(json, &format!("its own detector: ipv4 = {own}"));
            }
        }
        example(json, name, protocol, section.as_ref(), &traits);
        return Ok(());
    }
    if let Some(why) = provider::closed(name) {
        return Err(format!("--list {name}: closed: {why}"));
    }
    if let Some(why) = provider::left_out(name) {
        return Err(format!("--list {name}: {why}"));
    }
    if let Some((_, what, keys)) = kinds().find(|(kind, ..)| *kind == name) {
        full(json, "kind", name, what, &[keys], None);
        kind_example(json, name);
        return Ok(());
    }
    if let Some(section) = provider::built_in(&format!("detector:{name}")) {
        let what = provider::built_ins("detector").into_iter().find(|(known, _)| *known == name);
        full(json, "detector", name, what.map_or("", |(_, what)| what), &[], None);
        facts(json, &section);
        heading(json, &format!("\nipv4 = {name}"));
        return Ok(());
    }
    if FURTHER.contains(&name) {
        return Err(format!("--list {name}: {}", left_out("detectors")));
    }
    let mut names: Vec<&str> = provider::protocols().map(|protocol| protocol.name).collect();
    names.extend(["preset", "detector"].into_iter().flat_map(provider::built_ins).map(|(name, _)| name));
    names.extend(kinds().map(|(kind, ..)| *kind));
    Err(format!("--list {}: no such provider, preset or detector{}", visible(name), meant_or_listed(name, &names)))
}

fn preset(name: &str) -> Option<(Section, &'static Protocol)> {
    let section = provider::built_in(&format!("preset:{name}"))?;
    let protocol = provider::protocol(&section.get("protocol")?.value)?;
    Some((section, protocol))
}

fn heading(json: bool, text: &str) {
    if !json {
        out(text);
    }
}

fn shown(key: &Key) -> String {
    match key.secret {
        true => format!("{}*", key.name),
        false => key.name.to_string(),
    }
}

fn item(json: bool, kind: &str, name: &str, what: &str, keys: &[Key], traits: Option<&Traits>) {
    if json {
        let keys = array(keys.iter().map(|key| quote(&shown(key))));
        let object = Object::new().text("kind", kind).text("name", name).text("what", what).raw("keys", &keys);
        let object = match traits {
            Some(traits) => traits.tell(object),
            None => object,
        };
        return out(&object.end());
    }
    // A preset's keys are its protocol's, listed there; what it lacks is told here.
    let keys: Vec<String> = match traits.filter(|_| kind == "preset") {
        Some(traits) => traits.needs.clone(),
        None => keys.iter().map(shown).collect(),
    };
    match keys.is_empty() {
        true => out(&format!("  {name:17} {what}")),
        false => out(&format!("  {name:17} {what}\n                    keys: {}", keys.join(", "))),
    }
}

fn full(json: bool, kind: &str, name: &str, what: &str, tables: &[&[Key]], traits: Option<&Traits>) {
    if json {
        let keys: Vec<Key> = tables.concat();
        return item(json, kind, name, what, &keys, traits);
    }
    out(&format!("{name}: {what}"));
    for key in tables.iter().copied().flatten() {
        out(&format!("  {:16} {}", shown(key), key.what));
    }
    let Some(key) = tables.iter().copied().flatten().find(|key| key.secret) else { return };
    out(&format!("{}* is one of:", key.name));
    for (form, what) in SECRET_FORMS.iter().zip([
        "the secret itself",
        "a file with the secret in one line",
        "an environment variable",
        "a name below $CREDENTIALS_DIRECTORY (systemd's LoadCredential=)",
    ]) {
        out(&format!("  {:20} {what}", format!("{}{form}", key.name)));
    }
}

fn facts(json: bool, section: &Section) {
    heading(json, "set already:");
    for entry in section.entries.iter().filter(|entry| !json && entry.key != "names") {
        out(&format!("  {} = {}", entry.key, entry.value));
    }
    if let Some(names) = section.get("names") {
        heading(json, &format!("other names: {}", names.value));
    }
}

/// A section that can be pasted.
fn example(json: bool, name: &str, protocol: &Protocol, preset: Option<&Section>, traits: &Traits) {
    if json {
        return;
    }
    let hosts = match name {
        "duckdns" => "home.duckdns.org",
        "tunnelbroker" => "123456",
        _ => "home.example.com",
    };
    out(&format!("\n[home]\nprovider = {name}\nhosts = {hosts}"));
    for need in &traits.needs {
        match (need.as_str(), protocol.name) {
            ("url", "template") => {
                out("url = https://ddns.example.com/set?host={host}&key={token}&ip={ip}\nsuccess = OK")
            }
            ("url", "powerdns") => out("url = http://127.0.0.1:8081/api/v1/servers/localhost"),
            ("url", _) => out("url = https://dyndns.example.com/nic/update"),
            ("user", _) => out("user = your-user"),
            ("zone", _) => out("zone = example.com"),
            ("email", _) => out("email = you@example.com"),
            ("id", _) => out("id = 12345"),
            ("key*", "rfc2136") => out("server = ns1.example.com\nkey_file = /etc/homing/ddns.key"),
            // What goes with a key is another secret.
            ("secret*", _) => out("secret_file = /etc/homing/home.secret"),
            (secret, _) => out(&format!("{}_file = /etc/homing/home.key", secret.trim_end_matches('*'))),
        }
    }
    let plain = |key: &str| preset.and_then(|preset| preset.get(key)).is_some_and(|url| url.value.starts_with("http:"));
    if plain("url") {
        out("allow_plaintext = yes");
    }
}

/// A detector that can be pasted: the agent's own keys come before the first section.
fn kind_example(json: bool, kind: &str) {
    let set = match kind {
        "web" => "url = https://api.ipify.org",
        "dns" => "server = 208.67.222.222\nname = myip.opendns.com",
        "stun" => "server = stun.cloudflare.com",
        "gateway" => "protocols = nat-pmp, upnp",
        "interface" => "interface = eth0",
        "file" => "file = /run/wan-ip",
        "command" => "command = /usr/local/bin/wan-ip",
        "fixed" => "address = 198.51.100.7",
        _ => "",
    };
    heading(json, format!("\nipv4 = mine\n\n[detector:mine]\nkind = {kind}\n{set}").trim_end());
}
