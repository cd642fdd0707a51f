//! `hostname`, as far as no name server is needed.

use crate::support::{json, Place};
use serde_json::json;

#[test]
fn hostnames_are_added_listed_changed_and_deleted() {
    let place = Place::new();
    place.add_user("alice");
    place.add_user("bob");
    place.run(&["hostname", "add", "alice", "MyPC", "Dyn.Example."]).ok();
    place.run(&["hostname", "add", "alice", "@", "dyn.example", "--dns-ttl", "120", "--expiry-ttl", "0"]).ok();
    let options = ["--ipv6-suffix", "::1234", "--group", "lan"];
    place.run(&[&["hostname", "add", "bob", "a.b", "dyn.example"][..], &options].concat()).ok();
    let host = |name: &str, user: &str, ttls: (u32, u32)| {
        json!({
            "hostname": name, "zone": "dyn.example", "user": user, "dns_ttl": ttls.0, "expiry_ttl": ttls.1,
            "ipv4": null, "ipv6": null,
        })
    };
    let all = [
        host("a.b.dyn.example", "bob", (60, 3600)),
        host("dyn.example", "alice", (120, 0)),
        host("mypc.dyn.example", "alice", (60, 3600)),
    ];
    assert_eq!(json(&place.run(&["hostname", "list", "--json"]).ok()), json!(all));
    let own = place.run(&["hostname", "list", "--user", "alice", "--json"]).ok();
    assert_eq!(json(&own), json!(all[1..]));
    let table = place.run(&["hostname", "list"]).ok();
    assert!(table.lines().nth(3).unwrap().starts_with("mypc.dyn.example  dyn.example  alice  60 "), "{table}");

    place.run(&["hostname", "modify", "mypc", "dyn.example", "--dns-ttl", "30"]).ok();
    place.run(&["hostname", "modify", "a.b", "dyn.example", "--ipv6-suffix", "none", "--group", "none"]).ok();
    let exported = place.run(&["export"]).ok();
    assert!(!exported.contains("ipv6_suffix") && !exported.contains("group"), "{exported}");
    assert!(exported.contains(r#""hostname":"mypc.dyn.example","zone":"dyn.example","user":"alice","dns_ttl":30"#));

    // Nothing was published for them: no name server is asked.
    place.run(&["hostname", "delete", "mypc", "dyn.example"]).ok();
    place.run(&["hostname", "delete", "@", "dyn.example", "--keep-dns"]).ok();
    assert_eq!(json(&place.run(&["hostname", "list", "--json"]).ok()), json!(all[..1]));
}

#[test]
fn new_hostnames_have_the_defaults_of_the_configuration() {
    let place = Place::new();
    place.configure("[defaults]\ndns_ttl = 77\nexpiry_ttl = 0\n");
    place.add_user("alice");
    place.run(&["hostname", "add", "alice", "home", "dyn.example"]).ok();
    let hosts = json(&place.run(&["hostname", "list", "--json"]).ok());
    assert_eq!((&hosts[0]["dns_ttl"], &hosts[0]["expiry_ttl"]), (&json!(77), &json!(0)));
}

#[test]
fn what_fails_names_the_hostname_and_the_reason() {
    let place = Place::new();
    place.add_user("alice");
    place.run(&["hostname", "add", "alice", "home", "dyn.example"]).ok();
    for (command, code, said) in [
        (&["add", "alice", "HOME", "dyn.example"][..], 1, "hostname 'home.dyn.example' exists already"),
        (&["add", "alice", "home.dyn", "example"], 1, "hostname 'home.dyn.example' exists already"),
        (&["modify", "none", "dyn.example", "--dns-ttl", "1"], 1, "hostname 'none.dyn.example' does not exist"),
        (&["delete", "none", "dyn.example"], 1, "hostname 'none.dyn.example' does not exist"),
        (
            &["delete", "home.dyn", "example"],
            1,
            "hostname 'home.dyn.example' is in zone 'dyn.example', not in 'example'",
        ),
        (&["modify", "home", "dyn.example"], 2, "nothing to change"),
        (&["add", "alice", "a b", "dyn.example"], 2, "hostname 'a b.dyn.example'"),
        (&["add", "alice", "a", "dyn..example"], 2, "zone 'dyn..example'"),
        (&["add", "alice", "home.dyn.example", "dyn.example"], 2, "it has the zone already"),
        (&["add", "alice", "x", "dyn.example", "--ipv6-suffix", "5"], 2, "--ipv6-suffix: '5'"),
        (&["add", "alice", "x", "dyn.example", "--group", "a b"], 2, "--group: 'a b'"),
        (&["add", "alice", "x", "dyn.example", "--dns-ttl", "-1"], 2, "--dns-ttl"),
        (&["add", "alice", "x", "dyn.example", "--expiry-ttl", "2147483648"], 2, "--expiry-ttl"),
        (&["add", "alice", "x"], 2, "<ZONE>"),
    ] {
        let ran = place.run(&[&["hostname"][..], command].concat());
        assert!(ran.err.contains(said), "{command:?}: {ran:?}");
        ran.fails(code);
    }
    assert_eq!(json(&place.run(&["hostname", "list", "--json"]).ok()).as_array().unwrap().len(), 1);
}
