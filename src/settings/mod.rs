//! Text → sections of `key = value` that know their line. Only the grammar lives here: what a key means, and
//! whether it is one, is decided above. Nothing is lost on the way: every mistake in a file is told at once.

mod files;
pub mod reader;

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
        let (path, value) = assignment.split_once('=').ok_or("--set takes KEY=VALUE or SECTION.KEY=VALUE")?;
        let path = path.trim();
        let (name, key) = path.rsplit_once('.').unwrap_or(("", path));
        if !is_key(key) || (path.contains('.') && !is_section(name)) {
            return Err(format!("--set {}: not a key; write KEY=VALUE or SECTION.KEY=VALUE", visible(path)));
        }
        let place = Place::new(&format!("--set {path}"), 0);
        let value = value.trim();
        let (value, quoted) = match unquote(value) {
            Some(Ok((inside, ""))) => (inside, true),
            _ => (value.to_string(), false),
        };
        if value.contains(['\0', '\n', '\r']) {
            return Err(format!("--set {path}: control characters cannot stand in a value"));
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
                self.problem(&source, number, "a control character cannot stand in a settings file");
                continue;
            }
            let place = Place { source: Rc::clone(&source), line: number };
            if let Some(rest) = line.strip_prefix('[') {
                at = self.open(rest, place);
                continue;
            }
            match entry(line, place) {
                Ok(entry) => {
                    // Below a heading that was no good, keys are read for their own mistakes only.
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
            self.problem(&source, line, "the heading is not closed: write [name]");
            return None;
        };
        let (name, after) = (name.trim(), after.trim());
        if !after.is_empty() && !after.starts_with(['#', ';']) {
            self.problem(&source, line, format!("text after the heading [{}]", shown(name)));
        }
        if !is_section(name) {
            self.problem(
                &source,
                line,
                format!("'{}' cannot name a section: letters, digits, '.', '_', '-' and ':' only", shown(name)),
            );
            return None;
        }
        if let Some(first) = self.section(name) {
            let text = format!("[{name}] stands twice; the first is at {}", first.place);
            self.problem(&source, line, text);
            return None;
        }
        self.sections.push(Section::new(name, place));
        Some(self.sections.len() - 1)
    }

    fn add(&mut self, at: usize, entry: Entry) {
        if let Some(first) = self.sections[at].get(&entry.key) {
            let text = match at == 0 && entry.key == "include" && first.place.source != entry.place.source {
                true => "an included file cannot include others".to_string(),
                false => format!("'{}' stands twice; the first is at {}", entry.key, first.place),
            };
            self.problem(&entry.place.source.clone(), entry.place.line, text);
            return;
        }
        self.sections[at].entries.push(entry);
    }
}

fn entry(line: &str, place: Place) -> Result<Entry, String> {
    let Some((key, rest)) = line.split_once('=') else {
        // The line is not said again: it may be a secret that lost its key.
        return Err("'=' is missing: write key = value".to_string());
    };
    let key = key.trim();
    let blank = rest.starts_with(char::is_whitespace);
    let rest = rest.trim();
    if !is_key(key) {
        // The line may be a secret that lost its key: base64 ends with '='. Only what looks like words is said again.
        let words = key.chars().all(|c| c.is_ascii_alphabetic() || " _-.".contains(c)) && key.len() <= 24;
        let told = match words && !key.is_empty() && !rest.trim_matches('=').is_empty() {
            true => format!("'{}' cannot be a key", shown(key)),
            false => "what stands before '=' cannot be a key".to_string(),
        };
        return Err(format!("{told}: lower-case letters, digits and '_' only"));
    }
    let (value, quoted) = match unquote(rest) {
        Some(Err(why)) => return Err(format!("{key}: {why}")),
        Some(Ok((inside, after))) if after.is_empty() || after.starts_with(['#', ';']) => (inside, true),
        // More follows the closing quote: a command, which is split later, or a mistake, which is told later.
        Some(Ok(_)) | None => (uncomment(rest, blank).to_string(), false),
    };
    Ok(Entry { key: key.to_string(), value, quoted, place })
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
                _ => return Some(Err("in double quotes a backslash stands before \" or \\ only")),
            },
            c => inside.push(c),
        }
    }
    Some(Err("the double quote is not closed"))
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

/// Offending text, escaped and cut.
pub fn shown(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}...", visible(&text[..end])),
        None => visible(text),
    }
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
                "x.conf:2: 'ok' stands twice; the first is at x.conf:1",
                "x.conf:3: '=' is missing: write key = value",
                "x.conf:4: 'Bad' cannot be a key: lower-case letters, digits and '_' only",
                "x.conf:5: 'a b' cannot name a section: letters, digits, '.', '_', '-' and ':' only",
                "x.conf:7: the heading is not closed: write [name]",
                "x.conf:9: [home] stands twice; the first is at x.conf:8",
                "x.conf:10: y: the double quote is not closed",
                "x.conf:11: z: in double quotes a backslash stands before \" or \\ only",
                "x.conf:12: text after the heading [end]",
                "x.conf:13: a control character cannot stand in a settings file",
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
