//! A URL that minreq can be trusted with. minreq reads `user:pw@host` as a host named "user", wraps port 83616
//! to 18080, takes a bad port for the default, breaks on `[::1]`, and writes CR, LF and non-ASCII through; so
//! nothing reaches it that has not been taken apart and found clean here.

use crate::types::hostname::Host;
use crate::types::secret::percent;
use crate::types::spelling::shown;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An `http://` or `https://` URL: host and port checked, no user part, no fragment, visible ASCII only.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Url {
    secure: bool,
    host: String,
    port: u16,
    /// Starts with a slash.
    resource: String,
}

impl Url {
    /// Parses a URL. The error quotes the part that is wrong, and never the path, query or user part, which may contain a
    /// secret.
    pub fn parse(text: &str) -> Result<Url, String> {
        let (secure, rest) = match text.split_once("://") {
            Some(("https", rest)) => (true, rest),
            Some(("http", rest)) => (false, rest),
            Some((scheme, _)) => return Err(format!("invalid scheme '{}': use https:// or http://", shown(scheme))),
            None => {
                // What follows the host may contain a secret.
                let host = text.split(['/', '?', '#']).next().unwrap_or_default();
                let host = if text.contains('@') { "the URL".to_string() } else { format!("'{}'", shown(host)) };
                return Err(format!("{host} has no scheme: write https:// before it"));
            }
        };
        if let Some(c) = text.chars().find(|c| !c.is_ascii_graphic()) {
            return Err(format!("invalid character '{}' in the URL: write it percent-encoded", c.escape_default()));
        }
        if rest.contains('#') {
            return Err("the URL contains a fragment (#...): remove it, or write %23 for #".to_string());
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, resource) = rest.split_at(end);
        if authority.contains('@') {
            return Err(
                "the URL contains a user or password: use the keys 'user' and 'password_file' instead".to_string()
            );
        }
        let (host, port) = split_port(authority)?;
        let port = match port {
            None if secure => 443,
            None => 80,
            Some(port) => port_number(port)?,
        };
        let host = checked_host(host, secure)?;
        let resource = match resource.strip_prefix('?') {
            Some(query) => format!("/?{query}"),
            None if resource.is_empty() => "/".to_string(),
            None => resource.to_string(),
        };
        Ok(Url { secure, host, port, resource })
    }

    /// The same place with another path and query; `resource` begins with a slash and is encoded already.
    pub fn at(&self, resource: &str) -> Url {
        Url { resource: format!("{}{resource}", self.resource.trim_end_matches('/')), ..self.clone() }
    }

    /// The same server with this path and query, which begins with a slash and is encoded already.
    pub fn with_resource(&self, resource: String) -> Url {
        Url { resource, ..self.clone() }
    }

    /// The same URL with these parameters added to its query, percent-encoded.
    pub fn with_query<'a>(&self, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Url {
        let mut resource = self.resource.clone();
        let mut joint = match resource.find('?') {
            None => "?",
            Some(at) if at + 1 == resource.len() => "",
            Some(_) => "&",
        };
        for (key, value) in pairs {
            resource.push_str(joint);
            resource.push_str(&percent(key));
            resource.push('=');
            // Commas separate hosts and addresses in dyndns2; servers exist that look for them undecoded.
            resource.push_str(&percent(value).replace("%2C", ","));
            joint = "&";
        }
        Url { resource, ..self.clone() }
    }

    pub fn secure(&self) -> bool {
        self.secure
    }

    /// The name or literal address, without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Path and query.
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// The literal address, if the host is one.
    pub fn literal(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// Whether it stays on this machine: a loopback address or `localhost` (RFC 6761, 6.3).
    pub fn is_loopback(&self) -> bool {
        self.literal().is_some_and(|ip| ip.is_loopback())
            || self.host == "localhost"
            || self.host.ends_with(".localhost")
    }

    /// Host and port as the `Host` header has them.
    pub fn authority(&self) -> String {
        let host = match self.literal() {
            Some(IpAddr::V6(ip)) => format!("[{ip}]"),
            _ => self.host.clone(),
        };
        if self.port == if self.secure { 443 } else { 80 } {
            host
        } else {
            format!("{host}:{}", self.port)
        }
    }
}

/// The whole URL. It may contain secrets, so mask it before printing.
impl fmt::Display for Url {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        write!(out, "{scheme}://{}{}", self.authority(), self.resource)
    }
}

