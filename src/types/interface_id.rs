//! The part of an IPv6 address that stays when the prefix changes. The provider hands out prefixes that come and go; a
//! host behind the router keeps its own part of the address, so whoever learns the prefix knows the whole.

use crate::types::spelling::shown;
use std::net::{IpAddr, Ipv6Addr};

/// Fewer bits than this nobody is given (RFC 9099: providers themselves begin at /32).
const SHORTEST: u32 = 32;

/// The bits of a host, and how many before them are the prefix's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InterfaceId {
    bits: u128,
    prefix: u32,
}

impl InterfaceId {
    /// `::1234/64`, or `::1234` for the same: a home's networks have 64 bits (RFC 4291 §2.5.1).
    pub fn parse(text: &str) -> Result<InterfaceId, String> {
        let (address, length) = text.split_once('/').unwrap_or((text, "64"));
        let address = address.trim().parse::<Ipv6Addr>();
        let address =
            address.map_err(|_| format!("'{}' is not an interface identifier: write ::1234/64", shown(text)))?;
        let digits = length.bytes().all(|b| b.is_ascii_digit());
        let prefix = length.parse::<u32>().ok().filter(|n| digits && (SHORTEST..128).contains(n));
        let prefix =
            prefix.ok_or_else(|| format!("invalid prefix length '{}': use {SHORTEST} to 127", shown(length)))?;
        let suffix = InterfaceId { bits: u128::from(address), prefix };
        if suffix.bits & !suffix.mask() != suffix.bits {
            return Err(format!(
                "the first {prefix} bits of '{}' are not zero: write only the host part, ::1234/{prefix}",
                shown(text)
            ));
        }
        match suffix.bits {
            0 => Err(format!("'{}' is a network, not a host: write ::1234/{prefix}", shown(text))),
            _ => Ok(suffix),
        }
    }

    fn mask(self) -> u128 {
        u128::MAX << (128 - self.prefix)
    }

    /// The host's address in the network of this one; an IPv4 address stays what it is.
    pub fn with_prefix_of(self, address: IpAddr) -> IpAddr {
        match address {
            IpAddr::V6(v6) => Ipv6Addr::from(u128::from(v6) & self.mask() | self.bits).into(),
            v4 => v4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_keeps_its_part() {
        let of = |suffix: &str, address: &str| {
            InterfaceId::parse(suffix).unwrap().with_prefix_of(address.parse().unwrap()).to_string()
        };
        assert_eq!(of("::1234/64", "2a00:1:2:3:aaaa:bbbb:cccc:dddd"), "2a00:1:2:3::1234");
        assert_eq!(of("::1234", "2a00:1:2:3:aaaa:bbbb:cccc:dddd"), "2a00:1:2:3::1234");
        assert_eq!(of("::ff:fe00:1/64", "2a00:1:2:3::1"), "2a00:1:2:3:0:ff:fe00:1");
        assert_eq!(of("0:0:0:5::1/56", "2a00:1:2:3ff:a::1"), "2a00:1:2:305::1");
        assert_eq!(of("::1/127", "2a00::6"), "2a00::7");
        assert_eq!(of("::1234", "198.41.0.4"), "198.41.0.4");
    }

    #[test]
    fn what_is_no_suffix_is_told() {
        for text in
            ["", "1234", "::1234/", "::1234/0", "::1234/31", "::1234/128", "::1234/+64", "::1234/64/64", "::/64"]
        {
            assert!(InterfaceId::parse(text).is_err(), "{text}");
        }
        let why = InterfaceId::parse("2a00::1/64").unwrap_err();
        assert_eq!(why, "the first 64 bits of '2a00::1/64' are not zero: write only the host part, ::1234/64");
        assert!(InterfaceId::parse("0:0:0:5::1/64").is_err() && InterfaceId::parse("0.0.0.1").is_err());
    }
}
