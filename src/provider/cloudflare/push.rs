//! One push: find the zones, list what is not remembered, have each zone written in one batch, and say for each host
//! and family what is known of it. A change whose record is remembered costs one request a zone.

use super::list;
use super::plan::{self, Record, Step, Zones};
use super::talk::Talk;
use super::Cloudflare;
use crate::net::http::quoted;
use crate::provider::api_error::{ApiError, ErrorKind};
use crate::provider::contract::{HostResult, HostUpdate, PushContext, UpdateResult};
use crate::provider::lookup::is_id;
use crate::types::address::Family;
use crate::types::hostname::Host;
use crate::types::vec_map::VecMap;
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

/// Operations in one batch: what a free zone may have.
const BATCH: usize = 200;

/// An id, and whether it was learned in this push or remembered from an earlier one.
#[derive(Clone)]
pub struct Known {
    pub id: String,
    pub fresh: bool,
}

/// One host in one family that is still to be ruled on.
pub struct Item<'a> {
    index: usize,
    pub host: &'a Host,
    pub family: Family,
    pub address: IpAddr,
    pub zone: Option<Known>,
    pub record: Option<Known>,
    warning: Option<String>,
}

impl Item<'_> {
    pub fn warn(&mut self, text: String) {
        self.warning = Some(match self.warning.take() {
            Some(held) => format!("{held}; {text}"),
            None => text,
        });
    }

    /// Where the memory keeps its ids.
    fn key(&self) -> String {
        note(self.host, self.family)
    }

    /// Whether an id that leads nowhere may be an old one.
    pub fn stale(&self) -> bool {
        self.record.as_ref().is_some_and(|record| !record.fresh)
    }
}

/// Where the memory keeps the ids of a host's zone and record.
fn note(host: &Host, family: Family) -> String {
    format!("record {} {}", host.ascii(), family.record())
}

pub struct Push<'a> {
    pub owner: &'a Cloudflare,
    pub talk: Talk<'a>,
    memory: &'a mut VecMap<String, String>,
    /// What the credentials see, once it was asked.
    zones: Option<Result<Zones, ApiError>>,
    results: Vec<HostResult>,
}

pub fn push(owner: &Cloudflare, batch: &[HostUpdate], line: &mut PushContext<'_>) -> Vec<HostResult> {
    let talk = Talk::new(owner, line.http);
    let mut push = Push { owner, talk, memory: line.memory, zones: None, results: Vec::new() };
    push.forget_elsewhere();
    let mut items = push.items(batch);
    // What comes back has lost a remembered record; after that, at most, its zone.
    for _ in 0..3 {
        let mut again = Vec::new();
        for (zone, items) in push.by_zone(items) {
            again.extend(push.settle(&zone, items));
        }
        items = again;
    }
    for item in items {
        push.rule(item, UpdateResult::later("what Cloudflare holds changes while we look"));
    }
    push.results
}

impl<'a> Push<'a> {
    /// Ids remembered of another zone or server must not be used.
    fn forget_elsewhere(&mut self) {
        let zone = self.owner.zone_id.as_deref().or(self.owner.zone.as_ref().map(Host::ascii));
        let place = format!("{} {}", self.owner.url.authority(), zone.unwrap_or("*"));
        if self.memory.get("at") != Some(&place) {
            *self.memory = VecMap::default();
            self.memory.insert("at".to_string(), place);
        }
    }

