//! The changes of one zone, in as few messages as hold them. A message is all or nothing; where one host spoils it, it
//! is halved until that host stands alone with its verdict.

use super::change::{self, Change, Need};
use super::rcodes::YXRRSET;
use super::{places, rcodes, Area, Rfc2136};
use crate::net::context::PassContext;
use crate::net::tsig;
use crate::net::update_client::{UpdateClient, UpdateOutcome};
use crate::provider::contract::{HostResult, UpdateResult};

/// The longest message over TCP (RFC 1035 §4.2.2), less its head and signature.
const MOST: usize = 65_535 - 512 - tsig::LONGEST;
/// How many further messages a server may be sent that refused one: it may mean a single host, or all.
const MOST_REFUSALS: usize = 24;

/// Pushes what stands in an area.
pub fn push(provider: &Rfc2136, area: Area, context: &PassContext<'_>, rulings: &mut Vec<HostResult>) {
    let key = provider.key.as_ref();
    let mut head = vec![format!("server {} {}", area.server.host, area.server.port)];
    head.extend(key.map(|key| format!("key {} ***", key.shown())));
    if let Some(show) = context.dry_run {
        for group in groups(&area.changes) {
            let lines = change::lines(&area.zone, provider.ttl, group, Need::Ours);
            head.iter().chain(&lines).for_each(|line| show(line));
        }
        return;
    }
    let places = match places(&area.server, context, context.request_deadline()) {
        Ok(places) => places,
        Err(why) => {
            let verdict = if context.expired() { UpdateResult::NotAttempted } else { UpdateResult::later(why) };
            return rulings.extend(area.changes.iter().map(|change| change.ruling(verdict.clone())));
        }
    };
    if let Some(show) = context.verbose {
        head.iter().for_each(|line| show(&format!("> {line}")));
    }
    let mut push = Push {
        provider,
        zone: &area.zone,
        server: area.server.to_string(),
        client: UpdateClient::new(places, key, provider.tcp, context.bind.as_ref()),
        context,
        rulings,
        pending: None,
        patience: MOST_REFUSALS,
    };
    for group in groups(&area.changes) {
        push.group(group);
    }
}

/// The changes in parts that fit into a message.
fn groups(changes: &[Change]) -> Vec<&[Change]> {
    let (mut groups, mut rest) = (Vec::new(), changes);
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = |(first, change): &(bool, &Change)| {
            bytes += change.weight(*first);
            bytes <= MOST
        };
        let count = change::firsts(rest).take_while(fits).count().max(1);
        let (group, after) = rest.split_at(count);
        groups.push(group);
        rest = after;
    }
    groups
}

struct Push<'a, 'b> {
    provider: &'a Rfc2136,
    zone: &'a str,
    server: String,
    client: UpdateClient<'a>,
    context: &'a PassContext<'a>,
    rulings: &'b mut Vec<HostResult>,
    /// A verdict that holds for all that has not been asked yet.
    pending: Option<UpdateResult>,
    patience: usize,
}

impl Push<'_, '_> {
    fn rule(&mut self, group: &[Change], verdict: &UpdateResult) {
        self.rulings.extend(group.iter().map(|change| change.ruling(verdict.clone())));
    }

    /// Sends a group of changes. `None`: nothing is known of it, and all have their verdict.
    fn ask(&mut self, group: &[Change], need: Need) -> Option<UpdateOutcome> {
        if let Some(verdict) = self.pending.clone().or(self.context.expired().then_some(UpdateResult::NotAttempted)) {
            self.rule(group, &verdict);
            return None;
        }
        let update = match change::update(self.zone, self.provider.ttl, group, need) {
            Ok(update) => update,
            Err(why) => {
                self.rule(
                    group,
                    &UpdateResult::Rejected { why: why.to_string(), remedy: "check the hosts".to_string() },
                );
                return None;
            }
        };
        if let Some(show) = self.context.verbose {
            change::lines(self.zone, self.provider.ttl, group, need).iter().for_each(|line| show(&format!("> {line}")));
        }
        let outcome = self.client.send(&update, self.context.request_deadline());
        if let Some(show) = self.context.verbose {
            match outcome.code_name() {
                Ok(code) => show(&format!("< {code}")),
                Err(why) => show(&format!("< {why}")),
            }
        }
        match outcome {
            UpdateOutcome::Unanswered(why) | UpdateOutcome::NotSent(why) => {
                // Who does not answer now need not be tried for the next hosts.
                let verdict =
                    UpdateResult::later(format!("{}: {why}; whether it was done could not be confirmed", self.server));
                self.pending = Some(verdict.clone());
                self.rule(group, &verdict);
                None
            }
            outcome => Some(outcome),
        }
    }

