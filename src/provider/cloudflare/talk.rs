//! One call to the API: what is sent, and how its answer is read before anyone believes it.

use super::errors::{self, Kind};
use super::Cloudflare;
use crate::net::http::{quoted, Http, Method, Reply, Request, Url, LARGE};
use crate::provider::api_error::{self, ApiError, ErrorKind};
use crate::provider::contract::{Pause, UpdateResult};
use crate::sys::clock;
use crate::types::json::{self, Json};

/// Over the limit every call is refused for the next five minutes.
const LIMITED: i64 = 300;
/// Errors of one answer that are looked at.
const ERRORS: usize = 50;

/// The calls of one push. After an error that concerns all of them no further call is made.
pub struct Talk<'a> {
    owner: &'a Cloudflare,
    http: &'a Http<'a>,
    stop: Option<ApiError>,
}

impl<'a> Talk<'a> {
    pub fn new(owner: &'a Cloudflare, http: &'a Http<'a>) -> Talk<'a> {
        Talk { owner, http, stop: None }
    }

    /// A resource below the API's base.
    pub fn url(&self, path: &str) -> Url {
        self.owner.url.at(path)
    }

    /// The envelope of a successful answer.
    pub fn call(&mut self, method: Method, url: Url, body: Option<String>) -> Result<Json, ApiError> {
        if let Some(error) = &self.stop {
            return Err(error.clone());
        }
        let result = self.exchange(method, url, body);
        api_error::keep(&mut self.stop, result)
    }

    fn exchange(&self, method: Method, url: Url, body: Option<String>) -> Result<Json, ApiError> {
        let mut headers = self.owner.login.headers();
        if body.is_some() {
            headers.push(("Content-Type", "application/json".to_string()));
        }
        let request = Request { method, headers, body, cap: LARGE, ..Request::get(url) };
        let mut reply = self.http.send(&request);
        // Seen under load, and gone at the second try (octodns-cloudflare #121).
        if reply.as_ref().is_ok_and(|reply| reply.status == 403 && is_bare(reply)) {
            reply = self.http.send(&request);
        }
        match reply {
            // What only makes sense after a write must not turn a listing into a success.
            Ok(reply) if method == Method::Get => read(&reply).map_err(|error| match error.kind {
                ErrorKind::Identical | ErrorKind::Gone => {
                    ApiError::later(ErrorKind::Zone, "Cloudflare did not list it")
                }
                _ => error,
            }),
            Ok(reply) => read(&reply),
            Err(fault) => Err(ApiError::unanswered(fault)),
        }
    }
}

/// Whether the API was not reached: Cloudflare's edge answers in plain text.
fn is_edge(reply: &Reply) -> bool {
    reply.body.trim_start().starts_with("error code:")
}

/// Whether an answer tells nothing but its status.
fn is_bare(reply: &Reply) -> bool {
    !is_edge(reply) && json::parse(&reply.body).map_or(true, |json| codes(&json).is_empty())
}

/// All error codes with their messages, the chains too.
fn codes(json: &Json) -> Vec<(i64, String)> {
    let code = |error: &Json| {
        let message = json::text(error, "message").unwrap_or_default();
        Some((json::number(error, "code")?, message.to_string()))
    };
    let mut found = Vec::new();
    for error in json::list(json, "errors") {
        found.extend(code(error));
        found.extend(json::list(error, "error_chain").iter().filter_map(code));
        if found.len() >= ERRORS {
            break;
        }
    }
    found
}

/// Success is a 2xx, `success`, and no error; all else is told by its codes, then by its status.
fn read(reply: &Reply) -> Result<Json, ApiError> {
    let json = json::parse(&reply.body).ok().filter(|json| json::member(json, "success").is_some());
    let codes = json.as_ref().map(codes).unwrap_or_default();
    let status = reply.status_line();
    let said = match codes.first() {
        Some((code, message)) => format!("{status}, {}", errors::told(*code, message)),
        None if reply.body.trim().is_empty() => status,
        None => format!("{status}, {}", quoted(&reply.body)),
    };
    let wait = |kind, why, seconds, strict| {
        Err(ApiError { kind, verdict: UpdateResult::RetryLater { why, pause: Pause { seconds, strict } } })
    };
    let asked = reply.retry_after(clock::now());
    if reply.status == 429 {
        let why = format!("too many requests to Cloudflare: {said}");
        return wait(ErrorKind::Push, why, asked.unwrap_or(LIMITED), true);
    }
    if reply.status >= 500 {
        return wait(ErrorKind::Zone, format!("Cloudflare has a temporary fault: {said}"), asked.unwrap_or(0), false);
    }
    if let Some(meaning) = errors::judge(&codes) {
        return Err(known(meaning));
    }
    match json {
        Some(json) if reply.ok() && codes.is_empty() && json::flag(&json, "success") == Some(true) => Ok(json),
        _ if matches!(reply.status, 401 | 403) && !is_edge(reply) => Err(ApiError {
            kind: if reply.status == 401 { ErrorKind::Push } else { ErrorKind::Zone },
            verdict: UpdateResult::Unauthorized {
                why: format!("Cloudflare turned us away without a word that homing knows: {said}"),
                remedy: "check the token, and that it has Zone:DNS:Edit for this zone".to_string(),
            },
        }),
        _ if matches!(reply.status, 401 | 403) => {
            Err(ApiError::later(ErrorKind::Zone, format!("Cloudflare did not let us in: {said}")))
        }
        _ if reply.status == 404 => {
            Err(ApiError::later(ErrorKind::Missing, format!("not found at Cloudflare: {said}")))
        }
        Some(_) => Err(ApiError::later(ErrorKind::Unclear, format!("Cloudflare did not do it: {said}"))),
        None => Err(ApiError::later(ErrorKind::Zone, format!("not an answer of Cloudflare's API: {said}"))),
    }
}

fn known(meaning: errors::Meaning) -> ApiError {
    let errors::Meaning { kind, why, remedy } = meaning;
    let refused = |kind, why| ApiError::refused(kind, why, remedy);
    match kind {
        Kind::Key => refused(ErrorKind::Push, why),
        Kind::Rights => refused(ErrorKind::Zone, why),
        Kind::Route => refused(ErrorKind::Missing, why),
        Kind::Record => refused(ErrorKind::Record, why),
        Kind::Gone => ApiError::later(ErrorKind::Gone, why),
        Kind::Identical => ApiError { kind: ErrorKind::Identical, verdict: UpdateResult::Unchanged },
    }
}