    /// What is due, with what is remembered of it.
    fn items<'b>(&self, batch: &'b [HostUpdate]) -> Vec<Item<'b>> {
        let mut items = Vec::new();
        for (index, wanted) in batch.iter().enumerate() {
            // A family that is new to a host is in the zone of the other.
            let known = Family::BOTH.map(|family| self.known(&wanted.host, family));
            let zone = known.iter().flatten().next().map(|(zone, _)| zone.clone());
            for (family, address) in wanted.due() {
                let (zone, record) = match known[family as usize].clone() {
                    Some((zone, record)) => (Some(zone), Some(record)),
                    None => (zone.clone(), None),
                };
                items.push(Item { index, host: &wanted.host, family, address, zone, record, warning: None });
            }
        }
        items
    }

    /// The ids of the zone and the record, remembered from an earlier push.
    fn known(&self, host: &Host, family: Family) -> Option<(Known, Known)> {
        let (zone, record) = self.memory.get(&note(host, family))?.split_once('/')?;
        let old = |id: &str| is_id(id).then(|| Known { id: id.to_string(), fresh: false });
        old(zone).zip(old(record))
    }

    /// The items by the zone that they are in; those in none are ruled on.
    fn by_zone<'b>(&mut self, items: Vec<Item<'b>>) -> VecMap<String, Vec<Item<'b>>> {
        let mut zones: VecMap<String, Vec<Item<'b>>> = VecMap::default();
        for mut item in items {
            if item.zone.is_none() {
                match self.zone_of(item.host) {
                    Ok((id, warning)) => {
                        item.zone = Some(Known { id, fresh: true });
                        warning.into_iter().for_each(|text| item.warn(text));
                    }
                    Err(error) => {
                        self.fail(item, &error);
                        continue;
                    }
                }
            }
            if let Some(zone) = &item.zone {
                zones.or_default(zone.id.clone()).push(item);
            }
        }
        zones
    }

    /// The zone's id, with what a person should know about it.
    fn zone_of(&mut self, host: &Host) -> Result<(String, Option<String>), ApiError> {
        let refused = |why: String, remedy: &str| Err(ApiError::refused(ErrorKind::Record, why, remedy));
        if let Some(zone) = self.owner.zone.as_ref().filter(|zone| !host.under(zone.ascii())) {
            return refused(format!("it is not in the zone {zone}"), "give it a section of its own, or correct 'zone'");
        }
        if let Some(id) = &self.owner.zone_id {
            return Ok((id.clone(), None));
        }
        if self.zones.is_none() {
            let name = self.owner.zone.as_ref().map(Host::ascii);
            self.zones = Some(list::zones(&mut self.talk, name));
        }
        let zones = match self.zones.as_ref() {
            Some(Ok(zones)) => zones,
            Some(Err(error)) => return Err(error.clone()),
            None => return Err(ApiError::later(ErrorKind::Zone, "the zones were not listed")),
        };
        let Some(zone) = zones.of(host) else {
            let why = match &self.owner.zone {
                Some(zone) => format!("the credentials see no zone {zone} at Cloudflare"),
                None => "it is in none of the zones that the credentials see at Cloudflare".to_string(),
            };
            return refused(why, "check the host's name, and that the token's Zone Resources include its zone");
        };
        let name = quoted(&zone.name);
        if zone.doubled {
            return refused(format!("two zones are called {name}"), "say which one with 'zone_id'");
        }
        if !zone.is_usable() {
            return refused(
                format!("its zone {name} is {} at Cloudflare", quoted(&zone.status)),
                "bring the zone back in the dashboard: its name servers must be Cloudflare's",
            );
        }
        let warning = (!zone.is_active()).then(|| {
            format!("its zone {name} is still {} at Cloudflare: nobody is sent there yet", quoted(&zone.status))
        });
        Ok((zone.id.clone(), warning))
    }

    /// Writes what is wanted in one zone. Comes back: what must be looked up anew.
    fn settle<'b>(&mut self, zone: &str, items: Vec<Item<'b>>) -> Vec<Item<'b>> {
        let unknown: BTreeSet<&str> =
            items.iter().filter(|item| item.record.is_none()).map(|item| item.host.ascii()).collect();
        let mut again = Vec::new();
        let mut ready = Vec::new();
        if unknown.is_empty() {
            ready = items;
        } else {
            match list::records(&mut self.talk, zone, &unknown) {
                Ok(found) => {
                    for item in items {
                        ready.extend(match item.record {
                            Some(_) => Some(item),
                            None => self.prepare(zone, item, &found),
                        });
                    }
                }
                Err(error) => {
                    for mut item in items {
                        let old = item.zone.as_ref().is_some_and(|zone| !zone.fresh);
                        if error.kind == ErrorKind::Missing && old {
                            self.forget(&mut item);
                            item.zone = None;
                            again.push(item);
                        } else if error.kind == ErrorKind::Dry && item.record.is_some() {
                            ready.push(item);
                        } else {
                            self.fail(item, &error);
                        }
                    }
                }
            }
        }
        let mut shut = None;
        while !ready.is_empty() {
            let rest = ready.split_off(ready.len().min(BATCH));
            again.extend(self.batch(zone, ready, &mut shut));
            ready = rest;
        }
        again
    }

    /// Compares with what the zone holds; what remains is to be written.
    fn prepare<'b>(
        &mut self,
        zone: &str,
        mut item: Item<'b>,
        found: &HashMap<String, Vec<Record>>,
    ) -> Option<Item<'b>> {
        let records = found.get(item.host.ascii()).map_or(&[][..], Vec::as_slice);
        match plan::step(records, item.family, item.address, &self.owner.extras) {
            Step::Nothing(id) => {
                self.remember(&item, zone, &id);
                self.rule(item, UpdateResult::Unchanged);
                None
            }
            Step::Patch(id) => {
                self.remember(&item, zone, &id);
                item.record = Some(Known { id, fresh: true });
                Some(item)
            }
            Step::Post => Some(item),
            Step::Refuse { why, remedy } => {
                self.rule(item, UpdateResult::Rejected { why, remedy });
                None
            }
        }
    }

    /// Rules on an item whose call came to nothing.
    pub fn fail(&mut self, mut item: Item<'_>, error: &ApiError) {
        match error.kind {
            ErrorKind::Dry if item.record.is_none() => {
                let how = if self.owner.extras.create { "patch or create" } else { "patch" };
                item.warn(format!("then one batch call: {} {} ({how})", item.family.record(), item.address));
            }
            ErrorKind::Identical => {
                if item.record.is_some() {
                    item.warn(format!(
                        "another {} record of this name holds the address already; the one that homing knew may hold \
                         an old one: delete all but one in the dashboard",
                        item.family.record()
                    ));
                }
                self.forget(&mut item);
            }
            _ => {}
        }
        self.rule(item, error.verdict.clone());
    }

    pub fn rule(&mut self, mut item: Item<'_>, verdict: UpdateResult) {
        if matches!(verdict, UpdateResult::Rejected { .. }) {
            // A person will change something; what we remember may be wrong by then.
            self.forget(&mut item);
        }
        self.results.push(HostResult { host: item.index, family: item.family, verdict, warning: item.warning });
    }

    pub fn remember(&mut self, item: &Item<'_>, zone: &str, record: &str) {
        self.memory.insert(item.key(), format!("{zone}/{record}"));
    }

    pub fn forget(&mut self, item: &mut Item<'_>) {
        item.record = None;
        self.memory.remove(&item.key());
    }
}
