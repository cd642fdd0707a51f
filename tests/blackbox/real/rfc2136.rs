//! Signed updates of BIND, Knot and PowerDNS. dig checks that A and AAAA changed and nothing else did.

use super::daemon::aloud;
use super::zones::{Kind, Zones, ALGORITHMS, KINDS, SHARED};
use crate::testbed::{Canary, Run, Scratch};

pub const FOUR: &str = "198.41.0.4";
pub const SIX: &str = "2620:fe::fe";

/// Writes a config with these keys in the section, besides provider and server, and deletes the state.
pub fn config(scratch: &Scratch, port: u16, section: &str, (four, six): (&str, &str)) {
    let text = format!(
        "ipv4 = four\nipv6 = six\nstate = {0}/state.json\nhistory = {0}/history.log\n[home]\nprovider = rfc2136\n\
         server = 127.0.0.1:{port}\n{section}\n[detector:four]\nkind = fixed\naddress = {four}\n[detector:six]\n\
         kind = fixed\naddress = {six}\n",
        scratch.root().display(),
    );
    scratch.write("homing.conf", &text, 0o600);
    for file in ["state.json", "history.log"] {
        let _ = std::fs::remove_file(scratch.path(file));
    }
}

pub fn key(algorithm: &str) -> String {
    format!("key_name = {algorithm}\nalgorithm = {algorithm}\nsecret = {SHARED}\n")
}

/// The zone's records with these addresses for `home` and `new`.
pub fn with(before: &[String], four: &str, six: &str) -> Vec<String> {
    let address = |record: &String| {
        let mut words = record.split(' ');
        matches!(words.next(), Some("home" | "new")) && matches!(words.next(), Some("A" | "AAAA"))
    };
    let mut records: Vec<String> = before.iter().filter(|record| !address(record)).cloned().collect();
    for host in ["home", "new"] {
        records.extend([format!("{host} A {four}"), format!("{host} AAAA {six}")]);
    }
    records.sort();
    records
}

pub const HOSTS: &str = "hosts = home.example.test, new.example.test\nzone = example.test\n";

fn every_algorithm(kind: Kind) {
    let scratch = Scratch::new();
    let zones = Zones::start(kind, &scratch);
    let before = zones.records();
    for (at, algorithm) in ALGORITHMS.iter().enumerate() {
        for (transport, last) in [("udp", 1), ("tcp", 2)] {
            let (four, six) = (format!("198.41.{at}.{last}"), format!("2620:fe::{last}"));
            let section = format!("{HOSTS}transport = {transport}\n{}", key(algorithm));
            config(&scratch, zones.place.port(), &section, (&four, &six));
            let run = Run::pass(&scratch).go();
            assert_eq!(
                (run.code, run.stderr.as_str()),
                (Some(0), ""),
                "{kind:?} {algorithm} {transport}\n{}",
                scratch.read("daemon.out")
            );
            assert_eq!(zones.records(), with(&before, &four, &six), "{kind:?} {algorithm} {transport}");
            let leaks = Canary::new(vec![SHARED.to_string()]).leaks(&run, &scratch, &FILES);
            assert_eq!(leaks, Vec::<String>::new(), "{kind:?}");
        }
    }
}

/// Files that hold the secret: the servers' and homing's.
const FILES: [&str; 6] = ["homing.conf", "named.conf", "knot.conf", "zones.db", "ddns.key", "daemon.out"];

#[test]
fn bind_accepts_every_algorithm() {
    every_algorithm(Kind::Bind);
}

#[test]
fn knot_accepts_every_algorithm() {
    every_algorithm(Kind::Knot);
}

#[test]
fn powerdns_accepts_every_algorithm() {
    every_algorithm(Kind::PowerDns);
}

