//! Parses the text of a conversation into passes. tests/README.md describes the format.

/// A line number, for messages.
pub type Line = usize;

/// One file.
#[derive(Debug, Default)]
pub struct Conversation {
    pub passes: Vec<Pass>,
}

/// One run of the binary, with its exchanges and expectations.
#[derive(Debug, Default)]
pub struct Pass {
    pub line: Line,
    /// A new config for this pass.
    pub config: Option<String>,
    /// Replacements in the config of the previous pass.
    pub changes: Vec<(Line, String, String)>,
    /// Files that are deleted before it.
    pub lost: Vec<String>,
    pub args: Vec<String>,
    /// Seconds after the first pass; sets the clock.
    pub at: Option<i64>,
    /// How many times it runs, with the same expectations each time.
    pub times: usize,
    pub exchanges: Vec<Exchange>,
    pub expects: Vec<(Line, Expect)>,
}

/// An expected request and its reply.
#[derive(Clone, Debug, Default)]
pub struct Exchange {
    pub line: Line,
    /// May change places with neighbours that may too.
    pub any_order: bool,
    pub method: String,
    pub target: String,
    /// Whether the target must match byte for byte instead of after decoding.
    pub exact: bool,
    /// A header and its value; `None` if it must be absent.
    pub headers: Vec<(String, Option<String>)>,
    pub body: Option<String>,
    pub reply: Answer,
}

#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// `None` closes the connection without sending a byte.
    pub status: Option<u16>,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Expect {
    Exit(i32),
    Output { error: bool, what: Text },
    Status { host: String, family: String, key: &'static str, what: Text },
}

/// What a text must be.
#[derive(Clone, Debug, PartialEq)]
pub enum Text {
    Is(String),
    IsNot(String),
    Holds(String),
    Lacks(String),
}

#[derive(PartialEq)]
enum Block {
    Before,
    Config,
    Exchange,
    Expect,
    Again,
}

/// Parses a file; an error names the line.
pub fn parse(text: &str) -> Result<Conversation, String> {
    let mut passes = vec![Pass { line: 1, times: 1, ..Pass::default() }];
    let mut block = Block::Before;
    let (mut asked_body, mut reply_body) = (false, false);
    for (number, line) in text.lines().enumerate().map(|(n, line)| (n + 1, line)) {
        let wrong = |why: &str| format!("line {number}: {why}: {line}");
        let pass = passes.last_mut().expect("there is always one");
        match line.trim() {
            "[config]" => {
                pass.config = Some(String::new());
                block = Block::Config;
            }
            "[exchange]" | "[exchange any order]" => {
                let any_order = line.contains("any order");
                pass.exchanges.push(Exchange { line: number, any_order, ..Exchange::default() });
                (asked_body, reply_body) = (false, false);
                block = Block::Exchange;
            }
            "[expect]" => block = Block::Expect,
            "[again]" => {
                passes.push(Pass { line: number, times: 1, ..Pass::default() });
                block = Block::Again;
            }
            trimmed if block == Block::Config => {
                let config = pass.config.as_mut().expect("the block began with one");
                if !trimmed.starts_with('#') {
                    *config += line;
                    *config += "\n";
                }
            }
            trimmed if trimmed.is_empty() || trimmed.starts_with('#') => {}
            _ if block == Block::Exchange => {
                let exchange = pass.exchanges.last_mut().expect("the block began with one");
                let done = match line.as_bytes()[0] {
                    b'>' => asked(exchange, rest(line), &mut asked_body),
                    b'<' => answered(exchange, rest(line), &mut reply_body),
                    _ => Err("a line of an exchange begins with > or <".to_string()),
                };
                done.map_err(|why| wrong(&why))?;
            }
            trimmed if block == Block::Expect => {
                let expect = expect(trimmed).ok_or_else(|| wrong("not an expectation"))?;
                pass.expects.push((number, expect));
            }
            trimmed if block == Block::Again => option(pass, number, trimmed).map_err(wrong)?,
            _ => return Err(wrong("nothing may stand before [config]")),
        }
    }
    check(&passes)?;
    Ok(Conversation { passes })
}

/// Parses an option of `[again]`.
fn option(pass: &mut Pass, line: Line, text: &str) -> Result<(), &'static str> {
    match text.split_once(" = ") {
        Some(("at", offset)) => pass.at = Some(seconds(offset).ok_or("not a time such as +30m")?),
        Some(("args", args)) => pass.args = args.split_whitespace().map(String::from).collect(),
        Some(("lost", name)) => pass.lost.push(name.to_string()),
        Some(("times", times)) => pass.times = times.parse().map_err(|_| "not a number")?,
        Some(("change", change)) => {
            let (old, new) = change.split_once(" -> ").ok_or("a change reads: old -> new")?;
            pass.changes.push((line, old.into(), new.into()));
        }
        _ => return Err("not an option of [again]"),
    }
    Ok(())
}

