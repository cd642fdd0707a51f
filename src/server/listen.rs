//! Connections, TLS and HTTP/1. The only user of hyper, axum and tokio-rustls.
//!
//! The accept loop is our own: `axum::serve` has no timer, so half-sent heads stay for ever, and no limit on
//! connections. A connection has 5 seconds for its TLS handshake, 5 for each head and 60 in all.

mod access_log;
mod admin;
mod connection;
mod handle;
mod peer;
mod slots;
mod tls;

pub use admin::{serve_admin, Pages};

use super::config::{Config, Daemon, Endpoint};
use super::update::Service;
use slots::Slots;
use std::collections::BTreeMap;
use std::io::{Error, ErrorKind};
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// What a configuration says about requests. Replaced as a whole when it is read again.
pub(super) struct Site {
    daemon: Daemon,
    endpoints: BTreeMap<String, Endpoint>,
    tls: Option<TlsAcceptor>,
}

impl Site {
    fn new(config: &Config) -> Result<Site, String> {
        let endpoints = config.endpoints.iter().map(|endpoint| (endpoint.path.clone(), endpoint.clone())).collect();
        let tls = config.daemon.tls.as_ref().map(tls::acceptor).transpose()?;
        Ok(Site { daemon: config.daemon.clone(), endpoints, tls })
    }
}

/// What all connections share.
struct Shared {
    service: Arc<Service>,
    site: RwLock<Arc<Site>>,
    slots: Arc<Slots>,
    /// Becomes true when the service ends.
    ending: watch::Receiver<bool>,
}

impl Shared {
    fn site(&self) -> Arc<Site> {
        Arc::clone(&self.site.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Checks the certificate and its key, if there are any.
///
/// # Errors
/// The key of `[daemon]`, its file, and why it cannot be used.
pub fn check(config: &Config) -> Result<(), String> {
    config.daemon.tls.as_ref().map_or(Ok(()), |files| tls::acceptor(files).map(drop))
}

/// Sockets that are bound, before anything is served.
pub struct Bound(Vec<TcpListener>);

/// Binds every address of a host name. `localhost` is both loopback addresses.
///
/// # Errors
/// The name has no address, or none of them can be bound; of several one is enough, as `localhost` has no IPv6 address
/// on machines without IPv6.
pub async fn bind(host: &str, port: u16) -> Result<Bound, String> {
    let shown = format!("[daemon] host = {host:?}, port = {port}");
    let addresses: Vec<SocketAddr> = match host {
        "localhost" => vec![([127, 0, 0, 1], port).into(), (std::net::Ipv6Addr::LOCALHOST, port).into()],
        host => {
            let found = tokio::net::lookup_host((host, port)).await;
            let mut found: Vec<_> = found.map_err(|error| format!("{shown}: {error}"))?.collect();
            found.sort();
            found.dedup();
            found
        }
    };
    let (mut listeners, mut failure) = (Vec::new(), Error::from(ErrorKind::AddrNotAvailable));
    for address in addresses {
        match listener(address) {
            Ok(listener) => listeners.push(listener),
            // Somebody else serves there: clients would reach one or the other by chance.
            Err(error) if error.kind() == ErrorKind::AddrInUse => return Err(format!("{shown}: {address}: {error}")),
            Err(error) => failure = error,
        }
    }
    match listeners.is_empty() {
        true => Err(format!("{shown}: {failure}")),
        false => Ok(Bound(listeners)),
    }
}

fn listener(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { tokio::net::TcpSocket::new_v4() } else { tokio::net::TcpSocket::new_v6() }?;
    // A restart need not wait for the connections of the last run.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(1024)
}

impl Bound {
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.0.iter().filter_map(|listener| listener.local_addr().ok()).collect()
    }
}

/// The running listeners.
pub struct Listening {
    shared: Arc<Shared>,
    end: watch::Sender<bool>,
    loops: JoinSet<()>,
}

impl Listening {
    /// Serves on these sockets.
    ///
    /// # Errors
    /// The certificate or its key cannot be used.
    pub fn start(bound: Bound, config: &Config, service: Arc<Service>) -> Result<Listening, String> {
        let (end, ending) = watch::channel(false);
        let slots = Slots::new(config.daemon.max_connections, config.daemon.max_connections_per_source);
        let site = RwLock::new(Arc::new(Site::new(config)?));
        let shared = Arc::new(Shared { service, site, slots: Arc::new(slots), ending });
        let mut loops = JoinSet::new();
        for listener in bound.0 {
            loops.spawn(connection::accept(listener, Arc::clone(&shared)));
        }
        Ok(Listening { shared, end, loops })
    }

    /// Takes a configuration that was read again, with its certificate, for requests from now on. Host and port stay.
    ///
    /// # Errors
    /// The certificate or its key cannot be used; the old configuration stays.
    pub fn configure(&self, config: &Config) -> Result<(), String> {
        let site = Arc::new(Site::new(config)?);
        self.shared.slots.set_limits(config.daemon.max_connections, config.daemon.max_connections_per_source);
        *self.shared.site.write().unwrap_or_else(PoisonError::into_inner) = site;
        Ok(())
    }

    /// How many connections are open, for the metrics.
    pub fn connections(&self) -> usize {
        self.shared.slots.open()
    }

    /// Accepts no more connections, and waits until the requests under way are answered, but no longer than this.
    pub async fn finish(mut self, longest: Duration) {
        let _ = self.end.send(true);
        let all = async { while self.loops.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(longest, all).await;
    }
}
