//! Several addresses for one host (`addresses = all`), and which local addresses count (`teredo`).

use crate::testbed::*;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

/// A name server that accepts every update, and a section that publishes all addresses of its detector.
struct Updates {
    scratch: Scratch,
    server: DnsServer,
    taken: Arc<Mutex<Vec<String>>>,
}

impl Updates {
    fn new() -> Updates {
        let taken: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = Arc::clone(&taken);
        let server = updates(move |request| {
            log.lock().unwrap().push(String::from_utf8_lossy(&request.body).into_owned());
            Some(0)
        });
        Updates { scratch: Scratch::new(), server, taken }
    }

    /// The config: keys of the agent, of the section, and of the detector `here`.
    fn config(&self, agent: &str, section: &str, here: &str) -> &Updates {
        let text = format!(
            "state = state.json\nhistory = history.log\n{agent}\n[home]\nprovider = rfc2136\nserver = {}\nzone = example.org\n\
             tsig = off\nhosts = a.example.org\n{section}\n[detector:here]\n{here}\n",
            self.server.address()
        );
        self.scratch.write("homing.conf", &text, 0o600);
        self
    }

    fn fixed(&self, section: &str, addresses: &str) -> &Updates {
        self.config(
            "ipv4 = here",
            &format!("addresses = all\n{section}"),
            &format!("kind = fixed\naddress = {addresses}"),
        )
    }

    /// A pass this many minutes after noon.
    fn pass(&self, minutes: i64) -> Run<'_> {
        Run::pass(&self.scratch).at_noon_and(60 * minutes)
    }

    /// The updates that the server got since the last call.
    fn taken(&self) -> Vec<String> {
        std::mem::take(&mut *self.taken.lock().unwrap())
    }

    fn history(&self) -> Vec<String> {
        let lines = self.scratch.read("history.log");
        lines.lines().map(|line| line.split_once(' ').unwrap().1.to_string()).collect()
    }
}

fn update_to(addresses: &[&str]) -> String {
    let mut lines = vec!["prereq nxrrset a.example.org CNAME".to_string(), "update delete a.example.org A".to_string()];
    lines.extend(addresses.iter().map(|address| format!("update add a.example.org 60 A {address}")));
    lines.join("\n")
}

#[test]
fn all_addresses_are_sent_together_in_any_order() {
    let setup = Updates::new();
    let run = setup.fixed("", "198.41.0.9, 198.41.0.4").pass(0).go().expect(0);
    assert_eq!(run.stdout, "a.example.org: ipv4 is now 198.41.0.4, 198.41.0.9\n");
    assert_eq!(setup.taken(), [update_to(&["198.41.0.4", "198.41.0.9"])]);
    assert_eq!(setup.history(), ["ipv4 198.41.0.9 here"], "the first address of the detector");
    let before = setup.scratch.read("state.json");
    for addresses in ["198.41.0.4, 198.41.0.9", "198.41.0.4, 198.41.0.9, 198.41.0.4"] {
        setup.fixed("", addresses).pass(1).go().expect(0).silent();
    }
    assert_eq!((setup.taken().len(), setup.scratch.read("state.json")), (0, before));
    assert_eq!(setup.history().len(), 1, "another order is no change");
    // With one more address the whole set is sent; the history still follows the same address.
    let run = setup.fixed("", "198.41.0.4, 198.41.0.7, 198.41.0.9").pass(2).go().expect(0);
    assert_eq!(
        run.stdout,
        "a.example.org: ipv4 is now 198.41.0.4, 198.41.0.7, 198.41.0.9 (was 198.41.0.4, 198.41.0.9)\n"
    );
    assert_eq!(setup.taken(), [update_to(&["198.41.0.4", "198.41.0.7", "198.41.0.9"])]);
    assert_eq!(setup.history().len(), 1);
    setup.fixed("", "198.41.0.7").pass(30).go().expect(0);
    assert_eq!(setup.taken(), [update_to(&["198.41.0.7"])]);
    assert_eq!(setup.history(), ["ipv4 198.41.0.9 here", "ipv4 198.41.0.7 here"]);
    // Every pass appends the address that the history follows.
    setup.config(
        "ipv4 = here\nhistory_when = always",
        "addresses = all",
        "kind = fixed\naddress = 198.41.0.4, 198.41.0.7",
    );
    setup.pass(60).go().expect(0);
    assert_eq!(setup.history()[2], "ipv4 198.41.0.7 here");
}

