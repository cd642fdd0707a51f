//! homing keeps a DNS name pointing at a changing address: each run is one synchronous pass that detects the public
//! address, updates the providers that are out of date, and records the result.
//!
//! # Modules
//! A module uses those to its right and nothing to its left (`tests/modules` checks it):
//!
//! `cli`, `openwrt` → `pass` → `config` → `provider`, `detect` → `settings` → `store` → `net` → `sys` → `types`

pub mod cli;
pub mod config;
pub mod detect;
pub mod net;
pub mod openwrt;
pub mod pass;
pub mod provider;
pub mod settings;
pub mod store;
pub mod sys;
pub mod types;

pub use cli::run;
