//! The only door to the clock and to the time package. Stamps are seconds since 1970 in UTC, 64 bits wide on
//! every board; what must hold during a pass is measured with `Instant` and never with these.

use time::{Date, Month, OffsetDateTime, Time};

/// Seconds since 1970-01-01T00:00:00Z, negative before.
pub type Timestamp = i64;

pub const MINUTE: i64 = 60;
pub const HOUR: i64 = 3_600;
pub const DAY: i64 = 86_400;

/// A clock that reads less has not been set since the board got power: 2020-01-01T00:00:00Z.
const SURELY_SET: Timestamp = 1_577_836_800;

/// What the clock reads now.
pub fn now() -> Timestamp {
    OffsetDateTime::now_utc().unix_timestamp()
}

/// Whether the clock can be right. A board without an RTC starts in 1970.
pub fn plausible(now: Timestamp) -> bool {
    now >= SURELY_SET
}

/// RFC 3339 in UTC, to the second: `2026-11-20T23:21:07Z`.
pub fn stamp(at: Timestamp) -> String {
    match OffsetDateTime::from_unix_timestamp(at) {
        Ok(t) => format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
            t.year(),
            u8::from(t.month()),
            t.day(),
            t.hour(),
            t.minute(),
            t.second()
        ),
        Err(_) => format!("@{at}"),
    }
}

/// Reads what [`stamp`] writes; nothing else.
pub fn parse_stamp(text: &str) -> Option<Timestamp> {
    let (date, clock) = text.strip_suffix('Z')?.split_once('T')?;
    if text.len() != 20 {
        return None;
    }
    let mut date = date.split('-');
    let year = digits(date.next()?, 4)?;
    let month = digits(date.next()?, 2)?;
    let day = digits(date.next()?, 2)?;
    if date.next().is_some() {
        return None;
    }
    seconds(year, month, day, clock)
}

/// Reads an HTTP date in its one current form (RFC 9110, 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
pub fn parse_http_date(text: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut words = text.split(' ');
    let _weekday = words.next()?;
    let day = digits(words.next()?, 2)?;
    let name = words.next()?;
    let month = MONTHS.iter().position(|m| *m == name)? + 1;
    let year = digits(words.next()?, 4)?;
    let clock = words.next()?;
    if words.next()? != "GMT" || words.next().is_some() {
        return None;
    }
    seconds(year, u32::try_from(month).ok()?, day, clock)
}

/// A length of time as a person says it: `12 s`, `5 min`, `3 h 20 min`, `28 d`, `2 d 4 h`.
pub fn length(seconds: i64) -> String {
    let s = seconds.max(0);
    let (large, small) = match s {
        0..=59 => return format!("{s} s"),
        60..=3_599 => return format!("{} min", s / MINUTE),
        3_600..=86_399 => ((s / HOUR, "h"), (s % HOUR / MINUTE, "min")),
        _ => ((s / DAY, "d"), (s % DAY / HOUR, "h")),
    };
    match small.0 {
        0 => format!("{} {}", large.0, large.1),
        n => format!("{} {} {n} {}", large.0, large.1, small.1),
    }
}

fn seconds(year: u32, month: u32, day: u32, clock: &str) -> Option<Timestamp> {
    let mut clock = clock.split(':');
    let mut part = || u8::try_from(digits(clock.next()?, 2)?).ok();
    let time = Time::from_hms(part()?, part()?, part()?).ok()?;
    if clock.next().is_some() {
        return None;
    }
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date = Date::from_calendar_date(i32::try_from(year).ok()?, month, u8::try_from(day).ok()?).ok()?;
    Some(date.with_time(time).assume_utc().unix_timestamp())
}

fn digits(text: &str, length: usize) -> Option<u32> {
    if text.len() == length && text.bytes().all(|b| b.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_go_there_and_back() {
        for (at, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_577_836_800, "2020-01-01T00:00:00Z"),
            (2_147_483_648, "2038-01-19T03:14:08Z"),
            (4_294_967_296, "2106-02-07T06:28:16Z"),
            (1_795_217_067, "2026-11-20T23:24:27Z"),
        ] {
            assert_eq!(stamp(at), text);
            assert_eq!(parse_stamp(text), Some(at));
        }
    }

    #[test]
    fn only_the_exact_form_is_a_stamp() {
        for text in [
            "",
            "2026-11-20 23:21:07Z",
            "2026-11-20T23:21:07",
            "2026-11-20T23:21:07+00:00",
            "2026-13-20T23:21:07Z",
            "2026-02-30T23:21:07Z",
            "2026-11-20T24:21:07Z",
            "2026-11-20T23:21:0Z",
            "2026-11-20T23:21:07.5Z",
            "+026-11-20T23:21:07Z",
        ] {
            assert_eq!(parse_stamp(text), None, "{text}");
        }
    }

    #[test]
    fn http_dates_are_read() {
        assert_eq!(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), None);
        assert_eq!(parse_http_date("Sun, 06 Nov 1994 08:49:37 CET"), None);
    }

    #[test]
    fn lengths_read_well() {
        assert_eq!(length(0), "0 s");
        assert_eq!(length(59), "59 s");
        assert_eq!(length(300), "5 min");
        assert_eq!(length(12_000), "3 h 20 min");
        assert_eq!(length(DAY * 28), "28 d");
        assert_eq!(length(DAY * 2 + HOUR * 4 + 5), "2 d 4 h");
    }
}