/// What is wrong, the exit code, and what must be reported.
type Wrong = (&'static str, String, Option<&'static str>, i32, Vec<&'static str>);

#[test]
fn rejected_updates_report_their_cause() {
    let usual = key("hmac-sha256");
    let other = usual.replace("Y2Fu", "AAAA");
    let unknown = usual.replace("key_name = hmac-sha256", "key_name = nobody");
    let cases: [Wrong; 7] = [
        (
            "wrong secret",
            format!("{HOSTS}{other}"),
            None,
            3,
            vec!["BADSIG: the server gets another signature|REFUSED, without a signature"],
        ),
        (
            "unknown key",
            format!("{HOSTS}{unknown}"),
            None,
            3,
            vec!["BADKEY: the server does not know this key|REFUSED, without a signature"],
        ),
        (
            "wrong zone",
            format!("hosts = a.nowhere.test\nzone = nowhere.test\n{usual}"),
            None,
            3,
            vec!["does not have the zone nowhere.test|the zone nowhere.test, or does not have it|REFUSED: the server does not let this key change the zone nowhere.test. To mend it: check 'zone'"],
        ),
        ("no key", format!("{HOSTS}tsig = off\n"), None, 3, vec!["REFUSED|NOTAUTH"]),
        (
            "closed zone",
            format!("hosts = a.closed.test\nzone = closed.test\n{usual}"),
            None,
            3,
            vec!["REFUSED|NOTAUTH|BADKEY"],
        ),
        (
            "an alias",
            format!("hosts = alias.example.test\nzone = example.test\n{usual}"),
            None,
            3,
            vec!["alias (CNAME)"],
        ),
        ("clock off", format!("{HOSTS}{usual}"), Some("+10m"), 1, vec!["BADTIME: our clock says", "the server's"]),
    ];
    for kind in KINDS {
        let scratch = Scratch::new();
        let zones = Zones::start(kind, &scratch);
        let before = zones.records();
        for (what, section, clock, code, said) in &cases {
            config(&scratch, zones.place.port(), section, (FOUR, SIX));
            let run = Run::pass(&scratch);
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
            let run = match clock {
                Some(_) => run.at_noon_and(now as i64 - crate::testbed::NOON + 600).go(),
                None => run.go(),
            };
            // PowerDNS 4.7 has no BADTIME: it refuses without a signature.
            let silent = kind == Kind::PowerDns && clock.is_some();
            let (code, said) = if silent { (&3, &vec!["and the clocks (ours says"]) } else { (code, said) };
            assert_eq!(run.code, Some(*code), "{kind:?}, {what}: {run:?}");
            for words in said {
                let found = words.split('|').any(|word| run.stderr.contains(word));
                assert!(found, "{kind:?}, {what}: {words} is not in {}", run.stderr);
            }
            assert_eq!(zones.records(), before, "{kind:?}, {what}");
        }
    }
}

/// A thousand hosts in both families: as many messages as 64 KiB each require, over TCP, and a second pass that sends
/// nothing.
#[test]
fn a_thousand_hosts_are_updated_in_a_few_messages() {
    let hosts: Vec<String> = (0..1_000).map(|at| format!("host-{at:04}.example.test")).collect();
    let section = format!("hosts = {}\nzone = example.test\n{}", hosts.join(", "), key("hmac-sha256"));
    for kind in KINDS {
        let scratch = Scratch::new();
        let zones = Zones::start(kind, &scratch);
        let before = zones.records().len();
        config(&scratch, zones.place.port(), &section, (FOUR, SIX));
        let run = Run::pass(&scratch).arg("-v").go();
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{kind:?}");
        let messages = run.stdout.lines().filter(|line| *line == "> send").count();
        assert_eq!(messages, 3, "{kind:?}");
        assert_eq!(zones.records().len(), before + 2_000, "{kind:?}");
        aloud(&format!("{kind:?}: 1,000 hosts, {messages} messages, the pass took {:?}", run.took));
        let run = Run::pass(&scratch).arg("-v").go();
        assert_eq!((run.code, run.stdout.matches("> ").count()), (Some(0), 0), "{kind:?}");
    }
}

/// The zone's apex keeps its SOA and NS records. A wildcard is a name like others, also with a prerequisite, and does
/// not answer for a host that does not exist.
#[test]
fn the_apex_and_a_wildcard_are_updated() {
    let hosts = ["example.test", "*.example.test", "wild.example.test", "h\u{f6}me.example.test"];
    let owners = ["example.test.", "*", "wild", "xn--hme-sna"];
    let section =
        format!("hosts = {}\nzone = example.test\nprerequisite = mine\n{}", hosts.join(", "), key("hmac-sha256"));
    for kind in KINDS {
        let scratch = Scratch::new();
        let zones = Zones::start(kind, &scratch);
        let before = zones.records();
        config(&scratch, zones.place.port(), &section, (FOUR, SIX));
        for (four, six) in [(FOUR, SIX), ("198.41.0.5", "2620:fe::5")] {
            let text = scratch.read("homing.conf").replace(FOUR, four).replace(SIX, six);
            scratch.write("homing.conf", &text, 0o600);
            let run = Run::pass(&scratch).go();
            assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{kind:?}\n{}", scratch.read("daemon.out"));
            let mut after = before.clone();
            after.extend(owners.iter().flat_map(|owner| [format!("{owner} A {four}"), format!("{owner} AAAA {six}")]));
            after.sort();
            assert_eq!(zones.records(), after, "{kind:?}");
        }
    }
}
