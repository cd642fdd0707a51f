//! NS1 (IBM): <https://ns1.com/api>. A record is a set of one name and type.

use crate::provider::rest::table::*;

pub const API: Api = Api {
    name: "ns1",
    what: "NS1's API (NS1 Connect)",
    keys: keys![secret("key", "an API key that may manage the zone's records")],
    vendor: "NS1",
    base: "https://api.nsone.net/v1",
    remedy: "make a key at https://my.nsone.net/#/account/settings/keys",
    headers: &[("X-NSONE-Key", "$key")],
    ttl: 3600,
    zones: Some(List { call: get("/zones"), rows: "", pages: Pages::One }),
    zone_name: "zone",
    records: List { call: get("/zones/$zone/$fqdn/$type"), rows: "", pages: Pages::One },
    row: Row { name: "domain", kind: "type", value: "answers", inner: "answer.0", ttl: "ttl", ..Row::NONE },
    update: Write {
        call: call(Method::Post, "/zones/$zone/$fqdn/$type", r#"{"answers":[{"answer":[$ip]}]{?,"ttl":$newttl?}}"#),
        proof: Proof::Held(""),
    },
    create: Write {
        call: call(
            Method::Put,
            "/zones/$zone/$fqdn/$type",
            r#"{"zone":$zone,"domain":$fqdn,"type":$type,"answers":[{"answer":[$ip]}],"ttl":$ttl}"#,
        ),
        proof: Proof::Held(""),
    },
    errors: Errors {
        code: "",
        text: "message",
        rows: &[
            ("Unauthorized", Means::Key),
            ("unauthorized*", Means::Key),
            ("permission*", Means::Rights),
            ("not found*", Means::Zone),
            ("rate limit*", Means::Busy),
        ],
    },
    absent: true,
    ..Api::PLAIN
};
