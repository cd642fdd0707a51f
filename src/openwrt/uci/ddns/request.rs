//! How a service of ddns-scripts is told: its URL, with the places that ddns-scripts fills, as a request of `template`;
//! or its options where a provider of ours wants them.

use super::{joined, Service};
use crate::openwrt::uci::Translated;
use crate::provider::named;

/// A place of a URL, the option that fills it, and the slot and key of `template` that stand for it.
static PLACES: [(&str, &str, &str, &str); 3] = [
    ("[USERNAME]", "username", "{user}", "user"),
    ("[PASSWORD]", "password", "{password}", "password"),
    ("[PARAMENC]", "param_enc", "{token}", "token"),
];

impl Service<'_> {
    /// A request of the service's own, with ddns-scripts' places in it.
    pub(super) fn url(&mut self, url: String, answer: Option<&str>, from: &str) {
        self.say("provider", "template", "");
        let host = self.host();
        let mut url = match url.strip_prefix("http://").filter(|_| self.flag("use_https")) {
            Some(rest) => ["https://", rest].concat(),
            None => url,
        };
        // Credentials before the host are for HTTP's own log-in.
        let begin = url.find("://").map_or(0, |at| at + 3);
        let end = url[begin..].find(['/', '?']).map_or(url.len(), |at| begin + at);
        let mut said = [false; 3];
        if let Some(at) = url[begin..end].rfind('@') {
            let login: String = url.drain(begin..=begin + at).collect();
            let login = &login[..at];
            let (user, password) = login.split_once(':').unwrap_or((login, ""));
            self.say("auth", "basic", from);
            for (number, text) in [user, password].iter().enumerate() {
                let (place, option, _, key) = PLACES[number];
                let value = if *text == place { self.needed(option) } else { text };
                self.say(key, &value.replace("[DOMAIN]", "{host}"), option);
                said[number] = true;
            }
        }
        for (number, (place, option, slot, key)) in PLACES.iter().enumerate() {
            if url.contains(place) {
                url = url.replace(place, slot);
                if !said[number] {
                    self.say(key, self.needed(option), option);
                    said[number] = true;
                }
            }
        }
        for (place, option) in [("[DOMAIN]", "domain"), ("[PARAMOPT]", "param_opt")] {
            if url.contains(place) {
                let value = self.needed(option);
                url = url.replace(place, if value == host { "{host}" } else { value });
            }
        }
        url = url.replace("[IP]", "{ip}");
        self.say("url", &url, from);
        if url.starts_with("http://") && said.contains(&true) {
            self.say("allow_plaintext", "yes", "use_https");
            self.note("use_https", "the password is sent for everybody to read: option use_https '1'");
        }
        self.answer(answer, &url, from);
    }

    /// What a good answer is. The words of dyndns2 need no telling; without any word every answer that is not one of
    /// its refusals counts, as it did there.
    fn answer(&mut self, answer: Option<&str>, url: &str, from: &str) {
        let answer = answer.unwrap_or_default();
        if answer == "good|nochg" || (answer.is_empty() && url.contains("/nic/update?")) {
            return;
        }
        let plain = !answer.contains(|letter| ".^$*+?()[]{}\\,\"#;".contains(letter));
        if plain && !answer.is_empty() {
            return self.say("success", &["*", &answer.replace('|', ", *")].concat(), from);
        }
        self.say("success", "*", from);
        if !answer.is_empty() {
            self.note(from, "homing reads no expressions in answers: any answer but a refusal counts");
        }
    }

    /// A provider of ours in the place of a script: each key from where the row says.
    pub(super) fn script(&mut self, row: &'static str, out: &mut Translated) {
        let (ours, keys) = row.split_once(' ').unwrap_or((row, ""));
        self.say("provider", ours, "");
        let bearer = ours == "cloudflare" && self.value("username") == Some("Bearer");
        for (key, from) in keys.split(' ').filter_map(|word| word.split_once('=')) {
            let key = match key {
                "email" if bearer => continue,
                "key" if bearer => "token",
                key => key,
            };
            if self.section.get(key).is_none() {
                self.key(key, from);
            }
        }
        if ours == "rfc2136" && self.flag("force_dnstcp") {
            self.say("transport", "tcp", "force_dnstcp");
        }
        // The words of param_opt, where it has such, are told one by one.
        let words = row.contains("param_opt.");
        for option in ["param_enc", "param_opt"] {
            for word in self.value(option).unwrap_or_default().split_whitespace() {
                let name = if words { word.split('=').next().unwrap_or(word) } else { option };
                if !row.contains(name) {
                    out.remark(self.place(option), &[name, " is not used: homing finds the record by its name"]);
                }
            }
        }
    }

    /// One key of a row of `SCRIPTS`.
    fn key(&mut self, key: &str, from: &'static str) {
        let (from, needed) = from.strip_suffix('?').map_or((from, true), |from| (from, false));
        let (first, second) = from.split_once(['.', '/', ':', ',']).unwrap_or((from, ""));
        if from == "@" {
            let (host, zone) = joined(self.needed("domain"));
            self.say(key, &host, "domain");
            if let Some(zone) = zone {
                self.say("zone", zone, "domain");
            }
        } else if key == "hosts" && !second.is_empty() {
            // The name in its zone.
            let (name, zone) = (self.needed(first), self.needed(second));
            let whole = match name.strip_suffix(zone) {
                Some(front) if front.is_empty() || front.ends_with('.') => name.to_string(),
                _ if name == "@" => zone.to_string(),
                _ => [name, ".", zone].concat(),
            };
            self.say(key, &whole, first);
            self.say("zone", zone, second);
        } else if from == "parent" {
            let domain = self.needed("domain");
            let parent = domain.split_once('.').map_or("", |(_, parent)| parent);
            self.say(key, if parent.contains('.') { parent } else { domain }, "domain");
        } else if from.starts_with(|letter: char| letter.is_ascii_digit()) {
            self.say(key, from, "");
        } else if let Some(value) = self.value(first) {
            let value = match from.as_bytes().get(first.len()) {
                None => value.to_string(),
                // nsupdate(1): a key without an algorithm is HMAC-MD5's.
                Some(b':') => {
                    let algorithm = if value.contains(':') { "" } else { "hmac-md5:" };
                    [algorithm, value, ":", self.needed(second)].concat()
                }
                Some(b',') => [value, ",", self.needed(second)].concat(),
                Some(b'/') => [value.trim_end_matches('/'), "/", second].concat(),
                Some(_) => {
                    let words = value.split_whitespace().rev();
                    match words.filter_map(|word| word.strip_prefix(second)?.strip_prefix('=')).next() {
                        Some(word) => word.to_string(),
                        None => return,
                    }
                }
            };
            self.say(key, &value, first);
        } else if needed {
            self.needed(first);
        }
    }

    /// A provider of ours, with the credentials where it wants them.
    pub(super) fn provider(&mut self, ours: &str) {
        self.say("provider", ours, "");
        self.host();
        let token = named(ours).is_some_and(|(protocol, preset)| match preset {
            Some(preset) => {
                preset.entries.iter().any(|entry| entry.value.contains("{token}") || entry.value == "bearer")
            }
            None => protocol.keys.iter().any(|known| known.name == "token"),
        });
        if token {
            self.say("token", self.needed("password"), "password");
        } else {
            if let Some(user) = self.value("username") {
                self.say("user", user, "username");
            }
            self.say("password", self.needed("password"), "password");
        }
    }
}
