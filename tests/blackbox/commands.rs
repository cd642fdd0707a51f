//! The command line as homing(1) describes it: the output of each option, which options combine, and exit codes.

use crate::testbed::*;
use tinyjson::JsonValue;

const FOUR: &str = "[detector:four]\nkind = fixed\naddress = 198.41.0.4\n";

fn homing(words: &[&str]) -> Ended {
    Run::new(&Scratch::new()).args(words.iter().copied()).go()
}

/// A scratch folder with a config for one host at this server.
fn configured(server: &HttpServer) -> Scratch {
    let scratch = Scratch::new();
    scratch.folder("s");
    let head = "ipv4 = four\nstate = s/state.json\nhistory = s/ip.log\n";
    let home = "[home]\nprovider = dyndns2\nhosts = a.example.com\nuser = u\npassword = canary-s3cret\n";
    scratch.write("homing.conf", &format!("{head}{FOUR}{home}url = {}/\n", server.url()), 0o600);
    scratch
}

fn go(scratch: &Scratch, words: &[&str]) -> Ended {
    let ended = Run::pass(scratch).args(words.iter().copied()).at_noon_and(0).go();
    Canary::new(["canary-s3cret"]).assert_silent(&ended, scratch, &["homing.conf"]);
    ended
}

/// Each line of the output, parsed as a JSON object.
fn objects(ended: &Ended) -> Vec<std::collections::HashMap<String, JsonValue>> {
    let read = |line: &str| line.parse::<JsonValue>().ok()?.get().cloned();
    ended.stdout.lines().map(|line| read(line).unwrap_or_else(|| panic!("no JSON object: {line}"))).collect()
}

fn text(object: &std::collections::HashMap<String, JsonValue>, key: &str) -> String {
    object.get(key).and_then(|value| value.get::<String>()).cloned().unwrap_or_default()
}

#[test]
fn help_and_version_are_printed() {
    let help = homing(&["--help"]);
    assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""));
    assert!(help.stdout.lines().count() < 40 && help.stdout.lines().all(|line| line.len() <= 80));
    assert_eq!(homing(&["-h", "--status", "-f"]).stdout, help.stdout);
    let version = format!("homing {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(homing(&["-V"]).stdout, version);
    assert_eq!(text(&objects(&homing(&["--version", "--json"]))[0], "version"), env!("CARGO_PKG_VERSION"));
}

#[test]
#[cfg_attr(not(feature = "advice"), ignore = "needs --list or --detect")]
fn invalid_command_lines_are_rejected() {
    for (words, want) in [
        (&["--statsu"][..], "did you mean --status?"),
        (&["-x"], "unknown option '-x'"),
        (&["--config"], "--config needs a value"),
        (&["--json=yes"], "--json takes no value"),
        (&["--config", "a", "-c", "b"], "is given twice"),
        (&["status"], "'status' is not an option"),
        (&["-s", "-H"], "--status and --history cannot be used together"),
        (&["--check", "--list"], "cannot be used together"),
        (&["-s", "-f"], "--force and --status cannot be used together"),
        (&["-t", "--only", "x"], "--only and --check cannot be used together"),
        (&["-d", "-n"], "--dry-run and --detect cannot be used together"),
        (&["-l", "-f"], "--force and --log-only cannot be used together"),
        (&["-l", "-n"], "use --detect"),
        (&["-t", "-e", "5m"], "--every and --check cannot be used together"),
        (&["-q", "-v"], "cannot be used together"),
        (&["-e", "0"], "at least 1s"),
        (&["-e", "-5m"], "--every"),
        (&["-e", "soon"], "for example 5m or 300"),
        (&["-e", ""], "for example 5m or 300"),
        (&["-e", "99999999999d"], "for example 5m or 300"),
        (&["-L", "infomanik"], "did you mean 'infomaniak'?"),
        (&["--list=infomanik"], "did you mean 'infomaniak'?"),
        (&["-L", "dyn", "noip"], "'noip' is not an option"),
        (&["-c", "/nonexistent/homing.conf"], "'/nonexistent/homing.conf' does not exist"),
    ] {
        let ended = homing(words);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{words:?}");
        assert!(ended.stderr.contains(want) && ended.stderr.lines().count() == 1, "{words:?}: {}", ended.stderr);
    }
    let server = HttpServer::new(|_| Reply::ok("good"));
    let scratch = configured(&server);
    for (only, want) in [
        ("hom", "did you mean 'home'?"),
        ("a.exmple.com", "did you mean 'a.example.com'?"),
        ("zzz", "no section or host"),
    ] {
        let ended = go(&scratch, &["--only", "home", "--only", only]);
        assert_eq!((ended.code, ended.stderr.contains(want)), (Some(2), true), "{}", ended.stderr);
    }
    assert_eq!((server.count(), scratch.files().len()), (0, 1));
}

