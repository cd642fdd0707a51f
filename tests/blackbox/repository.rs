//! The repository itself: what its top level holds, and that the files which documents and comments cite are in it.
//!
//! A file of another project is cited as `PROJECT:path`, for example `apk-tools:src/tar.c`; such a path is not looked for.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// What the top level may hold besides files whose name begins with a dot.
const TOP_LEVEL: [&str; 13] = [
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "cross",
    "packaging",
    "src",
    "tests",
];

/// The folders in which a path that begins with one of these names is looked for.
const FOLDERS: [&str; 6] = [".cargo", ".ci", "cross", "packaging", "src", "tests"];

/// A name with one of these endings is a citation even without a folder.
const ENDINGS: [&str; 4] = [".ini", ".md", ".mk", ".rs"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The paths that `git ls-files` prints with these options, relative to the root.
fn git_files(options: &[&str]) -> Vec<String> {
    let printed = Command::new("git").arg("ls-files").args(options).current_dir(root()).output();
    let printed = printed.unwrap_or_else(|e| panic!("git: {e}; run tests/install-tools"));
    assert!(printed.status.success(), "git ls-files: {}", String::from_utf8_lossy(&printed.stderr));
    String::from_utf8(printed.stdout).unwrap().lines().map(String::from).collect()
}

/// Every file and folder of the repository, with those that are not committed yet and without those that git ignores.
fn present() -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for file in git_files(&["--cached", "--others", "--exclude-standard"]) {
        if root().join(&file).exists() {
            let above = Path::new(&file).ancestors().map(|path| path.to_str().unwrap().to_string());
            paths.extend(above.filter(|path| !path.is_empty()));
        }
    }
    paths
}

/// The paths that a line of prose cites.
fn citations(line: &str) -> Vec<&str> {
    let part_of_a_path = |c: char| c.is_ascii_alphanumeric() || "_./-".contains(c);
    let mut found = Vec::new();
    for word in line.split_whitespace().filter(|word| !word.contains("://")) {
        let mut rest = word;
        while let Some(start) = rest.find(part_of_a_path) {
            let length = rest[start..].find(|c| !part_of_a_path(c)).unwrap_or(rest.len() - start);
            let (before, after) = (rest[..start].chars().last(), rest[start + length..].chars().next());
            let path = rest[start..start + length].trim_end_matches(['.', '-', '/']);
            rest = &rest[start + length..];
            // Another project's file, a reference to an issue, a pattern, a place outside the repository.
            let elsewhere = before.is_some_and(|c| ":@~$*}>{<".contains(c))
                || after.is_some_and(|c| "#*{<$".contains(c))
                || path.starts_with('/');
            let mut parts = path.split('/');
            let placeholder = parts.clone().any(|part| part.len() > 1 && part.bytes().all(|b| b.is_ascii_uppercase()));
            let first = parts.next().unwrap_or_default();
            let cites = path.contains('/') && FOLDERS.contains(&first)
                || ENDINGS.iter().any(|end| path.len() > end.len() && path.ends_with(end));
            if cites && !elsewhere && !placeholder {
                found.push(path);
            }
        }
    }
    found
}

/// Whether a cited path exists: from the root, from the folder of the citing file, or as the end of a path.
fn exists(present: &BTreeSet<String>, citing: &str, cited: &str) -> bool {
    let folder = citing.rsplit_once('/').map_or("", |(folder, _)| folder);
    let beside = format!("{folder}/{cited}");
    let first = cited.split('/').next().unwrap_or_default();
    present.contains(cited)
        || present.contains(&beside)
        || !FOLDERS.contains(&first) && present.iter().any(|path| path.ends_with(&format!("/{cited}")))
}

/// The prose of a file, by line number: all of a document, the comments of anything else.
fn prose<'a>(file: &str, text: &'a str) -> Vec<(usize, &'a str)> {
    let lines = text.lines().enumerate().map(|(number, line)| (number + 1, line));
    let comment = |line: &'a str| match file.ends_with(".rs") {
        true => line.find("//").filter(|at| line[..*at].trim_end().len() < *at || *at == 0).map(|at| &line[at..]),
        false => line.trim_start().strip_prefix('#'),
    };
    match file.ends_with(".md") {
        true => lines.collect(),
        false => lines.filter_map(|(number, line)| Some((number, comment(line)?))).collect(),
    }
}

/// Whether the citations of a file are checked. CHANGELOG.md speaks of files as they were then.
fn is_checked(file: &str) -> bool {
    let top = file.split('/').next().unwrap_or_default();
    file != "CHANGELOG.md"
        && !file.starts_with("tests/conversations/")
        && (file.ends_with(".md")
            || file.ends_with(".rs")
            || ["Makefile", ".ci", ".cargo", "cross", "packaging"].contains(&top))
}

#[test]
fn the_top_level_holds_only_what_the_design_names() {
    for file in git_files(&["--cached"]) {
        let first = file.split('/').next().unwrap();
        assert!(first.starts_with('.') || TOP_LEVEL.contains(&first), "{first} does not belong at the top level");
    }
    for name in TOP_LEVEL {
        assert!(root().join(name).exists(), "{name} is missing");
    }
}

#[test]
fn cited_files_are_in_the_repository() {
    let present = present();
    let (mut seen, mut wrong) = (0, Vec::new());
    for file in present.iter().filter(|file| is_checked(file) && root().join(file).is_file()) {
        // What is not text cites nothing.
        let Ok(text) = std::fs::read_to_string(root().join(file)) else { continue };
        for (number, line) in prose(file, &text) {
            for cited in citations(line) {
                seen += 1;
                if !exists(&present, file, cited) {
                    wrong.push(format!("{file}:{number}: {cited}"));
                }
            }
        }
    }
    assert!(seen > 100, "only {seen} citations found");
    assert!(wrong.is_empty(), "cited, but not in the repository:\n{}", wrong.join("\n"));
}

#[test]
fn citations_are_distinguished_from_other_words() {
    let cases: [(&str, &[&str]); 6] = [
        ("see `src/lib.rs`, and tests/README.md.", &["src/lib.rs", "tests/README.md"]),
        ("apk-tools:src/tar.c and https://example.com/a/b.md", &[]),
        ("openwrt/openwrt#10933, tests/conversations/NAME, src/*.rs", &[]),
        ("words.rs:40 counts", &["words.rs"]),
        ("/etc/src/x.md or ~/tests/a", &[]),
        ("and/or, 1.5, e.g. .rs", &[]),
    ];
    for (line, expected) in cases {
        assert_eq!(citations(line), expected, "{line}");
    }
}
