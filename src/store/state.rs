//! What we believe is published, what is refused until when: one small file, replaced atomically, written only when
//! something changed. It can be lost: then each host is pushed once more and nothing else happens.

mod file;

use crate::sys::clock::{self, Timestamp};
use crate::types::address::{Family, Set};
use crate::types::digest;
use crate::types::vec_map::VecMap;
use std::net::IpAddr;
use std::rc::Rc;

pub use file::{load, store, Loaded};

/// The first back-off, in seconds; doubles up to [`LONGEST_WAIT`].
const FIRST_WAIT: i64 = 5 * clock::MINUTE;
const LONGEST_WAIT: i64 = 6 * clock::HOUR;
/// Changes of address further back than this do not count as going back and forth, in seconds.
pub const FLAP_WINDOW: i64 = 15 * clock::MINUTE;

/// The whole memory.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct State {
    /// Makes digests of secrets useless to whoever reads the file.
    pub salt: String,
    /// Shared by the copies of a state until one is changed (`Rc::make_mut`): to keep a thousand hosts as the file had them
    /// costs nothing.
    pub sections: VecMap<String, Rc<SectionState>>,
    /// By family: a weak address that waits for a second pass to agree.
    pub unconfirmed: [Option<IpAddr>; 2],
    /// The section at which the last pass ran out of time.
    pub resume: Option<String>,
    /// By source: who said something else than those that agree, as it was told.
    pub dissent: VecMap<String, String>,
}

/// What is remembered of one section.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SectionState {
    /// Hosts of which the same is known share it.
    pub hosts: VecMap<(String, Family), Rc<HostState>>,
    /// What the provider asked to be remembered.
    pub notes: VecMap<String, String>,
}

/// What is known of one host in one family.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HostState {
    pub published: Option<Published>,
    /// Digest of the settings under which it was last pushed.
    pub digest: String,
    pub pending: Option<Pending>,
    /// What was found to be otherwise in DNS, and was pushed again for it.
    pub astray: Option<Astray>,
    /// Recent changes: when, and away from which addresses.
    pub changes: Vec<(Timestamp, Set)>,
}

/// What the server has, as far as it told us: an address, or a set of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Published {
    pub address: Set,
    /// Since when.
    pub since: Timestamp,
    /// When the server last said so.
    pub confirmed: Timestamp,
}

/// DNS did not say what the server was told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Astray {
    /// When it was pushed again.
    pub at: Timestamp,
    /// Whether it was told that this did not help.
    pub told: bool,
}

/// What stands between now and the next push.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Pending {
    /// A push was begun; no verdict was written down.
    Attempted { address: Set, at: Timestamp, times: u32, fails: u32 },
    /// It failed and is tried again after a while.
    BackingOff { address: Set, at: Timestamp, wait: i64, strict: bool, fails: u32, why: String },
    /// The server said no.
    Rejected { at: Timestamp, told: Timestamp, why: String, remedy: String, digest: String, daily: bool },
}

/// Whether `wait` seconds have passed since `at`. A clock that went backwards counts as having passed, once: the
/// next event is stamped anew.
pub fn passed(at: Timestamp, wait: i64, now: Timestamp) -> bool {
    now < at || now - at >= wait
}

/// The pause after so many failures in a row.
pub fn back_off(fails: u32) -> i64 {
    let doubled = fails.saturating_sub(1).min(10);
    (FIRST_WAIT << doubled).min(LONGEST_WAIT)
}

impl Pending {
    /// How long a begun push keeps the next one away: the first repeat goes at once, so that a crash converges; a
    /// crash at every repeat backs off.
    pub fn begun_wait(times: u32) -> i64 {
        match times {
            0 | 1 => 0,
            more => back_off(more - 1),
        }
    }
}

impl HostState {
    /// Writes down that a push begins.
    pub fn begin(&mut self, address: &Set, digest: &str, now: Timestamp) {
        let (times, fails) = match &self.pending {
            Some(Pending::Attempted { address: old, times, fails, .. }) if old == address => (*times, *fails),
            Some(Pending::BackingOff { address: old, fails, .. }) if old == address => (0, *fails),
            _ => (0, 0),
        };
        self.digest = digest.to_string();
        self.pending =
            Some(Pending::Attempted { address: address.clone(), at: now, times: times.saturating_add(1), fails });
    }

    /// The provider confirmed this address.
    pub fn publish(&mut self, address: &Set, now: Timestamp) {
        let old = self.published.take();
        let since = match &old {
            Some(old) if old.address == *address => old.since,
            _ => now,
        };
        self.changes.retain(|(at, _)| !passed(*at, FLAP_WINDOW, now));
        if let Some(old) = old.filter(|old| old.address != *address) {
            self.astray = None;
            self.changes.push((now, old.address));
            let surplus = self.changes.len().saturating_sub(4);
            self.changes.drain(..surplus);
        }
        self.published = Some(Published { address: address.clone(), since, confirmed: now });
        self.pending = None;
    }

