//! What an address is, and whether the world can reach it.
//! It stands apart because every mechanism that learns an address and every provider that sends one
//! must mean the same by "IPv4", "one address" and "public": what the registries say, not the caller.

mod set;

pub use set::Set;

use std::fmt;
use std::net::IpAddr;

/// The two kinds of address, which are learned, published and fail apart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Family {
    /// 32 bits, published in an A record (RFC 1035).
    V4,
    /// 128 bits, published in an AAAA record (RFC 3596).
    V6,
}

impl Family {
    /// Both, in the order in which we ask and report.
    pub const BOTH: [Family; 2] = [Family::V4, Family::V6];

    /// The family an address belongs to as written: `::ffff:1.2.3.4` is IPv6.
    pub fn of(ip: IpAddr) -> Family {
        match ip {
            IpAddr::V4(_) => Family::V4,
            IpAddr::V6(_) => Family::V6,
        }
    }

    /// The word used in settings, state and history.
    pub fn name(self) -> &'static str {
        match self {
            Family::V4 => "ipv4",
            Family::V6 => "ipv6",
        }
    }

    /// The DNS record type that carries it.
    pub fn record(self) -> &'static str {
        match self {
            Family::V4 => "A",
            Family::V6 => "AAAA",
        }
    }

    /// The family called exactly so by [`Family::name`].
    pub fn parse(name: &str) -> Option<Family> {
        Family::BOTH.into_iter().find(|family| family.name() == name)
    }

    /// As people write it.
    pub fn prose(self) -> &'static str {
        match self {
            Family::V4 => "IPv4",
            Family::V6 => "IPv6",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The one address of this family that the text consists of, ASCII blanks around it aside.
/// No zone, bracket, port or leading zero (RFC 6943, 3.1.1). The reason never repeats the text.
pub fn parse(text: &str, family: Family) -> Result<IpAddr, String> {
    let asked = family.prose();
    let met = match text.trim_matches(|c: char| c.is_ascii_whitespace()).parse() {
        Err(_) => return Err(format!("not an {asked} address")),
        Ok(IpAddr::V6(ip)) if ip.to_ipv4_mapped().is_some() => "IPv4-mapped",
        Ok(ip) if Family::of(ip) == family => return Ok(ip),
        Ok(ip) => Family::of(ip).prose(),
    };
    Err(format!("an {met} address where {asked} was asked"))
}

/// Leading 64 bits, how many of them count, and what to tell the operator. IPv4 is the upper 32.
type Block = (u64, u32, &'static str);

const fn v4(a: u64, b: u64, c: u64, d: u64) -> u64 {
    a << 56 | b << 48 | c << 40 | d << 32
}

const fn v6(a: u64, b: u64, c: u64, d: u64) -> u64 {
    a << 48 | b << 32 | c << 16 | d
}

// Both tables: narrow before wide, for the first that holds the address is told.
// The registries call a few of these globally reachable: AS112, AMT, the PCP, TURN and SRP anycasts
// inside 192.0.0.0/24 and 2001::/23, ORCHIDv2, drone identifiers. They are refused all the same: they
// name a service that anyone may announce, or no place at all. No home has one; who says so is wrong.

/// <https://www.iana.org/assignments/iana-ipv4-special-registry>, and multicast (RFC 5771).
#[rustfmt::skip]
const V4: &[Block] = &[
    (v4(0, 0, 0, 0), 32, "unspecified (0.0.0.0/32, RFC 1122)"),
    (v4(255, 255, 255, 255), 32, "broadcast (255.255.255.255/32, RFC 919)"),
    (v4(192, 0, 0, 0), 29, "DS-Lite or 464XLAT (192.0.0.0/29, RFC 7335)"),
    (v4(192, 0, 0, 0), 24, "protocol assignments (192.0.0.0/24, RFC 6890)"),
    (v4(192, 0, 2, 0), 24, "documentation (192.0.2.0/24, RFC 5737)"),
    (v4(192, 31, 196, 0), 24, "AS112 anycast (192.31.196.0/24, RFC 7535)"),
    (v4(192, 52, 193, 0), 24, "AMT anycast (192.52.193.0/24, RFC 7450)"),
    (v4(192, 88, 99, 0), 24, "6to4 relay anycast (192.88.99.0/24, RFC 7526)"),
    (v4(192, 175, 48, 0), 24, "AS112 anycast (192.175.48.0/24, RFC 7534)"),
    (v4(198, 51, 100, 0), 24, "documentation (198.51.100.0/24, RFC 5737)"),
    (v4(203, 0, 113, 0), 24, "documentation (203.0.113.0/24, RFC 5737)"),
    (v4(169, 254, 0, 0), 16, "link-local (169.254.0.0/16, RFC 3927)"),
    (v4(192, 168, 0, 0), 16, "private (192.168.0.0/16, RFC 1918)"),
    (v4(198, 18, 0, 0), 15, "benchmarking (198.18.0.0/15, RFC 2544)"),
    (v4(172, 16, 0, 0), 12, "private (172.16.0.0/12, RFC 1918)"),
    (v4(100, 64, 0, 0), 10, "carrier-grade NAT (100.64.0.0/10, RFC 6598)"),
    (v4(0, 0, 0, 0), 8, "this network (0.0.0.0/8, RFC 791)"),
    (v4(10, 0, 0, 0), 8, "private (10.0.0.0/8, RFC 1918)"),
    (v4(127, 0, 0, 0), 8, "loopback (127.0.0.0/8, RFC 1122)"),
    (v4(224, 0, 0, 0), 4, "multicast (224.0.0.0/4, RFC 5771)"),
    (v4(240, 0, 0, 0), 4, "reserved (240.0.0.0/4, RFC 1112)"),
];

/// <https://www.iana.org/assignments/iana-ipv6-special-registry>, multicast and site-local.
/// What needs more than 64 bits or a look inside is in [`not_public_v6`].
#[rustfmt::skip]
const V6: &[Block] = &[
    (v6(0x100, 0, 0, 0), 64, "discard-only (100::/64, RFC 6666)"),
    (v6(0x100, 0, 0, 1), 64, "IPv6 dummy prefix (100:0:0:1::/64, RFC 9780)"),
    (v6(0x64, 0xff9b, 1, 0), 48, "local NAT64 (64:ff9b:1::/48, RFC 8215)"),
    (v6(0x2001, 2, 0, 0), 48, "benchmarking (2001:2::/48, RFC 5180)"),
    (v6(0x2620, 0x4f, 0x8000, 0), 48, "AS112 anycast (2620:4f:8000::/48, RFC 7534)"),
    (v6(0x2001, 0, 0, 0), 32, "Teredo (2001::/32, RFC 4380)"),
    (v6(0x2001, 0xdb8, 0, 0), 32, "documentation (2001:db8::/32, RFC 3849)"),
    (v6(0x2001, 0x10, 0, 0), 28, "ORCHID (2001:10::/28, RFC 4843)"),
    (v6(0x2001, 0x20, 0, 0), 28, "ORCHIDv2 (2001:20::/28, RFC 7343)"),
    (v6(0x2001, 0, 0, 0), 23, "protocol assignments (2001::/23, RFC 2928)"),
    (v6(0x3fff, 0, 0, 0), 20, "documentation (3fff::/20, RFC 9637)"),
    (v6(0x5f00, 0, 0, 0), 16, "segment routing (5f00::/16, RFC 9602)"),
    (v6(0xfe80, 0, 0, 0), 10, "link-local (fe80::/10, RFC 4291)"),
    (v6(0xfec0, 0, 0, 0), 10, "site-local (fec0::/10, RFC 3879)"),
    (v6(0xff00, 0, 0, 0), 8, "multicast (ff00::/8, RFC 4291)"),
    (v6(0xfc00, 0, 0, 0), 7, "unique local (fc00::/7, RFC 4193)"),
];

fn find(table: &[Block], bits: u64) -> Option<&'static str> {
    let holds = |block: &&Block| (bits ^ block.0) >> (64 - block.1) == 0;
    table.iter().find(holds).map(|block| block.2)
}

/// Why this address cannot be a home's on the internet: the block and its RFC.
/// `None`: it is global unicast.
pub fn not_public(ip: IpAddr) -> Option<&'static str> {
    match ip {
        IpAddr::V4(ip) => not_public_v4(u32::from(ip)),
        IpAddr::V6(ip) => not_public_v6(u128::from(ip)),
    }
}

