//! From a name to a connection: the requested family, a first address that drops packets, and a name server that does.
//! Names with chosen addresses need `unshare -m` as root; without it these tests are left out.

use super::attack::{summary, Attack, Role};
use crate::testbed::{adjusted, left_out, runner, HttpServer, Reply, Run, Scratch};
use rustix::net::{bind, listen, socket, AddressFamily, SocketType};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::process::Command;
use std::time::Duration;

/// A run with these lines as /etc/hosts, if that is possible here.
fn with_hosts<'a>(scratch: &'a Scratch, hosts: &str) -> Option<Run<'a>> {
    with_file(scratch, "/etc/hosts", hosts)
}

/// A run with these lines as the content of this system file.
fn with_file<'a>(scratch: &'a Scratch, place: &str, lines: &str) -> Option<Run<'a>> {
    let lines = scratch.write("lines", lines, 0o644);
    let script = "mount --bind \"$1\" \"$2\" && shift 2 && exec \"$@\"";
    let words = |program: &[String]| {
        let words = ["unshare", "-m", "/bin/sh", "-c", script, "sh", &lines.display().to_string(), place];
        [&words.map(String::from), program].concat()
    };
    let words_of_trial = words(&["true".to_string()]);
    let trial = Command::new("unshare").args(&words_of_trial[1..]).output();
    if !trial.is_ok_and(|done| done.status.success()) {
        left_out("a name with two addresses needs root and unshare -m");
        return None;
    }
    let run = Run::program(scratch, &words(&runner::homing()));
    Some(run.arg("-c").arg(scratch.path("homing.conf")).arg("-v").measure_memory())
}

/// A listener whose queue is full: it neither accepts nor refuses connections.
struct Swallower {
    _listener: OwnedFd,
    _queue: Vec<TcpStream>,
}

impl Swallower {
    fn on(address: &str) -> Swallower {
        let address: SocketAddr = address.parse().unwrap();
        let listener = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        bind(&listener, &address).unwrap();
        listen(&listener, 0).unwrap();
        let mut queue = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
            queue.push(stream);
            assert!(queue.len() < 64, "the queue does not fill up");
        }
        Swallower { _listener: listener, _queue: queue }
    }
}

#[test]
fn the_second_address_is_tried_if_the_first_is_silent() {
    let server = HttpServer::on("127.0.0.3:0", |_| Reply::ok("good 198.41.0.4"));
    let port = server.address().port();
    let _swallower = Swallower::on(&format!("127.0.0.2:{port}"));
    let url = format!("http://two.localhost:{port}");
    let mut attack = Attack::new(Role::Provider, &url, "plain", "");
    attack.deadline = 3;
    let config = attack.scratch.read("homing.conf");
    let config = config.replace(&adjusted("timeout = 1s\ndeadline = 2s"), &adjusted("timeout = 2s\ndeadline = 3s"));
    attack.scratch.write("homing.conf", &config, 0o600);
    let Some(run) = with_hosts(&attack.scratch, "127.0.0.2 two.localhost\n127.0.0.3 two.localhost\n") else { return };
    let ended = run.go();
    summary("two addresses", attack.check_succeeded(&ended), &ended).unwrap();
    assert_eq!(server.count(), 1);
    assert!(ended.took > Duration::from_millis(500), "the first address was not tried: {ended:?}");
}

#[test]
fn a_silent_address_costs_one_timeout() {
    let _swallower = Swallower::on("127.0.0.4:9");
    for role in super::attack::BOTH {
        let attack = Attack::new(role, "http://127.0.0.4:9", "plain", "");
        let ended = attack.run().go();
        summary(&format!("{role:?}"), attack.check_failed(&ended, "cannot reach 127.0.0.4"), &ended).unwrap();
    }
}

