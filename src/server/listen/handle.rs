//! One request: which page, from whom, and its reply as HTTP.

use super::peer::Peer;
use super::{access_log, Shared, Site};
use crate::server::config::Endpoint;
use crate::server::reply::{Answer, Reply, HTML, TEXT};
use crate::server::request::{basic_or_bearer, prefers_json, source, Login, Request};
use crate::server::update::RETRY_FAULT;
use axum::body::{to_bytes, Body};
use axum::extract::{Extension, State};
use axum::response::Response;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// For a request, from its head to its reply.
const DEADLINE: Duration = Duration::from_secs(12);
/// Of a form.
const BODY_BYTES: usize = 8192;

/// What is at a path.
enum Page<'a> {
    Update(&'a Endpoint),
    /// The client's address, as text or as Dyn's page.
    Address(&'static str),
    /// lego's `httpreq`: sets a TXT value, or removes it.
    Acme {
        set: bool,
    },
}

fn page<'a>(site: &'a Site, path: &str) -> Option<Page<'a>> {
    match path {
        "/myip" => Some(Page::Address(TEXT)),
        "/nic/checkip.html" => Some(Page::Address(HTML)),
        "/acme/present" => Some(Page::Acme { set: true }),
        "/acme/cleanup" => Some(Page::Acme { set: false }),
        path => site.endpoints.get(path).map(Page::Update),
    }
}

/// The one handler of the router.
pub async fn handle(
    State(shared): State<Arc<Shared>>,
    Extension(peer): Extension<Peer>,
    request: axum::extract::Request,
) -> Response {
    let begun = Instant::now();
    let site = shared.site();
    let (head, body) = request.into_parts();
    // hyper drops a Content-Length beside it, which is how requests are smuggled past a proxy.
    let smuggled = head.headers.contains_key(header::TRANSFER_ENCODING);
    let json = prefers_json(head.headers.get_all(header::ACCEPT).iter().filter_map(|line| line.to_str().ok()));
    let from = client(&site, &head.headers, peer.address);
    let ending = match smuggled {
        true => Ending::Reply(Reply::BadRequest("Transfer-Encoding is not accepted".to_string())),
        false => match timeout(DEADLINE, respond(&shared, &site, &head, body, &from)).await {
            Ok(ending) => ending,
            Err(_) => Ending::Reply(Reply::Fault(RETRY_FAULT)),
        },
    };
    shared.service.metrics.request(begun.elapsed());
    if site.daemon.log_requests {
        let shown = from.unwrap_or(peer.address);
        tracing::info!(
            "{}",
            access_log::line(shown, &head, page(&site, head.uri.path()).is_some(), &site, &ending.code())
        );
    }
    // What is left of a body that was not read must not be taken for the next request.
    let close = peer.last || matches!(ending, Ending::Reply(Reply::BadRequest(_) | Reply::Fault(_)));
    match ending {
        Ending::Answer(answer) => response(answer, close),
        Ending::Reply(reply) => {
            reply.codes().for_each(|code| shared.service.metrics.reply(code));
            response(reply.answer(json), close)
        }
    }
}

/// What a request comes to.
enum Ending {
    /// To an update request, as text or JSON.
    Reply(Reply),
    /// To any other.
    Answer(Answer),
}

impl Ending {
    /// For the log.
    fn code(&self) -> String {
        match self {
            Ending::Reply(reply) => reply.code().to_string(),
            Ending::Answer(answer) => answer.status.to_string(),
        }
    }
}

/// The client's address; the error says why it is not known.
fn client(site: &Site, headers: &HeaderMap, peer: IpAddr) -> Result<IpAddr, String> {
    let Some(name) = &site.daemon.proxy_header else { return Ok(peer) };
    let lines: Vec<&[u8]> = headers.get_all(name.as_str()).iter().map(HeaderValue::as_bytes).collect();
    source(peer, lines.into_iter(), |address| site.daemon.trusts(address))
}

