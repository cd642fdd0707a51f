//! Tencent Cloud's DNSPod: <https://cloud.tencent.com/document/api/1427>. One URL for all; the action is a header, which
//! stands here in the place of a path, and requests are signed (TC3-HMAC-SHA256). All is answered with status 200.

use crate::net::http::Request;
use crate::provider::api_error::ApiError;
use crate::provider::rest::table::*;
use crate::sys::clock;

pub const API: Api = Api {
    name: "tencent",
    what: "Tencent Cloud's DNSPod",
    keys: keys![secret("key", "the SecretId"), secret("secret", "the SecretKey")],
    vendor: "Tencent Cloud",
    base: "https://dnspod.tencentcloudapi.com",
    remedy: "make a key at https://console.cloud.tencent.com/cam/capi, of a user with QcloudDNSPodFullAccess",
    naming: Naming::Within,
    ttl: 600,
    ttls: (1, 604_800),
    zones: Some(List {
        call: call(Method::Post, "/?DescribeDomainList", r#"{"Limit":3000}"#),
        rows: "Response.DomainList",
        pages: Pages::One,
    }),
    zone_name: "Name",
    records: List {
        call: call(Method::Post, "/?DescribeRecordList", r#"{"Domain":$zone,"Subdomain":$at,"Limit":100}"#),
        rows: "Response.RecordList",
        pages: Pages::One,
    },
    row: Row { id: "RecordId", name: "Name", kind: "Type", value: "Value", ttl: "TTL", ..Row::NONE },
    update: Write {
        call: call(
            Method::Post,
            "/?ModifyRecord",
            r#"{"Domain":$zone,"RecordId":$numid,"SubDomain":$at,"RecordType":$type,"RecordLine":$row.Line{?,"RecordLineId":$row.LineId?},"Value":$ip,"TTL":$ttl}"#,
        ),
        proof: Proof::Said("Response.RecordId", ""),
    },
    create: Write {
        call: call(
            Method::Post,
            "/?CreateRecord",
            // "The default line", which also has a number.
            r#"{"Domain":$zone,"SubDomain":$at,"RecordType":$type,"RecordLine":"默认","RecordLineId":"0","Value":$ip,"TTL":$ttl}"#,
        ),
        proof: Proof::Said("Response.RecordId", ""),
    },
    errors: Errors {
        code: "Response.Error.Code",
        text: "Response.Error.Message",
        rows: &[
            // By the clock, ours or theirs.
            ("AuthFailure.SignatureExpire", Means::Later),
            ("AuthFailure.UnauthorizedOperation", Means::Rights),
            ("AuthFailure*", Means::Key),
            ("UnauthorizedOperation*", Means::Rights),
            ("ResourceNotFound.NoDataOfRecord", Means::Zone),
            ("ResourceNotFound.NoDataOfDomain", Means::Zone),
            ("InvalidParameterValue.DomainNotExists", Means::Zone),
            ("InvalidParameter.DomainInvalid", Means::Zone),
            ("RequestLimitExceeded*", Means::Busy),
            ("InternalError*", Means::Later),
            ("InvalidParameter.DomainRecordExist", Means::Record),
            ("InvalidParameter.RecordValueInvalid", Means::Record),
            ("InvalidParameter.SubdomainInvalid", Means::Record),
            ("LimitExceeded*", Means::Record),
        ],
    },
    absent: true,
    own: Own { sign: Some(sign), read: None },
    ..Api::PLAIN
};

fn sign(signer: &mut dyn Signer, request: &mut Request) -> Result<(), ApiError> {
    let words = signer.words();
    let value = |word: &str| words.get(word).map(|value| value.text).unwrap_or_default();
    let action = request.url.resource().split_once('?').map_or(String::new(), |(_, action)| action.to_string());
    request.url = signer.url("/");
    super::super::sign::tc3(request, "dnspod", &action, &value("key"), &value("secret"), clock::now());
    request.headers.push(("X-TC-Action", action));
    request.headers.push(("X-TC-Version", "2021-03-23".to_string()));
    Ok(())
}
