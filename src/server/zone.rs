//! The way of every change into DNS: record what is wanted, update the name server, record what is published.
//! One thread for each zone, started when there is something to do and ended after five idle minutes. What is queued
//! while a message is on its way goes with the next one. A caller that goes away changes nothing: the thread finishes.

use super::clock::Clock;
use super::config::Config;
use super::metrics::Metrics;
use super::store::{Families, Host, Store};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Instant;

/// A change that a client asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// The row that the decision was based on. Where it has changed since, the thread reads it again.
    pub host: Host,
    /// The new address of each family that the request named; the others stay as they are.
    pub ipv4: Option<Ipv4Addr>,
    pub ipv6: Option<Ipv6Addr>,
    /// Whether a mail is sent if an address changes.
    pub notify: bool,
}

/// How a change ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The name server confirmed it and it is recorded: `good`.
    Done,
    /// The name server did not confirm it: `dnserr`. Why, for the command line; the log has it already. What is
    /// wanted is recorded and is sent again.
    DnsError(String),
    /// The database failed, or the service is ending: `911`. Whether it was done is not known.
    Unknown(String),
    /// The hostname was deleted meanwhile: `nohost`.
    NoHost,
}

/// The zones and their threads. Cheap to clone.
#[derive(Clone)]
pub struct Zones {}

impl Zones {
    /// Needs a tokio runtime, which the threads use for the database.
    pub fn new(_store: Store, _config: &Config, _clock: Clock, _metrics: Metrics) -> Zones {
        unimplemented!("not ready yet")
    }

    /// Publishes addresses of one host. Ends within two `dns_timeout`s and the database's deadlines.
    pub async fn update(&self, _change: Change) -> Outcome {
        unimplemented!("not ready yet")
    }

    /// Publishes a TXT value at `_acme-challenge.` of a host, with at most one older one beside it.
    pub async fn txt_set(&self, _host: &Host, _value: &str) -> Outcome {
        unimplemented!("not ready yet")
    }

    /// Removes such a value; one that is not there is no error.
    pub async fn txt_remove(&self, _host: &Host, _value: &str) -> Outcome {
        unimplemented!("not ready yet")
    }

    /// Removes families that are still due. What is not ours in DNS stays.
    pub async fn expire(&self, _host: &Host, _families: Families) -> Outcome {
        unimplemented!("not ready yet")
    }

    /// Removes everything that was published for a host, before it is deleted.
    pub async fn withdraw(&self, _host: &Host) -> Outcome {
        unimplemented!("not ready yet")
    }

    /// Takes a new configuration for messages that are sent from now on.
    pub fn configure(&self, _config: &Config) {
        unimplemented!("not ready yet")
    }

    /// Takes no more changes, and waits until those that were taken have ended or the deadline has come.
    pub async fn finish(&self, _until: Instant) {
        unimplemented!("not ready yet")
    }
}
