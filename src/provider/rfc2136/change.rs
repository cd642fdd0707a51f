//! What is changed: one host in one family. Written as an update and, for people, as nsupdate(1) takes it.

use crate::net::dns::update::{address_data, Update, CNAME};
use crate::net::dns::wire::put_name;
use crate::net::dns::zone::kind;
use crate::provider::contract::{HostResult, HostUpdate, LastKnown, UpdateResult};
use crate::types::address::{Family, Set};
use std::net::IpAddr;

/// One host in one family.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// Index into the batch.
    index: usize,
    pub host: String,
    pub family: Family,
    addresses: Set,
    /// What of ours the server may hold.
    past: LastKnown,
    /// Whether anything else than ours must not be replaced.
    mine: bool,
}

/// What must be found for a change to be made. With none of it, any host but an alias may be changed: beside an alias
/// no address can stand, and a server passes over one that is added (RFC 2136 §3.4.2.2) and says NOERROR.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Need {
    /// What we published, or nothing if we never did; of changes that are not `mine`, anything.
    Ours,
    /// What we are about to publish: a reply was lost.
    Same,
    /// What we sent before: its reply was lost, and our address is another by now.
    Begun,
    /// Nothing.
    Nothing,
}

/// All changes of a batch that are due.
pub fn of(batch: &[HostUpdate], past: &[[LastKnown; 2]], mine: bool) -> Vec<Change> {
    let each = batch.iter().enumerate().flat_map(|(index, wanted)| {
        wanted.due_sets().map(move |(family, addresses)| Change {
            index,
            host: wanted.host.ascii().to_string(),
            family,
            addresses,
            past: past.get(index).map(|past| past[family as usize].clone()).unwrap_or_default(),
            mine,
        })
    });
    each.collect()
}

impl Change {
    pub fn ruling(&self, verdict: UpdateResult) -> HostResult {
        HostResult { host: self.index, family: self.family, verdict, warning: None }
    }

    pub fn is_mine(&self) -> bool {
        self.mine
    }

    /// Whether the server may hold what we sent before.
    pub fn was_begun(&self) -> bool {
        self.past.begun.is_some()
    }

    /// The most bytes that it takes in a message. `first`: it is the first of its host there.
    pub fn weight(&self, first: bool) -> usize {
        let record = self.host.len() + 2 + 10;
        let (data, added) = (address_data(self.addresses.first()).len(), self.addresses.all().len());
        let held = self.past.held.as_ref().map_or(0, |held| held.all().len());
        let needed = if self.mine { held.max(added) } else { 0 };
        (1 + usize::from(first)) * record + (needed + added) * (record + data)
    }

    /// The records that must be there, and no others; `Some(None)`: there must be none.
    fn needed(&self, need: Need) -> Option<Option<&Set>> {
        match need {
            _ if !self.mine => None,
            Need::Ours => Some(self.past.held.as_ref()),
            Need::Same => Some(Some(&self.addresses)),
            Need::Begun => Some(self.past.begun.as_ref()),
            Need::Nothing => Some(None),
        }
    }
}

/// Whether each is the first of its host.
pub fn firsts(changes: &[Change]) -> impl Iterator<Item = (bool, &Change)> {
    let before = std::iter::once(None).chain(changes.iter().map(Some));
    changes.iter().zip(before).map(|(change, before)| (before.is_none_or(|before| before.host != change.host), change))
}

/// The changes as one update of a zone. The error is for a name that cannot be written.
pub fn update(zone: &str, ttl: u32, changes: &[Change], need: Need) -> Result<Update, &'static str> {
    let mut update = Update::of(zone)?;
    for (first, change) in firsts(changes) {
        let mut name = Vec::new();
        put_name(&mut name, &change.host)?;
        let kind = kind(change.family);
        if first {
            update.need_none(&name, CNAME);
        }
        match change.needed(need) {
            None => {}
            Some(None) => update.need_none(&name, kind),
            Some(Some(set)) => set.all().iter().for_each(|address| update.need(&name, kind, &address_data(*address))),
        }
        update.replace(&name, kind, ttl, change.addresses.all());
    }
    Ok(update)
}

