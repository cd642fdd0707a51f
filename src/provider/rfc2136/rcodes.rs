//! What each answer means: RCODEs (RFC 2136 §2.2) and the errors of signatures (RFC 8945 §3), each on purpose.

use crate::net::dns::wire::rcode_name;
use crate::net::update_client::UpdateOutcome;
use crate::provider::contract::UpdateResult;
use crate::sys::clock;

const SERVFAIL: u16 = 2;
const REFUSED: u16 = 5;
const YXDOMAIN: u16 = 6;
pub const YXRRSET: u16 = 7;
const NXRRSET: u16 = 8;
const NOTAUTH: u16 = 9;
const NOTZONE: u16 = 10;

/// What a server refuses, why, and what mends it. `{zone}` and `{server}` are filled in.
const REFUSALS: &[(u16, &str, &str)] = &[
    (1, "the server cannot read the update", "see its log; a very old server knows neither updates nor signatures"),
    (3, "the server knows no such name", "check 'zone' and the hosts"),
    (4, "the server takes no updates", "name the zone's primary in 'server', and switch updates on there"),
    (REFUSED, "the server does not let this key change the zone {zone}", "check 'zone', and let it there: in BIND update-policy or allow-update, in Knot an acl with action: update, in PowerDNS dnsupdate=yes and TSIG-ALLOW-DNSUPDATE"),
    (NOTAUTH, "the server does not have the zone {zone}", "check 'zone' and 'server': updates go to its primary"),
    (NOTZONE, "the host is not in the zone {zone}", "check 'zone' and the hosts"),
    (16, "the server gets another signature from this key", "compare the secret and the algorithm with the server's"),
    (17, "the server does not know this key", "compare the key's name and algorithm with the server's; does it let the key in for this zone?"),
    (22, "the server takes no signature of this length", "choose another 'algorithm'"),
];

/// Whether a prerequisite of the update was not met (RFC 2136 §2.2).
pub fn is_unmet(outcome: &UpdateOutcome) -> bool {
    matches!(outcome, UpdateOutcome::Refused { rcode: YXDOMAIN..=NXRRSET, verified: true })
}

/// Whether one host of many may be the reason.
pub fn is_of_some(outcome: &UpdateOutcome) -> bool {
    matches!(outcome, UpdateOutcome::Refused { rcode: REFUSED | NOTZONE, verified: true })
}

/// The result of an update whose prerequisites are not the matter.
pub fn judge(outcome: &UpdateOutcome, zone: &str) -> UpdateResult {
    let (code, verified) = match outcome {
        UpdateOutcome::Done => return UpdateResult::Updated,
        UpdateOutcome::Refused { rcode: code, verified } | UpdateOutcome::TsigError { error: code, verified } => {
            (*code, *verified)
        }
        UpdateOutcome::BadTime { server_clock } => {
            let (ours, theirs) = (clock::stamp(clock::now()), clock::stamp(*server_clock));
            return UpdateResult::later(format!(
                "BADTIME: our clock says {ours}, the server's {theirs}; set the wrong one"
            ));
        }
        UpdateOutcome::Unanswered(why) | UpdateOutcome::NotSent(why) => return UpdateResult::later(why.as_str()),
    };
    let unsure = if verified { "" } else { " (as it says without a signature)" };
    let name = rcode_name(code);
    if !verified && matches!(code, REFUSED | NOTAUTH) {
        // PowerDNS 4.7 says no more than this, whatever is wrong; Knot 3.2 does so of a zone that it does not have.
        return UpdateResult::Unauthorized {
            why: format!("{name}, without a signature: the server does not take our signature, or not for the zone {zone}, or does not have it"),
            remedy: format!(
                "compare the key's name, algorithm and secret with the server's, the zone, and the clocks (ours says {}); \
                 and let the key change the zone",
                clock::stamp(clock::now())
            ),
        };
    }
    match REFUSALS.iter().find(|(known, ..)| *known == code) {
        Some((_, why, remedy)) => UpdateResult::Rejected {
            why: format!("{name}: {}{unsure}", why.replace("{zone}", zone)),
            remedy: remedy.to_string(),
        },
        None if code == SERVFAIL => {
            UpdateResult::later(format!("{name}: the server could not do it; its log says why{unsure}"))
        }
        None => UpdateResult::later(format!("{name}{unsure}")),
    }
}

/// The name is an alias.
pub fn alias(host: &str) -> UpdateResult {
    UpdateResult::Rejected {
        why: format!("YXRRSET: {host} is an alias (CNAME) there, and no address can stand beside it"),
        remedy: "remove the alias, or update the name that it leads to".to_string(),
    }
}

/// Somebody else's record stands under the name.
pub fn not_mine(host: &str, record: &str) -> UpdateResult {
    UpdateResult::Rejected {
        why: format!("somebody else's record: homing did not publish the {record} that {host} has now"),
        remedy: "remove it, or make it homing's, which replaces it".to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_verdict() {
        let of = |rcode, error| match (rcode, error) {
            (0, 0) => judge(&UpdateOutcome::Done, "example"),
            (rcode, 0) => judge(&UpdateOutcome::Refused { rcode, verified: true }, "example"),
            (_, error) => judge(&UpdateOutcome::TsigError { error, verified: true }, "example"),
        };
        assert_eq!(of(0, 0), UpdateResult::Updated);
        for (rcode, error) in [(1, 0), (3, 0), (4, 0), (5, 0), (9, 0), (10, 0), (9, 16), (9, 17), (9, 22)] {
            let verdict = of(rcode, error);
            let UpdateResult::Rejected { why, .. } = &verdict else { panic!("{rcode} {error}: {verdict:?}") };
            assert!(why.starts_with(&rcode_name(rcode.max(error))) && !why.contains('{'), "{why}");
        }
        for (rcode, error) in [(2, 0), (6, 0), (7, 0), (8, 0), (11, 0), (15, 0), (0, 16 + 99), (9, 18)] {
            assert!(matches!(of(rcode, error), UpdateResult::RetryLater { .. }), "{rcode} {error}");
        }
        let late = judge(&UpdateOutcome::BadTime { server_clock: 1_795_176_000 }, "example");
        assert!(
            matches!(&late, UpdateResult::RetryLater { why, .. } if why.contains("2026-11-20T12:00:00Z")),
            "{late:?}"
        );
        let unsigned = judge(&UpdateOutcome::Refused { rcode: REFUSED, verified: false }, "example");
        assert!(matches!(&unsigned, UpdateResult::Unauthorized { why, .. } if why.starts_with("REFUSED, without")));
    }
}
