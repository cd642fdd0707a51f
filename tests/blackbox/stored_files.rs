//! What is stored, where, and how files are handled that something else has damaged.

use crate::testbed::{
    adjusted, emulator_hides, left_out, mode, runner, seconds, set_mode, DnsServer, Home, HttpServer, Record, Reply,
    Run, Scratch, FOUR, OTHER,
};
use std::os::unix::fs::{symlink, MetadataExt};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::thread;

/// Calls that open a file for writing, in strace's notation.
fn writes(line: &&String) -> bool {
    ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "rename", "unlink", "mkdir", "truncate", "chmod", "chown", "link("]
        .iter()
        .any(|word| line.contains(word))
}

#[test]
fn an_unchanged_pass_writes_nothing_and_asks_once() {
    if emulator_hides("strace would see the emulator's calls") {
        return;
    }
    let four = HttpServer::new(|_| Reply::ok(FOUR));
    let six = DnsServer::on("[::1]:0", |query| vec![query.answer(&[Record::Address("2620:fe::fe".parse().unwrap())])]);
    let home = Home::new();
    let detectors = format!(
        "[detector:w]\nkind = web\nurl = {}/\n[detector:d]\nkind = dns\nserver = {}\nname = x.test\n",
        four.url(),
        six.address()
    );
    home.config("ipv4 = w\nipv6 = d", &detectors).passes(0);
    let before = (home.stored_files(), home.pushes(), four.count(), six.count());
    let stamps = |home: &Home| {
        let files = home.stored_files().into_iter().map(|(path, _)| path);
        let files = files.chain([home.scratch.path("lib")]);
        files
            .map(|path| path.metadata().unwrap())
            .map(|m| (m.ino(), m.mtime_nsec(), m.ctime_nsec()))
            .collect::<Vec<_>>()
    };
    let stamped = stamps(&home);
    let ended = home.pass().strace("%file,%desc,%network").go().expect(0).silent();
    let lib = home.scratch.path("lib").display().to_string();
    let below: Vec<&String> = ended.trace.iter().filter(|line| line.contains(&lib)).collect();
    assert!(below.iter().any(|line| line.contains("state.json")), "the trace contains the state file: {below:?}");
    assert_eq!(below.into_iter().filter(writes).collect::<Vec<_>>(), Vec::<&String>::new());
    assert!(!ended.trace.iter().any(|line| line.contains("fsync") || line.contains("fdatasync")));
    assert_eq!((home.stored_files(), home.pushes()), (before.0, before.1));
    assert_eq!((four.count(), six.count()), (before.2 + 1, before.3 + 1));
    assert_eq!(stamps(&home), stamped);
    assert!(four.asked().iter().all(|request| request.header("Authorization").is_none()));
    // Only the time of the pass is written, and on a file system in memory.
    let elsewhere: Vec<&String> = ended.trace.iter().filter(|line| line.contains("open") && writes(line)).collect();
    let run = home.scratch.path("run").display().to_string();
    assert!(elsewhere.iter().all(|line| line.contains(&run) || line.contains("/dev/")), "{elsewhere:?}");
}

#[test]
fn an_invalid_state_file_is_set_aside() {
    let home = Home::new();
    home.config("ipv4 = four", "").passes(0);
    let good = home.state();
    let contents: [(&str, Vec<u8>); 9] = [
        ("empty", Vec::new()),
        ("NUL", vec![0; 600]),
        ("truncated", good.as_bytes()[..good.len() / 2].to_vec()),
        ("binary", (0..=255).cycle().take(5000).collect()),
        ("a future version", good.replace("\"version\":1", "\"version\":2").into_bytes()),
        ("another's", b"{\"version\":1}".to_vec()),
        ("deep", vec![b'['; 100_000]),
        ("a wrong address", good.replace(FOUR, "198.41.0.400").into_bytes()),
        ("too large", vec![b' '; 9 << 20]),
    ];
    for (index, (name, bytes)) in contents.into_iter().enumerate() {
        std::fs::write(home.scratch.path("lib/state.json"), &bytes).unwrap();
        let ended = home.pass().go();
        assert_eq!(ended.code, Some(0), "{name}: {}", ended.stderr);
        assert_eq!(ended.stderr.matches("warning: ").count(), 1, "{name}: {}", ended.stderr);
        assert!(ended.stderr.contains("makes no sense") && ended.stderr.contains("state.json.bad"), "{}", ended.stderr);
        assert_eq!(std::fs::read(home.scratch.path("lib/state.json.bad")).unwrap(), bytes, "{name}");
        assert_eq!(home.pushes(), 2 + index, "{name}: one push more");
        home.passes(0).silent();
        assert_eq!(home.pushes(), 2 + index, "{name}");
    }
}

