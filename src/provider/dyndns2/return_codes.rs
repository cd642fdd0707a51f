//! What dyndns2 return codes mean (Dyn's and No-IP's, and what other services made of them). Pure: a reply's body in,
//! an answer for each host out. Only the first word of a line counts.
//! Sources: <https://help.dyn.com/remote-access-api/return-codes/>, <https://www.noip.com/integrate/response>.

use crate::net::http::quoted;
use crate::provider::contract::{Pause, UpdateResult};
use crate::provider::requests::{Answer, Scope};
use crate::sys::clock::{DAY, MINUTE};
use std::net::IpAddr;

/// The pause that `911` and `dnserr` ask for, in seconds.
const SERVER_PAUSE: i64 = 30 * MINUTE;

/// A return code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReturnCode {
    Good,
    NoChange,
    BadAuth,
    NotDonator,
    NotActive,
    NoHost,
    NotFqdn,
    TooManyHosts,
    NotYours,
    Abuse,
    BadAgent,
    BadSystem,
    ServerError,
    DnsError,
    /// The old wait codes, in seconds: `w60s`, `w5m`, `w2h`.
    Wait(i64),
}

use ReturnCode::*;

/// The codes as they are written; [`ReturnCode::Wait`] has a number in it.
pub const CODES: [(&str, ReturnCode); 14] = [
    ("good", Good),
    ("nochg", NoChange),
    ("badauth", BadAuth),
    ("!donator", NotDonator),
    ("!active", NotActive),
    ("nohost", NoHost),
    ("notfqdn", NotFqdn),
    ("numhost", TooManyHosts),
    ("!yours", NotYours),
    ("abuse", Abuse),
    ("badagent", BadAgent),
    ("badsys", BadSystem),
    ("911", ServerError),
    ("dnserr", DnsError),
];

impl ReturnCode {
    /// The code that a word is, in any case.
    pub fn parse(word: &str) -> Option<ReturnCode> {
        let known = CODES.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, code)| *code);
        known.or_else(|| wait(&word.to_ascii_lowercase()).map(Wait))
    }

    /// The first code of a line, if its first word is one.
    fn of_line(line: &str) -> Option<ReturnCode> {
        ReturnCode::parse(line.split_ascii_whitespace().next()?)
    }

    /// What it means; `soon` holds the codes that this service uses for a temporary limit or fault.
    fn answer(self, soon: &[ReturnCode]) -> Answer {
        let name = CODES.iter().find(|(_, code)| *code == self).map_or("wait", |(name, _)| name);
        if soon.contains(&self) {
            let why = format!("{name}: the server asks to wait");
            let scope = if self == DnsError { Scope::Host } else { Scope::Server };
            return Answer::new(UpdateResult::later(why), scope);
        }
        let rejected = |scope, why: &str, remedy: &str| {
            let result = UpdateResult::Rejected { why: format!("{name}: {why}"), remedy: remedy.to_string() };
            Answer::new(result, scope)
        };
        let host = |why, remedy| rejected(Scope::Host, why, remedy);
        let account = |why, remedy| rejected(Scope::Account, why, remedy);
        let later = |scope, why: &str, pause| {
            Answer::new(UpdateResult::RetryLater { why: format!("{name}: {why}"), pause }, scope)
        };
        let strict = Pause { seconds: SERVER_PAUSE, strict: true };
        match self {
            Good => Answer::host(UpdateResult::Updated),
            NoChange => Answer::host(UpdateResult::Unchanged),
            BadAuth => account("user or password is wrong", "correct user or password"),
            NotDonator => account(
                "this account may not do that",
                "see the provider's paid features, or remove the option from this section",
            ),
            NotActive => account("the host or account is not active", "activate it at the provider"),
            NoHost => host("the account has no such host", "create the host at the provider or correct 'hosts'"),
            NotFqdn => host("not a full hostname", "write the whole name, such as home.example.net, in 'hosts'"),
            TooManyHosts => host("too many hosts in one request", "set batch = no"),
            NotYours => host("the host belongs to another account", "correct 'hosts' or 'user'"),
            Abuse => account("blocked for abuse", "ask the provider to lift the block"),
            BadAgent => account(
                "the provider does not accept this client",
                "ask the provider, or set 'contact' to your mail address",
            ),
            BadSystem => account("the provider does not know this kind of request", "correct the preset's 'extra'"),
            ServerError => later(Scope::Server, "the provider has a temporary fault", strict),
            // A DNS error may concern one zone only.
            DnsError => later(Scope::Host, "the provider has a temporary DNS fault", strict),
            Wait(seconds) => later(Scope::Host, "the provider asks to wait", Pause { seconds, strict: false }),
        }
    }
}

