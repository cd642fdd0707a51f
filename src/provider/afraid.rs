//! FreeDNS at afraid.org, its first API: the account's records are listed with an update URL each, which then takes the
//! address. User and password go as a SHA-1 in the query, the user in lower case. (The tokens of its second API need no
//! code: see the presets that begin with afraid.)

use super::contract::{HostResult, HostUpdate, Protocol, Provider, PushContext, UpdateResult};
use super::requests::{self, Answer, HttpService, UpdateRequest};
use super::template::reading::Reading;
use crate::net::http::{quoted, Reply, Request, Url, LARGE};
use crate::settings::reader::{key, secret, Key, SectionReader};
use crate::types::address::Family;
use crate::types::digest::{hex, sha1};
use crate::types::secret::Secret;
use std::net::IpAddr;

const KEYS: &[Key] = &[
    key("url", "the API (default https://freedns.afraid.org/api/)"),
    key("user", "account name").needed(),
    secret("password", "password").needed(),
];

struct Afraid {
    url: Url,
    /// What stands for user and password.
    sha: Secret,
}

pub const PROTOCOL: Protocol = Protocol {
    name: "afraid",
    names: &["freedns", "freedns.afraid.org", "afraid.org", "freedns.afraid.com"],
    what: "FreeDNS at afraid.org, API version 1, with user and password",
    keys: KEYS,
    make: Some(make),
    ..Protocol::PLAIN
};

/// Reads a section; notes what is wrong with it.
fn make(facts: &SectionReader<'_>, plaintext: bool) -> Option<Box<dyn Provider>> {
    let url = match facts.entry("url") {
        Some(_) => facts.guarded_url("url", plaintext),
        None => Url::parse("https://freedns.afraid.org/api/").ok(),
    };
    let (user, password) = (facts.needed("user"), facts.needed_secret("password"));
    let (user, password) = (user?.to_lowercase(), password?);
    let sha = sha1(&[user.as_bytes(), b"|", password.expose().as_bytes()]);
    Some(Box::new(Afraid { url: url?, sha: Secret::new(&hex(&sha)) }))
}

/// A record of the account.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Record {
    host: String,
    address: Option<IpAddr>,
    update: Url,
}

impl Provider for Afraid {
    fn push(&self, batch: &[HostUpdate], line: &mut PushContext<'_>) -> Vec<HostResult> {
        let mut results = Vec::new();
        let mut listing = Listing { account: self, records: Default::default() };
        // One request for all; if it fails, all fail with it.
        let hosts = (0..batch.len()).collect();
        let all = UpdateRequest { hosts, updates: Family::BOTH.to_vec(), sent: [None, None] };
        let listed = requests::send_all(&listing, std::slice::from_ref(&all), line.http);
        if listed.iter().any(|one| one.verdict != UpdateResult::Unchanged) {
            let due = |one: &HostResult| batch[one.host].due().any(|(family, _)| family == one.family);
            return listed.into_iter().filter(due).collect();
        }
        let records = std::mem::take(&mut listing.records).into_inner();
        let mut service = Updates { targets: Vec::new() };
        let mut updates = Vec::new();
        for update in batch.iter().enumerate().flat_map(|(index, wanted)| requests::one_by_one(index, wanted)) {
            let (host, family) = (update.hosts[0], update.updates[0]);
            let result = |verdict: UpdateResult| HostResult { host, family, verdict, warning: None };
            match find(&records, batch[host].host.ascii(), family) {
                None => results.push(result(missing(family))),
                Some(record) if record.address == update.sent[family as usize] => {
                    results.push(result(UpdateResult::Unchanged))
                }
                Some(record) if !self.trusts(&record.update) => results.push(result(UpdateResult::later(format!(
                    "the update URL that FreeDNS lists leads to another host, {}",
                    quoted(record.update.host())
                )))),
                Some(record) => {
                    service.targets.push((host, family, self.target(&record.update)));
                    updates.push(update);
                }
            }
        }
        results.extend(requests::send_all(&service, &updates, line.http));
        results
    }
}

impl Afraid {
    /// Whether an update URL from the list leads where the credentials belong.
    fn trusts(&self, update: &Url) -> bool {
        let afraid = |url: &Url| url.host().ends_with(".afraid.org");
        update.host() == self.url.host() || (afraid(update) && afraid(&self.url))
    }

    /// The URL to ask: never less guarded than the API itself.
    fn target(&self, update: &Url) -> Url {
        match update.host() == self.url.host() {
            true => self.url.with_resource(update.resource().to_string()),
            false if update.secure() => update.clone(),
            false => {
                let secure = format!("https://{}{}", update.host(), update.resource());
                Url::parse(&secure).unwrap_or_else(|_| update.clone())
            }
        }
    }
}

fn missing(family: Family) -> UpdateResult {
    let kind = ["A", "AAAA"][family as usize];
    UpdateResult::Rejected {
        why: format!("the account has no {kind} record of this name"),
        remedy: "create it at freedns.afraid.org, or correct 'hosts'".to_string(),
    }
}

/// The record of a host in one family. One that holds no address yet is taken for either.
fn find<'a>(records: &'a [Record], host: &str, family: Family) -> Option<&'a Record> {
    let ours = || records.iter().filter(|record| record.host == host);
    let of_family = |record: &&Record| record.address.is_some_and(|ip| Family::of(ip) == family);
    ours().find(of_family).or_else(|| ours().find(|record| record.address.is_none()))
}