#[test]
fn an_unreadable_state_file_stops_the_pass() {
    type Spoil = fn(&Home);
    let spoil: [(&str, Spoil); 3] = [
        ("a folder", |home| drop(home.scratch.folder("lib/state.json"))),
        ("a pipe", |home| {
            let path = home.scratch.path("lib/state.json");
            assert!(Command::new("/usr/bin/mkfifo").arg(path).status().unwrap().success());
        }),
        ("a link", |home| {
            home.scratch.write("elsewhere", "{}", 0o600);
            symlink(home.scratch.path("elsewhere"), home.scratch.path("lib/state.json")).unwrap();
        }),
    ];
    for (name, spoil) in spoil {
        let home = Home::new();
        spoil(&home);
        let ended = home.config("ipv4 = four", "").pass().go();
        assert_eq!((ended.code, home.pushes()), (Some(1), 0), "{name}: {}", ended.stderr);
        assert!(ended.stderr.contains("nothing was pushed"), "{name}: {}", ended.stderr);
        assert_eq!(
            ended.stderr.contains("a symbolic link, which is not followed"),
            name == "a link",
            "{}",
            ended.stderr
        );
        assert!(!home.scratch.path("lib/state.json.bad").exists() && ended.took < seconds(5), "{name}");
    }
    let home = Home::new();
    assert!(Command::new("/usr/bin/mkfifo").arg(home.scratch.path("lib/history.log")).status().unwrap().success());
    let ended = home.config("ipv4 = four", "").pass().go();
    assert!(ended.code == Some(1) && ended.took < seconds(5) && ended.stderr.contains("history.log"));
}

/// Runs a pass as another user; only root can do this.
fn as_nobody(home: &Home) -> Option<crate::testbed::Ended> {
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        left_out("only root can become another user");
        return None;
    }
    let set = "/usr/bin/setpriv --reuid 65534 --regid 65534 --clear-groups --";
    let mut words: Vec<String> = set.split(' ').map(String::from).collect();
    // The binary is copied, since the build folder may not be accessible for others.
    let program = home.scratch.path("homing");
    let homing = runner::homing_at(&program).expect("it can be copied");
    set_mode(home.scratch.root(), 0o755);
    set_mode(&home.scratch.path("run"), 0o777);
    set_mode(&program, 0o755);
    std::os::unix::fs::chown(home.scratch.path("homing.conf"), Some(65534), Some(65534)).unwrap();
    words.extend(homing);
    words.extend(["-c".to_string(), "homing.conf".to_string()]);
    Some(Run::program(&home.scratch, &words).go())
}

#[test]
fn an_inaccessible_state_folder_stops_the_pass() {
    let home = Home::new();
    home.config("ipv4 = four", "").passes(0);
    let owned = |mode: u32| {
        for path in ["lib", "lib/state.json", "lib/history.log"] {
            std::os::unix::fs::chown(home.scratch.path(path), Some(65534), Some(65534)).unwrap();
        }
        set_mode(&home.scratch.path("lib"), mode);
    };
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        return left_out("only root can become another user");
    }
    home.config("ipv4 = other", "");
    owned(0o500);
    let before = home.state();
    let Some(ended) = as_nobody(&home) else { return };
    ended.expect(1).says("not pushed: cannot write");
    assert!(home.state() == before && home.pushes() == 1);
    owned(0o700);
    set_mode(&home.scratch.path("lib/state.json"), 0o000);
    as_nobody(&home).unwrap().expect(1).says("nothing was pushed");
    assert_eq!(home.pushes(), 1);
    set_mode(&home.scratch.path("lib/state.json"), 0o600);
    as_nobody(&home).unwrap().expect(0);
    assert_eq!(home.sent(), [FOUR, OTHER]);
    // Files that root writes in another user's folder belong to that user. A folder of a third user is rejected.
    home.config("ipv4 = four", "").passes(0);
    for path in ["lib/state.json", "lib/history.log"] {
        assert_eq!(home.scratch.path(path).metadata().unwrap().uid(), 65534, "{path}");
    }
    std::os::unix::fs::chown(home.scratch.path("lib"), Some(65533), None).unwrap();
    set_mode(&home.scratch.path("lib"), 0o755);
    as_nobody(&home).unwrap().expect(1).says("belongs to user 65533");
}

