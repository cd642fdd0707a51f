//! What tests are built from: servers on loopback, a scratch folder, the binary in an empty environment, and a search
//! for leaked secrets.

mod canary;
mod clock;
mod dns;
mod home;
mod http;
mod network;
mod run;
pub mod runner;
mod scratch;
mod stop;
#[cfg(test)]
mod tests;
mod tls;
mod udp;
mod updates;

#[allow(unused_imports)] // As above: offered to all tests.
pub use {
    canary::{base64, percent, Canary},
    dns::{DnsServer, Query, Record},
    home::{mode, set_mode, Home, FOUR, OTHER, SECRET, SIX},
    http::{HttpServer, Reply, Request},
    network::in_a_network,
    run::{Ended, Run, NOON},
    runner::{adjusted, emulator_hides, left_out, seconds},
    scratch::Scratch,
    tls::{Identity, Pki, TlsBehaviour},
    udp::UdpServer,
    updates::{lines, updates, updates_on},
};
