//! The files that are installed with the program: example configuration, templates, unit and scripts, man pages.

use crate::support::{run, Place};
use std::fs;
use std::path::Path;
use std::process::Command;

fn packaged(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The example with all lines that are commented out but are TOML.
fn with_every_key(text: &str) -> String {
    let line = |line: &str| match line.strip_prefix("# ") {
        Some(rest) if rest.starts_with(['[', '"']) || rest.split_once(" = ").is_some_and(|(key, _)| is_key(key)) => {
            rest.to_string()
        }
        _ => line.to_string(),
    };
    text.lines().map(|text| line(text) + "\n").collect()
}

fn is_key(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

#[test]
fn the_example_configuration_is_correct_with_every_key() {
    let place = Place::with_sqlite();
    let key = "key \"ddns-key\" {\n\talgorithm hmac-sha256;\n\tsecret \"q/w+AQ==\";\n};\n";
    place.file("ddns.key", key, 0o640);
    place.file("dyn-example.key", key, 0o640);
    for template in ["change_notification.j2", "expiry_notification.j2"] {
        place.file(template, &packaged(&format!("server/{template}")), 0o644);
    }
    let example = packaged("server/config.example.toml");
    let everything = with_every_key(&example);
    assert!(everything.lines().filter(|line| line.contains(" = ") && !line.starts_with('#')).count() > 50);
    let mail =
        everything.replace("# enabled", "enabled").replacen("[email]\nenabled = false", "[email]\nenabled = true", 1);
    assert_ne!(mail, everything);
    for text in [&example, &everything, &mail] {
        let text = text.replace("/etc/homing-server/", &format!("{}/", place.folder.display()));
        place.file("config.toml", &text, 0o640);
        assert_eq!(place.run(&["--check"]).ok(), "config.toml: the configuration is correct\n");
    }
}

#[test]
fn the_man_pages_have_every_key_and_command() {
    let keys = with_every_key(&packaged("server/config.example.toml"));
    let page = packaged("man/homing-server.conf.5");
    for line in keys.lines().filter(|line| !line.starts_with('#')) {
        if let Some((key, _)) = line.split_once(" = ").filter(|(key, _)| is_key(key)) {
            let found = page.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).any(|word| word == key);
            assert!(found, "homing-server.conf(5) lacks {key}");
        }
    }
    let page = packaged("man/homing-server.8");
    let place = Place::with_sqlite();
    let mut checked = 0;
    for group in ["", "user", "token", "hostname"] {
        let words: Vec<&str> = [group, "--help"].into_iter().filter(|word| !word.is_empty()).collect();
        let help = run(&place.folder, &words, "").ok();
        let commands = help.split_once("Commands:\n").unwrap().1;
        for line in commands.lines().take_while(|line| !line.is_empty()) {
            let name = line.split_whitespace().next().unwrap();
            if name == "help" || (group.is_empty() && ["user", "token", "hostname"].contains(&name)) {
                continue;
            }
            let item = format!(".It Cm {}", format!("{group} {name}").trim());
            assert!(page.contains(&item), "homing-server(8) lacks '{item}'");
            checked += 1;
        }
    }
    assert_eq!(checked, 19);
    for option in ["init-db", "daemon", "debug", "check", "config Ar file"] {
        assert!(page.contains(&format!(".It Fl -{option}")), "homing-server(8) lacks --{option}");
    }
}

#[test]
fn the_service_files_are_sound() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/server");
    let sh = Command::new("sh").arg("-n").arg(folder.join("homing-server.initd")).output().unwrap();
    assert!(sh.status.success(), "{sh:?}");
    let unit = folder.join("homing-server.service");
    let mut security = Command::new("systemd-analyze");
    let Ok(output) = security.args(["security", "--offline=true", "--no-pager"]).arg(&unit).output() else {
        eprintln!("NOT TESTED: systemd-analyze is not installed");
        return;
    };
    let text = String::from_utf8(output.stdout).unwrap();
    let level = text.rsplit_once("homing-server.service: ").unwrap().1.split(' ').next().unwrap();
    assert!(level.parse::<f64>().unwrap() <= 1.5, "{level}");
}
