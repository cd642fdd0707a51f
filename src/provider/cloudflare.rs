//! Cloudflare's DNS API: the section's settings, checked without a network. `push.rs` does the work, `plan.rs` says
//! what is to be written, `write.rs` writes it, `list.rs` reads listings, `talk.rs` makes one call, `errors.rs` knows
//! the codes.

mod errors;
mod list;
mod plan;
mod push;
mod talk;
#[cfg(test)]
mod tests;
mod write;

use super::contract::{HostResult, HostUpdate, Protocol, Provider, PushContext};
use super::lookup::{self, given, hosts_under, optional};
use crate::net::http::Url;
use crate::settings::reader::{key, secret, Key, SectionReader, SECRET_FORMS};
use crate::settings::{shown, Entry};
use crate::types::hostname::Host;
use crate::types::secret::Secret;
use plan::Extras;

/// The API's base.
const API: &str = "https://api.cloudflare.com/client/v4";

/// The keys that a section takes.
const KEYS: &[Key] = &[
    key("url", "the API's base"),
    secret("token", "an API token with Zone:DNS:Edit").needed(),
    key("email", "instead of a token: the account's address"),
    secret("key", "with email: the Global API Key"),
    key("zone", "the zone's name, when it should not be looked up"),
    key("zone_id", "the zone's id (32 hex digits): saves a request"),
    key("ttl", "1 (automatic) or 60 to 86400 seconds; left alone by default"),
    key("proxied", "yes or no; left alone by default"),
    key("comment", "a note on the record; left alone by default"),
    key("create", "no: never create a missing record (default: yes)"),
];

/// With what we log in.
enum Login {
    Token(Secret),
    Key { email: String, key: Secret },
}

impl Login {
    fn headers(&self) -> Vec<(&'static str, String)> {
        match self {
            Login::Token(token) => vec![("Authorization", format!("Bearer {}", token.expose()))],
            Login::Key { email, key } => {
                vec![("X-Auth-Email", email.clone()), ("X-Auth-Key", key.expose().to_string())]
            }
        }
    }
}

/// One account at Cloudflare.
struct Cloudflare {
    url: Url,
    login: Login,
    zone: Option<Host>,
    zone_id: Option<String>,
    extras: Extras,
}

impl Provider for Cloudflare {
    fn push(&self, batch: &[HostUpdate], line: &mut PushContext<'_>) -> Vec<HostResult> {
        push::push(self, batch, line)
    }
}

pub const PROTOCOL: Protocol = Protocol {
    name: "cloudflare",
    names: &["cloudflare.com", "cloudflare.com-v4"],
    what: "Cloudflare's DNS API",
    lists: true,
    proxy_key: "proxied",
    keys: KEYS,
    make: Some(make),
    ..Protocol::PLAIN
};

/// Reads a section. Mistakes are noted in `facts`; then there is no provider.
fn make(facts: &SectionReader<'_>, plaintext: bool) -> Option<Box<dyn Provider>> {
    build(facts, plaintext).map(|made| Box::new(made) as Box<dyn Provider>)
}

fn build(facts: &SectionReader<'_>, plaintext: bool) -> Option<Cloudflare> {
    // Everything is read before anything is given up, so that all mistakes are told.
    let url = base(facts, plaintext);
    let login = login(facts);
    let zone = optional(facts, "zone", zone);
    let zone_id = optional(facts, "zone_id", zone_id);
    let ttl = optional(facts, "ttl", ttl);
    let comment = optional(facts, "comment", comment);
    let proxied = given(facts, "proxied", facts.flag("proxied"));
    let create = given(facts, "create", facts.flag("create"));
    let (zone, create) = (zone?, create?);
    if let Some(zone) = &zone {
        hosts_under(facts, zone)?;
    }
    let extras = Extras { ttl: ttl?, proxied: proxied?, comment: comment?, create: create.unwrap_or(true) };
    Some(Cloudflare { url: url?, login: login?, zone, zone_id: zone_id?, extras })
}

