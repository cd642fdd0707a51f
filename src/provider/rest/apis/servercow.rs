//! Servercow: <https://cp.servercow.de/en/plugin/support_manager/knowledgebase/view/34/dns-api-v1/7/>. A POST replaces the
//! set of one name and type, or creates it. The API does not list zones.

use crate::provider::rest::table::*;

const SET: Write = Write {
    call: call(Method::Post, "/domains/$zone", r#"{"type":$type,"name":$sub,"content":$ip,"ttl":$ttl}"#),
    proof: Proof::Said("message", "ok"),
};

pub const API: Api = Api {
    name: "servercow",
    what: "Servercow's DNS API; needs zone",
    keys: &[
        key("url", "the API's base"),
        key("user", "the DNS API user").needed(),
        secret("password", "its password").needed(),
        key("zone", "the zone's name").needed(),
        key("ttl", "in seconds; left alone by default"),
        key("create", "no: never create a missing record (default: yes)"),
    ],
    vendor: "Servercow",
    base: "https://api.servercow.de/dns/v1",
    remedy: "make a DNS API user at https://cp.servercow.de",
    headers: &[("X-Auth-Username", "$user"), ("X-Auth-Password", "$password")],
    naming: Naming::Within,
    ttl: 300,
    ttls: (60, 2_147_483_647),
    records: List { call: get("/domains/$zone"), rows: "", pages: Pages::One },
    row: Row { name: "name", kind: "type", value: "content", ttl: "ttl", ..Row::NONE },
    update: SET,
    create: SET,
    errors: Errors {
        code: "",
        text: "error",
        rows: &[
            ("unauthorized*", Means::Key),
            ("authentication*", Means::Key),
            ("not authorized*", Means::Rights),
            ("no such domain*", Means::Zone),
            ("invalid domain*", Means::Zone),
            ("not found*", Means::Zone),
        ],
    },
    ..Api::PLAIN
};
