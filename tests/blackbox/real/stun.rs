//! Detection through a real STUN server: coturn, in a network namespace with public addresses.

use crate::testbed::{in_a_network, Home};

/// Creates a network whose loopback holds the client's addresses and the server's, with coturn at the latter.
fn coturn(addresses: &[&str], server: &str) -> String {
    let six = "sysctl -qw net.ipv6.conf.all.disable_ipv6=0; sysctl -qw net.ipv6.conf.lo.disable_ipv6=0; ";
    let add = |address: &&str| match address.contains(':') {
        true => format!("{{ {six}ip -6 addr add {address}/128 dev lo nodad; }} && "),
        false => format!("ip addr add {address}/32 dev lo && "),
    };
    let table = if server.contains(':') { "udp6" } else { "udp" };
    let adds: String = addresses.iter().chain([&server]).map(add).collect();
    format!(
        "{adds}{{ turnserver -n -S --no-cli --no-tls --no-dtls -L {server} -p 3478 --pidfile $PWD/turn.pid \
         --log-file stdout > turn.log 2>&1 & }} && until grep -qi :0D96 /proc/net/{table}; do sleep 0.05; done"
    )
}

#[test]
#[cfg_attr(not(feature = "detectors"), ignore = "needs the detectors gateway, stun and teredo")]
fn coturn_reports_both_families() {
    for (head, ours, server, learned) in [
        ("ipv4 = stun", "198.41.0.4", "193.0.14.129", " ipv4 198.41.0.4 stun\n"),
        ("ipv4 = off\nipv6 = stun", "2620:fe::fe", "2001:500:2f::f", " ipv6 2620:fe::fe stun\n"),
    ] {
        let home = Home::new();
        // On the loopback the kernel would choose the server's own address as source.
        home.config(head, &format!("[detector:stun]\nserver = {server}\nbind = {ours}\n"));
        let Some(ended) = in_a_network(&home.scratch, &coturn(&[ours], server), "") else { return };
        assert!(home.history().ends_with(learned), "{}{}{ended:?}", home.history(), home.scratch.read("turn.log"));
    }
}

#[test]
#[cfg_attr(not(feature = "detectors"), ignore = "needs the detectors gateway, stun and teredo")]
fn a_private_address_from_coturn_is_rejected() {
    let home = Home::new();
    home.config("ipv4 = stun", "[detector:stun]\nserver = 193.0.14.129\nbind = 100.64.7.7\n");
    let Some(ended) = in_a_network(&home.scratch, &coturn(&["100.64.7.7"], "193.0.14.129"), "") else { return };
    assert!(ended.stderr.contains("100.64.7.7 is not a public address"), "{ended:?}");
    assert_eq!(home.history(), "");
}
