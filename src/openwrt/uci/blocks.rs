//! UCI's grammar (openwrt.org/docs/guide-user/base-system/uci): `config KIND 'NAME'`, below it `option KEY 'VALUE'` and
//! `list KEY 'ITEM'`. What the words mean is decided above.

use crate::settings::{shown, Entry, Place, Problem};
use crate::sys::files;
use std::path::Path;

/// A file larger than this is something else.
const LARGEST: u64 = 1024 * 1024;

/// A `config` and what stands below it.
pub struct Block {
    pub kind: String,
    /// Its name, or where it has none its kind and line.
    pub name: String,
    pub place: Place,
    /// The items of a list are one value, with commas between.
    pub entries: Vec<Entry>,
}

impl Block {
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key && !entry.value.is_empty())
    }
}

/// The file's blocks, and what is wrong in it.
pub fn read(path: &Path, problems: &mut Vec<Problem>) -> Vec<Block> {
    let source = path.display().to_string();
    let text = files::read(path, LARGEST).unwrap_or_else(|error| {
        problems.push(Problem { place: Place::new(&source, 0), text: format!("cannot read it: {error}") });
        Vec::new()
    });
    parse(&String::from_utf8_lossy(&text), &source, problems)
}

fn parse(text: &str, source: &str, problems: &mut Vec<Problem>) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let place = Place::new(source, number + 1);
        let words = match words(line) {
            Ok(words) => words,
            Err(why) => {
                problems.push(Problem { place, text: why.to_string() });
                continue;
            }
        };
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match (words.as_slice(), blocks.last_mut()) {
            ([], _) | (["package", _], _) => {}
            (["config", kind, name @ ..], _) if name.len() <= 1 => {
                let name = name.first().map_or_else(|| format!("{kind}-{}", number + 1), |name| name.to_string());
                blocks.push(Block { kind: kind.to_string(), name, place, entries: Vec::new() });
            }
            (["option", key, value], Some(block)) => {
                block.entries.retain(|entry| entry.key != *key);
                block.entries.push(super::entry(key, value, &place));
            }
            (["list", key, item], Some(block)) => match block.entries.iter_mut().find(|entry| entry.key == *key) {
                Some(entry) => {
                    entry.value.push_str(", ");
                    entry.value.push_str(item);
                }
                None => block.entries.push(super::entry(key, item, &place)),
            },
            ([first, ..], _) => {
                let text = format!("'{}': not config KIND 'NAME', option KEY 'VALUE' or list KEY 'ITEM'", shown(first));
                problems.push(Problem { place, text });
            }
        }
    }
    blocks
}

/// The words of a line; quotes of either kind join, a backslash takes the next letter as it is, but in single quotes.
fn words(line: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => break,
            (None, blank) if blank.is_whitespace() => words.extend(word.take()),
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(letters.next()),
            _ if letter.is_control() && letter != '\t' => return Err("a control character cannot stand here"),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    match quote {
        Some(_) => Err("a quote is not closed in its line"),
        None => Ok(words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_uci_reads_them() {
        for (line, want) in [
            ("\toption password 's3 c#ret'  # mine", vec!["option", "password", "s3 c#ret"]),
            (r#"option a "b\"c"\ d"#, vec!["option", "a", "b\"c d"]),
            (r"option a 'x\y'z", vec!["option", "a", r"x\yz"]),
            ("option a ''", vec!["option", "a", ""]),
            ("  # nothing", vec![]),
        ] {
            assert_eq!(words(line).expect(line), want, "{line}");
        }
        assert!(words("option a 'b").is_err());
    }

    #[test]
    fn blocks_keep_their_lines() {
        let text = "package homing\nconfig homing 'main'\n list ipv4 a\n list ipv4 b\n option x 1\n option x 2\nconfig service\nfoo\n";
        let mut problems = Vec::new();
        let blocks = parse(text, "f", &mut problems);
        assert_eq!(blocks.iter().map(|b| b.name.as_str()).collect::<Vec<_>>(), ["main", "service-7"]);
        let values: Vec<(&str, usize)> = blocks[0].entries.iter().map(|e| (e.value.as_str(), e.place.line)).collect();
        assert_eq!(values, [("a, b", 3), ("2", 6)]);
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].place.line, 8);
    }
}
