//! Name servers from Debian that accept updates: BIND, Knot and PowerDNS, each with the same zone and keys, on a high
//! port, as an ordinary process.

use super::daemon::{done, program, Daemon, Started};
use crate::testbed::Scratch;
use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

/// The zone that may be updated with any of the keys; `closed.test` has the same records and may not.
pub const ZONE: &str = "example.test";
const RECORDS: &str = "$TTL 300
@ IN SOA ns.example.test. host.example.test. 1 3600 600 86400 60
@ IN NS ns.example.test.
@ IN MX 10 mail.example.test.
ns.example.test. IN A 127.0.0.1
mail.example.test. IN A 192.0.2.25
home.example.test. IN A 192.0.2.1
home.example.test. IN AAAA 2001:db8::1
home.example.test. IN TXT \"stays\"
home.example.test. IN MX 10 mail.example.test.
other.example.test. IN A 192.0.2.77
alias.example.test. IN CNAME other.example.test.
";

pub const ALGORITHMS: [&str; 6] = ["hmac-md5", "hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512"];
/// The secret of all keys, in base64; a key has the name of its algorithm.
pub const SHARED: &str = "Y2FuYXJ5LXMzY3JldC1jYW5hcnktczNjcmV0";

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Bind,
    Knot,
    PowerDns,
}

pub const KINDS: [Kind; 3] = [Kind::Bind, Kind::Knot, Kind::PowerDns];

/// A server that has loaded its zones.
pub struct Zones {
    _started: Started,
    pub place: SocketAddr,
}

impl Zones {
    pub fn start(kind: Kind, scratch: &Scratch) -> Zones {
        let started = Daemon::start(scratch, &["127.0.0.1"], |at| match kind {
            Kind::Bind => bind(scratch, at[0]),
            Kind::Knot => knot(scratch, at[0]),
            Kind::PowerDns => powerdns(scratch, at[0]),
        });
        let zones = Zones { place: started.places[0], _started: started };
        // It listens before it has loaded its zones.
        let begun = Instant::now();
        while !zones.dig(&["SOA", "closed.test"]).contains("SOA") {
            let log = || scratch.read("daemon.out");
            assert!(begun.elapsed() < Duration::from_secs(20), "{kind:?} does not have its zones:\n{}", log());
            std::thread::park_timeout(Duration::from_millis(20));
        }
        zones
    }

    /// The output of dig, one record per line.
    pub fn dig(&self, words: &[&str]) -> String {
        let port = self.place.port().to_string();
        let fixed = ["@127.0.0.1", "-p", &port, "+noall", "+answer", "+tries=1", "+time=5"];
        let output = Command::new(program("dig")).args(fixed).args(words).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Sends this update of the zone with nsupdate.
    pub fn nsupdate(&self, scratch: &Scratch, line: &str) {
        let script = format!("server 127.0.0.1 {}\nzone {ZONE}\n{line}\nsend\n", self.place.port());
        let script = scratch.write("nsupdate", &script, 0o600).display().to_string();
        let key = format!("key \"hmac-sha256\" {{ algorithm hmac-sha256; secret \"{SHARED}\"; }};\n");
        let key = scratch.write("nsupdate.key", &key, 0o600);
        done(scratch, &["nsupdate", "-k", &key.display().to_string(), &script]);
    }

    /// All records of the zone except SOA, by AXFR: owner, type and data, sorted.
    pub fn records(&self) -> Vec<String> {
        let text = self.dig(&["AXFR", ZONE]);
        let record = |line: &str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let kept = words.len() > 4 && !line.starts_with(';') && words[3] != "SOA";
            kept.then(|| {
                format!("{} {} {}", words[0].trim_end_matches(".example.test."), words[3], words[4..].join(" "))
            })
        };
        let mut records: Vec<String> = text.lines().filter_map(record).collect();
        assert!(!records.is_empty(), "no transfer: {text}");
        records.sort();
        records
    }
}

/// BIND's statement for each key.
fn keys() -> String {
    let one = |name: &&str| format!("key \"{name}\" {{ algorithm {name}; secret \"{SHARED}\"; }};\n");
    ALGORITHMS.iter().map(one).collect()
}

fn zones(scratch: &Scratch) {
    scratch.write("example.test.zone", RECORDS, 0o644);
    scratch.write("closed.test.zone", &RECORDS.replace("example.test", "closed.test"), 0o644);
}

