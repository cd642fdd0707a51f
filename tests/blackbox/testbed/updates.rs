//! A name server that accepts unsigned updates (RFC 2136) as a test says. An update is presented as a request: method
//! `UPDATE`, the zone as target, and as body what nsupdate(1) would read.

use super::http::Request;
use super::{DnsServer, Query};
use homing::internals::{name_text, Reader, Record};
use std::collections::BTreeMap;
use std::sync::Mutex;

/// A server that answers each update with an RCODE or not at all. A repeated datagram gets the same answer again.
pub fn updates(handler: impl Fn(&Request) -> Option<u8> + Send + 'static) -> DnsServer {
    updates_on("127.0.0.1:0", handler)
}

/// The same on an address and port of your choice.
pub fn updates_on(address: &str, handler: impl Fn(&Request) -> Option<u8> + Send + 'static) -> DnsServer {
    let known: Mutex<BTreeMap<Vec<u8>, Option<u8>>> = Mutex::default();
    DnsServer::on(address, move |query| {
        let mut known = known.lock().unwrap();
        let code = *known.entry(query.bytes.clone()).or_insert_with(|| handler(&request(query)));
        code.map(|code| reply(query, code)).into_iter().collect()
    })
}

/// The header of the update as a reply, with nothing after it.
fn reply(query: &Query, code: u8) -> Vec<u8> {
    let mut reply = query.bytes[..12].to_vec();
    reply[2] |= 0x80;
    reply[3] = code;
    reply[4..].fill(0);
    reply
}

fn request(query: &Query) -> Request {
    let body = lines(&query.bytes).unwrap_or_else(|why| vec![format!("no update: {why}")]);
    Request {
        method: "UPDATE".to_string(),
        target: query.name.clone(),
        // Nothing in the message identifies the client.
        headers: vec![("User-Agent".to_string(), "homing/ over DNS".to_string())],
        body: body.join("\n").into_bytes(),
    }
}

/// The prerequisites and changes of an update, one line each, as nsupdate(1) reads them, without a signature.
pub fn lines(message: &[u8]) -> Result<Vec<String>, &'static str> {
    let mut reader = Reader::new(message);
    let header = reader.header()?;
    if header.opcode() != 5 || header.counts[0] != 1 {
        return Err("another opcode, or no zone");
    }
    reader.question()?;
    let mut lines = Vec::new();
    for (part, count) in ["prereq", "update"].into_iter().zip(&header.counts[1..]) {
        for _ in 0..*count {
            lines.push(format!("{part} {}", line(part, &reader.record()?)));
        }
    }
    Ok(lines)
}

fn line(part: &str, record: &Record<'_>) -> String {
    let kind = match record.kind {
        1 => "A".to_string(),
        5 => "CNAME".to_string(),
        28 => "AAAA".to_string(),
        other => format!("TYPE{other}"),
    };
    let data = match record.data.len() {
        0 => String::new(),
        4 => format!(" {}", std::net::Ipv4Addr::from(<[u8; 4]>::try_from(record.data).unwrap())),
        16 => format!(" {}", std::net::Ipv6Addr::from(<[u8; 16]>::try_from(record.data).unwrap())),
        _ => " ?".to_string(),
    };
    let (owner, ttl) = (name_text(&record.owner).unwrap_or_default(), record.ttl);
    match (part, record.class) {
        ("prereq", 254) => format!("nxrrset {owner} {kind}"),
        ("prereq", _) => format!("yxrrset {owner} {kind}{data}"),
        (_, 1) => format!("add {owner} {ttl} {kind}{data}"),
        (_, 255) => format!("delete {owner} {kind}{data}"),
        (_, other) => format!("CLASS{other} {owner} {kind}{data}"),
    }
}
