//! Sends the entries of a message and finds out how each of them ended. A message is all or nothing (RFC 2136 §3.2);
//! where one entry spoils it, it is halved until that entry is alone.

use super::explain;
use super::message::{self, Entry, Record};
use super::server::{Server, NXRRSET, REFUSED, YXDOMAIN};
use crate::net::update_client::UpdateOutcome;
use std::time::Instant;

/// How an entry ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EntryResult {
    /// The name server confirmed it.
    Done,
    /// The name server did not do it; why, and what to do.
    Refused(String),
    /// Whether it was done is not known; why.
    Unknown(String),
    /// It was not sent; why.
    NotSent(String),
}

impl EntryResult {
    /// For the metrics.
    pub fn name(&self) -> &'static str {
        match self {
            EntryResult::Done => "done",
            EntryResult::Refused(_) => "refused",
            EntryResult::Unknown(_) => "unknown",
            EntryResult::NotSent(_) => "not_sent",
        }
    }
}

/// What came of the entries of a batch.
#[derive(Default, Debug)]
pub struct Report {
    /// Of each entry, in their order.
    pub results: Vec<EntryResult>,
    /// Messages sent.
    pub messages: u32,
    /// Whether the name server answered any of them.
    pub answered: bool,
    /// Why the name server could not be reached, if it could not.
    pub unreachable: Option<String>,
}

const NOTZONE: u16 = 10;

/// Messages that may be refused as a whole while one bad entry is looked for. A server that refuses everything costs
/// no more than these.
const REFUSALS: u32 = 64;

impl Server<'_> {
    /// Sends all entries, in one message if that is accepted. After two timeouts' time, and after a message without a
    /// reply, the rest is not sent.
    pub fn send(&mut self, entries: &[Entry]) -> Report {
        let mut run = Run {
            until: Instant::now() + self.timeout * 2,
            refusals: REFUSALS,
            stopped: None,
            report: Report { results: Vec::with_capacity(entries.len()), ..Report::default() },
            server: self,
        };
        if !entries.is_empty() {
            run.all(entries);
        }
        run.report
    }
}

struct Run<'r, 'a> {
    server: &'r mut Server<'a>,
    until: Instant,
    refusals: u32,
    /// Why nothing more is sent.
    stopped: Option<String>,
    report: Report,
}

impl Run<'_, '_> {
    fn all(&mut self, entries: &[Entry]) {
        let outcome = match self.ask(entries) {
            Ok(outcome) => outcome,
            Err(sent) => return self.report.results.extend(entries.iter().map(|_| sent.clone())),
        };
        let one_may_be_bad = match &outcome {
            UpdateOutcome::Refused { rcode, verified: true } => match *rcode {
                YXDOMAIN..=NXRRSET => true,
                REFUSED | NOTZONE => {
                    self.refusals = self.refusals.saturating_sub(1);
                    self.refusals > 0
                }
                _ => false,
            },
            _ => false,
        };
        match entries {
            [entry] if one_may_be_bad => {
                let sent = self.alone(entry, outcome);
                self.report.results.push(sent);
            }
            _ if one_may_be_bad => {
                let (one, other) = entries.split_at(entries.len() / 2);
                self.all(one);
                self.all(other);
            }
            _ => {
                let sent = self.judge(&outcome, entries.first().map_or("", |entry| &entry.name));
                self.report.results.extend(entries.iter().map(|_| sent.clone()));
            }
        }
    }

    /// One entry that was refused: what we would remove may be somebody else's by now, which is no failure.
    fn alone(&mut self, entry: &Entry, outcome: UpdateOutcome) -> EntryResult {
        let unmet =
            |outcome: &UpdateOutcome| matches!(outcome, UpdateOutcome::Refused { rcode: NXRRSET, verified: true });
        if !unmet(&outcome) {
            return self.judge(&outcome, &entry.name);
        }
        for part in entry.split() {
            let outcome = match part.records.as_slice() {
                [Record::Withdraw(ours)] => self.withdraw(&part, ours),
                _ => self.ask(std::slice::from_ref(&part)),
            };
            match outcome {
                Ok(outcome) if unmet(&outcome) => {}
                Ok(outcome) => match self.judge(&outcome, &entry.name) {
                    EntryResult::Done => {}
                    other => return other,
                },
                Err(sent) => return sent,
            }
        }
        EntryResult::Done
    }

    /// Tries each address that may be ours. If none of them is there, the last outcome says so.
    fn withdraw(&mut self, part: &Entry, ours: &[std::net::IpAddr]) -> Result<UpdateOutcome, EntryResult> {
        let mut last = Ok(UpdateOutcome::Refused { rcode: NXRRSET, verified: true });
        for address in ours {
            let entry = Entry { records: vec![Record::Withdraw(vec![*address])], ..part.clone() };
            last = self.ask(&[entry]);
            if !matches!(last, Ok(UpdateOutcome::Refused { rcode: NXRRSET, verified: true })) {
                break;
            }
        }
        last
    }

    /// Sends one message. The error is the result of all its entries.
    fn ask(&mut self, entries: &[Entry]) -> Result<UpdateOutcome, EntryResult> {
        if let Some(why) = &self.stopped {
            return Err(EntryResult::NotSent(why.clone()));
        }
        let now = Instant::now();
        if now >= self.until {
            let why = format!("{} was too slow", self.server.shown);
            self.stopped = Some(why.clone());
            return Err(EntryResult::NotSent(why));
        }
        let update = message::update(self.server.zone, entries)
            .map_err(|why| EntryResult::Refused(format!("a name cannot be written in DNS: {why}")))?;
        let outcome = self.server.client.send(&update, (now + self.server.timeout).min(self.until));
        self.report.messages += 1;
        if let UpdateOutcome::Unanswered(why) | UpdateOutcome::NotSent(why) = &outcome {
            let why = format!("name server {}: {why}", self.server.shown);
            self.stopped = Some(why.clone());
            self.report.unreachable = Some(why);
        } else {
            self.report.answered = true;
        }
        Ok(outcome)
    }

    fn judge(&self, outcome: &UpdateOutcome, name: &str) -> EntryResult {
        let server = &*self.server;
        match outcome {
            UpdateOutcome::Done => EntryResult::Done,
            UpdateOutcome::Unanswered(why) => EntryResult::Unknown(format!("name server {}: {why}", server.shown)),
            UpdateOutcome::NotSent(why) => EntryResult::NotSent(format!("name server {}: {why}", server.shown)),
            // Anybody can forge a refusal without a signature; and a clock that differs may differ in the reply alone.
            UpdateOutcome::Refused { verified: false, .. }
            | UpdateOutcome::TsigError { verified: false, .. }
            | UpdateOutcome::BadTime { .. } => EntryResult::Unknown(explain::refusal(outcome, server, name)),
            _ => EntryResult::Refused(explain::refusal(outcome, server, name)),
        }
    }
}
