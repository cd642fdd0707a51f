//! homing against real parts: TLS by nginx, DNS by unbound, signed updates of BIND, Knot and PowerDNS, and the same dyndns2 conversations held by ddclient.
//! `tests/parts` installs what is missing.

mod between;
mod daemon;
mod ddclient;
mod dns;
mod found;
mod https;
mod proxy;
mod rfc2136;
mod router;
mod sets;
mod stun;
mod zones;
