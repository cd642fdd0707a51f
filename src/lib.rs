//! homing keeps a DNS name pointing at a changing address: each run is one synchronous pass that detects the public
//! address, updates the providers that are out of date, and records the result.
//!
//! The program `homing` is a thin layer over this library. Another program can load a [`Config`], run a pass with an
//! [`Observer`] that receives typed events, and read the [`PassReport`]; or bring a [`Detector`] or [`Provider`] of its
//! own:
//!
//! ```
//! use homing::{Config, Event, Family, HostResult, HostUpdate, Observer, PassOptions, Provider, PushContext, UpdateResult};
//!
//! struct Print;
//! impl Observer for Print {
//!     fn event(&self, event: &Event<'_>) {
//!         println!("{:?}: {}", event.kind, event.text);
//!     }
//! }
//!
//! /// Takes every address.
//! struct Accept;
//! impl Provider for Accept {
//!     fn push(&self, batch: &[HostUpdate], _: &mut PushContext<'_>) -> Vec<HostResult> {
//!         let due = batch.iter().enumerate().flat_map(|(host, update)| update.due().map(move |(family, _)| (host, family)));
//!         due.map(|(host, family)| HostResult { host, family, verdict: UpdateResult::Updated, warning: None }).collect()
//!     }
//! }
//!
//! let dir = std::env::temp_dir().join(format!("homing-example-{}", std::process::id()));
//! std::fs::create_dir_all(&dir)?;
//! # std::env::set_var("RUNTIME_DIRECTORY", &dir);
//! let text = format!("ipv4 = here\nstate = {0}/state.json\nhistory = {0}/history.log\n\
//!                     [detector:here]\nkind = fixed\naddress = 198.41.0.4\n", dir.display());
//! let mut config = Config::parse(&text, "example.conf").expect("a valid configuration");
//! config.add_section("mine", &["www.example.org"], "account", Box::new(Accept))?;
//! let report = homing::run_pass(&config, &PassOptions::default(), &Print);
//! assert_eq!(report.exit_code.code(), 0);
//! assert_eq!(report.hosts[0].address.to_string(), "198.41.0.4");
//! # std::fs::remove_dir_all(&dir)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Modules
//! A module uses those to its right and nothing to its left (`tests/modules` checks it):
//!
//! `cli`, `openwrt` → `pass` → `config` → `provider`, `detect` → `settings` → `store` → `net` → `sys` → `types`

// The compiler looks for dead code in the usual build and in the full one. A build that leaves features out leaves
// helpers of theirs unused, which the linker drops.
#![cfg_attr(
    not(all(
        feature = "tls",
        feature = "rfc2136",
        feature = "cloudflare",
        feature = "apis",
        feature = "detectors",
        feature = "advice",
        feature = "verify",
        feature = "uci"
    )),
    allow(dead_code, unused_imports)
)]

mod cli;
mod config;
mod detect;
mod net;
mod openwrt;
mod pass;
mod provider;
/// homing-server, the dyndns2 update service (feature `server`).
#[cfg(feature = "server")]
#[doc(hidden)]
pub mod server;
mod settings;
mod store;
mod sys;
mod types;

pub use cli::run;
pub use config::Config;
pub use detect::Detector;
pub use net::context::PassContext;
pub use net::http::{Http, Method, Reply, Request, RequestError, Url};
pub use pass::event::{Event, EventKind, ExitCode, HostReport, Level, Observer};
pub use pass::{PassOptions, PassReport};
pub use provider::contract::{Desired, HostResult, HostUpdate, LastKnown, Pause, Provider, PushContext, UpdateResult};
pub use settings::{Place, Problem};
pub use types::address::{Family, Set};
pub use types::hostname::Host;
pub use types::vec_map::VecMap;

/// Makes one pass over a configuration: detects, updates what is out of date, records the result.
pub fn run_pass(config: &Config, options: &PassOptions, observer: &dyn Observer) -> PassReport {
    pass::run(config, options, &trust(config), observer)
}

/// Detects the addresses and keeps the history, and nothing else.
pub fn detect(config: &Config, observer: &dyn Observer) -> PassReport {
    pass::log_only(config, false, &trust(config), observer)
}

fn trust(config: &Config) -> net::http::Trust {
    net::http::Trust::establish(config.agent.ca_file.as_deref())
}

/// What the project's own tests and fuzz targets look into; not part of the public API.
#[doc(hidden)]
pub mod internals {
    pub use crate::config::{AGENT_KEYS, SECTION_KEYS};
    pub use crate::detect::kinds;
    pub use crate::net::dns::wire::{name_text, put_name, Header, Reader, Record};
    pub use crate::net::dns::{read_reply, zone, Class, Kind, Question, Reading};
    #[cfg(feature = "tls")]
    pub use crate::net::http::{certificate_names, certificates};
    pub use crate::net::tsig;
    pub mod provider {
        pub use crate::provider::{built_in, built_ins, closed, left_out, named, protocols, rows};
    }
    pub use crate::settings::reader::Key;
    pub use crate::types::json;
    pub use crate::types::secret::Secret;
}
