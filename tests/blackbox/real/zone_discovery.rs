//! Neither server nor zone is configured: both are found in DNS, and so are the servers that `--verify` asks. In a
//! network namespace in which BIND has port 53 and resolv.conf names it.

use super::daemon::{aloud, has_six};
use super::rfc2136::{config, key};
use super::zones::{bind, Zones, KINDS};
use crate::testbed::{runner, updates_on, Run, Scratch};

/// Starts BIND and then homing; another client changes the record, and `--verify` notices.
const SCRIPT: &str = "
ip link set lo up && mount --bind resolv.conf /etc/resolv.conf || exit 99
named -g -n 1 -c named.conf >daemon.out 2>&1 &
server=$!
trap 'kill $server' EXIT
for i in $(seq 2000); do
    dig +short +time=1 +tries=1 SOA closed.test @127.0.0.1 | grep -q '^ns' && break
done
$HOMING -c homing.conf -v || exit 1
nsupdate -k named.keys contradict || exit 2
sed -i -E \"s/(ipv. [^ ]+ [0-9]+) [0-9]+/\\\\1 $(($(date +%s) - 600))/g\" state.json
echo looking
$HOMING -c homing.conf --verify || exit 3
dig +short A home.example.test @127.0.0.1
";

#[test]
#[cfg_attr(not(feature = "verify"), ignore = "needs --verify")]
fn zone_and_primary_server_are_found_in_dns() {
    let scratch = Scratch::new();
    bind(&scratch, "127.0.0.1:53".parse().unwrap());
    scratch.write("resolv.conf", "nameserver 127.0.0.1\n", 0o644);
    let (algorithm, shared) = ("hmac-sha256", super::zones::SHARED);
    let clause = format!("key \"{algorithm}\" {{ algorithm {algorithm}; secret \"{shared}\"; }};\n");
    scratch.write("named.keys", &clause, 0o600);
    let contradict = "server 127.0.0.1\nzone example.test\nupdate delete home.example.test A\n\
                      update add home.example.test 60 A 192.0.2.99\nsend\n";
    scratch.write("contradict", contradict, 0o600);
    let hosts = "hosts = home.example.test, deep.er.example.test, example.test\n";
    config(&scratch, 53, &format!("{hosts}{}", key(algorithm)), ("198.41.0.4", "2620:fe::fe"));
    let text = scratch.read("homing.conf").replace("server = 127.0.0.1:53\n", "");
    scratch.write("homing.conf", &text, 0o600);
    let run = Run::program(&scratch, &["/usr/bin/unshare", "-n", "-m", "/bin/sh", "-c", SCRIPT]);
    let run = run.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("HOMING", runner::homing_line()).go();
    if run.code == Some(99) || run.stderr.contains("unshare: ") {
        return aloud("no network namespaces here: left out that zone and server are found");
    }
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}\n{}", scratch.read("daemon.out"));
    let (first, second) = run.stdout.split_once("looking\n").unwrap();
    assert!(first.contains("> server ns.example.test 53\n"), "{first}");
    assert_eq!(first.matches("> zone example.test\n").count(), 1, "{first}");
    assert_eq!(
        second,
        "home.example.test: ipv4 is 192.0.2.99 in DNS, and not 198.41.0.4: to be pushed again\n198.41.0.4\n"
    );
}

/// No zone is configured: the server itself is asked, and answers differently for a name that does not exist, an alias
/// and a name far below the zone.
#[test]
fn the_zone_is_found_at_the_configured_server() {
    for kind in KINDS {
        let scratch = Scratch::new();
        let zones = Zones::start(kind, &scratch);
        let hosts = "home.example.test, no.such.host.example.test, alias.example.test, example.test";
        let section = format!("hosts = {hosts}\n{}", key("hmac-sha256"));
        config(&scratch, zones.place.port(), &section, ("198.41.0.4", "2620:fe::fe"));
        // The server is named by hostname this time.
        let text = scratch.read("homing.conf").replace("server = 127.0.0.1:", "server = localhost:");
        scratch.write("homing.conf", &text, 0o600);
        let run = Run::pass(&scratch).arg("-v").go();
        assert_eq!(run.code, Some(3), "{kind:?} {run:?}");
        let refused: Vec<&str> = run.stderr.lines().filter(|line| line.contains("refused")).collect();
        assert!(refused.iter().all(|line| line.starts_with("alias.example.test: ")), "{kind:?} {}", run.stderr);
        assert_eq!((refused.len(), run.stdout.contains("> zone example.test\n")), (2, true), "{kind:?} {}", run.stdout);
        let records = zones.records();
        for record in ["home A 198.41.0.4", "no.such.host AAAA 2620:fe::fe", "alias CNAME other.example.test."] {
            assert!(records.iter().any(|known| known == record), "{kind:?} {record}: {records:?}");
        }
        let apex = records.iter().filter(|record| record.ends_with("A 198.41.0.4")).count();
        assert_eq!(apex, 3, "{kind:?} {records:?}");
    }
}

#[test]
fn a_server_may_be_configured_by_any_address() {
    let scratch = Scratch::new();
    let mut places = vec!["127.0.0.1:0"];
    match has_six() {
        true => places.push("[::1]:0"),
        false => aloud("no ::1 here: left out that a server is named by it"),
    }
    for place in places {
        let server = updates_on(place, |_| Some(0));
        let section = "hosts = home.example.test\nzone = example.test\ntsig = off\n";
        config(&scratch, 0, section, ("198.41.0.4", "2620:fe::fe"));
        let named = format!("server = {}", server.address());
        let text = scratch.read("homing.conf").replace("server = 127.0.0.1:0", &named);
        scratch.write("homing.conf", &text, 0o600);
        let run = Run::pass(&scratch).go();
        assert_eq!((run.code, run.stderr.as_str(), server.count()), (Some(0), "", 1), "{named}");
    }
}