/// Seconds of a wait code, a day at most.
fn wait(word: &str) -> Option<i64> {
    let rest = word.strip_prefix('w')?;
    let seconds = crate::types::spelling::duration(rest).filter(|_| rest.ends_with(['s', 'm', 'h']))?;
    Some(seconds.min(DAY))
}

/// The answers for `hosts` hosts in the body of a 2xx reply to a request that sent the addresses `sent`.
pub fn judge(body: &str, hosts: usize, sent: &[IpAddr], soon: &[ReturnCode]) -> Vec<Answer> {
    let lines: Vec<&str> = lines(body).collect();
    let Some(first) = lines.first() else {
        return vec![Answer::host(UpdateResult::later("an empty reply")); hosts];
    };
    // An HTML page: nothing further down in it is a return code.
    if first.starts_with('<') {
        return vec![judge_line(first, sent, soon); hosts];
    }
    if lines.len() == 1 && hosts > 1 {
        let mut answer = judge_line(first, sent, soon);
        let success = matches!(answer.result, UpdateResult::Updated | UpdateResult::Unchanged);
        if success || answer.scope != Scope::Host {
            let warning = answer.warning.take().or_else(|| {
                let word = first.split_ascii_whitespace().next().unwrap_or_default();
                success.then(|| format!("one '{word}' came for {hosts} hosts"))
            });
            let mut answers = vec![answer; hosts];
            answers[0].warning = warning;
            return answers;
        }
    }
    let mut answers: Vec<_> = lines.iter().take(hosts).map(|line| judge_line(line, sent, soon)).collect();
    answers.resize(hosts, Answer::host(UpdateResult::later("the reply has no line for this host")));
    if lines.len() > hosts {
        let extra = format!("the reply has {} lines for {hosts} host(s): {}", lines.len(), quoted(lines[hosts]));
        if let Some(answer) = answers.last_mut() {
            answer.warning.get_or_insert(extra);
        }
    }
    answers
}

/// The answer in the body of an error reply, if its first word is a code that rejects or asks to retry.
pub fn refusal_in(body: &str, soon: &[ReturnCode]) -> Option<Answer> {
    match ReturnCode::of_line(lines(body).next()?)? {
        Good | NoChange => None,
        code => Some(code.answer(soon)),
    }
}

/// The lines of a reply that hold something, without a byte order mark, the blanks around them, and the status that
/// Loopia puts before its code (`[200 OK] nohost`).
fn lines(body: &str) -> impl Iterator<Item = &str> {
    let body = body.strip_prefix('\u{feff}').unwrap_or(body);
    let lines = body.lines().map(str::trim);
    let lines = lines.map(|line| line.strip_prefix("[200 OK]").unwrap_or(line).trim_start());
    lines.filter(|line| !line.is_empty())
}

fn judge_line(line: &str, sent: &[IpAddr], soon: &[ReturnCode]) -> Answer {
    match ReturnCode::of_line(line) {
        Some(Good) => judge_good(line, sent),
        Some(NoChange) => Answer { warning: other_address(line, sent), ..NoChange.answer(soon) },
        Some(code) => code.answer(soon),
        None => Answer::host(UpdateResult::later(format!("unexpected reply: {}", quoted(line)))),
    }
}

