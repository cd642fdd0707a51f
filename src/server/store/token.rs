//! Tokens.

use super::rows::{Id, Token};
use super::statement::{all, at_most_one, values, Columns, Statement};
use super::{Error, Store};

fn token(row: &Columns) -> Result<Token, Error> {
    Ok(Token {
        id: row.id("id")?,
        account: row.id("account")?,
        digest: row.text("digest")?,
        label: row.text("label")?,
        hosts: row.text("hosts")?.split_whitespace().map(str::to_string).collect(),
        txt: row.yes("txt")?,
        created: row.int("created")?,
    })
}

pub(super) fn insert(new: &Token) -> Statement {
    let sql = "INSERT INTO token (id, account, digest, label, hosts, txt, created) VALUES (?, ?, ?, ?, ?, ?, ?)";
    let hosts = new.hosts.join(" ");
    let values = values![new.id, new.account, &new.digest, &new.label, &hosts, new.txt, new.created];
    Statement { sql, values }
}

impl Store {
    pub async fn tokens(&self) -> Result<Vec<Token>, Error> {
        all(&self.rows("SELECT * FROM token ORDER BY created, id", vec![]).await?, token)
    }

    pub async fn tokens_of_account(&self, account: Id) -> Result<Vec<Token>, Error> {
        let sql = "SELECT * FROM token WHERE account = ? ORDER BY created, id";
        all(&self.rows(sql, values![account]).await?, token)
    }

    /// `digest` is the SHA-256 of the token's text, in hexadecimal.
    pub async fn token_by_digest(&self, digest: &str) -> Result<Option<Token>, Error> {
        at_most_one(&self.rows("SELECT * FROM token WHERE digest = ?", values![digest]).await?, token)
    }

    /// # Errors
    /// [`Error::Conflict`] where the digest is known already or the account does not exist.
    pub async fn add_token(&self, new: &Token) -> Result<(), Error> {
        self.batch(vec![insert(new)]).await.map(drop)
    }

    /// Whether there was one.
    pub async fn delete_token(&self, id: Id) -> Result<bool, Error> {
        Ok(self.write("DELETE FROM token WHERE id = ?", values![id]).await? > 0)
    }
}
