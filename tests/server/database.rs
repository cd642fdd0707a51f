//! The SQLite file: whose it is, who may use it, and what happens when it is damaged.

use crate::support::{run, Place};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;

fn sqlite(file: &std::path::Path, sql: &str) -> String {
    let output = Command::new("sqlite3").arg(file).arg(sql).output().expect("sqlite3(1)");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_command_creates_the_database() {
    for command in [&["--init-db"][..], &["user", "list"], &["export"]] {
        let place = Place::with_sqlite();
        place.run(command).ok();
        let mode = fs::metadata(place.path("server.db")).unwrap().mode() & 0o777;
        assert_eq!(mode & 0o007, 0, "{mode:o}");
        place.run(&["--init-db"]).ok();
    }
}

#[test]
fn a_database_of_ddns_service_is_left_as_it_is() {
    let place = Place::with_sqlite();
    let file = place.path("server.db");
    sqlite(
        &file,
        "PRAGMA journal_mode = WAL; CREATE TABLE user (id INTEGER PRIMARY KEY, username TEXT, password_hash TEXT); \
         CREATE TABLE hostname (id INTEGER PRIMARY KEY, user_id INTEGER, hostname TEXT, zone TEXT); \
         INSERT INTO user VALUES (1, 'alice', 'x');",
    );
    let before = fs::read(&file).unwrap();
    let names = || {
        let mut names: Vec<_> = fs::read_dir(&place.folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let there = names();
    for command in [&["--init-db"][..], &["user", "list"], &["export"]] {
        let said = place.run(command).fails(1);
        assert!(said.contains(file.to_str().unwrap()) && said.contains("ddns-service"), "{said}");
        assert!(said.contains("import") && said.contains("[database]"), "{said}");
    }
    assert_eq!(fs::read(&file).unwrap(), before);
    assert_eq!(names(), there);
}

#[test]
fn what_is_no_database_is_left_as_it_is() {
    let place = Place::with_sqlite();
    for text in ["x", &"no database\n".repeat(50)] {
        let file = place.file("server.db", text, 0o600);
        let said = place.run(&["--init-db"]).fails(1);
        assert!(said.contains("server.db: not an SQLite database"), "{said}");
        assert_eq!(fs::read_to_string(file).unwrap(), text);
    }
}

#[test]
fn a_newer_database_is_left_as_it_is() {
    let place = Place::with_sqlite();
    place.add_user("alice");
    sqlite(&place.path("server.db"), "UPDATE meta SET version = 99");
    let said = place.run(&["user", "list"]).fails(1);
    assert!(said.contains("server.db: its version is 99") && said.contains("newer homing-server"), "{said}");
    sqlite(&place.path("server.db"), "UPDATE meta SET version = (SELECT 1)");
    assert!(place.run(&["user", "list"]).ok().contains("alice"));
}

#[test]
fn a_damaged_database_is_reported() {
    let place = Place::with_sqlite();
    place.add_user("alice");
    let file = place.path("server.db");
    let mut bytes = fs::read(&file).unwrap();
    // The first page is the schema's.
    bytes[100..4096].fill(0xff);
    fs::write(&file, bytes).unwrap();
    let said = place.run(&["user", "list"]).fails(1);
    assert!(said.contains("damaged") && said.contains("restore"), "{said}");
}

#[test]
fn a_folder_that_cannot_be_written_is_reported() {
    let place = Place::with_sqlite();
    place.file("config.toml", "[database]\npath = \"/nonexistent/folder/server.db\"\n", 0o640);
    let said = place.run(&["--init-db"]).fails(1);
    assert!(said.contains("/nonexistent/folder/server.db: cannot be created"), "{said}");
    // A link to a device that is always full.
    place.file("config.toml", "[database]\npath = \"/dev/full\"\n", 0o640);
    assert_eq!(place.run(&["--init-db"]).code, 1);
}

/// As root, in a folder whose group is another's: as that other user the same commands work.
#[test]
fn members_of_the_group_share_a_group_writable_database() {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        eprintln!("NOT TESTED: only root can change to another user");
        return;
    }
    let place = Place::with_sqlite();
    place.add_user("alice");
    let file = place.path("server.db");
    // Debian's nobody (65534) with a group 12345 that owns the files; the service runs as 12344.
    let own = |path: &std::path::Path| std::os::unix::fs::chown(path, Some(12344), Some(12345)).unwrap();
    own(&file);
    own(&place.folder);
    own(&place.path("config.toml"));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o660)).unwrap();
    fs::set_permissions(&place.folder, fs::Permissions::from_mode(0o770)).unwrap();
    let as_user = |user: &str, args: &[&str]| {
        let output = Command::new("setpriv")
            .args(["--reuid", user, "--regid", user, "--groups", "12345"])
            .arg(env!("CARGO_BIN_EXE_homing-server"))
            .args(["--config", "config.toml"])
            .args(args)
            .current_dir(&place.folder)
            .output()
            .expect("setpriv(1)");
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    // A reader that stays keeps the files beside the database in place, as a running daemon does.
    let add = |user: &str, name: &str| as_user(user, &["hostname", "add", "alice", name, "dyn.example"]);
    assert_eq!(add("65534", "one"), (Some(0), String::new()));
    assert_eq!(add("12344", "two"), (Some(0), String::new()));
    // Without the group's right to write it fails, says why, and leaves nothing.
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let (code, said) = add("65534", "three");
    assert!(code == Some(1) && said.contains("chmod g+w"), "{code:?} {said}");
    let hosts = run(&place.folder, &["--config", "config.toml", "hostname", "list"], "").ok();
    assert_eq!(hosts.lines().count(), 3, "{hosts}");
}
