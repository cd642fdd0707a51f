//! Starts, reloads and ends the parts of a running service.

mod log;
mod pages;

use super::account::Accounts;
use super::config::{self, Config, Extent, RateLimit};
use super::limit::{Changes, Rate, WrongLogins};
use super::listen::{self, serve_admin, Listening};
use super::mail::{Mailer, Templates};
use super::metrics::Metrics;
use super::request::Policy;
use super::store::Store;
use super::sweep::{Heart, Sweeper};
use super::update::Service;
use super::zone::Zones;
use log::Log;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio::signal::unix::{signal, Signal, SignalKind};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long what is under way may take after SIGTERM.
const END: Duration = Duration::from_secs(10);

/// Checks what the configuration names beyond its own files: the certificate and the templates.
///
/// # Errors
/// What is wrong, each with its key.
pub fn check(config: &Config) -> Result<(), Vec<String>> {
    let mut problems = Vec::new();
    if let Some(email) = &config.email {
        if let Err(found) = Templates::load(email) {
            problems.extend(found.into_iter().map(|(key, why)| format!("[email] {key}: {why}")));
        } else if let Err(why) = Mailer::check(email) {
            problems.push(why);
        }
    }
    if let Err(why) = listen::check(config) {
        problems.push(format!("[daemon] {why}"));
    }
    match problems.is_empty() {
        true => Ok(()),
        false => Err(problems),
    }
}

/// Serves until SIGTERM or SIGINT. `debug` sets the log level DEBUG.
///
/// # Errors
/// Why the service could not start.
pub fn serve(config: Config, debug: bool) -> Result<(), String> {
    let log = Log::start(&config.daemon, debug)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| format!("no threads can be started: {error}"))?;
    let served = runtime.block_on(run(config, log));
    // A thread that waits for a name server longer than we do must not keep the process.
    runtime.shutdown_timeout(Duration::from_millis(200));
    served
}

struct Signals {
    term: Signal,
    int: Signal,
    hup: Signal,
}

