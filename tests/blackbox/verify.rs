//! `verify = dns` and `--verify`: the records in DNS are compared with what was sent, and no answer causes a loop.

use crate::testbed::*;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

const STRAY: &str = "192.0.2.66";

/// A test installation and a name server that returns addresses or an RCODE.
struct Setup {
    home: Home,
    dns: DnsServer,
    says: Arc<Mutex<Result<Vec<String>, u8>>>,
}

impl Setup {
    fn new(extra: &str) -> Setup {
        let says: Arc<Mutex<Result<Vec<String>, u8>>> = Arc::new(Mutex::new(Ok(vec![FOUR.to_string()])));
        let answer = Arc::clone(&says);
        let dns = DnsServer::new(move |query| match &*answer.lock().unwrap() {
            Ok(found) => {
                let records: Vec<Record> =
                    found.iter().map(|ip| Record::Address(ip.parse::<IpAddr>().unwrap())).collect();
                vec![query.answer(&records)]
            }
            Err(code) => vec![query.fail(*code)],
        });
        let setup = Setup { home: Home::new(), dns, says };
        let tail = format!("nameserver = {}\n{extra}", setup.dns.address());
        setup.home.config("ipv4 = four", &tail);
        // The first update, at noon.
        setup.pass(0, &[]).expect(0);
        assert_eq!((setup.home.pushes(), setup.dns.count()), (1, 0), "a record is not verified right after its update");
        setup
    }

    fn say(&self, addresses: &[&str]) {
        *self.says.lock().unwrap() = Ok(addresses.iter().map(|text| text.to_string()).collect());
    }

    /// A pass this many minutes after noon.
    fn pass(&self, minutes: i64, args: &[&str]) -> Ended {
        self.home.pass().args(args.iter().copied()).at_noon_and(60 * minutes).go()
    }
}

#[test]
fn a_correct_record_costs_one_query() {
    let setup = Setup::new("verify = dns\n");
    setup.pass(4, &[]).expect(0).silent();
    assert_eq!(setup.dns.count(), 0, "it may not have arrived");
    let before = setup.home.stored_files();
    setup.pass(6, &[]).expect(0).silent();
    assert_eq!((setup.home.pushes(), setup.dns.count()), (1, 1));
    assert_eq!((setup.dns.asked()[0].name.as_str(), setup.dns.asked()[0].kind), ("a.example.org", 1));
    assert_eq!(setup.home.stored_files(), before);
}

#[test]
fn without_verify_only_the_option_queries_dns() {
    let setup = Setup::new("");
    setup.say(&[STRAY]);
    setup.pass(6, &[]).expect(0).silent();
    assert_eq!((setup.home.pushes(), setup.dns.count()), (1, 0));
    let ended = setup.pass(7, &["--verify", "--dry-run"]).expect(0);
    assert!(ended.stdout.contains("a.example.org: ipv4 is 192.0.2.66 in DNS, and not 198.41.0.4: to be pushed again"));
    assert!(ended.stdout.contains("> GET "), "{}", ended.stdout);
    assert_eq!(setup.home.pushes(), 1);
    setup.pass(8, &["--verify"]).expect(0);
    assert_eq!((setup.home.pushes(), setup.dns.count()), (2, 2));
}

/// Sent again at once, reported if that did not help, then left alone for a day, whatever DNS returns.
#[test]
fn a_record_that_stays_wrong_is_not_updated_in_a_loop() {
    for records in [&[STRAY][..], &[], &[FOUR, STRAY]] {
        let setup = Setup::new("verify = dns\n");
        setup.say(records);
        let ended = setup.pass(6, &[]).expect(0);
        assert!(ended.stdout.contains("to be pushed again"), "{}", ended.stdout);
        assert_eq!((setup.home.pushes(), setup.dns.count()), (2, 1), "{records:?}");
        for minutes in [7, 8, 10] {
            setup.pass(minutes, &[]).expect(0).silent();
        }
        assert_eq!(setup.dns.count(), 1, "it may not have arrived");
        setup.pass(12, &[]).expect(1).says("although it was pushed again; looked at again 2026-11-21T12:0");
        assert_eq!((setup.home.pushes(), setup.dns.count()), (2, 2));
        let before = setup.home.stored_files();
        for minutes in [13, 60, 600, 1440] {
            setup.pass(minutes, &[]).expect(1).silent();
        }
        assert_eq!(setup.home.stored_files(), before);
        assert_eq!((setup.home.pushes(), setup.dns.count()), (2, 2), "{records:?}");
        setup.pass(1450, &[]).expect(0);
        assert_eq!((setup.home.pushes(), setup.dns.count()), (3, 3), "once a day");
    }
}

