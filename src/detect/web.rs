//! A page that says our address. It is believed only when it was fetched whole, with status 200, and holds exactly
//! what `parse` says it should: a captive portal and an error page say 200 too.

use super::{family_key, DetectError, Kind};
use crate::net::http::{quoted, Http, Request, Url};
use crate::settings::reader::SectionReader;
use crate::settings::shown;
use crate::types::address::{self, Family};
use crate::types::json;
use std::net::IpAddr;

/// What a page looks like.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Parse {
    /// One address and nothing else.
    Plain,
    /// A JSON object whose member of this name is the address.
    Json(String),
    /// The one line that begins with this, such as `ip=`.
    PushContext(String),
    /// The one public address somewhere in a page of text.
    Text,
}

pub fn make(facts: &SectionReader<'_>, family: Family) -> Option<Kind> {
    let url_key = family_key(facts, "url", "url6", family);
    facts.needed(url_key)?;
    let url = facts.url(url_key)?;
    let parse = match facts.text("parse").as_deref() {
        None | Some("plain") => Parse::Plain,
        Some("text") => Parse::Text,
        Some(other) => match other.split_once(':') {
            Some(("json", key)) if !key.is_empty() => Parse::Json(key.to_string()),
            Some(("line", key)) if !key.is_empty() => Parse::PushContext(key.to_string()),
            _ => {
                if let Some(entry) = facts.entry("parse") {
                    let parse = shown(other);
                    facts.wrong(entry, format!("'{parse}' is invalid: use plain, json:KEY, line:KEY= or text"));
                }
                return None;
            }
        },
    };
    Some(Kind::Web { url, parse })
}

pub fn ask(url: &Url, parse: &Parse, family: Family, http: &Http<'_>) -> Result<IpAddr, DetectError> {
    let mut request = Request::get(url.clone());
    // An address that stands in the URL is used as it is; what it answers is held to the family all the same.
    request.family = url.literal().is_none().then_some(family);
    request.measured = true;
    let reply = http.fetch(&request).map_err(|fault| fault.to_string())?;
    if reply.status != 200 {
        // 511: network authentication required (RFC 6585, section 6).
        let web_page = matches!(reply.status, 300..=399 | 511);
        return Err(DetectError { why: reply.status_line(), web_page });
    }
    read(&reply.body, parse, family).map_err(|why| DetectError {
        why: format!("{why}: {}", quoted(&reply.body)),
        web_page: reply.body.trim_start().starts_with('<'),
    })
}

fn read(body: &str, parse: &Parse, family: Family) -> Result<IpAddr, String> {
    match parse {
        Parse::Plain => address::parse(body, family),
        Parse::Json(key) => {
            let json = json::parse(body)?;
            let text = json::text(&json, key).ok_or_else(|| format!("no text '{key}' in the JSON"))?;
            address::parse(text, family)
        }
        Parse::PushContext(start) => {
            let mut lines = body.lines().filter_map(|line| line.trim().strip_prefix(start.as_str()));
            match (lines.next(), lines.next()) {
                (Some(value), None) => address::parse(value, family),
                (None, _) => Err(format!("no line that begins with {start}")),
                (Some(_), Some(_)) => Err(format!("several lines that begin with {start}")),
            }
        }
        Parse::Text => address::only_public_in(body, family),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn four(body: &str, parse: &Parse) -> Result<String, String> {
        read(body, parse, Family::V4).map(|ip| ip.to_string())
    }

    #[test]
    fn plain_takes_one_address_and_nothing_else() {
        assert_eq!(four(" 198.41.0.4\r\n", &Parse::Plain).as_deref(), Ok("198.41.0.4"));
        for body in
            ["", "198.41.0.4 198.41.0.4", "<p>198.41.0.4</p>", "2620:fe::fe", "198.41.0.4\nx", "::ffff:198.41.0.4"]
        {
            assert!(four(body, &Parse::Plain).is_err(), "{body}");
        }
    }

    #[test]
    fn json_line_and_text_find_theirs() {
        let json = Parse::Json("ip".to_string());
        assert_eq!(four("{\"ip\":\"198.41.0.4\"}", &json).as_deref(), Ok("198.41.0.4"));
        assert!(four("{\"ip\":5}", &json).is_err());
        assert!(four("[]", &json).is_err());
        let line = Parse::PushContext("ip=".to_string());
        assert_eq!(four("h=1.1.1.1\nip=198.41.0.4\nts=1\n", &line).as_deref(), Ok("198.41.0.4"));
        assert!(four("h=1.1.1.1\n", &line).is_err());
        assert!(four("ip=9.9.9.9\nip=198.41.0.4\n", &line).is_err());
        assert_eq!(
            four("<html><body>Current IP Address: 198.41.0.4</body></html>", &Parse::Text).as_deref(),
            Ok("198.41.0.4")
        );
    }
}
