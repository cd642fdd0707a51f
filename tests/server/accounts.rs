//! `user` and `token`.

use crate::support::{json, Place};
use serde_json::json;
use std::process::{Command, Stdio};

#[test]
fn users_are_added_listed_changed_and_deleted() {
    let place = Place::new();
    assert_eq!(place.run(&["user", "list", "--json"]).ok(), "[]\n");
    place.add_user("bob");
    place.add_user("alice");
    place.run(&["user", "email", "bob", "bob@example.net"]).ok();
    place.run(&["user", "disable", "bob"]).ok();
    place.run(&["user", "admin", "alice", "on"]).ok();
    let expected = json!([
        {"user": "alice", "email": "alice@example.org", "disabled": false, "admin": true},
        {"user": "bob", "email": "bob@example.net", "disabled": true, "admin": false},
    ]);
    assert_eq!(json(&place.run(&["user", "list", "--json"]).ok()), expected);
    let table = place.run(&["user", "list"]).ok();
    assert_eq!(table.lines().next(), Some("USER   EMAIL              DISABLED  ADMIN"));
    assert_eq!(table.lines().nth(2), Some("bob    bob@example.net    yes       no"));
    place.run(&["user", "enable", "bob"]).ok();
    place.run(&["user", "admin", "alice", "off"]).ok();
    place.run(&["user", "delete", "alice"]).ok();
    let left = json!([{"user": "bob", "email": "bob@example.net", "disabled": false, "admin": false}]);
    assert_eq!(json(&place.run(&["user", "list", "--json"]).ok()), left);
}

#[test]
fn what_fails_names_the_user_and_the_reason() {
    let place = Place::new();
    place.add_user("alice");
    for command in [
        &["user", "delete", "nobody"][..],
        &["user", "email", "nobody", "a@b.example"],
        &["user", "disable", "nobody"],
        &["user", "admin", "nobody", "on"],
        &["user", "passwd", "nobody", "--password-stdin"],
        &["token", "list", "nobody"],
        &["token", "add", "nobody"],
        &["hostname", "list", "--user", "nobody"],
        &["hostname", "add", "nobody", "a", "b.example"],
    ] {
        assert_eq!(place.run(command).fails(1), "homing-server: user 'nobody' does not exist\n", "{command:?}");
    }
    let again = place.run_with(&["user", "add", "alice", "a@b.example", "--password-stdin"], "x\n");
    assert_eq!(again.fails(1), "homing-server: user 'alice' exists already\n");
    let empty = place.run_with(&["user", "add", "bob", "a@b.example", "--password-stdin"], "\n");
    assert_eq!(empty.fails(1), "homing-server: the password is empty: nothing was changed\n");
    for (name, email) in [("a:b", "a@b.example"), ("", "a@b.example"), ("a b", "a@b.example"), ("bob", "nobody")] {
        let wrong = place.run_with(&["user", "add", name, email, "--password-stdin"], "x\n");
        assert!(wrong.fails(2).starts_with("homing-server: "), "{name:?} {email:?}");
    }
    place.run(&["hostname", "add", "alice", "home", "dyn.example"]).ok();
    let kept = place.run(&["user", "delete", "alice"]).fails(1);
    assert_eq!(kept, "homing-server: user 'alice' still has 1 hostnames (home.dyn.example): delete these first\n");
    assert_eq!(json(&place.run(&["user", "list", "--json"]).ok()).as_array().unwrap().len(), 1);
}

#[test]
fn a_password_needs_a_terminal_or_the_option() {
    let place = Place::new();
    let said = place.run_with(&["user", "add", "alice", "alice@example.org"], "secret\nsecret\n").fails(2);
    assert!(said.contains("--password-stdin"), "{said}");
    assert_eq!(place.run(&["user", "list", "--json"]).ok(), "[]\n");
    place.add_user("alice");
    assert!(place.run(&["user", "passwd", "alice"]).fails(2).contains("--password-stdin"));
}

/// script(1) gives the program a terminal.
#[test]
fn a_password_is_asked_for_twice_without_echo() {
    let place = Place::new();
    let on_a_terminal = |answers: &str| {
        let program = env!("CARGO_BIN_EXE_homing-server");
        let command = format!("{program} --config config.toml user add alice alice@example.org");
        let mut script = Command::new("script");
        script.args(["-q", "-e", "-E", "never", "-c", &command, "/dev/null"]).current_dir(&place.folder);
        let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("script(1)");
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), answers.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, said) = on_a_terminal("secret-one\nsecret-two\n");
    assert!(code == Some(1) && said.contains("the passwords are not the same"), "{code:?} {said}");
    assert_eq!(place.run(&["user", "list", "--json"]).ok(), "[]\n");
    let (code, said) = on_a_terminal("secret-one\nsecret-one\n");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("Password: ") && said.contains("Password again: "), "{said}");
    assert_eq!(json(&place.run(&["user", "list", "--json"]).ok()).as_array().unwrap().len(), 1);
}

#[test]
fn a_token_is_printed_once_and_stored_as_its_digest() {
    let place = Place::new();
    place.add_user("alice");
    place.add_user("bob");
    place.run(&["hostname", "add", "alice", "home", "dyn.example"]).ok();
    place.run(&["hostname", "add", "bob", "other", "dyn.example"]).ok();
    let printed = place.run(&["token", "add", "alice", "--host", "Home.dyn.example.", "--label", "router"]).ok();
    let token = printed.strip_suffix('\n').unwrap();
    let rest = token.strip_prefix("hs_").unwrap();
    assert!(rest.len() == 32 && rest.bytes().all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7')), "{token}");
    place.run(&["token", "add", "alice", "--txt"]).ok();
    let tokens = json(&place.run(&["token", "list", "alice", "--json"]).ok());
    let id = tokens[0]["id"].as_str().unwrap().to_string();
    let first = json!({"id": id, "label": "router", "hosts": ["home.dyn.example"], "txt": false});
    assert_eq!(tokens[0], first);
    assert_eq!(tokens[1]["hosts"], json!([]));
    assert_eq!(tokens[1]["txt"], json!(true));
    let everything = place.run(&["export"]).ok() + &place.run(&["token", "list", "alice"]).ok();
    assert!(!everything.contains(rest), "{everything}");
    for host in ["other.dyn.example", "none.dyn.example"] {
        let said = place.run(&["token", "add", "alice", "--host", host]).fails(1);
        assert!(said.contains(&format!("hostname '{host}' does not exist or belongs to another user")), "{said}");
    }
    place.run(&["token", "delete", &id]).ok();
    assert!(place.run(&["token", "delete", &id]).fails(1).contains(&format!("token '{id}' does not exist")));
    assert!(place.run(&["token", "delete", "1"]).fails(1).contains("token '1' does not exist"));
    assert_eq!(json(&place.run(&["token", "list", "alice", "--json"]).ok()).as_array().unwrap().len(), 1);
}
