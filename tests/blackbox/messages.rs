//! Every message about a configuration or command line that is wrong: tests/messages.txt has a bad file for each, with what
//! homing must print. The messages are enumerated from the source, so a new one without a bad file fails here.

use crate::testbed::*;
use std::path::Path;

/// Where messages are written: a file, what the part of it that writes them begins and ends with (empty: begin and end of the
/// file; tests never count), and which calls take them.
const SOURCES: &[(&str, &str, &str, &[&str])] = &[
    ("src/cli/args.rs", "pub fn parse", "", ANY),
    ("src/config/agent.rs", "pub fn agent", "", ANY),
    ("src/config/mod.rs", "impl<'a> Build<'a>", "", ANY),
    ("src/config/sources.rs", "", "", ANY),
    ("src/detect/dns.rs", "pub fn make", "pub fn ask", ANY),
    ("src/detect/mod.rs", "pub fn make", "/// Why there is no address", ANY),
    ("src/detect/optional/gateway.rs", "pub fn make", "pub fn ask", ANY),
    ("src/detect/server.rs", "", "pub fn address", ANY),
    ("src/detect/web.rs", "pub fn make", "pub fn ask", ANY),
    ("src/net/dns/server.rs", "", "impl fmt::Display", ANY),
    ("src/net/http/egress.rs", "pub fn parse", "pub fn with_password", ANY),
    ("src/net/http/url.rs", "pub fn parse", "pub fn at", ANY),
    ("src/net/http/url.rs", "fn split_port", "", ANY),
    ("src/net/socket.rs", "pub fn parse", "pub fn family", ANY),
    ("src/net/tsig.rs", "pub fn new", "pub fn shown", &["map_err(", "Err("]),
    ("src/net/tsig/keyfile.rs", "", "", ANY),
    ("src/provider/cloudflare.rs", "fn make(", "", ANY),
    ("src/provider/duckdns.rs", "fn make(", "impl Provider", ANY),
    ("src/provider/dyndns2.rs", "fn make(", "impl Dyndns2", ANY),
    ("src/provider/lookup.rs", "pub fn given", "", ANY),
    ("src/provider/rest.rs", "pub fn make", "", ANY),
    ("src/provider/rfc2136.rs", "fn make(", "impl Provider", ANY),
    ("src/provider/rfc2136/key.rs", "", "", ANY),
    ("src/provider/template.rs", "fn make(", "impl Template", ANY),
    ("src/settings/files.rs", "", "", ANY),
    ("src/settings/mod.rs", "impl Settings", "", ANY),
    ("src/settings/reader.rs", "", "", ANY),
    ("src/settings/reader/egress.rs", "", "", ANY),
    ("src/settings/reader/hosts.rs", "", "", ANY),
    ("src/settings/reader/secrets.rs", "", "", ANY),
    ("src/types/hostname.rs", "pub fn new", "", ANY),
    ("src/types/interface_id.rs", "pub fn parse", "", ANY),
];

/// Calls whose string literals are messages.
const ANY: &[&str] = &[
    "wrong(",
    "lacking(",
    "problem(",
    "note(",
    "Err(",
    "Err((",
    "ok_or(",
    "ok_or_else(",
    "map_err(",
    "format!(",
    ": &str = ",
];

/// Messages without a bad file, and why.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("argument '{}' is not valid UTF-8: correct it", "tested in src/cli/args.rs"),
    ("homing/{} ({contact})", "the User-Agent header"),
    ("dynamic DNS agent", "the User-Agent header"),
    ("{} is missing", "getopts has no mandatory option here"),
    ("this machine has no hostname: write the host", "a machine without a hostname cannot be arranged"),
    ("this machine's name '{}' has no domain: set zone, or write the host", "depends on the machine: see addresses.rs"),
    ("others can read '{name}', which contains a secret: run chmod o-r {name}", "a warning: see secrets.rs"),
    (
        "{}: {}: a secret of fewer than {} characters is easy to guess, and is masked only as a separate word",
        "a warning: see secrets.rs",
    ),
    ("not included in this build: use one with the Cargo feature '{feature}'", "depends on the build: see left_out.rs"),
    ("'{}' is {}", "depends on the build: see left_out.rs"),
];

