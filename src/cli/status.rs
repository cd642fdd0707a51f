//! What is published, and the addresses we had: the memory, told to a person. Reads and writes nothing else.

use crate::cli::output::{out, Report};
use crate::config::{Config, Target};
use crate::pass::event::ExitCode;
use crate::pass::push;
use crate::store::history::{self, Period, Summary};
use crate::store::last_pass::LastPass;
use crate::store::state::{self, HostState, Loaded, Pending, State};
use crate::sys::clock::{self, Timestamp};
use crate::sys::files;
use crate::types::address::Family;
use crate::types::json::Object;
use std::path::Path;

/// A row of `--status`.
struct Row {
    section: String,
    host: String,
    family: Family,
    known: HostState,
    /// Seconds, where the config is known.
    refresh: Option<i64>,
}

/// Tells what is published, since when, and what stands in the way.
pub fn status(config: &Config, suffix: &str, report: &Report) {
    let path = &config.agent.state;
    let state = match state::load(path) {
        Ok(Loaded::Found(state)) => state,
        Ok(Loaded::Missing) => State::default(),
        Ok(Loaded::Bad(why)) => {
            report.warn(format!("the state {} makes no sense: {why}", path.display()));
            State::default()
        }
        Err(error) => {
            return report.problem(ExitCode::Retry, format!("cannot open the state {}: {error}", path.display()));
        }
    };
    let now = clock::now();
    let rows = rows(config, &state);
    let width = rows.iter().map(|row| row.host.chars().count()).max().unwrap_or(0);
    for row in &rows {
        match report.json {
            true => out(&row.json()),
            false => {
                // Renamed, it would stand there twice, alike.
                let gone = row.refresh.is_none() && !config.targets.is_empty();
                let mark = if gone { "; its section is not in the settings any more" } else { "" };
                out(&format!("{:width$}  {}  {}{mark}", row.host, row.family, row.text(now, suffix)));
            }
        }
    }
    if rows.is_empty() && !report.json {
        out("nothing is published yet");
    }
    tell_summary(config, &state, path, report);
}

fn rows(config: &Config, state: &State) -> Vec<Row> {
    let mut rows = Vec::new();
    let target = |name: &str| config.targets.iter().find(|target| target.name == name);
    for target in &config.targets {
        for host in &target.hosts {
            for family in Family::BOTH {
                let known = state.known(&target.name, host.ascii(), family);
                if known.is_some() || target.sources[family as usize].is_some() {
                    rows.push(row(&target.name, host.typed(), family, known, Some(target)));
                }
            }
        }
    }
    // What is remembered of sections that this config does not have.
    for (name, memory) in state.sections.iter().filter(|(name, _)| target(name).is_none()) {
        for ((host, family), known) in memory.hosts.iter() {
            rows.push(row(name, host, *family, Some(known), None));
        }
    }
    rows
}

fn row(section: &str, host: &str, family: Family, known: Option<&HostState>, target: Option<&Target>) -> Row {
    Row {
        section: section.to_string(),
        host: host.to_string(),
        family,
        known: known.cloned().unwrap_or_default(),
        refresh: target.map(|target| target.refresh),
    }
}

impl Row {
    fn state(&self) -> &'static str {
        match (&self.known.pending, &self.known.published) {
            (Some(Pending::Rejected { .. }), _) => "refused",
            (Some(Pending::BackingOff { .. } | Pending::Attempted { .. }), _) => "later",
            (None, Some(_)) => "current",
            (None, None) => "never",
        }
    }

    fn why(&self) -> Option<String> {
        match &self.known.pending {
            None => None,
            Some(Pending::Attempted { .. }) => Some("a pass ended before the server's answer".to_string()),
            Some(Pending::BackingOff { why, .. } | Pending::Rejected { why, .. }) => Some(why.clone()),
        }
    }

    fn next(&self) -> Option<Timestamp> {
        match &self.known.pending {
            Some(Pending::BackingOff { at, wait, .. }) => Some(at + wait),
            Some(_) => None,
            None => Some(self.known.published.as_ref()?.confirmed + self.refresh?),
        }
    }

    fn json(&self) -> String {
        let published = self.known.published.as_ref();
        let mut object =
            Object::new().text("section", &self.section).text("host", &self.host).text("family", self.family.name());
        if let Some(old) = published {
            object = object.addresses("address", &old.address);
        }
        object
            .maybe("since", published.map(|old| clock::stamp(old.since)).as_deref())
            .maybe("confirmed", published.map(|old| clock::stamp(old.confirmed)).as_deref())
            .text("state", self.state())
            .maybe("next", self.next().map(clock::stamp).as_deref())
            .maybe("why", self.why().as_deref())
            .end()
    }

    fn text(&self, now: Timestamp, suffix: &str) -> String {
        let mut text = match &self.known.published {
            None => "not published".to_string(),
            Some(old) => {
                let held = match now - old.since {
                    // A stamp from before the clock was set tells no length.
                    held if held >= 0 && clock::plausible(old.since) => format!(" ({})", clock::length(held)),
                    _ => String::new(),
                };
                format!("{} since {}{held}", old.address, clock::stamp(old.since))
            }
        };
        match &self.known.pending {
            None => {
                if let Some(next) = self.next() {
                    text.push_str(&format!(", next refresh {}", clock::stamp(next)));
                }
            }
            Some(Pending::Rejected { at, why, remedy, .. }) => {
                let refusal = push::rejection(why, remedy, &self.section, suffix);
                text.push_str(&format!("; {} {refusal}", clock::stamp(*at)));
            }
            Some(Pending::BackingOff { at, wait, why, .. }) => {
                text.push_str(&format!("; to be tried again at {}: {why}", clock::stamp(at + wait)));
            }
            Some(Pending::Attempted { .. }) => text.push_str("; a pass ended before the server's answer"),
        }
        text
    }
}

