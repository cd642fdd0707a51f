//! MariaDB, one server or a Galera cluster.

mod migration;

use super::error::During;
use super::statement::{execute, Statement};
use super::{Error, Inner, Store, Writer, DEADLINE};
use crate::server::config::MariaDb;
use sqlx::any::AnyPoolOptions;
use sqlx::{AnyConnection, AnyPool, Connection};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Tries of a transaction that lost against another one.
const TRIES: usize = 4;
/// A connection that was idle for longer is tried first: the server may have closed it.
const IDLE: Duration = Duration::from_secs(10);

pub(super) async fn open(server: &MariaDb, steps: &[&[&str]]) -> Result<Store, Error> {
    sqlx::any::install_default_drivers();
    let options = server.url.expose().parse();
    let options = options.map_err(|_| Error::Unusable("[database] url: not a URL of MariaDB".to_string()))?;
    let pool = AnyPoolOptions::new()
        .max_connections(16)
        .acquire_timeout(DEADLINE)
        .test_before_acquire(false)
        .before_acquire(|connection, about| {
            Box::pin(async move {
                if about.idle_for > IDLE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(options);
    let mut connection = match timeout(DEADLINE, pool.acquire()).await {
        Ok(connection) => connection.map_err(|error| Error::from_sqlx(&error, During::Uncommitted))?,
        Err(_) => return Err(Error::timeout(During::Uncommitted)),
    };
    let migrated = migration::migrate(&mut connection, steps).await;
    // Whatever it was waiting for must not be read by the next user of the connection.
    if migrated.is_err() {
        connection.close_on_drop();
    }
    migrated?;
    drop(connection);
    Ok(Store(Arc::new(Inner { pool, writer: Writer::MariaDb })))
}

/// Runs statements in one transaction; how many rows each matched. On a task of its own, so that a caller who is no
/// longer interested leaves no connection behind in the middle of an answer.
pub(super) async fn run(pool: &AnyPool, statements: Vec<Statement>) -> Result<Vec<u64>, Error> {
    let pool = pool.clone();
    let task = tokio::spawn(async move { retried(&pool, &statements).await });
    task.await.unwrap_or_else(|_| Err(Error::Unknown("the task that wrote it ended".to_string())))
}

async fn retried(pool: &AnyPool, statements: &[Statement]) -> Result<Vec<u64>, Error> {
    let mut during = During::Uncommitted;
    let attempts = async {
        let mut tries = 1;
        loop {
            during = During::Uncommitted;
            match once(pool, statements, &mut during).await {
                Err(error) if Error::is_deadlock(&error) && tries < TRIES => tries += 1,
                other => return other,
            }
        }
    };
    match timeout(DEADLINE, attempts).await {
        Ok(outcome) => outcome.map_err(|error| Error::from_sqlx(&error, during)),
        Err(_) => Err(Error::timeout(during)),
    }
}

async fn once(pool: &AnyPool, statements: &[Statement], during: &mut During) -> Result<Vec<u64>, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let done = transaction(&mut connection, statements, during).await;
    if done.is_err() {
        connection.close_on_drop();
    }
    done
}

async fn transaction(
    connection: &mut AnyConnection,
    statements: &[Statement],
    during: &mut During,
) -> Result<Vec<u64>, sqlx::Error> {
    if let [statement] = statements {
        *during = During::Commit;
        return Ok(vec![execute(connection, statement).await?]);
    }
    let mut transaction = connection.begin().await?;
    let mut counts = Vec::with_capacity(statements.len());
    for statement in statements {
        counts.push(execute(&mut transaction, statement).await?);
    }
    *during = During::Commit;
    transaction.commit().await?;
    Ok(counts)
}
