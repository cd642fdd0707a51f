//! What a service's own words mean: texts that the settings name, told apart by where they must stand, so that a word
//! of a page or of a sentence is not taken for an answer. Pure.

use crate::net::http::quoted;
use crate::provider::contract::UpdateResult;
use crate::provider::dyndns2::return_codes;
use crate::provider::requests::Answer;
use crate::settings::reader::SectionReader;
use crate::types::json;
use crate::types::spelling::of_a_word;
use std::net::IpAddr;

/// A text in an answer. Letters of either case are the same.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Mark {
    /// `good`: begins the answer, and no letter or digit follows.
    Start(String),
    /// `*good`: stands somewhere in it; `*` alone: any answer, the status says it all.
    Anywhere(String),
    /// `{ip}`: one of the addresses that were sent stands somewhere in it.
    Address,
    /// `json:KEY=VALUE`: the answer is a JSON object with this member.
    Member(String, String),
}

/// The marks of a section.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reading {
    /// None: the words of dyndns2.
    success: Vec<Mark>,
    unchanged: Vec<Mark>,
    refused: Vec<Mark>,
}

impl Mark {
    fn new(text: &str) -> Mark {
        match (text.strip_prefix('*'), text.strip_prefix("json:").and_then(|rest| rest.split_once('='))) {
            _ if text == "{ip}" => Mark::Address,
            (Some(rest), _) => Mark::Anywhere(rest.to_ascii_lowercase()),
            (None, Some((key, value))) => Mark::Member(key.to_string(), value.to_ascii_lowercase()),
            (None, None) => Mark::Start(text.to_ascii_lowercase()),
        }
    }

    /// Whether it is in a body, which is in lower case and trimmed; `json` is the body read, if it can be; `said` are
    /// the addresses that were sent.
    fn is_in(&self, body: &str, json: Option<&json::Json>, said: &[IpAddr]) -> bool {
        match self {
            Mark::Start(text) => body
                .strip_prefix(text.as_str())
                .is_some_and(|rest| !rest.starts_with(of_a_word) || !text.ends_with(of_a_word)),
            Mark::Anywhere(text) => body.contains(text.as_str()),
            Mark::Address => {
                let of_address = |c: char| c.is_ascii_hexdigit() || c == '.' || c == ':';
                let words = body.split(|c| !of_address(c));
                // With the colon or the full stop of a sentence, which may belong to the address as well.
                let words = words.flat_map(|word| [word, word.trim_matches(['.', ':'])]);
                words.filter_map(|word| word.parse().ok()).any(|ip: IpAddr| said.contains(&ip))
            }
            Mark::Member(key, value) => json.is_some_and(|json| {
                let text = json::text(json, key).map(str::to_ascii_lowercase);
                let number = || json::number(json, key).map(|number| number.to_string());
                let flag = || json::flag(json, key).map(|flag| flag.to_string());
                text.or_else(number).or_else(flag).is_some_and(|held| held == *value)
            }),
        }
    }
}

impl Reading {
    /// Reads the keys `success`, `unchanged` and `refused`; `None` if there is a mistake in them, which is noted.
    pub fn new(facts: &SectionReader<'_>) -> Option<Reading> {
        let marks = |key: &str| -> Option<Vec<Mark>> {
            match facts.entry(key) {
                Some(_) => Some(facts.list(key)?.iter().map(|text| Mark::new(text)).collect()),
                None => Some(Vec::new()),
            }
        };
        Some(Reading { success: marks("success")?, unchanged: marks("unchanged")?, refused: marks("refused")? })
    }

    /// The same, known beforehand; each is a list with commas.
    pub fn of(success: &str, unchanged: &str, refused: &str) -> Reading {
        let marks = |texts: &str| texts.split(',').map(str::trim).filter(|t| !t.is_empty()).map(Mark::new).collect();
        Reading { success: marks(success), unchanged: marks(unchanged), refused: marks(refused) }
    }

