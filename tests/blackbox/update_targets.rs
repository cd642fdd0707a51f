//! Updates of scripted name servers: to which zone they go, over which address, and which reply counts.

use crate::testbed::*;
use std::sync::{Arc, Mutex};

/// A name server that answers SOA queries for these zones and nothing else, and accepts every update. Returns what it
/// got: the zone of each update, and the hosts whose records it deletes.
fn server(zones: &'static [&'static str]) -> (DnsServer, Arc<Mutex<Vec<String>>>) {
    let received: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = Arc::clone(&received);
    let server = DnsServer::new(move |query| {
        if query.bytes[2] >> 3 != 5 {
            let soa = [&[0; 2][..], &[0; 20]].concat();
            let zone = zones.contains(&query.name.as_str());
            return vec![query.answer(&if zone { vec![Record::Raw(6, soa)] } else { vec![] })];
        }
        let lines = lines(&query.bytes).unwrap();
        let hosts: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix("update delete ")).collect();
        log.lock().unwrap().push(format!("{}: {}", query.name, hosts.join(", ")));
        vec![reply(query, &query.name)]
    });
    (server, received)
}

/// NOERROR for an update, with this zone.
fn reply(query: &Query, zone: &str) -> Vec<u8> {
    let mut reply = query.bytes[..2].to_vec();
    reply.extend([0xa8, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    homing::internals::put_name(&mut reply, zone).unwrap();
    reply.extend([0, 6, 0, 1]);
    reply
}

fn pass(section: &str) -> Ended {
    let scratch = Scratch::new();
    configured(&scratch, section).go()
}

fn configured<'a>(scratch: &'a Scratch, section: &str) -> Run<'a> {
    let text = format!(
        "ipv4 = four\ntimeout = 1s\nstate = {0}/s.json\nhistory = {0}/h.log\n[home]\nprovider = rfc2136\ntsig = off\n\
         {section}\n[detector:four]\nkind = fixed\naddress = {FOUR}\n",
        scratch.root().display()
    );
    scratch.write("homing.conf", &text, 0o600);
    Run::pass(scratch)
}

/// Otherwise its records would be in the parent zone below a delegation, where no resolver finds them.
#[test]
fn a_host_that_is_a_zone_is_updated_in_its_own_zone() {
    for hosts in ["a.example.org, dyn.example.org", "dyn.example.org, a.example.org"] {
        let (server, received) = server(&["example.org", "dyn.example.org"]);
        pass(&format!("server = {}\nhosts = {hosts}", server.address())).expect(0);
        let mut received = received.lock().unwrap().clone();
        received.sort();
        assert_eq!(received, ["dyn.example.org: dyn.example.org A", "example.org: a.example.org A"], "{hosts}");
    }
}

/// A thousand queries would take all the time of a pass.
#[test]
fn zone_lookups_are_limited_with_many_hosts() {
    let (server, received) = server(&["example.org"]);
    let hosts: Vec<String> = (0..200).map(|at| format!("h{at}.example.org")).collect();
    // More than fits into a datagram, and nothing answers over TCP: only the queries matter here.
    pass(&format!("server = {}\nhosts = {}", server.address(), hosts.join(", "))).expect(1);
    assert!(received.lock().unwrap().is_empty());
    assert!((10..100).contains(&server.count()), "{}", server.count());
    // A configured zone is looked up once, for its primary server.
    let (hosts, before) = (&hosts[..20], server.count());
    let ended = pass(&format!("nameserver = {}\nzone = example.org\nhosts = {}", server.address(), hosts.join(", ")));
    ended.expect(1).says("the zone example.org names no primary: set 'server'");
    assert_eq!(server.count(), before + 1);
}

#[test]
fn a_reply_for_another_zone_is_ignored() {
    let server = DnsServer::new(|query| vec![reply(query, "example.net"), reply(query, "EXAMPLE.org")]);
    pass(&format!("server = {}\nhosts = a.example.org\nzone = example.org", server.address())).expect(0);
    let server = DnsServer::new(|query| vec![reply(query, "example.net")]);
    let ended = pass(&format!("server = {}\nhosts = a.example.org\nzone = example.org", server.address()));
    ended.expect(1).says("no answer in time; whether it was done could not be confirmed");
}

/// No uplink leads to a name server on this machine; it is updated nevertheless.
#[test]
fn a_local_name_server_is_reached_despite_bind() {
    for bind in ["no-such0", "198.41.0.4"] {
        let (server, received) = server(&["example.org"]);
        pass(&format!("server = {}\nhosts = a.example.org\nbind = {bind}", server.address())).expect(0);
        assert_eq!(*received.lock().unwrap(), ["example.org: a.example.org A"], "{bind}");
    }
}

/// Only the server itself is needed to see that the records are gone. If an update does not help, it is not repeated.
#[test]
#[cfg_attr(not(feature = "verify"), ignore = "needs --verify")]
fn verify_asks_the_updated_server() {
    let (server, received) = server(&["example.org"]);
    let scratch = Scratch::new();
    let section = format!("server = {}\nzone = example.org\nhosts = a.example.org", server.address());
    let go = |minutes: i64| configured(&scratch, &section).arg("--verify").at_noon_and(60 * minutes).go();
    go(0).expect(0);
    let ended = go(10).expect(0);
    assert!(ended.stdout.contains("ipv4 has no address in DNS, and not 198.41.0.4: to be pushed again"), "{ended:?}");
    assert_eq!(received.lock().unwrap().len(), 2);
    go(20).expect(1).says("although it was pushed again; looked at again");
    go(30).expect(1);
    assert_eq!(received.lock().unwrap().len(), 2);
    let kinds: Vec<u16> = server.asked().iter().map(|query| query.kind).collect();
    assert_eq!(kinds, [6, 1, 6, 1], "two updates, a query for the SOA before each, and the two verifications");
}
