//! The one thread that verifies passwords. A hash takes 19 MiB and 50 ms on purpose: one at a time, in one block of
//! memory that is used again, so that a flood of logins costs the machine one core and no more memory.

use crate::server::password::{hash, verify, Memory, Verdict};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use tokio::sync::oneshot;

/// Passwords that may wait. At 50 ms each the last one waits less than a second.
const QUEUE: usize = 16;
/// Of these, how many strangers may take. The rest is for those who logged in lately.
const STRANGERS: usize = 12;

/// One password to verify.
pub struct Job {
    pub password: String,
    /// The stored hash, or for an unknown user another one that takes as long.
    pub phc: String,
    /// Whether this user logged in from this source lately.
    pub known: bool,
    /// Called right before the work, on the thread. Tries of one source are limited here, where they are one after the
    /// other, and not while many of them wait.
    pub admission: Box<dyn FnOnce() -> Admission + Send>,
}

/// Whether a password is still to be verified.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Admission {
    Verify,
    /// The same login succeeded while this one waited.
    AlreadyRight,
    /// There were too many wrong ones from there.
    Refused,
}

/// What came out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// With a new hash where the stored one has outdated parameters.
    Right {
        rehashed: Option<String>,
    },
    Wrong,
    /// [`Admission::Refused`].
    NotAdmitted,
    /// The stored hash cannot be used; says why.
    Unusable(String),
}

/// The way to the thread. It ends when this is dropped.
pub struct Hashing(Arc<Shared>);

struct Shared {
    queue: Mutex<Queue>,
    filled: Condvar,
}

#[derive(Default)]
struct Queue {
    known: VecDeque<Waiting>,
    strangers: VecDeque<Waiting>,
    ended: bool,
}

type Waiting = (Job, oneshot::Sender<Outcome>);

impl Hashing {
    pub fn start() -> std::io::Result<Hashing> {
        let shared = Arc::new(Shared { queue: Mutex::default(), filled: Condvar::new() });
        let worker = Arc::clone(&shared);
        std::thread::Builder::new().name("passwords".to_string()).spawn(move || worker.work())?;
        Ok(Hashing(shared))
    }

    /// Queues a job. `None`: the queue is full. Whoever drops the receiver is no longer interested, and the job is
    /// skipped.
    pub fn submit(&self, job: Job) -> Option<oneshot::Receiver<Outcome>> {
        let (sender, receiver) = oneshot::channel();
        let mut queue = self.0.lock();
        queue.forget_abandoned();
        let known = job.known;
        let full = queue.known.len() + queue.strangers.len() >= QUEUE;
        if full || !known && queue.strangers.len() >= STRANGERS {
            return None;
        }
        let line = if known { &mut queue.known } else { &mut queue.strangers };
        line.push_back((job, sender));
        self.0.filled.notify_one();
        Some(receiver)
    }

    /// How many wait, for the metrics.
    pub fn waiting(&self) -> usize {
        let queue = self.0.lock();
        queue.known.len() + queue.strangers.len()
    }
}

impl Drop for Hashing {
    fn drop(&mut self) {
        self.0.lock().ended = true;
        self.0.filled.notify_one();
    }
}

