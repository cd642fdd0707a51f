//! What one service expects and answers (`service.txt` in its folder), and the shared conversations that are played
//! with it. The facts are stated in that file, not asked of the program: a wrong preset has to fail.

use crate::testbed::base64;
use std::collections::{BTreeMap, BTreeSet};

/// The password or token in every `service.txt`.
const SECRET: &str = "s3cret";

/// The facts a `service.txt` may state. tests/README.md describes them.
const FACTS: [&str; 18] = [
    "protocol",
    "host",
    "second-host",
    "url",
    "login",
    "lists",
    "ipv4",
    "ipv6",
    "both",
    "changed",
    "header",
    "body",
    "updated",
    "unchanged",
    "refused",
    "reason",
    "garbage",
    "complaint",
];
/// Facts that every service has, stated in its file or its protocol's.
const NEEDED: [&str; 8] = ["host", "url", "ipv4", "updated", "refused", "reason", "garbage", "complaint"];

/// The facts of one service, or those common to the services of a protocol.
#[derive(Clone, Debug, Default)]
pub struct Service {
    name: String,
    facts: BTreeMap<String, String>,
    /// The lines of the config section other than `provider`, `url` and `hosts`.
    settings: Vec<String>,
}

/// A conversation with placeholders, and which services it is for.
#[derive(Debug)]
pub struct Shared {
    protocol: Option<String>,
    with: Vec<String>,
    without: Vec<String>,
    text: String,
}

impl Service {
    /// Parses a file. `protocol` returns the facts of a protocol by its name, which apply where the file states none.
    pub fn parse(name: &str, text: &str, protocol: impl Fn(&str) -> Option<Service>) -> Result<Service, String> {
        let (mut facts, mut settings) = (BTreeMap::new(), None);
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            let wrong = |why: &str| format!("line {}: {why}: {line}", number + 1);
            match (&mut settings, line) {
                (None, "[settings]") => settings = Some(Vec::new()),
                (Some(settings), line) => settings.push(line.to_string()),
                (None, line) => {
                    let (key, value) = line.split_once(" = ").ok_or_else(|| wrong("a fact reads: name = value"))?;
                    if !FACTS.contains(&key) {
                        return Err(wrong("no such fact"));
                    }
                    if facts.insert(key.to_string(), value.to_string()).is_some() {
                        return Err(wrong("this fact is stated twice"));
                    }
                }
            }
        }
        let mut service = match facts.get("protocol") {
            Some(name) => protocol(name).ok_or_else(|| format!("no service.txt of the protocol {name}"))?,
            None => Service::default(),
        };
        service.name = name.to_string();
        service.facts.extend(facts);
        service.facts.retain(|_, value| value != "none");
        if let Some(settings) = settings {
            service.settings = settings;
        }
        service.check().map(|()| service)
    }

    /// Whether it is a service, not the common facts of a protocol.
    pub fn is_complete(&self) -> bool {
        self.fact("protocol").is_some()
    }

    pub fn fact(&self, name: &str) -> Option<&str> {
        self.facts.get(name).map(String::as_str)
    }

    /// The keys that a section for it has beside `provider` and `hosts`.
    pub fn keys(&self) -> BTreeSet<&str> {
        let keys = self.settings.iter().filter_map(|line| Some(line.split_once(" = ")?.0));
        keys.chain(self.has("url").then_some("url")).collect()
    }

    fn check(&self) -> Result<(), String> {
        if !self.is_complete() {
            return Ok(());
        }
        if let Some(missing) = NEEDED.iter().find(|fact| self.fact(fact).is_none()) {
            return Err(format!("'{missing}' is missing"));
        }
        for needs_ipv6 in ["both", "changed"] {
            if self.fact(needs_ipv6).is_some() && self.fact("ipv6").is_none() {
                return Err(format!("'{needs_ipv6}' is stated, but not 'ipv6'"));
            }
        }
        match self.settings.iter().any(|line| line.ends_with(&format!("= {SECRET}"))) {
            true => Ok(()),
            false => Err(format!("the settings have no password or token = {SECRET}")),
        }
    }

    /// The second hostname: stated, or the first with `b.` instead of `a.`.
    fn second_host(&self) -> Option<String> {
        let stated = self.fact("second-host").map(String::from);
        stated.or_else(|| Some(format!("b.{}", self.fact("host")?.strip_prefix("a.")?)))
    }

    fn has(&self, fact: &str) -> bool {
        match fact {
            "second-host" => self.second_host().is_some(),
            // The value of the protocols is the test server without a path, so that the preset's own path is used.
            "url" => self.fact("url") != Some("{url}"),
            fact => self.fact(fact).is_some(),
        }
    }

    /// The shared conversation with this service's facts in it: one that can be parsed and played.
    pub fn fill(&self, shared: &Shared) -> Result<String, String> {
        let mut filled = String::new();
        let mut rest = shared.text.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or("a { without its }")?;
            filled += before;
            match self.placeholder(name)? {
                Some(text) => filled += &text,
                // `{url}` and others are filled in when the conversation is played.
                None => filled += &format!("{{{name}}}"),
            }
            rest = after;
        }
        Ok(filled + rest)
    }

    fn placeholder(&self, text: &str) -> Result<Option<String>, String> {
        let words: Vec<&str> = text.split(' ').collect();
        let needed = |name: &str| {
            self.fact(name)
                .map(String::from)
                .ok_or_else(|| format!("'{name}' is not in the service.txt of {}", self.name))
        };
        Ok(Some(match words[..] {
            ["service"] => self.name.clone(),
            ["service-url"] => needed("url")?,
            ["settings"] => self.settings.join("\n"),
            ["second-host"] => self.second_host().ok_or("there is no second host")?,
            [name @ ("host" | "reason" | "complaint")] => needed(name)?,
            ["second", address] => {
                let host = self.second_host().ok_or("there is no second host")?;
                self.request(&needed("ipv4")?, &host, &[address])?
            }
            // The request after IPv6 alone changed: usually the one that is sent for both.
            ["changed", ref addresses @ ..] => {
                let line = self.fact("changed").map_or_else(|| needed("both"), |line| Ok(line.to_string()))?;
                self.request(&line, &needed("host")?, addresses)?
            }
            [name @ ("ipv4" | "ipv6" | "both"), ref addresses @ ..] => {
                self.request(&needed(name)?, &needed("host")?, addresses)?
            }
            [name @ ("updated" | "unchanged" | "refused" | "garbage"), ref address @ ..] => {
                self.reply(&needed(name)?, address)?
            }
            ["dry-run", name, ref addresses @ ..] => {
                filled(&needed(name)?, &needed("host")?, &escaped(addresses)).replace("{secret}", "***")
            }
            _ => return Ok(None),
        }))
    }

    /// The lines of a request, all but the first with their `> `.
    fn request(&self, line: &str, host: &str, addresses: &[&str]) -> Result<String, String> {
        let fill = |text: &str| filled(text, host, addresses).replace("{secret}", SECRET);
        let (method, url) = line.split_once(' ').ok_or_else(|| format!("a request reads: METHOD URL: {line}"))?;
        let path = url.split_once("://").map_or(Some(0), |(scheme, rest)| Some(scheme.len() + 3 + rest.find('/')?));
        let path = &url[path.ok_or_else(|| format!("this URL has no path: {url}"))?..];
        let mut lines = vec![format!("{method} {}", fill(path))];
        lines.push(match self.fact("login") {
            Some(user) => format!("Authorization: Basic {}", base64(format!("{}:{SECRET}", fill(user)).as_bytes())),
            None => "!Authorization".to_string(),
        });
        lines.extend(self.fact("header").map(&fill));
        if let Some(body) = self.fact("body") {
            // A form. Unlike a target it is compared byte for byte.
            lines.extend([String::new(), filled(body, host, &escaped(addresses))]);
        }
        Ok(lines.join("\n> "))
    }

    /// The lines of a reply: `(401) body`, or a body alone with status 200.
    fn reply(&self, text: &str, address: &[&str]) -> Result<String, String> {
        let host = self.fact("host").unwrap_or_default();
        let body = filled(text, host, address);
        let stated = body.strip_prefix('(').and_then(|rest| rest.split_once(')'));
        Ok(match stated {
            Some((status, "")) => status.to_string(),
            Some((status, body)) => format!("{status}\n<\n< {}", body.trim_start()),
            None => format!("200\n<\n< {body}"),
        })
    }
}

