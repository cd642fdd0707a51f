//! Clients that people use, from Debian: each updates a hostname, sees that nothing changed, and learns of a wrong
//! password. Requests of devices that cannot run here are replayed as they were seen.

use crate::world::{basic, write, World, PASSWORD, ZONE};
use std::process::{Command, Output};

/// Runs a program that must exist, in the world's folder.
fn run(world: &World, program: &str, words: &[&str]) -> Output {
    let mut command = Command::new(program);
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env_remove("http_proxy").current_dir(&world.dir);
    // Else the agent notes its last pass in /run.
    command.env("RUNTIME_DIRECTORY", &world.dir);
    command.args(words).output().unwrap_or_else(|error| panic!("{program}, of Debian's package: {error}"))
}

fn out(run: &Output) -> String {
    String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr)
}

fn world() -> World {
    let mut world = World::new();
    world.populate();
    world.must(&["hostname", "add", "alice", "office", ZONE]);
    world.start();
    world
}

/// The agent of this repository, with its own result messages.
#[test]
fn homing_updates() {
    let mut world = world();
    let dir = world.dir.display().to_string();
    let config = format!(
        "state = {dir}/state.json\nhistory = {dir}/history.log\nipv4 = four\n\n[detector:four]\nkind = fixed\n\
         address = 9.9.9.9\n\n[home]\nprovider = dyndns2\nurl = http://127.0.0.1:{}/nic/update\n\
         hosts = home.example.test, office.example.test\nuser = alice\npassword = {PASSWORD}\n",
        world.port
    );
    let config = config.replace("example.test", ZONE);
    write(&world.dir.join("homing.conf"), &config, 0o600);
    let go = |world: &World| run(world, env!("CARGO_BIN_EXE_homing"), &["-c", "homing.conf", "--force"]);
    let first = go(&world);
    assert_eq!(first.status.code(), Some(0), "{}", out(&first));
    for host in ["home.dyn.example", "office.dyn.example"] {
        assert_eq!(world.dig(host, "A"), ["9.9.9.9"]);
    }
    assert_eq!(go(&world).status.code(), Some(0), "nothing changed");
    world.stop_bind();
    write(&world.dir.join("homing.conf"), &config.replace("9.9.9.9", "9.9.9.8"), 0o600);
    let failed = go(&world);
    assert_ne!(failed.status.code(), Some(0), "{}", out(&failed));
    assert!(out(&failed).contains("dnserr"), "{}", out(&failed));
}

#[test]
fn curl_updates() {
    let world = world();
    let url = format!("http://127.0.0.1:{}/nic/update?hostname=home.dyn.example&myip=9.9.9.9", world.port);
    let user = format!("alice:{PASSWORD}");
    assert_eq!(out(&run(&world, "curl", &["-sS", "-u", &user, &url])), "good 9.9.9.9\n");
    assert_eq!(out(&run(&world, "curl", &["-sS", "-0", "-u", &user, &url])), "nochg 9.9.9.9\n");
    let form = ["-sS", "-u", &user, "-d", "myip=9.9.9.8", &url.replace("&myip=9.9.9.9", "")];
    assert_eq!(out(&run(&world, "curl", &form)), "good 9.9.9.8\n");
    assert_eq!(out(&run(&world, "curl", &["-sS", "-u", "alice:wrong", &url])), "badauth\n");
}

#[test]
fn gnu_wget_sends_its_login_after_the_challenge() {
    let world = world();
    let url = format!("http://127.0.0.1:{}/update?hostname=home.dyn.example&myip=9.9.9.9", world.port);
    let password = format!("--password={PASSWORD}");
    let words = ["-qO-", "--tries=1", "--user=alice", &password, &url];
    assert_eq!(out(&run(&world, "wget", &words)), "good 9.9.9.9\n");
    assert_eq!(out(&run(&world, "wget", &words)), "nochg 9.9.9.9\n");
    let wrong = run(&world, "wget", &["-qO-", "--tries=1", "--user=alice", "--password=x", &url]);
    assert_eq!(wrong.status.code(), Some(6), "authentication failed: {wrong:?}");
}

#[test]
fn busybox_wget_takes_the_login_from_the_url() {
    let world = world();
    let rest = format!("127.0.0.1:{}/update?hostname=home.dyn.example&myip=9.9.9.9", world.port);
    let url = format!("http://alice:correct%20horse@{rest}");
    assert_eq!(out(&run(&world, "busybox", &["wget", "-qO-", &url])), "good 9.9.9.9\n");
}

