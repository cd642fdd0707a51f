//! One section's pushes: its attempts are written down once, the provider is asked, its verdicts are written down
//! once. Whatever kills us in between, the next pass knows that an attempt was made.

use crate::config::Target;
use crate::net::http::Http;
use crate::pass::event::{Event, EventKind, ExitCode, HostReport, Level, Progress};
use crate::pass::notify::Notification;
use crate::pass::plan::Step;
use crate::pass::PassOptions;
use crate::provider::contract::{Desired, HostResult, HostUpdate, LastKnown, Pause, PushContext, UpdateResult};
use crate::store::state::{HostState, Pending, SectionState, State};
use crate::store::StateStore;
use crate::sys::clock::{self, Timestamp};
use crate::types::address::{Family, Set};
use crate::types::vec_map::VecMap;
use std::rc::Rc;

/// What the pushes of a section left to tell.
#[derive(Default)]
pub struct Outcome {
    /// Some were cut off by the end of the pass.
    pub cut: bool,
    pub notifications: Vec<Notification>,
}

/// What all sections of a pass share.
pub struct Run<'a> {
    pub http: &'a Http<'a>,
    pub progress: &'a Progress<'a>,
    pub options: &'a PassOptions,
}

/// Pushes what the plan says of one section. `steps` holds, for each host of the target, what to do in each family.
pub fn push(
    target: &Target,
    steps: &[[Step; 2]],
    digests: (&str, &str),
    keeper: &mut StateStore,
    run: &Run<'_>,
) -> Outcome {
    let (batch, hosts) = batch(target, steps, &keeper.state);
    if batch.is_empty() {
        return Outcome::default();
    }
    if run.http.context.expired() {
        return Outcome { cut: true, notifications: Vec::new() };
    }
    let dry = run.http.context.dry_run.is_some();
    let kept = keeper.state.sections.get(&target.name).cloned();
    let before = kept.clone().unwrap_or_default();
    let now = clock::now();
    let memory = Rc::make_mut(keeper.state.sections.or_default(target.name.clone()));
    // Hosts that the section no longer names are forgotten, now that something is written anyway.
    let mut named: Vec<&str> = target.hosts.iter().map(|host| host.ascii()).collect();
    named.sort_unstable();
    memory.hosts.retain(|(name, _)| named.binary_search(&name.as_str()).is_ok());
    for wanted in &batch {
        for (family, address) in wanted.due_sets() {
            let key = (wanted.host.ascii().to_string(), family);
            Rc::make_mut(memory.hosts.or_default(key)).begin(&address, digests.0, now);
        }
    }
    if !dry {
        if let Err(why) = keeper.store() {
            run.progress.problem(ExitCode::Retry, format!("[{}] not pushed: {why}", target.name));
            keeper.restore(&target.name, kept);
            return Outcome::default();
        }
    }
    // What a provider remembers holds for one account: other settings may mean another.
    let same = before.hosts.values().all(|known| known.digest == digests.0);
    let mut notes = if same { before.notes.clone() } else { VecMap::default() };
    let past: Vec<_> = batch.iter().map(|wanted| past(&before, wanted)).collect();
    let http = run.http.by(&target.way);
    let mut line = PushContext { http: &http, memory: &mut notes, past: &past, force: run.options.force };
    let mut rulings = target.provider.push(&batch, &mut line);
    for ruling in rulings.iter_mut().filter(|_| target.min_interval > 0) {
        if let UpdateResult::RetryLater { pause, .. } = &mut ruling.verdict {
            *pause = Pause { seconds: pause.seconds.max(target.min_interval), strict: true };
        }
    }
    if dry {
        for warning in rulings.iter().filter_map(|ruling| ruling.warning.as_ref()) {
            run.progress.request(&format!("{}: {warning}", target.name));
        }
        keeper.restore(&target.name, kept);
        return Outcome::default();
    }
    let mut recorder = Recorder {
        target,
        run,
        now: clock::now(),
        outcome: Outcome::default(),
        changed: Default::default(),
        failed: Vec::new(),
    };
    let verdicts = by_host(&batch, rulings);
    if let Some(memory) = keeper.state.sections.get_mut(&target.name).map(Rc::make_mut) {
        memory.notes = notes;
        for (index, wanted) in batch.iter().enumerate() {
            let host = target.hosts[hosts[index]].typed();
            for (family, address) in wanted.due_sets() {
                let Some((verdict, warning)) = &verdicts[index][family as usize] else { continue };
                let key = (wanted.host.ascii().to_string(), family);
                let old = before.hosts.get(&key).cloned().unwrap_or_default();
                let known = Rc::make_mut(memory.hosts.or_default(key.clone()));
                record(known, &old, &address, verdict, digests.1, recorder.now);
                if *known == HostState::default() {
                    memory.hosts.remove(&key);
                }
                recorder.tell(host, family, &address, &old, verdict, warning.as_deref());
            }
        }
    }
    if let Err(why) = keeper.store() {
        run.progress.problem(ExitCode::Retry, format!("[{}] pushed, but not written down: {why}", target.name));
    }
    recorder.finish()
}

