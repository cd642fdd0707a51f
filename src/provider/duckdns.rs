//! DuckDNS (<https://www.duckdns.org/spec.jsp>): a token, a list of names without their domain, both families in one
//! request, and a reply of four lines.

use super::contract::{HostResult, HostUpdate, Protocol, Provider, PushContext, UpdateResult};
use super::requests::{self, Answer, HttpService, UpdateRequest};
use crate::net::http::{quoted, Reply, Request, Url};
use crate::settings::reader::{key, secret, Key, SectionReader};
use crate::types::secret::Secret;
use std::net::IpAddr;

const DOMAIN: &str = ".duckdns.org";
/// Names in one request; the service tells no limit.
const MOST_HOSTS: usize = 20;

const KEYS: &[Key] = &[
    key("url", "where updates go (default https://www.duckdns.org/update)"),
    secret("token", "the account's token").needed(),
];

struct Duckdns {
    url: Url,
    token: Secret,
}

pub const PROTOCOL: Protocol = Protocol {
    name: "duckdns",
    names: &["duckdns.org", "www.duckdns.org"],
    what: "DuckDNS",
    lists: true,
    keys: KEYS,
    make: Some(make),
    ..Protocol::PLAIN
};

/// Reads a section; notes what is wrong with it.
fn make(facts: &SectionReader<'_>, plaintext: bool) -> Option<Box<dyn Provider>> {
    let url = match facts.entry("url") {
        Some(_) => facts.guarded_url("url", plaintext),
        None => Url::parse("https://www.duckdns.org/update").ok(),
    };
    for host in
        facts.hosts().map(|(item, host)| host.map_or_else(|_| item.to_string(), |host| host.ascii().to_string()))
    {
        if let Some(entry) = facts.entry("hosts").filter(|_| host.strip_suffix(DOMAIN).unwrap_or(&host).contains('.')) {
            let host = crate::settings::shown(&host);
            facts.wrong(entry, format!("'{host}' is not a DuckDNS name: write NAME or NAME{DOMAIN}"));
        }
    }
    let token = facts.needed_secret("token");
    Some(Box::new(Duckdns { url: url?, token: token? }))
}

impl Provider for Duckdns {
    fn push(&self, batch: &[HostUpdate], line: &mut PushContext<'_>) -> Vec<HostResult> {
        // A family that is not said is left alone: with 'ipv6' the service does not look where the request comes from.
        let updates = batch.iter().enumerate().flat_map(|(index, wanted)| requests::together(index, wanted, true));
        let service = Batch { account: self, batch };
        let mut results = Vec::new();
        for update in requests::gathered(updates, MOST_HOSTS) {
            let answered = requests::send_all(&service, std::slice::from_ref(&update), line.http);
            let refused = answered.iter().any(|one| matches!(one.verdict, UpdateResult::Rejected { .. }));
            if !refused || update.hosts.len() == 1 {
                results.extend(answered);
                continue;
            }
            // A no to a list does not say to whom.
            let single = |host: &usize| UpdateRequest { hosts: vec![*host], ..update.clone() };
            let singles: Vec<UpdateRequest> = update.hosts.iter().map(single).collect();
            results.extend(requests::send_all(&service, &singles, line.http));
        }
        results
    }
}

struct Batch<'a> {
    account: &'a Duckdns,
    batch: &'a [HostUpdate],
}

impl HttpService for Batch<'_> {
    fn request(&self, update: &UpdateRequest) -> Request {
        let names = update.hosts.iter().map(|host| self.batch[*host].host.ascii());
        let names: Vec<&str> = names.map(|name| name.strip_suffix(DOMAIN).unwrap_or(name)).collect();
        let names = names.join(",");
        let sent = update.sent.map(|address| address.map(|address| address.to_string()));
        let mut query = vec![("domains", names.as_str()), ("token", self.account.token.expose())];
        for (parameter, address) in ["ip", "ipv6"].into_iter().zip(&sent) {
            query.extend(address.as_ref().map(|address| (parameter, address.as_str())));
        }
        query.push(("verbose", "true"));
        Request::get(self.account.url.with_query(query))
    }

    fn read(&self, reply: &Reply, update: &UpdateRequest) -> Vec<Answer> {
        let sent: Vec<IpAddr> = update.sent.into_iter().flatten().collect();
        let answer = requests::by_status(reply, &refusal).unwrap_or_else(|| judge(&reply.body, &sent));
        vec![answer; update.hosts.len()]
    }

    fn one_account(&self) -> bool {
        true
    }
}

fn refusal(body: &str) -> Option<Answer> {
    let rejected = || UpdateResult::Rejected {
        why: "KO: DuckDNS does not know this name with this token".to_string(),
        remedy: "correct 'hosts' or the token".to_string(),
    };
    let body = body.strip_prefix('\u{feff}').unwrap_or(body);
    (body.split_ascii_whitespace().next() == Some("KO")).then(|| Answer::host(rejected()))
}

/// `OK`, the IPv4 address, the IPv6 address or nothing, `UPDATED` or `NOCHANGE`; without `verbose` the first alone.
fn judge(body: &str, sent: &[IpAddr]) -> Answer {
    if let Some(rejected) = refusal(body) {
        return rejected;
    }
    let body = body.strip_prefix('\u{feff}').unwrap_or(body);
    let words: Vec<&str> = body.split_ascii_whitespace().collect();
    let other = words.iter().filter_map(|word| word.parse().ok()).find(|ip: &IpAddr| {
        // The address of a family that was not sent is the old one.
        sent.iter().any(|sent| sent.is_ipv4() == ip.is_ipv4()) && !sent.contains(ip)
    });
    let warning = other.map(|ip| format!("the server names {ip}, which is not what was sent"));
    let result = match (words.first(), words.last()) {
        (Some(&"OK"), Some(&"NOCHANGE")) => UpdateResult::Unchanged,
        (Some(&"OK"), Some(&"UPDATED" | &"OK")) => UpdateResult::Updated,
        (None, _) => return Answer::host(UpdateResult::later("an empty reply")),
        _ => return Answer::host(UpdateResult::later(format!("unexpected reply: {}", quoted(body)))),
    };
    Answer { warning, ..Answer::host(result) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_lines_are_read() {
        let sent: [IpAddr; 1] = ["198.41.0.4".parse().expect("good")];
        let one = |body: &str| judge(body, &sent);
        assert_eq!(one("OK\n198.41.0.4\n\nUPDATED"), Answer::host(UpdateResult::Updated));
        assert_eq!(one("OK\r\n198.41.0.4\r\n2620:fe::fe\r\nNOCHANGE\r\n"), Answer::host(UpdateResult::Unchanged));
        assert_eq!(one("OK"), Answer::host(UpdateResult::Updated));
        assert!(one("OK\n9.9.9.9\n\nUPDATED").warning.is_some());
        assert!(matches!(one("KO").result, UpdateResult::Rejected { .. }));
        for body in ["", "<html>OK</html>", "OKAY", "UPDATED", "OK what"] {
            assert!(matches!(one(body).result, UpdateResult::RetryLater { .. }), "{body}");
        }
    }
}