/// The same as nsupdate(1) takes it.
pub fn lines(zone: &str, ttl: u32, changes: &[Change], need: Need) -> Vec<String> {
    let mut needs = vec![format!("zone {zone}")];
    let mut lines = Vec::new();
    for (first, change) in firsts(changes) {
        let (host, record) = (&change.host, change.family.record());
        if first {
            needs.push(format!("prereq nxrrset {host} CNAME"));
        }
        match change.needed(need) {
            None => {}
            Some(None) => needs.push(format!("prereq nxrrset {host} {record}")),
            Some(Some(set)) => {
                needs.extend(set.all().iter().map(|address| format!("prereq yxrrset {host} {record} {address}")));
            }
        }
        lines.push(format!("update delete {host} {record}"));
        let add = |address: &IpAddr| format!("update add {host} {ttl} {record} {address}");
        lines.extend(change.addresses.all().iter().map(add));
    }
    needs.append(&mut lines);
    needs.push("send".to_string());
    needs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::contract::Desired;
    use crate::types::hostname::Host;

    #[test]
    fn an_update_and_its_text_say_the_same() {
        let (four, six) = ("192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap());
        let want = [Some(Desired { address: four, due: true }), Some(Desired { address: six, due: true })];
        let other = [Some(Desired { address: four, due: false }), Some(Desired { address: six, due: true })];
        let batch = [
            HostUpdate { host: Host::new("a.example").unwrap(), want, beside: Default::default() },
            HostUpdate { host: Host::new("b.example").unwrap(), want: other, beside: Default::default() },
        ];
        let held = LastKnown { held: Some(Set::from(IpAddr::from([192, 0, 2, 9]))), begun: None };
        let past = [[held, LastKnown::default()], Default::default()];
        let changes = of(&batch, &past, true);
        assert_eq!(
            lines("example", 60, &changes, Need::Ours),
            [
                "zone example",
                "prereq nxrrset a.example CNAME",
                "prereq yxrrset a.example A 192.0.2.9",
                "prereq nxrrset a.example AAAA",
                "prereq nxrrset b.example CNAME",
                "prereq nxrrset b.example AAAA",
                "update delete a.example A",
                "update add a.example 60 A 192.0.2.1",
                "update delete a.example AAAA",
                "update add a.example 60 AAAA 2001:db8::1",
                "update delete b.example AAAA",
                "update add b.example 60 AAAA 2001:db8::1",
                "send",
            ]
        );
        let message = update("example", 60, &changes, Need::Ours).unwrap().message(7);
        assert_eq!(message[4..12], [0, 1, 0, 5, 0, 6, 0, 0]);
        let most: usize = firsts(&changes).map(|(first, change)| change.weight(first)).sum();
        // Of what must not be there at all, no data is sent.
        assert_eq!(message.len(), 12 + 13 + most - 16 - 16);
        // Without the key, nothing is asked but that it is no alias.
        let any = of(&batch, &past, false);
        assert_eq!(lines("example", 60, &any, Need::Ours).iter().filter(|line| line.starts_with("prereq")).count(), 2);
    }

    #[test]
    fn a_set_is_replaced_as_a_whole() {
        let ip = |last| IpAddr::from([192, 0, 2, last]);
        let want = [Some(Desired { address: ip(1), due: true }), None];
        let batch = [HostUpdate { host: Host::new("a.example").unwrap(), want, beside: [vec![ip(2)], vec![]] }];
        let held = LastKnown { held: Some(Set::of(ip(7), &[ip(8), ip(9)])), begun: Some(Set::from(ip(6))) };
        let changes = of(&batch, &[[held, LastKnown::default()]], true);
        let told = [
            "zone example",
            "prereq nxrrset a.example CNAME",
            "prereq yxrrset a.example A 192.0.2.7",
            "prereq yxrrset a.example A 192.0.2.8",
            "prereq yxrrset a.example A 192.0.2.9",
            "update delete a.example A",
            "update add a.example 60 A 192.0.2.1",
            "update add a.example 60 A 192.0.2.2",
            "send",
        ];
        assert_eq!(lines("example", 60, &changes, Need::Ours), told);
        let message = update("example", 60, &changes, Need::Ours).unwrap().message(7);
        assert_eq!(message.len(), 12 + 13 + changes[0].weight(true));
        assert_eq!(message[4..12], [0, 1, 0, 4, 0, 3, 0, 0]);
    }
}
