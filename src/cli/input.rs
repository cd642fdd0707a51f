//! Reads the settings that the command line names: the file, its includes, and `--set`.

use crate::cli::args::{Args, Task, DEFAULT_CONFIG};
use crate::config::{self, Config, Extent};
use crate::settings::{Problem, Settings};
use std::path::Path;

/// Reads the settings. Also whether there is a file behind them.
pub fn settings(args: &Args) -> Result<(Settings, bool), Vec<String>> {
    let path = args.config.as_deref().unwrap_or(Path::new(DEFAULT_CONFIG));
    let (mut settings, found) = match Settings::read(path) {
        Ok(settings) => (settings, true),
        Err(error) => {
            let missing = error.kind() == std::io::ErrorKind::NotFound;
            let optional = match args.task {
                // These work without a configuration, also where the default one cannot be read.
                Task::LogOnly | Task::Detect | Task::Status | Task::History => true,
                _ => missing && !args.set.is_empty(),
            };
            if args.config.is_some() || !optional {
                return Err(vec![no_settings(path, &error)]);
            }
            (Settings::empty(), false)
        }
    };
    // `--set include=` decides what is included; every other `--set` overrides what the included files say.
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
            format!("configuration file '{shown}' does not exist: homing --detect helps to write one; --set needs none")
        }
        _ => format!("cannot read the configuration file '{shown}': {error}: check its permissions"),
    }
}

/// Builds the configuration; the error is its mistakes, a line each.
pub fn build(settings: &Settings, extent: Extent) -> Result<Config, Vec<String>> {
    config::build(settings, extent).map_err(|problems| lines(&problems))
}

/// How many problems of a configuration are printed.
const MOST_PROBLEMS: usize = 20;

pub fn lines(problems: &[Problem]) -> Vec<String> {
    let mut lines: Vec<String> = problems.iter().take(MOST_PROBLEMS).map(ToString::to_string).collect();
    if problems.len() > MOST_PROBLEMS {
        lines.push(format!("{} more problems are not shown: fix these first", problems.len() - MOST_PROBLEMS));
    }
    lines
}
