//! What the operator reads, and the exit code that goes with it. One line per fact; quiet when there is nothing to
//! say; never a secret; never waiting for a reader that is not there.

use crate::sys::clock;
use crate::sys::os;
use crate::sys::syslog::{self, Severity};
use crate::types::address::{Family, Set};
use crate::types::json::Object;
use crate::types::secret;
use std::cell::{Cell, RefCell};
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Nobody reads: the first such line is given up after this, those that follow at once.
const PATIENCE: Duration = Duration::from_secs(2);
/// A pipe that is ready takes this much without blocking (pipe(7), PIPE_BUF).
const PIECE: usize = 4096;

/// Whether a line was given up. A pass holds the lock while it speaks, so it waits for a reader only once.
static STALLED: AtomicBool = AtomicBool::new(false);

/// How a run ends: the exit code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExitCode {
    /// All current: updated or already so.
    Current = 0,
    /// Something must be tried again.
    Retry = 1,
    /// Command line or settings wrong, nothing attempted.
    Usage = 2,
    /// A provider refused: a person must act.
    Rejected = 3,
}

impl ExitCode {
    /// The worse of two, in the order wrong, refused, again, current.
    pub fn worse(self, other: ExitCode) -> ExitCode {
        let rank = |ending: ExitCode| match ending {
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

    pub fn code(self) -> u8 {
        self as u8
    }
}

/// How much a fact matters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Level {
    /// Something changed: said unless `--quiet`.
    Change,
    /// Something is wrong: always said.
    Problem,
    /// Said with `--verbose`.
    Detail,
}

/// One fact.
#[derive(Clone, Debug)]
pub struct Event<'a> {
    pub weight: Level,
    /// One word for programs: `updated`, `unchanged`, `later`, `refused`, `address`, `warning` …
    pub event: &'static str,
    pub section: Option<&'a str>,
    pub host: Option<&'a str>,
    pub family: Option<Family>,
    pub address: Option<&'a Set>,
    pub text: String,
}

impl<'a> Event<'a> {
    pub fn new(weight: Level, event: &'static str, text: impl Into<String>) -> Event<'a> {
        Event { weight, event, section: None, host: None, family: None, address: None, text: text.into() }
    }
}

/// Where facts go.
pub struct Report {
    pub json: bool,
    pub verbose: bool,
    pub quiet: bool,
    ending: Cell<ExitCode>,
    /// Facts go to the system's log.
    syslog: Cell<bool>,
    /// What was said, by section, where somebody wants it afterwards.
    heard: RefCell<Option<Vec<(String, String)>>>,
}

impl Report {
    pub fn new(json: bool, verbose: bool, quiet: bool) -> Report {
        let heard = RefCell::new(None);
        Report { json, verbose, quiet, ending: Cell::new(ExitCode::Current), syslog: Cell::new(false), heard }
    }

    /// Speaks from now on as the settings want it: to the system's log, or so that it can be heard again.
    pub fn speak(&self, syslog: bool, again: bool) {
        self.syslog.set(syslog);
        self.heard.replace(again.then(Vec::new));
    }

    /// What was said since the last time, secrets masked: the section, or nothing, and the line.
    pub fn heard(&self) -> Vec<(String, String)> {
        self.heard.borrow_mut().as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Notes an ending; the worst of all counts.
    pub fn end(&self, ending: ExitCode) {
        self.ending.set(self.ending.get().worse(ending));
    }

    pub fn ending(&self) -> ExitCode {
        self.ending.get()
    }

    /// Forgets the endings and what was said so far, for the next pass of `--every`.
    pub fn begin(&self) {
        self.ending.set(ExitCode::Current);
        self.heard();
    }

    /// Says a fact, to whom it concerns.
    pub fn say(&self, fact: &Event<'_>) {
        let heard = match fact.weight {
            Level::Problem => true,
            Level::Change => !self.quiet,
            Level::Detail => self.verbose,
        };
        if !heard {
            return;
        }
        if self.json {
            let mut object = Object::new()
                .text("time", &clock::stamp(clock::now()))
                .text("event", fact.event)
                .maybe("section", fact.section)
                .maybe("host", fact.host)
                .maybe("family", fact.family.map(Family::name));
            if let Some(set) = fact.address {
                object = object.addresses("address", set);
            }
            return out(&object.text("text", &fact.text).end());
        }
        let mut line = String::new();
        if let Some(subject) = fact.host.or(fact.section) {
            line.push_str(subject);
            line.push_str(": ");
        }
        if let Some(family) = fact.family {
            line.push_str(family.name());
            line.push(' ');
        }
        line.push_str(&fact.text);
        if let Some(heard) = self.heard.borrow_mut().as_mut().filter(|_| fact.weight != Level::Detail) {
            heard.push((fact.section.unwrap_or_default().to_string(), secret::mask(&line)));
        }
        if self.syslog.get() && syslog::tell(severity(fact), &secret::mask(&line)) && !io::stderr().is_terminal() {
            return;
        }
        match fact.weight {
            Level::Problem => err(&line),
            Level::Change | Level::Detail => out(&line),
        }
    }

    /// A line of what a dry run would send.
    pub fn show(&self, line: &str) {
        match self.json {
            true => out(&Object::new().text("event", "request").text("text", line).end()),
            false => out(line),
        }
    }

    /// Trouble that concerns no host.
    pub fn trouble(&self, ending: ExitCode, text: impl Into<String>) {
        self.end(ending);
        self.say(&Event::new(Level::Problem, "trouble", text));
    }

    /// Something that a person should know, without consequences.
    pub fn warn(&self, text: impl Into<String>) {
        let text: String = text.into();
        self.say(&Event::new(Level::Problem, "warning", format!("warning: {text}")));
    }

    pub fn detail(&self, text: impl Into<String>) {
        self.say(&Event::new(Level::Detail, "detail", text));
    }
}

fn severity(fact: &Event<'_>) -> Severity {
    match fact.weight {
        Level::Problem if fact.event == "warning" => Severity::Warning,
        Level::Problem => Severity::Error,
        Level::Change => Severity::Notice,
        Level::Detail => Severity::Info,
    }
}

/// Prints a line that was asked for.
pub fn out(line: &str) {
    print(&io::stdout(), line);
}

/// Prints a line of trouble.
pub fn err(line: &str) {
    print(&io::stderr(), line);
}

/// Prints settings, secrets and all: whoever asks for them had them, and starts homing with what is printed.
pub fn settings(text: &str) {
    write(&io::stdout(), text);
}

/// Writes a line in pieces that do not block, and gives it up where nobody takes them: state is saved, and that is
/// what counts.
fn print<T>(to: &T, line: &str)
where
    T: AsFd,
    for<'a> &'a T: Write,
{
    let mut text = secret::mask(line);
    text.push('\n');
    write(to, &text);
}

fn write<T>(to: &T, text: &str)
where
    T: AsFd,
    for<'a> &'a T: Write,
{
    let patience = if STALLED.load(Ordering::Relaxed) { Duration::ZERO } else { PATIENCE };
    let until = Instant::now() + patience;
    for piece in text.as_bytes().chunks(PIECE) {
        let mut writer = to;
        if !os::wait_writable(to.as_fd(), until) {
            return STALLED.store(true, Ordering::Relaxed);
        }
        if writer.write_all(piece).and_then(|()| writer.flush()).is_err() {
            return;
        }
    }
}
