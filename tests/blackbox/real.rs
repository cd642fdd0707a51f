//! homing with real servers: TLS by nginx, DNS by unbound, signed updates of BIND, Knot and PowerDNS, and the same
//! dyndns2 exchanges by ddclient. `tests/install-tools` installs what is missing.

#[cfg(feature = "rfc2136")]
mod between;
mod daemon;
mod ddclient;
mod dns;
#[cfg(feature = "rfc2136")]
mod found;
mod https;
mod proxy;
#[cfg(feature = "rfc2136")]
mod rfc2136;
mod router;
#[cfg(feature = "rfc2136")]
mod sets;
mod stun;
#[cfg(feature = "rfc2136")]
mod zones;