#[test]
fn a_record_that_is_correct_again_clears_the_warning() {
    let setup = Setup::new("verify = dns\n");
    setup.say(&[STRAY]);
    setup.pass(6, &[]).expect(0);
    assert!(setup.home.state().contains("astray"));
    setup.say(&[FOUR]);
    setup.pass(12, &[]).expect(0).silent();
    assert_eq!((setup.home.pushes(), setup.dns.count()), (2, 2));
    assert!(!setup.home.state().contains("astray"), "{}", setup.home.state());
}

#[test]
fn a_missing_dns_answer_changes_nothing() {
    let setup = Setup::new("");
    for code in [2, 5] {
        *setup.says.lock().unwrap() = Err(code);
        setup.pass(6, &["--verify"]).expect(1).says("a.example.org: ipv4 not verified: ");
        setup.pass(6, &[]).expect(0).silent();
    }
    assert_eq!(setup.home.pushes(), 1);
    // With `verify` in the settings the failure is the exit code; it is printed with -v.
    setup.home.config("ipv4 = four\ntimeout = 1s", "nameserver = 127.0.0.1:9\nverify = dns\n");
    setup.pass(6, &[]).expect(1).silent();
    assert_eq!(setup.home.pushes(), 1);
}

#[test]
fn proxied_hosts_are_not_verified() {
    let scratch = Scratch::new();
    let config = "ipv4 = four\nstate = s.json\nhistory = h.log\n[dns]\nprovider = cloudflare\nurl = http://127.0.0.1:9/\n\
                  token = cf-s3cret\nhosts = a.example.org\nproxied = yes\n[detector:four]\nkind = fixed\naddress = 198.41.0.4\n";
    scratch.write("homing.conf", config, 0o600);
    let ended = Run::pass(&scratch).args(["--verify", "--dry-run"]).go();
    assert!(ended.stdout.contains("[dns] not verified: its hosts are proxied"), "{ended:?}");
}

#[test]
fn verify_is_an_option_of_a_pass() {
    let scratch = Scratch::new();
    for (other, expected) in [("--status", "--verify and --status"), ("--log-only", "--verify and --log-only")] {
        let ended = Run::new(&scratch).args(["--verify", other]).go();
        assert_eq!(ended.code, Some(2));
        assert!(ended.stderr.contains(expected), "{}", ended.stderr);
    }
}

/// Not about verification: `@hostname` in `hosts` is the machine's own name.
#[test]
#[cfg_attr(not(feature = "rfc2136"), ignore = "needs signed updates")]
fn at_hostname_is_the_name_of_the_machine() {
    let scratch = Scratch::new();
    let check = |name: &str, section: &str| -> Option<Ended> {
        let text = format!(
            "ipv4 = four\nstate = s.json\nhistory = h.log\n[home]\nhosts = @hostname\nprovider = rfc2136\ntsig = off\n\
             server = 127.0.0.1:9\n{section}\n[detector:four]\nkind = fixed\naddress = 198.41.0.4\n"
        );
        scratch.write("homing.conf", &text, 0o600);
        let line = format!("hostname '{name}' || exit 99; exec {} -c homing.conf --dry-run", runner::homing_line());
        let run = Run::program(&scratch, &["/usr/bin/unshare", "-u", "/bin/sh", "-c", &line]);
        let ended = run.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").go();
        let none = ended.code == Some(99) || ended.stderr.contains("unshare: ");
        (!none).then_some(ended)
    };
    let zone = "zone = example.net";
    for (name, host) in
        [("pi", "pi.example.net"), ("Pi.Example.NET", "pi.example.net"), ("a.b.example.net", "a.b.example.net")]
    {
        let Some(ended) = check(name, zone) else { return left_out("cannot set a hostname here") };
        assert!(ended.stdout.contains(&format!("update delete {host} A\n")), "{name}: {ended:?}");
    }
    for (name, section, says) in [
        (
            "pi",
            "",
            "homing.conf:5: hosts: '@hostname': this machine's name 'pi' has no domain: set zone, or write the host",
        ),
        ("pi.example.org", zone, "homing.conf:5: hosts: host 'pi.example.org' is not in the zone 'example.net'"),
    ] {
        check(name, section).unwrap().expect(2).says(says);
    }
}
