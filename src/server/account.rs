//! Who is it: a login against the database.
//!
//! In this order: a token or a password that succeeded lately costs a look-up and is never limited; then the limit on
//! wrong logins; then the queue for password hashes (see [`hashing`]). An unknown user costs as much time as a wrong
//! password, and gets the same reply.

mod hashing;
mod recent;

use super::limit::{network, WrongLogins};
use super::request::Login;
use super::store::{Account, Error, Store, Token};
use crate::types::digest::{hex, sha256};
use hashing::{Admission, Hashing, Job, Outcome};
use recent::{Known, Successes};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A client that succeeded.
pub struct Identity {
    pub account: Account,
    /// `None`: it has the password.
    pub token: Option<Token>,
}

/// Why a client is not let in.
#[derive(Debug)]
pub enum Refused {
    /// It sent no credentials.
    NoCredentials,
    /// They are wrong; why is for the log only.
    Wrong(&'static str),
    /// Too many wrong ones from there; wait that long.
    TooMany(Duration),
    /// Too many passwords wait to be verified.
    Busy,
    /// The database did not answer.
    Database(Error),
    /// Another fault of the server.
    Fault(String),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Refused {
        Refused::Database(error)
    }
}

pub struct Accounts {
    store: Store,
    hashing: Hashing,
    wrong: Arc<Mutex<WrongLogins>>,
    successes: Arc<Mutex<Successes>>,
    known: Mutex<Known>,
    /// What the password of an unknown user is compared with.
    dummy: Mutex<String>,
}

impl Accounts {
    /// Starts the thread for password hashes. `wrong` is the limit on wrong logins.
    ///
    /// # Errors
    /// No thread, or no hash could be made.
    pub async fn start(store: Store, wrong: WrongLogins) -> Result<Accounts, String> {
        let hashing = Hashing::start().map_err(|error| format!("the thread for passwords: {error}"))?;
        let dummy = super::password::hash("", &mut super::password::Memory::default())?;
        let accounts = Accounts {
            store,
            hashing,
            wrong: Arc::new(Mutex::new(wrong)),
            successes: Arc::new(Mutex::new(Successes::new())),
            known: Mutex::default(),
            dummy: Mutex::new(dummy),
        };
        accounts.refresh().await;
        Ok(accounts)
    }

    /// Another limit, from a configuration that was read again. What was counted is forgotten.
    pub fn set_limit(&self, wrong: WrongLogins) {
        *lock(&self.wrong) = wrong;
    }

    /// Call this every minute or so: forgets what is over, and learns what the costliest stored hash costs, so that an
    /// unknown user takes as long as any other.
    pub async fn refresh(&self) {
        let now = Instant::now();
        lock(&self.wrong).sweep(now);
        lock(&self.successes).sweep(now);
        lock(&self.known).sweep(now);
        // Without an answer the old one stays.
        let hashes = self.store.password_hashes().await.unwrap_or_default();
        let costliest = hashes.into_iter().max_by_key(|phc| super::password::cost(phc));
        if let Some(phc) = costliest.filter(|phc| super::password::cost(phc) > 0) {
            let mut dummy = lock(&self.dummy);
            if super::password::cost(&phc) != super::password::cost(&dummy) {
                *dummy = phc;
            }
        }
    }

    /// How many passwords wait, for the metrics.
    pub fn waiting(&self) -> usize {
        self.hashing.waiting()
    }

    /// Checks credentials. Dropping the future gives up the place in the queue.
    pub async fn login(&self, login: &Login, source: IpAddr) -> Result<Identity, Refused> {
        match login {
            Login::None => Err(Refused::NoCredentials),
            Login::Token { user, token } => self.by_token(user.as_deref(), token, source).await,
            Login::Password { user, password } => self.by_password(user, password, source).await,
        }
    }