fn base(facts: &SectionReader<'_>, plaintext: bool) -> Option<Url> {
    let Some(entry) = facts.entry("url") else {
        return Url::parse(API).ok();
    };
    let url = facts.guarded_url("url", plaintext)?;
    if url.resource().contains('?') {
        facts.wrong(entry, format!("the URL contains a query (?...): remove it; the default is {API}"));
        return None;
    }
    Some(url)
}

/// The entry in whichever form a secret was given.
fn form<'a>(facts: &SectionReader<'a>, base: &str) -> Option<&'a Entry> {
    SECRET_FORMS.iter().find_map(|form| facts.entry(&format!("{base}{form}")))
}

fn login(facts: &SectionReader<'_>) -> Option<Login> {
    match (form(facts, "token"), facts.entry("email"), form(facts, "key")) {
        (Some(entry), None, None) => {
            let token = checked(facts, entry, facts.secret("token")?)?;
            let text = token.expose();
            if text.len() == 37 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
                facts.wrong(entry, "this looks like a Global API Key: set it as 'key', together with 'email'");
                return None;
            }
            Some(Login::Token(token))
        }
        (None, Some(at), Some(entry)) => {
            let email = facts.text("email").filter(|email| {
                let good = is_email(email);
                if !good {
                    facts.wrong(at, format!("'{}' is not an email address: write the account's address", shown(email)));
                }
                good
            });
            let key = facts.secret("key").and_then(|key| checked(facts, entry, key));
            Some(Login::Key { email: email?, key: key? })
        }
        (Some(token), Some(other), _) | (Some(token), None, Some(other)) => {
            let (key, place) = (&token.key, &token.place);
            facts.wrong(other, format!("conflicts with '{key}' ({place}): set either a token, or email and key"));
            None
        }
        (None, Some(_), None) => {
            facts.lacking(
                "'email' needs 'key_file' (the Global API Key), which is missing: add it, or use only 'token_file'",
            );
            None
        }
        (None, None, Some(_)) => {
            facts.lacking("'key' needs 'email', which is missing: add it, or set an API token as 'token_file'");
            None
        }
        (None, None, None) => {
            facts.lacking(
                "'token_file' is missing: create a token at https://dash.cloudflare.com/profile/api-tokens with the \
                 template \"Edit zone DNS\"",
            );
            None
        }
    }
}

/// A token or key as Cloudflare makes them. What is wrong is told without repeating it.
fn checked(facts: &SectionReader<'_>, entry: &Entry, secret: Secret) -> Option<Secret> {
    let text = secret.expose();
    let good = text.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\'');
    let bearer = text.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("bearer"));
    if good && !bearer {
        return Some(secret);
    }
    facts.wrong(entry, "the secret contains a space, a quote, a non-ASCII character or 'Bearer': remove it");
    None
}

fn is_email(text: &str) -> bool {
    let plain = text.bytes().all(|b| b.is_ascii_graphic() && !b"\"'<>,;".contains(&b));
    plain && text.split_once('@').is_some_and(|(user, at)| !user.is_empty() && at.contains('.') && !at.contains('@'))
}

fn zone(text: &str) -> Result<Host, String> {
    if text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(format!("'{text}' looks like a zone ID: set it as 'zone_id'"));
    }
    lookup::zone(text)
}

fn zone_id(text: &str) -> Result<String, String> {
    if text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(text.to_ascii_lowercase());
    }
    let name = text.contains('.') && Host::new(text).is_ok();
    let hint = if name { "set a zone name as 'zone'" } else { "copy it from the zone's overview page" };
    Err(format!("'{}' is not 32 hex digits: {hint}", shown(text)))
}

fn ttl(text: &str) -> Result<i64, String> {
    match text.parse::<i64>() {
        // 30 is for Enterprise zones; others are told by code 9021.
        Ok(ttl) if ttl == 1 || (30..=86_400).contains(&ttl) => Ok(ttl),
        _ => Err(format!("invalid TTL '{}': use 1 (automatic) or 60 to 86400", shown(text))),
    }
}

fn comment(text: &str) -> Result<String, String> {
    if text.chars().any(char::is_control) {
        return Err(format!("'{}' contains a control character: remove it", shown(text)));
    }
    match text.chars().count() {
        0..=500 => Ok(text.to_string()),
        length => Err(format!("the comment has {length} characters: use at most 500, or 100 in a free zone")),
    }
}

