//! README and manuals compared with the program: what they list exists, and their examples work.

use crate::testbed::*;
use homing::internals::kinds;
use homing::internals::provider::{built_ins, protocols};
use homing::internals::Key;
use homing::internals::{AGENT_KEYS, SECTION_KEYS};

/// Reads a document by its path from the root of the repository.
fn paper(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The lines of a section (`Sh`) or subsection (`Ss`) of a manual, up to the next one.
fn part<'a>(manual: &'a str, heading: &str) -> Vec<&'a str> {
    let after = manual.lines().skip_while(|line| *line != heading).skip(1);
    let own: Vec<&str> = after.take_while(|line| !line.starts_with(".Sh ") && !line.starts_with(".Ss ")).collect();
    assert!(!own.is_empty(), "the manual has no '{heading}'");
    own
}

/// The keys that a part of homing.conf(5) describes, in order.
fn keys(part: &[&str]) -> Vec<String> {
    let keys = part.iter().filter_map(|line| line.strip_prefix(".It Ic "));
    keys.map(|key| key.split(' ').next().unwrap().to_string()).collect()
}

fn names(keys: &[Key]) -> Vec<String> {
    keys.iter().map(|key| key.name.to_string()).collect()
}

/// Code blocks of a Markdown document, each with the language after its opening line.
fn fenced(markdown: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut lines = markdown.lines();
    while let Some(kind) = lines.find_map(|line| line.strip_prefix("```")) {
        let block: Vec<&str> = lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
        blocks.push((kind.to_string(), block.join("\n") + "\n"));
    }
    blocks
}

/// Literal displays of a manual.
fn displays(manual: &str) -> Vec<String> {
    let blocks = manual.split(".Bd -literal").skip(1).filter_map(|block| block.split(".Ed").next());
    blocks
        .map(|block| block.split_once('\n').map_or("", |(_, text)| text).replace("\\e", "\\").replace("\\&", ""))
        .collect()
}

