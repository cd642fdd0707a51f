//! From the file's text to a checked configuration.

use super::keys::{private, read_key, readable};
use super::reader::{Section, Source};
use super::{
    Config, Daemon, Database, Defaults, DnsService, Email, Endpoint, LogLevel, LogTarget, MariaDb, RateLimit, TlsFiles,
};
use crate::server::name;
use crate::types::secret::{percent, Secret};
use crate::types::spelling::visible;
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How much of what the configuration names is read. Its keys are always checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Extent {
    /// Only the file itself: for commands that need the database alone, so that they need not be able to read keys.
    Database,
    /// TSIG keys too: for commands that update the name server.
    Dns,
    /// Everything.
    All,
}

/// Answered at all times, so no endpoint can have them.
const RESERVED: [&str; 4] = ["/myip", "/nic/checkip.html", "/acme/present", "/acme/cleanup"];
const SECONDS: std::ops::RangeInclusive<i64> = 1..=86_400;
/// RFC 2181 §8.
const TTL: std::ops::RangeInclusive<i64> = 0..=2_147_483_647;
const COUNT: std::ops::RangeInclusive<i64> = 1..=1_000_000;

pub(super) fn build(source: &Source, root: &Section, extent: Extent) -> Config {
    let config = Config {
        file: source.file.to_path_buf(),
        daemon: daemon(source, &root.section("daemon"), extent),
        database: database(&root.section("database")),
        dns: dns_service(source, &root.section("dns_service"), extent),
        defaults: defaults(&root.section("defaults")),
        email: email(&root.section("email"), extent),
        limits: rate_limit(&root.section("rate_limit")),
        endpoints: endpoints(source, root),
    };
    let web = root.section("web");
    if web.yes("enabled", false) {
        web.wrong("enabled", "there is no web page yet: use the commands 'user' and 'hostname'");
    }
    web.end();
    root.end();
    config
}

/// A number of a range that fits; the bounds are checked by [`Section::number`].
fn fit<T: TryFrom<i64> + Default>(number: i64) -> T {
    T::try_from(number).unwrap_or_default()
}

fn seconds(section: &Section, key: &'static str, default: i64) -> Duration {
    Duration::from_secs(fit(section.number(key, SECONDS, default)))
}

fn daemon(source: &Source, section: &Section, extent: Extent) -> Daemon {
    let host = section.text_or("host", "localhost");
    if host.is_empty() || host.chars().any(char::is_whitespace) {
        section.wrong("host", "a name or an address is expected, such as localhost or ::");
    }
    let tls = tls(section, extent);
    let proxy_header = section.text_or("proxy_header", "");
    if !proxy_header.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)) {
        section.wrong("proxy_header", format!("'{}' is not the name of a header", visible(&proxy_header)));
    }
    let mut trusted_proxies = Vec::new();
    for (text, span) in section.list("trusted_proxies").unwrap_or_default() {
        match text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)) {
            Ok(net) => trusted_proxies.push(net),
            Err(_) => {
                let what = format!(
                    "daemon.trusted_proxies: '{}' is neither an address nor a network such as 10.0.0.0/8",
                    visible(text)
                );
                source.wrong(span, what);
            }
        }
    }
    let daemon = Daemon {
        host,
        port: fit(section.number("port", 0..=65_535, 8443)),
        log_level: section.word(
            "log_level",
            &[
                ("DEBUG", LogLevel::Debug),
                ("INFO", LogLevel::Info),
                ("WARNING", LogLevel::Warning),
                ("ERROR", LogLevel::Error),
            ],
            LogLevel::Info,
        ),
        log_target: log_target(section),
        log_requests: section.yes("log_requests", false),
        tls,
        proxy_header: Some(proxy_header).filter(|header| !header.is_empty()),
        trusted_proxies,
        admin_listen: admin_listen(section),
        allow_private: section.yes("allow_private", true),
        max_connections: fit(section.number("max_connections", COUNT, 512)),
        max_connections_per_source: fit(section.number("max_connections_per_source", COUNT, 32)),
    };
    section.end();
    daemon
}

fn tls(section: &Section, extent: Extent) -> Option<TlsFiles> {
    let (cert, key) = (section.path("ssl_cert_file"), section.path("ssl_key_file"));
    if !section.yes("ssl", false) {
        return None;
    }
    for (name, path) in [("ssl_cert_file", &cert), ("ssl_key_file", &key)] {
        let Some(path) = path else {
            section.missing(name, "ssl = true needs it");
            continue;
        };
        if extent == Extent::All {
            let checked = if name == "ssl_key_file" { private(path) } else { readable(path).map(drop) };
            checked.unwrap_or_else(|why| section.wrong(name, why));
        }
    }
    Some(TlsFiles { cert: cert?, key: key? })
}

