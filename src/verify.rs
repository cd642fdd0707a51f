//! What the world sees: the zones' own servers are asked for the hosts that we hold to be current. Where they answer
//! otherwise, that host is pushed again, once; if that does not help, it is told, and looked at again after a day. So a
//! record that is missing, or a DNS that says one thing here and another outside, makes no loop.

use crate::address::{Family, Set};
use crate::clock::{self, Stamp};
use crate::config::Target;
use crate::dns::zone::{self, Asked};
use crate::dns::{self, Trouble};
use crate::host::Host;
use crate::plan::Step;
use crate::push::Desk;
use crate::report::{Ending, Fact, Weight};
use crate::resolve;
use crate::socket::Bind;
use crate::state::{passed, Astray, Known, State};
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
    Astray { until: Stamp },
}

fn turn(known: &Known, min_interval: i64, now: Stamp) -> Turn {
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
pub fn look(target: &Target, steps: &mut [[Step; 2]], state: &mut State, desk: &Desk<'_>, asked: bool) {
    let say = |weight, event, host: Option<&Host>, family, text: String| {
        let fact = Fact::new(weight, event, text);
        desk.report.say(&Fact { section: Some(&target.name), host: host.map(Host::typed), family, ..fact });
    };
    if target.lookup.hidden {
        let weight = if asked { Weight::Change } else { Weight::Detail };
        let text =
            format!("[{}] not verified: its hosts are proxied, and DNS shows the proxy's addresses", target.name);
        return say(weight, "unverified", None, None, text);
    }
    let now = clock::now();
    let mut servers = Servers { known: Vec::new() };
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
                    desk.report.end(Ending::Again);
                    let text = format!("is not {published} in DNS; looked at again {}", clock::stamp(until));
                    say(Weight::Detail, "astray", Some(host), Some(family), text);
                    continue;
                }
                Turn::Ask { again } => again,
            };
            let before = known.astray;
            let text = match servers.seen(target, host, family, &published, desk) {
                Ok(None) => {
                    if before.is_some() {
                        state.note(&target.name, host.ascii(), family, None);
                    }
                    continue;
                }
                Ok(Some(text)) => text,
                Err(why) => {
                    desk.report.end(Ending::Again);
                    let weight = if asked { Weight::Trouble } else { Weight::Detail };
                    say(weight, "unverified", Some(host), Some(family), format!("not verified: {why}"));
                    continue;
                }
            };
            let astray = match before.filter(|_| again) {
                Some(Astray { at, .. }) => {
                    desk.report.end(Ending::Again);
                    let until = clock::stamp(at + clock::DAY);
                    let text = format!("warning: {text}, although it was pushed again; looked at again {until}");
                    say(Weight::Trouble, "astray", Some(host), Some(family), text);
                    Astray { at, told: true }
                }
                None => {
                    say(Weight::Change, "astray", Some(host), Some(family), format!("{text}: to be pushed again"));
                    *step = Step::Push(published);
                    Astray { at: now, told: false }
                }
            };
            state.note(&target.name, host.ascii(), family, Some(astray));
        }
    }
}

/// The servers found so far, or why there are none. Hosts with the same parent are in one zone, unless a host is a zone
/// itself; each stands under the name that says so.
struct Servers {
    known: Vec<(String, Result<Vec<SocketAddr>, String>)>,
}

fn parent(host: &str) -> &str {
    host.split_once('.').map_or("", |(_, parent)| parent)
}

impl Servers {
    /// Where those of a host stand, if they are known.
    fn of(&self, host: &str) -> Option<usize> {
        let by = |name: &str| self.known.iter().position(|(known, _)| known == name);
        by(host).or_else(|| by(parent(host)))
    }

    /// Notes what was found for a host: its zone, unless somebody else than the zone is asked, and the servers.
    fn note(&mut self, host: &str, zone: Option<&str>, found: Result<Vec<SocketAddr>, String>) -> usize {
        let name = if zone == Some(host) { host } else { parent(host) };
        self.known.push((name.to_string(), found));
        self.known.len() - 1
    }

