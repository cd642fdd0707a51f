//! The state as a file: JSON, so that a person can read it and the next version too. What cannot be parsed is told
//! apart from what cannot be opened: forgetting a refusal because of a wrong mode would be worse than stopping.

use super::{Astray, HostState, Pending, Published, SectionState, State};
use crate::sys::clock::Timestamp;
use crate::sys::files::{self, Folder};
use crate::types::address::{Family, Set};
use crate::types::json::{self, quote, Json, Object};
use crate::types::vec_map::VecMap;
use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::rc::Rc;

/// A larger file is not ours: ten thousand hosts need less.
const LARGEST: u64 = 8 * 1024 * 1024;
const VERSION: i64 = 1;

/// What was found in place of a state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Loaded {
    Missing,
    /// It is there and makes no sense; why.
    Bad(String),
    Found(State),
}

/// Reads the state. An error means that it is there and cannot be opened.
pub fn load(path: &Path) -> io::Result<Loaded> {
    let bytes = match files::read(path, LARGEST) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Loaded::Missing),
        Err(error) => return Err(error),
    };
    if bytes.len() as u64 > LARGEST {
        return Ok(Loaded::Bad("larger than 8 MiB".to_string()));
    }
    Ok(match String::from_utf8(bytes).map_err(|_| "not text".to_string()).and_then(|text| parse(&text)) {
        Ok(state) => Loaded::Found(state),
        Err(why) => Loaded::Bad(why),
    })
}

/// Writes the state in the place of the old one.
pub fn store(folder: &Folder, path: &Path, state: &State) -> io::Result<()> {
    folder.replace(path, write(state).as_bytes())
}

fn write(state: &State) -> String {
    let mut sections = Vec::new();
    for (name, memory) in state.sections.iter() {
        let section = Object::new().raw("notes", &write_texts(&memory.notes));
        let section = section.raw("current", &write_current(memory)).raw("hosts", &write_hosts(memory)).end();
        sections.push(format!("\n{}:{section}", quote(name)));
    }
    let mut unconfirmed = Object::new();
    for family in Family::BOTH {
        if let Some(address) = state.unconfirmed[family as usize] {
            unconfirmed = unconfirmed.text(family.name(), &address.to_string());
        }
    }
    let dissent = (!state.dissent.is_empty()).then(|| write_texts(&state.dissent));
    let mut whole = Object::new()
        .number("version", VERSION)
        .text("salt", &state.salt)
        .raw("unconfirmed", &unconfirmed.end())
        .maybe("resume", state.resume.as_deref());
    if let Some(dissent) = dissent {
        whole = whole.raw("dissent", &dissent);
    }
    let whole = whole.raw("sections", &format!("{{{}}}", sections.join(",")));
    format!("{}\n", whole.end())
}

fn write_texts(texts: &VecMap<String, String>) -> String {
    texts.iter().fold(Object::new(), |object, (key, value)| object.text(key, value)).end()
}

/// What is to be said of a host that is current and nothing else; hosts pushed together share it, and a thousand of
/// them are read at every pass.
fn current(family: Family, known: &HostState) -> Option<String> {
    let bare = known.pending.is_none() && known.changes.is_empty() && known.astray.is_none();
    let old = known.published.as_ref().filter(|_| bare)?;
    Some(format!("{family} {} {} {} {}", old.address.only()?, old.since, old.confirmed, known.digest))
}

fn write_current(memory: &SectionState) -> String {
    let mut groups: VecMap<String, Vec<String>> = VecMap::default();
    for ((host, family), known) in memory.hosts.iter() {
        if let Some(text) = current(*family, known) {
            groups.or_default(text).push(quote(host));
        }
    }
    let mut object = Object::new();
    for (text, hosts) in groups {
        object = object.raw(&text, &format!("\n{}", json::array(hosts)));
    }
    object.end()
}

/// The hosts of which more is to be said.
fn write_hosts(memory: &SectionState) -> String {
    let mut hosts: Vec<(&str, Object)> = Vec::new();
    for ((host, family), known) in memory.hosts.iter() {
        if current(*family, known).is_some() {
            continue;
        }
        if hosts.last().is_none_or(|(last, _)| last != host) {
            hosts.push((host, Object::new()));
        }
        if let Some((_, object)) = hosts.last_mut() {
            *object = std::mem::take(object).raw(family.name(), &write_known(known));
        }
    }
    let hosts: Vec<String> =
        hosts.into_iter().map(|(host, object)| format!("\n{}:{}", quote(host), object.end())).collect();
    format!("{{{}}}", hosts.join(","))
}

