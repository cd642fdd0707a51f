//! When the last pass was and how it went: kept where no flash wears out (`$RUNTIME_DIRECTORY`, else /run/homing or
//! /var/run/homing where there is one, else /run), and nowhere if that cannot be written. Nothing depends on it but what
//! `--status` shows and whether a failure that lasts is told to the hooks again.

use crate::sys::clock::Timestamp;
use crate::sys::files;
use crate::types::digest::{hex, sha256};
use crate::types::json::{self, Object};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The folder that systemd makes for the service of the packages (`RuntimeDirectory=homing`), and the one that OpenWrt's
/// init script makes.
const SERVICES: [&str; 2] = ["/run/homing", "/var/run/homing"];

/// What is known of the passes before.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LastPass {
    pub pass: Option<Timestamp>,
    pub success: Option<Timestamp>,
    /// Whether the last pass could not learn an address.
    pub blind: bool,
}

impl LastPass {
    /// Reads what the last pass left; nothing is as good as any.
    pub fn read(state: &Path) -> LastPass {
        let text = files::read(&place(state), 4096).unwrap_or_default();
        match json::parse(&String::from_utf8_lossy(&text)) {
            Ok(json) => LastPass {
                pass: json::number(&json, "pass"),
                success: json::number(&json, "success"),
                blind: json::flag(&json, "blind").unwrap_or(false),
            },
            Err(_) => LastPass::default(),
        }
    }

    pub fn write(&self, state: &Path) {
        let mut object = Object::new();
        for (key, at) in [("pass", self.pass), ("success", self.success)] {
            if let Some(at) = at {
                object = object.number(key, at);
            }
        }
        files::jot(&place(state), &format!("{}\n", object.flag("blind", self.blind).end()));
    }
}

/// A name made from the state's path, so that several configs keep apart.
fn place(state: &Path) -> PathBuf {
    let state = std::path::absolute(state).unwrap_or_else(|_| state.to_path_buf());
    let sum = sha256(&[state.as_os_str().as_bytes()]);
    let name = hex(&sum[..6]);
    let folder = std::env::var_os("RUNTIME_DIRECTORY").unwrap_or_default();
    // systemd gives several, with colons between.
    let first = folder.as_bytes().split(|byte| *byte == b':').next().unwrap_or_default();
    let folder = match first {
        // Whoever asks from outside looks where the service of the packages leaves it.
        [] => Path::new(SERVICES.into_iter().find(|folder| Path::new(folder).is_dir()).unwrap_or("/run")),
        first => Path::new(std::ffi::OsStr::from_bytes(first)),
    };
    folder.join(format!("homing-{name}.json"))
}