/// The request for the list. A good list counts as *unchanged*, which is not reported.
struct Listing<'a> {
    account: &'a Afraid,
    records: std::cell::RefCell<Vec<Record>>,
}

impl HttpService for Listing<'_> {
    fn request(&self, _: &UpdateRequest) -> Request {
        let query = [("action", "getdyndns"), ("v", "2"), ("sha", self.account.sha.expose())];
        Request { cap: LARGE, private: true, ..Request::get(self.account.url.with_query(query)) }
    }

    fn read(&self, reply: &Reply, update: &UpdateRequest) -> Vec<Answer> {
        let answer = requests::by_status(reply, &refused_list).unwrap_or_else(|| match records(&reply.body) {
            Some(records) => {
                *self.records.borrow_mut() = records;
                Answer::host(UpdateResult::Unchanged)
            }
            None => refused_list(&reply.body).unwrap_or_else(|| {
                // What looks like a piece of a list may hold keys.
                let shown = if reply.body.contains('|') { String::new() } else { quoted(&reply.body) };
                Answer::host(UpdateResult::later(format!("the reply is not a list of records {shown}")))
            }),
        });
        vec![answer; update.hosts.len()]
    }

    fn one_account(&self) -> bool {
        true
    }
}

fn refused_list(body: &str) -> Option<Answer> {
    let rejected = || UpdateResult::Rejected {
        why: "FreeDNS does not know this user with this password".to_string(),
        remedy: "correct user or password".to_string(),
    };
    body.to_ascii_lowercase().contains("could not authenticate").then(|| Answer::host(rejected()))
}

/// The list: `host|address|update URL`, a line each. `None` if it is something else.
fn records(body: &str) -> Option<Vec<Record>> {
    let lines = body.lines().map(str::trim).filter(|line| !line.is_empty());
    let read = |line: &str| -> Option<Record> {
        let mut parts = line.split('|');
        let (host, address, url) = (parts.next()?, parts.next()?, parts.next()?);
        let update = Url::parse(url).ok()?;
        // The key in it is worth as much as the password.
        Secret::new(update.resource());
        Some(Record { host: host.to_ascii_lowercase(), address: address.parse().ok(), update })
    };
    let records: Option<Vec<Record>> = lines.map(read).collect();
    records.filter(|records| !records.is_empty())
}

/// The requests to the update URLs.
struct Updates {
    targets: Vec<(usize, Family, Url)>,
}

impl HttpService for Updates {
    fn request(&self, update: &UpdateRequest) -> Request {
        let address: String = update.sent.iter().flatten().map(IpAddr::to_string).collect();
        let ours = |(host, family, _): &&(usize, Family, Url)| update.hosts == [*host] && update.updates == [*family];
        let (_, _, url) = self.targets.iter().find(ours).expect("each request has its target");
        Request::get(url.with_query([("address", address.as_str())]))
    }

    fn read(&self, reply: &Reply, update: &UpdateRequest) -> Vec<Answer> {
        let refused = "ERROR: Unable to locate this record, *Invalid update URL, *Couldn't find any matching";
        let reading = Reading::of("Updated", "*has not changed, *No IP change", refused);
        let sent: Vec<IpAddr> = update.sent.into_iter().flatten().collect();
        match requests::by_status(reply, &|body| reading.refusal(reply.status, body)) {
            Some(answer) => vec![answer],
            None => vec![reading.judge(reply.status, &reply.body, &sent)],
        }
    }

    /// Each record has a key of its own.
    fn one_account(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "a.example|198.41.0.4|https://freedns.afraid.org/dynamic/update.php?KEYCANARY1\r\n\
        A.example|2620:fe::fe|https://freedns.afraid.org/dynamic/update.php?KEYCANARY2\r\n\
        b.example||http://sync.afraid.org/u/KEYCANARY3/\r\n";

    #[test]
    fn a_record_is_found_by_host_and_family() {
        let records = records(LIST).expect("a list");
        let key = |host: &str, family| find(&records, host, family).map(|r| r.update.resource().to_string());
        assert_eq!(key("a.example", Family::V4).as_deref(), Some("/dynamic/update.php?KEYCANARY1"));
        assert_eq!(key("a.example", Family::V6).as_deref(), Some("/dynamic/update.php?KEYCANARY2"));
        assert_eq!(key("b.example", Family::V6).as_deref(), Some("/u/KEYCANARY3/"));
        assert_eq!(key("c.example", Family::V4), None);
        for body in ["", "ERROR: Could not authenticate.", "<html>a|b|c</html>", "a|b", "a|b|ftp://x/"] {
            assert!(super::records(body).is_none(), "{body}");
        }
    }

    #[test]
    fn an_update_goes_to_afraid_org_and_over_tls_only() {
        let url = |text: &str| Url::parse(text).expect(text);
        let ours = Afraid { url: url("https://freedns.afraid.org/api/"), sha: Secret::new("sha-canary") };
        assert!(ours.trusts(&url("http://sync.afraid.org/u/x/")) && !ours.trusts(&url("https://afraid.org.evil/")));
        assert!(!ours.trusts(&url("https://xafraid.org/")));
        assert_eq!(ours.target(&url("http://sync.afraid.org/u/x/")).to_string(), "https://sync.afraid.org/u/x/");
        assert_eq!(ours.target(&url("http://freedns.afraid.org/d?k")).to_string(), "https://freedns.afraid.org/d?k");
    }
}
