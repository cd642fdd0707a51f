//! The router itself, which knows the address that it got from the provider: no web service is needed and nothing
//! leaves the house. Asked by PCP, NAT-PMP and UPnP, in this order, until one of them answers.

mod pcp;
mod upnp;

use super::{server, OptionalKind};
use crate::net::dns::Server;
use crate::net::http::{plain, Egress, Http, Url};
use crate::net::socket::{self, Bind};
use crate::settings::reader::SectionReader;
use crate::sys::os;
use crate::types::address::Family;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Instant;

/// Of PCP and NAT-PMP (RFC 6887 §19.1, RFC 6886 §3).
const USUAL_PORT: u16 = 5351;
const PROTOCOLS: [&str; 3] = ["pcp", "nat-pmp", "upnp"];

/// How the router is found and asked.
#[derive(Clone, Debug)]
pub struct Gateway {
    /// Where it is; none: the router of the default route.
    server: Option<Server>,
    /// Its UPnP description; none: it is looked for.
    url: Option<Url>,
    /// Indices into [`PROTOCOLS`].
    protocols: Vec<usize>,
    /// The interface whose default route counts.
    interface: Option<String>,
}

impl Gateway {
    /// The router of the default route, asked by what changes nothing in it.
    pub fn untouched() -> Gateway {
        Gateway { server: None, url: None, protocols: vec![1, 2], interface: None }
    }
}

pub fn make(facts: &SectionReader<'_>) -> Option<OptionalKind> {
    let server = match facts.entry("server") {
        Some(_) => Some(server::read(facts, "server", "", USUAL_PORT)?),
        None => None,
    };
    let url = match facts.entry("url") {
        Some(entry) => {
            let url = facts.url("url")?;
            if url.secure() || url.literal().is_none() {
                facts.wrong(
                    entry,
                    format!(
                        "'{}' is not the URL of a router: write http:// and an address, as in \
                         http://192.168.1.1:5000/rootDesc.xml",
                        url.host()
                    ),
                );
                return None;
            }
            Some(url)
        }
        None => None,
    };
    let mut protocols: Vec<usize> = (0..PROTOCOLS.len()).collect();
    if let Some(entry) = facts.entry("protocols") {
        protocols.clear();
        for name in facts.list("protocols")? {
            match PROTOCOLS.iter().position(|known| *known == name) {
                Some(index) if !protocols.contains(&index) => protocols.push(index),
                _ => {
                    let (name, known) = (crate::settings::shown(&name), PROTOCOLS.join(", "));
                    facts.wrong(entry, format!("'{name}' is invalid or repeated: use each of {known} once"));
                    return None;
                }
            }
        }
    }
    Some(OptionalKind::Gateway(Gateway { server, url, protocols, interface: facts.text("interface") }))
}

/// What the router says; the error tells what each protocol met.
pub fn ask(gateway: &Gateway, until: Instant, http: &Http<'_>) -> Result<IpAddr, String> {
    let bound = match &http.context.bind {
        Some(Bind::Interface(name)) => Some(name.as_str()),
        _ => None,
    };
    let place = match (&gateway.server, &gateway.url) {
        (Some(server), _) => server::address(server, Family::V4, until)?,
        (None, Some(url)) => SocketAddr::new(url.literal().unwrap_or(Ipv4Addr::LOCALHOST.into()), USUAL_PORT),
        (None, None) => SocketAddr::new(router(gateway.interface.as_deref().or(bound))?.into(), USUAL_PORT),
    };
    // The router is at hand: neither a proxy nor a way out leads to it.
    let http = http.by(&Egress::default()).until(until);
    let mut met = Vec::new();
    for (turn, protocol) in gateway.protocols.iter().enumerate() {
        // A router that is silent to one may yet answer another: each has its share, the last all that is left.
        let left = until.saturating_duration_since(Instant::now());
        let rest = u32::try_from(gateway.protocols.len() - turn).unwrap_or(1);
        let share = Instant::now() + left / rest;
        let (name, answer) = match protocol {
            0 => ("PCP", pcp::map(place, share)),
            1 => ("NAT-PMP", pcp::public_address(place, share)),
            _ => ("UPnP", upnp::ask(place.ip(), gateway.url.as_ref(), share, &http)),
        };
        match answer {
            Ok(address) if address.is_unspecified() => met.push(format!("{name}: the router has no address now")),
            Ok(address) => return Ok(address.into()),
            Err(why) => met.push(format!("{name}: {why}")),
        }
    }
    Err(format!("the router {} did not tell: {}", place.ip(), met.join("; ")))
}

/// The router of the best default route, on one interface or any.
fn router(interface: Option<&str>) -> Result<Ipv4Addr, String> {
    let told = |error: std::io::Error| format!("can't find the router: {error}");
    let index = interface.map(os::interface_index).transpose().map_err(told)?;
    let routes = os::default_routes().map_err(told)?;
    let mut fit = routes.iter().filter(|route| index.is_none_or(|index| route.interface == index)).peekable();
    let direct = fit.peek().is_some();
    fit.find_map(|route| route.router).ok_or_else(|| {
        let place = interface.map_or(String::new(), |name| format!(" by {name}"));
        match direct {
            true => format!("no router: the line leads straight to the provider{place}; use kind = interface"),
            false => format!("no router: there is no ipv4 default route{place}"),
        }
    })
}

/// A socket that hears the router alone, and our own address towards it.
fn towards(place: SocketAddr) -> Result<(std::net::UdpSocket, Ipv4Addr), String> {
    let socket = socket::udp(place, None).map_err(|error| plain(&error))?;
    match socket.local_addr().map(|at| at.ip()) {
        Ok(IpAddr::V4(ours)) => Ok((socket, ours)),
        _ => Err("it is no IPv4 router".to_string()),
    }
}
