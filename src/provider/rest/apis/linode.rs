//! Linode (Akamai): <https://techdocs.akamai.com/linode-api/reference/put-domain-record>. A PUT changes what it names. It
//! rounds a TTL up to one of its own.

use crate::provider::rest::table::*;

pub const API: Api = Api {
    name: "linode",
    names: &["linode.com"],
    what: "Linode's (Akamai's) domains API",
    keys: keys![secret("token", "a personal access token with read and write access to Domains")],
    vendor: "Linode",
    base: "https://api.linode.com/v4",
    remedy: "make a token at https://cloud.linode.com/profile/tokens",
    headers: &[("Authorization", "Bearer $token")],
    naming: Naming::Within,
    ttls: (30, 2_419_200),
    zones: Some(List { call: get("/domains?page_size=200&page=$page"), rows: "data", pages: Pages::Full(200) }),
    zone_id: "id",
    zone_name: "domain",
    records: List {
        call: get("/domains/$zoneid/records?page_size=500&page=$page"),
        rows: "data",
        pages: Pages::Full(500),
    },
    row: Row { id: "id", name: "name", kind: "type", value: "target", ttl: "ttl_sec", ..Row::NONE },
    update: Write {
        call: call(Method::Put, "/domains/$zoneid/records/$id", r#"{"target":$ip{?,"ttl_sec":$newttl?}}"#),
        proof: Proof::Held(""),
    },
    create: Write {
        call: call(
            Method::Post,
            "/domains/$zoneid/records",
            r#"{"type":$type,"name":$sub,"target":$ip,"ttl_sec":$ttl}"#,
        ),
        proof: Proof::Held(""),
    },
    errors: Errors {
        code: "errors.0.field",
        text: "errors.0.reason",
        rows: &[
            ("Invalid Token*", Means::Key),
            ("Invalid OAuth Token*", Means::Key),
            ("not authorized*", Means::Rights),
            ("Not found*", Means::Zone),
            ("target", Means::Record),
            ("name", Means::Record),
            ("ttl_sec", Means::Record),
        ],
    },
    ..Api::PLAIN
};
