//! Detection through a real name server: unbound with the names that OpenDNS, Google and Cloudflare answer.

use super::daemon::{has_six, Daemon, Started};
use crate::testbed::{Ended, Run, Scratch};
use std::net::SocketAddr;

const FOUR: &str = "198.41.0.4";
const SIX: &str = "2620:fe::fe";

fn unbound(scratch: &Scratch) -> Started {
    let mut hosts = vec!["127.0.0.1"];
    hosts.extend(has_six().then_some("::1"));
    Daemon::start(scratch, &hosts, |places| {
        let interfaces: String = places.iter().map(|at| format!("  interface: {}@{}\n", at.ip(), at.port())).collect();
        let long = format!("\"{}\"", "x".repeat(250)) + &format!(" \"{}\"", "y".repeat(250)) + " \"z\"";
        let config = format!(
            "server:
{interfaces}\
  do-daemonize: no
  username: \"\"
  chroot: \"\"
  directory: \"{}\"
  pidfile: \"\"
  use-syslog: no
  logfile: \"{}\"
  log-queries: yes
  num-threads: 1
  module-config: \"iterator\"
  do-not-query-localhost: no
  access-control: 127.0.0.0/8 allow
  access-control: ::1 allow
  identity: \"{FOUR}\"
  local-zone: \"opendns.com.\" static
  local-data: \"myip.opendns.com. 0 IN A {FOUR}\"
  local-data: \"myip.opendns.com. 0 IN AAAA {SIX}\"
  local-data: \"two.opendns.com. 0 IN A {FOUR}\"
  local-data: \"two.opendns.com. 0 IN A 193.0.14.129\"
  local-data: \"inside.opendns.com. 0 IN A 192.168.1.7\"
  local-zone: \"google.com.\" static
  local-data: 'o-o.myaddr.l.google.com. 0 IN TXT \"{FOUR}\"'
  local-data: 'whoami.cloudflare. 0 CH TXT \"{FOUR}\"'
  local-zone: \"akamai.net.\" static
  local-data: \"whoami.akamai.net. 0 IN A {FOUR}\"
  local-data: 'subnet.google.com. 0 IN TXT \"{FOUR}\"'
  local-data: 'subnet.google.com. 0 IN TXT \"edns0-client-subnet 193.0.14.0/24\"'
  local-data: 'words.google.com. 0 IN TXT \"not an address\"'
  local-data: 'long.google.com. 0 IN TXT {long}'
  local-zone: \"refused.example.\" refuse
remote-control:
  control-enable: no
",
            scratch.root().display(),
            scratch.path("error.log").display(),
        );
        let file = scratch.write("unbound.conf", &config, 0o600);
        ["unbound", "-d", "-p", "-c"].map(String::from).into_iter().chain([file.display().to_string()]).collect()
    })
}

/// How often the server was asked for this name and type. It logs a query before it answers.
fn asked(scratch: &Scratch, name: &str, kind: &str) -> usize {
    scratch.read("error.log").lines().filter(|line| line.ends_with(&format!(" {name}. {kind} IN"))).count()
}

/// A pass that writes the history, with one DNS detector.
fn pass(scratch: &Scratch, family: &str, server: SocketAddr, keys: &str) -> Ended {
    let other = if family == "ipv4" { "ipv6" } else { "ipv4" };
    let config = format!(
        "{family} = opendns\n{other} = off\nhistory = {}\nstate = {}\n[detector:opendns]\nserver = {server}\n{keys}",
        scratch.path("history.log").display(),
        scratch.path("state.json").display(),
    );
    scratch.write("homing.conf", &config, 0o600);
    let _ = std::fs::remove_file(scratch.path("history.log"));
    Run::pass(scratch).go()
}

/// The built-in detectors, each with its own name, type and class; only the server is replaced.
#[test]
fn built_in_dns_detectors_ask_the_right_question() {
    let scratch = Scratch::new();
    let server = unbound(&scratch);
    for (name, more) in [
        ("opendns", ""),
        ("google", ""),
        ("google", "name = subnet.google.com\n"),
        ("cloudflare-dns", ""),
        ("akamai", ""),
    ] {
        let config = format!(
            "ipv4 = {name}\nhistory = {}\nstate = {}\n[detector:{name}]\nserver = {}\n{more}",
            scratch.path("history.log").display(),
            scratch.path("state.json").display(),
            server.places[0],
        );
        scratch.write("homing.conf", &config, 0o600);
        let _ = std::fs::remove_file(scratch.path("history.log"));
        let run = Run::pass(&scratch).go();
        assert_eq!(run.code, Some(0), "{name} {run:?}");
        assert_eq!(learned(&scratch), format!("ipv4 {FOUR} {name}"));
    }
}

/// The history's only line, without its time.
fn learned(scratch: &Scratch) -> String {
    scratch.read("history.log").trim_end().split_once(' ').map_or(String::new(), |(_, rest)| rest.to_string())
}

#[test]
fn both_families_are_detected_through_unbound() {
    let scratch = Scratch::new();
    let server = unbound(&scratch);
    let mut questions = 0_usize;
    for place in &server.places {
        for (family, kind, address) in [("ipv4", "A", FOUR), ("ipv6", "AAAA", SIX)] {
            let run = pass(&scratch, family, *place, "");
            assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (Some(0), "", ""), "{family} {place}");
            assert_eq!(learned(&scratch), format!("{family} {address} opendns"));
            questions += 1;
            assert_eq!(asked(&scratch, "myip.opendns.com", kind), questions.div_ceil(2), "one datagram");
        }
    }
    assert_eq!(scratch.read("error.log").matches(" IN\n").count(), questions, "no other query");
}

#[test]
fn txt_records_of_both_classes_are_read() {
    let scratch = Scratch::new();
    let server = unbound(&scratch);
    // Google's answer for o-o.myaddr.l.google.com, and Cloudflare's for whoami.cloudflare in class CH.
    for keys in ["name = o-o.myaddr.l.google.com\ntype = TXT\n", "name = id.server\ntype = TXT\nclass = CH\n"] {
        let run = pass(&scratch, "ipv4", server.places[0], keys);
        assert_eq!(run.code, Some(0), "{keys} {run:?}");
        assert_eq!(learned(&scratch), format!("ipv4 {FOUR} opendns"), "{keys}");
    }
}

#[test]
fn records_without_a_public_address_are_rejected() {
    let scratch = Scratch::new();
    let server = unbound(&scratch);
    for (keys, expected) in [
        ("name = nothing.opendns.com\n", "NXDOMAIN"),
        ("name = opendns.com\n", "no "),
        ("name = two.opendns.com\n", "2 answers"),
        ("name = inside.opendns.com\n", "192.168.1.7"),
        ("name = words.google.com\ntype = TXT\n", "not an IPv4 address"),
        // More than 512 bytes: unbound sets the TC flag, and a truncated answer is not used.
        ("name = long.google.com\ntype = TXT\n", "too long for one datagram"),
        ("name = refused.example\n", "REFUSED"),
    ] {
        let run = pass(&scratch, "ipv4", server.places[0], keys);
        assert_eq!(run.code, Some(1), "{keys} {run:?}");
        assert!(run.stderr.contains(expected), "{keys} {}", run.stderr);
        assert_eq!(learned(&scratch), "", "{keys}");
    }
}

#[test]
fn an_absent_name_server_is_reported() {
    let scratch = Scratch::new();
    let place = unbound(&scratch).places[0];
    let run = pass(&scratch, "ipv4", place, "");
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("opendns"), "{}", run.stderr);
}