/// Checks that nothing required is missing.
fn check(passes: &[Pass]) -> Result<(), String> {
    if passes[0].config.is_none() {
        return Err("line 1: there is no [config]".to_string());
    }
    for pass in passes {
        if !pass.expects.iter().any(|(_, expect)| matches!(expect, Expect::Exit(_))) {
            return Err(format!("line {}: this pass expects no exit code", pass.line));
        }
        if pass.times > 1 && !pass.exchanges.is_empty() {
            return Err(format!("line {}: a pass that is repeated can have no exchange", pass.line));
        }
        for exchange in &pass.exchanges {
            if exchange.method.is_empty() {
                return Err(format!("line {}: this exchange has no request", exchange.line));
            }
        }
    }
    Ok(())
}

/// What follows the mark and one blank.
fn rest(line: &str) -> &str {
    let rest = &line[1..];
    rest.strip_prefix(' ').unwrap_or(rest)
}

/// A line of the request: first the request line, then headers, after an empty line the body.
fn asked(exchange: &mut Exchange, line: &str, in_body: &mut bool) -> Result<(), String> {
    if exchange.method.is_empty() {
        let (line, exact) = line.strip_prefix("exactly ").map_or((line, false), |line| (line, true));
        let (method, target) = line.split_once(' ').ok_or("a request reads: METHOD /target")?;
        (exchange.method, exchange.target, exchange.exact) = (method.into(), target.trim().into(), exact);
    } else if *in_body {
        let body = exchange.body.get_or_insert_default();
        *body += line;
        *body += "\n";
    } else if line.is_empty() {
        *in_body = true;
    } else if let Some(name) = line.strip_prefix('!') {
        exchange.headers.push((name.trim().into(), None));
    } else {
        let (name, value) = line.split_once(':').ok_or("a header reads: Name: value")?;
        exchange.headers.push((name.into(), Some(value.trim().into())));
    }
    Ok(())
}

/// A line of the reply: first the status, then headers, after an empty line the body.
fn answered(exchange: &mut Exchange, line: &str, in_body: &mut bool) -> Result<(), String> {
    let reply = &mut exchange.reply;
    if *in_body {
        if !reply.body.is_empty() {
            reply.body.push('\n');
        }
        reply.body += &unescape(line)?;
    } else if line.is_empty() {
        *in_body = true;
    } else if line == "(close)" {
        reply.status = None;
    } else if reply.status.is_none() {
        reply.status = Some(line.parse().map_err(|_| "a reply begins with its status")?);
    } else {
        let (name, value) = line.split_once(':').ok_or("a header reads: Name: value")?;
        reply.headers.push((name.into(), value.trim().into()));
    }
    Ok(())
}

/// Decodes `\r`, `\n`, `\t`, `\0`, `\e` and `\\` in the body of a reply and in the text of an expectation.
fn unescape(line: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        out.push(match c {
            '\\' => match chars.next() {
                Some('r') => '\r',
                Some('n') => '\n',
                Some('t') => '\t',
                Some('0') => '\0',
                Some('e') => '\x1b',
                Some('\\') => '\\',
                _ => return Err("an unknown escape".to_string()),
            },
            c => c,
        });
    }
    Ok(out)
}

fn expect(line: &str) -> Option<Expect> {
    let words: Vec<&str> = line.splitn(5, ' ').collect();
    Some(match words[..] {
        ["exit", "=", code] => Expect::Exit(code.parse().ok()?),
        [stream @ ("stdout" | "stderr"), ..] => {
            let (mark, value) = line[stream.len()..].trim().split_once(' ')?;
            Expect::Output { error: stream == "stderr", what: text(mark, value)? }
        }
        ["state", host, family @ ("ipv4" | "ipv6"), mark @ ("=" | "is"), value] => {
            let key = if mark == "is" { "state" } else { "address" };
            Expect::Status { host: host.into(), family: family.into(), key, what: text("=", value)? }
        }
        ["why", host, family @ ("ipv4" | "ipv6"), mark, value] => {
            Expect::Status { host: host.into(), family: family.into(), key: "why", what: text(mark, value)? }
        }
        _ => return None,
    })
}

fn text(mark: &str, value: &str) -> Option<Text> {
    let value = match value {
        "(empty)" | "(none)" => String::new(),
        value => unescape(value).ok()?,
    };
    Some(match mark {
        "=" => Text::Is(value),
        "!=" => Text::IsNot(value),
        "~" => Text::Holds(value),
        "!~" => Text::Lacks(value),
        _ => return None,
    })
}

/// `+30m`, `-1d`: seconds after the first pass.
fn seconds(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86400,
        _ => return None,
    };
    text.starts_with(['+', '-']).then_some(number.parse::<i64>().ok()? * unit)
}
