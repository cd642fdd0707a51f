//! The command line: arguments, output, and what each option does.

pub mod args;
#[cfg(feature = "advice")]
pub mod detect;
#[cfg(feature = "advice")]
pub mod list;
pub mod output;
pub mod status;
#[cfg(feature = "advice")]
pub mod svg;

use crate::config::{self, Config, Extent};
use crate::net::http::{self, Trust};
#[cfg(feature = "uci")]
use crate::openwrt::uci;
use crate::pass;
use crate::settings::{self, Settings};
use crate::sys::os;
use crate::types::{json, spelling};
use args::{Args, Task};
use output::{ExitCode, Report};
use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, Instant};

/// Runs homing with these arguments (without the program's name); returns the exit code.
pub fn run(words: impl Iterator<Item = OsString>) -> u8 {
    // A panic says where, and nothing that it held.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or(String::new(), |at| format!(" at {}:{}", at.file(), at.line()));
        output::err(&format!("homing stopped on a mistake of its own{place}; please report it"));
    }));
    os::no_core_dumps();
    http::settle_environment();
    let args = match args::parse(words) {
        Ok(args) => args,
        Err(why) => {
            output::err(&format!("homing: {why}"));
            return ExitCode::Usage.code();
        }
    };
    let report = Report::new(args.json, args.verbose, args.quiet);
    if let Err(lines) = perform(&args, &report) {
        lines.iter().for_each(|line| output::err(line));
        return ExitCode::Usage.code();
    }
    report.ending().code()
}

/// Does what was asked for. The error is what is wrong with the command line or the settings, a line each.
fn perform(args: &Args, report: &Report) -> Result<(), Vec<String>> {
    match &args.task {
        Task::Help => output::out(args::HELP.trim_end()),
        Task::Version if args.json => {
            output::out(&json::Object::new().text("version", env!("CARGO_PKG_VERSION")).end());
        }
        Task::Version => output::out(&format!("homing {}", env!("CARGO_PKG_VERSION"))),
        Task::List(name) => advice::list(name.as_deref(), args.json)?,
        Task::Check => check(args, report)?,
        Task::Status => status::status(&told(args)?, &args.suffix(), report),
        Task::History => {
            let config = build(&settings(args)?.0, Extent::Detection)?;
            status::history(&config, advice::drawing(args)?, report);
        }
        Task::Uci(path) => translate(path)?,
        Task::Detect => advice::detect(args, report)?,
        Task::LogOnly => {
            let config = build(&settings(args)?.0, Extent::Detection)?;
            if config.own == [None, None] {
                return Err(vec!["nothing to detect: ipv4 and ipv6 are both off".to_string()]);
            }
            let trust = Trust::establish(config.agent.ca_file.as_deref());
            repeat(args, &config, report, || pass::log_only(&config, &trust, report));
        }
        Task::Pass if args.verify && cfg!(not(feature = "verify")) => {
            return Err(vec![format!("--verify: {}", spelling::left_out("verify"))]);
        }
        Task::Pass => {
            let config = build(&settings(args)?.0, Extent::Whole)?;
            config::check_only(&config, &args.only).map_err(|why| vec![why])?;
            if config.targets.is_empty() && config.own == [None, None] {
                return Err(vec!["nothing to do: ipv4 and ipv6 are both off, and there is no section".to_string()]);
            }
            config.warnings.iter().filter(|_| args.verbose).for_each(|warning| report.warn(warning.as_str()));
            let trust = Trust::establish(config.agent.ca_file.as_deref());
            repeat(args, &config, report, || pass::run(args, &config, &trust, report));
        }
    }
    Ok(())
}

#[cfg(not(feature = "uci"))]
fn translate(_: &Path) -> Result<(), Vec<String>> {
    Err(vec![format!("--uci: {}", spelling::left_out("uci"))])
}

/// Prints UCI's settings as ours; what can't be honoured goes to the standard error.
#[cfg(feature = "uci")]
fn translate(path: &Path) -> Result<(), Vec<String>> {
    let told = uci::translate(path).map_err(|problems| lines(&problems))?;
    told.notes.iter().for_each(|note| output::err(&note.to_string()));
    output::settings(&told.text());
    Ok(())
}

