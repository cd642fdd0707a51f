//! The rows of the tables, as the rest of the server sees them.

use crate::sys::os;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

pub use crate::server::clock::{Millis, Moment};

/// A random 128-bit id, 32 hexadecimal digits as text. No auto-increment: a Galera cluster hands out 1, 4, 5, 8.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(u128);

impl Id {
    /// A new random id.
    pub fn new() -> Id {
        let mut bytes = [0; 16];
        os::random(&mut bytes);
        Id(u128::from_be_bytes(bytes))
    }

    /// An id that is fixed.
    pub const fn from_bytes(bytes: [u8; 16]) -> Id {
        Id(u128::from_be_bytes(bytes))
    }

    /// Reads 32 hexadecimal digits in lower case.
    pub fn parse(text: &str) -> Option<Id> {
        let digits = text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        digits.then(|| u128::from_str_radix(text, 16).ok().map(Id)).flatten()
    }
}

impl Default for Id {
    fn default() -> Id {
        Id::new()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:032x}", self.0)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// One of both address families, or both.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Families {
    pub v4: bool,
    pub v6: bool,
}

impl Families {
    pub const BOTH: Families = Families { v4: true, v6: true };

    /// Whether neither is in it.
    pub fn is_empty(self) -> bool {
        !self.v4 && !self.v6
    }
}

/// A user.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    pub id: Id,
    /// Unique; compared byte for byte.
    pub name: String,
    pub email: String,
    /// A PHC string (see [`crate::server::password`]).
    pub password_hash: String,
    pub disabled: bool,
    pub admin: bool,
    pub created: Millis,
}

impl fmt::Debug for Account {
    /// Without the hash: logs are read by more people than the database.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Account({} {:?} disabled={} admin={})", self.id, self.name, self.disabled, self.admin)
    }
}

/// An access token of a user.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Token {
    pub id: Id,
    pub account: Id,
    /// SHA-256 of the token's text, 64 hexadecimal digits; unique.
    pub digest: String,
    pub label: String,
    /// The FQDNs it may touch; empty for all hostnames of the user.
    pub hosts: Vec<String>,
    /// Whether it may set TXT records only (`--txt`); one that may not set them at all otherwise.
    pub txt: bool,
    pub created: Millis,
}

impl Token {
    /// Whether it may touch this FQDN (in its stored form).
    pub fn covers(&self, fqdn: &str) -> bool {
        self.hosts.is_empty() || self.hosts.iter().any(|host| host == fqdn)
    }
}

/// What is wanted or published for one family.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Lifetime {
    /// When a client last confirmed this family; 0 for never.
    pub seen: Millis,
    /// When the published address last changed; 0 for never.
    pub changed: Millis,
    /// When it last expired; 0 for never.
    pub expired: Millis,
    /// In serving time: from then on it is expired. 0 for never.
    pub due: Millis,
}

/// A hostname and what is known about its records.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Host {
    pub id: Id,
    pub account: Id,
    /// Unique; ASCII, lower-case, without the last dot.
    pub fqdn: String,
    pub zone: String,
    /// Of the records, in seconds.
    pub dns_ttl: u32,
    /// Seconds of serving time without an update after which a family is removed; 0 for never.
    pub expiry_ttl: u32,
    /// The host's part of its IPv6 address, for prefix updates.
    pub ipv6_suffix: Option<Ipv6Addr>,
    /// The group for `related=1`; empty for none.
    pub group: String,
    /// What the last accepted request (or the expiry) wants in DNS.
    pub want4: Option<Ipv4Addr>,
    pub want6: Option<Ipv6Addr>,
    /// Raised by one with every want.
    pub rev: i64,
    /// When `rev` was raised, or a message of unknown ending was sent since.
    pub want_at: Millis,
    /// What the name server confirmed last.
    pub have4: Option<Ipv4Addr>,
    pub have6: Option<Ipv6Addr>,
    /// The `rev` whose want was confirmed last.
    pub have_rev: i64,
    /// When it was confirmed.
    pub have_at: Millis,
    /// No earlier message for this host can still change its records. While false, its want is sent once more.
    pub settled: bool,
    pub v4: Lifetime,
    pub v6: Lifetime,
    pub created: Millis,
}

