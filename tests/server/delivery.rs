//! From the recorded want to the record in DNS, with BIND: a name server that stops, a daemon that is killed, keys that are
//! wrong, and a hostname that spoils a message.

use crate::world::{basic, request, write, Reply, World, ZONE};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

fn hosts(world: &World, count: usize) -> Vec<String> {
    let add = |number| {
        let host = format!("h{number}");
        world.must(&["hostname", "add", "alice", &host, ZONE]);
        format!("{host}.{ZONE}")
    };
    (0..count).map(add).collect()
}

/// A request by token, as many passwords at once would queue; its reply may not come.
fn try_update(world: &World, token: &str, host: &str, address: &str) -> Option<String> {
    let target = format!("/nic/update?hostname={host}&myip={address}");
    let mut stream = std::net::TcpStream::connect(world.address()).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(request("GET", &target, &[&basic("alice", token)], "").as_bytes()).ok()?;
    let mut whole = Vec::new();
    std::io::Read::read_to_end(&mut stream, &mut whole).ok()?;
    Reply::read(&mut whole.as_slice()).map(|reply| reply.body)
}

#[test]
fn a_name_server_that_was_down_gets_every_want_when_it_is_back() {
    let mut world = World::new();
    world.dns = "dns_timeout = 1\n".to_string();
    world.populate();
    let others = hosts(&world, 2);
    world.start();
    assert_eq!(world.update("hostname=home.dyn.example&myip=9.9.9.1").body, "good 9.9.9.1\n");
    world.stop_bind();
    let begun = Instant::now();
    assert_eq!(world.update("hostname=home.dyn.example&myip=9.9.9.2").body, "dnserr\n");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    let begun = Instant::now();
    for host in &others {
        assert_eq!(world.update(&format!("hostname={host}&myip=9.9.9.3")).body, "dnserr\n");
    }
    assert!(begun.elapsed() < Duration::from_secs(1), "down: {:?}", begun.elapsed());
    world.start_bind();
    for (host, address) in [("home.dyn.example", "9.9.9.2"), (&others[0], "9.9.9.3"), (&others[1], "9.9.9.3")] {
        world.wait_until(host, || world.dig(host, "A") == [address]);
    }
    world.wait_until("good again", || {
        ["good 9.9.9.4\n", "nochg 9.9.9.4\n"]
            .contains(&world.update("hostname=home.dyn.example&myip=9.9.9.4").body.as_str())
    });
    assert_eq!(world.dig("home.dyn.example", "A"), ["9.9.9.4"]);
}

#[test]
fn a_name_server_that_hangs_costs_its_timeout_and_no_more() {
    let mut world = World::new();
    world.dns = "dns_timeout = 1\n".to_string();
    world.populate();
    world.start();
    world.signal_bind("STOP");
    let begun = Instant::now();
    assert_eq!(world.update("hostname=home.dyn.example&myip=9.9.9.1").body, "dnserr\n");
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    world.signal_bind("CONT");
    world.wait_until("sent", || world.dig("home.dyn.example", "A") == ["9.9.9.1"]);
}

#[test]
fn a_daemon_that_is_killed_reported_nothing_that_is_not_in_dns() {
    let mut world = World::new();
    world.populate();
    let hosts = hosts(&world, 8);
    let token = world.token(&[]);
    for round in 0..3u8 {
        world.start();
        let stop = AtomicBool::new(false);
        // For each host: the last address that was reported good or nochg, and one that was asked for after it.
        let last: BTreeMap<String, (Option<String>, Option<String>)> = thread::scope(|scope| {
            let clients: Vec<_> = hosts
                .iter()
                .enumerate()
                .map(|(at, host)| {
                    let (world, stop, token) = (&world, &stop, token.as_str());
                    scope.spawn(move || {
                        let (mut good, mut open) = (world.dig(host, "A").pop(), None);
                        for number in 1..=250u8 {
                            if stop.load(Ordering::Relaxed) {
                                break;
                            }
                            let address = format!("198.41.{}.{number}", 8 * round + at as u8);
                            match try_update(world, token, host, &address) {
                                Some(body) if body == format!("good {address}\n") => {
                                    (good, open) = (Some(address), None)
                                }
                                Some(body) => panic!("{body}"),
                                None => {
                                    open = Some(address);
                                    break;
                                }
                            }
                        }
                        (host.clone(), (good, open))
                    })
                })
                .collect();
            // Killed as soon as the first results are in DNS.
            world.wait_until("the first good", || {
                !world.dig(&hosts[0], "A").is_empty() && world.log().contains("listening")
            });
            thread::sleep(Duration::from_millis(150 * u64::from(round)));
            world.signal("KILL");
            stop.store(true, Ordering::Relaxed);
            clients.into_iter().map(|client| client.join().unwrap()).collect()
        });
        world.wait();
        world.start();
        for (host, (good, open)) in &last {
            if let (Some(good), None) = (good, open) {
                assert_eq!(world.dig(host, "A"), std::slice::from_ref(good), "{host}");
            }
        }
        // What was asked for and not answered is either in DNS or not, and the list says which.
        world.wait_until("the zone equals the list", || {
            let list: serde_json::Value = serde_json::from_str(&world.must(&["hostname", "list", "--json"])).unwrap();
            list.as_array().unwrap().iter().all(|entry| {
                let listed: Vec<String> = entry["ipv4"].as_str().map(str::to_string).into_iter().collect();
                world.dig(entry["hostname"].as_str().unwrap(), "A") == listed
            })
        });
        for (host, (good, open)) in last {
            let now = world.dig(&host, "A").pop();
            assert!(now == good || (open.is_some() && now == open), "{host}: {now:?} is neither {good:?} nor {open:?}");
        }
        world.signal("TERM");
        assert_eq!(world.wait(), Some(0));
    }
}