/// A bad configuration or command line, and what homing prints.
struct Case {
    line: usize,
    expected: Vec<String>,
    args: Option<Vec<String>>,
    env: Option<(String, String)>,
    mode: u32,
    config: String,
}

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut in_config = true;
    for (at, line) in read("tests/messages.txt").lines().enumerate().skip_while(|(_, line)| !line.starts_with("== ")) {
        if let Some(expected) = line.strip_prefix("== ") {
            if in_config {
                let (expected, config) = (Vec::new(), String::new());
                cases.push(Case { line: at + 1, expected, args: None, env: None, mode: 0o600, config });
                in_config = false;
            }
            cases.last_mut().expect("just pushed").expected.push(expected.to_string());
            continue;
        }
        let case = cases.last_mut().expect("begins with what is expected");
        in_config = true;
        if let Some(args) = line.strip_prefix("$ ") {
            case.args =
                Some(args.replace("<BEL>", "\u{7}").replace("<LF>", "\n").split('|').map(String::from).collect());
        } else if let Some((key, value)) = line.strip_prefix("! ").and_then(|line| line.split_once('=')) {
            case.env = Some((key.to_string(), value.to_string()));
        } else if let Some(mode) = line.strip_prefix("% ") {
            case.mode = u32::from_str_radix(mode, 8).expect("octal");
        } else if !line.is_empty() {
            case.config += &format!("{line}\n");
        }
    }
    cases
}

/// What the bad files name.
fn prepare(scratch: &Scratch) {
    let key = |name: &str| format!("key \"{name}\" {{ algorithm hmac-sha256; secret \"Y2FuYXJ5\"; }};\n");
    for (name, text) in [
        ("more.conf", "agree = 2\n[detector:x]\nkind = route\n".to_string()),
        ("nested.conf", "include = more.conf\n".to_string()),
        ("big.conf", "#".repeat(1024 * 1024 + 1)),
        ("two-lines", "a\nb\n".to_string()),
        ("two.key", key("a") + &key("b")),
        ("no-secret.key", "key \"a\" { algorithm hmac-sha256; };\n".to_string()),
        ("open.key", "key \"a\" { algorithm hmac-sha256;\n".to_string()),
        ("rot13.key", key("a").replace("hmac-sha256", "rot13")),
        ("empty.key", "{ }\n".to_string()),
        ("private.key", "Private-key-format: v1.2\nAlgorithm: 8\n".to_string()),
        ("Kk.private", "Private-key-format: v1.2\nAlgorithm: 163 (HMAC_SHA256)\n".to_string()),
    ] {
        scratch.write(name, &text, 0o600);
    }
}

/// Runs a case; returns what was printed, a line each.
fn run(scratch: &Scratch, case: &Case) -> Vec<String> {
    let mut config = case.config.replace("<501>", &"x".repeat(501)).replace("<NUL>", "\0").into_bytes();
    if let Some(at) = config.windows(4).position(|bytes| bytes == b"<FF>") {
        config.splice(at..at + 4, [0xff]);
    }
    let path = scratch.write("homing.conf", "", case.mode);
    std::fs::write(&path, config).expect("written");
    let mut run = Run::new(scratch).args(["-c", "homing.conf"]);
    run = match &case.args {
        Some(args) => run.args(args.iter().map(String::as_str)),
        None => run.arg("--check"),
    };
    if let Some((key, value)) = &case.env {
        run = run.env(key, value.as_str());
    }
    let ended = run.go();
    assert_eq!(ended.code, Some(2), "tests/messages.txt:{}: {}{}", case.line, ended.stdout, ended.stderr);
    assert!(!ended.stderr.contains("canary-s3cret"), "tests/messages.txt:{}: {}", case.line, ended.stderr);
    ended.stderr.lines().map(String::from).collect()
}

/// The string literals of a piece of source, with line continuations removed, at their place.
fn literals(source: &str) -> Vec<(usize, String)> {
    let bytes: Vec<char> = source.chars().collect();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        match bytes[at] {
            '/' if bytes.get(at + 1) == Some(&'/') => {
                while at < bytes.len() && bytes[at] != '\n' {
                    at += 1;
                }
            }
            '\'' if bytes.get(at + 1) == Some(&'\\') => at += 4,
            '\'' if bytes.get(at + 2) == Some(&'\'') => at += 3,
            '"' => {
                let begun = at;
                let mut text = String::new();
                at += 1;
                while bytes[at] != '"' {
                    if bytes[at] == '\\' {
                        at += 1;
                        match bytes[at] {
                            '\n' => {
                                while bytes[at + 1].is_whitespace() {
                                    at += 1;
                                }
                            }
                            'n' => text.push('\n'),
                            't' => text.push('\t'),
                            other => text.push(other),
                        }
                    } else {
                        text.push(bytes[at]);
                    }
                    at += 1;
                }
                at += 1;
                found.push((begun, text));
            }
            _ => at += 1,
        }
    }
    found
}

