//! Times of events by key, within a sliding window, for a bounded number of keys.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::time::{Duration, Instant};

pub struct Windows<K> {
    window: Duration,
    /// Events within the window that a key may have.
    pub most: usize,
    most_keys: usize,
    events: HashMap<K, VecDeque<Instant>>,
}

impl<K: Hash + Eq + Clone> Windows<K> {
    pub fn new(window: Duration, most_keys: usize) -> Windows<K> {
        Windows { window, most: 1, most_keys, events: HashMap::new() }
    }

    pub fn with_most(mut self, most: usize) -> Windows<K> {
        self.most = most.max(1);
        self
    }

    /// How long until this key has fewer than `most` events in the window; `None`: it has.
    pub fn wait(&mut self, key: &K, most: usize, now: Instant) -> Option<Duration> {
        let window = self.window;
        let events = self.events.get_mut(key)?;
        events.retain(|at| now.saturating_duration_since(*at) < window);
        if events.is_empty() {
            self.events.remove(key);
            return None;
        }
        // The event whose end makes room.
        let blocking = events.len().checked_sub(most).and_then(|index| events.get(index))?;
        Some(window.saturating_sub(now.saturating_duration_since(*blocking)))
    }

    pub fn add(&mut self, key: K, now: Instant) {
        if self.events.len() >= self.most_keys && !self.events.contains_key(&key) {
            self.make_room(now);
        }
        self.events.entry(key).or_default().push_back(now);
    }

    /// Takes one event back.
    pub fn remove(&mut self, key: &K, at: Instant) {
        let Some(events) = self.events.get_mut(key) else { return };
        if let Some(index) = events.iter().position(|event| *event == at) {
            events.remove(index);
        }
        if events.is_empty() {
            self.events.remove(key);
        }
    }

    /// Drops the keys whose events are all over.
    pub fn sweep(&mut self, now: Instant) {
        let window = self.window;
        self.events.retain(|_, events| events.back().is_some_and(|at| now.saturating_duration_since(*at) < window));
    }

    /// Drops what is over, and if that is not enough, the eighth of the keys whose last event is oldest: one at a time
    /// would cost a search for each new key while somebody floods us.
    fn make_room(&mut self, now: Instant) {
        self.sweep(now);
        if self.events.len() < self.most_keys {
            return;
        }
        let mut last: Vec<Instant> = self.events.values().filter_map(|events| events.back().copied()).collect();
        let nth = (last.len() / 8).min(last.len().saturating_sub(1));
        let (_, limit, _) = last.select_nth_unstable(nth);
        let limit = *limit;
        self.events.retain(|_, events| events.back().is_some_and(|at| *at > limit));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(60);

    #[test]
    fn the_window_slides() {
        let (mut windows, start) = (Windows::new(WINDOW, 10), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        for seconds in [0, 10, 20] {
            assert_eq!(windows.wait(&"a", 3, after(seconds)), None);
            windows.add("a", after(seconds));
        }
        assert_eq!(windows.wait(&"a", 3, after(20)), Some(Duration::from_secs(40)));
        assert_eq!(windows.wait(&"a", 3, after(59)), Some(Duration::from_secs(1)));
        assert_eq!(windows.wait(&"a", 3, after(60)), None, "the first is over");
        windows.add("a", after(60));
        assert_eq!(windows.wait(&"a", 3, after(60)), Some(Duration::from_secs(10)));
        assert_eq!(windows.wait(&"a", 4, after(60)), None);
        assert_eq!(windows.wait(&"b", 3, after(60)), None);
    }

    #[test]
    fn a_clock_that_goes_back_does_not_panic() {
        let (mut windows, start) = (Windows::new(WINDOW, 10), Instant::now());
        windows.add("a", start + WINDOW);
        assert_eq!(windows.wait(&"a", 1, start), Some(WINDOW));
    }

    #[test]
    fn the_number_of_keys_is_bounded() {
        let (mut windows, start) = (Windows::new(WINDOW, 100), Instant::now());
        for n in 0..1000_u64 {
            windows.add(n, start + Duration::from_millis(n));
        }
        assert!((80..=100).contains(&windows.events.len()), "{}", windows.events.len());
        assert!(windows.wait(&999, 1, start + Duration::from_secs(1)).is_some(), "the latest are kept");
        assert!(windows.wait(&0, 1, start + Duration::from_secs(1)).is_none());
        windows.sweep(start + Duration::from_secs(120));
        assert!(windows.events.is_empty(), "what is over goes");
    }

    #[test]
    fn what_is_over_leaves_no_key() {
        let (mut windows, start) = (Windows::new(WINDOW, 10), Instant::now());
        windows.add("a", start);
        assert_eq!(windows.wait(&"a", 1, start + WINDOW), None);
        assert!(windows.events.is_empty());
        windows.add("a", start);
        windows.remove(&"a", start);
        assert!(windows.events.is_empty());
    }
}
