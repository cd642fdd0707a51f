//! One call: what is sent, and how its answer is read before anyone believes it.

use super::placeholders::{Place, Words};
use super::table::{Api, Call, Form, Means, Signer};
use super::Rest;
use crate::net::http::{quoted, Http, Reply, Request, Url, LARGE};
use crate::provider::api_error::{self, ApiError, ErrorKind};
use crate::provider::contract::{Pause, UpdateResult};
use crate::sys::clock;
use crate::types::json::{self, Json};
use crate::types::secret::Secret;

/// The calls of one push. After an error that concerns all of them no further call is made.
pub struct Talk<'a> {
    pub owner: &'a Rest,
    pub http: &'a Http<'a>,
    stop: Option<ApiError>,
    session: Option<Secret>,
    /// By how many seconds the server's clock is ahead of ours, once it was asked.
    clock_offset: Option<i64>,
}

impl<'a> Talk<'a> {
    pub fn new(owner: &'a Rest, http: &'a Http<'a>) -> Talk<'a> {
        Talk { owner, http, stop: None, session: None, clock_offset: None }
    }

    /// What every template may say.
    pub fn words(&self) -> Words<'a> {
        let mut words = Words::default();
        for (key, secret) in &self.owner.login {
            words.set(key, secret.expose());
        }
        if let Some(session) = &self.session {
            words.set("session", session.expose());
        }
        words
    }

    /// Logs in, where that is a call of its own.
    pub fn open(&mut self) -> Result<(), ApiError> {
        let Some(session) = &self.owner.api.session else { return Ok(()) };
        let words = self.words();
        let json = self.call(&session.open, &words)?;
        let Some(id) = json::at(&json, session.id).and_then(json::scalar) else {
            let why = format!("{} did not say what was asked to begin with", self.owner.api.vendor);
            return Err(ApiError::refused(ErrorKind::Push, why, session.remedy));
        };
        self.session = Some(match session.close {
            Some(_) => Secret::new(&id),
            None => Secret::unmasked(&id),
        });
        Ok(())
    }

    /// Logs out. What it is answered changes nothing.
    pub fn close(&mut self) {
        let close = self.owner.api.session.as_ref().and_then(|session| session.close);
        let Some(close) = close.filter(|_| self.session.is_some()) else { return };
        let words = self.words();
        self.stop = None;
        _ = self.call(&close, &words);
    }

    /// The answer to a call, a success.
    pub fn call(&mut self, call: &Call, words: &Words<'_>) -> Result<Json, ApiError> {
        let body = words.fill(call.body, self.place());
        self.call_with(call, words, body)
    }

    /// The same with a body of one's own.
    pub fn call_with(&mut self, call: &Call, words: &Words<'_>, body: String) -> Result<Json, ApiError> {
        if let Some(error) = &self.stop {
            return Err(error.clone());
        }
        let result = self.exchange(call, words, body);
        api_error::keep(&mut self.stop, result)
    }

    /// How values are written in a body.
    pub fn place(&self) -> Place {
        match self.owner.api.form {
            Form::Json => Place::Json,
            Form::Fields => Place::Path,
            Form::Xml => Place::Xml,
        }
    }

    fn exchange(&mut self, call: &Call, words: &Words<'_>, body: String) -> Result<Json, ApiError> {
        let api = self.owner.api;
        let url = self.owner.url.at(&words.fill(call.path, Place::Path));
        let headers = api.headers.iter().map(|(name, value)| (*name, words.fill(value, Place::Header))).collect();
        let mut request = Request { method: call.method, headers, cap: LARGE, ..Request::get(url) };
        if !body.is_empty() {
            let kind = match api.form {
                Form::Json => "application/json",
                Form::Fields => "application/x-www-form-urlencoded",
                Form::Xml => "application/xml",
            };
            request.headers.push(("Content-Type", kind.to_string()));
            request.body = Some(body);
        }
        if let Some(sign) = api.own.sign {
            sign(self, &mut request)?;
        }
        judge(api, &self.send(&request)?)
    }
}

impl Signer for Talk<'_> {
    fn words(&self) -> Words<'_> {
        Talk::words(self)
    }

    fn url(&self, path: &str) -> Url {
        self.owner.url.at(path)
    }

    fn clock_offset(&mut self) -> &mut Option<i64> {
        &mut self.clock_offset
    }

    fn is_dry_run(&self) -> bool {
        self.http.context.dry_run.is_some()
    }

    fn send(&self, request: &Request) -> Result<Reply, ApiError> {
        self.http.send(request).map_err(ApiError::unanswered)
    }
}