/// What happens next.
enum Event {
    End(&'static str),
    Reload,
}

impl Signals {
    fn new() -> std::io::Result<Signals> {
        Ok(Signals {
            term: signal(SignalKind::terminate())?,
            int: signal(SignalKind::interrupt())?,
            hup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Event {
        tokio::select! {
            _ = self.term.recv() => Event::End("SIGTERM"),
            _ = self.int.recv() => Event::End("SIGINT"),
            _ = self.hup.recv() => Event::Reload,
        }
    }
}

async fn run(config: Config, log: Log) -> Result<(), String> {
    let mut signals = Signals::new().map_err(|error| format!("signals: {error}"))?;
    // First of all: a second daemon on the same port must not touch the database.
    let bound = listen::bind(&config.daemon.host, config.daemon.port).await?;
    let store = Store::open(&config.database).await.map_err(|error| error.to_string())?;
    let mut parts = Parts::start(config, store, bound, log).await?;
    loop {
        match signals.next().await {
            Event::Reload => parts.reload(),
            Event::End(signal) => {
                tracing::info!("{signal}: the service ends");
                parts.end().await;
                return Ok(());
            }
        }
    }
}

/// Everything that runs.
struct Parts {
    config: Config,
    log: Log,
    store: Store,
    service: Arc<Service>,
    listening: Arc<Mutex<Option<Listening>>>,
    mailer: Option<JoinHandle<()>>,
    tidy: JoinHandle<()>,
    admin: Option<JoinHandle<()>>,
    sweeper: JoinHandle<Sweeper>,
    ending: watch::Sender<bool>,
}

impl Parts {
    async fn start(config: Config, store: Store, bound: listen::Bound, log: Log) -> Result<Parts, String> {
        let metrics = Metrics::new();
        let heart = Heart::start(store.clone(), config.dns.cleanup_interval).await;
        let heart = heart.map_err(|error| error.to_string())?;
        let zones = Zones::new(store.clone(), &config, heart.clock(), metrics.clone());
        let accounts = Accounts::start(store.clone(), WrongLogins::new(bad_rate(&config.limits))).await?;
        let service = Arc::new(Service {
            store: store.clone(),
            accounts,
            zones: zones.clone(),
            clock: heart.clock(),
            metrics: metrics.clone(),
            changes: Mutex::new(Changes::new(good_rate(&config.limits))),
            policy: RwLock::new(Policy { allow_private: config.daemon.allow_private }),
        });
        let mailer = mailer(&config, &store, &metrics, &zones)?;
        let addresses: Vec<String> = bound.addresses().iter().map(ToString::to_string).collect();
        let (ending, ended) = watch::channel(false);
        let sweeper = Sweeper::new(store.clone(), zones, heart, &config);
        let status = sweeper.status();
        let sweeper = tokio::spawn(sweep(sweeper, ended));
        let listening = Listening::start(bound, &config, Arc::clone(&service))?;
        let listening = Arc::new(Mutex::new(Some(listening)));
        let admin = match config.daemon.admin_listen {
            Some(address) => {
                let pages = pages::pages(Arc::clone(&service), Arc::clone(&listening), status);
                Some(serve_admin(address, pages).await?)
            }
            None => None,
        };
        let tidy = tokio::spawn(tidy(Arc::clone(&service), config.limits.cleanup_interval));
        tracing::info!("listening on {}", addresses.join(", "));
        Ok(Parts { config, log, store, service, listening, mailer, tidy, admin, sweeper, ending })
    }

    /// Reads the configuration again with its keys, certificates and templates, and opens the log anew. If anything is
    /// wrong, the old configuration stays.
    fn reload(&mut self) {
        let config = match config::load(&self.config.file, Extent::All) {
            Ok(config) => config,
            Err(problems) => {
                problems.iter().for_each(|problem| tracing::error!("{problem}"));
                return tracing::error!("the configuration was not read again; the old one stays");
            }
        };
        let taken = check(&config).map_err(|problems| problems.join("; ")).and_then(|()| self.take(&config));
        match taken {
            Ok(()) => {
                self.config = config;
                tracing::info!("the configuration was read again");
            }
            Err(why) => tracing::error!("{why}; the old configuration stays"),
        }
    }

    fn take(&mut self, config: &Config) -> Result<(), String> {
        let old = &self.config;
        let at = |config: &Config| (config.daemon.host.clone(), config.daemon.port, config.daemon.admin_listen);
        if at(old) != at(config) || old.database != config.database {
            tracing::warn!("host, port, admin_listen and [database] change with a restart only");
        }
        let mailer = mailer(config, &self.store, &self.service.metrics, &self.service.zones)?;
        if let Some(listening) = self.listening.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            listening.configure(config)?;
        }
        if let Some(old) = std::mem::replace(&mut self.mailer, mailer) {
            old.abort();
        }
        self.log.reopen(&config.daemon)?;
        self.service.zones.configure(config);
        if old.limits != config.limits {
            self.service.accounts.set_limit(WrongLogins::new(bad_rate(&config.limits)));
            let changes = Changes::new(good_rate(&config.limits));
            *self.service.changes.lock().unwrap_or_else(PoisonError::into_inner) = changes;
        }
        let policy = Policy { allow_private: config.daemon.allow_private };
        *self.service.policy.write().unwrap_or_else(PoisonError::into_inner) = policy;
        Ok(())
    }

    /// Finishes what is under way.
    async fn end(self) {
        let until = Instant::now() + END;
        let _ = self.ending.send(true);
        let listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(listening) = listening {
            listening.finish(until.saturating_duration_since(Instant::now())).await;
        }
        let finished = self.service.zones.finish(until).await;
        for task in [self.mailer, Some(self.tidy), self.admin].into_iter().flatten() {
            task.abort();
        }
        // Without a clean end the next start sends everything again.
        match self.sweeper.await {
            Ok(mut sweeper) if finished => sweeper.end().await,
            _ => tracing::warn!("the name server did not answer in time: everything is sent again at the next start"),
        }
        self.store.close().await;
    }
}

async fn sweep(mut sweeper: Sweeper, mut ended: watch::Receiver<bool>) -> Sweeper {
    tokio::select! {
        () = sweeper.run() => {}
        _ = ended.changed() => {}
    }
    sweeper
}

fn mailer(config: &Config, store: &Store, metrics: &Metrics, zones: &Zones) -> Result<Option<JoinHandle<()>>, String> {
    let Some(email) = &config.email else { return Ok(None) };
    let mailer = Mailer::new(email, store.clone(), metrics.clone())?;
    let mailed = zones.mailed();
    Ok(Some(tokio::spawn(async move { mailer.run(&mailed).await })))
}

/// Forgets what limits and caches no longer need.
async fn tidy(service: Arc<Service>, every: Duration) {
    let mut ticks = tokio::time::interval(every.max(Duration::from_secs(1)));
    loop {
        ticks.tick().await;
        service.accounts.refresh().await;
        service.changes.lock().unwrap_or_else(PoisonError::into_inner).sweep(Instant::now());
    }
}

fn rate(limits: &RateLimit, window: Duration, most: u32) -> Option<Rate> {
    limits.enabled.then(|| Rate { window, most: usize::try_from(most).unwrap_or(usize::MAX) })
}

fn good_rate(limits: &RateLimit) -> Option<Rate> {
    rate(limits, limits.good_window, limits.good_max)
}

fn bad_rate(limits: &RateLimit) -> Option<Rate> {
    rate(limits, limits.bad_window, limits.bad_max)
}
