//! Teredo (RFC 4380), IPv6 through a NAT that knows only IPv4. A Teredo address holds in its last 32 bits, inverted,
//! the IPv4 address that the Teredo server saw; so a tunnel that is up tells the public address without a question.

use super::interface::is_teredo;
use crate::sys::os::{self, Held};
use crate::types::address::Family;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// For IPv4 the NAT's address, for IPv6 the Teredo address itself, which no other detector tells.
pub fn ask(interface: Option<&str>, family: Family) -> Result<IpAddr, String> {
    let held = os::held_addresses(Family::V6).map_err(|error| format!("can't list the addresses: {error}"))?;
    let address = choose(&held, interface)?;
    Ok(match family {
        Family::V4 => client(address).into(),
        Family::V6 => address.into(),
    })
}

/// The one Teredo address that can be used now.
fn choose(held: &[Held], interface: Option<&str>) -> Result<Ipv6Addr, String> {
    let fit = held.iter().filter(|held| interface.is_none_or(|name| held.name == name));
    let fit = fit.filter(|held| held.up && !held.deprecated && !held.tentative);
    let mut fit = fit.filter_map(|held| match held.address {
        IpAddr::V6(v6) if is_teredo(held.address) => Some(v6),
        _ => None,
    });
    match (fit.next(), fit.next()) {
        (Some(address), None) => Ok(address),
        (Some(_), Some(_)) => Err("several Teredo addresses: name the interface".to_string()),
        (None, _) => Err(format!("no Teredo address on {}", interface.unwrap_or("any interface"))),
    }
}

/// The obfuscated client address (RFC 4380 §4).
fn client(address: Ipv6Addr) -> Ipv4Addr {
    Ipv4Addr::from(!(u128::from(address) as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(address: &str, name: &str) -> Held {
        Held {
            address: address.parse().unwrap(),
            interface: 7,
            name: name.to_string(),
            up: true,
            temporary: false,
            deprecated: false,
            tentative: false,
            global_scope: true,
            preferred_s: u32::MAX,
            permanent: true,
            prefix_len: 32,
        }
    }

    #[test]
    fn the_client_is_found_in_the_address() {
        // Server 65.54.227.120, port 40000, client 192.0.2.45.
        let address = "2001:0:4136:e378:8000:63bf:3fff:fdd2";
        assert_eq!(client(address.parse().unwrap()).to_string(), "192.0.2.45");
        let list = [held("2620:fe::fe", "eth0"), held(address, "teredo")];
        assert_eq!(choose(&list, None), Ok(address.parse().unwrap()));
        assert_eq!(choose(&list, Some("teredo")), Ok(address.parse().unwrap()));
        assert_eq!(choose(&list, Some("eth0")), Err("no Teredo address on eth0".to_string()));
        assert_eq!(choose(&list[..1], None), Err("no Teredo address on any interface".to_string()));
    }

    #[test]
    fn one_that_cannot_be_used_is_none() {
        let address = "2001:0:4136:e378:8000:63bf:3fff:fdd2";
        let down = Held { up: false, ..held(address, "teredo") };
        let old = Held { deprecated: true, ..held(address, "teredo") };
        assert!(choose(&[down, old], None).is_err());
        assert!(choose(&[held(address, "a"), held("2001::1", "b")], None).unwrap_err().contains("several"));
    }
}