/// Whether the literal at this place is an argument of one of the calls, at any depth: the parenthesis of the call is still
/// open. A literal that becomes a `String` is a message too.
fn is_message(source: &[char], at: usize, calls: &[&str]) -> bool {
    let before: String = source[..at].iter().collect();
    let after: String = source[at + 1..].iter().collect();
    let after = after.split_once('"').map_or("", |(_, after)| after);
    let open = |inside: &str| {
        let depth = inside.chars().try_fold(1, |depth, c| match c {
            '(' => Some(depth + 1),
            ')' => Some(depth - 1).filter(|depth| *depth > 0),
            _ => Some(depth),
        });
        depth.is_some()
    };
    after.starts_with(".to_string()")
        || calls.iter().any(|call| {
            before.match_indices(call).any(|(begun, _)| match &before[begun + call.len()..] {
                inside if call.ends_with(" = ") => !inside.contains(';'),
                inside => open(inside),
            })
        })
}

/// The messages of the source: where, and the text with its placeholders.
fn messages() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (name, from, to, calls) in SOURCES {
        let whole = read(name);
        let tests = whole.match_indices("#[cfg(test)]\nmod ");
        let mut tests = tests.filter(|(at, _)| whole[*at..].lines().nth(1).is_some_and(|line| line.ends_with('{')));
        let code = &whole[..tests.next().map_or(whole.len(), |(at, _)| at)];
        let begun = code.find(from).unwrap_or_else(|| panic!("{name} has no '{from}'"));
        let part = &code[begun..];
        let end = if to.is_empty() { part.len() } else { part.find(to).unwrap_or_else(|| panic!("{name}: no '{to}'")) };
        let part = &part[..end];
        let chars: Vec<char> = part.chars().collect();
        for (at, text) in literals(part) {
            let letters = pieces(&text).concat().chars().filter(|c| c.is_alphabetic()).count();
            if text.contains(' ') && letters >= 6 && is_message(&chars, at, calls) {
                found.push((name.to_string(), text));
            }
        }
    }
    found
}

/// A message's text between its placeholders.
fn pieces(message: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut chars = message.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '{' if chars.peek() == Some(&'{') => pieces.last_mut().expect("one").extend(chars.next()),
            '}' if chars.peek() == Some(&'}') => pieces.last_mut().expect("one").extend(chars.next()),
            '{' => {
                while chars.next().is_some_and(|c| c != '}') {}
                pieces.push(String::new());
            }
            c => pieces.last_mut().expect("one").push(c),
        }
    }
    pieces
}

/// Whether a line contains the message with something instead of its placeholders.
fn is_in(message: &str, line: &str) -> bool {
    let mut rest = line;
    pieces(message).iter().all(|piece| match rest.find(piece.as_str()) {
        Some(at) => {
            rest = &rest[at + piece.len()..];
            true
        }
        None => false,
    })
}

#[test]
#[cfg_attr(
    not(all(feature = "uci", feature = "tls", feature = "apis", feature = "cloudflare", feature = "rfc2136")),
    ignore = "needs the usual build"
)]
fn every_bad_file_gets_its_messages() {
    let cases = cases();
    assert!(cases.len() > 100, "only {} cases", cases.len());
    let scratch = Scratch::new();
    prepare(&scratch);
    let mut wrong = Vec::new();
    for case in &cases {
        let printed = run(&scratch, case);
        if printed != case.expected {
            let config = case.config.trim_end().replace('\n', "\n    ");
            wrong.push(format!("tests/messages.txt:{}:\n    {config}\n== {}", case.line, printed.join("\n== ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn every_message_has_a_bad_file() {
    let lines: Vec<String> = cases().into_iter().flat_map(|case| case.expected).collect();
    let messages = messages();
    assert!(messages.len() > 100, "only {} messages found in the source", messages.len());
    let except = |text: &str| EXCEPTIONS.iter().any(|(exception, _)| *exception == text);
    let missing: Vec<String> = messages
        .iter()
        .filter(|(_, text)| !except(text) && !lines.iter().any(|line| is_in(text, line)))
        .map(|(name, text)| format!("{name}: {text}"))
        .collect();
    assert!(missing.is_empty(), "no case in tests/messages.txt for\n{}", missing.join("\n"));
}

#[test]
fn at_most_twenty_problems_are_printed() {
    let scratch = Scratch::new();
    let config: String = (1..=27).map(|n| format!("unknown{n} = 1\n")).collect();
    scratch.write("homing.conf", &config, 0o600);
    let ended = Run::pass(&scratch).arg("--check").go();
    let lines: Vec<&str> = ended.stderr.lines().collect();
    assert_eq!((ended.code, lines.len()), (Some(2), 21), "{}", ended.stderr);
    assert_eq!(lines[20], "7 more problems are not shown: fix these first");
}