    /// The update failed. `least`: seconds to leave the provider alone at least; `strict`: for a new address too.
    pub fn back_off(&mut self, address: &Set, why: &str, least: i64, strict: bool, now: Timestamp) {
        let before = match &self.pending {
            Some(Pending::Attempted { fails, .. }) => *fails,
            _ => 0,
        };
        let fails = before.saturating_add(1);
        let wait = back_off(fails).max(least);
        let (address, why) = (address.clone(), why.to_string());
        self.pending = Some(Pending::BackingOff { address, at: now, wait, strict, fails, why });
    }

    /// The provider rejected the update. `full` is the digest whose change lifts the rejection; `daily`: it is tried
    /// once a day all the same.
    pub fn reject(&mut self, why: &str, remedy: &str, full: &str, daily: bool, now: Timestamp) {
        self.pending = Some(Pending::Rejected {
            at: now,
            told: now,
            why: why.to_string(),
            remedy: remedy.to_string(),
            digest: full.to_string(),
            daily,
        });
    }
}

impl State {
    /// A memory of nothing, with a salt of its own.
    pub fn fresh() -> State {
        let mut bytes = [0u8; 16];
        crate::sys::os::random(&mut bytes);
        State { salt: digest::hex(&bytes), ..State::default() }
    }

    /// A salted digest of a text: SHA-256, of which 64 bits are kept. The same in every version and on every board.
    pub fn digest(&self, text: &str) -> String {
        let sum = digest::sha256(&[self.salt.as_bytes(), b"\n", text.as_bytes()]);
        digest::hex(&sum[..8])
    }

    /// Writes down that a refusal was told in full.
    pub fn told(&mut self, section: &str, host: &str, family: Family, now: Timestamp) {
        let memory = self.sections.get_mut(section).map(Rc::make_mut);
        let known = memory.and_then(|memory| memory.hosts.get_mut(&(host.to_string(), family)));
        if let Some(Pending::Rejected { told, .. }) = known.and_then(|known| Rc::make_mut(known).pending.as_mut()) {
            *told = now;
        }
    }

    /// Writes down what was found in DNS.
    pub fn note(&mut self, section: &str, host: &str, family: Family, astray: Option<Astray>) {
        let memory = self.sections.get_mut(section).map(Rc::make_mut);
        if let Some(known) = memory.and_then(|memory| memory.hosts.get_mut(&(host.to_string(), family))) {
            Rc::make_mut(known).astray = astray;
        }
    }

    pub fn known(&self, section: &str, host: &str, family: Family) -> Option<&HostState> {
        self.sections.get(section)?.hosts.get(&(host.to_string(), family)).map(Rc::as_ref)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_off_doubles_from_five_minutes_to_six_hours() {
        let waits: Vec<i64> = (1..=9).map(back_off).collect();
        assert_eq!(waits, [300, 600, 1_200, 2_400, 4_800, 9_600, 19_200, 21_600, 21_600]);
        assert_eq!(back_off(u32::MAX), 21_600);
    }

    #[test]
    fn a_clock_that_goes_back_never_blocks() {
        assert!(passed(1_000, 300, 1_300));
        assert!(!passed(1_000, 300, 1_299));
        assert!(passed(1_000, 300, 999));
    }

    #[test]
    fn a_crash_is_repeated_once_at_once_and_then_backs_off() {
        let address = Set::from("9.9.9.9".parse::<IpAddr>().expect("good"));
        let mut known = HostState::default();
        let mut waits = Vec::new();
        for _ in 0..4 {
            known.begin(&address, "d", 0);
            if let Some(Pending::Attempted { times, .. }) = known.pending {
                waits.push(Pending::begun_wait(times));
            }
        }
        assert_eq!(waits, [0, 300, 600, 1_200]);
    }

    #[test]
    fn failures_count_up_for_one_address_and_afresh_for_another() {
        let ip = |last| Set::from(IpAddr::from([9, 9, 9, last]));
        let (one, two) = (ip(1), ip(2));
        let mut known = HostState::default();
        let mut waits = Vec::new();
        for address in [&one, &one, &two] {
            known.begin(address, "d", 0);
            known.back_off(address, "x", 0, false, 0);
            if let Some(Pending::BackingOff { wait, .. }) = known.pending {
                waits.push(wait);
            }
        }
        assert_eq!(waits, [300, 600, 300]);
    }

    #[test]
    fn digests_stay_the_same_across_versions() {
        let state = State { salt: "00ff".to_string(), ..State::default() };
        // printf '00ff\nabc' | sha256sum
        assert_eq!(state.digest("abc"), "edd5bebf95b4d2cd");
        assert_eq!(State::fresh().salt.len(), 32);
    }
}
