//! One pass, in order, and the only file that knows the order: detect our address, see what is out of date, update the
//! providers, record the result.

mod detection;
pub mod event;
mod kept_back;
pub mod notify;
mod plan;
pub mod push;
#[cfg(feature = "verify")]
mod verify;

use crate::config::{self, Config, Hooks, Target};
use crate::net::context::PassContext;
use crate::net::http::{Http, Trust};
use crate::store::last_pass::LastPass;
use crate::store::state::State;
use crate::store::StateStore;
use crate::sys::clock;
use crate::sys::files::Folder;
use crate::types::address::{Family, Set};
use crate::types::hostname::Host;
use crate::types::vec_map::VecMap;
use detection::Detection;
use event::{Event, EventKind, ExitCode, HostReport, Level, Observer, Progress};
use notify::Notification;
use plan::{Context, Step};
use push::Run;
use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, Instant};

/// What a caller asks of one pass. The default is what a scheduler wants.
#[derive(Clone, Debug, Default)]
pub struct PassOptions {
    /// Detect, and show exactly what would be sent; push and write nothing.
    pub dry_run: bool,
    /// Push even if nothing changed; lifts rejections and back-off.
    pub force: bool,
    /// Only these sections or hosts; all if empty.
    pub only: Vec<String>,
    /// Ask the zones' name servers too, and push what differs.
    pub verify: bool,
    /// Report each request and reply as an event of level `Detail`.
    pub verbose: bool,
    /// What to append to the command that lifts a rejection, such as ` -c FILE`.
    pub command_suffix: String,
}

/// What came of one pass.
#[derive(Clone, Debug)]
pub struct PassReport {
    pub exit_code: ExitCode,
    /// The detected addresses that the history follows, IPv4 and IPv6; `None` where a family is off or failed.
    pub addresses: [Option<Set>; 2],
    /// The result of each attempted update, in order.
    pub hosts: Vec<HostReport>,
    /// What is recorded of all sections after the pass: LuCI's files are written from it.
    #[cfg_attr(not(feature = "uci"), expect(dead_code))]
    pub(crate) state: State,
}

impl PassReport {
    fn new(progress: Progress<'_>, addresses: [Option<Set>; 2], state: State) -> PassReport {
        PassReport { exit_code: progress.exit_code(), addresses, hosts: progress.results(), state }
    }
}

/// Makes one pass over the configuration.
pub fn run(config: &Config, options: &PassOptions, trust: &Trust, observer: &dyn Observer) -> PassReport {
    let progress = Progress::new(observer);
    let length = Duration::from_secs(config.agent.deadline);
    let mut store = match StateStore::open(&config.agent.state, options.dry_run, Instant::now() + length) {
        Ok((store, warning)) => {
            warning.into_iter().for_each(|warning| progress.warn(warning));
            store
        }
        Err(why) => {
            progress.problem(ExitCode::Retry, why);
            return PassReport::new(progress, [None, None], State::default());
        }
    };
    let (show, tell) = (|line: &str| progress.request(line), |line: &str| progress.detail(line));
    let mut http = http_client(config, trust);
    http.context.verbose = options.verbose.then_some(&tell);
    http.context.dry_run = options.dry_run.then_some(&show);

    let targets = chosen(options, config, store.state.resume.as_deref());
    let wanted = sources(options, config, &targets);
    let detection = Detection::make(config, &wanted, &mut store.state.dissent, &http, &progress);
    let mut notifications = Vec::new();
    if !options.dry_run {
        let changed = detection.remember(config, clock::now(), store.folder(), &progress);
        notifications.extend(config.targets.is_empty().then(|| (&config.agent.hooks, moved(changed))));
    }
    let pushing = http.with_pool();
    let run = Run { http: &pushing, progress: &progress, options };
    let (mut resume, mut unconfirmed, mut pushes) = (None, [None, None], false);
    for target in &targets {
        let (steps, digests) = decide(target, options, &detection, &store);
        #[cfg(feature = "verify")]
        let steps = {
            let mut steps = steps;
            if options.verify || target.lookup.always {
                verify::look(target, &mut steps, &mut store.state, &run, options.verify);
            }
            steps
        };
        kept_back::report(target, &steps, &detection, &run, &mut store, &mut unconfirmed);
        pushes |= steps.iter().flatten().any(|step| matches!(step, Step::Push(_)));
        let outcome = push::push(target, &steps, (&digests.0, &digests.1), &mut store, &run);
        if outcome.cut {
            resume.get_or_insert(target.name.clone());
        }
        notifications.extend(outcome.notifications.into_iter().map(|notification| (&target.hooks, notification)));
    }
    if let Some(name) = &resume {
        let text = format!("out of time after {} s; the next pass begins with [{name}]", config.agent.deadline);
        progress.problem(ExitCode::Retry, text);
    }
    if options.only.is_empty() {
        (store.state.resume, store.state.unconfirmed) = (resume, unconfirmed);
    } else {
        keep_unconfirmed(&targets, unconfirmed, &detection, &mut store);
    }
    let addresses = detection.addresses(config);
    if options.dry_run {
        if !pushes {
            progress.event(&Event::new(Level::Change, EventKind::NothingToSend, "nothing to send"));
        }
        return PassReport::new(progress, addresses, store.state.clone());
    }
    if let Err(why) = store.store() {
        progress.problem(ExitCode::Retry, why);
    }
    let state = store.state.clone();
    // Releases the lock: hooks take their time, and the next pass need not wait for them.
    drop(store);
    finish(&config.agent.state, &config.agent.hooks, &detection, notifications, &http, &progress);
    PassReport::new(progress, addresses, state)
}

