//! Amazon Route 53: <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html>. Its answers
//! are XML, its requests are signed, all sets of a zone go in one call. A new set is PENDING until all its servers
//! have it, which is their business. An alias stands in the way as a CNAME does.

use crate::net::http::Request;
use crate::provider::api_error::ApiError;
use crate::provider::rest::table::*;
use crate::provider::rest::{sign, xml};
use crate::sys::clock;

const SET: Write = Write {
    call: call(
        Method::Post,
        "/hostedzone/$zoneid/rrset/",
        "<Change><Action>UPSERT</Action><ResourceRecordSet><Name>$dotted</Name><Type>$type</Type><TTL>$ttl</TTL>\
         <ResourceRecords><ResourceRecord><Value>$ip</Value></ResourceRecord></ResourceRecords></ResourceRecordSet>\
         </Change>",
    ),
    proof: Proof::Said("ChangeInfo.Status", "PENDING"),
};

pub const API: Api = Api {
    name: "route53",
    names: &["route53-v1", "aws"],
    what: "Amazon's Route 53",
    keys: keys![secret("key", "the access key's id"), secret("secret", "the secret access key"); ZONE_ID],
    vendor: "Route 53",
    base: "https://route53.amazonaws.com/2013-04-01",
    remedy:
        "make an access key in IAM for a user that may route53:ListHostedZones, route53:ListResourceRecordSets and \
             route53:ChangeResourceRecordSets",
    form: Form::Xml,
    ttl: 300,
    ttls: (0, 2_147_483_647),
    zones: Some(List {
        call: get("/hostedzone?{?marker=$page&?}maxitems=100"),
        rows: "HostedZones",
        pages: Pages::Cursor("NextMarker"),
    }),
    zone_id: "Id",
    zone_name: "Name",
    records: List {
        call: get("/hostedzone/$zoneid/rrset?maxitems=20&name=$dotted"),
        rows: "ResourceRecordSets",
        pages: Pages::One,
    },
    row: Row { name: "Name", kind: "Type", value: "ResourceRecords", inner: "Value", ttl: "TTL", ..Row::NONE },
    update: SET,
    create: SET,
    batch: Some(Batch {
        head: "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ChangeResourceRecordSetsRequest \
               xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><ChangeBatch><Changes>",
        between: "",
        tail: "</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>",
        most: 100,
    }),
    errors: Errors {
        code: "Error.Code",
        text: "Error.Message",
        rows: &[
            // Before the code that it comes with: then it is the clock, ours or theirs.
            ("Signature expired*", Means::Later),
            ("Signature not yet current*", Means::Later),
            ("InvalidClientTokenId", Means::Key),
            ("SignatureDoesNotMatch", Means::Key),
            ("IncompleteSignature", Means::Key),
            ("AccessDenied", Means::Rights),
            ("NoSuchHostedZone", Means::Zone),
            ("InvalidChangeBatch", Means::Record),
            ("InvalidInput", Means::Record),
            ("Throttling", Means::Busy),
            ("PriorRequestNotComplete", Means::Later),
        ],
    },
    own: Own { sign: Some(sign), read: Some(read) },
    ..Api::PLAIN
};

fn sign(signer: &mut dyn Signer, request: &mut Request) -> Result<(), ApiError> {
    let words = signer.words();
    let value = |word: &str| words.get(word).map(|value| value.text).unwrap_or_default();
    let scope = sign::Aws { key: &value("key"), secret: &value("secret"), region: "us-east-1", service: "route53" };
    sign::aws4(request, &scope, clock::now());
    Ok(())
}

/// Zones' ids come as `/hostedzone/Z1`, names with `*` as `\052`, and an alias has no records but a target.
fn read(body: &str) -> Option<Json> {
    // A refused batch has a root of its own (aws-sdk-go, service/route53/unmarshal_error.go).
    if let Some(Json::Object(refused)) = xml::parse(body, "InvalidChangeBatch", &["Messages"]) {
        let text = crate::types::json::at(&Json::Object(refused), "Messages.0").cloned().unwrap_or(Json::Null);
        let code = ("Code".to_string(), Json::String("InvalidChangeBatch".to_string()));
        let error = Json::Object([code, ("Message".to_string(), text)].into());
        return Some(Json::Object([("Error".to_string(), error)].into()));
    }
    let mut json = xml::parse(body, "Response", &["HostedZones", "ResourceRecordSets", "ResourceRecords"])?;
    for rows in ["HostedZones", "ResourceRecordSets"] {
        let Json::Object(members) = &mut json else { return None };
        let Some(Json::Array(rows)) = members.get_mut(rows) else { continue };
        for row in rows {
            let Json::Object(row) = row else { return None };
            if let Some(Json::String(id)) = row.get_mut("Id") {
                *id = id.trim_start_matches("/hostedzone/").to_string();
            }
            if let Some(Json::String(name)) = row.get_mut("Name") {
                *name = name.replace("\\052", "*");
            }
            if let Some(target) =
                row.get("AliasTarget").and_then(|alias| crate::types::json::at(alias, "DNSName")).cloned()
            {
                row.insert("Type".to_string(), Json::String("CNAME".to_string()));
                row.insert("ResourceRecords".to_string(), target);
            }
        }
    }
    Some(json)
}
