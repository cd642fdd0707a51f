//! What all network access of one pass shares, whatever protocol it speaks: the deadline, the time that one request
//! may take, the local address or interface to send from, and whether requests are sent or only shown.

use crate::net::socket::Bind;
use std::time::{Duration, Instant};

/// Where requests are shown, one line at a time.
pub type Show<'a> = &'a dyn Fn(&str);

/// The limits of one pass.
#[derive(Clone)]
pub struct PassContext<'a> {
    /// The end of the pass: nothing is sent, and nothing waited for, after it.
    pub deadline: Instant,
    /// The longest that one request may take.
    pub timeout: Duration,
    /// The longest that a request may take at the start of a pass: `timeout`, or the whole pass if that is shorter. A
    /// request that was cut off by the deadline, but had about this long, did fail; a shorter one is merely due again.
    pub full_timeout: Duration,
    /// Send from this address or through this interface.
    pub bind: Option<Bind>,
    /// Show requests instead of sending them.
    pub dry_run: Option<Show<'a>>,
    /// Show requests and replies, and send them.
    pub verbose: Option<Show<'a>>,
}

impl<'a> PassContext<'a> {
    /// A pass that begins now, may take `length`, and gives each request `timeout`.
    pub fn new(length: Duration, timeout: Duration) -> PassContext<'a> {
        PassContext {
            deadline: Instant::now() + length,
            timeout,
            full_timeout: timeout.min(length),
            bind: None,
            dry_run: None,
            verbose: None,
        }
    }

    /// The same limits, sending from another address or interface.
    pub fn bound_to(&self, bind: Option<&Bind>) -> PassContext<'a> {
        PassContext { bind: bind.cloned(), ..self.clone() }
    }

    /// Whether the pass has no time left.
    pub fn expired(&self) -> bool {
        Instant::now() >= self.deadline
    }

    /// When a request that starts now must have ended.
    pub fn request_deadline(&self) -> Instant {
        (Instant::now() + self.timeout).min(self.deadline)
    }
}