/// Addresses as they are sent in a query or a form.
fn escaped(addresses: &[&str]) -> Vec<String> {
    addresses.iter().map(|address| address.replace(':', "%3A")).collect()
}

/// A fact with a host and addresses in it: `{ip}` is the first, `{ipv4}` and `{ipv6}` are the first and the last.
fn filled<S: AsRef<str>>(text: &str, host: &str, addresses: &[S]) -> String {
    let first = addresses.first().map_or("", AsRef::as_ref);
    let last = addresses.last().map_or("", AsRef::as_ref);
    text.replace("{host}", host).replace("{ip}", first).replace("{ipv4}", first).replace("{ipv6}", last)
}

impl Shared {
    /// Reads a file: `[services]` with the conditions, if there are any, then a conversation.
    pub fn parse(text: &str) -> Result<Shared, String> {
        let mut shared = Shared { protocol: None, with: Vec::new(), without: Vec::new(), text: text.to_string() };
        let Some((comment, rest)) = text.split_once("[services]\n") else { return Ok(shared) };
        let at = rest.find("[config]\n").ok_or("there is no [config]")?;
        for line in rest[..at].lines() {
            let (key, value) =
                line.split_once(" = ").ok_or_else(|| format!("a condition reads: with = fact: {line}"))?;
            let names: Vec<String> = value.split(", ").map(String::from).collect();
            if let Some(name) = names.iter().find(|name| key != "protocol" && !FACTS.contains(&name.as_str())) {
                return Err(format!("no such fact: {name}"));
            }
            match key {
                "protocol" => shared.protocol = Some(value.to_string()),
                "with" => shared.with = names,
                "without" => shared.without = names,
                _ => return Err(format!("no such condition: {line}")),
            }
        }
        shared.text = format!("{comment}{}", &rest[at..]);
        Ok(shared)
    }

