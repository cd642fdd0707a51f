//! `--detect`: the table of addresses, its explanation, and the suggested section.

use crate::testbed::*;

/// Runs `--detect` with these settings.
fn detect(scratch: &Scratch, config: &str) -> Ended {
    scratch.write("homing.conf", config, 0o600);
    Run::pass(scratch).arg("--detect").go()
}

/// The same in a network namespace whose only interface has these addresses. `None` where that needs root.
fn alone(scratch: &Scratch, addresses: &str, config: &str) -> Option<Ended> {
    scratch.write("homing.conf", config, 0o600);
    let mut script = "ip link set lo up".to_string();
    for address in addresses.split_whitespace() {
        let (bits, six) = if address.contains(':') { ("128 dev lo nodad", "-6") } else { ("32 dev lo", "-4") };
        script += &format!(" && ip {six} addr add {address}/{bits} && ip {six} route add default dev lo src {address}");
    }
    let possible = Run::program(scratch, &["/usr/bin/unshare", "-n", "/bin/sh", "-c", &script]);
    let possible = std::path::Path::new("/usr/bin/unshare").exists() && possible.go().code == Some(0);
    if !possible {
        left_out("no network of our own (unshare -n, ip): run as root, with iproute2");
        return None;
    }
    script += &format!(" && exec {} -c homing.conf --detect", runner::homing_line());
    Some(
        Run::program(scratch, &["/usr/bin/unshare", "-n", "/bin/sh", "-c", &script])
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .go(),
    )
}

const SEEN: &str = "ipv4 = x\n[detector:x]\nkind = fixed\naddress = 198.41.0.4\n";
const LOST: &str = "ipv4 = x\n[detector:x]\nkind = command\ncommand = false\n";

/// The explanation below the table, without the suggested section.
fn meaning(ended: &Ended) -> String {
    let text = ended.stdout.split_once("\n\n").unwrap_or_else(|| panic!("no table: {ended:?}")).1;
    text.split("\n\nTo begin").next().unwrap().to_string()
}

/// A user tries a new detector before adding it to a list.
#[test]
#[cfg_attr(not(feature = "advice"), ignore = "needs --list or --detect")]
fn detect_tries_configured_detectors_that_no_list_names() {
    let scratch = Scratch::new();
    let dns = DnsServer::always(vec![Record::Address("2620:fe::fe".parse().unwrap())]);
    let spare = "[detector:four]\nkind = fixed\naddress = 193.0.14.129\n[detector:six]\nkind = dns\n";
    let spare = format!("{spare}server = {}\nname = x\ntype = AAAA\n", dns.address());
    let ended = detect(&scratch, &format!("{SEEN}{spare}"));
    let names: Vec<&str> = ended.stdout.lines().skip(1).map_while(|line| line.split(' ').next()).collect();
    let own = names.iter().filter(|name| ["x", "four", "six"].contains(name)).count();
    assert_eq!((ended.code, own), (Some(0), 3), "{ended:?}");
    assert!(ended.stdout.contains("  193.0.14.129\n") && ended.stdout.contains("  2620:fe::fe\n"), "{ended:?}");
    // It does not count for agreement: it neither confirms nor contradicts an address.
    assert!(!ended.stdout.contains("disagree"), "{ended:?}");
    assert_eq!(detect(&scratch, &format!("{LOST}{spare}")).code, Some(1));
}

