//! The exit code is the worst result of a pass; options on the command line do what they say and nothing else.

use crate::testbed::{Canary, Home, HttpServer, Reply, Run, Scratch, FOUR, OTHER, SECRET};

/// A section whose provider replies with the return code in its name.
fn section(name: &str) -> String {
    format!("[{name}]\nprovider = dyndns2\nurl = {{url}}/{name}\nuser = u\npassword = pw-{name}\nhosts = {name}.example.org\n")
}

fn home() -> Home {
    Home::with(|request| match request.target.split(['/', '?']).nth(1).unwrap() {
        "later" => Reply::new(503, &[], ""),
        "no" => Reply::ok("badauth"),
        _ => Reply::ok("good"),
    })
}

#[test]
fn the_exit_code_is_the_worst_result() {
    for (sections, code) in
        [(&[][..], 0), (&["later"][..], 1), (&["no"], 3), (&["later", "no"], 3), (&["no", "later"], 3)]
    {
        let home = home();
        let tail: String = sections.iter().map(|name| section(name)).collect();
        home.config("ipv4 = four", &tail).passes(code);
        assert_eq!(home.pushes(), 1 + sections.len(), "one failure never stops the next");
        home.passes(code);
        assert_eq!(home.pushes(), 1 + sections.len());
    }
    let home = home();
    // A family that is not detected is worse than success and better than a rejection.
    home.config("ipv4 = four\nipv6 = lost", &section("no")).passes(3);
    // The rejection remains while no address is detected, and ends with its family.
    home.config("ipv4 = four", &section("no")).passes(3);
    home.config("ipv4 = lost", &section("no")).passes(3);
    // Errors in the settings are the worst result: nothing is attempted.
    let pushed = home.pushes();
    home.config("ipv4 = four", &(section("no") + "colour = blue\n")).passes(2).says("colour");
    assert_eq!(home.pushes(), pushed);
}

#[test]
fn force_ends_rejection_and_back_off() {
    let home = home();
    home.config("ipv4 = four", &(section("no") + &section("later"))).passes(3);
    home.pass().arg("--force").go().expect(3);
    assert_eq!(home.pushes(), 6);
    home.pass().args(["--force", "--only", "no"]).go().expect(3);
    let last = home.provider.asked().pop().unwrap();
    assert!(last.target.starts_with("/no?") && home.pushes() == 7);
}

#[test]
fn only_limits_updates_to_named_sections() {
    let home = home();
    let two =
        "[two]\nprovider = dyndns2\nurl = {url}/two\nuser = u\npassword = x\nhosts = b.example.org, *.example.net\n";
    home.config("ipv4 = four", two);
    let targets = || home.provider.asked().into_iter().map(|request| request.target).collect::<Vec<_>>();
    home.pass().args(["--only", "B.example.ORG"]).go().expect(0);
    assert_eq!(targets(), ["/two?hostname=b.example.org&myip=198.41.0.4"]);
    home.pass().args(["--only", "two"]).go().expect(0);
    assert_eq!(targets().len(), 2);
    assert!(targets()[1].starts_with("/two?hostname=*.example.net&") || targets()[1].contains("%2A.example.net"));
    home.pass().args(["--only", "nobody"]).go().expect(2);
    home.pass().args(["--only", "two", "--only", "home"]).go().expect(0);
    assert_eq!(targets().len(), 3);
    home.passes(0).silent();
}

