//! From what a zone holds and what is wanted to what is written. Pure: no network, no memory.

use crate::provider::lookup::{self, is_id, plain};
use crate::types::address::Family;
use crate::types::hostname::Host;
use crate::types::json::{self, Json, Object};
use std::collections::HashMap;
use std::net::IpAddr;

/// What the section says about its records besides the address; what it leaves out is left alone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Extras {
    pub ttl: Option<i64>,
    pub proxied: Option<bool>,
    pub comment: Option<String>,
    /// Whether missing records are created.
    pub create: bool,
}

/// A record as the API tells it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    pub id: String,
    pub name: String,
    /// `A`, `AAAA`, `CNAME` …
    pub kind: String,
    pub content: String,
    pub ttl: Option<i64>,
    pub proxied: bool,
    pub comment: Option<String>,
}

impl Record {
    /// `None`: not what the API promises.
    pub fn read(json: &Json) -> Option<Record> {
        Some(Record {
            id: json::text(json, "id").filter(|id| is_id(id))?.to_string(),
            name: plain(json::text(json, "name")?),
            kind: json::text(json, "type")?.to_string(),
            content: json::text(json, "content").unwrap_or_default().to_string(),
            ttl: json::number(json, "ttl"),
            proxied: json::flag(json, "proxied").unwrap_or(false),
            comment: json::text(json, "comment").map(str::to_string),
        })
    }

    pub fn holds(&self, address: IpAddr) -> bool {
        self.content.parse() == Ok(address)
    }

    fn meets(&self, extras: &Extras) -> bool {
        // A proxied record's TTL is always automatic, whatever was asked.
        let ttl = extras.ttl.is_none_or(|ttl| self.proxied || self.ttl == Some(ttl));
        let comment = extras.comment.as_deref().is_none_or(|text| self.comment.as_deref() == Some(text));
        ttl && comment && extras.proxied.is_none_or(|proxied| self.proxied == proxied)
    }
}

/// What is to be done for one host and family.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// The record with this id holds everything already.
    Nothing(String),
    Patch(String),
    Post,
    Refuse {
        why: String,
        remedy: String,
    },
}

/// `records` are those of the host's name, of any type.
pub fn step(records: &[Record], family: Family, address: IpAddr, extras: &Extras) -> Step {
    match lookup::one(records, |held| (&held.kind, &held.content), family, extras.create) {
        Err((why, remedy)) => Step::Refuse { why, remedy },
        Ok(None) => Step::Post,
        Ok(Some(record)) if record.holds(address) && record.meets(extras) => Step::Nothing(record.id.clone()),
        Ok(Some(record)) => Step::Patch(record.id.clone()),
    }
}

/// The fields of a patch: the content, and what the section sets. A batch has the id inside.
pub fn patch(id: Option<&str>, address: IpAddr, extras: &Extras) -> String {
    let mut body = Object::new().maybe("id", id).text("content", &address.to_string());
    if let Some(ttl) = extras.ttl {
        body = body.number("ttl", ttl);
    }
    if let Some(proxied) = extras.proxied {
        body = body.flag("proxied", proxied);
    }
    body.maybe("comment", extras.comment.as_deref()).end()
}

/// A whole new record.
pub fn post(host: &Host, address: IpAddr, extras: &Extras) -> String {
    Object::new()
        .text("name", host.ascii())
        .text("type", Family::of(address).record())
        .text("content", &address.to_string())
        .number("ttl", extras.ttl.unwrap_or(1))
        .flag("proxied", extras.proxied.unwrap_or(false))
        .maybe("comment", extras.comment.as_deref())
        .end()
}

/// A zone that the credentials see.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Zone {
    pub id: String,
    pub name: String,
    pub status: String,
    /// Whether another one has the same name and is as good.
    pub doubled: bool,
}

impl Zone {
    /// `None`: not what the API promises.
    pub fn read(json: &Json) -> Option<Zone> {
        Some(Zone {
            id: json::text(json, "id").filter(|id| is_id(id))?.to_string(),
            name: plain(json::text(json, "name")?),
            status: json::text(json, "status").unwrap_or("active").to_string(),
            doubled: false,
        })
    }

    fn rank(&self) -> u8 {
        match self.status.as_str() {
            "active" => 0,
            "pending" | "initializing" => 1,
            _ => 2,
        }
    }

    pub fn is_active(&self) -> bool {
        self.rank() == 0
    }

    /// Whether records can be written there.
    pub fn is_usable(&self) -> bool {
        self.rank() < 2
    }
}

/// Zones by name.
#[derive(Clone, Default, Debug)]
pub struct Zones(HashMap<String, Zone>);

impl Zones {
    /// Of two with one name (an old account, say) the active one counts.
    pub fn add(&mut self, zone: Zone) {
        match self.0.get_mut(&zone.name) {
            Some(held) if held.id == zone.id || held.rank() < zone.rank() => {}
            Some(held) if held.rank() == zone.rank() => held.doubled = true,
            _ => {
                self.0.insert(zone.name.clone(), zone);
            }
        }
    }

