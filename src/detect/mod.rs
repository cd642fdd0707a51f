//! Which detectors there are, and how a family's are asked: in order, until enough of them agree. Each mechanism is
//! a file below; none knows of another, and none decides whether its answer may be published.

mod command;
mod dns;
mod families;
mod file;
mod interface;
#[cfg(feature = "detectors")]
mod optional;
#[cfg(not(feature = "detectors"))]
#[path = "left_out.rs"]
mod optional;
mod route;
mod server;
mod web;

use crate::net::context::PassContext;
use crate::net::http::{Egress, Http, Url};
use crate::net::socket::Bind;
use crate::settings::reader::{key, secret, Key, SectionReader};
use crate::types::address::{self, Family, Set};
use crate::types::interface_id::InterfaceId;
use crate::types::spelling::{alternatives, left_out};
use families::{family_key, OFF};
use optional::OptionalKind;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::rc::Rc;
use web::Parse;

/// A way to detect an address that the library's user implements; added by [`crate::Config::add_detector`].
pub trait Detector: fmt::Debug {
    /// The address of this machine in a family, as the Internet sees it. The error says in one line why there is none.
    /// Must not wait longer than [`PassContext::request_deadline`].
    fn detect(&self, family: Family, context: &PassContext<'_>) -> Result<IpAddr, String>;

    /// Whether the address comes from the network and not from this machine or its operator. An address from the
    /// network that is not public is refused.
    fn is_network(&self) -> bool {
        true
    }
}

/// A way to learn an address.
#[derive(Clone, Debug)]
pub enum Kind {
    Web {
        url: Url,
        parse: Parse,
    },
    Dns {
        server: crate::net::dns::Server,
        question: crate::net::dns::Question,
    },
    Interface {
        name: Option<String>,
    },
    Route,
    File {
        path: PathBuf,
    },
    Command {
        argv: Vec<String>,
    },
    Fixed {
        addresses: Vec<IpAddr>,
    },
    OptionalKind(OptionalKind),
    /// One that the program brings along (the library's users).
    Custom(Rc<dyn Detector>),
}

const OPERATOR: Key = key("operator", "who runs it: those of one operator are one witness (default: itself alone)");

const BIND: Key = key("bind", "the address or interface from which it is asked (default: the section's)");

/// A kind as it is named in the settings, with what it is and the keys that it takes.
pub type Row = (&'static str, &'static str, &'static [Key]);

/// Those of every build.
const USUAL: &[Row] = &[
    (
        "web",
        "ask a web page",
        &[
            key("url", "the page"),
            key("url6", "the page for IPv6, if another"),
            key("parse", "plain (default), json:KEY, line:KEY= or text"),
            OPERATOR,
            BIND,
            key("proxy", "HTTP proxy to ask through: the page then sees the proxy's address (default: none)"),
            secret("proxy_password", "the password of the proxy's user"),
        ],
    ),
    (
        "dns",
        "ask a name server",
        &[
            key("server", "name or address, and :port if not 53"),
            key("server6", "the server for IPv6, if another"),
            key("url", "the same as server, as dns://server:port"),
            key("name", "the name to ask for"),
            key("type", "A, AAAA or TXT (default: the family's)"),
            key("class", "IN (default) or CH"),
            OPERATOR,
            BIND,
        ],
    ),
    (
        "interface",
        "ask the kernel for an interface's best address",
        &[key("interface", "its name (default: any but loopback)")],
    ),
    ("route", "the address from which the kernel would reach the Internet; no packet is sent", &[]),
    ("file", "an address that another program keeps in a file", &[key("file", "its path; the first line counts")]),
    ("command", "run a command that prints the address", &[key("command", "program and arguments; no shell")]),
    (
        "fixed",
        "an address of your own",
        &[key(
            "address",
            "one address, or one of each family: 192.0.2.1, 2001:db8::1; with addresses = all as many as there are",
        )],
    ),
];

/// The kinds, and the detectors of the same name, that a build without the feature `detectors` leaves out.
pub const FURTHER: &[&str] = &["stun", "gateway", "teredo"];

/// The kinds of this build.
pub fn kinds() -> impl Iterator<Item = &'static Row> {
    USUAL.iter().chain(optional::KINDS)
}

/// One detector for one family.
#[derive(Clone, Debug)]
pub struct NamedDetector {
    /// Its name in lists and in the history.
    pub name: String,
    /// Who is behind it: two detectors of one operator are one witness.
    pub operator: String,
    /// By which way it is asked.
    pub way: Egress,
    pub kind: Kind,
}

impl NamedDetector {
    /// One that is looked at for comparison only.
    pub fn aside(name: &str, kind: Kind) -> NamedDetector {
        NamedDetector { name: name.to_string(), operator: String::new(), way: Egress::default(), kind }
    }

