//! The settings as homing.conf(5) describes them: grammar, all errors at once, secrets, includes and `--set`.

use crate::testbed::*;

/// A valid section, to which more keys may be appended.
pub const HOME: &str = "[home]\nprovider = infomaniak\nhosts = a.example.com\nuser = u\npassword = canary-s3cret\n";

fn check(scratch: &Scratch, text: &str) -> Ended {
    scratch.write("homing.conf", text, 0o600);
    Run::pass(scratch).arg("--check").go()
}

/// The errors of a config, without the path of its folder. Checks that nothing else happened.
pub fn errors(scratch: &Scratch, text: &str) -> Vec<String> {
    mistakes(scratch, check(scratch, text))
}

fn mistakes(scratch: &Scratch, ended: Ended) -> Vec<String> {
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{}", ended.stderr);
    Canary::new(["canary-s3cret"]).assert_silent(&ended, &Scratch::new(), &[]);
    ended.stderr.replace(&format!("{}/", scratch.root().display()), "").lines().map(String::from).collect()
}

pub fn good(text: &str) -> Ended {
    let scratch = Scratch::new();
    let ended = check(&scratch, text);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{text}");
    ended
}

/// The address that a pass with these settings would detect, from the history of a --log-only pass.
pub fn learned(config: &str, args: &[&str]) -> String {
    let scratch = Scratch::new();
    let history = format!("--set=history={}", scratch.path("h/ip.log").display());
    scratch.folder("h");
    scratch.write("homing.conf", config, 0o600);
    let ended = Run::pass(&scratch).args(["--log-only", &history]).args(args.iter().copied()).go();
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{config}");
    let words: Vec<String> = scratch.read("h/ip.log").split_whitespace().skip(1).map(String::from).collect();
    words.join(" ")
}

#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs HTTPS")]
fn common_ways_of_writing_settings_are_accepted() {
    let four = "[detector:x]\nkind = fixed\naddress = 198.41.0.4\n";
    for line in [
        "ipv4 = x",
        "ipv4=x",
        "  ipv4\t=\tx  ",
        "ipv4 = x # note",
        "ipv4 = x ; note",
        "; note\n# note\nipv4 = x",
        "ipv4 = \"x\"",
        "ipv4 = \"x\" # note",
        "\u{feff}ipv4 = x",
        "ipv4 = x\r\n",
        "\t\n\nipv4 = x\n",
    ] {
        assert_eq!(learned(&format!("{line}\n{four}"), &[]), "ipv4 198.41.0.4 x", "{line}");
    }
    // Lists are split at commas, commands at blanks, with quotes; no shell is involved.
    let command = |line: &str| {
        format!("ipv4 = lost , x\n[detector:lost]\nkind = command\ncommand = false\n[detector:x]\nkind = command\ncommand = {line}\n")
    };
    for line in [
        "echo 198.41.0.4",
        "echo \"198.41.0.4\"",
        "echo '198.41.0.4' # note",
        "/bin/sh -c \"echo 198.41.0.4 # note\"",
        "\"echo 198.41.0.4\"",
        "printf '%s' 198.41.0.4",
    ] {
        assert_eq!(learned(&command(line), &[]), "ipv4 198.41.0.4 x", "{line}");
    }
    good(&format!("{}# the end", HOME.replace("canary-s3cret", "\"a \\\"b\\\\ # ; c\" # note")));
    good(&HOME.replace('\n', "\r\n"));
    good(&HOME.replace("a.example.com", "*.Example.COM, example.com., bücher.example"));
    good("");
}