/// `good 127.0.0.1` is how services say that they ignored the request.
fn judge_good(line: &str, sent: &[IpAddr]) -> Answer {
    match addresses(line).next() {
        Some(ip) if ip.is_loopback() && !sent.contains(&ip) => {
            let why = format!("the server answered 'good {ip}', which means that it ignored the request");
            let remedy = "ask the provider whether the account or this client is blocked".to_string();
            Answer::host(UpdateResult::Rejected { why, remedy })
        }
        _ => Answer { warning: other_address(line, sent), ..Answer::host(UpdateResult::Updated) },
    }
}

fn other_address(line: &str, sent: &[IpAddr]) -> Option<String> {
    let other = addresses(line).find(|ip| !sent.contains(ip))?;
    Some(format!("the server names {other}, which is not what was sent"))
}

fn addresses(line: &str) -> impl Iterator<Item = IpAddr> + '_ {
    let rest = line.split_ascii_whitespace().skip(1);
    rest.flat_map(|part| part.split(',')).filter_map(|part| part.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(body: &str) -> Answer {
        judge(body, 1, &["198.41.0.4".parse().expect("good")], &[]).remove(0)
    }

    #[test]
    fn only_the_first_word_counts() {
        assert_eq!(one("good 198.41.0.4"), Answer::host(UpdateResult::Updated));
        assert_eq!(one("\r\n  good\r\n"), Answer::host(UpdateResult::Updated));
        assert_eq!(one("\u{feff}good 198.41.0.4"), Answer::host(UpdateResult::Updated), "after a byte order mark");
        assert_eq!(one("nochg"), Answer::host(UpdateResult::Unchanged));
        for body in ["goodbye", "not good", "<html>good</html>", "good! 1", "ok"] {
            assert!(matches!(one(body).result, UpdateResult::RetryLater { .. }), "{body}");
        }
        assert!(matches!(one("[200 OK] nohost").result, UpdateResult::Rejected { .. }));
    }

    #[test]
    fn an_address_that_was_not_sent_is_noticed() {
        assert!(one("good 9.9.9.9").warning.is_some());
        assert!(one("nochg 9.9.9.9").warning.is_some());
        assert!(matches!(one("good 127.0.0.1").result, UpdateResult::Rejected { .. }));
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
        let sent = ["198.41.0.4".parse().expect("good")];
        let judge = |body, hosts| judge(body, hosts, &sent, &[]);
        let three = judge("good\nnohost\nnochg\n", 3);
        assert!(matches!(three[0].result, UpdateResult::Updated));
        assert!(matches!(three[1].result, UpdateResult::Rejected { .. }));
        assert!(matches!(three[2].result, UpdateResult::Unchanged));
        let missing = judge("good\ngood\n", 3);
        assert!(matches!(missing[2].result, UpdateResult::RetryLater { .. }));
        let account = judge("badauth", 3);
        assert!(account.iter().all(|one| matches!(one.result, UpdateResult::Rejected { .. })));
        let single = judge("good", 3);
        assert!(single.iter().all(|one| one.result == UpdateResult::Updated) && single[0].warning.is_some());
        let page = judge("<html>\ngood\nnohost\n", 3);
        let unbelieved = |one: &Answer| matches!(one.result, UpdateResult::RetryLater { .. }) && one.warning.is_none();
        assert!(page.iter().all(unbelieved));
        let host = judge("nohost", 3);
        assert!(matches!(host[1].result, UpdateResult::RetryLater { .. }));
    }

    #[test]
    fn a_code_holds_for_as_much_as_it_concerns() {
        for (body, scope) in [
            ("good", Scope::Host),
            ("nohost", Scope::Host),
            ("dnserr", Scope::Host),
            ("w5m", Scope::Host),
            ("badauth", Scope::Account),
            ("abuse", Scope::Account),
            ("BADAUTH", Scope::Account),
            ("911", Scope::Server),
        ] {
            assert_eq!(one(body).scope, scope, "{body}");
        }
    }

    #[test]
    fn a_service_may_use_a_code_for_a_temporary_limit() {
        let soon = [Abuse, ServerError];
        let answer = refusal_in("abuse", &soon).expect("a refusal");
        assert_eq!(answer.result, UpdateResult::later("abuse: the server asks to wait"));
        assert!(matches!(refusal_in("badauth", &soon).expect("known").result, UpdateResult::Rejected { .. }));
    }
}
