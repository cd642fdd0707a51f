//! URLs that minreq would interpret differently or that could inject into a request. All are errors in the settings,
//! reported with file and line and without repeating a possible secret, and nothing is attempted.

use super::attack::{all, summary, Attack, Role, BOTH, PASSWORD};
use crate::testbed::{HttpServer, Reply};

const BAD: [&str; 37] = [
    "http://user:hunter2@127.0.0.1:{port}/",
    "http://hunter2@127.0.0.1:{port}/",
    "https://user:hunter2@example.com/",
    "http://127.0.0.1@hunter2/",
    "http://127.0.0.1:83616/",
    "http://127.0.0.1:65536/",
    "http://127.0.0.1:0/",
    "http://127.0.0.1:-1/",
    "http://127.0.0.1:+80/",
    "http://127.0.0.1:/",
    "http://127.0.0.1:abc/",
    "http://127.0.0.1:8 0/",
    "http://127.0.0.1:80:80/",
    "http://127.0.0.1:{port}/#fragment",
    "http://127.0.0.1:{port}?x#hunter2",
    "http://[::1",
    "http://[::1/",
    "http://[::1]x/",
    "http://[]/",
    "http://[127.0.0.1]:{port}/",
    "http://[fe80::1%25eth0]/",
    "http://::1/",
    "https://[::1]:{port}/",
    "http://127.0.0.1:{port}/a b",
    "http://127.0.0.1:{port}/\u{7f}",
    "http://127.0.0.1:{port}/hunter2\r\u{a0}X: y",
    "http://127.0.0.1:{port}/\u{fc}",
    "http://exa\u{202e}mple.com/",
    "http://127.0.0.1:{port}/\u{0}",
    "http://127.0.0.1:{port}/\u{1b}[31m",
    "http://1.2.3.4.5/",
    "http://256.0.0.1/",
    "http://*.example.com/",
    "http:///hunter2",
    "http://",
    "ftp://127.0.0.1:{port}/",
    "127.0.0.1:{port}/",
];

#[test]
#[cfg_attr(not(feature = "advice"), ignore = "needs --list or --detect")]
fn invalid_urls_are_rejected() {
    let server = HttpServer::new(|_| Reply::ok("198.41.0.4"));
    let port = server.address().port().to_string();
    let jobs: Vec<_> = BAD.iter().flat_map(|url| BOTH.map(|role| (url.replace("{port}", &port), role))).collect();
    all(&jobs, |(url, role)| {
        let attack = Attack::new(*role, &format!("\"{url}\""), "plain", "");
        let config = attack.scratch.read("homing.conf");
        let line = 1 + config.lines().position(|line| line.starts_with("url = \"")).unwrap();
        let mut said = Vec::new();
        // `--detect` only needs detectors: errors in providers do not stop it.
        let ways = [&["-v"][..], &["--check"], &["--dry-run", "-v"], &["--detect"]];
        for args in &ways[..if *role == Role::Detector { 4 } else { 3 }] {
            let ended = attack.run().args(*args).go();
            let mut wrong = attack.check_always(&ended);
            if ended.code != Some(2) {
                wrong.push(format!("exit {:?}", ended.code));
            }
            if !ended.stderr.contains(&format!("homing.conf:{line}")) {
                wrong.push(format!("line {line} is not reported"));
            }
            if format!("{}{}", ended.stdout, ended.stderr).contains("hunter2") {
                wrong.push("the URL's secret is repeated".to_string());
            }
            said.push(summary(&format!("{url:?} ({role:?}) {args:?}"), wrong, &ended));
        }
        said.into_iter().find(Result::is_err).unwrap_or(Ok(()))
    });
    assert_eq!(server.count(), 0, "{:?}", server.asked());
}

/// A line break cannot be part of a value in a file; on the command line it can.
#[test]
fn a_line_break_in_an_argument_does_not_reach_a_request() {
    let server = HttpServer::new(|_| Reply::ok("good 198.41.0.4"));
    let jobs = [
        format!("home.url={}/x\r\nX-Evil: y", server.url()),
        format!("home.url={}/x\nX-Evil: y", server.url()),
        "home.hosts=a.example.com\r\nX-Evil: y".to_string(),
        "home.user=alice\r\nX-Evil: y".to_string(),
        "home.user=ali:ce".to_string(),
    ];
    all(&jobs, |set| {
        let attack = Attack::new(Role::Provider, &server.url(), "plain", "");
        let ended = attack.run().arg("--set").arg(set.clone()).go();
        let mut wrong = attack.check_always(&ended);
        if ended.code != Some(2) {
            wrong.push(format!("exit {:?}", ended.code));
        }
        summary(&format!("{set:?}"), wrong, &ended)
    });
    assert_eq!(server.count(), 0, "{:?}", server.asked());
}

/// A password may contain anything; base64 makes it safe.
#[test]
fn any_password_results_in_one_request() {
    let server = HttpServer::new(|_| Reply::ok("good 198.41.0.4"));
    for password in ["a\r\nX-Evil: y", "\u{fc}\u{0}", "\"; 'x", "%00%0d%0a"] {
        let before = server.count();
        let attack = Attack::new(Role::Provider, &server.url(), "plain", "");
        let secret = attack.scratch.write("password", password, 0o600);
        let from = format!("password = \"{PASSWORD}\"");
        let config =
            attack.scratch.read("homing.conf").replace(&from, &format!("password_file = {}", secret.display()));
        attack.scratch.write("homing.conf", &config, 0o600);
        let ended = attack.run().go();
        let refused = ended.code == Some(2) && server.count() == before;
        assert!(refused || server.count() == before + 1, "{password:?}: {ended:?}");
        assert!(server.asked().iter().all(|request| request.header("X-Evil").is_none()), "{password:?}");
    }
}

#[test]
fn credentials_need_https_or_allow_plaintext() {
    for (url, extra, code) in [
        ("http://members.example.invalid/nic", "", 2),
        ("http://198.51.100.1/nic", "", 2),
        ("http://[2001:db8::1]/nic", "", 2),
        ("http://localhost.example.invalid/nic", "", 2),
        ("http://127.0.0.1.example.invalid/nic", "", 2),
        ("http://0.0.0.0/nic", "", 2),
        ("http://members.example.invalid/nic", "allow_plaintext = no", 2),
        ("http://members.example.invalid/nic", "allow_plaintext = yes", 0),
        ("https://members.example.invalid/nic", "", 0),
        ("http://127.0.0.1/nic", "", 0),
        ("http://[::1]/nic", "", 0),
        ("http://localhost/nic", "", 0),
    ] {
        let attack = Attack::new(Role::Provider, url, "plain", extra);
        let line = 1 + attack.scratch.read("homing.conf").lines().position(|line| line.starts_with("url = ")).unwrap();
        let ended = attack.run().arg("--check").go();
        let mut wrong = attack.check_always(&ended);
        if ended.code != Some(code) {
            wrong.push(format!("exit {:?}", ended.code));
        }
        if code == 2
            && !(ended.stderr.contains(&format!("homing.conf:{line}")) && ended.stderr.contains("allow_plaintext"))
        {
            wrong.push("line and remedy are not reported".to_string());
        }
        summary(&format!("{url} {extra}"), wrong, &ended).unwrap();
    }
}
