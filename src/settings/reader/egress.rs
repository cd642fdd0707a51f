//! The keys that say by which way requests go out: the same for the agent, a section and a detector.

use super::SectionReader;
use crate::net::http::{Egress, Proxy};
use crate::net::socket::Bind;
use crate::settings::shown;

impl SectionReader<'_> {
    /// What this section says, else the usual. `proxy = off` takes none where the usual has one.
    pub fn way(&self, usual: &Egress) -> Egress {
        let bind = self.with("bind", Bind::parse).or_else(|| usual.bind.clone());
        Egress { bind, proxy: self.proxy(usual) }
    }

    fn proxy(&self, usual: &Egress) -> Option<Proxy> {
        let Some(entry) = self.entry("proxy") else {
            if self.secret("proxy_password").is_some() {
                self.lacking("'proxy_password' needs 'proxy': add proxy = http://user@host:3128");
            }
            return usual.proxy.clone();
        };
        if entry.value == "off" {
            return None;
        }
        let proxy = self.with("proxy", Proxy::parse)?;
        match (self.secret("proxy_password"), proxy.user.is_some()) {
            (Some(password), true) => Some(proxy.with_password(&password)),
            (None, false) => Some(proxy),
            (Some(_), false) => {
                self.wrong(
                    entry,
                    format!("'{}' has no user for the password: write http://user@host:3128", shown(&entry.value)),
                );
                None
            }
            (None, true) => {
                self.wrong(
                    entry,
                    format!("'{}' has a user but no password: set proxy_password_file", shown(&entry.value)),
                );
                None
            }
        }
    }
}
