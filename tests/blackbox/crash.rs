//! A pass is killed at a system call, or its calls fail. Afterwards the state file is the old or the new one, the
//! history has complete lines, the next pass finishes the work, and at most one section's updates are repeated.

use crate::testbed::{emulator_hides, left_out, runner, Ended, Home, Run, FOUR, OTHER};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread;

const WORK: &str =
    "[work]\nprovider = dyndns2\nurl = {url}/work\nuser = bob\npassword = hunter22\nhosts = w.example.org\n";
/// No pass makes this many calls of one kind; if a sweep gets here, it is broken.
const FAR: usize = 150;

/// A pass with faults injected into its system calls, in strace's notation.
fn injected(home: &Home, words: &[String]) -> Ended {
    let mut all: Vec<String> = ["/usr/bin/strace", "-f", "-qq", "-o", "/dev/null"].map(String::from).to_vec();
    all.extend(words.iter().cloned());
    all.push("--".into());
    all.extend(runner::homing());
    all.extend(["-c", "homing.conf"].map(String::from));
    Run::program(&home.scratch, &all).go()
}

/// Whether strace works here; reported if not.
fn ready() -> bool {
    let there = Path::new("/usr/bin/strace").exists();
    assert!(there, "strace is missing: apt-get install strace");
    !emulator_hides("strace would see the emulator's calls")
}

/// Two sections of three hosts with one address in the state and another one in the settings.
fn moved() -> (Home, Vec<(PathBuf, Vec<u8>)>) {
    let home = Home::new();
    home.config("ipv4 = four", &format!("[more]\nprovider = dyndns2\nurl = {{url}}/more\nuser = bob\npassword = hunter22\nhosts = b.example.org, c.example.org\n{WORK}"));
    home.passes(0);
    let memory = home.stored_files();
    let config = home.scratch.read("homing.conf").replace("ipv4 = four", "ipv4 = other");
    home.scratch.write("homing.conf", &config, 0o600);
    (home, memory)
}

/// Restores the files below `lib`.
fn restore(home: &Home, memory: &[(PathBuf, Vec<u8>)]) {
    for (path, _) in home.stored_files() {
        std::fs::remove_file(path).unwrap();
    }
    for (path, bytes) in memory {
        std::fs::write(path, bytes).unwrap();
    }
}

fn whole_lines(home: &Home) -> bool {
    let history = home.history();
    let good = |line: &str| {
        line.len() > 30 && line.contains("Z ipv4 ") && [" four", " other"].iter().any(|end| line.ends_with(end))
    };
    history.ends_with('\n') && history.lines().all(good)
}

/// Which updates were sent since then, and how often each.
fn since(home: &Home, from: usize) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for request in &home.provider.asked()[from..] {
        *counts.entry(request.target.clone()).or_default() += 1;
    }
    counts
}

/// The pass after an interrupted one completes what is left.
fn converges(home: &Home, from: usize, what: &str) {
    let state = home.state();
    assert!(state.starts_with("{\"version\":1") && state.ends_with("}\n"), "{what}: {state}");
    assert!(whole_lines(home), "{what}: {:?}", home.history());
    let ended = home.pass().go();
    assert_eq!(ended.code, Some(0), "{what}: {}", ended.stderr);
    assert!(!ended.stderr.contains("makes no sense"), "{what}: {}", ended.stderr);
    let counts = since(home, from);
    assert_eq!(counts.len(), 4, "{what}: {counts:?}");
    let sections: Vec<&str> =
        counts.iter().filter(|(_, n)| **n > 1).map(|(target, _)| target.split('?').next().unwrap()).collect();
    assert!(sections.windows(2).all(|pair| pair[0] == pair[1]), "{what}: more than one section again: {counts:?}");
    assert!(counts.values().all(|n| *n <= 2), "{what}: {counts:?}");
    let pushed = home.pushes();
    home.passes(0).silent();
    assert!(
        home.pushes() == pushed && !home.state().contains(FOUR.trim()) | home.state().contains("changes"),
        "{what}"
    );
    assert!(whole_lines(home) && home.history().lines().count() == 2, "{what}: {:?}", home.history());
    assert!(!home.scratch.path("lib/state.json.bad").exists(), "{what}");
    assert!(!home.scratch.path("lib/.state.json.new").exists(), "{what}: a stray file");
}

/// Kills at the first, second, … call of these names until a pass ends by itself; returns how many were killed.
fn sweep(calls: &str, signal: &str) -> usize {
    let (home, memory) = moved();
    for n in 1..FAR {
        restore(&home, &memory);
        let (from, what) = (home.pushes(), format!("{signal} at {calls} {n}"));
        let ended = injected(&home, &["-e".into(), format!("inject={calls}:signal={signal}:when={n}")]);
        converges(&home, from, &what);
        if let Some(code) = ended.code {
            assert_eq!(code, 0, "{what}: {}", ended.stderr);
            return n - 1;
        }
    }
    panic!("{calls} is called more than {FAR} times");
}

#[test]
fn a_kill_at_any_system_call_leaves_valid_files() {
    if !ready() {
        return;
    }
    thread::scope(|scope| {
        let sweeps = [
            ("write", 8),
            ("/^rename", 7),
            ("/^f(data)?sync$", 13),
            ("/^send(to|msg)$", 4),
            ("connect", 4),
            ("/^unlink", 6),
        ];
        let running = sweeps.map(|(calls, least)| (calls, least, scope.spawn(move || sweep(calls, "KILL"))));
        for (calls, least, running) in running {
            let count = running.join().unwrap();
            assert!(count >= least, "only {count} calls of {calls}: does the sweep see them?");
        }
    });
}

