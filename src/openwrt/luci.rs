//! The files from which LuCI's page of ddns-scripts (luci-app-ddns) tells how each service goes; its rpcd plugin
//! `luci.ddns` reads them. Below the run folder for each section: `.ip` (what is published), `.update` and `.nextcheck`
//! (the machine's uptime in whole seconds at the last success, and at the next look), `.pid` (of a process that lives, where
//! it knows its number: in a jail of its own it is the first); below the log folder `.log`. They are on tmpfs; nothing depends on them.

use crate::config::LuciFiles;
use crate::store::state::{Published, SectionState, State};
use crate::sys::clock;
use crate::sys::files;
use std::path::Path;

/// Writes them after a pass. `heard`: what was said in it, with the section that it is about, or an empty one.
/// `every`: seconds to the next pass, where this process makes it.
pub fn write(files: &LuciFiles, sections: &[&str], state: &State, heard: &[(String, String)], every: Option<i64>) {
    for section in sections {
        if let Some(folder) = &files.run {
            run(folder, section, state.sections.get(*section).map(|memory| &**memory), every);
        }
        if let Some(folder) = &files.log {
            log(&folder.join(format!("{section}.log")), section, files.lines, heard);
        }
    }
}

fn run(folder: &Path, section: &str, memory: Option<&SectionState>, every: Option<i64>) {
    let file = |kind: &str, text: Option<String>| {
        if let Some(text) = text {
            put(&folder.join(format!("{section}.{kind}")), &format!("{text}\n"));
        }
    };
    let known = memory.iter().flat_map(|memory| memory.hosts.values());
    let published: Vec<&Published> = known.filter_map(|known| known.published.as_ref()).collect();
    let all = published.iter().flat_map(|published| published.address.all());
    let mut addresses: Vec<String> = all.map(ToString::to_string).collect();
    addresses.dedup();
    file("ip", (!addresses.is_empty()).then(|| addresses.join("\n")));
    if let Some(uptime) = uptime() {
        let last = published.iter().map(|published| published.confirmed).max();
        // What was before this start has no place on that clock.
        let since_start = last.map(|last| uptime - (clock::now() - last)).filter(|at| (1..=uptime).contains(at));
        file("update", since_start.map(|at| at.to_string()));
        file("nextcheck", every.map(|every| (uptime + every).to_string()));
    }
    let number = Some(std::process::id()).filter(|number| every.is_some() && *number != 1);
    file("pid", number.map(|number| number.to_string()));
}

/// Appends what was said of the section.
fn log(file: &Path, section: &str, most: usize, heard: &[(String, String)]) {
    let about = |(name, _): &&(String, String)| name.is_empty() || name == section;
    let stamp = clock::stamp(clock::now());
    let fresh: Vec<String> = heard.iter().filter(about).map(|(_, line)| format!("{stamp} {line}")).collect();
    if fresh.is_empty() {
        return;
    }
    let before = read(file);
    let lines: Vec<&str> = before.lines().chain(fresh.iter().map(String::as_str)).collect();
    let kept = &lines[lines.len().saturating_sub(most)..];
    files::jot(file, &format!("{}\n", kept.join("\n")));
}

fn put(file: &Path, text: &str) {
    if read(file) != text {
        files::jot(file, text);
    }
}

fn read(file: &Path) -> String {
    String::from_utf8(files::read(file, 1 << 20).unwrap_or_default()).unwrap_or_default()
}

/// Seconds since the machine started (proc(5)).
fn uptime() -> Option<i64> {
    std::fs::read_to_string("/proc/uptime").ok()?.split('.').next()?.parse().ok()
}
