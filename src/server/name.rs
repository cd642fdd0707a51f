//! Hostnames and zones as they are stored and compared: ASCII, lower-case, without the last dot.

use crate::types::hostname::Host;

/// The stored form of a hostname or zone that a person or a client wrote. Names in other scripts become punycode
/// (UTS 46, as browsers do). The error says what is wrong and can be printed.
///
/// # Errors
/// What is no hostname: empty, an address, a bad character, a label over 63 or a name over 253 characters.
pub fn stored(text: &str) -> Result<String, String> {
    if text.is_ascii() {
        return Host::new(text).map(|host| host.ascii().to_string());
    }
    let ascii = idna::domain_to_ascii(text).map_err(|_| "it is no internationalized domain name".to_string())?;
    Host::new(&ascii).map(|host| host.ascii().to_string())
}

/// The FQDN of `host` in `zone`, both in their stored form; `@` is the zone's apex.
pub fn fqdn(host: &str, zone: &str) -> String {
    match host {
        "@" => zone.to_string(),
        host => format!("{host}.{zone}"),
    }
}

/// The part of a hostname before its zone; `@` for the apex. `None` where the name is not in the zone.
pub fn within<'a>(fqdn: &'a str, zone: &str) -> Option<&'a str> {
    match fqdn.strip_suffix(zone)? {
        "" => Some("@"),
        front => front.strip_suffix('.'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_stored_in_one_form() {
        for (text, form) in [
            ("Home.Example.", "home.example"),
            ("b\u{fc}ro.example", "xn--bro-hoa.example"),
            // The same letter in two parts, as some keyboards send it.
            ("bu\u{308}ro.example", "xn--bro-hoa.example"),
            ("_acme-challenge.home.example", "_acme-challenge.home.example"),
        ] {
            assert_eq!(stored(text).as_deref(), Ok(form), "{text}");
        }
        for text in ["", ".", "a..b", "192.0.2.1", "a b.example", "-a.example", "a\r\nb"] {
            assert!(stored(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_name_is_split_at_its_zone() {
        assert_eq!(within("home.dyn.example", "dyn.example"), Some("home"));
        assert_eq!(within("a.b.dyn.example", "dyn.example"), Some("a.b"));
        assert_eq!(within("dyn.example", "dyn.example"), Some("@"));
        assert_eq!(within("homedyn.example", "dyn.example"), None);
        assert_eq!(fqdn("@", "dyn.example"), "dyn.example");
        assert_eq!(fqdn("a.b", "dyn.example"), "a.b.dyn.example");
    }
}
