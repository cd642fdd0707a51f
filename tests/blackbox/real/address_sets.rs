//! Several addresses of one host at BIND, Knot and PowerDNS: replaced, guarded and verified as a whole.

use super::rfc2136::{config, key};
use super::zones::{Kind, Zones, KINDS};
use crate::testbed::{Run, Scratch};

const FOURS: &str = "198.41.0.4, 198.41.0.9, 198.41.0.7";
const SIXES: &str = "2620:fe::fe, 2620:fe::9";

/// A section that publishes all addresses and changes only records that homing wrote.
fn section(zones: &Zones) -> String {
    format!(
        "hosts = home.example.test, new.example.test\nzone = example.test\naddresses = all\nnameserver = {}\n{}",
        zones.place,
        key("hmac-sha256")
    )
}

fn own(zones: &Zones, host: &str) -> Vec<String> {
    let ours = |record: &String| record.starts_with(&format!("{host} A"));
    zones.records().into_iter().filter(ours).collect()
}

fn sets(kind: Kind) {
    let scratch = Scratch::new();
    let zones = Zones::start(kind, &scratch);
    let before = zones.records();
    let place = zones.place.port();
    config(&scratch, place, &section(&zones), (FOURS, SIXES));
    let go = |args: &[&str]| Run::pass(&scratch).args(args.iter().copied()).go();
    let run = go(&[]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{kind:?}\n{}", scratch.read("daemon.out"));
    for host in ["home", "new"] {
        let addresses = ["A 198.41.0.4", "A 198.41.0.7", "A 198.41.0.9", "AAAA 2620:fe::9", "AAAA 2620:fe::fe"];
        assert_eq!(own(&zones, host), addresses.map(|record| format!("{host} {record}")), "{kind:?}");
    }
    // MX, TXT and the neighbouring names are unchanged.
    let others = |records: Vec<String>| -> Vec<String> {
        let ours = |record: &String| ["home A", "new A"].iter().any(|start| record.starts_with(start));
        records.into_iter().filter(|record| !ours(record)).collect()
    };
    assert_eq!(others(zones.records()), others(before), "{kind:?}");
    // They are verified whatever the order in which the server returns them.
    let state = scratch.read("state.json");
    let confirmed = state.find("\"confirmed\":").unwrap() + 12;
    let stamp = state[confirmed..].split(',').next().unwrap().to_string();
    let earlier = (stamp.parse::<i64>().unwrap() - 600).to_string();
    scratch.write("state.json", &state.replace(&stamp, &earlier), 0o600);
    let run = go(&["--verify"]);
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (Some(0), "", ""), "{kind:?}");
    // A smaller set replaces all, unless something else changed the records meanwhile.
    let mine = |fours: &str| {
        let state = scratch.read("state.json");
        config(&scratch, place, &format!("{}prerequisite = mine\n", section(&zones)), (fours, SIXES));
        scratch.write("state.json", &state, 0o600);
        go(&[])
    };
    let run = mine("198.41.0.9, 198.41.0.8");
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{kind:?}");
    assert_eq!(own(&zones, "new")[..2], ["new A 198.41.0.8", "new A 198.41.0.9"], "{kind:?}");
    zones.nsupdate(&scratch, "update delete new.example.test A 198.41.0.8");
    let run = mine("198.41.0.8, 198.41.0.10");
    assert_eq!(run.code, Some(3), "{kind:?} {run:?}");
    assert!(run.stderr.contains("new.example.test: ipv4 refused: somebody else's record"), "{kind:?} {}", run.stderr);
    assert_eq!(own(&zones, "new")[0], "new A 198.41.0.9", "{kind:?}");
    assert_eq!(own(&zones, "home")[..2], ["home A 198.41.0.10", "home A 198.41.0.8"], "{kind:?}");
}

#[test]
#[cfg_attr(not(feature = "verify"), ignore = "needs --verify")]
fn several_addresses_are_updated_at_bind() {
    sets(Kind::Bind);
}

#[test]
#[cfg_attr(not(feature = "verify"), ignore = "needs --verify")]
fn several_addresses_are_updated_at_knot() {
    sets(Kind::Knot);
}

#[test]
#[cfg_attr(not(feature = "verify"), ignore = "needs --verify")]
fn several_addresses_are_updated_at_powerdns() {
    sets(Kind::PowerDns);
}

/// More addresses than fit into a datagram: they are verified over TCP, as they were updated.
#[test]
#[cfg_attr(not(feature = "verify"), ignore = "needs --verify")]
fn many_addresses_are_verified_over_tcp() {
    let many: Vec<String> = (1..=60).map(|at| format!("198.41.1.{at}")).collect();
    for kind in KINDS {
        let scratch = Scratch::new();
        let zones = Zones::start(kind, &scratch);
        config(&scratch, zones.place.port(), &section(&zones), (&many.join(", "), SIXES));
        let run = Run::pass(&scratch).go();
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{kind:?}");
        assert_eq!(own(&zones, "new").len(), 62, "{kind:?}");
        let state = scratch.read("state.json");
        let stamp = state[state.find("\"confirmed\":").unwrap() + 12..].split(',').next().unwrap().to_string();
        let earlier = (stamp.parse::<i64>().unwrap() - 600).to_string();
        scratch.write("state.json", &state.replace(&stamp, &earlier), 0o600);
        let run = Run::pass(&scratch).arg("--verify").go();
        assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (Some(0), "", ""), "{kind:?}");
    }
}
