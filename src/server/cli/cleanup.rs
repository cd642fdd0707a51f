//! `cleanup`: expires now what has expired.

use super::{failed, output, Failure, DONE};
use crate::server::config::Config;
use crate::server::store::Store;
use crate::server::sweep::{self, Cleanup};

pub(super) async fn run(store: &Store, config: &Config, dry_run: bool, force: bool) -> Result<u8, Failure> {
    let removed = sweep::cleanup(store, config, Cleanup { dry_run, force }).await.map_err(Failure::Failed)?;
    let mut failures = Vec::new();
    for family in removed {
        let (fqdn, address) = (&family.fqdn, family.address);
        let name = if address.is_ipv4() { "IPv4" } else { "IPv6" };
        match family.result {
            Ok(()) if dry_run => output::line(&format!("{fqdn}: {name} {address} has expired")),
            Ok(()) => output::line(&format!("{fqdn}: {name} {address} has expired and was removed")),
            Err(why) => failures.push(format!("{fqdn}: {name} {address} has expired and was not removed: {why}")),
        }
    }
    match failures.is_empty() {
        true => Ok(DONE),
        false => failed(failures.join("\n")),
    }
}
