//! OVHcloud: <https://eu.api.ovh.com/console/?section=%2Fdomain>. Requests are signed with SHA-1 and the server's own time
//! (<https://help.ovhcloud.com/csm/en-gb-api-getting-started-ovhcloud-api>), a record is asked for by its number, and
//! changes count after a refresh of the zone.

use crate::net::http::Request;
use crate::provider::api_error::{ApiError, ErrorKind};
use crate::provider::rest::table::*;
use crate::sys::clock::{self, Timestamp};
use crate::types::digest::{hex, sha1};

pub const API: Api = Api {
    name: "ovh-api",
    what: "OVHcloud's API (ovh, for DynHost, is simpler)",
    keys: keys![
        secret("key", "the application key"),
        secret("secret", "the application secret"),
        secret("token", "the consumer key, with GET, POST and PUT on /domain/zone/*"),
    ],
    vendor: "OVHcloud",
    base: "https://eu.api.ovh.com/1.0",
    remedy: "make the three keys at https://eu.api.ovh.com/createToken/ with GET, POST and PUT on /domain/zone/*",
    headers: &[("X-Ovh-Application", "$key"), ("X-Ovh-Consumer", "$token")],
    naming: Naming::Within,
    ttl: 60,
    ttls: (60, 2_147_483_647),
    zones: Some(List { call: get("/domain/zone"), rows: "", pages: Pages::One }),
    records: List {
        call: get("/domain/zone/$zone/record?fieldType=$type&subDomain=$sub"),
        rows: "",
        pages: Pages::One,
    },
    each: Some(get("/domain/zone/$zone/record/$id")),
    row: Row { id: "id", name: "subDomain", kind: "fieldType", value: "target", ttl: "ttl", ..Row::NONE },
    update: Write {
        call: call(Method::Put, "/domain/zone/$zone/record/$id", r#"{"target":$ip{?,"ttl":$newttl?}}"#),
        proof: Proof::Empty,
    },
    create: Write {
        call: call(
            Method::Post,
            "/domain/zone/$zone/record",
            r#"{"fieldType":$type,"subDomain":$sub,"target":$ip,"ttl":$ttl}"#,
        ),
        proof: Proof::Held(""),
    },
    after: Some(call(Method::Post, "/domain/zone/$zone/refresh", "")),
    errors: Errors {
        code: "errorCode",
        text: "message",
        rows: &[
            ("INVALID_KEY", Means::Key),
            ("INVALID_CREDENTIAL", Means::Key),
            ("NOT_CREDENTIAL", Means::Key),
            ("INVALID_SIGNATURE", Means::Key),
            ("NOT_GRANTED_CALL", Means::Rights),
            ("This service does not exist*", Means::Zone),
        ],
    },
    own: Own { sign: Some(sign), read: None },
    ..Api::PLAIN
};

fn sign(signer: &mut dyn Signer, request: &mut Request) -> Result<(), ApiError> {
    let time = match *signer.clock_offset() {
        Some(ahead) => clock::now().saturating_add(ahead),
        None => {
            let time = server_time(signer)?;
            *signer.clock_offset() = Some(time.saturating_sub(clock::now()));
            time
        }
    };
    let url = request.url.to_string();
    let body = request.body.as_deref().unwrap_or_default();
    let words = signer.words();
    let value = |word: &str| words.get(word).map(|value| value.text).unwrap_or_default();
    let signature =
        signature(&[&value("secret"), &value("token"), request.method.name(), &url, body, &time.to_string()]);
    request.headers.push(("X-Ovh-Timestamp", time.to_string()));
    request.headers.push(("X-Ovh-Signature", signature));
    Ok(())
}

/// What the server's clock reads: ours may be wrong, and then every signature would be.
fn server_time(signer: &dyn Signer) -> Result<Timestamp, ApiError> {
    if signer.is_dry_run() {
        return Ok(clock::now());
    }
    let reply = signer.send(&Request::get(signer.url("/auth/time")))?;
    let time = reply.body.trim().parse().ok().filter(|_| reply.ok());
    time.ok_or_else(|| {
        ApiError::later(ErrorKind::Push, format!("OVHcloud did not tell its time: {}", reply.status_line()))
    })
}

fn signature(parts: &[&str]) -> String {
    format!("$1${}", hex(&sha1(&[parts.join("+").as_bytes()])))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys of "First steps with the OVHcloud APIs"; the sum is the one that the client `govh` expects of them.
    #[test]
    fn a_signature_is_as_the_vendor_says() {
        let parts = [
            "EXEgWIz07P0HYwtQDs7cNIqCiQaWSuHF",
            "MtSwSrPpNjqfVSmJhLbPyr2i45lSwPU1",
            "GET",
            "https://eu.api.ovh.com/1.0/domains/",
            "",
            "1366560945",
        ];
        assert_eq!(signature(&parts), "$1$d3705e8afb27a0d2970a322b96550abfc67bb798");
    }
}
