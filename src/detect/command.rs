//! A command of the operator's that prints the address. No shell, a bounded output, a deadline, and no more trust
//! than a web page gets: one address and nothing else.

use crate::net::http::quoted;
use crate::sys::process::{self, Outcome, Run};
use crate::types::address::{self, Family};
use std::net::IpAddr;
use std::time::Instant;

/// Bytes that it may print.
const CAP: usize = 4 * 1024;

pub fn ask(argv: &[String], family: Family, until: Instant) -> Result<IpAddr, String> {
    let env = [("HOMING_FAMILY", family.name().to_string())];
    match process::run(&Run { argv, env: &env, input: None, cap: CAP, until }) {
        Outcome::Exited { code: 0, stdout } => {
            let text = String::from_utf8_lossy(&stdout);
            address::parse(&text, family).map_err(|why| format!("{why}: {}", quoted(&text)))
        }
        other => Err(process::told(&argv[0], &other)),
    }
}
