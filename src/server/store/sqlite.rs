//! SQLite: one file, one connection that writes, some that read.
//! Writes of many callers that wait at the same time share one commit: a commit waits for the disk (`synchronous=FULL`,
//! so that a revoked token stays revoked), and everything else of a write is cheap.

use super::error::During;
use super::statement::{execute, Statement};
use super::{Error, Inner, Store, Writer, DEADLINE};
use crate::sys::os;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyConnection, AnyPool, Connection, Executor};
use std::fs;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// `PRAGMA application_id` of our files: "hoSv".
const APPLICATION: u32 = 0x686f_5376;
/// Where the header keeps it (<https://sqlite.org/fileformat.html#the_database_header>).
const APPLICATION_AT: usize = 68;
const HEADER: usize = 100;
/// Callers that share one commit at most.
const SHARED: usize = 256;
/// Less than [`DEADLINE`], so that "locked" is SQLite's answer and not a timeout of unknown outcome.
const BUSY: &str = "PRAGMA busy_timeout = 4000";

/// Whose file it is.
#[derive(PartialEq, Eq, Debug)]
enum Owner {
    /// There is none, or an empty one.
    Nobody,
    Ours,
    /// An SQLite database of another program.
    Other,
    /// No SQLite database.
    None,
}

/// Looks at the file's header only: SQLite itself would leave files beside a database in WAL mode.
fn owner(file: &Path) -> Result<Owner, Error> {
    let mut header = [0; HEADER];
    let mut open = match fs::File::open(file) {
        Ok(open) => open,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Owner::Nobody),
        Err(error) => return Err(unusable(file, &format!("cannot be read: {error}"))),
    };
    if open.metadata().is_ok_and(|meta| meta.len() == 0) {
        return Ok(Owner::Nobody);
    }
    if let Err(error) = open.read_exact(&mut header) {
        return match error.kind() {
            ErrorKind::UnexpectedEof => Ok(Owner::None),
            _ => Err(unusable(file, &format!("cannot be read: {error}"))),
        };
    }
    if !header.starts_with(b"SQLite format 3\0") {
        return Ok(Owner::None);
    }
    match header[APPLICATION_AT..APPLICATION_AT + 4] == APPLICATION.to_be_bytes() {
        true => Ok(Owner::Ours),
        false => Ok(Owner::Other),
    }
}

fn unusable(file: &Path, why: &str) -> Error {
    Error::Unusable(format!("database {}: {why}", file.display()))
}

/// Opens the file; creates and migrates it where needed.
pub(super) async fn open(file: &Path, steps: &[&[&str]]) -> Result<Store, Error> {
    sqlx::any::install_default_drivers();
    match owner(file)? {
        Owner::Ours => {}
        Owner::Nobody => create(file).await?,
        Owner::None => return Err(unusable(file, "not an SQLite database; give another path in [database]")),
        Owner::Other => {
            let what = "an SQLite database of another program, such as ddns-service; it was not changed. \
                        Give a new path in [database], and bring users and hostnames over with 'homing-server import'";
            return Err(unusable(file, what));
        }
    }
    let mut connection = connect(file).await?;
    let migrated = migrate(file, &mut connection, steps).await;
    share_with_group(file);
    if let Err(error) = migrated {
        let _ = connection.close().await;
        return Err(error);
    }
    let readers = AnyPoolOptions::new()
        .max_connections(4)
        .acquire_timeout(DEADLINE)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .after_connect(|connection, _| {
            Box::pin(async move {
                connection.execute("PRAGMA query_only = 1").await?;
                connection.execute(BUSY).await.map(drop)
            })
        });
    let pool: AnyPool = readers.connect_lazy_with(options(file)?);
    let (sender, receiver) = mpsc::channel(SHARED);
    tokio::spawn(write_all(file.to_path_buf(), connection, receiver));
    let writer = Writer::Sqlite { queue: Queue(sender), file: file.to_path_buf() };
    Ok(Store(Arc::new(Inner { pool, writer })))
}

fn options(file: &Path) -> Result<AnyConnectOptions, Error> {
    let path = file.to_str().ok_or_else(|| unusable(file, "the path is not UTF-8"))?;
    let escaped: String = path
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect();
    let address = format!("sqlite://{escaped}?mode=rw");
    address.parse().map_err(|error| unusable(file, &format!("{error}")))
}

/// A connection that writes.
async fn connect(file: &Path) -> Result<AnyConnection, Error> {
    let open = async {
        let mut connection = AnyConnection::connect_with(&options(file)?).await.map_err(|e| opening(file, &e))?;
        for pragma in [BUSY, "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA foreign_keys = 1"] {
            set(&mut connection, pragma).await.map_err(|e| opening(file, &e))?;
        }
        Ok(connection)
    };
    timeout(DEADLINE, open).await.map_err(|_| Error::timeout(During::Uncommitted))?
}