#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs HTTPS")]
fn all_errors_are_reported_at_once_with_their_lines() {
    let scratch = Scratch::new();
    assert_eq!(
        errors(&scratch, "ipv4 = opendns, off\n"),
        ["homing.conf:1: ipv4: 'off' cannot be combined with detectors: remove 'off', or the others"]
    );
    let lines = errors(
        &scratch,
        "ipv4 = ipfy\nagree = x\nagree = 1\nno sign canary-s3cret\nBad-Key = 1\n[home]\nprovider = infomanik\n\
         [home]\nuser = x\n[work]\nprovider = noip\npasword = canary-s3cret\ntimeout = 5s\nhosts = a_b..c\n\
         [b c]\n[open\n[detector:r]\nkind = comand\n[detektor:x]\n[preset:p]\nprotocol = dyndns\nurl = ftp://canary-s3cret@x\n",
    );
    let wanted = [
        "homing.conf:1: ipv4: unknown detector 'ipfy': did you mean 'ipify'?",
        "homing.conf:2: agree: invalid number 'x': use 1 to 9",
        "homing.conf:3: duplicate key 'agree', first set at homing.conf:2: remove one",
        "homing.conf:4: '=' is missing: write KEY = VALUE, or # before a comment",
        "homing.conf:5: invalid key 'Bad-Key': write 'bad_key'",
        "homing.conf:7: provider: unknown provider 'infomanik': did you mean 'infomaniak'?",
        "homing.conf:8: duplicate section [home], first defined at homing.conf:6: merge the two",
        "homing.conf:10: [work]: 'user' is missing: add user = VALUE",
        "homing.conf:10: [work]: 'password' is missing: add password_file = PATH (or password, password_env, password_credential)",
        "homing.conf:12: unknown key 'pasword' in [work]: did you mean 'password'?",
        "homing.conf:13: 'timeout' is a global key: write it before the first section",
        "homing.conf:15: invalid section name 'b c': use letters, digits, '.', '_', '-' and ':'",
        "homing.conf:16: the heading '[open' has no closing bracket: write [open]",
        "homing.conf:18: kind: 'comand' is invalid: did you mean 'command'?",
        "homing.conf:19: [detektor:x]: unknown kind of section 'detektor': did you mean 'detector'?",
    ];
    for line in wanted {
        assert!(lines.iter().any(|error| error == line), "{line}\nis not among\n{}", lines.join("\n"));
    }
    for start in ["homing.conf:14: hosts: 'a_b..c': ", "homing.conf:21: protocol: 'dyndns' is invalid: "] {
        assert!(lines.iter().any(|error| error.starts_with(start)), "{start}\n{}", lines.join("\n"));
    }
    assert!(lines.iter().all(|line| line.starts_with("homing.conf:")), "{}", lines.join("\n"));
    let numbers: Vec<usize> = lines.iter().map(|line| line.split(':').nth(1).unwrap().parse().unwrap()).collect();
    assert!(numbers.is_sorted(), "an editor goes through them once: {numbers:?}");
}

#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs HTTPS")]
fn one_error_does_not_hide_others_in_a_section() {
    let scratch = Scratch::new();
    let lines = errors(&scratch, "[home]\nprovider = nosuch\nhosts = a..b\nrefresh = 3x\nipv4 = lost\n");
    assert!(!lines.iter().any(|line| line.contains("families are off")), "{}", lines.join("\n"));
    for key in ["homing.conf:2: provider", "homing.conf:3: hosts", "homing.conf:4: refresh", "homing.conf:5: ipv4"] {
        assert!(lines.iter().any(|line| line.starts_with(key)), "{key}\n{}", lines.join("\n"));
    }
    // If no name is similar, the message says where the names are listed instead of listing all.
    for unknown in ["unknown provider 'nosuch'", "unknown detector 'lost'"] {
        let listed = format!("{unknown}: see homing --list");
        assert!(lines.iter().any(|line| line.ends_with(&listed)), "{unknown}\n{}", lines.join("\n"));
    }
    let lines = errors(&scratch, "[home]\nprovider = noip\nhosts = a.b\nuser = a:b\ndual = foo\nbatch = maybe\n");
    for key in
        ["homing.conf:1: [home]: 'password'", "homing.conf:4: user", "homing.conf:5: dual", "homing.conf:6: batch"]
    {
        assert!(lines.iter().any(|line| line.starts_with(key)), "{key}\n{}", lines.join("\n"));
    }
}

