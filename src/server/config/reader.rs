//! Reads the keys of a TOML table, and collects every mistake with its line and its key.

use crate::types::spelling::{meant, visible};
use std::cell::RefCell;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};
use toml::Spanned;

/// One mistake in the configuration.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Problem {
    pub file: PathBuf,
    /// 0: the whole file.
    pub line: usize,
    /// What is wrong, with the key.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(out, "{}: {}", self.file.display(), self.what),
            line => write!(out, "{}:{line}: {}", self.file.display(), self.what),
        }
    }
}

/// The file's name and text, and what was found wrong so far.
pub(super) struct Source<'a> {
    pub file: &'a Path,
    pub text: &'a str,
    problems: RefCell<Vec<Problem>>,
}

impl<'a> Source<'a> {
    pub fn new(file: &'a Path, text: &'a str) -> Source<'a> {
        Source { file, text, problems: RefCell::new(Vec::new()) }
    }

    /// Adds a mistake at a place of the text.
    pub fn wrong(&self, span: Range<usize>, what: String) {
        let before = &self.text.as_bytes()[..span.start.min(self.text.len())];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        self.add(line, what);
    }

    /// Adds a mistake of the whole file.
    pub fn add(&self, line: usize, what: String) {
        self.problems.borrow_mut().push(Problem { file: self.file.to_path_buf(), line, what });
    }

    /// All mistakes, by line.
    pub fn problems(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort();
        problems.dedup();
        problems
    }
}

/// A table, its name, and the keys that were asked for: all others are unknown.
pub(super) struct Section<'a> {
    source: &'a Source<'a>,
    name: String,
    table: Option<&'a DeTable<'a>>,
    span: Range<usize>,
    known: RefCell<Vec<&'static str>>,
}

/// What is expected of a value.
type Expected = &'static str;

