//! The addresses of a request, and what they come to for one hostname.

use crate::types::address::not_public;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The first bits of an IPv6 network, and how many of them count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Prefix {
    bits: u128,
    length: u32,
}

impl Prefix {
    /// `2a02:8010:77:10::/60`. Bits beyond the length are ignored: a Fritz!Box leaves them in.
    pub fn parse(text: &str) -> Result<Prefix, String> {
        let problem = || format!("{text:?} is not an IPv6 prefix such as 2001:db8:1::/56");
        let (address, length) = text.split_once('/').ok_or_else(problem)?;
        let address: Ipv6Addr = address.parse().map_err(|_| problem())?;
        let digits = length.bytes().all(|byte| byte.is_ascii_digit());
        let length = length.parse().ok().filter(|length| digits && (1..=128).contains(length));
        Ok(Prefix { bits: address.into(), length: length.ok_or_else(problem)? })
    }

    /// The address of the host with this suffix in this network.
    pub fn with_suffix(self, suffix: Ipv6Addr) -> Ipv6Addr {
        let mask = u128::MAX << (128 - self.length);
        (self.bits & mask | u128::from(suffix) & !mask).into()
    }
}

/// Which addresses may be published.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Policy {
    /// Also private, documentation and other addresses that the internet does not route.
    pub allow_private: bool,
}

impl Policy {
    fn check(self, address: IpAddr) -> Result<(), String> {
        let of_no_host = match address {
            IpAddr::V4(ip) => {
                ip.octets()[0] == 0 || ip.is_loopback() || ip.is_multicast() || ip.is_link_local() || ip.is_broadcast()
            }
            IpAddr::V6(ip) => {
                ip.is_unspecified() || ip.is_loopback() || ip.is_multicast() || ip.is_unicast_link_local()
            }
        };
        match not_public(address) {
            Some(why) if of_no_host || !self.allow_private => Err(format!("{address} is not published: {why}")),
            _ => Ok(()),
        }
    }
}

/// What the address parameters of a request say.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Asked {
    pub ipv4: Option<Ipv4Addr>,
    pub ipv6: Option<Ipv6Addr>,
    pub prefix: Option<Prefix>,
    /// Why a value cannot be used; nothing is then done for any hostname.
    pub invalid: Option<String>,
    /// Why `ip6lanprefix` cannot be used; that concerns hostnames with a suffix only.
    pub invalid_prefix: Option<String>,
}

/// The address of each family that one hostname is to have. A family without one stays as it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Wanted {
    pub ipv4: Option<Ipv4Addr>,
    pub ipv6: Option<Ipv6Addr>,
}

impl Asked {
    /// Reads the values of the IPv4 parameter (which may hold both families, `V4,V6`), of the IPv6 parameter and of
    /// `ip6lanprefix`.
    pub fn parse(ipv4: Option<&str>, ipv6: Option<&str>, lan_prefix: Option<&str>) -> Asked {
        let mut asked = Asked::default();
        for (list, only_six) in [(ipv4, false), (ipv6, true)] {
            let items = list.unwrap_or("").split(',').map(str::trim).filter(|item| !item.is_empty());
            for item in items {
                if let Err(why) = asked.add(item, only_six) {
                    asked.invalid.get_or_insert(why);
                }
            }
        }
        match lan_prefix.map(|text| Prefix::parse(text.trim())) {
            None => {}
            // The network behind the router, where the hostnames with a suffix are.
            Some(Ok(prefix)) => asked.prefix = Some(prefix),
            Some(Err(why)) => asked.invalid_prefix = Some(why),
        }
        asked
    }

    fn add(&mut self, item: &str, only_six: bool) -> Result<(), String> {
        if item.contains('/') {
            return once(&mut self.prefix, Prefix::parse(item)?, item);
        }
        let address: IpAddr = item.parse().map_err(|_| format!("{item:?} is not an IP address"))?;
        // `::ffff:9.9.9.9` is an IPv4 address in an IPv6 socket's notation.
        match address.to_canonical() {
            IpAddr::V4(_) if only_six && address.is_ipv4() => Err(format!("{item:?} is not an IPv6 address")),
            IpAddr::V4(ip) => once(&mut self.ipv4, ip, item),
            IpAddr::V6(ip) => once(&mut self.ipv6, ip, item),
        }
    }

    /// Whether the request names no address at all.
    fn is_empty(&self) -> bool {
        *self == Asked::default()
    }

