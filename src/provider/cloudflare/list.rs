//! Reads the API's listings to their end, or says that it could not: what we do not see we might create twice.

use super::plan::{Record, Zone, Zones};
use super::talk::Talk;
use crate::net::http::{Method, Url};
use crate::provider::api_error::{ApiError, ErrorKind};
use crate::types::json::{self, Json};
use std::collections::{BTreeSet, HashMap};

/// Zones in a page: the most that the API gives.
const ZONES: usize = 50;
/// Pages of zones that are read.
const ZONE_PAGES: usize = 40;
/// Records in a page: at 1,300 bytes each, three times the usual, they fit in an answer.
const RECORDS: usize = 200;
/// Pages of records that are read.
const RECORD_PAGES: usize = 200;

/// The zones that the credentials see, or the one of this name.
pub fn zones(talk: &mut Talk<'_>, name: Option<&str>) -> Result<Zones, ApiError> {
    let mut url = talk.url("/zones");
    if let Some(name) = name {
        url = url.with_query([("name", name)]);
    }
    let mut zones = Zones::default();
    let mut take = |json: &Json| {
        let zone = Zone::read(json)?;
        if name.is_none_or(|name| name == zone.name) {
            zones.add(zone);
        }
        Some(())
    };
    match pages(talk, &url, ZONES, ZONE_PAGES, &mut take)? {
        true => Ok(zones),
        false => Err(odd("of zones is too long: set 'zone' in this section")),
    }
}

/// The A, AAAA and CNAME records of these hosts, by name. One host is asked for by name; so is each of several where
/// reading the whole zone would take more requests.
pub fn records(
    talk: &mut Talk<'_>,
    zone: &str,
    hosts: &BTreeSet<&str>,
) -> Result<HashMap<String, Vec<Record>>, ApiError> {
    let url = talk.url(&format!("/zones/{zone}/dns_records"));
    let mut found: HashMap<String, Vec<Record>> = HashMap::new();
    let mut ids = BTreeSet::new();
    let mut take = |json: &Json| {
        let record = Record::read(json)?;
        let kind = ["A", "AAAA", "CNAME"].contains(&record.kind.as_str());
        // A record may slip from one page to the next while we read.
        if kind && hosts.contains(record.name.as_str()) && ids.insert(record.id.clone()) {
            found.entry(record.name.clone()).or_default().push(record);
        }
        Some(())
    };
    let most = hosts.len().clamp(2, RECORD_PAGES);
    if hosts.len() == 1 || !pages(talk, &url, RECORDS, most, &mut take)? {
        for host in hosts {
            let url = url.with_query([("name.exact", *host)]);
            if !pages(talk, &url, RECORDS, RECORD_PAGES, &mut take)? {
                return Err(odd("of one host's records is too long"));
            }
        }
    }
    Ok(found)
}

fn odd(what: &str) -> ApiError {
    ApiError::later(ErrorKind::Zone, format!("Cloudflare's listing {what}"))
}

/// Hands over each row of a listing. `false`: it has more pages than `most`.
fn pages(
    talk: &mut Talk<'_>,
    url: &Url,
    size: usize,
    most: usize,
    take: &mut dyn FnMut(&Json) -> Option<()>,
) -> Result<bool, ApiError> {
    let mut seen = 0;
    for page in 1.. {
        let mut url = url.with_query([("per_page", size.to_string().as_str())]);
        if page > 1 {
            url = url.with_query([("page", page.to_string().as_str())]);
        }
        let json = talk.call(Method::Get, url, None)?;
        let rows = json::member(&json, "result").and_then(|rows| rows.get::<Vec<Json>>());
        let rows = rows.ok_or_else(|| odd("is no list"))?;
        for row in rows {
            take(row).ok_or_else(|| odd("holds something that is not what it should be"))?;
        }
        seen += rows.len();
        let info = |key: &str| {
            let count = json::member(&json, "result_info").and_then(|info| json::number(info, key));
            count.and_then(|count| usize::try_from(count).ok())
        };
        // Where the pages are not counted, a short one is the last.
        let pages = info("total_pages").unwrap_or(if rows.len() < size { page } else { page + 1 });
        if page >= pages {
            return match info("total_count") {
                Some(total) if total > seen => Err(odd("is not complete")),
                _ => Ok(true),
            };
        }
        if pages > most {
            return Ok(false);
        }
        if rows.is_empty() {
            return Err(odd("has an empty page"));
        }
    }
    Ok(false)
}
