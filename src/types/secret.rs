//! A string that cannot be printed. Every secret that enters the process passes through here once, so that
//! whatever is later said about a request or quoted from a server can be searched for it, in each form in
//! which it travels: raw, base64, percent-encoded, and escaped in JSON. What is shorter than four characters stands in
//! half of all words by chance: it is masked where it stands alone, and so is any word that we wrote it into.

use crate::types::spelling::of_a_word;
use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use std::fmt;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use zeroize::Zeroizing;

/// What stands in the place of a secret.
const MASK: &str = "***";

/// Fewer characters than this are masked only where they stand alone.
pub const SHORT: usize = 4;

/// All forms of all secrets, longest first.
static FORMS: Mutex<Vec<Zeroizing<String>>> = Mutex::new(Vec::new());

/// A password, token or key. `Debug` and `Display` print `***`; the memory is overwritten when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a secret in, and remembers its forms for [`mask`].
    pub fn new(text: &str) -> Secret {
        let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
        let percent = percent(text);
        remember([text.to_string(), STANDARD.encode(text), lower_hex(&percent), percent, escaped]);
        Secret(Zeroizing::new(text.to_string()))
    }

    /// A text that holds secrets among other things and never goes over the wire, so that nobody can quote it.
    pub fn unmasked(text: &str) -> Secret {
        Secret(Zeroizing::new(text.to_string()))
    }

    /// The text itself: for the wire, never for the eye.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(MASK)
    }
}

/// The value of an `Authorization: Basic` header (RFC 7617), itself a secret.
pub fn basic(user: &str, password: &Secret) -> Secret {
    let pair = Zeroizing::new(format!("{user}:{}", password.expose()));
    Secret::new(&STANDARD.encode(pair.as_bytes()))
}

/// Percent-encodes all but the unreserved characters (RFC 3986, section 2.3).
pub fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => {
                out.push('%');
                for half in [byte >> 4, byte & 15] {
                    out.push(char::from(b"0123456789ABCDEF"[usize::from(half)]));
                }
            }
        }
    }
    out
}

/// A percent-encoded text with its hexadecimal digits in lower case, as some servers write them.
fn lower_hex(encoded: &str) -> String {
    let mut pieces = encoded.split('%');
    let first = pieces.next().unwrap_or_default().to_string();
    pieces.fold(first, |done, piece| done + "%" + &piece[..2].to_ascii_lowercase() + &piece[2..])
}

/// `text` with every known secret, in every form, replaced by `***`.
pub fn mask(text: &str) -> String {
    let forms = FORMS.lock().unwrap_or_else(PoisonError::into_inner);
    let mut out = text.to_string();
    for form in forms.iter() {
        if out.contains(form.as_str()) {
            out = match is_short(form) {
                true => mask_alone(&out, form),
                false => out.replace(form.as_str(), MASK),
            };
        }
    }
    out
}

fn is_short(text: &str) -> bool {
    text.chars().count() < SHORT
}

/// Masks a short form wherever it is no part of a longer word.
fn mask_alone(text: &str, form: &str) -> String {
    let (mut out, mut done) = (String::with_capacity(text.len()), 0);
    for (at, _) in text.match_indices(form) {
        let end = at + form.len();
        if word_around(text, at..end) == (at..end) {
            out.push_str(&text[done..at]);
            out.push_str(MASK);
            done = end;
        }
    }
    out + &text[done..]
}

/// The word that a part of a text belongs to, or the part itself: what follows on a letter or digit of it.
fn word_around(text: &str, part: Range<usize>) -> Range<usize> {
    let within = &text[part.clone()];
    let before = text[..part.start].chars().rev().take_while(|c| of_a_word(*c)).map(char::len_utf8).sum::<usize>();
    let after = text[part.end..].chars().take_while(|c| of_a_word(*c)).map(char::len_utf8).sum::<usize>();
    let begins = within.starts_with(of_a_word) && before > 0;
    let goes_on = within.ends_with(of_a_word) && after > 0;
    part.start - if begins { before } else { 0 }..part.end + if goes_on { after } else { 0 }
}

/// Told of a secret that was written at this place of a text: where it is short and became part of a longer word, that
/// word is a secret too.
pub fn written(text: &str, part: Range<usize>) {
    let word = word_around(text, part.clone());
    if is_short(&text[part.clone()]) && word != part {
        Secret::new(&text[word]);
    }
}

/// A form of nothing but blanks is left out: masking every blank of a line would only make it unreadable.
fn remember(forms: [String; 5]) {
    let mut known = FORMS.lock().unwrap_or_else(PoisonError::into_inner);
    for form in forms {
        if !form.trim().is_empty() && !known.iter().any(|old| **old == form) {
            let at = known.partition_point(|old| old.len() >= form.len());
            known.insert(at, Zeroizing::new(form));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_as_stars() {
        let secret = Secret::new("correct horse/battery");
        assert_eq!(format!("{secret} {secret:?}"), "*** ***");
        assert_eq!(secret.expose(), "correct horse/battery");
    }

    #[test]
    fn every_form_is_masked() {
        let secret = Secret::new("p\"q r+1-canary");
        let header = basic("alice", &secret);
        let said = format!(
            "raw {} b64 {} pct {} json p\\\"q r+1-canary basic {}",
            secret.expose(),
            STANDARD.encode(secret.expose()),
            percent(secret.expose()),
            header.expose()
        );
        assert_eq!(mask(&said), "raw *** b64 *** pct *** json *** basic ***");
    }

    #[test]
    fn a_short_secret_is_masked_where_it_stands_alone() {
        let secret = Secret::new("zq");
        for (said, masked) in [
            ("?password=zq&host=zqx.example", "?password=***&host=zqx.example"),
            ("{\"p\":\"zq\"} zq, 'zq' (zq)", "{\"p\":\"***\"} ***, '***' (***)"),
            ("zqzq zq.zq 1zq zq\u{e4}", "zqzq ***.*** 1zq zq\u{e4}"),
            ("zq", "***"),
        ] {
            assert_eq!(mask(said), masked);
        }
        assert_eq!(mask(&STANDARD.encode(secret.expose())), "***");
        // Written into a longer word, that word is kept too.
        let text = "u=alicezq&t=zq";
        written(text, 7..9);
        written(text, 12..14);
        assert_eq!(mask("u=alicezq&t=zq alice"), "u=***&t=*** alice");
        // A mark is no part of a word.
        Secret::new("\u{a7}\u{a7}");
        assert_eq!(mask("a\u{a7}\u{a7}b"), "a***b");
    }

    #[test]
    fn percent_keeps_only_the_unreserved() {
        assert_eq!(percent("a-Z_0.~"), "a-Z_0.~");
        assert_eq!(percent("a b&c=ü"), "a%20b%26c%3D%C3%BC");
    }
}