/// Records how an update ended. `before` is what was known before it began; `full` the digest whose change lifts a
/// rejection.
fn record(known: &mut HostState, before: &HostState, address: &Set, result: &UpdateResult, full: &str, now: Timestamp) {
    match result {
        UpdateResult::Updated | UpdateResult::Unchanged => known.publish(address, now),
        UpdateResult::NotAttempted => *known = before.clone(),
        // An attempt without a recorded result is repeated once, at once.
        UpdateResult::Interrupted { .. } => {}
        UpdateResult::RetryLater { why, pause } => known.back_off(address, why, pause.seconds, pause.strict, now),
        UpdateResult::Rejected { why, remedy } => known.reject(why, remedy, full, false, now),
        UpdateResult::Unauthorized { why, remedy } => known.reject(why, remedy, full, true, now),
    }
}

/// The hosts with something due, and their places in the target.
fn batch(target: &Target, steps: &[[Step; 2]], state: &State) -> (Vec<HostUpdate>, Vec<usize>) {
    let mut batch = Vec::new();
    let mut places = Vec::new();
    for (place, (host, steps)) in target.hosts.iter().zip(steps).enumerate() {
        if !steps.iter().any(|step| matches!(step, Step::Push(_))) {
            continue;
        }
        let want = Family::BOTH.map(|family| match &steps[family as usize] {
            Step::Push(set) => Some(Desired { address: set.first(), due: true }),
            // The other family stays what it is; one that is off is nobody's business.
            _ if target.sources[family as usize].is_none() => None,
            _ => {
                let known = state.known(&target.name, host.ascii(), family);
                let published = known.and_then(|known| known.published.as_ref());
                published.map(|old| Desired { address: old.address.first(), due: false })
            }
        });
        let beside = Family::BOTH.map(|family| match &steps[family as usize] {
            Step::Push(set) => set.beside().to_vec(),
            _ => Vec::new(),
        });
        batch.push(HostUpdate { host: host.clone(), want, beside });
        places.push(place);
    }
    (batch, places)
}

/// What the server may hold of a host.
fn past(memory: &SectionState, wanted: &HostUpdate) -> [LastKnown; 2] {
    Family::BOTH.map(|family| {
        let known = memory.hosts.get(&(wanted.host.ascii().to_string(), family));
        let begun = match known.and_then(|known| known.pending.as_ref()) {
            Some(Pending::Attempted { address, .. } | Pending::BackingOff { address, .. }) => Some(address.clone()),
            Some(Pending::Rejected { .. }) | None => None,
        };
        let published = known.and_then(|known| known.published.as_ref());
        LastKnown { held: published.map(|published| published.address.clone()), begun }
    })
}

/// For each host of a batch its verdict and warning in each family.
type HostResults = Vec<[Option<(UpdateResult, Option<String>)>; 2]>;

/// A verdict for everything that was due: what the provider said nothing of was not asked.
fn by_host(batch: &[HostUpdate], rulings: Vec<HostResult>) -> HostResults {
    let due = |wanted: &HostUpdate| {
        wanted.want.map(|want| want.filter(|want| want.due).map(|_| (UpdateResult::NotAttempted, None)))
    };
    let mut verdicts: HostResults = batch.iter().map(due).collect();
    for ruling in rulings {
        let slot = verdicts.get_mut(ruling.host).and_then(|slots| slots[ruling.family as usize].as_mut());
        if let Some(slot) = slot {
            *slot = (ruling.verdict, ruling.warning);
        }
    }
    verdicts
}

/// Turns verdicts into lines, endings and news.
struct Recorder<'a> {
    target: &'a Target,
    run: &'a Run<'a>,
    now: Timestamp,
    outcome: Outcome,
    changed: ([Option<Set>; 2], Vec<String>),
    failed: Vec<(String, String)>,
}

