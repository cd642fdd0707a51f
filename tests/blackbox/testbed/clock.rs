//! Sets the wall clock of a process under test with a small library (clock.c), built once and preloaded.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The environment variables that fix the clock of a process at `time`, in seconds since 1970.
pub fn variables(time: i64) -> [(&'static str, String); 2] {
    [("LD_PRELOAD", library().display().to_string()), ("TEST_CLOCK", time.to_string())]
}

/// "2026-11-20 12:00:00" in UTC, or a number, as seconds since 1970.
pub fn seconds(time: &str) -> i64 {
    if let Ok(count) = time.parse() {
        return count;
    }
    let parts: Vec<i64> = time.split(['-', ' ', ':']).map(|part| part.parse().expect(time)).collect();
    let [year, month, day, hour, minute, second] = parts[..] else { panic!("not a time: {time}") };
    let leap = |year: i64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let february = if leap(year) { 29 } else { 28 };
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let years: i64 = (1970..year).map(|year| if leap(year) { 366 } else { 365 }).sum();
    let days = years + months.iter().take(month as usize - 1).sum::<i64>() + day - 1;
    ((days * 24 + hour) * 60 + minute) * 60 + second
}

/// Builds the library. It is renamed when it is complete, since other test runs may build it at the same time.
fn library() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let (made, whole) = (folder.join(format!("clock-{}.so", std::process::id())), folder.join("clock.so"));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/blackbox/testbed/clock.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]).args([&made, &source]);
        let ended = compiler.output().unwrap_or_else(|e| panic!("cc: {e}: a C compiler is needed"));
        assert!(ended.status.success(), "clock.c: {}", String::from_utf8_lossy(&ended.stderr));
        std::fs::rename(&made, &whole).expect("the folder of the tests can be written");
        whole
    })
}
