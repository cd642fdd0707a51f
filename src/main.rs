//! argv in, exit code out.

fn main() -> std::process::ExitCode {
    std::process::ExitCode::from(homing::run(std::env::args_os().skip(1)))
}