fn log_target(section: &Section) -> LogTarget {
    const LOCAL: [(&str, u8); 10] = [
        ("daemon", 3),
        ("user", 1),
        ("local0", 16),
        ("local1", 17),
        ("local2", 18),
        ("local3", 19),
        ("local4", 20),
        ("local5", 21),
        ("local6", 22),
        ("local7", 23),
    ];
    let socket = PathBuf::from(section.text_or("syslog_socket", "/dev/log"));
    let facility = section.word("syslog_facility", &LOCAL, 3);
    let path = PathBuf::from(section.text_or("log_file", "/var/log/ddns-service/ddns-service.log"));
    let size = fit(section.number("log_file_size", 0..=i64::MAX, 52_428_800));
    let versions = fit(section.number("log_versions", 0..=1_000, 5));
    match section.word("log_target", &[("stdout", 0), ("syslog", 1), ("file", 2)], 0) {
        1 => LogTarget::Syslog { socket, facility },
        2 => LogTarget::File { path, size, versions },
        _ => LogTarget::Stdout,
    }
}

fn admin_listen(section: &Section) -> Option<SocketAddr> {
    let text = section.text("admin_listen").filter(|text| !text.is_empty())?;
    let address = text.parse();
    if address.is_err() {
        section.wrong("admin_listen", format!("'{}' is not ADDRESS:PORT, such as 127.0.0.1:9100", visible(text)));
    }
    address.ok()
}

fn database(section: &Section) -> Database {
    let mariadb = section.word("backend", &[("sqlite", false), ("mariadb", true)], false);
    let path = section.path("path");
    let server = mariadb_keys(section, mariadb);
    section.end();
    match mariadb {
        true => Database::MariaDb(server),
        false => {
            if path.is_none() {
                section.missing("path", "the SQLite file, such as \"/var/lib/homing-server/server.db\"");
            }
            Database::Sqlite { path: path.unwrap_or_default() }
        }
    }
}

/// The keys of MariaDB. They are needed only if that is the backend.
fn mariadb_keys(section: &Section, needed: bool) -> MariaDb {
    let host = section.text_or("host", "localhost");
    let port = section.number("port", 1..=65_535, 3306);
    let either = |first: &'static str, second: &'static str| {
        let texts = (section.text(first), section.text(second));
        if let (Some(_), Some(_)) = texts {
            section.wrong(second, format!("the same as {}: give one of them", section.full(first)));
        }
        texts.0.or(texts.1).unwrap_or_default()
    };
    let (user, database) = (either("user", "username"), either("database", "name"));
    let password = Secret::new(section.text("password").unwrap_or_default());
    let url = section.text("url");
    if !needed {
        return MariaDb { url: Secret::unmasked("") };
    }
    if let Some(url) = url {
        let rest = url.strip_prefix("mysql://").or_else(|| url.strip_prefix("mariadb://"));
        if rest.is_none() {
            section.wrong("url", "not a URL such as mysql://user:password@host:3306/database");
        }
        return MariaDb { url: Secret::new(&format!("mysql://{}", rest.unwrap_or_default())) };
    }
    for (key, value) in [("user", user), ("database", database)] {
        if value.is_empty() {
            section.missing(key, "backend = \"mariadb\" needs it (or url)");
        }
    }
    let login = match password.is_empty() {
        true => percent(user),
        false => format!("{}:{}", percent(user), percent(password.expose())),
    };
    // A path is the server's socket.
    let (host, socket) = match host.starts_with('/') {
        true => ("localhost".to_string(), format!("?socket={}", percent(&host))),
        false if host.contains(':') => (format!("[{host}]"), String::new()),
        false => (host, String::new()),
    };
    MariaDb { url: Secret::new(&format!("mysql://{login}@{host}:{port}/{}{socket}", percent(database))) }
}

fn dns_service(source: &Source, section: &Section, extent: Extent) -> DnsService {
    let server = section.text_or("dns_server", "127.0.0.1");
    let address = server.parse::<IpAddr>().unwrap_or_else(|_| {
        let what = format!("'{}' is not an IP address: a name cannot be used here", visible(&server));
        section.wrong("dns_server", what);
        IpAddr::from([127, 0, 0, 1])
    });
    let port = fit(section.number("dns_port", 1..=65_535, 53));
    let read = |file: &Path| match extent {
        Extent::Database => None,
        Extent::Dns | Extent::All => Some(read_key(file).map(Arc::new)),
    };
    let default_key = section.path("ddns_default_key_file").and_then(|file| match read(&file)? {
        Ok(key) => Some(key),
        Err(why) => {
            section.wrong("ddns_default_key_file", why);
            None
        }
    });
    let mut zone_keys = BTreeMap::new();
    let keys = section.section("zone_keys");
    for (zone, value) in keys.entries() {
        let wrong = |why: String| source.wrong(value.span(), format!("{}: {why}", keys.full(&visible(zone))));
        let stored = name::stored(zone).map_err(|why| wrong(format!("not a zone: {why}")));
        let file = value.get_ref().as_str();
        if file.is_none() {
            wrong("the path of a key file is expected".to_string());
        }
        let (Ok(stored), Some(file)) = (stored, file) else { continue };
        match read(Path::new(file)) {
            Some(Ok(key)) if zone_keys.insert(stored, key.clone()).is_some() => {
                wrong("the zone is there twice".to_string())
            }
            Some(Err(why)) => wrong(why),
            Some(Ok(_)) | None => {}
        }
    }
    let service = DnsService {
        server: SocketAddr::new(address, port),
        timeout: seconds(section, "dns_timeout", 5),
        default_key,
        zone_keys,
        cleanup_interval: seconds(section, "cleanup_interval", 60),
    };
    section.end();
    service
}

