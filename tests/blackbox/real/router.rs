//! Detection through a real router: miniupnpd on one side of a virtual cable, homing on the other, each in its own
//! network namespace. A second cable leads from the router to its provider.

use crate::testbed::{in_a_network, seconds, Ended, Home};

/// Creates both networks, gives the router this address towards its provider, and starts miniupnpd with these settings.
fn router(home: &Home, wan: &str, more: &str) -> String {
    let settings = format!(
        "ext_ifname=wan0\nlistening_ip=lan0\nhttp_port=5000\nsecure_mode=yes\n\
         uuid=00000000-0000-0000-0000-000000000001\nallow 0-65535 192.168.77.0/24 0-65535\n{more}\n"
    );
    home.scratch.write("miniupnpd.conf", &settings, 0o600);
    // The chains that the package's nft_init.sh creates.
    let tables =
        "table inet filter {\nchain miniupnpd { }\nchain prerouting_miniupnpd { }\nchain postrouting_miniupnpd { }\n\
                  chain forward { type filter hook forward priority 0; jump miniupnpd; }\n\
                  chain prerouting { type nat hook prerouting priority -100; jump prerouting_miniupnpd; }\n\
                  chain postrouting { type nat hook postrouting priority 100; jump postrouting_miniupnpd; }\n}\n";
    home.scratch.write("tables.nft", tables, 0o600);
    let there = "nsenter -t $router -n";
    // SSDP on 1900 and HTTP on 5000, or NAT-PMP and PCP on 5351.
    let listens = match more.contains("enable_upnp=yes") {
        true => {
            format!("{there} grep -q :076C /proc/net/udp && {there} cat /proc/net/tcp /proc/net/tcp6 | grep -q :1388")
        }
        false => format!("{there} grep -q :14E7 /proc/net/udp"),
    };
    format!(
        "{{ unshare -n sleep 60 & router=$!; }} && \
         until [ \"$(readlink /proc/$router/ns/net)\" != \"$(readlink /proc/self/ns/net)\" ]; do sleep 0.02; done && \
         ip link add home0 type veth peer name lan0 && ip link set lan0 netns $router && \
         {there} ip link set lo up && {there} ip addr add 192.168.77.1/24 dev lan0 && {there} ip link set lan0 up && \
         {there} ip link add wan0 type veth peer name far0 && {there} ip link set wan0 up && {there} ip link set far0 up && \
         {there} ip addr add {wan} dev wan0 && ip addr add 192.168.77.2/24 dev home0 && ip link set home0 up && \
         ip route add default via 192.168.77.1 && {{ {there} nft -f tables.nft; \
         {there} miniupnpd -d -f miniupnpd.conf -P $PWD/miniupnpd.pid > router.log 2>&1 & }} && \
         for try in $(seq 400); do {listens} && break; sleep 0.05; done"
    )
}

const BOTH: &str = "enable_natpmp=yes\nenable_upnp=yes";

fn pass(home: &Home, wan: &str, more: &str, keys: &str, args: &str) -> Option<Ended> {
    home.config("ipv4 = gateway", &format!("[detector:gateway]\n{keys}\n"));
    in_a_network(&home.scratch, &router(home, wan, more), args)
}

#[test]
#[cfg_attr(not(feature = "detectors"), ignore = "needs the detectors gateway, stun and teredo")]
fn miniupnpd_answers_each_protocol() {
    for (keys, logged) in [
        ("protocols = nat-pmp", "NAT-PMP public address request"),
        ("protocols = upnp", "GetExternalIPAddress"),
        ("protocols = upnp\nurl = http://192.168.77.1:5000/rootDesc.xml", "GetExternalIPAddress"),
        ("protocols = pcp, nat-pmp", "PCP request received"),
        ("", "PCP request received"),
        ("interface = home0\nserver = 192.168.77.1", "PCP request received"),
    ] {
        let home = Home::new();
        let Some(ended) = pass(&home, "198.41.0.4/24", BOTH, keys, "") else { return };
        let log = home.scratch.read("router.log");
        assert!(home.history().ends_with(" ipv4 198.41.0.4 gateway\n"), "{keys}: {ended:?}\n{log}");
        assert!(log.contains(logged), "{keys}: {log}");
    }
}

/// PCP has no request for the address; homing requests a mapping instead and must delete it afterwards.
#[test]
#[cfg_attr(not(feature = "detectors"), ignore = "needs the detectors gateway, stun and teredo")]
fn the_pcp_mapping_is_deleted_afterwards() {
    let home = Home::new();
    home.config("ipv4 = gateway", "[detector:gateway]\nprotocols = pcp\n");
    let laid = router(&home, "198.41.0.4/24", BOTH);
    // Whether empty tables remain is up to the kernel.
    let script =
        format!("{laid} && {{ nsenter -t $router -n nft list ruleset > before.txt 2>&1; echo $router > router.pid; }}");
    let args = "; nsenter -t $router -n nft list ruleset > after.txt 2>&1";
    let Some(ended) = in_a_network(&home.scratch, &script, args) else { return };
    let log = home.scratch.read("router.log");
    if log.contains("send_batch failed") {
        eprintln!("SKIPPED: this kernel has no nf_tables, so miniupnpd can map nothing");
        return;
    }
    assert!(home.history().ends_with(" ipv4 198.41.0.4 gateway\n"), "{ended:?}\n{log}");
    assert_eq!(log.matches("PCP request received").count(), 2, "requested and deleted: {log}");
    let (before, after) = (home.scratch.read("before.txt"), home.scratch.read("after.txt"));
    assert!(before.contains("miniupnpd"), "{before}");
    assert_eq!(before, after, "nothing is left in the router's tables");
}

#[test]
#[cfg_attr(not(feature = "detectors"), ignore = "needs the detectors gateway, stun and teredo")]
fn a_router_with_one_protocol_is_enough() {
    for more in ["enable_natpmp=no\nenable_upnp=yes", "enable_natpmp=yes\nenable_upnp=no"] {
        let home = Home::new();
        let Some(ended) = pass(&home, "198.41.0.4/24", more, "", "") else { return };
        assert!(
            home.history().ends_with(" ipv4 198.41.0.4 gateway\n"),
            "{more} {ended:?}\n{}",
            home.scratch.read("router.log")
        );
    }
}

/// miniupnpd does not give out an unreachable address; how homing explains others is tested in `gateway.rs`.
#[test]
#[cfg_attr(not(feature = "detectors"), ignore = "needs the detectors gateway, stun and teredo")]
fn a_router_behind_nat_gives_no_address() {
    let home = Home::new();
    let Some(ended) = pass(&home, "100.64.7.7/10", BOTH, "", "") else { return };
    let log = home.scratch.read("router.log");
    assert!(ended.stderr.contains("gateway: the router 192.168.77.1 did not tell: PCP: "), "{ended:?}\n{log}");
    assert!(ended.took < seconds(20) && home.stored_files().is_empty(), "{ended:?}");
}
