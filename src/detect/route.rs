//! The address from which the kernel would reach the Internet: that of a UDP socket connected to a far address
//! (connect(2) chooses the route and sends nothing).

use crate::types::address::Family;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

pub fn ask(family: Family) -> Result<IpAddr, String> {
    // Root name servers: addresses that every default route covers and no home network holds.
    let (own, far): (IpAddr, IpAddr) = match family {
        Family::V4 => (Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::new(198, 41, 0, 4).into()),
        Family::V6 => (Ipv6Addr::UNSPECIFIED.into(), Ipv6Addr::new(0x2001, 0x503, 0xba3e, 0, 0, 0, 2, 0x30).into()),
    };
    let none = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NetworkUnreachable => format!("no {family} route to the Internet"),
        _ => format!("no {family} route to the Internet: {error}"),
    };
    let socket = UdpSocket::bind((own, 0)).map_err(none)?;
    socket.connect((far, 53)).map_err(none)?;
    Ok(socket.local_addr().map_err(none)?.ip())
}
