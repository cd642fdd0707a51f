//! Reads listings to their end, or says that it could not: what we do not see we might create twice.

use super::placeholders::Words;
use super::table::{Api, List, Naming, Pages};
use super::talk::Talk;
use crate::provider::api_error::{ApiError, ErrorKind};
use crate::provider::lookup::{self, is_id, plain};
use crate::types::hostname::Host;
use crate::types::json::{self, Json};

/// Pages of a listing that are read.
const PAGES: usize = 40;
/// Records whose details are asked for one by one.
const DETAILS: usize = 20;

/// A zone that the credentials see.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Zone {
    pub id: String,
    pub name: String,
    /// Whether it was learned in this push, not remembered.
    pub fresh: bool,
}

/// A record as the API tells it: one for each value of a set.
#[derive(Clone)]
pub struct Record {
    pub id: String,
    /// As [`Host::ascii`] has it.
    pub name: String,
    pub kind: String,
    pub value: String,
    pub ttl: Option<i64>,
    /// Listed and not served.
    pub disabled: bool,
    /// Its name is in a form that this API is not known to use: what it is the name of is not known.
    pub odd: bool,
    /// The row that it stands in.
    pub row: Json,
}

/// All zones, or the one that `$zone` names.
pub fn zones(talk: &mut Talk<'_>, list: &List, words: &Words<'_>) -> Result<Vec<Zone>, ApiError> {
    let api = talk.owner.api;
    let mut zones: Vec<Zone> = Vec::new();
    rows(talk, list, words, &mut |row| {
        let name = plain(&json::at(row, api.zone_name).and_then(json::scalar)?);
        let id = match api.zone_id {
            "" => name.clone(),
            path => json::at(row, path).and_then(json::scalar).filter(|id| is_id(id))?,
        };
        // What is no host's name can hold none of our hosts.
        if Host::new(&name).is_ok() {
            zones.push(Zone { id, name, fresh: true });
        }
        Some(())
    })?;
    Ok(zones)
}

/// The records of a listing; `words` say of which zone, name and type it is.
pub fn records(talk: &mut Talk<'_>, words: &Words<'_>) -> Result<Vec<Record>, ApiError> {
    let api = talk.owner.api;
    let mut held: Vec<Json> = Vec::new();
    let listed = rows(talk, &api.records, words, &mut |row| {
        held.push(row.clone());
        Some(())
    });
    match listed {
        Err(error) if api.absent && error.kind == ErrorKind::Missing => return Ok(Vec::new()),
        Err(error) if error.kind == ErrorKind::Empty => return Ok(Vec::new()),
        listed => listed?,
    }
    if let Some(each) = &api.each {
        let mut whole = Vec::new();
        if held.len() > DETAILS {
            return Err(ApiError::later(ErrorKind::Zone, format!("{} lists too many records", api.vendor)));
        }
        for id in &held {
            let mut words = words.clone();
            words.set("id", json::scalar(id).filter(|id| is_id(id)).ok_or_else(|| odd(api))?);
            whole.push(talk.call(each, &words)?);
        }
        held = whole;
    }
    let mut found = Vec::new();
    for row in &held {
        read(api, row, words, &mut found).ok_or_else(|| odd(api))?;
    }
    Ok(found)
}

