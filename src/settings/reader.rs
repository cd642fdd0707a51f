//! What a key may hold. Detectors, providers and the agent each have a table of keys and read their values
//! here, so that every mistake is told in the same words, with its place, and none is told twice.

mod egress;
mod hosts;
mod key;
mod secrets;

pub use key::{key, secret, Key, Need, SECRET_FORMS};

use crate::net::http::Url;
use crate::settings::synonyms::synonym;
use crate::settings::{shown, Entry, Place, Problem, Section};
use crate::types::secret::Secret;
use crate::types::spelling::{alternatives, duration, nearest};
use std::cell::RefCell;
use std::path::Path;

/// So few values are always listed.
const FEW: usize = 4;
/// The most values that a message lists.
const MOST_LISTED: usize = 12;

/// What is said of a section's key before the first section.
pub const BELONGS_IN_A_SECTION: &str = "belongs in a section: write it below a heading such as [home]";
/// What is said of a global key in a section.
pub const BELONGS_AT_THE_TOP: &str = "is a global key: write it before the first section";

/// The values of one section, over those of the preset that it names. Mistakes are collected, not returned.
pub struct SectionReader<'a> {
    pub section: &'a Section,
    preset: Option<&'a Section>,
    problems: RefCell<Vec<Problem>>,
    /// What is allowed and may surprise.
    warnings: RefCell<Vec<String>>,
    /// Secrets asked for so far, by the plain form of their key.
    secrets: RefCell<Vec<(String, Option<Secret>)>>,
}