#[test]
fn every_key_rejects_invalid_values() {
    for line in [
        "agree = 0",
        "agree = 99",
        "agree = 3",
        "history_when = sometimes",
        "refresh = soon",
        "refresh = 1s",
        "refresh = -5m",
        "refresh = 1.5h",
        "refresh = 5w",
        "timeout = 0",
        "deadline = never",
        "deadline = 99999999999d",
        "timeout =",
        "ca_file = /nonexistent/ca.pem",
        "on_change =",
        "on_change = sh -c \"open",
        "on_failure = 'open",
        "notify = ntfy.sh/x",
        "notify = https://a:b@ntfy.sh/x",
        "allow_private = maybe",
        "allow_plaintext = please",
        "contact = ä\u{1F600}",
        "ipv4 =",
        "ipv4 = ipify,,opendns",
        "ipv4 = ipify, ipify",
        "ipv6 = off, ipify",
        "history = \"/x\" y",
        "include = /nonexistent/x.conf",
        "include = /tmp/*/*.conf",
        "unheard = of",
    ] {
        let scratch = Scratch::new();
        let lines = errors(&scratch, &format!("{line}\n"));
        assert!(lines.iter().all(|error| error.starts_with("homing.conf")), "{line}: {lines:?}");
        let key = line.split(' ').next().unwrap();
        assert!(lines.iter().any(|error| error.contains(key) || error.contains("ipv4")), "{line}: {lines:?}");
    }
    for line in [
        "hosts = ,",
        "hosts = a.example, A.example",
        "hosts = -a.example",
        "hosts = a b.example",
        "hosts = 192.0.2.1",
        "user = a:b",
        "user =",
        "url = example.com",
        "url = https://u:p@example.com/",
        "url = http://example.com/",
        "url = https://example.com:99999/",
        "batch = perhaps",
        "dual = coma",
        "ipv4 = off",
        "refresh = 5",
        "agree = 3",
        "ipv6 = nothing",
        "password_file = /nonexistent",
    ] {
        let key = line.split(' ').next().unwrap();
        let rest: String = HOME.lines().filter(|old| !old.starts_with(key)).map(|old| format!("{old}\n")).collect();
        let scratch = Scratch::new();
        let lines = errors(&scratch, &format!("{rest}{line}\n"));
        assert!(lines.iter().all(|error| error.starts_with("homing.conf:")), "{line}: {lines:?}");
    }
    for (kind, key) in [("web", "url"), ("dns", "server"), ("command", "command"), ("fixed", "address"), ("", "kind")] {
        let scratch = Scratch::new();
        let kind = if kind.is_empty() { String::new() } else { format!("kind = {kind}\n") };
        let lines = errors(&scratch, &format!("[detector:x]\n{kind}"));
        assert!(lines[0].starts_with("homing.conf:1: [detector:x]: ") && lines[0].contains(key), "{lines:?}");
    }
    for line in [
        "kind = web\nurl = https://x.example/\nparse = jsn:ip",
        "kind = dns\nserver = a b\nname = x.example",
        "kind = fixed\naddress = 1.2.3",
        "kind = dns\nserver = 192.0.2.1\nname = x.example\ntype = MX",
        "kind = route\nurl6 = x",
        "kind = dns\nserver = 192.0.2.1:0\nname = x",
    ] {
        let scratch = Scratch::new();
        errors(&scratch, &format!("ipv4 = x\n[detector:x]\n{line}\n"));
    }
}