fn not_public_v4(bits: u32) -> Option<&'static str> {
    find(V4, u64::from(bits) << 32)
}

fn not_public_v6(bits: u128) -> Option<&'static str> {
    const NAT64: u128 = 0x0064_ff9b << 64;
    let inside = |shift: u32| not_public_v4((bits >> shift) as u32);
    match bits >> 32 {
        0 if bits == 0 => return Some("unspecified (::/128, RFC 4291)"),
        0 if bits == 1 => return Some("loopback (::1/128, RFC 4291)"),
        0 => return Some("IPv4-compatible (::/96, RFC 4291)"),
        0xffff => return Some("IPv4-mapped (::ffff:0:0/96, RFC 4291)"),
        // The registry calls a translated address reachable; it is what the IPv4 address in it is.
        NAT64 => return inside(0).and(Some("NAT64 of non-public IPv4 (64:ff9b::/96, RFC 6052)")),
        _ => {}
    }
    if bits >> 112 == 0x2002 {
        return inside(80).and(Some("6to4 of non-public IPv4 (2002::/16, RFC 3056)"));
    }
    find(V6, (bits >> 64) as u64).or((bits >> 125 != 1).then_some("outside global unicast (2000::/3, RFC 4291)"))
}

/// Is it from the block that carriers put between their customers and the internet (RFC 6598)?
pub fn is_carrier_nat(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V4(ip) if u32::from(ip) >> 22 == 0x6440_0000 >> 22)
}

