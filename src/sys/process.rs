//! Runs a command of the operator's: without a shell, for so long and not longer, and nothing of it stays behind.
//! It stands apart because detectors and hooks need the same care, and because nothing that a program does (never
//! ending, writing without end, leaving children that hold its output open) may stop or fool a pass.
//!
//! What counts as its answer: the program itself must end before the deadline. Then its output is read to the end, or
//! until one second later (or the deadline) where some child it left behind still holds the pipe: all that the program
//! itself wrote is there by then. Whatever is left of its process group is killed, in every case.

use crate::sys::os;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// Where a command without a path is looked for, unless `env` brings another PATH.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// How long a pipe that others hold open is still read after the program has ended.
const GRACE: Duration = Duration::from_secs(1);
/// How long we wait for what SIGKILL must end; only a process stuck inside the kernel takes longer.
const REAP: Duration = Duration::from_secs(1);
/// The longest input: fits any pipe's buffer (pipe(7)), so that writing it never waits for a reader.
pub const LONGEST_INPUT: usize = 4096;

/// A command to run.
pub struct Run<'a> {
    /// The program and its arguments, passed on as they are.
    pub argv: &'a [String],
    /// The whole environment of the child, besides a default PATH. Nothing of ours is handed on.
    pub env: &'a [(&'a str, String)],
    /// What it can read from its standard input (`LONGEST_INPUT` at most); `None` is /dev/null.
    pub input: Option<&'a [u8]>,
    /// Bytes of its standard output that are kept; one more and the run has failed.
    pub cap: usize,
    /// When it must have ended.
    pub until: Instant,
}

/// How a run ended.
#[derive(Debug)]
pub enum Outcome {
    /// By itself, with an exit code; whether 0 is asked is for the caller to say.
    Exited {
        /// Its exit code.
        code: i32,
        /// All that it wrote to its standard output.
        stdout: Vec<u8>,
    },
    /// By a signal of that number.
    Signalled(i32),
    /// It wrote more than `cap` bytes and was killed.
    TooMuchOutput,
    /// It had not ended at the deadline and was killed.
    DeadlinePassed,
    /// It could not be started; or, as the error says then, it could not be watched.
    NotStarted(io::Error),
}

/// A run that did not end well, in the words of a person.
pub fn told(program: &str, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Exited { code, .. } => format!("{program} ended with exit code {code}"),
        Outcome::Signalled(signal) => format!("{program} was ended by signal {signal}"),
        Outcome::TooMuchOutput => format!("{program} printed too much and was killed"),
        Outcome::DeadlinePassed => format!("{program} did not end in time and was killed"),
        Outcome::NotStarted(error) => format!("cannot run {program}: {error}"),
    }
}

/// Runs a command to its end, or ends it. Returns soon after `until` whatever the command does.
pub fn run(run: &Run) -> Outcome {
    let mut child = match start(run) {
        Ok(child) => child,
        Err(error) => return Outcome::NotStarted(error),
    };
    let watched = watch(&mut child, run);
    // Before the child is reaped, so that the group's number can't be another's by now.
    os::kill_group(child.id());
    let status = reap(&mut child);
    let stdout = match watched {
        Ok(Watched::Ended(stdout)) => stdout,
        Ok(Watched::Overflow) => return Outcome::TooMuchOutput,
        Ok(Watched::Late) => return Outcome::DeadlinePassed,
        Err(error) => return unclear(&error),
    };
    match status {
        Ok(Some(status)) => match (status.code(), status.signal()) {
            (Some(code), _) => Outcome::Exited { code, stdout },
            (None, Some(signal)) => Outcome::Signalled(signal),
            (None, None) => unclear(&io::Error::other("neither exit code nor signal")),
        },
        Ok(None) => Outcome::DeadlinePassed,
        // Whoever started us ignores SIGCHLD: the kernel forgets the status then (wait(2)).
        Err(error) => unclear(&error),
    }
}

fn unclear(error: &io::Error) -> Outcome {
    Outcome::NotStarted(io::Error::new(error.kind(), format!("it was started, but how it ended is not known: {error}")))
}

