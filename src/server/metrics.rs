//! Counters for `/metrics`, and the health page.

/// The counters. Cheap to clone.
#[derive(Clone, Default)]
pub struct Metrics {}

impl Metrics {
    /// One line of a reply: `good`, `nochg`, `badauth` and so on.
    pub fn reply(&self, _result: &'static str) {}

    /// How long one request took, from its head to its reply.
    pub fn request(&self, _took: std::time::Duration) {}

    /// A statement of the database failed.
    pub fn database_error(&self) {}
}
