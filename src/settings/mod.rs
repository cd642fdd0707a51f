//! Text → sections of `key = value` that know their line. Only the grammar lives here: what a key means, and
//! whether it is one, is decided above. Nothing is lost on the way: every mistake in a file is told at once.

mod files;
pub mod reader;
pub mod synonyms;

pub use crate::types::spelling::shown;
use crate::types::spelling::visible;
use std::fmt;
use std::path::PathBuf;
use std::rc::Rc;

/// Where something was written: `file:line`, or the option that said it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    pub source: Rc<str>,
    /// 0 where there are no lines.
    pub line: usize,
}

impl Place {
    pub fn new(source: &str, line: usize) -> Place {
        Place { source: Rc::from(source), line }
    }

    /// Whether it was said on the command line.
    pub fn is_option(&self) -> bool {
        self.line == 0 && self.source.starts_with("--set ")
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => out.write_str(&self.source),
            line => write!(out, "{}:{line}", self.source),
        }
    }
}

/// Something that the operator must edit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    pub place: Place,
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.place, self.text)
    }
}

/// One `key = value`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    pub key: String,
    /// Without comment and outer blanks; unescaped when it stood in double quotes.
    pub value: String,
    /// Whether the whole value stood in double quotes.
    pub quoted: bool,
    pub place: Place,
}

/// A section, or, with an empty name, the keys before the first one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Section {
    pub name: String,
    pub place: Place,
    pub entries: Vec<Entry>,
}

impl Section {
    pub fn new(name: &str, place: Place) -> Section {
        Section { name: name.to_string(), place, entries: Vec::new() }
    }

    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}

/// All sections, the agent's own first.
#[derive(Clone, Debug)]
pub struct Settings {
    pub sections: Vec<Section>,
    /// The files that were read, in order, and their modes.
    pub files: Vec<(PathBuf, u32)>,
    pub problems: Vec<Problem>,
}