    /// The zone that a host is in: the longest one that holds it.
    pub fn of(&self, host: &Host) -> Option<&Zone> {
        let mut name = host.ascii();
        loop {
            if let Some(zone) = self.0.get(name) {
                return Some(zone);
            }
            name = name.split_once('.')?.1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Extras = Extras { ttl: None, proxied: None, comment: None, create: true };

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn host(text: &str) -> Host {
        Host::new(text).expect("a host")
    }

    fn record(id: &str, kind: &str, content: &str) -> Record {
        let text = format!(
            r#"{{"id":"{id}","name":"H.example.net","type":"{kind}","content":"{content}","ttl":1,"proxied":false,
            "comment":null,"tags":[],"meta":{{}}}}"#
        );
        Record::read(&json::parse(&text).expect("JSON")).expect("a record")
    }

    fn zone(id: &str, name: &str, status: &str) -> Zone {
        Zone { id: id.into(), name: name.into(), status: status.into(), doubled: false }
    }

    #[test]
    fn one_record_is_patched_and_none_is_created() {
        let both = [record("r4", "A", "192.0.2.1"), record("r6", "AAAA", "2001:db8::1"), record("m", "MX", "mx")];
        let plan = |records: &[Record], address| step(records, Family::of(address), address, &PLAIN);
        assert_eq!(plan(&both, ip("203.0.113.7")), Step::Patch("r4".into()));
        assert_eq!(plan(&both, ip("192.0.2.1")), Step::Nothing("r4".into()));
        assert_eq!(plan(&both, ip("2001:db8:0:0::1")), Step::Nothing("r6".into()));
        assert_eq!(plan(&both[..1], ip("2001:db8::1")), Step::Post);
        assert_eq!(plan(&[record("n", "NS", "ns.example.org")], ip("192.0.2.1")), Step::Post);
    }

    #[test]
    fn what_is_ambiguous_is_refused() {
        let address = ip("192.0.2.1");
        let told = |records: &[Record], create| match step(records, Family::V4, address, &Extras { create, ..PLAIN }) {
            Step::Refuse { why, remedy } => format!("{why}: {remedy}"),
            other => panic!("{other:?}"),
        };
        let two = [record("a", "A", "192.0.2.1"), record("b", "A", "192.0.2.2")];
        assert!(told(&two, true).starts_with("there are 2 A records"));
        assert!(told(&[record("c", "CNAME", "x\u{202e}.example")], true).contains("points to \"x\\u{202e}.example\""));
        assert!(told(&[], false).contains("create = no"));
    }

    #[test]
    fn only_what_the_section_sets_is_compared_and_sent() {
        let held = [record("r", "A", "192.0.2.1")];
        let plan = |extras: &Extras| step(&held, Family::V4, ip("192.0.2.1"), extras);
        for (extras, same) in [
            (Extras { ttl: Some(1), ..PLAIN }, true),
            (Extras { ttl: Some(300), ..PLAIN }, false),
            (Extras { proxied: Some(false), ..PLAIN }, true),
            (Extras { proxied: Some(true), ..PLAIN }, false),
            (Extras { comment: Some("home".into()), ..PLAIN }, false),
        ] {
            assert_eq!(plan(&extras) == Step::Nothing("r".into()), same, "{extras:?}");
        }
        let proxied = [Record { proxied: true, ..held[0].clone() }];
        let extras = Extras { ttl: Some(300), ..PLAIN };
        assert_eq!(step(&proxied, Family::V4, ip("192.0.2.1"), &extras), Step::Nothing("r".into()));
        assert_eq!(patch(None, ip("192.0.2.1"), &PLAIN), r#"{"content":"192.0.2.1"}"#);
        let all = Extras { ttl: Some(60), proxied: Some(true), comment: Some("a\"b".into()), create: true };
        assert_eq!(
            patch(Some("r"), ip("2001:db8::1"), &all),
            r#"{"id":"r","content":"2001:db8::1","ttl":60,"proxied":true,"comment":"a\"b"}"#
        );
        assert_eq!(
            post(&host("*.Bücher.example"), ip("192.0.2.1"), &PLAIN),
            r#"{"name":"*.xn--bcher-kva.example","type":"A","content":"192.0.2.1","ttl":1,"proxied":false}"#
        );
    }

    #[test]
    fn the_longest_zone_holds_the_host() {
        let mut zones = Zones::default();
        for (id, name) in [("n", "net"), ("e", "example.net"), ("s", "sub.example.net"), ("b", "xn--bcher-kva.example")]
        {
            zones.add(zone(id, name, "active"));
        }
        for (name, id) in [
            ("example.net", Some("e")),
            ("*.example.net", Some("e")),
            ("a.b.example.net", Some("e")),
            ("a.sub.example.net", Some("s")),
            ("notexample.net", Some("n")),
            ("www.bücher.example", Some("b")),
            ("example.org", None),
        ] {
            assert_eq!(zones.of(&host(name)).map(|zone| zone.id.as_str()), id, "{name}");
        }
    }

    #[test]
    fn of_two_zones_with_one_name_the_active_counts() {
        let mut zones = Zones::default();
        for (id, status) in [("m", "moved"), ("p", "pending"), ("a", "active"), ("q", "pending"), ("a", "active")] {
            zones.add(zone(id, "example.net", status));
        }
        let found = zones.of(&host("example.net")).expect("there");
        assert_eq!((found.id.as_str(), found.doubled), ("a", false));
        zones.add(zone("other", "example.net", "active"));
        assert!(zones.of(&host("example.net")).expect("there").doubled);
    }
}
