//! The services of ddns-scripts: each section is one family of one host at one service, and becomes a section of ours with
//! the same name. What each option means there is told in the documentation of ddns-scripts 2.8 (openwrt.org/docs/
//! guide-user/services/ddns/client); its updater is the authority where that is silent.

mod request;

use super::blocks::Block;
use super::services::{self, Way};
use super::{entry, Translated};
use crate::settings::{Entry, Problem, Section};
use std::path::Path;

/// Options that homing has no use for, and why. Where they say what they say by default, that is not worth a word.
const IDLE: &[(&str, &str, &str)] = &[
    ("force_dnstcp", "0", LOOKS_UP),
    ("dns_server", "", LOOKS_UP),
    ("is_glue", "0", LOOKS_UP),
    ("use_api_check", "0", LOOKS_UP),
    ("force_ipversion", "0", "each family is asked for over itself anyway"),
    ("retry_interval", "60", RETRIES),
    ("retry_unit", "seconds", RETRIES),
    ("retry_count", "0", RETRIES),
    ("retry_max_count", "0", RETRIES),
    ("user_agent", "", "homing says who it is; 'contact' in /etc/config/homing adds to it"),
    ("use_logfile", "1", "the log that LuCI shows is on tmpfs and is always written"),
    ("use_curl", "0", "homing needs no other program"),
    ("ddns_dateformat", "%F %R", "LuCI's own; homing's log is in UTC"),
    ("services_url", "", DOWNLOADS),
    ("url", "", DOWNLOADS),
    ("check_interval_min", "5", "five minutes at least"),
];
const LOOKS_UP: &str = "homing remembers what it published and does not ask the DNS for it";
const RETRIES: &str = "homing tries again after 5 minutes, then ever more rarely, up to 6 hours";
const DOWNLOADS: &str = "homing downloads no services";
/// Those that are honoured here.
const HONOURED: &[&str] = &[
    "enabled",
    "interface",
    "service_name",
    "update_url",
    "update_script",
    "lookup_host",
    "domain",
    "username",
    "password",
    "param_enc",
    "param_opt",
    "use_https",
    "cacert",
    "use_syslog",
    "ip_source",
    "ip_network",
    "ip_url",
    "ip_interface",
    "ip_script",
    "use_ipv6",
    "proxy",
    "bind_network",
    "check_interval",
    "check_unit",
    "force_interval",
    "force_unit",
    "upd_privateip",
    "ddns_rundir",
    "ddns_logdir",
    "ddns_loglines",
];

/// `config ddns 'global'`.
pub fn global(block: &Block, out: &mut Translated) {
    remark(block, out);
    for (theirs, ours) in [("ddns_rundir", "luci_run"), ("ddns_logdir", "luci_log"), ("ddns_loglines", "luci_lines")] {
        if let Some(entry) = block.get(theirs) {
            out.agent(ours, &entry.value, &entry.place);
        }
    }
    if let Some(entry) = block.get("upd_privateip").filter(|entry| is(entry)) {
        out.agent("allow_private", "yes", &entry.place);
    }
}

/// Says what has no meaning here.
fn remark(block: &Block, out: &mut Translated) {
    for entry in &block.entries {
        let text = match IDLE.iter().find(|(key, ..)| *key == entry.key) {
            Some((_, usual, _)) if *usual == entry.value || entry.value.is_empty() => continue,
            Some((key, _, why)) => format!("{key} is not used: {why}"),
            None if HONOURED.contains(&entry.key.as_str()) => continue,
            None => format!("{} is no option of ddns-scripts", entry.key),
        };
        out.remarks.push(Problem { place: entry.place.clone(), text });
    }
}

