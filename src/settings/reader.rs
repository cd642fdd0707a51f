//! What a key may hold. Detectors, providers and the agent each have a table of keys and read their values
//! here, so that every mistake is told in the same words, with its place, and none is told twice.

mod egress;
mod hosts;
mod key;
mod secrets;

pub use key::{key, secret, Key, Need, SECRET_FORMS};

use crate::net::http::Url;
use crate::settings::{shown, Entry, Place, Problem, Section};
use crate::types::secret::Secret;
use crate::types::spelling::{duration, meant};
use std::cell::RefCell;
use std::path::Path;

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
            "" => "the agent's own settings".to_string(),
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
            self.wrong(entry, "the value is missing");
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
                return Err("text after the closing quote".to_string());
            }
            Ok(value.to_string())
        })
    }

    /// A text that must be there.
    pub fn needed(&self, key: &str) -> Option<String> {
        if self.entry(key).is_none() {
            self.lacking(format!("'{key}' is missing"));
        }
        self.text(key)
    }

    pub fn flag(&self, key: &str) -> Option<bool> {
        self.with(key, |value| match value {
            "yes" | "true" | "on" | "1" => Ok(true),
            "no" | "false" | "off" | "0" => Ok(false),
            other => Err(format!("'{}' is neither yes nor no", shown(other))),
        })
    }

    /// One of a few words, as its index.
    pub fn choice(&self, key: &str, words: &[&str]) -> Option<usize> {
        self.with(key, |value| {
            words
                .iter()
                .position(|word| *word == value)
                .ok_or_else(|| format!("'{}' is none of {}{}", shown(value), words.join(", "), meant(value, words)))
        })
    }

    pub fn number(&self, key: &str, least: i64, most: i64) -> Option<i64> {
        self.with(key, |value| match value.parse::<i64>() {
            Ok(n) if (least..=most).contains(&n) => Ok(n),
            _ => Err(format!("'{}' is not a number from {least} to {most}", shown(value))),
        })
    }

    /// A length of time in seconds, at least `least`.
    pub fn duration(&self, key: &str, least: i64) -> Option<i64> {
        self.with(key, |value| match duration(value) {
            Some(seconds) if seconds >= least => Ok(seconds),
            Some(_) => Err(format!("'{}' is too short: at least {least}s", shown(value))),
            None => Err(format!("'{}' is not a length of time: write 30s, 5m, 2h or 28d", shown(value))),
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
        let told = "http:// would send the password in the clear";
        match self.section.get(key) {
            Some(entry) => self.wrong(entry, format!("{told}: use https://, or say allow_plaintext = yes")),
            // Nobody can edit a preset that is built in.
            None => {
                self.lacking(format!("the preset's {told}: say allow_plaintext = yes if you accept that"));
            }
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
                // Nothing is made of a section with a mistake; what else is wrong with it is told too.
                self.wrong(entry, "a user name with ':' or a control character cannot be sent (RFC 7617)");
            }
        }
    }

    /// Items between commas, none of them empty.
    pub fn list(&self, key: &str) -> Option<Vec<String>> {
        self.with(key, |value| {
            let items: Vec<String> = value.split(',').map(|item| item.trim().to_string()).collect();
            match items.iter().any(String::is_empty) {
                true => Err("an item of the list is empty: write a, b".to_string()),
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
            let words = crate::sys::process::split(value)?;
            match words.is_empty() {
                true => Err("the command is missing".to_string()),
                false => Ok(words),
            }
        })
    }

    /// Notes each key that no table offers, with the nearest that one does.
    pub fn refuse_unknown(&self, tables: &[&[Key]], kind: &str) {
        self.refuse_misplaced(tables, kind, &[]);
    }

    /// The same; keys that belong before the first section are told so.
    pub fn refuse_misplaced(&self, tables: &[&[Key]], kind: &str, elsewhere: &[Key]) {
        for entry in &self.section.entries {
            let offered = || tables.iter().copied().flatten();
            if offered().any(|key| key.matches(&entry.key)) {
                continue;
            }
            let mut words: Vec<String> = Vec::new();
            for key in offered() {
                let forms: &[&str] = if key.secret { &SECRET_FORMS } else { &[""] };
                words.extend(forms.iter().map(|form| format!("{}{form}", key.name)));
            }
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let hint = match meant(&entry.key, &words) {
                _ if elsewhere.iter().any(|key| key.matches(&entry.key)) => {
                    ": it is the agent's own and belongs before the first section".to_string()
                }
                hint if hint.is_empty() => format!(": {kind} takes {}", words.join(", ")),
                hint => hint,
            };
            let text = format!("unknown key '{}' in {}{hint}", entry.key, self.name());
            self.note(&entry.place, text);
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
                "x.conf:1: flag: 'maybe' is neither yes nor no",
                "x.conf:2: n: '500' is not a number from 1 to 10",
                "x.conf:3: t: 'soon' is not a length of time: write 30s, 5m, 2h or 28d",
                "x.conf:4: u: no user and password in a URL; use the keys 'user' and 'password_file'",
                "x.conf:5: w: 'coma' is none of comma, separate: did you mean 'comma'?",
                "x.conf:6: l: an item of the list is empty: write a, b",
                "x.conf:7: e: the value is missing",
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
        assert_eq!(told[0].to_string(), "x.conf:6: token_env: the variable HOMING_NO_SUCH is not set");
    }

    #[test]
    fn unknown_keys_are_told_with_the_nearest() {
        let settings = settings("[home]\npasword = x\nqqq = 1\ntoken_file = /x\n");
        let facts = SectionReader::new(&settings.sections[1], None);
        facts.refuse_unknown(&[&[key("user", "")], &[secret("password", "")]], "dyndns2");
        let told: Vec<String> = facts.finish().0.iter().map(Problem::to_string).collect();
        assert_eq!(told[0], "x.conf:2: unknown key 'pasword' in [home]: did you mean 'password'?");
        assert!(
            told[1].starts_with("x.conf:3: unknown key 'qqq' in [home]: dyndns2 takes user, password, password_file")
        );
        assert_eq!(told.len(), 3);
    }
}
