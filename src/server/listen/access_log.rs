//! The line that `log_requests = true` writes. It must never show a password or a token, so it shows only what is known
//! to be neither: an unescaped `&` in a password makes parameters of any name.

use super::Site;
use hyper::http::request::Parts;
use std::net::IpAddr;

/// `192.0.2.1 "GET /update?hostname=a.example&password=***" good`
pub fn line(from: IpAddr, head: &Parts, known: bool, site: &Site, code: &str) -> String {
    let path = head.uri.path();
    let shown: Vec<&str> = match site.endpoints.get(path) {
        Some(endpoint) => {
            let names =
                [&endpoint.hostname, &endpoint.ipv4, &endpoint.ipv6, &endpoint.notify_change, &endpoint.username];
            names.into_iter().flatten().map(String::as_str).chain(["myipv6", "ip6lanprefix", "related"]).collect()
        }
        None => Vec::new(),
    };
    let query = head.uri.query().map(|query| format!("?{}", masked(query, &shown))).unwrap_or_default();
    format!("{from} \"{} {}{query}\" {code}", head.method, masked_path(path, known))
}

fn masked(query: &str, shown: &[&str]) -> String {
    let pair = |pair: &str| match pair.split_once('=') {
        Some((name, value)) if shown.contains(&name) && is_plain(value) => format!("{name}={value}"),
        Some((name, _)) if shown.contains(&name) => format!("{name}=***"),
        _ => "***".to_string(),
    };
    let pairs: Vec<_> = query.split('&').map(pair).collect();
    pairs.join("&")
}

/// What hostnames, addresses and names of users consist of. A token is of these too, but has no place in them.
fn is_plain(value: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:,/@%+*".contains(&byte);
    value.bytes().all(plain) && !value.contains("hs_")
}

/// A path that leads nowhere may be a password that a client put into the wrong field.
fn masked_path(path: &str, known: bool) -> String {
    if known {
        return path.to_string();
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._/".contains(&byte);
    let end = path.bytes().position(|byte| !plain(byte)).unwrap_or(path.len());
    let shown = &path[..end.min(64)];
    let shown = if shown.contains("hs_") { "/" } else { shown };
    if shown.len() < path.len() {
        format!("{shown}***")
    } else {
        shown.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_to_be_no_secret_is_shown() {
        let shown = &["hostname", "myip", "username"][..];
        for (query, masked_query) in [
            ("hostname=a.example&myip=9.9.9.9", "hostname=a.example&myip=9.9.9.9"),
            ("hostname=a.example&password=secret", "hostname=a.example&***"),
            ("password=se&cret&hostname=a", "***&***&hostname=a"),
            ("secret", "***"),
            ("PASSWORD=secret&p%61ssword=secret", "***&***"),
            ("hostname=hs_abcdefghijklmnopqrstuvwxyz234567", "hostname=***"),
            ("hostname=a\"b", "hostname=***"),
            ("", "***"),
        ] {
            assert_eq!(masked(query, shown), masked_query, "{query}");
        }
    }

    #[test]
    fn a_path_that_leads_nowhere_is_cut_at_the_first_odd_character() {
        for (path, shown) in [
            ("/nic/update2", "/nic/update2"),
            ("/update&password=secret", "/update***"),
            ("/update%3Fpassword=secret", "/update***"),
            ("/alice:secret@host/update", "/alice***"),
            ("/hs_abcdefghijklmnopqrstuvwxyz234567", "/***"),
        ] {
            assert_eq!(masked_path(path, false), shown, "{path}");
        }
        assert_eq!(masked_path("/a&b", true), "/a&b", "a configured path is no secret");
    }
}
