//! Holds the state during a pass: takes the lock, reads it, and writes it only when it differs from what the file
//! holds. In a dry run nothing is locked and nothing is written.

pub mod history;
pub mod last_pass;
pub mod state;

use crate::sys::files::Folder;
use state::{Loaded, SectionState, State};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

/// Where the state is kept during a pass. Nothing is written in a dry run.
pub struct StateStore {
    folder: Option<Folder>,
    path: PathBuf,
    pub state: State,
    /// What the file holds.
    stored: State,
}

impl StateStore {
    /// Takes the lock, waiting `until` at most, and reads the state. A dry run takes no lock and sets nothing aside.
    /// Also a warning about a state file that could not be parsed.
    pub fn open(path: &Path, dry: bool, until: Instant) -> Result<(StateStore, Option<String>), String> {
        let folder = match dry {
            true => None,
            false => Some(Folder::of(path)?),
        };
        if let Some(folder) = &folder {
            folder.lock(until)?;
        }
        let told = |error| format!("cannot open the state {}: {error}; nothing was pushed", path.display());
        let mut warning = None;
        let stored = match state::load(path).map_err(told)? {
            Loaded::Found(state) => Some(state),
            Loaded::Missing => None,
            Loaded::Bad(why) => {
                warning = Some(set_aside(path, &why, dry));
                None
            }
        };
        let state = stored.clone().unwrap_or_else(State::fresh);
        let store = StateStore { folder, path: path.to_path_buf(), state, stored: stored.unwrap_or_default() };
        Ok((store, warning))
    }

    /// The folder whose lock is held; none in a dry run.
    pub fn folder(&self) -> Option<&Folder> {
        self.folder.as_ref()
    }

    /// Puts back what was remembered of a section, which may be nothing.
    pub fn restore(&mut self, section: &str, kept: Option<Rc<SectionState>>) {
        match kept {
            Some(kept) => self.state.sections.insert(section.to_string(), kept),
            None => _ = self.state.sections.remove(section),
        }
    }

    /// Writes the state if it differs from what the file holds. A memory of nothing is not worth a file.
    pub fn store(&mut self) -> Result<(), String> {
        let salt_only = State { salt: self.state.salt.clone(), ..State::default() };
        let Some(folder) = &self.folder else { return Ok(()) };
        if self.state == self.stored || (self.stored.salt.is_empty() && self.state == salt_only) {
            return Ok(());
        }
        state::store(folder, &self.path, &self.state)
            .map_err(|error| format!("cannot write {}: {error}", self.path.display()))?;
        self.stored = self.state.clone();
        Ok(())
    }
}

/// Keeps a state that makes no sense for a person to look at, out of the way of the next one.
fn set_aside(path: &Path, why: &str, dry: bool) -> String {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".bad");
    let aside = PathBuf::from(aside);
    let what = format!("the state {} makes no sense ({why})", path.display());
    if dry {
        return format!("{what} and counts as missing");
    }
    match std::fs::rename(path, &aside) {
        Ok(()) => format!("{what}: set aside as {}; each host is pushed once more", aside.display()),
        Err(error) => format!("{what} and cannot be set aside: {error}"),
    }
}
