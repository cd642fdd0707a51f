//! The way of every change into DNS: record what is wanted, update the name server, record what is published.
//! One thread for each zone, started when there is something to do and ended after five idle minutes. What is queued
//! while a message is on its way goes with the next one. A caller that goes away changes nothing: the thread finishes.

mod batch;
mod explain;
mod job;
mod message;
mod registry;
mod send;
mod server;
mod thread;

#[cfg(test)]
mod tests;

pub use job::Task;

use super::clock::Clock;
use super::config::{Config, DnsService};
use super::metrics::Metrics;
use super::store::{Error, Families, Host, Id, MailKind, Store};
use job::{Job, TxtTask};
use registry::Registry;
use std::collections::HashMap;
use std::future::Future;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, Notify};

/// A change that a client asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// The row that the decision was based on. Where it has changed since, the thread reads it again.
    pub host: Host,
    /// The new address of each family that the request named; the others stay as they are.
    pub ipv4: Option<Ipv4Addr>,
    pub ipv6: Option<Ipv6Addr>,
    /// Whether a mail is sent if an address changes.
    pub notify: bool,
}

/// How a change ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The name server confirmed it and it is recorded: `good`.
    Done,
    /// The name server did not confirm it: `dnserr`. Why, for the command line; the log has it already. What is
    /// wanted is recorded and is sent again.
    DnsError(String),
    /// The database failed, or the service is ending: `911`. Whether it was done is not known.
    Unknown(String),
    /// The hostname was deleted meanwhile: `nohost`.
    NoHost,
}

/// How long things last. Constants but in tests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timing {
    /// A thread without jobs ends after this.
    pub idle: Duration,
    /// The first wait before a name server that was down is tried again; it doubles up to the longest.
    pub probe: Duration,
    pub longest_probe: Duration,
    /// How long a message that was sent may still be accepted: the fudge of its signature (RFC 8945 §10: 300 s).
    pub fudge: Duration,
}

impl Default for Timing {
    fn default() -> Timing {
        Timing {
            idle: Duration::from_secs(300),
            probe: Duration::from_secs(5),
            longest_probe: Duration::from_secs(60),
            fudge: Duration::from_secs(310),
        }
    }
}

/// The zones and their threads. Cheap to clone.
#[derive(Clone)]
pub struct Zones(Arc<Shared>);

struct Shared {
    store: Store,
    clock: Clock,
    metrics: Metrics,
    timing: Timing,
    runtime: Handle,
    settings: Mutex<Settings>,
    generation: AtomicU64,
    registry: Mutex<Registry>,
    doubts: Doubts,
    log: Failures,
    /// Signals that a mail was recorded.
    mailed: Arc<Notify>,
    /// Each thread holds a clone of the sender; the receiver sees when the last is gone.
    alive: Mutex<Option<mpsc::Sender<()>>>,
    ended: tokio::sync::Mutex<mpsc::Receiver<()>>,
}

/// What the configuration says.
struct Settings {
    dns: Arc<DnsService>,
    change_mail: bool,
    expiry_mail: bool,
}

/// What others see of a zone.
struct ZoneState {
    name: String,
    down: AtomicBool,
    why: Mutex<String>,
}

