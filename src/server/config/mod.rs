//! The configuration, checked. Every key of ddns-service with its default, and ours.
//! All mistakes are reported at once, each with its line and its key.

mod keys;
mod load;
mod reader;
#[cfg(test)]
mod tests;

pub use load::Extent;
pub use reader::Problem;

use crate::net::tsig::Key;
use crate::types::secret::Secret;
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use toml::de::DeTable;

/// The default files; the first that exists is taken.
pub const FILES: [&str; 2] = ["/etc/ddns-service/config.toml", "/etc/homing-server/config.toml"];

/// The file that is used where the command line names none; the last of [`FILES`] where there is none.
pub fn default_file() -> PathBuf {
    let found = FILES.iter().map(Path::new).find(|file| file.exists());
    found.unwrap_or_else(|| Path::new(FILES[1])).to_path_buf()
}

/// Reads and checks the configuration.
///
/// # Errors
/// All mistakes that were found, by line.
pub fn load(file: &Path, extent: Extent) -> Result<Config, Vec<Problem>> {
    let text = keys::read_private(file).map_err(|what| vec![Problem { file: file.to_path_buf(), line: 0, what }])?;
    parse(file, &text, extent)
}

fn parse(file: &Path, text: &str, extent: Extent) -> Result<Config, Vec<Problem>> {
    let source = reader::Source::new(file, text);
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        source.wrong(error.span().unwrap_or_default(), format!("not TOML: {}", error.message()));
    }
    let section = reader::Section::new(&source, "", Some(root.get_ref()), 0..0);
    let config = load::build(&source, &section, extent);
    let problems = source.problems();
    match problems.is_empty() {
        true => Ok(config),
        false => Err(problems),
    }
}

/// All of it.
pub struct Config {
    /// The file it was read from.
    pub file: PathBuf,
    pub daemon: Daemon,
    pub database: Database,
    pub dns: DnsService,
    pub defaults: Defaults,
    pub email: Option<Email>,
    pub limits: RateLimit,
    pub endpoints: Vec<Endpoint>,
}

/// `[daemon]`
#[derive(Clone, Debug)]
pub struct Daemon {
    /// A name (all its addresses are listened on) or an address.
    pub host: String,
    pub port: u16,
    pub log_level: LogLevel,
    pub log_target: LogTarget,
    pub log_requests: bool,
    /// With `ssl = true`.
    pub tls: Option<TlsFiles>,
    /// The header that a trusted proxy puts the client's address in; `None` if empty.
    pub proxy_header: Option<String>,
    pub trusted_proxies: Vec<IpNet>,
    /// Where metrics and health are served.
    pub admin_listen: Option<SocketAddr>,
    /// Whether private and documentation ranges may be published.
    pub allow_private: bool,
    pub max_connections: usize,
    pub max_connections_per_source: usize,
}

impl Daemon {
    /// Whether a peer is a proxy whose header counts.
    pub fn trusts(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.trusted_proxies.iter().any(|net| net.contains(&peer))
    }
}

/// Certificate chain and key, PEM.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlsFiles {
    pub cert: PathBuf,
    pub key: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum LogLevel {
    Debug,
    Info,
    Warning,
    Error,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LogTarget {
    Stdout,
    /// `facility` is the number of RFC 5424 §6.2.1.
    Syslog {
        socket: PathBuf,
        facility: u8,
    },
    /// Rotated at `size` bytes; `versions` older files are kept.
    File {
        path: PathBuf,
        size: u64,
        versions: u32,
    },
}

/// `[database]`
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Database {
    Sqlite { path: PathBuf },
    MariaDb(MariaDb),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MariaDb {
    /// `mysql://user:password@host:port/database`
    pub url: Secret,
}

/// `[dns_service]`
#[derive(Clone)]
pub struct DnsService {
    pub server: SocketAddr,
    /// The wait for one answer of the name server.
    pub timeout: Duration,
    pub default_key: Option<Arc<Key>>,
    /// By zone, in its stored form.
    pub zone_keys: BTreeMap<String, Arc<Key>>,
    pub cleanup_interval: Duration,
}

impl DnsService {
    /// The key for updates of a zone; `None`: unsigned.
    pub fn key_of(&self, zone: &str) -> Option<&Arc<Key>> {
        self.zone_keys.get(zone).or(self.default_key.as_ref())
    }
}

/// `[defaults]` for new hostnames, in seconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Defaults {
    pub dns_ttl: u32,
    /// 0: never.
    pub expiry_ttl: u32,
}

/// `[email]`, if enabled.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Email {
    pub smtp_host: String,
    pub smtp_port: u16,
    pub smtp_starttls: bool,
    pub from_address: String,
    /// A file with the template; `None`: no such mail.
    pub change_template: Option<PathBuf>,
    pub expiry_template: Option<PathBuf>,
}

/// `[rate_limit]`
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RateLimit {
    pub enabled: bool,
    pub good_window: Duration,
    pub good_max: u32,
    pub bad_window: Duration,
    pub bad_max: u32,
    pub cleanup_interval: Duration,
}

/// `[[endpoints]]`: a path, and the accepted names of each parameter; the first that a request has is taken. An empty
/// list: the parameter is not accepted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint {
    pub path: String,
    pub hostname: Vec<String>,
    pub ipv4: Vec<String>,
    pub ipv6: Vec<String>,
    pub username: Vec<String>,
    pub password: Vec<String>,
    pub notify_change: Vec<String>,
}
