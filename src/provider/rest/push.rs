//! One push: find the zones, look at what each holds, write what is out of date, and say for each host and family what is
//! known of it. Everything else in the zone stays as it is.

use super::look::{self, Record, Zone};
use super::placeholders::Words;
use super::talk::Talk;
use super::Rest;
use crate::net::http::quoted;
use crate::provider::api_error::{ApiError, ErrorKind};
use crate::types::address::Family;
use crate::types::hostname::Host;

use crate::provider::contract::{HostResult, HostUpdate, PushContext, UpdateResult};
use crate::provider::lookup;
use crate::types::vec_map::VecMap;
use std::net::IpAddr;

/// One host in one family that is still to be ruled on.
#[derive(Clone)]
pub struct Item<'a> {
    index: usize,
    pub host: &'a Host,
    pub family: Family,
    pub address: IpAddr,
}

/// A change: what it is for, and the record that is there.
pub struct Change<'a> {
    pub item: Item<'a>,
    pub held: Option<Record>,
}

pub struct Push<'a> {
    pub owner: &'a Rest,
    pub talk: Talk<'a>,
    memory: &'a mut VecMap<String, String>,
    /// What the credentials see, once it was asked.
    zones: Option<Result<Vec<Zone>, ApiError>>,
    /// Listings by what was asked.
    pub looked: Vec<(String, Result<Vec<Record>, ApiError>)>,
    results: Vec<HostResult>,
}

pub fn push(owner: &Rest, batch: &[HostUpdate], line: &mut PushContext<'_>) -> Vec<HostResult> {
    let mut push = Push {
        owner,
        talk: Talk::new(owner, line.http),
        memory: line.memory,
        zones: None,
        looked: Vec::new(),
        results: Vec::new(),
    };
    if push.open(batch) {
        let mut zones: Vec<(Zone, Vec<Item<'_>>)> = Vec::new();
        for item in items(batch) {
            match push.zone_of(item.host) {
                Ok(zone) => match zones.iter_mut().find(|(known, _)| known.id == zone.id) {
                    Some((_, items)) => items.push(item),
                    None => zones.push((zone, vec![item])),
                },
                Err(error) => push.fail(&item, &error),
            }
        }
        for (zone, items) in zones {
            push.settle(&zone, items);
        }
        push.talk.close();
    }
    push.results
}

fn items(batch: &[HostUpdate]) -> impl Iterator<Item = Item<'_>> {
    batch.iter().enumerate().flat_map(|(index, wanted)| {
        wanted.due().map(move |(family, address)| Item { index, host: &wanted.host, family, address })
    })
}

/// Where the memory keeps a host's zone.
fn note(host: &Host) -> String {
    format!("zone {}", host.ascii())
}

/// Where the memory keeps that a zone's changes do not count yet.
fn pending(zone: &Zone) -> String {
    format!("pending {}", zone.id)
}

impl<'a> Push<'a> {
    /// Logs in, where that is a call of its own; everything is ruled on if it fails.
    fn open(&mut self, batch: &[HostUpdate]) -> bool {
        match self.talk.open() {
            Ok(()) => return true,
            Err(error) => items(batch).for_each(|item| self.fail(&item, &error)),
        }
        false
    }