/// Detects and keeps the history, and nothing else.
pub fn log_only(config: &Config, verbose: bool, trust: &Trust, observer: &dyn Observer) -> PassReport {
    let progress = Progress::new(observer);
    let until = Instant::now() + Duration::from_secs(config.agent.deadline);
    let history = &config.agent.history;
    let folder = match Folder::of(history).and_then(|folder| folder.lock(until).map(|()| folder)) {
        Ok(folder) => folder,
        Err(why) => {
            progress.problem(ExitCode::Retry, why);
            return PassReport::new(progress, [None, None], State::default());
        }
    };
    let tell = |line: &str| progress.detail(line);
    let mut http = http_client(config, trust);
    http.context.verbose = verbose.then_some(&tell);
    let wanted: Vec<usize> = config.own.into_iter().flatten().collect();
    let detection = Detection::make(config, &wanted, &mut VecMap::default(), &http, &progress);
    let changed = detection.remember(config, clock::now(), Some(&folder), &progress);
    drop(folder);
    let notifications = vec![(&config.agent.hooks, moved(changed))];
    finish(history, &config.agent.hooks, &detection, notifications, &http, &progress);
    let addresses = detection.addresses(config);
    PassReport::new(progress, addresses, State::default())
}

/// The HTTP client of one pass over this configuration, whose time begins now.
pub fn http_client<'a>(config: &'a Config, trust: &'a Trust) -> Http<'a> {
    let seconds = Duration::from_secs;
    let mut context = PassContext::new(seconds(config.agent.deadline), seconds(config.agent.timeout));
    context.bind = config.agent.way.bind.clone();
    Http { context, agent: &config.agent.agent, trust, proxy: config.agent.way.proxy.clone(), pool: None }
}

/// The sections to work on; the one at which the last pass ran out of time comes first.
fn chosen<'a>(options: &PassOptions, config: &'a Config, resume: Option<&str>) -> Vec<&'a Target> {
    let only = &options.only;
    let first = config.targets.iter().position(|target| Some(target.name.as_str()) == resume).unwrap_or(0);
    let (late, early) = config.targets.split_at(first);
    let wanted = |target: &&Target| {
        only.is_empty() || only.iter().any(|name| target.name == *name || config::has_host(target, name))
    };
    early.iter().chain(late).filter(wanted).collect()
}

/// What must be detected: what the sections need or, without any section, what the history needs.
fn sources(options: &PassOptions, config: &Config, targets: &[&Target]) -> Vec<usize> {
    let own = config.own.into_iter().flatten();
    let needed = targets.iter().flat_map(|target| target.sources).flatten();
    match config.targets.is_empty() && options.only.is_empty() {
        true => own.collect(),
        false => needed.collect(),
    }
}

