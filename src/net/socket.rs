//! Sockets that leave by a given way: from an address of ours, or by an interface. The only door to socket2, which
//! knows the one option (SO_BINDTODEVICE) that makes a second uplink of equal rank usable; the standard library and
//! rustix know none. A name is still looked up by the system's resolver, which goes its own way.

use crate::sys::os;
use crate::types::address::Family;
use crate::types::spelling::shown;
use socket2::{Domain, Socket, Type};
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

/// The longest name of an interface (IFNAMSIZ without its end).
const LONGEST_NAME: usize = 15;

/// From where a connection leaves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Bind {
    /// From this address of ours.
    Address(IpAddr),
    /// By the interface of this name, whether it is there now or not.
    Interface(String),
}

impl fmt::Display for Bind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bind::Address(address) => write!(out, "{address}"),
            Bind::Interface(name) => out.write_str(name),
        }
    }
}

impl Bind {
    /// An address, or the name of an interface.
    pub fn parse(text: &str) -> Result<Bind, String> {
        if let Ok(address) = text.parse::<IpAddr>() {
            let link_local = match address {
                IpAddr::V4(v4) => v4.is_link_local() || v4.is_broadcast(),
                IpAddr::V6(v6) => v6.segments()[0] & 0xffc0 == 0xfe80 || v6.to_ipv4_mapped().is_some(),
            };
            return match link_local || address.is_unspecified() || address.is_multicast() {
                true => Err(format!("'{address}' cannot reach the Internet: use another address, or an interface")),
                false => Ok(Bind::Address(address)),
            };
        }
        // What the kernel takes for a name (dev_valid_name).
        let good = !text.is_empty() && text.len() <= LONGEST_NAME && !matches!(text, "." | "..");
        match good && text.bytes().all(|b| b.is_ascii_graphic() && b != b'/' && b != b':') {
            true => Ok(Bind::Interface(text.to_string())),
            false => {
                Err(format!("'{}' is neither an address nor an interface name: write for example ppp0", shown(text)))
            }
        }
    }

    /// The one family of its address; none for an interface.
    pub fn family(&self) -> Option<Family> {
        match self {
            Bind::Address(address) => Some(Family::of(*address)),
            Bind::Interface(_) => None,
        }
    }
}

/// A UDP socket that hears this server alone.
pub fn udp(server: SocketAddr, bind: Option<&Bind>) -> io::Result<UdpSocket> {
    let socket = match bind {
        // Connecting draws the port.
        None => Socket::new(Domain::for_address(server), Type::DGRAM, None)?,
        Some(bind) => open(server, Type::DGRAM, bind)?,
    };
    socket.connect(&server.into())?;
    Ok(socket.into())
}

/// A connection to this server.
pub fn tcp(server: SocketAddr, bind: Option<&Bind>, timeout: Duration) -> io::Result<TcpStream> {
    let Some(bind) = bind else { return TcpStream::connect_timeout(&server, timeout) };
    let socket = open(server, Type::STREAM, bind)?;
    socket.connect_timeout(&server.into(), timeout)?;
    Ok(socket.into())
}

fn open(server: SocketAddr, kind: Type, bind: &Bind) -> io::Result<Socket> {
    let told = |error: io::Error| {
        let why = match error.kind() {
            io::ErrorKind::AddrNotAvailable => "no interface here holds it".to_string(),
            _ if error.raw_os_error() == Some(NO_DEVICE) => "there is no such interface".to_string(),
            _ => error.to_string(),
        };
        io::Error::new(error.kind(), format!("cannot go out by {bind}: {why}"))
    };
    let family = Family::of(server.ip());
    let socket = Socket::new(Domain::for_address(server), kind, None)?;
    let from = match bind {
        Bind::Address(address) if Family::of(*address) == family => *address,
        Bind::Address(_) => return Err(told(io::Error::other(format!("that is no {family} address")))),
        Bind::Interface(name) => match socket.bind_device(Some(name.as_bytes())) {
            Ok(()) => return Ok(socket),
            // Before Linux 5.7 that takes CAP_NET_RAW. The interface's address alone is enough where a rule routes by
            // source; elsewhere the packets are lost, and nothing worse.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => address_of(name, family).map_err(told)?,
            Err(error) => return Err(told(error)),
        },
    };
    socket.bind(&SocketAddr::new(from, 0).into()).map_err(told)?;
    Ok(socket)
}

/// ENODEV, the same on every Linux.
const NO_DEVICE: i32 = 19;

/// An address from which an interface can reach more than its link.
fn address_of(name: &str, family: Family) -> io::Result<IpAddr> {
    let held = os::held_addresses(family)?;
    let mut fit = held.iter().filter(|held| held.name == name && held.global_scope && !held.deprecated);
    let none = || io::Error::new(io::ErrorKind::AddrNotAvailable, format!("it has no {family} address"));
    fit.next().map(|held| held.address).ok_or_else(none)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_way_out_is_an_address_or_an_interface() {
        let interface = |name: &str| Ok(Bind::Interface(name.to_string()));
        assert_eq!(Bind::parse("198.41.0.4"), Ok(Bind::Address("198.41.0.4".parse().unwrap())));
        assert_eq!(Bind::parse("fd00::1"), Ok(Bind::Address("fd00::1".parse().unwrap())));
        for name in ["ppp0", "eth0.7", "pppoe-wan", "wg-home"] {
            assert_eq!(Bind::parse(name), interface(name));
        }
        for text in ["", "fe80::1", "169.254.1.1", "::", "0.0.0.0", "224.0.0.1", "ff02::1", "255.255.255.255"] {
            assert!(Bind::parse(text).is_err(), "{text}");
        }
        for text in ["a b", "a/b", "1.2.3.4:5", "sixteen-letters-x", ".", "..", "pp\u{f6}0", "::ffff:9.9.9.9"] {
            assert!(Bind::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_server_sees_the_address_that_was_asked_for() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = listener.local_addr().unwrap();
        let bind = Bind::Address("127.0.0.7".parse().unwrap());
        let held = tcp(server, Some(&bind), Duration::from_secs(5)).unwrap();
        assert_eq!(listener.accept().unwrap().1.ip().to_string(), "127.0.0.7");
        drop(held);
        assert_eq!(udp(server, Some(&bind)).unwrap().local_addr().unwrap().ip().to_string(), "127.0.0.7");
        let told = |bind: &str| udp(server, Some(&Bind::parse(bind).unwrap())).unwrap_err().to_string();
        assert_eq!(told("198.41.0.4"), "cannot go out by 198.41.0.4: no interface here holds it");
        assert_eq!(told("2620:fe::fe"), "cannot go out by 2620:fe::fe: that is no ipv4 address");
        let missing = told("no-such0");
        assert!(missing.starts_with("cannot go out by no-such0: "), "{missing}");
    }
}
