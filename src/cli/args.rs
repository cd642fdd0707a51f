//! The command line, and the only door to the option package. What was typed is a type of its own here; what it
//! means together with a config is decided in `src/config/mod.rs`.

use crate::types::spelling::{nearest, shown};
use getopts::Options;
use std::ffi::OsString;
use std::path::PathBuf;

/// The config that is read when none is named.
pub const DEFAULT_CONFIG: &str = "/etc/homing.conf";

/// What `--help` prints. A test holds the options equal to those of homing(1).
pub const HELP: &str = "\
homing is a dynamic DNS client.

usage: homing [options]      run one pass: detect the address, update records

  -c, --config FILE    configuration file (default /etc/homing.conf)
  -o, --set KEY=VALUE  add or override a setting; SECTION.KEY=VALUE for a
                       section; needs no configuration file; repeatable
  -n, --dry-run        show what would be sent; send and write nothing
  -f, --force          update even if nothing changed or an update was rejected
      --only NAME      process only this section or host; repeatable
      --verify         ask the zone's name servers; update records that differ
  -l, --log-only       record the address in the history; update nothing
  -d, --detect         ask every configured detector and compare the answers
  -s, --status         show published addresses, pending and rejected updates
  -H, --history        show past addresses with start, end and duration
      --svg FILE       with --history: write a chart to FILE (- for stdout)
  -t, --check          check the configuration and exit with 0 or 2
  -L, --list [NAME]    list providers, presets and detectors; describe one
      --uci FILE       convert OpenWrt settings (UCI, ddns-scripts) and print
  -e, --every TIME     stay in the foreground and repeat the pass: 5m, 300
  -j, --json           print JSON, one object per line
  -v, --verbose        print each step
  -q, --quiet          print only problems
  -V, --version        print the version
  -h, --help           print this help

exit codes: 0 every record is up to date; 1 temporary failure, will be retried;
2 invalid command line or configuration, nothing attempted; 3 an update was
rejected, you must act

first steps: homing --detect
             man homing.conf
";

/// The long options, for suggestions.
const OPTIONS: &[&str] = &[
    "config", "set", "dry-run", "force", "only", "verify", "log-only", "detect", "status", "history", "svg", "check",
    "list", "uci", "every", "json", "verbose", "quiet", "version", "help",
];

/// What the process is asked to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Task {
    Pass,
    LogOnly,
    Detect,
    Status,
    History,
    Check,
    List(Option<String>),
    /// OpenWrt's settings, as ours.
    Uci(PathBuf),
    Version,
    Help,
}

/// The command line, as typed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Args {
    pub task: Task,
    /// `None`: the default one.
    pub config: Option<PathBuf>,
    pub set: Vec<String>,
    pub dry_run: bool,
    pub force: bool,
    pub only: Vec<String>,
    /// Ask what the zones' servers answer.
    pub verify: bool,
    /// Seconds between passes.
    pub every: Option<i64>,
    /// Where the history's picture goes.
    pub svg: Option<PathBuf>,
    pub json: bool,
    pub verbose: bool,
    pub quiet: bool,
}

impl Args {
    /// How the command that lifts a refusal goes on where a config was named; a shell takes it as it is.
    pub fn suffix(&self) -> String {
        let Some(path) = &self.config else { return String::new() };
        let path = path.display().to_string();
        match path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+,:@%".contains(c)) {
            true => format!(" -c {path}"),
            false => format!(" -c '{}'", path.replace('\'', "'\\''")),
        }
    }
}