impl Queue {
    /// A client that left needs no place.
    fn forget_abandoned(&mut self) {
        self.known.retain(|(_, sender)| !sender.is_closed());
        self.strangers.retain(|(_, sender)| !sender.is_closed());
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job; those who logged in lately first. `None`: the end.
    fn next(&self) -> Option<Waiting> {
        let mut queue = self.lock();
        loop {
            if queue.ended {
                return None;
            }
            let next = queue.known.pop_front().or_else(|| queue.strangers.pop_front());
            if next.is_some() {
                return next;
            }
            queue = self.filled.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn work(&self) {
        let mut memory = Memory::default();
        while let Some((job, sender)) = self.next() {
            if sender.is_closed() {
                continue;
            }
            // The receiver may have gone meanwhile.
            let _ = sender.send(perform(job, &mut memory));
            memory.shrink();
        }
    }
}

fn perform(job: Job, memory: &mut Memory) -> Outcome {
    match (job.admission)() {
        Admission::Verify => {}
        Admission::AlreadyRight => return Outcome::Right { rehashed: None },
        Admission::Refused => return Outcome::NotAdmitted,
    }
    match verify(&job.password, &job.phc, memory) {
        Ok(Verdict::Right) => Outcome::Right { rehashed: None },
        Ok(Verdict::RightButOutdated) => Outcome::Right { rehashed: hash(&job.password, memory).ok() },
        Ok(Verdict::Wrong) => Outcome::Wrong,
        Err(why) => Outcome::Unusable(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    fn phc(password: &str) -> String {
        hash(password, &mut Memory::default()).unwrap()
    }

    fn job(password: &str, phc: &str, known: bool) -> Job {
        Job { password: password.into(), phc: phc.into(), known, admission: Box::new(|| Admission::Verify) }
    }

    /// Stops the thread until the sender is dropped, so that a queue builds up.
    fn block(hashing: &Hashing) -> mpsc::Sender<()> {
        let (sender, receiver) = mpsc::channel::<()>();
        let (begun, has_begun) = mpsc::channel();
        let admission = Box::new(move || {
            begun.send(()).unwrap();
            let _ = receiver.recv();
            Admission::Refused
        });
        let job = Job { password: "x".into(), phc: String::new(), known: true, admission };
        std::mem::forget(hashing.submit(job));
        has_begun.recv().unwrap();
        sender
    }

    #[test]
    fn right_and_wrong_passwords_are_told_apart() {
        let (hashing, phc) = (Hashing::start().unwrap(), phc("secret"));
        let of = |job: Job| hashing.submit(job).unwrap().blocking_recv().unwrap();
        assert_eq!(of(job("secret", &phc, false)), Outcome::Right { rehashed: None });
        assert_eq!(of(job("Secret", &phc, true)), Outcome::Wrong);
        assert!(matches!(of(job("secret", "nonsense", true)), Outcome::Unusable(_)));
        let told = |admission| Job { admission: Box::new(move || admission), ..job("secret", "nonsense", false) };
        assert_eq!(of(told(Admission::Refused)), Outcome::NotAdmitted);
        assert_eq!(of(told(Admission::AlreadyRight)), Outcome::Right { rehashed: None });
    }

    #[test]
    fn strangers_leave_places_for_those_who_logged_in_lately() {
        let (hashing, phc) = (Hashing::start().unwrap(), phc("secret"));
        let blocked = block(&hashing);
        let strangers: Vec<_> = (0..STRANGERS).map(|_| hashing.submit(job("x", &phc, false)).unwrap()).collect();
        assert!(hashing.submit(job("x", &phc, false)).is_none(), "strangers have no place left");
        let known: Vec<_> = (STRANGERS..QUEUE).map(|_| hashing.submit(job("secret", &phc, true)).unwrap()).collect();
        assert!(hashing.submit(job("secret", &phc, true)).is_none(), "the queue is full");
        assert_eq!(hashing.waiting(), QUEUE);
        drop(strangers);
        drop(blocked);
        for receiver in known {
            assert_eq!(receiver.blocking_recv(), Ok(Outcome::Right { rehashed: None }));
        }
    }

    #[test]
    fn a_job_whose_client_left_is_skipped_and_frees_its_place() {
        let (hashing, phc) = (Hashing::start().unwrap(), phc("secret"));
        let blocked = block(&hashing);
        let (touched, touches) = mpsc::channel();
        for _ in 0..STRANGERS {
            let touched = touched.clone();
            let admission = Box::new(move || {
                let _ = touched.send(());
                Admission::Verify
            });
            drop(hashing.submit(Job { admission, ..job("x", &phc, false) }).unwrap());
        }
        let last = hashing.submit(job("secret", &phc, false)).expect("their places are free");
        drop(blocked);
        assert_eq!(last.blocking_recv(), Ok(Outcome::Right { rehashed: None }));
        drop(touched);
        assert_eq!(touches.iter().count(), 0, "none of them was looked at");
    }
}
