//! Services that ddns-scripts updates by a script: the head of each script says what its options mean
//! (openwrt/packages, net/ddns-scripts/files/usr/lib/ddns), and the provider that replaces it gets the same values.

use crate::testbed::*;

/// A service: its options, the expected settings, and what a request must contain: its target and a header. No request
/// where the credential is not sent in plain form.
struct Service {
    name: &'static str,
    options: &'static [(&'static str, &'static str)],
    settings: &'static [&'static str],
    request: Option<(&'static str, &'static str, &'static str)>,
}

const AT: (&str, &str) = ("domain", "www@example.org");
const WWW: (&str, &str) = ("username", "www");
const ZONE: (&str, &str) = ("domain", "example.org");
const WHOLE: (&str, &str) = ("domain", "www.example.org");
const LOOKED_UP: (&str, &str) = ("lookup_host", "www.example.org");
const USER: (&str, &str) = ("username", "U5er");
const PASSWORD: (&str, &str) = ("password", "s3cret");

const SERVICES: &[Service] = &[
    Service {
        name: "aliyun.com",
        options: &[AT, USER, PASSWORD],
        settings: &[
            "provider = aliyun",
            "hosts = www.example.org",
            "zone = example.org",
            "key = U5er",
            "secret = s3cret",
        ],
        request: None,
    },
    Service {
        name: "cloudflare.com-v4",
        options: &[
            AT,
            ("username", "me@example.net"),
            PASSWORD,
            ("param_opt", "zone_id=0123456789abcdef0123456789abcdef dns_record_id=r1"),
        ],
        settings: &[
            "provider = cloudflare",
            "hosts = www.example.org",
            "zone = example.org",
            "email = me@example.net",
            "key = s3cret",
            "zone_id = 0123456789abcdef0123456789abcdef",
        ],
        request: Some(("/zones/0123456789abcdef0123456789abcdef/dns_records", "X-Auth-Key", "s3cret")),
    },
    Service {
        name: "cloudflare.com-v4",
        options: &[("domain", "@example.org"), ("username", "Bearer"), PASSWORD],
        settings: &["provider = cloudflare", "hosts = example.org", "zone = example.org", "token = s3cret"],
        request: Some(("/zones", "Authorization", "Bearer s3cret")),
    },
    Service {
        name: "digitalocean.com-v2",
        options: &[ZONE, WWW, PASSWORD, ("param_opt", "21694203")],
        settings: &["provider = digitalocean", "hosts = www.example.org", "zone = example.org", "token = s3cret"],
        request: Some(("/domains/example.org/records", "Authorization", "Bearer s3cret")),
    },
    Service {
        name: "dnsimple.com-v2",
        options: &[ZONE, LOOKED_UP, ("username", "1010"), PASSWORD],
        settings: &["provider = dnsimple", "hosts = www.example.org", "zone = example.org", "token = s3cret"],
        request: Some(("/", "Authorization", "Bearer s3cret")),
    },
    Service {
        name: "dnspod.cn",
        options: &[AT, ("username", "13490"), PASSWORD],
        settings: &["provider = dnspod", "hosts = www.example.org", "zone = example.org", "token = 13490,s3cret"],
        request: None,
    },
    Service {
        name: "dnspod.cn-v3",
        options: &[AT, USER, PASSWORD],
        settings: &[
            "provider = tencent",
            "hosts = www.example.org",
            "zone = example.org",
            "key = U5er",
            "secret = s3cret",
        ],
        request: None,
    },
    Service {
        name: "gandi.net-v2",
        options: &[ZONE, ("username", "@"), PASSWORD],
        settings: &["provider = gandi", "hosts = example.org", "zone = example.org", "token = s3cret", "ttl = 600"],
        request: Some(("/domains/example.org/records/", "Authorization", "Bearer s3cret")),
    },
    Service {
        name: "godaddy.com-v1",
        options: &[AT, USER, PASSWORD],
        settings: &[
            "provider = godaddy",
            "hosts = www.example.org",
            "zone = example.org",
            "key = U5er",
            "secret = s3cret",
        ],
        request: Some(("/domains/example.org/records/A/www", "Authorization", "sso-key U5er:s3cret")),
    },
    Service {
        name: "hetzner.cloud",
        options: &[ZONE, WWW, PASSWORD],
        settings: &["provider = hetzner", "hosts = www.example.org", "zone = example.org", "token = s3cret"],
        request: Some(("/zones/example.org/rrsets?name=www", "Authorization", "Bearer s3cret")),
    },
    Service {
        name: "luadns.com-v1",
        options: &[WHOLE, ("username", "me@example.net"), PASSWORD],
        settings: &[
            "provider = luadns",
            "hosts = www.example.org",
            "email = me@example.net",
            "token = s3cret",
            "ttl = 300",
        ],
        request: Some(("/zones", "Authorization", "Basic bWVAZXhhbXBsZS5uZXQ6czNjcmV0")),
    },
    Service {
        name: "namesilo.com-v1",
        options: &[ZONE, WWW, PASSWORD, ("param_opt", "fmt=xml ttl=7200")],
        settings: &[
            "provider = namesilo",
            "hosts = www.example.org",
            "zone = example.org",
            "key = s3cret",
            "ttl = 7200",
        ],
        request: None,
    },
    Service {
        name: "netcup.com",
        options: &[WHOLE, ("username", "12345"), PASSWORD, ("param_enc", "k3y")],
        settings: &[
            "provider = netcup",
            "hosts = www.example.org",
            "zone = example.org",
            "user = 12345",
            "key = k3y",
            "password = s3cret",
        ],
        request: None,
    },
    Service {
        name: "netcup.com",
        options: &[("domain", "example.co.nz"), USER, PASSWORD, ("param_enc", "k3y"), ("param_opt", "example.co.nz")],
        settings: &[
            "provider = netcup",
            "hosts = example.co.nz",
            "zone = example.co.nz",
            "user = U5er",
            "key = k3y",
            "password = s3cret",
        ],
        request: None,
    },
    Service {
        name: "no-ip.com",
        options: &[WHOLE, USER, PASSWORD],
        settings: &["provider = noip", "hosts = www.example.org", "user = U5er", "password = s3cret"],
        request: Some((
            "/nic/update?hostname=www.example.org&myip=198.41.0.4",
            "Authorization",
            "Basic VTVlcjpzM2NyZXQ=",
        )),
    },
    Service {
        name: "ns1.com",
        options: &[ZONE, LOOKED_UP, ("username", "example.org"), PASSWORD],
        settings: &["provider = ns1", "hosts = www.example.org", "zone = example.org", "key = s3cret"],
        request: Some(("/zones/example.org/www.example.org/A", "X-NSONE-Key", "s3cret")),
    },
    Service {
        name: "ovh.com",
        options: &[WHOLE, USER, PASSWORD],
        settings: &["provider = ovh", "hosts = www.example.org", "user = U5er", "password = s3cret"],
        request: Some(("hostname=www.example.org&myip=198.41.0.4", "Authorization", "Basic VTVlcjpzM2NyZXQ=")),
    },
    Service {
        name: "pdns",
        options: &[ZONE, WWW, PASSWORD, ("param_opt", "{url}")],
        settings: &[
            "provider = powerdns",
            "hosts = www.example.org",
            "zone = example.org",
            "url = {url}/api/v1/servers/localhost",
            "key = s3cret",
            "ttl = 600",
        ],
        request: Some(("/api/v1/servers/localhost/zones/example.org", "X-API-Key", "s3cret")),
    },
    Service {
        name: "porkbun.com-v3",
        options: &[WHOLE, USER, PASSWORD],
        settings: &["provider = porkbun", "hosts = www.example.org", "key = U5er", "secret = s3cret"],
        request: None,
    },
    Service {
        name: "route53-v1",
        options: &[("domain", "Z0123"), LOOKED_UP, USER, PASSWORD],
        settings: &[
            "provider = route53",
            "hosts = www.example.org",
            "zone_id = Z0123",
            "key = U5er",
            "secret = s3cret",
            "ttl = 300",
        ],
        request: None,
    },
    Service {
        name: "scaleway.com",
        options: &[("domain", "www"), ("username", "example.org"), PASSWORD, ("param_opt", "120")],
        settings: &[
            "provider = scaleway",
            "hosts = www.example.org",
            "zone = example.org",
            "token = s3cret",
            "ttl = 120",
        ],
        request: Some(("/dns-zones/example.org/records", "X-Auth-Token", "s3cret")),
    },
    Service {
        name: "servercow.de",
        options: &[WHOLE, USER, PASSWORD],
        settings: &[
            "provider = servercow",
            "hosts = www.example.org",
            "zone = example.org",
            "user = U5er",
            "password = s3cret",
            "ttl = 60",
        ],
        request: Some(("/example.org", "X-Auth-Password", "s3cret")),
    },
];

