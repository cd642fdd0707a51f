//! Routes, of which only the default ones of IPv4 are wanted: where is our router? Sources: rtnetlink(7),
//! linux/rtnetlink.h.

use super::{attributes, number, u32_at};
use crate::types::address::Family;
use std::net::Ipv4Addr;

/// `RTM_NEWROUTE`: one route in an answer.
pub const NEW_ROUTE: u16 = 24;
/// `RTM_GETROUTE`: the question after routes.
pub const GET_ROUTE: u16 = 26;

const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const RTA_PRIORITY: u16 = 6;
const RTA_TABLE: u16 = 15;
const RT_TABLE_MAIN: u32 = 254;
const RTN_UNICAST: u8 = 1;

/// A way to everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DefaultRoute {
    /// The router; none where the link itself leads there, as on a dial-up line.
    pub router: Option<Ipv4Addr>,
    /// Index of the interface.
    pub interface: u32,
    /// Its metric: the lowest is taken first.
    pub rank: u32,
}

/// An IPv4 default route of the main table out of the body of a `NEW_ROUTE`; `None` for all other routes.
pub fn default_route(body: &[u8]) -> Option<DefaultRoute> {
    // struct rtmsg: family, destination's length, source's length, tos, table, protocol, scope, type, flags u32.
    let [family, 0, 0, _, table, _, _, RTN_UNICAST] = *body.get(..8)? else { return None };
    if family != number(Family::V4) {
        return None;
    }
    let (mut router, mut interface, mut rank, mut table) = (None, 0, 0, u32::from(table));
    for (kind, value) in attributes(body.get(12..)?) {
        match kind {
            RTA_OIF => interface = u32_at(value, 0)?,
            RTA_GATEWAY => router = Some(Ipv4Addr::from(<[u8; 4]>::try_from(value).ok()?)),
            RTA_PRIORITY => rank = u32_at(value, 0)?,
            RTA_TABLE => table = u32_at(value, 0)?,
            _ => {}
        }
    }
    (table == RT_TABLE_MAIN).then_some(DefaultRoute { router, interface, rank })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        [&(4 + value.len() as u16).to_ne_bytes(), &kind.to_ne_bytes(), value].concat()
    }

    fn body(family: u8, length: u8, table: u8, kind: u8, attributes: &[Vec<u8>]) -> Vec<u8> {
        [vec![family, length, 0, 0, table, 3, 0, kind, 0, 0, 0, 0], attributes.concat()].concat()
    }

    #[test]
    fn a_default_route_of_the_main_table_is_known() {
        let word = |kind, value: u32| attribute(kind, &value.to_ne_bytes());
        let all = [
            word(RTA_TABLE, 254),
            word(RTA_PRIORITY, 100),
            attribute(RTA_GATEWAY, &[192, 168, 1, 1]),
            word(RTA_OIF, 2),
        ];
        let route = DefaultRoute { router: Some(Ipv4Addr::new(192, 168, 1, 1)), interface: 2, rank: 100 };
        let whole = body(2, 0, 254, 1, &all);
        assert_eq!(default_route(&whole), Some(route));
        assert_eq!(
            default_route(&body(2, 0, 254, 1, &all[3..])),
            Some(DefaultRoute { router: None, rank: 0, ..route })
        );
        for other in [body(2, 24, 254, 1, &all), body(10, 0, 254, 1, &all), body(2, 0, 254, 7, &all)] {
            assert_eq!(default_route(&other), None);
        }
        assert_eq!(default_route(&body(2, 0, 252, 1, &[word(RTA_TABLE, 1000)])), None, "another table");
        for cut in 0..whole.len() {
            let _ = default_route(&whole[..cut]);
        }
    }
}