    /// The zone that a host is in.
    fn zone_of(&mut self, host: &Host) -> Result<Zone, ApiError> {
        let (api, owner) = (self.owner.api, self.owner);
        let name = owner.zone.as_ref().map(Host::ascii);
        match (&owner.zone_id, name) {
            (Some(id), _) => {
                return Ok(Zone { id: id.clone(), name: name.unwrap_or_default().to_string(), fresh: true });
            }
            (None, Some(name)) if api.zone_id.is_empty() => {
                return Ok(Zone { id: name.to_string(), name: name.to_string(), fresh: true });
            }
            _ => {}
        }
        let known = self.memory.get(&note(host)).and_then(|note| note.split_once(' '));
        if let Some((id, name)) = known.filter(|(_, name)| host.under(name)) {
            return Ok(Zone { id: id.to_string(), name: name.to_string(), fresh: false });
        }
        if let (None, Some(list)) = (&self.zones, &api.zones) {
            let mut words = self.talk.words();
            if let Some(name) = name {
                words.set("zone", name);
            }
            self.zones = Some(look::zones(&mut self.talk, list, &words));
        }
        let zones = match &self.zones {
            Some(Ok(zones)) => zones,
            Some(Err(error)) => return Err(error.clone()),
            None => return Err(ApiError::later(ErrorKind::Zone, "the zones were not listed")),
        };
        let fits = |zone: &&Zone| host.under(&zone.name) && name.is_none_or(|name| name == zone.name);
        let longest = zones.iter().filter(fits).max_by_key(|zone| zone.name.len());
        let Some(zone) = longest else {
            let why = match name {
                Some(name) => format!("the credentials see no zone {name} at {}", api.vendor),
                None => format!("it is in none of the zones that the credentials see at {}", api.vendor),
            };
            let remedy = "check the host's name, and that the credentials are for the account that has its zone";
            return Err(ApiError::refused(ErrorKind::Record, why, remedy));
        };
        if zones.iter().any(|other| other.name == zone.name && other.id != zone.id) {
            let why = format!("two zones are called {}", quoted(&zone.name));
            return Err(ApiError::refused(ErrorKind::Record, why, "say which one with 'zone_id'"));
        }
        Ok(zone.clone())
    }

    /// What a template may say about an item.
    pub fn words<'b>(&self, zone: &Zone, item: &Item<'_>, held: Option<&'b Record>) -> Words<'b>
    where
        'a: 'b,
    {
        let (api, ascii) = (self.owner.api, item.host.ascii());
        let mut words: Words<'b> = self.talk.words();
        let within = ascii.strip_suffix(zone.name.as_str()).map_or(ascii, |front| front.trim_end_matches('.'));
        words.set("sub", within);
        words.set("at", if within.is_empty() { "@" } else { within });
        words.set("zone", zone.name.as_str());
        words.set("zoneid", zone.id.as_str());
        words.set("fqdn", ascii);
        words.set("dotted", format!("{ascii}."));
        words.set("type", item.family.record());
        words.set("ip", item.address.to_string());
        if let Some(ttl) = self.owner.ttl {
            words.set("newttl", ttl.to_string());
        }
        let ttl = self.owner.ttl.or_else(|| held.and_then(|held| held.ttl)).unwrap_or(api.ttl);
        words.set("ttl", ttl.to_string());
        if let Some(held) = held {
            words.set("id", held.id.as_str());
            words.set("numid", held.id.as_str());
            words.row = Some(&held.row);
        }
        words
    }

    /// The records of the item's name, as far as the API lists them together.
    pub fn look(&mut self, words: &Words<'_>) -> Result<Vec<Record>, ApiError> {
        let call = &self.owner.api.records.call;
        let place = self.talk.place();
        let asked = words.fill(call.path, super::placeholders::Place::Path) + &words.fill(call.body, place);
        if let Some((_, known)) = self.looked.iter().find(|(known, _)| *known == asked) {
            return known.clone();
        }
        let found = look::records(&mut self.talk, words);
        self.looked.push((asked, found.clone()));
        found
    }