    /// Whether the prefix changes something for a hostname with a suffix.
    pub fn has_prefix(&self) -> bool {
        self.prefix.is_some()
    }

    /// The addresses for a hostname with this suffix, from this client. Where none was given, the client's own.
    /// The error says why nothing is done; it is the log's, as clients learn only `dnserr`.
    pub fn for_host(&self, suffix: Option<Ipv6Addr>, source: IpAddr, policy: Policy) -> Result<Wanted, String> {
        if let Some(why) = &self.invalid {
            return Err(why.clone());
        }
        let mut wanted = Wanted { ipv4: self.ipv4, ipv6: self.ipv6 };
        if let Some(suffix) = suffix {
            if let Some(why) = &self.invalid_prefix {
                return Err(why.clone());
            }
            // It wins over `myip6`, which is the router's own address.
            wanted.ipv6 = self.prefix.map(|prefix| prefix.with_suffix(suffix)).or(wanted.ipv6);
        }
        if self.is_empty() {
            match source.to_canonical() {
                IpAddr::V4(ip) => wanted.ipv4 = Some(ip),
                IpAddr::V6(ip) => wanted.ipv6 = Some(ip),
            }
        }
        wanted.addresses().try_for_each(|address| policy.check(address))?;
        Ok(wanted)
    }
}

impl Wanted {
    /// IPv4 first, as replies list them.
    pub fn addresses(self) -> impl Iterator<Item = IpAddr> {
        self.ipv4.map(IpAddr::V4).into_iter().chain(self.ipv6.map(IpAddr::V6))
    }

    pub fn is_empty(self) -> bool {
        self == Wanted::default()
    }
}

