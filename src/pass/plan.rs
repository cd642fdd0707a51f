//! What is out of date. Pure: values in, values out; no network, no clock, no files. Everything that keeps a push
//! back, or makes one that the address alone would not ask for, is decided here and nowhere else.

use crate::detect::Detected;
use crate::store::state::{passed, HostState, Pending, FLAP_WINDOW};
use crate::sys::clock::{self, Timestamp};
use crate::types::address::{Family, Set};
use std::net::IpAddr;

/// The least time between two pushes of a host whose address flips between the same values, in seconds.
const FLAP_PAUSE: i64 = 5 * clock::MINUTE;
/// A rejection is reported in full again, and one without a reason is retried, after this many seconds.
const DAILY: i64 = clock::DAY;

/// What to do about one host in one family. Kept small: a thousand hosts have two each.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// Nothing: the server has this address.
    Current,
    /// Nothing: no address was detected, and unknown is not empty.
    Unknown,
    /// Send this to the provider.
    Push(Set),
    /// Not yet: it failed, and the pause is not over.
    Wait { until: Timestamp, why: Box<str> },
    /// Not yet: the address flips between the same values.
    Flapping { until: Timestamp },
    /// Not yet: a second pass must see this address too.
    Unconfirmed(IpAddr),
    /// Not before the settings change, or `--force`.
    Rejected(Box<Rejection>),
}

/// A rejection in force.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rejection {
    pub why: String,
    pub remedy: String,
    /// It is a day since it was last reported in full.
    pub tell: bool,
}

/// What bears on all hosts of a section in one pass.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    pub now: Timestamp,
    pub force: bool,
    /// Seconds.
    pub refresh: i64,
    /// Seconds that are left between two pushes of a host.
    pub min_interval: i64,
    /// Digest of the section's settings and secrets.
    pub digest: &'a str,
    /// The same with the list of hosts: its change lifts a rejection.
    pub full: &'a str,
    /// What was found, by family; `None` where it was not learned.
    pub found: [Option<&'a Detected>; 2],
    /// Weak addresses that the last pass saw, by family.
    pub unconfirmed: [Option<IpAddr>; 2],
}

/// Decides on one host in one family.
pub fn plan(family: Family, known: Option<&HostState>, context: &Context<'_>) -> Step {
    let Some(found) = context.found[family as usize] else {
        return without_address(known, context);
    };
    let address = found.set();
    let Some(known) = known else {
        return Step::Push(address);
    };
    if context.force {
        return Step::Push(address);
    }
    let changed = known.digest != context.digest;
    let kept_back = known.pending.as_ref().and_then(|pending| keeps_back(pending, &address, changed, context));
    if let Some(step) = kept_back {
        return step;
    }
    let Some(published) = &known.published else {
        return Step::Push(address);
    };
    let early = !passed(published.confirmed, context.min_interval, context.now);
    if published.address != address {
        if found.weak && context.unconfirmed[family as usize] != Some(found.address) {
            return Step::Unconfirmed(found.address);
        }
        return match flapping(known, &address, context.now) {
            Some(until) => Step::Flapping { until },
            None if early => {
                let why = "the service takes no update so soon after the last".into();
                Step::Wait { until: published.confirmed + context.min_interval, why }
            }
            None => Step::Push(address),
        };
    }
    // On a board whose clock was never set no length of time means anything.
    let due = clock::plausible(context.now) && passed(published.confirmed, context.refresh, context.now);
    match (changed || due || known.pending.is_some()) && !early {
        true => Step::Push(address),
        false => Step::Current,
    }
}

/// Without an address nothing is sent; a rejection remains in force.
fn without_address(known: Option<&HostState>, context: &Context<'_>) -> Step {
    match known.and_then(|known| known.pending.as_ref()) {
        Some(pending) if !context.force => refusal(pending, context).unwrap_or(Step::Unknown),
        _ => Step::Unknown,
    }
}

/// The rejection, if there is one and nothing has lifted it.
fn refusal(pending: &Pending, context: &Context<'_>) -> Option<Step> {
    let Pending::Rejected { at, told, why, remedy, digest, daily } = pending else { return None };
    let over = digest != context.full || (*daily && passed(*at, DAILY, context.now));
    let tell = passed(*told, DAILY, context.now);
    (!over).then(|| Step::Rejected(Box::new(Rejection { why: why.clone(), remedy: remedy.clone(), tell })))
}

