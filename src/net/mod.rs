//! Network access: HTTP, DNS, TSIG, sockets, name resolution.

pub mod context;
pub mod datagram;
pub mod dns;
pub mod http;
pub mod resolve;
pub mod socket;
pub mod tsig;
pub mod update_client;
