//! Signals the threads of a server that the test is over, so that slow and hanging replies end at once.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// Shared by a server and its threads.
#[derive(Clone, Default)]
pub struct Stop(Arc<(Mutex<bool>, Condvar)>);

impl Stop {
    pub fn now(&self) {
        *self.0 .0.lock().unwrap() = true;
        self.0 .1.notify_all();
    }

    pub fn is_set(&self) -> bool {
        *self.0 .0.lock().unwrap()
    }

    /// Waits this long or until the stop, whichever comes first; returns whether it was the stop.
    pub fn within(&self, time: Duration) -> bool {
        let guard = self.0 .0.lock().unwrap();
        *self.0 .1.wait_timeout_while(guard, time, |stopped| !*stopped).unwrap().0
    }
}