fn tell_summary(config: &Config, state: &State, path: &Path, report: &Report) {
    let lately = LastPass::read(path);
    let update = state.sections.values().flat_map(|memory| memory.hosts.values());
    let update = update.filter_map(|known| known.published.as_ref()).map(|published| published.confirmed).max();
    let last = history::last(&config.agent.history, [true, true]).unwrap_or_default();
    let addresses: Vec<String> = last.iter().flatten().map(|address| address.to_string()).collect();
    let at = |stamp: Option<Timestamp>| stamp.map(clock::stamp);
    if report.json {
        let object = Object::new()
            .text("event", "summary")
            .maybe("last_pass", at(lately.pass).as_deref())
            .maybe("last_success", at(lately.success).as_deref())
            .maybe("last_update", at(update).as_deref())
            .maybe("last_address", Some(addresses.join(" ")).filter(|text| !text.is_empty()).as_deref());
        return out(&object.end());
    }
    let say = |what: &str, value: Option<String>| out(&format!("{what} {}", value.unwrap_or("not known".to_string())));
    say("last pass:   ", at(lately.pass));
    say("last success:", at(lately.success));
    say("last update: ", at(update));
    say("last address:", Some(addresses.join(", ")).filter(|text| !text.is_empty()));
}

/// Draws the history as it stands now.
pub type Draw = fn(&[Period], &[Summary], Timestamp) -> String;
/// Where the picture goes, and who draws it.
pub type Drawing<'a> = (&'a Path, Draw);

/// Tells the addresses we had; draws them too, if asked: into that file, or in the place of the text for `-`.
pub fn history(config: &Config, drawing: Option<Drawing<'_>>, report: &Report) {
    let file = &config.agent.history;
    let (periods, strange) = match history::periods(file) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return report.problem(ExitCode::Retry, format!("no history yet: {} does not exist", file.display()));
        }
        Err(error) => return report.problem(ExitCode::Retry, format!("cannot read {}: {error}", file.display())),
    };
    if strange > 0 {
        report.warn(format!("{}: {strange} line(s) are not homing's and were left out", file.display()));
    }
    let now = clock::now();
    let summaries = history::summaries(&periods, now);
    if let Some((path, draw)) = drawing {
        let picture = draw(&periods, &summaries, now);
        if path == Path::new("-") {
            return out(picture.trim_end());
        }
        if let Err(error) = files::put(path, picture.as_bytes()) {
            return report.problem(ExitCode::Retry, format!("cannot write {}: {error}", path.display()));
        }
    }
    let width = periods.iter().map(|period| period.address.to_string().len()).max().unwrap_or(0);
    for period in &periods {
        out(&match report.json {
            true => period_json(period, now),
            false => period_text(period, now, width),
        });
    }
    for sum in summaries {
        out(&match report.json {
            true => Object::new()
                .text("event", "summary")
                .text("family", sum.family.name())
                .number("changes", sum.changes as i64)
                .number("longest", sum.longest)
                .number("mean", sum.mean)
                .end(),
            false => format!(
                "{}: {} change{}, longest {}, mean {}",
                sum.family,
                sum.changes,
                if sum.changes == 1 { "" } else { "s" },
                clock::length(sum.longest),
                clock::length(sum.mean)
            ),
        });
    }
}

fn period_json(period: &Period, now: Timestamp) -> String {
    let object = Object::new()
        .text("family", period.family.name())
        .text("address", &period.address.to_string())
        .text("from", &clock::stamp(period.from))
        .maybe("until", period.until.map(clock::stamp).as_deref());
    let object = match period.held(now) {
        Some(held) => object.number("held", held),
        None => object,
    };
    object.text("source", &period.source).end()
}

fn period_text(period: &Period, now: Timestamp, width: usize) -> String {
    let until = period.until.map_or("now                 ".to_string(), clock::stamp);
    let held = period.held(now).map_or("? (the clock was not right)".to_string(), clock::length);
    let address = period.address.to_string();
    format!("{}  {address:width$}  from {}  until {until}  held {held}", period.family, clock::stamp(period.from))
}
