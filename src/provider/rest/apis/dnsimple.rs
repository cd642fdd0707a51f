//! DNSimple, version 2: <https://developer.dnsimple.com/v2/zones/records/>. Everything is below the account's number, which
//! a token of an account tells.

use crate::provider::rest::table::*;

pub const API: Api = Api {
    name: "dnsimple",
    names: &["dnsimple.com", "dnsimple.com-v2"],
    what: "DNSimple's API, version 2",
    keys: keys![secret("token", "an access token of the account, not of the user")],
    vendor: "DNSimple",
    base: "https://api.dnsimple.com/v2",
    remedy: "make an account access token at https://dnsimple.com, in the account's settings under Access Tokens",
    headers: &[("Authorization", "Bearer $token"), ("Accept", "application/json")],
    naming: Naming::Within,
    ttl: 3600,
    ttls: (60, 2_147_483_647),
    session: Some(Session {
        open: get("/whoami"),
        id: "data.account.id",
        remedy: "this token is one of a user: take one of the account, from its settings under Access Tokens",
        close: None,
    }),
    zones: Some(List { call: get("/$session/zones?per_page=100&page=$page"), rows: "data", pages: Pages::Full(100) }),
    zone_name: "name",
    records: List {
        call: get("/$session/zones/$zone/records?name=$sub&per_page=100&page=$page"),
        rows: "data",
        pages: Pages::Full(100),
    },
    row: Row { id: "id", name: "name", kind: "type", value: "content", ttl: "ttl", ..Row::NONE },
    update: Write {
        call: call(Method::Patch, "/$session/zones/$zone/records/$id", r#"{"content":$ip{?,"ttl":$newttl?}}"#),
        proof: Proof::Held("data"),
    },
    create: Write {
        call: call(
            Method::Post,
            "/$session/zones/$zone/records",
            r#"{"name":$sub,"type":$type,"content":$ip,"ttl":$ttl}"#,
        ),
        proof: Proof::Held("data"),
    },
    errors: Errors {
        code: "",
        text: "message",
        rows: &[
            ("Authentication failed*", Means::Key),
            ("Permission Denied*", Means::Rights),
            ("not found*", Means::Zone),
            ("Validation failed*", Means::Record),
        ],
    },
    ..Api::PLAIN
};
