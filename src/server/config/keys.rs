//! Files that the configuration names: TSIG keys, and whether others can read what they should not.

use crate::net::tsig::{self, Key};
use crate::types::secret::Secret;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The most that a key file or a configuration may have, in bytes.
pub(super) const LONGEST: u64 = 1024 * 1024;

/// Reads a text file that others must not be able to read.
///
/// # Errors
/// What is wrong, with what to do.
pub(super) fn read_private(file: &Path) -> Result<String, String> {
    private(file)?;
    fs::read_to_string(file).map_err(|error| format!("'{}' cannot be read: {error}", file.display()))
}

/// Whether a file is there, of a sane size and closed to others.
pub(super) fn private(file: &Path) -> Result<(), String> {
    let meta = readable(file)?;
    let mode = meta.mode() & 0o777;
    match mode & 0o007 {
        0 => Ok(()),
        _ => Err(format!(
            "'{}' is open to all users (mode {mode:04o}): run chmod {:04o} {}",
            file.display(),
            mode & !0o007,
            file.display()
        )),
    }
}

/// Whether a file is there and of a sane size.
pub(super) fn readable(file: &Path) -> Result<fs::Metadata, String> {
    let meta = fs::metadata(file).map_err(|error| format!("'{}' cannot be read: {error}", file.display()))?;
    match meta {
        meta if !meta.is_file() => Err(format!("'{}' is not a file", file.display())),
        meta if meta.len() > LONGEST => Err(format!("'{}' is larger than {LONGEST} bytes", file.display())),
        meta => Ok(meta),
    }
}

/// Reads a TSIG key in tsig-keygen(8)'s format.
///
/// # Errors
/// What is wrong, with what to do; nothing of the key but its name.
pub(super) fn read_key(file: &Path) -> Result<Key, String> {
    let text = Secret::unmasked(&read_private(file)?);
    let wrong = |why: &str| format!("'{}' is not a TSIG key as tsig-keygen writes it: {why}", file.display());
    let material = tsig::read_key(text.expose(), None, file.to_str()).map_err(|why| wrong(&why))?;
    let name = material.name.ok_or_else(|| wrong("the key has no name"))?;
    let algorithm = material.algorithm.ok_or_else(|| wrong("the key has no algorithm"))?;
    Key::new(&name, algorithm, &material.secret).map_err(wrong)
}
