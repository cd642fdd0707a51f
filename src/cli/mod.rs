//! The command line: arguments, output, and what each option does.

pub mod args;
#[cfg(feature = "advice")]
mod detect;
mod input;
#[cfg(feature = "advice")]
mod list;
mod optional;
mod output;
mod status;
#[cfg(feature = "advice")]
mod svg;

use crate::config::{self, Config, Extent};
use crate::net::http::{self, Trust};
#[cfg(feature = "uci")]
use crate::openwrt::luci;
use crate::pass::event::{Event, EventKind, ExitCode, Level, Observer};
use crate::pass::{self, PassOptions, PassReport};
use crate::sys::os;
use crate::types::{json, spelling};
use args::{Args, Task};
use output::Report;
use std::ffi::OsString;
use std::time::{Duration, Instant};

/// Runs homing with these arguments (without the program's name); returns the exit code.
pub fn run(arguments: impl Iterator<Item = OsString>) -> u8 {
    // A panic names its place, and nothing that the process held.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or(String::new(), |at| format!(" at {}:{}", at.file(), at.line()));
        output::err(&format!("homing: internal error{place}; please report this bug"));
    }));
    os::no_core_dumps();
    http::settle_environment();
    let args = match args::parse(arguments) {
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
    report.exit_code().code()
}

/// Does what was asked for. The error is what is wrong with the command line or the settings, a line each.
fn perform(args: &Args, report: &Report) -> Result<(), Vec<String>> {
    match &args.task {
        Task::Help => output::out(args::HELP.trim_end()),
        Task::Version if args.json => {
            output::out(&json::Object::new().text("version", env!("CARGO_PKG_VERSION")).end());
        }
        Task::Version => output::out(&format!("homing {}", env!("CARGO_PKG_VERSION"))),
        Task::List(name) => optional::list(name.as_deref(), args.json)?,
        Task::Check => check(args, report)?,
        Task::Status => status::status(&status_config(args)?, &args.suffix(), report),
        Task::History => {
            let config = input::build(&input::settings(args)?.0, Extent::Detection)?;
            status::history(&config, optional::drawing(args)?, report);
        }
        Task::Uci(path) => optional::translate(path)?,
        Task::Detect => optional::detect(args, report)?,
        Task::LogOnly => {
            let config = input::build(&input::settings(args)?.0, Extent::Detection)?;
            if config.own == [None, None] {
                return Err(
                    vec!["nothing to detect: ipv4 and ipv6 are both off: set at least one of them".to_string()],
                );
            }
            let trust = Trust::establish(config.agent.ca_file.as_deref());
            repeat(args, &config, report, || pass::log_only(&config, report.verbose, &trust, report));
        }
        Task::Pass if args.verify && cfg!(not(feature = "verify")) => {
            return Err(vec![format!("--verify is {}", spelling::left_out("verify"))]);
        }
        Task::Pass => {
            let config = input::build(&input::settings(args)?.0, Extent::Whole)?;
            config::check_only(&config, &args.only).map_err(|why| vec![why])?;
            if config.targets.is_empty() && config.own == [None, None] {
                return Err(vec![
                    "nothing to do: ipv4 and ipv6 are both off, and there is no section: set one, or add a section"
                        .to_string(),
                ]);
            }
            config.warnings.iter().filter(|_| args.verbose).for_each(|warning| report.warn(warning.as_str()));
            let trust = Trust::establish(config.agent.ca_file.as_deref());
            let options = pass_options(args);
            repeat(args, &config, report, || pass::run(&config, &options, &trust, report));
        }
    }
    Ok(())
}

fn pass_options(args: &Args) -> PassOptions {
    PassOptions {
        dry_run: args.dry_run,
        force: args.force,
        only: args.only.clone(),
        verify: args.verify,
        verbose: args.verbose,
        command_suffix: args.suffix(),
    }
}

/// One pass, or with `--every` one after the other until the process is stopped.
fn repeat(args: &Args, config: &Config, report: &Report, pass: impl Fn() -> PassReport) {
    report.configure(config.agent.syslog && !args.dry_run, config.agent.luci.log.is_some());
    loop {
        let begun = Instant::now();
        report.begin();
        let result = pass();
        report.raise(result.exit_code);
        #[cfg(feature = "uci")]
        if args.task == Task::Pass && !args.dry_run {
            let sections: Vec<&str> = config.targets.iter().map(|target| target.name.as_str()).collect();
            luci::write(&config.agent.luci, &sections, &result.state, &report.take_recorded(), args.every);
        }
        let Some(seconds) = args.every else { return };
        let next = begun + Duration::from_secs(seconds.unsigned_abs());
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
}

/// Reports every mistake and every warning.
fn check(args: &Args, report: &Report) -> Result<(), Vec<String>> {
    let config = input::build(&input::settings(args)?.0, Extent::Whole)?;
    config.warnings.iter().for_each(|warning| report.warn(warning.as_str()));
    let hosts: usize = config.targets.iter().map(|target| target.hosts.len()).sum();
    let counted = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let text = format!("configuration OK: {}, {}", counted(config.targets.len(), "section"), counted(hosts, "host"));
    report.event(&Event::new(Level::Change, EventKind::Checked, text));
    Ok(())
}

/// The configuration for `--status`: without its sections where their secrets cannot be read.
fn status_config(args: &Args) -> Result<Config, Vec<String>> {
    let (settings, _) = input::settings(args)?;
    config::build(&settings, Extent::Whole).or_else(|_| input::build(&settings, Extent::Detection))
}
