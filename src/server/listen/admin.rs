//! Pages for the operator's own tools, on an address of their own: metrics and health.

use super::handle::response;
use crate::server::reply::{Answer, Reply};
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// The page at a path, if there is one.
pub type Pages = Arc<dyn Fn(String) -> Pin<Box<dyn Future<Output = Option<Answer>> + Send>> + Send + Sync>;

/// Connections at once.
const MOST: usize = 16;
/// For one connection.
const TIME: Duration = Duration::from_secs(15);

/// Serves the pages for as long as the task lives.
///
/// # Errors
/// The address cannot be bound.
pub async fn serve_admin(address: SocketAddr, pages: Pages) -> Result<tokio::task::JoinHandle<()>, String> {
    let problem = |error: std::io::Error| format!("[daemon] admin_listen = \"{address}\": {error}");
    let listener = TcpListener::bind(address).await.map_err(problem)?;
    let places = Arc::new(Semaphore::new(MOST));
    Ok(tokio::spawn(async move {
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let pages = Arc::clone(&pages);
            tokio::spawn(async move {
                let _place = place;
                let service = service_fn(move |request: hyper::Request<Incoming>| {
                    let page = pages(request.uri().path().to_string());
                    async move {
                        let answer = page.await.unwrap_or_else(|| Reply::NotFound.answer(false));
                        Ok::<hyper::Response<Body>, Infallible>(response(answer, true))
                    }
                });
                let connection = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(Duration::from_secs(5))
                    .serve_connection(TokioIo::new(stream), service);
                let _ = timeout(TIME, connection).await;
            });
        }
    }))
}
