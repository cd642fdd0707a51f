//! Copies everything into an empty database.

use super::host::insert as insert_host;
use super::statement::{values, Statement};
use super::{account, token, Error, Store};
use std::fmt;

/// Rows of one transaction: SQLite and MariaDB both end one in far less than the deadline.
const CHUNK: usize = 200;

/// How many rows were copied.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Copied {
    pub users: usize,
    pub tokens: usize,
    pub hostnames: usize,
    pub mails: usize,
}

impl fmt::Display for Copied {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Copied { users, tokens, hostnames, mails } = self;
        write!(out, "{users} users, {tokens} tokens, {hostnames} hostnames, {mails} mails")
    }
}

impl Store {
    /// Copies all rows of another database into this one, which must be empty: with ids, addresses and serving time,
    /// so that nothing has to be published again and nothing expires sooner.
    ///
    /// # Errors
    /// [`Error::Conflict`] where this database is not empty (nothing was changed); otherwise what was copied was
    /// removed again as far as possible.
    pub async fn copy_all(&self, from: &Store) -> Result<Copied, Error> {
        if !self.accounts().await?.is_empty() {
            return Err(Error::Conflict("the database is not empty".to_string()));
        }
        let copied = self.copy_rows(from).await;
        if copied.is_err() {
            let all = ["DELETE FROM outbox", "DELETE FROM txt", "DELETE FROM host", "DELETE FROM token"];
            let all = all.into_iter().chain(["DELETE FROM account"]);
            let _ = self.batch(all.map(|sql| Statement { sql, values: vec![] }).collect()).await;
        }
        copied
    }

    async fn copy_rows(&self, from: &Store) -> Result<Copied, Error> {
        let accounts = from.accounts().await?;
        let tokens = from.tokens().await?;
        let hosts = from.hosts().await?;
        let mails = from.mail_due(i64::MAX, u32::MAX).await?;
        let mut statements: Vec<Statement> = accounts.iter().map(account::insert).collect();
        statements.extend(tokens.iter().map(token::insert));
        statements.extend(hosts.iter().map(insert_host));
        for host in &hosts {
            for txt in from.txt_of_host(host.id).await? {
                let sql = "INSERT INTO txt (id, host, value, asked, wanted, published) VALUES (?, ?, ?, ?, ?, ?)";
                let values = values![txt.id, txt.host, &txt.value, txt.asked, txt.wanted, txt.published];
                statements.push(Statement { sql, values });
            }
        }
        for mail in &mails {
            let sql = "INSERT INTO outbox (id, host, account, kind, rev, data, created, attempts, try_at) \
                       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
            let kind = mail.kind.name();
            let values = values![
                mail.id,
                mail.host,
                mail.account,
                kind,
                mail.rev,
                &mail.data,
                mail.created,
                mail.attempts,
                mail.try_at
            ];
            statements.push(Statement { sql, values });
        }
        for chunk in statements.chunks(CHUNK) {
            self.batch(chunk.to_vec()).await?;
        }
        let (old, new) = (self.heartbeat().await?, from.heartbeat().await?);
        if !self.beat(old, new).await? {
            return Err(Error::Unavailable("another process uses the database".to_string()));
        }
        Ok(Copied { users: accounts.len(), tokens: tokens.len(), hostnames: hosts.len(), mails: mails.len() })
    }
}