    async fn by_token(&self, user: Option<&str>, token: &str, source: IpAddr) -> Result<Identity, Refused> {
        let token = self.store.token_by_digest(&hex(&sha256(&[token.as_bytes()]))).await?;
        let account = match &token {
            Some(token) => self.store.account_by_id(token.account).await?,
            None => None,
        };
        let wrong = match account {
            None => "unknown token",
            Some(account) if user.is_some_and(|user| user != account.name) => "token of another user",
            Some(account) if account.disabled => "disabled user",
            Some(account) => return Ok(Identity { account, token }),
        };
        let now = Instant::now();
        let mut limit = lock(&self.wrong);
        let user = user.unwrap_or("");
        if let Some(wait) = limit.wait(source, user, now) {
            return Err(Refused::TooMany(wait));
        }
        limit.add(source, user, now);
        Err(Refused::Wrong(wrong))
    }

    async fn by_password(&self, user: &str, password: &str, source: IpAddr) -> Result<Identity, Refused> {
        // The column is as long as this; no longer name can be one.
        let account = match user.len() {
            0..=255 => self.store.account_by_name(user).await?,
            _ => None,
        };
        if let Some(account) = account.as_ref().filter(|account| !account.disabled) {
            if lock(&self.successes).contains(user, password, &account.password_hash, Instant::now()) {
                lock(&self.known).add(network(source, 64), user, Instant::now());
                return Ok(Identity { account: account.clone(), token: None });
            }
        }
        if let Some(wait) = lock(&self.wrong).wait(source, user, Instant::now()) {
            return Err(Refused::TooMany(wait));
        }
        let phc = account.as_ref().map_or_else(|| lock(&self.dummy).clone(), |account| account.password_hash.clone());
        let outcome = self.verify(user, password, phc, source).await?;
        let enabled = account.as_ref().filter(|account| !account.disabled);
        match (outcome, enabled) {
            (Outcome::Right { rehashed }, Some(account)) => {
                Ok(self.welcome(account.clone(), password, rehashed, source).await)
            }
            (Outcome::NotAdmitted, _) => {
                let wait = lock(&self.wrong).wait(source, user, Instant::now());
                Err(Refused::TooMany(wait.unwrap_or(Duration::from_secs(1))))
            }
            (Outcome::Unusable(why), Some(account)) => {
                Err(Refused::Fault(format!("the stored password hash of user {:?}: {why}", account.name)))
            }
            (outcome, _) => {
                lock(&self.wrong).add(source, user, Instant::now());
                Err(Refused::Wrong(match (&account, outcome) {
                    (None, _) => "unknown user",
                    (Some(_), Outcome::Right { .. }) => "disabled user",
                    (Some(_), _) => "wrong password",
                }))
            }
        }
    }

    async fn verify(&self, user: &str, password: &str, phc: String, source: IpAddr) -> Result<Outcome, Refused> {
        let (wrong, successes) = (Arc::clone(&self.wrong), Arc::clone(&self.successes));
        let (name, secret, stored) = (user.to_string(), password.to_string(), phc.clone());
        let admission = move || {
            let now = Instant::now();
            match lock(&successes).contains(&name, &secret, &stored, now) {
                // After a start, requests of one client may wait side by side.
                true => Admission::AlreadyRight,
                false if lock(&wrong).wait(source, &name, now).is_some() => Admission::Refused,
                false => Admission::Verify,
            }
        };
        let job = Job {
            password: password.to_string(),
            phc,
            known: lock(&self.known).contains(network(source, 64), user, Instant::now()),
            admission: Box::new(admission),
        };
        let outcome = self.hashing.submit(job).ok_or(Refused::Busy)?;
        outcome.await.map_err(|_| Refused::Fault("the thread for passwords ended".to_string()))
    }

    /// Remembers the success, and stores the password with today's parameters where they were others.
    async fn welcome(
        &self,
        mut account: Account,
        password: &str,
        rehashed: Option<String>,
        source: IpAddr,
    ) -> Identity {
        if let Some(new) = rehashed {
            // If it fails, the next login tries again.
            if self.store.rehash(account.id, &account.password_hash, &new).await == Ok(true) {
                account.password_hash = new;
            }
        }
        let now = Instant::now();
        lock(&self.successes).add(&account.name, password, &account.password_hash, now);
        lock(&self.known).add(network(source, 64), &account.name, now);
        Identity { account, token: None }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
