//! Compares a request with the expected one after decoding: `%2C` and `,` are the same to a server, and the members of
//! a JSON object have no order. A difference is described in one line.

use super::format::Exchange;
use crate::testbed::Request;
use homing::internals::json::{self, Json};

/// Describes the first difference.
pub fn compare(expected: &Exchange, request: &Request) -> Result<(), String> {
    if expected.method != request.method {
        return Err(format!("the method is {}, expected {}", request.method, expected.method));
    }
    let same = if expected.exact {
        expected.target == request.target
    } else {
        let (want, came) = (meaning(&expected.target), meaning(&request.target));
        let open = any(&expected.target);
        want.len() == came.len() && want.iter().zip(&came).enumerate().all(|(at, (w, c))| w == c || open.contains(&at))
    };
    if !same {
        return Err(format!("asked for {}, expected {}", request.target, expected.target));
    }
    for (name, value) in &expected.headers {
        let came = request.header(name);
        if came != value.as_deref() {
            return Err(format!("the header {name} is {came:?}, expected {value:?}"));
        }
    }
    if !request.header("User-Agent").is_some_and(|agent| agent.starts_with("homing/")) {
        return Err(format!("the User-Agent is {:?}", request.header("User-Agent")));
    }
    match &expected.body {
        Some(body) => same_body(body, &request.text()),
        None if request.body.is_empty() => Ok(()),
        None => Err(format!("it has a body: {}", request.text())),
    }
}

/// The decoded parts of a target: the path, then names and values in turn. It is split before decoding.
fn meaning(target: &str) -> Vec<Vec<u8>> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    std::iter::once(path).chain(pairs.flat_map(|(name, value)| [name, value])).map(unpercent).collect()
}

/// The indexes in [`meaning`] of values that may be anything, written `*`.
fn any(target: &str) -> Vec<usize> {
    let pairs = target.split_once('?').map_or("", |(_, query)| query).split('&').filter(|pair| !pair.is_empty());
    pairs.enumerate().filter(|(_, pair)| pair.ends_with("=*")).map(|(at, _)| 2 * at + 2).collect()
}

fn unpercent(text: &str) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if *first == b'%' => {
                out.push(byte);
                rest = &after[2..];
            }
            _ => {
                out.push(*first);
                rest = after;
            }
        }
    }
    out
}

/// JSON is compared by value, anything else byte for byte.
fn same_body(expected: &str, came: &str) -> Result<(), String> {
    let same = match json::parse(expected) {
        Ok(expected) => json::parse(came).is_ok_and(|came| same_json(&expected, &came)),
        Err(_) => expected.trim_end() == came.trim_end(),
    };
    if same {
        Ok(())
    } else {
        Err(format!("the body is {came}, expected {}", expected.trim_end()))
    }
}

fn same_json(one: &Json, other: &Json) -> bool {
    match (one, other) {
        (Json::Object(one), Json::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| other.get(key).is_some_and(|held| same_json(value, held)))
        }
        (Json::Array(one), Json::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same_json(one, other))
        }
        (one, other) => one == other,
    }
}
