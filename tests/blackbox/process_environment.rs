//! The environment of the process: closed or full standard streams, no variables, few descriptors, and the deadline.

use crate::testbed::{emulator_hides, mode, runner, seconds, Ended, Home, HttpServer, Reply, Run, FOUR};

/// A pass run by a line of shell; HOMING in it is replaced by the command.
fn under(home: &Home, line: &str) -> Ended {
    let command = format!("{} -c homing.conf", runner::homing_line());
    Run::program(&home.scratch, &["/bin/sh", "-c", &line.replace("HOMING", &command)]).go()
}

#[test]
fn closed_or_full_standard_streams_do_not_matter() {
    for line in [
        "exec HOMING 0<&-",
        "exec HOMING 1>&-",
        "exec HOMING 2>&-",
        "exec HOMING 0<&- 1>&- 2>&-",
        "exec HOMING -v 0<&- 1>&- 2>&-",
        "exec HOMING -v > /dev/full 2> /dev/full",
        "{ HOMING -v; echo $? > code; } | true; exit $(cat code)",
    ] {
        let home = Home::new();
        home.config("ipv4 = four", "");
        let ended = under(&home, line);
        assert_eq!(ended.code, Some(0), "{line}: {}", ended.stderr);
        assert!(home.state().starts_with("{\"version\":1") && home.state().contains(FOUR), "{line}: {}", home.state());
        assert_eq!((home.history().lines().count(), home.pushes()), (1, 1), "{line}");
        assert!(home.history().ends_with(" four\n"), "{line}: {}", home.history());
    }
    let home = Home::with(|_| Reply::ok("badauth"));
    assert_eq!(under(home.config("ipv4 = four", ""), "exec HOMING 2> /dev/full").code, Some(3));
}

#[test]
fn an_unread_pipe_does_not_block_a_pass() {
    let home = Home::new();
    home.config("ipv4 = four", "");
    // Opened for reading but never read, and filled first.
    let line = "mkfifo pipe; exec 3<>pipe; dd if=/dev/zero of=pipe bs=4096 count=16 2>/dev/null; HOMING -v 1>&3 2>&3";
    let ended = under(&home, line);
    assert_eq!(ended.code, Some(0));
    assert!(home.state().contains(FOUR) && home.pushes() == 1);
    assert!(ended.took < seconds(5), "{:?}", ended.took);
}

#[test]
fn an_empty_environment_is_enough() {
    let home = Home::new();
    home.config("ipv4 = four", "");
    assert_eq!(under(&home, "exec env -i RUNTIME_DIRECTORY=run HOMING").code, Some(0));
    assert_eq!(home.pushes(), 1);
}

#[test]
fn hostile_environment_variables_have_no_effect() {
    let home = Home::new();
    let trap = HttpServer::new(|_| Reply::ok("good"));
    home.config("ipv4 = four", "");
    let mut run = home.pass().env("MINREQ_TIMEOUT", "0").env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
    for name in ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        run = run.env(name, trap.url());
    }
    run.env("SSLKEYLOGFILE", home.scratch.path("keys")).go().expect(0);
    assert_eq!((home.pushes(), trap.count()), (1, 0));
    assert!(!home.scratch.path("keys").exists());
}

#[test]
fn low_resource_limits_end_a_pass_cleanly() {
    if emulator_hides("the emulator needs descriptors and space of its own") {
        return;
    }
    for limit in ["ulimit -n 8", "ulimit -n 6", "ulimit -n 4", "ulimit -v 60000", "ulimit -s 256"] {
        let home = Home::new();
        home.config("ipv4 = here", "").set_detected(FOUR);
        let ended = under(&home, &format!("{limit}; exec HOMING"));
        let code = ended.code.unwrap_or_else(|| panic!("{limit}: killed by a signal: {}", ended.stderr));
        assert!(code == 1 || code == 0, "{limit}: {code} {}", ended.stderr);
        assert_eq!(code == 0, home.state().contains("\"ipv4 198.41.0.4 "), "{limit}: {}", home.state());
        assert!(code == 0 || !ended.stderr.is_empty(), "{limit}: not a word");
        assert!(!ended.stderr.contains("internal error"), "{limit}: {}", ended.stderr);
        assert!(home.history().is_empty() || home.history().ends_with(" here\n"), "{limit}: {}", home.history());
        // The next pass succeeds.
        home.config("ipv4 = four", "");
        home.pass().arg("--force").go().expect(0);
    }
}

