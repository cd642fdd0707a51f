//! Hostnames, addresses, prefixes, replies, and whether they are true: BIND is asked.

use crate::world::{basic, World, PASSWORD, ZONE};

#[test]
fn each_hostname_has_a_line_in_the_order_of_the_request() {
    let world = World::ready();
    world.add_user("bob");
    world.must(&["hostname", "add", "bob", "bobs", ZONE]);
    world.must(&["hostname", "add", "alice", "@", ZONE]);
    let names =
        "home.dyn.example,bobs.dyn.example,nobody.dyn.example,not%20a%20name,HOME.dyn.example.,dyn.example,mypc";
    let reply = world.update(&format!("hostname={names}&myip=9.9.9.9,2620:fe::9"));
    let good = "good 9.9.9.9,2620:fe::9\n";
    assert_eq!(reply.body, format!("{good}nohost\nnohost\nnotfqdn\n{good}notfqdn\n"));
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/plain; charset=utf-8")));
    for name in ["home.dyn.example", "dyn.example"] {
        assert_eq!(
            (world.dig(name, "A"), world.dig(name, "AAAA")),
            (vec!["9.9.9.9".into()], vec!["2620:fe::9".into()])
        );
    }
    assert!(world.dig("bobs.dyn.example", "A").is_empty());
}

#[test]
fn none_and_too_many_hostnames_have_one_line() {
    let world = World::ready();
    assert_eq!(world.update("myip=9.9.9.9").body, "notfqdn\n");
    assert_eq!(world.update("hostname=,&myip=9.9.9.9").body, "notfqdn\n");
    let many = |n: usize| (0..n).map(|n| format!("h{n}.example")).collect::<Vec<_>>().join(",");
    assert_eq!(world.update(&format!("hostname={}", many(21))).body, "numhost\n");
    assert_eq!(world.update(&format!("hostname={}", many(20))).body, "nohost\n".repeat(20));
}

#[test]
fn names_in_other_scripts_are_found_in_any_spelling() {
    let world = World::ready();
    world.must(&["hostname", "add", "alice", "b\u{fc}ro", ZONE]);
    for name in ["b%C3%BCro.dyn.example", "B%C3%9CRO.dyn.example", "xn--bro-hoa.dyn.example", "bu%CC%88ro.dyn.example"]
    {
        let body = world.update(&format!("hostname={name}&myip=9.9.9.9")).body;
        assert!(["good 9.9.9.9\n", "nochg 9.9.9.9\n"].contains(&body.as_str()), "{name}: {body}");
    }
}