fn start(run: &Run) -> io::Result<Child> {
    let wrong = |what| io::Error::new(io::ErrorKind::InvalidInput, what);
    let (program, arguments) = run.argv.split_first().ok_or_else(|| wrong("the command is empty"))?;
    if run.input.is_some_and(|input| input.len() > LONGEST_INPUT) {
        return Err(wrong("its input is too long"));
    }
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .env("PATH", PATH)
        .envs(run.env.iter().map(|(key, value)| (key, value)))
        .process_group(0)
        .stdin(if run.input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        // Under cron, stderr is a letter to the operator, sent when all who hold it are gone: a program's chatter
        // would be mail at every pass, and a daemon it leaves would keep cron waiting.
        .stderr(Stdio::null())
        .spawn()?;
    if let (Some(mut stdin), Some(input)) = (child.stdin.take(), run.input) {
        // A program that doesn't read what it is told is no fault: the pipe breaks, and that is all.
        let _ = stdin.write_all(input);
    }
    Ok(child)
}

enum Watched {
    Ended(Vec<u8>),
    Overflow,
    Late,
}

/// Reads until the program has ended and its output too, or until either has had its time. Reaps nothing.
fn watch(child: &mut Child, run: &Run) -> io::Result<Watched> {
    let mut stdout = child.stdout.take();
    let mut output = Vec::new();
    let mut until = run.until;
    let end = os::end_of(child.id());
    let mut ended = false;
    let mut pause = Duration::from_millis(1);
    loop {
        let now = Instant::now();
        if !ended && os::has_ended(child.id()) {
            ended = true;
            until = until.min(now + GRACE);
        }
        if ended && stdout.is_none() {
            return Ok(Watched::Ended(output));
        }
        if !ended && now >= until {
            return Ok(Watched::Late);
        }
        // Kernels that can't tell us of the end are asked for it, ever more rarely.
        let turn = if ended || end.is_some() { until } else { until.min(now + pause) };
        pause = (pause * 2).min(Duration::from_millis(20));
        let end = end.as_ref().filter(|_| !ended);
        let fds: Vec<_> = stdout.iter().map(AsFd::as_fd).chain(end.map(AsFd::as_fd)).collect();
        let ready = os::wait_readable(&fds, turn)?;
        let Some(pipe) = &mut stdout else { continue };
        if ready.first() == Some(&true) {
            if !more(pipe, &mut output)? {
                stdout = None;
            }
        } else if ended && Instant::now() >= until {
            return Ok(Watched::Ended(output));
        }
        if output.len() > run.cap {
            return Ok(Watched::Overflow);
        }
    }
}

/// One read from a pipe that is ready; `false` at its end.
fn more(pipe: &mut ChildStdout, output: &mut Vec<u8>) -> io::Result<bool> {
    let mut piece = [0; 4096];
    match pipe.read(&mut piece) {
        Ok(0) => Ok(false),
        Ok(n) => {
            output.extend_from_slice(piece.get(..n).unwrap_or_default());
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(true),
        Err(error) => Err(error),
    }
}

/// Takes the dead child's status; `None` where even SIGKILL has not ended it in time.
fn reap(child: &mut Child) -> io::Result<Option<std::process::ExitStatus>> {
    let until = Instant::now() + REAP;
    let end = os::end_of(child.id());
    loop {
        let status = child.try_wait()?;
        if status.is_some() || Instant::now() >= until {
            return Ok(status);
        }
        let turn = if end.is_some() { until } else { until.min(Instant::now() + Duration::from_millis(5)) };
        let fds: Vec<_> = end.iter().map(AsFd::as_fd).collect();
        os::wait_readable(&fds, turn)?;
    }
}

/// Splits a command line at blanks. Double and single quotes keep words together, `\"` and `\\` stand for themselves
/// inside double quotes, and nothing else has a meaning: no variables, no `~`, no `*`, no `;`.
pub fn split(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None; // `Some` as soon as a word has begun: "" is a word too
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            blank if blank.is_ascii_whitespace() => words.extend(word.take()),
            quote @ ('"' | '\'') => {
                let word = word.get_or_insert_with(String::new);
                loop {
                    match letters.next() {
                        None => return Err(format!("the quote {quote} is not closed in: {line}")),
                        Some(end) if end == quote => break,
                        Some('\\') if quote == '"' && matches!(letters.peek(), Some('"' | '\\')) => {
                            word.extend(letters.next());
                        }
                        Some(inside) => word.push(inside),
                    }
                }
            }
            plain => word.get_or_insert_with(String::new).push(plain),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn after(seconds: u64) -> Instant {
        Instant::now() + Duration::from_secs(seconds)
    }

    fn go(argv: &[&str], until: Instant) -> Outcome {
        let argv: Vec<String> = argv.iter().map(|word| word.to_string()).collect();
        run(&Run { argv: &argv, env: &[], input: None, cap: 4096, until })
    }

    fn said(outcome: Outcome) -> String {
        match outcome {
            Outcome::Exited { code: 0, stdout } => String::from_utf8(stdout).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// Killing is not instant; a zombie that init has not collected yet is gone for our purposes.
    fn assert_gone(pid: &str) {
        let limit = after(10);
        let stat = format!("/proc/{}/stat", pid.trim());
        while std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ") && !stat.contains(") X ")) {
            assert!(Instant::now() < limit, "{pid} lives on");
            std::thread::yield_now();
        }
    }

    #[test]
    fn output_and_exit_code() {
        assert_eq!(said(go(&["printf", "%s", "203.0.113.7"], after(20))), "203.0.113.7");
        assert!(matches!(
            go(&["sh", "-c", "echo 1.2.3.4; exit 3"], after(20)),
            Outcome::Exited { code: 3, stdout } if stdout == b"1.2.3.4\n"
        ));
        assert!(matches!(go(&["sh", "-c", "kill -9 $$"], after(20)), Outcome::Signalled(9)));
    }

    #[test]
    fn a_missing_program_and_an_empty_command() {
        assert!(matches!(go(&["/no/such/program"], after(20)), Outcome::NotStarted(_)));
        assert!(matches!(go(&["no-such-program-anywhere"], after(20)), Outcome::NotStarted(_)));
        assert!(matches!(go(&[], after(20)), Outcome::NotStarted(_)));
        assert!(matches!(go(&["echo", "a\0b"], after(20)), Outcome::NotStarted(_)));
    }

    #[test]
    fn nothing_is_expanded_and_nothing_inherited() {
        assert_eq!(said(go(&["printf", "%s", "$(id) `id` $HOME;*"], after(20))), "$(id) `id` $HOME;*");
        assert_eq!(said(go(&["env"], after(20))), format!("PATH={PATH}\n"));
        let argv = ["env".to_owned()];
        let env = [("PATH", "/bin:/usr/bin".to_owned()), ("HOMING_IP", "$(touch x)".to_owned())];
        let all = said(run(&Run { argv: &argv, env: &env, input: None, cap: 4096, until: after(20) }));
        assert!(all.contains("PATH=/bin:/usr/bin\n") && all.contains("HOMING_IP=$(touch x)\n"), "{all}");
    }

    #[test]
    fn input_reaches_it_and_may_be_ignored() {
        let (cat, deaf) = (["cat".to_owned()], ["true".to_owned()]);
        let input = vec![b'x'; LONGEST_INPUT];
        let with = |argv, input| run(&Run { argv, env: &[], input: Some(input), cap: 4096, until: after(20) });
        assert_eq!(said(with(&cat, &input)).len(), LONGEST_INPUT);
        assert_eq!(said(with(&deaf, &input)), "");
        assert!(matches!(with(&cat, &[0; LONGEST_INPUT + 1]), Outcome::NotStarted(_)));
        assert_eq!(said(go(&["cat"], after(20))), "");
    }

    #[test]
    fn the_cap_is_exact_and_ends_the_endless() {
        let argv = ["printf".to_owned(), "12345678".to_owned()];
        let capped = |cap| run(&Run { argv: &argv, env: &[], input: None, cap, until: after(20) });
        assert_eq!(said(capped(8)), "12345678");
        assert!(matches!(capped(7), Outcome::TooMuchOutput));
        let start = Instant::now();
        assert!(matches!(go(&["yes"], after(60)), Outcome::TooMuchOutput));
        assert!(start.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn the_deadline_ends_it_and_its_children() {
        let note = std::env::temp_dir().join(format!("homing-process-{}", std::process::id()));
        let script = "sleep 999 & echo $! > \"$NOTE.new\"; mv \"$NOTE.new\" \"$NOTE\"; exec sleep 999";
        let argv = ["sh", "-c", script].map(str::to_owned);
        let env = [("NOTE", note.to_str().unwrap().to_owned())];
        let start = Instant::now();
        let until = start + Duration::from_millis(400);
        let outcome = run(&Run { argv: &argv, env: &env, input: None, cap: 4096, until });
        assert!(matches!(outcome, Outcome::DeadlinePassed), "{outcome:?}");
        assert!(start.elapsed() < Duration::from_secs(20));
        match std::fs::read_to_string(&note) {
            Ok(pid) => assert_gone(&pid),
            Err(_) => eprintln!("SKIPPED: this machine was too slow to start the grandchild in time"),
        }
        let _ = std::fs::remove_file(note);
    }

    #[test]
    fn closing_its_output_does_not_free_it_from_the_deadline() {
        let until = Instant::now() + Duration::from_millis(200);
        let outcome = go(&["sh", "-c", "exec >&-; exec sleep 999"], until);
        assert!(matches!(outcome, Outcome::DeadlinePassed), "{outcome:?}");
    }

    #[test]
    fn a_grandchild_that_keeps_the_pipe_is_not_waited_for() {
        let start = Instant::now();
        let pid = said(go(&["sh", "-c", "sleep 999 & echo $!"], after(300)));
        assert!(start.elapsed() < Duration::from_secs(60));
        assert_gone(&pid);
    }

    #[test]
    fn a_grandchild_that_never_stops_writing_is_too_much() {
        assert!(matches!(go(&["sh", "-c", "yes & exit 0"], after(60)), Outcome::TooMuchOutput));
    }

    #[test]
    fn a_grandchild_out_of_the_group_is_not_waited_for() {
        if !["/usr/bin/setsid", "/bin/setsid"].iter().any(|path| Path::new(path).exists()) {
            return eprintln!("SKIPPED: no setsid here");
        }
        let start = Instant::now();
        assert_eq!(said(go(&["sh", "-c", "setsid sleep 5 & echo yes"], after(300))), "yes\n");
        assert!(start.elapsed() < Duration::from_secs(4));
    }

    #[test]
    fn lines_split() {
        let good: [(&str, &[&str]); 11] = [
            ("", &[]),
            ("  \t ", &[]),
            ("/bin/x", &["/bin/x"]),
            (" a  b\tc ", &["a", "b", "c"]),
            ("a \"b c\" 'd e'", &["a", "b c", "d e"]),
            ("pre\"fix ed\"post", &["prefix edpost"]),
            ("a \"\" ''", &["a", "", ""]),
            (r#""say \"hi\" \\ \n""#, &[r#"say "hi" \ \n"#]),
            (r#"'no \" escape \'"#, &[r#"no \" escape \"#]),
            (r"C:\dir $HOME ~ * ; | $(x)", &[r"C:\dir", "$HOME", "~", "*", ";", "|", "$(x)"]),
            ("\"it's\" 'a \"b\"' é", &["it's", "a \"b\"", "é"]),
        ];
        for (line, words) in good {
            assert_eq!(split(line).unwrap(), words, "{line}");
        }
        for bad in ["\"", "'", "a \"b", "a 'b", "\"a\\\"", "\"a' b", "x\"\\"] {
            assert!(split(bad).is_err(), "{bad}");
        }
    }
}