fn split_port(authority: &str) -> Result<(&str, Option<&str>), String> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (literal, rest) = rest
            .split_once(']')
            .ok_or_else(|| format!("'{}' has no closing bracket: write [2001:db8::1]", shown(authority)))?;
        if !literal.contains(':') {
            return Err(format!(
                "'{}' is not an IPv6 address: write [2001:db8::1], or a name without brackets",
                shown(literal)
            ));
        }
        return match rest.strip_prefix(':') {
            Some(port) => Ok((literal, Some(port))),
            None if rest.is_empty() => Ok((literal, None)),
            None => Err(format!("'{}' after the bracket: write :PORT, or nothing", shown(rest))),
        };
    }
    match authority.split_once(':') {
        Some((_, rest)) if rest.contains(':') => Err(format!(
            "'{0}' is not a host: write an IPv6 address in brackets, as in [2001:db8::1]",
            shown(authority)
        )),
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((authority, None)),
    }
}

/// Reads a port: digits only, 1 to 65535.
pub fn port_number(text: &str) -> Result<u16, String> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match text.parse::<u16>() {
        Ok(port) if digits && port > 0 => Ok(port),
        _ => Err(format!("invalid port '{}': use 1 to 65535", shown(text))),
    }
}

fn checked_host(host: &str, secure: bool) -> Result<String, String> {
    if host.is_empty() {
        return Err("the URL has no host: write https://HOST/PATH".to_string());
    }
    if host.contains(':') {
        let invalid = |_| format!("'{}' is not an IPv6 address: write [2001:db8::1]", shown(host));
        let ip: Ipv6Addr = host.parse().map_err(invalid)?;
        if secure {
            return Err(format!("https:// cannot verify the IPv6 address '{ip}': use a hostname"));
        }
        return Ok(ip.to_string());
    }
    if host.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        let invalid = |_| format!("'{}' is not an IPv4 address: write four numbers up to 255", shown(host));
        let ip: Ipv4Addr = host.parse().map_err(invalid)?;
        return Ok(ip.to_string());
    }
    let name = Host::new(host)?;
    if name.is_wildcard() {
        return Err(format!("the host '{}' of the URL contains a wildcard: write a hostname", shown(host)));
    }
    Ok(name.ascii().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_urls_are_taken_apart() {
        for (text, host, port, resource) in [
            ("https://api.ipify.org", "api.ipify.org", 443, "/"),
            ("http://Example.COM:8080/a?b=c", "example.com", 8080, "/a?b=c"),
            ("http://127.0.0.1:1/", "127.0.0.1", 1, "/"),
            ("http://[::1]:65535/x", "::1", 65535, "/x"),
            ("https://example.com?x=1", "example.com", 443, "/?x=1"),
        ] {
            let url = Url::parse(text).expect(text);
            assert_eq!((url.host(), url.port(), url.resource()), (host, port, resource));
        }
    }

    #[test]
    fn bad_urls_are_reported_without_repeating_them() {
        for text in [
            "ftp://example.com",
            "example.com",
            "https://",
            "https:///path",
            "https://user:hunter2@example.com/",
            "https://example.com:83616/",
            "https://example.com:0/",
            "https://example.com:/",
            "https://example.com:abc/",
            "https://example.com:+80/",
            "https://example.com/#frag",
            "https://exa mple.com/",
            "https://example.com/a\r\nX: y",
            "https://example.com/ü",
            "https://[::1]/",
            "http://[::1",
            "http://[::1]x",
            "http://[127.0.0.1]/",
            "http://[example.com]/",
            "http://[]/",
            "http://::1/",
            "http://1.2.3.4.5/",
            "http://300.1.1.1/",
            "http://*.example.com/",
        ] {
            let error = Url::parse(text).expect_err(text);
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn queries_are_encoded_and_joined() {
        let url = Url::parse("https://h/nic/update?system=dyndns").expect("good");
        let full = url.with_query([("hostname", "a.b,c.d"), ("x", "1&2=3 4")]);
        assert_eq!(full.to_string(), "https://h/nic/update?system=dyndns&hostname=a.b,c.d&x=1%262%3D3%204");
        assert_eq!(Url::parse("http://h").expect("good").with_query([("a", "b")]).to_string(), "http://h/?a=b");
    }

    #[test]
    fn loopback_is_known() {
        for (text, want) in [
            ("http://127.9.9.9/", true),
            ("http://[::1]/", true),
            ("http://localhost:80/", true),
            ("http://10.0.0.1/", false),
            ("http://localhost.example.com/", false),
        ] {
            assert_eq!(Url::parse(text).expect(text).is_loopback(), want, "{text}");
        }
    }
}
