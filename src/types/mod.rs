//! Types and functions without I/O that every layer uses.

pub mod address;
pub mod digest;
pub mod hostname;
pub mod interface_id;
pub mod json;
pub mod oneshot;
pub mod secret;
pub mod spelling;
pub mod vec_map;
