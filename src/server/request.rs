//! The fields of a request. Pure.
