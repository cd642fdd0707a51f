//! Creates and migrates the tables on MariaDB. DDL commits by itself there, so a step that was interrupted runs again; and
//! several processes may start at once, so a lease says whose turn it is. sqlx's own lock does nothing on MariaDB:
//! `GET_LOCK(?, -1)` gives NULL.

use crate::server::clock;
use crate::server::store::error::During;
use crate::server::store::rows::Id;
use crate::server::store::schema::MARIADB_TABLE;
use crate::server::store::statement::{execute, fetch, values, Columns, Statement};
use crate::server::store::Error;
use sqlx::{AnyConnection, Executor};
use std::time::{Duration, Instant};

/// How long the lease of a process that ended without giving it back lasts, in milliseconds.
const LEASE: i64 = 60_000;
/// How long another process is waited for.
const PATIENCE: Duration = Duration::from_secs(90);
const LEASE_TABLE: &str = "CREATE TABLE IF NOT EXISTS lease (name VARCHAR(64) NOT NULL PRIMARY KEY, \
    owner VARCHAR(32) NOT NULL, ends BIGINT NOT NULL)";
const TAKE: &str = "UPDATE lease SET ends = ?, owner = ? WHERE name = 'migration' AND ends <= ?";
const ADD: &str = "INSERT IGNORE INTO lease (name, owner, ends) VALUES ('migration', ?, ?)";
const GIVE: &str = "DELETE FROM lease WHERE name = 'migration' AND owner = ?";

/// What the database holds.
enum Found {
    /// Tables of this version; 0 for none, or for a creation that was interrupted.
    Version(usize),
    /// Tables of another program, one of them.
    Foreign(String),
}

/// Brings the tables to the newest version.
pub(super) async fn migrate(connection: &mut AnyConnection, steps: &[&[&str]]) -> Result<(), Error> {
    let newest = steps.len();
    if current(connection, newest).await? {
        return Ok(());
    }
    ddl(connection, LEASE_TABLE).await?;
    let owner = Id::new();
    wait_for_turn(connection, owner).await?;
    let done = step_by_step(connection, steps).await;
    let _ = execute(connection, &Statement { sql: GIVE, values: values![owner] }).await;
    done
}

/// Whether nothing is to be done.
async fn current(connection: &mut AnyConnection, newest: usize) -> Result<bool, Error> {
    match look(connection).await? {
        Found::Version(version) if version > newest => Err(Error::Unusable(format!(
            "the database's version is {version}, this homing-server knows versions up to {newest}: use the newer \
             homing-server, or a copy of the database from before"
        ))),
        Found::Version(version) => Ok(version == newest),
        Found::Foreign(table) => Err(Error::Unusable(format!(
            "the database holds tables of another program, such as '{table}' of ddns-service; it was not changed. Give \
             an empty database in [database], and bring users and hostnames over with 'homing-server import'"
        ))),
    }
}

async fn look(connection: &mut AnyConnection) -> Result<Found, Error> {
    let sql = "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()";
    let rows = reading(fetch(connection, sql, vec![]).await)?;
    let tables = rows.iter().map(|row| Columns(row).text("name")).collect::<Result<Vec<_>, _>>()?;
    if !tables.iter().any(|table| table == "meta") {
        // An interrupted start leaves the table of the lease.
        let foreign = tables.into_iter().find(|table| table != "lease");
        return Ok(foreign.map_or(Found::Version(0), Found::Foreign));
    }
    match fetch(connection, "SELECT version FROM meta WHERE one = 1", vec![]).await {
        // Unknown column: another program's table of this name.
        Err(error) if Error::number(&error) == Some(1054) => Ok(Found::Foreign("meta".to_string())),
        rows => match reading(rows)?.first() {
            Some(row) => Ok(Found::Version(usize::try_from(Columns(row).int("version")?).unwrap_or(usize::MAX))),
            None => Ok(Found::Version(0)),
        },
    }
}

async fn wait_for_turn(connection: &mut AnyConnection, owner: Id) -> Result<(), Error> {
    let begun = Instant::now();
    loop {
        let now = clock::wall();
        let take = Statement { sql: TAKE, values: values![now + LEASE, owner, now] };
        let add = Statement { sql: ADD, values: values![owner, now + LEASE] };
        for statement in [take, add] {
            match execute(connection, &statement).await {
                Ok(0) => {}
                Ok(_) => return Ok(()),
                // A deadlock with another process that tries the same: nothing was changed.
                Err(error) if Error::number(&error) == Some(1213) => {}
                Err(error) => return Err(Error::from_sqlx(&error, During::Commit)),
            }
        }
        if begun.elapsed() > PATIENCE {
            return Err(Error::Unavailable("another process is migrating the database".to_string()));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn step_by_step(connection: &mut AnyConnection, steps: &[&[&str]]) -> Result<(), Error> {
    // The process that had the turn before may have done it.
    let Found::Version(found) = look(connection).await? else { return current(connection, 0).await.map(drop) };
    if found > 0 && found < steps.len() {
        back_up(connection, found).await?;
    }
    for (version, step) in steps.iter().enumerate().skip(found) {
        for statement in *step {
            let ending = if statement.starts_with("CREATE TABLE") { MARIADB_TABLE } else { "" };
            ddl(connection, &format!("{statement}{ending}")).await?;
        }
        let next = version + 1;
        let first = "INSERT IGNORE INTO meta (one, version, beat, served, clean) VALUES (1, 0, 0, 0, 1)";
        ddl(connection, first).await?;
        ddl(connection, &format!("UPDATE meta SET version = {next} WHERE one = 1")).await?;
    }
    Ok(())
}

/// Keeps a copy of each table beside it, named for the version. One that exists stays: it is from before a migration that
/// was interrupted.
async fn back_up(connection: &mut AnyConnection, version: usize) -> Result<(), Error> {
    for table in ["meta", "account", "token", "host", "txt", "outbox"] {
        let copy = format!("CREATE TABLE IF NOT EXISTS {table}_v{version}{MARIADB_TABLE} AS SELECT * FROM {table}");
        ddl(connection, &copy).await?;
    }
    Ok(())
}

/// A statement that can run again. No deadline: changing a large table may take long.
async fn ddl(connection: &mut AnyConnection, sql: &str) -> Result<(), Error> {
    match connection.execute(sqlx::AssertSqlSafe(sql.to_string())).await {
        Ok(_) => Ok(()),
        // The column or index is there: this step was interrupted after it.
        Err(error) if matches!(Error::number(&error), Some(1060 | 1061)) => Ok(()),
        Err(error) => Err(Error::from_sqlx(&error, During::Commit)),
    }
}

fn reading<T>(outcome: Result<T, sqlx::Error>) -> Result<T, Error> {
    outcome.map_err(|error| Error::from_sqlx(&error, During::Uncommitted))
}