    /// The router, asked by what changes nothing in it, if this build can ask it.
    pub fn router() -> Option<NamedDetector> {
        OptionalKind::router().map(|router| NamedDetector::aside("gateway", Kind::OptionalKind(router)))
    }

    /// Whether its answer is the network's word and not this machine's or the operator's.
    fn is_network(&self) -> bool {
        match &self.kind {
            Kind::Web { .. } | Kind::Dns { .. } => true,
            Kind::OptionalKind(further) => further.is_network(),
            Kind::Custom(detector) => detector.is_network(),
            _ => false,
        }
    }

    /// Whether asking it sends anything.
    fn asks_another(&self) -> bool {
        self.is_network() || self.is_gateway()
    }

    /// Whether it can tell several addresses.
    pub fn tells_all(&self) -> bool {
        matches!(self.kind, Kind::Interface { .. } | Kind::Fixed { .. })
    }

    pub fn is_gateway(&self) -> bool {
        matches!(&self.kind, Kind::OptionalKind(further) if further.is_gateway())
    }

    fn is_https(&self) -> bool {
        matches!(&self.kind, Kind::Web { url, .. } if url.secure())
    }
}

/// Which of this machine's own addresses count although the Internet at large cannot reach them.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct AllowedScopes {
    pub private: bool,
    /// Of a Teredo tunnel (RFC 4380).
    pub teredo: bool,
}

/// What to ask for one family, and what may be believed.
#[derive(Clone, Debug)]
pub struct Source {
    pub family: Family,
    pub detectors: Vec<NamedDetector>,
    /// How many must give the same answer.
    pub agree: usize,
    pub leave: AllowedScopes,
    /// Whether all addresses are wanted that a detector tells, and not the best one.
    pub all: bool,
}

/// What may be published.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Detected {
    /// The best, which the history follows.
    pub address: IpAddr,
    /// The others, where all are wanted.
    pub beside: Vec<IpAddr>,
    /// The detector that gave it first.
    pub from: String,
    /// Learned by plain DNS only because an HTTPS detector before it failed.
    pub weak: bool,
    /// Who said something else, and what.
    pub dissent: Option<String>,
}

impl Detected {
    /// All of it.
    pub fn set(&self) -> Set {
        Set::of(self.address, &self.beside)
    }

    /// Found in the same way, another host of the same networks.
    pub fn moved(&self, suffix: InterfaceId) -> Detected {
        let beside = self.beside.iter().map(|address| suffix.with_prefix_of(*address)).collect();
        Detected { address: suffix.with_prefix_of(self.address), beside, ..self.clone() }
    }
}

