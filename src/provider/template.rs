//! Services that take a request of a certain form: a URL with places in it, a method, headers, a body, and words that
//! say yes or no. All of it is settings, so a service of this kind is a preset and no code.

mod fill;
pub mod reading;
mod shape;

pub use shape::{needs, shape};

use super::contract::{HostResult, HostUpdate, Protocol, Provider, PushContext, UpdateResult};
use super::requests::{self, Answer, HttpService, UpdateRequest};
use crate::net::http::{clean, Method, Reply, Request, Url};
use crate::provider::slots::{foreign, slots};
use crate::settings::reader::{key, secret as secret_key, Key, SectionReader, SECRET_FORMS};
use crate::settings::shown;
use crate::types::address::Family;
use crate::types::hostname::Host;
use crate::types::secret::{self, percent, Secret};
use crate::types::spelling::nearest;
use fill::fill;
use reading::Reading;
use std::net::IpAddr;

/// What a section may say; presets say most of it.
const KEYS: &[Key] = &[
    key("url", "where updates go, with {host}, {ip}, {password} and others in it").needed(),
    key("url6", "where updates of IPv6 go, if elsewhere"),
    key("method", "get (default), post, put or patch"),
    key("header", "a header: Name: value"),
    key("header2", "another one"),
    key("body", "what is sent with it, as JSON or as a form"),
    key("auth", "none (default), basic (user and password) or bearer (token)"),
    key("user", "account name; {host} stands for the host").if_used(),
    secret_key("password", "password or update key").if_used(),
    secret_key("token", "token or API key").if_used(),
    key("id", "the record's id, where the service has one").if_used(),
    key("zone", "the domain that the hosts are in").if_used(),
    key("other", "what stands for the family that is not updated, such as no"),
    key("success", "texts that say yes (default: the words of dyndns2)"),
    key("unchanged", "texts that say that it was so already"),
    key("refused", "texts that say no"),
];

/// The places that URL, header and body may have.
const SLOTS: [&str; 14] =
    ["host", "name", "sub", "root", "zone", "ip", "ips", "ipv4", "ipv6", "type", "user", "password", "token", "id"];
/// Those of them that hold an address.
const ADDRESSES: [&str; 4] = ["ip", "ips", "ipv4", "ipv6"];
/// The keys whose texts may have places.
const TEXTS: [&str; 5] = ["url", "url6", "header", "header2", "body"];
/// Headers that belong to the request as a whole.
const OURS: [&str; 5] = ["host", "content-length", "connection", "transfer-encoding", "user-agent"];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Auth {
    None,
    Basic,
    Bearer,
}

struct Template {
    url: Url,
    url6: Option<Url>,
    method: Method,
    headers: Vec<(String, String)>,
    body: Option<String>,
    auth: Auth,
    user: Option<String>,
    password: Option<Secret>,
    token: Option<Secret>,
    id: Option<String>,
    zone: Option<Host>,
    other: Option<String>,
    reading: Reading,
    /// No text has a place for the address: the service looks at where the request comes from.
    by_source: bool,
}

pub const PROTOCOL: Protocol = Protocol {
    name: "template",
    names: &["custom"],
    what: "any other HTTP request; needs url",
    keys: KEYS,
    make: Some(make),
    ..Protocol::PLAIN
};

