//! What the protocols share that ask one thing after the other: which hosts and families go into a request, who need
//! not be asked any more, and what an answer's status alone says. What the words mean is theirs.

use super::contract::{HostResult, HostUpdate, Pause, UpdateResult};
use crate::net::http::{Http, Reply, Request, RequestError};
use crate::types::address::Family;
use std::net::IpAddr;

/// One request: which hosts of the batch, which families it updates, what it says about each family.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ask {
    pub hosts: Vec<usize>,
    pub updates: Vec<Family>,
    pub said: [Option<IpAddr>; 2],
}

/// A request for each family of a host that is due.
pub fn one_by_one(index: usize, wanted: &HostUpdate) -> Vec<Ask> {
    let due = wanted.due().map(|(family, address)| {
        let mut said = [None, None];
        said[family as usize] = Some(address);
        Ask { hosts: vec![index], updates: vec![family], said }
    });
    due.collect()
}

/// One request for both families of a host. `all`: one that is known and not due is said too, so that it stays.
pub fn together(index: usize, wanted: &HostUpdate, all: bool) -> Vec<Ask> {
    let updates: Vec<Family> = wanted.due().map(|(family, _)| family).collect();
    if updates.is_empty() {
        return Vec::new();
    }
    let said = wanted.want.map(|want| want.filter(|want| want.due || all).map(|want| want.address));
    vec![Ask { hosts: vec![index], updates, said }]
}

/// Puts hosts of which the same is said into one request, in the order of the config, `most` at most.
pub fn gathered(asks: impl IntoIterator<Item = Ask>, most: usize) -> Vec<Ask> {
    let mut lists: Vec<Ask> = Vec::new();
    for ask in asks {
        let fits = |old: &&mut Ask| old.hosts.len() < most && old.updates == ask.updates && old.said == ask.said;
        match lists.iter_mut().rev().find(fits) {
            Some(old) => old.hosts.extend(ask.hosts),
            None => lists.push(ask),
        }
    }
    lists
}

/// How a protocol asks, and reads what it is answered.
pub trait Dialect {
    fn request(&self, ask: &Ask) -> Request;
    /// A verdict for each host of the request, in its order, and what a person should know.
    fn read(&self, reply: &Reply, ask: &Ask) -> Vec<(UpdateResult, Option<String>)>;
    /// Whether asking for the next host would only repeat it, and perhaps earn a ban.
    fn speaks_for_all(&self, verdict: &UpdateResult) -> bool;
}

/// Asks one after the other, until a verdict speaks for the rest.
pub fn ask_all(tongue: &dyn Dialect, asks: &[Ask], http: &Http<'_>) -> Vec<HostResult> {
    let mut rulings = Vec::new();
    // A verdict on the account or the server, which holds for what has not been asked yet.
    let mut pending: Option<UpdateResult> = None;
    for ask in asks {
        let answers = match &pending {
            Some(verdict) => vec![(verdict.clone(), None); ask.hosts.len()],
            None => match http.send(&tongue.request(ask)) {
                Ok(reply) => {
                    let mut answers = tongue.read(&reply, ask);
                    // Whatever the words say, a server that names a time is left alone for so long.
                    let asked = reply.retry_after(crate::sys::clock::now()).unwrap_or(0);
                    for (verdict, _) in &mut answers {
                        if let UpdateResult::RetryLater { pause, .. } = verdict {
                            pause.seconds = pause.seconds.max(asked);
                        }
                    }
                    answers
                }
                // Shown; so is the next one.
                Err(RequestError::DryRun) => continue,
                Err(fault) => {
                    // Who cannot be reached now need not be tried for the next host.
                    let unreachable = matches!(fault, RequestError::NotSent(_) | RequestError::OutOfTime);
                    let verdict = unanswered(fault);
                    pending = unreachable.then(|| verdict.clone());
                    vec![(verdict, None); ask.hosts.len()]
                }
            },
        };
        for (host, (verdict, warning)) in ask.hosts.iter().zip(answers) {
            if pending.is_none() && tongue.speaks_for_all(&verdict) {
                pending = Some(verdict.clone());
            }
            for family in &ask.updates {
                let (verdict, warning) = (verdict.clone(), warning.clone());
                rulings.push(HostResult { host: *host, family: *family, verdict, warning });
            }
        }
    }
    rulings
}

fn unanswered(fault: RequestError) -> UpdateResult {
    match fault {
        RequestError::DryRun | RequestError::OutOfTime => UpdateResult::NotAttempted,
        RequestError::Interrupted(why) => UpdateResult::Interrupted { why },
        RequestError::NotSent(why) | RequestError::Unconfirmed(why) | RequestError::InvalidReply(why) => {
            UpdateResult::later(why)
        }
    }
}

/// What an answer's status says, unless it is a 2xx, whose body has to be read. `refusal` reads the body of a 4xx: a
/// word that says no or not now counts there too, one that says yes never.
pub fn by_status(reply: &Reply, refusal: &dyn Fn(&str) -> Option<UpdateResult>) -> Option<UpdateResult> {
    let status = reply.status;
    Some(match status {
        200..=299 => return None,
        429 => {
            let why = "HTTP 429: too many requests".to_string();
            UpdateResult::RetryLater { why, pause: Pause { seconds: 0, strict: true } }
        }
        400..=499 => match refusal(&reply.body) {
            Some(verdict) => verdict,
            None if status == 401 || status == 403 => UpdateResult::Unauthorized {
                why: format!("HTTP {status}, without a word why"),
                remedy: "check user and password".to_string(),
            },
            None => UpdateResult::later(reply.status_line()),
        },
        _ => UpdateResult::later(reply.status_line()),
    })
}
