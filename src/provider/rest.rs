//! The providers that keep a zone's records behind a REST API: one way to find a record, write it and believe that it was
//! written, and for each provider a table of facts. An adapter is its table; what no table can say is in `own`.
//! `push.rs` does the work, `look.rs` reads listings, `write.rs` writes, `talk.rs` makes one call, `placeholders.rs` fills in its placeholders.

mod apis;
mod look;
mod placeholders;
mod push;
mod sign;
mod talk;
mod write;
mod xml;

pub use apis::*;

use super::api_error::ApiError;
use super::contract::{HostResult, HostUpdate, Provider, PushContext};
use super::lookup::{self, given, hosts_under, optional};
use crate::net::http::{Method, Request, Url};
use crate::settings::reader::{key, Key, SectionReader};
use crate::types::hostname::Host;
use crate::types::json::Json;
use crate::types::secret::{self, Secret};

/// One call. The path and the body are templates, see `placeholders.rs`; an empty body is none.
#[derive(Clone, Copy)]
pub struct Call {
    method: Method,
    path: &'static str,
    body: &'static str,
}

const fn get(path: &'static str) -> Call {
    Call { method: Method::Get, path, body: "" }
}

const fn call(method: Method, path: &'static str, body: &'static str) -> Call {
    Call { method, path, body }
}

/// How a body is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    /// `application/x-www-form-urlencoded`.
    #[cfg(feature = "all-providers")]
    Fields,
    Xml,
}

/// How an answer names a record.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Naming {
    /// `home.example.com`, with a last dot or without
    Whole,
    /// `home`, and `@` or nothing for the zone's own name
    Within,
}

/// Where the next page of a listing is.
#[derive(Clone, Copy)]
enum Pages {
    /// There is none.
    One,
    /// At the next number (`$page`), if this page had so many rows.
    Full(usize),
    /// At the cursor (`$page`) that stands at this path.
    Cursor(&'static str),
}

/// A listing. `rows` is the path to the rows; a single object there is one row.
struct List {
    call: Call,
    rows: &'static str,
    pages: Pages,
}

/// Where a row has what. An empty path is the row itself for a zone, and for a record what was asked for.
struct Row {
    id: &'static str,
    name: &'static str,
    kind: &'static str,
    /// A text, a list of texts, or a list of objects with the text at `inner`.
    value: &'static str,
    inner: &'static str,
    ttl: &'static str,
}

/// How an answer shows that a record was written. Where it does not, we look again.
enum Proof {
    /// It is empty, as its status says.
    Empty,
    /// The record stands at this path, or in a list there, with the address in it.
    Held(&'static str),
    /// At this path stands this word; anything, where it is empty.
    Said(&'static str, &'static str),
}

/// A change. Path and body may say `$zone` and `$zoneid`, the host as `$fqdn` or, with a last dot, `$dotted`, below the zone as `$sub` (nothing for the
/// zone's own name) or `$at` (`@`), `$type`, `$ip`, `$id` (`$numid` is a number in JSON), `$ttl`, and `$newttl` if the section sets one.
struct Write {
    call: Call,
    proof: Proof,
}

/// Many changes of one zone in one call: the bodies between `head` and `tail`, `most` at a time.
struct Batch {
    head: &'static str,
    between: &'static str,
    tail: &'static str,
    most: usize,
}

/// What an error code means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Means {
    /// The credentials are wrong.
    Key,
    /// They are good, but not for this.
    Rights,
    /// There is no such zone for them.
    Zone,
    /// This record can't be.
    Record,
    /// Too many requests.
    Busy,
    /// Their trouble, not ours.
    Later,
}

/// How errors are told: the code's path, the text's, and the codes that mean something (`x*`: those that hold it; the text counts too).
struct Errors {
    code: &'static str,
    text: &'static str,
    rows: &'static [(&'static str, Means)],
}

/// A call before the others, whose answer gives `$session`.
struct Session {
    open: Call,
    id: &'static str,
    /// What to do if the answer has none.
    remedy: &'static str,
    /// Logs out. Whatever has to be given back is a secret.
    close: Option<Call>,
}

