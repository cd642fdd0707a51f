//! Mails that wait to be sent. They are added by [`Store::set_have`].

use super::rows::{Id, Mail, MailKind, Millis};
use super::statement::{all, values, Columns};
use super::{Error, Store};

fn mail(row: &Columns) -> Result<Mail, Error> {
    let kind = row.text("kind")?;
    Ok(Mail {
        id: row.id("id")?,
        host: row.id("host")?,
        account: row.id("account")?,
        kind: MailKind::parse(&kind).ok_or_else(|| Error::Unusable(format!("outbox: unknown kind {kind:?}")))?,
        rev: row.int("rev")?,
        data: row.text("data")?,
        created: row.int("created")?,
        attempts: row.int("attempts")?,
        try_at: row.int("try_at")?,
    })
}

impl Store {
    /// Mails that are to be tried now, oldest first.
    pub async fn mail_due(&self, now: Millis, limit: u32) -> Result<Vec<Mail>, Error> {
        let sql = "SELECT * FROM outbox WHERE try_at <= ? ORDER BY try_at, id LIMIT ?";
        all(&self.rows(sql, values![now, limit]).await?, mail)
    }

    /// When the next mail is to be tried; `None` for an empty outbox.
    pub async fn mail_next(&self) -> Result<Option<Millis>, Error> {
        let rows = self.rows("SELECT try_at FROM outbox ORDER BY try_at LIMIT 1", vec![]).await?;
        super::statement::at_most_one(&rows, |row| row.int("try_at"))
    }

    /// One more attempt failed; the next is at `try_at`.
    pub async fn mail_later(&self, id: Id, try_at: Millis) -> Result<bool, Error> {
        let sql = "UPDATE outbox SET attempts = attempts + 1, try_at = ? WHERE id = ?";
        Ok(self.write(sql, values![try_at, id]).await? > 0)
    }

    /// It was sent, or given up.
    pub async fn mail_done(&self, id: Id) -> Result<bool, Error> {
        Ok(self.write("DELETE FROM outbox WHERE id = ?", values![id]).await? > 0)
    }
}