/// What keeps the push back, if it still does.
fn keeps_back(pending: &Pending, address: &Set, changed: bool, context: &Context<'_>) -> Option<Step> {
    let now = context.now;
    match pending {
        Pending::Attempted { address: old, at, times, .. } => {
            let wait = Pending::begun_wait(*times);
            let over = old != address || changed || passed(*at, wait, now);
            (!over).then(|| Step::Wait { until: at + wait, why: "passes ended before the server's answer".into() })
        }
        Pending::BackingOff { address: old, at, wait, strict, why, .. } => {
            let afresh = old != address && !strict;
            let over = afresh || changed || passed(*at, *wait, now);
            (!over).then(|| Step::Wait { until: at + wait, why: why.as_str().into() })
        }
        Pending::Rejected { .. } => refusal(pending, context),
    }
}

/// After three flips within 15 minutes: the earliest time of the next push.
fn flapping(known: &HostState, address: &Set, now: Timestamp) -> Option<Timestamp> {
    let recent: Vec<&(Timestamp, Set)> =
        known.changes.iter().filter(|(at, _)| !passed(*at, FLAP_WINDOW, now)).collect();
    let (last, _) = recent.last()?;
    let back = recent.iter().any(|(_, away)| away == address);
    (recent.len() >= 2 && back && !passed(*last, FLAP_PAUSE, now)).then_some(last + FLAP_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::state::Published;

    const NOW: Timestamp = 1_800_000_000;

    fn ip(last: u8) -> IpAddr {
        IpAddr::from([9, 9, 9, last])
    }

    fn push(last: u8) -> Step {
        Step::Push(ip(last).into())
    }

    fn found(last: u8) -> Detected {
        Detected { address: ip(last), beside: Vec::new(), from: "ipify".to_string(), weak: false, dissent: None }
    }

    fn published(last: u8, confirmed: Timestamp) -> HostState {
        let published = Published { address: ip(last).into(), since: confirmed, confirmed };
        HostState { published: Some(published), digest: "d".to_string(), ..HostState::default() }
    }

    fn decide(found: Option<&Detected>, known: Option<&HostState>, change: impl Fn(&mut Context<'_>)) -> Step {
        let mut context = Context {
            now: NOW,
            force: false,
            refresh: 28 * clock::DAY,
            min_interval: 0,
            digest: "d",
            full: "f",
            found: [found, None],
            unconfirmed: [None, None],
        };
        change(&mut context);
        plan(Family::V4, known, &context)
    }

    #[test]
    fn unknown_is_left_alone_whatever_else_holds() {
        assert_eq!(decide(None, Some(&published(1, NOW)), |c| c.force = true), Step::Unknown);
    }

    #[test]
    fn what_is_current_stays_and_what_is_not_goes() {
        let one = found(1);
        assert_eq!(decide(Some(&one), None, |_| ()), push(1));
        assert_eq!(decide(Some(&one), Some(&published(1, NOW - 100)), |_| ()), Step::Current);
        assert_eq!(decide(Some(&one), Some(&published(2, NOW - 100)), |_| ()), push(1));
        assert_eq!(decide(Some(&one), Some(&published(1, NOW)), |c| c.force = true), push(1));
        assert_eq!(decide(Some(&one), Some(&published(1, NOW)), |c| c.digest = "e"), push(1));
    }

    #[test]
    fn a_service_that_wants_time_gets_it() {
        let why = "the service takes no update so soon after the last".into();
        let wait = Step::Wait { until: NOW + 540, why };
        let old = published(2, NOW - 60);
        assert_eq!(decide(Some(&found(1)), Some(&old), |c| c.min_interval = 600), wait);
        assert_eq!(decide(Some(&found(1)), Some(&old), |c| (c.min_interval, c.now) = (600, NOW + 540)), push(1));
        assert_eq!(decide(Some(&found(1)), Some(&old), |c| (c.min_interval, c.now) = (600, NOW - 61)), push(1));
        assert_eq!(decide(Some(&found(1)), Some(&old), |c| (c.min_interval, c.force) = (600, true)), push(1));
        assert_eq!(decide(Some(&found(2)), Some(&old), |c| (c.min_interval, c.digest) = (600, "e")), Step::Current);
    }

    #[test]
    fn a_refresh_is_due_by_a_clock_that_can_be_right() {
        let one = found(1);
        let old = published(1, NOW - 28 * clock::DAY);
        assert_eq!(decide(Some(&one), Some(&old), |_| ()), push(1));
        assert_eq!(decide(Some(&one), Some(&old), |c| c.now -= 1), Step::Current);
        assert_eq!(decide(Some(&one), Some(&old), |c| c.now = 5), Step::Current);
        assert_eq!(decide(Some(&found(2)), Some(&old), |c| c.now = 5), push(2));
    }

    #[test]
    fn a_pause_holds_for_one_address_and_a_strict_one_for_all() {
        let waiting = |strict| HostState {
            pending: Some(Pending::BackingOff {
                address: ip(1).into(),
                at: NOW - 10,
                wait: 300,
                strict,
                fails: 1,
                why: "w".to_string(),
            }),
            ..published(3, NOW)
        };
        let wait = Step::Wait { until: NOW + 290, why: "w".into() };
        assert_eq!(decide(Some(&found(1)), Some(&waiting(false)), |_| ()), wait);
        assert_eq!(decide(Some(&found(2)), Some(&waiting(false)), |_| ()), push(2));
        assert_eq!(decide(Some(&found(2)), Some(&waiting(true)), |_| ()), wait);
        assert_eq!(decide(Some(&found(1)), Some(&waiting(true)), |c| c.now += 290), push(1));
        assert_eq!(decide(Some(&found(1)), Some(&waiting(true)), |c| c.now = NOW - 11), push(1));
        assert_eq!(decide(Some(&found(1)), Some(&waiting(true)), |c| c.digest = "e"), push(1));
    }

    #[test]
    fn a_refusal_stands_until_the_settings_change() {
        let refused = |daily| HostState {
            pending: Some(Pending::Rejected {
                at: NOW - 100,
                told: NOW - 100,
                why: "badauth".to_string(),
                remedy: "r".to_string(),
                digest: "f".to_string(),
                daily,
            }),
            ..published(3, NOW)
        };
        let stands =
            |tell| Step::Rejected(Box::new(Rejection { why: "badauth".to_string(), remedy: "r".to_string(), tell }));
        let one = found(1);
        assert_eq!(decide(Some(&one), Some(&refused(false)), |_| ()), stands(false));
        assert_eq!(decide(Some(&one), Some(&refused(false)), |c| c.now += clock::DAY), stands(true));
        assert_eq!(decide(Some(&one), Some(&refused(true)), |c| c.now += clock::DAY), push(1));
        assert_eq!(decide(Some(&one), Some(&refused(false)), |c| c.full = "g"), push(1));
        assert_eq!(decide(Some(&one), Some(&refused(false)), |c| c.force = true), push(1));
        assert_eq!(decide(None, Some(&refused(false)), |_| ()), stands(false), "an address is not needed to stand");
        assert_eq!(decide(None, Some(&refused(false)), |c| c.force = true), Step::Unknown);
        assert_eq!(decide(None, Some(&refused(false)), |c| c.full = "g"), Step::Unknown);
    }

    #[test]
    fn a_weak_address_needs_a_second_pass() {
        let weak = Detected { weak: true, ..found(1) };
        assert_eq!(decide(Some(&weak), Some(&published(2, NOW)), |_| ()), Step::Unconfirmed(ip(1)));
        assert_eq!(decide(Some(&weak), Some(&published(2, NOW)), |c| c.unconfirmed[0] = Some(ip(1))), push(1));
        assert_eq!(decide(Some(&weak), Some(&published(1, NOW)), |_| ()), Step::Current);
        assert_eq!(decide(Some(&weak), None, |_| ()), push(1));
    }

    #[test]
    fn back_and_forth_slows_down_from_the_third_change_on() {
        let mut known = published(2, NOW - 60);
        known.changes = vec![(NOW - 120, ip(2).into()), (NOW - 60, ip(1).into())];
        assert_eq!(decide(Some(&found(1)), Some(&known), |_| ()), Step::Flapping { until: NOW + 240 });
        assert_eq!(decide(Some(&found(1)), Some(&known), |c| c.now += 240), push(1));
        assert_eq!(decide(Some(&found(7)), Some(&known), |_| ()), push(7));
        known.changes.pop();
        assert_eq!(decide(Some(&found(1)), Some(&known), |_| ()), push(1));
    }
}
