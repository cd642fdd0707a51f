//! Why an API call failed, and which further calls that rules out.

use super::contract::UpdateResult;
use crate::net::http::RequestError;

/// What else a failed call tells about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorKind {
    /// Nothing: a dry run.
    Dry,
    /// Every other call of this push would end so.
    Push,
    /// Every other call for this zone would.
    Zone,
    /// What the path names is not there: the zone, or the record.
    Missing,
    /// The zone holds no records.
    Empty,
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
    pub kind: ErrorKind,
    pub verdict: UpdateResult,
}

impl ApiError {
    pub fn later(kind: ErrorKind, why: impl Into<String>) -> ApiError {
        ApiError { kind, verdict: UpdateResult::later(why) }
    }

    pub fn refused(kind: ErrorKind, why: impl Into<String>, remedy: impl Into<String>) -> ApiError {
        ApiError { kind, verdict: UpdateResult::Rejected { why: why.into(), remedy: remedy.into() } }
    }

    /// No answer, or none that can be used.
    pub fn unanswered(fault: RequestError) -> ApiError {
        match fault {
            RequestError::DryRun => ApiError { kind: ErrorKind::Dry, verdict: UpdateResult::NotAttempted },
            RequestError::OutOfTime => ApiError { kind: ErrorKind::Push, verdict: UpdateResult::NotAttempted },
            RequestError::Interrupted(why) => {
                ApiError { kind: ErrorKind::Push, verdict: UpdateResult::Interrupted { why } }
            }
            RequestError::NotSent(why) => ApiError::later(ErrorKind::Push, why),
            RequestError::Unconfirmed(why) | RequestError::InvalidReply(why) => ApiError::later(ErrorKind::Zone, why),
        }
    }
}

/// Remembers an error that concerns all further calls, and passes the result on.
pub fn keep<T>(stop: &mut Option<ApiError>, result: Result<T, ApiError>) -> Result<T, ApiError> {
    if let Err(error) = &result {
        if error.kind == ErrorKind::Push {
            *stop = Some(error.clone());
        }
    }
    result
}
