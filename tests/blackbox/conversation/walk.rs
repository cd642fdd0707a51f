//! The test that walks all conversations.

use super::format::parse;
use super::play::play;
use crate::world::{Run, Scratch};
use homing::provider;
use homing::types::json;
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

/// Whether this build leaves out the provider of a folder (`FEATURES`); without TLS, nothing at all is known of most.
fn left_out(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    provider::left_out(name).is_some() || cfg!(not(feature = "tls")) && provider::named(name).is_none()
}

/// `HOMING_CASE=dyndns2/good` takes those whose name holds this text.
fn cases() -> Vec<PathBuf> {
    let wanted = std::env::var("HOMING_CASE").unwrap_or_default();
    let files = listed(&folder())
        .into_iter()
        .filter(|path| path.is_dir() && !left_out(path))
        .flat_map(|folder| listed(&folder));
    files.filter(|path| path.to_string_lossy().contains(&wanted)).collect()
}

/// Reads and plays one.
fn walk(path: &Path) -> Result<(), String> {
    let text = fs::read_to_string(path).map_err(|e| e.to_string())?;
    let conversation = parse(&text)?;
    let played = catch_unwind(AssertUnwindSafe(|| play(&conversation)));
    let panicked = |cause: Box<dyn std::any::Any + Send>| {
        let text = cause.downcast_ref::<String>().cloned();
        text.or_else(|| cause.downcast_ref::<&str>().map(|s| s.to_string())).unwrap_or_default()
    };
    played.unwrap_or_else(|cause| Err(panicked(cause)))
}

#[test]
fn conversations_go_as_written() {
    let cases = cases();
    assert!(!cases.is_empty(), "no conversation is named so");
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(path) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(why) = walk(path) {
                        failed.lock().unwrap().push(format!("{}: {why}", path.display()));
                    }
                }
            });
        }
    });
    let mut failed = failed.into_inner().unwrap();
    failed.sort();
    // Past libtest's capture: the number is part of what a run shows.
    let line = format!("{} conversations, {} failed\n", cases.len(), failed.len());
    let _ = std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes());
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

#[test]
fn every_conversation_can_be_read() {
    let wrong = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        parse(&text).err().map(|why| format!("{}: {why}", path.display()))
    };
    let wrong: Vec<_> = cases().into_iter().filter_map(wrong).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A row in the table of providers without conversations fails here, and so does a folder of a provider that is
/// not in it.
#[test]
#[cfg_attr(not(all(feature = "tls", feature = "advice")), ignore = "needs --list, and what speaks HTTPS")]
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
    let folders = listed(&folder());
    // What this build leaves out has its folder all the same.
    let out: Vec<String> = folders.iter().filter(|path| left_out(path)).cloned().map(name).collect();
    let features =
        provider::FEATURES.iter().filter(|(_, names)| names.iter().any(|name| out.iter().any(|out| out == name)));
    let mut whole: Vec<&str> = features.flat_map(|(_, names)| *names).copied().collect();
    whole.sort();
    assert_eq!(out, whole, "what a feature brings is there or not as a whole");
    let folders: BTreeSet<String> = folders.into_iter().filter(|path| !left_out(path)).map(name).collect();
    assert_eq!(listed_names, folders);
    // What a service that is asked over HTTP must show: an update, an address that was there, both families or why
    // not, a no, and nonsense.
    let of_http = |o: &&json::Json| json::text(o, "sent").is_some_and(|_| json::text(o, "kind") == Some("preset"));
    for provider in providers.iter().filter(of_http).filter_map(names).chain(["duckdns".into(), "afraid".into()]) {
        let cases: Vec<String> = listed(&folder().join(&provider)).into_iter().map(name).collect();
        for begins in [&["update"][..], &["unchanged"], &["dual", "four-only"], &["refused"], &["garbage"]] {
            let shown = cases.iter().any(|case| begins.iter().any(|begin| case.starts_with(begin)));
            assert!(shown, "{provider} has no conversation that shows {begins:?}: {cases:?}");
        }
    }
}
