//! The command line. Every command but `--daemon` is carried out here.

mod args;
mod cleanup;
mod hostname;
mod migrate;
mod output;
mod service;
mod token;
mod transfer;
mod user;

use super::config::{self, Config, Extent};
use super::store::{Account, Error, Store};
use crate::sys::os;
use args::{Args, Command, Task};
use clap::Parser;
use std::ffi::OsString;
use std::fmt;
use std::future::Future;
use std::path::Path;

/// Done.
const DONE: u8 = 0;
/// The command failed.
const FAILED: u8 = 1;
/// The command line or the configuration is wrong.
const WRONG: u8 = 2;

/// Why a command did not do what was asked. The texts name the object and the reason.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Failure {
    /// Exit code 1.
    Failed(String),
    /// Exit code 2.
    Wrong(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Failed(error.to_string())
    }
}

/// A failure of the command, with its text.
fn failed<T>(what: impl fmt::Display) -> Result<T, Failure> {
    Err(Failure::Failed(what.to_string()))
}

/// Runs homing-server with these arguments, the program's name first; returns the exit code.
pub fn run(args: impl Iterator<Item = OsString>) -> u8 {
    // Passwords and keys are in memory.
    os::no_core_dumps();
    let args = match Args::try_parse_from(args) {
        Ok(args) => args,
        Err(error) => {
            let _ = error.print();
            return u8::try_from(error.exit_code()).unwrap_or(WRONG);
        }
    };
    let outcome = args.task().map_err(Failure::Wrong).and_then(|task| perform(task, args.config.as_deref()));
    match outcome {
        Ok(code) => code,
        Err(Failure::Failed(why)) => {
            output::error(&why);
            FAILED
        }
        Err(Failure::Wrong(why)) => {
            output::error(&why);
            WRONG
        }
    }
}

fn perform(task: Task, file: Option<&Path>) -> Result<u8, Failure> {
    let file = file.map_or_else(config::default_file, Path::to_path_buf);
    let load = |extent| {
        config::load(&file, extent)
            .map_err(|problems| Failure::Wrong(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")))
    };
    let command = match task {
        Task::Check => {
            service::check(&load(Extent::All)?)?;
            output::line(&format!("{}: the configuration is correct", file.display()));
            return Ok(DONE);
        }
        Task::Daemon { debug } => return service::serve(load(Extent::All)?, debug),
        Task::InitDb => {
            let config = load(Extent::Database)?;
            return wait(async {
                Store::open(&config.database).await?.close().await;
                Ok(DONE)
            });
        }
        Task::Command(command) => command,
    };
    let config = load(command.extent())?;
    wait(with_store(command, config))
}

async fn with_store(command: Command, config: Config) -> Result<u8, Failure> {
    let store = Store::open(&config.database).await?;
    let done = match command {
        Command::User(user) => user::run(user, &store).await,
        Command::Token(token) => token::run(token, &store).await,
        Command::Hostname(hostname) => hostname::run(hostname, &store, &config).await,
        Command::Cleanup { dry_run, force } => cleanup::run(&store, &config, dry_run, force).await,
        Command::Import { file } => transfer::import(&store, &config.defaults, &file).await,
        Command::Export => transfer::export(&store).await,
        Command::Migrate { to } => migrate::run(&store, &config, &to).await,
    };
    store.close().await;
    done
}

/// Runs a command to its end.
fn wait(command: impl Future<Output = Result<u8, Failure>>) -> Result<u8, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Failed(format!("no threads can be started: {error}")))?;
    runtime.block_on(command)
}

/// The user of this name.
async fn account(store: &Store, name: &str) -> Result<Account, Failure> {
    match store.account_by_name(name).await? {
        Some(account) => Ok(account),
        None => failed(format!("user '{}' does not exist", output::shown(name))),
    }
}
