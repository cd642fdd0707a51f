//! What a request's handler learns about its connection.

use std::net::IpAddr;

/// About the connection that a request came on.
#[derive(Clone)]
pub struct Peer {
    pub address: IpAddr,
    /// It is the last request of its connection.
    pub last: bool,
}
