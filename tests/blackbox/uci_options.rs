//! Each option of ddns-scripts 2.8 is used, or reported as one that homing has no use for.

use crate::testbed::*;

/// Each option changes the settings, the comments in them, or the report.
#[test]
fn every_ddns_scripts_option_is_used_or_reported() {
    let scratch = Scratch::new();
    let service = "config service 'x'\n\toption enabled '1'\n\toption lookup_host 'a.example.com'\n\toption domain 'b.example.com'\n\
                   \toption username 'u'\n\toption password 'p'\n\toption param_enc 'e'\n\toption param_opt 'o'\n\
                   \toption update_url 'http://127.0.0.1/[DOMAIN]/[USERNAME]/[PASSWORD]/[PARAMENC]/[PARAMOPT]'\n";
    let converted = |text: &str| {
        scratch.write("config", text, 0o600);
        let ended = Run::new(&scratch).args(["--uci", "config"]).go();
        assert_eq!(ended.code, Some(0), "{text}: {}", ended.stderr);
        (ended.stdout, ended.stderr)
    };
    for (with, option, value) in [
        ("", "enabled", "0"),
        ("", "interface", "lan"),
        ("", "service_name", "no-ip.com"),
        ("", "update_url", "http://127.0.0.1/"),
        ("\toption update_url ''\n", "update_script", "/usr/lib/ddns/update_no-ip_com.sh"),
        ("", "lookup_host", "c.example.com"),
        ("", "domain", "c.example.com"),
        ("", "username", "v"),
        ("", "password", "q"),
        ("", "param_enc", "f"),
        ("", "param_opt", "g"),
        ("", "use_https", "1"),
        ("", "cacert", "/nowhere/ca.pem"),
        ("", "cacert", "IGNORE"),
        ("", "use_syslog", "0"),
        ("", "use_syslog", "3"),
        ("", "use_logfile", "0"),
        ("", "ip_source", "web"),
        ("", "ip_network", "lan"),
        ("\toption ip_source 'web'\n", "ip_url", "http://127.0.0.1/ip"),
        ("\toption ip_source 'interface'\n", "ip_interface", "eth7"),
        ("\toption ip_source 'interface'\n", "ip_interface", "@lan"),
        ("\toption ip_source 'script'\n", "ip_script", "/bin/wan-ip"),
        ("", "use_ipv6", "1"),
        ("", "force_ipversion", "1"),
        ("", "dns_server", "192.0.2.1"),
        ("", "force_dnstcp", "1"),
        ("", "is_glue", "1"),
        ("", "proxy", "192.0.2.1:3128"),
        ("", "bind_network", "lan"),
        ("", "user_agent", "x"),
        ("", "check_interval", "20"),
        ("", "check_unit", "hours"),
        ("", "check_interval_min", "1"),
        ("", "force_interval", "0"),
        ("", "force_unit", "days"),
        ("", "retry_max_count", "5"),
        ("", "retry_count", "5"),
        ("", "retry_interval", "5"),
        ("", "retry_unit", "minutes"),
        ("", "use_api_check", "1"),
        ("", "no_such_option", "1"),
    ] {
        let plain = converted(&format!("{service}{with}"));
        let changed = converted(&format!("{service}{with}\toption {option} '{value}'\n"));
        assert_ne!(plain, changed, "{option} {value}");
    }
    let plain = converted(&format!("config ddns 'global'\n{service}"));
    for (option, value) in [
        ("ddns_dateformat", "%c"),
        ("ddns_rundir", "/tmp/a"),
        ("ddns_logdir", "/tmp/b"),
        ("ddns_loglines", "9"),
        ("upd_privateip", "1"),
        ("use_curl", "1"),
        ("cacert", "/etc/ssl/certs"),
        ("url", "https://127.0.0.1"),
        ("services_url", "https://127.0.0.1"),
    ] {
        assert_ne!(
            plain,
            converted(&format!("config ddns 'global'\n\toption {option} '{value}'\n{service}")),
            "{option}"
        );
    }
}

/// Options that homing has once for all services and ddns-scripts for each are reported where they differ.
#[test]
fn conflicting_shared_options_are_reported() {
    let scratch = Scratch::new();
    for name in ["one.pem", "two.pem"] {
        scratch.write(name, "", 0o644);
    }
    let dir = scratch.root().display();
    let service = |name: &str, more: &str| {
        format!(
            "config service {name}\n\toption enabled '1'\n\toption update_url 'http://127.0.0.1/[DOMAIN]'\n\
             \toption domain 'a.example.com'\n\toption lookup_host 'a.example.com'\n{more}"
        )
    };
    let text = [
        "config ddns 'global'\n\toption upd_privateip '1'\n",
        &service("'one'", &format!("\toption cacert '{dir}/one.pem'\n\toption use_syslog '0'\n")),
        &service(
            "'two'",
            &format!("\toption cacert '{dir}/two.pem'\n\toption check_interval '299'\n\toption check_unit 'seconds'\n"),
        ),
        &service("", ""),
    ]
    .concat();
    scratch.write("config", &text, 0o600);
    let ended = Run::new(&scratch).args(["--uci", "config"]).go();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.stderr, "config:15: [two]: cacert is not used: another one is for all services\n");
    let remarks: Vec<&str> = ended.stdout.lines().filter(|line| line.starts_with("# config:")).collect();
    assert_eq!(
        remarks,
        [
            "# config:2: upd_privateip is not for addresses that servers tell",
            "# config:8: cacert is for all services, not for this one alone",
            "# config:9: use_syslog: no log only if all services say so",
            "# config:16: check_interval: five minutes at least",
            "# config:18: [service-18] has no name: LuCI's page does not tell how it goes",
        ]
    );
    assert!(ended.stdout.contains(&format!("\nca_file = {dir}/one.pem\n")), "{}", ended.stdout);
}