/// One pass, or with `--every` one after the other for ever.
fn repeat(args: &Args, config: &Config, report: &Report, pass: impl Fn()) {
    report.speak(config.agent.syslog && !args.dry_run, config.agent.luci.log.is_some());
    loop {
        let begun = Instant::now();
        report.begin();
        pass();
        let Some(seconds) = args.every else { return };
        let next = begun + Duration::from_secs(seconds.unsigned_abs());
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
}

/// Reads the settings that the command line names. Also whether there is a file behind them.
fn settings(args: &Args) -> Result<(Settings, bool), Vec<String>> {
    let path = args.config.as_deref().unwrap_or(Path::new(args::DEFAULT_CONFIG));
    let (mut settings, found) = match Settings::read(path) {
        Ok(settings) => (settings, true),
        Err(error) => {
            let missing = error.kind() == std::io::ErrorKind::NotFound;
            let forgiven = match args.task {
                // These work without a config, also where the default one can't be read.
                Task::LogOnly | Task::Detect | Task::Status | Task::History => true,
                _ => missing && !args.set.is_empty(),
            };
            if args.config.is_some() || !forgiven {
                return Err(vec![no_settings(path, &error)]);
            }
            (Settings::empty(), false)
        }
    };
    // What is included is known only after the options; and what they say wins over it.
    let includes = args.set.iter().filter(|assignment| assignment.trim_start().starts_with("include"));
    for assignment in includes {
        settings.set(assignment).map_err(|why| vec![why])?;
    }
    settings.include(if found { path } else { Path::new("") });
    for assignment in &args.set {
        settings.set(assignment).map_err(|why| vec![why])?;
    }
    Ok((settings, found))
}

fn no_settings(path: &Path, error: &std::io::Error) -> String {
    let shown = path.display();
    match error.kind() {
        std::io::ErrorKind::NotFound => {
            format!("no settings: {shown} does not exist (homing --detect helps to write one; --set needs none)")
        }
        _ => format!("cannot read the settings {shown}: {error}"),
    }
}

fn build(settings: &Settings, extent: Extent) -> Result<Config, Vec<String>> {
    config::build(settings, extent).map_err(|problems| lines(&problems))
}

fn lines(problems: &[settings::Problem]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

/// Tells every mistake and every warning.
fn check(args: &Args, report: &Report) -> Result<(), Vec<String>> {
    let config = build(&settings(args)?.0, Extent::Whole)?;
    config.warnings.iter().for_each(|warning| report.warn(warning.as_str()));
    let hosts: usize = config.targets.iter().map(|target| target.hosts.len()).sum();
    let text = format!("the settings are good: {} section(s), {hosts} host(s)", config.targets.len());
    report.say(&output::Event::new(output::Level::Change, "checked", text));
    Ok(())
}

/// The config for `--status`: with its sections where their secrets can be read, without them elsewhere.
fn told(args: &Args) -> Result<Config, Vec<String>> {
    let (settings, _) = settings(args)?;
    config::build(&settings, Extent::Whole).or_else(|_| build(&settings, Extent::Detection))
}

/// What tells and does nothing.
#[cfg(feature = "advice")]
mod advice {
    use super::*;

    pub fn list(name: Option<&str>, json: bool) -> Result<(), Vec<String>> {
        match name {
            None => list::all(json),
            Some(name) => list::one(name, json).map_err(|why| vec![why])?,
        }
        Ok(())
    }

    /// Where the history's picture goes, and who draws it.
    pub fn drawing(args: &Args) -> Result<Option<status::Drawing<'_>>, Vec<String>> {
        Ok(args.svg.as_deref().map(|path| (path, svg::draw as status::Draw)))
    }

    pub fn detect(args: &Args, report: &Report) -> Result<(), Vec<String>> {
        let (mut settings, found) = settings(args)?;
        let beginner = !found && args.set.is_empty();
        if beginner {
            settings.set(&format!("ipv6={}", crate::provider::USUAL_DETECTORS)).map_err(|why| vec![why])?;
        }
        let config = build(&settings, Extent::Detection)?;
        let trust = Trust::establish(config.agent.ca_file.as_deref());
        let tell = |line: &str| report.detail(line);
        let http = pass::line(&config, &trust, report.verbose.then_some(&tell));
        detect::run(&config, &settings, beginner, &http, report);
        Ok(())
    }
}

/// A build without it says so.
#[cfg(not(feature = "advice"))]
mod advice {
    use super::*;

    fn left_out<T>(option: &str) -> Result<T, Vec<String>> {
        Err(vec![format!("{option}: {}", spelling::left_out("advice"))])
    }

    pub fn list(_: Option<&str>, _: bool) -> Result<(), Vec<String>> {
        left_out("--list")
    }

    pub fn drawing(args: &Args) -> Result<Option<status::Drawing<'_>>, Vec<String>> {
        args.svg.as_ref().map_or(Ok(None), |_| left_out("--svg"))
    }

    pub fn detect(_: &Args, _: &Report) -> Result<(), Vec<String>> {
        left_out("--detect")
    }
}