/// What a thread's queue carries.
enum Message {
    Job(Box<Job>),
    /// Zones without a thread wait: who has nothing to do makes room.
    OthersWait,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Zones {
    /// Needs a tokio runtime, which the threads use for the database.
    pub fn new(store: Store, config: &Config, clock: Clock, metrics: Metrics) -> Zones {
        Zones::with(store, config, clock, metrics, Timing::default())
    }

    /// The same with another timing, for tests.
    pub fn with(store: Store, config: &Config, clock: Clock, metrics: Metrics, timing: Timing) -> Zones {
        let (alive, ended) = mpsc::channel(1);
        Zones(Arc::new(Shared {
            store,
            clock,
            metrics,
            timing,
            runtime: Handle::current(),
            settings: Mutex::new(Settings::of(config)),
            generation: AtomicU64::new(0),
            registry: Mutex::default(),
            doubts: Doubts { since: Mutex::default(), fudge: timing.fudge },
            log: Failures::default(),
            mailed: Arc::default(),
            alive: Mutex::new(Some(alive)),
            ended: tokio::sync::Mutex::new(ended),
        }))
    }

    /// Publishes addresses of one host. Ends within two `dns_timeout`s and the database's deadlines.
    pub async fn update(&self, change: Change) -> Outcome {
        let task = Task::of(&change);
        self.run(change.host, task).await
    }

    /// Publishes a TXT value at `_acme-challenge.` of a host, with at most one older one beside it.
    pub async fn txt_set(&self, host: &Host, value: &str) -> Outcome {
        self.run(host.clone(), Task::Txt(TxtTask::Set(value.to_string()))).await
    }

    /// Removes such a value; one that is not there is no error.
    pub async fn txt_remove(&self, host: &Host, value: &str) -> Outcome {
        self.run(host.clone(), Task::Txt(TxtTask::Remove(value.to_string()))).await
    }

    /// Removes families that are still due. What is not ours in DNS stays.
    pub async fn expire(&self, host: &Host, families: Families) -> Outcome {
        self.run(host.clone(), Task::Expire(families)).await
    }

    /// Sends what is wanted once more. `old`: nothing that was sent for it before can still arrive.
    pub async fn resend(&self, host: &Host, old: bool) -> Outcome {
        let settles = old && !self.0.doubts.has(host.id);
        self.run(host.clone(), Task::Resend { settles }).await
    }

    /// Sends what is wanted of the host's TXT values once more.
    pub async fn resend_txt(&self, host: &Host) -> Outcome {
        self.run(host.clone(), Task::Txt(TxtTask::Sync)).await
    }

    /// Removes everything that was published for a host, before it is deleted.
    pub async fn withdraw(&self, host: &Host) -> Outcome {
        match self.0.unwant_txt(host.id).await {
            Ok(0) => {}
            Ok(_) => match self.resend_txt(host).await {
                Outcome::Done => {}
                other => return other,
            },
            Err(error) => return Outcome::Unknown(error.to_string()),
        }
        self.run(host.clone(), Task::Withdraw).await
    }

    /// Takes a new configuration for messages that are sent from now on.
    pub fn configure(&self, config: &Config) {
        *lock(&self.0.settings) = Settings::of(config);
        self.0.generation.fetch_add(1, Ordering::Release);
    }

    /// Takes no more changes, and waits until those that were taken have ended or the deadline has come. Gives false
    /// where some have not ended.
    pub async fn finish(&self, until: Instant) -> bool {
        self.0.close();
        drop(lock(&self.0.alive).take());
        let mut ended = self.0.ended.lock().await;
        tokio::time::timeout_at(until.into(), ended.recv()).await.is_ok()
    }

    /// Signals each time that a mail was recorded.
    pub fn mailed(&self) -> Arc<Notify> {
        Arc::clone(&self.0.mailed)
    }

    /// How many threads there are now.
    pub fn threads(&self) -> usize {
        lock(&self.0.registry).len()
    }

    async fn run(&self, host: Host, task: Task) -> Outcome {
        let (done, outcome) = oneshot::channel();
        let job = Job { host, task, done: Some(done) };
        // While a zone is down, its thread may be waiting for the reply to a probe.
        let down = lock(&self.0.registry).zone(&job.host.zone).filter(|zone| zone.is_down()).cloned();
        match down {
            Some(zone) => {
                for (job, _) in batch::wanted(&self.0, vec![job]).await {
                    job.end(Outcome::DnsError(zone.down_because()));
                }
            }
            None => self.0.queue(job),
        }
        outcome.await.unwrap_or_else(|_| Outcome::Unknown("no thread could be started for the zone".to_string()))
    }
}

impl Shared {
    fn dns(&self) -> (Arc<DnsService>, u64) {
        // The number first: a change in between is noticed at the next look.
        let generation = self.generation();
        (Arc::clone(&lock(&self.settings).dns), generation)
    }

    fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Whether mails of this kind are sent.
    fn sends(&self, kind: MailKind) -> bool {
        let settings = lock(&self.settings);
        match kind {
            MailKind::Change => settings.change_mail,
            MailKind::Expiry => settings.expiry_mail,
        }
    }

    fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    fn database_error(&self, error: &Error) {
        self.metrics.database_error();
        tracing::error!("{error}");
    }

    /// Wants none of a host's TXT values; how many there are.
    async fn unwant_txt(&self, host: Id) -> Result<usize, Error> {
        let ids: Vec<Id> = self.store.txt_of_host(host).await?.iter().map(|txt| txt.id).collect();
        self.store.txt_unwant(&ids).await?;
        Ok(ids.len())
    }
}

impl Settings {
    fn of(config: &Config) -> Settings {
        let email = config.email.as_ref();
        Settings {
            dns: Arc::new(config.dns.clone()),
            change_mail: email.is_some_and(|email| email.change_template.is_some()),
            expiry_mail: email.is_some_and(|email| email.expiry_template.is_some()),
        }
    }
}

impl ZoneState {
    fn new(name: &str) -> ZoneState {
        ZoneState { name: name.to_string(), down: AtomicBool::new(false), why: Mutex::default() }
    }

    fn is_down(&self) -> bool {
        self.down.load(Ordering::Relaxed)
    }
}

/// Hosts for which a message of unknown ending was sent, and when. The database has it too; this counts where it could
/// not be written.
struct Doubts {
    since: Mutex<HashMap<Id, Instant>>,
    fudge: Duration,
}

impl Doubts {
    fn add(&self, hosts: &[Id]) {
        let mut since = lock(&self.since);
        since.retain(|_, since| since.elapsed() < self.fudge);
        since.extend(hosts.iter().map(|host| (*host, Instant::now())));
    }

    fn has(&self, host: Id) -> bool {
        lock(&self.since).get(&host).is_some_and(|since| since.elapsed() < self.fudge)
    }
}

/// Writes failures to the log, each text at most once a minute.
#[derive(Default)]
struct Failures(Mutex<HashMap<String, Instant>>);

impl Failures {
    fn write(&self, why: &str) {
        const PAUSE: Duration = Duration::from_secs(60);
        let mut known = lock(&self.0);
        known.retain(|_, at| at.elapsed() < PAUSE);
        if known.insert(why.to_string(), Instant::now()).is_none() {
            tracing::warn!("{why}");
        }
    }
}
