//! The only door to the JSON package. It recurses without a limit and orders objects at random, so depth is
//! counted here before it sees a byte, it keeps one of two members of one name, which is found out, and objects are written here in the order in which they are given.

use crate::types::address::Set;
use std::collections::HashMap;
use tinyjson::JsonValue;

pub use tinyjson::JsonValue as Json;

/// How deep arrays and objects may stand in each other; no API that we speak to needs ten.
const DEEPEST: usize = 32;

/// Parses a document. The error says what is wrong without quoting the text, which may hold anything.
pub fn parse(text: &str) -> Result<Json, String> {
    if depth(text) > DEEPEST {
        return Err(format!("JSON nested deeper than {DEEPEST}"));
    }
    let json = text.parse::<JsonValue>().map_err(|_| "not valid JSON".to_string())?;
    // The package keeps the last of several members of one name. Outside of strings each member has one colon.
    match outside_strings(text).filter(|b| *b == b':').count() == members(&json) {
        true => Ok(json),
        false => Err("JSON with two members of one name".to_string()),
    }
}

/// Quotes a text as a JSON string.
pub fn quote(text: &str) -> String {
    // Nearly every text is written as it is.
    if text.bytes().all(|byte| byte >= b' ' && !matches!(byte, b'"' | b'\\' | 0x7f)) {
        return ["\"", text, "\""].concat();
    }
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if u32::from(c) < 0x20 || u32::from(c) == 0x7f => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Writes an object whose members keep the order in which they were added.
pub struct Object(String);

impl Object {
    pub fn new() -> Object {
        Object(String::from("{"))
    }

    /// Adds a member whose value is JSON already.
    pub fn raw(mut self, key: &str, json: &str) -> Object {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push_str(&quote(key));
        self.0.push(':');
        self.0.push_str(json);
        self
    }

    /// Adds a string.
    pub fn text(self, key: &str, value: &str) -> Object {
        let value = quote(value);
        self.raw(key, &value)
    }

    /// Adds a string when there is one.
    pub fn maybe(self, key: &str, value: Option<&str>) -> Object {
        match value {
            Some(value) => self.text(key, value),
            None => self,
        }
    }

    /// Adds an address; of a set the first, and the others as an array `beside`, which who knows no sets passes over.
    pub fn addresses(self, key: &str, set: &Set) -> Object {
        let object = self.text(key, &set.first().to_string());
        match set.beside() {
            [] => object,
            others => object.raw("beside", &array(others.iter().map(|ip| quote(&ip.to_string())))),
        }
    }

    /// Adds a whole number.
    pub fn number(self, key: &str, value: i64) -> Object {
        self.raw(key, &value.to_string())
    }

    /// Adds `true` or `false`.
    pub fn flag(self, key: &str, value: bool) -> Object {
        self.raw(key, if value { "true" } else { "false" })
    }

    pub fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

impl Default for Object {
    fn default() -> Object {
        Object::new()
    }
}

/// An array of values that are JSON already.
pub fn array<I: IntoIterator<Item = String>>(items: I) -> String {
    let items: Vec<String> = items.into_iter().collect();
    format!("[{}]", items.join(","))
}

/// The member of an object, if it is one and has it.
pub fn member<'a>(json: &'a Json, key: &str) -> Option<&'a Json> {
    json.get::<HashMap<String, Json>>()?.get(key)
}

/// The members of a member that is an object, to be changed.
pub fn members_of<'a>(json: &'a mut Json, key: &str) -> Option<&'a mut HashMap<String, Json>> {
    json.get_mut::<HashMap<String, Json>>()?.get_mut(key)?.get_mut()
}

/// A string member.
pub fn text<'a>(json: &'a Json, key: &str) -> Option<&'a str> {
    member(json, key)?.get::<String>().map(String::as_str)
}

/// A whole-number member; fractions and what a double cannot hold exactly are none.
pub fn number(json: &Json, key: &str) -> Option<i64> {
    whole(*member(json, key)?.get::<f64>()?)
}

/// A true-or-false member.
pub fn flag(json: &Json, key: &str) -> Option<bool> {
    member(json, key)?.get::<bool>().copied()
}

/// An array member; empty when it is missing or something else.
pub fn list<'a>(json: &'a Json, key: &str) -> &'a [Json] {
    member(json, key).and_then(|value| value.get::<Vec<Json>>()).map_or(&[], Vec::as_slice)
}

