//! Hooks and webhooks: what they get, and that nothing they do affects the pass. Also what must not get into them.

use crate::testbed::{runner, seconds, Canary, Home, HttpServer, Reply, FOUR, OTHER, SECRET, SIX};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// Writes a script that hooks can run; returns its path.
fn script(home: &Home, name: &str, text: &str) -> String {
    home.scratch.write(name, &home.filled(&format!("#!/bin/sh\n{text}\n")), 0o700).display().to_string()
}

#[test]
fn a_hook_gets_its_arguments_and_six_variables() {
    let home = Home::with(|request| Reply::ok(if request.target.contains("2620") { "nohost" } else { "good" }));
    let hook = script(&home, "hook", "{ echo \"$# [$1] [$2]\"; env; } >> {dir}/calls; echo noise; echo noise >&2");
    home.config(
        &format!("ipv4 = four\nipv6 = six\non_change = {hook} 'two words' $(id);*\non_failure = {hook} bad"),
        "",
    );
    let ended = home.pass().env("HOME", "/root").env("CANARY", SECRET).go().expect(3);
    assert!(!ended.stdout.contains("noise") && !ended.stderr.contains("noise"), "{}", ended.stdout);
    let calls = home.scratch.read("calls");
    assert!(calls.contains("2 [two words] [$(id);*]\n") && calls.contains("1 [bad] []\n"), "{calls}");
    for line in [
        "HOMING_EVENT=change",
        "HOMING_EVENT=failure",
        "HOMING_SECTION=home",
        "HOMING_HOSTS=a.example.org",
        "HOMING_IPV4=198.41.0.4",
        "HOMING_IPV6=",
        "HOMING_MESSAGE=a.example.org is now 198.41.0.4",
    ] {
        assert!(calls.lines().any(|calls| calls == line), "{line}: {calls}");
    }
    let names = calls.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name);
    let strange: Vec<&str> =
        names.filter(|name| !name.starts_with("HOMING_") && !["PATH", "PWD", "_", "SHLVL"].contains(name)).collect();
    assert!(strange.is_empty(), "{strange:?}");
    Canary::new([SECRET]).assert_silent(&ended, &home.scratch, &["homing.conf"]);
    // Reported when it happens, not in every pass.
    home.passes(3);
    assert_eq!(home.scratch.read("calls"), calls);
}

#[test]
fn a_failing_hook_changes_nothing() {
    for (hook, says) in [
        ("/bin/false", "exit code 1"),
        ("/nonexistent/hook", "cannot run /nonexistent/hook"),
        ("/bin/sleep 1000", "did not end in time"),
        ("/usr/bin/yes", "printed too much"),
        ("/bin/sh -c 'kill -9 $$'", "signal 9"),
    ] {
        let home = Home::new();
        home.config(&format!("ipv4 = four\ntimeout = 1s\non_change = {hook}"), "");
        let ended = home.passes(0).says(says);
        assert!(ended.took < seconds(5), "{hook}: {:?}", ended.took);
        assert!(home.state().contains(FOUR) && home.pushes() == 1);
        home.passes(0).silent();
    }
}

#[test]
fn a_slow_hook_does_not_hold_the_lock() {
    for words in [&[][..], &["--log-only"]] {
        let home = Home::new();
        let fifo = home.scratch.path("awake");
        assert!(Command::new("/usr/bin/mkfifo").arg(&fifo).status().unwrap().success());
        let hook = script(&home, "hook", "echo > {dir}/awake; exec sleep 60");
        home.config(&format!("ipv4 = four\ntimeout = 20s\non_change = {hook}"), "");
        let mut first = runner::command(&home.scratch);
        first.arg("-c").arg(home.scratch.path("homing.conf")).args(words).process_group(0);
        let mut first = first.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // The hook signals when it has started, so that no waiting time has to be guessed.
        std::fs::read(&fifo).unwrap();
        home.config("ipv4 = other\ndeadline = 5s", "");
        let ended = home.pass().args(words).go();
        assert!(first.try_wait().unwrap().is_none(), "the hook was still asleep");
        first.kill().unwrap();
        first.wait().unwrap();
        let ended = ended.expect(0);
        assert!(ended.took < seconds(4), "{:?}", ended.took);
        assert!(home.history().ends_with(" ipv4 193.0.14.129 other\n"), "{}", home.history());
        assert_eq!(home.sent(), if words.is_empty() { vec![FOUR, OTHER] } else { Vec::new() });
    }
}

#[test]
fn a_failed_webhook_is_a_warning() {
    let ears = HttpServer::replies([Reply::ok(""), Reply::new(500, &[], "")]);
    let home = Home::new();
    let notify = format!("notify = {}/topic", ears.url());
    home.config(&format!("ipv4 = four\nipv6 = six\n{notify}"), "").passes(0);
    home.config(&format!("ipv4 = other\nipv6 = six\n{notify}"), "").passes(0).says("notify");
    home.passes(0).silent();
    let asked = ears.asked();
    let message = format!("a.example.org is now {FOUR} and {SIX}");
    assert_eq!((asked.len(), asked[0].method.as_str(), asked[0].target.as_str()), (2, "POST", "/topic"));
    assert_eq!(asked[0].text(), message);
    assert_eq!(asked[1].text(), format!("a.example.org is now {OTHER}"));
    assert!(asked.iter().all(|request| request.header("Authorization").is_none()));
}