#[test]
fn a_wrong_key_is_explained_and_a_reload_fixes_it() {
    let mut world = World::new();
    let file = world.dir.join("zone.key");
    let key = |secret: &str| format!("key \"ddns\" {{ algorithm hmac-sha256; secret \"{secret}\"; }};\n");
    write(&file, &key("d3Jvbmcgd3Jvbmcgd3Jvbmcgd3Jvbmcgd3Jvbmch"), 0o640);
    world.sections = format!("[dns_service.zone_keys]\n\"{ZONE}\" = \"{}\"\n", file.display());
    world.populate();
    world.start();
    for _ in 0..2 {
        assert_eq!(world.update("hostname=home.dyn.example&myip=9.9.9.1").body, "dnserr\n");
    }
    let log = world.log();
    let lines: Vec<_> = log.lines().filter(|line| line.contains("BADSIG")).collect();
    assert_eq!(lines.len(), 1, "{log}");
    assert!(lines[0].contains("another secret for the key hmac-sha256:ddns; compare the key files"), "{log}");
    assert!(!log.contains("d3Jvbmcg"), "the secret is in the log");
    write(&file, &key("c2VjcmV0IG9mIHRoZSB0ZXN0cw=="), 0o640);
    world.signal("HUP");
    world.wait_for_log("the configuration was read again");
    assert_eq!(world.update("hostname=home.dyn.example&myip=9.9.9.1").body, "good 9.9.9.1\n");
    // A broken configuration keeps the old one.
    write(&file, "key", 0o640);
    world.signal("HUP");
    world.wait_for_log("the old one stays");
    assert_eq!(world.update("hostname=home.dyn.example&myip=9.9.9.2").body, "good 9.9.9.2\n");
}

#[test]
fn one_bad_hostname_among_many_does_not_harm_the_others() {
    let mut world = World::new();
    world.populate();
    world.must(&["hostname", "add", "alice", "alias", ZONE]);
    let mut all = hosts(&world, 15);
    all.push("alias.dyn.example".to_string());
    let token = &world.token(&[]);
    world.start();
    let replies: Vec<(String, Option<String>)> = thread::scope(|scope| {
        let world = &world;
        let clients: Vec<_> = all
            .iter()
            .map(|host| scope.spawn(move || (host.clone(), try_update(world, token, host, "9.9.9.9"))))
            .collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    for (host, reply) in replies {
        let bad = host == "alias.dyn.example";
        assert_eq!(reply.as_deref(), Some(if bad { "dnserr\n" } else { "good 9.9.9.9\n" }), "{host}");
        if !bad {
            assert_eq!(world.dig(&host, "A"), ["9.9.9.9"], "{host}");
        }
    }
    assert!(world.log().contains("alias.dyn.example is an alias (CNAME)"), "{}", world.log());
    assert_eq!(world.dig("alias.dyn.example", "CNAME"), ["ns.dyn.example."]);
}

#[test]
fn health_and_metrics_are_on_their_own_address_only() {
    let mut world = World::new();
    let admin = crate::world::free_port();
    world.daemon = format!("admin_listen = \"127.0.0.1:{admin}\"\n");
    world.dns = "dns_timeout = 1\n".to_string();
    world.populate();
    world.start();
    assert_eq!(world.update("hostname=home.dyn.example&myip=9.9.9.1").body, "good 9.9.9.1\n");
    let page = |path: &str| {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", admin)).unwrap();
        stream.write_all(request("GET", path, &[], "").as_bytes()).unwrap();
        Reply::read(&mut stream).unwrap()
    };
    let health = page("/health");
    assert_eq!(health.status, 200, "{health:?}");
    assert_eq!(health.body, "ready\nnothing expires: the daemon started a short time ago\n");
    let metrics = page("/metrics").body;
    for line in ["homing_server_replies_total{result=\"good\"} 1", "homing_server_hosts{state=\"published\"} 1"] {
        assert!(metrics.lines().any(|found| found == line), "{line} is not in\n{metrics}");
    }
    assert_eq!(world.get("/metrics", &[]).status, 404);
    world.stop_bind();
    assert_eq!(world.update("hostname=home.dyn.example&myip=9.9.9.2").body, "dnserr\n");
    let health = page("/health");
    assert_eq!(
        (health.status, health.body.lines().next()),
        (503, Some("not ready: the name server does not answer for 1 zones"))
    );
}
