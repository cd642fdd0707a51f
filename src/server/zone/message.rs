//! What a message asks of the name server: the records of one or more names, as an RFC 2136 update. Pure.

use crate::net::dns::update::{address_data, Update, CNAME};
use crate::net::dns::wire::put_name;
use crate::net::dns::Kind;
use std::net::IpAddr;

/// One thing that shall be so at a name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Record {
    /// This is the only address of its family. What somebody else put there is replaced.
    Replace(IpAddr),
    /// There is no address of this family, if the one that is there is one of these, which are ours. The likeliest
    /// comes first; there is at least one.
    Withdraw(Vec<IpAddr>),
    /// This TXT value is there, whatever others are.
    AddTxt(String),
    /// This TXT value is not there.
    RemoveTxt(String),
}

/// The records of one name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// In its stored form.
    pub name: String,
    /// Seconds.
    pub ttl: u32,
    pub records: Vec<Record>,
}

impl Entry {
    /// The most bytes that it takes in a message: its name uncompressed in each record (RFC 1035 §4.1.3).
    pub fn size(&self) -> usize {
        let head = self.name.len() + 2 + 10;
        let record = |record: &Record| match record {
            Record::Replace(_) => 2 * head + 16,
            Record::Withdraw(_) => 2 * head + 16,
            Record::AddTxt(value) | Record::RemoveTxt(value) => head + 1 + value.len(),
        };
        head + self.records.iter().map(record).sum::<usize>()
    }

    /// Each record by itself.
    pub fn split(&self) -> impl Iterator<Item = Entry> + '_ {
        self.records.iter().map(|record| Entry { records: vec![record.clone()], ..self.clone() })
    }
}

/// The entries as one update of a zone. A name that cannot be written is an error.
///
/// An address beside a CNAME is silently ignored by the server (RFC 2136 §3.4.2.2), which says NOERROR; so where
/// something is added, there must be no CNAME.
pub fn update<'a>(zone: &str, entries: impl IntoIterator<Item = &'a Entry>) -> Result<Update, &'static str> {
    let mut update = Update::of(zone)?;
    for entry in entries {
        let mut name = Vec::new();
        put_name(&mut name, &entry.name)?;
        if entry.records.iter().any(|record| matches!(record, Record::Replace(_) | Record::AddTxt(_))) {
            update.need_none(&name, CNAME);
        }
        for record in &entry.records {
            match record {
                Record::Replace(address) => update.replace(&name, kind(*address), entry.ttl, &[*address]),
                Record::Withdraw(ours) => {
                    let Some(likeliest) = ours.first() else { continue };
                    update.need(&name, kind(*likeliest), &address_data(*likeliest));
                    update.delete(&name, kind(*likeliest));
                }
                Record::AddTxt(value) => update.add(&name, Kind::Txt.code(), entry.ttl, &txt_data(value)),
                Record::RemoveTxt(value) => update.remove(&name, Kind::Txt.code(), &txt_data(value)),
            }
        }
    }
    Ok(update)
}

fn kind(address: IpAddr) -> u16 {
    if address.is_ipv4() { Kind::A } else { Kind::Aaaa }.code()
}

/// One character string (RFC 1035 §3.3.14).
fn txt_data(value: &str) -> Vec<u8> {
    let length = u8::try_from(value.len()).unwrap_or(u8::MAX);
    let mut data = vec![length];
    data.extend(value.bytes().take(usize::from(length)));
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(records: Vec<Record>) -> Entry {
        Entry { name: "h.example".into(), ttl: 60, records }
    }

    #[test]
    fn a_change_replaces_a_family_and_needs_that_the_name_is_no_alias() {
        let four = entry(vec![Record::Replace([192, 0, 2, 1].into())]);
        let message = update("example", [&four]).unwrap().message(7);
        let expected = [
            &b"\0\x07\x28\0\0\x01\0\x01\0\x02\0\0\x07example\0\0\x06\0\x01"[..],
            b"\x01h\x07example\0\0\x05\0\xfe\0\0\0\0\0\0",
            b"\x01h\x07example\0\0\x01\0\xff\0\0\0\0\0\0",
            b"\x01h\x07example\0\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01",
        ];
        assert_eq!(message, expected.concat());
    }

    #[test]
    fn an_address_is_withdrawn_only_if_it_is_the_one_we_know() {
        let gone = entry(vec![Record::Withdraw(vec![[192, 0, 2, 1].into(), [192, 0, 2, 2].into()])]);
        let message = update("example", [&gone]).unwrap().message(7);
        let expected = [
            &b"\0\x07\x28\0\0\x01\0\x01\0\x01\0\0\x07example\0\0\x06\0\x01"[..],
            b"\x01h\x07example\0\0\x01\0\x01\0\0\0\0\0\x04\xc0\0\x02\x01",
            b"\x01h\x07example\0\0\x01\0\xff\0\0\0\0\0\0",
        ];
        assert_eq!(message, expected.concat());
    }

    #[test]
    fn txt_values_are_added_and_removed_one_by_one() {
        let txt = entry(vec![Record::AddTxt("ab".into()), Record::RemoveTxt("c".into())]);
        let message = update("example", [&txt]).unwrap().message(7);
        let expected = [
            &b"\0\x07\x28\0\0\x01\0\x01\0\x02\0\0\x07example\0\0\x06\0\x01"[..],
            b"\x01h\x07example\0\0\x05\0\xfe\0\0\0\0\0\0",
            b"\x01h\x07example\0\0\x10\0\x01\0\0\0\x3c\0\x03\x02ab",
            b"\x01h\x07example\0\0\x10\0\xfe\0\0\0\0\0\x02\x01c",
        ];
        assert_eq!(message, expected.concat());
    }

    #[test]
    fn no_entry_is_larger_than_its_size() {
        let all = entry(vec![
            Record::Replace([192, 0, 2, 1].into()),
            Record::Withdraw(vec![std::net::Ipv6Addr::LOCALHOST.into()]),
            Record::AddTxt("x".repeat(255)),
            Record::RemoveTxt("y".into()),
        ]);
        let empty = update("example", []).unwrap().len();
        assert!(update("example", [&all]).unwrap().len() - empty <= all.size());
    }
}
