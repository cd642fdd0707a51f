//! The one pass, in order, and the only file that knows the order: find our address, see what is out of date, tell
//! the servers, write it down.

pub mod detection;
pub mod notify;
pub mod plan;
pub mod push;
#[cfg(feature = "verify")]
pub mod verify;

use crate::cli::args::Args;
use crate::cli::output::{Event, ExitCode, Level, Report};
use crate::config::{self, Config, Hooks, Target};
use crate::net::http::{Http, Trust};
#[cfg(feature = "uci")]
use crate::openwrt::luci;
use crate::pass::detection::Detection;
use crate::store::last_pass::LastPass;
use crate::store::StateStore;
use crate::sys::clock;
use crate::sys::files::Folder;
use crate::types::address::{Family, Set};
use crate::types::hostname::Host;
use crate::types::vec_map::VecMap;
use notify::Notification;
use plan::{Context, Step};
use push::PassContext;
use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, Instant};

/// Makes one pass over the config.
pub fn run(args: &Args, config: &Config, trust: &Trust, report: &Report) {
    let length = Duration::from_secs(config.agent.deadline);
    let mut keeper = match StateStore::open(&config.agent.state, args.dry_run, Instant::now() + length, report) {
        Ok(keeper) => keeper,
        Err(why) => return report.trouble(ExitCode::Retry, why),
    };
    let (show, tell) = (|line: &str| report.show(line), |line: &str| report.detail(line));
    let mut http = line(config, trust, report.verbose.then_some(&tell));
    http.dry = args.dry_run.then_some(&show);

    let targets = chosen(args, config, keeper.state.resume.as_deref());
    let survey = Detection::make(config, &sources(args, config, &targets), &mut keeper.state.dissent, &http, report);
    let mut news = Vec::new();
    if !args.dry_run {
        let changed = survey.remember(config, clock::now(), keeper.folder(), report);
        news.extend(config.targets.is_empty().then(|| (&config.agent.hooks, moved(changed))));
    }
    let desk = PassContext { http: &http, report, suffix: &args.suffix(), force: args.force };
    let (mut resume, mut unconfirmed, mut pushes) = (None, [None, None], false);
    for target in &targets {
        let (steps, digests) = decide(target, args, &survey, &keeper);
        #[cfg(feature = "verify")]
        let steps = {
            let mut steps = steps;
            if args.verify || target.lookup.always {
                verify::look(target, &mut steps, &mut keeper.state, &desk, args.verify);
            }
            steps
        };
        tell_steps(target, &steps, &survey, &desk, &mut keeper, &mut unconfirmed);
        pushes |= steps.iter().flatten().any(|step| matches!(step, Step::Push(_)));
        let outcome = push::push(target, &steps, (&digests.0, &digests.1), &mut keeper, &desk);
        if outcome.cut {
            resume.get_or_insert(target.name.clone());
        }
        news.extend(outcome.news.into_iter().map(|news| (&target.hooks, news)));
    }
    if let Some(name) = &resume {
        let text = format!("out of time after {} s; the next pass begins with [{name}]", config.agent.deadline);
        report.trouble(ExitCode::Retry, text);
    }
    if args.only.is_empty() {
        (keeper.state.resume, keeper.state.unconfirmed) = (resume, unconfirmed);
    } else {
        note_weak(&targets, unconfirmed, &survey, &mut keeper);
    }
    if args.dry_run {
        if !pushes {
            report.say(&Event::new(Level::Change, "dry-run", "nothing to send"));
        }
        return;
    }
    if let Err(why) = keeper.store() {
        report.trouble(ExitCode::Retry, why);
    }
    #[cfg(feature = "uci")]
    {
        let sections: Vec<&str> = config.targets.iter().map(|target| target.name.as_str()).collect();
        luci::tell(&config.agent.luci, &sections, &keeper.state, &report.heard(), args.every);
    }
    drop(keeper);
    end(&config.agent.state, &config.agent.hooks, &survey, news, &mut http, report);
}

