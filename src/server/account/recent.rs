//! What succeeded within a day, in memory only.

use crate::sys::os;
use crate::types::digest;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Each success within it starts it anew.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Pairs of source and user; each was a success, so only somebody with a password can fill it.
const MOST_KNOWN: usize = 16_384;

/// The last password of each user that was right. A user who is disabled, or whose password was changed, is found out
/// by the caller, who reads the account each time: the stored hash is part of the digest.
pub struct Successes {
    key: [u8; 32],
    last: HashMap<String, (Vec<u8>, Instant)>,
}

impl Successes {
    /// With a key of this process: whoever reads its memory later finds no digest that can be searched for.
    pub fn new() -> Successes {
        let mut key = [0; 32];
        os::random(&mut key);
        Successes { key, last: HashMap::new() }
    }

    fn parts<'a>(user: &'a str, password: &'a str, phc: &'a str, lengths: &'a [u8; 16]) -> [&'a [u8]; 4] {
        [lengths, user.as_bytes(), password.as_bytes(), phc.as_bytes()]
    }

    /// Whether this password was right for this user, with this stored hash. Then the day starts anew.
    pub fn contains(&mut self, user: &str, password: &str, phc: &str, now: Instant) -> bool {
        let Some((known, at)) = self.last.get_mut(user) else { return false };
        let lengths = lengths(user, password);
        let parts = Successes::parts(user, password, phc, &lengths);
        let right = now.saturating_duration_since(*at) < DAY
            && digest::hmac_is(digest::Algorithm::SHA256, &self.key, &parts, known);
        if right {
            *at = now;
        }
        right
    }

    pub fn add(&mut self, user: &str, password: &str, phc: &str, now: Instant) {
        let lengths = lengths(user, password);
        let parts = Successes::parts(user, password, phc, &lengths);
        let mac = digest::hmac(digest::Algorithm::SHA256, &self.key, &parts);
        self.last.insert(user.to_string(), (mac, now));
    }

    pub fn sweep(&mut self, now: Instant) {
        self.last.retain(|_, (_, at)| now.saturating_duration_since(*at) < DAY);
    }
}

/// Lengths first: no two triples are the same text.
fn lengths(user: &str, password: &str) -> [u8; 16] {
    let mut lengths = [0; 16];
    lengths[..8].copy_from_slice(&(user.len() as u64).to_be_bytes());
    lengths[8..].copy_from_slice(&(password.len() as u64).to_be_bytes());
    lengths
}

/// From where each user logged in with a password.
#[derive(Default)]
pub struct Known(HashMap<(IpAddr, String), Instant>);

impl Known {
    pub fn contains(&self, network: IpAddr, user: &str, now: Instant) -> bool {
        let at = self.0.get(&(network, user.to_string()));
        at.is_some_and(|at| now.saturating_duration_since(*at) < DAY)
    }

    pub fn add(&mut self, network: IpAddr, user: &str, now: Instant) {
        if self.0.len() >= MOST_KNOWN {
            self.sweep(now);
        }
        let key = (network, user.to_string());
        if self.0.len() < MOST_KNOWN || self.0.contains_key(&key) {
            self.0.insert(key, now);
        }
    }

    pub fn sweep(&mut self, now: Instant) {
        self.0.retain(|_, at| now.saturating_duration_since(*at) < DAY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_success_counts_for_a_day_after_its_last_use() {
        let (mut successes, start) = (Successes::new(), Instant::now());
        successes.add("alice", "secret", "$phc", start);
        let mut is = |password: &str, phc: &str, hours: u64| {
            successes.contains("alice", password, phc, start + Duration::from_secs(hours * 3600))
        };
        assert!(is("secret", "$phc", 23));
        assert!(is("secret", "$phc", 46), "it slides");
        assert!(!is("Secret", "$phc", 46));
        assert!(!is("secret", "$other", 46), "the password was changed");
        assert!(!is("secret", "$phc", 46 + 24));
        successes.sweep(start + DAY * 3);
        assert!(successes.last.is_empty());
    }

    #[test]
    fn successes_are_of_one_user_and_of_one_process() {
        let (mut successes, now) = (Successes::new(), Instant::now());
        successes.add("alice", "secret", "$phc", now);
        assert!(!successes.contains("bob", "secret", "$phc", now));
        assert!(!successes.contains("alice", "secre", "t$phc", now), "where a field ends counts");
        assert_ne!(Successes::new().key, Successes::new().key);
    }

    #[test]
    fn a_source_is_known_for_a_day() {
        let (mut known, start) = (Known::default(), Instant::now());
        let (here, there) = ([198, 41, 0, 4].into(), [198, 41, 0, 5].into());
        known.add(here, "alice", start);
        assert!(known.contains(here, "alice", start));
        assert!(!known.contains(there, "alice", start) && !known.contains(here, "bob", start));
        assert!(!known.contains(here, "alice", start + DAY));
    }
}
