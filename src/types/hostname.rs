//! A host name, as an operator writes it and as it is sent.
//! It stands apart because a name goes into URLs, JSON, DNS messages, logs and commands: checked
//! once, here, it can break none of them, and nobody else need know of trailing dots, capitals or
//! punycode.

use crate::types::spelling::unseen;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::Ipv4Addr;

/// Octets in a label (RFC 1035, 2.3.4).
const LABEL: usize = 63;
/// Characters in a name without the last dot: what 255 octets on the wire leave (RFC 1035, 2.3.4).
const NAME: usize = 253;

/// A checked name, lower-case, without the last dot.
/// Two are equal if they are sent alike, however they were typed.
#[derive(Clone, Debug)]
pub struct Host {
    ascii: String,
    /// Where it was typed otherwise.
    typed: Option<String>,
}

impl Host {
    /// Check a name: a bare label will do, `*` may be the first of several; letters, digits and `-`
    /// (RFC 952, RFC 1123), and `_`, which no rule for hosts allows and many names have. An IPv4
    /// address is not a name.
    ///
    /// Labels in other scripts are lower-cased and sent as punycode (RFC 3492). For want of tables no
    /// NFC normalisation and no other mapping or check of IDNA (RFC 5891) is made: a letter typed in
    /// two parts makes another name than the same letter in one. Refused is what cannot be seen,
    /// and what belongs to the full-width forms.
    ///
    /// The error can be printed: it repeats at most one character of the text, escaped.
    pub fn new(text: &str) -> Result<Host, String> {
        let name = text.strip_suffix('.').unwrap_or(text);
        if name.is_empty() {
            return Err("the hostname is empty: write a name such as home.example.com".into());
        }
        let wildcard = name.starts_with("*.");
        for (at, c) in name.chars().enumerate() {
            let star = wildcard && at == 0;
            if c == '*' && !star {
                return Err(format!("'*' at position {}: a wildcard is only possible as in *.example.com", at + 1));
            }
            if !(star || allowed(c)) {
                let (c, at) = (c.escape_default(), at + 1);
                return Err(format!(
                    "'{c}' at position {at} is invalid in a hostname: use letters, digits, '-' and '.'"
                ));
            }
        }
        if name.parse::<Ipv4Addr>().is_ok() {
            return Err("expected a hostname, got an IP address".into());
        }
        // Not str::to_lowercase: how it writes a Greek capital sigma depends on the next label.
        let typed: String = match name.is_ascii() {
            true => name.to_ascii_lowercase(),
            false => name.chars().flat_map(char::to_lowercase).collect(),
        };
        let mut ascii = String::with_capacity(typed.len());
        for (at, label) in typed.split('.').enumerate() {
            if at > 0 {
                ascii.push('.');
            }
            add(&mut ascii, label).map_err(|reason| format!("label {} of the hostname {reason}", at + 1))?;
        }
        if ascii.len() > NAME {
            return Err(format!("the hostname has {} characters as sent; the maximum is {NAME}", ascii.len()));
        }
        let typed = (typed != ascii).then_some(typed);
        Ok(Host { ascii, typed })
    }

    /// As it is sent: ASCII, lower-case, no last dot.
    pub fn ascii(&self) -> &str {
        &self.ascii
    }

    /// As people read it: what was typed, lower-case, no last dot.
    pub fn typed(&self) -> &str {
        self.typed.as_deref().unwrap_or(&self.ascii)
    }

    /// Does it begin with `*.`?
    pub fn is_wildcard(&self) -> bool {
        self.ascii.starts_with('*')
    }

    /// Is it this zone or below it, label by label? The zone may be written in any way a host may;
    /// what is no host name, the root among it, holds nothing.
    pub fn under(&self, zone: &str) -> bool {
        Host::new(zone).is_ok_and(|zone| {
            self.ascii.strip_suffix(zone.ascii()).is_some_and(|front| front.is_empty() || front.ends_with('.'))
        })
    }
}

fn allowed(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    }
    // U+200C and U+200D stay: Persian and the scripts of India spell with them (RFC 5892, A.1 and A.2).
    // U+3002 is the ideographic full stop; the block of full-width forms holds its two brothers.
    let posing = matches!(c, '\u{3002}' | '\u{ff00}'..='\u{ffef}');
    !(c.is_whitespace() || unseen(c) || posing)
}