#[test]
fn addresses_are_named_or_the_clients_own() {
    let mut world = World::new();
    world.daemon = "proxy_header = \"X-Forwarded-For\"\ntrusted_proxies = [\"127.0.0.0/8\"]\n".to_string();
    world.populate();
    world.start();
    let update = |query: &str, source: &str| {
        let target = format!("/nic/update?hostname=home.dyn.example{query}");
        world.get(&target, &[&basic("alice", PASSWORD), &format!("X-Forwarded-For: {source}")]).body
    };
    let here = "198.41.0.4";
    assert_eq!(update("", here), "good 198.41.0.4\n");
    assert_eq!(update("&myip=&myip6=&ip6lanprefix=", here), "nochg 198.41.0.4\n", "empty is not given");
    assert_eq!(update("", "2620:fe::7"), "good 2620:fe::7\n");
    assert_eq!(world.dig("home.dyn.example", "A"), ["198.41.0.4"], "the other family stays");
    assert_eq!(update("", "1.1.1.1, 198.41.0.5, 127.0.0.9"), "good 198.41.0.5\n");
    assert_eq!(update("", "[2620:fe::8]:4711"), "good 2620:fe::8\n");
    assert_eq!(update("&myip=9.9.9.9,2620:fe::9", here), "good 9.9.9.9,2620:fe::9\n");
    assert_eq!(update("&myip=2620:fe::9", here), "nochg 2620:fe::9\n", "only what was named");
    assert_eq!(update("&myip=9.9.9.9&myipv6=2620:fe::9", here), "nochg 9.9.9.9,2620:fe::9\n");
    assert_eq!(update("&myip=::ffff:9.9.9.9", here), "nochg 9.9.9.9\n");
    for bad in [
        "&myip=nonsense",
        "&myip=9.9.9.9,nonsense",
        "&myip6=9.9.9.9",
        "&myip=127.0.0.1",
        "&myip=::1",
        "&myip=0.0.0.0",
        "&myip=224.0.0.1",
        "&myip=169.254.1.1",
        "&myip=fe80::1",
        "&myip=ff02::1",
        "&myip6=2620:fe::/200",
        "&myip6=2620:fe::/48",
    ] {
        assert_eq!(update(bad, here), "dnserr\n", "{bad}");
    }
    assert_eq!(update("", "127.0.0.1"), "dnserr\n");
    for private in ["10.0.0.1", "192.0.2.1"] {
        assert_eq!(update(&format!("&myip={private}"), here), format!("good {private}\n"));
    }
    assert_eq!(world.dig("home.dyn.example", "AAAA"), ["2620:fe::9"]);
    // A proxy that does not say who the client is.
    let reply = world.get("/nic/update?hostname=home.dyn.example", &[&basic("alice", PASSWORD)]);
    assert_eq!(reply.status, 400, "{reply:?}");
    assert_eq!(world.get("/myip", &["X-Forwarded-For: nonsense"]).status, 400);
    assert_eq!(world.get("/myip", &["X-Forwarded-For: 198.41.0.4"]).body, "198.41.0.4\n");
}

#[test]
fn a_header_of_an_untrusted_peer_is_ignored() {
    let mut world = World::new();
    world.daemon = "proxy_header = \"X-Forwarded-For\"\ntrusted_proxies = [\"10.0.0.0/8\"]\n".to_string();
    world.populate();
    world.start();
    assert_eq!(world.get("/myip", &["X-Forwarded-For: 198.41.0.4"]).body, "127.0.0.1\n");
}

#[test]
fn private_addresses_are_refused_with_allow_private_off() {
    let mut world = World::new();
    world.daemon = "allow_private = false\n".to_string();
    world.populate();
    world.start();
    for ip in ["10.0.0.1", "192.168.1.1", "192.0.2.1", "fd00::1", "2001:db8::1"] {
        assert_eq!(world.update(&format!("hostname=home.dyn.example&myip={ip}")).body, "dnserr\n", "{ip}");
    }
    assert_eq!(world.update("hostname=home.dyn.example&myip=9.9.9.9").body, "good 9.9.9.9\n");
}

#[test]
fn a_prefix_updates_the_hosts_behind_a_router() {
    let world = World::ready();
    for (host, options) in [
        ("nas", &["--ipv6-suffix", "::1234", "--group", "lan"][..]),
        ("cam", &["--ipv6-suffix", "::5", "--group", "lan"]),
        ("far", &["--ipv6-suffix", "::6", "--group", "elsewhere"]),
        ("router", &["--group", "lan"]),
    ] {
        let mut words = vec!["hostname", "add", "alice", host, ZONE];
        words.extend(options);
        world.must(&words);
    }
    let update = |query: &str| world.update(query).body;
    let prefix = "ip6lanprefix=2a02:8010:77:10::/60";
    // A Fritz!Box: its own address for its own name, the prefix for the others.
    let body =
        update(&format!("hostname=router.dyn.example,nas.dyn.example&myip=9.9.9.9&myip6=2a02:8010:77::1&{prefix}"));
    assert_eq!(body, "good 9.9.9.9,2a02:8010:77::1\ngood 9.9.9.9,2a02:8010:77:10::1234\n");
    assert!(world.dig("cam.dyn.example", "AAAA").is_empty(), "not named, not related");
    let body = update("hostname=nas.dyn.example&myip6=2a02:8010:77:10::/60");
    assert_eq!(body, "nochg 2a02:8010:77:10::1234\n");
    // The whole group, also where the router sends no address of its own.
    assert_eq!(update("hostname=router.dyn.example&myip6=2a02:8010:88::/64&related=1"), "good\n");
    assert_eq!(world.dig("nas.dyn.example", "AAAA"), ["2a02:8010:88::1234"]);
    assert_eq!(world.dig("cam.dyn.example", "AAAA"), ["2a02:8010:88::5"]);
    assert!(world.dig("far.dyn.example", "AAAA").is_empty(), "another group");
    assert_eq!(world.dig("router.dyn.example", "AAAA"), ["2a02:8010:77::1"]);
    assert_eq!(update("hostname=router.dyn.example&myip6=2a02:8010:88::/64&related=1"), "nochg\n");
    // Not beyond what a token may touch.
    let token = world.token(&["--host", "router.dyn.example", "--host", "nas.dyn.example"]);
    let target = "/update?hostname=router.dyn.example&myip6=2a02:8010:99::/64&related=1";
    assert_eq!(world.get(&format!("{target}&token={token}"), &[]).body, "good\n");
    assert_eq!(world.dig("nas.dyn.example", "AAAA"), ["2a02:8010:99::1234"]);
    assert_eq!(world.dig("cam.dyn.example", "AAAA"), ["2a02:8010:88::5"]);
    // Without a suffix and without a group there is nothing that a prefix could mean.
    assert_eq!(update("hostname=home.dyn.example&myip6=2a02:8010:88::/64"), "dnserr\n");
}

