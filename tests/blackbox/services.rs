//! The table of services in README and homing.conf(5) matches `--list --json`, and the tables in parity.md name
//! existing providers. `HOMING_WRITE=1` writes the first two.

use crate::testbed::*;
use homing::internals::json::{self, Json};
use homing::internals::provider;

/// The providers and presets that `--list --json` lists, sorted by name, without those of the feature `all-providers`.
fn services() -> Vec<Json> {
    let list = Run::new(&Scratch::new()).args(["--list", "--json"]).go();
    let objects = list.stdout.lines().map(|line| json::parse(line).expect("one object a line"));
    let rest: Vec<&str> = provider::rows().filter(|row| row.feature == "all-providers").map(|row| row.name).collect();
    let usual = |object: &Json| !rest.iter().any(|name| json::text(object, "name") == Some(*name));
    let listed = objects.filter(|object| matches!(json::text(object, "kind"), Some("provider" | "preset")));
    let mut services: Vec<Json> = listed.filter(usual).collect();
    services.sort_by_key(|service| json::text(service, "name").map(str::to_lowercase));
    services
}

fn texts(object: &Json, key: &str) -> Vec<String> {
    json::list(object, key).iter().filter_map(|item| item.get::<String>().cloned()).collect()
}

/// Name, families, hosts, keys and how they are sent, refresh.
fn row(service: &Json) -> [String; 5] {
    let families = match (texts(service, "families").join(" ").as_str(), json::flag(service, "together")) {
        ("ipv4 ipv6", Some(true)) => "together",
        ("ipv4 ipv6", _) => "separate",
        ("ipv4", _) => "IPv4",
        (other, _) => panic!("{other}"),
    };
    let hosts = if json::flag(service, "lists") == Some(true) { "together" } else { "separate" };
    let sent = json::text(service, "sent").map_or(String::new(), |place| format!(" ({place})"));
    let keys = texts(service, "needs").join(", ").replace('*', "") + &sent;
    let refresh = json::text(service, "refresh").unwrap_or_default();
    [json::text(service, "name").expect("a name").into(), families.into(), hosts.into(), keys, refresh.into()]
}

/// Compares the part of a document between two lines with its expected text, or writes it.
fn hold(paper: &str, from: &str, to: &str, want: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(paper);
    let text = std::fs::read_to_string(&path).expect(paper);
    let begin = text.find(from).unwrap_or_else(|| panic!("{paper} has no {from}")) + from.len();
    let end = begin + text[begin..].find(to).unwrap_or_else(|| panic!("{paper} has no {to}"));
    if std::env::var_os("HOMING_WRITE").is_some() {
        std::fs::write(&path, [&text[..begin], want, &text[end..]].concat()).expect(paper);
    } else if text[begin..end] != *want {
        panic!("the table of services in {paper} is old: HOMING_WRITE=1 cargo test --test blackbox services");
    }
}

#[test]
#[cfg_attr(not(feature = "uci"), ignore = "needs the usual build")]
fn the_documents_contain_the_table_of_services() {
    let services = services();
    let what = |service: &Json| json::text(service, "what").expect("a comment").to_string();
    let mut readme = String::from(
        "\n| provider | service | families | hosts | keys (sent in) | refresh |\n|---|---|---|---|---|---|\n",
    );
    for service in &services {
        let [name, families, hosts, keys, refresh] = row(service);
        readme += &format!("| `{name}` | {} | {families} | {hosts} | {keys} | {refresh} |\n", what(service));
    }
    hold("README.md", "<!-- services -->", "<!-- end of services -->", &readme);
    let mut manual = String::from(
        "\n.Bl -column \"lightningwirelabs\" \"together\" \"together\" \"user, password (header)\"\n.It Em provider Ta Em families Ta Em hosts Ta Em keys Ta Em refresh\n",
    );
    for service in &services {
        let [name, families, hosts, keys, refresh] = row(service);
        manual +=
            format!(".It Li {name} Ta {families} Ta {hosts} Ta {keys} Ta {refresh}").trim_end_matches("Ta ").trim_end();
        manual += "\n";
    }
    manual += ".El\n";
    hold("packaging/man/homing.conf.5", ".\\\" services", ".\\\" end of services", &manual);
}

/// The rows of a table in parity.md: the other client's name, and homing's.
fn parity() -> Vec<(usize, String, String)> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity.md");
    let text = std::fs::read_to_string(path).expect("tests/parity.md");
    let rows = text.lines().enumerate().filter_map(|(at, line)| {
        let mut cells = line.strip_prefix("| ")?.strip_suffix('|')?.split('|').map(|cell| cell.trim().to_string());
        Some((at + 1, cells.next()?, cells.next()?))
    });
    rows.filter(|(_, theirs, _)| theirs.starts_with('`')).collect()
}

