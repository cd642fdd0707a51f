//! A build without a Cargo feature reports in one line that something is missing and which feature has it; it does not
//! claim that the name is unknown. These tests run in every build and check both sides.

use crate::testbed::{left_out, Run, Scratch};

/// Settings or options that need a feature.
const CASES: &[(&str, bool, &[&str])] = &[
    ("advice", cfg!(feature = "advice"), &["--list", "dyndns2"]),
    ("detectors", cfg!(feature = "detectors"), &["-t", "-o", "ipv4=gateway"]),
    ("detectors", cfg!(feature = "detectors"), &["-t", "-o", "ipv4=x", "-o", "detector:x.kind=stun"]),
    ("detectors", cfg!(feature = "detectors"), &["-t", "-o", "ipv6=teredo"]),
    ("tls", cfg!(feature = "tls"), &["-t", "-o", "home.provider=infomaniak"]),
    ("tls", cfg!(feature = "tls"), &["-t", "-o", "ipv4=ipify"]),
    ("tls", cfg!(feature = "tls"), &["-t", "-o", "home.provider=dyn"]),
    ("uci", cfg!(feature = "uci"), &["--uci", "/nowhere"]),
    ("uci", cfg!(feature = "uci"), &["-t", "-o", "luci_run=/nowhere"]),
    ("verify", cfg!(feature = "verify"), &["-t", "-o", "home.provider=dyndns2", "-o", "home.verify=dns"]),
    ("rfc2136", cfg!(feature = "rfc2136"), &["-t", "-o", "home.provider=nsupdate"]),
    ("advice", cfg!(feature = "advice"), &["-H", "--svg", "-"]),
];

#[test]
fn a_missing_feature_is_named() {
    for (feature, there, words) in CASES {
        let done = Run::new(&Scratch::new()).args(words.iter().copied()).go();
        let reports = done.stderr.lines().filter(|line| line.contains("included in this build")).count();
        let named = done.stderr.contains(&format!("'{feature}'"));
        match there {
            true => assert_eq!(reports, 0, "{words:?}: {}", done.stderr),
            false => {
                left_out(&format!("what needs the feature {feature}: {words:?}"));
                assert!(reports == 1 && named && done.code == Some(2), "{words:?}: {:?} {}", done.code, done.stderr);
            }
        }
    }
}

/// The rows of the table of providers, by each of their names: a build reports every one that it leaves out.
#[test]
fn every_provider_that_a_build_leaves_out_is_reported() {
    for row in homing::internals::provider::rows() {
        for name in [row.name].iter().chain(row.names) {
            let done = Run::new(&Scratch::new()).args(["-t", "-o", &format!("home.provider={name}")]).go();
            let reported = done.stderr.contains(&format!("use one with the Cargo feature '{}'", row.feature));
            assert_eq!(reported, row.make.is_none(), "{name}: {}", done.stderr);
            assert!(!done.stderr.contains("unknown provider"), "{name}: {}", done.stderr);
        }
    }
}