/// The thread that resolves the name sleeps. With a kernel that misread the time limit of the wait it called 15,000
/// times.
#[test]
fn waiting_for_a_silent_name_server_uses_no_cpu() {
    let _swallower = match UdpSocket::bind("127.77.0.1:53") {
        Ok(socket) => socket,
        Err(error) => return left_out(&format!("a name server on port 53 needs root: {error}")),
    };
    let attack = Attack::new(Role::Detector, "http://name.example", "plain", "");
    let Some(run) = with_file(&attack.scratch, "/etc/resolv.conf", "nameserver 127.77.0.1\noptions timeout:30\n")
    else {
        return;
    };
    let ended = run.strace("futex").go();
    summary("a hung name", attack.check_failed(&ended, "cannot resolve name.example"), &ended).unwrap();
    // Waits with a time limit. An emulator uses the same call for its own locks, without limit, more often on a busy
    // machine.
    let waits: Vec<&String> = ended.trace.iter().filter(|line| line.contains("tv_sec=")).collect();
    assert!((1..10).contains(&waits.len()), "{} waits, the last {:?}", waits.len(), waits.last());
}

#[test]
fn a_detector_connects_over_its_own_family() {
    let six = HttpServer::on("[::1]:0", |_| Reply::ok("2620:fe::fe"));
    let port = six.address().port();
    let four = HttpServer::on(&format!("127.0.0.1:{port}"), |_| Reply::ok("198.41.0.4"));
    // In both orders, since minreq itself would take the first address.
    for hosts in ["127.0.0.1 both.localhost\n::1 both.localhost\n", "::1 both.localhost\n127.0.0.1 both.localhost\n"] {
        let attack = Attack::new(Role::Detector, &format!("http://both.localhost:{port}"), "plain", "ipv6 = probe");
        let Some(run) = with_hosts(&attack.scratch, hosts) else { return };
        let ended = run.go();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let history = attack.scratch.read("lib/history.log");
        assert!(history.contains("ipv4 198.41.0.4 probe") && history.contains("ipv6 2620:fe::fe probe"), "{history}");
    }
    assert_eq!((four.count(), six.count()), (2, 2));
    // A name with addresses of one family is not used for the other.
    let attack = Attack::new(Role::Detector, &format!("http://one.localhost:{port}"), "plain", "");
    let Some(run) = with_hosts(&attack.scratch, "::1 one.localhost\n") else { return };
    let ended = run.go();
    summary("one family", attack.check_failed(&ended, "one.localhost has no ipv4 address"), &ended).unwrap();
    assert_eq!(six.count(), 2);
}

#[test]
fn localhost_is_reached_over_the_family_of_the_detector() {
    let four = HttpServer::new(|_| Reply::ok("198.41.0.4"));
    let url = format!("http://localhost:{}", four.address().port());
    let attack = Attack::new(Role::Detector, &url, "plain", "");
    let ended = attack.run().go();
    assert_eq!((ended.code, four.count()), (Some(0), 1), "{ended:?}");
}

#[test]
fn ipv6_literals_in_urls_work() {
    let server = HttpServer::on("[::1]:0", |request| match request.target.as_str() {
        "/" => Reply::ok("2620:fe::fe"),
        _ => Reply::ok("good 198.41.0.4"),
    });
    let attack = Attack::new(Role::Provider, &format!("{}/nic/update", server.url()), "plain", "");
    let ended = attack.run().go();
    summary("provider", attack.check_succeeded(&ended), &ended).unwrap();
    let attack = Attack::new(Role::Detector, &format!("{}/", server.url()), "plain", "ipv6 = probe");
    let config = attack.scratch.read("homing.conf").replace("ipv4 = probe", "ipv4 = off");
    attack.scratch.write("homing.conf", &config, 0o600);
    let ended = attack.run().go();
    assert!(attack.scratch.read("lib/history.log").contains("ipv6 2620:fe::fe probe"), "{ended:?}");
    for request in server.asked() {
        assert_eq!(request.header("Host"), Some(server.url().trim_start_matches("http://")), "{request:?}");
    }
    assert_eq!(server.count(), 2);
}