/// Executes a pragma. While another process changes the same file to WAL mode, SQLite answers SQLITE_BUSY at once,
/// whatever `busy_timeout` says; so it is repeated, until the caller's deadline.
async fn set(connection: &mut AnyConnection, pragma: &'static str) -> Result<(), sqlx::Error> {
    const SQLITE_BUSY: &str = "5";
    loop {
        match connection.execute(pragma).await {
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(SQLITE_BUSY) => {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            done => return done.map(drop),
        }
    }
}

fn opening(file: &Path, error: &sqlx::Error) -> Error {
    match Error::from_sqlx(error, During::Uncommitted) {
        Error::Unusable(why) if !why.contains("damaged") => {
            let what = format!(
                "{why}; the file and its folder must be writable for this user (for members of the service's group: \
                 chmod g+w {} {})",
                file.display(),
                folder(file).display()
            );
            unusable(file, &what)
        }
        other => other,
    }
}

fn folder(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// Creates an empty database with our mark. The mark is written before the file is in WAL mode, so that it is in the
/// file itself and not in the log.
async fn create(file: &Path) -> Result<(), Error> {
    if fs::metadata(file).is_err() {
        // Group-writable as far as the umask allows it; never readable for others: it holds password hashes.
        os::make(file, 0o660).map_err(|error| unusable(file, &format!("cannot be created: {error}")))?;
    }
    let make = async {
        let mut connection = AnyConnection::connect_with(&options(file)?).await.map_err(|e| opening(file, &e))?;
        let mark = format!("PRAGMA application_id = {APPLICATION}");
        connection.execute(sqlx::AssertSqlSafe(mark)).await.map_err(|e| opening(file, &e))?;
        connection.close().await.map_err(|e| opening(file, &e))
    };
    timeout(DEADLINE, make).await.map_err(|_| Error::timeout(During::Uncommitted))?
}

/// Gives the files beside the database its group: a member of the service's group who creates them by a command would
/// otherwise lock the service out. Best effort: only their owner may do it.
fn share_with_group(file: &Path) {
    let Ok(group) = fs::metadata(file).map(|meta| meta.gid()) else { return };
    for suffix in ["-wal", "-shm"] {
        let mut name = file.as_os_str().to_owned();
        name.push(suffix);
        let beside = PathBuf::from(name);
        if fs::metadata(&beside).is_ok_and(|meta| meta.gid() != group) {
            let _ = std::os::unix::fs::chown(&beside, None, Some(group));
        }
    }
}

/// Brings the tables to the newest version, in one transaction.
async fn migrate(file: &Path, connection: &mut AnyConnection, steps: &[&[&str]]) -> Result<(), Error> {
    let newest = steps.len();
    // Without a lock at first: most commands have nothing to migrate.
    let found = version(file, connection).await?;
    if found == newest {
        return Ok(());
    }
    if found > newest {
        let why = format!(
            "its version is {found}, this homing-server knows versions up to {newest}: use the newer homing-server, \
             or a copy of the file from before"
        );
        return Err(unusable(file, &why));
    }
    if found > 0 {
        back_up(file, connection, found).await?;
    }
    let run = async {
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        // Another process may have been faster.
        let found = version_of(&mut transaction).await?;
        for step in steps.iter().skip(found) {
            for statement in *step {
                transaction.execute(sqlx::AssertSqlSafe(statement.to_string())).await?;
            }
        }
        let set = match found {
            0 => format!("INSERT INTO meta (one, version, beat, served, clean) VALUES (1, {newest}, 0, 0, 1)"),
            _ => format!("UPDATE meta SET version = {newest} WHERE version < {newest}"),
        };
        transaction.execute(sqlx::AssertSqlSafe(set)).await?;
        transaction.commit().await
    };
    run.await.map_err(|error: sqlx::Error| opening(file, &error))
}

async fn version(file: &Path, connection: &mut AnyConnection) -> Result<usize, Error> {
    version_of(connection).await.map_err(|error| opening(file, &error))
}

/// The version of the tables; 0 where there are none.
async fn version_of(connection: &mut AnyConnection) -> Result<usize, sqlx::Error> {
    let meta = "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'meta'";
    if connection.fetch_optional(meta).await?.is_none() {
        return Ok(0);
    }
    let version: i64 = sqlx::query_scalar("SELECT version FROM meta").fetch_one(connection).await?;
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

/// Keeps a copy of the database beside it, named for its version. One that exists stays: it is from before a migration
/// that was interrupted.
async fn back_up(file: &Path, connection: &mut AnyConnection, version: usize) -> Result<(), Error> {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".v{version}"));
    let copy = PathBuf::from(name);
    if copy.exists() {
        return Ok(());
    }
    let mode = fs::metadata(file).map_or(0o600, |meta| meta.mode() & 0o770);
    os::make(&copy, mode).map_err(|error| unusable(&copy, &format!("the copy cannot be created: {error}")))?;
    let path = copy.to_str().ok_or_else(|| unusable(file, "the path is not UTF-8"))?;
    if let Err(error) = sqlx::query("VACUUM INTO ?").bind(path).execute(connection).await {
        let _ = fs::remove_file(&copy);
        return Err(opening(&copy, &error));
    }
    Ok(())
}

/// One caller's statements, and where the counts go.
struct Job {
    statements: Vec<Statement>,
    done: oneshot::Sender<Result<Vec<u64>, Error>>,
}

/// Where callers put what is to be written.
pub(super) struct Queue(mpsc::Sender<Job>);

impl Queue {
    /// Runs statements in a transaction of their own or shared with others'; how many rows each changed.
    pub async fn run(&self, statements: Vec<Statement>) -> Result<Vec<u64>, Error> {
        let (done, outcome) = oneshot::channel();
        let send = self.0.send(Job { statements, done });
        match timeout(DEADLINE, send).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(Error::Unavailable("the database is closed".to_string())),
            Err(_) => return Err(Error::timeout(During::Uncommitted)),
        }
        // Waits behind one transaction at most, and for its own.
        match timeout(DEADLINE, outcome).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(Error::Unknown("the writer of the database ended".to_string())),
            Err(_) => Err(Error::timeout(During::Commit)),
        }
    }

    /// Waits until what was queued before is written; the writer ends then.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.0.send(Job { statements: vec![], done }).await.is_ok() {
            let _ = timeout(DEADLINE, closed).await;
        }
    }
}

