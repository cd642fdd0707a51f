//! `migrate`: copies a database into another one.

use super::{failed, output, Failure, DONE};
use crate::server::clock;
use crate::server::config::{self, Config, Extent};
use crate::server::store::{Error, Store};
use std::path::Path;

/// A daemon whose last heartbeat is younger than this is taken to run.
const RUNNING: i64 = 30_000;

pub(super) async fn run(from: &Store, config: &Config, to: &Path) -> Result<u8, Failure> {
    let target = config::load(to, Extent::Database)
        .map_err(|problems| Failure::Wrong(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")))?;
    if target.database == config.database {
        return failed(format!("{}: [database] is the one that is to be copied", to.display()));
    }
    let beat = from.heartbeat().await?;
    if !beat.clean && (clock::wall() - beat.at).abs() < RUNNING {
        return failed("a daemon is using the database: stop it first, or updates would be lost");
    }
    let into = Store::open(&target.database).await?;
    let copied = into.copy_all(from).await;
    into.close().await;
    match copied {
        Ok(counts) => {
            output::line(&format!("copied: {counts}"));
            Ok(DONE)
        }
        Err(Error::Conflict(_)) => failed(format!("{}: [database] is not empty: nothing was copied", to.display())),
        Err(error) => failed(format!("{}: the copy failed and was taken back: {error}", to.display())),
    }
}
