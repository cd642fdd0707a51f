//! The database. The only module that names sqlx; SQLite and MariaDB run the same SQL text.
//!
//! Rules of the SQL: `?` for values, `BIGINT` and text columns only, no NULL (an absent address is the empty text), no
//! booleans, `CAST` around `SUM`. In an UPDATE, a column that an expression reads is assigned after that expression:
//! MariaDB assigns from left to right and sees new values, SQLite sees the old ones.
//!
//! Every write is a list of statements that needs no answer in between (conditions stand in WHERE), so it can be
//! repeated after a deadlock, and on SQLite many callers share one commit.

mod account;
mod copy;
mod error;
mod host;
mod mariadb;
mod meta;
mod outbox;
mod rows;
mod schema;
mod sqlite;
mod statement;
mod token;
mod txt;

pub use copy::Copied;
pub use error::Error;
pub use rows::*;

use crate::server::config;
use error::During;
use sqlx::any::AnyRow;
use sqlx::AnyPool;
use statement::{Statement, Value};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The longest wait for any statement. sqlx has no deadline of its own: a stopped MariaDB is waited for without end.
pub const DEADLINE: Duration = Duration::from_secs(5);

/// The database. Cheap to clone; all clones share connections.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    /// For reads; on MariaDB for everything.
    pool: AnyPool,
    writer: Writer,
}

enum Writer {
    Sqlite { queue: sqlite::Queue, file: PathBuf },
    MariaDb,
}

impl Store {
    /// Opens the database that the configuration names; creates and migrates it where needed. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`Error::Unusable`] where an operator is needed (not ours, newer, damaged, no permission), else
    /// [`Error::Unavailable`] or [`Error::DiskFull`].
    pub async fn open(database: &config::Database) -> Result<Store, Error> {
        Store::open_at(database, schema::STEPS).await
    }

    /// Opens it at the version to which these steps lead.
    async fn open_at(database: &config::Database, steps: &[&[&str]]) -> Result<Store, Error> {
        match database {
            config::Database::Sqlite { path } => sqlite::open(path, steps).await,
            config::Database::MariaDb(server) => mariadb::open(server, steps).await,
        }
    }

    /// The SQLite file; `None` with MariaDB.
    pub fn file(&self) -> Option<&Path> {
        match &self.0.writer {
            Writer::Sqlite { file, .. } => Some(file),
            Writer::MariaDb => None,
        }
    }

    /// Ends all connections in good order. Waits for writes that are under way.
    pub async fn close(&self) {
        if let Writer::Sqlite { queue, .. } = &self.0.writer {
            queue.close().await;
        }
        let _ = tokio::time::timeout(DEADLINE, self.0.pool.close()).await;
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// What it said instead.
    pub async fn ping(&self) -> Result<(), Error> {
        self.rows("SELECT version FROM meta", vec![]).await.map(drop)
    }

    /// The rows of a query.
    async fn rows(&self, sql: &'static str, values: Vec<Value>) -> Result<Vec<AnyRow>, Error> {
        let run = async {
            let mut connection = self.0.pool.acquire().await?;
            let rows = statement::fetch(&mut connection, sql, values).await;
            if rows.is_err() {
                connection.close_on_drop();
            }
            rows
        };
        // Dropped at the deadline: a connection that is in the middle of an answer must not be used again.
        match tokio::time::timeout(DEADLINE, run).await {
            Ok(rows) => rows.map_err(|error| Error::from_sqlx(&error, During::Uncommitted)),
            Err(_) => Err(Error::timeout(During::Uncommitted)),
        }
    }

    /// Runs one statement; how many rows it changed.
    async fn write(&self, sql: &'static str, values: Vec<Value>) -> Result<u64, Error> {
        let counts = self.batch(vec![Statement { sql, values }]).await?;
        Ok(counts.first().copied().unwrap_or(0))
    }

    /// Runs statements in one transaction; how many rows each changed.
    async fn batch(&self, statements: Vec<Statement>) -> Result<Vec<u64>, Error> {
        if statements.is_empty() {
            return Ok(vec![]);
        }
        match &self.0.writer {
            Writer::Sqlite { queue, .. } => queue.run(statements).await,
            Writer::MariaDb => mariadb::run(&self.0.pool, statements).await,
        }
    }
}

#[cfg(test)]
mod failure_tests;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