/// Reads a section; notes what is wrong with it.
fn make(facts: &SectionReader<'_>, plaintext: bool) -> Option<Box<dyn Provider>> {
    if facts.entry("url").is_none() {
        facts.lacking("'url' is missing: add url = https://HOST/PATH, or a provider that homing --list shows");
    }
    let url = facts.service_url("url", plaintext);
    let url6 = facts.service_url("url6", plaintext);
    let auth = match facts.choice("auth", &["none", "basic", "bearer"]) {
        Some(1) => Auth::Basic,
        Some(2) => Auth::Bearer,
        _ => Auth::None,
    };
    let method = match facts.choice("method", &["get", "post", "put", "patch"]) {
        Some(1) => Method::Post,
        Some(2) => Method::Put,
        Some(3) => Method::Patch,
        _ => Method::Get,
    };
    let used = places(facts);
    let uses = |slot: &str| used.iter().any(|used| used == slot);
    if let Some(entry) = facts.section.get("ipv6").filter(|entry| entry.value != "off") {
        if url6.is_none() && uses("ipv4") && !["ip", "ips", "ipv6"].into_iter().any(uses) {
            let value = shown(&entry.value);
            facts.wrong(
                entry,
                format!("'{value}' has no effect, because 'url' has no {{ipv6}}: add it, or set ipv6 = off"),
            );
        }
    }
    let basic = auth == Auth::Basic;
    let user = text(facts, "user", basic || uses("user"));
    if basic {
        facts.basic_user();
    }
    let password = hidden(facts, "password", basic || uses("password"));
    let token = hidden(facts, "token", auth == Auth::Bearer || uses("token"));
    let id = text(facts, "id", uses("id"));
    let zone = zone(facts, ["zone", "name", "sub", "root"].into_iter().any(uses));
    let headers = headers(facts, &[&password, &token]);
    Some(Box::new(Template {
        url: url?,
        url6,
        method,
        headers,
        body: facts.text("body"),
        auth,
        user,
        password,
        token,
        id,
        zone,
        other: facts.text("other"),
        reading: Reading::new(facts)?,
        by_source: !ADDRESSES.into_iter().any(uses),
    }))
}

/// The places that the section's texts have; an unknown one is a mistake.
fn places(facts: &SectionReader<'_>) -> Vec<String> {
    let mut used = Vec::new();
    for key in TEXTS {
        let entry = if key.starts_with("url") { facts.service_entry(key) } else { facts.entry(key) };
        let Some(entry) = entry else { continue };
        if let Some(foreign) = foreign(&entry.value) {
            facts.wrong(entry, format!("{foreign} is a placeholder of another program: write {{ip}} and {{host}}"));
        }
        if let Some(open) = fill::unclosed(&entry.value).filter(|_| key.starts_with("url")) {
            let open = crate::settings::shown(open);
            facts.wrong(entry, format!("'{open}' is not a placeholder: write one of {{{}}}", SLOTS.join("}, {")));
        }
        for slot in slots(&entry.value) {
            if !SLOTS.contains(&slot) {
                let hint = match nearest(slot, &SLOTS) {
                    Some(meant) => format!("did you mean {{{meant}}}?"),
                    None => format!("use {{{}}}", SLOTS.join("}, {")),
                };
                facts.wrong(entry, format!("unknown placeholder '{{{}}}': {hint}", shown(slot)));
            }
            if !key.starts_with("url") && ["ips", "ipv4", "ipv6"].contains(&slot) {
                facts.wrong(
                    entry,
                    format!("placeholder '{{{slot}}}' works only in a URL: write {{ip}}, and {{type}} for A or AAAA"),
                );
            }
            used.push(slot.to_string());
        }
    }
    used
}

/// A text that must be there if something uses it, and must not if nothing does.
fn text(facts: &SectionReader<'_>, key: &str, used: bool) -> Option<String> {
    match used {
        true => facts.needed(key),
        false => {
            unused(facts, key);
            None
        }
    }
}

/// The same for a secret.
fn hidden(facts: &SectionReader<'_>, key: &str, used: bool) -> Option<Secret> {
    match used {
        true => facts.needed_secret(key),
        false => {
            SECRET_FORMS.iter().for_each(|form| unused(facts, &format!("{key}{form}")));
            None
        }
    }
}

fn unused(facts: &SectionReader<'_>, key: &str) {
    if let Some(entry) = facts.section.get(key) {
        let base = key.trim_end_matches("_file").trim_end_matches("_env").trim_end_matches("_credential");
        facts.wrong(
            entry,
            format!("the value is not used: put {{{base}}} into url, header or body, or remove the line"),
        );
    }
}