/// The UCI file of one service, and what homing makes of it: the settings and the report.
fn converted(scratch: &Scratch, name: &str, options: &[(&str, &str)]) -> (String, String) {
    let options: String = options.iter().map(|(key, value)| format!("\toption {key} '{value}'\n")).collect();
    let text = format!(
        "config service 'one'\n\toption enabled '1'\n\toption service_name '{name}'\n{options}\
         \toption ip_source 'script'\n\toption ip_script '/bin/echo 198.41.0.4'\n"
    );
    scratch.write("ddns", &text, 0o600);
    let ended = Run::new(scratch).args(["--uci", "ddns"]).go();
    assert_eq!(ended.code, Some(0), "{name}: {}", ended.stderr);
    (ended.stdout, ended.stderr)
}

#[test]
fn script_options_become_provider_settings() {
    for Service { name, options, settings, request } in SERVICES {
        let scratch = Scratch::new();
        let server = HttpServer::new(|_| Reply::new(503, &[], "later"));
        let url = server.url();
        let filled: Vec<(&str, String)> =
            options.iter().map(|(key, value)| (*key, value.replace("{url}", &url))).collect();
        let options: Vec<(&str, &str)> = filled.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let (text, report) = converted(&scratch, name, &options);
        if report.contains("not included in this build") {
            assert!(report.contains("ddns:1: left out: ") || report.contains("left out: provider"), "{name}: {report}");
            continue;
        }
        assert_eq!(report, "", "{name}");
        let section = text.split("[one]\n").nth(1).expect(&text);
        let section: Vec<&str> = section.lines().take_while(|line| !line.starts_with("ipv4 = ")).collect();
        let want: Vec<String> = settings.iter().map(|line| line.replace("{url}", &url)).collect();
        assert_eq!(section, want, "{name}");

        // The settings are valid, and a pass sends what the options describe.
        scratch.folder("s");
        let text = format!("state = s/state.json\nhistory = s/ip.log\n{}", text.replace("log = syslog\n", ""));
        let text = text.replace("luci_run = /var/run/ddns\nluci_log = /var/log/ddns\n", "");
        scratch.write("homing.conf", &text, 0o600);
        let run = |more: &[&str]| Run::pass(&scratch).args(more.iter().copied()).go();
        let ended = run(&["--check"]);
        assert_eq!(ended.code, Some(0), "{name}: {}\n{text}", ended.stderr);
        let Some((target, header, value)) = request else { continue };
        let ours = settings[0].strip_prefix("provider = ").unwrap();
        let set = format!("one.url={url}/{}", if ["noip", "ovh"].contains(&ours) { "nic/update" } else { "" });
        match ours {
            "powerdns" => run(&[]),
            _ => run(&["--set", &set]),
        };
        let asked = server.asked();
        let meant = |request: &&Request| request.target.contains(target) && request.header(header) == Some(value);
        assert!(asked.iter().any(|request| meant(&request)), "{name}: {asked:#?}");
    }
}

