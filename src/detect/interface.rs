//! The address that this machine itself holds: no server is asked and nothing leaves the house.
//! It stands apart because the only question is which of an interface's many addresses the world may be told, and
//! because it fails in its own ways: no such interface, switched off, nothing on it, or only private ones.
//!
//! An address is told when it is of global scope, its interface is on and not the loopback (which some routers give a
//! public address: it counts where it is named), and it is neither deprecated nor unconfirmed; for IPv6 it is not temporary
//! (RFC 8981) either, for those name no lasting place. Teredo (RFC 4380) and private ones need leave. All are told, in this
//! order: public before private · Teredo last · IPv4: primary before secondary · the longest preferred lifetime · set by hand
//! before given by a router or lease · the lowest interface index · the numerically lowest.

use super::AllowedScopes;
use crate::sys::os::{self, Held};
use crate::types::address::{self, Family};
use std::cmp::Reverse;
use std::net::IpAddr;

/// `lo` has index 1 in every network namespace (LOOPBACK_IFINDEX in the kernel).
const LOOPBACK: u32 = 1;
/// How many addresses a message names; a machine full of containers holds hundreds.
const NAMED: usize = 4;

/// Says why an address can't be reached from the Internet; `None` when it can.
pub type NotPublic = fn(IpAddr) -> Option<&'static str>;

/// All addresses that may be told of those held by this machine, on one interface (its index) or any, the best first
/// and never none. A caller that knows which one is published can keep it while it is among them: lifetimes run down
/// and are renewed, so two of them may take turns at being the longest.
pub fn fit(
    held: &[Held],
    only: Option<u32>,
    family: Family,
    leave: AllowedScopes,
    not_public: NotPublic,
) -> Result<Vec<IpAddr>, String> {
    let seen = held.iter().filter(|held| {
        only.map_or(held.interface != LOOPBACK, |index| held.interface == index)
            && held.address.is_ipv4() == (family == Family::V4)
    });
    let (mut fit, mut private, mut unfit) = (Vec::new(), Vec::new(), Vec::new());
    for one in seen {
        let tunnel = is_teredo(one.address);
        let why = not_public(one.address).filter(|_| !tunnel);
        match (unfitness(one).or((tunnel && !leave.teredo).then_some("a Teredo tunnel")), why) {
            (Some(flaw), _) => unfit.push((one, flaw)),
            (None, Some(why)) if !leave.private => private.push((one, why)),
            (None, _) => fit.push((one, why.is_some())),
        }
    }
    fit.sort_by_key(|(one, private)| {
        let secondary = family == Family::V4 && one.temporary;
        (
            *private,
            is_teredo(one.address),
            secondary,
            Reverse(one.preferred_s),
            !one.permanent,
            one.interface,
            one.address,
        )
    });
    if !fit.is_empty() {
        return Ok(fit.into_iter().map(|(one, _)| one.address).collect());
    }
    let name = family.prose();
    Err(match (family, private.is_empty(), unfit.is_empty()) {
        (_, true, true) => format!("no {name} address"),
        (_, true, false) => format!("no {name} address to tell: {}", list(&unfit)),
        (Family::V4, false, _) => {
            format!("only private addresses: {}; a router or a carrier's NAT stands between", list(&private))
        }
        (Family::V6, false, _) => format!("only private addresses: {}; no public prefix is here", list(&private)),
    })
}

/// Asks the kernel, and says what is wrong with the interface where there is no answer.
pub fn ask(interface: Option<&str>, family: Family, leave: AllowedScopes) -> Result<Vec<IpAddr>, String> {
    let only = match interface {
        None => None,
        Some(name) => {
            let links = os::links().map_err(|error| format!("can't list the interfaces: {error}"))?;
            let link = links.iter().find(|link| link.name == name).ok_or_else(|| missing(name, &links))?;
            if !link.up {
                return Err(format!("{name} is down"));
            }
            Some(link.index)
        }
    };
    let held = os::held_addresses(family).map_err(|error| format!("can't list the addresses: {error}"))?;
    fit(&held, only, family, leave, address::not_public)
        .map_err(|why| format!("{}: {why}", interface.unwrap_or("all interfaces")))
}

