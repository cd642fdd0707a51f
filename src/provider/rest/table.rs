//! The vocabulary of an API's table: calls, listings, records, errors. An adapter is a constant [`Api`] in a file of
//! `apis/`; what no table can express is in `own`.

use super::placeholders::Words;
pub use crate::net::http::Method;
use crate::net::http::{Reply, Request, Url};
use crate::provider::api_error::ApiError;
pub use crate::settings::reader::{key, secret, Key};
pub use crate::types::json::Json;

/// One call. The path and the body are templates, see `placeholders.rs`; an empty body is none.
#[derive(Clone, Copy)]
pub struct Call {
    pub method: Method,
    pub path: &'static str,
    pub body: &'static str,
}

pub const fn get(path: &'static str) -> Call {
    Call { method: Method::Get, path, body: "" }
}

pub const fn call(method: Method, path: &'static str, body: &'static str) -> Call {
    Call { method, path, body }
}

/// How a body is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Json,
    /// `application/x-www-form-urlencoded`.
    Fields,
    Xml,
}

/// How an answer names a record.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// `home.example.com`, with a last dot or without
    Whole,
    /// `home`, and `@` or nothing for the zone's own name
    Within,
    /// In either form: a name that neither is the zone nor ends with it is within it.
    Either,
}

/// Where the next page of a listing is.
#[derive(Clone, Copy)]
pub enum Pages {
    /// There is none.
    One,
    /// At the next number (`$page`), if this page had so many rows.
    Full(usize),
    /// At the cursor (`$page`) that stands at this path.
    Cursor(&'static str),
}

/// A listing. `rows` is the path to the rows; a single object there is one row.
pub struct List {
    pub call: Call,
    pub rows: &'static str,
    pub pages: Pages,
}

/// Where a row has what. An empty path is the row itself for a zone, and for a record what was asked for.
pub struct Row {
    pub id: &'static str,
    pub name: &'static str,
    pub kind: &'static str,
    /// A text, a list of texts, or a list of objects with the text at `inner`.
    pub value: &'static str,
    pub inner: &'static str,
    pub ttl: &'static str,
    /// The flag of a record that is not served, in the row or beside the value at `inner`; empty: there is none.
    pub disabled: &'static str,
}

/// How an answer shows that a record was written. Where it does not, we look again.
pub enum Proof {
    /// It is empty, as its status says.
    Empty,
    /// The record stands at this path, or in a list there, with the address in it.
    Held(&'static str),
    /// At this path stands this word; anything, where it is empty.
    Said(&'static str, &'static str),
}

/// A change. Path and body may say `$zone` and `$zoneid`, the host as `$fqdn` or, with a last dot, `$dotted`, below the zone as `$sub` (nothing for the
/// zone's own name) or `$at` (`@`), `$type`, `$ip`, `$id` (`$numid` is a number in JSON), `$ttl`, and `$newttl` if the section sets one.
pub struct Write {
    pub call: Call,
    pub proof: Proof,
}

/// Many changes of one zone in one call: the bodies between `head` and `tail`, `most` at a time.
pub struct Batch {
    pub head: &'static str,
    pub between: &'static str,
    pub tail: &'static str,
    pub most: usize,
}

/// What an error code means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// The credentials are wrong.
    Key,
    /// They are good, but not for this.
    Rights,
    /// There is no such zone for them.
    Zone,
    /// This record can't be.
    Record,
    /// The zone holds no records: an empty listing.
    Nothing,
    /// Too many requests.
    Busy,
    /// Their trouble, not ours.
    Later,
}

/// How errors are told: the code's path, the text's, and the codes that mean something (`x*`: those that hold it; the text counts too).
pub struct Errors {
    pub code: &'static str,
    pub text: &'static str,
    pub rows: &'static [(&'static str, Means)],
}

/// A call before the others, whose answer gives `$session`.
pub struct Session {
    pub open: Call,
    pub id: &'static str,
    /// What to do if the answer has none.
    pub remedy: &'static str,
    /// Logs out. Whatever has to be given back is a secret.
    pub close: Option<Call>,
}

/// What a signature is made from.
pub trait Signer {
    /// The values that templates may use, among them the account's keys.
    fn words(&self) -> Words<'_>;
    /// The URL of a path of this API.
    fn url(&self, path: &str) -> Url;
    /// By how many seconds the server's clock is ahead of ours, once it was asked.
    fn clock_offset(&mut self) -> &mut Option<i64>;
    /// Whether requests are only shown.
    fn is_dry_run(&self) -> bool;
    /// Sends a request without a signature.
    fn send(&self, request: &Request) -> Result<Reply, ApiError>;
}

/// Signs a request before it is sent. It may ask the server first.
pub type Sign = fn(&mut dyn Signer, &mut Request) -> Result<(), ApiError>;

/// What no table can say.
pub struct Own {
    pub sign: Option<Sign>,
    /// Makes JSON of an answer that is none.
    pub read: Option<fn(&str) -> Option<Json>>,
}

/// The facts of one API.
pub struct Api {
    pub name: &'static str,
    /// Its other names.
    pub names: &'static [&'static str],
    pub what: &'static str,
    pub keys: &'static [Key],
    /// As it calls itself.
    pub vendor: &'static str,
    /// Empty: the section must have a `url`.
    pub base: &'static str,
    /// Where credentials are made.
    pub remedy: &'static str,
    pub headers: &'static [(&'static str, &'static str)],
    pub form: Form,
    pub naming: Naming,
    /// The TTL of a record that we create, and which ones can be set.
    pub ttl: i64,
    pub ttls: (i64, i64),
    /// Nothing: the section must have a `zone`.
    pub zones: Option<List>,
    pub zone_id: &'static str,
    pub zone_name: &'static str,
    pub records: List,
    /// Each row of `records` is only the id; the record comes from here.
    pub each: Option<Call>,
    pub row: Row,
    pub update: Write,
    pub create: Write,
    pub batch: Option<Batch>,
    /// What makes the changes of a zone count.
    pub after: Option<Call>,
    pub session: Option<Session>,
    /// A success has this word at this path, besides its status.
    pub good: Option<(&'static str, &'static str)>,
    pub errors: Errors,
    /// Whether no record is told as 404.
    pub absent: bool,
    pub own: Own,
}

impl Row {
    pub const NONE: Row = Row { id: "", name: "", kind: "", value: "", inner: "", ttl: "", disabled: "" };
}

impl Api {
    /// What most of them have in common; what is empty here, each says for itself.
    pub const PLAIN: Api = Api {
        name: "",
        names: &[],
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

/// The keys that each adapter takes besides its credentials. All credentials are needed.
macro_rules! keys {
    ($($own:expr),* $(,)? $(; $($option:expr),*)?) => {
        &[
            $crate::settings::reader::key("url", "the API's base"),
            $($own.needed(),)*
            $($($option,)*)?
            $crate::settings::reader::key("zone", "the zone's name, when it should not be looked up"),
            $crate::settings::reader::key("ttl", "in seconds; left alone by default"),
            $crate::settings::reader::key("create", "no: never create a missing record (default: yes)"),
        ]
    };
}
pub(crate) use keys;

/// An API whose zones have ids takes this key too.
pub const ZONE_ID: Key = key("zone_id", "the zone's id, when it should not be looked up");