/// Writes BIND's config and zones; returns its command line.
pub fn bind(scratch: &Scratch, at: SocketAddr) -> Vec<String> {
    zones(scratch);
    let let_in: String = ALGORITHMS.iter().map(|name| format!("key \"{name}\"; ")).collect();
    let config = format!(
        "options {{ directory \"{}\"; listen-on port {} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; pid-file none;\n\
         session-keyfile none; recursion no; dnssec-validation no; notify no; allow-transfer {{ any; }}; }};\n\
         controls {{ }};\n{}\
         zone \"example.test\" {{ type primary; file \"example.test.zone\"; allow-update {{ {let_in}}}; }};\n\
         zone \"closed.test\" {{ type primary; file \"closed.test.zone\"; }};\n",
        scratch.root().display(),
        at.port(),
        keys()
    );
    let file = scratch.write("named.conf", &config, 0o600);
    ["named", "-g", "-n", "1", "-c", &file.display().to_string()].map(String::from).to_vec()
}

fn knot(scratch: &Scratch, at: SocketAddr) -> Vec<String> {
    zones(scratch);
    let key = |name: &&str| format!("  - id: {name}\n    algorithm: {name}\n    secret: {SHARED}\n");
    let keys: String = ALGORITHMS.iter().map(key).collect();
    let config = format!(
        "server:\n  rundir: {0}\n  listen: 127.0.0.1@{1}\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n\
         database:\n  storage: {0}/db\nlog:\n  - target: stderr\n    any: info\nkey:\n{keys}\
         acl:\n  - id: update\n    action: update\n    key: [{2}]\n  - id: look\n    action: transfer\n    address: 127.0.0.1\n\
         template:\n  - id: default\n    storage: {0}\n    file: \"%s.zone\"\n\
         zone:\n  - domain: example.test\n    acl: [update, look]\n  - domain: closed.test\n",
        scratch.root().display(),
        at.port(),
        ALGORITHMS.join(", ")
    );
    scratch.folder("db");
    let file = scratch.write("knot.conf", &config, 0o600);
    ["knotd", "-c", &file.display().to_string()].map(String::from).to_vec()
}

fn powerdns(scratch: &Scratch, at: SocketAddr) -> Vec<String> {
    zones(scratch);
    let here = scratch.root().display().to_string();
    let config = format!(
        "launch=gsqlite3\ngsqlite3-database={here}/zones.db\ngsqlite3-pragma-synchronous=0\nlocal-address=127.0.0.1\n\
         local-port={}\nsocket-dir={here}\nconfig-dir={here}\ndaemon=no\nguardian=no\nsetuid=\nsetgid=\ndnsupdate=yes\n\
         allow-dnsupdate-from=\nallow-axfr-ips=127.0.0.1\ncache-ttl=0\nquery-cache-ttl=0\nnegquery-cache-ttl=0\n\
         zone-cache-refresh-interval=0\nloglevel=6\nreceiver-threads=1\ndistributor-threads=1\nsecurity-poll-suffix=\n",
        at.port()
    );
    scratch.write("pdns.conf", &config, 0o600);
    let _ = std::fs::remove_file(scratch.path("zones.db"));
    let schema = "/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql";
    done(scratch, &["sqlite3", "zones.db", &format!(".read {schema}")]);
    for zone in ["example.test", "closed.test"] {
        done(scratch, &["pdnsutil", "--config-dir=.", "load-zone", zone, &format!("{zone}.zone")]);
    }
    let mut script = String::from("INSERT INTO domainmetadata(domain_id, kind, content) SELECT id, 'ALLOW-DNSUPDATE-FROM', '127.0.0.0/8' FROM domains WHERE name = 'example.test';");
    for name in ALGORITHMS {
        script += &format!("INSERT INTO tsigkeys(name, algorithm, secret) VALUES('{name}', '{name}', '{SHARED}');");
        script += &format!("INSERT INTO domainmetadata(domain_id, kind, content) SELECT id, 'TSIG-ALLOW-DNSUPDATE', '{name}' FROM domains WHERE name = 'example.test';");
    }
    done(scratch, &["sqlite3", "zones.db", &script]);
    ["pdns_server", &format!("--config-dir={here}")].map(String::from).to_vec()
}
