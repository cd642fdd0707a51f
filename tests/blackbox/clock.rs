//! The wall clock may be wrong: 1970 on a board without a battery, a year ahead, an hour back. Decisions based on it
//! must neither block forever nor repeat updates. Back-off by kind of reply is tested by conversations.

use crate::testbed::{Ended, Home, Reply, FOUR, OTHER, SECRET};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

fn after(home: &Home, seconds: i64) -> Ended {
    home.pass().at_noon_and(seconds).go()
}

#[test]
fn passes_succeed_in_any_year() {
    for (time, stamp) in [
        ("1970-01-01 00:00:00", "1970-01-01T00:00:"),
        ("2020-02-29 23:59:00", "2020-02-29T23:59:"),
        ("2038-01-19 03:14:08", "2038-01-19T03:14:"),
        ("2038-01-20 00:00:00", "2038-01-20T00:00:"),
        ("2040-06-01 12:00:00", "2040-06-01T12:00:"),
        ("2106-02-08 00:00:00", "2106-02-08T00:00:"),
    ] {
        let home = Home::new();
        home.config("ipv4 = four", "");
        home.pass().at(time).go().expect(0);
        assert!(home.history().starts_with(stamp), "{time}: {}", home.history());
        let before = home.stored_files();
        home.pass().at(time).go().expect(0).silent();
        assert_eq!((home.pushes(), home.stored_files() == before), (1, true), "{time}");
        // From there to today: a changed address is sent, nothing else.
        home.config("ipv4 = other", "");
        after(&home, 0).expect(0);
        after(&home, MINUTE).expect(0).silent();
        assert_eq!(home.sent(), [FOUR, OTHER], "{time}");
        assert_eq!(home.history().lines().count(), 2);
    }
}

/// The start is shown as the clock said then; the duration is unknown and not shown.
#[test]
fn no_duration_is_printed_since_1970() {
    let home = Home::new();
    home.config("ipv4 = four", "");
    home.pass().at("1970-01-01 00:00:00").go().expect(0);
    let status = home.pass().arg("--status").at_noon_and(0).go().expect(0);
    let line = status.stdout.lines().next().unwrap_or_default();
    assert!(line.contains("since 1970-01-01T00:00:") && !line.contains(" d "), "{line}");
}

/// A clock set back counts once as elapsed time; a board that starts in 1970 sends nothing.
#[test]
fn a_clock_jump_costs_at_most_one_update() {
    let home = Home::new();
    home.config("ipv4 = four", "");
    after(&home, 0).expect(0);
    let jumps = [(-HOUR, 1), (-5 * HOUR, 1), (-300 * DAY, 1), (-299 * DAY, 0), (-273 * DAY, 0), (-20_000 * DAY, 0)];
    for (seconds, most) in jumps {
        let before = home.pushes();
        for minute in 0..4 {
            after(&home, seconds + minute * MINUTE).expect(0).silent();
        }
        assert!(home.pushes() - before <= most, "{seconds}");
    }
    assert_eq!(home.history().lines().count(), 1);
}

#[test]
fn a_refresh_is_sent_once_after_28_days() {
    let home = Home::with(|_| Reply::ok("nochg"));
    home.config("ipv4 = four", "");
    after(&home, 0).expect(0);
    after(&home, 27 * DAY).expect(0).silent();
    assert_eq!(home.pushes(), 1);
    after(&home, 29 * DAY).expect(0).silent();
    after(&home, 29 * DAY + MINUTE).expect(0).silent();
    assert_eq!(home.sent(), [FOUR, FOUR]);
    // Back at the true time: a confirmation from the future counts as due once.
    for minute in 1..5 {
        after(&home, DAY + minute * MINUTE).expect(0).silent();
    }
    assert_eq!(home.pushes(), 3);
    home.config("ipv4 = four\nrefresh = 2d", "");
    after(&home, 4 * DAY).expect(0);
    assert_eq!(home.pushes(), 4);
}

#[test]
fn clock_jumps_neither_block_nor_repeat_updates() {
    let home = Home::with(|_| Reply::new(503, &[], ""));
    home.config("ipv4 = four", "");
    // Six passes at each time, a minute apart: one attempt after each jump, then the back-off applies.
    let places = [0, -DAY, 10 * DAY, -20_000 * DAY, 5_000 * DAY, 0, -HOUR];
    for (arrivals, place) in places.iter().enumerate() {
        for minute in 0..6 {
            after(&home, place + minute * MINUTE).expect(1);
        }
        let most = 2 * (arrivals + 1);
        assert!(home.pushes() > arrivals && home.pushes() <= most, "{} pushes at {place}", home.pushes());
    }
    // Updates are still attempted later.
    let before = home.pushes();
    after(&home, DAY).expect(1);
    assert_eq!(home.pushes(), before + 1);
}

