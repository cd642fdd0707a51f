//! The server's two clocks: wall-clock time, and serving time.
//! Serving time counts only while a daemon takes updates; it is continued from the heartbeat in the database, so that
//! expiry never depends on the wall clock.

use super::store::{Millis, Moment};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::Arc;
use std::time::Instant;

/// Gives the current [`Moment`]. Clones share the serving time.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Serving time at `started`.
    served: AtomicI64,
    started: Instant,
    /// Whether time that passes is serving time.
    runs: bool,
}

impl Clock {
    /// The clock of a daemon, whose serving time continues from `served`.
    pub fn serving(served: Millis) -> Clock {
        Clock(Arc::new(Inner { served: AtomicI64::new(served), started: Instant::now(), runs: true }))
    }

    /// The clock of a command, whose serving time is fixed.
    pub fn fixed(served: Millis) -> Clock {
        Clock(Arc::new(Inner { served: AtomicI64::new(served), started: Instant::now(), runs: false }))
    }

    /// Both clocks now.
    pub fn now(&self) -> Moment {
        let passed = if self.0.runs { self.monotonic() } else { 0 };
        Moment { wall: wall(), served: self.0.served.load(Ordering::Relaxed).saturating_add(passed) }
    }

    /// Milliseconds since this clock was made, whatever happens to the wall clock.
    pub fn monotonic(&self) -> Millis {
        Millis::try_from(self.0.started.elapsed().as_millis()).unwrap_or(Millis::MAX)
    }

    /// Another process counted further: serving time continues from at least there.
    pub fn catch_up(&self, served: Millis) {
        let behind = served.saturating_sub(self.now().served);
        if behind > 0 {
            self.0.served.fetch_add(behind, Ordering::Relaxed);
        }
    }
}

/// Wall-clock time.
pub fn wall() -> Millis {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX))
}
