//! `export`, `import` and `migrate`.

use crate::support::{json, Place};

/// By argon2-cffi 23.1 with its defaults, as ddns-service stores it (of the password "correct horse").
const HASH: &str = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$5z3f6Zt2bq7v1QJm1mVxw3oTgGfS7kq9m1p0h1W2r3E";

fn filled() -> Place {
    let place = Place::new();
    place.add_user("alice");
    place.add_user("bob");
    place.run(&["user", "disable", "bob"]).ok();
    place.run(&["user", "admin", "alice", "on"]).ok();
    place.run(&["hostname", "add", "alice", "home", "dyn.example", "--group", "lan", "--ipv6-suffix", "::1"]).ok();
    place.run(&["hostname", "add", "bob", "@", "dyn.example", "--dns-ttl", "5", "--expiry-ttl", "0"]).ok();
    place.run(&["token", "add", "alice", "--host", "home.dyn.example", "--txt", "--label", "acme \u{e9}"]).ok();
    place
}

#[test]
fn what_is_exported_can_be_imported_elsewhere() {
    let place = filled();
    let exported = place.run(&["export"]).ok();
    assert_eq!(exported.lines().count(), 5);
    let other = Place::new();
    let file = other.file("all.jsonl", &exported, 0o600);
    let file = file.to_str().unwrap();
    assert_eq!(other.run(&["import", file]).ok(), "added: 5, unchanged: 0, skipped: 0\n");
    assert_eq!(other.run(&["export"]).ok(), exported);
    assert_eq!(other.run(&["import", file]).ok(), "added: 0, unchanged: 5, skipped: 0\n");
    assert_eq!(other.run_with(&["import", "-"], &exported).ok(), "added: 0, unchanged: 5, skipped: 0\n");
}

#[test]
fn the_predecessors_users_and_hostnames_are_imported() {
    let place = Place::new();
    let lines = format!(
        "{{\"user\":\"alice\",\"email\":\"alice@example.org\",\"password_hash\":\"{HASH}\"}}\n\n\
         {{\"hostname\":\"b\u{fc}ro.dyn.example\",\"zone\":\"dyn.example\",\"user\":\"alice\"}}\n\
         {{\"hostname\":\"Home.dyn.example.\",\"zone\":\"dyn.example\",\"user\":\"alice\",\"dns_ttl\":30,\"expiry_ttl\":7200}}\n"
    );
    assert_eq!(place.run_with(&["import", "-"], &lines).ok(), "added: 3, unchanged: 0, skipped: 0\n");
    let hosts = json(&place.run(&["hostname", "list", "--json"]).ok());
    assert_eq!((&hosts[0]["hostname"], &hosts[0]["dns_ttl"]), (&"home.dyn.example".into(), &30.into()));
    assert_eq!((&hosts[1]["hostname"], &hosts[1]["dns_ttl"]), (&"xn--bro-hoa.dyn.example".into(), &60.into()));
    assert!(place.run(&["export"]).ok().contains(HASH));
}

#[test]
fn what_exists_differently_is_reported_and_skipped() {
    let place = filled();
    let before = place.run(&["export"]).ok();
    let lines = before
        .replace("alice@example.org", "alice@example.net")
        .replace("\"dns_ttl\":5", "\"dns_ttl\":6")
        .replace("acme", "lego");
    let ran = place.run_with(&["import", "-"], &lines);
    assert_eq!((ran.code, ran.out.as_str()), (1, "added: 0, unchanged: 2, skipped: 3\n"));
    assert!(ran.err.contains("-:1: user 'alice' exists with other values: skipped"), "{}", ran.err);
    assert!(ran.err.contains("hostname 'dyn.example' exists with other values: skipped"), "{}", ran.err);
    assert!(ran.err.contains("token ") && ran.err.lines().count() == 3, "{}", ran.err);
    assert_eq!(place.run(&["export"]).ok(), before);
}

