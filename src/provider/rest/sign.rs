//! Signatures that cloud APIs ask for, with HMAC. Pure: the time is given.

use crate::net::http::Request;
use crate::sys::clock::{self, Timestamp};
use crate::types::digest::{hex, hmac, sha256, Algorithm};

/// With what and for what AWS signs.
pub struct Aws<'a> {
    pub key: &'a str,
    pub secret: &'a str,
    pub region: &'a str,
    pub service: &'a str,
}

/// Signs by AWS's Signature Version 4, the headers `host` and `x-amz-date` and the whole body
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html>).
pub fn aws4(request: &mut Request, aws: &Aws<'_>, now: Timestamp) {
    let time = clock::stamp(now).replace(['-', ':'], "");
    let body = request.body.as_deref().unwrap_or_default();
    let headers = [("host", request.url.authority()), ("x-amz-date", time.clone())];
    let authorization = aws4_header(request.method.name(), request.url.resource(), &headers, body, aws, &time);
    request.headers.push(("X-Amz-Date", time));
    request.headers.push(("Authorization", authorization));
}

/// The header of a request; `headers` are in alphabetical order, `time` reads `20150830T123600Z`.
fn aws4_header(
    method: &str,
    resource: &str,
    headers: &[(&str, String)],
    body: &str,
    aws: &Aws<'_>,
    time: &str,
) -> String {
    let (path, query) = resource.split_once('?').unwrap_or((resource, ""));
    let mut pairs: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty()).collect();
    pairs.sort_unstable();
    let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
    let (names, pairs) = (names.join(";"), pairs.join("&"));
    let sum = |text: &str| hex(&sha256(&[text.as_bytes()]));
    let canonical = format!("{method}\n{path}\n{pairs}\n{lines}\n{names}\n{}", sum(body));
    let date = time.get(..8).unwrap_or_default();
    let scope = format!("{date}/{}/{}/aws4_request", aws.region, aws.service);
    let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", sum(&canonical));
    let mut key = format!("AWS4{}", aws.secret).into_bytes();
    for part in [date, aws.region, aws.service, "aws4_request"] {
        key = hmac(Algorithm::SHA256, &key, &[part.as_bytes()]);
    }
    let signature = hex(&hmac(Algorithm::SHA256, &key, &[text.as_bytes()]));
    format!("AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}", aws.key)
}

/// Signs by Tencent's TC3-HMAC-SHA256 the body of a POST to `/`, with the headers `content-type`, `host` and
/// `x-tc-action` (<https://cloud.tencent.com/document/api/1427/56189>).
pub fn tc3(request: &mut Request, service: &str, action: &str, key: &str, secret: &str, now: Timestamp) {
    let kind = request.headers.iter().find(|(name, _)| *name == "Content-Type").map_or("", |(_, kind)| kind);
    let headers =
        format!("content-type:{kind}\nhost:{}\nx-tc-action:{}\n", request.url.authority(), action.to_ascii_lowercase());
    let body = request.body.as_deref().unwrap_or_default();
    let authorization = tc3_header(&headers, "content-type;host;x-tc-action", body, service, (key, secret), now);
    request.headers.push(("X-TC-Timestamp", now.to_string()));
    request.headers.push(("Authorization", authorization));
}

fn tc3_header(
    headers: &str,
    names: &str,
    body: &str,
    service: &str,
    (id, secret): (&str, &str),
    now: Timestamp,
) -> String {
    let sum = |text: &str| hex(&sha256(&[text.as_bytes()]));
    let canonical = format!("POST\n/\n\n{headers}\n{names}\n{}", sum(body));
    let date = clock::stamp(now).split('T').next().unwrap_or_default().to_string();
    let scope = format!("{date}/{service}/tc3_request");
    let text = format!("TC3-HMAC-SHA256\n{now}\n{scope}\n{}", sum(&canonical));
    let mut key = format!("TC3{secret}").into_bytes();
    for part in [&date, service, "tc3_request"] {
        key = hmac(Algorithm::SHA256, &key, &[part.as_bytes()]);
    }
    let signature = hex(&hmac(Algorithm::SHA256, &key, &[text.as_bytes()]));
    format!("TC3-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}")
}

/// The signature of a query whose values are percent-encoded, by Alibaba's RPC style with HMAC-SHA1
/// (<https://www.alibabacloud.com/help/en/sdk/product-overview/rpc-mechanism>).
pub fn rpc1(method: &str, query: &str, secret: &str) -> String {
    use crate::types::secret::percent;
    let mut pairs: Vec<&str> = query.split('&').collect();
    pairs.sort_unstable();
    let text = format!("{method}&{}&{}", percent("/"), percent(&pairs.join("&")));
    crate::net::http::base64(hmac(Algorithm::SHA1, format!("{secret}&").as_bytes(), &[text.as_bytes()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors get-vanilla, get-vanilla-query-order-key-case and post-vanilla of AWS's test suite for Signature
    /// Version 4.
    #[test]
    fn requests_are_signed_as_in_the_vendors_suite() {
        let aws = Aws {
            key: "AKIDEXAMPLE",
            secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            region: "us-east-1",
            service: "service",
        };
        let headers = [("host", "example.amazonaws.com".to_string()), ("x-amz-date", "20150830T123600Z".to_string())];
        for (method, resource, signature) in [
            ("GET", "/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            (
                "GET",
                "/?Param2=value2&Param1=value1",
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            ),
            ("POST", "/", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        ] {
            let header = aws4_header(method, resource, &headers, "", &aws, "20150830T123600Z");
            let expected = format!(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
                 SignedHeaders=host;x-amz-date, Signature={signature}"
            );
            assert_eq!(header, expected, "{resource}");
        }
    }

    /// The example of Tencent's "Signature v3": DescribeInstances.
    #[test]
    fn tencents_example_is_signed_as_theirs() {
        let header = tc3_header(
            "content-type:application/json; charset=utf-8\nhost:cvm.tencentcloudapi.com\n",
            "content-type;host",
            "{\"Limit\": 1, \"Filters\": [{\"Values\": [\"\\u672a\\u547d\\u540d\"], \"Name\": \"instance-name\"}]}",
            "cvm",
            ("AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE", "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE"),
            1_551_113_065,
        );
        assert_eq!(
            header,
            "TC3-HMAC-SHA256 Credential=AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE/2019-02-25/cvm/tc3_request, \
             SignedHeaders=content-type;host, \
             Signature=72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168"
        );
    }

    /// The example of Alibaba's "RPC style": DescribeRegions.
    #[test]
    fn alibabas_example_is_signed_as_theirs() {
        let query = "Timestamp=2016-02-23T12%3A46%3A24Z&Format=XML&AccessKeyId=testid&Action=DescribeRegions\
                     &SignatureMethod=HMAC-SHA1&SignatureNonce=3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf&Version=2014-05-26\
                     &SignatureVersion=1.0";
        assert_eq!(rpc1("GET", query, "testsecret"), "OLeaidS1JvxuMvnyHOwuJ+uX5qY=");
    }
}
