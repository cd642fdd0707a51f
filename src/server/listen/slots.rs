//! Places for connections, in all and per source.
//!
//! When all are taken, a connection that has been waiting for its next head for half a second gives way to a new one.
//! Otherwise whoever opens 512 connections and sends nothing would lock everybody out for 5 seconds, again and again.

use crate::server::limit::network;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::AbortHandle;

/// A client sends its head at once; whoever took longer than this may be made to give way.
const PATIENCE: Duration = Duration::from_millis(500);

pub struct Slots(Mutex<Inner>);

struct Inner {
    most: usize,
    most_per_source: usize,
    next: u64,
    open: HashMap<u64, Open>,
    per_source: HashMap<IpAddr, usize>,
}

struct Open {
    /// Counted for this source; `None` where no limit applies.
    source: Option<IpAddr>,
    /// Since when it waits for a head (or the handshake); `None` while a request is carried out.
    waiting: Option<Instant>,
    /// Ends its task; known right after it was started.
    task: Option<AbortHandle>,
}

/// One place. It is free again when this is dropped.
pub struct Slot {
    slots: Arc<Slots>,
    id: u64,
}

impl Slots {
    pub fn new(most: usize, most_per_source: usize) -> Slots {
        Slots(Mutex::new(Inner { most, most_per_source, next: 0, open: HashMap::new(), per_source: HashMap::new() }))
    }

    pub fn set_limits(&self, most: usize, most_per_source: usize) {
        let mut inner = self.lock();
        (inner.most, inner.most_per_source) = (most, most_per_source);
    }

    /// How many are taken.
    pub fn open(&self) -> usize {
        self.lock().open.len()
    }

    /// A place for a connection from there. `None`: there is none. IPv6 sources count per /64. An exempt one counts for
    /// the total only.
    pub fn take(self: &Arc<Self>, source: IpAddr, exempt: bool, now: Instant) -> Option<Slot> {
        let mut inner = self.lock();
        let source = (!exempt).then(|| network(source, 64));
        let taken = source.and_then(|source| inner.per_source.get(&source).copied()).unwrap_or(0);
        if source.is_some() && taken >= inner.most_per_source {
            return None;
        }
        if inner.open.len() >= inner.most && !inner.make_room(now) {
            return None;
        }
        if let Some(source) = source {
            *inner.per_source.entry(source).or_default() += 1;
        }
        let id = inner.next;
        inner.next += 1;
        inner.open.insert(id, Open { source, waiting: Some(now), task: None });
        Some(Slot { slots: Arc::clone(self), id })
    }

    /// The task that serves this place, by its id.
    pub fn set_task(&self, id: u64, task: AbortHandle) {
        // A connection that ended at once is no longer there.
        if let Some(open) = self.lock().open.get_mut(&id) {
            open.task = Some(task);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Ends the connection that has waited for longest; whether there was one.
    fn make_room(&mut self, now: Instant) -> bool {
        let waited = |open: &Open| {
            let since = open.waiting.filter(|_| open.task.is_some())?;
            Some(now.saturating_duration_since(since)).filter(|waited| *waited >= PATIENCE)
        };
        let candidates = self.open.iter().filter_map(|(id, open)| Some((waited(open)?, *id)));
        let Some((_, id)) = candidates.max() else { return false };
        if let Some(task) = self.free(id).and_then(|open| open.task) {
            task.abort();
        }
        true
    }

    fn free(&mut self, id: u64) -> Option<Open> {
        let open = self.open.remove(&id)?;
        if let Some(source) = open.source {
            if let Some(count) = self.per_source.get_mut(&source) {
                *count -= 1;
                if *count == 0 {
                    self.per_source.remove(&source);
                }
            }
        }
        Some(open)
    }
}

impl Slot {
    pub fn id(&self) -> u64 {
        self.id
    }

    /// A request is being carried out, or no longer.
    pub fn set_busy(&self, busy: bool) {
        if let Some(open) = self.slots.lock().open.get_mut(&self.id) {
            open.waiting = (!busy).then(Instant::now);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.slots.lock().free(self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn places_are_limited_in_all_and_per_source() {
        let (slots, now) = (Arc::new(Slots::new(4, 2)), Instant::now());
        let one = slots.take(ip("198.41.0.4"), false, now).unwrap();
        let _two = slots.take(ip("198.41.0.4"), false, now).unwrap();
        assert!(slots.take(ip("198.41.0.4"), false, now).is_none(), "a third of one source");
        let _six = slots.take(ip("2620:fe::1"), false, now).unwrap();
        let _seven = slots.take(ip("2620:fe::2"), false, now).unwrap();
        assert!(slots.take(ip("198.41.0.5"), false, now).is_none(), "a fifth in all");
        drop(one);
        assert!(slots.take(ip("2620:fe::3"), false, now).is_none(), "a third of one /64");
        assert!(slots.take(ip("198.41.0.5"), false, now).is_some());
        assert_eq!(slots.open(), 3);
    }

    #[test]
    fn an_exempt_source_counts_in_all_only() {
        let (slots, now) = (Arc::new(Slots::new(3, 1)), Instant::now());
        let all: Vec<_> = (0..3).map(|_| slots.take(ip("127.0.0.1"), true, now).unwrap()).collect();
        assert!(slots.take(ip("127.0.0.1"), true, now).is_none());
        drop(all);
        assert_eq!((slots.open(), slots.lock().per_source.len()), (0, 0));
    }

    #[tokio::test]
    async fn whoever_sends_nothing_gives_way() {
        let (slots, now) = (Arc::new(Slots::new(2, 2)), Instant::now());
        let connect = |source: &str| {
            let slot = slots.take(ip(source), false, now).unwrap();
            let id = slot.id();
            let task = tokio::spawn(async move {
                let _slot = slot;
                std::future::pending::<()>().await;
            });
            slots.set_task(id, task.abort_handle());
            (id, task)
        };
        let ((busy, _busy_task), (_, silent)) = (connect("198.41.0.4"), connect("198.41.0.5"));
        slots.lock().open.get_mut(&busy).unwrap().waiting = None;
        assert!(slots.take(ip("198.41.0.6"), false, now).is_none(), "it may still send its head");
        let new = slots.take(ip("198.41.0.6"), false, now + PATIENCE).unwrap();
        assert!(silent.await.unwrap_err().is_cancelled());
        assert_eq!(slots.open(), 2);
        new.set_busy(true);
        assert!(slots.take(ip("198.41.0.7"), false, now + PATIENCE * 9).is_none(), "requests are finished");
    }
}
