//! The hostnames of a request.

use crate::server::name::stored;

/// Dyn's limit, which clients know: more are answered `numhost`.
pub const MOST_HOSTS: usize = 20;

/// One hostname as it was given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Given {
    /// The text itself, which can be anything.
    pub text: String,
    /// What it names: lower case, ASCII (IDNA), without the last dot. `None`: it is no fully qualified name.
    pub fqdn: Option<String>,
}

/// All of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Hosts {
    /// Nothing was given.
    Missing,
    /// More than [`MOST_HOSTS`] different ones.
    TooMany,
    /// In the request's order, each once.
    Names(Vec<Given>),
}

/// Splits at commas; blanks around a name and empty places are dropped.
pub fn hosts(text: &str) -> Hosts {
    let mut all: Vec<Given> = Vec::new();
    for text in text.split(',').map(str::trim).filter(|text| !text.is_empty()) {
        let given = Given { text: text.to_string(), fqdn: fqdn(text) };
        let same = |other: &Given| match &given.fqdn {
            Some(fqdn) => other.fqdn.as_ref() == Some(fqdn),
            None => other.text == given.text,
        };
        if all.iter().any(same) {
            continue;
        }
        if all.len() == MOST_HOSTS {
            return Hosts::TooMany;
        }
        all.push(given);
    }
    match all.is_empty() {
        true => Hosts::Missing,
        false => Hosts::Names(all),
    }
}

/// A single label is not fully qualified; nobody is given a top-level domain.
fn fqdn(text: &str) -> Option<String> {
    stored(text).ok().filter(|name| name.contains('.'))
}

/// The hostname that an ACME client means: it may give the name of the TXT record instead (RFC 8555, section 8.4).
pub fn challenge_host(fqdn: &str) -> &str {
    fqdn.strip_prefix("_acme-challenge.").unwrap_or(fqdn)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        match hosts(text) {
            Hosts::Names(names) => names.into_iter().map(|name| name.fqdn.unwrap_or("-".into())).collect(),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn commas_separate_names_and_each_counts_once() {
        assert_eq!(names("b.example,a.example"), ["b.example", "a.example"], "in their order");
        assert_eq!(names(" a.example , ,b.example,"), ["a.example", "b.example"]);
        assert_eq!(names("A.Example.,a.example,a.EXAMPLE"), ["a.example"]);
        assert_eq!(names("B\u{dc}CHER.example,xn--bcher-kva.example"), ["xn--bcher-kva.example"]);
        assert_eq!(names("bad name,bad name,a.example"), ["-", "a.example"]);
        assert_eq!(names("*.a.example"), ["*.a.example"]);
    }

    #[test]
    fn what_is_no_fully_qualified_name_is_kept_as_such() {
        for text in ["localhost", "a..example", "9.9.9.9", "a b.example", "a.example\r\nX: y", "-a.example", "@"] {
            assert_eq!(names(text), ["-"], "{text:?}");
        }
        let long = format!("{}.example", "a".repeat(64));
        assert_eq!(names(&long), ["-"]);
    }

    #[test]
    fn none_and_too_many_are_told_apart() {
        for text in ["", ",", " , "] {
            assert_eq!(hosts(text), Hosts::Missing);
        }
        let many = |n: usize| (0..n).map(|n| format!("h{n}.example")).collect::<Vec<_>>().join(",");
        assert_eq!(names(&many(MOST_HOSTS)).len(), MOST_HOSTS);
        assert_eq!(hosts(&many(MOST_HOSTS + 1)), Hosts::TooMany);
        assert_eq!(names(&"a.example,".repeat(30)), ["a.example"]);
    }

    #[test]
    fn a_challenge_belongs_to_its_host() {
        assert_eq!(challenge_host("_acme-challenge.a.example"), "a.example");
        assert_eq!(challenge_host("a.example"), "a.example");
    }
}
