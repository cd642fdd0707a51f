//! What a provider must be. It knows how to speak to one kind of server and nothing else: not when a push is
//! due, not what was pushed before, not where anything is written down.

use crate::net::http::Http;
use crate::settings::reader::{Key, SectionReader};
use crate::types::address::{Family, Set};
use crate::types::hostname::Host;
use crate::types::vec_map::VecMap;
use std::net::IpAddr;

/// Reads a section and notes its mistakes; the flag says whether passwords may go over `http://`.
pub type Make = fn(&SectionReader<'_>, bool) -> Option<Box<dyn Provider>>;

/// A protocol or an API, and everything that is known of it outside its own file.
pub struct Protocol {
    pub name: &'static str,
    /// Its other names.
    pub names: &'static [&'static str],
    pub what: &'static str,
    pub keys: &'static [Key],
    /// The Cargo feature that a build needs for it; empty if every build has it.
    pub feature: &'static str,
    /// Whether one request can update several hosts and both families.
    pub lists: bool,
    /// Whether it can publish several addresses of a host in one family.
    pub sets: bool,
    /// The yes/no key with which the service publishes its own addresses in place of ours; empty if it has none.
    pub proxy_key: &'static str,
    /// The key with the name server that takes the updates; empty if it has none.
    pub server_key: &'static str,
    /// `None`: this build leaves it out.
    pub make: Option<Make>,
}

impl Protocol {
    /// The defaults of a row.
    pub const PLAIN: Protocol = Protocol {
        name: "",
        names: &[],
        what: "",
        keys: &[],
        feature: "",
        lists: false,
        sets: false,
        proxy_key: "",
        server_key: "",
        make: None,
    };

    /// This row in a build that has the feature, or its name and the feature only.
    pub const fn with(self, feature: &'static str, there: bool) -> Protocol {
        match there {
            true => Protocol { feature, ..self },
            false => Protocol { name: self.name, names: self.names, feature, ..Protocol::PLAIN },
        }
    }
}

/// What a host should hold in one family.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Desired {
    pub address: IpAddr,
    /// Whether this family needs the push. One that does not is given too, so that a protocol that sends both
    /// families in one request need not blank the other.
    pub due: bool,
}

/// A host of the section that needs the push in at least one family.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HostUpdate {
    pub host: Host,
    /// By family, in the order of [`Family::BOTH`]. `None` is *not known or not wanted*: leave it alone.
    pub want: [Option<Desired>; 2],
    /// By family, further addresses of the same host. Only a protocol that takes sets is ever given any.
    pub beside: [Vec<IpAddr>; 2],
}

impl HostUpdate {
    /// The families that need the push, with their addresses.
    pub fn due(&self) -> impl Iterator<Item = (Family, IpAddr)> + '_ {
        Family::BOTH
            .into_iter()
            .zip(self.want)
            .filter_map(|(family, want)| want.filter(|w| w.due).map(|w| (family, w.address)))
    }

    /// The same with all addresses of each.
    pub fn due_sets(&self) -> impl Iterator<Item = (Family, Set)> + '_ {
        self.due().map(|(family, address)| (family, Set::of(address, &self.beside[family as usize])))
    }

    /// What is known of one family.
    pub fn get(&self, family: Family) -> Option<Desired> {
        self.want[family as usize]
    }
}

/// How long to leave the server alone at least.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Pause {
    /// Seconds that the server asked for; the usual back-off applies when it is longer.
    pub seconds: i64,
    /// Whether it holds for a new address too (911, dnserr, 429).
    pub strict: bool,
}

/// How one push ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum UpdateResult {
    /// The server says that it took the address.
    Updated,
    /// The server says that it had this address.
    Unchanged,
    /// Not now: try again after a while. Also every ending that could not be confirmed.
    RetryLater { why: String, pause: Pause },
    /// The provider rejected the update, and repeating it cannot help: the settings or the account must change.
    Rejected { why: String, remedy: String },
    /// The provider rejected the request with no error code (a bare 401 or 403). The settings or the account must
    /// change; it is retried once a day.
    Unauthorized { why: String, remedy: String },
    /// Not sent: the pass ran out of time first.
    NotAttempted,
    /// Asked, and the pass ran out of time before the answer came: as if it had been killed there.
    Interrupted { why: String },
}

impl UpdateResult {
    /// Later, with the usual back-off.
    pub fn later(why: impl Into<String>) -> UpdateResult {
        UpdateResult::RetryLater { why: why.into(), pause: Pause::default() }
    }
}

/// The verdict on one host and family.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HostResult {
    /// Index into the batch.
    pub host: usize,
    pub family: Family,
    pub verdict: UpdateResult,
    /// A warning for the operator that does not change the result.
    pub warning: Option<String>,
}

/// What a server may hold of a host in a family.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LastKnown {
    /// What the server confirmed last.
    pub held: Option<Set>,
    /// What was sent last, if its result is not known.
    pub begun: Option<Set>,
}

/// What a provider is given for one push.
pub struct PushContext<'a> {
    pub http: &'a Http<'a>,
    /// What this provider asked to be remembered for this section (record ids); kept in the state file.
    pub memory: &'a mut VecMap<String, String>,
    /// For each host of the batch, by family, what the server may hold.
    pub past: &'a [[LastKnown; 2]],
    /// Whether `--force` was given.
    pub force: bool,
}

/// One account at a server of one kind.
///
/// `push` is given every host of the section that needs it, in both families, and returns one result for
/// each host and family that is due, in any order; a missing one counts as [`UpdateResult::NotAttempted`]. It must not
/// panic, must not touch families that are not due other than to keep them as they are, must stop asking when
/// `http.context.expired()` of the push context says so, and must not print: what a person should know goes into the verdict or the warning.
/// In a dry run each request made through `line.http` is shown and answered with an error.
pub trait Provider {
    fn push(&self, batch: &[HostUpdate], line: &mut PushContext<'_>) -> Vec<HostResult>;
}
