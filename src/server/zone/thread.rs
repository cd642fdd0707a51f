//! A zone's thread: takes jobs from its queue, groups them, and waits while the name server is down.

use super::batch;
use super::job::{Job, Task};
use super::server::Server;
use super::{Message, Outcome, Shared, ZoneState};
use crate::net::update_client::UpdateClient;
use crate::server::config::DnsService;
use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Hosts and bytes of records in one message. BIND: 142 updates/s one by one, 7,109/s with 64 in a message.
const HOSTS: usize = 64;
const BYTES: usize = 16 * 1024;

/// Why a queue ended.
enum End {
    /// Nothing came for a while, or another zone needs the thread.
    Idle,
    /// No sender is left.
    Closed,
}

/// Serves one zone after the other, until nothing is left to do.
pub fn run(shared: &Arc<Shared>, mut zone: Arc<ZoneState>, mut queue: Receiver<Message>) {
    loop {
        let mut thread = Thread {
            shared,
            zone: &zone,
            queue: &queue,
            waiting: VecDeque::new(),
            pause: Duration::ZERO,
            probe_at: None,
        };
        let end = thread.serve();
        match shared.leave(&zone, queue, matches!(end, End::Closed)) {
            Some(next) => (zone, queue) = next,
            None => return,
        }
    }
}

struct Thread<'a> {
    shared: &'a Arc<Shared>,
    zone: &'a ZoneState,
    queue: &'a Receiver<Message>,
    waiting: VecDeque<Job>,
    /// The wait before the next probe, while the name server is down.
    pause: Duration,
    probe_at: Option<Instant>,
}

impl Thread<'_> {
    fn serve(&mut self) -> End {
        loop {
            // With each configuration a new client: another server, another key.
            let (dns, generation) = self.shared.dns();
            let key = dns.key_of(&self.zone.name).cloned();
            let mut server = server(&dns, key.as_deref(), &self.zone.name);
            while self.shared.generation() == generation {
                if let Some(end) = self.step(&mut server, generation) {
                    return end;
                }
            }
        }
    }

    /// Waits for jobs and does what is queued.
    fn step(&mut self, server: &mut Server<'_>, generation: u64) -> Option<End> {
        let timing = self.shared.timing;
        let wait = match self.probe_at {
            _ if !self.waiting.is_empty() => Duration::ZERO,
            Some(at) => at.saturating_duration_since(Instant::now()),
            None => timing.idle,
        };
        let mut turn = false;
        let mut received = self.queue.recv_timeout(wait);
        loop {
            match received {
                Ok(Message::Job(job)) => self.waiting.push_back(*job),
                Ok(Message::OthersWait) => turn = true,
                Err(RecvTimeoutError::Disconnected) if self.waiting.is_empty() => return Some(End::Closed),
                Err(_) => break,
            }
            received = self.queue.recv_timeout(Duration::ZERO);
        }
        if self.waiting.is_empty() {
            match self.probe_at {
                Some(at) if at <= Instant::now() => self.probe(server),
                _ if turn || self.probe_at.is_none() => return Some(End::Idle),
                _ => {}
            }
            return None;
        }
        // While it waited, the configuration may have been read again.
        if self.shared.generation() != generation {
            return None;
        }
        let jobs = batch::take(&mut self.waiting, HOSTS, BYTES);
        if self.probe_at.is_some() {
            self.turn_down(jobs);
            return None;
        }
        let shared = Arc::clone(self.shared);
        let after = shared.block_on(async {
            let ready = batch::wanted(&shared, jobs).await;
            batch::publish(&shared, server, ready).await
        });
        self.queue_again(after.again);
        if let Some(why) = after.unreachable {
            self.down(why);
        }
        None
    }

    /// The name server is down: what is wanted is recorded, and everybody is told at once.
    fn turn_down(&self, jobs: Vec<Job>) {
        let why = self.zone.down_because();
        let ready = self.shared.block_on(batch::wanted(self.shared, jobs));
        for (job, _) in ready {
            // A TXT value is not kept: the client of an ACME server gives up and starts anew.
            job.end(Outcome::DnsError(why.clone()));
        }
    }

    fn down(&mut self, why: String) {
        let timing = self.shared.timing;
        let first = self.probe_at.is_none();
        self.pause = if first { timing.probe } else { (self.pause * 2).min(timing.longest_probe) };
        self.probe_at = Some(Instant::now() + self.pause);
        if first {
            tracing::error!(
                "zone {}: {why}; the zone is down until it answers: updates get dnserr and are sent then",
                self.zone.name
            );
            self.shared.metrics.zone_down(true);
        }
        self.zone.set_down(Some(why));
    }

    /// Sends a part of what is unconfirmed; after the first answer all of it.
    fn probe(&mut self, server: &mut Server<'_>) {
        let shared = Arc::clone(self.shared);
        let mut unsent = match shared.block_on(shared.store.hosts_of_zone(&self.zone.name)) {
            Ok(hosts) => {
                let unconfirmed = hosts.into_iter().filter(|host| !host.confirmed());
                unconfirmed.map(resend).collect::<VecDeque<_>>()
            }
            Err(error) => {
                shared.database_error(&error);
                self.probe_at = Some(Instant::now() + self.pause);
                return;
            }
        };
        let jobs = batch::take(&mut unsent, HOSTS, BYTES);
        let waits_for_none = jobs.is_empty();
        let after = shared.block_on(async {
            let ready = batch::wanted(&shared, jobs).await;
            batch::publish(&shared, server, ready).await
        });
        self.queue_again(after.again);
        match after.unreachable {
            Some(why) => self.down(why),
            None if after.answered || waits_for_none => {
                self.probe_at = None;
                self.zone.set_down(None);
                shared.metrics.zone_down(false);
                tracing::info!("zone {}: the name server {} answers again", self.zone.name, server.shown);
                self.waiting.append(&mut unsent);
            }
            // Nothing had to be sent.
            None => self.probe_at = Some(Instant::now() + self.pause),
        }
    }

    fn queue_again(&mut self, hosts: Vec<crate::server::store::Host>) {
        self.waiting.extend(hosts.into_iter().map(resend));
    }
}

fn resend(host: crate::server::store::Host) -> Job {
    Job { host, task: Task::Resend { settles: false }, done: None }
}

fn server<'a>(dns: &DnsService, key: Option<&'a crate::net::tsig::Key>, zone: &'a str) -> Server<'a> {
    Server {
        zone,
        client: UpdateClient::new(vec![dns.server], key, false, None),
        shown: dns.server.to_string(),
        key: key.map(|key| key.shown()),
        timeout: dns.timeout,
    }
}

impl ZoneState {
    fn set_down(&self, why: Option<String>) {
        self.down.store(why.is_some(), Ordering::Relaxed);
        *super::lock(&self.why) = why.unwrap_or_default();
    }

    /// Why the zone is down.
    pub fn down_because(&self) -> String {
        super::lock(&self.why).clone()
    }
}
