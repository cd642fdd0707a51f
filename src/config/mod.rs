//! The configuration, built from the settings. All mistakes are reported at once, each with its place; a [`Config`] is
//! valid and can be run without further checks.

mod agent;
mod library;
mod sources;

pub use agent::{Agent, Hooks, LuciFiles, AGENT_KEYS, PRESET_KEYS, SECTION_KEYS};

#[cfg(feature = "advice")]
use crate::detect::NamedDetector;
use crate::detect::{AllowedScopes, Source};
use crate::net::dns::Server;
use crate::net::http::Egress;
use crate::net::socket::Bind;
use crate::provider::{
    self,
    contract::{Protocol, Provider},
};
use crate::settings::reader::{Key, SectionReader, BELONGS_AT_THE_TOP, BELONGS_IN_A_SECTION};
use crate::settings::synonyms::synonym;
use crate::settings::{shown, Place, Problem, Section, Settings};
use crate::types::address::Family;
use crate::types::hostname::Host;
use crate::types::interface_id::InterfaceId;
use crate::types::secret::Secret;
use crate::types::spelling::{left_out, meant, meant_or_listed, nearest};
use agent::{agent, hooks_of};

/// One account at one provider, and its hosts.
pub struct Target {
    pub name: String,
    pub provider: Box<dyn Provider>,
    pub hosts: Vec<Host>,
    /// For each family the index of its source in [`Config::sources`].
    pub sources: [Option<usize>; 2],
    /// Seconds.
    pub refresh: i64,
    /// Seconds that are left between two pushes of a host; 0 mostly.
    pub min_interval: i64,
    pub hooks: Hooks,
    /// Whether and where DNS is asked for the published records.
    pub lookup: Lookup,
    /// Source address or interface, and proxy, of its requests.
    pub way: Egress,
    /// The interface identifier of another host of our IPv6 network, which is published instead.
    pub suffix: Option<InterfaceId>,
    /// The settings and secrets that the provider uses, to detect whether they changed. Holds secrets.
    pub settings: Secret,
}

/// How the DNS records of a section are verified.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Lookup {
    /// In each pass, not only with `--verify`.
    pub always: bool,
    /// The server to ask instead of the name servers of the zone.
    pub nameserver: Option<Server>,
    /// The provider answers with addresses of its own.
    pub hidden: bool,
}

/// What a pass works with.
pub struct Config {
    pub agent: Agent,
    /// What to detect: the agent's own first, then what sections ask for themselves.
    pub sources: Vec<Source>,
    /// The agent's own sources by family, as indices.
    pub own: [Option<usize>; 2],
    /// Detectors that are described and that nobody lists, and for which family: `--detect` asks them too.
    #[cfg(feature = "advice")]
    pub spare: Vec<(Family, NamedDetector)>,
    pub targets: Vec<Target>,
    /// Things that are allowed and may surprise.
    pub warnings: Vec<String>,
}

/// How much of the settings is used: detection needs no password.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Extent {
    Whole,
    /// No providers; sections count for the detectors that they name.
    Detection,
}

/// Builds the configuration, or returns everything that is wrong with the settings.
pub fn build(settings: &Settings, extent: Extent) -> Result<Config, Vec<Problem>> {
    let mut build = Build {
        settings,
        problems: settings.problems.clone(),
        warnings: Vec::new(),
        sources: Vec::new(),
        #[cfg(feature = "advice")]
        spare: Vec::new(),
        lists: Vec::new(),
    };
    let config = build.config(extent);
    // A mistake in a preset or a detector affects each section that uses it, and is reported once.
    let mut told: Vec<Problem> = Vec::new();
    for problem in build.problems {
        if !told.contains(&problem) {
            told.push(problem);
        }
    }
    // In the order of the files, so that an editor goes through them once.
    let file = |place: &Place| settings.files.iter().position(|(file, _)| *place.source == *file.display().to_string());
    told.sort_by_key(|problem| (file(&problem.place).unwrap_or(usize::MAX), problem.place.line));
    match config {
        Some(mut config) if told.is_empty() => {
            config.sources = build.sources;
            #[cfg(feature = "advice")]
            {
                config.spare = build.spare;
            }
            config.warnings = build.warnings;
            Ok(config)
        }
        _ => Err(told),
    }
}