/// Reads a detector's section; notes what is wrong with it.
pub fn make(facts: &SectionReader<'_>, name: &str, family: Family) -> Option<NamedDetector> {
    let kinds: Vec<&str> = kinds().map(|(kind, ..)| *kind).collect();
    let Some(entry) = facts.entry("kind") else {
        facts.lacking(format!("'kind' is missing: add kind = {}", alternatives(&kinds)));
        return None;
    };
    if FURTHER.contains(&entry.value.as_str()) && optional::KINDS.is_empty() {
        facts.wrong(entry, format!("'{}' is {}", entry.value, left_out("detectors")));
        return None;
    }
    let chosen = facts.choice("kind", &kinds)?;
    let (kind, _, keys) = self::kinds().nth(chosen)?;
    facts.refuse_unknown(&[keys, OFF, &[key("kind", "")]], kind);
    let kind = match *kind {
        "web" => web::make(facts, family),
        "dns" => dns::make(facts, family),
        "interface" => Some(Kind::Interface { name: facts.text("interface") }),
        "route" => Some(Kind::Route),
        "file" => Some(Kind::File { path: facts.needed("file")?.into() }),
        "command" => {
            facts.needed("command")?;
            Some(Kind::Command { argv: facts.command("command")? })
        }
        "fixed" => fixed(facts, family),
        kind => optional::make(kind, facts, family).map(Kind::OptionalKind),
    };
    let kind = kind?;
    for family in Family::BOTH {
        facts.choice(family.name(), &["off"]);
    }
    let operator = facts.text("operator").unwrap_or_else(|| name.to_string());
    let way = facts.way(&Egress::default());
    Some(NamedDetector { name: name.to_string(), operator, way, kind })
}

fn fixed(facts: &SectionReader<'_>, family: Family) -> Option<Kind> {
    facts.needed("address")?;
    let items = facts.list("address")?;
    let entry = facts.entry("address")?;
    let mut addresses = Vec::new();
    for item in &items {
        match item.parse::<IpAddr>() {
            Ok(address) => addresses.extend(Some(address).filter(|address| Family::of(*address) == family)),
            Err(_) => {
                let item = crate::settings::shown(item);
                facts.wrong(entry, format!("'{item}' is not an IP address: write for example 198.51.100.7"));
                return None;
            }
        }
    }
    if addresses.is_empty() {
        let value = crate::settings::shown(&entry.value);
        facts.wrong(entry, format!("'{value}' has no {family} address, but {family} lists this detector: add one"));
        return None;
    }
    Some(Kind::Fixed { addresses })
}

/// Why there is no address from a detector.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DetectError {
    pub why: String,
    /// A web page or a redirect came where an address was expected: a captive portal or a proxy does that.
    pub web_page: bool,
}

impl From<String> for DetectError {
    fn from(why: String) -> DetectError {
        DetectError { why, web_page: false }
    }
}

/// What a detector says, whether or not it may be published.
pub fn learn(
    detector: &NamedDetector,
    family: Family,
    leave: AllowedScopes,
    http: &Http<'_>,
) -> Result<IpAddr, DetectError> {
    learn_all(detector, family, leave, http).map(|all| all[0])
}

/// The same of all that it says: never nothing, the best first.
fn learn_all(
    detector: &NamedDetector,
    family: Family,
    leave: AllowedScopes,
    http: &Http<'_>,
) -> Result<Vec<IpAddr>, DetectError> {
    if http.context.expired() {
        return Err(DetectError::from("no time left in this pass".to_string()));
    }
    let until = http.context.request_deadline();
    let http = &http.by(&detector.way);
    let one = match &detector.kind {
        Kind::Interface { name } => return Ok(interface::ask(name.as_deref(), family, leave)?),
        Kind::Fixed { addresses } => return Ok(addresses.clone()),
        Kind::Web { url, parse } => return web::ask(url, parse, family, http).map(|address| vec![address]),
        Kind::Dns { server, question } => dns::ask(server, question, family, until, http.context.bind.as_ref()),
        Kind::Route => route::ask(family),
        Kind::File { path } => file::ask(path, family),
        Kind::Command { argv } => command::ask(argv, family, until),
        Kind::OptionalKind(further) => further.ask(family, until, http),
        Kind::Custom(detector) => detector.detect(family, &http.context),
    };
    Ok(vec![one?])
}

/// Whether what a detector said may be published.
pub fn judge(detector: &NamedDetector, address: IpAddr, leave: AllowedScopes) -> Result<IpAddr, DetectError> {
    // A Teredo address is meant where it is asked for by name.
    let asked_for = matches!(&detector.kind, Kind::OptionalKind(further) if further.is_teredo())
        || leave.teredo && !detector.is_network();
    let meant = asked_for && interface::is_teredo(address);
    let Some(why) = address::not_public(address).filter(|_| !meant) else { return Ok(address) };
    if leave.private && !detector.is_network() {
        return Ok(address);
    }
    let why = match detector.is_gateway() {
        false => format!("{address} is not a public address: {why}"),
        true if address::is_carrier_nat(address) => {
            format!("the router has {address}, which the provider shares among customers: {why}")
        }
        true => format!("the router has {address}, so another router stands before it: {why}"),
    };
    Err(DetectError::from(why))
}