    /// Whether it is for this service.
    pub fn is_for(&self, service: &Service) -> bool {
        self.protocol.as_deref().is_none_or(|protocol| service.fact("protocol") == Some(protocol))
            && self.with.iter().all(|fact| service.has(fact))
            && !self.without.iter().any(|fact| service.has(fact))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULTS: &str = "host = a.example.com
url = {url}
login = alice
updated = good {ip}
refused = (401) badauth
reason = badauth
garbage = <html>
complaint = <html>
[settings]
user = alice
password = s3cret
";

    fn service(text: &str) -> Result<Service, String> {
        Service::parse("joker", text, |name| {
            (name == "dyndns2").then(|| Service::parse(name, DEFAULTS, |_| None).unwrap())
        })
    }

    fn played(service: &Service, text: &str) -> String {
        service.fill(&Shared::parse(text).unwrap()).unwrap()
    }

    const JOKER: &str = "protocol = dyndns2\nipv4 = GET https://svc.joker.com/nic/update?hostname={host}&myip={ip}\n";

    #[test]
    fn a_shared_conversation_is_filled_with_the_facts_of_the_service() {
        let joker = service(JOKER).unwrap();
        let shared =
            "provider = {service}\nurl = {service-url}\n{settings}\n> {ipv4 198.41.0.4}\n< {updated 198.41.0.4}\n";
        assert_eq!(
            played(&joker, shared),
            "provider = joker\nurl = {url}\nuser = alice\npassword = s3cret\n\
             > GET /nic/update?hostname=a.example.com&myip=198.41.0.4\n> Authorization: Basic YWxpY2U6czNjcmV0\n\
             < 200\n<\n< good 198.41.0.4\n"
        );
        assert_eq!(played(&joker, "< {refused}"), "< 401\n<\n< badauth");
        assert_eq!(
            played(&joker, "> {second 192.0.2.1}").lines().next(),
            Some("> GET /nic/update?hostname=b.example.com&myip=192.0.2.1")
        );
        assert_eq!(
            played(&joker, "> {dry-run ipv4 2620:fe::fe}"),
            "> GET https://svc.joker.com/nic/update?hostname=a.example.com&myip=2620%3Afe%3A%3Afe"
        );
    }

    #[test]
    fn a_service_overrides_what_its_protocol_states() {
        let text = format!("{JOKER}login = none\nheader = X: {{ip}}\nbody = h={{host}}\nupdated = (204)\n");
        let own = service(&text).unwrap();
        let request = played(&own, "> {ipv4 198.41.0.4}");
        assert!(
            request.ends_with("myip=198.41.0.4\n> !Authorization\n> X: 198.41.0.4\n> \n> h=a.example.com"),
            "{request}"
        );
        assert_eq!(played(&own, "< {updated 198.41.0.4}"), "< 204");
    }

    #[test]
    fn a_shared_conversation_is_played_with_the_services_that_it_is_for() {
        let only_four = service(JOKER).unwrap();
        let both = service(&format!("{JOKER}ipv6 = GET https://x.example/\nboth = GET https://x.example/\n")).unwrap();
        let for_them = |conditions: &str| {
            let shared = Shared::parse(&format!("# c\n[services]\n{conditions}\n[config]\n")).unwrap();
            (shared.is_for(&only_four), shared.is_for(&both))
        };
        assert_eq!(for_them("without = ipv6"), (true, false));
        assert_eq!(for_them("with = ipv6, both"), (false, true));
        assert_eq!(for_them("protocol = template"), (false, false));
        assert_eq!(for_them("protocol = dyndns2\nwithout = url"), (true, true));
    }

    #[test]
    fn mistakes_in_a_service_file_are_reported() {
        for (text, why) in [
            ("protocol = dyndns2\n", "'ipv4' is missing"),
            ("protocol = dyndns3\n", "no service.txt of the protocol dyndns3"),
            ("ipv4\n", "line 1: a fact reads"),
            ("ip4 = GET /\n", "line 1: no such fact"),
            ("host = a\nhost = b\n", "line 2: this fact is stated twice"),
            ("protocol = dyndns2\nipv4 = GET /\nboth = GET /\n", "'both' is stated, but not 'ipv6'"),
            ("protocol = dyndns2\nipv4 = GET /\n[settings]\nuser = alice\n", "the settings have no password"),
        ] {
            let error = service(text).unwrap_err();
            assert!(error.starts_with(why), "{text:?}: {error}");
        }
        let joker = service(JOKER).unwrap();
        let missing = joker.fill(&Shared::parse("> {ipv6 2620:fe::fe}").unwrap()).unwrap_err();
        assert!(missing.contains("'ipv6' is not in the service.txt of joker"), "{missing}");
    }
}
