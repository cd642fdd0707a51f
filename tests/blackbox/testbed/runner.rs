//! The program that tests run: the binary built by cargo, or another one (`HOMING_RUNNER`), possibly emulated. Only
//! this file treats emulators differently: how much longer they may take, and what cannot be observed through them.

use super::Scratch;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How many seconds an emulator may take, several at once on a small machine, for what takes one second natively.
const SLOWNESS: u32 = 8;
/// Runs a static binary for this machine so that its clock can be set: a library cannot be preloaded into it directly.
const CLOCK_EMULATOR: &str = "/usr/bin/qemu-x86_64";

/// The words of `HOMING_RUNNER`, split at blanks, such as `qemu-arm -cpu arm1176 /path/homing`.
fn replacement() -> Option<Vec<String>> {
    let words = std::env::var("HOMING_RUNNER").ok()?;
    Some(words.split_whitespace().map(String::from).collect()).filter(|words: &Vec<_>| !words.is_empty())
}

/// The command that runs homing.
pub fn homing() -> Vec<String> {
    replacement().unwrap_or_else(|| vec![env!("CARGO_BIN_EXE_homing").to_string()])
}

/// A command that starts homing in the scratch folder, for tests that do not wait for its end. As with `Run`, the
/// environment is bare, and the record of the last pass goes to the scratch folder instead of /run.
pub fn command(scratch: &Scratch) -> Command {
    let words = homing();
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).current_dir(scratch.root()).env_clear();
    command.env("PATH", "/usr/bin:/bin").env("RUNTIME_DIRECTORY", scratch.folder("run"));
    command
}

/// The same command in one string, for a shell.
pub fn homing_line() -> String {
    homing().join(" ")
}

/// The same command with the binary copied to `place`, where other users can execute it; `None` if it cannot be copied.
pub fn homing_at(place: &Path) -> Option<Vec<String>> {
    let mut words = homing();
    let binary = words.last_mut()?;
    // Copied by another process: a file open for writing in this one could be inherited by a child of a parallel test
    // and then not be executable ("text file busy").
    let copied = Command::new("cp").arg("--remove-destination").arg(&*binary).arg(place).status();
    copied.is_ok_and(|status| status.success()).then_some(())?;
    *binary = place.display().to_string();
    Some(words)
}

/// Whether an emulator runs the binary.
pub fn emulated() -> bool {
    homing().len() > 1
}

/// This many seconds for a native binary, as a time limit or in a config; longer if emulated.
pub fn seconds(native: u64) -> Duration {
    Duration::from_secs(native) * if emulated() { SLOWNESS } else { 1 }
}

/// A config with `timeout` and `deadline`, if given in seconds, adjusted to the runner.
pub fn adjusted(config: &str) -> String {
    let adjusted = |line: &str| {
        let (key, value) = line.split_once(" = ").filter(|(key, _)| ["timeout", "deadline"].contains(key))?;
        let native = value.strip_suffix('s')?.parse().ok()?;
        Some(format!("{key} = {}s", seconds(native).as_secs()))
    };
    let lines = config.split('\n').map(|line| adjusted(line).unwrap_or_else(|| line.to_string()));
    lines.collect::<Vec<_>>().join("\n")
}

/// Whether an emulator hides what a test observes. The test then leaves that out; this reports it.
pub fn emulator_hides(what: &str) -> bool {
    if emulated() {
        left_out(&format!("{what} (emulated)"));
    }
    emulated()
}

/// Prints, past libtest's capture, what a test leaves out and why, numbered, so that the last number shows how many
/// there are.
pub fn left_out(what: &str) {
    static COUNT: AtomicUsize = AtomicUsize::new(1);
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let line = format!("LEFT OUT {}: {test}: {what}\n", COUNT.fetch_add(1, Ordering::Relaxed));
    let _ = std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes());
}

/// The emulator that must run homing if its clock is set by a preloaded library.
pub fn clock_emulator(program: &[OsString]) -> Option<&'static str> {
    let binary = replacement()?;
    let alone = binary.len() == 1 && program.first().is_some_and(|word| *word == *binary[0]);
    alone.then_some(CLOCK_EMULATOR)
}
