//! The services of ddns-scripts: each section is one family of one host at one service, and becomes a section of ours with
//! the same name. What each option means there is told in the documentation of ddns-scripts 2.8 (openwrt.org/docs/
//! guide-user/services/ddns/client); its updater is the authority where that is silent.

mod request;

use super::blocks::Block;
use super::services::{self, Way};
use super::{entry, Translated};
use crate::settings::{Entry, Place, Problem, Section};
use std::cell::Cell;
use std::path::Path;

/// Options that homing has no use for, by the reason why, each with what it usually says: then it is not worth a word.
const IDLE: &[(&str, &str)] = &[
    (
        "homing remembers what it published and does not ask the DNS for it",
        "force_dnstcp=0,dns_server=,is_glue=0,use_api_check=0",
    ),
    (
        "homing tries again after 5 minutes, then ever more rarely, up to 6 hours",
        "retry_interval=60,retry_unit=seconds,retry_count=0,retry_max_count=0",
    ),
    (DOWNLOADS, "services_url=,url="),
    ("each family is asked for over itself anyway", "force_ipversion=0"),
    ("homing says who it is; 'contact' in /etc/config/homing adds to it", "user_agent="),
    ("the log that LuCI shows is on tmpfs and is always written", "use_logfile=1"),
    ("homing needs no other program", "use_curl=0"),
    ("LuCI's own; homing's log is in UTC", "ddns_dateformat=%F %R"),
    ("five minutes at least", "check_interval_min=5"),
];
const DOWNLOADS: &str = "homing downloads no services";
/// Those that are honoured here.
const HONOURED: &str = "enabled,interface,service_name,update_url,update_script,lookup_host,domain,username,password,\
    param_enc,param_opt,use_https,cacert,use_syslog,ip_source,ip_network,ip_url,ip_interface,ip_script,use_ipv6,proxy,bind_network,\
    check_interval,check_unit,force_interval,force_unit,upd_privateip,ddns_rundir,ddns_logdir,ddns_loglines";

/// `config ddns 'global'`.
pub fn global(block: &Block, out: &mut Translated) {
    remark(block, &[], out);
    if let Some(entry) = block.get("cacert") {
        out.remark(&entry.place, &["cacert is not used: ", DOWNLOADS]);
    }
    for (theirs, ours) in [("ddns_rundir", "luci_run"), ("ddns_logdir", "luci_log"), ("ddns_loglines", "luci_lines")] {
        if let Some(entry) = block.get(theirs) {
            out.agent(ours, &entry.value, &entry.place);
        }
    }
    if let Some(entry) = block.get("upd_privateip").filter(|entry| is(entry)) {
        out.agent("allow_private", "yes", &entry.place);
        out.remark(&entry.place, &["upd_privateip is not for addresses that servers tell"]);
    }
}

/// Says what has no meaning here. `said`: what became of the others.
fn remark(block: &Block, said: &[Entry], out: &mut Translated) {
    for entry in &block.entries {
        let key = entry.key.as_str();
        if HONOURED.split(',').any(|known| known == key) || said.iter().any(|said| said.place == entry.place) {
            continue;
        }
        let idle = IDLE.iter().find_map(|(why, options)| {
            let usual = options.split(',').find_map(|option| option.strip_prefix(key)?.strip_prefix('='))?;
            Some((*why, usual))
        });
        let text = match idle {
            Some((_, usual)) if usual == entry.value || entry.value.is_empty() => continue,
            Some((why, _)) => [key, " is not used: ", why],
            None => [key, " is no option of ddns-scripts", ""],
        };
        out.remark(&entry.place, &text);
    }
}

