//! Vultr: <https://www.vultr.com/api/#tag/dns>. A change is answered with 204 and nothing.

use crate::provider::rest::table::*;

pub const API: Api = Api {
    name: "vultr",
    names: &["vultr.com"],
    what: "Vultr's DNS API",
    keys: keys![secret("token", "the API key; its access control must let every address in that we may have")],
    vendor: "Vultr",
    base: "https://api.vultr.com/v2",
    remedy: "take the key from https://my.vultr.com/settings/#settingsapi and let all our addresses in there",
    headers: &[("Authorization", "Bearer $token")],
    naming: Naming::Within,
    ttls: (120, 2_147_483_647),
    zones: Some(List {
        call: get("/domains?per_page=500{?&cursor=$page?}"),
        rows: "domains",
        pages: Pages::Cursor("meta.links.next"),
    }),
    zone_name: "domain",
    records: List {
        call: get("/domains/$zone/records?per_page=500{?&cursor=$page?}"),
        rows: "records",
        pages: Pages::Cursor("meta.links.next"),
    },
    row: Row { id: "id", name: "name", kind: "type", value: "data", ttl: "ttl", ..Row::NONE },
    update: Write {
        call: call(Method::Patch, "/domains/$zone/records/$id", r#"{"data":$ip{?,"ttl":$newttl?}}"#),
        proof: Proof::Empty,
    },
    create: Write {
        call: call(Method::Post, "/domains/$zone/records", r#"{"name":$sub,"type":$type,"data":$ip,"ttl":$ttl}"#),
        proof: Proof::Held("record"),
    },
    errors: Errors {
        code: "",
        text: "error",
        rows: &[
            ("Invalid API token*", Means::Key),
            ("Unauthorized IP address*", Means::Key),
            ("Invalid domain*", Means::Zone),
            ("Unable to create record*", Means::Record),
            ("Rate limit*", Means::Busy),
        ],
    },
    ..Api::PLAIN
};
