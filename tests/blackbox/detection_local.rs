//! Detecting the address on this machine: commands, interfaces, routes; and an address that keeps changing.

use crate::testbed::{in_a_network, seconds, Home, FOUR, OTHER};

fn command(name: &str, line: &str) -> String {
    format!("[detector:{name}]\nkind = command\ncommand = {line}\n")
}

#[test]
fn commands_without_a_valid_address_fail() {
    let home = Home::new();
    let cases = [
        ("junk", "/bin/echo not an address"),
        ("nothing", "/bin/true"),
        ("lines", "/usr/bin/printf '198.41.0.4\\n193.0.14.129\\n'"),
        ("gigabyte", "/usr/bin/head -c 1000000000 /dev/zero"),
        ("endless", "/usr/bin/yes"),
        ("code", "/bin/sh -c 'echo 193.0.14.129; exit 3'"),
        ("signal", "/bin/sh -c 'echo 193.0.14.129; kill -9 $$'"),
        ("missing", "/nonexistent/program"),
        ("sleeper", "/bin/sleep 1000000000"),
        ("early", "/bin/sh -c 'echo 193.0.14.129; sleep 1000000000'"),
        ("wrong", "/bin/echo 2620:fe::fe"),
        ("noshell", "/bin/echo $(echo 193.0.14.129)"),
        ("errors", "/bin/sh -c 'echo 193.0.14.129 >&2'"),
        ("lan", "/bin/echo 192.168.0.1"),
    ];
    let sections: String = cases.iter().map(|(name, line)| command(name, line)).collect();
    let names: Vec<&str> = cases.iter().map(|(name, _)| *name).collect();
    home.config(&format!("timeout = 1s\nipv4 = {}", names.join(", ")), &sections);
    let ended = home.passes(1);
    for name in names {
        assert!(ended.stderr.contains(&format!(" {name}: ")), "{name}: {}", ended.stderr);
    }
    for why in ["exit code 3", "signal 9", "printed too much", "did not end in time", "cannot run /nonexistent"] {
        assert!(ended.stderr.contains(why), "{why}: {}", ended.stderr);
    }
    assert!(ended.took < seconds(8), "{:?}", ended.took);
    assert_eq!((home.pushes(), home.stored_files().len()), (0, 0));
}

#[test]
fn a_commands_background_process_is_ended() {
    let home = Home::new();
    let script = home.filled("/bin/sh -c 'sleep 999 & echo $! > {dir}/pid; echo 198.41.0.4'");
    home.config("ipv4 = d", &command("d", &script));
    let ended = home.passes(0);
    assert!(ended.took < seconds(6), "{:?}", ended.took);
    assert_eq!(home.sent(), [FOUR]);
    let stat = format!("/proc/{}/stat", home.scratch.read("pid").trim());
    let alive = std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ") && !stat.contains(") X "));
    assert!(!alive, "the background process is still running");
}

#[test]
fn a_command_gets_the_family_in_its_environment() {
    let home = Home::new();
    home.config(
        "ipv4 = d",
        &command("d", &home.filled("/bin/sh -c 'env > {dir}/env; ls /proc/$$/fd > {dir}/fds; echo 198.41.0.4'")),
    );
    home.pass().env("AWS_SECRET", "x").env("LD_LIBRARY_PATH", "/x").go().expect(0);
    let env = home.scratch.read("env");
    let mut names: Vec<&str> = env.lines().filter_map(|line| line.split('=').next()).collect();
    names.retain(|name| !["PWD", "_", "SHLVL", "OLDPWD"].contains(name));
    names.sort_unstable();
    assert_eq!(names, ["HOMING_FAMILY", "PATH"], "{env}");
    assert!(env.contains("HOMING_FAMILY=ipv4\n"));
    let fds = home.scratch.read("fds");
    assert!(fds.lines().all(|fd| fd.parse::<u32>().is_ok_and(|fd| !(3..10).contains(&fd))), "left open: {fds}");
}

