//! Hetzner's DNS in its cloud API: <https://docs.hetzner.cloud/reference/cloud#zone-rrsets>. The older API at
//! dns.hetzner.com is being withdrawn. A set's TTL has a call of its own, so that `ttl` is for new records.

use crate::provider::rest::table::*;

pub const API: Api = Api {
    name: "hetzner",
    names: &["hetzner.cloud"],
    what: "Hetzner's DNS in its cloud API (console.hetzner.com)",
    keys: keys![secret("token", "an API token of the project that has the zone, to read and write")],
    vendor: "Hetzner",
    base: "https://api.hetzner.cloud/v1",
    remedy: "make a token in the project that has the zone, at https://console.hetzner.com under Security, API tokens",
    headers: &[("Authorization", "Bearer $token")],
    naming: Naming::Within,
    ttls: (60, 2_147_483_647),
    zones: Some(List { call: get("/zones?per_page=50&page=$page"), rows: "zones", pages: Pages::Full(50) }),
    zone_name: "name",
    records: List {
        call: get("/zones/$zone/rrsets?name=$at&per_page=50&page=$page"),
        rows: "rrsets",
        pages: Pages::Full(50),
    },
    row: Row { name: "name", kind: "type", value: "records", inner: "value", ttl: "ttl", ..Row::NONE },
    update: Write {
        call: call(
            Method::Post,
            "/zones/$zone/rrsets/$at/$type/actions/set_records",
            r#"{"records":[{"value":$ip{?,"comment":$row.records.0.comment?}}]}"#,
        ),
        // Else it is under way.
        proof: Proof::Said("action.status", "success"),
    },
    create: Write {
        call: call(
            Method::Post,
            "/zones/$zone/rrsets",
            r#"{"name":$at,"type":$type{?,"ttl":$newttl?},"records":[{"value":$ip}]}"#,
        ),
        proof: Proof::Held("rrset"),
    },
    errors: Errors {
        code: "error.code",
        text: "error.message",
        rows: &[
            ("unauthorized", Means::Key),
            ("protected", Means::Record),
            ("token_readonly", Means::Rights),
            ("forbidden", Means::Rights),
            ("not_found", Means::Zone),
            ("rate_limit_exceeded", Means::Busy),
            ("invalid_input", Means::Record),
            ("uniqueness_error", Means::Record),
        ],
    },
    ..Api::PLAIN
};