impl Settings {
    /// Settings without any file.
    pub fn empty() -> Settings {
        Settings {
            sections: vec![Section::new("", Place::new("settings", 0))],
            files: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// The keys before the first section.
    pub fn agent(&self) -> &Section {
        &self.sections[0]
    }

    pub fn section(&self, name: &str) -> Option<&Section> {
        self.sections[1..].iter().find(|section| section.name == name)
    }

    /// Adds what `--set` said; it wins over the files.
    pub fn set(&mut self, assignment: &str) -> Result<(), String> {
        let (path, value) = assignment.split_once('=').ok_or_else(|| {
            // It may be a secret that was separated from its key by a space.
            match assignment.rsplit('.').next().is_some_and(synonyms::is_known) {
                true => format!("--set '{}': '=' is missing: write KEY=VALUE or SECTION.KEY=VALUE", shown(assignment)),
                false => "--set: '=' is missing: write KEY=VALUE or SECTION.KEY=VALUE".to_string(),
            }
        })?;
        let path = path.trim();
        let (name, key) = path.rsplit_once('.').unwrap_or(("", path));
        if !is_key(key) || (path.contains('.') && !is_section(name)) {
            return Err(format!("--set: invalid key '{}': write KEY=VALUE or SECTION.KEY=VALUE", shown(path)));
        }
        let place = Place::new(&format!("--set {path}"), 0);
        let value = value.trim();
        let (value, quoted) = match unquote(value) {
            Some(Ok((inside, ""))) => (inside, true),
            _ => (value.to_string(), false),
        };
        if value.contains(['\0', '\n', '\r']) {
            return Err(format!("--set {path}: the value contains a control character: remove it"));
        }
        let entry = Entry { key: key.to_string(), value, quoted, place: place.clone() };
        let at = match self.sections.iter().position(|section| section.name == name) {
            Some(at) => at,
            None => {
                self.sections.push(Section::new(name, place));
                self.sections.len() - 1
            }
        };
        self.sections[at].entries.retain(|old| old.key != key);
        self.sections[at].entries.push(entry);
        Ok(())
    }

    fn problem(&mut self, source: &str, line: usize, text: impl Into<String>) {
        self.problems.push(Problem { place: Place::new(source, line), text: text.into() });
    }

    /// Parses one file's text. The first keys of any file are the agent's own.
    pub fn parse(&mut self, text: &str, source: &str) {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let source: Rc<str> = Rc::from(source);
        let mut at = Some(0);
        for (number, line) in text.lines().enumerate() {
            let number = number + 1;
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if line.contains(|c: char| c.is_control() && c != '\t') {
                let control = line.chars().find(|c| c.is_control()).map_or(String::new(), |c| visible(&c.to_string()));
                self.problem(
                    &source,
                    number,
                    format!("the line contains the control character '{control}': remove it"),
                );
                continue;
            }
            let place = Place { source: Rc::clone(&source), line: number };
            if let Some(rest) = line.strip_prefix('[') {
                at = self.open(rest, place);
                continue;
            }
            match entry(line, place) {
                Ok((entry, warning)) => {
                    if let Some(why) = warning {
                        self.problem(&source, number, why);
                    }
                    // Below an invalid heading, keys are only checked for errors of their own.
                    if let Some(at) = at {
                        self.add(at, entry);
                    }
                }
                Err(why) => self.problem(&source, number, why),
            }
        }
    }

    fn open(&mut self, rest: &str, place: Place) -> Option<usize> {
        let (source, line) = (Rc::clone(&place.source), place.line);
        let Some((name, after)) = rest.split_once(']') else {
            let name = shown(rest.trim());
            self.problem(&source, line, format!("the heading '[{name}' has no closing bracket: write [{name}]"));
            return None;
        };
        let (name, after) = (name.trim(), after.trim());
        if !after.is_empty() && !after.starts_with(['#', ';']) {
            let text =
                format!("'{}' after the heading [{}]: remove it, or write # before it", shown(after), shown(name));
            self.problem(&source, line, text);
        }
        if !is_section(name) {
            self.problem(
                &source,
                line,
                format!("invalid section name '{}': use letters, digits, '.', '_', '-' and ':'", shown(name)),
            );
            return None;
        }
        if let Some(first) = self.section(name) {
            let text = format!("duplicate section [{name}], first defined at {}: merge the two", first.place);
            self.problem(&source, line, text);
            return None;
        }
        self.sections.push(Section::new(name, place));
        Some(self.sections.len() - 1)
    }

    fn add(&mut self, at: usize, entry: Entry) {
        if let Some(first) = self.sections[at].get(&entry.key) {
            let text = match at == 0 && entry.key == "include" && first.place.source != entry.place.source {
                true => format!(
                    "include: '{}': an included file cannot include others: remove the line",
                    shown(&entry.value)
                ),
                false => format!("duplicate key '{}', first set at {}: remove one", entry.key, first.place),
            };
            self.problem(&entry.place.source.clone(), entry.place.line, text);
            return;
        }
        self.sections[at].entries.push(entry);
    }
}

/// Reads a line. The second part of the result is a problem with a key that was understood all the same.
fn entry(line: &str, place: Place) -> Result<(Entry, Option<String>), String> {
    let Some((key, rest)) = line.split_once('=') else {
        // The line may be a secret that lost its key: only a word that is a key is repeated.
        let first = line.split([' ', '\t', ':']).next().unwrap_or_default();
        return Err(match synonyms::is_known(first) {
            true => format!("'=' is missing after '{first}': write {first} = VALUE"),
            false => "'=' is missing: write KEY = VALUE, or # before a comment".to_string(),
        });
    };
    let key = key.trim();
    let blank = rest.starts_with(char::is_whitespace);
    let rest = rest.trim();
    let mut key = key.to_string();
    let mut problem = None;
    if !is_key(&key) {
        // The line may be a secret that lost its key: base64 ends with '='. Only what looks like a key is repeated.
        let plain = key.chars().all(|c| c.is_ascii_alphabetic() || " _-.".contains(c)) && key.len() <= 24;
        if !plain || key.is_empty() || rest.trim_matches('=').is_empty() {
            return Err("the text before '=' is not a key: use lower-case letters, digits and '_'".to_string());
        }
        let lower = key.to_ascii_lowercase().replace(['-', ' ', '.'], "_");
        problem = Some(format!("invalid key '{}': write '{lower}'", shown(&key)));
        key = lower;
    }
    let (value, quoted) = match unquote(rest) {
        Some(Err(why)) => {
            let hidden =
                !key.ends_with("_file") && ["password", "token", "key", "secret"].iter().any(|s| key.contains(s));
            let shown = if hidden { "the value".to_string() } else { format!("'{}'", shown(rest)) };
            return Err(format!("{key}: {shown} {why}"));
        }
        Some(Ok((inside, after))) if after.is_empty() || after.starts_with(['#', ';']) => (inside, true),
        // More text follows the closing quote: it may be a command, which is split later, or an error, which is reported later.
        Some(Ok(_)) | None => (uncomment(rest, blank).to_string(), false),
    };
    Ok((Entry { key, value, quoted, place }, problem))
}

/// A text that begins with a double quote: what is inside, unescaped, and what follows the closing one.
fn unquote(text: &str) -> Option<Result<(String, &str), &'static str>> {
    let rest = text.strip_prefix('"')?;
    let mut inside = String::new();
    let mut chars = rest.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some(Ok((inside, rest[at + 1..].trim()))),
            '\\' => match chars.next() {
                Some((_, c @ ('"' | '\\'))) => inside.push(c),
                _ => return Some(Err("has an invalid escape in its double quotes: write \\\" or \\\\")),
            },
            c => inside.push(c),
        }
    }
    Some(Err("has no closing double quote: add it"))
}

