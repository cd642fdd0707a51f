//! One hostile server in one role, and the checks that every such pass must satisfy.

use crate::testbed::{adjusted, seconds, Canary, Ended, HttpServer, Pki, Reply, Run, Scratch, TlsBehaviour};
use homing::internals::json;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Mutex;
use std::thread;

/// Contains characters that each encoding changes, so that a leak is found in any of them.
pub const PASSWORD: &str = "k9@Zu:ar/y%7+&q!wX";
/// The deadline of a pass in seconds on the host itself, unless a test sets another, and the timeout of a request.
pub const DEADLINE: u64 = 2;
const TIMEOUT: u64 = 1;
/// Limit on resident memory, in KiB.
const MOST_MEMORY: u64 = 16 * 1024;
/// How many cases run at once.
const THREADS: usize = 10;

/// What the hostile server is used for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    Detector,
    Provider,
}

pub const BOTH: [Role; 2] = [Role::Detector, Role::Provider];

/// One attack: a scratch folder with a config, and a second server that must not be contacted.
pub struct Attack {
    pub scratch: Scratch,
    pub role: Role,
    pub deadline: u64,
    /// Must not be contacted: as the provider while detection fails, and at all if the provider is the hostile server.
    second_server: HttpServer,
}

impl Attack {
    /// With the hostile server at `url`; `parse` is a detector's key, `extra` goes before the sections.
    pub fn new(role: Role, url: &str, parse: &str, extra: &str) -> Attack {
        let scratch = Scratch::new();
        scratch.folder("lib");
        let second_server = HttpServer::new(|_| Reply::ok("good 198.41.0.4"));
        let (page, update) = match role {
            Role::Detector => (format!("kind = web\nurl = {url}\nparse = {parse}"), second_server.url()),
            Role::Provider => ("kind = fixed\naddress = 198.41.0.4".to_string(), url.to_string()),
        };
        let dir = scratch.root().display().to_string();
        let config = format!(
            "state = {dir}/lib/state.json\nhistory = {dir}/lib/history.log\nipv4 = probe\n\
             timeout = {TIMEOUT}s\ndeadline = {DEADLINE}s\n{extra}\n[detector:probe]\n{page}\n\
             [home]\nprovider = dyndns2\nurl = {update}\nhosts = a.example.com\nuser = alice\npassword = \"{PASSWORD}\"\n"
        );
        scratch.write("homing.conf", &adjusted(&config), 0o600);
        Attack { scratch, role, deadline: DEADLINE, second_server }
    }

    /// Makes homing trust this certificate authority and no other.
    pub fn trust(&self, ca: &str) {
        let file = self.scratch.write("ca.pem", ca, 0o600);
        let config = self.scratch.read("homing.conf");
        self.scratch.write("homing.conf", &format!("ca_file = {}\n{config}", file.display()), 0o600);
    }

