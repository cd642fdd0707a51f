//! Credentials as they were sent.

use super::params::text_of;
use base64::engine::general_purpose::STANDARD;
use base64::Engine;

/// What a token begins with; 32 characters of base32 (RFC 4648, lower case) follow.
const TOKEN_PREFIX: &str = "hs_";
const TOKEN_LENGTH: usize = 35;

/// Who the client says it is. It holds a secret: no `Debug`.
#[derive(PartialEq, Eq, Clone)]
pub enum Login {
    /// No credentials, or only half of a pair.
    None,
    Password {
        user: String,
        password: String,
    },
    /// A token, and the user beside it if one was given.
    Token {
        user: Option<String>,
        token: String,
    },
}

impl Login {
    /// A pair of user and password, either of which may be empty.
    pub fn new(user: &str, password: &str) -> Login {
        if is_token(password) {
            let user = (!user.is_empty()).then(|| user.to_string());
            return Login::Token { user, token: password.to_string() };
        }
        match user.is_empty() || password.is_empty() {
            true => Login::None,
            false => Login::Password { user: user.to_string(), password: password.to_string() },
        }
    }

    /// This one, or the other where there is none.
    pub fn or(self, other: impl FnOnce() -> Login) -> Login {
        match self {
            Login::None => other(),
            given => given,
        }
    }

    /// The user that was named, for the log and the limits.
    pub fn user(&self) -> Option<&str> {
        match self {
            Login::None => None,
            Login::Password { user, .. } => Some(user),
            Login::Token { user, .. } => user.as_deref(),
        }
    }
}

/// Whether it has a token's form. A password of this form is taken for a token.
fn is_token(text: &str) -> bool {
    let digits = |rest: &str| rest.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'));
    text.len() == TOKEN_LENGTH && text.strip_prefix(TOKEN_PREFIX).is_some_and(digits)
}

/// The value of an `Authorization` header: Basic (RFC 7617) or Bearer (RFC 6750). Whatever else it is gives none.
pub fn basic_or_bearer(value: &[u8]) -> Login {
    let Ok(value) = std::str::from_utf8(value) else { return Login::None };
    let Some((scheme, rest)) = value.trim().split_once(' ') else { return Login::None };
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        // Any text: a mistyped token is a wrong one, and not none.
        return match rest.is_empty() {
            true => Login::None,
            false => Login::Token { user: None, token: rest.to_string() },
        };
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return Login::None;
    }
    // Some clients leave the padding out.
    let Ok(pair) = STANDARD.decode(padded(rest)) else { return Login::None };
    let pair = text_of(pair);
    pair.split_once(':').map_or(Login::None, |(user, password)| Login::new(user, password))
}

fn padded(text: &str) -> String {
    let text = text.trim_end_matches('=');
    format!("{text}{}", "=".repeat((4 - text.len() % 4) % 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "hs_abcdefghijklmnopqrstuvwxyz234567";

    fn basic(pair: &str) -> Login {
        basic_or_bearer(format!("Basic {}", STANDARD.encode(pair)).as_bytes())
    }

    fn password(user: &str, password: &str) -> Login {
        Login::Password { user: user.into(), password: password.into() }
    }

    fn token(user: Option<&str>, token: &str) -> Login {
        Login::Token { user: user.map(str::to_string), token: token.into() }
    }

    #[test]
    fn basic_is_a_user_and_a_password() {
        assert!(basic("alice:secret") == password("alice", "secret"));
        assert!(basic("alice:a:b") == password("alice", "a:b"), "the first colon ends the user");
        assert!(basic("al\u{e9}:\u{fc}") == password("al\u{e9}", "\u{fc}"));
        assert!(basic_or_bearer(b"bAsIc   YWxpY2U6YQ") == password("alice", "a"), "any case, no padding");
        let latin = STANDARD.encode(b"al\xe9:\xfc");
        assert!(basic_or_bearer(format!("Basic {latin}").as_bytes()) == password("al\u{e9}", "\u{fc}"));
    }

    #[test]
    fn half_a_pair_and_other_schemes_are_none() {
        for header in
            ["", "Basic", "Basic ", "Basic !!!", "Basic YWxpY2U=", "Digest username=\"a\"", "YWxpY2U6YQ==", "Bearer "]
        {
            assert!(basic_or_bearer(header.as_bytes()) == Login::None, "{header}");
        }
        for pair in [":", "alice:", ":secret"] {
            assert!(basic(pair) == Login::None, "{pair}");
        }
        assert!(basic_or_bearer(b"Basic \xff") == Login::None);
    }

    #[test]
    fn a_token_is_known_by_its_form() {
        assert!(basic(&format!("alice:{TOKEN}")) == token(Some("alice"), TOKEN));
        assert!(basic(&format!(":{TOKEN}")) == token(None, TOKEN));
        assert!(basic_or_bearer(format!("Bearer {TOKEN}").as_bytes()) == token(None, TOKEN));
        assert!(basic_or_bearer(b"Bearer nonsense") == token(None, "nonsense"));
        for other in [&TOKEN[..34], &format!("{TOKEN}a"), &TOKEN.to_uppercase(), &TOKEN.replace('a', "1")] {
            assert!(Login::new("alice", other) == password("alice", other), "{other}");
        }
    }
}
