//! Several jobs in one message: record what is wanted, send, record what is published.

use super::job::{self, Job, Task, TxtTask};
use super::message::Entry;
use super::send::EntryResult;
use super::server::Server;
use super::{Outcome, Shared};
use crate::server::mail;
use crate::server::store::{Error, Have, Host, Id, Settle};
use std::collections::HashSet;
use std::time::Instant;

/// How often a want that lost against another writer is decided anew.
const ATTEMPTS: u32 = 4;

/// A job whose want is recorded.
struct Step {
    job: Job,
    /// The row before the want.
    before: Host,
    entry: Option<Entry>,
    /// Ids of TXT values that are then there and gone.
    txt: (Vec<Id>, Vec<Id>),
}

/// What a batch leaves to be done.
#[derive(Default)]
pub struct Aftermath {
    /// Hosts whose row was changed by another writer while our message was on its way.
    pub again: Vec<Host>,
    /// Why the name server could not be reached, if it could not.
    pub unreachable: Option<String>,
    /// Whether it answered anything.
    pub answered: bool,
}

/// Records what jobs of different hosts want. Gives those whose want is recorded, each with its row before that; the
/// others got their outcome.
pub async fn wanted(shared: &Shared, jobs: Vec<Job>) -> Vec<(Job, Host)> {
    let mut ready = Vec::with_capacity(jobs.len());
    let mut undecided = jobs;
    for attempt in 0..ATTEMPTS {
        let (mut wants, mut waiting) = (Vec::new(), Vec::new());
        for job in undecided {
            match job.task.want(&job.host) {
                Some(want) => {
                    wants.push(want);
                    waiting.push(job);
                }
                None => {
                    let before = job.host.clone();
                    ready.push((job, before));
                }
            }
        }
        let revs = match shared.store.set_want(&wants, shared.clock.now()).await {
            Ok(revs) => revs,
            Err(error) => {
                shared.database_error(&error);
                waiting.into_iter().for_each(|job| job.end(Outcome::Unknown(error.to_string())));
                return ready;
            }
        };
        undecided = Vec::new();
        for ((mut job, want), rev) in waiting.into_iter().zip(wants).zip(revs) {
            if let Some(rev) = rev {
                let before = job.host.clone();
                (job.host.want4, job.host.want6, job.host.rev) = (want.ipv4, want.ipv6, rev);
                ready.push((job, before));
                continue;
            }
            // Somebody else was faster.
            match shared.store.host_by_id(job.host.id).await {
                Ok(None) => job.end(Outcome::NoHost),
                Ok(Some(_)) if attempt + 1 == ATTEMPTS => {
                    job.end(Outcome::Unknown("the hostname is being changed by others".to_string()));
                }
                Ok(Some(host)) if lost_its_reason(&job.task, &host, shared) => job.end(Outcome::Done),
                Ok(Some(host)) => {
                    job.host = host;
                    undecided.push(job);
                }
                Err(error) => {
                    shared.database_error(&error);
                    job.end(Outcome::Unknown(error.to_string()));
                }
            }
        }
        if undecided.is_empty() {
            break;
        }
    }
    ready
}

/// Whether a family that was to expire was confirmed by a client meanwhile.
fn lost_its_reason(task: &Task, host: &Host, shared: &Shared) -> bool {
    let Task::Expire(families) = task else { return false };
    let served = shared.clock.now().served;
    let due = |due: i64| due > 0 && due <= served;
    (families.v4 && !due(host.v4.due)) || (families.v6 && !due(host.v6.due))
}

/// Sends what was recorded as wanted, and records the result.
pub async fn publish(shared: &Shared, server: &mut Server<'_>, ready: Vec<(Job, Host)>) -> Aftermath {
    let mut steps = Vec::with_capacity(ready.len());
    for (job, before) in ready {
        steps.extend(step(shared, job, before).await);
    }
    let entries: Vec<Entry> = steps.iter().filter_map(|step| step.entry.clone()).collect();
    let begun = Instant::now();
    let report = server.send(&entries);
    if report.messages > 0 {
        shared.metrics.dns_messages(report.messages, begun.elapsed());
    }
    let mut results = report.results.into_iter();
    let mut aftermath = Aftermath { again: vec![], unreachable: report.unreachable, answered: report.answered };
    let (mut done, mut unknown) = (Vec::new(), Vec::new());
    for step in steps {
        let sent = match step.entry {
            Some(_) => results.next().unwrap_or(EntryResult::NotSent("no result".to_string())),
            None => EntryResult::Done,
        };
        shared.metrics.dns_update(sent.name());
        match sent {
            EntryResult::Done => done.push(step),
            EntryResult::Refused(why) | EntryResult::NotSent(why) => {
                shared.log.write(&why);
                step.job.end(Outcome::DnsError(why));
            }
            EntryResult::Unknown(why) => {
                shared.log.write(&why);
                unknown.push((step.job, why));
            }
        }
    }
    unsettle(shared, unknown).await;
    record(shared, done, &mut aftermath).await;
    aftermath
}

/// What a job sends. `None`: it ended already.
async fn step(shared: &Shared, job: Job, before: Host) -> Option<Step> {
    if !job.task.is_txt() {
        let entry = job::addresses(&before, &job.host, &job.task);
        return Some(Step { job, before, entry, txt: Default::default() });
    }
    match txt_values(shared, &job).await {
        Ok(values) => {
            let (entry, there, gone) = job::txt(&job.host, &values);
            Some(Step { job, before, entry, txt: (there, gone) })
        }
        Err(error) => {
            shared.database_error(&error);
            job.end(Outcome::Unknown(error.to_string()));
            None
        }
    }
}

