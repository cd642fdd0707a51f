//! What the world sees: the zones' own servers are asked for the hosts that we hold to be current. Where they answer
//! otherwise, that host is pushed again, once; if that does not help, it is told, and looked at again after a day. So a
//! record that is missing, or a DNS that says one thing here and another outside, makes no loop.

use crate::config::Target;
use crate::net::dns::zone::{self, Asked};
use crate::net::dns::{self, DnsError};
use crate::net::resolve;
use crate::net::socket::Bind;
use crate::pass::event::{Event, EventKind, ExitCode, Level};
use crate::pass::plan::Step;
use crate::pass::push::Run;
use crate::store::state::{passed, Astray, HostState, State};
use crate::sys::clock::{self, Timestamp};
use crate::types::address::{Family, Set};
use crate::types::hostname::Host;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

/// What was pushed is not looked for before it had this long to reach all servers of a zone, in seconds.
const SETTLE: i64 = 5 * clock::MINUTE;
/// No more of a zone's servers are asked for one host.
const MOST_SERVERS: usize = 3;

/// What is to be asked or said of one host and family, before anything is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Turn {
    /// Ask; `again`: a push did not help if the answer is still another.
    Ask { again: bool },
    /// Leave it alone.
    Rest,
    /// Pushing did not help, and the day is not over.
    Astray { until: Timestamp },
}

fn turn(known: &HostState, min_interval: i64, now: Timestamp) -> Turn {
    let Some(published) = &known.published else { return Turn::Rest };
    match known.astray {
        Some(Astray { at, told: true }) if !passed(at, clock::DAY, now) => Turn::Astray { until: at + clock::DAY },
        _ if !passed(published.confirmed, SETTLE.max(min_interval), now) => Turn::Rest,
        Some(Astray { at, told: false }) => Turn::Ask { again: !passed(at, clock::DAY, now) },
        _ => Turn::Ask { again: false },
    }
}

/// Asks for each host of a section that is current, and makes a push of those of which DNS says otherwise. `asked`: a
/// person wants to know.
pub fn look(target: &Target, steps: &mut [[Step; 2]], state: &mut State, run: &Run<'_>, asked: bool) {
    let say = |level, kind, host: Option<&Host>, family, text: String| {
        let event = Event::new(level, kind, text);
        run.progress.event(&Event { section: Some(&target.name), host: host.map(Host::typed), family, ..event });
    };
    if target.lookup.hidden {
        let level = if asked { Level::Change } else { Level::Detail };
        let text =
            format!("[{}] not verified: its hosts are proxied, and DNS shows the proxy's addresses", target.name);
        return say(level, EventKind::NotVerified, None, None, text);
    }
    let now = clock::now();
    let mut servers = Servers::default();
    for (host, steps) in target.hosts.iter().zip(steps) {
        for family in Family::BOTH {
            let step = &mut steps[family as usize];
            let known = state.known(&target.name, host.ascii(), family).filter(|_| *step == Step::Current);
            let Some((known, published)) =
                known.and_then(|known| Some((known, known.published.as_ref()?.address.clone())))
            else {
                continue;
            };
            let again = match turn(known, target.min_interval, now) {
                Turn::Rest => continue,
                Turn::Astray { until } => {
                    run.progress.raise(ExitCode::Retry);
                    let text = format!("is not {published} in DNS; looked at again {}", clock::stamp(until));
                    say(Level::Detail, EventKind::Differs, Some(host), Some(family), text);
                    continue;
                }
                Turn::Ask { again } => again,
            };
            let before = known.astray;
            let text = match servers.seen(target, host, family, &published, run) {
                Ok(None) => {
                    if before.is_some() {
                        state.note(&target.name, host.ascii(), family, None);
                    }
                    continue;
                }
                Ok(Some(text)) => text,
                Err(why) => {
                    run.progress.raise(ExitCode::Retry);
                    let level = if asked { Level::Problem } else { Level::Detail };
                    say(level, EventKind::NotVerified, Some(host), Some(family), format!("not verified: {why}"));
                    continue;
                }
            };
            let astray = match before.filter(|_| again) {
                Some(Astray { at, .. }) => {
                    run.progress.raise(ExitCode::Retry);
                    let until = clock::stamp(at + clock::DAY);
                    let text = format!("warning: {text}, although it was pushed again; looked at again {until}");
                    say(Level::Problem, EventKind::Differs, Some(host), Some(family), text);
                    Astray { at, told: true }
                }
                None => {
                    say(
                        Level::Change,
                        EventKind::Differs,
                        Some(host),
                        Some(family),
                        format!("{text}: to be pushed again"),
                    );
                    *step = Step::Push(published);
                    Astray { at: now, told: false }
                }
            };
            state.note(&target.name, host.ascii(), family, Some(astray));
        }
    }
}

