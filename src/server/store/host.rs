//! Hostnames: what is wanted, and what is published.
//! The order is want, name server, have; each end is a compare-and-set on `rev`.

use super::rows::{Counts, Families, Have, Host, Id, Lifetime, Millis, Moment, Settle, Want};
use super::statement::{all, at_most_one, values, Columns, Statement};
use super::{Error, Store};

fn host(row: &Columns) -> Result<Host, Error> {
    let lifetime = |seen, changed, expired, due| {
        Ok(Lifetime {
            seen: row.int(seen)?,
            changed: row.int(changed)?,
            expired: row.int(expired)?,
            due: row.int(due)?,
        })
    };
    Ok(Host {
        id: row.id("id")?,
        account: row.id("account")?,
        fqdn: row.text("fqdn")?,
        zone: row.text("zone")?,
        dns_ttl: row.seconds("dns_ttl")?,
        expiry_ttl: row.seconds("expiry_ttl")?,
        ipv6_suffix: row.address("suffix")?,
        group: row.text("grp")?,
        want4: row.address("want4")?,
        want6: row.address("want6")?,
        rev: row.int("rev")?,
        want_at: row.int("want_at")?,
        have4: row.address("have4")?,
        have6: row.address("have6")?,
        have_rev: row.int("have_rev")?,
        have_at: row.int("have_at")?,
        settled: row.yes("settled")?,
        v4: lifetime("seen4", "changed4", "expired4", "due4")?,
        v6: lifetime("seen6", "changed6", "expired6", "due6")?,
        created: row.int("created")?,
    })
}

const WANT: &str = "UPDATE host SET want4 = ?, want6 = ?, rev = rev + 1, want_at = ? WHERE id = ? AND rev = ?";

/// For each family: not asked for, or still due.
const EXPIRE: &str = "UPDATE host SET want4 = ?, want6 = ?, rev = rev + 1, want_at = ? WHERE id = ? AND rev = ? \
    AND (? = 0 OR (due4 > 0 AND due4 <= ?)) AND (? = 0 OR (due6 > 0 AND due6 <= ?))";

/// `settled`, `changed` and `due` read columns that are assigned after them.
const HAVE: &str = "UPDATE host SET \
    settled = CASE WHEN ? = 2 THEN 1 WHEN ? = 1 AND settled = 1 AND have_rev >= rev - 1 THEN 1 ELSE 0 END, \
    changed4 = CASE WHEN have4 <> ? THEN ? ELSE changed4 END, \
    changed6 = CASE WHEN have6 <> ? THEN ? ELSE changed6 END, \
    seen4 = CASE WHEN ? = 1 THEN ? ELSE seen4 END, \
    seen6 = CASE WHEN ? = 1 THEN ? ELSE seen6 END, \
    expired4 = CASE WHEN ? = 1 THEN ? ELSE expired4 END, \
    expired6 = CASE WHEN ? = 1 THEN ? ELSE expired6 END, \
    due4 = CASE WHEN ? = '' OR expiry_ttl = 0 THEN 0 WHEN ? = 1 OR due4 = 0 THEN ? + expiry_ttl * 1000 ELSE due4 END, \
    due6 = CASE WHEN ? = '' OR expiry_ttl = 0 THEN 0 WHEN ? = 1 OR due6 = 0 THEN ? + expiry_ttl * 1000 ELSE due6 END, \
    have4 = ?, have6 = ?, have_at = ?, have_rev = rev \
    WHERE id = ? AND rev = ?";

/// Only together with the have of the same rev, and once.
const MAIL: &str = "INSERT INTO outbox (id, host, account, kind, rev, data, created, attempts, try_at) \
    SELECT ?, id, ?, ?, rev, ?, ?, 0, ? FROM host WHERE id = ? AND rev = ? AND have_rev = rev \
    AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.host = host.id AND outbox.kind = ? AND outbox.rev = host.rev)";

const SEEN: &str = "UPDATE host SET \
    seen4 = CASE WHEN ? = 1 THEN ? ELSE seen4 END, \
    seen6 = CASE WHEN ? = 1 THEN ? ELSE seen6 END, \
    due4 = CASE WHEN have4 = '' OR expiry_ttl = 0 THEN 0 WHEN ? = 1 THEN ? + expiry_ttl * 1000 ELSE due4 END, \
    due6 = CASE WHEN have6 = '' OR expiry_ttl = 0 THEN 0 WHEN ? = 1 THEN ? + expiry_ttl * 1000 ELSE due6 END \
    WHERE id = ? AND rev = ? AND have_rev = rev AND settled = 1";

pub(super) fn insert(new: &Host) -> Statement {
    let sql = "INSERT INTO host (id, account, fqdn, zone, dns_ttl, expiry_ttl, suffix, grp, \
               want4, want6, rev, want_at, have4, have6, have_rev, have_at, settled, \
               seen4, changed4, expired4, due4, seen6, changed6, expired6, due6, created) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let mut values = values![
        new.id,
        new.account,
        &new.fqdn,
        &new.zone,
        new.dns_ttl,
        new.expiry_ttl,
        new.ipv6_suffix,
        &new.group,
        new.want4,
        new.want6,
        new.rev,
        new.want_at,
        new.have4,
        new.have6,
        new.have_rev,
        new.have_at,
        new.settled,
    ];
    for life in [new.v4, new.v6] {
        values.extend(values![life.seen, life.changed, life.expired, life.due]);
    }
    values.extend(values![new.created]);
    Statement { sql, values }
}

