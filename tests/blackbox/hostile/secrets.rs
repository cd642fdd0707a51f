//! Secrets are never printed, logged, stored or quoted, in any encoding, even if a server sends them back.

use super::attack::{all, summary, Attack, Role, PASSWORD};
use crate::testbed::{base64, percent, HttpServer, Reply};

/// The ways in which a server that knows the secret may send it back.
fn echoes() -> Vec<String> {
    let token = base64(format!("alice:{PASSWORD}").as_bytes());
    let lower = percent(PASSWORD).replace("%3A", "%3a").replace("%2F", "%2f").replace("%2B", "%2b");
    let mut echoes = vec![PASSWORD.to_string(), percent(PASSWORD), lower, base64(PASSWORD.as_bytes())];
    echoes.extend([token.clone(), format!("Basic {token}"), format!("alice:{PASSWORD}")]);
    // Where messages are cut at 200 characters.
    echoes.extend([190, 195].map(|n| format!("{}{PASSWORD}", "x".repeat(n))));
    echoes.extend([190, 195].map(|n| format!("{}{token}", "x".repeat(n))));
    echoes
}

#[test]
fn secrets_echoed_by_a_server_are_masked() {
    let replies: Vec<Reply> = echoes()
        .into_iter()
        .flat_map(|echo| {
            [
                Reply::ok(&echo),
                Reply::ok(&format!("good {echo}")),
                Reply::ok(&format!("badauth {echo}")),
                Reply::ok(&format!("good 198.41.0.4\nnohost {echo}")),
                Reply::new(500, &[], &echo),
                Reply::new(401, &[("WWW-Authenticate", &echo)], &echo),
                Reply::new(302, &[("Location", &format!("http://x.example/{echo}"))], &echo),
                Reply::new(302, &[("Location", &format!("http://{echo}/"))], &echo),
                Reply::new(429, &[("Retry-After", &echo)], &echo),
                Reply::raw(format!("HTTP/1.1 200 {echo}\r\n\r\n{echo}")),
                Reply::raw(echo.clone()),
            ]
        })
        .collect();
    all(&replies, |reply| {
        let given = reply.clone();
        let server = HttpServer::new(move |_| given.clone());
        let attack = Attack::new(Role::Provider, &server.url(), "plain", "");
        let mut said = Vec::new();
        for args in [&["-v"][..], &["-v", "--force", "--json"], &["--status"]] {
            let ended = attack.run().args(args).go();
            said.push(summary(&format!("{reply:?} {args:?}"), attack.check_always(&ended), &ended));
        }
        if server.count() == 0 {
            said.push(Err("nothing was asked".to_string()));
        }
        said.into_iter().find(Result::is_err).unwrap_or(Ok(()))
    });
}

#[test]
fn a_dry_run_masks_secrets() {
    let server = HttpServer::new(|_| Reply::ok("good 198.41.0.4"));
    for args in
        [&["--dry-run"][..], &["--dry-run", "-v"], &["--dry-run", "--json"], &["--check", "-v"], &["--list", "-v"]]
    {
        let attack = Attack::new(Role::Provider, &server.url(), "plain", "");
        let ended = attack.run().args(args).go();
        summary(&format!("{args:?}"), attack.check_always(&ended), &ended).unwrap();
        if args == ["--dry-run"] {
            assert!(ended.stdout.contains("hostname=a.example.com&myip=198.41.0.4"), "{ended:?}");
            assert!(ended.stdout.contains("Authorization: Basic ***"), "{ended:?}");
        }
    }
    assert_eq!(server.count(), 0);
}

/// If a connection fails, the message contains no secret either.
#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs TLS")]
fn connection_errors_contain_no_secret() {
    for url in ["http://127.0.0.1:9", "https://127.0.0.1:9", "https://nowhere.invalid", "http://[::1]:9"] {
        let attack = Attack::new(Role::Provider, url, "plain", "");
        let ended = attack.run().go();
        summary(url, attack.check_failed(&ended, "ca"), &ended).unwrap();
    }
}

/// A secret in a query (such as in the `url` of a detector) must not get into logs: a failure names the host only.
#[test]
fn errors_name_the_host_and_not_the_query() {
    let server = HttpServer::new(|_| Reply::new(503, &[], "x"));
    let attack = Attack::new(Role::Detector, &format!("{}/?key=hunter2", server.url()), "plain", "");
    let ended = attack.run().go();
    summary("query", attack.check_failed(&ended, "HTTP 503"), &ended).unwrap();
    assert!(!ended.stderr.contains("hunter2"), "{ended:?}");
}