/// Detects and keeps the history, and nothing else.
pub fn log_only(config: &Config, trust: &Trust, report: &Report) {
    let until = Instant::now() + Duration::from_secs(config.agent.deadline);
    let history = &config.agent.history;
    let folder = match Folder::of(history).and_then(|folder| folder.lock(until).map(|()| folder)) {
        Ok(folder) => folder,
        Err(why) => return report.trouble(ExitCode::Retry, why),
    };
    let tell = |line: &str| report.detail(line);
    let mut http = line(config, trust, report.verbose.then_some(&tell));
    let wanted: Vec<usize> = config.own.into_iter().flatten().collect();
    let survey = Detection::make(config, &wanted, &mut VecMap::default(), &http, report);
    let changed = survey.remember(config, clock::now(), Some(&folder), report);
    let news = vec![(&config.agent.hooks, moved(changed))];
    // Hooks take their time; the next pass need not wait for them.
    drop(folder);
    end(history, &config.agent.hooks, &survey, news, &mut http, report);
}

/// The line to the servers for one pass over this config, whose time begins now.
pub fn line<'a>(config: &Config, trust: &'a Trust, verbose: Option<&'a dyn Fn(&str)>) -> Http<'a> {
    let (length, timeout) = (Duration::from_secs(config.agent.deadline), Duration::from_secs(config.agent.timeout));
    Http {
        until: Instant::now() + length,
        timeout,
        share: timeout.min(length),
        agent: config.agent.agent.clone(),
        trust,
        way: config.agent.way.clone(),
        dry: None,
        verbose: verbose.map(|tell| tell as _),
    }
}

/// The sections to work on, the one at which the last pass ran out of time first.
fn chosen<'a>(args: &Args, config: &'a Config, resume: Option<&str>) -> Vec<&'a Target> {
    let first = config.targets.iter().position(|target| Some(target.name.as_str()) == resume).unwrap_or(0);
    let (late, early) = config.targets.split_at(first);
    let wanted = |target: &&Target| {
        args.only.is_empty() || args.only.iter().any(|name| target.name == *name || config::has_host(target, name))
    };
    early.iter().chain(late).filter(wanted).collect()
}

/// What must be detected: what the sections need; without any section, what the history needs.
fn sources(args: &Args, config: &Config, targets: &[&Target]) -> Vec<usize> {
    let own = config.own.into_iter().flatten();
    let needed = targets.iter().flat_map(|target| target.sources).flatten();
    match config.targets.is_empty() && args.only.is_empty() {
        true => own.collect(),
        false => needed.collect(),
    }
}

/// What to do about each host of a section, and the digests of its settings without and with its hosts.
fn decide(target: &Target, args: &Args, survey: &Detection, keeper: &StateStore) -> (Vec<[Step; 2]>, (String, String)) {
    let settings = target.settings.expose();
    let digest = keeper.state.digest(settings);
    let full = keeper.state.digest(&format!("{settings}\n{}", names(&target.hosts)));
    let six = target.sources[Family::V6 as usize];
    // Another host of our network is published: it is its address that counts from here on.
    let other = target.suffix.zip(survey.found(six)).map(|(suffix, found)| found.moved(suffix));
    let mut unconfirmed = keeper.state.unconfirmed;
    if let (Some(suffix), Some(address)) = (target.suffix, &mut unconfirmed[Family::V6 as usize]) {
        *address = suffix.with_prefix_of(*address);
    }
    let context = Context {
        now: clock::now(),
        force: args.force,
        refresh: target.refresh,
        min_interval: target.min_interval,
        digest: &digest,
        full: &full,
        found: [survey.found(target.sources[0]), other.as_ref().or(survey.found(six))],
        unconfirmed,
    };
    let whole = args.only.is_empty() || args.only.contains(&target.name);
    let steps = target.hosts.iter().map(|host| {
        let named = whole || args.only.iter().any(|name| Host::new(name).as_ref() == Ok(host));
        // A family that is off is nobody's business.
        Family::BOTH.map(|family| match named && target.sources[family as usize].is_some() {
            true => plan::plan(family, keeper.state.known(&target.name, host.ascii(), family), &context),
            false => Step::Unknown,
        })
    });
    (steps.collect(), (digest, full))
}

/// Hosts as they are sent, with commas between them.
fn names(hosts: &[Host]) -> String {
    let mut names = String::new();
    for host in hosts {
        names.push_str(if names.is_empty() { "" } else { "," });
        names.push_str(host.ascii());
    }
    names
}

