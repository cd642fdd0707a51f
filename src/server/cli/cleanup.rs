//! `cleanup`: expires now what has expired.

use super::{failed, Failure};
use crate::server::config::Config;
use crate::server::store::Store;

pub(super) async fn run(_store: &Store, _config: &Config, _dry_run: bool, _force: bool) -> Result<u8, Failure> {
    failed("cleanup: not ready yet")
}
