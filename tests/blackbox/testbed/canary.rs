//! A search for secrets where they must not be: as they are, percent-encoded, and anywhere within base64.

use super::{Ended, Scratch};

/// The secrets of a test.
#[derive(Default)]
pub struct Canary(Vec<String>);

impl Canary {
    pub fn new<S: Into<String>>(secrets: impl IntoIterator<Item = S>) -> Canary {
        Canary(secrets.into_iter().map(Into::into).filter(|s| !s.is_empty()).collect())
    }

    /// Where a secret leaked: the output of a run, and every file of the scratch folder except those `allowed` (named
    /// as in [`Scratch::path`]), into which the test wrote it.
    pub fn leaks(&self, ended: &Ended, scratch: &Scratch, allowed: &[&str]) -> Vec<String> {
        let mut places = vec![
            ("standard output".to_string(), ended.stdout.clone().into_bytes()),
            ("standard error".to_string(), ended.stderr.clone().into_bytes()),
        ];
        let allowed: Vec<_> = allowed.iter().map(|name| scratch.path(name)).collect();
        for (path, bytes) in scratch.files() {
            if !allowed.contains(&path) {
                places.push((path.display().to_string(), bytes));
            }
        }
        let mut leaks = Vec::new();
        for secret in &self.0 {
            for (form, needle) in forms(secret) {
                let found = places.iter().filter(|(_, hay)| holds(hay, needle.as_bytes()));
                leaks.extend(found.map(|(place, _)| format!("the secret {secret:?} is in {place} ({form})")));
            }
        }
        leaks
    }

    /// As [`Canary::leaks`], panicking if there is a leak.
    pub fn assert_silent(&self, ended: &Ended, scratch: &Scratch, allowed: &[&str]) {
        let leaks = self.leaks(ended, scratch, allowed);
        assert!(leaks.is_empty(), "{}", leaks.join("\n"));
    }
}

/// A secret in each of its encodings. Its base64 form depends on its position within three bytes (after `user:` it may
/// be any), so each of the three forms is cut to the part that only the secret determines.
fn forms(secret: &str) -> Vec<(&'static str, String)> {
    let mut forms = vec![("raw", secret.to_string())];
    if percent(secret) != secret {
        forms.push(("percent", percent(secret)));
        forms.push(("percent", lower_hex(&percent(secret))));
    }
    for before in 0..3 {
        let padded = [&vec![0; before], secret.as_bytes()].concat();
        let whole = base64(&padded);
        let from = [0, 2, 3][before];
        let to = padded.len() * 8 / 6;
        if to >= from + 6 {
            forms.push(("base64", whole[from..to].to_string()));
        }
    }
    forms
}

fn holds(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len()).any(|window| window == needle)
}

/// Percent-encodes all but RFC 3986's unreserved characters.
pub fn percent(text: &str) -> String {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-._~".contains(b);
    text.bytes().map(|b| if plain(&b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// The digits after percent signs in lower case.
fn lower_hex(encoded: &str) -> String {
    let mut pieces = encoded.split('%');
    let first = pieces.next().unwrap_or_default().to_string();
    pieces.fold(first, |done, piece| done + "%" + &piece[..2].to_ascii_lowercase() + &piece[2..])
}

/// Written for the tests, so that they do not check the program with its own code.
pub fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let n = (0..3).fold(0u32, |n, i| n << 8 | u32::from(*three.get(i).unwrap_or(&0)));
        for i in 0..4 {
            let digit = char::from(DIGITS[(n >> (18 - 6 * i)) as usize & 63]);
            out.push(if i <= three.len() { digit } else { '=' });
        }
    }
    out
}