    /// A pass with this config; its memory is measured.
    pub fn run(&self) -> Run<'_> {
        Run::pass(&self.scratch).arg("-v").measure_memory()
    }

    /// What every pass must satisfy.
    pub fn check_always(&self, ended: &Ended) -> Vec<String> {
        let mut wrong = Canary::new([PASSWORD]).leaks(ended, &self.scratch, &["homing.conf", "ca.pem"]);
        let most = seconds(self.deadline + 1);
        if ended.took >= most {
            wrong.push(format!("took {:?}", ended.took));
        }
        // A pass that ends between two samples has no measurement.
        if ended.peak.is_some_and(|peak| peak >= MOST_MEMORY) {
            wrong.push(format!("took {:?} KiB of memory", ended.peak));
        }
        for (name, text) in [("standard output", &ended.stdout), ("standard error", &ended.stderr)] {
            if !text.bytes().all(|b| b == b'\n' || (b' '..=b'~').contains(&b)) {
                wrong.push(format!("{name} is not printable ASCII"));
            }
            if let Some(line) = text.lines().find(|line| line.len() > 600) {
                wrong.push(format!("{name} has a line of {} bytes", line.len()));
            }
        }
        if self.role == Role::Provider && self.second_server.count() > 0 {
            wrong.push("the second server was contacted".to_string());
        }
        wrong
    }

    /// What a pass must satisfy that the hostile server made fail: exit code 1, nothing published or stored, and
    /// `words` on standard error.
    pub fn check_failed(&self, ended: &Ended, words: &str) -> Vec<String> {
        let mut wrong = self.check_always(ended);
        if ended.code != Some(1) {
            wrong.push(format!("exit {:?}", ended.code));
        }
        if !ended.stderr.contains(words) {
            wrong.push(format!("standard error lacks {words:?}"));
        }
        if self.second_server.count() > 0 {
            wrong.push("the second server was contacted".to_string());
        }
        if self.role == Role::Detector && !self.scratch.read("lib/history.log").is_empty() {
            wrong.push("the history has a line".to_string());
        }
        // An address that the provider did not confirm must not count as published.
        if let Some(address) = (self.role == Role::Provider).then(|| self.published()).flatten() {
            wrong.push(format!("{address} counts as published"));
        }
        wrong
    }

    /// What a pass must satisfy if the server's response was acceptable.
    pub fn check_succeeded(&self, ended: &Ended) -> Vec<String> {
        let mut wrong = self.check_always(ended);
        if ended.code != Some(0) || self.published().as_deref() != Some("198.41.0.4") {
            wrong.push(format!("exit {:?}, {:?} published", ended.code, self.published()));
        }
        wrong
    }

    /// The address that homing considers published.
    pub fn published(&self) -> Option<String> {
        let status = Run::pass(&self.scratch).args(["--status", "--json"]).go();
        let objects = status.stdout.lines().filter_map(|line| json::parse(line).ok());
        objects.filter_map(|object| json::text(&object, "address").map(String::from)).next()
    }
}

/// A hostile response.
pub struct Case {
    pub name: &'static str,
    pub reply: Reply,
    /// What homing must report as detector and as provider; `GOOD` if the response is acceptable.
    pub expected: [&'static str; 2],
}

/// The response is acceptable in this role.
pub const GOOD: &str = "(good)";

pub fn case(name: &'static str, reply: Reply, expected: [&'static str; 2]) -> Case {
    Case { name, reply, expected }
}

/// Runs each case in both roles. The server must be contacted exactly once.
pub fn run_cases(cases: &[Case], parse: &str) {
    run_cases_over(cases, parse, None);
}

/// The same over TLS.
pub fn run_cases_over_tls(cases: &[Case], parse: &str, behaviour: TlsBehaviour) {
    run_cases_over(cases, parse, Some(behaviour));
}

fn run_cases_over(cases: &[Case], parse: &str, behaviour: Option<TlsBehaviour>) {
    let jobs: Vec<_> = cases.iter().flat_map(|case| BOTH.map(|role| (case, role))).collect();
    all(&jobs, |(case, role)| {
        let reply = case.reply.clone();
        let server = match behaviour {
            None => HttpServer::new(move |_| reply.clone()),
            Some(behaviour) => HttpServer::tls(&Pki::get().good, behaviour, move |_| reply.clone()),
        };
        let attack = Attack::new(*role, &server.url(), parse, "");
        attack.trust(&Pki::get().ca);
        let ended = attack.run().go();
        let expected = case.expected[*role as usize];
        let mut wrong =
            if expected == GOOD { attack.check_succeeded(&ended) } else { attack.check_failed(&ended, expected) };
        if server.count() != 1 {
            wrong.push(format!("asked {} times", server.count()));
        }
        summary(&format!("{} ({role:?})", case.name), wrong, &ended)
    });
}

/// All violations of one attack in one text.
pub fn summary(name: &str, wrong: Vec<String>, ended: &Ended) -> Result<(), String> {
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(format!("{name}: {}\nstdout: {}\nstderr: {}", wrong.join("; "), ended.stdout, ended.stderr)),
    }
}

/// Runs something for each item, several at a time, and panics with all failures.
pub fn all<T: Sync>(items: &[T], each: impl Fn(&T) -> Result<(), String> + Sync) {
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..THREADS.min(items.len()) {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let done = catch_unwind(AssertUnwindSafe(|| each(item)));
                    if let Err(why) = done.unwrap_or_else(|_| Err("panicked; see above".to_string())) {
                        failed.lock().unwrap().push(why);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} of {} failed:\n{}", failed.len(), items.len(), failed.join("\n\n"));
}
