//! The server's dependencies must never reach the agent.

use std::process::Command;

/// `cargo tree -e normal` without the feature, as it was before the server. Write it again when the agent itself gets
/// or loses a dependency:
/// `cargo tree -e normal --prefix none --format '{p}' --target all | …` (see below).
const AGENT: &str = include_str!("agent-dependencies.txt");

fn packages(features: &[&str]) -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "-e", "normal", "--prefix", "none", "--format", "{p}"])
        .args(features)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    // Names without versions: an update of a crate is no new dependency.
    let names = text.lines().filter_map(|line| line.split(' ').next()).filter(|name| !name.is_empty());
    let mut names: Vec<String> = names.map(str::to_string).collect();
    names.sort();
    names.dedup();
    names
}

#[test]
fn the_agent_has_the_dependencies_it_had() {
    let expected: Vec<&str> = AGENT.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    assert_eq!(packages(&["--features", "all-providers"]), expected);
}

#[test]
fn the_server_has_one_cryptography_of_tls() {
    let names = packages(&["--no-default-features", "--features", "server"]);
    assert!(names.iter().any(|name| name == "ring"));
    for other in ["aws-lc-rs", "aws-lc-sys", "openssl", "openssl-sys", "native-tls", "rsa"] {
        assert!(!names.iter().any(|name| name == other), "{other}");
    }
}