#[test]
fn ddclient_updates_two_hostnames_with_one_request() {
    let world = world();
    let config = format!(
        "protocol=dyndns2\nuse=ip, ip=9.9.9.9\nserver=127.0.0.1:{}\nssl=no\nlogin=alice\npassword='{PASSWORD}'\n\
         home.dyn.example,office.dyn.example\n",
        world.port
    );
    write(&world.dir.join("ddclient.conf"), &config, 0o600);
    let words = ["-file", "ddclient.conf", "-cache", "cache", "-daemon=0", "-noquiet", "-force"];
    let said = out(&run(&world, "ddclient", &words));
    for host in ["home.dyn.example", "office.dyn.example"] {
        assert!(said.contains(&format!("{host}: good: IP address set to 9.9.9.9")), "{said}");
        assert_eq!(world.dig(host, "A"), ["9.9.9.9"]);
    }
    let said = out(&run(&world, "ddclient", &words));
    assert!(!said.contains("FAILED") && said.matches("nochg").count() >= 2, "{said}");
    write(&world.dir.join("ddclient.conf"), &config.replace(PASSWORD, "wrong"), 0o600);
    let said = out(&run(&world, "ddclient", &words));
    assert!(said.contains("FAILED"), "{said}");
}

#[test]
fn inadyn_updates() {
    let world = world();
    let config = format!(
        "period = 300\nallow-ipv6 = false\ncustom homing {{\n    username = alice\n    password = \"{PASSWORD}\"\n\
         ssl = false\n    hostname = home.dyn.example\n    ddns-server = 127.0.0.1:{port}\n\
         ddns-path = \"/nic/update?hostname=%h&myip=%i\"\n    checkip-command = \"echo 9.9.9.9\"\n}}\n",
        port = world.port
    );
    write(&world.dir.join("inadyn.conf"), &config, 0o600);
    let pid = world.dir.join("inadyn.pid").display().to_string();
    let cache = world.dir.display().to_string();
    // With a wrong password it would try again every few minutes.
    let go = |config: &str| {
        let words = ["60", "inadyn", "-1", "-n", "--force", "-f", config, "--cache-dir", &cache, "-P", &pid];
        run(&world, "timeout", &words)
    };
    let first = go("inadyn.conf");
    assert_eq!(world.dig("home.dyn.example", "A"), ["9.9.9.9"], "{}", out(&first));
    assert_eq!(first.status.code(), Some(0), "{}", out(&first));
    write(&world.dir.join("wrong.conf"), &config.replace(PASSWORD, "wrong"), 0o600);
    let wrong = go("wrong.conf");
    assert_ne!(wrong.status.code(), Some(0), "{}", out(&wrong));
}

/// Requests as devices send them. `$B` is alice's Basic, `$T` her token.
const DEVICES: &[(&str, &str, &str)] = &[
    (
        "Fritz!Box, all its fields, no IPv6 today",
        "GET /nic/update?hostname=home.dyn.example&myip=9.9.9.9&myip6=&ip6lanprefix=&dualstack=0 HTTP/1.1\r\n\
         Host: h\r\nUser-Agent: Fritz!Box DDNS/1.0.1\r\n$B\r\n",
        "9.9.9.9",
    ),
    (
        "Fritz!Box with its prefix",
        "GET /nic/update?hostname=home.dyn.example&myip=9.9.9.9&myip6=2620:fe::9&ip6lanprefix=2620:fe:0:1::/64 \
         HTTP/1.1\r\nHost: h\r\nUser-Agent: Fritz!Box DDNS/1.0.1\r\n$B\r\n",
        "9.9.9.9,2620:fe::9",
    ),
    (
        "Fritz!Box with its login in the query",
        "GET /update?user=alice&pass=$T&hostname=home.dyn.example&myip=9.9.9.9&myip6=2620:fe::9 HTTP/1.1\r\nHost: h\r\n",
        "9.9.9.9,2620:fe::9",
    ),
    (
        "inadyn's dyndns plugin, as UniFi has it",
        "GET /nic/update?hostname=home.dyn.example&myip=9.9.9.9 HTTP/1.0\r\nHost: h\r\n$B\r\n\
         User-Agent: inadyn/2.9.1 https://github.com/troglobit/inadyn/issues\r\n",
        "9.9.9.9",
    ),
    (
        "EdgeRouter's ddclient",
        "GET /nic/update?system=dyndns&hostname=home.dyn.example&myip=9.9.9.9 HTTP/1.0\r\nHost: h\r\n$B\r\n\
         User-Agent: ddclient/3.8.3\r\nConnection: close\r\n",
        "9.9.9.9",
    ),
    (
        "pfSense, custom",
        "GET /nic/update?hostname=home.dyn.example&myip=9.9.9.9 HTTP/1.1\r\nHost: h\r\n$B\r\nUser-Agent: phpDynDNS/0.7\r\n\
         Accept: */*\r\n",
        "9.9.9.9",
    ),
    (
        "Synology",
        "GET /nic/update?hostname=home.dyn.example&myip=9.9.9.9&system=dyndns&wildcard=NOCHG&mx=NOCHG&backmx=NOCHG \
         HTTP/1.1\r\nHost: h\r\n$B\r\nUser-Agent: Synology DDNS\r\nAccept: */*\r\n",
        "9.9.9.9",
    ),
    (
        "OpenWrt's ddns-scripts, one family a request",
        "GET /nic/update?hostname=home.dyn.example&myip=2620:fe::9 HTTP/1.1\r\nHost: h\r\n$B\r\nUser-Agent: curl/8.6.0\r\n\
         Accept: */*\r\n",
        "2620:fe::9",
    ),
];

