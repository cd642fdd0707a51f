//! The append-only history of our addresses, and what can be told from it. Order is by line, for a board's clock
//! may have read anything when a line was written. One line an event:
//! `2026-11-20T23:21:07Z ipv4 203.0.113.7 ipify`.

use crate::sys::clock::{self, Timestamp};
use crate::sys::files::{self, Folder};
use crate::types::address::Family;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::net::IpAddr;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// How far back from its end the history is searched for a family's last address, in bytes.
const FAR: u64 = 1024 * 1024;

/// One line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HistoryEntry {
    pub at: Timestamp,
    pub family: Family,
    pub address: IpAddr,
    pub from: String,
}

impl HistoryEntry {
    /// The line, without its end.
    pub fn line(&self) -> String {
        format!("{} {} {} {}", clock::stamp(self.at), self.family, self.address, self.from)
    }

    /// Reads a line; `None` when it is not one of ours.
    pub fn parse(line: &str) -> Option<HistoryEntry> {
        let mut words = line.split(' ');
        let at = clock::parse_stamp(words.next()?)?;
        let family = Family::parse(words.next()?)?;
        let address = words.next()?.parse::<IpAddr>().ok().filter(|ip| Family::of(*ip) == family)?;
        let from = words.next().filter(|from| !from.is_empty())?.to_string();
        words.next().is_none().then_some(HistoryEntry { at, family, address, from })
    }
}

/// The last address of each family, in the order of [`Family::BOTH`].
pub fn last(file: &Path, wanted: [bool; 2]) -> io::Result<[Option<IpAddr>; 2]> {
    let (log, length) = match files::open(file) {
        Ok(log) => log,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok([None, None]),
        Err(error) => return Err(error),
    };
    let mut reach = 4 * 1024;
    loop {
        let found = last_within(&log, length, reach)?;
        let all = (0..2).all(|i| found[i].is_some() || !wanted[i]);
        if all || reach >= length || reach >= FAR {
            return Ok(found);
        }
        reach *= 16;
    }
}

fn last_within(log: &File, length: u64, reach: u64) -> io::Result<[Option<IpAddr>; 2]> {
    let from = length.saturating_sub(reach);
    let mut bytes = vec![0; usize::try_from(length - from).unwrap_or(0)];
    match log.read_exact_at(&mut bytes, from) {
        // Cut while we look at it: then what it said before is not its end.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => bytes.clear(),
        read => read?,
    }
    // The first line of a piece may be the end of a longer one, and what follows the last newline may be torn.
    let end = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at);
    let start = match from {
        0 => 0,
        _ => bytes.iter().position(|b| *b == b'\n').map_or(end, |at| at + 1),
    };
    let text = String::from_utf8_lossy(bytes.get(start..end).unwrap_or(&[]));
    let mut found = [None, None];
    for event in text.lines().filter_map(HistoryEntry::parse) {
        found[event.family as usize] = Some(event.address);
    }
    Ok(found)
}

/// Appends an event.
pub fn append(folder: &Folder, file: &Path, event: &HistoryEntry) -> io::Result<()> {
    // A crash between a line and its end: then the tail is this very event, and is not told twice.
    folder.append_line(file, &event.line(), |tail| {
        HistoryEntry::parse(tail).map(|old| HistoryEntry { at: event.at, ..old } != *event)
    })
}

/// A time during which a family had one address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Period {
    pub family: Family,
    pub address: IpAddr,
    pub from: Timestamp,
    /// `None`: it is the present one.
    pub until: Option<Timestamp>,
    pub source: String,
}

impl Period {
    /// Seconds held; `None` where the clock had not been set at one of its ends, or went backwards between them.
    pub fn held(&self, now: Timestamp) -> Option<i64> {
        let until = self.until.unwrap_or(now);
        let known = clock::plausible(self.from) && clock::plausible(until) && until >= self.from;
        known.then_some(until - self.from)
    }
}

/// What is told of one family.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Summary {
    pub family: Family,
    pub changes: usize,
    /// Seconds, over those periods whose length is known.
    pub longest: i64,
    pub mean: i64,
}

/// Reads the whole history as periods, in order. Also how many lines were not ours.
pub fn periods(file: &Path) -> io::Result<(Vec<Period>, usize)> {
    let mut periods: Vec<Period> = Vec::new();
    let mut open: [Option<usize>; 2] = [None, None];
    let mut strange = 0;
    for line in BufReader::new(files::open(file)?.0).split(b'\n') {
        let line = line?;
        let Some(event) = HistoryEntry::parse(&String::from_utf8_lossy(&line)) else {
            strange += usize::from(!line.is_empty());
            continue;
        };
        let slot = &mut open[event.family as usize];
        if let Some(old) = slot.and_then(|at| periods.get_mut(at)) {
            if old.address == event.address {
                continue;
            }
            old.until = Some(event.at);
        }
        *slot = Some(periods.len());
        periods.push(Period {
            family: event.family,
            address: event.address,
            from: event.at,
            until: None,
            source: event.from,
        });
    }
    Ok((periods, strange))
}

/// Sums up each family that has a period.
pub fn summaries(periods: &[Period], now: Timestamp) -> Vec<Summary> {
    let mut all = Vec::new();
    for family in Family::BOTH {
        let own: Vec<&Period> = periods.iter().filter(|period| period.family == family).collect();
        let held: Vec<i64> = own.iter().filter_map(|period| period.held(now)).collect();
        if own.is_empty() {
            continue;
        }
        let count = i64::try_from(held.len().max(1)).unwrap_or(1);
        all.push(Summary {
            family,
            changes: own.len() - 1,
            longest: held.iter().copied().max().unwrap_or(0),
            mean: held.iter().sum::<i64>() / count,
        });
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_go_there_and_back() {
        let line = "2026-11-20T23:21:07Z ipv4 203.0.113.7 ipify";
        assert_eq!(HistoryEntry::parse(line).map(|event| event.line()).as_deref(), Some(line));
        for line in [
            "",
            "2026-11-20T23:21:07Z ipv4 203.0.113.7",
            "2026-11-20T23:21:07Z ipv6 203.0.113.7 ipify",
            "2026-11-20T23:21:07Z ipv4 203.0.113.7 ipify more",
            "2026-11-20T23:21:07Z ipv4 203.0.113 ipify",
            "\0\0\0\0",
        ] {
            assert_eq!(HistoryEntry::parse(line), None, "{line}");
        }
    }

    fn period(family: Family, address: &str, from: Timestamp, until: Option<Timestamp>) -> Period {
        let address = address.parse().expect("good");
        Period { family, address, from, until, source: "x".to_string() }
    }

    #[test]
    fn a_summary_leaves_out_what_the_clock_made_up() {
        let at = |seconds: Timestamp| 1_795_176_000 + seconds;
        let periods = [
            period(Family::V4, "9.9.9.9", at(1_000), Some(at(2_000))),
            period(Family::V4, "8.8.8.8", at(2_000), Some(at(500))),
            period(Family::V4, "9.9.9.9", 5, Some(at(400))),
            period(Family::V4, "9.9.9.9", at(500), None),
        ];
        let sums = summaries(&periods, at(3_500));
        assert_eq!(sums, [Summary { family: Family::V4, changes: 3, longest: 3_000, mean: 2_000 }]);
    }
}
