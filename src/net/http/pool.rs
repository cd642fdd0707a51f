//! Connections that wait for the next request of the pass to the same server (RFC 9112, 9.3). A handshake costs more
//! than everything else that a request does.

use super::connect::Destination;
use super::connection::Connection;
use std::cell::RefCell;
use std::time::{Duration, Instant};

/// Servers close a connection on which nothing comes; few do so within this time.
const IDLE: Duration = Duration::from_secs(20);
/// The same for a request that must not be sent twice: after so short a time hardly any server closes.
const IDLE_ONCE: Duration = Duration::from_secs(1);
/// Connections that are kept at one time.
const MOST: usize = 4;

struct Kept {
    to: Destination,
    since: Instant,
    connection: Connection,
}

/// The idle connections of one pass.
#[derive(Default)]
pub struct ConnectionPool(RefCell<Vec<Kept>>);

impl ConnectionPool {
    /// Keeps a connection on which an answer has ended. The oldest one is closed where there are too many.
    pub fn put(&self, to: Destination, connection: Connection) {
        let mut kept = self.0.borrow_mut();
        if kept.len() >= MOST {
            kept.remove(0);
        }
        kept.push(Kept { to, since: Instant::now(), connection });
    }

    /// A connection to this destination that is still open, as far as this side knows. `repeatable`: the request may be
    /// sent again if the server closes at this very moment.
    pub fn take(&self, to: &Destination, repeatable: bool) -> Option<Connection> {
        let mut all = self.0.borrow_mut();
        let at = all.iter().position(|kept| kept.to == *to)?;
        let Kept { since, mut connection, .. } = all.remove(at);
        let limit = if repeatable { IDLE } else { IDLE_ONCE };
        (since.elapsed() < limit && connection.is_idle()).then_some(connection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::http::egress::{Egress, Proxy};
    use crate::types::address::Family;
    use std::io::Write;
    use std::net::{TcpListener, TcpStream};

    fn destination() -> Destination {
        Destination {
            host: "host.example".to_string(),
            port: 80,
            family: None,
            egress: Egress::default(),
            secure: false,
        }
    }

    fn pair(listener: &TcpListener) -> (Connection, TcpStream) {
        let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (Connection::new(ours, None), listener.accept().unwrap().0)
    }

    #[test]
    fn only_the_same_destination_shares_a_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Some(Proxy::parse("http://proxy.example:3128").unwrap());
        let others = [
            Destination { host: "other.example".to_string(), ..destination() },
            Destination { port: 81, ..destination() },
            Destination { family: Some(Family::V4), ..destination() },
            Destination { egress: Egress { bind: None, proxy }, ..destination() },
            Destination { secure: true, ..destination() },
        ];
        let pool = ConnectionPool::default();
        let (connection, _server) = pair(&listener);
        pool.put(destination(), connection);
        for other in &others {
            assert!(pool.take(other, true).is_none(), "{other:?}");
        }
        assert!(pool.take(&destination(), true).is_some());
        assert!(pool.take(&destination(), true).is_none(), "it is taken out");
    }

    #[test]
    fn a_closed_connection_or_one_with_unasked_bytes_is_not_used() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let pool = ConnectionPool::default();
        let (connection, server) = pair(&listener);
        pool.put(destination(), connection);
        drop(server);
        assert!(pool.take(&destination(), true).is_none());
        let (connection, mut server) = pair(&listener);
        server.write_all(b"HTTP/1.1 200 OK\r\n").unwrap();
        pool.put(destination(), connection);
        assert!(pool.take(&destination(), true).is_none());
    }

    #[test]
    fn of_five_connections_the_oldest_is_closed() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let pool = ConnectionPool::default();
        let mut servers = Vec::new();
        for port in 1..=5 {
            let (connection, server) = pair(&listener);
            pool.put(Destination { port, ..destination() }, connection);
            servers.push(server);
        }
        assert!(pool.take(&Destination { port: 1, ..destination() }, true).is_none());
        for port in 2..=5 {
            assert!(pool.take(&Destination { port, ..destination() }, true).is_some(), "{port}");
        }
    }
}