/// What defines a source: family, detectors, `agree`, the allowed scopes, whether all addresses are used, and `bind`.
type List = (Family, String, usize, (AllowedScopes, bool), Option<Bind>);

struct Build<'a> {
    settings: &'a Settings,
    problems: Vec<Problem>,
    warnings: Vec<String>,
    sources: Vec<Source>,
    #[cfg(feature = "advice")]
    spare: Vec<(Family, NamedDetector)>,
    /// Sources by what defines them, so that equal lists are asked once.
    lists: Vec<(List, usize)>,
}

impl<'a> Build<'a> {
    fn config(&mut self, extent: Extent) -> Option<Config> {
        let agent_facts = SectionReader::new(self.settings.agent(), None);
        let protocol_keys = provider::protocols().map(|protocol| protocol.keys);
        let elsewhere: Vec<&[Key]> = [SECTION_KEYS].into_iter().chain(protocol_keys).collect();
        agent_facts.refuse_misplaced(&[AGENT_KEYS], "", &elsewhere, BELONGS_IN_A_SECTION);
        let agent = agent(&agent_facts);
        let own = Family::BOTH.map(|family| self.source(&agent_facts, &agent_facts, family, &agent.way));
        let plaintext = agent_facts.flag("allow_plaintext").unwrap_or(false);
        let refresh = agent_facts.duration("refresh", 60).unwrap_or(28 * crate::sys::clock::DAY);
        let mut targets = Vec::new();
        for section in &self.settings.sections[1..] {
            match section.name.split_once(':') {
                None => targets.extend(self.target(section, &agent_facts, extent, (plaintext, refresh), &agent)),
                Some(("detector", name)) => self.check_detector(section, name),
                Some(("preset", _)) => self.check_preset(section),
                Some((kind, _)) => {
                    let hint = match meant(kind, &["detector", "preset"]) {
                        hint if hint.is_empty() => ": use [NAME], [detector:NAME] or [preset:NAME]".to_string(),
                        hint => hint,
                    };
                    self.problem(&section.place, format!("[{}]: unknown kind of section '{kind}'{hint}", section.name));
                }
            }
        }
        self.collect(agent_facts);
        self.check_modes();
        Some(Config {
            agent,
            sources: Vec::new(),
            own,
            #[cfg(feature = "advice")]
            spare: Vec::new(),
            targets,
            warnings: Vec::new(),
        })
    }

    fn problem(&mut self, place: &Place, text: String) {
        self.problems.push(Problem { place: place.clone(), text });
    }