/// The value at the end of a path of members and, as numbers, places in arrays: `errors.0.message`. An empty path is the
/// whole.
pub fn at<'a>(json: &'a Json, path: &str) -> Option<&'a Json> {
    path.split('.').filter(|step| !step.is_empty()).try_fold(json, |held, step| match held {
        Json::Array(items) => items.get(step.parse::<usize>().ok()?),
        held => member(held, step),
    })
}

/// A text, a whole number or a flag as it reads without quotes.
pub fn scalar(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text.clone()),
        Json::Boolean(flag) => Some(flag.to_string()),
        Json::Number(value) => whole(*value).map(|whole| whole.to_string()),
        _ => None,
    }
}

/// The whole number that a double holds exactly.
fn whole(value: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    (value.abs() <= EXACT && value == value.trunc()).then_some(value as i64)
}

/// The deepest nesting, strings left out.
fn depth(text: &str) -> usize {
    let (mut now, mut most) = (0usize, 0usize);
    for byte in outside_strings(text) {
        match byte {
            b'[' | b'{' => {
                now += 1;
                most = most.max(now);
            }
            b']' | b'}' => now = now.saturating_sub(1),
            _ => {}
        }
    }
    most
}

/// The bytes that stand in no string.
fn outside_strings(text: &str) -> impl Iterator<Item = u8> + '_ {
    let (mut quoted, mut escaped) = (false, false);
    text.bytes().filter(move |byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ => return !quoted,
        }
        false
    })
}

/// All members of all objects; as deep as was let in.
fn members(json: &Json) -> usize {
    match json {
        Json::Array(items) => items.iter().map(members).sum(),
        Json::Object(map) => map.len() + map.values().map(members).sum::<usize>(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bomb_is_refused_before_it_is_parsed() {
        let bomb = "[".repeat(200_000);
        assert_eq!(parse(&bomb).unwrap_err(), format!("JSON nested deeper than {DEEPEST}"));
        assert!(parse(&format!("{}1{}", "[".repeat(32), "]".repeat(32))).is_ok());
        assert!(parse(&format!("{}1{}", "[".repeat(33), "]".repeat(33))).is_err());
        assert!(parse(&format!("[\"{}\"]", "[".repeat(100))).is_ok());
        assert!(parse("[\"\\\"[[[\"]").is_ok());
    }

    #[test]
    fn two_members_of_one_name_are_refused() {
        for text in ["{\"a\":1,\"a\":1}", "[{\"x\":{\"a\":1,\"\\u0061\":[]}}]", "{\"a\":{\"b\":1},\"a\":2}"] {
            assert_eq!(parse(text).unwrap_err(), "JSON with two members of one name", "{text}");
        }
        assert!(parse("[{\"a\":\":\\\":\"},{\"a\":{\"a\":null,\":\":{}}}]").is_ok());
    }

    #[test]
    fn objects_keep_their_order() {
        let text = Object::new().text("z", "1\n\"").number("a", -5).flag("m", true).maybe("no", None).end();
        assert_eq!(text, "{\"z\":\"1\\n\\\"\",\"a\":-5,\"m\":true}");
        let back = parse(&text).expect("what we write is JSON");
        assert_eq!(super::text(&back, "z"), Some("1\n\""));
        assert_eq!(number(&back, "a"), Some(-5));
        assert_eq!(flag(&back, "m"), Some(true));
        assert!(list(&back, "z").is_empty());
    }

    #[test]
    fn a_path_leads_to_a_value() {
        let json = parse(r#"{"a":[{"b":"x"},{"b":7}],"c":true,"d":1.5}"#).expect("JSON");
        let told = |path: &str| at(&json, path).and_then(scalar);
        assert_eq!(told("a.0.b").as_deref(), Some("x"));
        assert_eq!(told("a.1.b").as_deref(), Some("7"));
        assert_eq!(told("c").as_deref(), Some("true"));
        for nowhere in ["d", "a", "", "a.2.b", "a.b", "c.d", "e"] {
            assert_eq!(told(nowhere), None, "{nowhere}");
        }
        assert!(at(&json, "").is_some());
    }

    #[test]
    fn numbers_are_whole_or_nothing() {
        for (text, want) in [
            ("{\"n\":1.5}", None),
            ("{\"n\":1e999}", None),
            ("{\"n\":4102444800}", Some(4_102_444_800)),
            ("{\"n\":\"7\"}", None),
        ] {
            assert_eq!(parse(text).ok().and_then(|j| number(&j, "n")), want, "{text}");
        }
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(quote("\u{1b}[31m\u{0}"), "\"\\u001b[31m\\u0000\"");
    }
}
