//! The UPDATE message (RFC 2136): what must be so in a zone, and what is then changed in it, all or nothing.
//! Only written, never read; names are not compressed.

use super::wire::{put_name, put_record, put_u16, Header};
use std::net::IpAddr;

/// The classes by which an update says what it means (RFC 2136 §2.4 and §2.5).
const IN: u16 = 1;
const NONE: u16 = 254;
const ANY: u16 = 255;
/// The type of a zone's first record (RFC 1035 §3.3.13); an update names its zone by it.
pub const SOA: u16 = 6;
/// The type of an alias (RFC 1035 §3.3.1).
pub const CNAME: u16 = 5;
/// Opcode 5 in its place (RFC 2136 §1.3).
pub const UPDATE: u16 = 5 << 11;

/// One update of one zone. Names are in wire form.
#[derive(Clone, Debug)]
pub struct Update {
    zone: Vec<u8>,
    needs: Vec<u8>,
    changes: Vec<u8>,
    counts: [u16; 2],
}

impl Update {
    /// Of the zone with this name; the error says what is wrong with it.
    pub fn of(zone: &str) -> Result<Update, &'static str> {
        let mut wire = Vec::new();
        put_name(&mut wire, zone)?;
        put_u16(&mut wire, SOA);
        put_u16(&mut wire, IN);
        Ok(Update { zone: wire, needs: Vec::new(), changes: Vec::new(), counts: [0, 0] })
    }

    /// Only if the name has no record of this type (RFC 2136 §2.4.3), else YXRRSET.
    pub fn need_none(&mut self, name: &[u8], kind: u16) {
        put_record(&mut self.needs, name, [kind, NONE], 0, &[]);
        self.counts[0] += 1;
    }

    /// Only if the name has this record; said of several, these and no others (RFC 2136 §2.4.2), else NXRRSET.
    pub fn need(&mut self, name: &[u8], kind: u16, data: &[u8]) {
        put_record(&mut self.needs, name, [kind, IN], 0, data);
        self.counts[0] += 1;
    }

    /// All records of this type are gone (RFC 2136 §2.5.2). That there are none is no error.
    pub fn delete(&mut self, name: &[u8], kind: u16) {
        put_record(&mut self.changes, name, [kind, ANY], 0, &[]);
        self.counts[1] += 1;
    }

    /// This record is there (RFC 2136 §2.5.1). That it was there is no error.
    pub fn add(&mut self, name: &[u8], kind: u16, ttl: u32, data: &[u8]) {
        put_record(&mut self.changes, name, [kind, IN], ttl, data);
        self.counts[1] += 1;
    }

    /// This record is gone (RFC 2136 §2.5.4); others of its type stay. That there is none is no error.
    #[cfg(feature = "server")]
    pub fn remove(&mut self, name: &[u8], kind: u16, data: &[u8]) {
        put_record(&mut self.changes, name, [kind, NONE], 0, data);
        self.counts[1] += 1;
    }

    /// The name has these addresses and no others of this type. Other types are not touched.
    pub fn replace(&mut self, name: &[u8], kind: u16, ttl: u32, addresses: &[IpAddr]) {
        self.delete(name, kind);
        addresses.iter().for_each(|address| self.add(name, kind, ttl, &address_data(*address)));
    }

    /// Bytes of the message so far, without a signature.
    pub fn len(&self) -> usize {
        super::wire::HEADER + self.zone.len() + self.needs.len() + self.changes.len()
    }

    /// The message, unsigned.
    pub fn message(&self, id: u16) -> Vec<u8> {
        let mut message = Vec::with_capacity(self.len() + 256);
        Header { id, flags: UPDATE, counts: [1, self.counts[0], self.counts[1], 0] }.put(&mut message);
        for part in [&self.zone, &self.needs, &self.changes] {
            message.extend_from_slice(part);
        }
        message
    }
}

/// The data of an address record: A (RFC 1035 §3.4.1) or AAAA (RFC 3596 §2.2).
pub fn address_data(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_is_written_as_the_rfc_has_it() {
        let mut name = Vec::new();
        put_name(&mut name, "h.example").unwrap();
        let mut update = Update::of("example.").unwrap();
        update.need_none(&name, CNAME);
        update.need(&name, 1, &[192, 0, 2, 1]);
        update.replace(&name, 1, 60, &[[192, 0, 2, 2].into()]);
        let message = update.message(0x1234);
        assert_eq!(message.len(), update.len());
        let expected = [
            &b"\x12\x34\x28\0\0\x01\0\x02\0\x02\0\0"[..],
            b"\x07example\0\0\x06\0\x01",
            b"\x01h\x07example\0\0\x05\0\xfe\0\0\0\0\0\0",
            b"\x01h\x07example\0\0\x01\0\x01\0\0\0\0\0\x04\xc0\0\x02\x01",
            b"\x01h\x07example\0\0\x01\0\xff\0\0\0\0\0\0",
            b"\x01h\x07example\0\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x02",
        ];
        assert_eq!(message, expected.concat());
        assert!(Update::of("a..b").is_err());
    }
}