impl<'a> Section<'a> {
    pub fn new(source: &'a Source<'a>, name: &str, table: Option<&'a DeTable<'a>>, span: Range<usize>) -> Section<'a> {
        Section { source, name: name.to_string(), table, span, known: RefCell::default() }
    }

    /// The table of this key, empty where there is none.
    pub fn section(&self, key: &'static str) -> Section<'a> {
        let name = self.full(key);
        let (table, span) = match self.value(key) {
            None => (None, 0..0),
            Some(value) => match value.get_ref() {
                DeValue::Table(table) => (Some(table), value.span()),
                other => {
                    self.source.wrong(value.span(), format!("{name}: {} where a table is expected", kind(other)));
                    (None, value.span())
                }
            },
        };
        Section::new(self.source, &name, table, span)
    }

    /// `section.key`, as messages name it.
    pub fn full(&self, key: &str) -> String {
        match self.name.as_str() {
            "" => key.to_string(),
            name => format!("{name}.{key}"),
        }
    }

    /// Whether the file has this key.
    pub fn has(&self, key: &'static str) -> bool {
        self.value(key).is_some()
    }

    /// All keys and values, in the file's order: of a table that has no fixed keys.
    pub fn entries(&self) -> Vec<(&'a str, &'a Spanned<DeValue<'a>>)> {
        self.table
            .map_or(Vec::new(), |table| table.iter().map(|(key, value)| (key.get_ref().as_ref(), value)).collect())
    }

    pub fn value(&self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.known.borrow_mut().push(key);
        self.table?.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
    }

    /// Says that the value of a key is wrong.
    pub fn wrong(&self, key: &str, what: impl fmt::Display) {
        let found = self.table.and_then(|table| table.iter().find(|(name, _)| name.get_ref() == key));
        let span = found.map_or(self.span.clone(), |(_, value)| value.span());
        self.source.wrong(span, format!("{}: {what}", self.full(key)));
    }

    /// Says that a key is needed.
    pub fn missing(&self, key: &str, why: &str) {
        match self.table {
            Some(_) => self.source.wrong(self.span.clone(), format!("{}: missing: {why}", self.full(key))),
            None => self.source.add(0, format!("{}: missing: {why}", self.full(key))),
        }
    }

    fn read<T>(&self, key: &'static str, expected: Expected, get: impl Fn(&DeValue<'a>) -> Option<T>) -> Option<T> {
        let value = self.value(key)?;
        let got = get(value.get_ref());
        if got.is_none() {
            let what = match shown(value.get_ref()) {
                Some(text) => format!("{text} where {expected} is expected"),
                None => format!("{} where {expected} is expected", kind(value.get_ref())),
            };
            self.wrong(key, what);
        }
        got
    }

    pub fn text(&self, key: &'static str) -> Option<&'a str> {
        let value = self.value(key)?;
        let text = value.get_ref().as_str();
        if text.is_none() {
            self.wrong(key, format!("{} where a text in quotes is expected", kind(value.get_ref())));
        }
        text
    }

    pub fn text_or(&self, key: &'static str, default: &str) -> String {
        self.text(key).unwrap_or(default).to_string()
    }

    /// A path, `None` where it is missing or empty.
    pub fn path(&self, key: &'static str) -> Option<PathBuf> {
        self.text(key).filter(|path| !path.is_empty()).map(PathBuf::from)
    }

    pub fn yes(&self, key: &'static str, default: bool) -> bool {
        self.read(key, "true or false", DeValue::as_bool).unwrap_or(default)
    }

    /// A whole number of this range.
    pub fn number(&self, key: &'static str, range: std::ops::RangeInclusive<i64>, default: i64) -> i64 {
        let number = self.read(key, "a whole number", |value| {
            let integer = value.as_integer()?;
            i64::from_str_radix(&integer.as_str().replace('_', ""), integer.radix()).ok()
        });
        match number {
            None => default,
            Some(number) if range.contains(&number) => number,
            Some(number) => {
                self.wrong(key, format!("invalid value {number} ({} to {})", range.start(), range.end()));
                default
            }
        }
    }

    /// A list of texts, with the place of each.
    pub fn list(&self, key: &'static str) -> Option<Vec<(&'a str, Range<usize>)>> {
        let value = self.value(key)?;
        let Some(array) = value.get_ref().as_array() else {
            self.wrong(key, format!("{} where a list such as [\"a\", \"b\"] is expected", kind(value.get_ref())));
            return None;
        };
        let mut texts = Vec::new();
        for item in array.iter() {
            match item.get_ref().as_str() {
                Some(text) => texts.push((text, item.span())),
                None => {
                    let what = format!("{}: {} where a text is expected", self.full(key), kind(item.get_ref()));
                    self.source.wrong(item.span(), what);
                }
            }
        }
        Some(texts)
    }

    /// One of these words, in any case.
    pub fn word<T: Copy>(&self, key: &'static str, words: &[(&str, T)], default: T) -> T {
        let Some(text) = self.text(key) else { return default };
        match words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)) {
            Some((_, meaning)) => *meaning,
            None => {
                let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                let hint = meant(text, &known);
                self.wrong(key, format!("invalid value '{}'{hint} ({})", visible(text), known.join(", ")));
                default
            }
        }
    }

    /// Reports keys that nobody asked for, with the nearest one.
    pub fn end(&self) {
        let known = self.known.borrow();
        for (key, _) in self.table.into_iter().flat_map(|table| table.iter()) {
            let name: &str = key.get_ref();
            if !known.contains(&name) {
                let hint = match meant(name, &known) {
                    hint if hint.is_empty() => format!(" (known: {})", known.join(", ")),
                    hint => hint,
                };
                let what = format!("{}: unknown key{hint}", self.full(&visible(name)));
                self.source.wrong(key.span(), what);
            }
        }
    }
}

/// A short value as the file has it; texts are not shown, they may be secrets.
fn shown(value: &DeValue) -> Option<String> {
    match value {
        DeValue::Integer(number) => Some(number.as_str().to_string()),
        DeValue::Float(number) => Some(number.as_str().to_string()),
        DeValue::Boolean(yes) => Some(yes.to_string()),
        _ => None,
    }
}

fn kind(value: &DeValue) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
