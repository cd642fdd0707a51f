//! `application/x-www-form-urlencoded` pairs: a query, or a form's body (<https://url.spec.whatwg.org/#concept-urlencoded>).

/// Names and values in the order of the text. They may hold a password: no `Debug`.
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Splits at `&` only, as the predecessor's language does since 2021: `;` may be part of a password. A `%` that
    /// starts no escape stands for itself.
    pub fn parse(text: &[u8]) -> Params {
        let pairs = text.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
        Params(pairs.map(pair).collect())
    }

    /// The first value that is not empty under the first of these names that has one.
    pub fn first(&self, names: &[String]) -> Option<&str> {
        let value = |name: &String| self.0.iter().find(|(known, value)| known == name && !value.trim().is_empty());
        names.iter().find_map(value).map(|(_, value)| value.as_str())
    }
}

fn pair(text: &[u8]) -> (String, String) {
    let at = text.iter().position(|byte| *byte == b'=').unwrap_or(text.len());
    (decode(&text[..at]), decode(text.get(at + 1..).unwrap_or_default()))
}

fn decode(text: &[u8]) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'+' => out.push(b' '),
            b'%' => match after {
                [high, low, left @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                    out.push(hex(*high) << 4 | hex(*low));
                    rest = left;
                }
                _ => out.push(b'%'),
            },
            _ => out.push(byte),
        }
    }
    text_of(out)
}

fn hex(digit: u8) -> u8 {
    char::from(digit).to_digit(16).map_or(0, |value| value as u8)
}

/// UTF-8, or Latin-1 where it is none: routers of the last decade send a password's umlaut in either.
pub fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| error.into_bytes().into_iter().map(char::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str, name: &str) -> Option<String> {
        Params::parse(text.as_bytes()).first(&[name.to_string()]).map(str::to_string)
    }

    #[test]
    fn escapes_are_decoded_once() {
        for (value, decoded) in [
            ("a%20b+c", "a b c"),
            ("%2525", "%25"),
            ("%", "%"),
            ("%4", "%4"),
            ("%zz", "%zz"),
            ("%+1", "% 1"),
            ("a=b", "a=b"),
            ("a;b", "a;b"),
            ("%C3%BC", "\u{fc}"),
            ("%FC", "\u{fc}"),
            ("%00", "\0"),
        ] {
            assert_eq!(first(&format!("v={value}"), "v").as_deref(), Some(decoded), "{value}");
        }
        assert_eq!(first("%76=1", "v").as_deref(), Some("1"), "names are decoded too");
    }

    #[test]
    fn empty_and_missing_values_are_the_same() {
        for text in ["", "&&", "v", "v=", "v=&v=", "v=%20", "V=1", "=1"] {
            assert_eq!(first(text, "v"), None, "{text}");
        }
        assert_eq!(first("v=&v=2", "v").as_deref(), Some("2"));
        assert_eq!(first("v=1&v=2", "v").as_deref(), Some("1"));
    }
}
