//! homing-server: a dyndns2 update service in front of a name server that takes RFC 2136 updates.
//! A request in one sentence: who is it, which hostname, which address; record what is wanted, update the name server,
//! record what is published.
//!
//! - [`cli`]: the command line; every command but `--daemon` is carried out there
//! - [`config`]: the configuration file and the key files it names
//! - [`daemon`]: starts, reloads and ends the parts of a running service
//! - [`listen`]: connections, TLS and HTTP (the only user of hyper, axum and tokio-rustls)
//! - [`request`], [`reply`]: a request's fields and the reply's text; pure
//! - [`account`]: who is it: login, the queue for password hashes, the cache of successes
//! - [`limit`]: rate limits; pure, the time is passed in
//! - [`decide`]: one host's row and the wanted addresses: nothing, change or refuse; pure
//! - [`update`]: one request in order
//! - [`zone`]: one thread a zone: groups changes, sends RFC 2136 updates, records the outcome
//! - [`sweep`]: expiry, and what must be sent again
//! - [`mail`]: notifications from the outbox
//! - [`store`]: the database (the only user of sqlx)
//! - [`password`]: Argon2 hashes
//! - [`name`]: hostnames and zones as they are stored
//! - [`clock`]: wall-clock time and serving time
//! - [`metrics`]: counters and the health page

pub mod account;
pub mod cli;
pub mod clock;
pub mod config;
pub mod daemon;
pub mod decide;
pub mod limit;
pub mod listen;
pub mod mail;
pub mod metrics;
pub mod name;
pub mod password;
pub mod reply;
pub mod request;
pub mod store;
pub mod sweep;
pub mod update;
pub mod zone;

pub use cli::run;
