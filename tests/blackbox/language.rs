//! Checks that texts use plain English: no entry of tests/language.txt appears in the documents, in `--help`, or, beyond a
//! number that may only fall, in the comments, messages and test names of the source.
//!
//! `HOMING_LANGUAGE=1 cargo test --test blackbox language -- --nocapture` prints each place that is left in the source.

use crate::testbed::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The documents that people read. They must contain no entry at all.
const DOCUMENTS: &[&str] = &[
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "cross/README.md",
    "cross/build",
    "cross/toolchain",
    "packaging/INSTALL",
    "packaging/README.md",
    "packaging/debian/control",
    "packaging/debian/postinst",
    "packaging/homing.conf",
    "packaging/openwrt/files/homing.config",
    "packaging/openwrt/files/homing.init",
    "packaging/man/homing.1",
    "packaging/man/homing.conf.5",
    "packaging/completions/_homing",
    "packaging/completions/homing.fish",
    "src/provider/presets/detectors.ini",
    "src/provider/presets/https.ini",
    "src/provider/presets/more.ini",
    "src/provider/presets/plain.ini",
];

/// How many entries the Rust files of a folder may still contain. Lower these numbers when you rewrite texts; never raise them.
const CEILINGS: &[(&str, usize)] = &[("src", 710), ("tests", 20)];

/// The fewest entries that the list may have.
const LEAST_ENTRIES: usize = 150;

/// A word or phrase that must not appear.
struct Entry {
    /// In lower case, with single spaces.
    phrase: String,
    instead: String,
    documents_only: bool,
}

/// A piece of text and where it is.
struct Text {
    line: usize,
    text: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn entries() -> Vec<Entry> {
    let text = read(&root().join("tests/language.txt"));
    let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let entry = |line: &str| {
        let (phrase, instead) = line.split_once(" = ").unwrap_or_else(|| panic!("no ' = ' in: {line}"));
        let documents = phrase.strip_prefix("documents only: ");
        Entry {
            phrase: documents.unwrap_or(phrase).to_lowercase(),
            instead: instead.to_string(),
            documents_only: documents.is_some(),
        }
    };
    lines.map(entry).collect()
}

/// Lower case, with single spaces instead of line breaks and markup.
fn normal(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || "/*_".contains(c));
    words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

/// Whether a normalised text contains the phrase as whole words.
fn contains(text: &str, phrase: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || c == '-' || c == '\'';
    text.match_indices(phrase).any(|(at, _)| {
        let rest = &text[at + phrase.len()..];
        !text[..at].ends_with(inside) && !rest.starts_with(|c: char| c.is_alphanumeric() || c == '-')
    })
}

/// Text without what is between two marks: code in backticks, arguments in braces.
fn without(text: &str, open: char, close: char) -> String {
    let mut out = String::new();
    let mut hidden = false;
    for c in text.chars() {
        match c {
            c if !hidden && c == open => hidden = true,
            c if hidden && c == close => hidden = false,
            c if !hidden => out.push(c),
            _ => {}
        }
    }
    out
}

/// The comments, string literals and long function names of a Rust file; comment lines that follow one another are one text.
fn texts(source: &str) -> Vec<Text> {
    let mut found: Vec<Text> = Vec::new();
    let mut comment: Option<usize> = None;
    let chars: Vec<char> = source.chars().collect();
    let (mut at, mut line) = (0, 1);
    let starts = |at: usize, text: &str| text.chars().enumerate().all(|(i, c)| chars.get(at + i) == Some(&c));
    let word = |c: Option<&char>| c.is_some_and(|c| c.is_alphanumeric() || *c == '_');
    while at < chars.len() {
        if starts(at, "//") {
            let end = (at..chars.len()).find(|&i| chars[i] == '\n').unwrap_or(chars.len());
            let body: String = chars[at..end].iter().collect();
            let body = body.trim_start_matches(['/', '!']).to_string();
            match (comment, found.last_mut()) {
                (Some(last), Some(text)) if last + 1 == line => {
                    text.text.push(' ');
                    text.text.push_str(&body);
                }
                _ => found.push(Text { line, text: body }),
            }
            comment = Some(line);
            at = end;
        } else if chars[at] == '"' || (chars[at] == 'r' && (starts(at, "r\"") || starts(at, "r#\""))) {
            let begun = line;
            let raw = chars[at] == 'r';
            let close = if starts(at, "r#") { "\"#" } else { "\"" };
            at += if raw { close.len() + 1 } else { 1 };
            let mut text = String::new();
            while at < chars.len() && !starts(at, close) {
                if !raw && chars[at] == '\\' {
                    at += 1;
                    text.push(' ');
                } else {
                    text.push(chars[at]);
                }
                line += usize::from(chars.get(at) == Some(&'\n'));
                at += 1;
            }
            at += close.len();
            found.push(Text { line: begun, text: without(&text, '{', '}') });
            comment = None;
        } else if chars[at] == '\'' {
            // A character literal, which may be a quote; otherwise a lifetime.
            at += match (chars.get(at + 1), chars.get(at + 2)) {
                (Some('\\'), _) => 3 + (at + 3..chars.len()).take_while(|&i| chars[i] != '\'').count(),
                (Some(_), Some('\'')) => 2,
                _ => 0,
            };
            at += 1;
        } else if starts(at, "fn ") && (at == 0 || !word(chars.get(at - 1))) {
            let name: String = chars[at + 3..].iter().take_while(|c| word(Some(c))).collect();
            if name.matches('_').count() >= 3 {
                found.push(Text { line, text: name.replace('_', " ") });
            }
            at += 3;
        } else {
            line += usize::from(chars[at] == '\n');
            at += 1;
        }
    }
    found.into_iter().map(|text| Text { text: without(&text.text, '`', '`'), ..text }).collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for item in std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())).flatten() {
        match item.path() {
            path if path.is_dir() => found.extend(rust_files(&path)),
            path if path.extension().is_some_and(|end| end == "rs") => found.push(path),
            _ => {}
        }
    }
    found.sort();
    found
}