#[test]
fn unused_script_options_are_reported() {
    let scratch = Scratch::new();
    let why = "is not used: homing finds the record by its name";
    for (name, param, report) in [
        ("cloudflare.com-v4", "zone_id=0123456789abcdef0123456789abcdef dns_record_id=r1", "dns_record_id"),
        ("godaddy.com-v1", "600", "param_opt"),
        ("namesilo.com-v1", "ttl=60 fmt=xml", "fmt"),
        ("no-ip.com", "x", "param_opt"),
    ] {
        let (text, _) =
            converted(&scratch, name, &[AT, ("username", "me@example.net"), PASSWORD, ("param_opt", param)]);
        let remarks: Vec<&str> = text.lines().filter(|line| line.contains(why)).collect();
        assert_eq!(remarks, [format!("# ddns:7: {report} {why}")], "{name}");
    }
}

#[test]
fn unsupported_scripts_are_reported_by_name() {
    let scratch = Scratch::new();
    for script in ["transip_nl", "gcp_v1", "huaweicloud_com", "one_com", "beget_com", "freedns_42_pl"] {
        let options = [("update_script", format!("/usr/lib/ddns/update_{script}.sh"))];
        let (key, value) = (options[0].0, options[0].1.as_str());
        let (text, report) = converted(&scratch, "-", &[WHOLE, USER, PASSWORD, (key, value)]);
        let why = "homing runs no scripts of ddns-scripts, and has no provider in its place";
        assert_eq!(report, format!("ddns:7: [one] is left out: update_{script}.sh: {why}\n"), "{script}");
        assert!(!text.contains("[one]"), "{text}");
    }
    // An option without which the script would not have run.
    let (_, report) = converted(&scratch, "netcup.com", &[WHOLE, USER, PASSWORD]);
    assert_eq!(report, "ddns:1: [one] is left out: param_enc is missing\n");
    let (_, report) = converted(&scratch, "nsupdate", &[WHOLE, USER, PASSWORD]);
    assert_eq!(report, "ddns:1: [one] is left out: dns_server is missing\n");
}

/// The update that nsupdate would send: the family's record is deleted and the new one added with the script's TTL of
/// 600, signed with HMAC-MD5 if the user name has no algorithm, over TCP if `force_dnstcp` is set.
#[test]
#[cfg_attr(not(feature = "rfc2136"), ignore = "needs signed updates")]
fn nsupdate_options_become_rfc2136_settings() {
    let scratch = Scratch::new();
    for (user, want) in
        [("dyn-key", "hmac-md5:dyn-key:c2VjcmV0"), ("hmac-sha256:dyn-key", "hmac-sha256:dyn-key:c2VjcmV0")]
    {
        let options = [
            WHOLE,
            ("username", user),
            ("password", "c2VjcmV0"),
            ("dns_server", "127.0.0.1"),
            ("force_dnstcp", "1"),
            ("use_api_check", "1"),
        ];
        let (text, report) = converted(&scratch, "bind-nsupdate", &options);
        assert_eq!(report, "");
        let want = format!(
            "[one]\nprovider = rfc2136\nhosts = www.example.org\nserver = 127.0.0.1\nkey = {want}\nttl = 600\ntransport = tcp\n"
        );
        assert!(text.contains(&want), "{text}");
        // An option that is used is not reported as unused, and an unused one is.
        assert!(!text.contains("dns_server is not") && !text.contains("force_dnstcp is not"), "{text}");
        assert!(text.contains("# ddns:9: use_api_check is not used: "), "{text}");
    }
}
