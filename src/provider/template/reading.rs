//! What the replies of a service mean that has words of its own: texts that the settings name, each told apart by where
//! it has to be, so that a word of a page, of a sentence or of an error is not taken for a success. Pure.

use crate::net::http::quoted;
use crate::provider::contract::UpdateResult;
use crate::provider::dyndns2::return_codes;
use crate::provider::requests::Answer;
use crate::settings::reader::SectionReader;
use crate::types::json::{self, Json};
use crate::types::spelling::of_a_word;
use std::net::IpAddr;

/// A text in a reply. Case is ignored.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Mark {
    /// `good`: begins the reply, as whole words.
    Start(String),
    /// `*good`: anywhere in it, as whole words.
    Anywhere(String),
    /// `*`: any reply; the status says it all.
    Any,
    /// `{ip}`: one of the addresses that were sent, anywhere.
    Address,
    /// `json:PATH=VALUE`: the reply is JSON with this member.
    Member(String, String),
    /// `xml:NAME=VALUE`: the reply is XML with an element of this name and content.
    Element(String),
    /// `status:404`
    Status(u16),
}

/// Words that make a line of a reply a negative one, whatever else it says.
const NEGATIVE: [&str; 29] = [
    "not",
    "no",
    "error",
    "err",
    "ko",
    "fail",
    "failed",
    "failure",
    "false",
    "invalid",
    "denied",
    "forbidden",
    "unauthorized",
    "unsuccessful",
    "unable",
    "cannot",
    "couldn",
    "incorrect",
    "wrong",
    "unknown",
    "rejected",
    "refused",
    "expired",
    "blocked",
    "badauth",
    "nohost",
    "notfqdn",
    "abuse",
    "dnserr",
];

/// The reply to an update, prepared for comparison.
struct Text<'a> {
    status: u16,
    /// Trimmed, in lower case, without a byte order mark.
    body: String,
    json: Option<Json>,
    sent: &'a [IpAddr],
}

impl<'a> Text<'a> {
    fn new(status: u16, body: &str, sent: &'a [IpAddr]) -> Text<'a> {
        let body = body.strip_prefix('\u{feff}').unwrap_or(body).trim();
        let json = body.starts_with(['{', '[']).then(|| json::parse(body).ok()).flatten();
        Text { status, body: body.to_ascii_lowercase(), json, sent }
    }

    fn is_page(&self) -> bool {
        ["<html", "<!doctype", "<head", "<body"].iter().any(|tag| self.body.starts_with(tag))
    }

    /// Whether the JSON of a reply says itself that it is no success, by the members that APIs use for that.
    fn is_negative_json(&self) -> bool {
        let Some(json) = &self.json else { return false };
        let flag = |key| json::flag(json, key) == Some(false);
        let status = json::text(json, "status").map(str::to_ascii_lowercase).unwrap_or_default();
        let error = match json::member(json, "error") {
            None | Some(Json::Null | Json::Boolean(false)) => false,
            Some(Json::String(text)) => !text.is_empty(),
            Some(Json::Array(items)) => !items.is_empty(),
            Some(Json::Number(number)) => *number != 0.0,
            Some(_) => true,
        };
        error
            || ["success", "ok", "isok"].into_iter().any(flag)
            || ["error", "fail", "failed", "failure"].contains(&&*status)
    }

    /// Whether this part of a reply has a negative word.
    fn is_negative(&self, part: &str) -> bool {
        match self.json {
            Some(_) => self.is_negative_json(),
            None => part.split(|c| !of_a_word(c)).any(|word| NEGATIVE.contains(&word)),
        }
    }

    /// The line around a place, or the text between two tags.
    fn segment(&self, from: usize, to: usize) -> (&str, &str) {
        let end = |c: char| matches!(c, '\n' | '\r' | '<' | '>');
        let before = self.body[..from].rfind(end).map_or(0, |at| at + 1);
        let after = self.body[to..].find(end).map_or(self.body.len(), |at| to + at);
        (&self.body[before..from], &self.body[to..after])
    }

    /// Where a text is, as whole words.
    fn places<'b>(&'b self, text: &'b str) -> impl Iterator<Item = (usize, usize)> + 'b {
        let whole = move |at: &usize| {
            let (before, after) = (&self.body[..*at], &self.body[at + text.len()..]);
            let glued_before = text.starts_with(of_a_word) && before.ends_with(of_a_word);
            let glued_after = text.ends_with(of_a_word) && after.starts_with(of_a_word);
            !glued_before && !glued_after
        };
        self.body.match_indices(text).map(|(at, _)| at).filter(whole).map(move |at| (at, at + text.len()))
    }
}

impl Mark {
    fn new(text: &str) -> Mark {
        let member = |prefix: &str| text.strip_prefix(prefix)?.split_once('=');
        if let Some((path, value)) = member("json:") {
            return Mark::Member(path.to_string(), value.to_ascii_lowercase());
        }
        if let Some((name, value)) = member("xml:") {
            let name = name.to_ascii_lowercase();
            return Mark::Element(format!("<{name}>{}</{name}>", value.to_ascii_lowercase()));
        }
        if let Some(status) = text.strip_prefix("status:").and_then(|status| status.parse().ok()) {
            return Mark::Status(status);
        }
        match text.strip_prefix('*') {
            _ if text == "{ip}" => Mark::Address,
            Some("") => Mark::Any,
            Some(rest) => Mark::Anywhere(rest.to_ascii_lowercase()),
            None => Mark::Start(text.to_ascii_lowercase()),
        }
    }

