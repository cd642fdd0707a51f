//! Neither server nor zone is said: both are found in DNS, and so are the servers that `--verify` asks. In a network of
//! its own, where BIND has port 53 and resolv.conf names it.

use super::daemon::aloud;
use super::rfc2136::{config, key};
use super::zones::bind;
use crate::world::{runner, Run, Scratch};

/// Starts BIND, and then homing, which somebody contradicts, and which looks.
const SCRIPT: &str = "
ip link set lo up && mount --bind resolv.conf /etc/resolv.conf || exit 99
named -g -n 1 -c named.conf >daemon.out 2>&1 &
server=$!
trap 'kill $server' EXIT
for i in $(seq 200); do
    dig +short +time=1 +tries=1 SOA closed.test @127.0.0.1 | grep -q ns && break
done
$HOMING -c homing.conf -v || exit 1
nsupdate -k named.keys contradict || exit 2
sed -i -E \"s/(ipv. [^ ]+ [0-9]+) [0-9]+/\\\\1 $(($(date +%s) - 600))/g\" state.json
echo looking
$HOMING -c homing.conf --verify || exit 3
dig +short A home.example.test @127.0.0.1
";

#[test]
fn zone_and_server_are_found_in_dns() {
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
        return aloud("no network of one's own here: left out that zone and server are found");
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
