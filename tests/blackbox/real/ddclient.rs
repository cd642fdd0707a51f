//! The same dyndns2 exchanges by Debian's ddclient and by homing. This test generates tests/ddclient.md, the table of
//! results, and compares it with the file. `HOMING_WRITE=1` writes it.

use super::daemon::{aloud, program};
use crate::testbed::{HttpServer, Reply, Request, Run, Scratch};
use std::process::Command;

const FOUR: &str = "198.41.0.4";
const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/ddclient.md");

/// One exchange.
struct Case {
    /// What the server replies, or what else happens.
    what: &'static str,
    /// The passes: seconds after noon, and the output of the command that both ask for the address.
    passes: [(i64, &'static str); 3],
    reply: fn(&Request) -> Reply,
    /// Why the result differs on purpose; empty if it does not.
    why: &'static str,
}

/// At noon, ten seconds later, and after the five minutes that ddclient waits after an error.
const USUAL: [(i64, &str); 3] = [(0, FOUR), (10, FOUR), (360, FOUR)];

const CASES: [Case; 17] = [
    Case { what: "`good ADDRESS`", passes: USUAL, reply: good, why: "" },
    Case { what: "`nochg ADDRESS`", passes: USUAL, reply: |r| Reply::ok(&format!("nochg {}", sent(r))), why: "" },
    Case {
        what: "`badauth`",
        passes: USUAL,
        reply: |_| Reply::ok("badauth"),
        why: "A wrong password is not sent again until it is changed or `--force` is used; exit code 3 means that the user has to act. ddclient repeats it every five minutes, for which services block accounts.",
    },
    Case {
        what: "`nohost`",
        passes: USUAL,
        reply: |_| Reply::ok("nohost"),
        why: "As `badauth`.",
    },
    Case {
        what: "`abuse`",
        passes: USUAL,
        reply: |_| Reply::ok("abuse"),
        why: "As `badauth`. Each further request may extend the block.",
    },
    Case {
        what: "`911`",
        passes: USUAL,
        reply: |_| Reply::ok("911"),
        why: "After a server error nothing is sent for at least 30 minutes.",
    },
    Case {
        what: "an HTML page that contains `good`",
        passes: USUAL,
        reply: |_| Reply::ok("<html><body>\ngood 198.41.0.4\n</body></html>\n"),
        why: "The exit code is 1 until an update succeeds. ddclient prints `SUCCESS` and `FAILED`, and exits with 0 while it waits.",
    },
    Case { what: "nothing, with status 200", passes: USUAL, reply: |_| Reply::ok(""), why: "As for the page: 1 until an update succeeds." },
    Case { what: "an unknown return code", passes: USUAL, reply: |_| Reply::ok("splendid"), why: "As for the page: 1 until an update succeeds." },
    Case { what: "status 500", passes: USUAL, reply: |_| Reply::new(500, &[], "Internal Server Error"), why: "The exit code of a failure is never 0." },
    Case { what: "status 500 with `good ADDRESS`", passes: USUAL, reply: |r| Reply::new(500, &[], &format!("good {}", sent(r))), why: "The exit code of a failure is never 0. Neither accepts the return code." },
    Case { what: "status 401 without a return code", passes: USUAL, reply: |_| Reply::new(401, &[], ""), why: "The user has to act; retried once a day only." },
    Case { what: "status 302 to another URL", passes: USUAL, reply: |_| Reply::new(302, &[("Location", "http://127.0.0.1:9/")], "good"), why: "The exit code of a failure is never 0. Credentials are not sent to the target of a redirect." },
    Case { what: "`good 127.0.0.1`, which was not sent", passes: USUAL, reply: |_| Reply::ok("good 127.0.0.1"), why: "The server published another address: the user has to act. ddclient treats it as success." },
    Case {
        what: "`good ADDRESS`; the address is private",
        passes: [(0, "192.168.1.7"), (10, "192.168.1.7"), (360, "192.168.1.7")],
        reply: good,
        why: "It is not reachable from the Internet: not published unless `allow_private = yes`.",
    },
    Case {
        what: "`good ADDRESS`; the address is part of a page",
        passes: [(0, PAGE), (10, PAGE), (360, PAGE)],
        reply: good,
        why: "By default the response must be an address and nothing else, since a page may come from any server. `parse = text` allows pages.",
    },
    Case {
        what: "`good ADDRESS`; then the clock is set back a day, and the address changes",
        passes: [(0, FOUR), (-86400, "193.0.14.129"), (-86000, "193.0.14.129")],
        reply: good,
        why: "A board without a clock boots in the past: a changed address is sent. ddclient waits until the earlier time is reached.",
    },
];

const PAGE: &str = "<p>Blocked. Your router is at 198.41.0.4</p>";

/// The address in a request.
fn sent(request: &Request) -> &str {
    request.target.split_once("myip=").map_or("", |(_, rest)| rest.split('&').next().unwrap_or(""))
}

fn good(request: &Request) -> Reply {
    Reply::ok(&format!("good {}", sent(request)))
}

/// Requests and exit codes of a client's passes: `1 0 1` and `0 0 1`.
fn play(case: &Case, config: impl Fn(&Scratch, &HttpServer), run: impl Fn(&Scratch) -> Run<'_>) -> (String, String) {
    let (scratch, server) = (Scratch::new(), HttpServer::new(case.reply));
    let command = format!("#!/bin/sh\ncat {}\n", scratch.path("address").display());
    scratch.write("command", &command, 0o700);
    config(&scratch, &server);
    let (mut requests, mut codes) = (Vec::new(), Vec::new());
    for (at, address) in case.passes {
        scratch.write("address", &format!("{address}\n"), 0o600);
        let before = server.count();
        let ended = run(&scratch).at_noon_and(at).go();
        if std::env::var_os("HOMING_SHOW").is_some() {
            aloud(&format!("{} {at}: {:?}\n{}{}", case.what, ended.code, ended.stdout, ended.stderr));
        }
        requests.push((server.count() - before).to_string());
        codes.push(ended.code.map_or("-".to_string(), |code| code.to_string()));
    }
    (requests.join(" "), codes.join(" "))
}

fn by_ddclient(case: &Case) -> (String, String) {
    let config = |scratch: &Scratch, server: &HttpServer| {
        let text = format!(
            "ssl=no\nuse=cmd, cmd={}\nprotocol=dyndns2, server={}, login=alice, password=s3cret a.example.com\n",
            scratch.path("command").display(),
            server.address(),
        );
        scratch.write("ddclient.conf", &text, 0o600);
    };
    play(case, config, |scratch| {
        let file = |name: &str| scratch.path(name).into_os_string();
        let run = Run::program(scratch, &[program("ddclient")]).args(["-daemon=0", "-foreground", "-file"]);
        run.arg(file("ddclient.conf")).arg("-cache").arg(file("cache")).arg("-pid").arg(file("pid"))
    })
}

fn by_homing(case: &Case) -> (String, String) {
    let config = |scratch: &Scratch, server: &HttpServer| {
        let text = format!(
            "ipv4 = command\nhistory = {0}/history.log\nstate = {0}/state.json\n[detector:command]\nkind = command\n\
             command = {0}/command\n[home]\nprovider = dyndns2\nurl = {1}/nic/update\nhosts = a.example.com\n\
             user = alice\npassword = s3cret\n",
            scratch.root().display(),
            server.url(),
        );
        scratch.write("homing.conf", &text, 0o600);
    };
    play(case, config, |scratch| Run::pass(scratch))
}

/// `3.10.0`, from its usage message.
fn version() -> String {
    let output = Command::new(program("ddclient")).arg("-help").output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&said);
    let words = text.lines().find_map(|line| line.trim().strip_prefix("ddclient version "));
    words.unwrap_or("unknown").trim_end_matches([',', ' ']).to_string()
}

const HEAD: &str = "\
# homing and ddclient compared

The same dyndns2 exchanges with Debian's ddclient VERSION and with homing: one host, and the same command as detector. Each
case has three passes, at noon, ten seconds later and six minutes later unless noted. The cells show how many requests each
pass sent, and its exit code. `tests/blackbox/real/ddclient.rs` generates this table and fails if the file differs;
`HOMING_WRITE=1 cargo test --test blackbox ddclient` writes it.

| server reply | ddclient requests | exit codes | homing requests | exit codes | why homing differs |
|---|---|---|---|---|---|
";

#[test]
fn differences_from_ddclient_are_listed() {
    let version = version();
    println!("ddclient {version}");
    let written = std::fs::read_to_string(TABLE).unwrap_or_default();
    let write = std::env::var_os("HOMING_WRITE").is_some();
    // Another version of ddclient may behave differently; then only homing's columns are compared.
    let same = write || written.contains(&format!("ddclient {version} "));
    if !same {
        aloud(&format!(
            "this is ddclient {version}, and tests/ddclient.md was written for another: its columns were NOT compared"
        ));
    }
    let mut table = HEAD.replace("VERSION", &version);
    for case in &CASES {
        let (requests, codes) = by_homing(case);
        let (theirs, ends) = if same { by_ddclient(case) } else { Default::default() };
        table += &format!("| {} | {theirs} | {ends} | {requests} | {codes} | {} |\n", case.what, case.why);
    }
    if write {
        std::fs::write(TABLE, &table).unwrap();
    }
    let rows = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| server reply"));
        let cells = |line: &str| line.split('|').map(String::from).collect::<Vec<_>>();
        let kept = |cells: Vec<String>| match same {
            true => cells.join("|"),
            false => [&cells[..2], &cells[4..]].concat().join("|"),
        };
        lines.map(|line| kept(cells(line))).collect()
    };
    let written = std::fs::read_to_string(TABLE).unwrap_or_default();
    let (is, was) = (rows(&table), rows(&written));
    let only = |these: &[String], those: &[String]| -> String {
        these.iter().filter(|row| !those.contains(row)).map(|row| format!("{row}\n")).collect()
    };
    assert!(is == was, "tests/ddclient.md differs. Now:\n{}in the file:\n{}", only(&is, &was), only(&was, &is));
    assert!(!same || table == written, "tests/ddclient.md: the text around the table differs");
}
