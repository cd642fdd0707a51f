//! What a hostile server, network, environment or setting may do to homing, and what it must not. Each case runs in two
//! roles: as a detector's page and as a provider's response. In every case homing ends within the deadline plus a
//! second, uses less than 16 MiB, prints only printable ASCII, leaks no secret, contacts no other server, and publishes
//! and stores nothing.

mod attack;
mod bodies;
mod environment;
mod frames;
mod keep_alive;
mod redirects;
mod routes;
mod secrets;
mod slowness;
mod tls;
mod urls;
