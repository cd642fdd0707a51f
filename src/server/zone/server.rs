//! A name server as one zone uses it, and the codes of its replies.

use crate::net::update_client::UpdateClient;
use std::time::Duration;

/// A name server as it is asked for one zone.
pub struct Server<'a> {
    pub zone: &'a str,
    pub client: UpdateClient<'a>,
    /// For messages: `127.0.0.1:53`.
    pub shown: String,
    /// The key's name for messages; `None`: unsigned.
    pub key: Option<String>,
    /// The wait for one reply.
    pub timeout: Duration,
}

/// RCODEs (RFC 1035 §4.1.1, RFC 2136 §2.2).
pub const REFUSED: u16 = 5;
pub const YXDOMAIN: u16 = 6;
pub const YXRRSET: u16 = 7;
pub const NXRRSET: u16 = 8;
