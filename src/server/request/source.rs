//! The client's own address, also behind proxies.

use std::net::{IpAddr, SocketAddr};

/// Where a request comes from. `lines` are the values of the proxy header, in their order; they count only if the
/// peer is a trusted proxy. Each proxy appends the address of its own peer, so the list is read from the right; what
/// stands left of the first untrusted address was written by the client and is not even read. The error is answered
/// with 400: the proxy's own address must never be published as the client's.
pub fn source<'a>(
    peer: IpAddr,
    lines: impl DoubleEndedIterator<Item = &'a [u8]>,
    is_trusted: impl Fn(IpAddr) -> bool,
) -> Result<IpAddr, String> {
    let peer = peer.to_canonical();
    if !is_trusted(peer) {
        return Ok(peer);
    }
    let mut last = None;
    for item in lines.rev().flat_map(|line| line.rsplit(|byte| *byte == b',')) {
        let address = address(item).ok_or_else(|| {
            format!("{:?} in the proxy header is not an address", String::from_utf8_lossy(item.trim_ascii()))
        })?;
        if !is_trusted(address) {
            return Ok(address);
        }
        last = Some(address);
    }
    // Every address is a proxy's: the client is the one that the outermost of them saw.
    last.ok_or_else(|| format!("the trusted proxy {peer} sent no proxy header"))
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1` or `[2001:db8::1]:80`.
fn address(item: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(item).ok()?.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip()));
    address.ok().map(|ip: IpAddr| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(peer: &str, lines: &[&str], trusted: &[&str]) -> Result<String, String> {
        let trusted: Vec<_> = trusted.iter().map(|text| text.parse::<ipnet::IpNet>().unwrap()).collect();
        let lines = lines.iter().map(|line| line.as_bytes());
        let is_trusted = |ip| trusted.iter().any(|network| network.contains(&ip));
        source(peer.parse().unwrap(), lines, is_trusted).map(|ip| ip.to_string())
    }

    #[test]
    fn the_header_counts_only_from_a_trusted_peer() {
        assert_eq!(from("9.9.9.9", &["198.41.0.4"], &["127.0.0.1/32"]).as_deref(), Ok("9.9.9.9"));
        assert_eq!(from("9.9.9.9", &["198.41.0.4"], &[]).as_deref(), Ok("9.9.9.9"));
        assert_eq!(from("127.0.0.1", &["198.41.0.4"], &["127.0.0.1/32"]).as_deref(), Ok("198.41.0.4"));
        assert_eq!(from("::ffff:127.0.0.1", &["198.41.0.4"], &["127.0.0.1/32"]).as_deref(), Ok("198.41.0.4"));
        assert_eq!(from("::ffff:9.9.9.9", &[], &[]).as_deref(), Ok("9.9.9.9"));
    }

    #[test]
    fn the_list_is_read_from_the_right_past_trusted_proxies() {
        let trusted = &["127.0.0.1/32", "10.0.0.0/8"][..];
        for (lines, source) in [
            (&["1.1.1.1, 198.41.0.4"][..], "198.41.0.4"),
            (&["1.1.1.1, 198.41.0.4, 10.1.1.1"], "198.41.0.4"),
            (&["1.1.1.1", "198.41.0.4, 10.1.1.1", "10.2.2.2"], "198.41.0.4"),
            (&["nonsense, 198.41.0.4"], "198.41.0.4"),
            (&["10.3.3.3, 10.1.1.1"], "10.3.3.3"),
            (&["198.41.0.4:4711"], "198.41.0.4"),
            (&["2620:fe::9"], "2620:fe::9"),
            (&["[2620:fe::9]"], "2620:fe::9"),
            (&["[2620:fe::9]:4711"], "2620:fe::9"),
            (&["::ffff:198.41.0.4"], "198.41.0.4"),
        ] {
            assert_eq!(from("127.0.0.1", lines, trusted).as_deref(), Ok(source), "{lines:?}");
        }
    }

    #[test]
    fn without_a_readable_address_there_is_no_source() {
        let trusted = &["127.0.0.1/32"];
        for lines in [&[][..], &[""], &["nonsense"], &["198.41.0.4, "], &["198.41.0.4, unknown"], &["1.2.3.4:x"]] {
            assert!(from("127.0.0.1", lines, trusted).is_err(), "{lines:?}");
        }
        let why = from("127.0.0.1", &["198.41.0.4, a\nb"], trusted).unwrap_err();
        assert_eq!(why, "\"a\\nb\" in the proxy header is not an address");
    }
}
