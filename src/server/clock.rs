//! The server's two clocks: wall-clock time, and serving time.
//! Serving time counts only while a daemon takes updates. It is continued from the heartbeat in the database, and
//! between two beats it passes no further than a limit: a daemon that is stopped, or whose database is down, takes no
//! updates. So expiry depends neither on the wall clock nor on pauses.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A point of wall-clock time: milliseconds since 1970 (UTC), always passed in by the caller.
pub type Millis = i64;

/// A time on both of the server's clocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moment {
    /// Wall-clock time: for people, mails and retries.
    pub wall: Millis,
    /// Serving time: milliseconds in which a daemon took updates, counted by the heartbeat (see [`super::store::Heartbeat`]).
    /// Expiry uses only this clock, so a wrong wall clock or a daemon that was off expires nothing.
    pub served: Millis,
}

/// Gives the current [`Moment`]. Clones share the serving time.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Serving time at the last beat, and when that was.
    beat: Mutex<(Millis, Instant)>,
    /// How far serving time passes without a beat.
    limit: Duration,
}

impl Clock {
    /// The clock of a daemon, whose serving time continues from `served` and passes `limit` at most between two beats.
    pub fn serving(served: Millis, limit: Duration) -> Clock {
        Clock(Arc::new(Inner { beat: Mutex::new((served, Instant::now())), limit }))
    }

    /// The clock of a command, whose serving time is fixed.
    pub fn fixed(served: Millis) -> Clock {
        Clock::serving(served, Duration::ZERO)
    }

    /// Both clocks now.
    pub fn now(&self) -> Moment {
        let (served, at) = *self.beat();
        Moment { wall: wall(), served: served.saturating_add(millis(at.elapsed().min(self.0.limit))) }
    }

    /// Serving time was recorded as `served`, by this process or by another that counted further.
    pub fn recorded(&self, served: Millis) {
        let mut beat = self.beat();
        if served >= beat.0 {
            *beat = (served, Instant::now());
        }
    }

    fn beat(&self) -> std::sync::MutexGuard<'_, (Millis, Instant)> {
        self.0.beat.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wall-clock time.
pub fn wall() -> Millis {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, millis)
}

/// A duration in the unit of [`Millis`].
pub fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serving_time_passes_no_further_than_the_limit_without_a_beat() {
        let clock = Clock::serving(1_000, Duration::from_millis(1));
        while clock.now().served < 1_001 {
            std::thread::yield_now();
        }
        let late = Instant::now();
        while late.elapsed() < Duration::from_millis(5) {
            std::thread::yield_now();
        }
        assert_eq!(clock.now().served, 1_001);
        clock.recorded(1_001);
        assert!(clock.now().served <= 1_002);
        // What another process recorded earlier does not turn it back.
        clock.recorded(0);
        assert!(clock.now().served >= 1_001);
        assert_eq!(Clock::fixed(7).now().served, 7);
    }
}
