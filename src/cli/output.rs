//! What the operator reads, and the exit code that goes with it. One line per fact; quiet when there is nothing to
//! say; never a secret; never waiting for a reader that is not there.

use crate::pass::event::{Event, EventKind, ExitCode, Level, Observer};
use crate::sys::clock;
use crate::sys::os;
use crate::sys::syslog::{self, Severity};
use crate::types::address::Family;
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

/// Prints events, and keeps the exit code of the run.
pub struct Report {
    pub json: bool,
    pub verbose: bool,
    pub quiet: bool,
    exit_code: Cell<ExitCode>,
    /// Events go to the system's log.
    syslog: Cell<bool>,
    /// What was printed, by section, where LuCI's page shows it.
    recorded: RefCell<Option<Vec<(String, String)>>>,
}

impl Report {
    pub fn new(json: bool, verbose: bool, quiet: bool) -> Report {
        let recorded = RefCell::new(None);
        Report { json, verbose, quiet, exit_code: Cell::new(ExitCode::Current), syslog: Cell::new(false), recorded }
    }

    /// From now on writes to the system's log too, or records what is printed.
    pub fn configure(&self, syslog: bool, record: bool) {
        self.syslog.set(syslog);
        self.recorded.replace(record.then(Vec::new));
    }

    /// What was printed since the last call, secrets masked: the section, or nothing, and the line.
    pub fn take_recorded(&self) -> Vec<(String, String)> {
        self.recorded.borrow_mut().as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Notes an exit code; the most serious of all counts.
    pub fn raise(&self, code: ExitCode) {
        self.exit_code.set(self.exit_code.get().worse(code));
    }

    pub fn exit_code(&self) -> ExitCode {
        self.exit_code.get()
    }

    /// Forgets exit codes and recorded lines, for the next pass of `--every`.
    pub fn begin(&self) {
        self.exit_code.set(ExitCode::Current);
        self.take_recorded();
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

    #[cfg(feature = "advice")]
    pub fn detail(&self, text: impl Into<String>) {
        self.event(&Event::new(Level::Detail, EventKind::Detail, text));
    }

    fn is_shown(&self, level: Level) -> bool {
        match level {
            Level::Problem | Level::Request => true,
            Level::Change => !self.quiet,
            Level::Detail => self.verbose,
        }
    }
}

impl Observer for Report {
    fn event(&self, event: &Event<'_>) {
        if !self.is_shown(event.level) {
            return;
        }
        if self.json {
            return out(&as_json(event));
        }
        if event.level == Level::Request {
            return out(&event.text);
        }
        let line = as_text(event);
        if let Some(recorded) = self.recorded.borrow_mut().as_mut().filter(|_| event.level != Level::Detail) {
            recorded.push((event.section.unwrap_or_default().to_string(), secret::mask(&line)));
        }
        if self.syslog.get() && syslog::tell(severity(event), &secret::mask(&line)) && !io::stderr().is_terminal() {
            return;
        }
        match event.level {
            Level::Problem => err(&line),
            _ => out(&line),
        }
    }
}

fn as_json(event: &Event<'_>) -> String {
    // What a dry run would send has no time of its own.
    if event.level == Level::Request {
        return Object::new().text("event", event.kind.name()).text("text", &event.text).end();
    }
    let mut object = Object::new()
        .text("time", &clock::stamp(clock::now()))
        .text("event", event.kind.name())
        .maybe("section", event.section)
        .maybe("host", event.host)
        .maybe("family", event.family.map(Family::name));
    if let Some(set) = event.address {
        object = object.addresses("address", set);
    }
    object.text("text", &event.text).end()
}

fn as_text(event: &Event<'_>) -> String {
    let mut line = String::new();
    if let Some(subject) = event.host.or(event.section) {
        line.push_str(subject);
        line.push_str(": ");
    }
    if let Some(family) = event.family {
        line.push_str(family.name());
        line.push(' ');
    }
    line + &event.text
}

fn severity(event: &Event<'_>) -> Severity {
    match event.level {
        Level::Problem if event.kind == EventKind::Warning => Severity::Warning,
        Level::Problem => Severity::Error,
        Level::Change | Level::Request => Severity::Notice,
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

#[cfg(feature = "uci")]
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