#[test]
fn a_dry_run_sends_and_writes_nothing() {
    let home = home();
    home.config("ipv4 = four\non_change = /usr/bin/touch {dir}/hooked", &section("no"));
    let before = home.scratch.files();
    let ended = home.pass().arg("--dry-run").go().expect(0);
    assert!(ended.stdout.contains("hostname=a.example.org&myip=198.41.0.4"), "{}", ended.stdout);
    assert!(ended.stdout.contains("hostname=no.example.org"), "{}", ended.stdout);
    assert_eq!(home.pushes(), 0);
    assert!(home.scratch.files() == before, "written: {:?}", home.scratch.files());
    Canary::new([SECRET, "pw-no"]).assert_silent(&ended, &home.scratch, &["homing.conf"]);

    home.passes(3);
    let before = (home.stored_files(), home.pushes());
    home.config("ipv4 = other", &section("no"));
    for args in [&["-n"][..], &["-n", "--force"], &["-n", "-v"], &["--dry-run", "--json"]] {
        let ended = home.pass().args(args).go();
        assert!(ended.stdout.contains(OTHER), "{args:?}: {}{}", ended.stdout, ended.stderr);
        Canary::new([SECRET, "pw-no"]).assert_silent(&ended, &home.scratch, &["homing.conf"]);
        assert!((home.stored_files(), home.pushes()) == before, "{args:?}");
    }
}

/// If nothing is sent and the exit code is 3 or 1, the reason is printed as in an ordinary pass.
#[test]
fn a_dry_run_explains_delayed_updates() {
    let home = Home::with(|request| Reply::ok(if request.target.contains("a.example") { "badauth" } else { "911" }));
    home.config("ipv4 = four", &section("b")).passes(3);
    let ended = home.pass().arg("-n").go().expect(3);
    for expected in ["a.example.org: ipv4 refused: badauth", "b.example.org: ipv4 waits until ", "nothing to send"] {
        assert!(ended.stdout.contains(expected), "{expected}: {}", ended.stdout);
    }
    assert_eq!(ended.stderr, "");
}

#[test]
fn a_dry_run_detects_and_reports_failures() {
    let home = home();
    home.config("ipv4 = lost", "").pass().arg("-n").go().expect(1).says("address not detected");
    // An invalid state file stays where it is.
    home.scratch.write("lib/state.json", "junk", 0o600);
    let before = home.stored_files();
    home.config("ipv4 = four", "").pass().arg("-n").go().expect(0).says("makes no sense");
    assert!(home.stored_files() == before && home.pushes() == 0);
}

#[test]
fn missing_settings_and_bad_arguments_exit_with_2() {
    let scratch = Scratch::new();
    let server = HttpServer::new(|_| Reply::ok(FOUR));
    for args in [
        &["-c", "nowhere.conf"][..],
        &["--statsu"],
        &["--log-only", "--set", "nonsense"],
        &["--set", "colour=blue", "--log-only"],
        &["extra"],
        &["--every", "0", "--set", "ipv4=route"],
    ] {
        let ended = Run::new(&scratch).args(args.iter().copied()).go().expect(2);
        assert!(ended.stdout.is_empty() && !ended.stderr.is_empty(), "{args:?}");
    }
    assert_eq!((scratch.files().len(), server.count()), (0, 0));
}

#[test]
fn only_an_added_host_is_updated() {
    let home = home();
    home.config("ipv4 = four", "").passes(0);
    let grow = |from: &str, to: &str| {
        let config = home.scratch.read("homing.conf").replace(from, to);
        home.scratch.write("homing.conf", &config, 0o600);
    };
    grow("hosts = a.example.org", "hosts = a.example.org, b.example.org");
    home.passes(0);
    let targets = || home.provider.asked().into_iter().map(|request| request.target).collect::<Vec<_>>();
    assert_eq!(targets()[1..], ["/nic/update?hostname=b.example.org&myip=198.41.0.4"]);
    // With another account at the same address all hosts are updated.
    grow("user = alice", "user = carol");
    home.passes(0);
    assert_eq!(targets().len(), 4);
    // A removed host is forgotten, so that it is updated when it comes back.
    grow("a.example.org, b.example.org", "b.example.org");
    home.passes(0).silent();
    assert_eq!(targets().len(), 4);
}

/// A state lost at every boot costs one update per boot.
#[test]
fn a_lost_state_costs_one_update_per_boot() {
    let home = home();
    home.config("ipv4 = four", "");
    for boot in 1..=20 {
        home.passes(0);
        home.passes(0).silent();
        assert_eq!(home.pushes(), boot);
        std::fs::remove_file(home.scratch.path("lib/state.json")).unwrap();
    }
    assert_eq!(home.history().lines().count(), 1);
}