/// The zone, in which all hosts must be.
fn zone(facts: &SectionReader<'_>, used: bool) -> Option<Host> {
    let text = text(facts, "zone", used)?;
    let entry = facts.entry("zone")?;
    let zone = match Host::new(&text) {
        Ok(zone) => zone,
        Err(why) => {
            facts.wrong(entry, format!("'{}': {why}", shown(&text)));
            return None;
        }
    };
    for (host, read) in facts.hosts() {
        if read.is_ok_and(|host| !host.under(zone.ascii())) {
            let (host, zone) = (shown(host), zone.ascii());
            facts.wrong(entry, format!("host '{host}' is not in the zone '{zone}': put it into a section of its own"));
        }
    }
    Some(zone)
}

fn headers(facts: &SectionReader<'_>, secrets: &[&Option<Secret>]) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    for entry in ["header", "header2"].into_iter().filter_map(|key| facts.entry(key)) {
        let Some((name, value)) = entry.value.split_once(':') else {
            // The rest may be a secret.
            let first = entry.value.split_whitespace().next().unwrap_or_default();
            let name = if first == entry.value { "the value" } else { first };
            facts.wrong(entry, format!("'{}' has no colon after it: write NAME: VALUE", shown(name)));
            continue;
        };
        let (name, value) = (name.trim(), value.trim());
        let token = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
        let unclean = secrets.iter().copied().flatten().any(|secret| !clean(secret.expose()));
        if name.is_empty() || !name.bytes().all(token) || OURS.contains(&name.to_ascii_lowercase().as_str()) {
            facts.wrong(entry, format!("header '{}' cannot be set: use another name", shown(name)));
        } else if !clean(value) || (unclean && slots(value).next().is_some()) {
            facts.wrong(entry, format!("the value of header '{name}' is not printable ASCII: change it"));
        } else {
            headers.push((name.to_string(), value.to_string()));
        }
    }
    headers
}

impl Template {
    /// Whether the URL has a place for each family, or for both.
    fn is_joint(&self) -> bool {
        slots(self.url.resource()).any(|slot| ["ips", "ipv4", "ipv6"].contains(&slot))
    }

    /// Whether there is no way to tell this family.
    fn lacks(&self, family: Family) -> bool {
        let url = match (&self.url6, family) {
            (Some(url6), Family::V6) => url6,
            _ => &self.url,
        };
        let of_family = ["ipv4", "ipv6"][family as usize];
        let all: Vec<&str> = slots(url.resource()).filter(|slot| ADDRESSES.contains(slot)).collect();
        !all.is_empty() && !all.iter().any(|slot| ["ip", "ips", of_family].contains(slot))
    }

    fn updates(&self, batch: &[HostUpdate]) -> Vec<UpdateRequest> {
        let joint = self.is_joint();
        let updates = batch.iter().enumerate().flat_map(|(index, wanted)| match joint && self.url6.is_none() {
            true => requests::together(index, wanted, self.other.is_none()),
            false => requests::one_by_one(index, wanted),
        });
        updates.collect()
    }

