//! The dyndns2 protocol: a GET with the hosts and the address, a word for each host in answer. Most services speak
//! it, each with its own habits; the habits are keys, and a preset is a set of keys. What the words mean is in
//! `words.rs`.

mod words;

use super::contract::{Line, Pause, Provider, Ruling, Verdict, Wanted};
use crate::address::Family;
use crate::http::{Fault, Reply, Request, Url};
use crate::secret::{self, Secret};
use crate::values::{key, secret as secret_key, Facts, Key};
use std::net::IpAddr;

/// Dyn takes no more hosts than this in one request.
const MOST_HOSTS: usize = 20;

/// What a section may say; presets say most of it.
pub const KEYS: &[Key] = &[
    key("url", "where updates go"),
    key("url6", "where updates of IPv6 go, if elsewhere"),
    key("user", "account name; {host} stands for the host"),
    secret_key("password", "password or update key"),
    key("batch", "yes: several hosts in one request (default no)"),
    key("dual", "both families: separate (default), comma (myip=4,6) or myipv6"),
    key("extra", "parameters that come first, such as system=dyndns"),
    key("host_param", "name of the host's parameter (default hostname)"),
    key("ip_param", "name of the address's parameter (default myip)"),
    key("ip6_param", "name of the IPv6 address's parameter with dual = myipv6 (default myipv6)"),
    key("other", "with dual = myipv6: what stands for the family that stays, such as no or preserve"),
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
}

/// Reads a section; notes what is wrong with it.
pub fn make(facts: &Facts<'_>, plaintext: bool) -> Option<Box<dyn Provider>> {
    if facts.entry("url").is_none() {
        facts.lacking("'url' is missing: where do updates go? (homing --list names services that need none)");
    }
    let url = facts.guarded_url("url", plaintext);
    // A preset's second URL does not stand beside a first one that the section points elsewhere.
    let own_url = facts.section.get("url").is_some();
    let url6 = match own_url && facts.section.get("url6").is_none() {
        true => None,
        false => facts.guarded_url("url6", plaintext),
    };
    let user = facts.needed("user");
    if let (Some(user), Some(entry)) = (&user, facts.entry("user")) {
        if user.contains(':') || user.contains(|c: char| c.is_control()) {
            // Nothing is made of a section with a mistake; what else is wrong with it is told too.
            facts.wrong(entry, "a user name with ':' or a control character cannot be sent (RFC 7617)");
        }
    }
    let password = facts.secret("password");
    if !crate::values::SECRET_FORMS.iter().any(|form| facts.entry(&format!("password{form}")).is_some()) {
        facts.lacking("'password' is missing (or password_file, password_env, password_credential)");
    }
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
        url: url?,
        url6,
        user: user?,
        password: password?,
    }))
}

fn extra(facts: &Facts<'_>) -> Vec<(String, String)> {
    let text = facts.text("extra").unwrap_or_default();
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(k, v)| (k.to_string(), v.to_string())).collect()
}

/// One request: which hosts of the batch, which families it updates, what it says about each family.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Ask {
    hosts: Vec<usize>,
    updates: Vec<Family>,
    said: [Option<IpAddr>; 2],
}

impl Dyndns2 {
    fn asks(&self, batch: &[Wanted]) -> Vec<Ask> {
        let mut asks: Vec<Ask> = Vec::new();
        let lists = self.batch && !self.user.contains("{host}");
        for (index, wanted) in batch.iter().enumerate() {
            for ask in self.asks_for(index, wanted) {
                // Hosts go into one request in the order of the config, when what is said of them is the same.
                let fits =
                    |old: &&mut Ask| old.hosts.len() < MOST_HOSTS && old.updates == ask.updates && old.said == ask.said;
                match asks.iter_mut().rev().find(fits).filter(|_| lists) {
                    Some(old) => old.hosts.push(index),
                    None => asks.push(ask),
                }
            }
        }
        asks
    }

    fn asks_for(&self, index: usize, wanted: &Wanted) -> Vec<Ask> {
        let due: Vec<(Family, IpAddr)> = wanted.due().collect();
        if due.is_empty() {
            return Vec::new();
        }
        if self.dual == Dual::Separate {
            return due
                .into_iter()
                .map(|(family, address)| {
                    let mut said = [None, None];
                    said[family as usize] = Some(address);
                    Ask { hosts: vec![index], updates: vec![family], said }
                })
                .collect();
        }
        let said = Family::BOTH.map(|family| {
            let want = wanted.get(family).filter(|want| want.due || self.other.is_none());
            want.map(|want| want.address)
        });
        vec![Ask { hosts: vec![index], updates: due.into_iter().map(|(family, _)| family).collect(), said }]
    }

