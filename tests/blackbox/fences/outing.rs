//! One hostile server met, in both roles, and what must hold whatever it did.

use crate::world::{paced, seconds, Canary, Ended, HttpServer, Manner, Pki, Reply, Run, Scratch};
use homing::types::json;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Mutex;
use std::thread;

/// Shows at once where it is found, in whatever encoding: no letter of it stays as it is everywhere.
pub const PASSWORD: &str = "k9@Zu:ar/y%7+&q!wX";
/// The pass's deadline, in seconds natively, unless a test says otherwise; a request has one.
pub const DEADLINE: u64 = 2;
const TIMEOUT: u64 = 1;
/// In KiB.
const MOST_MEMORY: u64 = 16 * 1024;
/// How many outings at once.
const THREADS: usize = 10;

/// As what the hostile server is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    Detector,
    Provider,
}

pub const BOTH: [Role; 2] = [Role::Detector, Role::Provider];

/// An outing: folder, config, and the server that nobody may ask.
pub struct Outing {
    pub scratch: Scratch,
    pub role: Role,
    pub deadline: u64,
    /// Asked by nobody as long as detection fails, and by nobody at all otherwise.
    witness: HttpServer,
}

impl Outing {
    /// With the hostile server at `url`; `parse` is a detector's, `extra` goes before the sections.
    pub fn new(role: Role, url: &str, parse: &str, extra: &str) -> Outing {
        let scratch = Scratch::new();
        scratch.folder("lib");
        let witness = HttpServer::new(|_| Reply::ok("good 198.41.0.4"));
        let (page, update) = match role {
            Role::Detector => (format!("kind = web\nurl = {url}\nparse = {parse}"), witness.url()),
            Role::Provider => ("kind = fixed\naddress = 198.41.0.4".to_string(), url.to_string()),
        };
        let dir = scratch.root().display().to_string();
        let config = format!(
            "state = {dir}/lib/state.json\nhistory = {dir}/lib/history.log\nipv4 = probe\n\
             timeout = {TIMEOUT}s\ndeadline = {DEADLINE}s\n{extra}\n[detector:probe]\n{page}\n\
             [home]\nprovider = dyndns2\nurl = {update}\nhosts = a.example.com\nuser = alice\npassword = \"{PASSWORD}\"\n"
        );
        scratch.write("homing.conf", &paced(&config), 0o600);
        Outing { scratch, role, deadline: DEADLINE, witness }
    }

    /// Has it trust this authority and no other.
    pub fn trust(&self, ca: &str) {
        let file = self.scratch.write("ca.pem", ca, 0o600);
        let config = self.scratch.read("homing.conf");
        self.scratch.write("homing.conf", &format!("ca_file = {}\n{config}", file.display()), 0o600);
    }

    /// A pass over its config, weighed.
    pub fn run(&self) -> Run<'_> {
        Run::pass(&self.scratch).arg("-v").weigh()
    }

    /// What must hold of every pass, good or bad.
    pub fn decent(&self, ended: &Ended) -> Vec<String> {
        let mut wrong = Canary::new([PASSWORD]).leaks(ended, &self.scratch, &["homing.conf", "ca.pem"]);
        let most = seconds(self.deadline + 1);
        if ended.took >= most {
            wrong.push(format!("took {:?}", ended.took));
        }
        // One that ends between two looks is not weighed.
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
        if self.role == Role::Provider && self.witness.count() > 0 {
            wrong.push("the witness was asked".to_string());
        }
        wrong
    }

    /// What must hold of a pass that a hostile server spoiled: decent, exit 1, nothing published or believed, `words`
    /// in what was said.
    pub fn spoiled(&self, ended: &Ended, words: &str) -> Vec<String> {
        let mut wrong = self.decent(ended);
        if ended.code != Some(1) {
            wrong.push(format!("exit {:?}", ended.code));
        }
        if !ended.stderr.contains(words) {
            wrong.push(format!("standard error lacks {words:?}"));
        }
        if self.witness.count() > 0 {
            wrong.push("the witness was asked".to_string());
        }
        if self.role == Role::Detector && !self.scratch.read("lib/history.log").is_empty() {
            wrong.push("the history has a line".to_string());
        }
        // What nobody was told of cannot be published.
        if let Some(address) = (self.role == Role::Provider).then(|| self.published()).flatten() {
            wrong.push(format!("{address} counts as published"));
        }
        wrong
    }

    /// What must hold where the server was good after all.
    pub fn good(&self, ended: &Ended) -> Vec<String> {
        let mut wrong = self.decent(ended);
        if ended.code != Some(0) || self.published().as_deref() != Some("198.41.0.4") {
            wrong.push(format!("exit {:?}, {:?} published", ended.code, self.published()));
        }
        wrong
    }

    /// What homing takes for published.
    pub fn published(&self) -> Option<String> {
        let status = Run::pass(&self.scratch).args(["--status", "--json"]).go();
        let objects = status.stdout.lines().filter_map(|line| json::parse(line).ok());
        objects.filter_map(|object| json::text(&object, "address").map(String::from)).next()
    }
}

/// A hostile reply.
pub struct Case {
    pub name: &'static str,
    pub reply: Reply,
    /// What must be said of it, to the detector and to the provider. `GOOD`: this one is fine.
    pub told: [&'static str; 2],
}

/// Nothing is wrong with it in this role.
pub const GOOD: &str = "(good)";

pub fn case(name: &'static str, reply: Reply, told: [&'static str; 2]) -> Case {
    Case { name, reply, told }
}

/// Meets each case in both roles. The server must have been asked once.
pub fn meet(cases: &[Case], parse: &str) {
    meet_over(cases, parse, None);
}

/// The same over TLS.
pub fn meet_tls(cases: &[Case], parse: &str, manner: Manner) {
    meet_over(cases, parse, Some(manner));
}

fn meet_over(cases: &[Case], parse: &str, manner: Option<Manner>) {
    let jobs: Vec<_> = cases.iter().flat_map(|case| BOTH.map(|role| (case, role))).collect();
    all(&jobs, |(case, role)| {
        let reply = case.reply.clone();
        let server = match manner {
            None => HttpServer::new(move |_| reply.clone()),
            Some(manner) => HttpServer::tls(&Pki::get().good, manner, move |_| reply.clone()),
        };
        let outing = Outing::new(*role, &server.url(), parse, "");
        outing.trust(&Pki::get().ca);
        let ended = outing.run().go();
        let told = case.told[*role as usize];
        let mut wrong = if told == GOOD { outing.good(&ended) } else { outing.spoiled(&ended, told) };
        if server.count() != 1 {
            wrong.push(format!("asked {} times", server.count()));
        }
        verdict(&format!("{} ({role:?})", case.name), wrong, &ended)
    });
}

/// Everything that was wrong with one outing, as one text.
pub fn verdict(name: &str, wrong: Vec<String>, ended: &Ended) -> Result<(), String> {
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(format!("{name}: {}\nstdout: {}\nstderr: {}", wrong.join("; "), ended.stdout, ended.stderr)),
    }
}

/// Does something for each of many, some at once, and fails with all that failed.
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
