//! The pages on `admin_listen`: `/metrics` and `/health`.

use crate::server::listen::{Listening, Pages};
use crate::server::metrics::Snapshot;
use crate::server::reply::{Answer, TEXT};
use crate::server::sweep::Status;
use crate::server::update::Service;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// Prometheus reads both this and its older text format.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Answers requests for the pages.
pub fn pages(
    service: Arc<Service>,
    listening: Arc<Mutex<Option<Listening>>>,
    status: watch::Receiver<Status>,
) -> Pages {
    Arc::new(move |path| {
        let (service, listening) = (Arc::clone(&service), Arc::clone(&listening));
        let status = *status.borrow();
        Box::pin(async move {
            match path.as_str() {
                "/metrics" => Some(metrics(&service, &listening).await),
                "/health" => Some(health(&service, status).await),
                _ => None,
            }
        })
    })
}

async fn metrics(service: &Service, listening: &Mutex<Option<Listening>>) -> Answer {
    let connections = {
        let listening = listening.lock().unwrap_or_else(PoisonError::into_inner);
        listening.as_ref().map_or(0, Listening::connections)
    };
    // Without the database the other numbers are still worth having.
    let counts = service.store.counts().await.unwrap_or_default();
    let text = service.metrics.text(Snapshot {
        published: counts.published,
        unpublished: counts.unpublished,
        unconfirmed: counts.unconfirmed,
        outbox: counts.outbox,
        connections,
        zone_threads: service.zones.threads(),
        passwords: service.accounts.waiting(),
    });
    Answer::ok(OPEN_METRICS, text)
}

/// `ready` and 200, or the reasons why not and 503. A hold on expiry is shown and does no harm.
async fn health(service: &Service, status: Status) -> Answer {
    let mut problems = Vec::new();
    if let Err(error) = service.store.ping().await {
        problems.push(error.to_string());
    } else if !status.beating {
        problems.push("the database takes no writes: is its disk full?".to_string());
    }
    let down = service.metrics.down_zones();
    if down > 0 {
        problems.push(format!("the name server does not answer for {down} zones"));
    }
    let mut text = match problems.is_empty() {
        true => "ready\n".to_string(),
        false => problems.iter().map(|problem| format!("not ready: {problem}\n")).collect(),
    };
    if let Some(hold) = status.hold {
        text.push_str(&format!("nothing expires: {hold}\n"));
    }
    Answer { status: if problems.is_empty() { 200 } else { 503 }, ..Answer::ok(TEXT, text) }
}
