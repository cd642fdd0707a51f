//! The dyndns2 protocol: a GET request with hosts and address, a return code for each host in the reply. Services
//! differ in details, which are keys; a preset is a set of keys. `return_codes.rs` says what the codes mean.

pub mod return_codes;

use super::contract::{HostResult, HostUpdate, Protocol, Provider, PushContext, UpdateResult};
use super::requests::{self, Answer, HttpService, UpdateRequest};
use crate::net::http::{Reply, Request, Url};
use crate::provider::slots::{foreign, slots};
use crate::settings::reader::{key, secret as secret_key, Key, SectionReader};
use crate::types::address::Family;
use crate::types::secret::{self, Secret};
use crate::types::spelling::alternatives;
use return_codes::ReturnCode;
use std::net::IpAddr;

/// Dyn takes no more hosts than this in one request.
const MOST_HOSTS: usize = 20;

/// What a section may say; presets say most of it.
const KEYS: &[Key] = &[
    key("url", "where updates go").needed(),
    key("url6", "where updates of IPv6 go, if elsewhere"),
    key("user", "account name; {host} stands for the host").needed(),
    secret_key("password", "password or update key").needed(),
    key("batch", "yes: several hosts in one request (default no)"),
    key("dual", "both families: separate (default), comma (myip=4,6) or myipv6"),
    key("extra", "parameters that come first, such as system=dyndns"),
    key("host_param", "name of the host's parameter (default hostname)"),
    key("ip_param", "name of the address's parameter (default myip)"),
    key("ip6_param", "name of the IPv6 address's parameter with dual = myipv6 (default myipv6)"),
    key("other", "with dual = myipv6: what stands for the family that stays, such as no or preserve"),
    key("unchanged_status", "an HTTP status that means that nothing changed, such as 204"),
    key("retry_soon", "return codes that mean a temporary limit here, such as abuse"),
];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Dual {
    Separate,
    Comma,
    Myipv6,
}

struct Dyndns2 {
    url: Url,
    url6: Option<Url>,
    user: String,
    password: Secret,
    batch: bool,
    dual: Dual,
    extra: Vec<(String, String)>,
    host_param: String,
    ip_param: String,
    ip6_param: String,
    other: Option<String>,
    /// A status that means that nothing changed.
    unchanged_status: Option<i64>,
    /// The return codes that this service uses for a temporary limit or fault.
    soon: Vec<ReturnCode>,
}

pub const PROTOCOL: Protocol = Protocol {
    name: "dyndns2",
    what: "the protocol of most services; needs url",
    keys: KEYS,
    make: Some(make),
    ..Protocol::PLAIN
};

/// Reads a section; notes what is wrong with it.
fn make(facts: &SectionReader<'_>, plaintext: bool) -> Option<Box<dyn Provider>> {
    if facts.entry("url").is_none() {
        facts.lacking("'url' is missing: add url = https://HOST/nic/update, or a provider that homing --list shows");
    }
    let url = facts.service_url("url", plaintext);
    let url6 = facts.service_url("url6", plaintext);
    for entry in ["url", "url6"].into_iter().filter_map(|key| facts.section.get(key)) {
        let query = entry.value.split_once('?').map_or("", |(_, query)| query);
        let added = query.split('&').find(|pair| ["hostname", "myip"].contains(&pair.split('=').next().unwrap_or("")));
        if let Some(placeholder) = foreign(&entry.value).or_else(|| slots(&entry.value).next()) {
            let text = format!(
                "{placeholder}: dyndns2 adds host and address itself; provider = template takes {{ip}} and {{host}}"
            );
            facts.wrong(entry, text);
        } else if let Some(pair) = added {
            facts
                .wrong(entry, format!("dyndns2 adds host and address itself: remove {}", crate::settings::shown(pair)));
        }
    }
    let user = facts.needed("user");
    facts.basic_user();
    let password = facts.needed_secret("password");
    let dual = match facts.choice("dual", &["separate", "comma", "myipv6"]) {
        Some(1) => Dual::Comma,
        Some(2) => Dual::Myipv6,
        _ => Dual::Separate,
    };
    let parameter = |key: &str, usual: &str| facts.text(key).unwrap_or_else(|| usual.to_string());
    Some(Box::new(Dyndns2 {
        batch: facts.flag("batch").unwrap_or(false),
        dual,
        extra: extra(facts),
        host_param: parameter("host_param", "hostname"),
        ip_param: parameter("ip_param", "myip"),
        ip6_param: parameter("ip6_param", "myipv6"),
        other: facts.text("other"),
        unchanged_status: facts.number("unchanged_status", 200, 299),
        soon: soon(facts)?,
        url: url?,
        url6,
        user: user?,
        password: password?,
    }))
}

fn soon(facts: &SectionReader<'_>) -> Option<Vec<ReturnCode>> {
    let Some(entry) = facts.entry("retry_soon") else { return Some(Vec::new()) };
    let mut codes = Vec::new();
    for word in facts.list("retry_soon")? {
        match ReturnCode::parse(&word) {
            None | Some(ReturnCode::Good | ReturnCode::NoChange) => {
                let known: Vec<&str> = return_codes::CODES[2..].iter().map(|(name, _)| *name).collect();
                let word = crate::settings::shown(&word);
                facts.wrong(entry, format!("'{word}' is not a return code: use {}", alternatives(&known)));
                return None;
            }
            Some(code) => codes.push(code),
        }
    }
    Some(codes)
}

fn extra(facts: &SectionReader<'_>) -> Vec<(String, String)> {
    let text = facts.text("extra").unwrap_or_default();
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(k, v)| (k.to_string(), v.to_string())).collect()
}