/// Success is a 2xx that holds what the API says of one; all else is told by its codes, then by its status.
fn judge(api: &Api, reply: &Reply) -> Result<Json, ApiError> {
    let json = match api.own.read {
        Some(read) => read(&reply.body),
        None => json::parse(&reply.body).ok(),
    };
    let word = |path: &str| {
        let found = json.as_ref().filter(|_| !path.is_empty()).and_then(|json| json::at(json, path));
        found.and_then(json::scalar)
    };
    let good = api.good.is_none_or(|(path, good)| word(path).as_deref() == Some(good));
    if reply.ok() && good && api.good.is_some() {
        return Ok(json.unwrap_or(Json::Null));
    }
    // Where no text stands at its place, there may be a list of errors (Gandi's validation).
    let text = word(api.errors.text).or_else(|| word("errors.0.description"));
    let code = word(api.errors.code);
    let status = reply.status_line();
    let said = match (&code, &text) {
        (Some(code), Some(text)) => format!("{status}, {}: {}", quoted(code), quoted(text)),
        (Some(text), None) | (None, Some(text)) => format!("{status}, {}", quoted(text)),
        (None, None) if reply.body.trim().is_empty() => status,
        (None, None) => format!("{status}, {}", quoted(&reply.body)),
    };
    let vendor = api.vendor;
    let wait = |kind, why, strict| {
        let seconds = reply.retry_after(clock::now()).unwrap_or(0);
        Err(ApiError { kind, verdict: UpdateResult::RetryLater { why, pause: Pause { seconds, strict } } })
    };
    if reply.status == 429 {
        return wait(ErrorKind::Push, format!("too many requests to {vendor}: {said}"), true);
    }
    if reply.status >= 500 {
        return wait(ErrorKind::Zone, format!("{vendor} has a temporary fault: {said}"), false);
    }
    // A validation that failed: a list of objects (deSEC), or a status that says so (Gandi).
    let status_error = word("status").as_deref() == Some("error");
    let invalid = matches!(reply.status, 400 | 422) && (matches!(json, Some(Json::Array(_))) || status_error);
    let meaning = meaning(api, &[&code, &text]).or(invalid.then_some(Means::Record));
    match meaning {
        Some(Means::Key) => {
            let why = format!("{vendor} does not accept the credentials: {said}");
            return Err(ApiError::refused(ErrorKind::Push, why, api.remedy));
        }
        Some(Means::Rights) => {
            let why = format!("{vendor} does not let these credentials do it: {said}");
            return Err(ApiError::refused(ErrorKind::Zone, why, "give them the right to change this zone's records"));
        }
        Some(Means::Zone) => return Err(missing(vendor, &said)),
        Some(Means::Record) => {
            let why = format!("{vendor} does not take it: {said}");
            return Err(ApiError::refused(ErrorKind::Record, why, "look at this name's records in the dashboard"));
        }
        Some(Means::Nothing) => {
            return Err(ApiError::later(ErrorKind::Empty, format!("the zone holds no records at {vendor}: {said}")));
        }
        Some(Means::Busy) => return wait(ErrorKind::Push, format!("too many requests to {vendor}: {said}"), true),
        Some(Means::Later) => return wait(ErrorKind::Zone, format!("{vendor} has a temporary fault: {said}"), false),
        None => {}
    }
    let ours = code.is_some() || text.is_some();
    match (reply.status, json) {
        // Servercow answers errors with 200 too.
        (200..=299, Some(json)) if good && code.is_none() && (text.is_none() || api.errors.text != "error") => Ok(json),
        (200..=299, None) if good && reply.body.trim().is_empty() => Ok(Json::Null),
        (401 | 403, _) => Err(ApiError {
            kind: if reply.status == 401 { ErrorKind::Push } else { ErrorKind::Zone },
            verdict: UpdateResult::Unauthorized {
                why: format!("{vendor} turned us away without a word that homing knows: {said}"),
                remedy: format!("check the credentials: {}", api.remedy),
            },
        }),
        (404, _) if ours => Err(missing(vendor, &said)),
        _ if ours => Err(ApiError::later(ErrorKind::Record, format!("{vendor} did not do it: {said}"))),
        _ => Err(ApiError::later(ErrorKind::Zone, format!("not an answer of {vendor}'s API: {said}"))),
    }
}

fn missing(vendor: &str, said: &str) -> ApiError {
    ApiError::refused(
        ErrorKind::Missing,
        format!("{vendor} finds no such zone: {said}"),
        "check the host's name and 'zone', and that the credentials are for the account that has the zone",
    )
}

/// What a code and a text mean by the table: its first row that fits either.
fn meaning(api: &Api, told: &[&Option<String>]) -> Option<Means> {
    let fits = |row: &str| {
        told.iter().filter_map(|told| told.as_deref()).any(|told| match row.strip_suffix('*') {
            Some(part) => told.to_lowercase().contains(&part.to_lowercase()),
            None => row.eq_ignore_ascii_case(told),
        })
    };
    api.errors.rows.iter().find(|(row, _)| fits(row)).map(|(_, means)| *means)
}
