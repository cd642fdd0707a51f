//! Porkbun: <https://porkbun.com/api/json/v3/documentation>. Everything is a POST with the keys in the body; one call lists
//! a whole zone. A note on a record stays when it is not sent.

use crate::provider::rest::table::*;

pub const API: Api = Api {
    name: "porkbun",
    names: &["porkbun.com", "porkbun.com-v3"],
    what: "Porkbun's API; enable API access for the domain",
    keys: keys![secret("key", "the API key (pk1_...)"), secret("secret", "the secret API key (sk1_...)")],
    vendor: "Porkbun",
    base: "https://api.porkbun.com/api/json/v3",
    remedy: "make keys at https://porkbun.com/account/api and switch API access on in the domain's details",
    ttl: 600,
    ttls: (600, 2_147_483_647),
    zones: Some(List {
        call: call(Method::Post, "/domain/listAll", r#"{"apikey":$key,"secretapikey":$secret}"#),
        rows: "domains",
        pages: Pages::One,
    }),
    zone_name: "domain",
    records: List {
        call: call(Method::Post, "/dns/retrieve/$zone", r#"{"apikey":$key,"secretapikey":$secret}"#),
        rows: "records",
        pages: Pages::One,
    },
    row: Row { id: "id", name: "name", kind: "type", value: "content", ttl: "ttl", ..Row::NONE },
    update: Write {
        call: call(
            Method::Post,
            "/dns/edit/$zone/$id",
            r#"{"apikey":$key,"secretapikey":$secret,"name":$sub,"type":$type,"content":$ip,"ttl":$ttl}"#,
        ),
        proof: Proof::Said("status", "SUCCESS"),
    },
    create: Write {
        call: call(
            Method::Post,
            "/dns/create/$zone",
            r#"{"apikey":$key,"secretapikey":$secret,"name":$sub,"type":$type,"content":$ip,"ttl":$ttl}"#,
        ),
        proof: Proof::Said("status", "SUCCESS"),
    },
    good: Some(("status", "SUCCESS")),
    errors: Errors {
        code: "code",
        text: "message",
        rows: &[
            ("Invalid API key*", Means::Key),
            ("INVALID_API_KEYS*", Means::Key),
            ("not opted in to API*", Means::Rights),
            ("Invalid domain*", Means::Zone),
            ("INVALID_DOMAIN*", Means::Zone),
        ],
    },
    ..Api::PLAIN
};