    fn collect(&mut self, facts: SectionReader<'_>) {
        let (problems, warnings) = facts.finish();
        self.problems.extend(problems);
        for warning in warnings {
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
    }

    fn target(
        &mut self,
        section: &'a Section,
        agent: &SectionReader<'_>,
        extent: Extent,
        (plaintext, refresh): (bool, i64),
        usual: &Agent,
    ) -> Option<Target> {
        let provider = self.provider(section);
        let preset = provider.as_ref().and_then(|(_, preset)| preset.as_ref());
        let facts = SectionReader::new(section, preset);
        let global: &[&[Key]] = &[AGENT_KEYS];
        match &provider {
            Some((protocol, _)) => {
                facts.refuse_misplaced(&[SECTION_KEYS, protocol.keys], protocol.name, global, BELONGS_AT_THE_TOP);
            }
            // Without a known provider, a key of any provider may be right.
            None => {
                let protocol_keys = provider::protocols().map(|protocol| protocol.keys);
                let tables: Vec<&[Key]> = [SECTION_KEYS].into_iter().chain(protocol_keys).collect();
                facts.refuse_misplaced(&tables, "", global, BELONGS_AT_THE_TOP);
            }
        }
        let way = facts.way(&usual.way);
        let suffix = facts.with("ipv6_suffix", InterfaceId::parse);
        if let (Some((protocol, _)), Some(entry)) = (&provider, facts.entry("addresses")) {
            if entry.value == "all" && !protocol.sets {
                let others: Vec<&str> = provider::protocols().filter(|row| row.sets).map(|row| row.name).collect();
                let others = others.join(" or ");
                facts.wrong(
                    entry,
                    format!(
                        "'all' does not work with {}, which takes one address of each family: set addresses = one, or \
                         provider = {others}",
                        protocol.name,
                    ),
                );
            }
        }
        let sources = Family::BOTH.map(|family| self.source(&facts, agent, family, &way));
        // By what is written: a list with a mistake in it is not off.
        let off = |family: Family| {
            let entry = facts.entry(family.name()).or_else(|| agent.entry(family.name()));
            entry.map_or(family == Family::V6, |entry| entry.value == "off")
        };
        if Family::BOTH.into_iter().all(off) && extent == Extent::Whole {
            facts.lacking("ipv4 and ipv6 are both off: set at least one of them");
        }
        let hosts = hosts(&facts);
        let (server_key, proxy_key) = provider.as_ref().map_or(("", ""), |(row, _)| (row.server_key, row.proxy_key));
        let lookup = Lookup {
            always: verified(&facts),
            nameserver: facts.with("nameserver", Server::parse).or_else(|| facts.with(server_key, Server::parse)),
            hidden: facts.flag(proxy_key) == Some(true),
        };
        let refresh = facts.duration("refresh", 60).unwrap_or(refresh);
        let min_interval = facts.duration("min_interval", 0).unwrap_or(0);
        let hooks = hooks_of(&facts, &usual.hooks);
        let plaintext = facts.flag("allow_plaintext").unwrap_or(plaintext);
        // Of a section with an unknown provider, the keys that all sections share were read for their mistakes.
        let protocol = provider.as_ref().map(|(protocol, _)| *protocol).filter(|_| extent == Extent::Whole);
        let made = protocol.and_then(|protocol| {
            let made = protocol.make?(&facts, plaintext)?;
            Some((made, canonical(&facts, protocol)))
        });
        self.collect(facts);
        let (provider, settings) = made?;
        let name = section.name.clone();
        Some(Target {
            name,
            provider,
            hosts: hosts?,
            sources,
            refresh,
            min_interval,
            hooks,
            lookup,
            way,
            suffix,
            settings,
        })
    }

    /// The protocol of a section, and its preset if it uses one.
    fn provider(&mut self, section: &Section) -> Option<(&'static Protocol, Option<Section>)> {
        // A misspelt key 'provider' is reported with the unknown keys; its value still selects the keys of the section.
        let misspelt = || section.entries.iter().find(|entry| is_misspelt_provider(&entry.key));
        let Some(entry) = section.get("provider").or_else(misspelt) else {
            self.problem(
                &section.place,
                format!("[{}]: 'provider' is missing: add provider = NAME (see homing --list)", section.name),
            );
            return None;
        };
        let name = entry.value.as_str();
        if let Some(preset) = self.settings.section(&format!("preset:{name}")) {
            // Mistakes in a preset of the user are reported at the preset.
            let protocol = provider::protocol(&preset.get("protocol")?.value)?;
            return Some((protocol, Some(preset.clone())));
        }
        if let Some(found) = provider::named(name) {
            return Some(found);
        }
        if let Some(why) = provider::closed(name) {
            self.problem(&entry.place, format!("provider: '{name}' is closed: {why}"));
            return None;
        }
        if let Some(why) = provider::left_out(name) {
            self.problem(&entry.place, format!("provider: '{name}' is {why}"));
            return None;
        }
        let mut names: Vec<&str> = provider::protocols().map(|protocol| protocol.name).collect();
        names.extend(provider::built_ins("preset").iter().map(|(name, _)| *name));
        names.extend(self.settings.sections.iter().filter_map(|s| s.name.strip_prefix("preset:")));
        let hint = match provider::synonyms::synonym(name) {
            Some(meant) => format!(": did you mean '{meant}'?"),
            None => meant_or_listed(name, &names),
        };
        self.problem(&entry.place, format!("provider: unknown provider '{}'{hint}", shown(name)));
        None
    }

    fn check_preset(&mut self, section: &Section) {
        let names: Vec<&str> = provider::protocols().map(|protocol| protocol.name).collect();
        let facts = SectionReader::new(section, None);
        facts.needed("protocol");
        if let Some(protocol) = facts.choice("protocol", &names).and_then(|index| provider::protocol(names[index])) {
            facts.refuse_unknown(&[PRESET_KEYS, protocol.keys], protocol.name);
        }
        let (problems, _) = facts.finish();
        self.problems.extend(problems);
    }

    /// A file with a secret in it must not be readable by others.
    fn check_modes(&mut self) {
        for (file, mode) in &self.settings.files {
            let source = file.display().to_string();
            let entries = self.settings.sections.iter().flat_map(|section| &section.entries);
            let mut secrets = entries.filter(|entry| {
                *entry.place.source == *source && (entry.key == "proxy_password" || provider::is_secret(&entry.key))
            });
            let Some(entry) = secrets.next() else { continue };
            if mode & 0o004 != 0 {
                let text = format!(
                    "{0}: others can read '{source}', which contains this secret: run chmod o-r {source}, or use {0}_file",
                    entry.key
                );
                self.problems.push(Problem { place: entry.place.clone(), text });
            }
        }
    }
}

/// Whether a key was meant to be `provider`.
fn is_misspelt_provider(key: &str) -> bool {
    let offered: Vec<&str> = SECTION_KEYS.iter().map(|key| key.name).collect();
    synonym(key, &offered, &[""]).as_deref() == Some("provider") || nearest(key, &offered) == Some("provider")
}

/// Whether the section is verified in each pass; reports a build without that feature.
fn verified(facts: &SectionReader<'_>) -> bool {
    let asked = facts.choice("verify", &["off", "dns"]) == Some(1);
    let left = facts.entry("verify").filter(|_| asked && cfg!(not(feature = "verify")));
    left.into_iter().for_each(|entry| facts.wrong(entry, left_out("verify")));
    asked
}

fn hosts(facts: &SectionReader<'_>) -> Option<Vec<Host>> {
    facts.needed("hosts")?;
    let entry = facts.entry("hosts")?;
    let mut hosts: Vec<Host> = Vec::new();
    let mut good = true;
    facts.list("hosts")?;
    for (item, host) in facts.hosts() {
        match host {
            Ok(host) => hosts.push(host),
            Err(_) if item.contains(char::is_whitespace) => {
                let separated = item.split_whitespace().collect::<Vec<_>>().join(", ");
                let (item, separated) = (shown(item), shown(&separated));
                facts.wrong(entry, format!("'{item}' contains a space: separate hostnames with commas: {separated}"));
                good = false;
            }
            Err(why) => {
                facts.wrong(entry, format!("'{}': {why}", shown(item)));
                good = false;
            }
        }
    }
    let mut seen = std::collections::HashSet::with_capacity(hosts.len());
    for host in hosts.iter().filter(|host| !seen.insert(host.ascii())) {
        facts.wrong(entry, format!("duplicate hostname '{host}': remove one"));
        good = false;
    }
    good.then_some(hosts)
}

/// The settings that the provider uses, in a form that two equal configurations share: protocol, then `key=value` in
/// alphabetical order, secrets resolved. Order, comments, quotes and where a secret comes from do not count.
fn canonical(facts: &SectionReader<'_>, protocol: &Protocol) -> Secret {
    let mut lines: Vec<String> = Vec::new();
    for entry in facts.entries() {
        if protocol.keys.iter().any(|key| key.name == entry.key && !key.secret) {
            lines.push(format!("{}={}", entry.key, entry.value));
        }
    }
    let secrets = protocol.keys.iter().filter(|key| key.secret);
    for key in secrets {
        if let Some(secret) = facts.secret(key.name) {
            lines.push(format!("{}={}", key.name, secret.expose()));
        }
    }
    lines.sort();
    Secret::unmasked(&format!("{}\n{}", protocol.name, lines.join("\n")))
}

/// Whether `--only` names something in this config; the error offers the nearest name.
pub fn check_only(config: &Config, only: &[String]) -> Result<(), String> {
    for name in only {
        let known = config.targets.iter().any(|target| target.name == *name || has_host(target, name));
        if !known {
            let mut names: Vec<&str> = config.targets.iter().map(|target| target.name.as_str()).collect();
            names.extend(config.targets.iter().flat_map(|target| &target.hosts).map(Host::typed));
            let hint = meant(name, &names);
            return Err(format!("--only: no section or host has the name '{}'{hint}", shown(name)));
        }
    }
    Ok(())
}

/// Whether the section has a host of this name.
pub fn has_host(target: &Target, name: &str) -> bool {
    Host::new(name).is_ok_and(|host| target.hosts.contains(&host))
}
