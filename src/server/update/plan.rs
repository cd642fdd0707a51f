//! What a request comes to: for each named hostname the steps that make its line, and how they ended.

use super::super::account::Identity;
use super::super::decide::{decide, may, Decision, Kind};
use super::super::reply::{Line, Status, Value};
use super::super::request::{Asked, Given, Policy, Request, Wanted};
use super::super::store::{Error, Families, Host, Id, Store};
use super::super::zone::{Change, Outcome};
use super::{confirm, Service};
use std::net::IpAddr;
use std::sync::Arc;

/// One hostname to bring to its addresses.
struct Step {
    host: Host,
    wanted: Wanted,
    decision: Decision,
}

/// What is to be done for one line of the reply.
pub struct Plan {
    hostname: String,
    what: What,
    /// Hostnames of the same group that get the prefix too.
    related: Vec<Step>,
}

enum What {
    /// Known without doing anything.
    Refuse(Status),
    Step(Box<Step>),
    /// The prefix is for the group only: this hostname has no suffix and no address was given for it.
    GroupOnly,
}

/// How one line's steps ended.
pub struct Done {
    hostname: String,
    value: Value,
    /// With the FQDN; the named hostname's own first.
    steps: Vec<(String, Result<Status, String>)>,
}

/// Reads the rows and decides. Names that the client may not touch are refused here.
pub async fn plan(
    store: &Store,
    request: &Request,
    names: &[Given],
    who: &Identity,
    source: IpAddr,
    policy: Policy,
) -> Result<Vec<Plan>, Error> {
    let mut plans = Vec::with_capacity(names.len());
    let mut taken: Vec<Id> = Vec::new();
    for name in names {
        let row = match &name.fqdn {
            Some(fqdn) => store.host_by_fqdn(fqdn).await?,
            None => None,
        };
        let what = match row {
            _ if name.fqdn.is_none() => What::Refuse(Status::NotFqdn),
            Some(host) if may(who, &host, Kind::Addresses) => {
                taken.push(host.id);
                What::Step(Box::new(step(host, &request.asked, source, policy)))
            }
            _ => What::Refuse(Status::NoHost),
        };
        plans.push(Plan { hostname: name.text.clone(), what, related: Vec::new() });
    }
    if request.related && request.asked.prefix.is_some() {
        for plan in &mut plans {
            extend(store, plan, &request.asked, who, source, policy, &mut taken).await?;
        }
    }
    Ok(plans)
}

fn step(host: Host, asked: &Asked, source: IpAddr, policy: Policy) -> Step {
    let wanted = asked.for_host(host.ipv6_suffix, source, policy);
    if let Err(why) = &wanted {
        tracing::info!("{}: {why} (request from {source})", host.fqdn);
    }
    let decision = decide(&host, wanted.as_ref().map(|wanted| *wanted).map_err(|_| ()));
    Step { host, wanted: wanted.unwrap_or_default(), decision }
}

/// Adds the other hostnames of the group that have a suffix and that the client may touch, each once in a request.
async fn extend(
    store: &Store,
    plan: &mut Plan,
    asked: &Asked,
    who: &Identity,
    source: IpAddr,
    policy: Policy,
    taken: &mut Vec<Id>,
) -> Result<(), Error> {
    let What::Step(own) = &plan.what else { return Ok(()) };
    // A prefix alone, named at a hostname without a suffix: the router's, which has its hosts updated.
    let group_only =
        asked.invalid.is_none() && asked.ipv4.is_none() && asked.ipv6.is_none() && own.host.ipv6_suffix.is_none();
    let refused = matches!(own.decision, Decision::Refuse(_)) && !group_only;
    if refused || own.host.group.is_empty() {
        return Ok(());
    }
    let prefix_only = Asked { prefix: asked.prefix, ..Asked::default() };
    for host in store.hosts_of_group(who.account.id, &own.host.group).await? {
        if host.ipv6_suffix.is_some() && may(who, &host, Kind::Addresses) && !taken.contains(&host.id) {
            taken.push(host.id);
            plan.related.push(step(host, &prefix_only, source, policy));
        }
    }
    if group_only && !plan.related.is_empty() {
        plan.what = What::GroupOnly;
    }
    Ok(())
}

impl Plan {
    fn steps(&self) -> impl Iterator<Item = &Step> {
        let own = match &self.what {
            What::Step(step) => Some(&**step),
            _ => None,
        };
        own.into_iter().chain(&self.related)
    }

    /// What the limit counts.
    pub fn changes(&self) -> impl Iterator<Item = (&str, Wanted)> {
        let changes = self.steps().filter(|step| step.decision == Decision::Change);
        changes.map(|step| (step.host.fqdn.as_str(), step.wanted))
    }
}

