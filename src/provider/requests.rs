//! Helpers for protocols that send one request at a time: which hosts and families share a request, when to stop
//! sending, and what a reply's HTTP status means. Each protocol reads the bodies of its replies itself.

use super::contract::{HostResult, HostUpdate, Pause, UpdateResult};
use crate::net::http::{Http, Reply, Request, RequestError};
use crate::types::address::Family;
use std::net::IpAddr;

/// One update request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UpdateRequest {
    /// Indices into the batch.
    pub hosts: Vec<usize>,
    /// The families whose result the reply decides.
    pub updates: Vec<Family>,
    /// The address to send, by family. A family that is not updated may be sent too, so that the server keeps it.
    pub sent: [Option<IpAddr>; 2],
}

/// Which other requests a failure predicts. They are not sent: repeating a wrong password or an update that is
/// blocked for abuse gets accounts banned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// None: only this host.
    Host,
    /// All requests with the same credentials.
    Account,
    /// All requests to this server.
    Server,
}

/// What a reply says of one host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    pub result: UpdateResult,
    /// [`Scope::Host`] unless the result is a failure.
    pub scope: Scope,
    /// Something a person should know although the result stands.
    pub warning: Option<String>,
}

impl Answer {
    pub fn new(result: UpdateResult, scope: Scope) -> Answer {
        Answer { result, scope, warning: None }
    }

    /// A result for this host only.
    pub fn host(result: UpdateResult) -> Answer {
        Answer::new(result, Scope::Host)
    }
}

/// A request for each family of a host that is due.
pub fn one_by_one(index: usize, wanted: &HostUpdate) -> Vec<UpdateRequest> {
    let due = wanted.due().map(|(family, address)| {
        let mut sent = [None, None];
        sent[family as usize] = Some(address);
        UpdateRequest { hosts: vec![index], updates: vec![family], sent }
    });
    due.collect()
}

/// One request for both families of a host. `all`: one that is known and not due is sent too, so that the server keeps it.
pub fn together(index: usize, wanted: &HostUpdate, all: bool) -> Vec<UpdateRequest> {
    let updates: Vec<Family> = wanted.due().map(|(family, _)| family).collect();
    if updates.is_empty() {
        return Vec::new();
    }
    let sent = wanted.want.map(|want| want.filter(|want| want.due || all).map(|want| want.address));
    vec![UpdateRequest { hosts: vec![index], updates, sent }]
}

/// Groups hosts with identical updates into one request, at most `most`, in the order of the configuration.
pub fn gathered(updates: impl IntoIterator<Item = UpdateRequest>, most: usize) -> Vec<UpdateRequest> {
    let mut lists: Vec<UpdateRequest> = Vec::new();
    for update in updates {
        let fits = |old: &&mut UpdateRequest| {
            old.hosts.len() < most && old.updates == update.updates && old.sent == update.sent
        };
        match lists.iter_mut().rev().find(fits) {
            Some(old) => old.hosts.extend(update.hosts),
            None => lists.push(update),
        }
    }
    lists
}

/// A service that is updated by HTTP requests.
pub trait HttpService {
    fn request(&self, update: &UpdateRequest) -> Request;
    /// An answer for each host of the request, in its order.
    fn read(&self, reply: &Reply, update: &UpdateRequest) -> Vec<Answer>;
    /// Whether all requests use the same credentials. Where each host has its own, one wrong password says nothing
    /// about the next.
    fn one_account(&self) -> bool;
}

/// Sends the requests in order. A failure that holds for the rest becomes their result without sending them.
pub fn send_all(service: &dyn HttpService, updates: &[UpdateRequest], http: &Http<'_>) -> Vec<HostResult> {
    // A request that none follows says so to the server, which then closes the connection.
    let alone;
    let http = match updates {
        [_, _, ..] => http,
        _ => {
            alone = http.without_pool();
            &alone
        }
    };
    let mut results = Vec::new();
    let mut stopped: Option<UpdateResult> = None;
    for update in updates {
        let answers = match &stopped {
            Some(result) => vec![Answer::host(result.clone()); update.hosts.len()],
            None => match http.send(&service.request(update)) {
                Ok(reply) => read(service, &reply, update),
                // Dry run: the request was printed, not sent; go on with the next.
                Err(RequestError::DryRun) => continue,
                Err(error) => vec![unanswered(error); update.hosts.len()],
            },
        };
        for (host, Answer { result, scope, warning }) in update.hosts.iter().zip(answers) {
            let stops = match scope {
                Scope::Host => false,
                Scope::Account => service.one_account(),
                Scope::Server => true,
            };
            if stops && stopped.is_none() {
                stopped = Some(result.clone());
            }
            for family in &update.updates {
                let (verdict, warning) = (result.clone(), warning.clone());
                results.push(HostResult { host: *host, family: *family, verdict, warning });
            }
        }
    }
    results
}

/// The answers in a reply, with the pause that its Retry-After asks for, whatever its body says.
fn read(service: &dyn HttpService, reply: &Reply, update: &UpdateRequest) -> Vec<Answer> {
    let mut answers = service.read(reply, update);
    let asked = reply.retry_after(crate::sys::clock::now()).unwrap_or(0);
    for answer in &mut answers {
        if let UpdateResult::RetryLater { pause, .. } = &mut answer.result {
            pause.seconds = pause.seconds.max(asked);
        }
    }
    answers
}

fn unanswered(error: RequestError) -> Answer {
    match error {
        RequestError::DryRun => Answer::host(UpdateResult::NotAttempted),
        RequestError::OutOfTime => Answer::new(UpdateResult::NotAttempted, Scope::Server),
        RequestError::Interrupted(why) => Answer::host(UpdateResult::Interrupted { why }),
        // A server that cannot be reached now need not be tried for the next host.
        RequestError::NotSent(why) => Answer::new(UpdateResult::later(why), Scope::Server),
        RequestError::Unconfirmed(why) | RequestError::InvalidReply(why) => Answer::host(UpdateResult::later(why)),
    }
}

/// What the HTTP status of a reply means; `None` for a 2xx, whose body has to be read. `refusal` reads the body of a
/// 4xx: a rejection or retry code counts there too, a success code never.
pub fn by_status(reply: &Reply, refusal: &dyn Fn(&str) -> Option<Answer>) -> Option<Answer> {
    let status = reply.status;
    Some(match status {
        200..=299 => return None,
        429 => {
            let why = "HTTP 429: too many requests".to_string();
            Answer::new(UpdateResult::RetryLater { why, pause: Pause { seconds: 0, strict: true } }, Scope::Server)
        }
        400..=499 => match refusal(&reply.body) {
            Some(answer) => answer,
            None if status == 401 || status == 403 => {
                let why = format!("HTTP {status}, without a word why");
                let remedy = "check user and password".to_string();
                Answer::new(UpdateResult::Unauthorized { why, remedy }, Scope::Account)
            }
            None => Answer::host(UpdateResult::later(reply.status_line())),
        },
        _ => Answer::host(UpdateResult::later(reply.status_line())),
    })
}
