//! How a request leaves this machine: from a chosen address or interface, through a proxy, or as the kernel decides.

use super::url::Url;
use crate::net::socket::Bind;
use crate::types::secret::{self, Secret};
use crate::types::spelling::shown;

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Egress {
    pub bind: Option<Bind>,
    pub proxy: Option<Proxy>,
}

/// An HTTP proxy. It resolves the names, so through it nobody here chooses a family.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proxy {
    pub host: String,
    pub port: u16,
    pub user: Option<String>,
    /// The value of Proxy-Authorization after `Basic `.
    pass: Option<Secret>,
}

impl Proxy {
    /// `http://host:port` or `http://user@host:port`. The error never repeats it: somebody may have written a
    /// password there.
    pub fn parse(text: &str) -> Result<Proxy, String> {
        // What follows may contain a password: the scheme alone is quoted.
        let rest = text.strip_prefix("http://").ok_or_else(|| match text.split_once("://") {
            Some((scheme, _)) => format!("invalid scheme '{}': write http://host:3128", shown(scheme)),
            None => "the proxy has no scheme: write http://host:3128".to_string(),
        })?;
        let rest = rest.trim_end_matches('/');
        let (user, place) = match rest.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, rest),
        };
        if user.is_some_and(|user| user.contains(':')) {
            return Err("the proxy contains a password: use proxy_password_file instead".to_string());
        }
        if user.is_some_and(|user| user.is_empty() || !super::clean(user)) {
            return Err(
                "the user of the proxy is empty or not printable ASCII: write http://user@host:3128".to_string()
            );
        }
        let url = Url::parse(&format!("http://{place}"))?;
        let bare = place.rsplit_once(']').map_or(place, |(_, rest)| rest);
        if url.resource() != "/" || place.contains(['/', '?']) || !bare.contains(':') {
            return Err(format!("'{}' is not a host with a port: write http://host:3128", shown(place)));
        }
        let user = user.map(str::to_string);
        Ok(Proxy { host: url.host().to_string(), port: url.port(), user, pass: None })
    }

    /// The same, with the password of its user.
    pub fn with_password(mut self, password: &Secret) -> Proxy {
        self.pass = Some(secret::basic(self.user.as_deref().unwrap_or_default(), password));
        self
    }

    /// The header line that lets us through, with its end; empty where none is needed.
    pub fn authorization(&self) -> String {
        self.pass.as_ref().map_or(String::new(), |pass| format!("Proxy-Authorization: Basic {}\r\n", pass.expose()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_host_and_port_and_perhaps_a_user() {
        let read = |text: &str| Proxy::parse(text).map(|proxy| (proxy.host, proxy.port, proxy.user));
        assert_eq!(read("http://Proxy.example.net:3128"), Ok(("proxy.example.net".into(), 3128, None)));
        assert_eq!(read("http://alice@10.0.0.1:80/"), Ok(("10.0.0.1".into(), 80, Some("alice".into()))));
        assert_eq!(read("http://[::1]:8080"), Ok(("::1".into(), 8080, None)));
        for text in [
            "proxy:3128",
            "https://proxy:3128",
            "http://proxy",
            "http://[::1]",
            "http://proxy:0",
            "http://proxy:3128/path",
            "http://proxy:3128?x",
            "http://@proxy:3128",
            "http://\u{fc}@proxy:3128",
            "http://a\r\nb@proxy:3128",
            "socks5://proxy:1080",
            "",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        let why = read("http://alice:hunter2@proxy:3128").unwrap_err();
        assert!(!why.contains("hunter2") && why.contains("proxy_password_file"), "{why}");
    }
}
