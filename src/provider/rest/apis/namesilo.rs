//! NameSilo: <https://www.namesilo.com/api-reference>. Each call is a GET with the key in its query, each answer has a code
//! of its own; one call lists a whole zone.

use crate::provider::rest::table::*;

pub const API: Api = Api {
    name: "namesilo",
    names: &["namesilo.com", "namesilo.com-v1"],
    what: "NameSilo's API",
    keys: keys![secret("key", "the API key")],
    vendor: "NameSilo",
    base: "https://www.namesilo.com/api",
    remedy: "make a key at https://www.namesilo.com/account/api-manager; do not bind it to an address",
    // Relative names since 2026-05 (acme.sh pull request 6969), whole ones before (nrdcg/namesilo, dnsListRecords.xml).
    naming: Naming::Either,
    ttl: 7207,
    ttls: (300, 2_592_001),
    zones: Some(List {
        call: get("/listDomains?version=1&type=json&key=$key"),
        rows: "reply.domains",
        pages: Pages::One,
    }),
    zone_name: "domain",
    records: List {
        call: get("/dnsListRecords?version=1&type=json&key=$key&domain=$zone"),
        rows: "reply.resource_record",
        pages: Pages::One,
    },
    row: Row { id: "record_id", name: "host", kind: "type", value: "value", ttl: "ttl", ..Row::NONE },
    update: Write {
        call: get(
            "/dnsUpdateRecord?version=1&type=json&key=$key&domain=$zone&rrid=$id&rrhost=$sub&rrvalue=$ip&rrttl=$ttl",
        ),
        proof: Proof::Said("reply.code", "300"),
    },
    create: Write {
        call: get(
            "/dnsAddRecord?version=1&type=json&key=$key&domain=$zone&rrtype=$type&rrhost=$sub&rrvalue=$ip&rrttl=$ttl",
        ),
        proof: Proof::Said("reply.code", "300"),
    },
    good: Some(("reply.code", "300")),
    errors: Errors {
        code: "reply.code",
        text: "reply.detail",
        rows: &[
            ("110", Means::Key),
            // Not for sub-accounts; not from this address.
            ("112", Means::Key),
            ("113", Means::Key),
            ("200", Means::Zone),
            ("280", Means::Record),
        ],
    },
    ..Api::PLAIN
};
