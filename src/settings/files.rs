//! Settings from files: bounded, line by line where they are not text, and with what they include.

use super::{Place, Settings};
use crate::sys::files;
use crate::sys::os;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A settings file larger than this is something else.
const LARGEST: u64 = 1024 * 1024;

impl Settings {
    /// Reads a file, without what it includes. `Err` only if the file itself cannot be read.
    pub fn read(path: &Path) -> Result<Settings, std::io::Error> {
        let mut settings = Settings::empty();
        let (bytes, mode) = read_bounded(path)?;
        settings.sections[0].place = Place::new(&path.display().to_string(), 0);
        settings.files.push((path.to_path_buf(), mode));
        settings.parse_bytes(&bytes, &path.display().to_string());
        Ok(settings)
    }

    /// Parses one file. Lines that are not UTF-8 are told, and the others still read.
    fn parse_bytes(&mut self, bytes: &[u8], source: &str) {
        let mut text = String::with_capacity(bytes.len());
        for (number, line) in bytes.split(|b| *b == b'\n').enumerate() {
            match std::str::from_utf8(line) {
                Ok(line) => text.push_str(line),
                Err(_) => self.problem(source, number + 1, "the line is not valid UTF-8: save the file as UTF-8"),
            }
            text.push('\n');
        }
        self.parse(&text, source);
    }

    /// Reads the files that `include` names, in alphabetical order; included files include no others. A relative
    /// name is one beside the main file.
    pub fn include(&mut self, main: &Path) {
        let Some(entry) = self.agent().get("include").cloned() else {
            return;
        };
        let itself =
            |path: &PathBuf| path.canonicalize().is_ok_and(|path| main.canonicalize().is_ok_and(|main| path == main));
        for pattern in entry.value.split(',').map(str::trim).filter(|p| !p.is_empty()) {
            let pattern = main.parent().unwrap_or(Path::new("")).join(pattern);
            match matching(&pattern) {
                Ok(paths) => {
                    // `*.conf` beside the main file names that one too.
                    for path in paths.into_iter().filter(|path| !itself(path)) {
                        self.include_one(&path, &entry.place);
                    }
                }
                Err(why) => self.problem(
                    &entry.place.source,
                    entry.place.line,
                    format!("include: '{}': {why}", pattern.display()),
                ),
            }
        }
    }

    fn include_one(&mut self, path: &Path, from: &Place) {
        match read_bounded(path) {
            Ok((bytes, mode)) => {
                self.files.push((path.to_path_buf(), mode));
                self.parse_bytes(&bytes, &path.display().to_string());
            }
            Err(error) => self.problem(
                &from.source,
                from.line,
                format!("include: cannot read '{}': {error}: check the path", path.display()),
            ),
        }
    }
}

/// What a file holds, and its mode. A device or a pipe has no size: what is read is counted.
fn read_bounded(path: &Path) -> Result<(Vec<u8>, u32), std::io::Error> {
    let mut file = os::open(path)?;
    let found = file.metadata()?;
    let bytes = files::read_all(&mut file, found.len(), LARGEST)?;
    match bytes.len() as u64 > LARGEST {
        true => Err(std::io::Error::other("larger than 1 MiB: not a configuration file")),
        false => Ok((bytes, found.permissions().mode())),
    }
}

/// The files that a pattern names; `*` may stand in the last part of the path only.
fn matching(pattern: &Path) -> Result<Vec<PathBuf>, String> {
    let Some(name) = pattern.file_name().and_then(|name| name.to_str()) else {
        return Err("the path has no file name: write a path such as /etc/homing.d/*.conf".to_string());
    };
    let Some((head, tail)) = name.split_once('*') else {
        return Ok(vec![pattern.to_path_buf()]);
    };
    let above = pattern.parent().unwrap_or(Path::new("")).as_os_str().as_encoded_bytes();
    if tail.contains('*') || above.contains(&b'*') {
        return Err("only the last part of a path can contain a '*', and only one: remove the others".to_string());
    }
    let folder = match pattern.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    // A folder that is not there holds no files: an empty homing.d may be removed.
    let Ok(listing) = std::fs::read_dir(folder) else {
        return Ok(Vec::new());
    };
    let mut found: Vec<PathBuf> = listing
        .flatten()
        .filter(|item| {
            item.file_name().to_str().is_some_and(|name| {
                name.len() >= head.len() + tail.len()
                    && name.starts_with(head)
                    && name.ends_with(tail)
                    && !name.starts_with('.')
            })
        })
        .map(|item| item.path())
        .collect();
    found.sort();
    Ok(found)
}