#[test]
#[cfg_attr(not(feature = "uci"), ignore = "needs the usual build")]
fn services_of_other_clients_are_supported_or_explained() {
    let scratch = Scratch::new();
    let rows = parity();
    assert!(rows.len() > 200, "only {} rows", rows.len());
    for (line, theirs, ours) in rows {
        let Some((name, _)) = ours.strip_prefix('`').and_then(|rest| rest.split_once('`')) else {
            // A reason in words.
            assert!(
                ours.len() > 8 && !ours.contains('`'),
                "line {line}: {theirs}: neither a name nor a reason: {ours}"
            );
            continue;
        };
        let ended = Run::new(&scratch).args(["--list", name]).go();
        let closed = ours.contains("closed");
        if provider::left_out(name).is_some() {
            assert!(ended.stderr.contains("not included in this build"), "line {line}: {}", ended.stderr);
            continue;
        }
        let want = if closed { (Some(2), true) } else { (Some(0), false) };
        assert_eq!((ended.code, ended.stderr.contains("closed")), want, "line {line}: {theirs}: {}", ended.stderr);
        // A name that is a domain or a plain word is accepted by homing too.
        let word = theirs.trim_matches('`').rsplit('@').next().expect("a word");
        if ours.contains("(same)") {
            let ended = Run::new(&scratch).args(["--list", word]).go();
            assert_eq!(ended.code == Some(0), !closed, "line {line}: {word}: {}", ended.stderr);
        }
    }
}

#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs HTTPS")]
fn a_closed_service_is_reported_with_its_line() {
    let scratch = Scratch::new();
    for (name, want) in [
        ("google-domains", "homing.conf:3: provider: 'google-domains' is closed: its dynamic DNS ended on 2024-01-22"),
        ("twodns.de", "homing.conf:3: provider: 'twodns.de' is closed: ended on 2024-12-20"),
        ("dnsdynamic", "homing.conf:3: provider: 'dnsdynamic' is closed: use another service"),
    ] {
        let config = format!("ipv4 = fixed\n[home]\nprovider = {name}\nhosts = a.example.com\nuser = alice\npassword = s3cret\n[detector:fixed]\nkind = fixed\naddress = 198.41.0.4\n");
        scratch.write("homing.conf", &config, 0o600);
        let ended = Run::pass(&scratch).go();
        assert_eq!(ended.code, Some(2), "{name}");
        assert!(ended.stderr.contains(want), "{name}: {}", ended.stderr);
        assert_eq!(ended.stderr.lines().count(), 1, "{name}: {}", ended.stderr);
    }
}

#[test]
fn an_http_only_service_needs_allow_plaintext() {
    let scratch = Scratch::new();
    let config = "ipv4 = route\n[home]\nprovider = oray\nhosts = a.vicp.net\nuser = alice\npassword = s3cret\n";
    scratch.write("homing.conf", config, 0o600);
    let ended = Run::pass(&scratch).arg("--check").go();
    let want =
        "homing.conf:2: [home]: the preset's 'http://ddns.oray.com' would send the password unencrypted: set allow_plaintext = yes";
    assert_eq!((ended.code, ended.stderr.contains(want)), (Some(2), true), "{}", ended.stderr);
    scratch.write("homing.conf", &format!("{config}allow_plaintext = yes\n"), 0o600);
    assert_eq!(Run::pass(&scratch).arg("--check").go().code, Some(0));
}

#[test]
#[cfg_attr(not(all(feature = "advice", feature = "rfc2136")), ignore = "needs --list and signed updates")]
fn alternative_service_names_are_accepted() {
    let list = |name: &str| Run::new(&Scratch::new()).args(["-L", name]).go();
    for (name, want) in [
        ("no-ip.com", "noip: No-IP\n"),
        ("strato.com", "strato: STRATO\n"),
        ("duckdns.org", "duckdns: DuckDNS\n"),
        ("bind-nsupdate", "rfc2136: "),
    ] {
        assert!(list(name).stdout.starts_with(want), "{name}: {}", list(name).stdout);
    }
    assert!(list("eurodns").stdout.contains("its own detector: ipv4 = eurodyndns\n"));
    // It may be another provider's server, and the credentials would go there.
    assert_eq!(list("strato.org").code, Some(2));
}
