//! DigitalOcean: <https://docs.digitalocean.com/reference/api/digitalocean/#tag/Domain-Records>.

use crate::provider::rest::table::*;

pub const API: Api = Api {
    name: "digitalocean",
    names: &["digitalocean.com", "digitalocean.com-v2"],
    what: "DigitalOcean's DNS API",
    keys: keys![secret("token", "a personal access token with the scopes domain:read, :create and :update")],
    vendor: "DigitalOcean",
    base: "https://api.digitalocean.com/v2",
    remedy: "make a token at https://cloud.digitalocean.com/account/api/tokens",
    headers: &[("Authorization", "Bearer $token")],
    naming: Naming::Within,
    ttl: 1800,
    ttls: (30, 2_147_483_647),
    zones: Some(List { call: get("/domains?per_page=100&page=$page"), rows: "domains", pages: Pages::Full(100) }),
    zone_name: "name",
    records: List {
        call: get("/domains/$zone/records?name=$fqdn&per_page=100&page=$page"),
        rows: "domain_records",
        pages: Pages::Full(100),
    },
    row: Row { id: "id", name: "name", kind: "type", value: "data", ttl: "ttl", ..Row::NONE },
    update: Write {
        call: call(Method::Patch, "/domains/$zone/records/$id", "{\"type\":$type,\"data\":$ip{?,\"ttl\":$newttl?}}"),
        proof: Proof::Held("domain_record"),
    },
    create: Write {
        call: call(Method::Post, "/domains/$zone/records", "{\"type\":$type,\"name\":$at,\"data\":$ip,\"ttl\":$ttl}"),
        proof: Proof::Held("domain_record"),
    },
    errors: Errors {
        code: "id",
        text: "message",
        rows: &[
            ("unauthorized", Means::Key),
            ("forbidden", Means::Rights),
            ("not_found", Means::Zone),
            ("too_many_requests", Means::Busy),
            ("unprocessable_entity", Means::Record),
        ],
    },
    ..Api::PLAIN
};
