//! Where the daemon's messages go: standard output, the system's log, or a file that is rotated by its size.

use crate::server::config::{Daemon, LogLevel, LogTarget};
use crate::sys::clock;
use std::fmt::{self, Write as _};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// Of one message in the system's log (RFC 3164 §4.1 has 1024; journald and syslog-ng take more).
const LONGEST_PACKET: usize = 8192;

/// The log. Clones write to the same place.
#[derive(Clone)]
pub struct Log {
    state: Arc<Mutex<State>>,
    debug: bool,
}

struct State {
    level: Level,
    target: Target,
}

enum Target {
    Stdout,
    Syslog { path: PathBuf, facility: u8, socket: Option<UnixDatagram> },
    File(Rotated),
}

impl Log {
    /// Opens the log and lets the whole process write to it.
    ///
    /// # Errors
    /// The file cannot be opened, or there is a log already.
    pub fn start(daemon: &Daemon, debug: bool) -> Result<Log, String> {
        let state = State { level: level(daemon, debug), target: Target::open(&daemon.log_target)? };
        let log = Log { state: Arc::new(Mutex::new(state)), debug };
        let subscriber = tracing_subscriber::registry().with(log.clone());
        tracing::subscriber::set_global_default(subscriber).map_err(|error| error.to_string())?;
        Ok(log)
    }

    /// Opens it anew, perhaps elsewhere.
    ///
    /// # Errors
    /// The new file cannot be opened; the old log stays.
    pub fn reopen(&self, daemon: &Daemon) -> Result<(), String> {
        let state = State { level: level(daemon, self.debug), target: Target::open(&daemon.log_target)? };
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
        Ok(())
    }
}

fn level(daemon: &Daemon, debug: bool) -> Level {
    match daemon.log_level {
        _ if debug => Level::DEBUG,
        LogLevel::Debug => Level::DEBUG,
        LogLevel::Info => Level::INFO,
        LogLevel::Warning => Level::WARN,
        LogLevel::Error => Level::ERROR,
    }
}

/// The names of the configuration and of ddns-service's log.
fn name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARNING",
        Level::INFO => "INFO",
        _ => "DEBUG",
    }
}

impl<S: Subscriber> Layer<S> for Log {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let level = *event.metadata().level();
        // Of the crates below us only warnings: their details are not ours to explain.
        let ours = event.metadata().target().starts_with("homing");
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if level > state.level || (!ours && level > Level::WARN) {
            return;
        }
        let mut text = Text(String::new());
        event.record(&mut text);
        state.target.write(level, &one_line(&text.0));
    }
}

/// The message of an event, with its fields behind it.
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a String cannot fail.
        let _ = match field.name() {
            "message" => write!(self.0, "{value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        };
    }
}

/// A message must not look like two.
fn one_line(text: &str) -> String {
    let escape = |c: char| match c {
        c if c.is_control() => c.escape_default().to_string(),
        c => c.to_string(),
    };
    text.chars().map(escape).collect()
}

impl Target {
    fn open(target: &LogTarget) -> Result<Target, String> {
        Ok(match target {
            LogTarget::Stdout => Target::Stdout,
            LogTarget::Syslog { socket, facility } => {
                Target::Syslog { path: socket.clone(), facility: *facility, socket: None }
            }
            LogTarget::File { path, size, versions } => Target::File(Rotated::open(path, *size, *versions)?),
        })
    }

    /// A message that cannot be written is lost: there is nowhere to complain.
    fn write(&mut self, level: Level, text: &str) {
        match self {
            Target::Stdout => {
                let _ = writeln!(std::io::stdout().lock(), "{} {text}", name(level));
            }
            Target::Syslog { path, facility, socket } => {
                let packet = packet(*facility, level, text, clock::now());
                // The second try is for a log that was restarted.
                for _ in 0..2 {
                    if socket.is_none() {
                        *socket = connect(path).ok();
                    }
                    match socket.as_ref().map(|socket| socket.send(packet.as_bytes())) {
                        Some(Ok(_)) => return,
                        _ => *socket = None,
                    }
                }
            }
            Target::File(file) => file.write(&format!("{} {} {text}\n", clock::stamp(clock::now()), name(level))),
        }
    }
}

