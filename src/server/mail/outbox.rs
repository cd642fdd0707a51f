//! Sends what is in the outbox: at once, then after 1 minute, doubling to 6 hours, for 3 days.

use super::template::Text;
use super::{News, Templates};
use crate::server::clock;
use crate::server::config::Email;
use crate::server::metrics::Metrics;
use crate::server::store::{Error, Mail, Millis, Store};
use lettre::message::header::ContentType;
use lettre::message::Mailbox;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

const MINUTE: Millis = 60_000;
/// The longest wait between two attempts, and how long there are attempts.
const LONGEST_WAIT: Millis = 6 * 60 * MINUTE;
const GIVE_UP: Millis = 3 * 24 * 60 * MINUTE;
/// Mails that are read at once, and the longest wait before the outbox is looked at (another process may add to it).
const AT_ONCE: u32 = 32;
const LOOK: Duration = Duration::from_secs(5);
/// For one conversation with the mail server.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Sends mails as the configuration says.
pub struct Mailer {
    store: Store,
    metrics: Metrics,
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    templates: Templates,
}

/// Why a mail was not sent.
enum Failure {
    /// Another attempt may succeed.
    Later(String),
    /// None will.
    Never(String),
}

impl Mailer {
    /// Checks what needs no database.
    ///
    /// # Errors
    /// The sender's address cannot be used; with its key.
    pub fn check(email: &Email) -> Result<(), String> {
        sender(email).map(drop)
    }

    /// # Errors
    /// The sender's address or the mail server's name cannot be used, or a template is broken; with its key.
    pub fn new(email: &Email, store: Store, metrics: Metrics) -> Result<Mailer, String> {
        let from = sender(email)?;
        let templates = Templates::load(email).map_err(|problems| {
            problems.into_iter().map(|(key, why)| format!("[email] {key}: {why}")).collect::<Vec<_>>().join("; ")
        })?;
        let tls = match email.smtp_starttls {
            true => Tls::Required(
                TlsParameters::new(email.smtp_host.clone())
                    .map_err(|error| format!("[email] smtp_host = {:?}: {error}", email.smtp_host))?,
            ),
            false => Tls::None,
        };
        let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&email.smtp_host)
            .port(email.smtp_port)
            .tls(tls)
            .timeout(Some(TIMEOUT))
            .build();
        Ok(Mailer { store, metrics, transport, from, templates })
    }

    /// Sends mails for as long as the task lives. `added` signals that there is a new one.
    pub async fn run(&self, added: &Arc<Notify>) {
        loop {
            let wait = match self.round().await {
                Ok(wait) => wait,
                Err(error) => {
                    self.metrics.database_error();
                    tracing::error!("outbox: {error}");
                    LOOK
                }
            };
            tokio::select! {
                () = added.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Sends what is due; how long until the next one is.
    async fn round(&self) -> Result<Duration, Error> {
        loop {
            let due = self.store.mail_due(clock::wall(), AT_ONCE).await?;
            if due.is_empty() {
                break;
            }
            for mail in due {
                self.attempt(&mail).await?;
            }
        }
        let next = self.store.mail_next().await?.map_or(Millis::MAX, |at| at.saturating_sub(clock::wall()));
        Ok(Duration::from_millis(u64::try_from(next).unwrap_or(0)).clamp(Duration::from_millis(100), LOOK))
    }

    async fn attempt(&self, mail: &Mail) -> Result<(), Error> {
        let now = clock::wall();
        match self.send(mail).await? {
            Ok(()) => {
                self.metrics.mail("sent");
                self.store.mail_done(mail.id).await?;
            }
            Err(Failure::Later(why)) if now.saturating_sub(mail.created) < GIVE_UP => {
                self.metrics.mail("deferred");
                let wait = wait_after(mail.attempts);
                tracing::warn!("mail {}: {why}; next attempt in {} minutes", mail.id, wait / MINUTE);
                self.store.mail_later(mail.id, now + wait).await?;
            }
            Err(Failure::Later(why) | Failure::Never(why)) => {
                self.metrics.mail("failed");
                tracing::error!("mail {}: {why}; given up", mail.id);
                self.store.mail_done(mail.id).await?;
            }
        }
        Ok(())
    }

    async fn send(&self, mail: &Mail) -> Result<Result<(), Failure>, Error> {
        let Some(account) = self.store.account_by_id(mail.account).await? else {
            return Ok(Err(Failure::Never("its user was deleted".to_string())));
        };
        let Ok(news) = serde_json::from_str::<News>(&mail.data) else {
            return Ok(Err(Failure::Never("its data cannot be read".to_string())));
        };
        let Ok(to) = account.email.parse::<Mailbox>() else {
            let why = format!("user {:?}: {:?} is not an email address", account.name, account.email);
            return Ok(Err(Failure::Never(why)));
        };
        let (text, problem) = self.templates.text(mail.kind, &news);
        if let Some(problem) = problem {
            tracing::error!("{problem}; sent as plain text");
        }
        let message = match self.message(mail, to, text) {
            Ok(message) => message,
            Err(error) => return Ok(Err(Failure::Never(error.to_string()))),
        };
        Ok(match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_permanent() => Err(Failure::Never(format!("the mail server rejected it: {error}"))),
            Err(error) => Err(Failure::Later(format!("mail server: {error}"))),
        })
    }

    fn message(&self, mail: &Mail, to: Mailbox, text: Text) -> Result<Message, lettre::error::Error> {
        // The same for each attempt, so that a mail that is sent twice is seen once.
        let id = format!("<{}@{}>", mail.id, self.from.email.domain());
        Message::builder()
            .from(self.from.clone())
            .to(to)
            .message_id(Some(id))
            .subject(text.subject)
            .header(ContentType::TEXT_PLAIN)
            .body(text.body)
    }
}

fn sender(email: &Email) -> Result<Mailbox, String> {
    let address = &email.from_address;
    address.parse().map_err(|error| format!("[email] from_address = {address:?}: {error}"))
}

/// The wait after so many failed attempts before this one.
fn wait_after(attempts: i64) -> Millis {
    let doublings = u32::try_from(attempts).unwrap_or(0).min(16);
    (MINUTE << doublings).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_1_minute_apart_doubling_to_6_hours() {
        let minutes: Vec<_> = (0..11).map(|attempts| wait_after(attempts) / MINUTE).collect();
        assert_eq!(minutes, [1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360]);
    }
}
