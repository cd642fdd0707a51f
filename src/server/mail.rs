//! Notifications by mail: what they say, and the outbox from which they are sent.
//! A mail is recorded together with the change that it tells of, and sent by a task of its own: replies never wait.

mod outbox;
mod template;
mod time;

pub use outbox::Mailer;
pub use template::Templates;

use super::name;
use super::store::{Families, Host, MailKind, Millis, NewMail};
use serde::{Deserialize, Serialize};
use std::net::{Ipv4Addr, Ipv6Addr};

/// What a mail tells of, as the outbox keeps it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Debug)]
struct News {
    /// The FQDN and its zone.
    fqdn: String,
    zone: String,
    expiry_ttl: u32,
    ipv4: Family<Ipv4Addr>,
    ipv6: Family<Ipv6Addr>,
}

/// One family's part.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize, Debug)]
struct Family<T> {
    /// Whether it changed, or expired.
    affected: bool,
    /// The address now; for an expiry the last one.
    address: Option<T>,
    /// When a client last confirmed it; 0 for never.
    updated: Millis,
}

/// The mail about a change: `before` is the row before it, `host` the row with its want, `expired` the families that
/// expired, `seen` those that a client named. `notify`: the client asked for a mail about a change.
pub fn of(notify: bool, seen: Families, before: &Host, host: &Host, expired: Families, now: Millis) -> Option<NewMail> {
    let kind = if !expired.is_empty() {
        MailKind::Expiry
    } else if notify && (before.have4, before.have6) != (host.want4, host.want6) {
        MailKind::Change
    } else {
        return None;
    };
    let family = |affected: bool, named: bool, seen: Millis| (affected, if named { now } else { seen });
    let (four, six) = match kind {
        MailKind::Change => (before.have4 != host.want4, before.have6 != host.want6),
        MailKind::Expiry => (expired.v4, expired.v6),
    };
    let (four, six) = (family(four, seen.v4, before.v4.seen), family(six, seen.v6, before.v6.seen));
    let expiry = kind == MailKind::Expiry;
    let news = News {
        fqdn: host.fqdn.clone(),
        zone: host.zone.clone(),
        expiry_ttl: host.expiry_ttl,
        ipv4: Family { affected: four.0, address: if expiry { before.have4 } else { host.want4 }, updated: four.1 },
        ipv6: Family { affected: six.0, address: if expiry { before.have6 } else { host.want6 }, updated: six.1 },
    };
    // It has nothing that cannot be written as JSON.
    let data = serde_json::to_string(&news).ok()?;
    Some(NewMail { kind, account: host.account, data })
}

impl News {
    /// The name before the zone; `@` for the zone itself.
    fn hostname(&self) -> &str {
        name::within(&self.fqdn, &self.zone).unwrap_or(&self.fqdn)
    }

    /// The subject where the template has none.
    fn subject(&self, kind: MailKind) -> String {
        match kind {
            MailKind::Change => format!("{}: address changed", self.fqdn),
            MailKind::Expiry => format!("{}: expired", self.fqdn),
        }
    }

    /// The text where the template cannot be used.
    fn plain(&self, kind: MailKind) -> String {
        let mut text = match kind {
            MailKind::Change => format!("The addresses of {} changed.\n\n", self.fqdn),
            MailKind::Expiry => format!("{} was not updated in time and was removed from DNS.\n\n", self.fqdn),
        };
        let mut line = |family: &str, affected: bool, address: Option<String>, updated: Millis| {
            let what = match (kind, affected) {
                (MailKind::Change, true) => " (changed)",
                (MailKind::Expiry, true) => " (expired)",
                _ => "",
            };
            let address = address.unwrap_or_else(|| "none".to_string());
            text.push_str(&format!("{family}: {address}{what}"));
            if let Some(time) = time::Time::of(updated) {
                text.push_str(&format!(", last update {time} UTC"));
            }
            text.push('\n');
        };
        line("IPv4", self.ipv4.affected, self.ipv4.address.map(|ip| ip.to_string()), self.ipv4.updated);
        line("IPv6", self.ipv6.affected, self.ipv6.address.map(|ip| ip.to_string()), self.ipv6.updated);
        text
    }
}