    fn request(&self, ask: &Ask, batch: &[Wanted]) -> Request {
        let names: Vec<&str> = ask.hosts.iter().map(|host| batch[*host].host.ascii()).collect();
        let names = names.join(",");
        let said = ask.said.map(|address| address.map(|address| address.to_string()));
        let mut query: Vec<(&str, &str)> = self.extra.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        query.push((&self.host_param, &names));
        let all: Vec<&str> = said.iter().flatten().map(String::as_str).collect();
        let joined = all.join(",");
        match self.dual {
            Dual::Separate | Dual::Comma => query.push((&self.ip_param, &joined)),
            Dual::Myipv6 => {
                for (parameter, address) in [&self.ip_param, &self.ip6_param].into_iter().zip(&said) {
                    if let Some(value) = address.as_ref().or(self.other.as_ref()) {
                        query.push((parameter, value));
                    }
                }
            }
        }
        let url = match (&self.url6, ask.updates.as_slice()) {
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
    fn push(&self, batch: &[Wanted], line: &mut Line<'_>) -> Vec<Ruling> {
        let mut rulings = Vec::new();
        // A verdict on the account or the server, which holds for what has not been asked yet.
        let mut standing: Option<Verdict> = None;
        for ask in self.asks(batch) {
            let answers = match &standing {
                Some(verdict) => vec![(verdict.clone(), None); ask.hosts.len()],
                None => match line.http.send(&self.request(&ask, batch)) {
                    Ok(reply) => answers(&reply, &ask),
                    // Shown; so is the next one.
                    Err(Fault::Dry) => continue,
                    Err(fault) => {
                        // Who cannot be reached now need not be tried for the next host.
                        let unreachable = matches!(fault, Fault::NotSent(_) | Fault::Expired);
                        let verdict = unanswered(fault);
                        standing = unreachable.then(|| verdict.clone());
                        vec![(verdict, None); ask.hosts.len()]
                    }
                },
            };
            for (host, (verdict, warning)) in ask.hosts.iter().zip(answers) {
                if standing.is_none() && self.speaks_for_all(&verdict) {
                    standing = Some(verdict.clone());
                }
                for family in &ask.updates {
                    let (verdict, warning) = (verdict.clone(), warning.clone());
                    rulings.push(Ruling { host: *host, family: *family, verdict, warning });
                }
            }
        }
        rulings
    }
}

impl Dyndns2 {
    /// Whether asking for the next host would only repeat it, and perhaps earn a ban.
    fn speaks_for_all(&self, verdict: &Verdict) -> bool {
        // Where each host logs in by itself, one bad login says nothing of the next.
        let one_account = !self.user.contains("{host}");
        match verdict {
            Verdict::Refused { why, .. } => one_account && words::of_account(why),
            Verdict::TurnedAway { .. } => one_account,
            Verdict::Later { why, pause } => pause.strict && !why.starts_with("dnserr"),
            Verdict::NotAsked | Verdict::Updated | Verdict::AlreadySo => false,
        }
    }
}

fn unanswered(fault: Fault) -> Verdict {
    match fault {
        Fault::Dry | Fault::Expired => Verdict::NotAsked,
        Fault::NotSent(why) | Fault::Unsure(why) | Fault::Unusable(why) => Verdict::later(why),
    }
}

/// A verdict for each host of a request, in its order.
fn answers(reply: &Reply, ask: &Ask) -> Vec<(Verdict, Option<String>)> {
    let now = crate::clock::now();
    let asked = reply.retry_after(now).unwrap_or(0);
    let all = |verdict: Verdict| vec![(verdict, None); ask.hosts.len()];
    let said: Vec<IpAddr> = ask.said.into_iter().flatten().collect();
    match reply.status {
        200..=299 => words::judge(&reply.body, ask.hosts.len(), &said),
        401 | 403 => match words::refusal_in(&reply.body) {
            Some(verdict) => all(verdict),
            None => all(Verdict::TurnedAway {
                why: format!("HTTP {}, without a word why", reply.status),
                remedy: "check user and password".to_string(),
            }),
        },
        429 => all(Verdict::Later {
            why: "HTTP 429: too many requests".to_string(),
            pause: Pause { seconds: asked, strict: true },
        }),
        500..=599 => all(Verdict::Later {
            why: format!("HTTP {}", reply.status),
            pause: Pause { seconds: asked, strict: false },
        }),
        _ => all(Verdict::later(reply.status_line())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;
    use crate::provider::contract::Want;

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
        }
    }

    fn wanted(name: &str, due: [bool; 2]) -> Wanted {
        let four = "198.41.0.4".parse().expect("good");
        let six = "2620:fe::fe".parse().expect("good");
        Wanted {
            host: Host::new(name).expect("good"),
            want: [Some(Want { address: four, due: due[0] }), Some(Want { address: six, due: due[1] })],
        }
    }

    fn queries(provider: &Dyndns2, batch: &[Wanted]) -> Vec<String> {
        let asks = provider.asks(batch);
        asks.iter().map(|ask| provider.request(ask, batch).url.resource().to_string()).collect()
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
        let mut batch: Vec<Wanted> = (0..41).map(|i| wanted(&format!("h{i}.example"), [true, true])).collect();
        batch.push(wanted("odd.example", [false, true]));
        let sizes: Vec<usize> = provider("batch").asks(&batch).iter().map(|ask| ask.hosts.len()).collect();
        assert_eq!(sizes, [20, 20, 1, 1]);
        assert_eq!(provider("comma").asks(&batch).len(), 42);
    }
}