#[test]
fn the_list_is_long_and_has_no_duplicates() {
    let mut phrases: Vec<String> = entries().into_iter().map(|entry| entry.phrase).collect();
    assert!(phrases.len() >= LEAST_ENTRIES, "only {}", phrases.len());
    phrases.sort();
    let twice: Vec<_> = phrases.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| &pair[0]).collect();
    assert!(twice.is_empty(), "duplicates: {twice:?}");
}

#[test]
fn documents_and_help_are_in_plain_english() {
    let entries = entries();
    let mut documents: Vec<(String, String)> =
        DOCUMENTS.iter().map(|name| (name.to_string(), read(&root().join(name)))).collect();
    let scratch = Scratch::new();
    documents.push(("--help".to_string(), Run::new(&scratch).arg("--help").go().stdout));
    let mut wrong = Vec::new();
    for (name, text) in &documents {
        // Line by line for the place, and as a whole for phrases that cross the end of a line.
        let whole = normal(text);
        for entry in entries.iter().filter(|entry| contains(&whole, &entry.phrase)) {
            let lines = text.lines().enumerate().filter(|(_, line)| contains(&normal(line), &entry.phrase));
            let lines: Vec<String> = lines.map(|(at, _)| (at + 1).to_string()).collect();
            wrong.push(format!("{name}:{}: '{}': write {}", lines.join(","), entry.phrase, entry.instead));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn sources_get_plainer() {
    let entries = entries();
    for (folder, ceiling) in CEILINGS {
        let mut count = 0;
        let mut files: BTreeMap<String, usize> = BTreeMap::new();
        for path in rust_files(&root().join(folder)) {
            let name = path.strip_prefix(root()).expect("below the root").display().to_string();
            for text in texts(&read(&path)) {
                let normal = normal(&text.text);
                for entry in entries.iter().filter(|entry| !entry.documents_only && contains(&normal, &entry.phrase)) {
                    count += 1;
                    *files.entry(name.clone()).or_default() += 1;
                    if std::env::var_os("HOMING_LANGUAGE").is_some() {
                        println!("{name}:{}: '{}': write {}", text.line, entry.phrase, entry.instead);
                    }
                }
            }
        }
        println!("{folder}: {count} of at most {ceiling}");
        let mut files: Vec<_> = files.into_iter().map(|(name, count)| (count, name)).collect();
        files.sort_by(|a, b| b.cmp(a));
        files.truncate(10);
        assert!(
            count <= *ceiling,
            "{folder} contains {count} entries of tests/language.txt, {ceiling} are allowed. Most are in:\n{}\n\
             HOMING_LANGUAGE=1 cargo test --test blackbox language -- --nocapture prints each place.",
            files.iter().map(|(count, name)| format!("{count:4} {name}")).collect::<Vec<_>>().join("\n"),
        );
    }
}

#[test]
fn texts_of_a_rust_file_are_found() {
    let source = "//! One\n//! two.\nfn a_b_c_d() { f(\"thr\\\"ee {told}\", '\"', 'x', \"four\"); } // `told` five\n";
    let found: Vec<(usize, String)> = texts(source).into_iter().map(|text| (text.line, normal(&text.text))).collect();
    let want = [(1, "one two."), (3, "a b c d"), (3, "thr ee"), (3, "four"), (3, "five")];
    assert_eq!(found, want.map(|(line, text)| (line, text.to_string())));
    assert!(contains("as told, it", "told") && !contains("untold", "told") && !contains("told-like", "told"));
}