fn write_known(known: &HostState) -> String {
    let mut object = Object::new();
    if let Some(published) = &known.published {
        object = object
            .addresses("address", &published.address)
            .number("since", published.since)
            .number("confirmed", published.confirmed);
    }
    object = object.text("digest", &known.digest);
    if !known.changes.is_empty() {
        let changes =
            known.changes.iter().map(|(at, away)| Object::new().number("at", *at).addresses("from", away).end());
        object = object.raw("changes", &json::array(changes));
    }
    if let Some(astray) = known.astray {
        object = object.raw("astray", &Object::new().number("at", astray.at).flag("told", astray.told).end());
    }
    match &known.pending {
        None => object,
        Some(Pending::Attempted { address, at, times, fails }) => {
            let begun = Object::new().addresses("address", address).number("at", *at);
            object.raw("begun", &begun.number("times", (*times).into()).number("fails", (*fails).into()).end())
        }
        Some(Pending::BackingOff { address, at, wait, strict, fails, why }) => {
            let waiting = Object::new().addresses("address", address).number("at", *at).number("wait", *wait);
            let waiting = waiting.flag("strict", *strict).number("fails", (*fails).into()).text("why", why);
            object.raw("waiting", &waiting.end())
        }
        Some(Pending::Rejected { at, told, why, remedy, digest, daily }) => {
            let refused = Object::new().number("at", *at).number("told", *told).text("why", why);
            let refused = refused.text("remedy", remedy).text("digest", digest).flag("daily", *daily);
            object.raw("refused", &refused.end())
        }
    }
    .end()
}

fn parse(text: &str) -> Result<State, String> {
    if text.is_empty() {
        return Err("empty".to_string());
    }
    let mut json = json::parse(text)?;
    match json::number(&json, "version") {
        Some(VERSION) => {}
        Some(other) => return Err(format!("written by another version of homing (format {other})")),
        None => return Err("not a state file".to_string()),
    }
    read(&mut json).ok_or_else(|| "parts are missing or of the wrong kind".to_string())
}

fn members(json: &Json) -> Option<&HashMap<String, Json>> {
    json.get::<HashMap<String, Json>>()
}

fn texts(json: &Json) -> Option<VecMap<String, String>> {
    members(json)?.iter().map(|(key, value)| Some((key.clone(), value.get::<String>()?.clone()))).collect()
}

/// Takes a thousand names out of the JSON, where a copy of each would be the most that a quiet pass holds.
fn read(json: &mut Json) -> Option<State> {
    let mut state = State { salt: json::text(json, "salt")?.to_string(), ..State::default() };
    state.resume = json::text(json, "resume").map(str::to_string);
    for family in Family::BOTH {
        if let Some(text) = json::text(json::member(json, "unconfirmed")?, family.name()) {
            state.unconfirmed[family as usize] = Some(address(text, family)?);
        }
    }
    if let Some(dissent) = json::member(json, "dissent") {
        state.dissent = texts(dissent)?;
    }
    for (name, section) in json::members_of(json, "sections")? {
        let mut memory = SectionState { notes: texts(json::member(section, "notes")?)?, ..SectionState::default() };
        for (text, hosts) in json::members_of(section, "current")? {
            let (family, known) = read_current(text)?;
            let known = Rc::new(known);
            for host in hosts.get_mut::<Vec<Json>>()? {
                memory.hosts.insert((std::mem::take(host.get_mut()?), family), Rc::clone(&known));
            }
        }
        for (host, families) in members(json::member(section, "hosts")?)? {
            for (family, known) in members(families)? {
                let family = Family::parse(family)?;
                memory.hosts.insert((host.clone(), family), Rc::new(read_known(known, family)?));
            }
        }
        state.sections.insert(name.clone(), Rc::new(memory));
    }
    Some(state)
}

fn read_current(text: &str) -> Option<(Family, HostState)> {
    let mut words = text.split(' ');
    let family = Family::parse(words.next()?)?;
    let address = address(words.next()?, family)?;
    let (since, confirmed) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let digest = words.next()?.to_string();
    let published = Some(Published { address: address.into(), since, confirmed });
    words.next().is_none().then_some((family, HostState { published, digest, ..HostState::default() }))
}

fn read_known(json: &Json, family: Family) -> Option<HostState> {
    let published = match json::text(json, "address") {
        None => None,
        Some(_) => Some(Published {
            address: read_set(json, "address", family)?,
            since: json::number(json, "since")?,
            confirmed: json::number(json, "confirmed")?,
        }),
    };
    let changes = json::list(json, "changes")
        .iter()
        .map(|change| Some((json::number(change, "at")?, read_set(change, "from", family)?)))
        .collect::<Option<Vec<(Timestamp, Set)>>>()?;
    let astray = match json::member(json, "astray") {
        None => None,
        Some(astray) => Some(Astray { at: json::number(astray, "at")?, told: json::flag(astray, "told")? }),
    };
    let pending = match (json::member(json, "begun"), json::member(json, "waiting"), json::member(json, "refused")) {
        (None, None, None) => None,
        (Some(begun), None, None) => Some(Pending::Attempted {
            address: read_set(begun, "address", family)?,
            at: json::number(begun, "at")?,
            times: count(begun, "times")?,
            fails: count(begun, "fails")?,
        }),
        (None, Some(waiting), None) => Some(Pending::BackingOff {
            address: read_set(waiting, "address", family)?,
            at: json::number(waiting, "at")?,
            wait: json::number(waiting, "wait")?,
            strict: json::flag(waiting, "strict")?,
            fails: count(waiting, "fails")?,
            why: json::text(waiting, "why")?.to_string(),
        }),
        (None, None, Some(refused)) => Some(Pending::Rejected {
            at: json::number(refused, "at")?,
            told: json::number(refused, "told")?,
            why: json::text(refused, "why")?.to_string(),
            remedy: json::text(refused, "remedy")?.to_string(),
            digest: json::text(refused, "digest")?.to_string(),
            daily: json::flag(refused, "daily")?,
        }),
        _ => return None,
    };
    Some(HostState { published, digest: json::text(json, "digest")?.to_string(), pending, astray, changes })
}

