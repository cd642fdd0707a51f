//! homing keeps a DNS name pointing home: find our address, see what is out of date, tell the servers, write it
//! down. One synchronous pass; a scheduler starts it.
//!
//! The floors, from the top; arrows go down only:
//! - [`args`], `run` below: what was typed, and which task that is
//! - [`pass`]: the one pass, in order; [`status`], [`diagnose`], [`catalogue`], [`uci`]: the tasks that only tell
//! - [`picture`]: the history drawn
//! - [`push`], [`survey`], [`plan`], [`verify`], [`hook`]: one section's pushes; what we found out; what is out of date; who is told
//! - [`config`] over [`settings`] and [`values`]: text, and what it means
//! - [`provider`], [`detect`]: which there are, and one file for each below them
//! - [`keeper`], [`state`], [`history`], [`lately`], [`luci`] over [`disk`]: memory
//! - [`report`], [`syslog`]: what the operator reads
//! - the doors, each to one outside thing: [`http`] (minreq), [`dns`] with [`tsig`], [`datagram`] over [`socket`]
//!   (socket2), [`digest`] (RustCrypto), [`json`] (tinyjson), [`clock`] (time), [`os`]
//!   (rustix), [`process`], [`resolve`]; and the words all share: [`address`], [`bell`], [`host`], [`secret`], [`sorted`], [`suffix`],
//!   [`words`]

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
