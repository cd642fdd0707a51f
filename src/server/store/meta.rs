//! The heartbeat, and leases: which of several processes does what only one should do.

use super::rows::{Heartbeat, Id, Millis};
use super::statement::{values, Columns};
use super::{Error, Store};

impl Store {
    pub async fn heartbeat(&self) -> Result<Heartbeat, Error> {
        let rows = self.rows("SELECT beat, served, clean FROM meta WHERE one = 1", vec![]).await?;
        let row = rows.first().ok_or_else(|| Error::Unusable("the database is damaged: meta is empty".to_string()))?;
        let row = Columns(row);
        Ok(Heartbeat { at: row.int("beat")?, served: row.int("served")?, clean: row.yes("clean")? })
    }

    /// Replaces the heartbeat `old` by `new`; `false` where another process was faster.
    pub async fn beat(&self, old: Heartbeat, new: Heartbeat) -> Result<bool, Error> {
        let sql = "UPDATE meta SET clean = ?, served = ?, beat = ? WHERE one = 1 AND beat = ? AND served = ?";
        Ok(self.write(sql, values![new.clean, new.served, new.at, old.at, old.served]).await? > 0)
    }

    /// Takes or keeps the lease `name` until `ends`. `owner` is this process's id. `false` while another has it.
    pub async fn take_lease(&self, name: &str, owner: Id, now: Millis, ends: Millis) -> Result<bool, Error> {
        let take = "UPDATE lease SET ends = ?, owner = ? WHERE name = ? AND (owner = ? OR ends <= ?)";
        if self.write(take, values![ends, owner, name, owner, now]).await? > 0 {
            return Ok(true);
        }
        match self.write("INSERT INTO lease (name, owner, ends) VALUES (?, ?, ?)", values![name, owner, ends]).await {
            Ok(_) => Ok(true),
            Err(Error::Conflict(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether anybody has the lease `name`, however old it is.
    pub async fn has_lease(&self, name: &str) -> Result<bool, Error> {
        Ok(!self.rows("SELECT name FROM lease WHERE name = ?", values![name]).await?.is_empty())
    }

    /// Gives the lease back.
    pub async fn drop_lease(&self, name: &str, owner: Id) -> Result<(), Error> {
        self.write("DELETE FROM lease WHERE name = ? AND owner = ?", values![name, owner]).await.map(drop)
    }
}
