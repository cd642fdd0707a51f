//! What this pass found out about our addresses: each wanted source is asked once, each family fails by itself, and
//! what is new goes into the history.

use crate::config::Config;
use crate::detect::{self, Answers, Detected, NamedDetector, Source};
use crate::net::http::Http;
use crate::pass::event::{Event, EventKind, ExitCode, Level, Progress};
use crate::store::history::{self, HistoryEntry};
use crate::sys::clock::Timestamp;
use crate::sys::files::Folder;
use crate::types::address::{Family, Set};
use crate::types::vec_map::VecMap;
use std::io;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// A source in words, no two alike that could hear different things: how many of whom must agree, and by which way.
fn told_by(source: &Source) -> String {
    let name = |detector: &NamedDetector| match &detector.way.bind {
        None => detector.name.clone(),
        Some(bind) => format!("{} by {bind}", detector.name),
    };
    let names: Vec<String> = source.detectors.iter().map(name).collect();
    format!("{} {} of {}", source.family, source.agree, names.join(", "))
}

/// The answers, by source.
pub struct Detection {
    answers: Vec<Option<Result<Detected, String>>>,
}

impl Detection {
    /// Asks the wanted sources (indices into the config's) and reports those that fail. Whoever dissents is told once;
    /// `told` is what was told so far, by source.
    pub fn make(
        config: &Config,
        wanted: &[usize],
        told: &mut VecMap<String, String>,
        http: &Http<'_>,
        progress: &Progress<'_>,
    ) -> Detection {
        told.retain(|of| config.sources.iter().any(|source| *of == told_by(source)));
        let mut answers = Vec::new();
        let mut asked = Answers::new();
        for (index, source) in config.sources.iter().enumerate() {
            let answer = wanted.contains(&index).then(|| detect::detect(source, &mut asked, http));
            match &answer {
                Some(Ok(found)) => {
                    progress.detail(format!("{} is {} ({})", source.family, found.set(), found.from));
                    let before = told.remove(&told_by(source));
                    if let Some(dissent) = &found.dissent {
                        let level = if before.as_ref() == Some(dissent) { Level::Detail } else { Level::Problem };
                        let event = Event::new(level, EventKind::Warning, format!("warning: {dissent}"));
                        progress.event(&Event { family: Some(source.family), ..event });
                        told.insert(told_by(source), dissent.clone());
                    }
                }
                Some(Err(why)) => {
                    progress.raise(ExitCode::Retry);
                    let event =
                        Event::new(Level::Problem, EventKind::NotDetected, format!("address not detected: {why}"));
                    progress.event(&Event { family: Some(source.family), ..event });
                }
                None => {}
            }
            answers.push(answer);
        }
        Detection { answers }
    }

    /// What a source found.
    pub fn found(&self, source: Option<usize>) -> Option<&Detected> {
        self.answers.get(source?)?.as_ref()?.as_ref().ok()
    }

    /// The addresses that the history follows, by family.
    pub fn addresses(&self, config: &Config) -> [Option<Set>; 2] {
        Family::BOTH.map(|family| self.leading(config, family).map(Detected::set))
    }

    /// Why sources failed, in order.
    pub fn failures(&self) -> Vec<&str> {
        self.answers.iter().flatten().filter_map(|answer| answer.as_ref().err()).map(String::as_str).collect()
    }

    /// The answer that the history follows in a family: the agent's own source if anything uses it, else that of the
    /// first section with one. Chosen by the config alone: what another source says is no change of this one.
    fn leading(&self, config: &Config, family: Family) -> Option<&Detected> {
        let own = config.own[family as usize];
        let used: Vec<usize> = config.targets.iter().filter_map(|target| target.sources[family as usize]).collect();
        match used.is_empty() || own.is_some_and(|own| used.contains(&own)) {
            true => self.found(own),
            false => self.found(used.first().copied()),
        }
    }

    /// Appends what is new to the history; returns the addresses that changed, by family. `locked` is the folder whose
    /// lock this pass holds.
    pub fn remember(
        &self,
        config: &Config,
        now: Timestamp,
        locked: Option<&Folder>,
        progress: &Progress<'_>,
    ) -> [Option<IpAddr>; 2] {
        match self.append(config, now, locked, progress) {
            Ok(changed) => changed,
            Err(why) => {
                progress.problem(ExitCode::Retry, format!("the history was not written: {why}"));
                [None, None]
            }
        }
    }

    fn append(
        &self,
        config: &Config,
        now: Timestamp,
        locked: Option<&Folder>,
        progress: &Progress<'_>,
    ) -> Result<[Option<IpAddr>; 2], String> {
        let file = &config.agent.history;
        let leading = Family::BOTH.map(|family| self.leading(config, family));
        let wanted = leading.map(|found| found.is_some());
        let told = |error: io::Error| format!("{}: {error}", file.display());
        let news = || -> Result<_, String> {
            let last = history::last(file, wanted).map_err(told)?;
            // Of several, one is followed for as long as it is there.
            let stays = |i: usize, found: &Detected| last[i].filter(|last| found.beside.contains(last));
            let followed = [0, 1].map(|i| leading[i].map(|found| stays(i, found).unwrap_or(found.address)));
            Ok((followed, [0, 1].map(|i| followed[i].filter(|address| last[i] != Some(*address)))))
        };
        let (mut followed, mut changed) = news()?;
        if changed == [None, None] && !config.agent.always {
            return Ok(changed);
        }
        // A pass of another kind may write here too, under the lock of this folder; what it wrote is not news.
        let folder = Folder::of(file)?;
        if !locked.is_some_and(|locked| locked.is(&folder)) {
            folder.lock(Instant::now() + Duration::from_secs(config.agent.deadline))?;
            (followed, changed) = news()?;
        }
        for (family, found) in Family::BOTH.into_iter().zip(leading) {
            let (Some(found), Some(address)) = (found, followed[family as usize]) else { continue };
            if changed[family as usize].is_some() || config.agent.always {
                let event = HistoryEntry { at: now, family, address, from: found.from.clone() };
                history::append(&folder, file, &event).map_err(told)?;
                progress.detail(format!("history: {}", event.line()));
            }
        }
        Ok(changed)
    }
}
