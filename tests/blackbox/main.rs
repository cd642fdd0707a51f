//! homing seen from outside: the built binary in a scratch folder, against servers that we script.
//! One test program, so that it links once and its tests run side by side. See tests/README.md.

#[cfg(feature = "rfc2136")]
mod addresses;
mod advisories;
mod clock;
#[cfg(feature = "cloudflare")]
mod cloudflare;
mod commands;
mod conversation;
mod crash;
mod detecting;
mod detection;
mod detection_dns;
mod detection_here;
#[cfg(feature = "detectors")]
mod detection_stun;
mod fences;
mod frugal;
mod fuzzed;
#[cfg(feature = "detectors")]
mod gateway;
mod hooks;
#[cfg(feature = "rfc2136")]
mod keyfiles;
mod language;
mod large;
mod left_out;
mod memory;
mod overrides;
mod papers;
mod real;
mod repository;
mod secrets;
mod services;
mod settings;
mod surroundings;
mod truth;
#[cfg(feature = "uci")]
mod uci;
#[cfg(feature = "uci")]
mod uci_options;
#[cfg(feature = "uci")]
mod uci_scripts;
#[cfg(feature = "rfc2136")]
mod updating;
mod uplinks;
mod witnesses;
// A world to write tests in: not every test needs every part of it.
#[cfg(feature = "verify")]
#[allow(dead_code)]
mod verifying;
#[cfg_attr(not(feature = "detectors"), allow(dead_code))]
mod world;
