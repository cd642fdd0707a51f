//! Users.

use super::rows::{Account, Id};
use super::statement::{all, at_most_one, values, Columns, Statement};
use super::{Error, Store};

fn account(row: &Columns) -> Result<Account, Error> {
    Ok(Account {
        id: row.id("id")?,
        name: row.text("name")?,
        email: row.text("email")?,
        password_hash: row.text("hash")?,
        disabled: row.yes("disabled")?,
        admin: row.yes("admin")?,
        created: row.int("created")?,
    })
}

pub(super) fn insert(new: &Account) -> Statement {
    let sql = "INSERT INTO account (id, name, email, hash, disabled, admin, created) VALUES (?, ?, ?, ?, ?, ?, ?)";
    let values = values![new.id, &new.name, &new.email, &new.password_hash, new.disabled, new.admin, new.created];
    Statement { sql, values }
}

impl Store {
    pub async fn accounts(&self) -> Result<Vec<Account>, Error> {
        all(&self.rows("SELECT * FROM account ORDER BY name", vec![]).await?, account)
    }

    pub async fn account_by_name(&self, name: &str) -> Result<Option<Account>, Error> {
        at_most_one(&self.rows("SELECT * FROM account WHERE name = ?", values![name]).await?, account)
    }

    pub async fn account_by_id(&self, id: Id) -> Result<Option<Account>, Error> {
        at_most_one(&self.rows("SELECT * FROM account WHERE id = ?", values![id]).await?, account)
    }

    /// # Errors
    /// [`Error::Conflict`] where the name is taken.
    pub async fn add_account(&self, new: &Account) -> Result<(), Error> {
        self.batch(vec![insert(new)]).await.map(drop)
    }

    /// Removes a user and its tokens; whether there was one.
    ///
    /// # Errors
    /// [`Error::Conflict`] while hostnames of the user exist.
    pub async fn delete_account(&self, id: Id) -> Result<bool, Error> {
        Ok(self.write("DELETE FROM account WHERE id = ?", values![id]).await? > 0)
    }

    /// Whether there was such a user; so for the next ones.
    pub async fn set_password_hash(&self, id: Id, hash: &str) -> Result<bool, Error> {
        Ok(self.write("UPDATE account SET hash = ? WHERE id = ?", values![hash, id]).await? > 0)
    }

    /// Replaces a hash by one of the same password with today's parameters, unless it was changed in between.
    pub async fn rehash(&self, id: Id, old: &str, new: &str) -> Result<bool, Error> {
        Ok(self.write("UPDATE account SET hash = ? WHERE id = ? AND hash = ?", values![new, id, old]).await? > 0)
    }

    pub async fn set_email(&self, id: Id, email: &str) -> Result<bool, Error> {
        Ok(self.write("UPDATE account SET email = ? WHERE id = ?", values![email, id]).await? > 0)
    }

    pub async fn set_disabled(&self, id: Id, disabled: bool) -> Result<bool, Error> {
        Ok(self.write("UPDATE account SET disabled = ? WHERE id = ?", values![disabled, id]).await? > 0)
    }

    pub async fn set_admin(&self, id: Id, admin: bool) -> Result<bool, Error> {
        Ok(self.write("UPDATE account SET admin = ? WHERE id = ?", values![admin, id]).await? > 0)
    }

    /// All password hashes, for the cost of the costliest.
    pub async fn password_hashes(&self) -> Result<Vec<String>, Error> {
        all(&self.rows("SELECT hash FROM account", vec![]).await?, |row| row.text("hash"))
    }
}
