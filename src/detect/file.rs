//! An address that another program keeps in a file: its first line, and only a whole one, for half of an address may
//! look like an address.

use crate::net::http::quoted;
use crate::sys::os;
use crate::types::address::{self, Family};
use std::fs::OpenOptions;
use std::io::Read;
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Bytes that the first line may have.
const LONGEST: u64 = 256;

pub fn ask(path: &Path, family: Family) -> Result<IpAddr, String> {
    let shown = path.display();
    let told = |error: std::io::Error| format!("cannot read {shown}: {error}");
    // A pipe would be waited for.
    let file = OpenOptions::new().read(true).custom_flags(os::NONBLOCK).open(path).map_err(told)?;
    if !file.metadata().map_err(told)?.is_file() {
        return Err(format!("{shown} is not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes).map_err(told)?;
    let text = String::from_utf8_lossy(&bytes);
    match text.split_once('\n') {
        Some((line, _)) => address::parse(line, family).map_err(|why| format!("{shown}: {why}: {}", quoted(line))),
        None if bytes.is_empty() => Err(format!("{shown} is empty")),
        None => Err(format!("{shown}: its first line has no end, so it may be half written: {}", quoted(&text))),
    }
}