#[test]
#[cfg_attr(not(feature = "uci"), ignore = "needs LuCI's files")]
fn several_addresses_are_stored_and_reported() {
    let setup = Updates::new();
    setup.fixed("on_change = /usr/bin/env", "198.41.0.4, 198.41.0.9").pass(0).go().expect(0);
    let state = setup.scratch.read("state.json");
    assert!(state.contains(r#""address":"198.41.0.4","beside":["198.41.0.9"],"#), "{state}");
    let run = setup.pass(1).arg("--status").go().expect(0);
    assert!(run.stdout.contains("ipv4  198.41.0.4, 198.41.0.9 since 2026-11-20T12:00:00Z"), "{}", run.stdout);
    let run = setup.pass(1).args(["--status", "--json"]).go().expect(0);
    assert!(run.stdout.contains(r#""address":"198.41.0.4","beside":["198.41.0.9"],"since""#), "{}", run.stdout);
    let run = setup.pass(1).args(["--force", "--json"]).go().expect(0);
    assert!(run.stdout.contains(r#""address":"198.41.0.4","beside":["198.41.0.9"],"text""#), "{}", run.stdout);
    // A hook gets the addresses separated by blanks, like the hosts.
    let hook = "on_change = /bin/sh -c 'echo \"$HOMING_IPV4|$HOMING_MESSAGE\" >output\'";
    setup.fixed(hook, "198.41.0.4, 198.41.0.8").pass(2).go().expect(0);
    let output = setup.scratch.read("output");
    assert_eq!(output, "198.41.0.4 198.41.0.8|a.example.org is now 198.41.0.4, 198.41.0.8\n");
    // The file that LuCI's page reads.
    setup.config("ipv4 = here\nluci_run = .", "addresses = all", "kind = fixed\naddress = 198.41.0.4, 198.41.0.8");
    setup.pass(3).go().expect(0);
    assert_eq!(setup.scratch.read("home.ip"), "198.41.0.4\n198.41.0.8\n");
}

/// Older versions of homing stored one address. A set can follow one address, and one address a set.
#[test]
fn a_state_file_with_one_address_is_read_and_extended() {
    let setup = Updates::new();
    setup.config("ipv4 = here", "", "kind = fixed\naddress = 198.41.0.4, 198.41.0.9").pass(0).go().expect(0);
    assert_eq!(setup.taken(), [update_to(&["198.41.0.4"])], "without addresses = all one address is sent");
    assert!(!setup.scratch.read("state.json").contains("beside"));
    setup.fixed("prerequisite = mine", "198.41.0.4, 198.41.0.9").pass(1).go().expect(0);
    let lines = "prereq nxrrset a.example.org CNAME\nprereq yxrrset a.example.org A 198.41.0.4\n\
                 update delete a.example.org A\nupdate add a.example.org 60 A 198.41.0.4\n\
                 update add a.example.org 60 A 198.41.0.9";
    assert_eq!(setup.taken(), [lines]);
    setup.config("ipv4 = here", "prerequisite = mine", "kind = fixed\naddress = 198.41.0.9").pass(2).go().expect(0);
    let lines = "prereq nxrrset a.example.org CNAME\nprereq yxrrset a.example.org A 198.41.0.4\n\
                 prereq yxrrset a.example.org A 198.41.0.9\nupdate delete a.example.org A\n\
                 update add a.example.org 60 A 198.41.0.9";
    assert_eq!(setup.taken(), [lines]);
}

#[test]
fn failed_addresses_wait_and_new_ones_are_sent_at_once() {
    let (setup, code) = (Updates::new(), Arc::new(Mutex::new(2)));
    let now = Arc::clone(&code);
    let server = updates(move |_| Some(*now.lock().unwrap()));
    let point = |addresses: &str| {
        setup.fixed("", addresses);
        let text = setup
            .scratch
            .read("homing.conf")
            .replace(&setup.server.address().to_string(), &server.address().to_string());
        setup.scratch.write("homing.conf", &text, 0o600);
    };
    point("198.41.0.4, 198.41.0.9");
    setup.pass(0).go().expect(1).says("SERVFAIL");
    point("198.41.0.9, 198.41.0.4");
    setup.pass(1).go().expect(1).silent();
    assert_eq!(server.count(), 1, "the same set waits");
    *code.lock().unwrap() = 0;
    point("198.41.0.9, 198.41.0.7");
    setup.pass(2).go().expect(0);
    assert_eq!(server.count(), 2, "other addresses do not wait");
}

#[test]
#[cfg_attr(not(feature = "verify"), ignore = "needs --verify")]
fn verify_compares_all_addresses_of_a_host() {
    let setup = Updates::new();
    let says: Arc<Mutex<Vec<&str>>> = Arc::new(Mutex::new(vec!["198.41.0.9", "198.41.0.4"]));
    let answers = Arc::clone(&says);
    let dns = DnsServer::new(move |query| {
        let record = |text: &&str| Record::Address(text.parse::<IpAddr>().unwrap());
        vec![query.answer(&answers.lock().unwrap().iter().map(record).collect::<Vec<_>>())]
    });
    setup.fixed(&format!("verify = dns\nnameserver = {}", dns.address()), "198.41.0.4, 198.41.0.9");
    setup.pass(0).go().expect(0);
    setup.pass(6).go().expect(0).silent();
    assert_eq!((setup.taken().len(), dns.count()), (1, 1), "the order does not matter");
    *says.lock().unwrap() = vec!["198.41.0.9"];
    let run = setup.pass(12).go().expect(0);
    assert!(run.stdout.contains("is 198.41.0.9 in DNS, and not 198.41.0.4, 198.41.0.9: to be pushed again"), "{run:?}");
    assert_eq!(setup.taken(), [update_to(&["198.41.0.4", "198.41.0.9"])]);
    *says.lock().unwrap() = vec!["198.41.0.9", "198.41.0.4", "198.41.0.66"];
    setup.pass(18).go().expect(1).says("although it was pushed again");
    assert_eq!((setup.taken().len(), dns.count()), (0, 3), "no loop");
}

#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs HTTPS")]
fn addresses_all_is_rejected_where_one_address_is_possible() {
    let setup = Updates::new();
    let check = |agent: &str, section: &str, says: &str| {
        setup.config(agent, section, "kind = command\ncommand = /bin/true");
        let ended = Run::pass(&setup.scratch).arg("--check").go().expect(2);
        assert!(ended.stderr.contains(says), "{says}: {}", ended.stderr);
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
        Run::pass(&setup.scratch).go().expect(2).says(says);
    };
    check(
        "ipv4 = here",
        "addresses = all",
        "homing.conf:10: addresses: 'all' needs a detector of kind interface or fixed, but ipv4 lists 'here', which returns \
         one address: set ipv4 in this section, or set addresses = one",
    );
    check(
        "",
        "addresses = all",
        "homing.conf:10: addresses: 'all' needs a detector of kind interface or fixed, but ipv4 lists 'ipify'",
    );
    check("ipv4 = interface\nipv6 = route", "addresses = all", "but ipv6 lists 'route'");
    check("ipv4 = interface", "addresses = some", "homing.conf:10: addresses: 'some' is invalid: use one or all");
    check(
        "ipv4 = interface, f\nagree = 2\n[detector:f]\nkind = fixed\naddress = 198.41.0.4",
        "addresses = all",
        "set agree = 1 in this section",
    );
    // rfc2136 is the provider that accepts a set.
    let text =
        "ipv4 = interface\n[web]\nprovider = dyndns2\nurl = https://example.org/\nuser = u\npassword = s3cret-canary\n\
                hosts = a.example.org\naddresses = all\n";
    setup.scratch.write("homing.conf", text, 0o600);
    let says =
        "homing.conf:8: addresses: 'all' does not work with dyndns2, which takes one address of each family: set addresses = one, or \
                provider = rfc2136";
    Run::pass(&setup.scratch).arg("--check").go().expect(2).says(says);
    setup.scratch.write("homing.conf", &text.replace("= all", "= one"), 0o600);
    Run::pass(&setup.scratch).arg("--check").go().expect(0);
}

/// In a network namespace: an interface with public addresses of both families and some that must not be published.
const ADDRESSES: &str = "ip link add wan0 type veth peer name far0 && ip link set wan0 up && ip link set far0 up && \
    ip addr add 198.41.0.4/24 dev wan0 && ip addr add 198.41.0.9/24 dev wan0 && ip addr add 192.168.7.1/24 dev wan0 && \
    sysctl -qw net.ipv6.conf.all.disable_ipv6=0 && ip addr add 2620:fe::9/64 dev wan0 nodad && \
    ip addr add 2620:fe:0:1::7/64 dev wan0 nodad && ip addr add fd00::1/64 dev wan0 nodad && \
    ip addr add 2620:fe::d/64 dev wan0 nodad preferred_lft 0 valid_lft 999 && \
    ip addr add 2001:0:4136:e378:8000:63bf:3fff:fdd2/32 dev wan0 nodad";

fn shown(section: &str) -> Option<Vec<String>> {
    let setup = Updates::new();
    setup.config("ipv4 = here\nipv6 = here", section, "kind = interface\ninterface = wan0");
    let ended = in_a_network(&setup.scratch, ADDRESSES, "--dry-run")?.expect(0);
    let added = |line: &str| line.strip_prefix("update add a.example.org 60 ").map(str::to_string);
    Some(ended.stdout.lines().filter_map(added).collect())
}

#[test]
fn only_public_interface_addresses_are_published() {
    let Some(all) = shown("addresses = all") else { return };
    assert_eq!(all, ["A 198.41.0.4", "A 198.41.0.9", "AAAA 2620:fe::9", "AAAA 2620:fe:0:1::7"]);
    let of = |section: &str| shown(section).unwrap();
    assert_eq!(of("").len(), 2, "one of each family");
    let four = ["A 198.41.0.4", "A 198.41.0.9"];
    let with = |six: &[&str]| four.iter().chain(six).map(ToString::to_string).collect::<Vec<_>>();
    // With a suffix, the same host of each prefix is published.
    assert_eq!(of("addresses = all\nipv6_suffix = ::1234"), with(&["AAAA 2620:fe::1234", "AAAA 2620:fe:0:1::1234"]));
    let teredo = "AAAA 2001:0:4136:e378:8000:63bf:3fff:fdd2";
    assert_eq!(of("addresses = all\nteredo = yes"), with(&[teredo, "AAAA 2620:fe::9", "AAAA 2620:fe:0:1::7"]));
    assert!(!of("teredo = yes").iter().any(|line| line == teredo), "Teredo is the last choice for a single address");
    let private = of("addresses = all\nallow_private = yes");
    assert_eq!(private[0], "A 192.168.7.1");
    assert!(private.iter().any(|line| line == "AAAA fd00::1") && !private.iter().any(|line| line == teredo));
    assert!(!private.iter().any(|line| line.ends_with("::d")), "deprecated");
}

#[test]
fn a_teredo_address_is_published_only_if_allowed() {
    let setup = Updates::new();
    let tunnel = "ip link add tun0 type veth peer name far0 && ip link set tun0 up && ip link set far0 up && \
        sysctl -qw net.ipv6.conf.all.disable_ipv6=0 && ip addr add 2001:0:4136:e378:8000:63bf:3fff:fdd2/32 dev tun0 nodad";
    let here = "kind = interface\ninterface = tun0";
    setup.config("ipv4 = off\nipv6 = here", "", here);
    let Some(ended) = in_a_network(&setup.scratch, tunnel, "--dry-run") else { return };
    ended.expect(1).says("a Teredo tunnel");
    for (agent, section) in [("teredo = yes", ""), ("", "teredo = yes"), ("teredo = no", "teredo = yes")] {
        setup.config(&format!("ipv4 = off\nipv6 = here\n{agent}"), section, here);
        let ended = in_a_network(&setup.scratch, tunnel, "--dry-run").unwrap().expect(0);
        assert!(ended.stdout.contains("AAAA 2001:0:4136:e378:8000:63bf:3fff:fdd2"), "{ended:?}");
    }
    setup.config("ipv4 = off\nipv6 = here\nteredo = yes", "teredo = no", here);
    in_a_network(&setup.scratch, tunnel, "--dry-run").unwrap().expect(1).says("a Teredo tunnel");
    // An address that the user wrote down counts as local; one from the network does not.
    setup.config(
        "ipv4 = off\nipv6 = here\nteredo = yes",
        "",
        "kind = fixed\naddress = 2001:0:4136:e378:8000:63bf:3fff:fdd2",
    );
    Run::pass(&setup.scratch).arg("--dry-run").go().expect(0);
    let page = HttpServer::new(|_| Reply::ok("2001:0:4136:e378:8000:63bf:3fff:fdd2"));
    setup.config("ipv4 = off\nipv6 = here\nteredo = yes", "", &format!("kind = web\nurl = {}/", page.url()));
    Run::pass(&setup.scratch).arg("--dry-run").go().expect(1);
}
