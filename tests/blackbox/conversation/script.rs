//! The expected exchanges of a pass, removed one by one as requests arrive, and the differences found.

use super::compare::compare;
use super::format::Exchange;
use crate::testbed::{Reply, Request};
use std::sync::Mutex;

/// The remaining exchanges, and the differences so far.
#[derive(Default)]
pub struct Script(Mutex<(Vec<Exchange>, Vec<String>)>);

impl Script {
    /// Sets the exchanges of the next pass. `{url}` and `{other}` are filled in already.
    pub fn set(&self, exchanges: Vec<Exchange>) {
        *self.0.lock().unwrap() = (exchanges, Vec::new());
    }

    /// The reply to a request: that of the next exchange, or where the order is free, of the one that matches. A
    /// request that does not match is recorded and still gets a reply, so that later differences are found too.
    pub fn answer(&self, request: &Request) -> Reply {
        self.exchange(request).map_or_else(|| Reply::new(500, &[], "not in the script"), |exchange| reply(&exchange))
    }

    /// The same for an update over DNS: an RCODE, or no reply.
    pub fn rcode(&self, request: &Request) -> Option<u8> {
        self.exchange(request)?.reply.status.and_then(|code| u8::try_from(code).ok())
    }

    fn exchange(&self, request: &Request) -> Option<Exchange> {
        let mut held = self.0.lock().unwrap();
        let (left, complaints) = &mut *held;
        let free = left.iter().take_while(|exchange| exchange.any_order).count().max(1);
        let fits = left.iter().take(free).position(|exchange| compare(exchange, request).is_ok());
        match (fits, left.first()) {
            (None, None) => {
                complaints.push(format!("a request too many: {} {}", request.method, request.target));
                return None;
            }
            (None, Some(first)) => {
                let why = compare(first, request).expect_err("it fits none");
                complaints.push(format!("line {}: {why}", first.line));
            }
            (Some(_), _) => {}
        }
        Some(left.remove(fits.unwrap_or(0)))
    }

    /// All differences of the pass, including exchanges that did not take place.
    pub fn complaints(&self) -> Vec<String> {
        let held = self.0.lock().unwrap();
        let never = held.0.iter().map(|e| format!("line {}: never asked: {} {}", e.line, e.method, e.target));
        held.1.iter().cloned().chain(never).collect()
    }
}

fn reply(exchange: &Exchange) -> Reply {
    let answer = &exchange.reply;
    let headers: Vec<_> = answer.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    answer.status.map_or_else(Reply::nothing, |status| Reply::new(status, &headers, &answer.body))
}