    /// Brings one zone up to date.
    fn settle(&mut self, zone: &Zone, items: Vec<Item<'_>>) {
        let mut changes = Vec::new();
        let mut settled: Vec<(Item<'_>, UpdateResult)> = Vec::new();
        let mut shut: Option<ApiError> = None;
        for item in items {
            let words = self.words(zone, &item, None);
            let found = match &shut {
                Some(error) => Err(error.clone()),
                None => self.look(&words),
            };
            match found {
                Ok(mut found) => {
                    let odd = found.iter().find(|record| record.odd).map(|record| record.name.clone());
                    found.retain(|record| record.name == item.host.ascii() && !record.odd);
                    self.memory.insert(note(item.host), format!("{} {}", zone.id, zone.name));
                    match self.step(&found, &item, odd) {
                        Ok(Some(held)) => changes.push(Change { item, held }),
                        Ok(None) => settled.push((item, UpdateResult::Unchanged)),
                        Err(verdict) => settled.push((item, verdict)),
                    }
                }
                Err(error) => {
                    self.forget(zone, &item, &error);
                    if matches!(error.kind, ErrorKind::Zone | ErrorKind::Push | ErrorKind::Missing) {
                        shut = Some(error.clone());
                    }
                    let verdict = if zone.fresh { error.verdict.clone() } else { softened(&error) };
                    if error.kind == ErrorKind::Dry {
                        self.fail(&item, &error);
                    } else {
                        settled.push((item, verdict));
                    }
                }
            }
        }
        if self.owner.api.after.is_some() && !changes.is_empty() {
            self.memory.insert(pending(zone), "yes".to_string());
        }
        self.write(zone, changes, &mut settled);
        self.finish(zone, &mut settled);
        for (item, verdict) in settled {
            self.results.push(HostResult { host: item.index, family: item.family, verdict, warning: None });
        }
    }

    /// What is to be done: nothing, or a change of the record that is there, or of none.
    fn step(
        &self,
        found: &[Record],
        item: &Item<'_>,
        odd: Option<String>,
    ) -> Result<Option<Option<Record>>, UpdateResult> {
        match lookup::one(found, |record| (&record.kind, &record.value), item.family, self.owner.create) {
            Err((why, remedy)) => Err(UpdateResult::Rejected { why, remedy }),
            Ok(Some(held)) if self.is_right(held, item) => Ok(None),
            // It may be there under a name that homing does not recognise: a second record would be worse than none.
            Ok(None) if odd.is_some() => {
                let vendor = self.owner.api.vendor;
                let name = quoted(&odd.unwrap_or_default());
                Err(UpdateResult::Rejected {
                    why: format!("{vendor} lists a name that homing cannot interpret, {name}: no record is created"),
                    remedy: "create the record in the provider's dashboard, and report this".to_string(),
                })
            }
            Ok(held) => Ok(Some(held.cloned())),
        }
    }

    pub fn is_right(&self, held: &Record, item: &Item<'_>) -> bool {
        // Where a change can't carry a TTL, it is for new records.
        let call = &self.owner.api.update.call;
        let settable = call.body.contains("ttl") || call.path.contains("ttl");
        let ttl = self.owner.ttl.filter(|_| settable);
        held.value.parse() == Ok(item.address) && !held.disabled && ttl.is_none_or(|ttl| held.ttl == Some(ttl))
    }

    /// Makes the changes of a zone count, where that takes a call of its own; those of an earlier pass too.
    fn finish(&mut self, zone: &Zone, settled: &mut [(Item<'_>, UpdateResult)]) {
        let Some(after) = &self.owner.api.after else { return };
        let done = |verdict: &UpdateResult| matches!(verdict, UpdateResult::Updated | UpdateResult::Unchanged);
        if self.memory.get(&pending(zone)).is_none() || !settled.iter().any(|(_, verdict)| done(verdict)) {
            return;
        }
        let mut words = self.talk.words();
        words.set("zone", zone.name.as_str());
        match self.talk.call(after, &words) {
            Ok(_) => _ = self.memory.remove(&pending(zone)),
            Err(error) => {
                for (_, verdict) in settled.iter_mut().filter(|(_, verdict)| done(verdict)) {
                    *verdict = error.verdict.clone();
                }
            }
        }
    }

    /// Rules on an item whose call came to nothing before its zone was looked at.
    fn fail(&mut self, item: &Item<'_>, error: &ApiError) {
        let then = || format!("then, if it is not so already: {} {}", item.family.record(), item.address);
        let warning = (error.kind == ErrorKind::Dry).then(then);
        let verdict = error.verdict.clone();
        self.results.push(HostResult { host: item.index, family: item.family, verdict, warning });
    }

    /// What we remember may be wrong when a person will change something, or when it leads nowhere.
    pub fn forget(&mut self, zone: &Zone, item: &Item<'_>, error: &ApiError) {
        let refused = matches!(error.verdict, UpdateResult::Rejected { .. } | UpdateResult::Unauthorized { .. });
        if refused || error.kind == ErrorKind::Missing && !zone.fresh {
            self.memory.remove(&note(item.host));
        }
    }
}

/// The zone was remembered and may have moved: the next pass looks for it anew before anyone is refused.
pub fn softened(error: &ApiError) -> UpdateResult {
    match (&error.kind, &error.verdict) {
        (ErrorKind::Missing, UpdateResult::Rejected { why, .. }) => UpdateResult::later(why.clone()),
        (_, verdict) => verdict.clone(),
    }
}