/// The one public address of this family in a page of text or HTML; the same one twice is one.
/// An address counts where it stands alone or right after a word and a colon, never as part of a
/// longer number, name, path or zone. Non-public ones are passed over. The reason repeats nothing.
pub fn only_public_in(page: &str, family: Family) -> Result<IpAddr, String> {
    // Letters, `-`, `_`, `%` and `/` are in no address, but splitting there would find one in "v9.9.9.9"
    // and "9.9.9.9-rc1", "9.9.9.9%1" and "http://9.9.9.9/". Other scripts split: they set no blanks.
    let apart = |c: char| !c.is_ascii_alphanumeric() && !".:-_%/".contains(c);
    let (mut found, mut passed_over) = (None, None);
    let addresses = page.split(apart).filter_map(|token| address_in(token, family));
    for ip in addresses {
        if let Some(reason) = not_public(ip) {
            passed_over = Some(reason);
        } else if found.replace(ip).is_some_and(|other| other != ip) {
            return Err(format!("more than one public {} address", family.prose()));
        }
    }
    let asked = family.prose();
    found.ok_or_else(|| match passed_over {
        Some(reason) => format!("no public {asked} address, only one that is {reason}"),
        None => format!("no public {asked} address"),
    })
}

fn address_in(token: &str, family: Family) -> Option<IpAddr> {
    let labelled = token.split_once(':').filter(|(word, _)| is_word(word));
    let bare = labelled.map_or(token, |(_, rest)| rest);
    // Whole first: an IPv6 address may end in "::".
    let whole = parse(bare, family).ok();
    whole.or_else(|| parse(bare.strip_suffix(['.', ':'])?, family).ok())
}

