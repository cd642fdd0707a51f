//! Fills in templates. `$word` stands for a value, `$row.member` for a member of the record as it was listed; what
//! stands between `{?` and `?}` is left out where one of its values is not there. How a value is written follows from
//! where it stands: percent-encoded in a path, quoted in JSON, as it is in a header.

use crate::types::json::{self, quote, Json};
use crate::types::secret::percent;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Path,
    Header,
    Json,
    /// Values that come here are names, addresses and numbers.
    Xml,
}

/// A value, and whether JSON writes it without quotes.
pub struct Value {
    pub text: String,
    pub bare: bool,
}

/// Values by their words.
#[derive(Clone, Default)]
pub struct Words<'a> {
    pub pairs: Vec<(&'static str, String)>,
    pub row: Option<&'a Json>,
}

impl Words<'_> {
    pub fn set(&mut self, word: &'static str, value: impl Into<String>) {
        self.pairs.retain(|(known, _)| *known != word);
        self.pairs.push((word, value.into()));
    }

    pub fn get(&self, word: &str) -> Option<Value> {
        if let Some(path) = word.strip_prefix("row.") {
            let held = json::at(self.row?, path)?;
            return Some(Value { text: json::scalar(held)?, bare: !matches!(held, Json::String(_)) });
        }
        let (_, text) = self.pairs.iter().find(|(known, _)| *known == word)?;
        Some(Value { text: text.clone(), bare: word.ends_with("ttl") || word == "numid" })
    }

    /// A value that is not there is empty, or `null` in JSON, but for what stands between `{?` and `?}`.
    pub fn fill(&self, template: &str, place: Place) -> String {
        let mut out = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("{?") {
            out.push_str(&self.plain(before, place).0);
            let (inside, after) = after.split_once("?}").unwrap_or((after, ""));
            let (text, whole) = self.plain(inside, place);
            if whole {
                out.push_str(&text);
            }
            rest = after;
        }
        out.push_str(&self.plain(rest, place).0);
        out
    }

    /// The text, and whether every value was there.
    fn plain(&self, template: &str, place: Place) -> (String, bool) {
        let (mut out, mut whole) = (String::new(), true);
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            let dotted = after.starts_with("row.");
            let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || dotted && c == '.'));
            let (word, after) = after.split_at(end.unwrap_or(after.len()));
            match self.get(word) {
                Some(value) => out.push_str(&written(value, place)),
                None => {
                    whole = false;
                    out.push_str(if place == Place::Json { "null" } else { "" });
                }
            }
            rest = after;
        }
        out.push_str(rest);
        (out, whole)
    }
}

fn written(value: Value, place: Place) -> String {
    match place {
        Place::Path => percent(&value.text),
        Place::Json if !value.bare => quote(&value.text),
        _ => value.text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_their_place_asks() {
        let mut words = Words::default();
        words.set("name", "*");
        words.set("ip", "2001:db8::1");
        words.set("ttl", "300");
        words.set("key", "a\"b");
        assert_eq!(words.fill("/z/$name?t=$ip", Place::Path), "/z/%2A?t=2001%3Adb8%3A%3A1");
        assert_eq!(words.fill("{\"n\":$name,\"t\":$ttl,\"k\":$key}", Place::Json), r#"{"n":"*","t":300,"k":"a\"b"}"#);
        assert_eq!(words.fill("sso-key $key:x", Place::Header), "sso-key a\"b:x");
        assert_eq!(words.fill("<a>$name</a>", Place::Xml), "<a>*</a>");
    }

    #[test]
    fn what_is_not_there_is_left_out() {
        let mut words = Words::default();
        words.set("ip", "192.0.2.1");
        assert_eq!(words.fill("{\"d\":$ip{?,\"ttl\":$newttl?}}", Place::Json), r#"{"d":"192.0.2.1"}"#);
        words.set("newttl", "60");
        assert_eq!(words.fill("{\"d\":$ip{?,\"ttl\":$newttl?}}", Place::Json), r#"{"d":"192.0.2.1","ttl":60}"#);
        assert_eq!(words.fill("/a$id", Place::Path), "/a");
    }

    #[test]
    fn members_of_the_row_are_kept() {
        let row = json::parse(r#"{"prio":10,"off":false,"line":"default","x":{"y":null}}"#).expect("JSON");
        let words = Words { row: Some(&row), ..Words::default() };
        let body =
            words.fill("{\"p\":$row.prio,\"o\":$row.off,\"l\":$row.line,\"y\":$row.x.y,\"z\":$row.z}", Place::Json);
        assert_eq!(body, r#"{"p":10,"o":false,"l":"default","y":null,"z":null}"#);
    }
}
