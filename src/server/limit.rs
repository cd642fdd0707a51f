//! Limits on changes and on wrong logins. Pure: the time comes from the caller.

mod window;

use super::request::Wanted;
use std::net::IpAddr;
use std::time::{Duration, Instant};
use window::Windows;

/// More keys than this are not remembered at once; the one that was quiet for longest goes first. 16,384 sources with
/// three times each take about 2 MB.
const MOST_KEYS: usize = 16_384;

/// A /48 is one customer of a provider, who has 65,536 networks of /64.
const PER_SITE: usize = 10;

/// How often something may happen within a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    pub window: Duration,
    /// At least 1.
    pub most: usize,
}

/// Changes per user, hostname and set of families. Requests that change nothing are not counted.
pub struct Changes(Option<Windows<(String, String, bool, bool)>>);

/// One counted change, which can be given back.
pub struct Counted {
    key: (String, String, bool, bool),
    at: Instant,
}

impl Counted {
    /// Of the hostname.
    pub fn fqdn(&self) -> &str {
        &self.key.1
    }
}

impl Changes {
    /// Without a rate nothing is ever limited.
    pub fn new(rate: Option<Rate>) -> Changes {
        Changes(rate.map(|rate| Windows::new(rate.window, MOST_KEYS).with_most(rate.most)))
    }

    /// Counts all of these changes (FQDN and addresses), or none of them: then the error is how long to wait.
    pub fn count(&mut self, user: &str, changes: &[(&str, Wanted)], now: Instant) -> Result<Vec<Counted>, Duration> {
        let Some(windows) = &mut self.0 else { return Ok(Vec::new()) };
        let key = |change: &(&str, Wanted)| {
            (user.to_string(), change.0.to_string(), change.1.ipv4.is_some(), change.1.ipv6.is_some())
        };
        let keys: Vec<_> = changes.iter().map(key).collect();
        let most = windows.most;
        if let Some(wait) = keys.iter().filter_map(|key| windows.wait(key, most, now)).max() {
            return Err(wait);
        }
        keys.iter().for_each(|key| windows.add(key.clone(), now));
        Ok(keys.into_iter().map(|key| Counted { key, at: now }).collect())
    }

    /// Forgets what no longer counts.
    pub fn sweep(&mut self, now: Instant) {
        self.0.iter_mut().for_each(|windows| windows.sweep(now));
    }

    /// A change that was not made after all.
    pub fn give_back(&mut self, counted: &Counted) {
        if let Some(windows) = &mut self.0 {
            windows.remove(&counted.key, counted.at);
        }
    }
}

/// Wrong logins: per IPv4 address or IPv6 network of /64, ten times as many per /48, and per user from one IPv4
/// address or /48, so that a site's many networks give no more tries for one password.
pub struct WrongLogins(Option<Windows<Source>>);

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Source {
    Network(IpAddr),
    Site(IpAddr),
    User(IpAddr, String),
}

impl WrongLogins {
    pub fn new(rate: Option<Rate>) -> WrongLogins {
        WrongLogins(rate.map(|rate| Windows::new(rate.window, MOST_KEYS).with_most(rate.most)))
    }

    /// How long this source has to wait before its next try for this user is looked at.
    pub fn wait(&mut self, source: IpAddr, user: &str, now: Instant) -> Option<Duration> {
        let windows = self.0.as_mut()?;
        let most = windows.most;
        let limit = |key: &Source| match key {
            Source::Site(_) => most.saturating_mul(PER_SITE),
            _ => most,
        };
        keys(source, user).iter().filter_map(|key| windows.wait(key, limit(key), now)).max()
    }

    /// Forgets what no longer counts.
    pub fn sweep(&mut self, now: Instant) {
        self.0.iter_mut().for_each(|windows| windows.sweep(now));
    }

    /// Counts one wrong login.
    pub fn add(&mut self, source: IpAddr, user: &str, now: Instant) {
        if let Some(windows) = &mut self.0 {
            keys(source, user).into_iter().for_each(|key| windows.add(key, now));
        }
    }
}

fn keys(source: IpAddr, user: &str) -> Vec<Source> {
    let site = network(source, 48);
    // A name can be as long as a request's head; what follows the first 64 bytes makes no difference to a guesser.
    let user: String = user.chars().take(64).collect();
    let mut keys = vec![Source::Network(network(source, 64)), Source::User(site, user)];
    if site.is_ipv6() {
        keys.push(Source::Site(site));
    }
    keys
}

