//! The command `cleanup`: expires now what is due.

use super::{due, for_each, heart, Hold};
use crate::server::clock::{self, Clock};
use crate::server::config::Config;
use crate::server::metrics::Metrics;
use crate::server::store::{Families, Host, Millis, Store};
use crate::server::zone::{Outcome, Zones};
use std::net::IpAddr;

/// Options of the command.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Cleanup {
    /// Only say what would expire.
    pub dry_run: bool,
    /// Expire although the clock is implausible, and let the daemon expire again.
    pub force: bool,
}

/// One family of a hostname that was due.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Removed {
    pub fqdn: String,
    pub address: IpAddr,
    /// Why it is still in DNS.
    pub result: Result<(), String>,
}

/// Removes what is due, at once. Hostnames of one user do not depend on those of another: each has its result.
///
/// # Errors
/// Nothing was removed: the clock is implausible, or the database failed.
pub async fn cleanup(store: &Store, config: &Config, options: Cleanup) -> Result<Vec<Removed>, String> {
    let failed = |error: crate::server::store::Error| error.to_string();
    let (last, wall) = (store.heartbeat().await.map_err(failed)?, clock::wall());
    if options.force && !options.dry_run {
        heart::release(store).await.map_err(failed)?;
    }
    if !options.force {
        let hold = if heart::is_unset(wall) {
            Some(Hold::NotSet)
        } else if heart::is_ahead(last.at, wall) {
            Some(Hold::HeartbeatInFuture)
        } else {
            heart::is_held(store).await.map_err(failed)?.then_some(Hold::NeedsForce)
        };
        if let Some(hold) = hold {
            return Err(format!("nothing expires: {hold}"));
        }
    }
    let served = heart::served_now(last, wall, config.dns.cleanup_interval);
    let hosts = store.due(served, u32::MAX).await.map_err(failed)?;
    if options.dry_run {
        return Ok(hosts.iter().flat_map(|host| removed(host, served, &Ok(()))).collect());
    }
    let zones = Zones::new(store.clone(), config, Clock::fixed(served), Metrics::new());
    let results = for_each(hosts, |host| {
        let zones = zones.clone();
        async move {
            let result = match zones.expire(&host, due(&host, served)).await {
                Outcome::Done | Outcome::NoHost => Ok(()),
                Outcome::DnsError(why) | Outcome::Unknown(why) => Err(why),
            };
            removed(&host, served, &result)
        }
    });
    let removed = results.await.into_iter().flatten().collect();
    zones.finish(std::time::Instant::now() + std::time::Duration::from_secs(10)).await;
    Ok(removed)
}

fn removed(host: &Host, served: Millis, result: &Result<(), String>) -> Vec<Removed> {
    let Families { v4, v6 } = due(host, served);
    let four = host.have4.filter(|_| v4).map(IpAddr::V4);
    let six = host.have6.filter(|_| v6).map(IpAddr::V6);
    let one = |address| Removed { fqdn: host.fqdn.clone(), address, result: result.clone() };
    four.into_iter().chain(six).map(one).collect()
}