/// Records what is wanted of the TXT values and gives all of them.
async fn txt_values(shared: &Shared, job: &Job) -> Result<Vec<crate::server::store::Txt>, Error> {
    let (store, id) = (&shared.store, job.host.id);
    match &job.task {
        Task::Txt(TxtTask::Set(value)) => store.txt_want(id, value, shared.clock.now().wall).await,
        Task::Txt(TxtTask::Remove(value)) => {
            let all = store.txt_of_host(id).await?;
            let these: Vec<Id> = all.iter().filter(|txt| txt.value == *value).map(|txt| txt.id).collect();
            store.txt_unwant(&these).await?;
            store.txt_of_host(id).await
        }
        _ => store.txt_of_host(id).await,
    }
}

/// The name server may yet do what it did not confirm.
async fn unsettle(shared: &Shared, unknown: Vec<(Job, String)>) {
    let ids: Vec<Id> = unknown.iter().filter(|(job, _)| !job.task.is_txt()).map(|(job, _)| job.host.id).collect();
    shared.doubts.add(&ids);
    if let Err(error) = shared.store.mark_unsettled(&ids, shared.clock.now().wall).await {
        // `doubts` keeps it in mind for as long as this process lives; after that all rows are in doubt.
        shared.database_error(&error);
    }
    for (job, why) in unknown {
        job.end(Outcome::DnsError(why));
    }
}

/// Records what the name server confirmed.
async fn record(shared: &Shared, done: Vec<Step>, aftermath: &mut Aftermath) {
    let (txt, hosts): (Vec<Step>, Vec<Step>) = done.into_iter().partition(|step| step.job.task.is_txt());
    for step in txt {
        let outcome = match shared.store.txt_done(&step.txt.0, &step.txt.1).await {
            Ok(()) => Outcome::Done,
            Err(error) => {
                shared.database_error(&error);
                Outcome::Unknown(error.to_string())
            }
        };
        step.job.end(outcome);
    }
    let now = shared.clock.now();
    let have = |step: &Step| {
        let (host, task) = (&step.job.host, &step.job.task);
        let expired = job::expired(host, task, now.served);
        Have {
            host: host.id,
            rev: host.rev,
            ipv4: host.want4,
            ipv6: host.want6,
            settle: match task {
                _ if shared.doubts.has(host.id) => Settle::No,
                Task::Resend { settles: true } => Settle::Yes,
                _ => Settle::IfInOrder,
            },
            seen: task.seen(),
            expired,
            mail: mail::of(task.notifies(), task.seen(), &step.before, host, expired, now.wall)
                .filter(|mail| shared.sends(mail.kind)),
        }
    };
    let haves: Vec<Have> = hosts.iter().map(have).collect();
    let mailed = haves.iter().any(|have| have.mail.is_some());
    let recorded = match shared.store.set_have(&haves, now).await {
        Ok(recorded) => recorded,
        Err(error) => {
            shared.database_error(&error);
            hosts.into_iter().for_each(|step| step.job.end(Outcome::Unknown(error.to_string())));
            return;
        }
    };
    if mailed {
        shared.mailed.notify_one();
    }
    for ((step, have), newest) in hosts.into_iter().zip(haves).zip(recorded) {
        if !newest {
            aftermath.again.extend(overtaken(shared, step.job.host.id).await);
        } else if !have.expired.is_empty() {
            tracing::info!("{}: expired and removed from DNS", step.job.host.fqdn);
        }
        step.job.end(Outcome::Done);
    }
}

/// Another writer recorded a newer want while our message was on its way; ours may have arrived after theirs. Gives
/// the row as it is now, to be sent again.
async fn overtaken(shared: &Shared, id: Id) -> Option<Host> {
    shared.doubts.add(&[id]);
    let marked = shared.store.mark_unsettled(&[id], shared.clock.now().wall).await;
    match marked.and(shared.store.host_by_id(id).await) {
        Ok(host) => host,
        Err(error) => {
            shared.database_error(&error);
            None
        }
    }
}

/// The first jobs that fit together: each host once, at most `hosts` of them and `bytes` of records.
pub fn take(waiting: &mut std::collections::VecDeque<Job>, hosts: usize, bytes: usize) -> Vec<Job> {
    let (mut taken, mut later) = (Vec::new(), std::collections::VecDeque::new());
    let (mut ids, mut size, mut full) = (HashSet::new(), 0, false);
    while let Some(job) = waiting.pop_front() {
        // Before the row is read again, an upper bound: both families.
        let entry = job::addresses(&job.host, &job.host, &Task::Resend { settles: false });
        let weight = entry.map_or(0, |entry| entry.size()).max(4 * (job.host.fqdn.len() + 16 + 12) + 64);
        let weight = if job.task.is_txt() { 3 * (job.host.fqdn.len() + 300) } else { weight };
        let fits = taken.is_empty() || (taken.len() < hosts && size + weight <= bytes);
        // A second job of a host waits, so that a host's jobs keep their order.
        full |= !fits;
        if ids.insert(job.host.id) && !full {
            size += weight;
            taken.push(job);
        } else {
            later.push_back(job);
        }
    }
    *waiting = later;
    taken
}
