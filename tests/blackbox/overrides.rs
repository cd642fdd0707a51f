//! Custom detectors and presets, built-in ones changed by name, and settings of a section that override the agent's.

use crate::settings::{errors, good, learned, HOME};
use crate::testbed::*;

#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs HTTPS")]
fn custom_detectors_and_presets_work() {
    let page = HttpServer::new(|request| match request.target.as_str() {
        "/json" => Reply::ok("{\"ip\":\"198.41.0.4\"}"),
        "/line" => Reply::ok("a=b\nip=198.41.0.4\n"),
        "/text" => Reply::ok("<p>Current IP Address: 198.41.0.4</p>"),
        _ => Reply::ok("198.41.0.4\n"),
    });
    let dns = DnsServer::always(vec![Record::Address("198.41.0.4".parse().unwrap())]);
    let (url, server) = (page.url(), dns.address());
    for (name, text) in [
        ("x", format!("kind = web\nurl = {url}/plain")),
        ("x", format!("kind = web\nurl = {url}/json\nparse = json:ip")),
        ("x", format!("kind = web\nurl = {url}/line\nparse = line:ip=")),
        ("x", format!("kind = web\nurl = {url}/text\nparse = text")),
        ("x", format!("kind = dns\nserver = {server}\nname = my.ip")),
        ("x", "kind = command\ncommand = echo 198.41.0.4".to_string()),
        ("x", "kind = fixed\naddress = 2620:fe::fe, 198.41.0.4".to_string()),
        // A built-in one by its name: one key changed, or all of them.
        ("ipify", format!("url = {url}/")),
        ("opendns", format!("server = {server}")),
        ("opendns", format!("url = dns://{server}")),
        ("ipify", "kind = fixed\naddress = 198.41.0.4".to_string()),
    ] {
        let config = format!("ipv4 = {name}\n[detector:{name}]\n{text}\n");
        assert_eq!(learned(&config, &[]), format!("ipv4 198.41.0.4 {name}"), "{text}");
    }
    let scratch = Scratch::new();
    let own =
        "[detector:router]\nkind = route\n[preset:office]\nprotocol = dyndns2\nurl = https://x.example/\nbatch = yes\n";
    good(&format!("{own}{}", HOME.replace("infomaniak", "office")));
    let lines = errors(&scratch, &format!("{own}{}", HOME.replace("infomaniak", "ofice")));
    assert_eq!(lines, ["homing.conf:8: provider: unknown provider 'ofice': did you mean 'office'?"]);
    let lines = errors(&scratch, &format!("ipv4 = ruter\n{own}"));
    assert_eq!(lines, ["homing.conf:1: ipv4: unknown detector 'ruter': did you mean 'router'?"]);
    // Overriding: the preset with a built-in name sends the section to the test server, and so does the section's own
    // url.
    let server = HttpServer::new(|_| Reply::ok("good 198.41.0.4"));
    let fixed =
        "ipv4 = four\nstate = s/state.json\nhistory = s/ip.log\n[detector:four]\nkind = fixed\naddress = 198.41.0.4\n";
    scratch.folder("s");
    let preset = format!("[preset:infomaniak]\nprotocol = dyndns2\nurl = {}/preset\n", server.url());
    scratch.write("homing.conf", &format!("{fixed}{preset}{HOME}"), 0o600);
    assert_eq!(Run::pass(&scratch).go().code, Some(0));
    scratch.write("homing.conf", &format!("{fixed}{HOME}url = {}/own\nrefresh = 1h\n", server.url()), 0o600);
    assert_eq!(Run::pass(&scratch).go().code, Some(0));
    let targets: Vec<String> = server.asked().iter().map(|r| r.target.split('?').next().unwrap().to_string()).collect();
    assert_eq!(targets, ["/preset", "/own"]);
}

#[test]
fn a_detector_in_two_lists_is_queried_once() {
    let page = HttpServer::new(|_| Reply::ok("198.41.0.4\n"));
    let home = Home::new();
    let web = format!("ipv4 = w, four\n[detector:w]\nkind = web\nurl = {}/\n", page.url());
    let two = "[two]\nprovider = dyndns2\nurl = {url}/two\nuser = u\npassword = x\nhosts = b.example.org\n";
    home.config("ipv4 = w", &format!("{web}{two}")).passes(0);
    assert_eq!(page.asked().len(), 1, "[home] asks w, four, and [two] the agent's w");
}

#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs HTTPS")]
fn a_section_overrides_agent_settings() {
    let scratch = Scratch::new();
    let server = HttpServer::new(|request| {
        Reply::ok(&format!("good {}", request.target.split("myip=").nth(1).unwrap_or("").split('&').next().unwrap()))
    });
    let fixed = |name: &str, address: &str| format!("[detector:{name}]\nkind = fixed\naddress = {address}\n");
    let section = |name: &str, more: &str| {
        format!(
            "{}url = {}/\n{more}\n",
            HOME.replace("[home]", &format!("[{name}]")).replace("a.example", &format!("{name}.example")),
            server.url()
        )
    };
    let text = [
        "ipv4 = one\nstate = s/state.json\nhistory = s/ip.log\non_change = touch agent\n".to_string(),
        fixed("one", "198.41.0.4"),
        fixed("two", "193.0.14.129"),
        fixed("six", "2620:fe::fe"),
        fixed("home", "10.0.0.7"),
        section("as-agent", ""),
        section("other", "ipv4 = two\non_change = touch own"),
        section("both", "ipv6 = six"),
        section("only6", "ipv4 = off\nipv6 = six"),
        section("private", "ipv4 = home\nallow_private = yes"),
        section("agreed", "ipv4 = one, two\nagree = 2"),
    ];
    scratch.folder("s");
    scratch.write("homing.conf", &text.concat(), 0o600);
    let ended = Run::pass(&scratch).go();
    let mut lines: Vec<&str> = ended.stdout.lines().filter(|line| line.contains(" is now ")).collect();
    lines.sort_unstable();
    let wanted = [
        "as-agent.example.com: ipv4 is now 198.41.0.4",
        "both.example.com: ipv4 is now 198.41.0.4",
        "both.example.com: ipv6 is now 2620:fe::fe",
        "only6.example.com: ipv6 is now 2620:fe::fe",
        "other.example.com: ipv4 is now 193.0.14.129",
        "private.example.com: ipv4 is now 10.0.0.7",
    ];
    assert_eq!(lines, wanted, "{}", ended.stderr);
    assert_eq!(ended.code, Some(1), "one and two do not agree");
    assert!(scratch.path("agent").exists() && scratch.path("own").exists());
}
