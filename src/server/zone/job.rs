//! What is queued for a zone's thread, and what each job wants in DNS. Pure.

use super::message::{Entry, Record};
use super::{Change, Outcome};
use crate::server::store::{Families, Host, Id, Millis, Txt, Want};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use tokio::sync::oneshot;

/// What is to be done for a host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Task {
    /// Publish the addresses that a client named; see [`Change`].
    Publish { ipv4: Option<Ipv4Addr>, ipv6: Option<Ipv6Addr>, notify: bool },
    /// Send what is wanted once more. `settles`: no earlier message can still arrive.
    Resend { settles: bool },
    /// Remove families that are still due.
    Expire(Families),
    /// Remove everything.
    Withdraw,
    /// Make the TXT values so.
    Txt(TxtTask),
}

/// What is wanted of a host's TXT values.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TxtTask {
    Set(String),
    Remove(String),
    /// Send what the database wants.
    Sync,
}

/// A task of one host, and who waits for its outcome.
#[derive(Debug)]
pub struct Job {
    /// The row as it was known last.
    pub host: Host,
    pub task: Task,
    /// Nobody waits for what the server does on its own account.
    pub done: Option<oneshot::Sender<Outcome>>,
}

impl Job {
    pub fn end(self, outcome: Outcome) {
        if let Some(done) = self.done {
            // A caller that is gone does not matter.
            let _ = done.send(outcome);
        }
    }
}

impl Task {
    pub fn of(change: &Change) -> Task {
        Task::Publish { ipv4: change.ipv4, ipv6: change.ipv6, notify: change.notify }
    }

    pub fn is_txt(&self) -> bool {
        matches!(self, Task::Txt(_))
    }

    /// What has to be recorded as wanted before anything is sent; `None` where the row wants it already.
    pub fn want(&self, host: &Host) -> Option<Want> {
        let (ipv4, ipv6, expire) = match self {
            Task::Publish { ipv4, ipv6, .. } => (ipv4.or(host.want4), ipv6.or(host.want6), None),
            Task::Expire(due) => {
                let (ipv4, ipv6) = (host.want4.filter(|_| !due.v4), host.want6.filter(|_| !due.v6));
                (ipv4, ipv6, Some(*due))
            }
            Task::Withdraw => (None, None, None),
            Task::Resend { .. } | Task::Txt(_) => return None,
        };
        let same = (ipv4, ipv6) == (host.want4, host.want6);
        (!same).then_some(Want { host: host.id, rev: host.rev, ipv4, ipv6, expire })
    }

    /// Whether the client asked for a mail about the change.
    pub fn notifies(&self) -> bool {
        matches!(self, Task::Publish { notify: true, .. })
    }

    /// The families that a client named.
    pub fn seen(&self) -> Families {
        match self {
            Task::Publish { ipv4, ipv6, .. } => Families { v4: ipv4.is_some(), v6: ipv6.is_some() },
            _ => Families::default(),
        }
    }
}

/// The families that a task removes because they were due: also when it is done late, by another task than the one
/// that expired them.
pub fn expired(host: &Host, task: &Task, served: Millis) -> Families {
    let due = |gone: bool, due: Millis| gone && due > 0 && due <= served;
    match task {
        Task::Withdraw => Families::default(),
        _ => Families {
            v4: due(host.want4.is_none() && host.have4.is_some(), host.v4.due),
            v6: due(host.want6.is_none() && host.have6.is_some(), host.v6.due),
        },
    }
}

/// What is sent for a host whose want was recorded: `before` is its row before that, `after` the row since then.
/// `None` where DNS needs nothing.
pub fn addresses(before: &Host, after: &Host, task: &Task) -> Option<Entry> {
    let seen = task.seen();
    // What is confirmed and was not named need not be sent again, unless that is the purpose.
    let settled = before.confirmed() && !matches!(task, Task::Resend { .. });
    let known = |named: bool, same: bool| settled && !named && same;
    let v4 = |address: Option<Ipv4Addr>| address.map(IpAddr::V4);
    let v6 = |address: Option<Ipv6Addr>| address.map(IpAddr::V6);
    let mut records = Vec::new();
    if !known(seen.v4, after.want4 == after.have4) {
        records.extend(record(v4(after.want4), v4(after.have4), v4(before.want4)));
    }
    if !known(seen.v6, after.want6 == after.have6) {
        records.extend(record(v6(after.want6), v6(after.have6), v6(before.want6)));
    }
    (!records.is_empty()).then(|| Entry { name: after.fqdn.clone(), ttl: after.dns_ttl, records })
}

/// For one family: what is wanted, what was confirmed, and what was wanted before and may have been sent.
fn record(want: Option<IpAddr>, have: Option<IpAddr>, before: Option<IpAddr>) -> Option<Record> {
    if let Some(address) = want {
        return Some(Record::Replace(address));
    }
    let mut ours: Vec<IpAddr> = have.into_iter().chain(before).collect();
    ours.dedup();
    (!ours.is_empty()).then_some(Record::Withdraw(ours))
}

/// What is sent for a host's TXT values, and the ids of those that are then there and gone.
pub fn txt(host: &Host, values: &[Txt]) -> (Option<Entry>, Vec<Id>, Vec<Id>) {
    let mut records = Vec::new();
    let (mut there, mut gone) = (Vec::new(), Vec::new());
    for txt in values {
        match txt.wanted {
            true => there.push(txt.id),
            false => gone.push(txt.id),
        }
        records.push(match txt.wanted {
            true => Record::AddTxt(txt.value.clone()),
            false => Record::RemoveTxt(txt.value.clone()),
        });
    }
    let name = format!("_acme-challenge.{}", host.fqdn);
    let entry = (!records.is_empty()).then_some(Entry { name, ttl: host.dns_ttl, records });
    (entry, there, gone)
}