impl Store {
    pub async fn hosts(&self) -> Result<Vec<Host>, Error> {
        all(&self.rows("SELECT * FROM host ORDER BY fqdn", vec![]).await?, host)
    }

    pub async fn host_by_fqdn(&self, fqdn: &str) -> Result<Option<Host>, Error> {
        at_most_one(&self.rows("SELECT * FROM host WHERE fqdn = ?", values![fqdn]).await?, host)
    }

    pub async fn host_by_id(&self, id: Id) -> Result<Option<Host>, Error> {
        at_most_one(&self.rows("SELECT * FROM host WHERE id = ?", values![id]).await?, host)
    }

    pub async fn hosts_of_account(&self, account: Id) -> Result<Vec<Host>, Error> {
        all(&self.rows("SELECT * FROM host WHERE account = ? ORDER BY fqdn", values![account]).await?, host)
    }

    pub async fn hosts_of_group(&self, account: Id, group: &str) -> Result<Vec<Host>, Error> {
        let sql = "SELECT * FROM host WHERE account = ? AND grp = ? ORDER BY fqdn";
        all(&self.rows(sql, values![account, group]).await?, host)
    }

    pub async fn hosts_of_zone(&self, zone: &str) -> Result<Vec<Host>, Error> {
        all(&self.rows("SELECT * FROM host WHERE zone = ? ORDER BY fqdn", values![zone]).await?, host)
    }

    /// Records wants, in one transaction. For each: the new `rev`, or `None` where the row was changed in between
    /// (or, for an expiry, is no longer due): read it again.
    pub async fn set_want(&self, wants: &[Want], at: Moment) -> Result<Vec<Option<i64>>, Error> {
        let statement = |want: &Want| {
            let mut values = values![want.ipv4, want.ipv6, at.wall, want.host, want.rev];
            let Some(due) = want.expire else { return Statement { sql: WANT, values } };
            values.extend(values![due.v4, at.served, due.v6, at.served]);
            Statement { sql: EXPIRE, values }
        };
        let counts = self.batch(wants.iter().map(statement).collect()).await?;
        Ok(wants.iter().zip(counts).map(|(want, count)| (count > 0).then_some(want.rev + 1)).collect())
    }

    /// Records what the name server confirmed, with its mails, in one transaction. For each: whether `rev` was still
    /// the newest; if not, read the row again and send its current want.
    pub async fn set_have(&self, haves: &[Have], at: Moment) -> Result<Vec<bool>, Error> {
        let mut statements = Vec::with_capacity(haves.len());
        let mut places = Vec::with_capacity(haves.len());
        for have in haves {
            places.push(statements.len());
            statements.push(have_statement(have, at));
            if let Some(mail) = &have.mail {
                let kind = mail.kind.name();
                let values =
                    values![Id::new(), mail.account, kind, &mail.data, at.wall, at.wall, have.host, have.rev, kind];
                statements.push(Statement { sql: MAIL, values });
            }
        }
        let counts = self.batch(statements).await?;
        Ok(places.into_iter().map(|place| counts.get(place).is_some_and(|count| *count > 0)).collect())
    }

    /// Records that a client confirmed these families (`nochg`): their expiry starts anew. `false` where the row was
    /// changed in between or is not confirmed: read it again.
    pub async fn touch_seen(&self, id: Id, rev: i64, seen: Families, at: Moment) -> Result<bool, Error> {
        let (v4, v6) = (seen.v4, seen.v6);
        let values = values![v4, at.wall, v6, at.wall, v4, at.served, v6, at.served, id, rev];
        Ok(self.write(SEEN, values).await? > 0)
    }

    /// Records that a message of unknown ending was sent for them at this time.
    pub async fn mark_unsettled(&self, hosts: &[Id], at: Millis) -> Result<(), Error> {
        let sql = "UPDATE host SET settled = 0, want_at = ? WHERE id = ?";
        let statement = |id: &Id| Statement { sql, values: values![at, *id] };
        self.batch(hosts.iter().map(statement).collect()).await.map(drop)
    }

    /// Records that messages of unknown ending may have been sent for every host that ever had a want: after a daemon
    /// that did not end in good order. How many there are.
    pub async fn mark_all_unsettled(&self, at: Millis) -> Result<u64, Error> {
        self.write("UPDATE host SET settled = 0, want_at = ? WHERE rev > 0", values![at]).await
    }

    /// Hosts whose want is older than `before` and not confirmed, oldest first.
    pub async fn unconfirmed(&self, before: Millis, limit: u32) -> Result<Vec<Host>, Error> {
        let sql = "SELECT * FROM host WHERE have_rev < rev AND want_at <= ? ORDER BY want_at, id LIMIT ?";
        all(&self.rows(sql, values![before, limit]).await?, host)
    }