/// Two different addresses of one family: whichever we took could be the wrong one.
fn once<T: PartialEq>(place: &mut Option<T>, value: T, item: &str) -> Result<(), String> {
    match place {
        Some(other) if *other != value => Err(format!("{item:?} is a second address of its family")),
        _ => {
            *place = Some(value);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: Policy = Policy { allow_private: true };
    const PUBLIC: Policy = Policy { allow_private: false };

    fn asked(ipv4: &str, ipv6: &str, prefix: &str) -> Asked {
        let given = |text: &'static str| (!text.is_empty()).then_some(text);
        let leak = |text: &str| given(Box::leak(text.to_string().into_boxed_str()));
        Asked::parse(leak(ipv4), leak(ipv6), leak(prefix))
    }

    /// What a hostname gets: the reply's list, or `dnserr`.
    fn wanted(asked: &Asked, suffix: &str, policy: Policy) -> String {
        let source = "198.41.0.4".parse().unwrap();
        match asked.for_host(suffix.parse().ok(), source, policy) {
            Ok(wanted) => wanted.addresses().map(|ip| ip.to_string()).collect::<Vec<_>>().join(","),
            Err(_) => "dnserr".into(),
        }
    }

    #[test]
    fn both_families_come_in_one_parameter_or_in_two() {
        for (ipv4, ipv6) in [
            ("9.9.9.9,2620:fe::9", ""),
            ("2620:fe::9, 9.9.9.9", ""),
            ("9.9.9.9", "2620:fe::9"),
            ("9.9.9.9,2620:fe::9", "2620:FE:0::9"),
            (",9.9.9.9,,9.9.9.9", "2620:fe::9"),
            ("", "2620:fe::9,::ffff:9.9.9.9"),
        ] {
            assert_eq!(wanted(&asked(ipv4, ipv6, ""), "", PUBLIC), "9.9.9.9,2620:fe::9", "{ipv4} {ipv6}");
        }
        assert_eq!(wanted(&asked("2620:fe::9", "", ""), "", PUBLIC), "2620:fe::9");
        assert_eq!(wanted(&asked("9.9.9.9", "", ""), "", PUBLIC), "9.9.9.9");
    }

    #[test]
    fn the_source_counts_only_where_nothing_was_given() {
        assert_eq!(wanted(&asked("", "", ""), "", PUBLIC), "198.41.0.4");
        assert_eq!(wanted(&asked("", "2620:fe::9", ""), "", PUBLIC), "2620:fe::9");
        let six = asked("", "", "").for_host(None, "2620:fe::7".parse().unwrap(), PUBLIC).unwrap();
        assert_eq!(six, Wanted { ipv4: None, ipv6: "2620:fe::7".parse().ok() });
        let mapped = asked("", "", "").for_host(None, "::ffff:9.9.9.9".parse().unwrap(), PUBLIC).unwrap();
        assert_eq!(mapped, Wanted { ipv4: Some([9, 9, 9, 9].into()), ipv6: None });
    }

    #[test]
    fn an_invalid_value_never_falls_back_to_the_source() {
        for (ipv4, ipv6) in [
            ("nonsense", ""),
            ("9.9.9.9,nonsense", ""),
            ("9.9.9", ""),
            ("09.9.9.9", ""),
            ("[2620:fe::9]", ""),
            ("9.9.9.9:80", ""),
            ("fe80::1%eth0", ""),
            ("9.9.9.9,9.9.9.8", ""),
            ("2620:fe::9", "2620:fe::8"),
            ("", "9.9.9.9"),
            ("", "nonsense"),
            ("", "2620:fe::/129"),
            ("9.9.9.9/24", ""),
            ("9.9.9.9\r\nX: y", ""),
        ] {
            assert_eq!(wanted(&asked(ipv4, ipv6, ""), "", ANY), "dnserr", "{ipv4} {ipv6}");
        }
    }

    #[test]
    fn addresses_of_no_host_are_refused_and_private_ones_on_request() {
        for ip in "0.0.0.0 0.1.2.3 127.0.0.1 127.9.9.9 169.254.1.1 224.0.0.1 239.1.1.1 255.255.255.255 :: ::1 fe80::1 \
            ff02::1 ::ffff:127.0.0.1"
            .split(' ')
        {
            assert_eq!(wanted(&asked(ip, "", ""), "", ANY), "dnserr", "{ip}");
        }
        for ip in "10.0.0.1 172.16.0.1 192.168.1.1 100.64.0.1 192.0.2.1 198.51.100.1 203.0.113.1 fd00::1 2001:db8::1"
            .split(' ')
        {
            assert_eq!(wanted(&asked(ip, "", ""), "", ANY), ip);
            assert_eq!(wanted(&asked(ip, "", ""), "", PUBLIC), "dnserr", "{ip}");
        }
        let local = asked("", "", "").for_host(None, "127.0.0.1".parse().unwrap(), ANY);
        assert!(local.unwrap_err().starts_with("127.0.0.1 is not published: loopback"));
    }

    #[test]
    fn a_prefix_takes_the_hosts_own_bits() {
        for (prefix, suffix, address) in [
            ("2a02:8010:77:10::/60", "::1234", "2a02:8010:77:10::1234"),
            ("2a02:8010:77:1f::/60", "::1234", "2a02:8010:77:10::1234"),
            ("2a02:8010:77:1f:a:b:c:d/60", "0:0:0:5::1", "2a02:8010:77:15::1"),
            ("2620:fe::/64", "2001:db8::ff:fe00:1", "2620:fe::ff:fe00:1"),
            ("2620:fe::9/128", "::1", "2620:fe::9"),
        ] {
            for (ipv6, lan) in [(prefix, ""), ("", prefix)] {
                assert_eq!(wanted(&asked("", ipv6, lan), suffix, PUBLIC), address, "{prefix}");
                assert_eq!(wanted(&asked("", ipv6, lan), "", PUBLIC), "", "without a suffix it is ignored");
                assert_eq!(wanted(&asked("9.9.9.9", ipv6, lan), "", PUBLIC), "9.9.9.9");
            }
        }
        for bad in ["2620:fe::", "2620:fe::/0", "2620:fe::/129", "2620:fe::/+64", "2620:fe::/", "9.9.9.0/24", "x/64"] {
            assert_eq!(wanted(&asked("", "", bad), "::1", PUBLIC), "dnserr", "{bad}");
            assert_eq!(wanted(&asked("9.9.9.9", "", bad), "", PUBLIC), "9.9.9.9", "not used, {bad}");
        }
        assert_eq!(wanted(&asked("", "", "fe80::/64"), "::1", ANY), "dnserr", "the result is checked too");
    }

    #[test]
    fn a_router_and_its_hosts_are_updated_by_one_request() {
        // <ip6addr> and <ip6lanprefix> of a Fritz!Box.
        let both = asked("9.9.9.9", "2620:fe:0:1::7", "2620:fe:0:2::/64");
        assert_eq!(wanted(&both, "", PUBLIC), "9.9.9.9,2620:fe:0:1::7");
        assert_eq!(wanted(&both, "::1234", PUBLIC), "9.9.9.9,2620:fe:0:2::1234");
    }
}
