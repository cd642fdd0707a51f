//! A name server that answers each datagram as a test says, validly or not.

use super::udp::UdpServer;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

/// A query as received.
#[derive(Clone, Debug)]
pub struct Query {
    /// Without the trailing dot, in the letter case of the query.
    pub name: String,
    pub kind: u16,
    pub class: u16,
    /// The datagram.
    pub bytes: Vec<u8>,
}

/// A record of an answer.
#[derive(Clone, Debug)]
pub enum Record {
    /// A or AAAA.
    Address(IpAddr),
    /// TXT, with these strings.
    Text(Vec<String>),
    /// A type and its data.
    Raw(u16, Vec<u8>),
}

impl Query {
    fn read(bytes: &[u8]) -> Option<Query> {
        let (mut at, mut labels) = (12, Vec::new());
        loop {
            let length = usize::from(*bytes.get(at)?);
            if length == 0 {
                break;
            }
            labels.push(String::from_utf8_lossy(bytes.get(at + 1..at + 1 + length)?).into_owned());
            at += 1 + length;
        }
        let number = |at: usize| Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
        let (kind, class) = (number(at + 1)?, number(at + 3)?);
        Some(Query { name: labels.join("."), kind, class, bytes: bytes.to_vec() })
    }

    /// The bytes of the question, which an answer repeats.
    fn question(&self) -> &[u8] {
        let name: usize = self.name.split('.').filter(|label| !label.is_empty()).map(|label| label.len() + 1).sum();
        &self.bytes[12..12 + name + 1 + 4]
    }

    /// A valid answer with these records, all under the queried name.
    pub fn answer(&self, records: &[Record]) -> Vec<u8> {
        self.reply(0, records)
    }

    /// An answer without records: 2 is SERVFAIL, 3 NXDOMAIN, 5 REFUSED.
    pub fn fail(&self, code: u8) -> Vec<u8> {
        self.reply(code, &[])
    }

    fn reply(&self, code: u8, records: &[Record]) -> Vec<u8> {
        let mut out = self.bytes[..2].to_vec();
        // QR, AA, RD as asked, RA; one question, the records, nothing else.
        out.extend([0x84 | self.bytes[2] & 1, 0x80 | code, 0, 1, 0, records.len() as u8, 0, 0, 0, 0]);
        out.extend(self.question());
        for record in records {
            let (kind, data) = match record {
                Record::Address(IpAddr::V4(ip)) => (1, ip.octets().to_vec()),
                Record::Address(IpAddr::V6(ip)) => (28, ip.octets().to_vec()),
                Record::Text(strings) => {
                    (16, strings.iter().flat_map(|s| [s.len() as u8].into_iter().chain(s.bytes())).collect())
                }
                Record::Raw(kind, data) => (*kind, data.clone()),
            };
            out.extend([0xc0, 12]);
            out.extend(kind.to_be_bytes().into_iter().chain(self.class.to_be_bytes()).chain(0u32.to_be_bytes()));
            out.extend((data.len() as u16).to_be_bytes().into_iter().chain(data));
        }
        out
    }
}

/// Listens from its making to its drop.
pub struct DnsServer {
    server: UdpServer,
    asked: Arc<Mutex<Vec<Query>>>,
}

impl DnsServer {
    /// On 127.0.0.1; each question is answered with any number of datagrams.
    pub fn new(handler: impl Fn(&Query) -> Vec<Vec<u8>> + Send + 'static) -> DnsServer {
        DnsServer::on("127.0.0.1:0", handler)
    }

    /// On an address and port of your choice.
    pub fn on(address: &str, handler: impl Fn(&Query) -> Vec<Vec<u8>> + Send + 'static) -> DnsServer {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let server = UdpServer::on(address, move |bytes| {
            let Some(query) = Query::read(bytes) else { return Vec::new() };
            log.lock().unwrap().push(query.clone());
            handler(&query)
        });
        DnsServer { server, asked }
    }

    /// Answers every question with these records.
    pub fn always(records: Vec<Record>) -> DnsServer {
        DnsServer::new(move |query| vec![query.answer(&records)])
    }

    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// All questions so far, in order.
    pub fn asked(&self) -> Vec<Query> {
        self.asked.lock().unwrap().clone()
    }

    pub fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}
