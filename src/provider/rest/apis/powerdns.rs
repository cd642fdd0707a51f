//! PowerDNS's own API: <https://doc.powerdns.com/authoritative/http-api/zone.html>. REPLACE puts one set in the place of
//! another and leaves its comments; all sets of a zone go in one call.

use crate::provider::rest::table::*;

const SET: Write = Write {
    call: call(
        Method::Patch,
        "/zones/$zone.",
        r#"{"name":$dotted,"type":$type,"ttl":$ttl,"changetype":"REPLACE","records":[{"content":$ip,"disabled":false}]}"#,
    ),
    proof: Proof::Empty,
};

pub const API: Api = Api {
    name: "powerdns",
    names: &["pdns"],
    what: "the API of a PowerDNS server; needs url, such as http://127.0.0.1:8081/api/v1/servers/localhost",
    keys: &[
        key("url", "the API's base").needed(),
        secret("key", "api-key of pdns.conf").needed(),
        key("zone", "the zone's name, when it should not be looked up"),
        key("ttl", "in seconds; left alone by default"),
        key("create", "no: never create a missing record (default: yes)"),
    ],
    vendor: "PowerDNS",
    remedy: "it is 'api-key' in the server's pdns.conf",
    headers: &[("X-API-Key", "$key")],
    ttl: 300,
    zones: Some(List { call: get("/zones"), rows: "", pages: Pages::One }),
    zone_name: "name",
    // Servers before 4.6 do not know the filter and list the whole zone.
    records: List { call: get("/zones/$zone.?rrset_name=$dotted"), rows: "rrsets", pages: Pages::One },
    row: Row {
        name: "name",
        kind: "type",
        value: "records",
        inner: "content",
        ttl: "ttl",
        disabled: "disabled",
        ..Row::NONE
    },
    update: SET,
    create: SET,
    batch: Some(Batch { head: r#"{"rrsets":["#, between: ",", tail: "]}", most: 100 }),
    errors: Errors {
        code: "",
        text: "error",
        rows: &[
            ("Could not find domain*", Means::Zone),
            ("Not Found", Means::Zone),
            ("Conflicts with pre-existing*", Means::Record),
            ("Conflicts with another*", Means::Record),
        ],
    },
    ..Api::PLAIN
};