impl Recorder<'_> {
    fn tell(
        &mut self,
        host: &str,
        family: Family,
        address: &Set,
        old: &HostState,
        verdict: &UpdateResult,
        warning: Option<&str>,
    ) {
        let progress = self.run.progress;
        let event = |level, kind, text: String| Event {
            section: Some(&self.target.name),
            host: Some(host),
            family: Some(family),
            address: Some(address),
            ..Event::new(level, kind, text)
        };
        let was = old.published.as_ref().map(|published| &published.address);
        let news = was != Some(address);
        let level = if news || self.run.options.force { Level::Change } else { Level::Detail };
        match verdict {
            UpdateResult::Updated => {
                let text = match was {
                    Some(was) if news => format!("is now {address} (was {was})"),
                    Some(_) => format!("is {address}, confirmed"),
                    None => format!("is now {address}"),
                };
                progress.event(&event(level, EventKind::Updated, text));
            }
            UpdateResult::Unchanged => {
                progress.event(&event(level, EventKind::Unchanged, format!("is {address} already")));
                let repeated =
                    matches!(&old.pending, Some(Pending::Attempted { address: begun, .. }) if begun == address);
                if let Some(was) = was.filter(|_| news && !repeated) {
                    let text = format!("warning: nochg: the server had {address} already, where {was} was expected");
                    progress.event(&event(Level::Problem, EventKind::Warning, text));
                }
            }
            UpdateResult::RetryLater { why, .. } | UpdateResult::Interrupted { why } => {
                progress.raise(ExitCode::Retry);
                progress.event(&event(Level::Problem, EventKind::RetryLater, format!("not updated: {why}")));
                let cut = matches!(verdict, UpdateResult::Interrupted { .. });
                self.outcome.cut |= cut;
                if old.pending.is_none() && !cut {
                    self.failed.push((host.to_string(), why.clone()));
                }
            }
            UpdateResult::Rejected { why, remedy } | UpdateResult::Unauthorized { why, remedy } => {
                let text = rejection(why, remedy, &self.target.name, &self.run.options.command_suffix);
                progress.raise(ExitCode::Rejected);
                progress.event(&event(Level::Problem, EventKind::Rejected, text));
                if !matches!(old.pending, Some(Pending::Rejected { .. })) {
                    self.failed.push((host.to_string(), why.clone()));
                }
            }
            UpdateResult::NotAttempted => {
                self.outcome.cut = true;
                progress.raise(ExitCode::Retry);
            }
        }
        if let Some(warning) = warning {
            progress.event(&event(Level::Problem, EventKind::Warning, format!("warning: {warning}")));
        }
        if let Some(result) = kind(verdict) {
            let section = self.target.name.clone();
            progress.result(HostReport { section, host: host.to_string(), family, address: address.clone(), result });
        }
        if matches!(verdict, UpdateResult::Updated | UpdateResult::Unchanged) && news {
            self.changed.0[family as usize] = Some(address.clone());
            // Both families of a host come one after the other.
            if self.changed.1.last().is_none_or(|last| last != host) {
                self.changed.1.push(host.to_string());
            }
        }
    }

    fn finish(mut self) -> Outcome {
        let section = self.target.name.clone();
        let (addresses, hosts) = self.changed;
        if !hosts.is_empty() {
            let new: Vec<String> = addresses.iter().flatten().map(Set::to_string).collect();
            let message = format!("{} is now {}", hosts.join(", "), new.join(" and "));
            self.outcome.notifications.push(Notification {
                failure: false,
                section: section.clone(),
                hosts,
                addresses,
                message,
            });
        }
        if let Some((_, why)) = self.failed.first() {
            let mut hosts: Vec<String> = self.failed.iter().map(|(host, _)| host.clone()).collect();
            hosts.dedup();
            let message = format!("{} not updated: {why}", hosts.join(", "));
            self.outcome.notifications.push(Notification {
                failure: true,
                section,
                hosts,
                message,
                ..Notification::default()
            });
        }
        self.outcome
    }
}

/// The result of an attempted update, as it is reported.
fn kind(result: &UpdateResult) -> Option<EventKind> {
    match result {
        UpdateResult::Updated => Some(EventKind::Updated),
        UpdateResult::Unchanged => Some(EventKind::Unchanged),
        UpdateResult::RetryLater { .. } | UpdateResult::Interrupted { .. } => Some(EventKind::RetryLater),
        UpdateResult::Rejected { .. } | UpdateResult::Unauthorized { .. } => Some(EventKind::Rejected),
        UpdateResult::NotAttempted => None,
    }
}

/// A rejection in full, with the command that lifts it.
pub fn rejection(why: &str, remedy: &str, section: &str, suffix: &str) -> String {
    format!("refused: {why}. To mend it: {remedy}; then run: homing --force --only {section}{suffix}")
}
