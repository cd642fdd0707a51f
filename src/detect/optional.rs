//! The detectors that not every board needs (the feature `detectors`): the router itself, a STUN server, a Teredo
//! tunnel. `left_out.rs` stands in for them in a build without.

mod gateway;
mod stun;
mod teredo;

use super::{family_key, interface, server, Row, BIND, OPERATOR};
use crate::net::http::Http;
use crate::settings::reader::{key, SectionReader};
use crate::types::address::Family;
use std::net::IpAddr;
use std::time::Instant;

#[derive(Clone, Debug)]
pub enum OptionalKind {
    Stun { server: crate::net::dns::Server },
    Gateway(gateway::Gateway),
    Teredo { interface: Option<String> },
}

pub const KINDS: &[Row] = &[
    (
        "stun",
        "ask a STUN server",
        &[
            key("server", "name or address, and :port if not 3478"),
            key("server6", "the server for IPv6, if another"),
            key("url", "the same as server, as stun:server:port"),
            OPERATOR,
            BIND,
        ],
    ),
    (
        "gateway",
        "ask the router itself, by PCP, NAT-PMP or UPnP",
        &[
            key("server", "its address, and :port if not 5351 (default: the default route's router)"),
            key("url", "where its UPnP description is (default: it is looked for)"),
            key("protocols", "which to try, in order (default: pcp, nat-pmp, upnp)"),
            key("interface", "the interface whose default route counts (default: the best)"),
        ],
    ),
    (
        "teredo",
        "for IPv4 the address inside this machine's Teredo address, for IPv6 that address itself",
        &[key("interface", "the tunnel's name (default: any)")],
    ),
];

pub fn make(kind: &str, facts: &SectionReader<'_>, family: Family) -> Option<OptionalKind> {
    match kind {
        "stun" => stun::make(facts, family),
        "gateway" => gateway::make(facts),
        _ => Some(OptionalKind::Teredo { interface: facts.text("interface") }),
    }
}

impl OptionalKind {
    /// The default route's router, asked by what changes nothing in it.
    pub fn router() -> Option<OptionalKind> {
        Some(OptionalKind::Gateway(gateway::Gateway::untouched()))
    }

    pub fn ask(&self, family: Family, until: Instant, http: &Http<'_>) -> Result<IpAddr, String> {
        match self {
            OptionalKind::Stun { server } => stun::ask(server, family, until, http.context.bind.as_ref()),
            OptionalKind::Gateway(gateway) => gateway::ask(gateway, until, http),
            OptionalKind::Teredo { interface } => teredo::ask(interface.as_deref(), family),
        }
    }

    /// Whether its answer is the network's word.
    pub fn is_network(&self) -> bool {
        matches!(self, OptionalKind::Stun { .. })
    }

    pub fn is_gateway(&self) -> bool {
        matches!(self, OptionalKind::Gateway(_))
    }

    pub fn is_teredo(&self) -> bool {
        matches!(self, OptionalKind::Teredo { .. })
    }
}
