//! The agent's own keys, and those that a section may set for itself.

use crate::net::http::Egress;
use crate::settings::reader::{key, secret, Key, SectionReader};
use crate::settings::shown;
use crate::sys::os;
use crate::types::spelling::left_out;
use std::path::PathBuf;

const IPV4: &str = match cfg!(feature = "tls") {
    true => "detectors in order, or off (default ipify, opendns)",
    false => "detectors in order, or off (default opendns)",
};

/// The keys before the first section.
pub const AGENT_KEYS: &[Key] = &[
    key("ipv4", IPV4),
    key("ipv6", "detectors in order, or off (default off)"),
    key("agree", "how many detectors must give the same answer (default 1)"),
    key("history", "file of past addresses (default /var/lib/homing/history.log)"),
    key("state", "file that records what is published (default /var/lib/homing/state.json)"),
    key("history_when", "change (default), or always: one line per pass"),
    key("refresh", "repeat an update after this time without a change (default 28d)"),
    key("bind", "local address or interface for all connections (default: the kernel chooses)"),
    key("proxy", "HTTP proxy for updates: http://host:3128 or http://user@host:3128 (default: none)"),
    secret("proxy_password", "the password of the proxy's user"),
    key("timeout", "time limit for one request (default 10s)"),
    key("deadline", "time limit for the whole pass (default 60s)"),
    key("ca_file", "CA certificates to use instead of the system's"),
    key("on_change", "command to run after a change"),
    key("on_failure", "command to run when a failure begins"),
    key("notify", "URL to notify of changes and failures"),
    key("include", "further configuration files"),
    key("allow_private", "yes: this machine's own private addresses may be published"),
    key("teredo", "yes: this machine's own Teredo address may be published"),
    key("allow_plaintext", "yes: passwords may be sent over http://"),
    key("log", "where messages go: stderr (default) or syslog"),
    key("luci_run", "directory of the files that LuCI's page reads (default: none)"),
    key("luci_log", "directory of the logs that LuCI's page shows (default: none)"),
    key("luci_lines", "lines in each of these logs (default 250)"),
    key("contact", "contact of the operator, sent in the User-Agent header"),
];

/// The keys of a section besides those of its provider.
pub const SECTION_KEYS: &[Key] = &[
    key("provider", "a protocol or a preset"),
    key("hosts", "hostnames to keep up to date"),
    key("min_interval", "minimum time between two updates of a host"),
    key("ipv4", "detectors in order, or off (default: the global setting)"),
    key("ipv6", "detectors in order, or off (default: the global setting)"),
    key("addresses", "one (default), or all addresses of an interface (only with rfc2136)"),
    key("ipv6_suffix", "publish another host with the detected prefix, such as ::1234/64"),
    key("agree", "how many detectors must give the same answer (default: the global setting)"),
    key("refresh", "repeat an update after this time without a change (default: the global setting)"),
    key("verify", "dns: compare records with the zone's name servers; or off (default)"),
    key("nameserver", "name server to ask for the zone, and for verify instead of the zone's own"),
    key("bind", "local address or interface for this section (default: the global setting)"),
    key("proxy", "HTTP proxy for updates, or off (default: the global setting)"),
    secret("proxy_password", "the password of the proxy's user"),
    key("allow_private", "yes: this machine's own private addresses may be published"),
    key("teredo", "yes: this machine's own Teredo address may be published"),
    key("allow_plaintext", "yes: the password may be sent over http://"),
    key("on_change", "command to run after a change (default: the global setting)"),
    key("on_failure", "command to run when something begins to fail (default: the global setting)"),
    key("notify", "URL to which changes and failures are posted (default: the global setting)"),
];

/// The keys of a preset besides those of its protocol.
pub const PRESET_KEYS: &[Key] = &[
    key("protocol", "the provider that the preset uses"),
    key("ipv4", "off if the service does not support the family"),
    key("ipv6", "off if the service does not support the family"),
    key("refresh", "repeat an update after this time without a change"),
    key("min_interval", "minimum time between two updates of a host"),
];

