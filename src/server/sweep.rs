//! What happens without a request: the heartbeat, expiry, and sending again what is not known to be in DNS.

mod cleanup;
mod heart;
mod resend;

pub use cleanup::{cleanup, Cleanup, Removed};
pub use heart::{Heart, Hold};

use super::config::Config;
use super::store::{Families, Host, Millis, Store};
use super::zone::Zones;
use resend::Resend;
use std::future::Future;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{interval, MissedTickBehavior};

/// Hosts that are worked on at once.
const AT_ONCE: usize = 256;
/// Hosts that expire in one round; the others in the next.
const EXPIRE_AT_ONCE: u32 = 4096;
/// How long a TXT value stays: ACME servers look within minutes.
const TXT_LIFE: Millis = 60 * 60 * 1000;

/// What the health page shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Status {
    /// Whether the database takes writes.
    pub beating: bool,
    /// Why nothing expires.
    pub hold: Option<Hold>,
}

/// The daemon's sweeper.
pub struct Sweeper {
    store: Store,
    zones: Zones,
    heart: Heart,
    resend: Resend,
    cleanup_interval: Duration,
    status: watch::Sender<Status>,
}

impl Sweeper {
    /// `heart` has beaten already.
    pub fn new(store: Store, zones: Zones, heart: Heart, config: &Config) -> Sweeper {
        let resend = Resend::new(store.clone(), zones.clone());
        let status = watch::Sender::new(Status { beating: true, hold: heart.hold() });
        Sweeper { store, zones, heart, resend, cleanup_interval: config.dns.cleanup_interval, status }
    }

    /// Works for as long as the task lives. After a daemon that did not end in good order, everything is sent again.
    pub async fn run(&mut self) {
        if self.heart.was_unclean() {
            self.resend.everything().await;
        }
        let mut beats = interval(self.heart.interval());
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut since_expiry = Duration::ZERO;
        loop {
            beats.tick().await;
            if self.heart.beat().await {
                // The wall clock was set: times in the database may lie in the future.
                self.resend.everything().await;
            }
            self.status.send_replace(Status { beating: self.heart.is_beating(), hold: self.heart.hold() });
            self.resend.round().await;
            since_expiry += self.heart.interval();
            if since_expiry >= self.cleanup_interval {
                since_expiry = Duration::ZERO;
                self.expire().await;
            }
        }
    }

    /// Records that the daemon ended in good order.
    pub async fn end(&mut self) {
        self.heart.end().await;
    }

    /// What the health page shows, from now on.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    async fn expire(&mut self) {
        if let Err(error) = self.store.txt_expire(super::clock::wall() - TXT_LIFE).await {
            tracing::error!("TXT values: {error}");
        }
        if self.heart.check().await.is_some() {
            return;
        }
        let served = self.heart.clock().now().served;
        match self.store.due(served, EXPIRE_AT_ONCE).await {
            Ok(hosts) => {
                // A failure is in the log already, and the next round tries again.
                for_each(hosts, |host| {
                    let zones = self.zones.clone();
                    async move { zones.expire(&host, due(&host, served)).await }
                })
                .await;
            }
            Err(error) => tracing::error!("expiry: {error}"),
        }
    }
}

/// The families of a host that are due.
fn due(host: &Host, served: Millis) -> Families {
    let due = |due: Millis| due > 0 && due <= served;
    Families { v4: due(host.v4.due), v6: due(host.v6.due) }
}

/// Does something for each host, for many at once, so that changes share messages. Results are in order.
async fn for_each<R, F>(hosts: Vec<Host>, work: impl Fn(Host) -> F) -> Vec<R>
where
    R: Send + 'static,
    F: Future<Output = R> + Send + 'static,
{
    let mut results = Vec::with_capacity(hosts.len());
    let mut hosts = hosts.into_iter().peekable();
    while hosts.peek().is_some() {
        let running: Vec<_> = hosts.by_ref().take(AT_ONCE).map(|host| tokio::spawn(work(host))).collect();
        for task in running {
            // A task that panicked has no result; the next round tries again.
            results.extend(task.await.ok());
        }
    }
    results
}
