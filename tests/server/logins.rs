//! Who is it: Basic, query, form, tokens; wrong ones; the limit on wrong ones.

use crate::world::{basic, World, PASSWORD};

const QUERY: &str = "/nic/update?hostname=home.dyn.example&myip=9.9.9.9";

fn is_let_in(body: &str) -> bool {
    body == "good 9.9.9.9\n" || body == "nochg 9.9.9.9\n"
}

#[test]
fn credentials_are_accepted_in_each_place() {
    let world = World::ready();
    let token = world.token(&[]);
    assert_eq!((token.len(), &token[..3]), (35, "hs_"), "{token}");
    for target in [
        "&username=alice&password=correct%20horse".to_string(),
        "&user=alice&pass=correct+horse".to_string(),
        format!("&user=alice&token={token}"),
        format!("&password={token}"),
        format!("&token={token}"),
    ] {
        let reply = world.get(&format!("{QUERY}{target}"), &[]);
        assert!(is_let_in(&reply.body), "{target}: {reply:?}");
    }
    for line in
        [basic("alice", PASSWORD), basic("alice", &token), basic("", &token), format!("Authorization: Bearer {token}")]
    {
        let reply = world.get(QUERY, &[&line]);
        assert!(is_let_in(&reply.body), "{line}: {reply:?}");
    }
    // Basic wins over the query, and a half of a pair is none.
    let reply = world.get(&format!("{QUERY}&user=alice&pass=wrong"), &[&basic("alice", PASSWORD)]);
    assert!(is_let_in(&reply.body), "{reply:?}");
}

#[test]
fn missing_and_wrong_credentials_get_the_same_reply() {
    let world = World::ready();
    world.add_user("bob");
    let token = world.token(&[]);
    for lines in [
        vec![],
        vec![basic("alice", "wrong")],
        vec![basic("nobody", PASSWORD)],
        vec![basic("bob", &token)],
        vec![basic("alice", "hs_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")],
        vec!["Authorization: Bearer nonsense".to_string()],
        vec!["Authorization: Basic !!!".to_string()],
        vec![basic("alice", PASSWORD), basic("alice", PASSWORD)],
    ] {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let reply = world.get(QUERY, &lines);
        assert_eq!((reply.status, reply.body.as_str()), (401, "badauth\n"), "{lines:?}");
        assert!(reply.header("www-authenticate").is_some_and(|value| value.starts_with("Basic ")), "{reply:?}");
    }
    assert!(world.dig("home.dyn.example", "A").is_empty());
    let log = world.log();
    assert!(!log.contains("wrong password\"") && !log.contains(PASSWORD) && !log.contains(&token), "{log}");
}

#[test]
fn a_disabled_user_and_a_changed_password_are_seen_at_once() {
    let world = World::ready();
    assert!(is_let_in(&world.get(QUERY, &[&basic("alice", PASSWORD)]).body));
    let token = world.token(&[]);
    let by_token = format!("{QUERY}&token={token}");
    assert!(is_let_in(&world.get(&by_token, &[]).body));
    world.must(&["user", "disable", "alice"]);
    assert_eq!(world.get(QUERY, &[&basic("alice", PASSWORD)]).body, "badauth\n");
    assert_eq!(world.get(&by_token, &[]).body, "badauth\n");
    world.must(&["user", "enable", "alice"]);
    assert!(is_let_in(&world.get(&by_token, &[]).body));
    let run = world.run_with(&["user", "passwd", "alice", "--password-stdin"], "another");
    assert!(run.status.success(), "{run:?}");
    assert_eq!(world.get(QUERY, &[&basic("alice", PASSWORD)]).body, "badauth\n");
    assert!(is_let_in(&world.get(QUERY, &[&basic("alice", "another")]).body));
}

#[test]
fn a_token_reaches_its_hostnames_only() {
    let world = World::ready();
    world.must(&["hostname", "add", "alice", "other", "dyn.example"]);
    let token = world.token(&["--host", "other.dyn.example"]);
    let target = format!("/update?hostname=home.dyn.example,other.dyn.example&myip=9.9.9.9&token={token}");
    assert_eq!(world.get(&target, &[]).body, "nohost\ngood 9.9.9.9\n");
}

/// A world with a limit on wrong logins, and a proxy that says where a client is.
fn limited(most: u32, seconds: u32) -> World {
    let mut world = World::new();
    world.limits = format!("bad_max_requests = {most}\nbad_window_seconds = {seconds}\n");
    world.daemon = "proxy_header = \"X-Forwarded-For\"\ntrusted_proxies = [\"127.0.0.1\"]\n".to_string();
    world.populate();
    world.start();
    world
}

#[test]
fn wrong_logins_are_limited_per_source() {
    let world = limited(3, 3600);
    let token = world.token(&[]);
    let from = |source: &str, login: &str| world.get(QUERY, &[&format!("X-Forwarded-For: {source}"), login]).body;
    let (right, wrong) = (basic("alice", PASSWORD), basic("alice", "wrong"));
    // A client that succeeded is not affected by what comes later from the same place.
    assert!(is_let_in(&from("198.41.0.4", &right)));
    // A request without credentials is never counted: GNU wget's first one has none.
    for _ in 0..10 {
        assert_eq!(from("198.41.0.4", "X-Nothing: 1"), "badauth\n");
    }
    for _ in 0..3 {
        assert_eq!(from("198.41.0.4", &wrong), "badauth\n");
    }
    assert_eq!(from("198.41.0.4", &wrong), "abuse\n");
    assert_eq!(from("198.41.0.4", &basic("bob", "wrong")), "abuse\n", "another user from there");
    assert!(is_let_in(&from("198.41.0.4", &right)), "the password that succeeded before");
    assert!(is_let_in(&from("198.41.0.4", &basic("", &token))), "a token");
    assert_eq!(from("198.41.0.5", &wrong), "badauth\n", "a neighbour");
    let reply = world.get(QUERY, &["X-Forwarded-For: 198.41.0.4", &wrong]);
    let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=3600).contains(&wait) && reply.status == 200, "{reply:?}");
    let reply = world.get(QUERY, &["X-Forwarded-For: 198.41.0.4", &wrong, "Accept: application/json"]);
    assert_eq!((reply.status, reply.body.trim()), (429, r#"{"status":"abuse"}"#));
}

#[test]
fn an_ipv6_network_is_one_source() {
    let world = limited(3, 3600);
    let wrong = |source: &str| world.get(QUERY, &[&format!("X-Forwarded-For: {source}"), &basic("x", "y")]).body;
    for n in 1..=3 {
        assert_eq!(wrong(&format!("2620:fe::{n}")), "badauth\n");
    }
    assert_eq!(wrong("2620:fe::4"), "abuse\n");
    assert_eq!(wrong("2620:fe:1::4"), "badauth\n", "another /48");
}

#[test]
fn a_rejected_login_is_one_stable_line() {
    let world = limited(100, 3600);
    let evil = "a\" for user \"b\r\nrejected login from 9.9.9.9 for user \"c";
    let login = basic(evil, "wrong");
    assert_eq!(world.get(QUERY, &["X-Forwarded-For: 198.41.0.4", &login]).body, "badauth\n");
    world.wait_for_log("rejected login from 198.41.0.4 for user ");
    let log = world.log();
    let lines: Vec<_> = log.lines().filter(|line| line.contains("rejected login from")).collect();
    assert_eq!(lines.len(), 1, "{log}");
    assert!(lines[0].contains("a\\\" for user \\\"b\\r\\nrejected"), "{}", lines[0]);
}