#[test]
fn the_time_zone_has_no_effect() {
    // The night in which Berlin sets its clocks back, and time zones at the extremes.
    let zones = ["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Kiritimati", "XXX-24", ":nonsense", ""];
    let mut seen: Option<(String, String, String)> = None;
    for zone in zones {
        let home = Home::new();
        home.config("ipv4 = four", "");
        let at = |time: &str| home.pass().at(time).env("TZ", zone).env("LANG", "de_DE.UTF-8").env("LC_ALL", "tr_TR");
        at("1792890000").go().expect(0);
        at("1792893600").go().expect(0).silent();
        let status = at("1792893600").args(["--history", "--json"]).go().expect(0);
        assert_eq!(home.pushes(), 1);
        assert!(home.history().starts_with("2026-10-25T01:00:0"), "{}", home.history());
        let minute = |text: &str| text.split(":0").next().unwrap_or("").to_string();
        let now = (minute(&home.history()), status.stdout.lines().count().to_string(), String::new());
        assert_eq!(*seen.get_or_insert(now.clone()), now, "{zone}");
    }
}

/// Ten passes after `badauth` send one request in total; a day of passes reports it twice in full.
#[test]
fn a_rejection_is_reported_daily_and_not_retried() {
    let good = Arc::new(AtomicBool::new(false));
    let answer = Arc::clone(&good);
    let home = Home::with(move |request| match (request.target.starts_with("/work"), answer.load(Ordering::SeqCst)) {
        (false, false) => Reply::ok("badauth"),
        _ => Reply::ok("good"),
    });
    let work = "[work]\nprovider = dyndns2\nurl = {url}/work\nuser = bob\npassword = other\nhosts = w.example.org\n";
    home.config("ipv4 = four", work);
    let remedy = format!("homing --force --only home -c {}", home.scratch.path("homing.conf").display());
    after(&home, 0).expect(3).says("badauth").says(&remedy);
    assert_eq!(home.pushes(), 2);
    let before = home.stored_files();
    for hour in 1..24 {
        after(&home, hour * HOUR).expect(3).silent();
    }
    assert!(home.stored_files() == before, "a lasting rejection writes nothing");
    after(&home, DAY + MINUTE).expect(3).says("badauth").says(&remedy);
    after(&home, DAY + 2 * MINUTE).expect(3).silent();
    // A new address, a wrong clock or another section's new password does not end the rejection.
    home.config("ipv4 = other", work);
    after(&home, DAY + HOUR).expect(3);
    after(&home, -9 * DAY).expect(3);
    after(&home, 900 * DAY).expect(3);
    let to_home = || home.provider.asked().iter().filter(|request| request.target.starts_with("/nic")).count();
    assert_eq!(to_home(), 1);
    let pushed = home.pushes();
    home.config("ipv4 = other", &work.replace("password = other", "password = newer"));
    after(&home, 900 * DAY + HOUR).expect(3);
    assert_eq!((to_home(), home.pushes()), (1, pushed + 1), "only the rejection of the other section ended");
    // The section's own new password does.
    good.store(true, Ordering::SeqCst);
    let config = home.scratch.read("homing.conf").replace(SECRET, "b3tter");
    home.scratch.write("homing.conf", &config, 0o600);
    after(&home, 900 * DAY + 2 * HOUR).expect(0);
    assert_eq!(to_home(), 2);
}

#[test]
fn a_401_without_return_code_is_retried_daily() {
    let home = Home::with(|_| Reply::new(401, &[], ""));
    home.config("ipv4 = four", "");
    for hour in 0..=72 {
        after(&home, hour * HOUR + hour).expect(3);
    }
    assert_eq!(home.pushes(), 4);
}

/// Two days of passes, every five minutes, against a server that is down.
#[test]
fn back_off_grows_to_six_hours() {
    let home = Home::with(|_| Reply::new(500, &[], ""));
    home.config("ipv4 = four", "");
    let mut at = Vec::new();
    let steps = [0, 4, 5, 14, 15, 34, 35, 74, 75, 154, 155, 314, 315, 634, 635, 994, 995, 1354, 1355, 1714, 1716];
    for (index, step) in (0..).zip(steps) {
        let before = home.pushes();
        after(&home, step * MINUTE + 2 * index).expect(1);
        at.extend((home.pushes() > before).then_some(step));
    }
    assert_eq!(at, [0, 5, 15, 35, 75, 155, 315, 635, 995, 1355, 1716]);
    home.config("ipv4 = other", "");
    after(&home, 1717 * MINUTE).expect(1);
    assert_eq!(home.sent().last().unwrap(), OTHER, "a new address is sent at once");
    after(&home, 1723 * MINUTE).expect(1);
    assert_eq!(home.pushes(), 13);
}