    fn request(&self, update: &UpdateRequest, batch: &[HostUpdate]) -> Request {
        let host = update.hosts.first().map_or("", |host| batch[*host].host.ascii());
        let all: Vec<String> = update.sent.iter().flatten().map(IpAddr::to_string).collect();
        let of = |family: Family| update.sent[family as usize].map(|ip| ip.to_string()).or_else(|| self.other.clone());
        let value = |slot: &str| -> Option<String> {
            let secret = |secret: &Option<Secret>| secret.as_ref().map(|secret| secret.expose().to_string());
            match slot {
                "host" => Some(host.to_string()),
                "sub" => self
                    .zone
                    .as_ref()
                    .map(|zone| relative(host, zone.ascii()))
                    .filter(|name| *name != "@")
                    .map(str::to_string),
                "root" => self.zone.as_ref().map(|zone| (host == zone.ascii()).to_string()),
                "name" => self.zone.as_ref().map(|zone| relative(host, zone.ascii()).to_string()),
                "zone" => self.zone.as_ref().map(|zone| zone.ascii().to_string()),
                "ip" => all.first().cloned(),
                "ips" => Some(all.join(",")),
                "ipv4" => of(Family::V4),
                "ipv6" => of(Family::V6),
                "type" => Some(if update.updates == [Family::V6] { "AAAA" } else { "A" }.to_string()),
                "user" => self.user.as_ref().map(|user| user.replace("{host}", host)),
                "password" => secret(&self.password),
                "token" => secret(&self.token),
                "id" => self.id.clone(),
                _ => None,
            }
        };
        let url = match (&self.url6, update.updates.as_slice()) {
            (Some(url6), [Family::V6]) => url6,
            _ => &self.url,
        };
        let mut request = Request::get(url.with_resource(fill::resource(url.resource(), &value)));
        request.method = self.method;
        if self.by_source && url.literal().is_none() {
            request.family = update.updates.first().copied();
        }
        for (name, text) in &self.headers {
            request.named.push((name.clone(), fill(text, &value, &str::to_string).unwrap_or_default()));
        }
        if let Some(body) = &self.body {
            let json = body.starts_with(['{', '[']);
            let encode: fn(&str) -> String = if json { fill::in_json } else { percent };
            if !self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
                let kind = if json { "application/json" } else { "application/x-www-form-urlencoded" };
                request.headers.push(("Content-Type", kind.to_string()));
            }
            request.body = fill(body, &value, &encode);
        } else if self.method != Method::Get {
            request.body = Some(String::new());
        }
        let authorization = match (self.auth, &self.user, &self.password, &self.token) {
            (Auth::Basic, Some(user), Some(password), _) => {
                let user = user.replace("{host}", host);
                format!("Basic {}", secret::basic(&user, password).expose())
            }
            (Auth::Bearer, _, _, Some(token)) => format!("Bearer {}", token.expose()),
            _ => return request,
        };
        request.headers.push(("Authorization", authorization));
        request
    }
}

/// A host's name within its zone; the zone itself is `@`.
fn relative<'a>(host: &'a str, zone: &str) -> &'a str {
    match host.strip_suffix(zone).unwrap_or(host).trim_end_matches('.') {
        "" => "@",
        name => name,
    }
}

impl Provider for Template {
    fn push(&self, batch: &[HostUpdate], line: &mut PushContext<'_>) -> Vec<HostResult> {
        let mut updates = self.updates(batch);
        let mut results = Vec::new();
        for update in &mut updates {
            let (no, yes) = update.updates.iter().partition(|family| self.lacks(**family));
            update.updates = yes;
            results.extend(no.into_iter().map(|family: Family| HostResult {
                host: update.hosts[0],
                family,
                verdict: UpdateResult::Rejected {
                    why: format!("this service takes no {family} address"),
                    remedy: format!("say {} = off in this section", family.name()),
                },
                warning: None,
            }));
        }
        updates.retain(|update| !update.updates.is_empty());
        results.extend(requests::send_all(&Batch { form: self, batch }, &updates, line.http));
        results
    }
}

struct Batch<'a> {
    form: &'a Template,
    batch: &'a [HostUpdate],
}

impl HttpService for Batch<'_> {
    fn request(&self, update: &UpdateRequest) -> Request {
        self.form.request(update, self.batch)
    }

    fn read(&self, reply: &Reply, update: &UpdateRequest) -> Vec<Answer> {
        let reading = &self.form.reading;
        let sent: Vec<IpAddr> = update.sent.into_iter().flatten().collect();
        match requests::by_status(reply, &|body| reading.refusal(reply.status, body)) {
            Some(answer) => vec![answer],
            None => vec![reading.judge(reply.status, &reply.body, &sent)],
        }
    }

    fn one_account(&self) -> bool {
        !self.form.user.as_ref().is_some_and(|user| user.contains("{host}"))
    }
}