/// The IPv4 address, or the IPv6 network of this length.
pub fn network(source: IpAddr, length: u32) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6((u128::from(ip) & u128::MAX << (128 - length)).into()),
        four => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(most: usize) -> Option<Rate> {
        Some(Rate { window: Duration::from_secs(60), most })
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn wanted(ipv4: bool, ipv6: bool) -> Wanted {
        Wanted { ipv4: ipv4.then_some([9, 9, 9, 9].into()), ipv6: ipv6.then(|| "2620:fe::9".parse().unwrap()) }
    }

    #[test]
    fn changes_are_counted_per_user_hostname_and_families() {
        let (mut changes, now) = (Changes::new(rate(2)), Instant::now());
        let mut one =
            |user: &str, host: &str, ipv4, ipv6| changes.count(user, &[(host, wanted(ipv4, ipv6))], now).is_ok();
        assert!(one("alice", "a.example", true, false) && one("alice", "a.example", true, false));
        assert!(!one("alice", "a.example", true, false), "the third of two");
        assert!(one("alice", "a.example", false, true), "another family");
        assert!(one("alice", "a.example", true, true), "both are another set");
        assert!(one("alice", "b.example", true, false), "another hostname");
        assert!(one("bob", "a.example", true, false), "another user");
    }

    #[test]
    fn one_change_too_many_counts_none_of_a_request() {
        let (mut changes, now) = (Changes::new(rate(1)), Instant::now());
        let (a, b) = (("a.example", wanted(true, false)), ("b.example", wanted(true, false)));
        assert!(changes.count("alice", &[a], now).is_ok());
        assert!(changes.count("alice", &[a, b], now).is_err());
        assert!(changes.count("alice", &[b], now).is_ok(), "it was not counted");
    }

    #[test]
    fn a_change_that_was_not_made_is_given_back() {
        let (mut changes, now) = (Changes::new(rate(1)), Instant::now());
        let a = ("a.example", wanted(true, false));
        let counted = changes.count("alice", &[a], now).ok().unwrap();
        assert!(changes.count("alice", &[a], now).is_err());
        counted.iter().for_each(|counted| changes.give_back(counted));
        assert!(changes.count("alice", &[a], now).is_ok());
    }

    #[test]
    fn wrong_logins_are_counted_per_source() {
        let (mut wrong, now) = (WrongLogins::new(rate(3)), Instant::now());
        let here = ip("198.41.0.4");
        for user in ["a", "b", "c"] {
            assert_eq!(wrong.wait(here, "alice", now), None);
            wrong.add(here, user, now);
        }
        assert_eq!(wrong.wait(here, "alice", now), Some(Duration::from_secs(60)));
        assert_eq!(wrong.wait(ip("::ffff:198.41.0.4"), "alice", now), Some(Duration::from_secs(60)));
        assert_eq!(wrong.wait(ip("198.41.0.5"), "alice", now), None, "a neighbour is not locked out");
        assert_eq!(wrong.wait(here, "alice", now + Duration::from_secs(60)), None);
    }

    #[test]
    fn an_ipv6_site_has_ten_times_as_many_tries_and_one_user_no_more() {
        let (mut wrong, now) = (WrongLogins::new(rate(3)), Instant::now());
        let at = |network: usize| ip(&format!("2620:fe:0:{network:x}::1"));
        for _ in 0..3 {
            wrong.add(at(0), "a", now);
        }
        assert!(wrong.wait(ip("2620:fe::9"), "z", now).is_some(), "the same /64");
        assert!(wrong.wait(at(1), "z", now).is_none(), "another /64");
        assert!(wrong.wait(at(1), "a", now).is_some(), "the same user from another /64 of the site");
        for n in 1..=27 {
            assert!(wrong.wait(at(n), "z", now).is_none(), "{n}");
            wrong.add(at(n), &format!("user{n}"), now);
        }
        assert!(wrong.wait(at(99), "z", now).is_some(), "30 of the /48");
        assert!(wrong.wait(ip("2620:fe:1::1"), "z", now).is_none(), "another /48");
    }

    #[test]
    fn without_a_rate_nothing_is_limited() {
        let (mut changes, mut wrong, now) = (Changes::new(None), WrongLogins::new(None), Instant::now());
        for _ in 0..100 {
            assert!(changes.count("alice", &[("a.example", wanted(true, true))], now).is_ok());
            wrong.add(ip("198.41.0.4"), "alice", now);
        }
        assert_eq!(wrong.wait(ip("198.41.0.4"), "alice", now), None);
    }
}
