//! Work that must not be done more often than needed in a pass, counted by callgrind in the built binary.

use crate::testbed::{left_out, Home, Run, Scratch};
use std::path::Path;
use std::time::Duration;

/// How often these functions are called in a pass with the scratch folder's config.
fn calls(scratch: &Scratch, functions: &[&str]) -> Vec<u64> {
    let counted = scratch.path("callgrind");
    let mut words = ["/usr/bin/valgrind", "--tool=callgrind", "-q", "--compress-strings=no"].map(String::from).to_vec();
    words.push(format!("--callgrind-out-file={}", counted.display()));
    words.push(env!("CARGO_BIN_EXE_homing").to_string());
    let config = scratch.path("homing.conf");
    let ended = Run::program(scratch, &words).arg("-c").arg(config).limit(Duration::from_secs(120)).go();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let text = scratch.read("callgrind");
    let lines: Vec<&str> = text.lines().collect();
    let times = |function: &&str| {
        // `cfn=` names the called function; the next line has the count.
        let called = lines.windows(2).filter(|pair| pair[0].strip_prefix("cfn=") == Some(*function));
        called.filter_map(|pair| pair[1].strip_prefix("calls=")?.split(' ').next()?.parse::<u64>().ok()).sum()
    };
    functions.iter().map(times).collect()
}

#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs HTTPS")]
fn settings_are_parsed_once_and_presets_on_demand() {
    if std::env::var_os("HOMING_RUNNER").is_some() {
        return left_out("only the binary that cargo built has names for its functions");
    }
    if !Path::new("/usr/bin/valgrind").exists() {
        return left_out("valgrind is missing: apt-get install valgrind");
    }
    let parsed = [
        "homing::settings::files::<impl homing::settings::Settings>::parse_bytes",
        "homing::settings::Settings::parse",
    ];
    let home = Home::new();
    home.config("ipv4 = four", "").passes(0);
    // One file and nothing else.
    assert_eq!(calls(&home.scratch, &parsed), [1, 1]);
    // The binary contains over a hundred presets; one is needed.
    let text = home.scratch.read("homing.conf").replace("provider = dyndns2", "provider = dyn");
    home.scratch.write("homing.conf", &text, 0o600);
    assert_eq!(calls(&home.scratch, &parsed), [1, 2]);
}
