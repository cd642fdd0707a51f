//! The program homing-server. Everything is in the library's `server` module.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(homing::server::run(std::env::args_os()))
}
