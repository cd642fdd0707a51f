//! Scaleway: <https://www.scaleway.com/en/developers/api/domains-and-dns/>. A `set` replaces the set of one name and type;
//! all sets of a zone go in one call. A zone's name stands in two members.

use crate::provider::rest::table::*;
use crate::types::json;

pub const API: Api = Api {
    name: "scaleway",
    what: "Scaleway's domains and DNS API",
    keys: keys![secret("token", "the secret key of an API key that may DomainsDNSFullAccess")],
    vendor: "Scaleway",
    base: "https://api.scaleway.com/domain/v2beta1",
    remedy: "make an API key at https://console.scaleway.com/iam/api-keys and take its secret key",
    headers: &[("X-Auth-Token", "$token")],
    naming: Naming::Within,
    ttl: 3600,
    ttls: (60, 2_592_000),
    zones: Some(List { call: get("/dns-zones?page_size=100&page=$page"), rows: "dns_zones", pages: Pages::Full(100) }),
    zone_name: "name",
    records: List {
        call: get("/dns-zones/$zone/records?name=$sub&page_size=100&page=$page"),
        rows: "records",
        pages: Pages::Full(100),
    },
    row: Row { name: "name", kind: "type", value: "data", ttl: "ttl", ..Row::NONE },
    update: Write {
        call: call(
            Method::Patch,
            "/dns-zones/$zone/records",
            r#"{"set":{"id_fields":{"name":$sub,"type":$type},"records":[{"name":$sub,"type":$type,"data":$ip,"ttl":$ttl{?,"comment":$row.comment?}}]}}"#,
        ),
        proof: Proof::Held("records"),
    },
    create: Write {
        call: call(
            Method::Patch,
            "/dns-zones/$zone/records",
            r#"{"add":{"records":[{"name":$sub,"type":$type,"data":$ip,"ttl":$ttl}]}}"#,
        ),
        proof: Proof::Held("records"),
    },
    batch: Some(Batch { head: r#"{"return_all_records":false,"changes":["#, between: ",", tail: "]}", most: 100 }),
    errors: Errors {
        code: "type",
        text: "message",
        rows: &[
            ("denied_authentication", Means::Key),
            ("permissions_denied", Means::Rights),
            ("not_found", Means::Zone),
            ("invalid_arguments", Means::Record),
            ("too_many_requests", Means::Busy),
        ],
    },
    own: Own { sign: None, read: Some(read) },
    ..Api::PLAIN
};

/// Gives zones a `name` of `subdomain` and `domain`.
fn read(body: &str) -> Option<Json> {
    let mut json = json::parse(body).ok()?;
    if let Json::Object(members) = &mut json {
        if let Some(Json::Array(zones)) = members.get_mut("dns_zones") {
            for zone in zones {
                let within = json::text(zone, "subdomain").filter(|within| !within.is_empty()).map(str::to_string);
                let domain = json::text(zone, "domain")?.to_string();
                let name = within.map_or(domain.clone(), |within| format!("{within}.{domain}"));
                let Json::Object(zone) = zone else { return None };
                zone.insert("name".to_string(), Json::String(name));
            }
        }
    }
    Some(json)
}
