//! What is to be detected: the lists of detectors that the agent and its sections name, and what each of them is.

use super::Build;
use crate::detect::{self, AllowedScopes, Source};
use crate::net::http::Egress;
use crate::provider;
use crate::settings::reader::SectionReader;
use crate::settings::{shown, Place, Section};
use crate::types::address::Family;
use crate::types::spelling::{left_out, meant_or_listed};

/// The message about an item of `ipv4` or `ipv6` that is not a detector: what it is instead, or the nearest name.
fn unknown_detector(name: &str, family: Family, names: &[&str]) -> String {
    let quoted = shown(name.split(['?', '#']).next().unwrap_or_default());
    if name == "off" {
        return "'off' cannot be combined with detectors: remove 'off', or the others".to_string();
    }
    if name.contains("://") {
        // A URL may contain a secret after its path.
        let quoted = shown(name.split_inclusive('/').take(3).collect::<String>().trim_end_matches('/'));
        let quoted = if quoted.contains('@') { "a URL".to_string() } else { format!("'{quoted}'") };
        return format!(
            "{quoted} is not a detector: for a URL write {family} = page and a section [detector:page] with kind = web \
             and url = URL"
        );
    }
    if name.parse::<std::net::IpAddr>().is_ok() {
        return format!(
            "'{quoted}' is not a detector: for a fixed address write {family} = own and a section [detector:own] with \
             kind = fixed and address = {quoted}"
        );
    }
    if is_interface(name) {
        return format!(
            "'{quoted}' is not a detector: for an interface write {family} = wan and a section [detector:wan] with \
             kind = interface and interface = {quoted}"
        );
    }
    format!("unknown detector '{}'{}", shown(name), meant_or_listed(name, names))
}

/// Whether a name looks like one of an interface of this machine or of others.
fn is_interface(name: &str) -> bool {
    let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b));
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let numbered = ["eth", "wlan", "ppp", "wwan", "usb", "tun", "tap", "wg", "br", "br-lan", "pppoe-wan"];
    // systemd's names: enp3s0, wlx00c0ca123456.
    let predictable = ["enp", "ens", "eno", "enx", "wlp", "wlx"].iter().any(|start| name.starts_with(start));
    let usual = (numbered.contains(&stem) || predictable) && name.bytes().any(|b| b.is_ascii_digit());
    plain && (usual || std::path::Path::new("/sys/class/net").join(name).exists())
}

