//! Expiry: by serving time, per family, and only of what we wrote.

use crate::world::{World, ZONE};

/// A daemon with two hostnames that expire after a second, both published.
fn world() -> World {
    let mut world = World::new();
    world.dns = "cleanup_interval = 1\n".to_string();
    world.populate();
    for host in ["short", "foreigner"] {
        world.must(&["hostname", "add", "alice", host, ZONE, "--expiry-ttl", "1"]);
    }
    world.start();
    for host in ["home", "short", "foreigner"] {
        let body = world.update(&format!("hostname={host}.{ZONE}&myip=9.9.9.1,2620:fe::1")).body;
        assert_eq!(body, "good 9.9.9.1,2620:fe::1\n", "{host}");
    }
    world
}

#[test]
fn cleanup_removes_what_is_due_and_nothing_else() {
    let world = world();
    let due =
        |host: &str| format!("{host}.{ZONE}: IPv4 9.9.9.1 has expired\n{host}.{ZONE}: IPv6 2620:fe::1 has expired\n");
    let both = due("foreigner") + &due("short");
    world.wait_until("both are due", || world.must(&["cleanup", "--dry-run"]) == both);
    // The daemon itself waits: it has just started.
    assert_eq!(world.dig("short.dyn.example", "A"), ["9.9.9.1"]);
    // Somebody else took the name over.
    world.nsupdate("update delete foreigner.dyn.example A\nupdate add foreigner.dyn.example 60 A 203.0.113.5");
    // A client confirms one family.
    assert_eq!(world.update("hostname=short.dyn.example&myip6=2620:fe::1").body, "nochg 2620:fe::1\n");
    let done = world.must(&["cleanup"]);
    assert!(done.contains("short.dyn.example: IPv4 9.9.9.1 has expired and was removed\n"), "{done}");
    assert_eq!(world.dig("short.dyn.example", "A"), [""; 0]);
    assert_eq!(world.dig("foreigner.dyn.example", "A"), ["203.0.113.5"]);
    assert_eq!(world.dig("foreigner.dyn.example", "AAAA"), [""; 0]);
    assert_eq!(world.dig("home.dyn.example", "A"), ["9.9.9.1"]);
    // A new update brings it back.
    assert_eq!(world.update("hostname=short.dyn.example&myip=9.9.9.1").body, "good 9.9.9.1\n");
    assert_eq!(world.dig("short.dyn.example", "A"), ["9.9.9.1"]);
}

#[test]
fn time_without_a_daemon_does_not_count() {
    let mut world = World::new();
    world.dns = "cleanup_interval = 1\n".to_string();
    world.populate();
    world.must(&["hostname", "add", "alice", "short", ZONE, "--expiry-ttl", "30"]);
    world.start();
    assert_eq!(world.update("hostname=short.dyn.example&myip=9.9.9.1").body, "good 9.9.9.1\n");
    world.signal("TERM");
    assert_eq!(world.wait(), Some(0));
    // An hour passes.
    sql(&world, "UPDATE meta SET beat = beat - 3600000");
    assert_eq!(world.must(&["cleanup"]), "");
    assert_eq!(world.dig("short.dyn.example", "A"), ["9.9.9.1"]);
}

#[test]
fn a_clock_that_jumped_expires_nothing_until_somebody_forces_it() {
    let mut world = world();
    world.wait_until("due", || !world.must(&["cleanup", "--dry-run"]).is_empty());
    world.signal("TERM");
    assert_eq!(world.wait(), Some(0));
    // The daemon ran with a clock that was ten years ahead.
    sql(&world, "UPDATE meta SET beat = beat + 315360000000");
    let refused = world.run_with(&["cleanup"], "");
    assert_eq!(refused.status.code(), Some(1));
    let why = String::from_utf8(refused.stderr).unwrap();
    assert!(why.contains("nothing expires: the last heartbeat in the database lies in the future"), "{why}");
    world.start();
    world.wait_for_log("nothing expires: the clock is implausible");
    assert_eq!(world.run_with(&["cleanup"], "").status.code(), Some(1), "the daemon's start does not clear it");
    assert_eq!(world.dig("short.dyn.example", "A"), ["9.9.9.1"]);
    let done = world.must(&["cleanup", "--force"]);
    assert!(done.contains("short.dyn.example: IPv4 9.9.9.1 has expired and was removed\n"), "{done}");
    assert_eq!(world.must(&["cleanup"]), "");
}

/// Changes the database behind the program's back.
fn sql(world: &World, statement: &str) {
    crate::support::sql(&world.database, statement);
}
