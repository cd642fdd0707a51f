//! TXT values for ACME.

use super::rows::{Id, Millis, Txt};
use super::statement::{all, values, Columns, Statement};
use super::{Error, Store};

fn txt(row: &Columns) -> Result<Txt, Error> {
    Ok(Txt {
        id: row.id("id")?,
        host: row.id("host")?,
        value: row.text("value")?,
        asked: row.int("asked")?,
        wanted: row.yes("wanted")?,
        published: row.yes("published")?,
    })
}

impl Store {
    /// All values of a host, oldest first.
    pub async fn txt_of_host(&self, host: Id) -> Result<Vec<Txt>, Error> {
        all(&self.rows("SELECT * FROM txt WHERE host = ? ORDER BY asked, id", values![host]).await?, txt)
    }

    /// Hosts with a value that is to be added or removed.
    pub async fn txt_pending(&self) -> Result<Vec<Id>, Error> {
        let sql = "SELECT DISTINCT host FROM txt WHERE wanted <> published ORDER BY host";
        all(&self.rows(sql, vec![]).await?, |row| row.id("host"))
    }

    /// Wants this value, and at most one older one beside it. Gives all values of the host.
    pub async fn txt_want(&self, host: Id, value: &str, at: Millis) -> Result<Vec<Txt>, Error> {
        let insert = "INSERT INTO txt (id, host, value, asked, wanted, published) SELECT ?, id, ?, ?, 1, 0 FROM host \
                      WHERE id = ? AND NOT EXISTS (SELECT 1 FROM txt WHERE txt.host = host.id AND txt.value = ?)";
        let renew = "UPDATE txt SET asked = ?, wanted = 1 WHERE host = ? AND value = ?";
        self.batch(vec![
            Statement { sql: insert, values: values![Id::new(), value, at, host, value] },
            Statement { sql: renew, values: values![at, host, value] },
        ])
        .await?;
        let mut all = self.txt_of_host(host).await?;
        // Oldest first; the new one is never among those that go.
        let wanted: Vec<Id> = all.iter().filter(|txt| txt.wanted && txt.value != value).map(|txt| txt.id).collect();
        let too_many = &wanted[..wanted.len().saturating_sub(1)];
        self.txt_unwant(too_many).await?;
        all.iter_mut().filter(|txt| too_many.contains(&txt.id)).for_each(|txt| txt.wanted = false);
        Ok(all)
    }

    /// These are to be removed.
    pub async fn txt_unwant(&self, ids: &[Id]) -> Result<(), Error> {
        let sql = "UPDATE txt SET wanted = 0 WHERE id = ?";
        self.batch(ids.iter().map(|id| Statement { sql, values: values![*id] }).collect()).await.map(drop)
    }

    /// Values asked for before `before` are to be removed; how many.
    pub async fn txt_expire(&self, before: Millis) -> Result<u64, Error> {
        self.write("UPDATE txt SET wanted = 0 WHERE wanted = 1 AND asked <= ?", values![before]).await
    }

    /// The name server confirmed that it holds `there` and no longer `gone`.
    pub async fn txt_done(&self, there: &[Id], gone: &[Id]) -> Result<(), Error> {
        let published = "UPDATE txt SET published = 1 WHERE id = ?";
        let unpublished = "UPDATE txt SET published = 0 WHERE id = ?";
        let delete = "DELETE FROM txt WHERE id = ? AND wanted = 0 AND published = 0";
        let mut statements: Vec<Statement> =
            there.iter().map(|id| Statement { sql: published, values: values![*id] }).collect();
        for id in gone {
            statements.push(Statement { sql: unpublished, values: values![*id] });
            statements.push(Statement { sql: delete, values: values![*id] });
        }
        self.batch(statements).await.map(drop)
    }
}