/// Takes jobs until the queue is closed by an empty one, and commits together what waits.
async fn write_all(file: PathBuf, connection: AnyConnection, mut jobs: mpsc::Receiver<Job>) {
    let mut connection = Some(connection);
    let mut waiting = Vec::new();
    while jobs.recv_many(&mut waiting, SHARED).await > 0 {
        let last = waiting.iter().position(|job| job.statements.is_empty());
        let closing = last.map(|at| waiting.drain(at..).collect::<Vec<_>>());
        if !waiting.is_empty() {
            write(&file, &mut connection, std::mem::take(&mut waiting)).await;
        }
        if let Some(closing) = closing {
            jobs.close();
            if let Some(connection) = connection.take() {
                let _ = connection.close().await;
            }
            closing.into_iter().for_each(|job| drop(job.done.send(Ok(vec![]))));
            return;
        }
    }
}

/// Commits all jobs together; where one breaks a rule of the tables, each by itself.
async fn write(file: &Path, connection: &mut Option<AnyConnection>, jobs: Vec<Job>) {
    let together = commit(file, connection, &jobs).await;
    match together {
        Ok(counts) => jobs.into_iter().zip(counts).for_each(|(job, counts)| drop(job.done.send(Ok(counts)))),
        Err(Error::Conflict(_)) if jobs.len() > 1 => {
            for job in jobs {
                let alone = commit(file, connection, std::slice::from_ref(&job)).await;
                let _ = job.done.send(alone.map(|counts| counts.into_iter().flatten().collect()));
            }
        }
        Err(error) => jobs.into_iter().for_each(|job| drop(job.done.send(Err(error.clone())))),
    }
}

/// One transaction. After an error of unknown outcome the connection is opened anew.
async fn commit(file: &Path, slot: &mut Option<AnyConnection>, jobs: &[Job]) -> Result<Vec<Vec<u64>>, Error> {
    let mut connection = match slot.take() {
        Some(connection) => connection,
        None => connect(file).await?,
    };
    let mut during = During::Uncommitted;
    let run = async {
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        let mut counts = Vec::with_capacity(jobs.len());
        for job in jobs {
            let mut changed = Vec::with_capacity(job.statements.len());
            for statement in &job.statements {
                changed.push(execute(&mut transaction, statement).await?);
            }
            counts.push(changed);
        }
        during = During::Commit;
        transaction.commit().await?;
        Ok(counts)
    };
    match timeout(DEADLINE, run).await {
        Ok(Ok(counts)) => {
            *slot = Some(connection);
            Ok(counts)
        }
        Ok(Err(error)) => {
            let error = match during {
                During::Uncommitted => opening(file, &error),
                During::Commit => Error::from_sqlx(&error, during),
            };
            // A rule of the tables: the connection is in order.
            if matches!(error, Error::Conflict(_)) {
                *slot = Some(connection);
            }
            Err(error)
        }
        Err(_) => Err(Error::timeout(during)),
    }
}