async fn respond(shared: &Shared, site: &Site, head: &Parts, body: Body, from: &Result<IpAddr, String>) -> Ending {
    let Some(page) = page(site, head.uri.path()) else { return Ending::Reply(Reply::NotFound) };
    let bad = |why: &str| Ending::Reply(Reply::BadRequest(why.to_string()));
    let from = match from {
        Ok(from) => *from,
        Err(why) => {
            tracing::warn!("request refused: {why}; see [daemon] proxy_header and trusted_proxies");
            return bad("the proxy did not say who you are");
        }
    };
    if ![Method::GET, Method::HEAD, Method::POST].contains(&head.method) {
        return bad("the method is not accepted: use GET or POST");
    }
    let body = match head.method {
        Method::POST => match to_bytes(body, BODY_BYTES).await {
            Ok(body) => body,
            Err(_) => return bad("the body is incomplete, or longer than 8192 bytes"),
        },
        _ => Default::default(),
    };
    match page {
        Page::Address(content_type) => Ending::Answer(address_page(content_type, from)),
        Page::Acme { .. } if head.method != Method::POST => bad("the method is not accepted: use POST"),
        Page::Acme { set } => Ending::Answer(acme(shared, &head.headers, &body, from, set).await),
        Page::Update(_) if !body.is_empty() && !is_form(&head.headers) => {
            bad("the body is no form: use application/x-www-form-urlencoded")
        }
        Page::Update(endpoint) => {
            let query = head.uri.query().unwrap_or("");
            let request = Request::parse(endpoint, authorization(&head.headers), query, &body);
            Ending::Reply(shared.service.update(request, from).await)
        }
    }
}

/// `None` also where it was sent more than once: two logins are none.
fn authorization(headers: &HeaderMap) -> Option<&[u8]> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    all.next().filter(|_| all.next().is_none()).map(HeaderValue::as_bytes)
}

fn is_form(headers: &HeaderMap) -> bool {
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let media = media.split(';').next().unwrap_or("").trim();
    media.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

fn address_page(content_type: &'static str, from: IpAddr) -> Answer {
    let body = match content_type {
        HTML => format!(
            "<html><head><title>Current IP Check</title></head><body>Current IP Address: {from}</body></html>\n"
        ),
        _ => format!("{from}\n"),
    };
    Answer::ok(content_type, body)
}

#[derive(serde::Deserialize)]
struct Challenge {
    fqdn: String,
    value: String,
}

/// lego's `httpreq` (<https://go-acme.github.io/lego/dns/httpreq/>).
async fn acme(shared: &Shared, headers: &HeaderMap, body: &[u8], from: IpAddr, set: bool) -> Answer {
    let login = authorization(headers).map_or(Login::None, basic_or_bearer);
    let reply = match serde_json::from_slice::<Challenge>(body) {
        Ok(challenge) => shared.service.acme(&login, from, challenge.fqdn, challenge.value, set).await,
        Err(_) => Reply::BadRequest("the body is not {\"fqdn\": …, \"value\": …}".to_string()),
    };
    reply.codes().for_each(|code| shared.service.metrics.reply(code));
    let status = match (reply.code(), &reply) {
        (_, Reply::BadRequest(_)) | ("notfqdn", _) => 400,
        ("nohost", _) => 403,
        ("dnserr" | "911", _) => 503,
        (_, Reply::Abuse(_)) => 429,
        _ => 200,
    };
    let answer = reply.answer(false);
    Answer { status: if reply == Reply::BadAuth { 401 } else { status }, ..answer }
}

/// Always with a length: ddclient 3.10 takes the first chunk's size for a hostname's reply.
pub fn response(answer: Answer, close: bool) -> Response {
    let length = answer.body.len();
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, length.into());
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if answer.challenge {
        let challenge = HeaderValue::from_static("Basic realm=\"dyndns\", charset=\"UTF-8\"");
        headers.insert(header::WWW_AUTHENTICATE, challenge);
    }
    if let Some(seconds) = answer.retry_after {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    if close {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