#[test]
#[cfg_attr(not(feature = "advice"), ignore = "needs --list or --detect")]
fn list_names_everything_and_its_examples_are_valid() {
    let all = objects(&homing(&["--list", "--json"]));
    let plain = homing(&["--list"]);
    assert_eq!((plain.code, plain.stderr.as_str()), (Some(0), ""));
    let scratch = Scratch::new();
    for name in ["home.key", "home.secret"] {
        scratch.write(name, "s3cret\n", 0o600);
    }
    scratch.write("ddns.key", "key \"ddns\" { algorithm hmac-sha256; secret \"c2VjcmV0\"; };\n", 0o600);
    for object in &all {
        let (kind, name) = (text(object, "kind"), text(object, "name"));
        assert!(plain.stdout.contains(&format!("\n  {name} ")), "{name}\n{}", plain.stdout);
        let one = homing(&["-L", &name]);
        assert_eq!((one.code, one.stderr.as_str()), (Some(0), ""), "{name}");
        // A preset's own values may make its line longer.
        let long = one.stdout.lines().skip(1).find(|line| line.len() > 100 && !line.contains(" = "));
        assert_eq!(long, None, "{name}");
        assert!(!objects(&homing(&["-L", &name, "-j"])).is_empty(), "{name}");
        let (_, example) = one.stdout.split_once("\n\n").unwrap_or_else(|| panic!("{name} has no example"));
        let example = example.replace("/etc/homing", &scratch.root().display().to_string());
        scratch.write("homing.conf", &example, 0o600);
        let ended = Run::pass(&scratch).arg("--check").go();
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{kind} {name}:\n{example}");
    }
    let kinds: Vec<String> = all.iter().map(|object| text(object, "kind")).collect();
    for kind in ["provider", "preset", "detector", "kind"] {
        assert!(kinds.iter().any(|known| known == kind), "{kind}");
    }
}

#[test]
fn status_shows_the_result_of_the_last_pass() {
    let server = HttpServer::replies([Reply::ok("good 198.41.0.4"), Reply::ok("badauth")]);
    let scratch = configured(&server);
    let status = |words: &[&str]| go(&scratch, &[&["--status"], words].concat());
    let before = status(&[]);
    assert_eq!((before.code, before.stderr.as_str()), (Some(0), ""));
    assert!(before.stdout.starts_with("a.example.com  ipv4  not published\n"), "{}", before.stdout);
    assert_eq!(scratch.files().len(), 1, "looking writes nothing");
    assert_eq!(text(&objects(&status(&["-j"]))[0], "state"), "never");

    assert_eq!(go(&scratch, &[]).stdout, "a.example.com: ipv4 is now 198.41.0.4\n");
    let current = status(&[]);
    let row = "a.example.com  ipv4  198.41.0.4 since 2026-11-20T12:00:0";
    assert!(
        current.stdout.starts_with(row) && current.stdout.contains("next refresh 2026-12-18T12:00:0"),
        "{}",
        current.stdout
    );
    for what in [
        "last pass:    2026-11-20T12",
        "last success: 2026-11-20T12",
        "last update:  2026-11-20T12",
        "last address: 198.41.0.4",
    ] {
        assert!(current.stdout.contains(what), "{what}\n{}", current.stdout);
    }
    let json = objects(&status(&["--json"]));
    assert_eq!((text(&json[0], "state"), text(&json[0], "address")), ("current".into(), "198.41.0.4".into()));
    assert_eq!((text(&json[1], "event"), text(&json[1], "last_address")), ("summary".into(), "198.41.0.4".into()));

    assert_eq!(go(&scratch, &["--force"]).code, Some(3));
    let refused = status(&[]);
    assert_eq!(refused.code, Some(0));
    let way_out = format!("homing -c {} --force --only home", scratch.path("homing.conf").display());
    let way_out_too = format!("homing --force --only home -c {}", scratch.path("homing.conf").display());
    assert!(refused.stdout.contains(&way_out) || refused.stdout.contains(&way_out_too), "{}", refused.stdout);
    assert_eq!(text(&objects(&status(&["-j"]))[0], "state"), "refused");
    // The stored state is printed even if the secret cannot be read.
    let config = scratch.read("homing.conf").replace("password = canary-s3cret", "password_file = /nonexistent");
    scratch.write("homing.conf", &config, 0o600);
    assert!(status(&[]).stdout.contains("badauth"), "{}", status(&[]).stdout);
}

