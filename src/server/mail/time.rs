//! A point of time as templates written for Jinja2 use it: `{{ last_ipv4_update }}` and `.strftime("%d.%m.%Y")`.

use crate::server::store::Millis;
use crate::sys::clock;
use minijinja::value::{Object, ObjectRepr, Value};
use minijinja::{Error, ErrorKind, State};
use std::fmt;
use std::sync::Arc;

/// UTC, to the second.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Time {
    seconds: i64,
}

impl Time {
    /// `None` for 0, which stands for never.
    pub fn of(millis: Millis) -> Option<Time> {
        (millis > 0).then_some(Time { seconds: millis / 1000 })
    }

    /// `2026-11-20T23:21:07Z`
    fn stamp(self) -> String {
        clock::stamp(self.seconds)
    }

    /// The text of a `strftime` directive; `None` for one that is not known.
    fn directive(self, letter: char) -> Option<String> {
        let stamp = self.stamp();
        let days = self.seconds.div_euclid(86_400);
        // 1970-01-01 was a Thursday; Monday is 0.
        let weekday = usize::try_from((days + 3).rem_euclid(7)).ok()?;
        let month = stamp.get(5..7)?.parse::<usize>().ok()?.checked_sub(1)?;
        let part = |range| stamp.get(range).map(str::to_string);
        const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
        const MONTHS: [&str; 12] = [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ];
        match letter {
            'Y' => part(0..4),
            'y' => part(2..4),
            'm' => part(5..7),
            'd' => part(8..10),
            'H' => part(11..13),
            'M' => part(14..16),
            'S' => part(17..19),
            'F' => part(0..10),
            'T' | 'X' => part(11..19),
            'A' => DAYS.get(weekday).map(ToString::to_string),
            'a' => DAYS.get(weekday)?.get(..3).map(str::to_string),
            'B' => MONTHS.get(month).map(ToString::to_string),
            'b' => MONTHS.get(month)?.get(..3).map(str::to_string),
            's' => Some(self.seconds.to_string()),
            'Z' => Some("UTC".to_string()),
            'z' => Some("+0000".to_string()),
            '%' => Some("%".to_string()),
            _ => None,
        }
    }

    fn strftime(self, format: &str) -> Result<String, Error> {
        let mut out = String::new();
        let mut letters = format.chars();
        while let Some(letter) = letters.next() {
            if letter != '%' {
                out.push(letter);
                continue;
            }
            let directive = letters.next().unwrap_or(' ');
            let text = self.directive(directive).ok_or_else(|| {
                Error::new(ErrorKind::InvalidOperation, format!("strftime: %{directive} is not supported"))
            })?;
            out.push_str(&text);
        }
        Ok(out)
    }
}

impl fmt::Display for Time {
    /// As Python shows a datetime: `2026-11-20 23:21:07`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.stamp().trim_end_matches('Z').replacen('T', " ", 1))
    }
}

impl Object for Time {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    /// `{% if last_ipv4_update %}`
    fn is_true(self: &Arc<Self>) -> bool {
        true
    }

    fn call_method(self: &Arc<Self>, _: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        match (method, args) {
            ("strftime", [format]) => {
                let format = format.as_str().ok_or_else(|| Error::from(ErrorKind::InvalidOperation))?;
                self.strftime(format).map(Value::from)
            }
            ("isoformat", []) => Ok(Value::from(self.stamp().trim_end_matches('Z'))),
            ("timestamp", []) => Ok(Value::from(self.seconds)),
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }

    fn render(self: &Arc<Self>, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_python_writes_them() {
        let time = Time::of(1_795_173_667_999).unwrap();
        assert_eq!(time.to_string(), "2026-11-20 11:21:07");
        assert_eq!(
            time.strftime("%A %d. %B %Y, %H:%M:%S %Z (100%%)").unwrap(),
            "Friday 20. November 2026, 11:21:07 UTC (100%)"
        );
        assert!(time.strftime("%Q").is_err() && time.strftime("%").is_err());
        assert_eq!(Time::of(0), None);
    }
}
