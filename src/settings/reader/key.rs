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
    pub need: Need,
}

/// Whether a section has to set a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Need {
    No,
    /// Unless its preset does.
    Yes,
    /// If a text of its preset has a placeholder for it.
    IfUsed,
}

/// A key with an ordinary value.
pub const fn key(name: &'static str, what: &'static str) -> Key {
    Key { name, what: told(what), secret: false, need: Need::No }
}

/// A key with a secret value, in its four forms.
pub const fn secret(name: &'static str, what: &'static str) -> Key {
    Key { name, what: told(what), secret: true, need: Need::No }
}

/// What only `--list` tells.
const fn told(what: &'static str) -> &'static str {
    match cfg!(feature = "advice") {
        true => what,
        false => "",
    }
}

impl Key {
    /// The key in each of its forms.
    pub fn forms(&self) -> impl Iterator<Item = String> + '_ {
        let forms: &[&str] = if self.secret { &SECRET_FORMS } else { &[""] };
        forms.iter().map(|form| format!("{}{form}", self.name))
    }

    /// The same key, which a section has to set unless its preset does.
    pub const fn needed(self) -> Key {
        Key { need: Need::Yes, ..self }
    }

    /// The same key, which a section has to set if a text of its preset has a placeholder for it.
    pub const fn if_used(self) -> Key {
        Key { need: Need::IfUsed, ..self }
    }

    /// Whether a key as written is this one, in any of its forms.
    pub fn matches(&self, name: &str) -> bool {
        match name.strip_prefix(self.name) {
            Some("") => true,
            Some(form) => self.secret && SECRET_FORMS.contains(&form),
            None => false,
        }
    }
}
