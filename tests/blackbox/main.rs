//! homing seen from outside: the built binary in a scratch folder, against servers that we script.
//! One test program, so that it links once and its tests run side by side. See tests/README.md.

#[cfg(feature = "rfc2136")]
mod addresses;
mod advisories;
mod agreement;
mod clock;
#[cfg(feature = "cloudflare")]
mod cloudflare;
mod commands;
mod conversation;
mod crash;
mod detect_option;
mod detection;
mod detection_dns;
mod detection_local;
#[cfg(feature = "detectors")]
mod detection_stun;
mod documents;
mod exit_codes;
mod fuzzed;
#[cfg(feature = "detectors")]
mod gateway;
mod hooks;
mod hostile;
#[cfg(feature = "rfc2136")]
mod keyfiles;
mod language;
mod large;
mod left_out;
mod messages;
mod overrides;
mod process_environment;
mod real;
mod repeated_work;
mod repository;
mod secrets;
mod services;
mod settings;
mod stored_files;
#[cfg(feature = "uci")]
mod uci;
#[cfg(feature = "uci")]
mod uci_options;
#[cfg(feature = "uci")]
mod uci_scripts;
#[cfg(feature = "rfc2136")]
mod update_targets;
mod uplinks;
// Not every build uses every part of it.
#[cfg_attr(not(feature = "detectors"), allow(dead_code))]
mod testbed;
#[cfg(feature = "verify")]
#[allow(dead_code)]
mod verify;
