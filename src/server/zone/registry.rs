//! Which zones have a thread, and who waits for one.

use super::job::Job;
use super::{lock, thread, Message, Outcome, Shared, ZoneState};
use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::Arc;

/// Threads at once.
pub const THREADS: usize = 64;

/// The threads' queues, and the jobs of zones that have no thread because there are too many.
#[derive(Default)]
pub struct Registry {
    threads: BTreeMap<String, (Arc<ZoneState>, Sender<Message>)>,
    overflow: VecDeque<(String, Vec<Job>)>,
    closed: bool,
}

impl Registry {
    /// The zone's state, if it has a thread.
    pub fn zone(&self, name: &str) -> Option<&Arc<ZoneState>> {
        self.threads.get(name).map(|(zone, _)| zone)
    }

    /// How many threads there are.
    pub fn len(&self) -> usize {
        self.threads.len()
    }
}

impl Shared {
    /// Queues a job for its zone's thread, which is started if it is not there.
    pub fn queue(self: &Arc<Self>, job: Job) {
        let mut registry = lock(&self.registry);
        if registry.closed {
            drop(registry);
            return job.end(Outcome::Unknown("the service is ending".to_string()));
        }
        let name = job.host.zone.clone();
        if let Some((_, queue)) = registry.threads.get(&name) {
            // A thread leaves only under the registry's lock, so its queue is open.
            let _ = queue.send(Message::Job(Box::new(job)));
            return;
        }
        if let Some((_, jobs)) = registry.overflow.iter_mut().find(|(zone, _)| *zone == name) {
            return jobs.push(job);
        }
        if registry.threads.len() >= THREADS {
            registry.overflow.push_back((name, vec![job]));
            for (_, queue) in registry.threads.values() {
                let _ = queue.send(Message::OthersWait);
            }
            return;
        }
        let (zone, receiver) = registry.enter(&name, vec![job]);
        let shared = Arc::clone(self);
        let alive = registry_alive(self);
        let started = std::thread::Builder::new().name("zone".to_string()).spawn(move || {
            let _alive = alive;
            thread::run(&shared, zone, receiver);
        });
        if let Err(error) = started {
            tracing::error!("zone {name}: no thread can be started: {error}");
            // The receiver is gone with the closure, and so are its jobs: their callers see that.
            registry.threads.remove(&name);
        }
    }

    /// Called by a thread whose zone has nothing to do. Gives it another zone to serve; `None`: it ends.
    pub fn leave(
        &self,
        zone: &Arc<ZoneState>,
        queue: Receiver<Message>,
        closed: bool,
    ) -> Option<(Arc<ZoneState>, Receiver<Message>)> {
        let mut registry = lock(&self.registry);
        if closed {
            return registry.next();
        }
        // What was queued since the thread looked last.
        let late: Vec<Message> = queue.try_iter().filter(|message| matches!(message, Message::Job(_))).collect();
        if late.is_empty() {
            registry.threads.remove(&zone.name);
            if zone.is_down() {
                self.metrics.zone_down(false);
            }
            return registry.next();
        }
        let (sender, receiver) = channel();
        late.into_iter().for_each(|message| drop(sender.send(message)));
        registry.threads.insert(zone.name.clone(), (Arc::clone(zone), sender));
        Some((Arc::clone(zone), receiver))
    }

    /// Takes no more jobs. Threads end when their queues are empty.
    pub fn close(&self) {
        let mut registry = lock(&self.registry);
        registry.closed = true;
        registry.threads.clear();
    }
}

fn registry_alive(shared: &Shared) -> tokio::sync::mpsc::Sender<()> {
    lock(&shared.alive).as_ref().map_or_else(|| tokio::sync::mpsc::channel(1).0, Clone::clone)
}

impl Registry {
    fn enter(&mut self, name: &str, jobs: Vec<Job>) -> (Arc<ZoneState>, Receiver<Message>) {
        let (sender, receiver) = channel();
        jobs.into_iter().for_each(|job| drop(sender.send(Message::Job(Box::new(job)))));
        let zone = Arc::new(ZoneState::new(name));
        // After the end nothing more can come for it.
        if !self.closed {
            self.threads.insert(name.to_string(), (Arc::clone(&zone), sender));
        }
        (zone, receiver)
    }

    fn next(&mut self) -> Option<(Arc<ZoneState>, Receiver<Message>)> {
        let (name, jobs) = self.overflow.pop_front()?;
        Some(self.enter(&name, jobs))
    }
}
