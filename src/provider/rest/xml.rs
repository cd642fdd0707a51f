//! Reads the little XML that an API answers with, into the shape of JSON: an element is an object of its children, or its
//! text. Strict: elements, attributes that are skipped, text with the five entities, one declaration; all else is no
//! answer.

use crate::types::json::Json;
use std::collections::HashMap;

/// How deep elements may stand in each other.
const DEEPEST: usize = 16;

/// The content of the root element, whose name ends with `root`. `lists` names the elements whose children are a list, however many there are.
pub fn parse(text: &str, root: &str, lists: &[&str]) -> Option<Json> {
    let mut rest = text.trim();
    if rest.starts_with("<?xml") {
        rest = rest.split_once("?>")?.1.trim_start();
    }
    let (name, content, after) = element(rest, lists, 0)?;
    (name.ends_with(root) && after.trim().is_empty()).then_some(content)
}

/// An element's name and content, and what follows it.
fn element<'a>(text: &'a str, lists: &[&str], depth: usize) -> Option<(&'a str, Json, &'a str)> {
    let (tag, mut rest) = text.strip_prefix('<')?.split_once('>')?;
    let empty = tag.ends_with('/');
    let tag = tag.trim_end_matches('/');
    let name = tag.split_ascii_whitespace().next()?;
    let good = name.bytes().all(|b| b.is_ascii_alphanumeric());
    if !good || name.is_empty() || tag.contains('<') || depth > DEEPEST {
        return None;
    }
    let is_list = lists.contains(&name);
    let (mut members, mut items) = (HashMap::new(), Vec::new());
    let mut said = String::new();
    loop {
        if empty {
            break;
        }
        let at = rest.find('<')?;
        said.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("</") {
            rest = after.strip_prefix(name)?.trim_start().strip_prefix('>')?;
            break;
        }
        let (child, content, after) = element(rest, lists, depth + 1)?;
        rest = after;
        if is_list {
            items.push(content);
        } else if members.insert(child.to_string(), content).is_some() {
            return None;
        }
    }
    let content = match (is_list, members.is_empty()) {
        (true, _) => Json::Array(items),
        (false, false) => Json::Object(members),
        (false, true) => Json::String(unescaped(said.trim())?),
    };
    Some((name, content, rest))
}

fn unescaped(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        let (entity, after) = after.split_once(';')?;
        out.push_str(before);
        out.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => return None,
        });
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::json::{at, scalar};

    #[test]
    fn elements_become_members_and_lists() {
        let text = "<?xml version=\"1.0\"?>\n<R xmlns=\"x\"><Zones><Zone><Id>a</Id></Zone><Zone><Id>b&amp;c</Id></Zone></Zones>\
                    <None/><Zero></Zero> <More>false</More></R>\n";
        let json = parse(text, "R", &["Zones"]).expect("XML");
        let told = |path: &str| at(&json, path).and_then(scalar);
        assert_eq!(told("Zones.0.Id").as_deref(), Some("a"));
        assert_eq!(told("Zones.1.Id").as_deref(), Some("b&c"));
        assert_eq!(told("None").as_deref(), Some(""));
        assert_eq!(told("More").as_deref(), Some("false"));
        assert!(matches!(parse("<R><Zones/></R>", "R", &["Zones"]), Some(json) if at(&json, "Zones.0").is_none()));
    }

    #[test]
    fn what_is_not_whole_is_nothing() {
        assert!(parse("<a></a>", "b", &[]).is_none());
        let deep = "<a>".repeat(100_000);
        for text in [
            "",
            "good",
            "<",
            "<a>",
            "<a></b>",
            "<a></a><b></b>",
            "<a></a>x",
            "<a><b></a></b>",
            "<a>&x;</a>",
            "<a>&amp</a>",
            "<a><b/><b/></a>",
            "<!DOCTYPE html><html></html>",
            "<html><head><meta charset=utf-8></head></html>",
            deep.as_str(),
        ] {
            assert!(parse(text, "", &[]).is_none(), "{}", &text[..text.len().min(40)]);
        }
    }
}