/// The servers found so far, or why there are none. Hosts with the same parent are in one zone, unless a host is a zone
/// itself: so each is asked for, but of so many at once that it would take all the time there is.
#[derive(Default)]
struct Servers {
    /// Names, and which of the places below is theirs.
    known: Vec<(String, usize)>,
    places: Vec<Result<Vec<SocketAddr>, String>>,
}

/// Names of which the zone is kept in mind before hosts are taken to be in the zone of their neighbours.
const MOST_KNOWN: usize = 96;

fn parent(host: &str) -> &str {
    host.split_once('.').map_or("", |(_, parent)| parent)
}

impl Servers {
    fn by(&self, name: &str) -> Option<usize> {
        self.known.iter().find(|(known, _)| known == name).map(|(_, at)| *at)
    }

    /// Where those of a host stand, if they are known.
    fn of(&self, host: &str) -> Option<usize> {
        let beside = || self.by(parent(host)).filter(|at| self.places[*at].is_err() || self.known.len() > MOST_KNOWN);
        self.by(host).or_else(beside)
    }

    /// Notes which place is that of a host, and of the zone that it is in.
    fn note(&mut self, host: &str, zone: Option<&str>, at: usize) -> usize {
        let beside = (zone != Some(host)).then(|| parent(host));
        for name in [Some(host), beside, zone].into_iter().flatten() {
            self.known.push((name.to_string(), at));
        }
        at
    }

    /// Notes what was found.
    fn add(&mut self, found: Result<Vec<SocketAddr>, String>) -> usize {
        self.places.push(found);
        self.places.len() - 1
    }

    /// Finds whom to ask for a host: the section's name server, or those of the zone.
    fn find(&mut self, target: &Target, host: &str, until: Instant) -> usize {
        let family = target.way.bind.as_ref().and_then(Bind::family);
        if let Some(server) = &target.lookup.nameserver {
            return self.by("").unwrap_or_else(|| {
                let at = self.add(resolve::addresses_by(&server.host, server.port, family, until));
                self.note("", None, at)
            });
        }
        let told = |trouble: DnsError| format!("no zone found: {trouble}");
        let resolvers = resolve::name_servers();
        let zone = dns::first(&resolvers, until, |place, until| zone::find(by(target, place), host, until));
        let (zone, at) = match zone {
            Ok(zone) => {
                let at = self.by(&zone.name).unwrap_or_else(|| {
                    let names = dns::first(&resolvers, until, |place, until| {
                        zone::servers(by(target, place), &zone.name, until)
                    });
                    self.add(names.map_err(told).and_then(|names| places(&names, &zone.name, family, until)))
                });
                (Some(zone.name), at)
            }
            Err(trouble) => (None, self.add(Err(told(trouble)))),
        };
        self.note(host, zone.as_deref(), at)
    }

    /// What DNS says, if it is not this address alone; an error if nobody who knows could be asked.
    fn seen(
        &mut self,
        target: &Target,
        host: &Host,
        family: Family,
        published: &Set,
        run: &Run<'_>,
    ) -> Result<Option<String>, String> {
        if run.http.context.expired() {
            return Err("no time left in this pass".to_string());
        }
        let until = run.http.context.request_deadline();
        let at = self.of(host.ascii()).unwrap_or_else(|| self.find(target, host.ascii(), until));
        let places = self.places[at].clone()?;
        let (mut differs, mut trouble) = (None, None);
        for (tried, place) in places.iter().enumerate() {
            let left = until.saturating_duration_since(Instant::now());
            let share = left / u32::try_from(places.len() - tried).unwrap_or(1);
            match zone::addresses(by(target, *place), host.ascii(), family, Instant::now() + share) {
                // A server that lags behind is no reason to push.
                Ok(found) if is_set(&found, published) => return Ok(None),
                Ok(found) => differs = Some(found),
                Err(why) => trouble = Some((format!("{place}: {why}"), matches!(why, DnsError::Refused(_)))),
            }
        }
        match differs {
            Some(found) => Ok(Some(told(&found, published))),
            None => {
                let none = || ("no server of the zone is known".to_string(), false);
                let (why, answered) = trouble.unwrap_or_else(none);
                // Who does not answer now is not asked for the next host.
                if !answered {
                    self.places[at] = Err(why.clone());
                }
                Err(why)
            }
        }
    }
}

