//! A call to an API that came to nothing: what it means for the host that it was for, and for the calls to come.

use super::contract::Verdict;
use crate::net::http::Fault;

/// What else a failed call tells about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// Nothing: a dry run.
    Dry,
    /// Every other call of this push would end so.
    Push,
    /// Every other call for this zone would.
    Zone,
    /// What the path names is not there: the zone, or the record.
    Missing,
    /// The record's id is no more.
    Gone,
    /// A record like it exists.
    Identical,
    /// Something about one record.
    Record,
    /// Refused with words that we do not know.
    Unclear,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trouble {
    pub scope: Scope,
    pub verdict: Verdict,
}

impl Trouble {
    pub fn later(scope: Scope, why: impl Into<String>) -> Trouble {
        Trouble { scope, verdict: Verdict::later(why) }
    }

    pub fn refused(scope: Scope, why: impl Into<String>, remedy: impl Into<String>) -> Trouble {
        Trouble { scope, verdict: Verdict::Refused { why: why.into(), remedy: remedy.into() } }
    }

    /// No answer, or none that can be used.
    pub fn unanswered(fault: Fault) -> Trouble {
        match fault {
            Fault::Dry => Trouble { scope: Scope::Dry, verdict: Verdict::NotAsked },
            Fault::Expired => Trouble { scope: Scope::Push, verdict: Verdict::NotAsked },
            Fault::Cut(why) => Trouble { scope: Scope::Push, verdict: Verdict::Cut { why } },
            Fault::NotSent(why) => Trouble::later(Scope::Push, why),
            Fault::Unsure(why) | Fault::Unusable(why) => Trouble::later(Scope::Zone, why),
        }
    }
}

/// Keeps a trouble that concerns every call to come, and hands the result on.
pub fn keep<T>(stop: &mut Option<Trouble>, result: Result<T, Trouble>) -> Result<T, Trouble> {
    if let Err(trouble) = &result {
        if trouble.scope == Scope::Push {
            *stop = Some(trouble.clone());
        }
    }
    result
}
