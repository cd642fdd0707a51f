//! IONOS: <https://developer.hosting.ionos.com/docs/dns>. A PUT writes the record as a whole, so that what we do not change
//! is sent as it was listed. Errors come as a list.

use crate::provider::rest::table::*;

pub const API: Api = Api {
    name: "ionos",
    names: &["ionos.com"],
    what: "IONOS's DNS API",
    keys: keys![secret("key", "the API key: public prefix, a dot, secret"); ZONE_ID],
    vendor: "IONOS",
    base: "https://api.hosting.ionos.com/dns/v1",
    remedy: "make a key at https://developer.hosting.ionos.com/keys and write it as prefix.secret",
    headers: &[("X-API-Key", "$key"), ("Accept", "application/json")],
    ttl: 3600,
    ttls: (60, 2_147_483_647),
    zones: Some(List { call: get("/zones"), rows: "", pages: Pages::One }),
    zone_id: "id",
    zone_name: "name",
    records: List { call: get("/zones/$zoneid?recordName=$fqdn"), rows: "records", pages: Pages::One },
    row: Row { id: "id", name: "name", kind: "type", value: "content", ttl: "ttl", disabled: "disabled", ..Row::NONE },
    update: Write {
        call: call(
            Method::Put,
            "/zones/$zoneid/records/$id",
            r#"{"content":$ip,"ttl":$ttl{?,"prio":$row.prio?},"disabled":false}"#,
        ),
        proof: Proof::Held(""),
    },
    create: Write {
        call: call(
            Method::Post,
            "/zones/$zoneid/records",
            r#"[{"name":$fqdn,"type":$type,"content":$ip,"ttl":$ttl,"prio":0,"disabled":false}]"#,
        ),
        proof: Proof::Held(""),
    },
    errors: Errors {
        code: "0.code",
        text: "0.message",
        rows: &[
            ("UNAUTHORIZED", Means::Key),
            ("FORBIDDEN", Means::Rights),
            ("ZONE_NOT_FOUND", Means::Zone),
            ("INVALID_RECORD", Means::Record),
            ("RATE_LIMIT_EXCEEDED", Means::Busy),
        ],
    },
    ..Api::PLAIN
};