#[test]
fn missing_or_world_writable_folders_are_rejected() {
    let home = Home::new();
    home.config("ipv4 = four", "");
    set_mode(&home.scratch.path("lib"), 0o777);
    home.passes(1).says("chmod go-w");
    set_mode(&home.scratch.path("lib"), 0o770);
    home.passes(1).says("chmod go-w");
    std::fs::remove_dir(home.scratch.path("lib")).unwrap();
    home.passes(1).says("install -d -m 700");
    assert!(home.pushes() == 0 && !home.scratch.path("lib").exists());
}

#[test]
fn symbolic_links_of_other_users_are_not_followed() {
    let home = Home::new();
    let victim = home.scratch.write("victim", "precious", 0o600);
    for name in ["lib/.state.json.new", "lib/history.log", "run/x"] {
        symlink(&victim, home.scratch.path(name)).unwrap_or_else(|_| {
            home.scratch.folder("run");
            symlink(&victim, home.scratch.path(name)).unwrap();
        });
    }
    home.config("ipv4 = four", "").passes(1).says("history.log: a symbolic link");
    assert_eq!(home.scratch.read("victim"), "precious");
    std::fs::hard_link(&victim, home.scratch.path("lib/.state.json.new")).unwrap();
    home.config("ipv4 = other", "").pass().go();
    assert_eq!(home.scratch.read("victim"), "precious");
}

#[test]
fn file_modes_do_not_depend_on_umask() {
    for umask in ["000", "027", "077"] {
        let home = Home::new();
        home.config("ipv4 = four", "");
        let homing = runner::homing_line();
        let line = format!("umask {umask}; exec {homing} -c homing.conf");
        Run::program(&home.scratch, &["/bin/sh", "-c", &line]).go().expect(0);
        assert_eq!(mode(&home.scratch.path("lib/state.json")), 0o600, "umask {umask}");
        let history = mode(&home.scratch.path("lib/history.log"));
        assert!(history == 0o640 || umask != "000" && history & !0o640 == 0, "umask {umask}: {history:o}");
        let strays = home.scratch.files().into_iter().filter(|(path, _)| mode(path) & 0o022 != 0);
        assert_eq!(strays.count(), 0, "umask {umask}");
    }
}

#[test]
fn a_truncated_history_line_is_completed() {
    let line = "2026-11-20T12:00:00Z ipv4 193.0.14.129 four";
    for (before, kept) in [
        (format!("{line}\n2026-11-20T12:0"), format!("{line}\n")),
        (format!("{line}\n{}", "\0".repeat(40)), format!("{line}\n")),
        (line.to_string(), format!("{line}\n")),
        (format!("# mine\n{line}\n\nnot ours\n"), format!("# mine\n{line}\n\nnot ours\n")),
        ("\0".repeat(300), String::new()),
        (String::new(), String::new()),
    ] {
        let home = Home::new();
        home.scratch.write("lib/history.log", &before, 0o640);
        home.config("ipv4 = four", "").passes(0);
        let rest = home.history().strip_prefix(&kept).map(str::to_string);
        let rest = rest.unwrap_or_else(|| panic!("{before:?} became {:?}", home.history()));
        assert!(rest.ends_with(" ipv4 198.41.0.4 four\n") && rest.lines().count() == 1, "{before:?}: {rest:?}");
        home.pass().args(["--history"]).go().expect(0);
    }
    // The unterminated last line is this address: it is completed and not written again.
    let home = Home::new();
    home.scratch.write("lib/history.log", &format!("{line}\n2026-11-20T12:05:00Z ipv4 198.41.0.4 four"), 0o640);
    home.config("ipv4 = four", "").passes(0);
    assert_eq!(home.history(), format!("{line}\n2026-11-20T12:05:00Z ipv4 198.41.0.4 four\n"));
    // The last address is found before many lines of another format.
    let home = Home::new();
    let many = format!("2026-11-20T12:00:00Z ipv4 {FOUR} four\n{}", "junk\n".repeat(30_000));
    home.scratch.write("lib/history.log", &many, 0o640);
    home.config("ipv4 = four", "").passes(0);
    assert_eq!(home.history(), many);
}