fn add(ascii: &mut String, label: &str) -> Result<(), String> {
    let length = label.chars().count();
    if length == 0 {
        return Err("is empty: remove a dot".into());
    }
    // Before the encoder sees it: its sums are 32 bits wide and its time grows with the square.
    if length > LABEL {
        return Err(format!("has {length} characters; the maximum is {LABEL}"));
    }
    if label.starts_with('-') || label.ends_with('-') {
        return Err("begins or ends with a hyphen: remove it".into());
    }
    let start = ascii.len();
    let claimed = label.strip_prefix("xn--");
    if label.is_ascii() {
        // The decoder minds neither plain ASCII nor what we refuse when it is typed.
        let stands = |text: String| !text.is_ascii() && text.chars().all(allowed);
        if claimed.is_some_and(|code| !punycode::decode(code).is_ok_and(stands)) {
            return Err("begins with xn-- but is not valid punycode: write the name in its own script".into());
        }
        ascii.push_str(label);
    } else {
        let code = punycode::encode(label).ok().filter(|_| claimed.is_none());
        ascii.push_str("xn--");
        ascii.push_str(&code.ok_or("cannot be encoded as punycode: write another name")?);
    }
    match ascii.len() - start {
        sent if sent > LABEL => Err(format!("has {sent} characters as sent; the maximum is {LABEL}")),
        _ => Ok(()),
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.typed())
    }
}

impl PartialEq for Host {
    fn eq(&self, other: &Host) -> bool {
        self.ascii == other.ascii
    }
}

impl Eq for Host {}

impl Ord for Host {
    fn cmp(&self, other: &Host) -> Ordering {
        self.ascii.cmp(&other.ascii)
    }
}

