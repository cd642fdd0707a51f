//! The operating system: clock, files, processes, netlink, syslog.

pub mod clock;
pub mod files;
pub mod os;
pub mod process;
pub mod syslog;