/// Whether these are they, in whatever order.
fn is_set(found: &[IpAddr], set: &Set) -> bool {
    found.split_first().is_some_and(|(first, others)| Set::of(*first, others) == *set)
}

fn told(found: &[IpAddr], published: &Set) -> String {
    match found {
        [] => format!("has no address in DNS, and not {published}"),
        found => {
            let found: Vec<String> = found.iter().map(IpAddr::to_string).collect();
            format!("is {} in DNS, and not {published}", found.join(" and "))
        }
    }
}

/// By the way of the section.
fn by(target: &Target, place: SocketAddr) -> Asked<'_> {
    Asked::by(place, target.way.bind.as_ref())
}

/// Where the servers of a zone are.
fn places(names: &[String], zone: &str, family: Option<Family>, until: Instant) -> Result<Vec<SocketAddr>, String> {
    let mut places = Vec::new();
    for name in names.iter().take(MOST_SERVERS) {
        // One address of each: another server is worth more than the same again.
        places.extend(resolve::addresses_by(name, 53, family, until).ok().and_then(|found| found.first().copied()));
    }
    match places.is_empty() {
        true => Err(format!("no server of {zone} can be found")),
        false => Ok(places),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::state::Published;

    #[test]
    fn a_zone_itself_says_nothing_of_its_neighbours() {
        let mut servers = Servers::default();
        for last in [1, 2, 3] {
            servers.add(Ok(vec![SocketAddr::from(([192, 0, 2, last], 53))]));
        }
        servers.note("one.example", Some("one.example"), 0);
        assert_eq!((servers.of("two.example"), servers.of("one.example")), (None, Some(0)));
        servers.note("a.two.example", Some("two.example"), 1);
        assert_eq!((servers.of("a.two.example"), servers.of("two.example")), (Some(1), Some(1)));
        // Its neighbour may be a zone itself, and is asked for.
        assert_eq!(servers.of("b.two.example"), None);
        servers.note("b.two.example", Some("b.two.example"), 2);
        assert_eq!(servers.of("b.two.example"), Some(2));
        // Who did not answer is not asked for a neighbour; and of many hosts not each is asked for.
        servers.places[1] = Err("no answer in time".to_string());
        assert_eq!(servers.of("c.two.example"), Some(1));
        servers.places[1] = servers.places[0].clone();
        for host in 0..40 {
            servers.note(&format!("{host}.many.example"), Some("many.example"), 0);
        }
        assert_eq!((servers.of("c.two.example"), servers.of("40.many.example")), (Some(1), Some(0)));
    }

    #[test]
    fn what_does_not_help_is_told_once_and_rests_for_a_day() {
        let now: Timestamp = 1_800_000_000;
        let address = Set::from(IpAddr::from([192, 0, 2, 1]));
        let known = |confirmed, astray| HostState {
            published: Some(Published { address: address.clone(), since: 0, confirmed }),
            astray,
            ..HostState::default()
        };
        let of = |confirmed, astray, interval| turn(&known(confirmed, astray), interval, now);
        assert_eq!(of(now - 300, None, 0), Turn::Ask { again: false });
        assert_eq!(of(now - 299, None, 0), Turn::Rest, "it may not have arrived");
        assert_eq!(of(now - 300, None, 600), Turn::Rest, "the server wants its peace");
        let at = now - 300;
        assert_eq!(of(at, Some(Astray { at, told: false }), 0), Turn::Ask { again: true });
        assert_eq!(of(at, Some(Astray { at, told: true }), 0), Turn::Astray { until: at + clock::DAY });
        let at = now - clock::DAY;
        assert_eq!(of(at, Some(Astray { at, told: true }), 0), Turn::Ask { again: false });
        assert_eq!(of(at, Some(Astray { at, told: false }), 0), Turn::Ask { again: false });
        assert_eq!(turn(&HostState::default(), 0, now), Turn::Rest);
    }
}
