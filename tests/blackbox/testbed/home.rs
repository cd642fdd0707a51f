//! A test installation: a folder, a provider that counts requests, and a config of which a test states only what it is
//! about.

use super::{adjusted, Ended, HttpServer, Reply, Request, Run, Scratch};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The password in every config.
pub const SECRET: &str = "canary-s3cret";
/// Addresses that may be published.
pub const FOUR: &str = "198.41.0.4";
pub const OTHER: &str = "193.0.14.129";
pub const SIX: &str = "2620:fe::fe";

/// Detectors in every config: `four`, `other` and `six` never fail, `lost` always fails, `here` returns the address of
/// the last [`Home::set_detected`].
const DETECTORS: &str = "
[detector:four]
kind = fixed
address = 198.41.0.4
[detector:other]
kind = fixed
address = 193.0.14.129
[detector:six]
kind = fixed
address = 2620:fe::fe
[detector:lost]
kind = command
command = /bin/false
[detector:here]
kind = command
command = /bin/cat {dir}/address
";

/// State and history are in `lib`.
pub struct Home {
    pub scratch: Scratch,
    pub provider: HttpServer,
}

impl Home {
    /// With a provider that replies `good` to every request.
    pub fn new() -> Home {
        Home::with(|_| Reply::ok("good"))
    }

    pub fn with(provider: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Home {
        let home = Home { scratch: Scratch::new(), provider: HttpServer::new(provider) };
        home.scratch.folder("lib");
        home
    }

    /// Writes the config: `head` is the agent's own, `tail` goes on after the section `[home]`. `{dir}` is the
    /// scratch folder, `{url}` the provider.
    pub fn config(&self, head: &str, tail: &str) -> &Home {
        let text = format!(
            "state = {{dir}}/lib/state.json\nhistory = {{dir}}/lib/history.log\n{head}\n[home]\nprovider = dyndns2\n\
             url = {{url}}/nic/update\nuser = alice\npassword = {SECRET}\nhosts = a.example.org\n{tail}\n{DETECTORS}"
        );
        self.scratch.write("homing.conf", &adjusted(&self.filled(&text)), 0o600);
        self
    }

    pub fn filled(&self, text: &str) -> String {
        text.replace("{dir}", &self.scratch.root().display().to_string()).replace("{url}", &self.provider.url())
    }

    /// What the detector `here` says from now on.
    pub fn set_detected(&self, address: &str) -> &Home {
        self.scratch.write("address", address, 0o600);
        self
    }

    /// A pass to come.
    pub fn pass(&self) -> Run<'_> {
        Run::pass(&self.scratch)
    }

    /// A pass that must end with this code.
    pub fn passes(&self, code: i32) -> Ended {
        self.pass().go().expect(code)
    }

    /// How often the provider was asked for anything.
    pub fn pushes(&self) -> usize {
        self.provider.count()
    }

    /// The addresses sent to the provider, in order.
    pub fn sent(&self) -> Vec<String> {
        let asked = self.provider.asked();
        let address = |request: &Request| {
            let at = request.target.find("myip=").map_or(request.target.len(), |at| at + 5);
            request.target[at..].split('&').next().unwrap_or("").replace("%3A", ":")
        };
        asked.iter().map(address).collect()
    }

    /// Everything that is remembered, to the byte.
    pub fn stored_files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let lib = self.scratch.path("lib");
        self.scratch.files().into_iter().filter(|(path, _)| path.starts_with(&lib)).collect()
    }

    pub fn state(&self) -> String {
        self.scratch.read("lib/state.json")
    }

    pub fn history(&self) -> String {
        self.scratch.read("lib/history.log")
    }
}

impl Ended {
    /// Goes on if the run ended with this code.
    pub fn expect(self, code: i32) -> Ended {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// Goes on if standard error holds this.
    pub fn says(self, text: &str) -> Ended {
        assert!(self.stderr.contains(text), "{text:?} is not in standard error: {}", self.stderr);
        self
    }

    /// Goes on if nothing was printed.
    pub fn silent(self) -> Ended {
        assert_eq!((self.stdout.as_str(), self.stderr.as_str()), ("", ""));
        self
    }
}

/// The permission bits of a file.
pub fn mode(path: &Path) -> u32 {
    let found = path.symlink_metadata().unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    found.permissions().mode() & 0o7777
}

pub fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}
