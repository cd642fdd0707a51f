//! DNSPod by its own tokens: <https://docs.dnspod.cn/api/>. Every call is a form, every answer has a code of its own. A
//! record belongs to a line of the split horizon, which stays. Five changes to what it is already lock a record for an
//! hour; homing makes none.

use crate::provider::rest::table::*;

pub const API: Api = Api {
    name: "dnspod",
    what: "DNSPod's own API (tencent is Tencent Cloud's)",
    keys: keys![secret("token", "the token as id,token")],
    vendor: "DNSPod",
    base: "https://dnsapi.cn",
    remedy: "make a token at https://console.dnspod.cn/account/token/token and write it as id,token",
    form: Form::Fields,
    naming: Naming::Within,
    ttl: 600,
    ttls: (1, 604_800),
    zones: Some(List {
        call: call(Method::Post, "/Domain.List", "login_token=$token&format=json&lang=en&length=3000"),
        rows: "domains",
        pages: Pages::One,
    }),
    zone_name: "name",
    records: List {
        call: call(Method::Post, "/Record.List", "login_token=$token&format=json&lang=en&domain=$zone&sub_domain=$at"),
        rows: "records",
        pages: Pages::One,
    },
    row: Row { id: "id", name: "name", kind: "type", value: "value", ttl: "ttl", ..Row::NONE },
    update: Write {
        call: call(
            Method::Post,
            "/Record.Modify",
            "login_token=$token&format=json&lang=en&domain=$zone&record_id=$id&sub_domain=$at&record_type=$type\
             &record_line_id=$row.line_id&value=$ip&ttl=$ttl",
        ),
        proof: Proof::Said("status.code", "1"),
    },
    create: Write {
        call: call(
            Method::Post,
            "/Record.Create",
            // Line 0 is the default one.
            "login_token=$token&format=json&lang=en&domain=$zone&sub_domain=$at&record_type=$type&record_line_id=0\
             &value=$ip&ttl=$ttl",
        ),
        proof: Proof::Said("status.code", "1"),
    },
    good: Some(("status.code", "1")),
    errors: Errors {
        code: "status.code",
        text: "status.message",
        rows: &[
            ("-1", Means::Key),
            ("85", Means::Key),
            ("10004", Means::Key),
            ("-2", Means::Busy),
            ("-8", Means::Busy),
            ("6", Means::Zone),
            ("7", Means::Zone),
            ("9", Means::Zone),
            // No records: not an error, see `absent`.
            ("10", Means::Zone),
            ("-15", Means::Rights),
            ("21", Means::Rights),
            ("22", Means::Record),
            ("23", Means::Record),
            ("24", Means::Record),
            ("31", Means::Record),
            ("34", Means::Record),
        ],
    },
    absent: true,
    ..Api::PLAIN
};
