//! Sends again what is not known to be in DNS, and each host once a day, in case others edited the zone.

use super::for_each;
use crate::server::clock;
use crate::server::store::{Host, Id, Millis, Store};
use crate::server::zone::{Outcome, Zones};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// A want is sent again when it is not confirmed after this time.
const UNCONFIRMED: Millis = 30_000;
/// An unsettled host is sent again when no earlier message can still be accepted: the fudge of its signature.
const FUDGE: Millis = 310_000;
const DAY: Millis = 24 * 60 * 60 * 1000;
/// Hosts that are read at once; and of the daily ones in one round, which spreads them.
const AT_ONCE: u32 = 4096;
const DAILY: u32 = 64;
/// The waits after failures of one host.
const FIRST_WAIT: Duration = Duration::from_secs(30);
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

pub struct Resend {
    store: Store,
    zones: Zones,
    /// Hosts that failed: when they are tried again, and the wait after the next failure.
    waits: HashMap<Id, (Instant, Duration)>,
}

impl Resend {
    pub fn new(store: Store, zones: Zones) -> Resend {
        Resend { store, zones, waits: HashMap::new() }
    }

    /// Sends every host's want. What was sent before may still arrive, so all are sent once more after the fudge.
    pub async fn everything(&mut self) {
        let hosts = async {
            self.store.mark_all_unsettled(clock::wall()).await?;
            self.store.hosts().await
        };
        match hosts.await {
            Ok(hosts) => {
                let hosts: Vec<Host> = hosts.into_iter().filter(|host| host.rev > 0).collect();
                if !hosts.is_empty() {
                    tracing::info!("{} hostnames are sent again", hosts.len());
                }
                self.send(hosts, false).await;
            }
            Err(error) => tracing::error!("sending again: {error}"),
        }
    }

    /// Sends what is due now.
    pub async fn round(&mut self) {
        let now = clock::wall();
        let hosts = async {
            let unconfirmed = self.store.unconfirmed(now - UNCONFIRMED, AT_ONCE).await?;
            let unsettled = self.store.unsettled(now - FUDGE, AT_ONCE).await?;
            let daily = self.store.confirmed_before(now - DAY, DAILY).await?;
            let txt = self.store.txt_pending().await?;
            Ok::<_, crate::server::store::Error>((unconfirmed, unsettled, daily, txt))
        };
        let (mut unconfirmed, unsettled, daily, txt) = match hosts.await {
            Ok(hosts) => hosts,
            Err(error) => return tracing::error!("sending again: {error}"),
        };
        unconfirmed.extend(daily);
        self.send(unconfirmed, false).await;
        self.send(unsettled, true).await;
        self.send_txt(txt).await;
    }

    async fn send(&mut self, hosts: Vec<Host>, settles: bool) {
        let hosts = self.ready(hosts);
        let outcomes = for_each(hosts, |host| {
            let zones = self.zones.clone();
            async move { (host.id, zones.resend(&host, settles).await) }
        });
        for (id, outcome) in outcomes.await {
            self.note(id, &outcome);
        }
    }

    async fn send_txt(&mut self, ids: Vec<Id>) {
        let mut hosts = Vec::new();
        for id in ids {
            match self.store.host_by_id(id).await {
                Ok(host) => hosts.extend(host),
                Err(error) => return tracing::error!("TXT values: {error}"),
            }
        }
        let hosts = self.ready(hosts);
        let outcomes = for_each(hosts, |host| {
            let zones = self.zones.clone();
            async move { (host.id, zones.resend_txt(&host).await) }
        });
        for (id, outcome) in outcomes.await {
            self.note(id, &outcome);
        }
    }

    /// Those that do not wait after a failure.
    fn ready(&mut self, mut hosts: Vec<Host>) -> Vec<Host> {
        let now = Instant::now();
        hosts.retain(|host| self.waits.get(&host.id).is_none_or(|(at, _)| *at <= now));
        hosts
    }

    fn note(&mut self, id: Id, outcome: &Outcome) {
        match outcome {
            Outcome::Done | Outcome::NoHost => drop(self.waits.remove(&id)),
            Outcome::DnsError(_) | Outcome::Unknown(_) => {
                let wait = self.waits.get(&id).map_or(FIRST_WAIT, |(_, wait)| *wait);
                self.waits.insert(id, (Instant::now() + wait, (wait * 2).min(LONGEST_WAIT)));
            }
        }
    }
}
