//! The heartbeat, and whether anything may expire.

use crate::server::clock::{self, Clock};
use crate::server::store::{Error, Heartbeat, Id, Millis, Store};
use crate::sys::clock as civil;
use std::fmt;
use std::time::{Duration, Instant};

/// The longest time between two beats.
const LONGEST_INTERVAL: Duration = Duration::from_secs(5);
/// How far the wall clock may go another way than the monotonic one.
const DISAGREEMENT: Millis = 60_000;
/// A gap of this length before a daemon's start needs somebody to look.
const LONGEST_GAP: Millis = 24 * 60 * 60 * 1000;
/// Nothing expires in this part of a daemon's life, so that clients can come back after an outage.
const GRACE: Duration = Duration::from_secs(300);
/// The lease that stands for "needs `cleanup --force`", and its owner, who is nobody.
const HELD: &str = "expiry-held";

/// Why nothing expires.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hold {
    /// The wall clock shows a time before 2020.
    NotSet,
    /// The last heartbeat lies in the future.
    HeartbeatInFuture,
    /// At its start the daemon found a heartbeat that is more than a day old, or in the future.
    NeedsForce,
    /// The wall clock was set, or the machine was suspended.
    ClockWasSet,
    /// The daemon has not run for long enough.
    Starting,
    /// The database does not take heartbeats.
    NoHeartbeat,
}

impl fmt::Display for Hold {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Hold::NotSet => "the clock shows a time before 2020",
            Hold::HeartbeatInFuture => {
                "the last heartbeat in the database lies in the future: the clock is or was wrong"
            }
            Hold::NeedsForce => {
                "the clock is implausible or no daemon ran for more than a day; see `hostname list`, then run \
                 `cleanup --force` once"
            }
            Hold::ClockWasSet => "the clock was set or the machine was suspended a short time ago",
            Hold::Starting => "the daemon started a short time ago",
            Hold::NoHeartbeat => "the database does not take the heartbeat",
        })
    }
}

/// Whether a wall clock shows a time before 2020.
pub fn is_unset(wall: Millis) -> bool {
    !civil::plausible(wall.div_euclid(1000))
}

/// Whether a heartbeat lies in the future.
pub fn is_ahead(beat: Millis, wall: Millis) -> bool {
    beat.saturating_sub(wall) > DISAGREEMENT
}

/// Beats, and knows whether the clocks can be trusted.
pub struct Heart {
    store: Store,
    clock: Clock,
    interval: Duration,
    /// What the database has.
    last: Heartbeat,
    unclean: bool,
    /// Wall and monotonic time when they were compared last.
    compared: (Millis, Instant),
    /// Nothing expires until then.
    grace_ends: Instant,
    grace: Duration,
    set: bool,
    held: bool,
    beating: bool,
    /// What was logged last.
    logged: Option<Hold>,
}

impl Heart {
    /// Reads the last heartbeat, decides what it means, and beats for the first time.
    ///
    /// # Errors
    /// The database.
    pub async fn start(store: Store, cleanup_interval: Duration) -> Result<Heart, Error> {
        let last = store.heartbeat().await?;
        let interval = interval(cleanup_interval);
        let now = clock::wall();
        let first_ever = last.at == 0;
        let strange = !first_ever && (is_ahead(last.at, now) || now.saturating_sub(last.at) > LONGEST_GAP);
        if strange || (is_unset(now) && !first_ever) {
            store.take_lease(HELD, nobody(), now, Millis::MAX).await?;
        }
        let grace = GRACE.max(cleanup_interval * 2);
        let mut heart = Heart {
            clock: Clock::serving(last.served, interval * 2),
            interval,
            last,
            unclean: !first_ever && (!last.clean || is_ahead(last.at, now)),
            compared: (now, Instant::now()),
            grace_ends: Instant::now() + grace,
            grace,
            set: false,
            held: store.has_lease(HELD).await?,
            beating: true,
            logged: None,
            store,
        };
        heart.write(false).await?;
        Ok(heart)
    }

    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// Between two beats.
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// Whether the last daemon did not end in good order.
    pub fn was_unclean(&self) -> bool {
        self.unclean
    }

    /// Writes the heartbeat. Gives true if the wall clock was found to have been set back.
    pub async fn beat(&mut self) -> bool {
        let back = self.compare(clock::wall(), Instant::now());
        match self.write(false).await {
            Ok(()) => self.beating = true,
            Err(error) => {
                if self.beating {
                    tracing::error!("heartbeat: {error}");
                }
                self.beating = false;
            }
        }
        back
    }

    /// Writes the last heartbeat.
    pub async fn end(&mut self) {
        if let Err(error) = self.write(true).await {
            tracing::error!("heartbeat: {error}");
        }
    }

    /// Compares how far both clocks went since they were compared last. Gives true if the wall clock went back.
    fn compare(&mut self, wall: Millis, monotonic: Instant) -> bool {
        let passed = clock::millis(monotonic.saturating_duration_since(self.compared.1));
        let difference = wall.saturating_sub(self.compared.0).saturating_sub(passed);
        if difference.abs() <= DISAGREEMENT {
            return false;
        }
        tracing::warn!("the clock was set by {} seconds, or the machine was suspended", difference / 1000);
        self.compared = (wall, monotonic);
        self.set = true;
        self.grace_ends = monotonic + self.grace;
        difference < 0
    }

