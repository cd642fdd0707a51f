//! OpenWrt: its settings read as ours, and the files that LuCI reads.

pub mod luci;
#[cfg(feature = "uci")]
pub mod uci;