/// What detectors answered in this pass. One that asks another machine and that two lists name is asked once.
pub type Answers = Vec<(String, Family, Option<Bind>, Result<IpAddr, DetectError>)>;

fn ask_once(
    detector: &NamedDetector,
    source: &Source,
    asked: &mut Answers,
    http: &Http<'_>,
) -> Result<IpAddr, DetectError> {
    let mut before = asked.iter().filter(|(name, family, ..)| *name == detector.name && *family == source.family);
    let known = before.find(|(_, _, bind, _)| *bind == detector.way.bind);
    let answer = match known {
        Some((.., answer)) => answer.clone(),
        None => learn(detector, source.family, source.leave, http),
    };
    if known.is_none() && detector.asks_another() {
        asked.push((detector.name.clone(), source.family, detector.way.bind.clone(), answer.clone()));
    }
    judge(detector, answer?, source.leave)
}

/// Asks a family's detectors in order until enough of different operators agree. The error tells what each one said.
pub fn detect(source: &Source, asked: &mut Answers, http: &Http<'_>) -> Result<Detected, String> {
    if source.all {
        return detect_all(source, http);
    }
    let mut said: Vec<(IpAddr, &NamedDetector)> = Vec::new();
    let mut failed: Vec<String> = Vec::new();
    let mut https_failed = false;
    for detector in &source.detectors {
        // Who has spoken need not be asked again at another door.
        if said.iter().any(|(_, other)| other.operator == detector.operator) {
            continue;
        }
        match ask_once(detector, source, asked, http) {
            Ok(address) => {
                said.push((address, detector));
                let (same, others): (Vec<_>, Vec<_>) = said.iter().partition(|(other, _)| *other == address);
                if same.len() >= source.agree {
                    // One datagram, whoever sent it.
                    let unproven = detector.is_network() && !matches!(detector.kind, Kind::Web { .. });
                    let weak = https_failed && said.len() == 1 && unproven;
                    let dissent = (!others.is_empty()).then(|| format!("{}, where {}", told(&others), told(&same)));
                    return Ok(Detected { address, beside: Vec::new(), from: same[0].1.name.clone(), weak, dissent });
                }
            }
            Err(error) => {
                https_failed |= detector.is_https();
                failed.push(format!("{}: {}", detector.name, error.why));
            }
        }
    }
    if !said.is_empty() {
        let answers: Vec<_> = said.iter().collect();
        failed.insert(0, format!("{} must agree: {}", source.agree, told(&answers)));
    }
    Err(failed.join("; "))
}

/// All that the first detector says which has an answer; this machine's own word needs no second one.
fn detect_all(source: &Source, http: &Http<'_>) -> Result<Detected, String> {
    let mut failed: Vec<String> = Vec::new();
    for detector in &source.detectors {
        let all = learn_all(detector, source.family, source.leave, http);
        let judged = all.and_then(|all| all.into_iter().map(|one| judge(detector, one, source.leave)).collect());
        match judged.map(|all: Vec<IpAddr>| all.split_first().map(|(best, others)| (*best, others.to_vec()))) {
            Ok(Some((address, beside))) => {
                return Ok(Detected { address, beside, from: detector.name.clone(), weak: false, dissent: None });
            }
            Ok(None) => {}
            Err(error) => failed.push(format!("{}: {}", detector.name, error.why)),
        }
    }
    Err(failed.join("; "))
}

/// Who said what.
fn told(answers: &[&(IpAddr, &NamedDetector)]) -> String {
    let each = answers.iter().map(|(address, detector)| format!("{} says {address}", detector.name));
    each.collect::<Vec<_>>().join(", ")
}
