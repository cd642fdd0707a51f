//! A network namespace for a test: a script creates interfaces, addresses and routes, and homing runs in it. What the
//! script starts in the background ends with it.

use super::{left_out, runner, Ended, Run, Scratch};
use std::path::Path;

/// Runs homing with `homing.conf` in a network that this script created; its loopback is up. `None`, and reported,
/// where that is impossible: it needs root, `unshare` and `ip`.
pub fn in_a_network(scratch: &Scratch, script: &str, args: &str) -> Option<Ended> {
    const NO: i32 = 99;
    let homing = runner::homing_line();
    // The shell is process 1 of its namespace: when it ends, all other processes do.
    let line = format!("{{ ip link set lo up && {script}; }} || exit {NO}; {homing} -c homing.conf {args}; exit $?");
    let words = ["/usr/bin/unshare", "-n", "-p", "-f", "--kill-child", "--mount-proc", "--", "/bin/sh", "-c", &line];
    if !Path::new(words[0]).exists() {
        left_out("no network namespaces here");
        return None;
    }
    let ended = Run::program(scratch, &words).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").go();
    if ended.code == Some(NO) || ended.stderr.contains("unshare: ") {
        left_out("no network of our own here");
        return None;
    }
    Some(ended)
}
