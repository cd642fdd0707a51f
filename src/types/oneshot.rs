//! One word that a thread waits for from another, for so long. What the standard library has for that are channels, of
//! which each brings all their kinds: 4 KB.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::Arc;
use std::thread::Thread;
use std::time::Instant;

/// Nobody has rung yet.
const SILENT: u8 = 0;
const GOOD: u8 = 1;
const BAD: u8 = 2;
/// Nobody waits any more.
const LEFT: u8 = 3;

/// Rings once, with a good or a bad word.
#[derive(Clone)]
pub struct Oneshot {
    state: Arc<AtomicU8>,
    waiter: Thread,
}

impl Oneshot {
    /// For this thread to wait at.
    pub fn of_this_thread() -> Oneshot {
        Oneshot { state: Arc::new(AtomicU8::new(SILENT)), waiter: std::thread::current() }
    }

    /// Whether somebody still waits for it.
    pub fn ring(&self, good: bool) -> bool {
        let heard = self.leave_silence(if good { GOOD } else { BAD }) == SILENT;
        self.waiter.unpark();
        heard
    }

    /// The word; none where it did not come in time.
    pub fn wait(&self, until: Instant) -> Option<bool> {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            // At the end nobody waits any more, unless it rang at that very moment.
            let state = if left.is_zero() { self.leave_silence(LEFT) } else { self.state.load(Ordering::Acquire) };
            match state {
                GOOD | BAD => return Some(state == GOOD),
                _ if left.is_zero() => return None,
                // Something else may wake us too early, and we look again.
                _ => std::thread::park_timeout(left),
            }
        }
    }

    /// Puts another state in the place of silence; tells what there was.
    fn leave_silence(&self, to: u8) -> u8 {
        self.state.compare_exchange(SILENT, to, Ordering::AcqRel, Ordering::Acquire).unwrap_or_else(|state| state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_word_is_heard_in_time_or_not_at_all() {
        for word in [true, false] {
            let bell = Oneshot::of_this_thread();
            let rung = bell.clone();
            let thread = std::thread::spawn(move || rung.ring(word));
            assert_eq!(bell.wait(Instant::now() + Duration::from_secs(600)), Some(word));
            assert!(thread.join().unwrap());
            assert_eq!(bell.wait(Instant::now()), Some(word), "it stays said");
        }
        let bell = Oneshot::of_this_thread();
        assert_eq!(bell.wait(Instant::now()), None);
        assert!(!bell.ring(true), "nobody waits any more");
    }
}
