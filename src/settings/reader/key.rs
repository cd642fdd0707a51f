//! The keys that tables offer: detectors, providers and the agent each have one.

/// A section's own secrets may stand in a file under these endings of the key.
pub const SECRET_FORMS: [&str; 4] = ["", "_file", "_env", "_credential"];

/// A key that a table offers.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    pub name: &'static str,
    /// What it is for, in a few words.
    pub what: &'static str,
    /// Whether it also comes as `_file`, `_env` and `_credential`.
    pub secret: bool,
}

/// A key with an ordinary value.
pub const fn key(name: &'static str, what: &'static str) -> Key {
    Key { name, what: told(what), secret: false }
}

/// A key with a secret value, in its four forms.
pub const fn secret(name: &'static str, what: &'static str) -> Key {
    Key { name, what: told(what), secret: true }
}

/// What only `--list` tells.
const fn told(what: &'static str) -> &'static str {
    match cfg!(feature = "advice") {
        true => what,
        false => "",
    }
}

impl Key {
    /// Whether a key as written is this one, in any of its forms.
    pub fn matches(&self, name: &str) -> bool {
        match name.strip_prefix(self.name) {
            Some("") => true,
            Some(form) => self.secret && SECRET_FORMS.contains(&form),
            None => false,
        }
    }
}
