//! Plays one conversation: a scratch folder, two servers, and the passes in order.

use super::format::{Conversation, Exchange, Expect, Line, Pass, Text};
use super::script::Script;
use crate::testbed::{updates, Canary, Ended, HttpServer, Reply, Run, Scratch};
use homing::internals::json;
use std::sync::Arc;

/// Precedes the config of a conversation, which begins with keys of the agent too.
const HEAD: &str = "state = {dir}/lib/state.json\nhistory = {dir}/lib/history.log\n";
/// Follows the config: detectors with addresses, and one that never finds an address.
const DETECTORS: &str = "
[detector:four]
kind = fixed
address = 198.41.0.4
[detector:six]
kind = fixed
address = 2620:fe::fe
[detector:newfour]
kind = fixed
address = 193.0.14.129
[detector:newsix]
kind = fixed
address = 2001:500:2f::f
[detector:lost]
kind = command
command = /bin/false
";

/// Plays it; an error lists everything that was not as expected, with line numbers.
pub fn play(conversation: &Conversation) -> Result<(), String> {
    let scratch = Scratch::new();
    scratch.folder("lib");
    let script = Arc::new(Script::default());
    let answering = Arc::clone(&script);
    let server = HttpServer::new(move |request| answering.answer(request));
    // The target of redirects, under another hostname; it must never be contacted.
    let other = HttpServer::new(|_| Reply::ok("good"));
    let other_url = format!("http://localhost:{}", other.address().port());
    let updating = Arc::clone(&script);
    let dns = updates(move |request| updating.rcode(request));
    let fill = |text: &str| {
        let text = text
            .replace("{url}", &server.url())
            .replace("{dns}", &dns.address().to_string())
            .replace("{other}", &other_url);
        text.replace("{dir}", &scratch.root().display().to_string())
    };

    // The clock is set only in a conversation that uses `at`.
    let faked = conversation.passes.iter().any(|pass| pass.at.is_some());
    let (mut config, mut now) = (String::new(), 0);
    for pass in &conversation.passes {
        if let Some(own) = &pass.config {
            config.clone_from(own);
        }
        for (line, old, new) in &pass.changes {
            if !config.contains(old.as_str()) {
                return Err(format!("line {line}: not in the config: {old}"));
            }
            config = config.replace(old.as_str(), new);
        }
        scratch.write("homing.conf", &fill(&[HEAD, &config, DETECTORS].concat()), 0o600);
        for name in &pass.lost {
            std::fs::remove_file(scratch.path(name)).map_err(|e| format!("line {}: {name}: {e}", pass.line))?;
        }
        now = pass.at.unwrap_or(now);
        for time in 1..=pass.times {
            script.set(pass.exchanges.iter().map(|exchange| filled(exchange, fill)).collect());
            let set = |run| at(run, faked.then_some(now));
            let ended = set(Run::pass(&scratch).args(&pass.args)).go();
            let mut wrong = script.complaints();
            wrong.extend(other.asked().iter().map(|r| format!("the other server was asked for {}", r.target)));
            wrong.extend(unmet(pass, &ended, || set(Run::pass(&scratch).args(["--status", "--json"])).go()));
            wrong.extend(Canary::new(secrets(&config)).leaks(&ended, &scratch, &["homing.conf"]));
            if !wrong.is_empty() {
                let (code, stdout, stderr) = (ended.code, ended.stdout, ended.stderr);
                let head = format!("the pass of line {} (run {time} of {})", pass.line, pass.times);
                let tail = format!("exit {code:?}\nstdout: {stdout}\nstderr: {stderr}");
                return Err(format!("{head}:\n  {}\n{tail}", wrong.join("\n  ")));
            }
        }
    }
    Ok(())
}

/// With the clock this many seconds after noon, or the real clock.
fn at(run: Run<'_>, seconds: Option<i64>) -> Run<'_> {
    match seconds {
        Some(seconds) => run.at_noon_and(seconds),
        None => run,
    }
}

fn filled(exchange: &Exchange, fill: impl Fn(&str) -> String) -> Exchange {
    let mut exchange = exchange.clone();
    exchange.reply.headers.iter_mut().for_each(|(_, value)| *value = fill(value));
    exchange
}

/// The expectations that were not met. `--status` is run only if one needs it.
fn unmet(pass: &Pass, ended: &Ended, status: impl Fn() -> Ended) -> Vec<String> {
    let about_status = |(_, expect): &(Line, Expect)| matches!(expect, Expect::Status { .. });
    let status = if pass.expects.iter().any(about_status) { status().stdout } else { String::new() };
    let mut wrong = Vec::new();
    for (line, expect) in &pass.expects {
        let met = match expect {
            Expect::Exit(code) if ended.code == Some(*code) => Ok(()),
            Expect::Exit(code) => Err(format!("the exit code is {:?}, expected {code}", ended.code)),
            Expect::Output { error: false, what } => what.test("standard output", &ended.stdout),
            Expect::Output { error: true, what } => what.test("standard error", &ended.stderr),
            Expect::Status { host, family, key, what } => match status_value(&status, host, family, key) {
                Some(value) => what.test(&format!("{key} of {host} {family}"), &value),
                None => Err(format!("--status says nothing of {host} {family}: {status}")),
            },
        };
        wrong.extend(met.err().map(|why| format!("line {line}: {why}")));
    }
    wrong
}

/// The value for a host and family in `--status --json`; empty if the key is missing or null.
fn status_value(status: &str, host: &str, family: &str, key: &str) -> Option<String> {
    let objects = status.lines().filter_map(|line| json::parse(line).ok());
    let mut ours = objects.filter(|o| json::text(o, "host") == Some(host) && json::text(o, "family") == Some(family));
    ours.next().map(|object| json::text(&object, key).unwrap_or_default().to_string())
}

/// The secrets in a config, without quotes.
pub fn secrets(config: &str) -> Vec<String> {
    let pairs = config.lines().filter_map(|line| line.split_once('='));
    let secret = pairs.filter(|(key, _)| ["password", "token", "key", "secret"].contains(&key.trim()));
    let bare = secret.map(|(_, value)| {
        let value = value.trim();
        match value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) {
            Some(quoted) => quoted.replace("\\\"", "\"").replace("\\\\", "\\"),
            None => value.to_string(),
        }
    });
    bare.collect()
}

impl Text {
    pub fn test(&self, name: &str, came: &str) -> Result<(), String> {
        match self {
            Text::Is(text) if came.trim_end() == text => Ok(()),
            Text::Is(text) => Err(format!("{name} is {came:?}, expected {text:?}")),
            Text::IsNot(text) if came.trim_end() != text => Ok(()),
            Text::IsNot(text) => Err(format!("{name} is {text:?}")),
            Text::Holds(text) if came.contains(text.as_str()) => Ok(()),
            Text::Holds(text) => Err(format!("{name} lacks {text:?}: {came:?}")),
            Text::Lacks(text) if !came.contains(text.as_str()) => Ok(()),
            Text::Lacks(text) => Err(format!("{name} holds {text:?}: {came:?}")),
        }
    }
}