#[test]
fn no_core_dump_is_written() {
    let home = Home::new();
    let limits = home.filled("[detector:d]\nkind = command\ncommand = /bin/sh -c 'ulimit -c > {dir}/limit; cat /proc/$PPID/limits > {dir}/limits; echo 198.41.0.4'");
    home.config("ipv4 = d", &limits);
    assert_eq!(under(&home, "ulimit -c unlimited; exec HOMING").code, Some(0));
    assert_eq!(home.scratch.read("limit").trim(), "0");
    let all = home.scratch.read("limits");
    let core: Vec<&str> = all.lines().filter(|line| line.starts_with("Max core")).collect();
    assert!(all.is_empty() || core[0].split_whitespace().filter(|word| *word == "0").count() == 2, "{core:?}");
}

/// Updates cut off by `deadline` stay due without back-off, and the next pass begins with them.
#[test]
fn updates_cut_off_by_the_deadline_come_first_next_time() {
    let slow = std::sync::atomic::AtomicBool::new(true);
    let home = Home::with(move |request| {
        let first = request.target.starts_with("/nic");
        match first && slow.swap(false, std::sync::atomic::Ordering::SeqCst) {
            true => Reply::raw("").then_hang(),
            false => Reply::ok("good"),
        }
    });
    let section = |name: &str| {
        format!(
            "[{name}]\nprovider = dyndns2\nurl = {{url}}/{name}\nuser = u\npassword = hunter22\nhosts = {name}.example.org\n"
        )
    };
    home.config("ipv4 = four\ndeadline = 2s\ntimeout = 10s", &(section("two") + &section("three")));
    let ended = home.passes(1).says("the next pass begins with [two]");
    assert!(ended.took < seconds(4), "{:?}", ended.took);
    let targets = || home.provider.asked().into_iter().map(|r| r.target[..4].to_string()).collect::<Vec<_>>();
    assert_eq!(targets(), ["/nic"]);
    home.passes(1);
    assert_eq!(targets(), ["/nic", "/two", "/thr"], "the first waits for its back-off");
    home.pass().arg("--force").go().expect(0);
    assert_eq!(targets()[3..], ["/nic", "/two", "/thr"], "the order is that of the config again");
}

/// An update that was interrupted because earlier ones used up the time is no failure of its server: it comes first in
/// the next pass, and backs off only if it takes too long there too.
#[test]
fn an_update_interrupted_by_the_deadline_is_repeated_once() {
    let home = Home::with(|request| match &request.target[..4] {
        "/two" => Reply::raw("").then_hang(),
        _ => Reply::raw("").then_drip("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood", seconds(1) / 28),
    });
    let section = |name: &str| {
        format!(
            "[{name}]\nprovider = dyndns2\nurl = {{url}}/{name}\nuser = u\npassword = hunter22\nhosts = {name}.example.org\n"
        )
    };
    home.config("ipv4 = four\ndeadline = 3s\ntimeout = 10s", &(section("two") + &section("three")));
    let targets = || home.provider.asked().into_iter().map(|r| r.target[..4].to_string()).collect::<Vec<_>>();
    home.passes(1).says("two.example.org: ipv4 not updated: ").says("the next pass begins with [two]");
    assert_eq!(targets(), ["/nic", "/two"]);
    home.passes(1).says("the next pass begins with [three]");
    assert_eq!(targets()[2..], ["/two"], "at once, with the whole time of the pass");
    home.passes(1);
    assert_eq!(targets()[3..], ["/thr"], "the second now waits for its back-off");
}

#[test]
fn files_are_readable_by_the_owner_only() {
    let home = Home::new();
    home.config("ipv4 = four", "").passes(0);
    assert_eq!(mode(&home.scratch.path("lib/state.json")), 0o600);
    assert_eq!(mode(&home.scratch.path("lib/history.log")), 0o640);
    let names: Vec<_> = home.stored_files().into_iter().map(|(path, _)| path.file_name().unwrap().to_owned()).collect();
    assert_eq!(names, ["history.log", "state.json"]);
}
