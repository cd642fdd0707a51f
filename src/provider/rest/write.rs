//! Writes what was found to be out of date, many changes in a call where the API takes them, and believes only what is
//! shown: by the answer, or by a new look.

use super::look::{self, Record, Zone};
use super::placeholders::Words;
use super::push::{softened, Change, Item, Push};
use super::table::{Proof, Write};
use crate::net::http::quoted;
use crate::provider::api_error::{ApiError, ErrorKind};
use crate::provider::contract::UpdateResult;
use crate::types::json::{self, Json};

impl Push<'_> {
    /// Makes the changes, as many in a call as the API takes.
    pub fn write<'b>(&mut self, zone: &Zone, changes: Vec<Change<'b>>, settled: &mut Vec<(Item<'b>, UpdateResult)>) {
        let most = self.owner.api.batch.as_ref().map_or(1, |batch| batch.most);
        let mut shut: Option<ApiError> = None;
        let mut rest = changes;
        while !rest.is_empty() {
            let later = rest.split_off(rest.len().min(most));
            let mut verdicts = self.send(zone, &rest, &mut shut);
            // One bad record must not hold the others.
            if rest.len() > 1 && matches!(verdicts, Err(ApiError { kind: ErrorKind::Record, .. })) {
                let alone = rest.chunks(1).map(|one| match self.send(zone, one, &mut shut) {
                    Ok(mut verdicts) => verdicts.pop().unwrap_or(UpdateResult::NotAttempted),
                    Err(error) => error.verdict,
                });
                verdicts = Ok(alone.collect());
            }
            let verdicts = verdicts.unwrap_or_else(|error| vec![error.verdict; rest.len()]);
            settled.extend(rest.into_iter().zip(verdicts).map(|(change, verdict)| (change.item, verdict)));
            rest = later;
        }
    }

    /// One call for these changes, and what its answer proves of each.
    fn send(
        &mut self,
        zone: &Zone,
        changes: &[Change<'_>],
        shut: &mut Option<ApiError>,
    ) -> Result<Vec<UpdateResult>, ApiError> {
        if let Some(error) = shut {
            return Err(error.clone());
        }
        let api = self.owner.api;
        let place = self.talk.place();
        let mut bodies = Vec::new();
        let mut last: Option<(&Write, Words<'_>)> = None;
        for change in changes {
            let words = self.words(zone, &change.item, change.held.as_ref());
            let write = if change.held.is_some() { &api.update } else { &api.create };
            bodies.push(words.fill(write.call.body, place));
            last = Some((write, words));
        }
        let Some((write, words)) = last else { return Ok(Vec::new()) };
        let body = match &api.batch {
            Some(batch) => {
                let (head, tail) = (words.fill(batch.head, place), words.fill(batch.tail, place));
                format!("{head}{}{tail}", bodies.join(batch.between))
            }
            None => bodies.concat(),
        };
        let result = self.talk.call_with(&write.call, &words, body);
        self.looked.clear();
        match result {
            Ok(json) => Ok(changes.iter().map(|change| self.proven(zone, change, &json)).collect()),
            Err(mut error) => {
                if error.kind == ErrorKind::Missing && changes.iter().any(|change| change.held.is_some()) {
                    error.verdict = UpdateResult::later("the record is not there any more: it could not be confirmed");
                }
                if !zone.fresh {
                    error.verdict = softened(&error);
                }
                for change in changes {
                    self.forget(zone, &change.item, &error);
                }
                if matches!(error.kind, ErrorKind::Zone | ErrorKind::Push) {
                    *shut = Some(error.clone());
                }
                Err(error)
            }
        }
    }

    /// Believes that a change was made if the answer shows it, or else a new look.
    fn proven(&mut self, zone: &Zone, change: &Change<'_>, json: &Json) -> UpdateResult {
        let api = self.owner.api;
        let write = if change.held.is_some() { &api.update } else { &api.create };
        let words = self.words(zone, &change.item, None);
        let (host, kind) = (change.item.host.ascii(), change.item.family.record());
        let ours = |found: &&Record| found.name == host && found.kind == kind;
        let shown = match write.proof {
            Proof::Empty => matches!(json, Json::Null),
            Proof::Said(path, good) => {
                let said = json::at(json, path).and_then(json::scalar);
                said.is_some_and(|said| said == good || good.is_empty())
            }
            Proof::Held(path) => {
                let rows = match json::at(json, path) {
                    Some(Json::Array(rows)) => rows.as_slice(),
                    Some(row) => std::slice::from_ref(row),
                    None => &[],
                };
                let mut found = Vec::new();
                // A row that is not understood proves nothing; another may.
                rows.iter().for_each(|row| _ = look::read(api, row, &words, &mut found));
                let mut ours = found.iter().filter(ours);
                ours.next().is_some_and(|one| one.value.parse() == Ok(change.item.address)) && ours.next().is_none()
            }
        };
        if shown {
            return UpdateResult::Updated;
        }
        let held = match self.look(&words) {
            Ok(found) => found,
            Err(_) => {
                return UpdateResult::later(format!(
                    "{} did not show the record: it could not be confirmed",
                    api.vendor
                ))
            }
        };
        let values: Vec<&str> = held.iter().filter(ours).map(|held| held.value.as_str()).collect();
        match values.as_slice() {
            [one] if one.parse() == Ok(change.item.address) => UpdateResult::Updated,
            [] => UpdateResult::later(format!(
                "{} said yes and has no such record: it could not be confirmed",
                api.vendor
            )),
            others => {
                let others = quoted(&others.join(", "));
                UpdateResult::later(format!(
                    "{} said yes and still holds {others}: it could not be confirmed",
                    api.vendor
                ))
            }
        }
    }
}
