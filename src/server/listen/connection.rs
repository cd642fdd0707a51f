//! One connection, from its acceptance to its end.

use super::peer::Peer;
use super::slots::Slot;
use super::{handle, Shared};
use axum::body::Body;
use axum::extract::Request;
use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tower::ServiceExt;

/// For a TLS handshake, and for each head.
const HEAD_TIME: Duration = Duration::from_secs(5);
/// For a connection; a request that is under way then is finished.
const CONNECTION_TIME: Duration = Duration::from_secs(60);
/// For what is under way when a connection is to end: a request's deadline, and a second for its reply.
const LAST_TIME: Duration = Duration::from_secs(13);
/// Of a head in all, and of its lines.
const HEAD_BYTES: usize = 8192;
const HEAD_LINES: usize = 64;
/// On one connection.
const MOST_REQUESTS: usize = 100;

/// Accepts connections until the service ends, then waits for those that are open.
pub async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut ending = shared.ending.clone();
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            _ = ending.wait_for(|ending| *ending) => break,
        };
        match accepted {
            Ok((stream, peer)) => open(stream, peer.ip().to_canonical(), &shared, &mut connections),
            // Out of descriptors: without a pause this loop would take the whole processor.
            Err(error) if error.raw_os_error().is_some_and(|code| [23, 24].contains(&code)) => {
                tracing::error!("cannot accept connections: {error}");
                sleep(Duration::from_millis(100)).await;
            }
            // The client left before it was accepted.
            Err(_) => {}
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

fn open(stream: TcpStream, peer: IpAddr, shared: &Arc<Shared>, connections: &mut JoinSet<()>) {
    let site = shared.site();
    let exempt = peer.is_loopback() || site.daemon.trusts(peer);
    let Some(slot) = shared.slots.take(peer, exempt, Instant::now()) else {
        tracing::debug!("connection from {peer} closed: too many are open");
        return;
    };
    let _ = stream.set_nodelay(true);
    let (id, shared_too) = (slot.id(), Arc::clone(shared));
    let task = connections.spawn(async move {
        match site.tls.clone() {
            None => serve(stream, peer, slot, shared_too).await,
            // Whoever speaks no TLS, or too slowly, is not answered.
            Some(tls) => match timeout(HEAD_TIME, tls.accept(stream)).await {
                Ok(Ok(stream)) => serve(stream, peer, slot, shared_too).await,
                Ok(Err(error)) => tracing::debug!("TLS with {peer}: {error}"),
                Err(_) => tracing::debug!("TLS with {peer}: no handshake within {} s", HEAD_TIME.as_secs()),
            },
        }
    });
    shared.slots.set_task(id, task);
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, peer: IpAddr, slot: Slot, shared: Arc<Shared>) {
    let mut ending = shared.ending.clone();
    let router = Router::new().fallback(handle::handle).with_state(shared);
    let (slot, count) = (Arc::new(slot), Arc::new(AtomicUsize::new(0)));
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let (router, slot) = (router.clone(), Arc::clone(&slot));
        let last = count.fetch_add(1, Ordering::Relaxed) + 1 >= MOST_REQUESTS;
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(Peer { address: peer, last });
        async move {
            slot.set_busy(true);
            let response = router.oneshot(request).await;
            slot.set_busy(false);
            response
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEAD_LINES)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = sleep(CONNECTION_TIME) => None,
        _ = ending.wait_for(|ending| *ending) => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            timeout(LAST_TIME, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        tracing::debug!("connection from {peer}: {error}");
    }
}