fn missing(name: &str, links: &[os::Link]) -> String {
    let others: Vec<&str> = links.iter().filter(|link| link.index != LOOPBACK).map(|link| link.name.as_str()).collect();
    match others.len() {
        0 => format!("there is no interface {name}, nor any other"),
        1..=8 => format!("there is no interface {name}; there are: {}", others.join(", ")),
        _ => format!("there is no interface {name}; `ip link` lists those there are"),
    }
}

/// What keeps an address from being told, be it public or private.
fn unfitness(held: &Held) -> Option<&'static str> {
    let v6 = held.address.is_ipv6();
    let flaws = [
        (!held.up, "the interface is down"),
        (never(held.address), "of no use elsewhere"),
        (!held.global_scope, "not of global scope"),
        (held.tentative, "not confirmed to be ours alone"),
        (held.deprecated, "deprecated"),
        (v6 && held.temporary, "temporary"),
    ];
    flaws.into_iter().find(|(is_so, _)| *is_so).map(|(_, flaw)| flaw)
}

/// Whatever scope they were given: `ip addr add 169.254.1.1` makes a "global" one.
fn never(address: IpAddr) -> bool {
    let link_local = match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.segments()[0] & 0xffc0 == 0xfe80,
    };
    link_local || address.is_loopback() || address.is_unspecified() || address.is_multicast()
}

/// 2001::/32 (RFC 4380).
pub(super) fn is_teredo(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(v6) if v6.segments()[..2] == [0x2001, 0])
}