/// Whom to tell of changes and failures.
#[derive(Clone, Default, Debug)]
pub struct Hooks {
    pub on_change: Option<Vec<String>>,
    pub on_failure: Option<Vec<String>>,
    pub notify: Option<crate::net::http::Url>,
}

/// The agent's own settings.
#[derive(Clone, Debug)]
pub struct Agent {
    pub history: PathBuf,
    pub state: PathBuf,
    /// A history line a pass, changed or not.
    pub always: bool,
    /// Seconds.
    pub timeout: u64,
    /// Seconds.
    pub deadline: u64,
    pub ca_file: Option<PathBuf>,
    pub hooks: Hooks,
    /// By which way requests go out.
    pub way: Egress,
    /// Messages go to the system's log.
    pub syslog: bool,
    pub luci: LuciFiles,
    /// The value of the User-Agent header.
    pub agent: String,
}

/// Where the files for LuCI's page of ddns-scripts go.
#[derive(Clone, Debug)]
pub struct LuciFiles {
    pub run: Option<PathBuf>,
    pub log: Option<PathBuf>,
    /// The number of lines that each log keeps.
    pub lines: usize,
}

/// Reads the agent's own settings.
pub fn agent(facts: &SectionReader<'_>) -> Agent {
    let path = |key: &str, usual: &str| facts.text(key).map_or(PathBuf::from(usual), PathBuf::from);
    let contact = facts.text("contact").unwrap_or_else(|| "dynamic DNS agent".to_string());
    if let Some(entry) = facts.entry("contact").filter(|_| !crate::net::http::clean(&contact)) {
        facts.wrong(entry, format!("'{}' contains a character other than printable ASCII: remove it", shown(&contact)));
    }
    let seconds = |key: &str, usual: i64| facts.duration(key, 1).unwrap_or(usual).unsigned_abs();
    let ca_file = facts.text("ca_file").map(PathBuf::from);
    if let (Some(file), Some(entry)) = (&ca_file, facts.entry("ca_file")) {
        if let Err(error) = os::may_read(file) {
            facts
                .wrong(entry, format!("cannot read '{}': {error}: check the path and its permissions", file.display()));
        }
    }
    for key in ["luci_run", "luci_log"] {
        let left = facts.entry(key).filter(|_| cfg!(not(feature = "uci")));
        left.into_iter().for_each(|entry| facts.wrong(entry, left_out("uci")));
    }
    Agent {
        history: path("history", "/var/lib/homing/history.log"),
        state: path("state", "/var/lib/homing/state.json"),
        always: facts.choice("history_when", &["change", "always"]) == Some(1),
        timeout: seconds("timeout", 10),
        deadline: seconds("deadline", 60),
        ca_file,
        hooks: hooks_of(facts, &Hooks::default()),
        way: facts.way(&Egress::default()),
        syslog: facts.choice("log", &["stderr", "syslog"]) == Some(1),
        luci: LuciFiles {
            run: facts.text("luci_run").map(PathBuf::from),
            log: facts.text("luci_log").map(PathBuf::from),
            lines: facts.number("luci_lines", 1, 10_000).and_then(|lines| usize::try_from(lines).ok()).unwrap_or(250),
        },
        agent: format!("homing/{} ({contact})", env!("CARGO_PKG_VERSION")),
    }
}

/// Whom a section tells: its own hooks, else the agent's.
pub fn hooks_of(facts: &SectionReader<'_>, usual: &Hooks) -> Hooks {
    let notify = facts.url("notify");
    Hooks {
        on_change: facts.command("on_change").or_else(|| usual.on_change.clone()),
        on_failure: facts.command("on_failure").or_else(|| usual.on_failure.clone()),
        notify: notify.or_else(|| usual.notify.clone()),
    }
}