fn connect(path: &Path) -> std::io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.connect(path)?;
    // A log that hangs must not stop the service.
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// As RFC 3164 and logger(1) have it.
fn packet(facility: u8, level: Level, text: &str, at: clock::Timestamp) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let severity = match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    };
    let stamp = clock::stamp(at);
    let number = |from: usize| stamp.get(from..from + 2).and_then(|digits| digits.parse::<usize>().ok()).unwrap_or(1);
    let month = MONTHS.get(number(5).saturating_sub(1)).unwrap_or(&"Jan");
    let priority = u32::from(facility) * 8 + severity;
    let time = stamp.get(11..19).unwrap_or("00:00:00");
    let mut packet =
        format!("<{priority}>{month} {:>2} {time} homing-server[{}]: {text}", number(8), std::process::id());
    let end = (0..=LONGEST_PACKET.min(packet.len())).rev().find(|end| packet.is_char_boundary(*end));
    packet.truncate(end.unwrap_or(0));
    packet
}

/// A file that is renamed to `FILE.1` when it is full, `FILE.1` to `FILE.2`, and so on.
struct Rotated {
    path: PathBuf,
    file: Option<File>,
    written: u64,
    /// 0: without a limit.
    size: u64,
    versions: u32,
}

impl Rotated {
    fn open(path: &Path, size: u64, versions: u32) -> Result<Rotated, String> {
        let (file, written) = append(path).map_err(|error| format!("[daemon] log_file {}: {error}", path.display()))?;
        Ok(Rotated { path: path.to_path_buf(), file: Some(file), written, size, versions })
    }

    fn write(&mut self, line: &str) {
        let length = u64::try_from(line.len()).unwrap_or(u64::MAX);
        if self.size > 0 && self.written > 0 && self.written.saturating_add(length) > self.size {
            self.rotate();
        }
        if self.file.is_none() {
            // A disk that was full, or a folder that was gone.
            if let Ok((file, written)) = append(&self.path) {
                (self.file, self.written) = (Some(file), written);
            }
        }
        if let Some(file) = &mut self.file {
            match file.write_all(line.as_bytes()) {
                Ok(()) => self.written = self.written.saturating_add(length),
                Err(_) => self.file = None,
            }
        }
    }

    fn rotate(&mut self) {
        let version = |number: u32| {
            let mut name = self.path.clone().into_os_string();
            name.push(format!(".{number}"));
            PathBuf::from(name)
        };
        for number in (1..self.versions).rev() {
            let _ = fs::rename(version(number), version(number + 1));
        }
        let _ = match self.versions {
            0 => fs::remove_file(&self.path),
            _ => fs::rename(&self.path, version(1)),
        };
        self.file = None;
    }
}

fn append(path: &Path) -> std::io::Result<(File, u64)> {
    let file = OpenOptions::new().append(true).create(true).mode(0o640).open(path)?;
    let length = file.metadata()?.len();
    Ok((file, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_rotated_at_its_size_and_keeps_so_many_versions() {
        let folder = crate::server::store::testing::Folder::new();
        let path = folder.0.join("server.log");
        let mut log = Rotated::open(&path, 30, 2).unwrap();
        for number in 0..10 {
            log.write(&format!("message {number}\n"));
        }
        let read = |name: &str| fs::read_to_string(folder.0.join(name)).unwrap_or_default();
        assert_eq!(read("server.log"), "message 9\n");
        assert_eq!(read("server.log.1"), "message 6\nmessage 7\nmessage 8\n");
        assert_eq!(read("server.log.2"), "message 3\nmessage 4\nmessage 5\n");
        assert_eq!(read("server.log.3"), "");
    }

    #[test]
    fn a_packet_names_facility_severity_and_program() {
        let at = clock::parse_stamp("2026-11-05T03:21:07Z").unwrap();
        let packet = packet(16, Level::WARN, &"ü".repeat(9000), at);
        let head = format!("<132>Nov  5 03:21:07 homing-server[{}]: ü", std::process::id());
        assert!(packet.starts_with(&head) && packet.len() <= LONGEST_PACKET, "{}", &packet[..60]);
    }

    #[test]
    fn a_message_is_one_line() {
        assert_eq!(one_line("a\r\nb\u{1b}[0m\u{e9}"), "a\\r\\nb\\u{1b}[0m\u{e9}");
    }
}
