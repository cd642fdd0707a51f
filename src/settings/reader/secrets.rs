//! Where secrets come from: the settings themselves, a file, a variable, systemd's credentials.

use super::{SectionReader, SECRET_FORMS};
use crate::settings::{Entry, Section};
use crate::types::secret::{self, Secret};
use std::path::{Path, PathBuf};

/// A secret read from a file may not be longer, in bytes.
const LONGEST_SECRET: u64 = 64 * 1024;

impl<'a> SectionReader<'a> {
    /// Whether a secret is given in any of its forms.
    pub fn has_secret(&self, base: &str) -> bool {
        SECRET_FORMS.iter().any(|form| self.entry(&format!("{base}{form}")).is_some())
    }

    /// A secret that must be there.
    pub fn needed_secret(&self, base: &str) -> Option<Secret> {
        if !self.has_secret(base) {
            self.lacking(format!(
                "'{base}' is missing: add {base}_file = PATH (or {base}, {base}_env, {base}_credential)"
            ));
        }
        self.secret(base)
    }

    /// A secret in whichever of its forms it was given.
    pub fn secret(&self, base: &str) -> Option<Secret> {
        self.read_once(base, false)
    }

    /// The same of a text with lines, which holds a secret among other things. What is to be masked of it is up to
    /// whoever takes it apart.
    pub fn document(&self, base: &str) -> Option<Secret> {
        self.read_once(base, true)
    }

    fn read_once(&self, base: &str, lines: bool) -> Option<Secret> {
        // Read once: what is sent and what is remembered of it must be the same, whoever rewrites the file meanwhile.
        if let Some((_, known)) = self.secrets.borrow().iter().find(|(name, _)| name == base) {
            return known.clone();
        }
        let secret = self.read_secret(base, lines);
        self.secrets.borrow_mut().push((base.to_string(), secret.clone()));
        secret
    }

    fn read_secret(&self, base: &str, lines: bool) -> Option<Secret> {
        let of = |section: Option<&'a Section>| -> Vec<(&str, &'a Entry)> {
            let entry = |form: &str| section?.get(&format!("{base}{form}"));
            SECRET_FORMS.iter().filter_map(|form| Some((*form, entry(form)?))).collect()
        };
        // The section's own form counts before the preset's, and what --set said before the file's.
        let mut given = of(Some(self.section));
        if given.is_empty() {
            given = of(self.preset);
        }
        if given.iter().any(|(_, entry)| entry.place.is_option()) {
            given.retain(|(_, entry)| entry.place.is_option());
        }
        let mut given = given.into_iter();
        let (form, entry) = given.next()?;
        if let Some((_, second)) = given.next() {
            self.wrong(second, format!("conflicts with '{}' ({}): remove one", entry.key, entry.place));
            return None;
        }
        match self.secret_text(form, entry) {
            Ok(text) if text.is_empty() => self.wrong(entry, "the secret is empty: set it"),
            Ok(text) if lines => return Some(Secret::unmasked(&text)),
            // They would end a header line, or the line of a protocol.
            Ok(text) if text.contains(|c: char| c.is_control()) => {
                self.wrong(entry, "the secret contains a control character or a second line: write it as one line");
            }
            Ok(text) => {
                if text.chars().count() < secret::SHORT {
                    let warning = format!(
                        "{}: {}: a secret of fewer than {} characters is easy to guess, and is masked only as a separate word",
                        entry.place,
                        entry.key,
                        secret::SHORT
                    );
                    self.warnings.borrow_mut().push(warning);
                }
                return Some(Secret::new(&text));
            }
            Err(why) => self.wrong(entry, why),
        }
        None
    }

    fn secret_text(&self, form: &str, entry: &Entry) -> Result<String, String> {
        let value = entry.value.as_str();
        match form {
            "_file" => self.secret_file(Path::new(value)),
            // Whoever takes these keys for the plain one writes the secret here: it is said again only where it
            // looks like what was asked for.
            "_env" => std::env::var(value).map_err(|_| {
                let name = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
                match value.bytes().all(name) {
                    true => format!("the variable '{value}' is not set: set it in homing's environment"),
                    false => "this is not the name of a variable: write its name, not the secret".to_string(),
                }
            }),
            "_credential" => {
                if value.contains('/') || value.is_empty() || value.starts_with('.') {
                    return Err(
                        "this is not the name of a credential: write the name that LoadCredential= defines".to_string()
                    );
                }
                let folder = std::env::var_os("CREDENTIALS_DIRECTORY")
                    .ok_or("CREDENTIALS_DIRECTORY is not set: add LoadCredential= to the systemd service")?;
                let path = PathBuf::from(folder).join(value);
                match path.exists() {
                    true => self.secret_file(&path),
                    false => {
                        Err("there is no credential of this name: add it with LoadCredential= (not the secret)"
                            .to_string())
                    }
                }
            }
            _ if value.starts_with('"') && !entry.quoted => {
                Err("text after the closing quote: put the quotes around the whole secret".to_string())
            }
            _ => Ok(value.to_string()),
        }
    }

    fn secret_file(&self, path: &Path) -> Result<String, String> {
        use std::os::unix::fs::PermissionsExt;
        let shown = match path.as_os_str().as_encoded_bytes().contains(&b'/') {
            true => format!("'{}'", path.display()),
            false => "the file of this name (write a path here, not the secret)".to_string(),
        };
        let told = |error: std::io::Error| format!("cannot read {shown}: {error}: check the path and its permissions");
        let found = std::fs::metadata(path).map_err(told)?;
        if !found.is_file() || found.len() > LONGEST_SECRET {
            return Err(format!("{shown} is not a file with a single line: write only the secret into it"));
        }
        if found.permissions().mode() & 0o004 != 0 {
            let name = path.display();
            let warning = format!("others can read '{name}', which contains a secret: run chmod o-r {name}");
            self.warnings.borrow_mut().push(warning);
        }
        let text = std::fs::read_to_string(path).map_err(told)?;
        // An editor's byte order mark is no part of a secret.
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        Ok(text.trim_end_matches(['\n', '\r']).to_string())
    }
}