    /// Hosts that are confirmed but not settled, whose last message was sent before `before`.
    pub async fn unsettled(&self, before: Millis, limit: u32) -> Result<Vec<Host>, Error> {
        let sql = "SELECT * FROM host WHERE settled = 0 AND have_rev = rev AND want_at <= ? AND have_at <= ? \
                   ORDER BY want_at, id LIMIT ?";
        all(&self.rows(sql, values![before, before, limit]).await?, host)
    }

    /// Published hosts that were confirmed before `before`, oldest first: for the daily re-send.
    pub async fn confirmed_before(&self, before: Millis, limit: u32) -> Result<Vec<Host>, Error> {
        let sql = "SELECT * FROM host WHERE have_rev = rev AND (have4 <> '' OR have6 <> '') AND have_at <= ? \
                   ORDER BY have_at, id LIMIT ?";
        all(&self.rows(sql, values![before, limit]).await?, host)
    }

    /// Hosts with a family that is due at this serving time.
    pub async fn due(&self, served: Millis, limit: u32) -> Result<Vec<Host>, Error> {
        let sql = "SELECT * FROM host WHERE (due4 > 0 AND due4 <= ?) OR (due6 > 0 AND due6 <= ?) ORDER BY fqdn LIMIT ?";
        all(&self.rows(sql, values![served, served, limit]).await?, host)
    }

    /// How many hosts and mails there are, by state.
    pub async fn counts(&self) -> Result<Counts, Error> {
        let sql = "SELECT \
            (SELECT COUNT(*) FROM host WHERE have4 <> '' OR have6 <> '') AS published, \
            (SELECT COUNT(*) FROM host WHERE have4 = '' AND have6 = '') AS unpublished, \
            (SELECT COUNT(*) FROM host WHERE have_rev <> rev OR settled = 0) AS unconfirmed, \
            (SELECT COUNT(*) FROM outbox) AS outbox";
        let read = |row: &Columns| {
            Ok(Counts {
                published: row.int("published")?,
                unpublished: row.int("unpublished")?,
                unconfirmed: row.int("unconfirmed")?,
                outbox: row.int("outbox")?,
            })
        };
        Ok(at_most_one(&self.rows(sql, vec![]).await?, read)?.unwrap_or_default())
    }

    /// # Errors
    /// [`Error::Conflict`] where the FQDN is taken or the account does not exist.
    pub async fn add_host(&self, new: &Host) -> Result<(), Error> {
        self.batch(vec![insert(new)]).await.map(drop)
    }

    /// Sets a host's options. A new `expiry_ttl` counts from when the family was last confirmed; where it was "never"
    /// before, from `at`. A new `dns_ttl` raises `rev`, so that published records are sent again.
    pub async fn modify_host(&self, new: &Host, at: Moment) -> Result<bool, Error> {
        const DUE: &str = "UPDATE host SET \
            due4 = CASE WHEN have4 = '' OR ? = 0 THEN 0 WHEN due4 = 0 THEN ? + ? * 1000 \
                ELSE due4 + (? - expiry_ttl) * 1000 END, \
            due6 = CASE WHEN have6 = '' OR ? = 0 THEN 0 WHEN due6 = 0 THEN ? + ? * 1000 \
                ELSE due6 + (? - expiry_ttl) * 1000 END, \
            want_at = CASE WHEN dns_ttl <> ? AND (want4 <> '' OR want6 <> '') THEN ? ELSE want_at END, \
            rev = CASE WHEN dns_ttl <> ? AND (want4 <> '' OR want6 <> '') THEN rev + 1 ELSE rev END, \
            dns_ttl = ?, expiry_ttl = ?, suffix = ?, grp = ? WHERE id = ?";
        let (ttl, dns) = (new.expiry_ttl, new.dns_ttl);
        let mut values = values![ttl, at.served, ttl, ttl, ttl, at.served, ttl, ttl];
        values.extend(values![dns, at.wall, dns, dns, ttl, new.ipv6_suffix, &new.group, new.id]);
        Ok(self.write(DUE, values).await? > 0)
    }

    /// Removes the row with its TXT values; `false` where `rev` has changed.
    pub async fn delete_host(&self, id: Id, rev: i64) -> Result<bool, Error> {
        Ok(self.write("DELETE FROM host WHERE id = ? AND rev = ?", values![id, rev]).await? > 0)
    }
}

fn have_statement(have: &Have, at: Moment) -> Statement {
    let settle: i64 = match have.settle {
        Settle::No => 0,
        Settle::IfInOrder => 1,
        Settle::Yes => 2,
    };
    let (seen, expired) = (have.seen, have.expired);
    let values = values![
        settle, settle, have.ipv4, at.wall, have.ipv6, at.wall, seen.v4, at.wall, seen.v6, at.wall, expired.v4,
        at.wall, expired.v6, at.wall, have.ipv4, seen.v4, at.served, have.ipv6, seen.v6, at.served, have.ipv4,
        have.ipv6, at.wall, have.host, have.rev,
    ];
    Statement { sql: HAVE, values }
}