impl Build<'_> {
    /// The source of a family for a section, or for the agent itself; `None` when it is off.
    pub(super) fn source(
        &mut self,
        facts: &SectionReader<'_>,
        agent: &SectionReader<'_>,
        family: Family,
        way: &Egress,
    ) -> Option<usize> {
        let named = [facts, agent].into_iter().find(|facts| facts.entry(family.name()).is_some());
        let names: Vec<String> = match named {
            Some(named) => named.list(family.name())?,
            None if family == Family::V4 => provider::USUAL_DETECTORS.split(", ").map(String::from).collect(),
            None => return None,
        };
        let of = |key: &str| [facts, agent].into_iter().find(|facts| facts.entry(key).is_some());
        let agree = of("agree").and_then(|facts| facts.number("agree", 1, 9)).unwrap_or(1);
        let agree = usize::try_from(agree).unwrap_or(1);
        let flag = |key: &str| of(key).and_then(|facts| facts.flag(key)).unwrap_or(false);
        let leave = AllowedScopes { private: flag("allow_private"), teredo: flag("teredo") };
        let all = facts.choice("addresses", &["one", "all"]) == Some(1);
        // Asked only now, so that mistakes in what goes with a list are told where it is off too.
        if names == ["off"] {
            return None;
        }
        let id = (family, names.join(","), agree, (leave, all), way.bind.clone());
        if let Some((_, index)) = self.lists.iter().find(|(known, _)| *known == id) {
            return Some(*index);
        }
        let entry = named.and_then(|facts| facts.entry(family.name()));
        let place = entry.map_or(facts.section.place.clone(), |entry| entry.place.clone());
        let told = self.problems.len();
        let mut detectors: Vec<detect::NamedDetector> = Vec::new();
        for (at, name) in names.iter().enumerate() {
            if names[..at].contains(name) {
                self.problem(&place, format!("{family}: duplicate detector '{}': remove one", shown(name)));
            }
            let mut detector = self.detector(name, family, &place);
            // A section that goes out by a way of its own wants the address at the end of that way.
            detector.iter_mut().for_each(|detector| detector.way.bind = detector.way.bind.take().or(way.bind.clone()));
            detectors.extend(detector);
        }
        let mut operators: Vec<&str> = detectors.iter().map(|detector| detector.operator.as_str()).collect();
        operators.sort_unstable();
        operators.dedup();
        if agree > names.len() {
            let (count, names) = (names.len(), names.join(", "));
            self.problem(
                &place,
                format!("{family}: agree = {agree} needs {agree} detectors, but '{names}' has {count}: add some, or lower agree"),
            );
        } else if agree > operators.len() && detectors.len() == names.len() {
            let (count, operators) = (operators.len(), operators.join(", "));
            self.problem(
                &place,
                format!(
                    "{family}: agree = {agree} needs {agree} independent detectors, and only {count} run by different \
                     operators ({operators}): list others, or lower agree"
                ),
            );
        }
        if let Some(entry) = facts.entry("addresses").filter(|_| all) {
            if let Some(other) = detectors.iter().find(|detector| !detector.tells_all()) {
                facts.wrong(
                    entry,
                    format!(
                        "'all' needs a detector of kind interface or fixed, but {family} lists '{}', which returns one \
                         address: set {family} in this section, or set addresses = one",
                        shown(&other.name)
                    ),
                );
            }
            if agree > 1 {
                facts.wrong(entry, format!("'all' does not work with agree = {agree}: set agree = 1 in this section"));
            }
        }
        if self.problems.len() > told || detectors.len() < names.len() {
            return None;
        }
        self.sources.push(Source { family, detectors, agree, leave, all });
        self.lists.push((id, self.sources.len() - 1));
        Some(self.sources.len() - 1)
    }

    fn detector(&mut self, name: &str, family: Family, place: &Place) -> Option<detect::NamedDetector> {
        let heading = format!("detector:{name}");
        let built_in = provider::built_in(&heading);
        let own = self.settings.section(&heading);
        let facts = match (own, &built_in) {
            (Some(own), built_in) => SectionReader::new(own, built_in.as_ref()),
            (None, Some(built_in)) => SectionReader::new(built_in, None),
            (None, None) if detect::FURTHER.contains(&name) => {
                self.problem(place, format!("{family}: '{name}' is {}", left_out("detectors")));
                return None;
            }
            (None, None) => {
                let mut names: Vec<&str> = provider::built_ins("detector").iter().map(|(name, _)| *name).collect();
                names.extend(self.settings.sections.iter().filter_map(|s| s.name.strip_prefix("detector:")));
                names.push("off");
                let text = unknown_detector(name, family, &names);
                self.problem(place, format!("{family}: {text}"));
                return None;
            }
        };
        let detector = detect::make(&facts, name, family);
        let mute = detector.as_ref().is_some_and(|detector| !detector.tells(&facts, family));
        let (problems, _) = facts.finish();
        self.problems.extend(problems);
        if mute {
            let (name, kind) = (shown(name), family.prose());
            self.problem(
                place,
                format!("{family}: '{name}' does not detect {kind} addresses: use another detector, such as ipify or interface"),
            );
        }
        detector
    }

    /// A detector that nobody lists is still checked, and asked by `--detect`.
    pub(super) fn check_detector(&mut self, section: &Section, name: &str) {
        if name.is_empty() || name == "off" || name.contains(':') {
            let shown = shown(name);
            self.problem(
                &section.place,
                format!(
                    "[{}]: invalid detector name '{shown}': use letters, digits, '.', '_' and '-', but not off",
                    section.name
                ),
            );
            return;
        }
        let used = self.sources.iter().any(|source| source.detectors.iter().any(|detector| detector.name == name));
        if !used {
            let built_in = provider::built_in(&section.name);
            let facts = SectionReader::new(section, built_in.as_ref());
            let family = match facts.entry("address") {
                Some(entry) if entry.value.contains(':') && !entry.value.contains(',') => Family::V6,
                None if facts.entry("type").is_some_and(|entry| entry.value == "AAAA") => Family::V6,
                _ => Family::V4,
            };
            let made = detect::make(&facts, name, family);
            #[cfg(feature = "advice")]
            self.spare.extend(made.filter(|made| made.tells(&facts, family)).map(|made| (family, made)));
            #[cfg(not(feature = "advice"))]
            drop(made);
            let (problems, _) = facts.finish();
            self.problems.extend(problems);
        }
    }
}