/// Carries all plans out at once, so that a zone's thread can put them into one message. In the order of the plans.
pub async fn perform(service: &Arc<Service>, plans: Vec<Plan>, notify: bool) -> Vec<Done> {
    let mut running = Vec::with_capacity(plans.len());
    for plan in plans {
        let (mut steps, mut tasks, mut value) = (Vec::new(), Vec::new(), Value::None);
        match plan.what {
            What::Refuse(status) => steps.push((String::new(), Ok(status))),
            What::Step(step) => {
                value = Value::Addresses(step.wanted.addresses().collect());
                tasks.push(start(service, *step, notify));
            }
            What::GroupOnly => {}
        }
        tasks.extend(plan.related.into_iter().map(|step| start(service, step, notify)));
        running.push((plan.hostname, value, steps, tasks));
    }
    let mut done = Vec::with_capacity(running.len());
    for (hostname, value, mut steps, tasks) in running {
        for (fqdn, task) in tasks {
            let ended = task.await.unwrap_or_else(|_| Err("its task ended".to_string()));
            steps.push((fqdn, ended));
        }
        done.push(Done { hostname, value, steps });
    }
    done
}

type Running = (String, tokio::task::JoinHandle<Result<Status, String>>);

fn start(service: &Arc<Service>, step: Step, notify: bool) -> Running {
    let service = Arc::clone(service);
    (step.host.fqdn.clone(), tokio::spawn(async move { bring(&service, step, notify).await }))
}

/// Brings one hostname to its addresses. The error says why it is not known whether it has them.
async fn bring(service: &Service, step: Step, notify: bool) -> Result<Status, String> {
    let families = Families { v4: step.wanted.ipv4.is_some(), v6: step.wanted.ipv6.is_some() };
    match step.decision {
        Decision::Refuse(status) => return Ok(status),
        Decision::Nothing => match confirm(service, &step.host, families).await {
            Ok(true) => return Ok(Status::NoChange),
            // Another request was faster: the zone's thread reads the row again.
            Ok(false) => {}
            Err(error) => {
                service.database_failed(&error);
                return Err(error.to_string());
            }
        },
        Decision::Again | Decision::Change => {}
    }
    let same_v4 = step.wanted.ipv4.is_none_or(|ip| step.host.have4 == Some(ip));
    let same_v6 = step.wanted.ipv6.is_none_or(|ip| step.host.have6 == Some(ip));
    let already = step.decision != Decision::Change && same_v4 && same_v6;
    let change = Change { host: step.host, ipv4: step.wanted.ipv4, ipv6: step.wanted.ipv6, notify };
    match service.zones.update(change).await {
        Outcome::Done if already => Ok(Status::NoChange),
        Outcome::Done => Ok(Status::Good),
        Outcome::DnsError(_) => Ok(Status::DnsError),
        Outcome::NoHost => Ok(Status::NoHost),
        Outcome::Unknown(why) => Err(why),
    }
}

impl Done {
    /// Whether a change of this hostname was made.
    pub fn made(&self, fqdn: &str) -> bool {
        self.steps.iter().any(|(name, ended)| name == fqdn && *ended != Ok(Status::DnsError))
    }

    /// Why it is not known how a step ended.
    pub fn unknown(&self) -> Option<&str> {
        self.steps.iter().find_map(|(_, ended)| ended.as_ref().err().map(String::as_str))
    }

    /// A line is as good as its worst step: `good` would hide a hostname of the group that was not updated.
    pub fn line(self) -> Line {
        let ended: Vec<Status> = self.steps.into_iter().filter_map(|(_, ended)| ended.ok()).collect();
        let own = ended.first().copied().unwrap_or(Status::DnsError);
        let status = match own {
            Status::Good | Status::NoChange => {
                let failed = ended.iter().any(|status| !matches!(status, Status::Good | Status::NoChange));
                let changed = ended.contains(&Status::Good);
                match (failed, changed) {
                    (true, _) => Status::DnsError,
                    (false, true) => Status::Good,
                    (false, false) => Status::NoChange,
                }
            }
            refused => refused,
        };
        let value = match status {
            Status::Good | Status::NoChange => self.value,
            _ => Value::None,
        };
        Line { hostname: self.hostname, status, value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(steps: &[Result<Status, String>]) -> Status {
        let steps = steps.iter().map(|ended| ("a.example".to_string(), ended.clone())).collect();
        Done { hostname: "a.example".into(), value: Value::None, steps }.line().status
    }

    #[test]
    fn a_line_is_as_good_as_its_worst_step() {
        use Status::{DnsError, Good, NoChange, NoHost};
        for (steps, status) in [
            (&[Good][..], Good),
            (&[NoChange], NoChange),
            (&[NoChange, Good], Good),
            (&[Good, DnsError], DnsError),
            (&[NoChange, NoHost], DnsError),
            (&[NoHost], NoHost),
            (&[DnsError, Good], DnsError),
        ] {
            let steps: Vec<_> = steps.iter().map(|status| Ok(*status)).collect();
            assert_eq!(line(&steps), status, "{steps:?}");
        }
    }

    #[test]
    fn a_value_follows_only_what_is_published() {
        let done = |status| Done {
            hostname: "a.example".into(),
            value: Value::Addresses(vec![[9, 9, 9, 9].into()]),
            steps: vec![("a.example".into(), Ok(status))],
        };
        assert_eq!(done(Status::Good).line().value, Value::Addresses(vec![[9, 9, 9, 9].into()]));
        assert_eq!(done(Status::DnsError).line().value, Value::None);
    }
}