/// `config service 'NAME'`.
pub fn service(block: &Block, path: &Path, out: &mut Translated) {
    if !block.get("enabled").is_some_and(is) {
        let text = format!("[{}] is not enabled", block.name);
        return out.remarks.push(Problem { place: block.place.clone(), text });
    }
    remark(block, out);
    // LuCI's page wants to be told how it goes.
    out.agent("luci_run", "/var/run/ddns", &block.place);
    out.agent("luci_log", "/var/log/ddns", &block.place);
    let mut service = Service { block, section: Section::new(&block.name, block.place.clone()), notes: Vec::new() };
    match service.translate(path, out) {
        Ok(()) => {
            out.notes.append(&mut service.notes);
            out.settings.sections.push(service.section);
        }
        Err((place, why)) => out.notes.push(Problem { place, text: format!("[{}] is left out: {why}", block.name) }),
    }
}

struct Service<'a> {
    block: &'a Block,
    section: Section,
    notes: Vec<Problem>,
}

type Left = (crate::settings::Place, String);

impl Service<'_> {
    fn value(&self, key: &str) -> Option<&str> {
        self.block.get(key).map(|entry| entry.value.as_str())
    }

    fn flag(&self, key: &str) -> bool {
        self.block.get(key).is_some_and(is)
    }

    /// Says a key of ours; its place is that of the option it comes from.
    fn say(&mut self, key: &str, value: &str, from: &str) {
        let place = self.block.get(from).map_or(&self.block.place, |entry| &entry.place);
        self.section.entries.push(entry(key, value, place));
    }

    fn note(&mut self, from: &str, text: String) {
        let place = self.block.get(from).map_or(&self.block.place, |entry| &entry.place).clone();
        self.notes.push(Problem { place, text });
    }

    fn left(&self, from: &str, why: impl Into<String>) -> Left {
        (self.block.get(from).map_or(&self.block.place, |entry| &entry.place).clone(), why.into())
    }

    fn translate(&mut self, path: &Path, out: &mut Translated) -> Result<(), Left> {
        let ipv6 = self.flag("use_ipv6");
        let named = self.value("service_name").filter(|name| !["custom", "-"].contains(name));
        let way = match (named, self.value("update_url"), self.value("update_script")) {
            (Some(name), ..) => services::by_name(name, ipv6, path),
            (None, Some(url), _) => Way::Url { url: url.to_string(), answer: None },
            (None, None, Some(script)) => match services::by_script(script) {
                Some(ours) => Way::Provider(ours),
                None => return Err(self.left("update_script", "update_script: homing runs no scripts of ddns-scripts")),
            },
            (None, None, None) => return Err(self.left("", "neither service_name nor update_url")),
        };
        match way {
            Way::Url { url, answer } => self.url(&url, answer.as_deref())?,
            Way::Provider(ours) => self.provider(&ours)?,
            Way::Unknown(why) => return Err(self.left("service_name", why)),
        }
        self.source(ipv6, out);
        self.connection(out);
        self.times(out);
        Ok(())
    }

    /// The host, as DNS knows it, and the option that says it. `domain` may be what the service wants to hear instead.
    fn host(&self) -> Result<(String, &'static str), Left> {
        let domain = self.value("domain").map(|domain| (domain, "domain"));
        let named = self.value("lookup_host").map(|host| (host, "lookup_host"));
        let (host, from) = named.or(domain).ok_or_else(|| self.left("", "lookup_host is missing"))?;
        let host = match host.split_once('@') {
            Some(("", zone)) => zone.to_string(),
            Some((name, zone)) => format!("{name}.{zone}"),
            None => host.to_string(),
        };
        Ok((host, from))
    }

    /// Where the address comes from: a detector of its own, for the one family.
    fn source(&mut self, ipv6: bool, out: &mut Translated) {
        let wan = if ipv6 { "wan6" } else { "wan" };
        let option = |key: &str, usual: &str| self.value(key).unwrap_or(usual).to_string();
        let (from, name, kind, key, value) = match self.value("ip_source").unwrap_or("network") {
            "web" => {
                let usual = if ipv6 { "http://checkipv6.dyndns.com" } else { "http://checkip.dyndns.com" };
                ("ip_url", format!("web-{}", self.block.name), "web", "url", option("ip_url", usual))
            }
            "script" => {
                ("ip_script", format!("script-{}", self.block.name), "command", "command", option("ip_script", ""))
            }
            "interface" => {
                let device = option("ip_interface", "eth1");
                ("ip_interface", format!("device-{}", device.replace('@', "-")), "interface", "interface", device)
            }
            _ => {
                let network = option("ip_network", wan);
                let name = format!("network-{network}");
                let key = format!("detector:{name}.interface");
                out.devices.push((network.clone(), key));
                out.devices.dedup();
                ("ip_network", name, "interface", "interface", network)
            }
        };
        let place = self.block.get(from).map_or(&self.block.place, |entry| &entry.place);
        let mut detector = Section::new(&format!("detector:{name}"), place.clone());
        detector.entries = vec![entry("kind", kind, place), entry(key, &value, place)];
        if kind == "web" {
            // The first address of the page.
            detector.entries.push(entry("parse", "text", place));
            if let Some(proxy) = self.block.get("proxy") {
                detector.entries.push(entry("proxy", &format!("http://{}", proxy.value), &proxy.place));
            }
        }
        if out.settings.section(&detector.name).is_none() {
            out.settings.sections.push(detector);
        }
        let (ours, other) = if ipv6 { ("ipv6", "ipv4") } else { ("ipv4", "ipv6") };
        self.say(ours, &name, from);
        self.say(other, "off", "use_ipv6");
    }

    /// How servers are reached, and who is told.
    fn connection(&mut self, out: &mut Translated) {
        if let Some(proxy) = self.value("proxy").map(String::from) {
            self.say("proxy", &format!("http://{proxy}"), "proxy");
        }
        if let Some(network) = self.value("bind_network").map(String::from) {
            self.say("bind", &network, "bind_network");
            out.devices.push((network, format!("{}.bind", self.block.name)));
        }
        let network = self.value("interface").unwrap_or(if self.flag("use_ipv6") { "wan6" } else { "wan" }).to_string();
        if !out.used.contains(&network) {
            out.used.push(network);
        }
        match self.block.get("cacert").cloned() {
            Some(entry) if entry.value == "IGNORE" => {
                self.note(
                    "cacert",
                    format!(
                        "[{}]: certificates are always verified: name your own authority's instead of IGNORE",
                        self.block.name
                    ),
                );
            }
            Some(entry) if Path::new(&entry.value).is_dir() => {
                self.note(
                    "cacert",
                    format!(
                        "[{}]: a folder of certificates is not read; the system's own are trusted",
                        self.block.name
                    ),
                );
            }
            Some(entry) => out.agent("ca_file", &entry.value, &entry.place),
            None => {}
        }
        if self.value("use_syslog") != Some("0") {
            out.agent("log", "syslog", &self.block.place);
        }
    }

    fn times(&mut self, out: &mut Translated) {
        let seconds = |interval: &str, unit: &str, usual: i64, usual_unit: &str| {
            let each = match self.value(unit).unwrap_or(usual_unit) {
                "days" => 86400,
                "hours" => 3600,
                "minutes" => 60,
                _ => 1,
            };
            self.value(interval).and_then(|text| text.parse::<i64>().ok()).unwrap_or(usual).saturating_mul(each)
        };
        let check = seconds("check_interval", "check_unit", 10, "minutes").max(300);
        let force = seconds("force_interval", "force_unit", 72, "hours");
        out.every = Some(out.every.map_or(check, |every| every.min(check)));
        match force {
            // There: once, and then an end. Here the next pass looks again, and pushes what is out of date.
            0 => self.note("force_interval", format!("[{}]: force_interval 0: looked at in each pass; what is published already is pushed again by homing --force --only {}", self.block.name, self.block.name)),
            _ => self.say("refresh", &format!("{}s", force.max(check)), "force_interval"),
        }
    }
}

fn is(entry: &Entry) -> bool {
    ["1", "yes", "on", "true", "enabled"].contains(&entry.value.as_str())
}
