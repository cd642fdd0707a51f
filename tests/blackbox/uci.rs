//! OpenWrt's settings: /etc/config/ddns, as LuCI and users write it, becomes settings that make the requests its
//! sections describe. Also the files that LuCI's page reads.

use crate::testbed::*;

/// Ten services as found on routers; `{url}` is the test server. The placeholders in URLs are those of ddns-scripts.
const DDNS: &str = r#"
config ddns 'global'
	option ddns_dateformat '%F %R'
	option ddns_loglines '250'
	option upd_privateip '0'
	option use_curl '1'

config service 'myddns_ipv4'
	option enabled '1'
	option lookup_host 'yourhost.example.com'
	option update_url '{url}/custom/upd?u=[USERNAME]&p=[PASSWORD]&h=[DOMAIN]&ip=[IP]&x=[PARAMENC]&[PARAMOPT]'
	option domain 'yourhost.example.com'
	option username 'your user'
	option password 'p&ss%"w'
	option param_enc 'a/b'
	option param_opt 'ttl=60'
	option ip_source 'web'
	option ip_url '{url}/ip'
	option check_interval '5'
	option check_unit 'minutes'
	option retry_interval '60'
	option retry_unit 'seconds'

config service 'basic'
	option enabled '1'
	option lookup_host 'basic.example.com'
	option update_url 'http://[USERNAME]:[PASSWORD]@{host}/nic/update?hostname=[DOMAIN]&myip=[IP]'
	option domain 'basic.example.com'
	option username 'alice'
	option password 's3cret'
	option ip_source 'script'
	option ip_script '{dir}/wan-ip.sh -4'

config service 'cloudflare'
	option enabled '1'
	option service_name 'cloudflare.com-v4'
	option lookup_host 'www.example.org'
	option domain 'www@example.org'
	option username 'Bearer'
	option password 'cf-token-1'
	option param_opt 'zone_id=0123456789abcdef0123456789abcdef'
	option use_https '1'
	option cacert '/etc/ssl/certs'
	option ip_source 'script'
	option ip_script '{dir}/wan-ip.sh -4'

config service 'noip_v4'
	option enabled '1'
	option service_name 'no-ip.com'
	option lookup_host 'home.ddns.example'
	option domain 'home.ddns.example'
	option username 'bob@example.net'
	option password 'n0ip'
	option ip_source 'script'
	option ip_script '{dir}/wan-ip.sh -4'

config service 'noip_v6'
	option enabled '1'
	option service_name 'no-ip.com'
	option use_ipv6 '1'
	option lookup_host 'home.ddns.example'
	option domain 'home.ddns.example'
	option username 'bob@example.net'
	option password 'n0ip'
	option interface 'wan6'
	option ip_source 'script'
	option ip_script '{dir}/wan-ip.sh -6'

config service 'duckdns'
	option enabled '1'
	option service_name 'duckdns.org'
	option lookup_host 'myhome.duckdns.org'
	option domain 'myhome'
	option username 'unused'
	option password '11111111-2222-3333-4444-555555555555'
	option ip_source 'web'
	option ip_url '{url}/ip'
	option use_syslog '2'

config service 'mine'
	option enabled '1'
	option service_name 'mine.example'
	option lookup_host 'a.mine.example'
	option domain 'a.mine.example'
	option password 'k3y'
	option ip_source 'web'
	option ip_url '{url}/ip'
	option force_interval '0'

config service 'network'
	option enabled '1'
	option update_url '{url}/net?host=[DOMAIN]&ip=[IP]&pw=[PASSWORD]'
	option lookup_host 'net.example.com'
	option domain 'net.example.com'
	option password 'netpw'
	option interface 'wan'
	option ip_source 'network'
	option ip_network 'wan'
	option bind_network 'wan'

config service 'nsupdate'
	option enabled '1'
	option service_name 'bind-nsupdate'
	option lookup_host 'dyn.example.org'
	option domain 'dyn.example.org'
	option dns_server '127.0.0.1'
	option username 'hmac-sha256:dyn-key'
	option password 'MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI='
	option ip_source 'interface'
	option ip_interface 'eth0.2'