#[test]
#[cfg_attr(not(feature = "advice"), ignore = "needs --list or --detect")]
fn detect_prints_all_answers_in_a_table() {
    let page = HttpServer::new(|_| Reply::ok("198.41.0.4"));
    let dns = DnsServer::always(vec![Record::Address("193.0.14.129".parse().unwrap())]);
    let scratch = Scratch::new();
    let own = format!(
        "[detector:a-longer-name]\nkind = web\nurl = {}/\n[detector:dns]\nkind = dns\nserver = {}\nname = x\n",
        page.url(),
        dns.address()
    );
    let own = format!("{own}[detector:lost]\nkind = command\ncommand = false\n");
    let ended = detect(&scratch, &format!("ipv4 = a-longer-name, dns, lost\n{own}"));
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    let rows: Vec<&str> = ended.stdout.lines().take_while(|line| !line.is_empty()).collect();
    let column = rows[0].find("answer").unwrap();
    for (name, answer) in
        [("a-longer-name", "198.41.0.4"), ("dns", "193.0.14.129"), ("lost", "- false ended with exit code 1")]
    {
        let row = rows.iter().find(|row| row.starts_with(&format!("{name} "))).unwrap();
        assert_eq!((&row[column..], row.contains("ipv4"), row.contains(" ms ")), (answer, true, true));
    }
    assert!(rows.iter().any(|row| row.starts_with("route ")), "the machine's own address is shown for comparison");
    assert!(ended.stdout.contains("the detectors disagree: "), "{}", ended.stdout);
    let json = Run::pass(&scratch).args(["-d", "-j"]).go();
    for line in json.stdout.lines() {
        line.parse::<tinyjson::JsonValue>().unwrap_or_else(|e| panic!("{line}: {e}"));
    }
    assert_eq!(scratch.files().len(), 1, "nothing is written");
    assert_eq!(detect(&scratch, LOST).code, Some(1));
}

#[test]
#[cfg_attr(not(feature = "advice"), ignore = "needs --list or --detect")]
fn the_suggested_section_is_valid() {
    let scratch = Scratch::new();
    scratch.write("home.key", "s3cret\n", 0o600);
    let quoted = "ipv4 = x\n[detector:x]\nkind = command\ncommand = \"printf \\\"%s\\\" 198.41.0.4\"\n";
    for config in [SEEN, quoted] {
        let ended = detect(&scratch, config);
        let (_, paste) =
            ended.stdout.split_once("try homing --dry-run:\n\n").unwrap_or_else(|| panic!("{}", ended.stdout));
        let paste = paste.replace("/etc/homing", &scratch.root().display().to_string());
        scratch.write("homing.conf", &paste, 0o600);
        let check = Run::pass(&scratch).arg("--check").go();
        assert_eq!((check.code, check.stderr.as_str()), (Some(0), ""), "{paste}");
        assert!(check.stdout.contains("1 section, 1 host"));
        assert!(
            Run::pass(&scratch).arg("-d").go().stdout.contains("x         ipv4"),
            "the detectors came along: {paste}"
        );
    }
    // With a section in the settings none is suggested, even if its secret does not exist yet.
    let home = "[home]\nprovider = noip\nhosts = a.example\nuser = u\npassword_file = /nonexistent\n";
    let ended = detect(&scratch, &format!("{SEEN}{home}"));
    assert_eq!((ended.code, ended.stdout.contains("[home]")), (Some(0), false), "{}", ended.stdout);
}

#[test]
#[cfg_attr(not(feature = "advice"), ignore = "needs --list or --detect")]
fn carrier_grade_nat_is_recognised() {
    let scratch = Scratch::new();
    for config in [SEEN, LOST] {
        let Some(ended) = alone(&scratch, "100.64.7.9", config) else { return };
        let explanation = meaning(&ended);
        assert!(explanation.contains("100.64.7.9") && explanation.contains("carrier-grade NAT"), "{explanation}");
        assert!(explanation.contains("ask for a public address, or use IPv6"), "the remedy: {explanation}");
    }
    let explanation = meaning(&alone(&scratch, "192.168.1.5", SEEN).unwrap());
    assert!(explanation.contains("behind a router with 198.41.0.4, as is usual at home"), "{explanation}");
    let explanation = meaning(&alone(&scratch, "198.41.0.4", SEEN).unwrap());
    assert!(explanation.contains("no NAT stands between"), "{explanation}");
}

#[test]
#[cfg_attr(not(feature = "advice"), ignore = "needs --list or --detect")]
fn ipv6_is_suggested_if_it_can_be_published() {
    let scratch = Scratch::new();
    let Some(ended) = alone(&scratch, "192.168.1.5 fd00::9", SEEN) else { return };
    assert!(!meaning(&ended).contains("ipv6 = route"), "{}", ended.stdout);
    assert!(meaning(&ended).contains("ipv6: this machine has fd00::9, which is for the home only"), "{}", ended.stdout);
    let ended = alone(&scratch, "192.168.1.5 2620:fe::9", SEEN).unwrap();
    assert!(meaning(&ended).contains("2620:fe::9; set ipv6 = route"), "{}", ended.stdout);
    let ended = alone(&scratch, "192.168.1.5", SEEN).unwrap();
    assert!(meaning(&ended).contains("no ipv6 route to the Internet"), "{}", ended.stdout);
    // There is a route, but its address is not public.
    let ended = alone(&scratch, "192.168.1.5", "ipv4 = route\n").unwrap();
    assert!(!meaning(&ended).contains("ipv4: none"), "{}", ended.stdout);
}

