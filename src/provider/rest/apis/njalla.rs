//! Njalla: <https://njal.la/api/>. One URL for all, a method in each body, errors in answers with status 200.

use crate::provider::rest::table::*;

pub const API: Api = Api {
    name: "njalla-api",
    what: "Njalla's API (njalla is simpler)",
    keys: keys![secret("token", "an API token; do not bind it to an address")],
    vendor: "Njalla",
    base: "https://njal.la/api/1",
    remedy: "make a token at https://njal.la/settings/api/",
    headers: &[("Authorization", "Njalla $token")],
    naming: Naming::Within,
    ttl: 300,
    ttls: (60, 86_400),
    zones: Some(List {
        call: call(Method::Post, "/", r#"{"method":"list-domains","params":{}}"#),
        rows: "result.domains",
        pages: Pages::One,
    }),
    zone_name: "name",
    records: List {
        call: call(Method::Post, "/", r#"{"method":"list-records","params":{"domain":$zone}}"#),
        rows: "result.records",
        pages: Pages::One,
    },
    row: Row { id: "id", name: "name", kind: "type", value: "content", ttl: "ttl", ..Row::NONE },
    update: Write {
        call: call(
            Method::Post,
            "/",
            r#"{"method":"edit-record","params":{"domain":$zone,"id":$id,"type":$type,"name":$at,"content":$ip,"ttl":$ttl}}"#,
        ),
        proof: Proof::Held("result"),
    },
    create: Write {
        call: call(
            Method::Post,
            "/",
            r#"{"method":"add-record","params":{"domain":$zone,"type":$type,"name":$at,"content":$ip,"ttl":$ttl}}"#,
        ),
        proof: Proof::Held("result"),
    },
    errors: Errors {
        code: "error.code",
        text: "error.message",
        rows: &[
            // As of a token that is none, and of one that may not.
            ("403", Means::Key),
            ("404", Means::Zone),
            ("400", Means::Record),
        ],
    },
    ..Api::PLAIN
};