/// Changes a request before it is sent: a signature. It may ask the server first.
type Sign = fn(&mut talk::Talk<'_>, &mut Request) -> Result<(), ApiError>;

/// What no table can say.
struct Own {
    sign: Option<Sign>,
    /// Makes JSON of an answer that is none.
    read: Option<fn(&str) -> Option<Json>>,
}

/// The facts of one API.
pub struct Api {
    pub name: &'static str,
    pub what: &'static str,
    pub keys: &'static [Key],
    /// As it calls itself.
    vendor: &'static str,
    /// Empty: the section must have a `url`.
    base: &'static str,
    /// Where credentials are made.
    remedy: &'static str,
    headers: &'static [(&'static str, &'static str)],
    form: Form,
    naming: Naming,
    /// The TTL of a record that we create, and which ones can be set.
    ttl: i64,
    ttls: (i64, i64),
    /// Nothing: the section must have a `zone`.
    zones: Option<List>,
    zone_id: &'static str,
    zone_name: &'static str,
    records: List,
    /// Each row of `records` is only the id; the record comes from here.
    each: Option<Call>,
    row: Row,
    update: Write,
    create: Write,
    batch: Option<Batch>,
    /// What makes the changes of a zone count.
    after: Option<Call>,
    session: Option<Session>,
    /// A success has this word at this path, besides its status.
    good: Option<(&'static str, &'static str)>,
    errors: Errors,
    /// Whether no record is told as 404.
    absent: bool,
    own: Own,
}

impl Row {
    const NONE: Row = Row { id: "", name: "", kind: "", value: "", inner: "", ttl: "" };
}

impl Api {
    /// What most of them have in common; what is empty here, each says for itself.
    const PLAIN: Api = Api {
        name: "",
        what: "",
        keys: &[],
        vendor: "",
        base: "",
        remedy: "",
        headers: &[],
        form: Form::Json,
        naming: Naming::Whole,
        ttl: 300,
        ttls: (1, 2_147_483_647),
        zones: None,
        zone_id: "",
        zone_name: "",
        records: List { call: get(""), rows: "", pages: Pages::One },
        each: None,
        row: Row::NONE,
        update: Write { call: get(""), proof: Proof::Empty },
        create: Write { call: get(""), proof: Proof::Empty },
        batch: None,
        after: None,
        session: None,
        good: None,
        errors: Errors { code: "", text: "", rows: &[] },
        absent: false,
        own: Own { sign: None, read: None },
    };
}

/// The keys that each adapter takes besides its credentials.
macro_rules! keys {
    ($($own:expr),* $(,)?) => {
        &[
            $crate::settings::reader::key("url", "the API's base"),
            $($own,)*
            $crate::settings::reader::key("zone", "the zone's name, when it should not be looked up"),
            $crate::settings::reader::key("ttl", "in seconds; left alone by default"),
            $crate::settings::reader::key("create", "no: never create a missing record (default: yes)"),
        ]
    };
}
use keys;

/// Those keys; the others log in.
const COMMON: [&str; 5] = ["url", "zone", "zone_id", "ttl", "create"];
/// Whoever has ids for zones takes this key too.
const ZONE_ID: Key = key("zone_id", "the zone's id, when it should not be looked up");

/// One account at one of them.
struct Rest {
    api: &'static Api,
    url: Url,
    /// By key.
    login: Vec<(&'static str, Secret)>,
    zone: Option<Host>,
    zone_id: Option<String>,
    ttl: Option<i64>,
    create: bool,
}

impl Provider for Rest {
    fn push(&self, batch: &[HostUpdate], line: &mut PushContext<'_>) -> Vec<HostResult> {
        push::push(self, batch, line)
    }
}

/// Reads a section. Mistakes are noted in `facts`; then there is no provider.
pub fn make(api: &'static Api, facts: &SectionReader<'_>, plaintext: bool) -> Option<Box<dyn Provider>> {
    // Everything is read before anything is given up, so that all mistakes are told.
    let url = base(api, facts, plaintext);
    let login = login(api, facts);
    let zone = optional(facts, "zone", lookup::zone);
    let zone_id = optional(facts, "zone_id", zone_id);
    let ttl = given(facts, "ttl", facts.number("ttl", api.ttls.0, api.ttls.1));
    let create = given(facts, "create", facts.flag("create"));
    let zone = zone?;
    match &zone {
        Some(zone) => hosts_under(facts, zone)?,
        None if api.zones.is_none() => {
            facts.lacking(format!("'zone' is missing: {} does not tell which zones there are", api.vendor));
            return None;
        }
        None => {}
    }
    let create = create?.unwrap_or(true);
    Some(Box::new(Rest { api, url: url?, login: login?, zone, zone_id: zone_id?, ttl: ttl?, create }))
}

fn base(api: &Api, facts: &SectionReader<'_>, plaintext: bool) -> Option<Url> {
    let Some(entry) = facts.entry("url") else {
        if api.base.is_empty() {
            facts.lacking(format!("'url' is missing: where is {}'s API?", api.vendor));
        }
        return Url::parse(api.base).ok();
    };
    let url = facts.guarded_url("url", plaintext)?;
    if url.resource().contains('?') {
        facts.wrong(entry, "the API's base has no query");
        return None;
    }
    Some(url)
}

fn login(api: &Api, facts: &SectionReader<'_>) -> Option<Vec<(&'static str, Secret)>> {
    let mut login = Vec::new();
    let mut missing = Vec::new();
    for key in api.keys.iter().filter(|key| !COMMON.contains(&key.name)) {
        let there = if key.secret { facts.has_secret(key.name) } else { facts.entry(key.name).is_some() };
        if !there {
            missing.push(format!("'{}{}'", key.name, if key.secret { "_file" } else { "" }));
            continue;
        }
        let value = match key.secret {
            true => facts.secret(key.name),
            false => facts.text(key.name).map(|text| Secret::unmasked(&text)),
        };
        // What could not be read was noted.
        let Some(value) = value else { continue };
        if !value.expose().bytes().all(|b| b.is_ascii_graphic()) {
            let entry = ["", "_file", "_env", "_credential"].map(|form| facts.entry(&format!("{}{form}", key.name)));
            if let Some(entry) = entry.into_iter().flatten().next() {
                facts.wrong(entry, format!("{} has none like it: a stray blank or letter?", api.vendor));
            }
            continue;
        }
        login.push((key.name, value));
    }
    if let [("email", email), ("token", token)] = login.as_slice() {
        let basic = secret::basic(email.expose(), token);
        login.push(("basic", basic));
    }
    if !missing.is_empty() {
        facts.lacking(format!("{} missing: {}", are(&missing), api.remedy));
    }
    let wanted = api.keys.iter().filter(|key| !COMMON.contains(&key.name)).count();
    (login.len() >= wanted).then_some(login)
}

fn are(names: &[String]) -> String {
    format!("{} {}", names.join(" and "), if names.len() == 1 { "is" } else { "are" })
}

fn zone_id(text: &str) -> Result<String, String> {
    match lookup::is_id(text) {
        true => Ok(text.to_string()),
        false => Err("that is no zone's id".to_string()),
    }
}