fn address(text: &str, family: Family) -> Option<IpAddr> {
    text.parse::<IpAddr>().ok().filter(|ip| Family::of(*ip) == family)
}

fn read_set(json: &Json, key: &str, family: Family) -> Option<Set> {
    let others = json::list(json, "beside").iter().map(|other| address(other.get::<String>()?, family));
    Some(Set::of(address(json::text(json, key)?, family)?, &others.collect::<Option<Vec<IpAddr>>>()?))
}

fn count(json: &Json, key: &str) -> Option<u32> {
    u32::try_from(json::number(json, key)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> State {
        let four: IpAddr = "9.9.9.9".parse().expect("good");
        let six: IpAddr = "2620:fe::fe".parse().expect("good");
        let mut memory = SectionState::default();
        let published = Published { address: four.into(), since: 5_000_000_000, confirmed: 5_000_000_001 };
        memory.notes.insert("zone \"x\"".to_string(), "1".to_string());
        memory.hosts.insert(
            ("a.example".to_string(), Family::V4),
            HostState {
                published: Some(published.clone()),
                digest: "d".to_string(),
                changes: vec![(7, four.into())],
                pending: None,
                astray: Some(Astray { at: 9, told: true }),
            }
            .into(),
        );
        memory.hosts.insert(
            ("b.example".to_string(), Family::V4),
            HostState { published: Some(published), digest: "d".to_string(), ..HostState::default() }.into(),
        );
        let several = Set::of(six, &["2620:fe::9".parse().expect("good")]);
        let published = Published { address: several.clone(), since: 1, confirmed: 2 };
        memory.hosts.insert(
            ("c.example".to_string(), Family::V6),
            HostState { published: Some(published), changes: vec![(3, several.clone())], ..HostState::default() }
                .into(),
        );
        let standings = [
            Pending::Attempted { address: six.into(), at: -1, times: 2, fails: 3 },
            Pending::BackingOff {
                address: several,
                at: 1,
                wait: 300,
                strict: true,
                fails: 1,
                why: "w\n\"".to_string(),
            },
            Pending::Rejected {
                at: 1,
                told: 2,
                why: "badauth".to_string(),
                remedy: "r".to_string(),
                digest: "f".to_string(),
                daily: false,
            },
        ];
        for (i, pending) in standings.into_iter().enumerate() {
            let known = HostState { pending: Some(pending), ..HostState::default() };
            memory.hosts.insert((format!("h{i}.example"), Family::V6), known.into());
        }
        State {
            salt: "00".to_string(),
            sections: VecMap::from_iter([("home".to_string(), Rc::new(memory))]),
            unconfirmed: [Some(four), None],
            resume: Some("home".to_string()),
            dissent: VecMap::from_iter([("ipv4 a,b".to_string(), "b says \"x\"".to_string())]),
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let state = sample();
        assert_eq!(parse(&write(&state)), Ok(state));
        assert_eq!(parse(&write(&State::default())), Ok(State::default()));
    }

    /// The format is the same: who knows no sets finds one address of each.
    #[test]
    fn a_set_is_an_address_and_what_stands_beside_it() {
        let text = write(&sample());
        let told = r#""c.example":{"ipv6":{"address":"2620:fe::9","beside":["2620:fe::fe"],"since":1,"#;
        assert!(text.contains(told) && text.contains(r#""from":"2620:fe::9","beside":["2620:fe::fe"]"#), "{text}");
        assert!(text.starts_with("{\"version\":1,"), "{text}");
        let mixed = text.replace(r#"["2620:fe::fe"]"#, r#"["9.9.9.9"]"#);
        assert!(parse(&mixed).is_err(), "of two families");
    }

    #[test]
    fn what_makes_no_sense_is_bad_and_never_half_read() {
        let good = write(&sample());
        for bad in ["", "\0\0\0", "{}", "[]", "{\"version\":2}", "null", &good.replace("9.9.9.9", "9.9.9")] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        for cut in 0..good.len() - 2 {
            if good.is_char_boundary(cut) {
                assert!(parse(&good[..cut]).is_err(), "cut at {cut}");
            }
        }
    }
}