    /// Why a text of the settings is no mark.
    fn check(text: &str) -> Result<(), String> {
        let forms = "write json:KEY=VALUE, xml:NAME=VALUE, status:NUMBER, *TEXT, {ip} or TEXT";
        let pair = |rest: &str| rest.split_once('=').is_some_and(|(key, value)| !key.is_empty() && !value.is_empty());
        let good = match text.split_once(':') {
            Some(("json" | "xml", rest)) => pair(rest),
            Some(("status", rest)) => rest.parse::<u16>().is_ok_and(|status| (200..600).contains(&status)),
            _ => true,
        };
        match good {
            true => Ok(()),
            false => Err(format!("'{}' has no value: {forms}", crate::settings::shown(text))),
        }
    }

    /// The places of the mark in a reply, each with what else its line says; nothing is in the line of a mark that reads
    /// a value.
    fn found<'a>(&'a self, text: &'a Text<'_>) -> Vec<(&'a str, &'a str)> {
        let there = |there: bool| if there { vec![("", "")] } else { Vec::new() };
        match self {
            Mark::Start(mark) => match text.places(mark).next() {
                Some((0, end)) => vec![text.segment(0, end)],
                _ => Vec::new(),
            },
            Mark::Anywhere(mark) => text.places(mark).map(|(from, to)| text.segment(from, to)).collect(),
            Mark::Any => vec![("", text.body.as_str())],
            Mark::Address => {
                let of_address = |c: char| c.is_ascii_hexdigit() || c == '.' || c == ':';
                let is_sent = |word: &str| word.parse().is_ok_and(|ip: IpAddr| text.sent.contains(&ip));
                let lines = text.body.split(['\n', '<', '>']);
                let found = lines.filter(|line| {
                    // With the colon or the full stop of a sentence, which may belong to the address as well.
                    let words = line.split(|c| !of_address(c));
                    words.flat_map(|word| [word, word.trim_matches(['.', ':'])]).any(is_sent)
                });
                found.map(|line| ("", line)).collect()
            }
            Mark::Member(path, value) => {
                let held = text.json.as_ref().and_then(|json| json::at(json, path)).and_then(json::scalar);
                there(held.is_some_and(|held| held.eq_ignore_ascii_case(value)))
            }
            Mark::Element(element) => there(text.body.starts_with('<') && text.body.contains(element.as_str())),
            Mark::Status(status) => there(text.status == *status),
        }
    }