#[test]
fn a_lost_address_is_reported_once() {
    let home = Home::new();
    let hook = script(&home, "hook", "echo \"$HOMING_EVENT $HOMING_MESSAGE\" >> {dir}/calls");
    home.config(&format!("ipv4 = lost\non_failure = {hook}\non_change = {hook}"), "");
    (0..3).for_each(|_| drop(home.passes(1)));
    assert_eq!(home.scratch.read("calls").lines().count(), 1, "{}", home.scratch.read("calls"));
    assert!(home.scratch.read("calls").starts_with("failure address not detected: lost"));
    home.config(&format!("ipv4 = four\non_failure = {hook}\non_change = {hook}"), "").passes(0);
    assert!(home.scratch.read("calls").ends_with("change a.example.org is now 198.41.0.4\n"));
}

#[test]
fn log_only_runs_hooks_too() {
    let home = Home::new();
    let hook = script(&home, "hook", "echo \"$HOMING_IPV4 [$HOMING_SECTION]\" >> {dir}/calls");
    let log = |four: &str| {
        let set = [format!("history={}", home.scratch.path("lib/ip.log").display()), format!("on_change={hook}")];
        let words = set.iter().flat_map(|set| ["--set", set.as_str()]);
        let fixed = format!("detector:f.address={four}");
        home.pass()
            .args(["--log-only", "--set", "detector:f.kind=fixed", "--set", "ipv4=f", "--set", &fixed])
            .args(words)
            .go()
    };
    home.config("", "");
    log(FOUR).expect(0);
    log(FOUR).expect(0);
    log(OTHER).expect(0);
    assert_eq!(home.scratch.read("calls"), "198.41.0.4 []\n193.0.14.129 []\n");
    assert_eq!((home.pushes(), home.state()), (0, String::new()));
}

#[test]
fn invalid_hostnames_are_rejected() {
    for host in [
        "$(touch x)",
        "`touch x`",
        "a;touch x",
        "../../etc/x",
        "/etc/x",
        "a.example.org/../x",
        "a b",
        "-rf",
        "a..b",
        "a.example.org\\nX: y",
        "\"a.example.org\"x",
        "a.example.org?x=1",
        "a.example.org&hostname=b",
        "a@b.example.org",
        "a%2e.example.org",
        "..",
        ".",
        "a\u{0}b",
        "a\u{7}b",
    ] {
        let home = Home::new();
        home.config("ipv4 = four\non_change = /usr/bin/touch {dir}/x", "");
        let config = home.scratch.read("homing.conf").replace("a.example.org", host);
        home.scratch.write("homing.conf", &config, 0o600);
        let before = home.scratch.files();
        let ended = home.pass().go();
        assert_eq!(ended.code, Some(2), "{host:?}: {}{}", ended.stdout, ended.stderr);
        assert!(ended.stderr.contains("homing.conf:") && !ended.stderr.contains('\u{7}'), "{host:?}: {}", ended.stderr);
        assert!(home.pushes() == 0 && home.scratch.files() == before, "{host:?}");
    }
}

#[test]
fn a_server_cannot_forge_an_output_line() {
    let evil = "xyz\r\u{1b}[2Jgood 198.41.0.4\u{202e}\u{7}\u{9b}31m";
    let home = Home::with(move |_| Reply::ok(evil));
    home.config("ipv4 = four", "");
    let ended = home.pass().arg("-v").go().expect(1);
    for text in [&ended.stdout, &ended.stderr, &home.history()] {
        assert!(text.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'), "{text:?}");
    }
    let status = home.pass().arg("--status").go();
    assert!(status.stdout.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'), "{:?}", status.stdout);
    assert_eq!(home.history().lines().count(), 1);
}

/// Whatever a server echoes, including secrets, appears nowhere.
#[test]
fn an_echoed_secret_appears_nowhere() {
    for status in [200, 400, 401, 500] {
        let home = Home::with(move |request| {
            let login = request.header("Authorization").unwrap_or("").to_string();
            Reply::new(status, &[("X-Echo", &login)], &format!("{SECRET} {login} is wrong"))
        });
        let ears = HttpServer::new(|_| Reply::ok(""));
        let hook = script(&home, "hook", "env > {dir}/calls");
        home.config(&format!("ipv4 = four\nnotify = {}/\non_failure = {hook}", ears.url()), "");
        let ended = home.pass().arg("-v").go();
        assert!(ended.code == Some(1) || ended.code == Some(3), "{status}: {}", ended.stderr);
        assert!(home.scratch.read("calls").contains("HOMING_EVENT=failure"), "{status}");
        home.scratch.write("notified", &ears.asked()[0].text(), 0o600);
        let canary = Canary::new([SECRET]);
        canary.assert_silent(&ended, &home.scratch, &["homing.conf"]);
        for words in [&["--status"][..], &["--status", "--json"], &["-v", "--force"]] {
            canary.assert_silent(&home.pass().args(words).go(), &home.scratch, &["homing.conf"]);
        }
    }
}
