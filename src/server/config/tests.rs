//! The configuration as people write it.

use super::*;
use std::os::unix::fs::PermissionsExt;

fn check(text: &str) -> Result<Config, Vec<String>> {
    let problems = |all: Vec<Problem>| all.iter().map(|one| one.to_string()).collect();
    parse(Path::new("c.toml"), text, Extent::All).map_err(problems)
}

const LEAST: &str = "[database]\npath = \"/var/lib/ddns.db\"\n";

#[test]
fn every_default_is_the_predecessors() {
    let config = check(LEAST).unwrap();
    let daemon = &config.daemon;
    assert_eq!((daemon.host.as_str(), daemon.port), ("localhost", 8443));
    assert_eq!((daemon.log_level, &daemon.log_target), (LogLevel::Info, &LogTarget::Stdout));
    assert_eq!((daemon.log_requests, &daemon.tls, &daemon.proxy_header), (false, &None, &None));
    assert!(daemon.trusted_proxies.is_empty() && daemon.admin_listen.is_none() && daemon.allow_private);
    assert_eq!((daemon.max_connections, daemon.max_connections_per_source), (512, 32));
    assert_eq!(config.database, Database::Sqlite { path: "/var/lib/ddns.db".into() });
    assert_eq!(config.dns.server, "127.0.0.1:53".parse().unwrap());
    assert_eq!((config.dns.timeout.as_secs(), config.dns.cleanup_interval.as_secs()), (5, 60));
    assert!(config.dns.key_of("dyn.example").is_none());
    assert_eq!(config.defaults, Defaults { dns_ttl: 60, expiry_ttl: 3600 });
    assert_eq!(config.email, None);
    let minute = Duration::from_secs(60);
    let limits = RateLimit {
        enabled: true,
        good_window: minute,
        good_max: 5,
        bad_window: minute,
        bad_max: 3,
        cleanup_interval: minute,
    };
    assert_eq!(config.limits, limits);
    let paths: Vec<&str> = config.endpoints.iter().map(|endpoint| endpoint.path.as_str()).collect();
    assert_eq!(paths, ["/update", "/nic/update", "/v3/update"]);
    let update = &config.endpoints[0];
    assert_eq!(update.hostname, ["hostname", "host"]);
    assert_eq!((update.ipv4.join(" "), update.ipv6.join(" ")), ("myip ipv4 ip4".into(), "myip6 ipv6 ip6".into()));
    assert_eq!(update.username, ["username", "user"]);
    assert_eq!(update.password, ["password", "pass", "token"]);
    assert_eq!(update.notify_change, ["notify_change"]);
}

/// The example of ddns-service's documentation, with its optional lines.
const EXAMPLE: &str = r#"
[daemon]
host = "localhost"
port = 8443
log_level = "debug"
log_target = "file"
syslog_socket = "/dev/log"
syslog_facility = "local7"
log_file = "/var/log/ddns-service/ddns-service.log"
log_file_size = 52_428_800
log_versions = 5
log_requests = false
ssl = false
ssl_cert_file = "/etc/ddns-service/cert.pem"   # required if ssl = true
ssl_key_file = "/etc/ddns-service/key.pem"     # required if ssl = true
proxy_header = "X-Forwarded-For"
trusted_proxies = ["127.0.0.1", "10.0.0.0/8", "2001:db8::/32"]

[database]
backend = "sqlite"
path = "/var/lib/ddns-service/ddns.db"

[dns_service]
dns_server = "::1"
dns_port = 5353
dns_timeout = 5
cleanup_interval = 60

[dns_service.zone_keys]

[defaults]
dns_ttl = 60
expiry_ttl = 0

[email]
enabled = false
smtp_host = "localhost"
smtp_port = 25
smtp_starttls = false
from_address = "ddns@example.com"
change_notification_template = "/etc/ddns-service/change_notification.j2"
expiry_notification_template = "/etc/ddns-service/expiry_notification.j2"

[rate_limit]
enabled = true
good_window_seconds = 60
good_max_requests = 5
bad_window_seconds = 60
bad_max_requests = 3
cleanup_interval = 60

[[endpoints]]
path = "/update"

[[endpoints]]
path = "/nic/update"
[endpoints.params]
hostname = ["hostname"]
ipv4 = ["myip"]
notify_change = []
"#;

#[test]
fn the_predecessors_example_is_read() {
    let config = check(EXAMPLE).unwrap();
    assert_eq!(config.daemon.log_level, LogLevel::Debug);
    assert_eq!(config.dns.server, "[::1]:5353".parse().unwrap());
    assert!(config.daemon.trusts("10.1.2.3".parse().unwrap()));
    assert!(config.daemon.trusts("::ffff:10.1.2.3".parse().unwrap()));
    assert!(!config.daemon.trusts("11.1.2.3".parse().unwrap()));
    assert_eq!(config.endpoints.len(), 2);
    let nic = &config.endpoints[1];
    assert_eq!((nic.hostname.join(" "), nic.ipv4.join(" ")), ("hostname".into(), "myip".into()));
    assert_eq!((nic.ipv6.len(), nic.notify_change.len()), (3, 0));
}

