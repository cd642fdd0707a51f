//! Alibaba Cloud DNS: <https://www.alibabacloud.com/help/en/dns/api-alidns-2015-01-09-overview>. Each call is a GET whose
//! query is signed (RPC style, HMAC-SHA1). A record belongs to a line of the split horizon, which stays.

use crate::net::http::Request;
use crate::provider::api_error::ApiError;
use crate::provider::rest::table::*;
use crate::sys::clock;
use crate::sys::os;
use crate::types::digest::hex;

pub const API: Api = Api {
    name: "aliyun",
    what: "Alibaba Cloud DNS (Aliyun)",
    keys: keys![secret("key", "the AccessKey id"), secret("secret", "the AccessKey secret")],
    vendor: "Alibaba Cloud",
    base: "https://alidns.aliyuncs.com",
    remedy: "make an AccessKey at https://ram.console.aliyun.com, of a user with AliyunDNSFullAccess",
    naming: Naming::Within,
    ttl: 600,
    ttls: (1, 86_400),
    zones: Some(List {
        call: get("/?Action=DescribeDomains&PageSize=100&PageNumber=$page"),
        rows: "Domains.Domain",
        pages: Pages::Full(100),
    }),
    zone_name: "DomainName",
    records: List {
        call: get("/?Action=DescribeSubDomainRecords&DomainName=$zone&SubDomain=$at.$zone&PageSize=100"),
        rows: "DomainRecords.Record",
        pages: Pages::One,
    },
    row: Row { id: "RecordId", name: "RR", kind: "Type", value: "Value", ttl: "TTL", ..Row::NONE },
    update: Write {
        call: get("/?Action=UpdateDomainRecord&RecordId=$id&RR=$at&Type=$type&Value=$ip&TTL=$ttl{?&Line=$row.Line?}"),
        proof: Proof::Said("RecordId", ""),
    },
    create: Write {
        call: get("/?Action=AddDomainRecord&DomainName=$zone&RR=$at&Type=$type&Value=$ip&TTL=$ttl"),
        proof: Proof::Said("RecordId", ""),
    },
    errors: Errors {
        code: "Code",
        text: "Message",
        rows: &[
            // By the clock, ours or theirs.
            ("InvalidTimeStamp*", Means::Later),
            ("InvalidAccessKeyId*", Means::Key),
            ("SignatureDoesNotMatch", Means::Key),
            ("IncompleteSignature", Means::Key),
            ("Forbidden*", Means::Rights),
            ("InvalidDomainName.NoExist", Means::Zone),
            ("IncorrectDomainUser", Means::Zone),
            ("DomainRecordNotBelongToUser", Means::Record),
            ("DomainRecordConflict", Means::Record),
            ("SubDomainInvalid*", Means::Record),
            ("Throttling*", Means::Busy),
        ],
    },
    own: Own { sign: Some(sign), read: None },
    ..Api::PLAIN
};

fn sign(signer: &mut dyn Signer, request: &mut Request) -> Result<(), ApiError> {
    let words = signer.words();
    let value = |word: &str| words.get(word).map(|value| value.text).unwrap_or_default();
    let mut nonce = [0u8; 16];
    os::random(&mut nonce);
    let key = value("key");
    let signed = request.url.with_query([
        ("AccessKeyId", key.as_str()),
        ("Format", "JSON"),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureNonce", &hex(&nonce)),
        ("SignatureVersion", "1.0"),
        ("Timestamp", &clock::stamp(clock::now())),
        ("Version", "2015-01-09"),
    ]);
    let query = signed.resource().split_once('?').map_or("", |(_, query)| query);
    let signature = super::super::sign::rpc1(request.method.name(), query, &value("secret"));
    request.url = signed.with_query([("Signature", signature.as_str())]);
    Ok(())
}
