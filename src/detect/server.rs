//! A server that is asked in datagrams, as a detector's section names it. Apart because name servers and STUN servers
//! are named in the same way.

use crate::net::dns::Server;
use crate::net::resolve;
use crate::settings::reader::SectionReader;
use crate::types::address::Family;
use std::net::SocketAddr;
use std::time::Instant;

/// Reads the server out of `key`, whose value may begin with `scheme`; it must be there.
pub fn read(facts: &SectionReader<'_>, key: &str, scheme: &str, usual_port: u16) -> Option<Server> {
    let text = facts.needed(key)?;
    let bare = text.strip_prefix(scheme).unwrap_or(&text).trim_start_matches('/').trim_end_matches('/');
    match Server::parse_at(bare, usual_port) {
        Ok(server) => Some(server),
        Err(why) => {
            facts.entry(key).into_iter().for_each(|entry| facts.wrong(entry, &why));
            None
        }
    }
}

/// Its first address of a family.
pub fn address(server: &Server, family: Family, until: Instant) -> Result<SocketAddr, String> {
    let found = resolve::addresses_by(&server.host, server.port, Some(family), until)?;
    Ok(found[0])
}
