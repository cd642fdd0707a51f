//! Counters for `/metrics` (OpenMetrics text), and the health page.

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::sync::Arc;
use std::time::Duration;

/// One label.
type Label = [(&'static str, &'static str); 1];

/// The counters. Cheap to clone.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    replies: Family<Label, Counter>,
    requests: Histogram,
    dns_messages: Counter,
    dns_updates: Family<Label, Counter>,
    dns_seconds: Histogram,
    zones_down: Gauge,
    mails: Family<Label, Counter>,
    database_errors: Counter,
    hosts: Family<Label, Gauge>,
    connections: Gauge,
    zone_threads: Gauge,
    outbox: Gauge,
    passwords: Gauge,
}

/// What is read only when somebody looks.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Snapshot {
    pub published: i64,
    pub unpublished: i64,
    pub unconfirmed: i64,
    pub connections: usize,
    pub zone_threads: usize,
    pub outbox: i64,
    pub passwords: usize,
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new()
    }
}

impl Metrics {
    pub fn new() -> Metrics {
        let buckets = || [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0];
        let mut inner = Inner {
            registry: Registry::with_prefix("homing_server"),
            replies: Family::default(),
            requests: Histogram::new(buckets()),
            dns_messages: Counter::default(),
            dns_updates: Family::default(),
            dns_seconds: Histogram::new(buckets()),
            zones_down: Gauge::default(),
            mails: Family::default(),
            database_errors: Counter::default(),
            hosts: Family::default(),
            connections: Gauge::default(),
            zone_threads: Gauge::default(),
            outbox: Gauge::default(),
            passwords: Gauge::default(),
        };
        let registry = &mut inner.registry;
        registry.register("replies", "Result lines sent to clients", inner.replies.clone());
        registry.register("request_duration_seconds", "From a request's head to its reply", inner.requests.clone());
        registry.register("dns_messages", "Update messages sent to the name server", inner.dns_messages.clone());
        registry.register("dns_updates", "Changes of hosts by their result", inner.dns_updates.clone());
        registry.register(
            "dns_duration_seconds",
            "From a batch's first message to its last reply",
            inner.dns_seconds.clone(),
        );
        registry.register("zones_down", "Zones whose name server does not answer", inner.zones_down.clone());
        registry.register("mails", "Attempts to send mails by their result", inner.mails.clone());
        registry.register("database_errors", "Failed database statements", inner.database_errors.clone());
        registry.register("hosts", "Hostnames by state", inner.hosts.clone());
        registry.register("connections", "Open connections of clients", inner.connections.clone());
        registry.register("zone_threads", "Threads that serve a zone", inner.zone_threads.clone());
        registry.register("passwords", "Logins that wait for a password hash", inner.passwords.clone());
        registry.register("outbox", "Mails that wait to be sent", inner.outbox.clone());
        Metrics(Arc::new(inner))
    }

    /// One line of a reply: `good`, `nochg`, `badauth` and so on.
    pub fn reply(&self, result: &'static str) {
        self.0.replies.get_or_create(&[("result", result)]).inc();
    }

    /// How long one request took, from its head to its reply.
    pub fn request(&self, took: Duration) {
        self.0.requests.observe(took.as_secs_f64());
    }

    /// Messages to the name server for one batch.
    pub fn dns_messages(&self, count: u32, took: Duration) {
        self.0.dns_messages.inc_by(u64::from(count));
        self.0.dns_seconds.observe(took.as_secs_f64());
    }

    /// One host's change: `done`, `refused`, `unknown`, `not_sent`.
    pub fn dns_update(&self, result: &'static str) {
        self.0.dns_updates.get_or_create(&[("result", result)]).inc();
    }

    /// A zone's name server stopped answering, or answers again.
    pub fn zone_down(&self, down: bool) {
        match down {
            true => self.0.zones_down.inc(),
            false => self.0.zones_down.dec(),
        };
    }

    /// An attempt to send a mail: `sent`, `deferred`, `failed`.
    pub fn mail(&self, result: &'static str) {
        self.0.mails.get_or_create(&[("result", result)]).inc();
    }

    /// A statement of the database failed.
    pub fn database_error(&self) {
        self.0.database_errors.inc();
    }

    /// Zones whose name server does not answer.
    pub fn down_zones(&self) -> i64 {
        self.0.zones_down.get()
    }

    /// The page `/metrics`.
    pub fn text(&self, now: Snapshot) -> String {
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let hosts = |state: &'static str, number: i64| {
            self.0.hosts.get_or_create(&[("state", state)]).set(number);
        };
        hosts("published", now.published);
        hosts("unpublished", now.unpublished);
        hosts("unconfirmed", now.unconfirmed);
        self.0.connections.set(count(now.connections));
        self.0.zone_threads.set(count(now.zone_threads));
        self.0.outbox.set(now.outbox);
        self.0.passwords.set(count(now.passwords));
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = encode(&mut text, &self.0.registry);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_counter() {
        let metrics = Metrics::new();
        metrics.reply("good");
        metrics.reply("good");
        metrics.dns_update("done");
        metrics.zone_down(true);
        metrics.request(Duration::from_millis(2));
        let text = metrics.text(Snapshot { published: 3, ..Snapshot::default() });
        for line in [
            "homing_server_replies_total{result=\"good\"} 2",
            "homing_server_dns_updates_total{result=\"done\"} 1",
            "homing_server_zones_down 1",
            "homing_server_hosts{state=\"published\"} 3",
            "homing_server_request_duration_seconds_count 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }
}