/// What to do about each host of a section, and the digests of its settings without and with its hosts.
fn decide(
    target: &Target,
    options: &PassOptions,
    detection: &Detection,
    store: &StateStore,
) -> (Vec<[Step; 2]>, (String, String)) {
    let settings = target.settings.expose();
    let digest = store.state.digest(settings);
    let full = store.state.digest(&format!("{settings}\n{}", names(&target.hosts)));
    let six = target.sources[Family::V6 as usize];
    // With an interface identifier, another host of our network is published: from here on its address counts.
    let other = target.suffix.zip(detection.found(six)).map(|(suffix, found)| found.moved(suffix));
    let mut unconfirmed = store.state.unconfirmed;
    if let (Some(suffix), Some(address)) = (target.suffix, &mut unconfirmed[Family::V6 as usize]) {
        *address = suffix.with_prefix_of(*address);
    }
    let context = Context {
        now: clock::now(),
        force: options.force,
        refresh: target.refresh,
        min_interval: target.min_interval,
        digest: &digest,
        full: &full,
        found: [detection.found(target.sources[0]), other.as_ref().or(detection.found(six))],
        unconfirmed,
    };
    let whole = options.only.is_empty() || options.only.contains(&target.name);
    let steps = target.hosts.iter().map(|host| {
        let named = whole || options.only.iter().any(|name| Host::new(name).as_ref() == Ok(host));
        // A family that is off is never touched.
        Family::BOTH.map(|family| match named && target.sources[family as usize].is_some() {
            true => plan::plan(family, store.state.known(&target.name, host.ascii(), family), &context),
            false => Step::Unknown,
        })
    });
    (steps.collect(), (digest, full))
}

/// Hostnames as they are sent, separated by commas.
fn names(hosts: &[Host]) -> String {
    let mut names = String::new();
    for host in hosts {
        names.push_str(if names.is_empty() { "" } else { "," });
        names.push_str(host.ascii());
    }
    names
}

/// A pass over some sections keeps the unconfirmed addresses of the others, unless it detected better ones.
fn keep_unconfirmed(
    targets: &[&Target],
    unconfirmed: [Option<IpAddr>; 2],
    detection: &Detection,
    store: &mut StateStore,
) {
    for family in Family::BOTH.map(|family| family as usize) {
        let strong = |target: &&Target| detection.found(target.sources[family]).is_some_and(|found| !found.weak);
        if unconfirmed[family].is_some() || targets.iter().any(strong) {
            store.state.unconfirmed[family] = unconfirmed[family];
        }
    }
}

/// The notification of a new address that no section publishes.
fn moved(changed: [Option<IpAddr>; 2]) -> Notification {
    let new: Vec<String> = changed.iter().flatten().map(IpAddr::to_string).collect();
    Notification {
        addresses: changed.map(|address| address.map(Set::from)),
        message: format!("our address is now {}", new.join(" and ")),
        ..Notification::default()
    }
}

/// Records the time of the pass, and sends the notifications.
fn finish<'a>(
    place: &Path,
    own: &'a Hooks,
    detection: &Detection,
    mut notifications: Vec<(&'a Hooks, Notification)>,
    http: &Http<'_>,
    progress: &Progress<'_>,
) {
    let failures = detection.failures();
    let current = progress.exit_code() == ExitCode::Current;
    // A successful pass overwrites every field, so it need not read the old file.
    let before = if current && failures.is_empty() { LastPass::default() } else { LastPass::read(place) };
    let now = clock::now();
    let success = if current { Some(now) } else { before.success };
    LastPass { pass: Some(now), success, blind: !failures.is_empty() }.write(place);
    // A failure that lasts was reported when it began.
    if let Some(why) = failures.first().filter(|_| !before.blind) {
        let message = format!("address not detected: {why}");
        notifications.push((own, Notification { failure: true, message, ..Notification::default() }));
    }
    let worth = |(_, news): &&(&Hooks, Notification)| news.failure || news.addresses != [None, None];
    for (hooks, notification) in notifications.iter().filter(worth) {
        // Each has the time of a request to itself: the pass may have used up all of its own.
        let http = http.until(Instant::now() + http.context.timeout);
        notify::send(hooks, notification, &http, progress);
    }
    progress.detail(match progress.exit_code() {
        ExitCode::Current => "everything is current",
        ExitCode::Retry => "something will be retried",
        ExitCode::Usage | ExitCode::Rejected => "the operator has to act",
    });
}