/// Whether a block contains settings: it has a section heading, or begins with a key.
fn is_settings(block: &str) -> bool {
    let key = |line: &str| {
        line.split_once(" = ").is_some_and(|(key, _)| key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
    };
    block
        .lines()
        .find(|line| !line.trim().is_empty() && !line.starts_with(['#', ';']))
        .is_some_and(|line| line.starts_with('[') || key(line))
}

/// Checks settings from a document; files that they name are created first.
fn check(from: &str, text: &str) {
    let scratch = Scratch::new();
    let here = scratch.root().display().to_string();
    let text = text.replace("/etc/", &format!("{here}/etc/"));
    scratch.folder("etc");
    for line in text.lines() {
        let value = line.split_once('=').map_or("", |(_, value)| value.trim().split(' ').next().unwrap());
        if let Some(name) = value.strip_prefix(&format!("{here}/")).filter(|name| !name.contains('*')) {
            scratch.write(name, "s3cret\n", 0o600);
        }
    }
    scratch.write("homing.conf", &text, 0o600);
    scratch.write("cred/x", "s3cret", 0o600);
    let ended = Run::pass(&scratch).arg("--check").go();
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{from}:\n{text}");
}

#[test]
fn the_manual_lists_the_options_of_help() {
    let manual = paper("packaging/man/homing.1");
    let items = part(&manual, ".Sh OPTIONS").into_iter().filter_map(|line| line.strip_prefix(".It "));
    let plain = |item: &str| {
        let item = item.replace(" , ", ", ").replace("Op Ar NAME", "[NAME]").replace("Fl ", "-").replace("Ar ", "");
        item.trim().to_string()
    };
    let manual: Vec<String> = items.map(plain).collect();
    let help = Run::new(&Scratch::new()).arg("--help").go().stdout;
    let options = help.lines().filter(|line| line.trim_start().starts_with('-') && line.starts_with("  "));
    let options: Vec<String> = options.map(|line| line.trim_start().split("  ").next().unwrap().to_string()).collect();
    assert!(options.len() > 15, "{help}");
    assert_eq!(manual, options);
}

#[test]
fn the_manual_lists_the_exit_codes_of_help() {
    let manual = paper("packaging/man/homing.1");
    let items = part(&manual, ".Sh EXIT STATUS").into_iter().filter_map(|line| line.strip_prefix(".It "));
    assert_eq!(items.map(|item| item.chars().next().unwrap()).collect::<String>(), "0123");
}

/// The keys of one REST API in alphabetical order: its own are in one list, the common ones in another.
fn api_keys(manual: &str, name: &str) -> Vec<String> {
    let whole = part(manual, ".Ss APIs of DNS hosts");
    let own = whole.iter().skip_while(|line| **line != format!(".It Li {name}")).skip(1);
    let own = own.take_while(|line| line.starts_with(".Ic ") || !line.starts_with('.'));
    let mut all: Vec<String> =
        own.filter_map(|line| line.strip_prefix(".Ic ")?.split(' ').next()).map(String::from).collect();
    assert!(!all.is_empty(), "homing.conf(5) does not name {name}");
    // netcup's records have no TTL of their own.
    let shared = keys(&whole).into_iter().filter(|key| key != "zone_id" && !(key == "ttl" && name == "netcup"));
    all.extend(shared);
    all.sort();
    all
}

#[test]
fn the_manual_lists_all_keys() {
    let manual = paper("packaging/man/homing.conf.5");
    assert_eq!(keys(&part(&manual, ".Sh GLOBAL KEYS")), names(AGENT_KEYS));
    assert_eq!(keys(&part(&manual, ".Sh SECTION KEYS")), names(SECTION_KEYS));
    for (kind, _, own) in kinds() {
        assert_eq!(keys(&part(&manual, &format!(".Ss {kind}"))), names(own), "{kind}");
    }
    for protocol in protocols() {
        let listed = match manual.contains(&format!("\n.Ss {}\n", protocol.name)) {
            true => keys(&part(&manual, &format!(".Ss {}", protocol.name))),
            false => api_keys(&manual, protocol.name),
        };
        let mut own = names(protocol.keys);
        if !manual.contains(&format!("\n.Ss {}\n", protocol.name)) {
            own.sort();
        }
        assert_eq!(listed, own, "{}", protocol.name);
    }
    let secrets: Vec<&str> =
        part(&manual, ".Sh SECRETS").into_iter().filter_map(|line| line.strip_prefix(".It Li ")).collect();
    assert_eq!(secrets, ["password", "password_file", "password_env", "password_credential"]);
}

#[test]
fn the_documents_list_built_in_names() {
    let (manual, readme) = (paper("packaging/man/homing.conf.5"), paper("README.md"));
    let row = |start: &str| readme.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{start}"));
    for (name, _) in built_ins("detector") {
        assert!(row("| Detectors by name").contains(&format!("`{name}`")), "README: {name}");
        assert!(part(&manual, ".Sh DETECTORS").contains(&format!(".It Li {name}").as_str()), "homing.conf(5): {name}");
    }
    for protocol in protocols() {
        assert!(row("| Protocols").contains(&format!("`{}`", protocol.name)), "README: {}", protocol.name);
    }
}

#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs HTTPS")]
fn example_settings_in_documents_are_valid() {
    let mut found = 0;
    for (kind, block) in fenced(&paper("README.md")) {
        if kind == "ini" || (kind.is_empty() && is_settings(&block)) {
            check("README.md", &block);
            found += 1;
        }
    }
    for name in ["packaging/man/homing.1", "packaging/man/homing.conf.5"] {
        for block in displays(&paper(name)).into_iter().filter(|block| is_settings(block)) {
            check(name, &block);
            found += 1;
        }
    }
    check("packaging/homing.conf", &paper("packaging/homing.conf"));
    assert!(found >= 6, "only {found} examples");
}

/// Commands in README that are not run here, with the reason.
const NOT_RUN: &[(&str, &str)] = &[
    ("make", "builds: what runs these tests did it"),
    ("make demo", "starts its own servers, and is not part of a test run"),
    ("make test", "is what runs this"),
    ("3-58/5 * * * * /usr/local/bin/homing", "a line for cron"),
];

#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs HTTPS")]
fn commands_in_the_readme_work() {
    let scratch = Scratch::new();
    let server = HttpServer::new(|request| match request.target.contains("/nic/") {
        // One line per host of the list.
        true => Reply::ok(&"good 198.41.0.4\n".repeat(1 + request.target.matches(',').count())),
        false => Reply::ok("198.41.0.4"),
    });
    // README's first example at a test server; homing looks for its settings where none exist.
    scratch.folder("s");
    scratch.write("etc/homing/home.key", "s3cret\n", 0o600);
    let (_, example) = fenced(&paper("README.md")).into_iter().find(|(kind, _)| kind == "ini").expect("an example");
    let example = example.replace("/etc/", &format!("{}/etc/", scratch.root().display()));
    scratch.write("homing.conf", &example, 0o600);
    let ours = [
        "state=s/state.json".to_string(),
        "history=s/ip.log".to_string(),
        format!("home.url={}/nic/update", server.url()),
        format!("detector:ipify.url={}/", server.url()),
    ];
    let mut ran = 0;
    for (kind, block) in fenced(&paper("README.md")) {
        let transcript = block.lines().any(|line| line.starts_with("# homing"));
        if kind == "ini" || kind == "sh" || block.starts_with("20") {
            continue; // settings, commands that the tests in packaging/test run, and a line of the history
        }
        let prompt =
            |line: &str| if transcript { line.strip_prefix("# ").map(String::from) } else { Some(line.to_string()) };
        for line in block.lines().filter_map(prompt).filter(|line| !line.is_empty()) {
            let command = line.split("  #").next().unwrap().trim().to_string();
            if NOT_RUN.iter().any(|(known, _)| *known == command) {
                continue;
            }
            let words: Vec<&str> = command.split(' ').collect();
            assert_eq!(words[0], "homing", "neither run nor in the list of exceptions: {command}");
            let alone = command.contains("--set");
            let mut run = if alone { Run::new(&scratch) } else { Run::pass(&scratch) };
            run = run.args(words[1..].iter().copied());
            // Without settings, the built-in detectors would contact the Internet.
            let sets: &[String] = if alone { &ours[3..] } else { &ours };
            let reads = words.contains(&"--log-only") || !alone;
            let ended = run.args(sets.iter().filter(|_| reads).flat_map(|set| ["-o", set])).go();
            assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{command}");
            ran += 1;
        }
    }
    assert!(ran >= 6, "only {ran} commands");
    assert!(server.asked().iter().any(|request| request.target.contains("hostname=home.example.net")));
}

/// packaging/completions/generate makes the completions (`make completions`).
#[test]
fn shell_completions_list_the_options_of_help() {
    let help = Run::new(&Scratch::new()).arg("--help").go().stdout;
    let mut options: Vec<&str> =
        help.split([' ', ',', '\n']).filter_map(|word| word.trim_end_matches(':').strip_prefix("--")).collect();
    options.retain(|option| !option.is_empty());
    options.sort_unstable();
    options.dedup();
    let alone = |text: &str, option: &str, before: &str| {
        let end = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-');
        text.match_indices(&format!("{before}{option}")).any(|(at, found)| end(&text[at + found.len()..]))
    };
    for (file, before) in [("homing.bash", "--"), ("_homing", "--"), ("homing.fish", "-l ")] {
        let text = paper(&format!("packaging/completions/{file}"));
        for option in &options {
            assert!(alone(&text, option, before), "{file} lacks --{option}: make completions");
        }
    }
    let bash = paper("packaging/completions/homing.bash");
    let words = bash.lines().find(|line| line.contains("compgen -W \"-")).expect("words");
    let known = words.split([' ', '"']).filter(|word| word.starts_with("--") && word.len() > 2).count();
    assert_eq!(known, options.len(), "the completions have options that --help has not: make completions");
}