    /// The verdict of a 2xx answer to a request that said the addresses `said`.
    pub fn judge(&self, body: &str, sent: &[IpAddr]) -> Answer {
        if let Some(rejected) = self.refusal(body) {
            return rejected;
        }
        if matches(&self.unchanged, body, sent) {
            return Answer::host(UpdateResult::Unchanged);
        }
        if matches(&self.success, body, sent) {
            return Answer::host(UpdateResult::Updated);
        }
        if self.success.is_empty() {
            return return_codes::judge(body, 1, sent, &[]).remove(0);
        }
        let why = match body.trim() {
            "" => "an empty answer".to_string(),
            text => format!("an answer that is not understood: {}", quoted(text)),
        };
        Answer::host(UpdateResult::later(why))
    }

    /// The verdict of an answer that says no: by the section's texts, else by the words of dyndns2.
    pub fn refusal(&self, body: &str) -> Option<Answer> {
        if matches(&self.refused, body, &[]) {
            let why = format!("the service answered {}", quoted(body));
            let remedy = "correct what it complains of, in 'hosts' or in the credentials".to_string();
            return Some(Answer::host(UpdateResult::Rejected { why, remedy }));
        }
        // A yes is never read out of these words while the section has its own.
        return_codes::refusal_in(body, &[])
    }
}

fn matches(marks: &[Mark], body: &str, said: &[IpAddr]) -> bool {
    let lower = body.trim().to_ascii_lowercase();
    let wants_json = marks.iter().any(|mark| matches!(mark, Mark::Member(..)));
    let json = wants_json.then(|| json::parse(body).ok()).flatten();
    marks.iter().any(|mark| mark.is_in(&lower, json.as_ref(), said))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(reading: &Reading, body: &str) -> char {
        match reading.judge(body, &[]).result {
            UpdateResult::Updated => 'u',
            UpdateResult::Unchanged => '=',
            UpdateResult::Rejected { .. } => 'r',
            _ => 'l',
        }
    }

    #[test]
    fn a_text_stands_where_it_must() {
        let ok = Reading::of("OK", "", "ERROR");
        for (body, want) in [
            ("ok", 'u'),
            (" OK 1.2.3.4\n", 'u'),
            ("okay", 'l'),
            ("not OK", 'l'),
            ("error", 'r'),
            ("", 'l'),
            ("good", 'l'),
        ] {
            assert_eq!(one(&ok, body), want, "{body}");
        }
        let xml = Reading::of("*<ErrCount>0</ErrCount>", "", "*<Err1>");
        assert_eq!(one(&xml, "<?xml?><i><errcount>0</errcount></i>"), 'u');
        assert_eq!(one(&xml, "<html>0</html>"), 'l');
        assert_eq!(one(&Reading::of("*", "", ""), ""), 'u');
        assert_eq!(one(&Reading::of("*", "", ""), "badauth"), 'r', "the words of dyndns2 that say no always count");
    }

    #[test]
    fn the_address_that_was_sent_says_yes() {
        let echo = Reading::of("{ip}", "", "");
        let said = ["2620:fe::fe".parse().expect("good"), "198.41.0.4".parse().expect("good")];
        for (body, yes) in [
            ("a.goip.de is 198.41.0.4.", true),
            ("<b>198.41.0.4</b>", true),
            ("IP:198.41.0.4", true),
            ("now 2620:00fe:0:0:0:0:0:fe!", true),
            ("198.41.0.45", false),
            ("1198.41.0.4", false),
            ("192.0.2.1", false),
            ("", false),
        ] {
            assert_eq!(echo.judge(body, &said).result == UpdateResult::Updated, yes, "{body}");
        }
    }

    #[test]
    fn a_member_of_json_is_one_by_value() {
        let json = Reading::of("json:status=200, json:ok=true", "json:result=Same", "json:code=2");
        for (body, want) in [
            ("{\"status\": 200}", 'u'),
            ("{\"status\":\"200\"}", 'u'),
            ("{\"ok\":true}", 'u'),
            ("{\"result\":\"same\",\"ok\":true}", '='),
            ("{\"code\":2}", 'r'),
            ("{\"status\":2000}", 'l'),
            ("{\"a\":{\"status\":200}}", 'l'),
            ("status=200", 'l'),
        ] {
            assert_eq!(one(&json, body), want, "{body}");
        }
    }

    #[test]
    fn without_texts_the_words_of_dyndns2_count() {
        let words = Reading::of("", "", "");
        assert_eq!(one(&words, "good 198.41.0.4"), 'u');
        assert_eq!(one(&words, "nochg"), '=');
        assert_eq!(one(&words, "<html>good</html>"), 'l');
    }
}