/// A pass over some sections keeps what the others wait for, unless it saw better.
fn note_weak(targets: &[&Target], unconfirmed: [Option<IpAddr>; 2], survey: &Detection, keeper: &mut StateStore) {
    for family in Family::BOTH.map(|family| family as usize) {
        let strong = |target: &&Target| survey.found(target.sources[family]).is_some_and(|found| !found.weak);
        if unconfirmed[family].is_some() || targets.iter().any(strong) {
            keeper.state.unconfirmed[family] = unconfirmed[family];
        }
    }
}

/// Says what keeps pushes back, and counts it into the ending.
fn tell_steps(
    target: &Target,
    steps: &[[Step; 2]],
    survey: &Detection,
    desk: &PassContext<'_>,
    keeper: &mut StateStore,
    unconfirmed: &mut [Option<IpAddr>; 2],
) {
    // Whoever asks what would be sent wants to know why nothing is.
    let usual = if desk.http.dry.is_some() { Level::Change } else { Level::Detail };
    for (host, steps) in target.hosts.iter().zip(steps) {
        for (family, step) in Family::BOTH.into_iter().zip(steps) {
            let (ending, weight, event, text) = match step {
                Step::Current | Step::Unknown | Step::Push(_) => continue,
                Step::Wait { until, why } => {
                    let text = format!("waits until {}: {why}", clock::stamp(*until));
                    (ExitCode::Retry, usual, "waiting", text)
                }
                Step::Flapping { until } => {
                    let text =
                        format!("warning: the address goes back and forth; not pushed before {}", clock::stamp(*until));
                    (ExitCode::Retry, Level::Problem, "flapping", text)
                }
                Step::Unconfirmed(address) => {
                    unconfirmed[family as usize] =
                        survey.found(target.sources[family as usize]).map(|found| found.address);
                    let text = format!("not updated to {address} yet: only plain DNS or STUN says so, and HTTPS failed; if the next pass agrees, it is pushed");
                    (ExitCode::Retry, Level::Problem, "unconfirmed", text)
                }
                Step::Rejected(refusal) => {
                    if refusal.tell {
                        keeper.state.told(&target.name, host.ascii(), family, clock::now());
                    }
                    let weight = if refusal.tell { Level::Problem } else { usual };
                    let text = push::refusal(&refusal.why, &refusal.remedy, &target.name, desk.suffix);
                    (ExitCode::Rejected, weight, "refused", text)
                }
            };
            desk.report.end(ending);
            let fact = Event::new(weight, event, text);
            desk.report.say(&Event {
                section: Some(&target.name),
                host: Some(host.typed()),
                family: Some(family),
                ..fact
            });
        }
    }
}

/// News of an address that no section publishes.
fn moved(changed: [Option<IpAddr>; 2]) -> Notification {
    let new: Vec<String> = changed.iter().flatten().map(IpAddr::to_string).collect();
    Notification {
        addresses: changed.map(|address| address.map(Set::from)),
        message: format!("our address is now {}", new.join(" and ")),
        ..Notification::default()
    }
}

/// Notes the pass, tells the hooks, and closes.
fn end<'a>(
    place: &Path,
    own: &'a Hooks,
    survey: &Detection,
    mut news: Vec<(&'a Hooks, Notification)>,
    http: &mut Http<'_>,
    report: &Report,
) {
    let failures = survey.failures();
    let good = report.ending() == ExitCode::Current && failures.is_empty();
    // All that a good pass would look for there it overwrites.
    let before = if good { LastPass::default() } else { LastPass::read(place) };
    let now = clock::now();
    let success = if report.ending() == ExitCode::Current { Some(now) } else { before.success };
    LastPass { pass: Some(now), success, blind: !failures.is_empty() }.write(place);
    // A failure that lasts was told when it began.
    if let Some(why) = failures.first().filter(|_| !before.blind) {
        news.push((
            own,
            Notification { failure: true, message: format!("address not learned: {why}"), ..Notification::default() },
        ));
    }
    for (hooks, news) in news.iter().filter(|(_, news)| news.failure || news.addresses != [None, None]) {
        // Each has a request's time of its own: the pass may have used up all of its.
        http.until = Instant::now() + http.timeout;
        notify::tell(hooks, news, http, report);
    }
    report.detail(match report.ending() {
        ExitCode::Current => "all current",
        ExitCode::Retry => "something is to be tried again",
        ExitCode::Usage | ExitCode::Rejected => "a person must act",
    });
}
