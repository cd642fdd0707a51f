//! Writes what was found to be out of date: a batch, single calls where that was refused, and in both cases only what
//! the answer holds is believed.

use super::plan::{self, Extras, Record};
use super::push::{Item, Push};
use crate::net::http::{quoted, Method};
use crate::provider::api_error::{ApiError, ErrorKind};
use crate::provider::contract::UpdateResult;
use crate::types::json::{self, array, Json, Object};
use std::collections::HashMap;

impl Push<'_> {
    /// Writes in one call; one by one what the call as a whole was refused for. `shut` ends the zone.
    pub fn batch<'b>(&mut self, zone: &str, mut items: Vec<Item<'b>>, shut: &mut Option<ApiError>) -> Vec<Item<'b>> {
        let mut again = Vec::new();
        let result = match shut {
            Some(error) => Err(error.clone()),
            None => {
                let url = self.talk.url(&format!("/zones/{zone}/dns_records/batch"));
                self.talk.call(Method::Post, url, Some(body(&items, &self.owner.extras)))
            }
        };
        let error = match result {
            Ok(json) => {
                let written = Written::read(&json);
                for item in items {
                    let record = written.of(&item).cloned();
                    again.extend(self.confirm(zone, item, record));
                }
                return again;
            }
            Err(error) => error,
        };
        match error.kind {
            // An identical record beside one that we know: there are two, and a listing tells which is which.
            ErrorKind::Gone | ErrorKind::Missing | ErrorKind::Identical if items.iter().any(Item::stale) => {
                for item in &mut items {
                    self.forget(item);
                    if error.kind == ErrorKind::Missing {
                        item.zone = None;
                    }
                }
                return items;
            }
            ErrorKind::Push | ErrorKind::Zone => *shut = Some(error.clone()),
            ErrorKind::Dry | ErrorKind::Missing | ErrorKind::Empty => {}
            ErrorKind::Unclear => return self.singles(zone, items, shut),
            ErrorKind::Gone | ErrorKind::Identical | ErrorKind::Record if items.len() > 1 => {
                return self.singles(zone, items, shut);
            }
            ErrorKind::Gone | ErrorKind::Identical | ErrorKind::Record => {}
        }
        for item in items {
            self.fail(item, &error);
        }
        again
    }

    /// One call for each, so that one bad record can't hold the rest.
    fn singles<'b>(&mut self, zone: &str, items: Vec<Item<'b>>, shut: &mut Option<ApiError>) -> Vec<Item<'b>> {
        let mut again = Vec::new();
        let url = self.talk.url(&format!("/zones/{zone}/dns_records"));
        let extras = &self.owner.extras;
        for mut item in items {
            let result = match (&shut, &item.record) {
                (Some(error), _) => Err(error.clone()),
                (None, Some(record)) => {
                    let body = plan::patch(None, item.address, extras);
                    self.talk.call(Method::Patch, url.at(&format!("/{}", record.id)), Some(body))
                }
                (None, None) => {
                    self.talk.call(Method::Post, url.clone(), Some(plan::post(item.host, item.address, extras)))
                }
            };
            match result {
                Ok(json) => {
                    let record = json::member(&json, "result").and_then(Record::read);
                    again.extend(self.confirm(zone, item, record));
                }
                Err(error)
                    if matches!(error.kind, ErrorKind::Gone | ErrorKind::Missing | ErrorKind::Identical)
                        && item.stale() =>
                {
                    self.forget(&mut item);
                    again.push(item);
                }
                Err(error) => {
                    self.fail(item, &error);
                    if matches!(error.kind, ErrorKind::Push | ErrorKind::Zone) {
                        *shut = Some(error);
                    }
                }
            }
        }
        again
    }

    /// Believes that a record was written if the answer holds it as it should be.
    fn confirm<'b>(&mut self, zone: &str, mut item: Item<'b>, record: Option<Record>) -> Option<Item<'b>> {
        let Some(record) = record else {
            self.rule(
                item,
                UpdateResult::later("Cloudflare's answer does not hold the record: it could not be confirmed"),
            );
            return None;
        };
        if record.name != item.host.ascii() || record.kind != item.family.record() {
            // Renamed in the dashboard since we learned its id.
            let text = format!("the {} record {} got the address", quoted(&record.kind), quoted(&record.name));
            let stale = item.stale();
            item.warn(format!("{text}: it was renamed since homing last saw it"));
            self.forget(&mut item);
            if stale {
                return Some(item);
            }
            self.rule(item, UpdateResult::later("Cloudflare's answer holds another record: it could not be confirmed"));
            return None;
        }
        if !record.holds(item.address) {
            let why = format!("Cloudflare's answer holds {}: it could not be confirmed", quoted(&record.content));
            self.rule(item, UpdateResult::later(why));
            return None;
        }
        self.remember(&item, zone, &record.id);
        self.rule(item, UpdateResult::Updated);
        None
    }
}

fn body(items: &[Item<'_>], extras: &Extras) -> String {
    let (mut patches, mut posts) = (Vec::new(), Vec::new());
    for item in items {
        match &item.record {
            Some(record) => patches.push(plan::patch(Some(&record.id), item.address, extras)),
            None => posts.push(plan::post(item.host, item.address, extras)),
        }
    }
    let mut body = Object::new();
    for (key, operations) in [("patches", patches), ("posts", posts)] {
        if !operations.is_empty() {
            body = body.raw(key, &array(operations));
        }
    }
    body.end()
}

/// What a batch says that it wrote.
struct Written {
    patched: HashMap<String, Record>,
    created: HashMap<(String, String), Record>,
}

impl Written {
    fn read(json: &Json) -> Written {
        let records = |key| {
            let result = json::member(json, "result");
            result.map_or(&[][..], |result| json::list(result, key)).iter().filter_map(Record::read)
        };
        Written {
            patched: records("patches").map(|record| (record.id.clone(), record)).collect(),
            created: records("posts").map(|record| ((record.name.clone(), record.kind.clone()), record)).collect(),
        }
    }

    fn of(&self, item: &Item<'_>) -> Option<&Record> {
        match &item.record {
            Some(record) => self.patched.get(&record.id),
            None => self.created.get(&(item.host.ascii().to_string(), item.family.record().to_string())),
        }
    }
}