fn list(those: &[(&Held, &str)]) -> String {
    let named = those.iter().take(NAMED).map(|(held, why)| format!("{} on {} ({why})", held.address, held.name));
    let more = those.len().saturating_sub(NAMED);
    let rest = (more > 0).then(|| format!("{more} more"));
    named.chain(rest).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::address::not_public;
    use std::process::Command;

    fn held(address: &str, interface: u32) -> Held {
        Held {
            address: address.parse().unwrap(),
            interface,
            name: format!("eth{}", interface.saturating_sub(2)),
            up: true,
            temporary: false,
            deprecated: false,
            tentative: false,
            global_scope: true,
            preferred_s: 3600,
            permanent: false,
            prefix_len: 64,
        }
    }

    const PRIVATE: AllowedScopes = AllowedScopes { private: true, teredo: false };

    fn choose(
        held: &[Held],
        only: Option<u32>,
        family: Family,
        private: bool,
        not_public: NotPublic,
    ) -> Result<IpAddr, String> {
        fit(held, only, family, AllowedScopes { private, teredo: false }, not_public).map(|fit| fit[0])
    }

    fn of(address: &str) -> Family {
        [Family::V6, Family::V4][usize::from(address.parse::<IpAddr>().unwrap().is_ipv4())]
    }

    /// The better of two, in whatever order the kernel lists them.
    fn prefers(better: &Held, worse: &Held, allow_private: bool) {
        let family = of(&better.address.to_string());
        for both in [[better.clone(), worse.clone()], [worse.clone(), better.clone()]] {
            assert_eq!(choose(&both, None, family, allow_private, not_public), Ok(better.address));
        }
    }

    #[test]
    fn the_order_of_preference() {
        let one = |address| held(address, 2);
        let (a, b) = ("2a00::1", "2a00::2");
        prefers(&Held { preferred_s: 3601, ..one(b) }, &one(a), false);
        prefers(&Held { preferred_s: u32::MAX, ..one(b) }, &one(a), false);
        prefers(&Held { permanent: true, ..one(b) }, &one(a), false);
        prefers(&held(b, 2), &held(a, 3), false);
        prefers(&one(a), &one(b), false);
        prefers(&one(b), &Held { preferred_s: u32::MAX, ..one("fd00::1") }, true);
        prefers(&one("8.8.8.8"), &Held { temporary: true, preferred_s: u32::MAX, ..one("8.8.4.4") }, false);
        prefers(&one("8.8.4.4"), &one("8.8.8.8"), false);
        prefers(&one("9.9.9.9"), &one("10.0.0.1"), false);
    }

    #[test]
    fn what_is_never_told() {
        let one = |address| held(address, 2);
        let never = [
            (Held { temporary: true, ..one("2a00::1") }, "temporary"),
            (Held { deprecated: true, ..one("2a00::1") }, "deprecated"),
            (Held { deprecated: true, ..one("8.8.8.8") }, "deprecated"),
            (Held { tentative: true, ..one("2a00::1") }, "not confirmed"),
            (Held { global_scope: false, ..one("2a00::1") }, "scope"),
            (Held { up: false, ..one("8.8.8.8") }, "down"),
            (one("2001:0:1234::1"), "Teredo"),
            (one("fe80::1"), "of no use"),
            (one("169.254.1.1"), "of no use"),
            (one("127.0.0.2"), "of no use"),
            (one("224.0.0.1"), "of no use"),
            (held("8.8.8.8", 1), "no IPv4 address"),
        ];
        for (wrong, why) in never {
            let family = of(&wrong.address.to_string());
            for allow_private in [false, true] {
                let told = choose(std::slice::from_ref(&wrong), None, family, allow_private, not_public);
                assert!(told.as_ref().is_err_and(|error| error.contains(why)), "{wrong:?}: {told:?}");
            }
        }
        let secondary = Held { temporary: true, ..one("8.8.8.8") };
        assert!(choose(&[secondary], None, Family::V4, false, not_public).is_ok());
    }

    #[test]
    fn teredo_is_told_where_it_is_wanted_and_comes_last() {
        let tunnel = Held { preferred_s: u32::MAX, permanent: true, ..held("2001:0:1234::1", 2) };
        let all = [tunnel, held("2a00::1", 3), held("fd00::1", 3)];
        let fit = |leave| fit(&all, None, Family::V6, leave, not_public).unwrap();
        let texts = |leave| fit(leave).iter().map(IpAddr::to_string).collect::<Vec<_>>();
        assert_eq!(texts(AllowedScopes::default()), ["2a00::1"]);
        assert_eq!(texts(AllowedScopes { teredo: true, private: false }), ["2a00::1", "2001:0:1234::1"]);
        assert_eq!(texts(AllowedScopes { teredo: true, private: true }), ["2a00::1", "2001:0:1234::1", "fd00::1"]);
        assert_eq!(texts(PRIVATE), ["2a00::1", "fd00::1"]);
    }

    #[test]
    fn private_ones_are_named_and_need_leave() {
        let all = [held("192.168.1.5", 2), held("100.64.0.9", 3), held("fd00::5", 2)];
        let error = choose(&all, None, Family::V4, false, not_public).unwrap_err();
        for part in [
            "only private addresses: 192.168.1.5 on eth0 (",
            "100.64.0.9 on eth1 (",
            "a router or a carrier's NAT stands between",
        ] {
            assert!(error.contains(part), "{error}");
        }
        assert!(choose(&all, None, Family::V6, false, not_public).unwrap_err().contains("fd00::5 on eth0"));
        assert_eq!(choose(&all, None, Family::V6, true, not_public), Ok(all[2].address));
        assert_eq!(choose(&all, Some(3), Family::V4, true, not_public), Ok(all[1].address));
    }

    #[test]
    fn other_interfaces_families_and_nothing_at_all() {
        let all = [held("8.8.8.8", 2), held("2a00::1", 2)];
        assert_eq!(choose(&all, Some(3), Family::V4, false, not_public).unwrap_err(), "no IPv4 address");
        assert_eq!(choose(&[], None, Family::V6, false, not_public).unwrap_err(), "no IPv6 address");
        assert_eq!(choose(&all, Some(2), Family::V6, false, not_public), Ok(all[1].address));
        assert_eq!(choose(&all, None, Family::V4, false, not_public), Ok(all[0].address));
    }

    #[test]
    fn long_lists_are_cut() {
        let many: Vec<Held> = (1..=9).map(|n| held(&format!("10.0.0.{n}"), 2)).collect();
        let error = choose(&many, None, Family::V4, false, not_public).unwrap_err();
        assert!(error.contains("10.0.0.4") && !error.contains("10.0.0.5") && error.contains("5 more"), "{error}");
    }

    #[test]
    fn a_missing_interface_is_told_and_the_loopback_counts_by_name_alone() {
        let error = ask(Some("no-such-thing"), Family::V4, AllowedScopes::default()).unwrap_err();
        assert!(error.contains("there is no interface no-such-thing"), "{error}");
        let on_lo = [held("8.8.8.8", LOOPBACK), held("127.0.0.1", LOOPBACK)];
        assert_eq!(choose(&on_lo, None, Family::V4, false, not_public).unwrap_err(), "no IPv4 address");
        assert_eq!(choose(&on_lo, Some(LOOPBACK), Family::V4, false, not_public), Ok(on_lo[0].address));
        let error = choose(&on_lo[1..], Some(LOOPBACK), Family::V4, true, not_public).unwrap_err();
        assert!(error.contains("127.0.0.1 on eth0 (of no use elsewhere)"), "{error}");
    }

    /// What the kernel really says, in a network of our own: this test runs itself again inside `unshare -n`.
    #[test]
    fn a_real_interface() {
        const INSIDE: &str = "HOMING_TEST_INSIDE";
        if std::env::var_os(INSIDE).is_some() {
            return inside();
        }
        let again = ["--exact", "detect::interface::tests::a_real_interface", "--nocapture"];
        let this = std::env::current_exe().unwrap();
        match Command::new("unshare").args(["-r", "-n", "true"]).output() {
            Ok(can) if can.status.success() => {}
            _ => return eprintln!("SKIPPED: no network namespaces here"),
        }
        let run = Command::new("unshare").args(["-r", "-n"]).arg(this).args(again).env(INSIDE, "1").output().unwrap();
        let told = String::from_utf8_lossy(&run.stderr);
        assert!(run.status.success(), "{}{told}", String::from_utf8_lossy(&run.stdout));
        eprint!("{told}");
    }

    fn inside() {
        let ip = |line: &str| Command::new("ip").args(line.split(' ')).output().is_ok_and(|ran| ran.status.success());
        if !ip("link add home0 type dummy") && !ip("link add home0 type veth peer name peer0") {
            return eprintln!("SKIPPED: no `ip`, or no interfaces to be made here");
        }
        let one =
            |family, private| ask(Some("home0"), family, AllowedScopes { private, teredo: false }).map(|all| all[0]);
        let (v4, v6) = (|private| one(Family::V4, private), |private| one(Family::V6, private));
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(v4(false), Err("home0 is down".into()));
        assert!(ip("link set home0 up"));
        assert_eq!(v4(false), Err("home0: no IPv4 address".into()));

        assert!(ip("addr add 192.168.1.5/24 dev home0"));
        assert!(v4(false).unwrap_err().contains("192.168.1.5 on home0"));
        assert_eq!(v4(true), Ok(address("192.168.1.5")));
        assert!(ip("addr add 198.41.1.9/24 dev home0") && ip("addr add 198.41.1.8/24 dev home0"));
        assert_eq!(v4(false), Ok(address("198.41.1.9")), "the primary, not the secondary");
        assert!(ip("addr add 203.0.113.1 peer 203.0.113.2 dev home0"));
        assert!(os::held_addresses(Family::V4).unwrap().iter().any(|held| held.address == address("203.0.113.1")));
        for n in 0..300 {
            assert!(ip(&format!("addr add 10.1.{}.{}/32 dev home0", n / 200, n % 200 + 1)));
        }
        assert_eq!(os::held_addresses(Family::V4).unwrap().len(), 304, "a dump of several parts");

        if !ip("addr add fd00::5/64 dev home0 nodad") {
            return eprintln!("SKIPPED: no IPv6 here");
        }
        assert!(v6(false).unwrap_err().contains("fd00::5 on home0"));
        assert!(ip("addr add 2a00:1::1/64 dev home0 nodad valid_lft 9000 preferred_lft 0"));
        assert!(v6(false).is_err(), "deprecated");
        assert!(ip("addr add 2a00:2::1/64 dev home0 nodad valid_lft 9000 preferred_lft 1000"));
        assert!(ip("addr add 2a00:3::1/64 dev home0 nodad valid_lft 9000 preferred_lft 8000"));
        assert_eq!(v6(false), Ok(address("2a00:3::1")));
        assert!(ip("addr add 2a00:4::1/64 dev home0 nodad"));
        assert_eq!(v6(false), Ok(address("2a00:4::1")));
        assert!(ip("link set home0 down"));
        assert_eq!(v4(true), Err("home0 is down".into()));
        assert!(ask(None, Family::V4, PRIVATE).unwrap_err().contains("the interface is down"));
    }
}
