//! Gandi LiveDNS: <https://api.gandi.net/docs/livedns/>. A PUT replaces the set of one name and type, and creates it
//! where there is none. The older API keys (`Apikey` in the place of `Bearer`) are being withdrawn.

use crate::provider::rest::table::*;

const SET: Write = Write {
    call: call(Method::Put, "/domains/$zone/records/$at/$type", "{\"rrset_ttl\":$ttl,\"rrset_values\":[$ip]}"),
    proof: Proof::Said("message", "DNS Record Created"),
};

pub const API: Api = Api {
    name: "gandi",
    names: &["gandi.net", "gandi.net-v2"],
    what: "Gandi's LiveDNS API",
    keys: keys![secret("token", "a personal access token that may manage domain name technical configurations")],
    vendor: "Gandi",
    base: "https://api.gandi.net/v5/livedns",
    remedy: "make a personal access token at https://admin.gandi.net, in the organization's sharing settings",
    headers: &[("Authorization", "Bearer $token")],
    naming: Naming::Within,
    ttl: 300,
    ttls: (300, 2_592_000),
    zones: Some(List { call: get("/domains?per_page=100&page=$page"), rows: "", pages: Pages::Full(100) }),
    zone_name: "fqdn",
    records: List { call: get("/domains/$zone/records/$at/$type"), rows: "", pages: Pages::One },
    row: Row { name: "rrset_name", kind: "rrset_type", value: "rrset_values", ttl: "rrset_ttl", ..Row::NONE },
    update: SET,
    create: SET,
    errors: Errors {
        code: "object",
        text: "message",
        rows: &[("HTTPUnauthorized", Means::Key), ("HTTPForbidden", Means::Rights), ("HTTPNotFound", Means::Zone)],
    },
    absent: true,
    ..Api::PLAIN
};