#[test]
fn json_is_for_those_who_prefer_it() {
    let world = World::ready();
    let alice = basic("alice", PASSWORD);
    let update = |query: &str, accept: &str| {
        let reply = world.get(&format!("/nic/update?{query}"), &[&alice, &format!("Accept: {accept}")]);
        (reply.status, reply.body.trim().to_string())
    };
    let home = "hostname=home.dyn.example&myip=9.9.9.9";
    let json = "application/json";
    let (status, body) = update(&format!("{home},2620:fe::9"), json);
    assert_eq!((status, body.as_str()), (200, r#"{"status":"good","ipv4":"9.9.9.9","ipv6":"2620:fe::9"}"#));
    assert_eq!(update(home, "application/json, */*").1, r#"{"status":"nochg","ipv4":"9.9.9.9"}"#);
    assert_eq!(update(home, "*/*").1, "nochg 9.9.9.9");
    let (status, body) = update("hostname=home.dyn.example,x.dyn.example&myip=9.9.9.9", json);
    let both = "{\"hosts\":[{\"hostname\":\"home.dyn.example\",\"status\":\"nochg\",\"ipv4\":\"9.9.9.9\"},\
                {\"hostname\":\"x.dyn.example\",\"status\":\"nohost\"}]}";
    assert_eq!((status, body.as_str()), (200, both));
    assert_eq!(update("hostname=home.dyn.example&myip=x", json), (503, r#"{"status":"dnserr"}"#.to_string()));
    let reply = world.get("/nic/update", &["Accept: application/json"]);
    assert_eq!((reply.status, reply.body.trim()), (401, r#"{"status":"badauth"}"#));
}

#[test]
fn good_is_what_the_name_server_confirmed() {
    let mut world = World::ready();
    for host in ["alias", "foreign"] {
        world.must(&["hostname", "add", "alice", host, ZONE]);
    }
    // BIND answers NOERROR to an A beside a CNAME, and ignores it.
    assert_eq!(world.update("hostname=alias.dyn.example&myip=9.9.9.9").body, "dnserr\n");
    assert_eq!(world.dig("alias.dyn.example", "CNAME"), ["ns.dyn.example."]);
    // Somebody else's A is replaced; the rest of the name stays.
    assert_eq!(world.update("hostname=foreign.dyn.example&myip=9.9.9.9").body, "good 9.9.9.9\n");
    assert_eq!(world.dig("foreign.dyn.example", "A"), ["9.9.9.9"]);
    assert_eq!(world.dig("foreign.dyn.example", "MX"), ["10 ns.dyn.example."]);
    assert_eq!(world.dig("foreign.dyn.example", "TXT"), ["\"stays\""]);
    assert_eq!(world.update("hostname=home.dyn.example&myip=9.9.9.9").body, "good 9.9.9.9\n");
    world.stop_bind();
    assert_eq!(world.update("hostname=home.dyn.example&myip=9.9.9.9").body, "nochg 9.9.9.9\n", "confirmed before");
    let reply = world.update("hostname=home.dyn.example&myip=9.9.9.8");
    assert_eq!((reply.status, reply.body.as_str()), (200, "dnserr\n"));
    assert_eq!(world.update("hostname=home.dyn.example&myip=9.9.9.8").body, "dnserr\n", "wanted is not confirmed");
}

#[test]
fn changes_are_limited_and_what_is_published_already_is_free() {
    let mut world = World::new();
    world.limits = "good_max_requests = 2\ngood_window_seconds = 3600\n".to_string();
    world.populate();
    world.must(&["hostname", "add", "alice", "other", ZONE]);
    world.start();
    let update = |query: &str| world.update(query).body;
    for n in 1..=2 {
        assert_eq!(update(&format!("hostname=home.dyn.example&myip=9.9.9.{n}")), format!("good 9.9.9.{n}\n"));
    }
    let reply = world.update("hostname=home.dyn.example&myip=9.9.9.3");
    assert_eq!((reply.status, reply.body.as_str()), (200, "abuse\n"));
    let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=3600).contains(&wait), "{wait}");
    assert_eq!(world.dig("home.dyn.example", "A"), ["9.9.9.2"]);
    for _ in 0..5 {
        assert_eq!(update("hostname=home.dyn.example&myip=9.9.9.2"), "nochg 9.9.9.2\n");
    }
    assert_eq!(update("hostname=home.dyn.example&myip=2620:fe::9"), "good 2620:fe::9\n", "another family");
    assert_eq!(update("hostname=home.dyn.example,other.dyn.example&myip=9.9.9.3"), "abuse\n", "all or nothing");
    assert!(world.dig("other.dyn.example", "A").is_empty());
    assert_eq!(update("hostname=other.dyn.example&myip=9.9.9.3"), "good 9.9.9.3\n");
    // A change that failed is not counted.
    for n in 0..4 {
        assert_eq!(update("hostname=other.dyn.example&myip=127.0.0.1"), "dnserr\n", "{n}");
    }
    assert_eq!(update("hostname=other.dyn.example&myip=9.9.9.4"), "good 9.9.9.4\n");
}

#[test]
fn a_txt_token_sets_challenges_and_nothing_else() {
    let world = World::ready();
    let (txt, plain) = (world.token(&["--txt"]), world.token(&[]));
    let update = |query: &str, token: &str| world.get(&format!("/update?{query}&token={token}"), &[]).body;
    let challenge = |n: usize| format!("value_{n}-").repeat(4);
    let home = "hostname=home.dyn.example";
    assert_eq!(update(&format!("{home}&myip=9.9.9.9"), &plain), "good 9.9.9.9\n");
    for n in 1..=2 {
        let value = challenge(n);
        let name = if n == 1 { home.to_string() } else { "hostname=_acme-challenge.home.dyn.example".to_string() };
        assert_eq!(update(&format!("{name}&txt={value}"), &txt), format!("good {value}\n"));
    }
    let quoted = |values: &[usize]| values.iter().map(|n| format!("\"{}\"", challenge(*n))).collect::<Vec<_>>();
    assert_eq!(world.dig("_acme-challenge.home.dyn.example", "TXT"), quoted(&[1, 2]));
    assert_eq!(update(&format!("{home}&txt={}", challenge(3)), &txt), format!("good {}\n", challenge(3)));
    assert_eq!(world.dig("_acme-challenge.home.dyn.example", "TXT"), quoted(&[2, 3]), "the oldest one went");
    assert_eq!(world.dig("home.dyn.example", "A"), ["9.9.9.9"]);
    assert_eq!(update(&format!("{home}&txt=x"), &plain), "nohost\n");
    assert_eq!(update(&format!("{home}&myip=9.9.9.8"), &txt), "nohost\n");
    assert_eq!(world.update(&format!("{home}&txt=x")).body, "nohost\n", "a password is for addresses");
    for bad in ["a%20b", "a.b", "%C3%BC", &"x".repeat(256)] {
        assert_eq!(update(&format!("{home}&txt={bad}"), &txt), "dnserr\n", "{bad}");
    }
}

#[test]
fn lego_sets_and_removes_challenges() {
    let world = World::ready();
    let (txt, plain) = (world.token(&["--txt"]), world.token(&[]));
    let call = |path: &str, token: &str, body: &str| {
        let lines = [basic("alice", token), "Content-Type: application/json".to_string()];
        let text = crate::world::request("POST", path, &[&lines[0], &lines[1]], body);
        world.raw(text.as_bytes()).status
    };
    let body =
        r#"{"fqdn": "_acme-challenge.home.dyn.example.", "value": "LHDhK3oGRvkiefQnx7OOczTY5Tic_xZ6HcMOc_gmtoM"}"#;
    assert_eq!(call("/acme/present", &txt, body), 200);
    let there = world.dig("_acme-challenge.home.dyn.example", "TXT");
    assert_eq!(there, ["\"LHDhK3oGRvkiefQnx7OOczTY5Tic_xZ6HcMOc_gmtoM\""]);
    assert_eq!(call("/acme/cleanup", &txt, body), 200);
    assert!(world.dig("_acme-challenge.home.dyn.example", "TXT").is_empty());
    assert_eq!(call("/acme/cleanup", &txt, body), 200, "what is gone is gone");
    assert_eq!(call("/acme/present", &plain, body), 403);
    assert_eq!(call("/acme/present", "wrong", body), 401);
    assert_eq!(call("/acme/present", &txt, &body.replace("home", "nobody")), 403);
    for malformed in ["", "{}", "[]", r#"{"fqdn": 1, "value": "x"}"#, r#"{"fqdn": "", "value": "x"}"#] {
        assert_eq!(call("/acme/present", &txt, malformed), 400, "{malformed}");
    }
    assert_eq!(world.get("/acme/present", &[&basic("alice", &txt)]).status, 400);
}

#[test]
fn endpoints_have_their_own_names() {
    let mut world = World::new();
    world.sections = "[[endpoints]]\npath = \"/ddns\"\n[endpoints.params]\nhostname = [\"domain\"]\n\
                      ipv4 = [\"ip\"]\nusername = [\"u\"]\npassword = [\"p\"]\n"
        .to_string();
    world.populate();
    world.start();
    let reply = world.get("/ddns?domain=home.dyn.example&ip=9.9.9.9&u=alice&p=correct+horse", &[]);
    assert_eq!(reply.body, "good 9.9.9.9\n");
    assert_eq!(world.get("/ddns?hostname=home.dyn.example&ip=9.9.9.9&u=alice&p=correct+horse", &[]).body, "notfqdn\n");
    assert_eq!(world.get("/nic/update?hostname=home.dyn.example", &[]).status, 404, "configured ones replace these");
    assert_eq!(world.get("/myip", &[]).status, 200);
}

#[test]
fn a_request_line_in_the_log_shows_no_secret() {
    let mut world = World::new();
    world.daemon = "log_requests = true\nlog_level = \"DEBUG\"\n".to_string();
    world.populate();
    world.start();
    let token = world.token(&[]);
    for query in [
        "user=alice&pass=correct+horse".to_string(),
        format!("token={token}"),
        format!("hostname={token}"),
        "user=alice&password=se&cret=correct%20horse".to_string(),
        "correct%20horse".to_string(),
    ] {
        world.get(&format!("/update?hostname=home.dyn.example&myip=9.9.9.9&{query}"), &[]);
        world.get(&format!("/nowhere?{query}"), &[]);
        world.get(&format!("/update&{query}"), &[]);
    }
    world.wait_for_log("/nowhere");
    let log = world.log();
    assert!(log.contains("GET /update?hostname=home.dyn.example&myip=9.9.9.9&"), "{log}");
    for secret in ["correct+horse", "correct%20horse", "correct horse", &token] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}