config service 'scripted'
	option enabled '1'
	option update_script '/root/my-own.sh'
	option lookup_host 'scripted.example.com'
	option domain 'scripted.example.com'

config service 'off'
	option enabled '0'
	option service_name 'example.org'
"#;

const DUCKDNS: &str = r#"{"name":"duckdns.org",
"ipv4":{"url":"{url}/duck/update?domains=[DOMAIN]&token=[PASSWORD]&ip=[IP]","answer":"OK"},
"ipv6":{"url":"{url}/duck/update?domains=[DOMAIN]&token=[PASSWORD]&ipv6=[IP]","answer":"OK"}}"#;
const MINE: &str = r#"{"name":"mine.example","ipv4":{"url":"{url}/mine?[PASSWORD]&address=[IP]"}}"#;

/// What ddns-scripts fills into a URL: everything but [PARAMOPT] and [DOMAIN] percent-encoded.
fn meant(url: &str, places: &[(&str, &str)]) -> String {
    places.iter().fold(url.to_string(), |url, (place, value)| url.replace(place, value)).replace("[IP]", "198.41.0.4")
}

fn respond(request: &Request) -> Reply {
    let path = request.target.split('?').next().unwrap();
    match path {
        "/ip" => Reply::ok("<html><body>Current IP Address: 198.41.0.4</body></html>"),
        "/custom/upd" => Reply::ok("Your address has been set."),
        "/net" => Reply::ok("done"),
        "/duck/update" => Reply::ok("OK"),
        "/mine" => Reply::ok("Updated 1 host(s)"),
        path if path.starts_with("/cf/zones/") => match request.method.as_str() {
            "GET" => Reply::ok(
                r#"{"success":true,"errors":[],"messages":[],"result":[{"id":"r1","type":"A","name":"www.example.org","content":"192.0.2.1","ttl":1,"proxied":true}],"result_info":{"page":1,"per_page":100,"count":1,"total_count":1,"total_pages":1}}"#,
            ),
            _ => Reply::ok(
                r#"{"success":true,"errors":[],"messages":[],"result":{"patches":[{"id":"r1","type":"A","name":"www.example.org","content":"198.41.0.4","ttl":1,"proxied":true}]}}"#,
            ),
        },
        _ if request.target.contains("2620:fe::fe") || request.target.contains("2620%3Afe") => {
            Reply::ok("good 2620:fe::fe")
        }
        _ => Reply::ok("good 198.41.0.4"),
    }
}

/// A router's root folder in a scratch folder, and the settings made from it.
fn router(scratch: &Scratch, server: &HttpServer) -> (String, String) {
    let fill = |text: &str| {
        let host = server.address().to_string();
        let dir = scratch.root().display().to_string();
        text.replace("{url}", &server.url()).replace("{host}", &host).replace("{dir}", &dir)
    };
    let script = "#!/bin/sh\n[ \"$1\" = -6 ] && echo 2620:fe::fe || echo 198.41.0.4\n";
    scratch.write("wan-ip.sh", script, 0o755);
    scratch.write("etc/config/ddns", &fill(DDNS), 0o600);
    scratch.write("usr/share/ddns/default/duckdns.org.json", &fill(DUCKDNS), 0o644);
    // The user's own file takes precedence over the package's.
    scratch.write("usr/share/ddns/default/mine.example.json", "{\"ipv4\":{\"url\":\"http://wrong.example/\"}}", 0o644);
    scratch.write("usr/share/ddns/custom/mine.example.json", &fill(MINE), 0o644);
    let dir = scratch.root().display();
    let own = format!(
        "config homing 'main'\n\toption enabled '1'\n\toption interval '5m'\n\tlist network 'wan'\n\
         \toption state '{dir}/s/state.json'\n\toption history '{dir}/s/ip.log'\n\toption ddns '{dir}/etc/config/ddns'\n\
         \toption luci_run '{dir}/run'\n\toption luci_log '{dir}/log'\n\toption log 'stderr'\n"
    );
    scratch.write("etc/config/homing", &own, 0o600);
    let ended = Run::new(scratch).args(["--uci", "etc/config/homing"]).go();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    scratch.write("homing.conf", &ended.stdout, 0o600);
    (ended.stdout, ended.stderr)
}