/// "IP" or "address", but neither "fe80" nor "9.9.9.9".
fn is_word(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric()) && text.bytes().any(|b| !b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_family_has_its_names() {
        for family in Family::BOTH {
            assert_eq!(Family::parse(family.name()), Some(family));
            assert_eq!(family.to_string(), family.name());
        }
        assert_eq!(Family::parse("IPv4"), None);
        assert_eq!((Family::V4.record(), Family::V6.record()), ("A", "AAAA"));
        assert_eq!(Family::of(ip("9.9.9.9")), Family::V4);
        assert_eq!(Family::of(ip("::1")), Family::V6);
    }

    #[test]
    fn exactly_one_address_is_parsed() {
        assert_eq!(parse(" \t9.9.9.9\r\n", Family::V4), Ok(ip("9.9.9.9")));
        assert_eq!(parse("2620:FE::fe\n", Family::V6), Ok(ip("2620:fe::fe")));
        let bad = "|9.9.9|9.9.9.9.9|9.9.9.256|09.9.9.9|9.9.9.010|0x9.9.9.9|151587081|9.9.9.9:80|\
            +9.9.9.9|9.9.9.9 9.9.9.9|9.9.9.9/32|9.9.9.9.|9. 9.9.9|\u{a0}9.9.9.9|٩.9.9.9|9.9.9.9\0|\
            \u{feff}9.9.9.9|9.9.9.9,|<html>|2620:fe::fe%1|[2620:fe::fe]|2620:fe|2620::fe::1|:::|\
            02620::1|2620:fe::fe/64|1:2:3:4:5:6:7:8:9|::9.9.9.09| ";
        let reason = |text: &str, family: Family| parse(text, family).unwrap_err();
        for bad in bad.split('|') {
            assert_eq!(reason(bad, Family::V4), "not an IPv4 address", "{bad:?}");
            assert_eq!(reason(bad, Family::V6), "not an IPv6 address", "{bad:?}");
        }
        let (six, four) = (reason("2620:fe::fe", Family::V4), reason("9.9.9.9", Family::V6));
        assert_eq!(six, "an IPv6 address where IPv4 was asked");
        assert_eq!(four, "an IPv4 address where IPv6 was asked");
        for mapped in ["::ffff:9.9.9.9", "::FFFF:909:909"] {
            assert_eq!(reason(mapped, Family::V4), "an IPv4-mapped address where IPv4 was asked");
            assert_eq!(reason(mapped, Family::V6), "an IPv4-mapped address where IPv6 was asked");
        }
    }

    /// "10.0.0.0/8" out of "private (10.0.0.0/8, RFC 1918)".
    fn block_of(reason: &str) -> (IpAddr, u32) {
        let block = reason.split(['(', ',']).nth(1).unwrap();
        let (prefix, length) = block.split_once('/').unwrap();
        (ip(prefix), length.parse().unwrap())
    }

    #[test]
    fn the_tables_say_what_they_hold_and_no_row_hides_another() {
        for table in [V4, V6] {
            assert!(table.is_sorted_by(|a, b| a.1 >= b.1), "wide first");
            for &(prefix, length, reason) in table {
                let (told, told_length) = block_of(reason);
                let bits = match told {
                    IpAddr::V4(ip) => u64::from(u32::from(ip)) << 32,
                    IpAddr::V6(ip) => (u128::from(ip) >> 64) as u64,
                };
                assert_eq!((bits, told_length), (prefix, length), "{reason}");
                assert!(reason.contains(", RFC "), "{reason}");
            }
        }
    }

    #[test]
    fn every_block_ends_where_the_registry_says() {
        // Typed from the registries, apart from the tables; the last line is what is not 2000::/3.
        let registry = "
            0.0.0.0/8 0.0.0.0/32 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12
            192.0.0.0/24 192.0.0.0/29 192.0.0.8/32 192.0.0.9/32 192.0.0.10/32 192.0.0.170/32
            192.0.0.171/32 192.0.2.0/24 192.31.196.0/24 192.52.193.0/24 192.88.99.0/24
            192.88.99.2/32 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24
            203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 255.255.255.255/32
            ::1/128 ::/128 ::ffff:0:0/96 64:ff9b:1::/48 100::/64 100:0:0:1::/64 2001::/23 2001::/32
            2001:1::1/128 2001:1::2/128 2001:1::3/128 2001:2::/48 2001:3::/32 2001:4:112::/48
            2001:10::/28 2001:20::/28 2001:30::/28 2001:db8::/32 2002:a00::/24 2002:c0a8::/32
            2620:4f:8000::/48 3fff::/20 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8
            ::/3 4000::/2 8000::/1";
        let range = |block: &str| {
            let (ip, length) = block_of(&format!("({block},"));
            let (most, first) = match ip {
                IpAddr::V4(ip) => (u32::MAX.into(), u32::from(ip).into()),
                IpAddr::V6(ip) => (u128::MAX, u128::from(ip)),
            };
            (most, first, first | most.checked_shr(length).unwrap_or(0))
        };
        let ranges: Vec<_> = registry.split_whitespace().map(range).collect();
        for &(most, first, last) in &ranges {
            let around = [first.wrapping_sub(1), first, last, last.wrapping_add(1)];
            for bits in around.map(|bits| bits & most) {
                let four = u32::try_from(most).map(|_| IpAddr::from((bits as u32).to_be_bytes()));
                let ip = four.unwrap_or(IpAddr::from(bits.to_be_bytes()));
                let mut of_family = ranges.iter().filter(|other| other.0 == most);
                let held = of_family.any(|other| (other.1..=other.2).contains(&bits));
                assert_eq!(not_public(ip).is_some(), held, "{ip}");
            }
        }
    }

    #[test]
    fn the_reason_is_the_narrowest_block() {
        let blocks = "
            0.0.0.0/32 0.0.0.0; 0.0.0.0/8 0.0.0.1; 192.0.0.0/29 192.0.0.7; 192.0.0.0/24 192.0.0.8;
            255.255.255.255/32 255.255.255.255; 240.0.0.0/4 255.255.255.254; ::/128 ::; ::1/128 ::1;
            ::/96 ::2 ::9.9.9.9; ::ffff:0:0/96 ::ffff:0:0 ::ffff:9.9.9.9; 64:ff9b::/96 64:ff9b::7f00:1;
            2000::/3 ::1:0:0 ::1:0:0:0 64:ff9b::1:909:909 64:ff9b:2:: 100:0:0:2:: 5f01:: fe00::;
            64:ff9b:1::/48 64:ff9b:1:ffff::909:909; 2002::/16 2002:6440:1::; 2001::/32 2001::1;
            2001::/23 2001:1::1 2001:2:1:: 2001:f:ffff:: 2001:40::; 2001:20::/28 2001:2f:ffff::;
            fc00::/7 fdff:ffff::; fe80::/10 febf:ffff::; fec0::/10 fec0::; ff00::/8 ff0e::1;
            100::/64 100::1; 100:0:0:1::/64 100:0:0:1::1; 2001:2::/48 2001:2::1; 2001:10::/28 2001:10::;
            5f00::/16 5f00:ffff::";
        for line in blocks.split(';') {
            let (block, inside) = line.trim().split_once(' ').unwrap();
            for text in inside.split(' ') {
                let reason = not_public(ip(text)).unwrap();
                assert!(reason.contains(&format!("({block},")), "{text}: {reason}");
            }
        }
        let public = "9.9.9.9 198.41.0.4 2620:fe::fe 2a00::1 2002:909:909::1 64:ff9b::909:909";
        assert!(public.split(' ').all(|text| not_public(ip(text)).is_none()));
    }

    #[test]
    fn a_carriers_block_is_known() {
        for text in ["100.64.0.0", "100.127.255.255"] {
            assert!(is_carrier_nat(ip(text)), "{text}");
        }
        for text in "100.63.255.255 100.128.0.0 10.0.0.1 ::ffff:100.64.0.1 6440::".split(' ') {
            assert!(!is_carrier_nat(ip(text)), "{text}");
        }
    }

    #[test]
    fn the_one_public_address_of_a_page_is_found() {
        let pages = r#"9.9.9.9|<body>Current IP Address: 9.9.9.9</body>|You are 9.9.9.9.|IP:9.9.9.9|
            9.9.9.9: hello|{"ip":"9.9.9.9"}|ip=9.9.9.9&x=1|(9.9.9.9), 9.9.9.9|您是9.9.9.9的|
            192.168.1.1 behind 9.9.9.9|9.9.9.9 2620:fe::fe|1.2.3.4.5 and 9.9.9.9|
            <a href="http://8.8.8.8/x">9.9.9.9</a>"#;
        let nine = Ok(ip("9.9.9.9"));
        for page in pages.split('|').chain([pages]) {
            assert_eq!(only_public_in(page, Family::V4), nine, "{page}");
        }
        let pages = "2620:fe::|[2620:FE::]:443|It is 2620:fe:::|IPv6:2620:fe::.|fe80::1%1 2620:fe::|\
            9.9.9.9, 2620:fe::|\t2620:fe:0:0:0:0:0:0\r\n";
        for page in pages.split('|') {
            let found = only_public_in(page, Family::V6);
            assert_eq!(found, Ok(ip("2620:fe::")), "{page}");
        }
    }

    #[test]
    fn a_page_with_none_or_several_tells_nothing() {
        let pages = "|<html>Login</html>|1.2.3.4.5|v9.9.9.9|9.9.9.9-rc1|9.9.9.9_1|x9.9.9.9|9.9.9.9a|\
            9.9.9.9..|http://9.9.9.9/|9.9.9.0/24|::ffff:9.9.9.9|9.9.9.9:80|9.9.9.09|.9.9.9.9|\
            2620:fe::fe|9.9.9.9:8.8.8.8";
        for page in pages.split('|') {
            let reason = only_public_in(page, Family::V4).unwrap_err();
            assert_eq!(reason, "no public IPv4 address", "{page}");
        }
        let two = only_public_in("9.9.9.9 8.8.8.8 9.9.9.9", Family::V4).unwrap_err();
        assert_eq!(two, "more than one public IPv4 address");
        let carrier = only_public_in("WAN: 100.64.3.2", Family::V4).unwrap_err();
        assert!(carrier.ends_with("only one that is carrier-grade NAT (100.64.0.0/10, RFC 6598)"));
        let none = only_public_in("12:34:56 face:b00c 9.9.9.9", Family::V6).unwrap_err();
        assert_eq!(none, "no public IPv6 address");
    }
}