#[test]
#[cfg_attr(not(feature = "advice"), ignore = "needs --list or --detect")]
fn a_captive_portal_is_recognised() {
    let scratch = Scratch::new();
    let login = "<html><head><title>Log in</title></head></html>";
    let portals =
        [Reply::ok(login), Reply::new(302, &[("Location", "http://login.example/")], ""), Reply::new(511, &[], login)];
    for portal in portals {
        let server = HttpServer::new(move |_| portal.clone());
        let ended = detect(&scratch, &format!("ipv4 = x\n[detector:x]\nkind = web\nurl = {}/\n", server.url()));
        assert!(meaning(&ended).contains("captive portal"), "{}", ended.stdout);
        assert_eq!((ended.code, server.count()), (Some(1), 1));
        assert!(!ended.stdout.contains("To begin"), "no section is suggested");
    }
}

#[test]
#[cfg_attr(not(feature = "advice"), ignore = "needs --list or --detect")]
fn a_clock_that_was_never_set_is_reported() {
    let scratch = Scratch::new();
    scratch.write("homing.conf", SEEN, 0o600);
    let at = |time: &str| Run::pass(&scratch).arg("-d").at(time).go();
    let explanation = meaning(&at("1970-01-01 00:00:10"));
    assert!(
        explanation.contains("this machine's clock reads 1970-01-01T00:00:1") && explanation.contains("NTP"),
        "{explanation}"
    );
    assert!(!meaning(&at("2026-11-20 12:00:00")).contains("clock"));
}

/// That a detector gives one family only is no news in a pass; it is reported with the line that lists it.
#[test]
#[cfg_attr(not(all(feature = "tls", feature = "detectors")), ignore = "needs the detectors of the usual build")]
fn a_list_of_detectors_for_the_other_family_is_rejected() {
    let home = Home::new();
    let own = "[detector:own]\nkind = dns\nserver = 127.0.0.1:9\nname = x.example\ntype = A\n\
               [detector:aaaa]\nkind = dns\nserver = 127.0.0.1:9\nname = x.example\ntype = AAAA\n\
               [detector:silent]\nkind = command\ncommand = /bin/true\nipv6 = off\n";
    for (list, says) in [
        (
            "ipv6 = gateway, ipify",
            "homing.conf:3: ipv6: 'gateway' does not detect IPv6 addresses: use another detector, such as ipify or interface",
        ),
        ("ipv6 = ipify, amazon", "homing.conf:3: ipv6: 'amazon' does not detect IPv6 addresses"),
        ("ipv6 = akamai", "homing.conf:3: ipv6: 'akamai' does not detect IPv6 addresses"),
        ("ipv6 = own", "homing.conf:3: ipv6: 'own' does not detect IPv6 addresses"),
        ("ipv6 = silent", "homing.conf:3: ipv6: 'silent' does not detect IPv6 addresses"),
        ("ipv4 = aaaa", "homing.conf:3: ipv4: 'aaaa' does not detect IPv4 addresses"),
    ] {
        home.config(list, own);
        home.pass().arg("--check").go().expect(2).says(says);
        home.passes(2).says(says);
    }
    home.config("ipv4 = own, silent, amazon, gateway\nipv6 = aaaa, ipify", own);
    home.pass().arg("--check").go().expect(0);
    // The restriction applies to the built-in detector: the same name with another URL may give both families.
    home.config("ipv6 = amazon", "[detector:amazon]\nurl = https://checkip.example.com/\n");
    home.pass().arg("--check").go().expect(0);
    home.config("ipv6 = ipify", "[detector:ipify]\nipv6 = never\n");
    home.pass().arg("--check").go().expect(2).says("ipv6: 'never' is invalid: use off");
}