/// Cuts the comment: from a `#` or `;` after a blank, unless a pair of double quotes holds it. `blank`: whether one
/// stands before the value.
fn uncomment(value: &str, mut blank: bool) -> &str {
    let mut quoted = false;
    for (at, c) in value.char_indices() {
        match c {
            '"' if quoted => quoted = false,
            '"' if blank || at == 0 => quoted = value[at + 1..].contains('"'),
            '#' | ';' if blank && !quoted => return value[..at].trim_end(),
            _ => {}
        }
        blank = c.is_whitespace();
    }
    value
}

fn is_key(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

fn is_section(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".:_-".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Settings {
        let mut settings = Settings::empty();
        settings.parse(text, "x.conf");
        settings
    }

    fn value(text: &str) -> String {
        let settings = parsed(text);
        assert_eq!(settings.problems, [], "{text}");
        settings.agent().entries[0].value.clone()
    }

    #[test]
    fn values_comments_and_quotes() {
        for (line, want) in [
            ("a = b", "b"),
            ("a=b", "b"),
            ("  a\t=\tb  ", "b"),
            ("a = b # note", "b"),
            ("a = b ; note", "b"),
            ("a = b#c;d", "b#c;d"),
            ("a = # note", ""),
            ("a=#b ; note", "#b"),
            ("a = \"b # c\" # note", "b # c"),
            ("a = \"q\\\"u\\\\o\"", "q\"u\\o"),
            ("a = \"\"", ""),
            ("a = x=y=z", "x=y=z"),
            ("a = /bin/sh -c \"echo # 1\" # note", "/bin/sh -c \"echo # 1\""),
            ("a = 5\" wide # note", "5\" wide"),
            ("a = \"/my tool\" -x", "\"/my tool\" -x"),
            ("\u{feff}a = b\r\n", "b"),
        ] {
            assert_eq!(value(line), want, "{line}");
        }
    }

    #[test]
    fn every_mistake_is_told_with_its_line() {
        let settings = parsed(
            "ok = 1\nok = 2\npassword hunter2\nBad = 1\n[a b]\nx = 1\n[home\n[home]\n[home]\ny = \"open\nz = \"a\\n\"\n[end] text\nn\0 = 1\n",
        );
        let told: Vec<String> = settings.problems.iter().map(Problem::to_string).collect();
        assert_eq!(
            told,
            [
                "x.conf:2: duplicate key 'ok', first set at x.conf:1: remove one",
                "x.conf:3: '=' is missing after 'password': write password = VALUE",
                "x.conf:4: invalid key 'Bad': write 'bad'",
                "x.conf:5: invalid section name 'a b': use letters, digits, '.', '_', '-' and ':'",
                "x.conf:7: the heading '[home' has no closing bracket: write [home]",
                "x.conf:9: duplicate section [home], first defined at x.conf:8: merge the two",
                "x.conf:10: y: '\"open' has no closing double quote: add it",
                "x.conf:11: z: '\"a\\\\n\"' has an invalid escape in its double quotes: write \\\" or \\\\",
                "x.conf:12: 'text' after the heading [end]: remove it, or write # before it",
                "x.conf:13: the line contains the control character '\\u{0}': remove it",
            ]
        );
        assert!(!told.join("\n").contains("hunter2"));
    }

    #[test]
    fn set_wins_and_splits_at_the_last_dot() {
        let mut settings = parsed("a = 1\n[home.net]\nuser = x\n");
        settings.set("a=2").expect("good");
        settings.set("home.net.user = y # z").expect("good");
        settings.set("detector:r.kind=route").expect("good");
        assert_eq!(settings.agent().get("a").map(|e| e.value.as_str()), Some("2"));
        let home = settings.section("home.net").expect("there");
        assert_eq!(home.get("user").map(|e| e.value.as_str()), Some("y # z"));
        let router = settings.section("detector:r").expect("made");
        assert_eq!(router.entries[0].place.to_string(), "--set detector:r.kind");
        for bad in ["a", "=1", "a b=1", ".a=1", "x y.a=1", "A=1"] {
            assert!(settings.set(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sections_know_their_line() {
        let settings = parsed("# c\n\n[one]\nk = v\n[detector:x]  # c\nkind = route\n");
        assert_eq!(settings.problems, []);
        let names: Vec<_> = settings.sections.iter().map(|s| (s.name.as_str(), s.place.line)).collect();
        assert_eq!(names, [("", 0), ("one", 3), ("detector:x", 5)]);
        assert_eq!(settings.sections[1].entries[0].place.to_string(), "x.conf:4");
    }
}