/// A renamed section leaves its hosts in the state under the same names as the new section's.
#[test]
fn hosts_without_a_section_are_listed_separately() {
    let server = HttpServer::new(|_| Reply::ok("good"));
    let scratch = configured(&server);
    go(&scratch, &[]).expect(0);
    let config = scratch.read("homing.conf");
    scratch.write("homing.conf", &config.replace("[home]", "[house]"), 0o600);
    go(&scratch, &[]).expect(0);
    let status = go(&scratch, &["--status"]).expect(0).stdout;
    let rows: Vec<&str> = status.lines().filter(|line| line.starts_with("a.example.com ")).collect();
    assert!(rows.len() == 2 && !rows[0].contains("section"), "{status}");
    assert!(rows[1].ends_with("; its section is not in the settings any more"), "{status}");
    // If the settings cannot be read, it is unknown which hosts have no section.
    scratch.write("homing.conf", &config.replace("password = canary-s3cret", "password_file = lost"), 0o600);
    let status = go(&scratch, &["--status"]).expect(0).stdout;
    assert!(status.contains("a.example.com  ipv4  198.41.0.4") && !status.contains("section"), "{status}");
}

#[test]
#[cfg_attr(not(feature = "advice"), ignore = "needs --list or --detect")]
fn history_is_printed_as_far_as_it_is_recorded() {
    let scratch = Scratch::new();
    let history = |words: &[&str]| {
        Run::new(&scratch).args(["-H", "-o", "history=ip.log"]).args(words.iter().copied()).at_noon_and(0).go()
    };
    let none = history(&[]);
    assert_eq!((none.code, none.stderr.as_str()), (Some(1), "no history yet: ip.log does not exist\n"));
    let lines = [
        "2026-11-01T00:00:00Z ipv4 198.41.0.4 ipify",
        "2026-11-02T00:00:00Z ipv4 198.41.0.4 opendns",
        "\u{0}garbage",
        "2026-11-11T12:00:00Z ipv4 193.0.14.129 ipify",
        "1970-01-01T00:00:05Z ipv4 198.41.0.4 ipify",
        "2026-11-12T00:00:00Z ipv4 193.0.14.129 ipify",
        "2026-11-19T00:00:00Z ipv6 2620:fe::fe lan",
    ];
    scratch.write("ip.log", &(lines.join("\n") + "\n"), 0o600);
    let output = history(&[]);
    assert_eq!(output.code, Some(0));
    assert_eq!(output.stderr, "warning: ip.log: 1 line(s) are not homing's and were left out\n");
    let unknown = "held ? (the clock was not right)";
    let want = [
        "ipv4  198.41.0.4    from 2026-11-01T00:00:00Z  until 2026-11-11T12:00:00Z  held 10 d 12 h".to_string(),
        format!("ipv4  193.0.14.129  from 2026-11-11T12:00:00Z  until 1970-01-01T00:00:05Z  {unknown}"),
        format!("ipv4  198.41.0.4    from 1970-01-01T00:00:05Z  until 2026-11-12T00:00:00Z  {unknown}"),
        "ipv4  193.0.14.129  from 2026-11-12T00:00:00Z  until now                   held 8 d 12 h".to_string(),
        "ipv6  2620:fe::fe   from 2026-11-19T00:00:00Z  until now                   held 1 d 12 h".to_string(),
        "ipv4: 3 changes, longest 10 d 12 h, mean 9 d 12 h".to_string(),
        "ipv6: 0 changes, longest 1 d 12 h, mean 1 d 12 h".to_string(),
    ];
    assert_eq!(output.stdout.lines().collect::<Vec<_>>(), want);
    let json = objects(&history(&["--json"]));
    let address = |at: usize| text(&json[at], "address");
    assert_eq!(
        (json.len(), address(1), text(&json[1], "until")),
        (8, "198.41.0.4".into(), "2026-11-11T12:00:00Z".into())
    );
    assert!(!json[2].contains_key("held") && !json[4].contains_key("until"));

    // The SVG goes to a file beside the text, or alone to stdout; a target that is no regular file is not replaced.
    assert_eq!(history(&["--svg", "ip.svg"]).stdout, output.stdout);
    let picture = scratch.read("ip.svg");
    assert_eq!(history(&["--svg", "-"]).stdout, picture);
    assert_eq!(history(&["--svg", "/dev/stdout"]).stdout, picture + &output.stdout);
    assert_eq!(scratch.read("ip.svg").matches("<rect ").count(), 1 + 3);
    let lost = history(&["--svg", "nowhere/ip.svg"]);
    assert_eq!((lost.code, lost.stderr.contains("cannot write nowhere/ip.svg: ")), (Some(1), true), "{lost:?}");

    scratch.write("ip.log", "", 0o600);
    assert_eq!(history(&["-j"]).stdout, "");
}

