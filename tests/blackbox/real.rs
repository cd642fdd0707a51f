//! homing against real parts: TLS by nginx, DNS by unbound, and the same dyndns2 conversations held by ddclient.
//! `tests/parts` installs what is missing.

mod daemon;
mod ddclient;
mod dns;
mod https;
mod proxy;
mod stun;
