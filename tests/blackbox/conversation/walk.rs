//! Plays all conversations: those in each provider's folder, and the shared ones with each service.

use super::format::{parse, Conversation};
use super::play::play;
use super::service::{Service, Shared};
use crate::testbed::{Run, Scratch};
use homing::internals::json;
use homing::internals::provider;
use std::collections::BTreeSet;
use std::fs;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Mutex;
use std::thread;

const THREADS: usize = 4;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conversations")
}

fn listed(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

/// Whether this build leaves out the provider of a folder; without TLS, nothing at all is known of most.
fn left_out(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    provider::left_out(name).is_some() || cfg!(not(feature = "tls")) && provider::named(name).is_none()
}

/// A conversation and its name in messages and `HOMING_CASE`: `joker/update`.
struct Case {
    name: String,
    text: String,
}

/// The text of a file.
fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A path's last part without `.txt`.
fn stem(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().trim_end_matches(".txt").to_string()
}

/// The facts in `NAME/service.txt`; none if there is no such file.
fn service(name: &str) -> Option<Service> {
    let path = folder().join(name).join("service.txt");
    let text = path.exists().then(|| read(&path))?;
    Some(Service::parse(name, &text, service).unwrap_or_else(|why| panic!("{}: {why}", path.display())))
}

/// The folders of this build's providers and presets.
fn folders() -> Vec<PathBuf> {
    listed(&folder()).into_iter().filter(|path| stem(path) != "shared" && !left_out(path)).collect()
}

/// The shared conversations with their names.
fn shared() -> Vec<(String, Shared)> {
    let parse = |path: PathBuf| {
        let shared = Shared::parse(&read(&path)).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        (stem(&path), shared)
    };
    listed(&folder().join("shared")).into_iter().map(parse).collect()
}

/// The conversations of a folder, and if it is a service's, the shared ones that are for it.
fn cases_of(folder: &Path, shared: &[(String, Shared)]) -> Vec<Case> {
    let name = stem(folder);
    let own = listed(folder).into_iter().filter(|path| stem(path) != "service");
    let own = own.map(|path| Case { name: format!("{name}/{}", stem(&path)), text: read(&path) });
    let service = service(&name).filter(Service::is_complete);
    let fill = |(case, shared): &(String, Shared)| {
        let service = service.as_ref().filter(|service| shared.is_for(service))?;
        let text = service.fill(shared).unwrap_or_else(|why| panic!("{name} with shared/{case}.txt: {why}"));
        Some(Case { name: format!("{name}/{case}"), text })
    };
    own.chain(shared.iter().filter_map(fill)).collect()
}

/// `HOMING_CASE=dyndns2/good` takes those whose name holds this text.
fn cases() -> Vec<Case> {
    let wanted = std::env::var("HOMING_CASE").unwrap_or_default();
    let shared = shared();
    let all = folders().into_iter().flat_map(|folder| cases_of(&folder, &shared));
    all.filter(|case| case.name.contains(&wanted)).collect()
}

fn read_case(case: &Case) -> Result<Conversation, String> {
    // The line numbers of a shared conversation are those of the text with the facts filled in.
    parse(&case.text).map_err(|why| format!("{why}\nin\n{}", case.text))
}

/// Reads and plays one.
fn walk(case: &Case) -> Result<(), String> {
    let conversation = read_case(case)?;
    let played = catch_unwind(AssertUnwindSafe(|| play(&conversation)));
    let panicked = |cause: Box<dyn std::any::Any + Send>| {
        let text = cause.downcast_ref::<String>().cloned();
        text.or_else(|| cause.downcast_ref::<&str>().map(|s| s.to_string())).unwrap_or_default()
    };
    played.unwrap_or_else(|cause| Err(panicked(cause)))
}

#[test]
fn conversations_pass() {
    let cases = cases();
    assert!(!cases.is_empty(), "no conversation has this name");
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(why) = walk(case) {
                        failed.lock().unwrap().push(format!("{}: {why}", case.name));
                    }
                }
            });
        }
    });
    let mut failed = failed.into_inner().unwrap();
    failed.sort();
    // Printed past libtest's capture, so that every run shows the number.
    let line = format!("{} conversations, {} failed\n", cases.len(), failed.len());
    let _ = std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes());
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

