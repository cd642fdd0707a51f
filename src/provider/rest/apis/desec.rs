//! deSEC's REST API: <https://desec.readthedocs.io/en/latest/dns/rrsets.html>. A PATCH of several sets changes or creates
//! all of a zone in one call, which counts once against the limits.

use crate::provider::rest::table::*;

const SET: Write = Write {
    call: call(Method::Patch, "/domains/$zone/rrsets/", r#"{"subname":$sub,"type":$type,"ttl":$ttl,"records":[$ip]}"#),
    proof: Proof::Held(""),
};

pub const API: Api = Api {
    name: "desec-api",
    what: "deSEC's REST API: all hosts of a zone in one request (desec is simpler)",
    keys: keys![secret("token", "an API token; it may be limited to the records that homing keeps")],
    vendor: "deSEC",
    base: "https://desec.io/api/v1",
    remedy: "make a token at https://desec.io/tokens",
    headers: &[("Authorization", "Token $token")],
    // What every domain takes; below, some have it lowered.
    ttl: 3600,
    ttls: (60, 86_400),
    zones: Some(List { call: get("/domains/"), rows: "", pages: Pages::One }),
    zone_name: "name",
    records: List { call: get("/domains/$zone/rrsets/?subname=$sub"), rows: "", pages: Pages::One },
    row: Row { name: "name", kind: "type", value: "records", ttl: "ttl", ..Row::NONE },
    update: SET,
    create: SET,
    batch: Some(Batch { head: "[", between: ",", tail: "]", most: 100 }),
    errors: Errors {
        code: "",
        text: "detail",
        rows: &[
            ("Insufficient token permissions*", Means::Rights),
            ("Invalid token*", Means::Key),
            ("do not have permission*", Means::Rights),
            ("Not found*", Means::Zone),
            ("No Domain matches*", Means::Zone),
        ],
    },
    ..Api::PLAIN
};
