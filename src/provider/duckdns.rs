//! DuckDNS (https://www.duckdns.org/spec.jsp): a token, a list of names without their domain, both families in one
//! request, and a reply of four lines.

use super::contract::{HostResult, HostUpdate, Provider, PushContext, UpdateResult};
use super::requests::{self, Ask, Dialect};
use crate::net::http::{quoted, Reply, Request, Url};
use crate::settings::reader::{key, secret, Key, SectionReader};
use crate::types::secret::Secret;
use std::net::IpAddr;

const DOMAIN: &str = ".duckdns.org";
/// Names in one request; the service tells no limit.
const MOST_HOSTS: usize = 20;

pub const KEYS: &[Key] =
    &[key("url", "where updates go (default https://www.duckdns.org/update)"), secret("token", "the account's token")];

struct Duckdns {
    url: Url,
    token: Secret,
}

/// Reads a section; notes what is wrong with it.
pub fn make(facts: &SectionReader<'_>, plaintext: bool) -> Option<Box<dyn Provider>> {
    let url = match facts.entry("url") {
        Some(_) => facts.guarded_url("url", plaintext),
        None => Url::parse("https://www.duckdns.org/update").ok(),
    };
    for host in
        facts.hosts().map(|(item, host)| host.map_or_else(|_| item.to_string(), |host| host.ascii().to_string()))
    {
        if let Some(entry) = facts.entry("hosts").filter(|_| host.strip_suffix(DOMAIN).unwrap_or(&host).contains('.')) {
            facts.wrong(entry, format!("'{}' is not a name of DuckDNS: NAME{DOMAIN}", crate::settings::shown(&host)));
        }
    }
    let token = facts.needed_secret("token");
    Some(Box::new(Duckdns { url: url?, token: token? }))
}

impl Provider for Duckdns {
    fn push(&self, batch: &[HostUpdate], line: &mut PushContext<'_>) -> Vec<HostResult> {
        // A family that is not said is left alone: with 'ipv6' the service does not look where the request comes from.
        let asks = batch.iter().enumerate().flat_map(|(index, wanted)| requests::together(index, wanted, true));
        let speech = Speech { account: self, batch };
        let mut rulings = Vec::new();
        for ask in requests::gathered(asks, MOST_HOSTS) {
            let told = requests::ask_all(&speech, std::slice::from_ref(&ask), line.http);
            let refused = told.iter().any(|ruling| matches!(ruling.verdict, UpdateResult::Rejected { .. }));
            if !refused || ask.hosts.len() == 1 {
                rulings.extend(told);
                continue;
            }
            // A no to a list does not say to whom.
            let single = |host: &usize| Ask { hosts: vec![*host], ..ask.clone() };
            let singles: Vec<Ask> = ask.hosts.iter().map(single).collect();
            rulings.extend(requests::ask_all(&speech, &singles, line.http));
        }
        rulings
    }
}

struct Speech<'a> {
    account: &'a Duckdns,
    batch: &'a [HostUpdate],
}

impl Dialect for Speech<'_> {
    fn request(&self, ask: &Ask) -> Request {
        let names = ask.hosts.iter().map(|host| self.batch[*host].host.ascii());
        let names: Vec<&str> = names.map(|name| name.strip_suffix(DOMAIN).unwrap_or(name)).collect();
        let names = names.join(",");
        let said = ask.said.map(|address| address.map(|address| address.to_string()));
        let mut query = vec![("domains", names.as_str()), ("token", self.account.token.expose())];
        for (parameter, address) in ["ip", "ipv6"].into_iter().zip(&said) {
            query.extend(address.as_ref().map(|address| (parameter, address.as_str())));
        }
        query.push(("verbose", "true"));
        Request::get(self.account.url.with_query(query))
    }

    fn read(&self, reply: &Reply, ask: &Ask) -> Vec<(UpdateResult, Option<String>)> {
        let said: Vec<IpAddr> = ask.said.into_iter().flatten().collect();
        let read = match requests::by_status(reply, &refusal) {
            Some(verdict) => (verdict, None),
            None => judge(&reply.body, &said),
        };
        vec![read; ask.hosts.len()]
    }

    fn speaks_for_all(&self, _: &UpdateResult) -> bool {
        false
    }
}

fn refusal(body: &str) -> Option<UpdateResult> {
    (body.split_ascii_whitespace().next() == Some("KO")).then(|| UpdateResult::Rejected {
        why: "KO: DuckDNS does not know this name with this token".to_string(),
        remedy: "correct 'hosts' or the token".to_string(),
    })
}

/// `OK`, the IPv4 address, the IPv6 address or nothing, `UPDATED` or `NOCHANGE`; without `verbose` the first alone.
fn judge(body: &str, said: &[IpAddr]) -> (UpdateResult, Option<String>) {
    if let Some(verdict) = refusal(body) {
        return (verdict, None);
    }
    let words: Vec<&str> = body.split_ascii_whitespace().collect();
    let other = words.iter().filter_map(|word| word.parse().ok()).find(|ip: &IpAddr| {
        // What it tells of a family that was not said is what it had.
        said.iter().any(|sent| sent.is_ipv4() == ip.is_ipv4()) && !said.contains(ip)
    });
    let warning = other.map(|ip| format!("the server speaks of {ip}, which is not what was sent"));
    match (words.first(), words.last()) {
        (Some(&"OK"), Some(&"NOCHANGE")) => (UpdateResult::Unchanged, warning),
        (Some(&"OK"), Some(&"UPDATED" | &"OK")) => (UpdateResult::Updated, warning),
        (None, _) => (UpdateResult::later("an empty answer"), None),
        _ => (UpdateResult::later(format!("an answer that is none of DuckDNS's: {}", quoted(body))), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_lines_are_read() {
        let said: [IpAddr; 1] = ["198.41.0.4".parse().expect("good")];
        let one = |body: &str| judge(body, &said);
        assert_eq!(one("OK\n198.41.0.4\n\nUPDATED"), (UpdateResult::Updated, None));
        assert_eq!(one("OK\r\n198.41.0.4\r\n2620:fe::fe\r\nNOCHANGE\r\n"), (UpdateResult::Unchanged, None));
        assert_eq!(one("OK"), (UpdateResult::Updated, None));
        assert!(one("OK\n9.9.9.9\n\nUPDATED").1.is_some());
        assert!(matches!(one("KO").0, UpdateResult::Rejected { .. }));
        for body in ["", "<html>OK</html>", "OKAY", "UPDATED", "OK what"] {
            assert!(matches!(one(body).0, UpdateResult::RetryLater { .. }), "{body}");
        }
    }
}