fn defaults(section: &Section) -> Defaults {
    let defaults = Defaults {
        dns_ttl: fit(section.number("dns_ttl", TTL, 60)),
        expiry_ttl: fit(section.number("expiry_ttl", TTL, 3600)),
    };
    section.end();
    defaults
}

fn email(section: &Section, extent: Extent) -> Option<Email> {
    let enabled = section.yes("enabled", false);
    let email = Email {
        smtp_host: section.text_or("smtp_host", ""),
        smtp_port: fit(section.number("smtp_port", 1..=65_535, 25)),
        smtp_starttls: section.yes("smtp_starttls", false),
        from_address: section.text_or("from_address", ""),
        change_template: section.path("change_notification_template"),
        expiry_template: section.path("expiry_notification_template"),
    };
    section.end();
    if !enabled {
        return None;
    }
    for (key, value) in [("smtp_host", &email.smtp_host), ("from_address", &email.from_address)] {
        if value.is_empty() {
            section.missing(key, "email.enabled = true needs it");
        }
    }
    if !email.from_address.is_empty() && email.from_address.parse::<lettre::message::Mailbox>().is_err() {
        section.wrong("from_address", format!("'{}' is not a mail address", visible(&email.from_address)));
    }
    let templates = [
        ("change_notification_template", &email.change_template),
        ("expiry_notification_template", &email.expiry_template),
    ];
    for (key, path) in templates {
        if let (Some(path), Extent::All) = (path, extent) {
            readable(path).map(drop).unwrap_or_else(|why| section.wrong(key, why));
        }
    }
    Some(email)
}

fn rate_limit(section: &Section) -> RateLimit {
    let limit = RateLimit {
        enabled: section.yes("enabled", true),
        good_window: seconds(section, "good_window_seconds", 60),
        good_max: fit(section.number("good_max_requests", COUNT, 5)),
        bad_window: seconds(section, "bad_window_seconds", 60),
        bad_max: fit(section.number("bad_max_requests", COUNT, 3)),
        cleanup_interval: seconds(section, "cleanup_interval", 60),
    };
    section.end();
    limit
}

/// The parameters with the names that are accepted where the configuration has none.
const PARAMETERS: [(&str, &[&str]); 6] = [
    ("hostname", &["hostname", "host"]),
    ("ipv4", &["myip", "ipv4", "ip4"]),
    ("ipv6", &["myip6", "ipv6", "ip6"]),
    ("username", &["username", "user"]),
    ("password", &["password", "pass", "token"]),
    ("notify_change", &["notify_change"]),
];

fn endpoint(path: &str, section: Option<&Section>) -> Endpoint {
    let [hostname, ipv4, ipv6, username, password, notify_change] = PARAMETERS.map(|(key, names)| {
        let given = section.and_then(|section| section.list(key));
        match given {
            Some(given) => given.into_iter().map(|(name, _)| name.to_string()).collect(),
            None => names.iter().map(|name| name.to_string()).collect(),
        }
    });
    Endpoint { path: path.to_string(), hostname, ipv4, ipv6, username, password, notify_change }
}

fn endpoints(source: &Source, root: &Section) -> Vec<Endpoint> {
    let Some(value) = root.value("endpoints") else {
        return ["/update", "/nic/update", "/v3/update"].map(|path| endpoint(path, None)).to_vec();
    };
    let Some(array) = value.get_ref().as_array() else {
        root.wrong("endpoints", "a list is expected: write [[endpoints]]");
        return Vec::new();
    };
    let mut found: Vec<Endpoint> = Vec::new();
    for item in array.iter() {
        let Some(table) = item.get_ref().as_table() else {
            source.wrong(item.span(), "endpoints: a table is expected: write [[endpoints]]".to_string());
            continue;
        };
        let section = Section::new(source, "endpoints", Some(table), item.span());
        let params = section.section("params");
        let path = section.text("path");
        let endpoint = endpoint(path.unwrap_or_default(), Some(&params));
        params.end();
        section.end();
        match path {
            None if !section.has("path") => section.missing("path", "such as \"/update\""),
            None => {}
            Some(path) if !path.starts_with('/') || path.contains(['?', '#', ' ']) => {
                let what = format!("'{}' is not the path of a URL, such as /update", visible(path));
                section.wrong("path", what);
            }
            Some(path) if RESERVED.contains(&path) => section.wrong("path", format!("{path} is answered by itself")),
            Some(path) if found.iter().any(|other| other.path == path) => {
                section.wrong("path", format!("'{}' is there twice", visible(path)));
            }
            Some(_) => found.push(endpoint),
        }
    }
    found
}