#[test]
fn an_interface_without_address_says_why() {
    let veth = "ip link add wan0 type veth peer name far0";
    let up = format!("{veth} && ip link set wan0 up && ip link set far0 up");
    let public = format!("{up} && ip addr add 198.41.0.4/32 dev wan0");
    let six = "sysctl -qw net.ipv6.conf.all.disable_ipv6=0; ip addr add 2620:fe::1/64 dev wan0 nodad preferred_lft 0 valid_lft 999 \
               && ip addr add fd00::1/64 dev wan0 nodad && ip addr add 2620:fe::fe/64 dev wan0 nodad";
    for (head, script, code, says) in [
        ("ipv4 = wan", "true".to_string(), 1, "there is no interface wan0"),
        ("ipv4 = wan", veth.to_string(), 1, "wan0 is down"),
        ("ipv4 = wan", up.clone(), 1, "wan0: no IPv4 address"),
        ("ipv4 = wan", format!("{up} && ip addr add 192.168.7.1/24 dev wan0"), 1, "only private addresses"),
        ("ipv4 = wan", format!("{public} && ip link set wan0 name old0"), 1, "there is no interface wan0"),
        ("ipv4 = route", "true".to_string(), 1, "no ipv4 route to the Internet"),
        ("ipv4 = lo", "true".to_string(), 1, "127.0.0.1 on lo (of no use elsewhere)"),
        ("ipv4 = lo", "ip addr add 198.41.0.4/32 dev lo".to_string(), 1, ""),
        ("ipv4 = wan", public.clone(), 1, ""),
        ("ipv4 = off\nipv6 = wan", format!("{up} && {six}"), 1, ""),
    ] {
        let home = Home::new();
        // The provider is unreachable in that namespace. The history shows what was detected.
        home.config(
            head,
            "[detector:wan]\nkind = interface\ninterface = wan0\n[detector:lo]\nkind = interface\ninterface = lo\n",
        );
        let Some(ended) = in_a_network(&home.scratch, &script, "") else { return };
        assert_eq!(ended.code, Some(code), "{script}: {}", ended.stderr);
        assert!(ended.stderr.contains(says), "{script}: {says}: {}", ended.stderr);
        assert!(ended.took < seconds(5));
        let history = home.history();
        match says {
            "" if head.contains("ipv6") => {
                assert!(history.ends_with(" ipv6 2620:fe::fe wan\n"), "{history}{}", ended.stderr)
            }
            "" => {
                let from = &head[7..];
                assert!(history.ends_with(&format!(" ipv4 198.41.0.4 {from}\n")), "{history}{}", ended.stderr);
            }
            _ => assert_eq!(history, ""),
        }
    }
}

/// A boot before the network is up: the pass is short, stores nothing, and prints one line per family.
#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs HTTPS")]
fn a_missing_network_is_reported_quickly() {
    let home = Home::new();
    home.config("", "");
    let Some(ended) = in_a_network(&home.scratch, "true", "") else { return };
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.took < seconds(6), "{:?}", ended.took);
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    assert!(ended.stderr.contains("ipify") && ended.stderr.contains("opendns") && ended.stdout.is_empty());
    assert!(home.stored_files().is_empty() && home.pushes() == 0);
}

/// Two uplinks that alternate, one pass a minute.
#[test]
fn an_alternating_address_is_sent_rarely_and_reported() {
    let home = Home::new();
    home.config("ipv4 = here", "");
    let mut at = Vec::new();
    for minute in 0..20 {
        home.set_detected(if minute % 2 == 0 { FOUR } else { OTHER });
        let before = home.pushes();
        let ended = home.pass().at_noon_and(minute * 60).go();
        match home.pushes() - before {
            0 => {}
            1 => at.push(minute),
            more => panic!("{more} pushes in one pass"),
        }
        let held = ended.code == Some(1);
        assert_eq!(held, ended.stderr.contains("back and forth"), "minute {minute}: {}", ended.stderr);
        assert!(held || ended.code == Some(0));
    }
    assert_eq!(at[..3], [0, 1, 2], "the first changes are sent at once");
    assert!(at[2..].windows(2).all(|pair| pair[1] - pair[0] >= 5) && at.len() >= 5, "{at:?}");
    // When the address stays, it is sent within five minutes, and that is the last update.
    home.set_detected("193.0.14.200");
    home.pass().at_noon_and(21 * 60).go().expect(0);
    assert_eq!(home.sent().last().unwrap(), "193.0.14.200", "a new address is not an alternation");
    home.pass().at_noon_and(22 * 60).go().expect(0).silent();
}