/// The records that a row holds. Nothing: the row is not what it should be.
pub fn read(api: &Api, row: &Json, words: &Words<'_>, found: &mut Vec<Record>) -> Option<()> {
    let text = |path: &'static str| json::at(row, path).and_then(json::scalar);
    let said = |word: &str| words.get(word).map(|value| value.text);
    let kind = if api.row.kind.is_empty() { said("type")? } else { text(api.row.kind)? };
    let in_the_way = lookup::in_the_way(&kind);
    if !(in_the_way || ["A", "AAAA"].contains(&kind.as_str())) {
        return Some(());
    }
    let (name, odd) = match api.row.name {
        "" => (said("fqdn")?, false),
        path => name(api, &text(path).unwrap_or_default(), &said("zone").unwrap_or_default()),
    };
    let id = match api.row.id {
        "" => String::new(),
        path if in_the_way => text(path).unwrap_or_default(),
        path => text(path).filter(|id| is_id(id))?,
    };
    let flag = |json: &Json| {
        let held = Some(api.row.disabled).filter(|path| !path.is_empty()).and_then(|path| json::at(json, path));
        matches!(held, Some(Json::Boolean(true)))
    };
    let mut disabled = flag(row);
    let ttl = text(api.row.ttl).and_then(|ttl| ttl.parse().ok());
    let values = match json::at(row, api.row.value) {
        Some(Json::Array(values)) => {
            disabled |= values.iter().any(flag);
            values.iter().map(|value| json::at(value, api.row.inner).and_then(json::scalar)).collect()
        }
        Some(value) => vec![json::scalar(value)],
        None => vec![None],
    };
    for value in values {
        // Of a record in the way its type is enough.
        let value = if in_the_way { value.unwrap_or_default() } else { value? };
        let (id, name, kind) = (id.clone(), name.clone(), kind.clone());
        found.push(Record { id, name, kind, value, ttl, disabled, odd, row: row.clone() });
    }
    Some(())
}

/// The whole name of a record that is called so in a zone, and whether it is in a form that the API is not known to use:
/// APIs have changed from one form to the other (NameSilo in 2026), and who then finds no record must not create one.
fn name(api: &Api, name: &str, zone: &str) -> (String, bool) {
    let plain = plain(name);
    let ends_with_zone = plain == zone || plain.strip_suffix(zone).is_some_and(|front| front.ends_with('.'));
    let within = || match name {
        "" | "@" => zone.to_string(),
        _ => format!("{plain}.{zone}"),
    };
    match api.naming {
        // Without a name for the zone nothing can be said.
        _ if zone.is_empty() => (plain, false),
        Naming::Within => (within(), ends_with_zone),
        Naming::Either if !ends_with_zone => (within(), false),
        Naming::Whole | Naming::Either => (plain, !ends_with_zone),
    }
}

fn odd(api: &Api) -> ApiError {
    ApiError::later(ErrorKind::Zone, format!("{}'s listing holds something that is not what it should be", api.vendor))
}

/// Hands over each row of a listing.
fn rows(
    talk: &mut Talk<'_>,
    list: &List,
    words: &Words<'_>,
    take: &mut dyn FnMut(&Json) -> Option<()>,
) -> Result<(), ApiError> {
    let api = talk.owner.api;
    let mut words = words.clone();
    if let Pages::Full(_) = list.pages {
        words.set("page", "1");
    }
    for page in 2..PAGES {
        let json = talk.call(&list.call, &words)?;
        let count = match json::at(&json, list.rows) {
            Some(Json::Array(rows)) => {
                for row in rows {
                    take(row).ok_or_else(|| odd(api))?;
                }
                rows.len()
            }
            Some(row @ Json::Object(_)) => {
                take(row).ok_or_else(|| odd(api))?;
                1
            }
            // It said that it did as asked; then there is nothing.
            _ if api.good.is_some() => 0,
            _ => return Err(ApiError::later(ErrorKind::Zone, format!("{}'s answer holds no list", api.vendor))),
        };
        match list.pages {
            // Linode says how many pages there are: the one after the last is an error.
            Pages::Full(_) if json::number(&json, "pages").is_some_and(|pages| pages < page as i64) => return Ok(()),
            Pages::Full(size) if count >= size => words.set("page", page.to_string()),
            Pages::Cursor(path) => match json::at(&json, path).and_then(json::scalar).filter(|next| !next.is_empty()) {
                Some(next) => words.set("page", next),
                None => return Ok(()),
            },
            _ => return Ok(()),
        }
    }
    Err(ApiError::later(ErrorKind::Zone, format!("{}'s listing is too long: set 'zone' in this section", api.vendor)))
}