#[test]
fn invalid_text_is_rejected_with_its_line() {
    let scratch = Scratch::new();
    let lines = errors(&scratch, "ipv4 = off\nipv6 = o\0ff\n\u{7f}\n");
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("homing.conf:2: ") && lines[1].starts_with("homing.conf:3: "));
    std::fs::write(scratch.path("homing.conf"), b"ipv4 = off\n\n# caf\xe9\nagree = x\n").unwrap();
    let lines = mistakes(&scratch, Run::pass(&scratch).arg("-t").go());
    assert_eq!(lines[0], "homing.conf:3: the line is not valid UTF-8: save the file as UTF-8");
    assert!(lines[1].starts_with("homing.conf:4: agree: "), "the other errors are reported too: {lines:?}");
    std::fs::write(scratch.path("homing.conf"), vec![b'#'; 10_000_000]).unwrap();
    let ended = Run::pass(&scratch).arg("-t").measure_memory().go();
    assert!(ended.peak < Some(16 * 1024), "{:?}", ended.peak);
    assert!(mistakes(&scratch, ended)[0].contains("larger than 1 MiB"));
    for path in ["/dev/zero", "/nonexistent.conf", "/"] {
        let ended = Run::new(&scratch).args(["-t", "-c", path]).measure_memory().go();
        assert!(ended.peak < Some(16 * 1024), "{path} {:?}", ended.peak);
        assert!(mistakes(&scratch, ended)[0].contains(path));
    }
}

#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs HTTPS")]
fn includes_are_read_in_order_and_not_nested() {
    let scratch = Scratch::new();
    scratch.write("d/20.conf", &HOME.replace("[home]", "[two]"), 0o600);
    scratch.write("d/10.conf", &HOME.replace("[home]", "[one]"), 0o600);
    scratch.write("d/.hidden.conf", "nonsense\n", 0o600);
    scratch.write("d/30.conf.bak", "nonsense\n", 0o600);
    assert!(check(&scratch, "include = d/*.conf\n").stdout.contains("2 sections, 2 hosts"));
    let list = |text: &str| errors(&scratch, text);
    // The same section in two files, an error in one of them, an include in an included file.
    let lines = list(&format!("include = d/*.conf\n{}", HOME.replace("[home]", "[two]")));
    assert_eq!(lines, ["d/20.conf:1: duplicate section [two], first defined at homing.conf:2: merge the two"]);
    scratch.write("d/20.conf", "agree = 1\nagre = 2\ninclude = x\n", 0o600);
    let lines = list("agree = 1\ninclude = d/*.conf\n");
    assert_eq!(
        lines,
        [
            "d/20.conf:1: duplicate key 'agree', first set at homing.conf:1: remove one",
            "d/20.conf:2: unknown key 'agre' in the global settings: did you mean 'agree'?",
            "d/20.conf:3: include: 'x': an included file cannot include others: remove the line",
        ]
    );
    std::fs::write(scratch.path("d/20.conf"), b"# good\n# \xff\n").unwrap();
    assert_eq!(list("include = d/20.conf\n"), ["d/20.conf:2: the line is not valid UTF-8: save the file as UTF-8"]);
    let lines = list("include = d/10.conf, d/none.conf\n");
    assert!(lines[0].starts_with("homing.conf:1: include: cannot read "), "{lines:?}");
    // An empty or missing folder is no error, and a pattern that matches the main file does not read it twice.
    good("include = empty.d/*.conf\n");
    std::fs::remove_file(scratch.path("d/20.conf")).unwrap();
    assert_eq!(check(&scratch, &format!("include = *.conf\n{HOME}")).code, Some(0));
    // A secret in an included file that others can read.
    scratch.write("d/10.conf", HOME, 0o644);
    let lines = list("include = d/*.conf\n");
    assert!(lines.len() == 1 && lines[0].starts_with("d/10.conf:5: password: "), "{lines:?}");
}

