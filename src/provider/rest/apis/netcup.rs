//! netcup's CCP API: <https://helpcenter.netcup.com/en/wiki/domain/our-api>. One URL for all, a session that is always given
//! back, and one call for all records of a zone that change; the others stay. Records have no TTL of their own. A wrong
//! key is told in the words of a limit ("More than 180 requests per minute"), so that one can't be told from the other.

use crate::provider::rest::table::*;

pub const API: Api = Api {
    name: "netcup",
    names: &["netcup.com", "netcup.de"],
    what: "netcup's CCP API; needs zone",
    keys: &[
        key("url", "the API's base"),
        key("user", "the customer number").needed(),
        secret("key", "the API key").needed(),
        secret("password", "the API password").needed(),
        key("zone", "the zone's name").needed(),
        key("create", "no: never create a missing record (default: yes)"),
    ],
    vendor: "netcup",
    base: "https://ccp.netcup.net/run/webservice/servers/endpoint.php",
    remedy: "make key and password at https://www.customercontrolpanel.de under Master Data, API",
    naming: Naming::Within,
    session: Some(Session {
        open: call(
            Method::Post,
            "?JSON",
            r#"{"action":"login","param":{"customernumber":$user,"apikey":$key,"apipassword":$password}}"#,
        ),
        id: "responsedata.apisessionid",
        remedy: "check user, key and password",
        close: Some(call(
            Method::Post,
            "?JSON",
            r#"{"action":"logout","param":{"customernumber":$user,"apikey":$key,"apisessionid":$session}}"#,
        )),
    }),
    records: List {
        call: call(
            Method::Post,
            "?JSON",
            r#"{"action":"infoDnsRecords","param":{"domainname":$zone,"customernumber":$user,"apikey":$key,"apisessionid":$session}}"#,
        ),
        rows: "responsedata.dnsrecords",
        pages: Pages::One,
    },
    row: Row { id: "id", name: "hostname", kind: "type", value: "destination", ..Row::NONE },
    update: Write {
        call: call(
            Method::Post,
            "?JSON",
            r#"{"id":$id,"hostname":$at,"type":$type{?,"priority":$row.priority?},"destination":$ip,"deleterecord":false,"state":"yes"}"#,
        ),
        proof: Proof::Held("responsedata.dnsrecords"),
    },
    create: Write {
        call: call(
            Method::Post,
            "?JSON",
            r#"{"hostname":$at,"type":$type,"destination":$ip,"deleterecord":false,"state":"yes"}"#,
        ),
        proof: Proof::Held("responsedata.dnsrecords"),
    },
    batch: Some(Batch {
        head: r#"{"action":"updateDnsRecords","param":{"domainname":$zone,"customernumber":$user,"apikey":$key,"apisessionid":$session,"dnsrecordset":{"dnsrecords":["#,
        between: ",",
        tail: "]}}}",
        most: 100,
    }),
    good: Some(("status", "success")),
    errors: Errors {
        code: "statuscode",
        text: "longmessage",
        rows: &[
            ("requests per minute*", Means::Busy),
            // Error 5029 of a zone without records (DNSControl providers/netcup/api.go, certbot-dns-netcup issue 45).
            ("contain any DNS records*", Means::Nothing),
            ("could not be found*", Means::Zone),
            ("field domainname*", Means::Zone),
            ("api key*", Means::Key),
            ("api password*", Means::Key),
            ("session id is not in a valid format*", Means::Later),
        ],
    },
    ..Api::PLAIN
};