#[test]
fn all_mistakes_are_reported_with_their_keys() {
    let text = r#"
[deamon]
[daemon]
prot = 1
log_levle = "INFO"
port = 65536
log_level = "LOUD"
log_target = 5
ssl = "yes"
trusted_proxies = ["10.0.0.0/8", "proxy.example", 7]
admin_listen = "localhost"
proxy_header = "X: y"
[database]
backend = "postgres"
[dns_service]
dns_server = "ns.example.org"
dns_timeout = 0
[dns_service.zone_keys]
"a..b" = "/dev/null"
[email]
enabled = true
from_address = "nobody"
[web]
enabled = true
[[endpoints]]
[[endpoints]]
path = "update"
[[endpoints]]
path = "/myip"
[[endpoints]]
path = "/a"
[endpoints.params]
ip = ["myip"]
hostname = "host"
[[endpoints]]
path = "/a"
"#;
    let problems = check(text).err().unwrap();
    for expected in [
        "c.toml:2: deamon: unknown key: did you mean 'daemon'?",
        "c.toml:4: daemon.prot: unknown key: did you mean 'port'?",
        "c.toml:5: daemon.log_levle: unknown key: did you mean 'log_level'?",
        "c.toml:6: daemon.port: invalid value 65536 (0 to 65535)",
        "c.toml:7: daemon.log_level: invalid value 'LOUD' (DEBUG, INFO, WARNING, ERROR)",
        "c.toml:8: daemon.log_target: a number where a text in quotes is expected",
        "c.toml:9: daemon.ssl: a text where true or false is expected",
        "c.toml:10: daemon.trusted_proxies: 'proxy.example' is neither an address nor a network such as 10.0.0.0/8",
        "c.toml:10: daemon.trusted_proxies: a number where a text is expected",
        "c.toml:11: daemon.admin_listen: 'localhost' is not ADDRESS:PORT, such as 127.0.0.1:9100",
        "c.toml:12: daemon.proxy_header: 'X: y' is not the name of a header",
        "c.toml:13: database.path: missing: the SQLite file, such as \"/var/lib/homing-server/server.db\"",
        "c.toml:14: database.backend: invalid value 'postgres' (sqlite, mariadb)",
        "c.toml:16: dns_service.dns_server: 'ns.example.org' is not an IP address: a name cannot be used here",
        "c.toml:17: dns_service.dns_timeout: invalid value 0 (1 to 86400)",
        "c.toml:19: dns_service.zone_keys.a..b: not a zone: label 2 of the hostname is empty: remove a dot",
        "c.toml:20: email.smtp_host: missing: email.enabled = true needs it",
        "c.toml:22: email.from_address: 'nobody' is not a mail address",
        "c.toml:24: web.enabled: there is no web page yet: use the commands 'user' and 'hostname'",
        "c.toml:25: endpoints.path: missing: such as \"/update\"",
        "c.toml:27: endpoints.path: 'update' is not the path of a URL, such as /update",
        "c.toml:29: endpoints.path: /myip is answered by itself",
        "c.toml:33: endpoints.params.ip: unknown key (known: hostname, ipv4, ipv6, username, password, notify_change)",
        "c.toml:34: endpoints.params.hostname: a text where a list such as [\"a\", \"b\"] is expected",
        "c.toml:36: endpoints.path: '/a' is there twice",
    ] {
        assert!(problems.iter().any(|problem| problem == expected), "{expected}\nis not in\n{problems:#?}");
    }
    assert_eq!(problems.len(), 25, "{problems:#?}");
}

#[test]
fn what_is_no_toml_is_reported_with_its_line() {
    let problems = check("[database]\npath = /var/lib/ddns.db\n").err().unwrap();
    assert!(problems[0].starts_with("c.toml:2: not TOML: "), "{problems:?}");
}

