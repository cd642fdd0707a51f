//! What Cloudflare's error codes mean and what a person can do about each. A table apart from the talking, so that
//! a code seen in the wild is one more row. Verdicts rest on codes alone; a message only chooses the explanation.

use crate::net::http::quoted;

/// How far an error reaches; where an answer has several, the first of this order counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// The credentials: every call would end so.
    Key,
    /// What the credentials may do: every call for this zone would end so.
    Rights,
    /// An id in the path leads nowhere.
    Route,
    /// The record's id is no more.
    Gone,
    /// This one record.
    Record,
    /// A record like this is there already.
    Identical,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Meaning {
    pub kind: Kind,
    pub why: String,
    pub remedy: &'static str,
}

const TOKEN: &str =
    "create a token at https://dash.cloudflare.com/profile/api-tokens with the template \"Edit zone DNS\"";
const SHAPE: &str = "check 'token': a stray quote, newline or the word Bearer? A Global API Key is no token: it goes \
                     into 'key', with 'email'";
const BUG: &str = "this is a mistake in homing, not in your settings: please report it with what --verbose shows";
const PROXIED: &str = "set proxied = no, or leave 'proxied' out and switch the proxy off in the dashboard";

/// What Cloudflare's error codes mean, and what to do about each (<https://developers.cloudflare.com/api/>).
fn row(code: i64, message: &str) -> Option<(Kind, &'static str, &'static str)> {
    let found = match code {
        6003 | 6111 => (Kind::Key, "Cloudflare can't read the token", SHAPE),
        6102 => (Kind::Key, "Cloudflare can't read the email", "check 'email': the address of the Cloudflare account"),
        6103 => (
            Kind::Key,
            "Cloudflare can't read the key",
            "check 'key': the Global API Key goes there; a token goes into 'token', without 'email'",
        ),
        1001 => (Kind::Key, "Cloudflare misses the credentials or does not know the call", BUG),
        9109 if message.contains("from location") => (
            Kind::Key,
            "the token has an IP allow-list and our address is not on it",
            "remove the token's Client IP Address Filtering: it locks a DDNS client out exactly when its address changes",
        ),
        9109 if message.contains("requested resource") => {
            (Kind::Rights, "the token may not touch this zone", "give the token Zone:DNS:Edit for this zone")
        }
        9109 => (Kind::Key, "Cloudflare does not know this token: revoked, expired or mistyped", TOKEN),
        10000 => (
            Kind::Rights,
            "Cloudflare does not accept the credentials for this",
            "check the token, and that it has Zone:DNS:Edit for this zone",
        ),
        9106 => (Kind::Key, "Cloudflare does not accept the credentials", SHAPE),
        7000 | 7003 => (
            Kind::Route,
            "Cloudflare finds no zone under this id",
            "check 'zone_id' (32 hex digits, on the zone's overview page), or leave it out: homing looks it up",
        ),
        81044 => (Kind::Gone, "the record was deleted meanwhile", ""),
        81053 | 81054 => (
            Kind::Record,
            "another record stands in the way (A, AAAA and CNAME can't share a name)",
            "delete the CNAME of that name in the dashboard, or take another name",
        ),
        81057 | 81058 => (Kind::Identical, "an identical record exists", ""),
        9003 => (Kind::Record, "Cloudflare does not proxy to this address", PROXIED),
        9005 => (Kind::Record, "Cloudflare does not take the address for one", BUG),
        9021 => (
            Kind::Record,
            "Cloudflare does not take the TTL",
            "set ttl = 1 (automatic) or 60 to 86400; below 60 needs an Enterprise zone",
        ),
        9207 => (Kind::Record, "Cloudflare can't read what homing sent", BUG),
        _ => return None,
    };
    Some(found)
}

/// What the codes of one answer mean together: the kind that reaches furthest, and of its kind the last, which
/// stands deepest in the chain. `None`: not known, or known only in part where that could pass for success.
pub fn judge(codes: &[(i64, String)]) -> Option<Meaning> {
    let mut best: Option<(Kind, Meaning)> = None;
    let mut unknown = false;
    for (code, message) in codes {
        let Some((kind, why, remedy)) = row(*code, message) else {
            unknown = true;
            continue;
        };
        if best.as_ref().is_none_or(|(held, _)| kind <= *held) {
            let why = format!("{why} ({})", told(*code, message));
            best = Some((kind, Meaning { kind, why, remedy }));
        }
    }
    best.map(|(_, meaning)| meaning).filter(|meaning| !(unknown && meaning.kind == Kind::Identical))
}

/// A code with its message, fit for a log.
pub fn told(code: i64, message: &str) -> String {
    format!("code {code}: {}", quoted(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(codes: &[(i64, &str)]) -> Option<Meaning> {
        let codes: Vec<(i64, String)> = codes.iter().map(|(code, text)| (*code, text.to_string())).collect();
        judge(&codes)
    }

    #[test]
    fn every_code_of_the_reference_is_told_with_its_remedy() {
        for code in [
            6003, 6111, 6102, 6103, 1001, 9109, 10000, 9106, 7003, 7000, 81053, 81054, 9003, 9005, 9021, 9207, 81044,
            81057, 81058,
        ] {
            let meaning = of(&[(code, "said")]).unwrap_or_else(|| panic!("{code}"));
            assert!(meaning.why.ends_with(&format!("(code {code}: \"said\")")), "{}", meaning.why);
            let silent = matches!(meaning.kind, Kind::Gone | Kind::Identical);
            assert_eq!(meaning.remedy.is_empty(), silent, "{code}");
        }
        assert_eq!(of(&[(424_242, "?")]), None);
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn one_code_has_three_explanations() {
        let told = |text| of(&[(9109, text)]).map(|meaning| (meaning.kind, meaning.remedy));
        let listed = told("Cannot use the access token from location: 203.0.113.7").expect("known");
        assert!(listed.0 == Kind::Key && listed.1.contains("IP Address Filtering"));
        assert_eq!(told("Invalid access token"), Some((Kind::Key, TOKEN)));
        assert_eq!(told("Unauthorized to access requested resource").map(|m| m.0), Some(Kind::Rights));
    }

    #[test]
    fn the_chain_explains_and_the_widest_wins() {
        let both = of(&[(6003, "Invalid request headers"), (6111, "Invalid format for Authorization header")]);
        assert!(both.expect("known").why.contains("code 6111"));
        let mixed = of(&[(81058, "identical"), (9109, "Invalid access token"), (9021, "ttl")]);
        assert_eq!(mixed.expect("known").kind, Kind::Key);
        let wrapped = of(&[(1004, "DNS Validation Error"), (9021, "Invalid TTL")]);
        assert_eq!(wrapped.expect("known").kind, Kind::Record);
    }

    #[test]
    fn an_identical_record_and_something_else_is_no_success() {
        assert_eq!(of(&[(81058, "identical"), (424_242, "and worse")]), None);
        assert_eq!(of(&[(81058, "identical"), (9003, "and worse")]).map(|m| m.kind), Some(Kind::Record));
    }
}