#[test]
fn check_json_quiet_and_verbose_print_what_they_should() {
    let server = HttpServer::replies([Reply::ok("good 198.41.0.4"), Reply::ok("nochg 198.41.0.4"), Reply::ok("911")]);
    let scratch = configured(&server);
    let check = go(&scratch, &["--check"]);
    assert_eq!((check.code, check.stderr.as_str()), (Some(0), ""));
    assert!(check.stdout.starts_with("configuration OK: 1 section"));
    assert_eq!(text(&objects(&go(&scratch, &["-t", "-j"]))[0], "event"), "checked");
    assert_eq!(go(&scratch, &["-t", "-q"]).stdout, "");

    let dry = go(&scratch, &["--dry-run"]);
    assert!(
        dry.stdout.contains("GET ") && dry.stdout.contains("a.example.com") && dry.stdout.contains("***"),
        "{}",
        dry.stdout
    );
    assert_eq!((server.count(), scratch.files().len()), (0, 1));
    let json = objects(&go(&scratch, &["--json"]));
    assert!(json.iter().any(|fact| text(fact, "event") == "updated" && text(fact, "host") == "a.example.com"));
    let quiet = go(&scratch, &[]);
    assert_eq!((quiet.code, quiet.stdout.as_str(), quiet.stderr.as_str(), server.count()), (Some(0), "", "", 1));
    assert!(!go(&scratch, &["-v"]).stdout.is_empty());
    objects(&go(&scratch, &["-v", "--json", "-f"]));
    // --quiet still prints errors.
    let trouble = go(&scratch, &["-q", "--force"]);
    assert_eq!((trouble.code, trouble.stdout.as_str(), server.count()), (Some(1), "", 3));
    assert!(trouble.stderr.contains("911"), "{}", trouble.stderr);
    objects(&go(&scratch, &["-n", "-f", "--json"]));
    objects(&go(&scratch, &["-l", "--json"]));
}

#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs HTTPS")]
fn every_repeats_passes() {
    let page = HttpServer::new(|_| Reply::ok("198.41.0.4"));
    let scratch = Scratch::new();
    let url = format!("--set=detector:ipify.url={}/", page.url());
    let mut child = runner::command(&scratch)
        .args(["--log-only", "--every", "10", "--set=ipv4=ipify", "--set=history=ip.log", &url])
        .spawn()
        .unwrap();
    let until = std::time::Instant::now() + seconds(15);
    while page.count() < 2 && std::time::Instant::now() < until {
        std::thread::park_timeout(std::time::Duration::from_millis(50));
    }
    let stays = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!((stays, page.count()), (true, 2));
    assert_eq!(scratch.read("ip.log").lines().count(), 1);
}