#[test]
fn mariadb_is_reached_by_its_keys_or_by_a_url() {
    let url = |keys: &str| match check(&format!("[database]\nbackend = \"mariadb\"\n{keys}")).map(|c| c.database) {
        Ok(Database::MariaDb(server)) => Ok(server.url.expose().to_string()),
        Ok(other) => panic!("{other:?}"),
        Err(problems) => Err(problems.join("\n")),
    };
    let keys = "host = \"db.example\"\nport = 3307\nuser = \"d@ns\"\npassword = \"p:w/\"\ndatabase = \"ddns\"";
    assert_eq!(url(keys).as_deref(), Ok("mysql://d%40ns:p%3Aw%2F@db.example:3307/ddns"));
    assert_eq!(url("username = \"d\"\nname = \"n\"").as_deref(), Ok("mysql://d@localhost:3306/n"));
    let socket = "user = \"d\"\ndatabase = \"n\"\nhost = \"/run/mysqld.sock\"";
    assert_eq!(url(socket).as_deref(), Ok("mysql://d@localhost:3306/n?socket=%2Frun%2Fmysqld.sock"));
    assert_eq!(url("host = \"::1\"\nuser = \"d\"\ndatabase = \"n\"").as_deref(), Ok("mysql://d@[::1]:3306/n"));
    assert_eq!(url("url = \"mariadb://a:b@h/n\"").as_deref(), Ok("mysql://a:b@h/n"));
    let problems = url("user = \"a\"\nusername = \"b\"").unwrap_err();
    assert!(problems.contains("c.toml:4: database.username: the same as database.user"), "{problems}");
    assert!(problems.contains("c.toml:1: database.database: missing"), "{problems}");
    assert!(url("url = \"postgres://x\"").is_err());
}

#[test]
fn files_that_others_can_read_are_refused() {
    let folder = crate::server::store::testing::Folder::new();
    let file = |name: &str, text: &str, mode: u32| {
        let path = folder.0.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    };
    let key = "key \"ddns-key\" {\n\talgorithm hmac-sha256;\n\tsecret \"q/w+AQ==\";\n};\n";
    let (good, open) = (file("good.key", key, 0o640), file("open.key", key, 0o644));
    let broken = file("broken.key", "key \"ddns-key\" { algorithm rot13; secret \"q/w+AQ==\"; };", 0o600);
    let text = format!(
        "{LEAST}[dns_service]\nddns_default_key_file = \"{}\"\n[dns_service.zone_keys]\n\"Dyn.Example.\" = \"{}\"\n",
        good.display(),
        good.display()
    );
    let config = check(&text).unwrap();
    assert_eq!(config.dns.key_of("dyn.example").unwrap().shown(), "hmac-sha256:ddns-key");
    assert_eq!(config.dns.key_of("other.example").unwrap().shown(), "hmac-sha256:ddns-key");
    let bad = text.replacen("good.key", "open.key", 1).replace("good.key", "broken.key");
    let problems = check(&bad).err().unwrap().join("\n");
    let remedy = format!("chmod 0640 {}", open.display());
    assert!(
        problems.contains("c.toml:4: dns_service.ddns_default_key_file: ") && problems.contains(&remedy),
        "{problems}"
    );
    assert!(problems.contains(&format!("'{}' is not a TSIG key", broken.display())), "{problems}");
    assert!(!problems.contains("q/w+"), "{problems}");
    // Commands that need the database alone need not be able to read keys.
    assert!(parse(Path::new("c.toml"), &bad, Extent::Database).is_ok());

    let config = file("config.toml", LEAST, 0o604);
    let problems = load(&config, Extent::All).err().unwrap();
    assert!(problems[0].to_string().contains(&format!("chmod 0600 {}", config.display())), "{problems:?}");
    let config = file("private.toml", LEAST, 0o640);
    assert!(load(&config, Extent::All).is_ok());
    assert!(load(&folder.0.join("none.toml"), Extent::All).is_err());
}

/// The example that is installed gives every default as its value.
#[test]
fn the_example_configuration_shows_the_defaults() {
    let example = include_str!("../../../packaging/server/config.example.toml");
    let mut text = String::new();
    for line in example.lines() {
        let line = line.strip_prefix("# ").filter(|rest| {
            let key = rest.split_once(" = ").map_or("", |(key, _)| key);
            let plain = !key.is_empty() && key.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
            plain && key != "ddns_default_key_file"
                || rest.starts_with("[[endpoints]]")
                || rest.starts_with("[endpoints.")
        });
        text += line.unwrap_or_default();
        text.push('\n');
    }
    // The headers of the sections are no comments.
    let headers: Vec<&str> = example.lines().collect();
    let text: String = text
        .lines()
        .zip(headers)
        .map(|(line, whole)| format!("{}\n", if whole.starts_with(['[', 'p']) { whole } else { line }))
        .collect();
    let (shown, default) = (check(&text).unwrap(), check(LEAST).unwrap());
    assert_eq!(format!("{:?}", shown.daemon), format!("{:?}", default.daemon));
    assert_eq!(shown.dns.server, default.dns.server);
    assert_eq!((shown.dns.timeout, shown.dns.cleanup_interval), (default.dns.timeout, default.dns.cleanup_interval));
    assert_eq!((shown.defaults, shown.limits, shown.email), (default.defaults, default.limits, None));
    assert_eq!(shown.endpoints, default.endpoints[..1]);
    assert!(text.contains("bad_max_requests = 3") && text.contains("max_connections_per_source = 32"), "{text}");
}