#[test]
fn a_bad_line_is_reported_and_the_others_are_read() {
    let place = Place::new();
    let user = |name: &str, hash: &str| {
        format!("{{\"user\":\"{name}\",\"email\":\"a@example.org\",\"password_hash\":\"{hash}\"}}")
    };
    let host = |rest: &str| format!("{{\"hostname\":\"h.dyn.example\",\"zone\":\"dyn.example\",\"user\":{rest}}}");
    let lines = [
        "not json".to_string(),
        "{}".to_string(),
        "[1]".to_string(),
        user("a:b", HASH),
        user("c", "$2b$12$abcdefghijklmnopqrstuv"),
        user("d", &HASH.replace("m=65536", "m=999999")),
        host("\"nobody\""),
        user("alice", HASH),
        host("\"alice\",\"dns_ttl\":2147483648"),
        host("\"alice\",\"colour\":\"red\""),
        host("\"alice\",\"group\":\"a b\""),
        host("\"alice\"").replace("\"zone\":\"dyn", "\"zone\":\"other"),
        "{\"token_sha256\":\"zz\",\"user\":\"alice\"}".to_string(),
        host("\"alice\",\"ipv6_suffix\":\"::2\""),
    ];
    let ran = place.run_with(&["import", "-"], &lines.join("\n"));
    assert_eq!((ran.code, ran.out.as_str()), (1, "added: 2, unchanged: 0, skipped: 12\n"), "{}", ran.err);
    for (line, said) in [
        (1, "not one of the objects that 'export' prints"),
        (2, "missing field `user`"),
        (4, "user 'a:b': a colon cannot be in a name"),
        (5, "user 'c': password_hash: "),
        (6, "over the limit of m=262144"),
        (7, "user 'nobody' does not exist"),
        (9, "dns_ttl is over 2147483647"),
        (10, "unknown field `colour`"),
        (11, "--group: 'a b'"),
        (12, "it is not in zone 'other.example'"),
        (13, "token_sha256: 64 hexadecimal digits"),
    ] {
        let found = ran.err.lines().find(|text| text.contains(&format!(" -:{line}: "))).unwrap_or_default();
        assert!(found.contains(said), "{line}: {found}");
    }
    assert!(place.run(&["import", "missing.jsonl"]).fails(1).contains("missing.jsonl: cannot be read"));
}

#[test]
fn a_database_is_copied_into_an_empty_one() {
    let place = filled();
    let before = place.run(&["export"]).ok();
    let other = Place::new();
    let target = other.path("config.toml");
    let target = target.to_str().unwrap();
    let counts = "copied: 2 users, 1 tokens, 2 hostnames, 0 mails\n";
    assert_eq!(place.run(&["migrate", "--to", target]).ok(), counts);
    assert_eq!(other.run(&["export"]).ok(), before);
    assert_eq!(
        other.run(&["token", "list", "alice", "--json"]).ok(),
        place.run(&["token", "list", "alice", "--json"]).ok()
    );
    let again = place.run(&["migrate", "--to", target]).fails(1);
    assert!(again.contains("is not empty: nothing was copied"), "{again}");
    assert_eq!(other.run(&["export"]).ok(), before);
    let same = place.run(&["migrate", "--to", "config.toml"]).fails(1);
    assert!(same.contains("[database] is the one that is to be copied"), "{same}");
    assert!(place.run(&["migrate", "--to", "none.toml"]).fails(2).contains("none.toml"));
    // SQLite to MariaDB and back, where there is one.
    if std::env::var("HOMING_TEST_MARIADB").is_ok() {
        let sqlite = Place::with_sqlite();
        assert_eq!(place.run(&["migrate", "--to", sqlite.path("config.toml").to_str().unwrap()]).ok(), counts);
        assert_eq!(sqlite.run(&["export"]).ok(), before);
        let back = Place::new();
        assert_eq!(sqlite.run(&["migrate", "--to", back.path("config.toml").to_str().unwrap()]).ok(), counts);
        assert_eq!(back.run(&["export"]).ok(), before);
    }
}