    /// Whether it is in a reply at all: for texts that say no.
    fn rejects(&self, text: &Text<'_>) -> bool {
        !self.found(text).is_empty()
    }

    /// Whether it says that nothing changed: not where `not` or `no` is directly before it.
    fn says_unchanged(&self, text: &Text<'_>) -> bool {
        let negated = |before: &str| {
            let last = before.trim_end_matches(|c: char| !of_a_word(c)).rsplit(|c| !of_a_word(c)).next();
            matches!(last, Some("not" | "no" | "un" | "non"))
        };
        self.found(text).iter().any(|(before, _)| !negated(before))
    }

    /// Whether it says yes: its line has no negative word beside it, and it is no page unless the mark looks into it.
    fn says_yes(&self, text: &Text<'_>) -> bool {
        if text.is_page() && matches!(self, Mark::Any | Mark::Address) {
            return false;
        }
        if text.is_negative_json() {
            return false;
        }
        self.found(text).iter().any(|(before, after)| !text.is_negative(before) && !text.is_negative(after))
    }
}

/// The marks of a section.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reading {
    /// Empty: the return codes of dyndns2.
    success: Vec<Mark>,
    unchanged: Vec<Mark>,
    refused: Vec<Mark>,
}

impl Reading {
    /// Reads the keys `success`, `unchanged` and `refused`; `None` if there is a mistake in them, which is noted.
    pub fn new(facts: &SectionReader<'_>) -> Option<Reading> {
        let marks = |key: &str| -> Option<Vec<Mark>> {
            let Some(entry) = facts.entry(key) else { return Some(Vec::new()) };
            let texts = facts.list(key)?;
            let mut good = true;
            for why in texts.iter().filter_map(|text| Mark::check(text).err()) {
                facts.wrong(entry, why);
                good = false;
            }
            good.then(|| texts.iter().map(|text| Mark::new(text)).collect())
        };
        Some(Reading { success: marks("success")?, unchanged: marks("unchanged")?, refused: marks("refused")? })
    }

    /// The same, known beforehand; each is a list with commas.
    pub fn of(success: &str, unchanged: &str, refused: &str) -> Reading {
        let marks = |texts: &str| texts.split(',').map(str::trim).filter(|t| !t.is_empty()).map(Mark::new).collect();
        Reading { success: marks(success), unchanged: marks(unchanged), refused: marks(refused) }
    }

    /// The answer in a 2xx reply to a request that sent the addresses `sent`.
    pub fn judge(&self, status: u16, body: &str, sent: &[IpAddr]) -> Answer {
        if let Some(rejected) = self.refusal(status, body) {
            return rejected;
        }
        let text = Text::new(status, body, sent);
        if self.unchanged.iter().any(|mark| mark.says_unchanged(&text)) {
            return Answer::host(UpdateResult::Unchanged);
        }
        if self.success.iter().any(|mark| mark.says_yes(&text)) {
            return Answer::host(UpdateResult::Updated);
        }
        if self.success.is_empty() {
            return return_codes::judge(body, 1, sent, &[]).remove(0);
        }
        let why = match body.trim() {
            "" => "an empty reply".to_string(),
            text => format!("unexpected reply: {}", quoted(text)),
        };
        Answer::host(UpdateResult::later(why))
    }

    /// The answer in a reply that says no: by the section's texts, else by the return codes of dyndns2.
    pub fn refusal(&self, status: u16, body: &str) -> Option<Answer> {
        let text = Text::new(status, body, &[]);
        if self.refused.iter().any(|mark| mark.rejects(&text)) {
            let why = match body.trim() {
                "" => format!("the service answered HTTP {status}"),
                body => format!("the service answered {}", quoted(body)),
            };
            let remedy = "correct what it complains of, in 'hosts' or in the credentials".to_string();
            return Some(Answer::host(UpdateResult::Rejected { why, remedy }));
        }
        // A success is never read from these codes while the section has its own texts.
        return_codes::refusal_in(body, &[])
    }
}

#[cfg(test)]
mod tests;