#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs HTTPS")]
fn log_only_keeps_the_history_without_providers() {
    let home = Home::new();
    home.config("ipv4 = four\nhistory_when = always", "");
    (0..3).for_each(|_| drop(home.passes(0)));
    let history = home.history();
    assert_eq!(history.lines().filter(|line| line.ends_with("Z ipv4 198.41.0.4 four")).count(), 3, "{history}");

    let web = HttpServer::new(|_| Reply::ok(FOUR));
    let scratch = Scratch::new();
    let log = |how: &str| {
        let words = ["--log-only", "--set", "history=ip.log", "--set", how];
        Run::new(&scratch).args(words).arg("--set").arg(format!("detector:ipify.url={}", web.url())).go()
    };
    (0..2).for_each(|_| drop(log("history_when=change").expect(0)));
    log("history_when=always").expect(0);
    let lines = scratch.read("ip.log");
    assert_eq!((lines.lines().count(), web.count()), (2, 3), "{lines}");
    assert!(lines.lines().all(|line| line.ends_with("Z ipv4 198.41.0.4 ipify")), "{lines}");
    let left: Vec<_> = scratch.files().into_iter().filter(|(path, _)| !path.starts_with(scratch.path("run"))).collect();
    assert_eq!(left.len(), 1, "only the history: {left:?}");
    assert_eq!(mode(&scratch.path("ip.log")), 0o640);
}

#[test]
fn concurrent_passes_send_one_update() {
    let home = Home::new();
    home.config("ipv4 = four", "");
    thread::scope(|scope| {
        let passes: Vec<_> = (0..20).map(|_| scope.spawn(|| home.pass().go())).collect();
        for pass in passes {
            pass.join().unwrap().expect(0);
        }
    });
    assert_eq!((home.pushes(), home.history().lines().count()), (1, 1));
    assert!(!home.scratch.path("lib/.state.json.new").exists());
}

#[test]
fn a_pass_reports_a_lock_it_cannot_get() {
    let home = Home::new();
    home.config("ipv4 = four\ndeadline = 1s", "");
    let lock = home.filled("exec 9< {dir}/lib; flock 9; echo held; exec sleep 60 9<&9");
    let mut holder = Command::new("/bin/sh");
    let mut holder = holder.args(["-c", &lock]).process_group(0).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut held = [0; 5];
    std::io::Read::read_exact(holder.stdout.as_mut().unwrap(), &mut held).unwrap();
    let ended = home.pass().go();
    // The lock is released with its holder, however that ends.
    holder.kill().unwrap();
    holder.wait().unwrap();
    let ended = ended.expect(1).says("another pass");
    assert!(home.pushes() == 0 && ended.took.as_millis() >= 900, "{:?}", ended.took);
    assert!(home.stored_files().is_empty());
    home.passes(0);
}

#[test]
fn the_history_records_one_source_under_its_own_lock() {
    let home = Home::new();
    home.scratch.folder("lib/h");
    let head = "history = {dir}/lib/h/history.log\nipv4 = here\ndeadline = 1s";
    // `config` already sets the history, and a key may occur only once.
    let config = |home: &Home| {
        home.config("ipv4 = here", "[two]\nprovider = dyndns2\nurl = {url}/\nuser = u\npassword = canary-s3cret\nhosts = b.example.org\nipv4 = other");
        let text = home.scratch.read("homing.conf");
        let old = home.filled("history = {dir}/lib/history.log\nipv4 = here");
        home.scratch.write("homing.conf", &text.replace(&old, &adjusted(&home.filled(head))), 0o600);
    };
    config(&home);
    let history = || home.scratch.read("lib/h/history.log");
    home.set_detected(FOUR).passes(0);
    assert_eq!(history().lines().count(), 1);
    // An answer of the other section's detector is no change here, also if the own detector is not asked or fails.
    home.pass().arg("--only").arg("two").arg("--force").go().expect(0);
    home.set_detected("nothing").passes(1);
    assert_eq!(history().lines().count(), 1);

    // A running --log-only pass holds the lock on the history: nothing is appended meanwhile.
    let folder = std::fs::File::open(home.scratch.path("lib/h")).expect("there");
    folder.lock().expect("free");
    home.set_detected(OTHER).pass().go().expect(1).says("another pass is still at work");
    assert_eq!(history().lines().count(), 1);
    drop(folder);
    home.passes(0);
    assert_eq!(history().lines().count(), 2);
}