/// `config service 'NAME'`.
pub fn service(block: &Block, path: &Path, out: &mut Translated) {
    if !block.get("enabled").is_some_and(is) {
        return out.remark(&block.place, &["[", &block.name, "] is not enabled"]);
    }
    // LuCI's page wants to be told how it goes. A name with a dash is none of UCI's.
    if block.name.contains('-') {
        out.remark(&block.place, &["[", &block.name, "] has no name: LuCI's page does not tell how it goes"]);
    }
    out.agent("luci_run", "/var/run/ddns", &block.place);
    out.agent("luci_log", "/var/log/ddns", &block.place);
    let section = Section::new(&block.name, block.place.clone());
    let mut service = Service { block, section, notes: Vec::new(), missing: Cell::new(None) };
    let done = service.translate(path, out);
    match done.and(service.missing.get().map_or(Ok(()), |key| Err((key, [key, " is missing"].concat())))) {
        Ok(()) => {
            remark(block, &service.section.entries, out);
            out.notes.append(&mut service.notes);
            out.theirs.push(service.section);
        }
        Err((from, why)) => {
            let text = ["[", &block.name, "] is left out: ", &why].concat();
            out.notes.push(Problem { place: service.place(from).clone(), text });
        }
    }
}

struct Service<'a> {
    block: &'a Block,
    section: Section,
    notes: Vec<Problem>,
    /// The first option that would have been needed.
    missing: Cell<Option<&'static str>>,
}