impl Host {
    /// Whether the name server is known to hold exactly what is wanted.
    pub fn confirmed(&self) -> bool {
        self.settled && self.have_rev == self.rev
    }

    /// Whether records of ours may be in DNS.
    pub fn published(&self) -> bool {
        self.have4.is_some() || self.have6.is_some() || self.have_rev != self.rev || !self.settled
    }
}

/// What [`set_want`](super::Store::set_want) records: the complete want of a host, both families.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Want {
    pub host: Id,
    /// The `rev` that the decision was based on.
    pub rev: i64,
    pub ipv4: Option<Ipv4Addr>,
    pub ipv6: Option<Ipv6Addr>,
    /// `Some(families)`: this is an expiry; it is recorded only if those families are still due at the serving time
    /// that is passed in, so that a `nochg` in between wins.
    pub expire: Option<Families>,
}

/// Whether a confirmed message settles its row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Settle {
    /// It stays settled if it was and no rev was skipped: the usual case.
    IfInOrder,
    /// Every earlier message is too old to be accepted by the name server (the TSIG fudge has passed), or none can
    /// exist.
    Yes,
    /// An earlier message may still arrive.
    No,
}

/// What [`set_have`](super::Store::set_have) records: a want that the name server confirmed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Have {
    pub host: Id,
    /// The `rev` whose want was sent.
    pub rev: i64,
    pub ipv4: Option<Ipv4Addr>,
    pub ipv6: Option<Ipv6Addr>,
    pub settle: Settle,
    /// The families that a client named: their expiry starts anew.
    pub seen: Families,
    /// The families that expired with this want.
    pub expired: Families,
    /// A mail that is recorded together with it.
    pub mail: Option<NewMail>,
}

/// What a mail is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MailKind {
    Change,
    Expiry,
}

impl MailKind {
    /// As it is stored.
    pub fn name(self) -> &'static str {
        match self {
            MailKind::Change => "change",
            MailKind::Expiry => "expiry",
        }
    }

    pub(super) fn parse(text: &str) -> Option<MailKind> {
        [MailKind::Change, MailKind::Expiry].into_iter().find(|kind| kind.name() == text)
    }
}

/// A mail to be recorded. At most one is kept for a host, kind and rev.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewMail {
    pub kind: MailKind,
    pub account: Id,
    /// The template's variables as JSON; the store does not look into it.
    pub data: String,
}

/// A mail that waits in the outbox.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mail {
    pub id: Id,
    pub host: Id,
    pub account: Id,
    pub kind: MailKind,
    pub rev: i64,
    pub data: String,
    pub created: Millis,
    pub attempts: i64,
    pub try_at: Millis,
}

/// How many there are, for the metrics.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counts {
    pub published: i64,
    pub unpublished: i64,
    /// Whose want the name server has not confirmed for certain.
    pub unconfirmed: i64,
    /// Mails that wait.
    pub outbox: i64,
}

/// A TXT value at `_acme-challenge.` of a host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Txt {
    pub id: Id,
    pub host: Id,
    pub value: String,
    /// When it was last asked for.
    pub asked: Millis,
    /// Whether it shall be in DNS.
    pub wanted: bool,
    /// Whether the name server confirmed it. A row is to be sent while `wanted != published`.
    pub published: bool,
}

/// How long the service took updates, kept in the database so that a restart does not lose it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Heartbeat {
    /// Wall-clock time of the last beat; 0 before the first.
    pub at: Millis,
    /// Serving time up to then.
    pub served: Millis,
    /// Whether the last daemon ended in good order.
    pub clean: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_32_hexadecimal_digits() {
        let id = Id::new();
        assert_eq!(Id::parse(&id.to_string()), Some(id));
        assert_ne!(id, Id::new());
        for text in ["", "0", "+0000000000000000000000000000001", "0000000000000000000000000000000G"] {
            assert_eq!(Id::parse(text), None, "{text}");
        }
    }
}
