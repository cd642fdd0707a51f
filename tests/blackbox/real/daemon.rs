//! A server from a Debian package, started for one test in its scratch folder and ended with it.

use crate::testbed::Scratch;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The time limit until a server listens.
const PATIENCE: Duration = Duration::from_secs(20);

/// Killed on drop.
pub struct Daemon(Child);

impl Daemon {
    /// Starts it on free ports. Another process may take one before the server does; then others are tried. `words`
    /// writes the config for these addresses and returns the command line.
    pub fn start(scratch: &Scratch, hosts: &[&str], words: impl Fn(&[SocketAddr]) -> Vec<String>) -> Started {
        for _ in 0..5 {
            let places: Vec<SocketAddr> = free(hosts);
            let words = words(&places);
            let log = std::fs::File::create(scratch.path("daemon.out")).unwrap();
            let mut command = Command::new(program(&words[0]));
            command.args(&words[1..]).current_dir(scratch.root()).stdin(Stdio::null());
            command.stdout(log.try_clone().unwrap()).stderr(log);
            let mut daemon = Daemon(command.spawn().unwrap_or_else(|e| panic!("{}: {e}", words[0])));
            if daemon.listens(&places) {
                return Started { _daemon: daemon, places };
            }
        }
        panic!("a server did not start:\n{}{}", scratch.read("daemon.out"), scratch.read("error.log"));
    }

    /// Waits until all addresses accept connections; false if the server ended before.
    fn listens(&mut self, places: &[SocketAddr]) -> bool {
        let from = Instant::now();
        while from.elapsed() < PATIENCE {
            if self.0.try_wait().unwrap().is_some() {
                return false;
            }
            if places.iter().all(|place| TcpStream::connect(place).is_ok()) {
                return true;
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
        false
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server that listens at these addresses.
pub struct Started {
    _daemon: Daemon,
    pub places: Vec<SocketAddr>,
}

/// A free port at each of these addresses. All are held until all are found, so that they differ.
fn free(hosts: &[&str]) -> Vec<SocketAddr> {
    let bind = |host: &&str| TcpListener::bind((*host, 0)).unwrap_or_else(|e| panic!("{host}: {e}"));
    let held: Vec<TcpListener> = hosts.iter().map(bind).collect();
    held.iter().map(|listener| listener.local_addr().unwrap()).collect()
}

/// The path of a command; servers are not in every user's PATH.
pub fn program(name: &str) -> PathBuf {
    let places = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].map(|folder| PathBuf::from(folder).join(name));
    places
        .into_iter()
        .find(|path| path.exists())
        .unwrap_or_else(|| panic!("{name} is missing: run tests/install-tools"))
}

/// Runs a command that must succeed; returns its output.
pub fn done(scratch: &Scratch, words: &[&str]) -> String {
    let output = Command::new(program(words[0])).args(&words[1..]).current_dir(scratch.root()).output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_string()
}

/// Whether this machine has an IPv6 loopback; a test that needs one reports if it is left out.
pub fn has_six() -> bool {
    let has = TcpListener::bind((IpAddr::V6(Ipv6Addr::LOCALHOST), 0)).is_ok();
    if !has {
        aloud("no IPv6 loopback here: left out what needs one");
    }
    has
}

/// Prints a line past the capture of the test runner, even if the test passes.
pub fn aloud(text: &str) {
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("\nNOTE: {text}\n").as_bytes());
}