impl PartialOrd for Host {
    fn partial_cmp(&self, other: &Host) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Host {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.ascii.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> Host {
        Host::new(text).unwrap()
    }

    fn refused(text: &str) -> String {
        let reason = Host::new(text).unwrap_err();
        assert!(reason.bytes().all(|b| (b' '..=b'~').contains(&b)), "{reason:?}");
        reason
    }

    #[test]
    fn plain_names_are_lower_cased_and_lose_one_dot() {
        for (text, sent) in [
            ("Home.Example.COM.", "home.example.com"),
            ("myduck", "myduck"),
            ("123456", "123456"),
            ("1.2.3", "1.2.3"),
            ("all.dnsomatic.com", "all.dnsomatic.com"),
            ("_acme-challenge.a_b.example", "_acme-challenge.a_b.example"),
            ("3com.a--b.example", "3com.a--b.example"),
            ("*.Example.com", "*.example.com"),
            ("*.a", "*.a"),
        ] {
            let host = host(text);
            assert_eq!((host.ascii(), host.typed(), host.to_string().as_str()), (sent, sent, sent));
            assert_eq!(host.is_wildcard(), text.starts_with('*'));
        }
    }

    #[test]
    fn other_scripts_are_sent_as_punycode() {
        for (text, typed, sent) in [
            ("BÜCHER.example", "bücher.example", "xn--bcher-kva.example"),
            ("münchen.de.", "münchen.de", "xn--mnchen-3ya.de"),
            ("例え.テスト", "例え.テスト", "xn--r8jz45g.xn--zckzah"),
            ("*.пример.рф", "*.пример.рф", "*.xn--e1afmkfd.xn--p1ai"),
            ("faß.de", "faß.de", "xn--fa-hia.de"),
            ("ΟΔΟΣ.gr", "οδοσ.gr", "xn--pxavbq.gr"),
            ("\u{212a}elvin.example", "kelvin.example", "kelvin.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example", "xn--bcher-kva.example"),
        ] {
            let host = host(text);
            assert_eq!((host.typed(), host.ascii()), (typed, sent));
        }
    }

    #[test]
    fn two_spellings_of_one_name_are_one_host() {
        let all: std::collections::HashSet<Host> =
            ["bücher.example", "BÜCHER.example.", "xn--bcher-kva.example"].into_iter().map(host).collect();
        assert_eq!(all.len(), 1);
        assert_eq!(host("bücher.example").cmp(&host("XN--BCHER-KVA.example")), Ordering::Equal);
        assert_ne!(host("b\u{75}\u{308}cher.example"), host("bücher.example"), "no NFC, as the doc says");
    }

    #[test]
    fn what_breaks_a_url_a_line_or_a_shell_is_named_with_its_place() {
        for c in " !\"#$%&'()+,/:;<=>?@[\\]^`{|}~\t\r\n\0\u{7f}\u{1b}".chars() {
            let told = format!("'{}' at position 3 is invalid in a hostname", c.escape_default());
            assert!(refused(&format!("ab{c}cd.example")).starts_with(&told), "{told}");
        }
        let others = "\u{80}\u{85}\u{a0}\u{ad}\u{200b}\u{200e}\u{200f}\u{2028}\u{202a}\u{202e}\u{2066}\
            \u{2069}\u{3000}\u{3002}\u{feff}\u{ff0e}\u{ff61}\u{ff41}\u{fffd}\u{e0041}";
        for c in others.chars() {
            let told = format!("'{}' at position 2 is invalid in a hostname", c.escape_default());
            assert!(refused(&format!("ü{c}.example")).starts_with(&told), "{told}");
        }
        assert!(refused("ab.example\n").starts_with("'\\n' at position 11"));
        assert!(refused("a.example,b.example").starts_with("',' at position 10"));
    }

    #[test]
    fn a_star_is_the_whole_first_label_or_nothing() {
        for line in ["* 1", "*. 1", "a.*.b 3", "*a.b 1", "a*.b 2", "**.b 1", "*.*.b 3", "a.* 3"] {
            let (text, at) = line.split_once(' ').unwrap();
            assert!(refused(text).starts_with(&format!("'*' at position {at}: ")), "{text}");
        }
    }

    #[test]
    fn labels_have_a_shape() {
        for (texts, reason) in [
            (&["", "."][..], "the hostname is empty: write a name such as home.example.com"),
            (&["..", ".a"], "label 1 of the hostname is empty: remove a dot"),
            (&["a..b", "a..", "*..", "*..b"], "label 2 of the hostname is empty: remove a dot"),
            (&["-a.b", "a-.b", "ü-.b", "-"], "label 1 of the hostname begins or ends with a hyphen: remove it"),
            (
                // U+0080, an overflow, plain ASCII, U+202E and U+3002 in disguise, and nothing at all.
                &["xn--a.b", "xn--99999999", "xn--abc", "xn--ab-h4t", "xn--a-83t", "xn--0"],
                "label 1 of the hostname begins with xn-- but is not valid punycode: write the name in its own script",
            ),
            (&["a.xn--ü"], "label 2 of the hostname cannot be encoded as punycode: write another name"),
            (&["9.9.9.9", "9.9.9.9."], "expected a hostname, got an IP address"),
        ] {
            for text in texts {
                assert_eq!(refused(text), reason, "{text}");
            }
        }
    }

    #[test]
    fn lengths_are_those_of_what_is_sent() {
        let label = "a".repeat(63);
        assert_eq!(host(&label).ascii(), label);
        assert_eq!(refused(&"a".repeat(64)), "label 1 of the hostname has 64 characters; the maximum is 63");
        assert!(host(&format!("ü{}", "a".repeat(55))).ascii().len() <= 63);
        assert!(refused(&format!("ü{}", "a".repeat(62))).ends_with("as sent; the maximum is 63"));
        assert!(refused(&"\u{10fffe}".repeat(100_000)).contains("100000 characters"));
        let longest = format!("{label}.{label}.{label}.{}", "a".repeat(61));
        assert_eq!(host(&format!("{longest}.")).ascii().len(), 253);
        assert_eq!(refused(&format!("{longest}a")), "the hostname has 254 characters as sent; the maximum is 253");
    }

    #[test]
    fn the_worst_labels_do_not_upset_the_encoder() {
        for text in [
            "\u{10fffd}".repeat(63),
            format!("\u{80001}{}", "\u{10fffd}".repeat(62)),
            format!("{}\u{10fffd}", "ü".repeat(62)),
        ] {
            match Host::new(&text) {
                Ok(host) => assert!(host.ascii().len() <= 63),
                Err(reason) => assert!(reason.ends_with("the maximum is 63"), "{reason}"),
            }
        }
    }

    #[test]
    fn a_zone_holds_whole_labels() {
        for (name, zone, held) in [
            ("example.com", "example.com", true),
            ("a.b.example.com", "Example.COM.", true),
            ("*.example.com", "example.com", true),
            ("notexample.com", "example.com", false),
            ("com", "example.com", false),
            ("a.example.com", "b.example.com", false),
            ("www.bücher.example", "xn--bcher-kva.example", true),
            ("www.xn--bcher-kva.example", "bücher.example", true),
            ("example.com", "", false),
            ("example.com", ".", false),
            ("example.com", "com", true),
            ("a.b", "a b", false),
        ] {
            assert_eq!(host(name).under(zone), held, "{name} under {zone}");
        }
    }
}