impl Dyndns2 {
    fn updates(&self, batch: &[HostUpdate]) -> Vec<UpdateRequest> {
        let updates = batch.iter().enumerate().flat_map(|(index, wanted)| match self.dual {
            Dual::Separate => requests::one_by_one(index, wanted),
            // Where nothing stands for the family that stays, its address does.
            _ => requests::together(index, wanted, self.other.is_none()),
        });
        let lists = self.batch && !self.user.contains("{host}");
        requests::gathered(updates, if lists { MOST_HOSTS } else { 1 })
    }

    fn request(&self, update: &UpdateRequest, batch: &[HostUpdate]) -> Request {
        let names: Vec<&str> = update.hosts.iter().map(|host| batch[*host].host.ascii()).collect();
        let names = names.join(",");
        let sent = update.sent.map(|address| address.map(|address| address.to_string()));
        let mut query: Vec<(&str, &str)> = self.extra.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        query.push((&self.host_param, &names));
        let all: Vec<&str> = sent.iter().flatten().map(String::as_str).collect();
        let joined = all.join(",");
        match self.dual {
            Dual::Separate | Dual::Comma => query.push((&self.ip_param, &joined)),
            Dual::Myipv6 => {
                for (parameter, address) in [&self.ip_param, &self.ip6_param].into_iter().zip(&sent) {
                    if let Some(value) = address.as_ref().or(self.other.as_ref()) {
                        query.push((parameter, value));
                    }
                }
            }
        }
        let url = match (&self.url6, update.updates.as_slice()) {
            (Some(url6), [Family::V6]) => url6,
            _ => &self.url,
        };
        let user = self.user.replace("{host}", &names);
        let mut request = Request::get(url.with_query(query));
        let header = format!("Basic {}", secret::basic(&user, &self.password).expose());
        request.headers.push(("Authorization", header));
        request
    }
}

impl Provider for Dyndns2 {
    fn push(&self, batch: &[HostUpdate], line: &mut PushContext<'_>) -> Vec<HostResult> {
        requests::send_all(&Batch { account: self, batch }, &self.updates(batch), line.http)
    }
}

struct Batch<'a> {
    account: &'a Dyndns2,
    batch: &'a [HostUpdate],
}

impl HttpService for Batch<'_> {
    fn request(&self, update: &UpdateRequest) -> Request {
        self.account.request(update, self.batch)
    }

    fn read(&self, reply: &Reply, update: &UpdateRequest) -> Vec<Answer> {
        let sent: Vec<IpAddr> = update.sent.into_iter().flatten().collect();
        let soon = &self.account.soon;
        match requests::by_status(reply, &|body| return_codes::refusal_in(body, soon)) {
            Some(answer) => vec![answer; update.hosts.len()],
            None if self.account.unchanged_status == Some(i64::from(reply.status)) => {
                vec![Answer::host(UpdateResult::Unchanged); update.hosts.len()]
            }
            None => return_codes::judge(&reply.body, update.hosts.len(), &sent, soon),
        }
    }

    fn one_account(&self) -> bool {
        !self.account.user.contains("{host}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::contract::Desired;
    use crate::types::hostname::Host;

    fn provider(text: &str) -> Dyndns2 {
        Dyndns2 {
            url: Url::parse("http://127.0.0.1/nic/update").expect("good"),
            url6: None,
            user: "alice".to_string(),
            password: Secret::new("h3s3cret"),
            batch: text.contains("batch"),
            dual: if text.contains("comma") { Dual::Comma } else { Dual::Myipv6 },
            extra: Vec::new(),
            host_param: "hostname".to_string(),
            ip_param: "myip".to_string(),
            ip6_param: "myipv6".to_string(),
            other: text.contains("other").then(|| "no".to_string()),
            unchanged_status: None,
            soon: Vec::new(),
        }
    }

    fn wanted(name: &str, due: [bool; 2]) -> HostUpdate {
        let four = "198.41.0.4".parse().expect("good");
        let six = "2620:fe::fe".parse().expect("good");
        HostUpdate {
            host: Host::new(name).expect("good"),
            want: [Some(Desired { address: four, due: due[0] }), Some(Desired { address: six, due: due[1] })],
            beside: Default::default(),
        }
    }

    fn queries(provider: &Dyndns2, batch: &[HostUpdate]) -> Vec<String> {
        let updates = provider.updates(batch);
        updates.iter().map(|update| provider.request(update, batch).url.resource().to_string()).collect()
    }

    #[test]
    fn the_family_that_stays_is_said_too() {
        let batch = [wanted("a.example", [true, false])];
        assert_eq!(
            queries(&provider("comma"), &batch),
            ["/nic/update?hostname=a.example&myip=198.41.0.4,2620%3Afe%3A%3Afe"]
        );
        assert_eq!(queries(&provider("other"), &batch), ["/nic/update?hostname=a.example&myip=198.41.0.4&myipv6=no"]);
    }

    #[test]
    fn lists_hold_twenty_hosts_of_which_the_same_is_said() {
        let mut batch: Vec<HostUpdate> = (0..41).map(|i| wanted(&format!("h{i}.example"), [true, true])).collect();
        batch.push(wanted("odd.example", [false, true]));
        let sizes: Vec<usize> = provider("batch").updates(&batch).iter().map(|update| update.hosts.len()).collect();
        assert_eq!(sizes, [20, 20, 1, 1]);
        assert_eq!(provider("comma").updates(&batch).len(), 42);
    }
}
