//! What the command line asks of the service's other parts.

use super::{Failure, DONE};
use crate::server::clock::Clock;
use crate::server::config::Config;
use crate::server::daemon;
use crate::server::metrics::Metrics;
use crate::server::store::Store;
use crate::server::zone::Zones;

/// Checks what the configuration names beyond its own files: certificates and templates.
pub(super) fn check(config: &Config) -> Result<(), Failure> {
    daemon::check(config).map_err(|problems| {
        let file = config.file.display();
        let lines: Vec<String> = problems.iter().map(|problem| format!("{file}: {problem}")).collect();
        Failure::Wrong(lines.join("\n"))
    })
}

/// Serves until a signal ends it.
pub(super) fn serve(config: Config, debug: bool) -> Result<u8, Failure> {
    check(&config)?;
    daemon::serve(config, debug).map(|()| DONE).map_err(Failure::Failed)
}

/// The way into DNS for a command: the serving time stands still.
pub(super) async fn zones(store: &Store, config: &Config) -> Result<Zones, Failure> {
    let clock = Clock::fixed(store.heartbeat().await?.served);
    Ok(Zones::new(store.clone(), config, clock, Metrics::default()))
}
