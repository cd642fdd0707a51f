//! Servercow: <https://cp.servercow.de/en/plugin/support_manager/knowledgebase/view/34/dns-api-v1/7/>. A POST replaces the
//! set of one name and type, or creates it. The API does not list zones.

use super::super::*;
use crate::settings::reader::{key, secret};

const SET: Write = Write {
    call: call(Method::Post, "/domains/$zone", r#"{"type":$type,"name":$sub,"content":$ip,"ttl":$ttl}"#),
    proof: Proof::Said("message", "ok"),
};

pub const SERVERCOW: Api = Api {
    name: "servercow",
    what: "Servercow's DNS API; needs zone",
    keys: keys![key("user", "the DNS API user"), secret("password", "its password")],
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
            ("invalid domain*", Means::Zone),
            ("not found*", Means::Zone),
        ],
    },
    ..Api::PLAIN
};
