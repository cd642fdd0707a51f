//! What can go wrong with the database, by what the caller may conclude from it.

use std::fmt;

/// Carries a text for the log: which statement, and what the database said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Error {
    /// Not done, and may work later: database down, locked, overloaded, read-only.
    Unavailable(String),
    /// It may or may not have been done: no answer in time, or the connection broke while a write was under way. Read
    /// again before you conclude anything.
    Unknown(String),
    /// Not done: it would break a rule of the tables, such as a name that exists already.
    Conflict(String),
    /// Not done: no space.
    DiskFull(String),
    /// Not done, and an operator is needed: corrupt, of a newer version, not ours, no permission.
    Unusable(String),
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Unavailable(why) => write!(out, "database unavailable: {why}"),
            Error::Unknown(why) => write!(out, "database: outcome unknown: {why}"),
            Error::Conflict(why) => write!(out, "database: conflict: {why}"),
            Error::DiskFull(why) => write!(out, "database: no space left: {why}"),
            Error::Unusable(why) => out.write_str(why),
        }
    }
}

impl std::error::Error for Error {}

/// What was under way when an error came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum During {
    /// Reading, or a transaction before its COMMIT: a broken connection means that nothing was done.
    Uncommitted,
    /// A single write, or COMMIT.
    Commit,
}

impl Error {
    /// No answer within the deadline.
    pub(super) fn timeout(during: During) -> Error {
        let why = format!("no answer within {} seconds", super::DEADLINE.as_secs());
        match during {
            During::Uncommitted => Error::Unavailable(why),
            During::Commit => Error::Unknown(why),
        }
    }

    pub(super) fn from_sqlx(error: &sqlx::Error, during: During) -> Error {
        let why = error.to_string();
        let sqlx::Error::Database(answer) = error else {
            return match (error, during) {
                // The pool gave no connection: nothing was sent.
                (sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Configuration(_), _)
                | (_, During::Uncommitted) => Error::Unavailable(why),
                _ => Error::Unknown(why),
            };
        };
        if let Some(answer) = answer.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
            return of_mariadb(answer.number(), why, during);
        }
        match answer.code().and_then(|code| code.parse::<i64>().ok()) {
            Some(code) => of_sqlite(code, why),
            None => Error::Unavailable(why),
        }
    }

    /// MariaDB's number of an error.
    pub(super) fn number(error: &sqlx::Error) -> Option<u16> {
        let answer = error.as_database_error()?.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>();
        answer.map(sqlx::mysql::MySqlDatabaseError::number)
    }

    /// Whether the same statements may succeed at once: another transaction was in the way (MariaDB's deadlock, which
    /// is also how a Galera node reports that another node won).
    pub(super) fn is_deadlock(error: &sqlx::Error) -> bool {
        matches!(Error::number(error), Some(1213 | 1020))
    }
}

/// By SQLite's result code (<https://sqlite.org/rescode.html>); its lowest byte is the primary code.
fn of_sqlite(code: i64, why: String) -> Error {
    match code & 0xff {
        13 => Error::DiskFull(why),
        // FULL may be hidden in an I/O error of the write-ahead log; what was not synced is not committed.
        10 => Error::Unknown(why),
        19 => Error::Conflict(why),
        // CORRUPT, NOTADB.
        11 | 26 => Error::Unusable(format!("the database is damaged: {why}; restore it from a copy")),
        // PERM, READONLY, CANTOPEN, AUTH.
        3 | 8 | 14 | 23 => Error::Unusable(why),
        _ => Error::Unavailable(why),
    }
}

/// By MariaDB's error number (<https://mariadb.com/kb/en/mariadb-error-code-reference/>).
fn of_mariadb(number: u16, why: String, during: During) -> Error {
    match number {
        // Duplicate key, foreign keys.
        1022 | 1062 | 1169 | 1216 | 1217 | 1451 | 1452 | 1586 => Error::Conflict(why),
        // Disk full, table full.
        1021 | 1114 => Error::DiskFull(why),
        // Access denied, unknown database, no privilege.
        1044 | 1045 | 1049 | 1142 | 1143 | 1698 => Error::Unusable(why),
        // Server shutdown or killed: the statement under way may have been done.
        1053 | 1317 | 1927 | 2006 | 2013 if during == During::Commit => Error::Unknown(why),
        _ => Error::Unavailable(why),
    }
}