#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs HTTPS")]
fn set_overrides_the_file_and_works_without_one() {
    let fixed = ["-o", "detector:x.kind=fixed", "-o", "detector:x.address=198.41.0.4", "--set", "ipv4=x"];
    assert_eq!(learned("ipv4 = off\n", &fixed), "ipv4 198.41.0.4 x");
    assert_eq!(learned("ipv4 = nonsense\n[detector:x]\nkind = bad\naddress = y\n", &fixed), "ipv4 198.41.0.4 x");
    assert_eq!(learned("", &[&fixed[..], &["-o", "detector:x.address=193.0.14.129"]].concat()), "ipv4 193.0.14.129 x");

    let scratch = Scratch::new();
    let ip = scratch.folder("d").join("ip.log").display().to_string();
    let none = Run::new(&scratch).args(fixed).args(["-l", "-o", &format!("history={ip}")]).go();
    assert_eq!((none.code, none.stderr.as_str()), (Some(0), ""));
    assert!(scratch.read("d/ip.log").ends_with(" ipv4 198.41.0.4 x\n"));

    // A whole section by options, with a dot in its name; another source of the same secret is replaced.
    let sets = ["provider=infomaniak", "hosts=a.example.com", "user=u", "password=canary-s3cret"];
    let sets = || sets.iter().flat_map(|set| ["-o".to_string(), format!("home.net.{set}")]);
    let ended = Run::new(&scratch).arg("--check").args(sets()).go();
    assert_eq!(ended.stdout, "configuration OK: 1 section, 1 host\n", "{}", ended.stderr);
    scratch.write("homing.conf", "[home.net]\npassword_file = /nonexistent\nuser = old\n", 0o644);
    let ended = Run::pass(&scratch).arg("--check").args(sets()).go();
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));

    // Errors name the option and never its value.
    for (set, want) in [
        ("agre=canary-s3cret", "--set agre: unknown key 'agre'"),
        ("canary-s3cret", "--set: '=' is missing: write KEY=VALUE"),
        ("home.net.pasword=canary-s3cret", "did you mean 'password'?"),
        ("a b=canary-s3cret", "invalid key 'a b'"),
        ("home.net.password=canary-s3cret\u{7}", "control character"),
        ("include=/nonexistent/x.conf", "cannot read '/nonexistent/x.conf'"),
    ] {
        let lines = mistakes(&scratch, Run::new(&scratch).arg("-t").args(sets()).args(["-o", set]).go());
        assert!(lines.iter().any(|line| line.contains(want)), "{set}: {lines:?}");
    }
    let split = Run::new(&scratch).args(["-t", "-o", "home.password=one", "canary-s3cret"]).go();
    assert!(mistakes(&scratch, split)[0].contains("write --set 'KEY=VALUE'"));
    scratch.write("d/more.conf", HOME, 0o600);
    let ended =
        Run::new(&scratch).args(["-t", "-o", "include=d/more.conf", "-o", "home.hosts=b.example,c.example"]).go();
    assert_eq!(ended.stdout, "configuration OK: 1 section, 2 hosts\n", "{}", ended.stderr);
}

#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs HTTPS")]
fn settings_with_errors_do_nothing() {
    let scratch = Scratch::new();
    let server = HttpServer::new(|_| Reply::ok("198.41.0.4"));
    let text = format!(
        "ipv4 = x\nstate = s/state.json\nhistory = s/ip.log\n[detector:x]\nkind = web\nurl = {0}/\n{HOME}url = {0}/\nagre = 1\n", server.url());
    scratch.write("homing.conf", &text, 0o600);
    scratch.folder("s");
    for args in
        [&[][..], &["-n"], &["-f"], &["-l"], &["-d"], &["-s"], &["-H"], &["-e", "5m"], &["-j"], &["--only", "home"]]
    {
        let ended = Run::pass(&scratch).args(args.iter().copied()).go();
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{args:?}");
        assert!(
            ended.stderr.contains("homing.conf:13: unknown key 'agre' in [home]: did you mean 'agree'?"),
            "{}",
            ended.stderr
        );
    }
    assert_eq!(server.count(), 0);
    assert_eq!(scratch.files().len(), 1, "nothing but the config: {:?}", scratch.files());
}
