//! The hosts of a section: names as they are written, and `@hostname` for this machine's own.

use super::SectionReader;
use crate::settings::{shown, Entry};
use crate::types::hostname::Host;

impl SectionReader<'_> {
    /// Each item of `hosts` with the host that it stands for, or what is wrong with it. Nothing is noted: whoever
    /// builds the section does that.
    pub fn hosts(&self) -> impl Iterator<Item = (&str, Result<Host, String>)> {
        let items = self.entry("hosts").map_or("", |entry| entry.value.as_str()).split(',').map(str::trim);
        let host = |item: &str| match item {
            "@hostname" => machine(self.entry("zone")).and_then(|name| Host::new(&name)),
            name => Host::new(name),
        };
        items.map(move |item| (item, host(item)))
    }
}

/// The machine's own name, which the zone makes whole where it has no domain.
fn machine(zone: Option<&Entry>) -> Result<String, String> {
    let name = crate::sys::os::hostname().ok_or("this machine has no hostname: write the host")?;
    match zone {
        _ if name.contains('.') => Ok(name),
        Some(zone) => Ok(format!("{name}.{}", zone.value)),
        None => Err(format!("this machine's name '{}' has no domain: set zone, or write the host", shown(&name))),
    }
}