    /// A whole message's worth.
    fn group(&mut self, group: &[Change]) {
        let Some(outcome) = self.ask(group, Need::Ours) else { return };
        if rcodes::is_unmet(&outcome) && group.len() > 1 && group[0].is_mine() {
            // All of it may have been done before, and only the reply was lost.
            let Some(outcome) = self.ask(group, Need::Same) else { return };
            if outcome == UpdateOutcome::Done {
                return self.rule(group, &UpdateResult::Unchanged);
            }
        }
        self.settle(group, outcome);
    }

    fn settle(&mut self, group: &[Change], outcome: UpdateOutcome) {
        let apart = rcodes::is_unmet(&outcome) || (rcodes::is_of_some(&outcome) && self.patience > 0);
        match group {
            [change] if rcodes::is_unmet(&outcome) => self.alone(change, outcome),
            _ if apart && group.len() > 1 => {
                if rcodes::is_of_some(&outcome) {
                    self.patience -= 1;
                }
                let (one, other) = group.split_at(group.len() / 2);
                for half in [one, other] {
                    if let Some(outcome) = self.ask(half, Need::Ours) {
                        self.settle(half, outcome);
                    }
                }
            }
            _ => self.rule(group, &rcodes::judge(&outcome, self.zone)),
        }
    }

    /// One host whose record is not what it had to be: ours already, or once, or gone, or somebody else's.
    fn alone(&mut self, change: &Change, outcome: UpdateOutcome) {
        let group = std::slice::from_ref(change);
        let taken = rcodes::not_mine(&change.host, change.family.record());
        if !change.is_mine() {
            return self.rule(group, &rcodes::alias(&change.host));
        }
        let mut last = outcome;
        for need in [Need::Same, Need::Begun, Need::Nothing] {
            if need == Need::Begun && !change.was_begun() {
                continue;
            }
            let Some(outcome) = self.ask(group, need) else { return };
            if outcome == UpdateOutcome::Done {
                let done = if need == Need::Same { UpdateResult::Unchanged } else { UpdateResult::Updated };
                return self.rule(group, &done);
            }
            if !rcodes::is_unmet(&outcome) {
                return self.rule(group, &rcodes::judge(&outcome, self.zone));
            }
            // That the name is an alias is found out before what it has beside: the first of the needs.
            if need == Need::Same && matches!(outcome, UpdateOutcome::Refused { rcode: YXRRSET, .. }) {
                return self.rule(group, &rcodes::alias(&change.host));
            }
            last = outcome;
        }
        let verdict = if rcodes::is_unmet(&last) { taken } else { rcodes::judge(&last, self.zone) };
        self.rule(group, &verdict);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::contract::{Desired, HostUpdate};
    use crate::types::hostname::Host;

    #[test]
    fn messages_are_as_few_as_hold_them() {
        let want = Some(Desired { address: "192.0.2.1".parse().unwrap(), due: true });
        let long = "x".repeat(60);
        let name = |at: usize| Host::new(&format!("h{at:04}.{long}.{long}.example.net")).unwrap();
        let batch: Vec<HostUpdate> = (0..1_000)
            .map(|at| HostUpdate { host: name(at), want: [want, None], beside: Default::default() })
            .collect();
        let changes = change::of(&batch, &[], true);
        let groups = groups(&changes);
        assert_eq!(groups.iter().map(|group| group.len()).sum::<usize>(), 1_000);
        assert_eq!(groups.len(), 10);
        for group in groups {
            let message = change::update("example.net", 60, group, Need::Same).unwrap().message(1);
            assert!(message.len() + tsig::LONGEST <= 65_535, "{}", message.len());
        }
        assert!(super::groups(&[]).is_empty());
    }
}