/// Reads the command line. The error is one line and says what to do.
pub fn parse(words: impl Iterator<Item = OsString>) -> Result<Args, String> {
    let words: Vec<String> = words
        .map(|word| {
            let invalid = |word: OsString| {
                format!("argument '{}' is not valid UTF-8: correct it", shown(&word.to_string_lossy()))
            };
            word.into_string().map_err(invalid)
        })
        .collect::<Result<_, _>>()?;
    let mut options = Options::new();
    options.optopt("c", "config", "", "");
    options.optmulti("o", "set", "", "");
    options.optflag("n", "dry-run", "");
    options.optflag("f", "force", "");
    options.optmulti("", "only", "", "");
    options.optflag("", "verify", "");
    options.optflag("l", "log-only", "");
    options.optflag("d", "detect", "");
    options.optflag("s", "status", "");
    options.optflag("H", "history", "");
    options.optopt("", "svg", "", "");
    options.optflag("t", "check", "");
    options.optflagopt("L", "list", "", "");
    options.optopt("", "uci", "", "");
    options.optopt("e", "every", "", "");
    options.optflag("j", "json", "");
    options.optflagmulti("v", "verbose", "");
    options.optflag("q", "quiet", "");
    options.optflag("V", "version", "");
    options.optflag("h", "help", "");
    let found = options.parse(&words).map_err(told)?;

    let tasks = [
        ("help", Task::Help),
        ("version", Task::Version),
        // `-L NAME` and `--list=NAME` bind the name; `--list NAME` leaves it standing.
        ("list", Task::List(found.opt_str("list").or_else(|| found.free.first().cloned()))),
        ("uci", Task::Uci(found.opt_str("uci").unwrap_or_default().into())),
        ("check", Task::Check),
        ("detect", Task::Detect),
        ("status", Task::Status),
        ("history", Task::History),
        ("log-only", Task::LogOnly),
    ];
    let mut asked = tasks.into_iter().filter(|(name, _)| found.opt_present(name));
    let (name, task) = asked.next().unwrap_or(("", Task::Pass));
    let settled = matches!(task, Task::Help | Task::Version);
    if let Some((second, _)) = asked.next().filter(|_| !settled) {
        return Err(format!("--{name} and --{second} cannot be used together: remove one"));
    }
    let takes_name = usize::from(matches!(task, Task::List(_)) && found.opt_str("list").is_none());
    if let Some(extra) = found.free.get(takes_name).filter(|_| !settled) {
        // After --set it may be the second word of a secret.
        return Err(match found.opt_present("set") {
            true => "--set takes one argument: write --set 'KEY=VALUE' in quotes".to_string(),
            false => match nearest(extra, OPTIONS) {
                Some(option) => format!("'{}' is not an option: did you mean --{option}?", shown(extra)),
                None => format!("'{}' is not an option: see homing --help", shown(extra)),
            },
        });
    }
    let passes = matches!(task, Task::Pass | Task::LogOnly);
    let every = match found.opt_str("every") {
        Some(_) if !passes => return Err(format!("--every and --{name} cannot be used together: remove one")),
        Some(text) => Some(every(&text)?),
        None => None,
    };
    // What would be passed over in silence is refused.
    let idle = ["force", "only", "verify", "dry-run"].into_iter().find(|option| found.opt_present(option));
    if let Some(option) = idle.filter(|_| !settled && !passes) {
        return Err(format!("--{option} and --{name} cannot be used together: remove one"));
    }
    if let Some(option) = idle.filter(|option| *option != "dry-run" && task == Task::LogOnly) {
        return Err(format!(
            "--{option} and --log-only cannot be used together, because --log-only updates nothing: remove one"
        ));
    }
    if found.opt_present("dry-run") && task == Task::LogOnly {
        return Err("--dry-run and --log-only cannot be used together: use --detect".to_string());
    }
    if found.opt_present("svg") && task != Task::History && !settled {
        return Err("--svg needs --history: add it".to_string());
    }
    if found.opt_present("quiet") && found.opt_present("verbose") {
        return Err("--quiet and --verbose cannot be used together: remove one".to_string());
    }
    Ok(Args {
        task,
        config: found.opt_str("config").map(PathBuf::from),
        set: found.opt_strs("set"),
        dry_run: found.opt_present("dry-run"),
        force: found.opt_present("force"),
        only: found.opt_strs("only"),
        verify: found.opt_present("verify"),
        every,
        svg: found.opt_str("svg").map(PathBuf::from),
        json: found.opt_present("json"),
        verbose: found.opt_present("verbose"),
        quiet: found.opt_present("quiet"),
    })
}

