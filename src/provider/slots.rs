//! The placeholders that a URL or a text of the settings may hold: `{word}`, and those of other clients.

/// The placeholders of a text, in order.
pub fn slots(text: &str) -> impl Iterator<Item = &str> {
    text.split('{').skip(1).filter_map(slot)
}

/// The word before the closing brace.
pub fn slot(rest: &str) -> Option<&str> {
    let (word, _) = rest.split_once('}')?;
    let good = !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    good.then_some(word)
}

/// A placeholder in the style of another client (Fritz!Box, ddns-scripts, inadyn, ddns-updater, Go templates), which
/// would be sent as it is.
pub fn foreign(text: &str) -> Option<&'static str> {
    const KNOWN: [&str; 26] = [
        "<ipaddr>",
        "<ip6addr>",
        "<ip6lanprefix>",
        "<domain>",
        "<username>",
        "<pass>",
        "<passwd>",
        "[IP]",
        "[IP4]",
        "[IP6]",
        "[IPV4]",
        "[IPV6]",
        "[DOMAIN]",
        "[HOST]",
        "[USERNAME]",
        "[PASSWORD]",
        "__MYIP__",
        "__HOSTNAME__",
        "__USERNAME__",
        "__PASSWORD__",
        "{{",
        "%i",
        "%h",
        "%u",
        "%p",
        "%IP%",
    ];
    let upper = text.to_ascii_uppercase();
    // Percent-encoded bytes have two hexadecimal digits, so %i, %h, %u and %p are none.
    KNOWN.into_iter().find(|known| match known.len() {
        2 => text.contains(known),
        _ => upper.contains(&known.to_ascii_uppercase()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_small_words_in_braces_are_placeholders() {
        let json = "{\"p\":\"{password}\",\"e\":{},\"h\":[\"{host}\"]}";
        assert_eq!(slots(json).collect::<Vec<_>>(), ["password", "host"]);
    }

    #[test]
    fn placeholders_of_other_clients_are_found() {
        for (text, want) in [
            ("https://x/?h=<domain>&ip=<ipaddr>", Some("<ipaddr>")),
            ("https://x/?ip=[ip]", Some("[IP]")),
            ("https://x/?h=%h", Some("%h")),
            ("https://x/?ip={{.IP}}", Some("{{")),
            ("https://x/?ip=__MYIP__", Some("__MYIP__")),
            ("https://x/?a=%20%3a&host[{host}]={ip}", None),
        ] {
            assert_eq!(foreign(text), want, "{text}");
        }
    }
}