#[test]
#[cfg_attr(not(feature = "rfc2136"), ignore = "needs signed updates")]
fn uci_services_become_the_same_requests() {
    let scratch = Scratch::new();
    let server = HttpServer::new(respond);
    let (text, report) = router(&scratch, &server);
    let ended = Run::pass(&scratch).arg("--check").go();
    assert_eq!(ended.code, Some(0), "{}\n{text}", ended.stderr);

    // Options that are dropped or changed are reported with file and line, and nothing else is.
    let lines: Vec<&str> = report.lines().map(|line| line.split_once("etc/config/ddns:").expect(line).1).collect();
    let whys = ["use_https", "cacert is no file", "use_https", "force_interval 0", "runs no scripts"];
    for why in whys {
        assert!(report.contains(why), "{why}: {report}");
    }
    assert!(report.contains("[scripted] is left out"), "{report}");
    assert!(lines.len() <= 8, "{report}");
    for remark in [
        "use_curl is not used",
        "[off] is not enabled",
        "# used: wan6",
        "# device of wan: network.bind",
        "# every 300s",
    ] {
        assert!(text.contains(remark), "{remark}: {text}");
    }

    // The services' own servers are replaced by the test server, and the router's networks and name server are
    // elsewhere.
    scratch.folder("s");
    scratch.folder("run");
    scratch.folder("log");
    let url = server.url();
    let sets = [
        format!("cloudflare.url={url}/cf"),
        format!("noip_v4.url={url}/nic/update"),
        format!("noip_v6.url={url}/nic/update"),
        "network.ipv4=script-basic".to_string(),
        "network.bind=127.0.0.1".to_string(),
        "nsupdate.ipv4=off".to_string(),
        "nsupdate.ipv6=script-noip_v6".to_string(),
        "nsupdate.server=127.0.0.1:9".to_string(),
    ];
    let run = || {
        let sets = sets.iter().flat_map(|set| ["-o", set]);
        let names = ["myddns_ipv4", "basic", "cloudflare", "noip_v4", "noip_v6", "duckdns", "mine", "network"];
        Run::pass(&scratch).args(sets).args(names.into_iter().flat_map(|name| ["--only", name])).go()
    };
    let ended = run();
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{}", ended.stdout);

    let asked = server.asked();
    let made = |path: &str| -> Vec<&Request> {
        asked.iter().filter(|request| request.target.split('?').next().unwrap().starts_with(path)).collect()
    };
    for (path, url, places) in [
        (
            "/custom/upd",
            "/custom/upd?u=[USERNAME]&p=[PASSWORD]&h=[DOMAIN]&ip=[IP]&x=[PARAMENC]&[PARAMOPT]",
            vec![
                ("[USERNAME]", "your%20user"),
                ("[PASSWORD]", "p%26ss%25%22w"),
                ("[PARAMENC]", "a%2Fb"),
                ("[PARAMOPT]", "ttl=60"),
                ("[DOMAIN]", "yourhost.example.com"),
            ],
        ),
        (
            "/duck/update",
            "/duck/update?domains=[DOMAIN]&token=[PASSWORD]&ip=[IP]",
            vec![("[DOMAIN]", "myhome"), ("[PASSWORD]", "11111111-2222-3333-4444-555555555555")],
        ),
        ("/mine", "/mine?[PASSWORD]&address=[IP]", vec![("[PASSWORD]", "k3y")]),
        (
            "/net",
            "/net?host=[DOMAIN]&ip=[IP]&pw=[PASSWORD]",
            vec![("[DOMAIN]", "net.example.com"), ("[PASSWORD]", "netpw")],
        ),
    ] {
        let made = made(path);
        assert_eq!(made.iter().map(|r| r.target.as_str()).collect::<Vec<_>>(), [meant(url, &places)]);
        assert_eq!(made[0].header("Authorization"), None, "{path}");
    }
    let nic: Vec<(&str, Option<&str>)> =
        made("/nic/update").into_iter().map(|r| (r.target.as_str(), r.header("Authorization"))).collect();
    let [alice, bob] = ["Basic YWxpY2U6czNjcmV0", "Basic Ym9iQGV4YW1wbGUubmV0Om4waXA="].map(Some);
    assert_eq!(nic.len(), 3, "{nic:?}");
    assert_eq!(nic[0], ("/nic/update?hostname=basic.example.com&myip=198.41.0.4", alice));
    assert_eq!(nic[1], ("/nic/update?hostname=home.ddns.example&myip=198.41.0.4", bob));
    assert!(
        nic[2].0.starts_with("/nic/update?hostname=home.ddns.example&myip") && nic[2].0.contains("2620"),
        "{nic:?}"
    );
    assert_eq!(nic[2].1, bob);
    let cloudflare = made("/cf/zones/0123456789abcdef0123456789abcdef/");
    assert!(cloudflare.iter().all(|r| r.header("Authorization") == Some("Bearer cf-token-1")), "{cloudflare:?}");
    let change = cloudflare.iter().find(|r| r.method != "GET").expect("a change");
    assert!(change.text().contains("198.41.0.4"), "{}", change.text());

    // A second pass sends nothing; the files for LuCI's page exist.
    let before = server.asked().iter().filter(|r| r.target != "/ip").count();
    let ended = run();
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (Some(0), "", ""));
    assert_eq!(server.asked().iter().filter(|r| r.target != "/ip").count(), before);
    assert_eq!(scratch.read("run/basic.ip"), "198.41.0.4\n");
    assert_eq!(scratch.read("run/noip_v6.ip"), "2620:fe::fe\n");
    assert!(scratch.read("run/basic.update").trim().parse::<u64>().is_ok(), "{}", scratch.read("run/basic.update"));
    assert!(!scratch.path("run/basic.pid").exists(), "no process remains");
    let log = scratch.read("log/basic.log");
    assert!(log.ends_with("Z basic.example.com: ipv4 is now 198.41.0.4\n") && log.lines().count() == 1, "{log}");
}

