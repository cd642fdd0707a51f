//! GoDaddy: <https://developer.godaddy.com/doc/endpoint/domains>. A PUT replaces the set of one name and type. Accounts with
//! fewer than ten domains are told ACCESS_DENIED.

use crate::provider::rest::table::*;

const SET: Write = Write {
    call: call(Method::Put, "/v1/domains/$zone/records/$type/$at", r#"[{"data":$ip,"ttl":$ttl}]"#),
    proof: Proof::Empty,
};

pub const API: Api = Api {
    name: "godaddy",
    names: &["godaddy.com", "godaddy.com-v1"],
    what: "GoDaddy's domains API (for accounts with ten domains or more)",
    keys: keys![secret("key", "the API key, of a production environment"), secret("secret", "its secret")],
    vendor: "GoDaddy",
    base: "https://api.godaddy.com",
    remedy: "make a production key at https://developer.godaddy.com/keys; GoDaddy serves accounts with ten domains or \
             more",
    headers: &[("Authorization", "sso-key $key:$secret")],
    naming: Naming::Within,
    ttl: 600,
    ttls: (600, 604_800),
    zones: Some(List { call: get("/v1/domains?statuses=ACTIVE&limit=1000"), rows: "", pages: Pages::One }),
    zone_name: "domain",
    records: List { call: get("/v1/domains/$zone/records/$type/$at"), rows: "", pages: Pages::One },
    row: Row { name: "name", kind: "type", value: "data", ttl: "ttl", ..Row::NONE },
    update: SET,
    create: SET,
    errors: Errors {
        code: "code",
        text: "message",
        rows: &[
            ("UNABLE_TO_AUTHENTICATE", Means::Key),
            ("ACCESS_DENIED", Means::Key),
            ("UNKNOWN_DOMAIN", Means::Zone),
            ("NOT_FOUND", Means::Zone),
            ("INVALID_BODY", Means::Record),
            ("DUPLICATE_RECORD", Means::Record),
            ("TOO_MANY_REQUESTS", Means::Busy),
        ],
    },
    ..Api::PLAIN
};
