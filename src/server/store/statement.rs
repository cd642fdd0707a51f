//! SQL statements with their values, and the decoding of rows.

use super::rows::Id;
use super::Error;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{Any, AnyConnection, Row};
use std::net::{Ipv4Addr, Ipv6Addr};

/// A value for a `?`. There is no NULL: what is absent is an empty text or 0.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Int(i64),
    Text(String),
}

impl From<i64> for Value {
    fn from(number: i64) -> Value {
        Value::Int(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Value {
        Value::Int(i64::from(number))
    }
}

impl From<bool> for Value {
    fn from(yes: bool) -> Value {
        Value::Int(i64::from(yes))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.to_string())
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Value {
        Value::Text(text.clone())
    }
}

impl From<Id> for Value {
    fn from(id: Id) -> Value {
        Value::Text(id.to_string())
    }
}

impl From<Option<Ipv4Addr>> for Value {
    fn from(address: Option<Ipv4Addr>) -> Value {
        Value::Text(address.map_or(String::new(), |address| address.to_string()))
    }
}

impl From<Option<Ipv6Addr>> for Value {
    fn from(address: Option<Ipv6Addr>) -> Value {
        Value::Text(address.map_or(String::new(), |address| address.to_string()))
    }
}

/// The values of a statement, in order.
macro_rules! values {
    ($($value:expr),* $(,)?) => { vec![$($crate::server::store::statement::Value::from($value)),*] };
}
pub(super) use values;

/// One statement that changes rows.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    pub sql: &'static str,
    pub values: Vec<Value>,
}

fn query(sql: &'static str, values: Vec<Value>) -> sqlx::query::Query<'static, Any, AnyArguments> {
    values.into_iter().fold(sqlx::query(sql), |query, value| match value {
        Value::Int(number) => query.bind(number),
        Value::Text(text) => query.bind(text),
    })
}

/// The rows of a query.
pub(super) async fn fetch(
    connection: &mut AnyConnection,
    sql: &'static str,
    values: Vec<Value>,
) -> Result<Vec<AnyRow>, sqlx::Error> {
    query(sql, values).fetch_all(connection).await
}

/// Runs a statement; how many rows matched.
pub(super) async fn execute(connection: &mut AnyConnection, statement: &Statement) -> Result<u64, sqlx::Error> {
    Ok(query(statement.sql, statement.values.clone()).execute(connection).await?.rows_affected())
}

/// Reads columns of a row. What does not decode is damage: the tables are ours.
pub(super) struct Columns<'r>(pub &'r AnyRow);

impl Columns<'_> {
    pub fn int(&self, name: &str) -> Result<i64, Error> {
        self.0.try_get::<i64, _>(name).map_err(|error| damage(name, &error.to_string()))
    }

    pub fn text(&self, name: &str) -> Result<String, Error> {
        self.0.try_get::<String, _>(name).map_err(|error| damage(name, &error.to_string()))
    }

    pub fn yes(&self, name: &str) -> Result<bool, Error> {
        self.int(name).map(|number| number != 0)
    }

    /// Seconds that a configuration or a command bounded.
    pub fn seconds(&self, name: &str) -> Result<u32, Error> {
        u32::try_from(self.int(name)?).map_err(|_| damage(name, "not a number of seconds"))
    }

    pub fn id(&self, name: &str) -> Result<Id, Error> {
        Id::parse(&self.text(name)?).ok_or_else(|| damage(name, "not an id"))
    }

    /// An address, or `None` for the empty text.
    pub fn address<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, Error> {
        let text = self.text(name)?;
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(Some).map_err(|_| damage(name, "not an address"))
    }
}

fn damage(column: &str, why: &str) -> Error {
    Error::Unusable(format!("the database is damaged: column {column}: {why}; restore it from a copy"))
}

/// One row or none.
pub(super) fn at_most_one<T>(rows: &[AnyRow], read: impl Fn(&Columns) -> Result<T, Error>) -> Result<Option<T>, Error> {
    rows.first().map(|row| read(&Columns(row))).transpose()
}

/// All rows.
pub(super) fn all<T>(rows: &[AnyRow], read: impl Fn(&Columns) -> Result<T, Error>) -> Result<Vec<T>, Error> {
    rows.iter().map(|row| read(&Columns(row))).collect()
}