/// Why a service can't be: the option that is wrong, and what is wrong with it.
type Left = (&'static str, String);

impl<'a> Service<'a> {
    fn value(&self, key: &str) -> Option<&'a str> {
        self.block.get(key).map(|entry| entry.value.as_str())
    }

    /// The value, without which the service is left out.
    fn needed(&self, key: &'static str) -> &'a str {
        let value = self.value(key);
        if value.is_none() && self.missing.get().is_none() {
            self.missing.set(Some(key));
        }
        value.unwrap_or_default()
    }

    fn flag(&self, key: &str) -> bool {
        self.block.get(key).is_some_and(is)
    }

    /// Where an option stands, or else the service.
    fn place(&self, key: &str) -> &'a Place {
        self.block.get(key).map_or(&self.block.place, |entry| &entry.place)
    }

    /// Says a key of ours; its place is that of the option it comes from.
    fn say(&mut self, key: &str, value: &str, from: &str) {
        self.section.entries.push(entry(key, value, self.place(from)));
    }

    /// What matters to the operator.
    fn note(&mut self, from: &str, why: &str) {
        let text = ["[", &self.block.name, "]: ", why].concat();
        self.notes.push(Problem { place: self.place(from).clone(), text });
    }

    fn translate(&mut self, path: &Path, out: &mut Translated) -> Result<(), Left> {
        let ipv6 = self.flag("use_ipv6");
        let named = self.value("service_name").filter(|name| !["custom", "-"].contains(name));
        let (from, way) = match (named, self.value("update_url"), self.value("update_script")) {
            (Some(name), ..) => ("service_name", services::by_name(name, ipv6, path)),
            (None, Some(url), _) => ("update_url", Way::Url { url: url.to_string(), answer: None }),
            (None, None, Some(script)) => ("update_script", services::by_script(script)),
            (None, None, None) => return Err(("", "neither service_name nor update_url".to_string())),
        };
        match way {
            Way::Url { url, answer } => self.url(url, answer.as_deref(), from),
            Way::Script(row) => self.script(row, out),
            Way::Provider(ours) => self.provider(&ours),
            Way::Unknown(why) => return Err((from, why)),
        }
        let wan = if ipv6 { "wan6" } else { "wan" };
        self.source(ipv6, wan, out);
        self.connection(wan, out);
        self.times(out);
        Ok(())
    }

    /// The host, as DNS knows it, and the option that says it. `domain` may be what the service wants to hear instead.
    fn host(&mut self) -> String {
        let from = if self.value("lookup_host").is_some() { "lookup_host" } else { "domain" };
        let named = self.value(from).unwrap_or_else(|| self.needed("lookup_host"));
        let host = joined(named).0;
        self.say("hosts", &host, from);
        host
    }

    /// Where the address comes from: a detector of its own, for the one family.
    fn source(&mut self, ipv6: bool, wan: &str, out: &mut Translated) {
        let (ours, other, page) = match ipv6 {
            true => ("ipv6", "ipv4", "http://checkipv6.dyndns.com"),
            false => ("ipv4", "ipv6", "http://checkip.dyndns.com"),
        };
        let device = self.value("ip_interface").unwrap_or("eth1");
        // An alias is netifd's, as a network is.
        let source = match (self.value("ip_source"), device.strip_prefix('@')) {
            (Some("web"), _) => ("ip_url", "web", self.value("ip_url").unwrap_or(page)),
            (Some("script"), _) => ("ip_script", "script", self.needed("ip_script")),
            (Some("interface"), None) => ("ip_interface", "device", device),
            (Some("interface"), Some(network)) => ("ip_interface", "network", network),
            _ => ("ip_network", "network", self.value("ip_network").unwrap_or(wan)),
        };
        let (from, word, value) = source;
        let (kind, key, tail) = match word {
            "web" => ("web", "url", self.block.name.as_str()),
            "script" => ("command", "command", self.block.name.as_str()),
            _ => ("interface", "interface", value),
        };
        let name = [word, "-", tail].concat();
        let place = self.place(from);
        let mut detector = Section::new(&["detector:", &name].concat(), place.clone());
        detector.entries = vec![entry("kind", kind, place), entry(key, value, place)];
        if word == "web" {
            // The first address of the page.
            detector.entries.push(entry("parse", "text", place));
            if let Some(proxy) = self.block.get("proxy") {
                detector.entries.push(entry("proxy", &["http://", &proxy.value].concat(), &proxy.place));
            }
        }
        if word == "network" {
            out.device(value, [&detector.name, ".interface"].concat());
        }
        if !out.theirs.iter().any(|section| section.name == detector.name) {
            out.theirs.push(detector);
        }
        self.say(ours, &name, from);
        self.say(other, "off", "use_ipv6");
    }

    /// How servers are reached, and who is told.
    fn connection(&mut self, wan: &str, out: &mut Translated) {
        if let Some(proxy) = self.value("proxy") {
            self.say("proxy", &["http://", proxy].concat(), "proxy");
        }
        if let Some(network) = self.value("bind_network") {
            self.say("bind", network, "bind_network");
            out.device(network, [&self.block.name, ".bind"].concat());
        }
        let network = self.value("interface").unwrap_or(wan);
        if !out.used.iter().any(|used| used == network) {
            out.used.push(network.to_string());
        }
        match self.value("cacert") {
            Some("IGNORE") => {
                self.note("cacert", "certificates are always verified: name your own authority's instead of IGNORE");
            }
            Some(path) if !Path::new(path).is_file() => {
                self.note("cacert", "cacert is no file; the system's own certificates are trusted");
            }
            Some(file) => {
                out.agent("ca_file", file, self.place("cacert"));
                match out.settings.sections[0].get("ca_file").is_some_and(|said| said.value == file) {
                    true => out.remark(self.place("cacert"), &["cacert is for all services, not for this one alone"]),
                    false => self.note("cacert", "cacert is not used: another one is for all services"),
                }
            }
            None => {}
        }
        let level = self.value("use_syslog").unwrap_or("2");
        if level != "0" {
            out.agent("log", "syslog", &self.block.place);
        }
        let what = match level {
            "0" => "no log only if all services say so",
            "1" | "2" => return,
            _ => "changes are logged too, not only what fails",
        };
        out.remark(self.place("use_syslog"), &["use_syslog: ", what]);
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
        let asked = seconds("check_interval", "check_unit", 10, "minutes");
        let check = asked.max(300);
        if check > asked {
            out.remark(self.place("check_interval"), &["check_interval: five minutes at least"]);
        }
        let force = seconds("force_interval", "force_unit", 72, "hours");
        out.every = Some(out.every.map_or(check, |every| every.min(check)));
        match force {
            // There: once, and then an end. Here the next pass looks again, and pushes what is out of date.
            0 => self.note(
                "force_interval",
                "force_interval 0: looked at in each pass; homing --force pushes what is published already",
            ),
            _ => self.say("refresh", &format!("{}s", force.max(check)), "force_interval"),
        }
    }
}

/// A host that may be written name@zone, and its zone if it is.
fn joined(domain: &str) -> (String, Option<&str>) {
    match domain.split_once('@') {
        Some(("", zone)) => (zone.trim_start_matches('.').to_string(), Some(zone.trim_start_matches('.'))),
        Some((name, zone)) => ([name, ".", zone].concat(), Some(zone)),
        None => (domain.to_string(), None),
    }
}

fn is(entry: &Entry) -> bool {
    ["1", "yes", "on", "true", "enabled"].contains(&entry.value.as_str())
}
