//! One update request in order: who is it, which hostnames, which addresses; then for each hostname nothing, or a
//! change that its zone's thread records, sends and records; then the reply.

mod plan;

use super::account::{Accounts, Identity, Refused};
use super::clock::Clock;
use super::decide::{may, Kind};
use super::limit::Changes;
use super::metrics::Metrics;
use super::reply::{Line, Reply, Status, Value};
use super::request::{challenge_host, Given, Hosts, Login, Policy, Request};
use super::store::{Error, Host, Store};
use super::zone::{Outcome, Zones};
use plan::{perform, plan, Done, Plan};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// What a client is told to wait after `911`.
pub const RETRY_FAULT: Duration = Duration::from_secs(60);

/// The parts that requests need.
pub struct Service {
    pub store: Store,
    pub accounts: Accounts,
    pub zones: Zones,
    pub clock: Clock,
    pub metrics: Metrics,
    pub changes: Mutex<Changes>,
    pub policy: RwLock<Policy>,
}

impl Service {
    /// Answers an update request. A client that leaves gives up its login; what comes after the login is finished
    /// without it.
    pub async fn update(self: &Arc<Self>, request: Request, source: IpAddr) -> Reply {
        let who = match self.accounts.login(&request.login, source).await {
            Ok(who) => who,
            Err(refused) => return self.refuse(&refused, &request.login, source),
        };
        let service = Arc::clone(self);
        self.finish(async move { service.carry_out(request, &who, source).await }).await
    }

    /// Runs the rest of a request on a task of its own.
    async fn finish(&self, rest: impl std::future::Future<Output = Result<Reply, Error>> + Send + 'static) -> Reply {
        match tokio::spawn(rest).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(error)) => self.database_failed(&error),
            Err(_) => Reply::Fault(RETRY_FAULT),
        }
    }

    async fn carry_out(self: Arc<Self>, request: Request, who: &Identity, source: IpAddr) -> Result<Reply, Error> {
        let names = match &request.hosts {
            Hosts::Missing => return Ok(Reply::NoHostGiven),
            Hosts::TooMany => return Ok(Reply::NumHost),
            Hosts::Names(names) => names,
        };
        if let Some(value) = &request.txt {
            return self.set_txt(names, value, who).await;
        }
        let policy = *self.policy.read().unwrap_or_else(PoisonError::into_inner);
        let plans = plan(&self.store, &request, names, who, source, policy).await?;
        let changes: Vec<_> = plans.iter().flat_map(Plan::changes).collect();
        let counted = match self.lock_changes().count(&who.account.name, &changes, Instant::now()) {
            Ok(counted) => counted,
            Err(wait) => return Ok(Reply::Abuse(wait)),
        };
        let done = perform(&self, plans, request.notify_change).await;
        let failed = counted.iter().filter(|counted| !done.iter().any(|done| done.made(counted.fqdn())));
        failed.for_each(|counted| self.lock_changes().give_back(counted));
        match done.iter().find_map(Done::unknown) {
            Some(_) => Ok(Reply::Fault(RETRY_FAULT)),
            None => Ok(Reply::Hosts(done.into_iter().map(Done::line).collect())),
        }
    }

    fn lock_changes(&self) -> MutexGuard<'_, Changes> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn set_txt(&self, names: &[Given], value: &str, who: &Identity) -> Result<Reply, Error> {
        let mut lines = Vec::with_capacity(names.len());
        for name in names {
            let status = match &name.fqdn {
                None => Status::NotFqdn,
                Some(fqdn) => match self.txt(who, fqdn, value, true).await? {
                    Ok(status) => status,
                    Err(unknown) => return Ok(unknown),
                },
            };
            let value = if status == Status::Good { Value::Txt(value.to_string()) } else { Value::None };
            lines.push(Line { hostname: name.text.clone(), status, value });
        }
        Ok(Reply::Hosts(lines))
    }

    /// Sets or removes a TXT value. The inner error is a reply to the whole request.
    async fn txt(&self, who: &Identity, fqdn: &str, value: &str, set: bool) -> Result<Result<Status, Reply>, Error> {
        let host = self.store.host_by_fqdn(challenge_host(fqdn)).await?;
        let Some(host) = host.filter(|host| may(who, host, Kind::Txt)) else { return Ok(Ok(Status::NoHost)) };
        if !is_txt_value(value) {
            tracing::info!("{}: txt: the value is not 1 to 255 characters of A-Z, a-z, 0-9, - and _", host.fqdn);
            return Ok(Ok(Status::DnsError));
        }
        let outcome = match set {
            true => self.zones.txt_set(&host, value).await,
            false => self.zones.txt_remove(&host, value).await,
        };
        Ok(match outcome {
            Outcome::Done => Ok(Status::Good),
            Outcome::DnsError(_) => Ok(Status::DnsError),
            Outcome::NoHost => Ok(Status::NoHost),
            Outcome::Unknown(_) => Err(Reply::Fault(RETRY_FAULT)),
        })
    }

    /// One request of lego's `httpreq`: sets the value, or removes it.
    pub async fn acme(
        self: &Arc<Self>,
        login: &Login,
        source: IpAddr,
        fqdn: String,
        value: String,
        set: bool,
    ) -> Reply {
        let who = match self.accounts.login(login, source).await {
            Ok(who) => who,
            Err(refused) => return self.refuse(&refused, login, source),
        };
        let service = Arc::clone(self);
        self.finish(async move {
            let name = Given { text: fqdn.clone(), fqdn: super::name::stored(&fqdn).ok() };
            let status = match &name.fqdn {
                None => Status::NotFqdn,
                Some(fqdn) => match service.txt(&who, fqdn, &value, set).await? {
                    Ok(status) => status,
                    Err(unknown) => return Ok(unknown),
                },
            };
            Ok(Reply::Hosts(vec![Line { hostname: name.text, status, value: Value::None }]))
        })
        .await
    }

    /// The reply to a client that is not let in. What the log says of wrong credentials is read by fail2ban
    /// (packaging/fail2ban): the source first, and nothing that a client wrote without quotes and escapes.
    fn refuse(&self, refused: &Refused, login: &Login, source: IpAddr) -> Reply {
        let user: String = login.user().unwrap_or("").chars().take(64).collect();
        match refused {
            Refused::NoCredentials => Reply::BadAuth,
            Refused::Wrong(why) => {
                tracing::warn!("rejected login from {source} for user {user:?}: {why}");
                Reply::BadAuth
            }
            Refused::TooMany(wait) => {
                tracing::warn!("rejected login from {source} for user {user:?}: too many wrong logins");
                Reply::Abuse(*wait)
            }
            Refused::Busy => {
                tracing::warn!("the queue for passwords is full; answered 911 to {source}");
                Reply::Fault(RETRY_FAULT)
            }
            Refused::Database(error) => self.database_failed(error),
            Refused::Fault(why) => {
                tracing::error!("login: {why}");
                Reply::Fault(RETRY_FAULT)
            }
        }
    }

    fn database_failed(&self, error: &Error) -> Reply {
        self.metrics.database_error();
        tracing::error!("{error}");
        Reply::Fault(RETRY_FAULT)
    }
}

fn is_txt_value(value: &str) -> bool {
    (1..=255).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// The row's addresses are confirmed already: their expiry starts anew.
async fn confirm(service: &Service, host: &Host, families: super::store::Families) -> Result<bool, Error> {
    service.store.touch_seen(host.id, host.rev, families, service.clock.now()).await
}
