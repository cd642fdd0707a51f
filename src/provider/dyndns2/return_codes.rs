//! What the words of a dyndns2 answer mean (Dyn's and No-IP's return codes, and what other services made of them).
//! Pure: a body in, verdicts out. Only the first word of a line counts.

use crate::net::http::quoted;
use crate::provider::contract::{Pause, UpdateResult};
use std::net::IpAddr;

/// `911` and `dnserr` ask to be left alone for so long, in seconds.
const HALF_AN_HOUR: i64 = 30 * 60;

/// Words that speak for the account and so for every host of it.
const OF_ACCOUNT: [&str; 6] = ["badauth", "!donator", "!active", "abuse", "badagent", "badsys"];

/// Whether a verdict holds for the hosts that were not asked yet. `one_account`: all of them log in as one.
pub fn speaks_for_all(verdict: &UpdateResult, one_account: bool) -> bool {
    match verdict {
        // A refusal is told by its word first.
        UpdateResult::Rejected { why, .. } => {
            one_account && why.split(':').next().is_some_and(|w| OF_ACCOUNT.contains(&w))
        }
        UpdateResult::Unauthorized { .. } => one_account,
        UpdateResult::RetryLater { why, pause } => pause.strict && !why.starts_with("dnserr"),
        UpdateResult::NotAttempted
        | UpdateResult::Interrupted { .. }
        | UpdateResult::Updated
        | UpdateResult::Unchanged => false,
    }
}

/// The verdicts for `hosts` hosts from the body of a 2xx answer to a request that said the addresses `said`.
pub fn judge(body: &str, hosts: usize, said: &[IpAddr]) -> Vec<(UpdateResult, Option<String>)> {
    let lines: Vec<&str> = body.lines().map(stripped).filter(|line| !line.is_empty()).collect();
    let Some(first) = lines.first() else {
        return vec![(UpdateResult::later("an empty answer"), None); hosts];
    };
    // A page: what stands further down in it is no answer to anybody.
    if first.starts_with('<') {
        return vec![judge_line(first, said); hosts];
    }
    if lines.len() == 1 && hosts > 1 {
        let (verdict, warning) = judge_line(first, said);
        let word = first_word(first);
        match verdict {
            UpdateResult::Updated | UpdateResult::Unchanged => {
                let mut verdicts = vec![(verdict, None); hosts];
                verdicts[0].1 = Some(warning.unwrap_or(format!("one '{word}' came for {hosts} hosts")));
                return verdicts;
            }
            UpdateResult::Rejected { .. } | UpdateResult::RetryLater { .. }
                if word == "911" || OF_ACCOUNT.contains(&word.as_str()) =>
            {
                return vec![(verdict, None); hosts];
            }
            _ => {}
        }
    }
    let mut verdicts: Vec<_> = lines.iter().take(hosts).map(|line| judge_line(line, said)).collect();
    verdicts.resize(hosts, (UpdateResult::later("the answer has no line for this host"), None));
    if lines.len() > hosts {
        let extra = format!("the answer has {} lines for {hosts} host(s): {}", lines.len(), quoted(lines[hosts]));
        if let Some((_, warning)) = verdicts.last_mut() {
            warning.get_or_insert(extra);
        }
    }
    verdicts
}

/// The verdict of an error answer's body, if its first word is one of the known ones that say no or not now.
pub fn refusal_in(body: &str) -> Option<UpdateResult> {
    let line = body.lines().map(stripped).find(|line| !line.is_empty())?;
    match judge_word(&first_word(line)) {
        Some(UpdateResult::Updated | UpdateResult::Unchanged) | None => None,
        verdict => verdict,
    }
}

/// A line without blanks around it, and without the status that Loopia puts before its word.
fn stripped(line: &str) -> &str {
    let line = line.trim();
    line.strip_prefix("[200 OK]").unwrap_or(line).trim_start()
}

fn first_word(line: &str) -> String {
    line.split_ascii_whitespace().next().unwrap_or("").to_ascii_lowercase()
}

fn judge_line(line: &str, said: &[IpAddr]) -> (UpdateResult, Option<String>) {
    match judge_word(&first_word(line)) {
        Some(UpdateResult::Updated) => judge_good(line, said),
        Some(UpdateResult::Unchanged) => (UpdateResult::Unchanged, other_address(line, said)),
        Some(verdict) => (verdict, None),
        None => (UpdateResult::later(format!("an answer that is none of dyndns2's: {}", quoted(line))), None),
    }
}

/// `good 127.0.0.1` is how services say that they ignored the request.
fn judge_good(line: &str, said: &[IpAddr]) -> (UpdateResult, Option<String>) {
    let taken: Option<IpAddr> = addresses(line).next();
    match taken {
        Some(ip) if ip.is_loopback() && !said.contains(&ip) => {
            let why = format!("the server answered 'good {ip}', which means that it ignored the request");
            let remedy = "ask the provider whether the account or this client is blocked".to_string();
            (UpdateResult::Rejected { why, remedy }, None)
        }
        _ => (UpdateResult::Updated, other_address(line, said)),
    }
}

fn other_address(line: &str, said: &[IpAddr]) -> Option<String> {
    let other = addresses(line).find(|ip| !said.contains(ip))?;
    Some(format!("the server speaks of {other}, which is not what was sent"))
}

