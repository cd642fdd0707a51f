//! LuaDNS: <https://www.luadns.com/api.html>. A PUT writes the record as a whole.

use crate::provider::rest::table::*;

pub const API: Api = Api {
    name: "luadns",
    what: "LuaDNS's API",
    keys: keys![key("email", "the account's mail address"), secret("token", "an API key"); ZONE_ID],
    vendor: "LuaDNS",
    base: "https://api.luadns.com/v1",
    remedy: "make a key at https://app.luadns.com/api_keys, and switch API access on in the account's settings",
    headers: &[("Authorization", "Basic $basic"), ("Accept", "application/json")],
    ttls: (60, 2_147_483_647),
    zones: Some(List { call: get("/zones"), rows: "", pages: Pages::One }),
    zone_id: "id",
    zone_name: "name",
    records: List { call: get("/zones/$zoneid/records"), rows: "", pages: Pages::One },
    row: Row { id: "id", name: "name", kind: "type", value: "content", ttl: "ttl", ..Row::NONE },
    update: Write {
        call: call(
            Method::Put,
            "/zones/$zoneid/records/$id",
            r#"{"name":$dotted,"type":$type,"content":$ip,"ttl":$ttl}"#,
        ),
        proof: Proof::Held(""),
    },
    create: Write {
        call: call(Method::Post, "/zones/$zoneid/records", r#"{"name":$dotted,"type":$type,"content":$ip,"ttl":$ttl}"#),
        proof: Proof::Held(""),
    },
    errors: Errors {
        code: "status",
        text: "message",
        rows: &[
            ("Unauthorized", Means::Key),
            ("Forbidden", Means::Rights),
            ("Not found", Means::Zone),
            ("Not Found", Means::Zone),
            ("Too many requests", Means::Busy),
        ],
    },
    ..Api::PLAIN
};
