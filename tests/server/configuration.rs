//! The configuration file as the program reads it.

use crate::support::{run, Place};

#[test]
fn a_correct_configuration_is_confirmed() {
    let place = Place::new();
    let said = place.run(&["--check"]).ok();
    assert_eq!(said, "config.toml: the configuration is correct\n");
    assert!(!place.path("server.db").exists(), "--check creates nothing");
}

#[test]
fn every_mistake_is_reported_at_once() {
    let place = Place::with_sqlite();
    place.configure("[daemon]\nprot = 8443\nhots = \"localhost\"\nport = \"80\"\n[emial]\n[email]\nenabled = true\n");
    for command in [&["--check"][..], &["--daemon"], &["--init-db"], &["user", "list"]] {
        let said = place.run(command).fails(2);
        for expected in [
            "homing-server: config.toml:4: daemon.prot: unknown key: did you mean 'port'?",
            "homing-server: config.toml:5: daemon.hots: unknown key: did you mean 'host'?",
            "homing-server: config.toml:6: daemon.port: a text where a whole number is expected",
            "homing-server: config.toml:7: emial: unknown key: did you mean 'email'?",
            "homing-server: config.toml:8: email.smtp_host: missing: email.enabled = true needs it",
            "homing-server: config.toml:8: email.from_address: missing: email.enabled = true needs it",
        ] {
            assert!(said.lines().any(|line| line == expected), "{command:?}: {expected}\n{said}");
        }
        assert_eq!(said.lines().count(), 6, "{said}");
    }
}

#[test]
fn files_open_to_others_are_refused_with_the_remedy() {
    let place = Place::with_sqlite();
    let key = "key \"ddns-key\" {\n\talgorithm hmac-sha256;\n\tsecret \"q/w+AQ==\";\n};\n";
    let key = place.file("ddns.key", key, 0o644);
    place.configure(&format!("[dns_service]\nddns_default_key_file = \"{}\"\n", key.display()));
    let said = place.run(&["--check"]).fails(2);
    assert!(said.contains(&format!("run chmod 0640 {}", key.display())), "{said}");
    // What is printed is the remedy.
    let remedy = said.rsplit("run ").next().unwrap().trim();
    assert!(std::process::Command::new("sh").args(["-c", remedy]).status().unwrap().success());
    place.run(&["--check"]).ok();
    let config = place.file("config.toml", &place.database, 0o644);
    let said = place.run(&["user", "list"]).fails(2);
    assert!(said.contains("run chmod 0640 config.toml"), "{said}");
    std::fs::remove_file(config).unwrap();
    assert!(place.run(&["user", "list"]).fails(2).contains("config.toml: 'config.toml' cannot be read"));
}

#[test]
fn wrong_usage_exits_with_2() {
    let place = Place::with_sqlite();
    for command in [
        &[][..],
        &["bogus"],
        &["user"],
        &["user", "bogus"],
        &["user", "list", "--bogus"],
        &["user", "admin", "alice", "maybe"],
        &["--debug"],
        &["--init-db", "--daemon"],
        &["--init-db", "user", "list"],
        &["migrate"],
        &["user", "list", "--password-stdin"],
    ] {
        assert!(!place.run(command).fails(2).is_empty(), "{command:?}");
    }
    for command in ["--help", "--version"] {
        let ran = run(&place.folder, &[command], "");
        assert!(ran.out.starts_with("homing-server ") || ran.out.contains("Usage: homing-server"), "{ran:?}");
        ran.ok();
    }
}
