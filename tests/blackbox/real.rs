//! homing with real servers: TLS by nginx, DNS by unbound, signed updates of BIND, Knot and PowerDNS, and the same
//! dyndns2 exchanges by ddclient. `tests/install-tools` installs what is missing.

#[cfg(feature = "rfc2136")]
mod address_sets;
mod daemon;
mod ddclient;
mod dns;
mod https;
mod proxy;
#[cfg(feature = "rfc2136")]
mod relay;
#[cfg(feature = "rfc2136")]
mod rfc2136;
mod router;
mod stun;
#[cfg(feature = "rfc2136")]
mod zone_discovery;
#[cfg(feature = "rfc2136")]
mod zones;
