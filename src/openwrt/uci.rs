//! OpenWrt's settings (UCI) as ours: /etc/config/homing as it stands, and with it, or alone, the services of ddns-scripts
//! in /etc/config/ddns. `--uci` prints what becomes of them; the init script starts homing with that. Every setting
//! keeps the file and line where it was written.

mod blocks;
mod ddns;
mod services;

use crate::config::{self, Extent};
use crate::settings::{shown, Entry, Place, Problem, Section, Settings};
use crate::types::spelling::meant;
use blocks::Block;
use std::fmt::Write;
use std::path::Path;

/// What becomes of UCI's settings.
pub struct Translated {
    pub settings: Settings,
    /// The sections that became of ddns-scripts' services; in the end they stand behind the others.
    theirs: Vec<Section>,
    /// What could not be honoured and matters, for the operator: a section left out, say.
    pub notes: Vec<Problem>,
    /// What is not honoured because homing has no use for it; stands as comments in the text.
    pub remarks: Vec<Problem>,
    /// UCI's networks, and the settings that name the device behind them: the init script knows which that is.
    devices: Vec<(String, String)>,
    /// UCI's networks at whose coming up a pass is wanted.
    used: Vec<String>,
    /// Seconds between passes.
    every: Option<i64>,
}

/// Reads the file, and the one of ddns-scripts if that is named there. The error is everything that is wrong.
pub fn translate(path: &Path) -> Result<Translated, Vec<Problem>> {
    let mut out = Translated {
        settings: Settings::empty(),
        theirs: Vec::new(),
        notes: Vec::new(),
        remarks: Vec::new(),
        devices: Vec::new(),
        used: Vec::new(),
        every: None,
    };
    let mut problems = Vec::new();
    let blocks = blocks::read(path, &mut problems);
    let theirs: Vec<&Entry> =
        blocks.iter().filter(|block| block.kind == "homing").filter_map(|b| b.get("ddns")).collect();
    for block in &blocks {
        out.block(block, path, &mut problems);
    }
    for entry in theirs {
        let path = Path::new(&entry.value);
        for block in blocks::read(path, &mut problems) {
            out.block(&block, path, &mut problems);
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    out.leave_out_what_is_wrong()?;
    Ok(out)
}

impl Translated {
    fn block(&mut self, block: &Block, path: &Path, problems: &mut Vec<Problem>) {
        match block.kind.as_str() {
            "homing" => self.own(block),
            "section" => self.add(block, block.name.clone()),
            "detector" | "preset" => self.add(block, format!("{}:{}", block.kind, block.name)),
            "ddns" => ddns::global(block, self),
            "service" => ddns::service(block, path, self),
            kind => {
                let hint = meant(kind, &["homing", "section", "detector", "preset"]);
                problems.push(Problem {
                    place: block.place.clone(),
                    text: format!("unknown kind '{}'{hint}", shown(kind)),
                });
            }
        }
    }

    /// The agent's own keys, and what is for the init script.
    fn own(&mut self, block: &Block) {
        for entry in &block.entries {
            match entry.key.as_str() {
                "enabled" | "interval" | "ddns" => {}
                "network" => self.used.extend(entry.value.split(", ").map(String::from)),
                _ => self.settings.sections[0].entries.push(entry.clone()),
            }
        }
    }

    fn add(&mut self, block: &Block, name: String) {
        let mut section = Section::new(&name, block.place.clone());
        section.entries = block.entries.clone();
        self.settings.sections.push(section);
    }

    /// A key of the agent's, unless it has been said.
    fn agent(&mut self, key: &str, value: &str, place: &Place) {
        let agent = &mut self.settings.sections[0];
        if agent.get(key).is_none() {
            agent.entries.push(entry(key, value, place));
        }
    }

    /// What is not honoured, in pieces, and where it stands.
    fn remark(&mut self, place: &Place, text: &[&str]) {
        self.remarks.push(Problem { place: place.clone(), text: text.concat() });
    }

    /// A key that names a device, of which UCI knows the network.
    fn device(&mut self, network: &str, key: String) {
        if !self.devices.iter().any(|(_, known)| *known == key) {
            self.devices.push((network.to_string(), key));
        }
    }

    /// A service of ddns-scripts that makes no sense is left out, as it would not have run there; the others go on.
    fn leave_out_what_is_wrong(&mut self) -> Result<(), Vec<Problem>> {
        let own = self.settings.sections.len();
        self.settings.sections.append(&mut self.theirs);
        while let Err(problems) = config::build(&self.settings, Extent::Whole) {
            let before = self.settings.sections.len();
            let wrong = |section: &Section| {
                let at = |place: &Place| problems.iter().any(|problem| problem.place == *place);
                at(&section.place) || section.entries.iter().any(|entry| at(&entry.place))
            };
            let mut number = 0;
            self.settings.sections.retain(|section| {
                number += 1;
                number <= own || !wrong(section)
            });
            if self.settings.sections.len() == before {
                return Err(problems);
            }
            self.notes.extend(
                problems.into_iter().map(|problem| Problem { text: ["left out: ", &problem.text].concat(), ..problem }),
            );
        }
        Ok(())
    }

    /// The text of homing.conf(5) that says the same.
    pub fn text(&self) -> String {
        let mut out = String::from("# Made by homing --uci; changes here are lost.\n");
        for remark in &self.remarks {
            let _ = writeln!(out, "# {remark}");
        }
        if let Some(seconds) = self.every {
            let _ = writeln!(out, "# every {seconds}s");
        }
        for network in &self.used {
            let _ = writeln!(out, "# used: {network}");
        }
        for (network, key) in &self.devices {
            let _ = writeln!(out, "# device of {network}: {key}");
        }
        for section in &self.settings.sections {
            if !section.name.is_empty() {
                let _ = writeln!(out, "\n[{}]", section.name);
            }
            for entry in &section.entries {
                let _ = writeln!(out, "{} = {}", entry.key, written(&entry.value));
            }
        }
        out
    }
}

/// A setting that was written at that place.
fn entry(key: &str, value: &str, place: &Place) -> Entry {
    Entry { key: key.to_string(), value: value.to_string(), quoted: false, place: place.clone() }
}

/// A value as the settings file takes it: in quotes where it would be read otherwise without them.
fn written(value: &str) -> String {
    let plain = !value.is_empty() && value.trim() == value && !value.contains(['"', '#', ';']);
    match plain {
        true => value.to_string(),
        false => format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")),
    }
}
