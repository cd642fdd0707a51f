//! What the command line asks of the service's other parts.

use super::{failed, Failure};
use crate::server::clock::Clock;
use crate::server::config::Config;
use crate::server::metrics::Metrics;
use crate::server::store::Store;
use crate::server::zone::Zones;

/// Checks what the configuration names beyond its own files: certificates and templates.
pub(super) fn check(_config: &Config) -> Result<(), Failure> {
    Ok(())
}

/// Serves until a signal ends it.
pub(super) fn serve(_config: Config, _debug: bool) -> Result<u8, Failure> {
    failed("--daemon: not ready yet")
}

/// The way into DNS for a command: the serving time stands still.
pub(super) async fn zones(store: &Store, config: &Config) -> Result<Zones, Failure> {
    let clock = Clock::fixed(store.heartbeat().await?.served);
    Ok(Zones::new(store.clone(), config, clock, Metrics::default()))
}