fn addresses(line: &str) -> impl Iterator<Item = IpAddr> + '_ {
    let rest = line.split_ascii_whitespace().skip(1);
    rest.flat_map(|part| part.split(',')).filter_map(|part| part.parse().ok())
}

/// What a word means; `None` if it is none of the protocol's.
fn judge_word(word: &str) -> Option<UpdateResult> {
    let refused = |why: &str, remedy: &str| {
        Some(UpdateResult::Rejected { why: format!("{word}: {why}"), remedy: remedy.to_string() })
    };
    let later = |why: &str, seconds: i64, strict: bool| {
        Some(UpdateResult::RetryLater { why: format!("{word}: {why}"), pause: Pause { seconds, strict } })
    };
    match word {
        "good" => Some(UpdateResult::Updated),
        "nochg" => Some(UpdateResult::Unchanged),
        "badauth" => refused("user or password is wrong", "correct user or password"),
        "!donator" => refused("this account may not do that", "see the provider's paid features, or drop the option"),
        "!active" => refused("the host or account is not active", "activate it at the provider"),
        "nohost" => refused("the account has no such host", "create the host at the provider or correct 'hosts'"),
        "notfqdn" => refused("not a full host name", "write the whole name, such as home.example.net, in 'hosts'"),
        "numhost" => refused("too many hosts in one request", "say batch = no"),
        "!yours" => refused("the host belongs to another account", "correct 'hosts' or 'user'"),
        "abuse" => refused("blocked for abuse", "ask the provider to lift the block"),
        "badagent" => {
            refused("this client is not accepted", "tell the provider, or set 'contact' to your mail address")
        }
        "badsys" => refused("the provider does not know this kind of request", "correct the preset's 'extra'"),
        "911" => later("the provider has trouble", HALF_AN_HOUR, true),
        "dnserr" => later("the provider's DNS has trouble", HALF_AN_HOUR, true),
        _ => {
            let seconds = wait(word)?;
            later("the provider asks to wait", seconds, false)
        }
    }
}

/// Seconds of the old wait codes: `w60s`, `w5m`, `w2h`.
fn wait(word: &str) -> Option<i64> {
    let rest = word.strip_prefix('w')?;
    let seconds = crate::types::spelling::duration(rest).filter(|_| rest.ends_with(['s', 'm', 'h']))?;
    Some(seconds.min(crate::sys::clock::DAY))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(body: &str) -> (UpdateResult, Option<String>) {
        judge(body, 1, &["198.41.0.4".parse().expect("good")]).remove(0)
    }

    #[test]
    fn only_the_first_word_counts() {
        assert_eq!(one("good 198.41.0.4"), (UpdateResult::Updated, None));
        assert_eq!(one("\r\n  good\r\n"), (UpdateResult::Updated, None));
        assert_eq!(one("nochg"), (UpdateResult::Unchanged, None));
        for body in ["goodbye", "not good", "<html>good</html>", "good! 1", "ok"] {
            assert!(matches!(one(body).0, UpdateResult::RetryLater { .. }), "{body}");
        }
        assert!(matches!(one("[200 OK] nohost").0, UpdateResult::Rejected { .. }));
    }

    #[test]
    fn an_address_that_was_not_sent_is_noticed() {
        assert!(one("good 9.9.9.9").1.is_some());
        assert!(one("nochg 9.9.9.9").1.is_some());
        assert!(matches!(one("good 127.0.0.1").0, UpdateResult::Rejected { .. }));
    }

    #[test]
    fn waits_are_read_and_bounded() {
        assert_eq!(wait("w60s"), Some(60));
        assert_eq!(wait("w5m"), Some(300));
        assert_eq!(wait("w2h"), Some(7_200));
        assert_eq!(wait("w999h"), Some(86_400));
        assert_eq!(wait("w5"), None);
        assert_eq!(wait("wow"), None);
    }

    #[test]
    fn lines_map_to_hosts() {
        let said = ["198.41.0.4".parse().expect("good")];
        let three = judge("good\nnohost\nnochg\n", 3, &said);
        assert!(matches!(three[0].0, UpdateResult::Updated));
        assert!(matches!(three[1].0, UpdateResult::Rejected { .. }));
        assert!(matches!(three[2].0, UpdateResult::Unchanged));
        let missing = judge("good\ngood\n", 3, &said);
        assert!(matches!(missing[2].0, UpdateResult::RetryLater { .. }));
        let account = judge("badauth", 3, &said);
        assert!(account.iter().all(|(verdict, _)| matches!(verdict, UpdateResult::Rejected { .. })));
        let single = judge("good", 3, &said);
        assert!(single.iter().all(|(verdict, _)| *verdict == UpdateResult::Updated) && single[0].1.is_some());
        let page = judge("<html>\ngood\nnohost\n", 3, &said);
        assert!(page
            .iter()
            .all(|(verdict, warning)| matches!(verdict, UpdateResult::RetryLater { .. }) && warning.is_none()));
        let host = judge("nohost", 3, &said);
        assert!(matches!(host[1].0, UpdateResult::RetryLater { .. }));
    }
}