    /// What DNS says, if it is not this address alone; an error if nobody who knows could be asked.
    fn seen(
        &mut self,
        target: &Target,
        host: &Host,
        family: Family,
        published: &Set,
        desk: &Desk<'_>,
    ) -> Result<Option<String>, String> {
        if desk.http.expired() {
            return Err("no time left in this pass".to_string());
        }
        let until = (Instant::now() + desk.http.timeout).min(desk.http.until);
        let at = match self.of(host.ascii()) {
            Some(at) => at,
            None => match find(target, host, until) {
                Ok((zone, places)) => self.note(host.ascii(), zone.as_deref(), Ok(places)),
                Err(why) => self.note(host.ascii(), None, Err(why)),
            },
        };
        let places = self.known[at].1.clone()?;
        let (mut differs, mut trouble) = (None, None);
        for (tried, place) in places.iter().enumerate() {
            let left = until.saturating_duration_since(Instant::now());
            let share = left / u32::try_from(places.len() - tried).unwrap_or(1);
            match zone::addresses(by(target, *place), host.ascii(), family, Instant::now() + share) {
                // A server that lags behind is no reason to push.
                Ok(found) if is_set(&found, published) => return Ok(None),
                Ok(found) => differs = Some(found),
                Err(why) => trouble = Some(format!("{place}: {why}")),
            }
        }
        match differs {
            Some(found) => Ok(Some(told(&found, published))),
            None => {
                let why = trouble.unwrap_or_else(|| "no server of the zone is known".to_string());
                // Who does not answer now is not asked for the next host.
                self.known[at].1 = Err(why.clone());
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

/// Whom to ask for a host: the section's name server, or those of the zone.
fn find(target: &Target, host: &Host, until: Instant) -> Result<(Option<String>, Vec<SocketAddr>), String> {
    let family = target.way.bind.as_ref().and_then(Bind::family);
    if let Some(server) = &target.lookup.nameserver {
        return Ok((None, resolve::addresses_by(&server.host, server.port, family, until)?));
    }
    let told = |trouble: Trouble| format!("no zone found: {trouble}");
    let resolvers = resolve::name_servers();
    let zone = dns::first(&resolvers, until, |place, until| zone::find(by(target, place), host.ascii(), until));
    let zone = zone.map_err(told)?;
    let names = dns::first(&resolvers, until, |place, until| zone::servers(by(target, place), &zone.name, until));
    let names = names.map_err(told)?;
    let mut places = Vec::new();
    for name in names.iter().take(MOST_SERVERS) {
        // One address of each: another server is worth more than the same again.
        places.extend(resolve::addresses_by(name, 53, family, until).ok().and_then(|found| found.first().copied()));
    }
    match places.is_empty() {
        true => Err(format!("no server of {} can be found", zone.name)),
        false => Ok((Some(zone.name), places)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Published;

    #[test]
    fn a_zone_itself_says_nothing_of_its_neighbours() {
        let place = |last: u8| vec![SocketAddr::from(([192, 0, 2, last], 53))];
        let mut servers = Servers { known: Vec::new() };
        servers.note("one.example", Some("one.example"), Ok(place(1)));
        assert_eq!(servers.of("two.example"), None);
        assert_eq!(servers.of("one.example"), servers.of("home.one.example"));
        let two = servers.note("a.two.example", Some("two.example"), Ok(place(2)));
        assert_eq!((servers.of("b.two.example"), servers.of("two.example")), (Some(two), Some(two)));
        // A delegated host is known before its parent.
        let child = servers.note("c.two.example", Some("c.two.example"), Ok(place(3)));
        assert_eq!((servers.of("c.two.example"), servers.of("d.c.two.example")), (Some(child), Some(child)));
    }

    #[test]
    fn what_does_not_help_is_told_once_and_rests_for_a_day() {
        let now: Stamp = 1_800_000_000;
        let address = Set::from(IpAddr::from([192, 0, 2, 1]));
        let known = |confirmed, astray| Known {
            published: Some(Published { address: address.clone(), since: 0, confirmed }),
            astray,
            ..Known::default()
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
        assert_eq!(turn(&Known::default(), 0, now), Turn::Rest);
    }
}