#[test]
fn requests_of_devices_are_understood() {
    let world = world();
    let token = world.token(&[]);
    for (device, text, addresses) in DEVICES {
        let text = text.replace("$B", &basic("alice", PASSWORD)).replace("$T", &token);
        let reply = world.raw(format!("{text}\r\n").as_bytes());
        let body = reply.body.as_str();
        let expected = [format!("good {addresses}\n"), format!("nochg {addresses}\n")];
        assert!(reply.status == 200 && expected.iter().any(|line| line == body), "{device}: {reply:?}");
    }
}

/// The filter for fail2ban finds each rejected login, with its source, and nothing that a client wrote.
#[test]
fn fail2ban_finds_rejected_logins() {
    if Command::new("fail2ban-regex").arg("--version").output().is_err() {
        eprintln!("fail2ban-regex is not here (Debian's fail2ban): LEFT OUT that the filter finds rejected logins");
        return;
    }
    let mut world = World::new();
    world.daemon =
        "proxy_header = \"X-Forwarded-For\"\ntrusted_proxies = [\"127.0.0.1\"]\nlog_requests = true\n".into();
    world.populate();
    world.start();
    let evil = "rejected login from 9.9.9.9 for user \"c";
    for (source, user) in [("198.41.0.4", "alice"), ("2620:fe::7", evil)] {
        world.get("/update?hostname=home.dyn.example", &[&format!("X-Forwarded-For: {source}"), &basic(user, "x")]);
    }
    let escaped = evil.replace(' ', "%20").replace('"', "%22");
    let from = "X-Forwarded-For: 198.41.0.9";
    world.get(&format!("/update?hostname=home.dyn.example&myip={escaped}"), &[from, &basic("alice", PASSWORD)]);
    world.wait_for_log(&escaped);
    assert!(
        world.log().contains("home.dyn.example: \"rejected login from 9.9.9.9"),
        "the value that cannot be used\n{}",
        world.log()
    );
    // The other places that a log can have: a file, and syslog.
    let log = world.log();
    let line = log.lines().find(|line| line.contains("198.41.0.4")).unwrap().to_string();
    let bare = line.trim_start_matches("WARNING ");
    let all = format!(
        "{log}2026-11-28T17:48:38Z {}\nNov 28 17:48:38 host homing-server[1]: {}\n",
        line.replace("198.41.0.4", "198.41.0.5"),
        bare.replace("198.41.0.4", "198.41.0.6")
    );
    write(&world.dir.join("log"), &all, 0o600);
    let log = world.dir.join("log").display().to_string();
    let filter = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/fail2ban/homing-server.conf");
    let run = run(&world, "fail2ban-regex", &["--print-all-matched", "-v", &log, filter]);
    let said = out(&run);
    assert!(said.contains("Failregex: 4 total"), "{said}\n{}", world.log());
    for source in ["198.41.0.4", "198.41.0.5", "198.41.0.6", "2620:fe::7"] {
        assert!(said.contains(&format!("   {source}  ")), "{source}: {said}");
    }
    assert!(!said.contains("   9.9.9.9  ") && !said.contains("   198.41.0.9  "), "{said}");
}