#[test]
fn sigterm_while_writing_leaves_valid_files() {
    if ready() {
        assert!(sweep("/^rename", "TERM") >= 7);
    }
}

/// Killed repeatedly after the server answered and before the result is stored.
#[test]
fn crashes_after_each_update_do_not_repeat_updates_forever() {
    if !ready() {
        return;
    }
    let home = Home::new();
    home.config("ipv4 = four", "");
    for _ in 0..12 {
        injected(&home, &["-e".into(), "inject=/^rename:signal=KILL:when=2".into()]);
    }
    assert_eq!(home.pushes(), 2, "once and once again, then back-off");
    assert!(home.state().contains("begun"));
}

/// strace's arguments that inject a fault into calls on the stored files only.
fn on_memory(home: &Home, inject: String) -> Vec<String> {
    let mut words = vec!["-e".to_string(), inject];
    for name in ["lib", "lib/state.json", "lib/.state.json.new", "lib/history.log"] {
        words.extend(["-P".to_string(), home.scratch.path(name).display().to_string()]);
    }
    words
}

#[test]
fn the_pass_after_a_failed_system_call_recovers() {
    if !ready() {
        return;
    }
    let cases = [("write", "ENOSPC"), ("/^f(data)?sync$", "EIO"), ("/^rename", "EIO"), ("openat", "EROFS")];
    thread::scope(|scope| {
        for (calls, error) in cases {
            scope.spawn(move || {
                let (home, memory) = moved();
                let mut failed = 0;
                for n in 1..FAR {
                    restore(&home, &memory);
                    let (from, what) = (home.pushes(), format!("{error} at {calls} {n}"));
                    let ended = injected(&home, &on_memory(&home, format!("inject={calls}:error={error}:when={n}")));
                    assert!(
                        ended.code == Some(1) || ended.code == Some(0),
                        "{what}: {:?} {}",
                        ended.code,
                        ended.stderr
                    );
                    if ended.code == Some(0) {
                        break;
                    }
                    failed += 1;
                    let reported = ended.stderr.contains("lib/state.json")
                        || ended.stderr.contains("history.log")
                        || ended.stderr.contains("/lib");
                    assert!(reported, "{what}: the path is named: {}", ended.stderr);
                    converges(&home, from, &what);
                }
                assert!(failed >= 6 || calls == "write" && failed >= 4, "only {failed} calls of {calls} mattered");
            });
        }
    });
}

#[test]
fn nothing_is_sent_if_the_state_cannot_be_written() {
    if !ready() {
        return;
    }
    for (calls, error) in [("write", "ENOSPC"), ("/^f(data)?sync$", "EIO"), ("/^rename", "EROFS"), ("write", "EDQUOT")]
    {
        let (home, _) = moved();
        let (state, pushed) = (home.state(), home.pushes());
        for _ in 0..3 {
            let ended = injected(&home, &on_memory(&home, format!("inject={calls}:error={error}")));
            assert_eq!(ended.code, Some(1), "{calls} {error}: {}", ended.stderr);
            assert!(ended.stderr.contains("not pushed"), "{}", ended.stderr);
            assert!(home.pushes() == pushed && home.state() == state && whole_lines(&home), "{calls} {error}");
            assert!(!home.scratch.path("lib/.state.json.new").exists(), "{calls} {error}: a stray file");
        }
    }
}

#[test]
fn interrupted_system_calls_are_repeated() {
    if !ready() {
        return;
    }
    let (home, _) = moved();
    let from = home.pushes();
    let calls = "openat,read,write,flock,ftruncate,/^f(data)?sync$";
    let ended = injected(&home, &on_memory(&home, format!("inject={calls}:error=EINTR:when=1+2")));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    converges(&home, from, "EINTR");
    assert_eq!(home.pushes(), from + 4);
}

/// A small disk in its own mount namespace: full, then read-only.
#[test]
fn full_and_read_only_disks_are_reported() {
    if !ready() {
        return;
    }
    let (home, _) = moved();
    let (state, pushed) = (home.state(), home.pushes());
    let homing = runner::homing_line();
    let mount = "mkdir small && mount -t tmpfs -o size=16k,mode=700 none small && cp -p lib/* small/ && mount --bind small lib || exit 99";
    for (spoil, says) in [
        ("dd if=/dev/zero of=lib/fill bs=1k count=64 2>/dev/null", "No space left"),
        ("mount -o remount,bind,ro lib", "Read-only file system"),
    ] {
        let line = format!("{mount}; {spoil}; {homing} -c homing.conf; code=$?; cat lib/state.json > after; cat lib/history.log > log; ls -a lib > names; exit $code");
        let ended = Run::program(&home.scratch, &["/usr/bin/unshare", "-m", "--", "/bin/sh", "-c", &line]).go();
        std::fs::remove_dir_all(home.scratch.path("small")).unwrap_or_default();
        if ended.code == Some(99) || ended.stderr.contains("unshare failed") {
            return left_out("no mount namespaces here");
        }
        let ended = ended.expect(1).says(says);
        assert!(ended.stderr.contains("not pushed"), "{}", ended.stderr);
        assert_eq!((home.scratch.read("after"), home.pushes()), (state.clone(), pushed), "{says}");
        assert!(home.scratch.read("log").ends_with('\n') && !home.scratch.read("names").contains(".new"), "{says}");
    }
    assert!(home.passes(0).stdout.contains(OTHER));
}