    async fn write(&mut self, clean: bool) -> Result<(), Error> {
        let now = self.clock.now();
        let new = Heartbeat { at: now.wall, served: now.served, clean };
        if !self.store.beat(self.last, new).await? {
            // Another process, which counts the same time.
            let theirs = self.store.heartbeat().await?;
            let new = Heartbeat { served: new.served.max(theirs.served), ..new };
            self.store.beat(theirs, new).await?;
            self.last = new;
        } else {
            self.last = new;
        }
        self.clock.recorded(self.last.served);
        Ok(())
    }

    /// Why nothing expires, if so. Asks the database whether `cleanup --force` ran.
    pub async fn check(&mut self) -> Option<Hold> {
        if self.held {
            match self.store.has_lease(HELD).await {
                Ok(held) => self.held = held,
                Err(error) => tracing::error!("{error}"),
            }
        }
        let hold = self.hold();
        if hold != self.logged {
            match hold {
                Some(Hold::Starting) => {}
                Some(hold) => tracing::warn!("nothing expires: {hold}"),
                None => tracing::info!("hostnames expire from now on"),
            }
            self.logged = hold;
        }
        hold
    }

    /// Whether the database takes the heartbeat.
    pub fn is_beating(&self) -> bool {
        self.beating
    }

    /// The same by what is known.
    pub fn hold(&self) -> Option<Hold> {
        if is_unset(clock::wall()) {
            return Some(Hold::NotSet);
        }
        if self.held {
            return Some(Hold::NeedsForce);
        }
        if !self.beating {
            return Some(Hold::NoHeartbeat);
        }
        match Instant::now() < self.grace_ends {
            true if self.set => Some(Hold::ClockWasSet),
            true => Some(Hold::Starting),
            false => None,
        }
    }
}

/// Between two beats.
fn interval(cleanup_interval: Duration) -> Duration {
    cleanup_interval.clamp(Duration::from_secs(1), LONGEST_INTERVAL)
}

/// Owns the lease that says that expiry is held.
fn nobody() -> Id {
    Id::from_bytes([0; 16])
}

/// Whether expiry waits for `cleanup --force`.
pub async fn is_held(store: &Store) -> Result<bool, Error> {
    store.has_lease(HELD).await
}

/// `cleanup --force` was given.
pub async fn release(store: &Store) -> Result<(), Error> {
    store.drop_lease(HELD, nobody()).await
}

/// The serving time for a command: the last heartbeat, and while a daemon runs the time since then.
pub fn served_now(last: Heartbeat, wall: Millis, cleanup_interval: Duration) -> Millis {
    let since = wall.saturating_sub(last.at);
    // A daemon that missed two beats is not taking updates.
    let runs = !last.clean && (0..=clock::millis(interval(cleanup_interval) * 2)).contains(&since);
    last.served + if runs { since } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::store::testing::{store, Folder};

    const YEAR: Millis = 365 * LONGEST_GAP;

    async fn heart(at: Millis, clean: bool) -> (Heart, Store, Folder) {
        let (store, folder) = store().await;
        if at != 0 {
            let old = store.heartbeat().await.unwrap();
            assert!(store.beat(old, Heartbeat { at, served: 5_000, clean }).await.unwrap());
        }
        (Heart::start(store.clone(), Duration::from_secs(60)).await.unwrap(), store, folder)
    }

    #[tokio::test]
    async fn serving_time_continues_from_the_last_heartbeat() {
        let (heart, store, _folder) = heart(clock::wall() - 1000, true).await;
        assert!(!heart.was_unclean());
        let now = store.heartbeat().await.unwrap();
        assert!(now.served >= 5_000 && now.served < 5_000 + 10_000 && !now.clean, "{now:?}");
        assert_eq!(heart.hold(), Some(Hold::Starting));
    }

    #[tokio::test]
    async fn a_heartbeat_of_another_time_holds_expiry_until_somebody_forces_it() {
        for (at, held) in [(-YEAR, true), (10 * YEAR, true), (-1_000, false)] {
            let (mut heart, store, _folder) = heart(clock::wall() + at, false).await;
            assert!(heart.was_unclean());
            assert_eq!(heart.check().await == Some(Hold::NeedsForce), held, "{at}");
            // A restart does not help; force does.
            let mut again = Heart::start(store.clone(), Duration::from_secs(60)).await.unwrap();
            assert_eq!(again.check().await == Some(Hold::NeedsForce), held, "{at}");
            release(&store).await.unwrap();
            assert_eq!(again.check().await, Some(Hold::Starting));
        }
    }

    #[tokio::test]
    async fn a_clock_that_is_set_holds_expiry_for_a_while() {
        let (mut heart, _store, _folder) = heart(0, true).await;
        let (wall, monotonic) = heart.compared;
        let later = monotonic + Duration::from_secs(1_000);
        heart.grace_ends = monotonic;
        assert!(!heart.compare(wall + 1_000_000 + DISAGREEMENT, later));
        assert_eq!(heart.hold(), None);
        assert!(!heart.compare(wall + 1_000_000 + YEAR, later), "forward");
        assert_eq!(heart.hold(), Some(Hold::ClockWasSet));
        assert!(heart.compare(wall - YEAR, later), "back");
    }

    #[test]
    fn a_command_counts_the_time_since_the_last_beat_of_a_running_daemon() {
        let beat = |clean| Heartbeat { at: 1_000_000, served: 50, clean };
        let minute = Duration::from_secs(60);
        assert_eq!(served_now(beat(false), 1_003_000, minute), 3_050);
        assert_eq!(served_now(beat(true), 1_003_000, minute), 50);
        assert_eq!(served_now(beat(false), 1_020_000, minute), 50);
        assert_eq!(served_now(beat(false), 900_000, minute), 50);
    }
}
