//! How a service of ddns-scripts is told: its URL, with the places that ddns-scripts fills, as a request of `template`;
//! or its credentials where a provider of ours wants them.

use super::{Left, Service};
use crate::provider::{built_in, protocol};

impl Service<'_> {
    /// A request of the service's own, with ddns-scripts' places in it.
    pub(super) fn url(&mut self, url: &str, answer: Option<&str>) -> Result<(), Left> {
        let from = if self.block.get("update_url").is_some() { "update_url" } else { "service_name" };
        let (host, host_from) = self.host()?;
        let mut url = url.to_string();
        if let Some(rest) = url.strip_prefix("http://").filter(|_| self.flag("use_https")) {
            url = format!("https://{rest}");
        }
        self.say("provider", "template", "");
        self.say("hosts", &host, host_from);
        let mut used = Vec::new();
        for (place, option) in [
            ("[USERNAME]", "username"),
            ("[PASSWORD]", "password"),
            ("[PARAMENC]", "param_enc"),
            ("[PARAMOPT]", "param_opt"),
            ("[DOMAIN]", "domain"),
        ] {
            if url.contains(place) && self.value(option).is_none() {
                return Err(self.left(option, format!("{option} is missing")));
            }
        }
        // Credentials before the host are for HTTP's own log-in.
        let authority = url.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?']).next().unwrap_or(""));
        if let Some((login, _)) = authority.rsplit_once('@').map(|(login, host)| (login.to_string(), host.to_string()))
        {
            url = url.replacen(&format!("{login}@"), "", 1);
            self.say("auth", "basic", from);
            let (user, password) = login.split_once(':').unwrap_or((&login, ""));
            for (key, text, place, option) in
                [("user", user, "[USERNAME]", "username"), ("password", password, "[PASSWORD]", "password")]
            {
                let value =
                    if text == place { self.value(option).unwrap_or_default().to_string() } else { text.to_string() };
                self.say(key, &value, option);
                used.push(key);
            }
        }
        let domain = self.value("domain").unwrap_or_default().to_string();
        let parameter = self.value("param_opt").unwrap_or_default().to_string();
        url = url.replace("[DOMAIN]", if domain == host { "{host}" } else { &domain });
        url = url.replace("[PARAMOPT]", &parameter).replace("[IP]", "{ip}");
        for (place, slot, key, option) in [
            ("[USERNAME]", "{user}", "user", "username"),
            ("[PASSWORD]", "{password}", "password", "password"),
            ("[PARAMENC]", "{token}", "token", "param_enc"),
        ] {
            if url.contains(place) {
                url = url.replace(place, slot);
                if !used.contains(&key) {
                    let value = self.value(option).unwrap_or_default().to_string();
                    self.say(key, &value, option);
                    used.push(key);
                }
            }
        }
        self.say("url", &url, from);
        if url.starts_with("http://") && !used.is_empty() {
            self.say("allow_plaintext", "yes", "use_https");
            self.note(
                "use_https",
                format!("[{}]: the password is sent for everybody to read: option use_https '1'", self.block.name),
            );
        }
        self.answer(answer, &url, from);
        Ok(())
    }

    /// What a good answer is. The words of dyndns2 need no telling; without any word every answer that is not one of
    /// its refusals counts, as it did there.
    fn answer(&mut self, answer: Option<&str>, url: &str, from: &str) {
        let words: Vec<&str> = answer.map(|answer| answer.split('|').collect()).unwrap_or_default();
        let plain = words.iter().all(|word| word.chars().all(|c| c.is_alphanumeric() || " _-".contains(c)));
        let dyndns2 = |words: &[&str]| !words.is_empty() && words.iter().all(|word| ["good", "nochg"].contains(word));
        if dyndns2(&words) || (answer.is_none() && url.contains("/nic/update?")) {
            return;
        }
        let marks: Vec<String> = words.iter().map(|word| format!("*{}", word.trim())).collect();
        if plain && !marks.is_empty() {
            return self.say("success", &marks.join(", "), from);
        }
        self.say("success", "*", from);
        if !marks.is_empty() {
            self.note(
                from,
                format!(
                    "[{}]: homing reads no expressions in answers: any answer but a refusal counts",
                    self.block.name
                ),
            );
        }
    }

    /// A provider of ours, with the credentials where it wants them.
    pub(super) fn provider(&mut self, ours: &str) -> Result<(), Left> {
        self.say("provider", ours, "");
        let (host, host_from) = self.host()?;
        let domain = self.value("domain").unwrap_or_default().to_string();
        let (user, password) =
            ["username", "password"].map(|key| self.value(key).unwrap_or_default().to_string()).into();
        match ours {
            "cloudflare" => {
                let (name, zone) = domain.split_once('@').unwrap_or(("", &domain));
                let host = if name.is_empty() { zone.to_string() } else { format!("{name}.{zone}") };
                self.say("hosts", &host, "domain");
                if domain.contains('@') {
                    self.say("zone", zone, "domain");
                }
                if user == "Bearer" {
                    self.say("token", &password, "password");
                } else {
                    self.say("email", &user, "username");
                    self.say("key", &password, "password");
                }
                let parameters = self.value("param_opt").unwrap_or_default().to_string();
                for word in parameters.split_whitespace() {
                    match word.split_once('=') {
                        Some(("zone_id", id)) => self.say("zone_id", id, "param_opt"),
                        _ => self.note(
                            "param_opt",
                            format!(
                                "[{}]: '{word}' is not used: homing finds the record by name and keeps its proxy",
                                self.block.name
                            ),
                        ),
                    }
                }
            }
            "rfc2136" => {
                self.say("hosts", if domain.is_empty() { &host } else { &domain }, "domain");
                let server = self.value("dns_server").unwrap_or_default().to_string();
                // nsupdate(1): a key without an algorithm is HMAC-MD5's.
                let (algorithm, name) = user.split_once(':').unwrap_or(("hmac-md5", &user));
                for (key, value, from) in [
                    ("server", server.as_str(), "dns_server"),
                    ("algorithm", algorithm, "username"),
                    ("key_name", name, "username"),
                    ("secret", &password, "password"),
                    ("ttl", "600", ""),
                ] {
                    self.say(key, value, from);
                }
                if self.flag("force_dnstcp") {
                    self.say("transport", "tcp", "force_dnstcp");
                }
            }
            _ => {
                self.say("hosts", &host, host_from);
                let wants = |word: &str| {
                    built_in(&format!("preset:{ours}"))
                        .is_some_and(|preset| preset.entries.iter().any(|entry| entry.value.contains(word)))
                };
                let takes = |key: &str| {
                    protocol(ours).is_some_and(|protocol| protocol.keys.iter().any(|known| known.name == key))
                };
                if wants("{token}") || wants("bearer") || takes("token") {
                    self.say("token", &password, "password");
                } else {
                    if !user.is_empty() {
                        self.say("user", &user, "username");
                    }
                    self.say("password", &password, "password");
                }
            }
        }
        Ok(())
    }
}