#[test]
fn conversations_can_be_parsed() {
    let wrong = |case: Case| read_case(&case).err().map(|why| format!("{}: {why}", case.name));
    let wrong: Vec<_> = cases().into_iter().filter_map(wrong).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A row in the table of providers without conversations fails here, and so does a folder of a provider that is
/// not in it.
#[test]
#[cfg_attr(not(all(feature = "tls", feature = "advice")), ignore = "needs --list, and HTTPS")]
fn every_listed_provider_has_conversations() {
    let scratch = Scratch::new();
    let list = Run::new(&scratch).args(["--list", "--json"]).go();
    let objects = list.stdout.lines().filter_map(|line| json::parse(line).ok());
    let listed_kinds = ["provider", "preset"].map(Some);
    let providers: Vec<_> = objects.filter(|o| listed_kinds.contains(&json::text(o, "kind"))).collect();
    let names = |o: &json::Json| json::text(o, "name").map(String::from);
    let listed_names: BTreeSet<String> = providers.iter().filter_map(names).collect();
    assert!(!listed_names.is_empty(), "--list --json names none: {list:?}");
    let name = |path: PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    let folders: Vec<PathBuf> = listed(&folder()).into_iter().filter(|path| stem(path) != "shared").collect();
    // What this build leaves out has a folder nevertheless.
    let out: Vec<String> = folders.iter().filter(|path| left_out(path)).cloned().map(name).collect();
    for row in provider::rows().filter(|row| row.make.is_none()) {
        assert!(out.iter().any(|name| name == row.name), "{} is left out and has no folder", row.name);
    }
    let folders: BTreeSet<String> = folders.into_iter().filter(|path| !left_out(path)).map(name).collect();
    assert_eq!(listed_names, folders);
    // What a service that is asked over HTTP must show: an update, an address that was there, both families or why
    // not, a no, and nonsense.
    let of_http = |o: &&json::Json| json::text(o, "sent").is_some_and(|_| json::text(o, "kind") == Some("preset"));
    let shared = shared();
    for provider in providers.iter().filter(of_http).filter_map(names).chain(["duckdns".into(), "afraid".into()]) {
        let cases: Vec<String> =
            cases_of(&folder().join(&provider), &shared).into_iter().map(|case| case.name).collect();
        for begins in [&["update"][..], &["unchanged"], &["dual", "four-only"], &["refused"], &["garbage"]] {
            let shown =
                cases.iter().any(|case| begins.iter().any(|begin| case.starts_with(&format!("{provider}/{begin}"))));
            assert!(shown, "{provider} has no conversation that shows {begins:?}: {cases:?}");
        }
    }
    // The short facts in `--list` agree with the conversations.
    for provider in providers.iter().filter(of_http) {
        let Some(service) = names(provider).and_then(|name| service(&name)) else { continue };
        let flag = |key: &str| json::flag(provider, key);
        let stated = |fact: &str| Some(service.fact(fact).is_some());
        let families = json::list(provider, "families").len();
        assert_eq!(families, if service.fact("ipv6").is_some() { 2 } else { 1 }, "families of {provider:?}");
        assert_eq!(flag("together"), stated("both"), "both families in one request: {provider:?}");
        assert_eq!(flag("lists"), stated("lists"), "lists of hosts: {provider:?}");
        assert_eq!(json::text(provider, "sent") == Some("header"), service.fact("login").is_some(), "{provider:?}");
        let needed = json::list(provider, "needs").iter().filter_map(|key| key.get::<String>());
        let needed: BTreeSet<&str> = needed.map(|key| key.trim_end_matches('*')).collect();
        assert_eq!(needed, service.keys(), "keys that a section must have: {provider:?}");
    }
}

/// A shared conversation without a service would test nothing.
#[test]
fn every_shared_conversation_is_played_with_a_service() {
    let names: Vec<String> = listed(&folder()).iter().map(|path| stem(path)).collect();
    let services: Vec<Service> = names.iter().filter_map(|name| service(name)).filter(Service::is_complete).collect();
    let shared = shared();
    assert!(!shared.is_empty(), "there are no shared conversations");
    for (name, shared) in shared {
        assert!(services.iter().any(|service| shared.is_for(service)), "shared/{name}.txt is for no service");
    }
}
