//! Texts with places in braces: which there are, and what comes of them. A text is gone through once, so that a
//! value with braces in it is a value; braces around anything but a small word are braces.

use crate::provider::slots::slot;

/// What follows a brace that begins no placeholder.
pub fn unclosed(text: &str) -> Option<&str> {
    let at = text.match_indices('{').map(|(at, _)| at).find(|at| slot(&text[at + 1..]).is_none())?;
    let rest = &text[at..];
    let end = rest.find('}').map_or(rest.len(), |end| end + 1);
    Some(&rest[..end])
}

/// Placeholders whose values are secrets.
const SECRETS: [&str; 2] = ["password", "token"];

/// The text with every place filled; `None` if one of them has no value.
pub fn fill(text: &str, value: &dyn Fn(&str) -> Option<String>, encode: &dyn Fn(&str) -> String) -> Option<String> {
    let mut pieces = text.split('{');
    let mut out = pieces.next().unwrap_or_default().to_string();
    let mut secrets = Vec::new();
    for piece in pieces {
        match slot(piece) {
            Some(word) => {
                let from = out.len();
                out.push_str(&encode(&value(word)?));
                secrets.extend(SECRETS.contains(&word).then_some(from..out.len()));
                out.push_str(&piece[word.len() + 1..]);
            }
            None => {
                out.push('{');
                out.push_str(piece);
            }
        }
    }
    secrets.into_iter().for_each(|part| crate::types::secret::written(&out, part));
    Some(out)
}

/// Path and query of a URL. A parameter without a value is left out: nothing is blanked by it.
pub fn resource(text: &str, value: &dyn Fn(&str) -> Option<String>) -> String {
    let (path, query) = text.split_once('?').unwrap_or((text, ""));
    let mut out = fill(path, value, &in_url).unwrap_or_default();
    let mut joint = '?';
    let parameters = query.split('&').filter(|parameter| !parameter.is_empty());
    for parameter in parameters.filter_map(|parameter| fill(parameter, value, &in_url)) {
        out.push(joint);
        out.push_str(&parameter);
        joint = '&';
    }
    out
}

/// Commas part addresses; servers exist that look for them undecoded.
fn in_url(text: &str) -> String {
    crate::types::secret::percent(text).replace("%2C", ",")
}

/// As it stands within the quotes of JSON.
pub fn in_json(text: &str) -> String {
    let quoted = crate::types::json::quote(text);
    quoted[1..quoted.len() - 1].to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(slot: &str) -> Option<String> {
        match slot {
            "host" => Some("a.example".to_string()),
            "password" => Some("{host}&\"=".to_string()),
            "ipv4" => Some("198.41.0.4".to_string()),
            _ => None,
        }
    }

    #[test]
    fn places_are_filled_once_and_encoded_for_where_they_stand() {
        assert_eq!(
            resource("/u/{password}?h={host}&p={password}", &value),
            "/u/%7Bhost%7D%26%22%3D?h=a.example&p=%7Bhost%7D%26%22%3D"
        );
        let json = "{\"p\":\"{password}\",\"e\":{},\"h\":[\"{host}\"]}";
        let filled = "{\"p\":\"{host}&\\\"=\",\"e\":{},\"h\":[\"a.example\"]}";
        assert_eq!(fill(json, &value, &in_json).as_deref(), Some(filled));
    }

    #[test]
    fn open_braces_are_found() {
        assert_eq!(unclosed("https://x/?ip={ip&h={host}"), Some("{ip&h={host}"));
        assert_eq!(unclosed("https://x/?ip={IP}"), Some("{IP}"));
        assert_eq!(unclosed("https://x/?ip={ip}&h={host}"), None);
    }

    #[test]
    fn a_parameter_without_a_value_is_left_out() {
        assert_eq!(resource("/u?ip={ipv4}&ip6={ipv6}&x=1", &value), "/u?ip=198.41.0.4&x=1");
        assert_eq!(resource("/u?ip6={ipv6}", &value), "/u");
        assert_eq!(resource("/u", &value), "/u");
    }
}
