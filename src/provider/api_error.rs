//! A call to an API that came to nothing: what it means for the host that it was for, and for the calls to come.

use super::contract::UpdateResult;
use crate::net::http::RequestError;

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
pub struct ApiError {
    pub scope: Scope,
    pub verdict: UpdateResult,
}

impl ApiError {
    pub fn later(scope: Scope, why: impl Into<String>) -> ApiError {
        ApiError { scope, verdict: UpdateResult::later(why) }
    }

    pub fn refused(scope: Scope, why: impl Into<String>, remedy: impl Into<String>) -> ApiError {
        ApiError { scope, verdict: UpdateResult::Rejected { why: why.into(), remedy: remedy.into() } }
    }

    /// No answer, or none that can be used.
    pub fn unanswered(fault: RequestError) -> ApiError {
        match fault {
            RequestError::DryRun => ApiError { scope: Scope::Dry, verdict: UpdateResult::NotAttempted },
            RequestError::OutOfTime => ApiError { scope: Scope::Push, verdict: UpdateResult::NotAttempted },
            RequestError::Interrupted(why) => {
                ApiError { scope: Scope::Push, verdict: UpdateResult::Interrupted { why } }
            }
            RequestError::NotSent(why) => ApiError::later(Scope::Push, why),
            RequestError::Unconfirmed(why) | RequestError::InvalidReply(why) => ApiError::later(Scope::Zone, why),
        }
    }
}

/// Keeps a trouble that concerns every call to come, and hands the result on.
pub fn keep<T>(stop: &mut Option<ApiError>, result: Result<T, ApiError>) -> Result<T, ApiError> {
    if let Err(trouble) = &result {
        if trouble.scope == Scope::Push {
            *stop = Some(trouble.clone());
        }
    }
    result
}
