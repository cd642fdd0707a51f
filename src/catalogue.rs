//! `--list`: what there is to choose from, told from the tables that the config is read by.

use crate::config::SECTION_KEYS;
use crate::detect::KINDS;
use crate::json::{array, quote, Object};
use crate::provider::{self, Protocol, PROTOCOLS};
use crate::report::out;
use crate::settings::Section;
use crate::values::{Key, SECRET_FORMS};
use crate::words::meant;

/// Lists everything, a line each.
pub fn all(json: bool) {
    heading(json, "providers (provider = NAME):");
    for protocol in PROTOCOLS {
        item(json, "provider", protocol.name, protocol.what, protocol.keys);
    }
    heading(json, "\npresets (provider = NAME):");
    for (name, what) in provider::built_ins("preset") {
        item(json, "preset", name, what, preset(name).map_or(&[], |(_, protocol)| protocol.keys));
    }
    heading(json, "\ndetectors (ipv4 = NAME, ipv6 = NAME):");
    for (name, what) in provider::built_ins("detector") {
        item(json, "detector", name, what, &[]);
    }
    heading(json, "\nkinds of detectors ([detector:NAME] kind = KIND):");
    for (name, what, keys) in KINDS {
        item(json, "kind", name, what, keys);
    }
    heading(json, "\nkey* also comes as key_file, key_env and key_credential\nhoming --list NAME tells one in full");
}

/// Tells one in full; the error offers the nearest name.
pub fn one(name: &str, json: bool) -> Result<(), String> {
    if let Some(protocol) = provider::protocol(name) {
        full(json, "provider", name, protocol.what, &[&SECTION_KEYS[..2], protocol.keys, &SECTION_KEYS[2..]]);
        example(json, name, protocol, None);
        return Ok(());
    }
    if let Some((section, protocol)) = preset(name) {
        let what = provider::built_ins("preset").into_iter().find(|(known, _)| *known == name);
        full(
            json,
            "preset",
            name,
            what.map_or("", |(_, what)| what),
            &[&SECTION_KEYS[..2], protocol.keys, &SECTION_KEYS[2..]],
        );
        facts(json, &section);
        example(json, name, protocol, Some(&section));
        return Ok(());
    }
    if let Some((_, what, keys)) = KINDS.iter().find(|(kind, ..)| *kind == name) {
        full(json, "kind", name, what, &[keys]);
        kind_example(json, name);
        return Ok(());
    }
    if let Some(section) = provider::built_in(&format!("detector:{name}")) {
        let what = provider::built_ins("detector").into_iter().find(|(known, _)| *known == name);
        full(json, "detector", name, what.map_or("", |(_, what)| what), &[]);
        facts(json, &section);
        heading(json, &format!("\nipv4 = {name}"));
        return Ok(());
    }
    let mut names: Vec<&str> = PROTOCOLS.iter().map(|protocol| protocol.name).collect();
    names.extend(["preset", "detector"].into_iter().flat_map(provider::built_ins).map(|(name, _)| name));
    names.extend(KINDS.iter().map(|(kind, ..)| *kind));
    Err(format!("--list {}: no such provider, preset or detector{}", name.escape_debug(), meant(name, &names)))
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

fn item(json: bool, kind: &str, name: &str, what: &str, keys: &[Key]) {
    match json {
        true => {
            let keys = array(keys.iter().map(|key| quote(&shown(key))));
            out(&Object::new().text("kind", kind).text("name", name).text("what", what).raw("keys", &keys).end());
        }
        // A preset's keys are its protocol's, listed there.
        false if kind == "preset" || keys.is_empty() => out(&format!("  {name:14} {what}")),
        false => {
            let keys: Vec<String> = keys.iter().map(shown).collect();
            out(&format!("  {name:14} {what}\n                 keys: {}", keys.join(", ")));
        }
    }
}

fn full(json: bool, kind: &str, name: &str, what: &str, tables: &[&[Key]]) {
    if json {
        let keys: Vec<Key> = tables.concat();
        return item(json, kind, name, what, &keys);
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
    for entry in section.entries.iter().filter(|_| !json) {
        out(&format!("  {} = {}", entry.key, entry.value));
    }
}

/// A section that can be pasted.
fn example(json: bool, name: &str, protocol: &Protocol, preset: Option<&Section>) {
    if json {
        return;
    }
    let has = |key: &str| preset.is_some_and(|preset| preset.get(key).is_some());
    out(&format!("\n[home]\nprovider = {name}\nhosts = home.example.com"));
    if protocol.keys.iter().any(|key| key.name == "url") && !has("url") {
        if let Some((_, lines)) = URLS.iter().find(|(known, _)| *known == protocol.name) {
            out(lines);
        }
    }
    let takes = |name: &str| protocol.keys.iter().any(|key| key.name == name);
    let needs = |key: &str| match protocol.name == "template" {
        true => provider::template::needs(preset, key),
        false => takes(key) && !(key == "user" && (has("user") || takes("token"))) && !["id", "zone"].contains(&key),
    };
    let lines = [
        ("user", "user = your-user"),
        ("zone", "zone = example.com"),
        ("id", "id = 12345"),
        ("token", "token_file = /etc/homing/home.key"),
        ("password", "password_file = /etc/homing/home.key"),
        ("tsig", "server = ns1.example.com\nkey_file = /etc/homing/ddns.key"),
    ];
    lines.into_iter().filter(|(key, _)| needs(key)).for_each(|(_, line)| out(line));
}

/// Protocols that know no address of their own, and what an example says.
const URLS: [(&str, &str); 2] = [
    ("dyndns2", "url = https://dyndns.example.com/nic/update"),
    ("template", "url = https://ddns.example.com/set?host={host}&key={token}&ip={ip}\nsuccess = OK"),
];

/// A detector that can be pasted: the agent's own keys come before the first section.
fn kind_example(json: bool, kind: &str) {
    let set = match kind {
        "web" => "url = https://api.ipify.org",
        "dns" => "server = 208.67.222.222\nname = myip.opendns.com",
        "stun" => "server = stun.cloudflare.com",
        "interface" => "interface = eth0",
        "file" => "file = /run/wan-ip",
        "command" => "command = /usr/local/bin/wan-ip",
        "fixed" => "address = 198.51.100.7",
        _ => "",
    };
    heading(json, format!("\nipv4 = mine\n\n[detector:mine]\nkind = {kind}\n{set}").trim_end());
}
