//! What a pass reports while it runs, and the exit code that follows from it. A pass prints nothing itself: whoever
//! runs it passes an [`Observer`], which the command line implements by printing.

use crate::types::address::{Family, Set};
use std::cell::{Cell, RefCell};

/// The exit code of a run. The most serious one wins, in the order usage, rejected, retry, current.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExitCode {
    /// Everything is current: updated, or unchanged.
    Current = 0,
    /// A temporary failure; it will be retried.
    Retry = 1,
    /// Wrong command line or configuration; nothing was attempted.
    Usage = 2,
    /// A provider rejected an update; the operator has to act.
    Rejected = 3,
}

impl ExitCode {
    /// The more serious of two.
    pub fn worse(self, other: ExitCode) -> ExitCode {
        let rank = |code: ExitCode| match code {
            ExitCode::Current => 0,
            ExitCode::Retry => 1,
            ExitCode::Rejected => 2,
            ExitCode::Usage => 3,
        };
        if rank(other) > rank(self) {
            other
        } else {
            self
        }
    }

    /// The number that the process exits with.
    pub fn code(self) -> u8 {
        self as u8
    }
}

/// How much an event matters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Level {
    /// Something changed: shown unless `--quiet`.
    Change,
    /// Something is wrong: always shown.
    Problem,
    /// Shown with `--verbose`.
    Detail,
    /// What a dry run would send: always shown, without a prefix.
    Request,
}

/// What an event is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EventKind {
    /// The configuration was checked.
    Checked,
    /// A detail of the run.
    Detail,
    /// Something needs attention although nothing failed.
    Warning,
    /// A failure that belongs to no host.
    Problem,
    /// An address could not be detected.
    NotDetected,
    /// A request that a dry run would send.
    Request,
    /// A dry run found nothing to send.
    NothingToSend,
    /// The provider took the address.
    Updated,
    /// The provider had this address already.
    Unchanged,
    /// The update failed or could not be confirmed; it will be retried.
    RetryLater,
    /// The provider rejected the update.
    Rejected,
    /// An earlier failure keeps the update back.
    Waiting,
    /// The address goes back and forth too often.
    Flapping,
    /// The address needs a second detection before it is published.
    Unconfirmed,
    /// DNS does not show what the provider confirmed.
    Differs,
    /// DNS could not be asked.
    NotVerified,
}

impl EventKind {
    /// Its name in JSON output.
    pub fn name(self) -> &'static str {
        match self {
            EventKind::Checked => "checked",
            EventKind::Detail => "detail",
            EventKind::Warning => "warning",
            EventKind::Problem => "trouble",
            EventKind::NotDetected => "unknown",
            EventKind::Request => "request",
            EventKind::NothingToSend => "dry-run",
            EventKind::Updated => "updated",
            EventKind::Unchanged => "unchanged",
            EventKind::RetryLater => "later",
            EventKind::Rejected => "refused",
            EventKind::Waiting => "waiting",
            EventKind::Flapping => "flapping",
            EventKind::Unconfirmed => "unconfirmed",
            EventKind::Differs => "astray",
            EventKind::NotVerified => "unverified",
        }
    }
}

/// One thing that happened in a run.
#[derive(Clone, Debug)]
pub struct Event<'a> {
    pub level: Level,
    pub kind: EventKind,
    /// The name of the section that it belongs to.
    pub section: Option<&'a str>,
    /// The hostname as the settings write it.
    pub host: Option<&'a str>,
    pub family: Option<Family>,
    pub address: Option<&'a Set>,
    /// One line for a person.
    pub text: String,
}

impl<'a> Event<'a> {
    /// An event of the run as a whole.
    pub fn new(level: Level, kind: EventKind, text: impl Into<String>) -> Event<'a> {
        Event { level, kind, section: None, host: None, family: None, address: None, text: text.into() }
    }
}

/// Receives the events of a run as they happen.
pub trait Observer {
    /// Called once for each event, in order. It must not fail and should not block: the pass waits for it.
    fn event(&self, event: &Event<'_>);
}

/// How one host stands in one family at the end of a pass that attempted an update.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HostReport {
    pub section: String,
    /// The hostname as the settings write it.
    pub host: String,
    pub family: Family,
    /// What was sent.
    pub address: Set,
    /// `Updated`, `Unchanged`, `RetryLater` or `Rejected`.
    pub result: EventKind,
}

/// Collects what a pass has to report: passes events on, and remembers the exit code and the results.
pub struct Progress<'a> {
    observer: &'a dyn Observer,
    exit_code: Cell<ExitCode>,
    hosts: RefCell<Vec<HostReport>>,
}

impl<'a> Progress<'a> {
    pub fn new(observer: &'a dyn Observer) -> Progress<'a> {
        Progress { observer, exit_code: Cell::new(ExitCode::Current), hosts: RefCell::default() }
    }

    /// Notes an exit code; the most serious of all counts.
    pub fn raise(&self, code: ExitCode) {
        self.exit_code.set(self.exit_code.get().worse(code));
    }

    pub fn exit_code(&self) -> ExitCode {
        self.exit_code.get()
    }

    /// Notes the result of an update.
    pub fn result(&self, report: HostReport) {
        self.hosts.borrow_mut().push(report);
    }

    /// The results so far, in the order in which they were noted.
    pub fn results(self) -> Vec<HostReport> {
        self.hosts.into_inner()
    }

    pub fn event(&self, event: &Event<'_>) {
        self.observer.event(event);
    }

    /// A failure that belongs to no host.
    pub fn problem(&self, code: ExitCode, text: impl Into<String>) {
        self.raise(code);
        self.event(&Event::new(Level::Problem, EventKind::Problem, text));
    }

    /// Something that the operator should know; the exit code stays.
    pub fn warn(&self, text: impl Into<String>) {
        let text: String = text.into();
        self.event(&Event::new(Level::Problem, EventKind::Warning, format!("warning: {text}")));
    }

    pub fn detail(&self, text: impl Into<String>) {
        self.event(&Event::new(Level::Detail, EventKind::Detail, text));
    }

    /// A line of what a dry run would send.
    pub fn request(&self, line: &str) {
        self.event(&Event::new(Level::Request, EventKind::Request, line));
    }
}

#[cfg(test)]
mod tests {
    use super::ExitCode::{self, Current, Rejected, Retry, Usage};

    #[test]
    fn the_most_serious_exit_code_wins() {
        for (one, other, worse) in [
            (Current, Retry, Retry),
            (Retry, Current, Retry),
            (Retry, Rejected, Rejected),
            (Rejected, Retry, Rejected),
            (Rejected, Usage, Usage),
            (Current, Current, Current),
        ] {
            assert_eq!(one.worse(other), worse);
        }
        assert_eq!([Current, Retry, Usage, Rejected].map(ExitCode::code), [0, 1, 2, 3]);
    }
}