impl<'a> SectionReader<'a> {
    pub fn new(section: &'a Section, preset: Option<&'a Section>) -> SectionReader<'a> {
        SectionReader {
            section,
            preset,
            problems: RefCell::default(),
            warnings: RefCell::default(),
            secrets: RefCell::default(),
        }
    }

    /// The mistakes, and the warnings.
    pub fn finish(self) -> (Vec<Problem>, Vec<String>) {
        (self.problems.into_inner(), self.warnings.into_inner())
    }

    /// How this section is called in messages.
    pub fn name(&self) -> String {
        match self.section.name.as_str() {
            "" => "the global settings".to_string(),
            name => format!("[{name}]"),
        }
    }

    /// Notes a mistake about a key that is there.
    pub fn wrong(&self, entry: &Entry, text: impl AsRef<str>) {
        self.note(&entry.place, format!("{}: {}", entry.key, text.as_ref()));
    }

    /// Notes a mistake about the section as a whole.
    pub fn lacking(&self, text: impl AsRef<str>) {
        let text = format!("{}: {}", self.name(), text.as_ref());
        self.note(&self.section.place.clone(), text);
    }

    fn note(&self, place: &Place, text: String) {
        self.problems.borrow_mut().push(Problem { place: place.clone(), text });
    }

    /// The entry for a key: the section's own, else the preset's.
    pub fn entry(&self, key: &str) -> Option<&'a Entry> {
        let own = self.section.get(key);
        own.or_else(|| self.preset.and_then(|preset| preset.get(key)))
    }

    /// All entries that count, for telling whether settings changed.
    pub fn entries(&self) -> impl Iterator<Item = &'a Entry> + '_ {
        let below = self.preset.into_iter().flat_map(|preset| &preset.entries);
        let below = below.filter(|entry| self.section.get(&entry.key).is_none());
        self.section.entries.iter().chain(below)
    }

    /// Reads an entry with `read`, noting what it says is wrong.
    pub fn with<T>(&self, key: &str, read: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let entry = self.entry(key)?;
        if entry.value.is_empty() && !entry.quoted {
            self.wrong(entry, format!("the value is missing: write {} = VALUE, or remove the line", entry.key));
            return None;
        }
        match read(&entry.value) {
            Ok(value) => Some(value),
            Err(why) => {
                self.wrong(entry, why);
                None
            }
        }
    }

    pub fn text(&self, key: &str) -> Option<String> {
        self.with(key, |value| {
            if value.starts_with('"') && !self.entry(key).is_some_and(|entry| entry.quoted) {
                return Err(format!(
                    "text after the closing quote in '{}': put the quotes around all of it",
                    shown(value)
                ));
            }
            Ok(value.to_string())
        })
    }

    /// A text that must be there.
    pub fn needed(&self, key: &str) -> Option<String> {
        if self.entry(key).is_none() {
            self.lacking(format!("'{key}' is missing: add {key} = VALUE"));
        }
        self.text(key)
    }

    pub fn flag(&self, key: &str) -> Option<bool> {
        self.with(key, |value| match value {
            "yes" | "true" | "on" | "1" => Ok(true),
            "no" | "false" | "off" | "0" => Ok(false),
            other => Err(format!("'{}' is invalid: use yes or no", shown(other))),
        })
    }

    /// One of a few words, as its index.
    pub fn choice(&self, key: &str, words: &[&str]) -> Option<usize> {
        self.with(key, |value| {
            words.iter().position(|word| *word == value).ok_or_else(|| {
                let value = shown(value);
                match nearest(&value, words) {
                    Some(meant) if words.len() > FEW => format!("'{value}' is invalid: did you mean '{meant}'?"),
                    None if words.len() > MOST_LISTED => format!("'{value}' is invalid: see homing --list"),
                    _ => format!("'{value}' is invalid: use {}", alternatives(words)),
                }
            })
        })
    }

    pub fn number(&self, key: &str, least: i64, most: i64) -> Option<i64> {
        self.with(key, |value| match value.parse::<i64>() {
            Ok(n) if (least..=most).contains(&n) => Ok(n),
            _ => Err(format!("invalid number '{}': use {least} to {most}", shown(value))),
        })
    }

    /// A length of time in seconds, at least `least`.
    pub fn duration(&self, key: &str, least: i64) -> Option<i64> {
        self.with(key, |value| match duration(value) {
            Some(seconds) if seconds >= least => Ok(seconds),
            Some(_) => Err(format!("'{}' is too short: use at least {least}s", shown(value))),
            None => Err(format!("invalid duration '{}': write for example 30s, 5m, 2h or 28d", shown(value))),
        })
    }

    pub fn url(&self, key: &str) -> Option<Url> {
        // The offending URL is not repeated: it may hold a password.
        self.with(key, Url::parse)
    }

    /// A URL to which credentials are sent: `https://`, or a loopback address, or `allow_plaintext`.
    pub fn guarded_url(&self, key: &str, plaintext: bool) -> Option<Url> {
        let url = self.url(key)?;
        if url.secure() || url.is_loopback() || plaintext {
            return Some(url);
        }
        let host = url.host();
        match self.section.get(key) {
            Some(entry) => self.wrong(
                entry,
                format!("'http://{host}' would send the password unencrypted: use https://, or set allow_plaintext = yes"),
            ),
            // A built-in preset cannot be edited.
            None => self.lacking(format!(
                "the preset's 'http://{host}' would send the password unencrypted: set allow_plaintext = yes if you accept that"
            )),
        }
        None
    }

    /// The entry that says path and query of a service's `url` or `url6`: the section's own, unless that is a server
    /// alone, which stands in for the preset's. A preset's `url6` does not stand beside a `url` with a path.
    pub fn service_entry(&self, key: &str) -> Option<&'a Entry> {
        let own = self.section.get(key).or_else(|| self.section.get("url"));
        let preset = self.preset.and_then(|preset| preset.get(key));
        let Some(own) = own else { return preset };
        match own.value.split_once("://") {
            Some((_, rest)) if !rest.contains(['/', '?']) && preset.is_some() => preset,
            _ => (own.key == key).then_some(own),
        }
    }

    /// The guarded URL of a service, `url` or `url6`.
    pub fn service_url(&self, key: &str, plaintext: bool) -> Option<Url> {
        let says_path = self.service_entry(key)?;
        match self.section.get(key).or_else(|| self.section.get("url")) {
            Some(server) if *server != *says_path => {
                let server = self.guarded_url(&server.key, plaintext)?;
                Url::parse(&says_path.value).ok().map(|url| server.with_resource(url.resource().to_string()))
            }
            _ => self.guarded_url(key, plaintext),
        }
    }

    /// Notes if `user` cannot be sent in a header (RFC 7617).
    pub fn basic_user(&self) {
        if let Some(entry) = self.entry("user") {
            if entry.value.contains(':') || entry.value.contains(|c: char| c.is_control()) {
                // What follows may be the password.
                let name = entry.value.split(|c: char| c == ':' || c.is_control()).next().unwrap_or_default();
                let name = shown(name);
                self.wrong(entry, format!("':' or a control character after '{name}': remove it (RFC 7617)"));
            }
        }
    }

    /// Items between commas, none of them empty.
    pub fn list(&self, key: &str) -> Option<Vec<String>> {
        self.with(key, |value| {
            let items: Vec<String> = value.split(',').map(|item| item.trim().to_string()).collect();
            match items.iter().any(String::is_empty) {
                true => Err(format!("empty item in '{}': write one comma between two items", shown(value))),
                false => Ok(items),
            }
        })
    }

    /// A command line, split at blanks with quotes honoured.
    pub fn command(&self, key: &str) -> Option<Vec<String>> {
        self.with(key, |value| {
            if self.entry(key).is_some_and(|entry| entry.quoted) && Path::new(value).is_file() {
                return Ok(vec![value.to_string()]);
            }
            let words = crate::sys::process::split(value)
                .map_err(|_| format!("unclosed quote in '{}': add the closing quote", shown(value)))?;
            match words.is_empty() {
                true => Err(format!("'{}' contains no command: write {key} = PROGRAM ARGUMENTS", shown(value))),
                false => Ok(words),
            }
        })
    }

    /// Notes each key that no table offers, with the nearest that one does.
    pub fn refuse_unknown(&self, tables: &[&[Key]], kind: &str) {
        self.refuse_misplaced(tables, kind, &[], "");
    }

    /// The same; a key that only the tables `elsewhere` offer is reported with `place`. `kind` is what to look up with
    /// `--list` for all keys; empty for the global keys, or if the provider is not known.
    pub fn refuse_misplaced(&self, tables: &[&[Key]], kind: &str, elsewhere: &[&[Key]], place: &str) {
        for entry in &self.section.entries {
            let offered = || tables.iter().copied().flatten();
            if offered().any(|key| key.matches(&entry.key)) {
                continue;
            }
            let key = entry.key.as_str();
            if elsewhere.iter().copied().flatten().any(|offered| offered.matches(key)) {
                self.note(&entry.place, format!("'{key}' {place}"));
                continue;
            }
            let forms =
                |tables: &[&[Key]]| -> Vec<String> { tables.iter().copied().flatten().flat_map(Key::forms).collect() };
            let (words, others) = (forms(tables), forms(elsewhere));
            let (words, others) = (words.iter().map(String::as_str), others.iter().map(String::as_str));
            let (words, others): (Vec<&str>, Vec<&str>) = (words.collect(), others.collect());
            let section = self.name();
            // A short word is near to many keys: what others call a key comes first.
            let meant = synonym(key, &words, &SECRET_FORMS).or_else(|| nearest(key, &words).map(String::from));
            let hint = match (meant, synonym(key, &others, &SECRET_FORMS)) {
                (Some(meant), _) => format!(": did you mean '{meant}'?"),
                (None, Some(other)) => format!(": '{other}' {place}"),
                (None, None) if kind.is_empty() || cfg!(not(feature = "advice")) => ": see homing.conf(5)".to_string(),
                (None, None) => format!(": see homing --list {kind}"),
            };
            self.note(&entry.place, format!("unknown key '{key}' in {section}{hint}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    fn settings(text: &str) -> Settings {
        let mut settings = Settings::empty();
        settings.parse(text, "x.conf");
        settings
    }

    #[test]
    fn wrong_values_are_told_with_their_place() {
        let settings = settings("flag = maybe\nn = 500\nt = soon\nu = https://a:b@c/\nw = coma\nl = a,,b\ne =\n");
        let facts = SectionReader::new(settings.agent(), None);
        assert_eq!(facts.flag("flag"), None);
        assert_eq!(facts.number("n", 1, 10), None);
        assert_eq!(facts.duration("t", 1), None);
        assert_eq!(facts.url("u"), None);
        assert_eq!(facts.choice("w", &["comma", "separate"]), None);
        assert_eq!(facts.list("l"), None);
        assert_eq!(facts.text("e"), None);
        let told: Vec<String> = facts.finish().0.iter().map(Problem::to_string).collect();
        assert_eq!(
            told,
            [
                "x.conf:1: flag: 'maybe' is invalid: use yes or no",
                "x.conf:2: n: invalid number '500': use 1 to 10",
                "x.conf:3: t: invalid duration 'soon': write for example 30s, 5m, 2h or 28d",
                "x.conf:4: u: the URL contains a user or password: use the keys 'user' and 'password_file' instead",
                "x.conf:5: w: 'coma' is invalid: use comma or separate",
                "x.conf:6: l: empty item in 'a,,b': write one comma between two items",
                "x.conf:7: e: the value is missing: write e = VALUE, or remove the line",
            ]
        );
    }

    #[test]
    fn a_secret_has_one_form() {
        let settings =
            settings("password = \"a b\"\n[two]\npassword = x\npassword_env = Y\n[none]\ntoken_env = HOMING_NO_SUCH\n");
        let facts = SectionReader::new(settings.agent(), None);
        assert_eq!(facts.secret("password").map(|s| s.expose().to_string()), Some("a b".into()));
        let two = SectionReader::new(&settings.sections[1], None);
        assert!(two.secret("password").is_none());
        assert_eq!(two.finish().0.len(), 1);
        let none = SectionReader::new(&settings.sections[2], None);
        assert!(none.secret("token").is_none());
        let told = none.finish().0;
        assert_eq!(
            told[0].to_string(),
            "x.conf:6: token_env: the variable 'HOMING_NO_SUCH' is not set: set it in homing's environment"
        );
    }

    #[test]
    fn unknown_keys_are_told_with_the_nearest() {
        let settings = settings("[home]\npasword = x\nqqq = 1\ntoken_file = /x\n");
        let facts = SectionReader::new(&settings.sections[1], None);
        facts.refuse_unknown(&[&[key("user", "")], &[secret("password", "")]], "dyndns2");
        let told: Vec<String> = facts.finish().0.iter().map(Problem::to_string).collect();
        assert_eq!(told[0], "x.conf:2: unknown key 'pasword' in [home]: did you mean 'password'?");
        assert!(told[1].starts_with("x.conf:3: unknown key 'qqq' in [home]: see homing"), "{}", told[1]);
        assert_eq!(told[2], "x.conf:4: unknown key 'token_file' in [home]: did you mean 'password_file'?");
        assert_eq!(told.len(), 3);
    }
}