#[test]
fn every_writes_its_pid_and_next_pass_for_luci() {
    let home = Home::new();
    home.set_detected("198.41.0.4").config("luci_run = run\nluci_log = run\nluci_lines = 2\n", "");
    home.scratch.folder("run");
    let words = ["timeout", "5", env!("CARGO_BIN_EXE_homing"), "-c", "homing.conf", "--every", "1h"];
    let started = std::time::Instant::now();
    Run::program(&home.scratch, &words).go();
    let uptime = || std::fs::read_to_string("/proc/uptime").unwrap().split('.').next().unwrap().parse::<u64>().unwrap();
    let next: u64 = home.scratch.read("run/home.nextcheck").trim().parse().expect("seconds");
    let lasted = started.elapsed().as_secs();
    assert!((uptime() + 3600 - lasted - 2..=uptime() + 3600).contains(&next), "{next}, {}", uptime());
    assert!(home.scratch.read("run/home.pid").trim().parse::<u32>().is_ok());
}

#[test]
fn uci_errors_are_reported_with_their_line() {
    let scratch = Scratch::new();
    for (text, code, want) in [
        ("config homing 'main'\n\toption ipv5 'x'\n", 2, "config:2: unknown key 'ipv5'"),
        ("config sektion 'x'\n", 2, "config:1: unknown kind 'sektion': did you mean 'section'?"),
        ("config section 'x'\n\toption provider 'noip\n", 2, "config:2: a quote is not closed in its line"),
        ("config section 'x'\n\toption provider 'noop'\n\tlist hosts 'a.example.com'\n", 2, "config:2: provider: unknown provider"),
        ("config service 'x'\n\toption enabled '1'\n\toption service_name 'nowhere.example'\n\toption lookup_host 'a.example.com'\n", 0,
            "config:3: [x] is left out: no "),
        ("config service 'x'\n\toption enabled '1'\n\toption update_url 'http://127.0.0.1/?[DOMAIN]'\n\toption domain 'a_b..c'\n", 0,
            "config:4: left out: "),
    ] {
        scratch.write("config", text, 0o600);
        let ended = Run::new(&scratch).args(["--uci", "config"]).go();
        assert_eq!(ended.code, Some(code), "{text}: {}", ended.stderr);
        assert!(ended.stderr.contains(want), "{text}: {}", ended.stderr);
    }
}
