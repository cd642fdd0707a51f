//! Stands in for `optional.rs` in a build without the feature `detectors`: there are none, as the type says.

use super::Row;
use crate::net::http::Http;
use crate::settings::reader::SectionReader;
use crate::types::address::Family;
use std::net::IpAddr;
use std::time::Instant;

#[derive(Clone, Debug)]
pub enum OptionalKind {}

pub const KINDS: &[Row] = &[];

pub fn make(_: &str, _: &SectionReader<'_>, _: Family) -> Option<OptionalKind> {
    None
}

impl OptionalKind {
    pub fn router() -> Option<OptionalKind> {
        None
    }

    pub fn ask(&self, _: Family, _: Instant, _: &Http<'_>) -> Result<IpAddr, String> {
        match *self {}
    }

    pub fn is_network(&self) -> bool {
        match *self {}
    }

    pub fn is_gateway(&self) -> bool {
        match *self {}
    }

    pub fn is_teredo(&self) -> bool {
        match *self {}
    }
}