#[cfg(test)]
mod settings_tests {
    use super::*;
    use crate::settings::Settings;

    /// What is told about a section of these lines.
    fn told(lines: &str) -> Vec<String> {
        let mut settings = Settings::empty();
        settings.parse(&format!("[dns]\n{lines}"), "x.conf");
        let facts = SectionReader::new(&settings.sections[1], None);
        let made = make(&facts, false).is_some();
        let problems: Vec<String> = facts.finish().0.iter().map(|p| p.text.clone()).collect();
        assert_eq!(made, problems.is_empty(), "{problems:?}");
        problems
    }

    #[test]
    fn a_good_section_has_nothing_to_tell() {
        for lines in [
            "token = v1.0-abc_DEF",
            "email = a@example.org\nkey = 0123456789abcdef0123456789abcdef01234",
            "token = cf-canary-0\nzone = Example.NET\nhosts = example.net, *.a.example.net\nttl = 1\nproxied = no\ncreate = no",
            "token = cf-canary-0\nzone_id = 023E105f4ecef8ad9ca31a8372d0c353\nttl = 30\ncomment = kept by homing",
            "token = cf-canary-0\nurl = http://127.0.0.1:8080/client/v4",
        ] {
            assert_eq!(told(lines), [""; 0], "{lines}");
        }
    }

    #[test]
    fn mistakes_are_told_before_anything_is_sent() {
        for (lines, want) in [
            ("", "[dns]: 'token_file' is missing: create a token at"),
            ("email = a@example.org", "[dns]: 'email' needs 'key_file'"),
            ("key = cf-canary-1", "[dns]: 'key' needs 'email'"),
            ("token = cf-canary-0\nemail = a@example.org", "email: conflicts with 'token' (x.conf:2)"),
            ("token = cf-canary-0\nkey = cf-canary-1", "key: conflicts with 'token' (x.conf:2)"),
            ("token = \"Bearer abc\"", "token: the secret contains a space, a quote"),
            ("token = bearerabc", "token: the secret contains a space, a quote"),
            ("token = \"\\\"abc\\\"\"", "token: the secret contains a space, a quote"),
            ("token = tokén", "token: the secret contains a space, a quote"),
            ("token = 0123456789abcdef0123456789abcdef01234", "token: this looks like a Global API Key"),
            ("email = nobody\nkey = cf-canary-1", "email: 'nobody' is not an email address: "),
            ("token = cf-canary-0\nzone = a b", "zone: 'a b': ' ' at position 2 is invalid in a hostname"),
            ("token = cf-canary-0\nzone = *.example.net", "zone: a zone cannot be a wildcard"),
            (
                "token = cf-canary-0\nzone = 023e105f4ecef8ad9ca31a8372d0c353",
                "zone: '023e105f4ecef8ad9ca31a8372d0c353' looks like a zone ID",
            ),
            (
                "token = cf-canary-0\nzone = example.org\nhosts = a.example.net",
                "zone: host 'a.example.net' is not in the zone",
            ),
            (
                "token = cf-canary-0\nzone_id = example.net",
                "zone_id: 'example.net' is not 32 hex digits: set a zone name as",
            ),
            ("token = cf-canary-0\nzone_id = 123", "zone_id: '123' is not 32 hex digits: copy"),
            ("token = cf-canary-0\nttl = 5", "ttl: invalid TTL '5': use 1"),
            ("token = cf-canary-0\nproxied = maybe", "proxied: 'maybe' is invalid: use yes or no"),
            (
                "token = cf-canary-0\nurl = http://example.net/",
                "url: 'http://example.net' would send the password unencrypted",
            ),
            ("token = cf-canary-0\nurl = https://example.net/?a=b", "url: the URL contains a query"),
        ] {
            let problems = told(lines);
            assert!(problems.len() == 1 && problems[0].starts_with(want), "{lines}: {problems:?}");
        }
        assert_eq!(told("ttl = 0\nzone_id = x\ncreate = x").len(), 4);
        assert_eq!(comment(&"ü".repeat(501)).is_err(), comment("a\tb").is_err());
    }
}
