//! One run of the binary: an empty environment, a time limit, and all its output.

use super::{clock, runner, Scratch};
use std::ffi::OsString;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{channel, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// A run that takes longer than this many seconds (for a native binary) is killed, and its test fails.
const LIMIT: u64 = 30;
/// How often memory is sampled; and otherwise, how often a process without output is checked.
const GLANCE: Duration = Duration::from_millis(2);
const LOOK: Duration = Duration::from_millis(20);
/// 2026-11-20 12:00:00 UTC, the start for tests that set the clock.
pub const NOON: i64 = 1_795_176_000;

/// A run before its start.
pub struct Run<'a> {
    scratch: &'a Scratch,
    program: Vec<OsString>,
    args: Vec<OsString>,
    env: Vec<(String, OsString)>,
    limit: Duration,
    trace: Option<String>,
    measure_memory: bool,
    /// An emulator runs the program.
    emulated: bool,
}

/// A completed run. `code` is `None` if a signal ended it.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    pub took: Duration,
    /// The peak of resident memory in KiB, if measured; the last two milliseconds are not included.
    pub peak: Option<u64>,
    /// The lines of strace, if requested.
    pub trace: Vec<String>,
}

impl<'a> Run<'a> {
    /// Runs homing.
    pub fn new(scratch: &'a Scratch) -> Run<'a> {
        Run::program(scratch, &runner::homing())
    }

    /// Runs homing with `homing.conf` of the scratch folder.
    pub fn pass(scratch: &'a Scratch) -> Run<'a> {
        Run::new(scratch).arg("-c").arg(scratch.path("homing.conf"))
    }

    /// Runs another program in the same way.
    pub fn program<S: Into<OsString> + Clone>(scratch: &'a Scratch, words: &[S]) -> Run<'a> {
        let run = Run {
            scratch,
            program: words.iter().cloned().map(Into::into).collect(),
            args: Vec::new(),
            env: Vec::new(),
            limit: runner::seconds(LIMIT),
            trace: None,
            measure_memory: false,
            emulated: runner::emulated(),
        };
        run.env("PATH", "/usr/bin:/bin").env("TZ", "UTC").env("RUNTIME_DIRECTORY", scratch.folder("run"))
    }

    pub fn arg(mut self, arg: impl Into<OsString>) -> Run<'a> {
        self.args.push(arg.into());
        self
    }

    pub fn args<S: Into<OsString>>(mut self, args: impl IntoIterator<Item = S>) -> Run<'a> {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets an environment variable; the last value counts.
    pub fn env(mut self, key: &str, value: impl Into<OsString>) -> Run<'a> {
        self.env.push((key.to_string(), value.into()));
        self
    }

    pub fn limit(mut self, limit: Duration) -> Run<'a> {
        self.limit = limit;
        self
    }

    /// Measures the peak of resident memory, except for emulated processes, where it is unknown.
    pub fn measure_memory(mut self) -> Run<'a> {
        self.measure_memory = true;
        self
    }

    /// With the wall clock fixed at this time ("2026-11-20 12:00:00", UTC). The monotonic clock runs on, so that
    /// deadlines work.
    pub fn at(self, time: &str) -> Run<'a> {
        self.at_second(clock::seconds(time))
    }

    /// As [`Run::at`], this many seconds after [`NOON`].
    pub fn at_noon_and(self, seconds: i64) -> Run<'a> {
        self.at_second(NOON + seconds)
    }

    fn at_second(self, time: i64) -> Run<'a> {
        let mut run = self;
        let emulator = runner::clock_emulator(&run.program);
        run.emulated |= emulator.is_some();
        run.program.splice(0..0, emulator.map(Into::into));
        clock::variables(time).into_iter().fold(run, |run, (name, value)| run.env(name, value))
    }

    /// Records the system calls selected by strace's `-e trace=`, of all threads and children.
    pub fn strace(mut self, filter: &str) -> Run<'a> {
        assert!(PathBuf::from("/usr/bin/strace").exists(), "strace is missing: apt-get install strace");
        self.trace = Some(filter.to_string());
        self
    }

    /// Runs it and waits for its end.
    pub fn go(self) -> Ended {
        let traced = self.scratch.path("strace.out");
        let mut words = Vec::new();
        if let Some(filter) = &self.trace {
            let strace = ["/usr/bin/strace", "-f", "-qq", "-s", "256", "-e"];
            words.extend(strace.map(OsString::from));
            words.extend([format!("trace={filter}").into(), "-o".into(), traced.clone().into(), "--".into()]);
        }
        words.extend(self.program.iter().chain(&self.args).cloned());
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).env_clear().envs(self.env.iter().cloned()).current_dir(self.scratch.root());
        command.process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());

        let began = Instant::now();
        let mut child = command.spawn().unwrap_or_else(|e| panic!("{words:?}: {e}"));
        let stdout = collect(child.stdout.take().unwrap());
        let stderr = collect(child.stderr.take().unwrap());
        let (status, peak) = self.wait(&mut child, &stdout, began);
        let took = began.elapsed();
        let (stdout, stderr) = (said(&stdout), said(&stderr));
        let Some(status) = status else {
            panic!("{words:?}: killed after {:?}\nstdout: {stdout}\nstderr: {stderr}", self.limit);
        };
        let trace = match self.trace {
            Some(_) => self.scratch.read("strace.out").lines().map(String::from).collect(),
            None => Vec::new(),
        };
        let _ = std::fs::remove_file(traced);
        Ended { code: status.code(), stdout, stderr, took, peak, trace }
    }

    /// The exit status, or `None` if it had to be killed; and the largest memory sample.
    fn wait(&self, child: &mut Child, output: &Receiver<Vec<u8>>, began: Instant) -> (Option<ExitStatus>, Option<u64>) {
        let (mut peak, mut closed) = (None, false);
        let measure_memory = self.measure_memory && !self.emulated;
        loop {
            if measure_memory {
                peak = peak.max(resident(child.id()));
            }
            if let Some(status) = child.try_wait().unwrap() {
                return (Some(status), peak);
            }
            if began.elapsed() > self.limit {
                // Kills its process group: its children, and under strace the program itself.
                let group = format!("-{}", child.id());
                let _ = Command::new("/bin/kill").args(["-KILL", "--", &group]).status();
                let _ = child.kill();
                let _ = child.wait();
                return (None, peak);
            }
            // The end of its output wakes this thread early; after that only the timeout does.
            let pause = if measure_memory || closed { GLANCE } else { LOOK };
            if closed {
                thread::park_timeout(pause);
            } else {
                closed = output.recv_timeout(pause) != Err(RecvTimeoutError::Timeout);
            }
        }
    }
}

/// Reads a pipe on a thread: sends an empty message at its end, then the text.
fn collect(mut pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (send, receive) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        let _ = send.send(Vec::new());
        let _ = send.send(bytes);
    });
    receive
}

/// The text from a pipe. A grandchild may keep it open after the child ended: that is not waited for.
fn said(output: &Receiver<Vec<u8>>) -> String {
    let mut text = Vec::new();
    while let Ok(bytes) = output.recv_timeout(Duration::from_secs(2)) {
        text = bytes;
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// The peak of a process's resident memory in KiB; `None` while it is still a copy of the test program.
fn resident(pid: u32) -> Option<u64> {
    let program = |pid: &str| std::fs::read_link(format!("/proc/{pid}/exe")).ok();
    if program(&pid.to_string()) == program("self") {
        return None;
    }
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}