/// Seconds of `--every`.
fn every(text: &str) -> Result<i64, String> {
    match crate::types::spelling::duration(text) {
        Some(seconds) if seconds >= 1 => Ok(seconds),
        Some(_) => Err(format!("--every: '{}' is too short: use at least 1s", shown(text))),
        None => Err(format!("--every: invalid duration '{}': write for example 5m or 300", shown(text))),
    }
}

fn told(fail: getopts::Fail) -> String {
    use getopts::Fail;
    let dashed = |name: &str| if name.len() == 1 { format!("-{name}") } else { format!("--{name}") };
    let text = match fail {
        Fail::ArgumentMissing(name) => format!("{} needs a value", dashed(&name)),
        Fail::UnrecognizedOption(name) => {
            let hint = nearest(&name, OPTIONS).map_or(String::new(), |option| format!(": did you mean --{option}?"));
            format!("unknown option '{}'{hint}", shown(&dashed(&name)))
        }
        Fail::OptionMissing(name) => format!("{} is missing", dashed(&name)),
        Fail::OptionDuplicated(name) => format!("{} is given twice", dashed(&name)),
        Fail::UnexpectedArgument(name) => format!("{} takes no value", dashed(&name)),
    };
    format!("{text} (see homing --help)")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(line: &str) -> Result<Args, String> {
        parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn no_words_are_a_pass() {
        let args = typed("").expect("good");
        assert_eq!(args.task, Task::Pass);
        assert_eq!(args.config, None);
    }

    #[test]
    fn options_are_read() {
        let args = typed("-c x.conf -o a=1 --set b.c=2 -n -f --only home --only h.example -e 5m -j -v").expect("good");
        assert_eq!(args.config, Some(PathBuf::from("x.conf")));
        assert_eq!(args.set, ["a=1", "b.c=2"]);
        assert_eq!(args.only, ["home", "h.example"]);
        assert_eq!(args.every, Some(300));
        assert!(args.dry_run && args.force && args.json && args.verbose && !args.quiet);
        assert_eq!(typed("-L").expect("good").task, Task::List(None));
        assert_eq!(typed("--list dyn").expect("good").task, Task::List(Some("dyn".to_string())));
        assert_eq!(typed("--list=dyn").expect("good").task, Task::List(Some("dyn".to_string())));
        assert_eq!(typed("-L dyn").expect("good").task, Task::List(Some("dyn".to_string())));
        assert_eq!(typed("--help --status").expect("good").task, Task::Help);
    }

    #[test]
    fn a_config_is_named_as_a_shell_takes_it() {
        let suffix = |path: &str| parse(["-c".into(), path.into()].into_iter()).expect("good").suffix();
        assert_eq!(typed("").expect("good").suffix(), "");
        assert_eq!(suffix("/etc/homing.d/x-1.conf"), " -c /etc/homing.d/x-1.conf");
        assert_eq!(suffix("it's mine.conf"), " -c 'it'\\''s mine.conf'");
    }

    #[test]
    fn mistakes_say_what_to_do() {
        for (line, want) in [
            ("--statsu", "unknown option '--statsu': did you mean --status? (see homing --help)"),
            ("-c", "-c needs a value (see homing --help)"),
            ("home", "'home' is not an option: see homing --help"),
            ("status", "'status' is not an option: did you mean --status?"),
            ("-s -H", "--status and --history cannot be used together: remove one"),
            ("-s -e 5m", "--every and --status cannot be used together: remove one"),
            ("-s --svg x.svg", "--svg needs --history: add it"),
            ("-e 0", "--every: '0' is too short: use at least 1s"),
            ("-e soon", "--every: invalid duration 'soon': write for example 5m or 300"),
            ("-q -v", "--quiet and --verbose cannot be used together: remove one"),
            ("-l -n", "--dry-run and --log-only cannot be used together: use --detect"),
        ] {
            assert_eq!(typed(line), Err(want.to_string()), "{line}");
        }
    }

    #[test]
    fn help_is_short_and_narrow() {
        assert!(HELP.lines().count() < 40);
        assert!(HELP.lines().all(|line| line.len() <= 80));
    }
}
