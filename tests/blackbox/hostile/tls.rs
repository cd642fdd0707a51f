//! Certificates: only a chain to a trusted authority, for this name, at this time, is accepted; otherwise nothing is
//! sent.

use super::attack::{all, summary, Attack, Role, BOTH};
use crate::testbed::{HttpServer, Identity, Pki, Reply, TlsBehaviour};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

/// A server with this certificate in both roles; nothing may have been sent to it.
fn refused(name: &str, identity: &Identity, ca: &str, words: &str) {
    all(&BOTH, |role| {
        let server = HttpServer::tls(identity, TlsBehaviour::Proper, |_| Reply::ok("good 198.41.0.4"));
        let attack = Attack::new(*role, &server.url(), "plain", "");
        attack.trust(ca);
        let ended = attack.run().go();
        let mut wrong = attack.check_failed(&ended, words);
        if server.count() > 0 {
            wrong.push("a request was sent".to_string());
        }
        summary(&format!("{name} ({role:?})"), wrong, &ended)
    });
}

#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs TLS")]
fn nothing_is_sent_to_a_server_with_a_bad_certificate() {
    let pki = Pki::get();
    refused("unknown authority", &pki.good, &pki.itself.certificate, "not signed by an authority");
    refused("self-signed", &pki.itself, &pki.ca, "certificate of 127.0.0.1 is not");
    refused("another name", &pki.other_name, &pki.ca, "belongs to another name");
    refused("expired", &pki.expired, &pki.ca, "has expired, or this machine's clock, which reads 20");
    refused("not yet valid", &pki.early, &pki.ca, "not yet valid: this machine's clock reads 20");
    refused("no authority at all", &pki.good, "", "certificate");
    refused("noise for authorities", &pki.good, "-----BEGIN CERTIFICATE-----\nAAAA\n", "certificate");
}

/// Many certificates with one name allow very many paths; trying all would take forever (RUSTSEC-2023-0053).
#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs TLS")]
fn certificate_chains_with_many_paths_are_rejected() {
    let pki = Pki::get();
    for (count, words) in [(100, "not signed by an authority"), (400, ""), (4_000, "")] {
        let mut long = pki.good.clone();
        long.certificate.push_str(&pki.ca.repeat(count));
        refused(&format!("{count} certificates"), &long, &pki.itself.certificate, words);
    }
}

#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs TLS")]
fn a_wrong_clock_is_named_when_certificates_fail() {
    let pki = Pki::get();
    let times = [
        ("1970-01-01 00:00:00", "clock reads 1970-01-01T00:00"),
        ("2099-06-01 00:00:00", "clock, which reads 2099-06"),
    ];
    let jobs: Vec<_> = times.iter().flat_map(|time| BOTH.map(|role| (*time, role))).collect();
    all(&jobs, |((time, words), role)| {
        let server = HttpServer::tls(&pki.good, TlsBehaviour::Proper, |_| Reply::ok("good 198.41.0.4"));
        let attack = Attack::new(*role, &server.url(), "plain", "");
        attack.trust(&pki.ca);
        let ended = attack.run().at(time).go();
        let mut wrong = attack.check_failed(&ended, words);
        if server.count() > 0 {
            wrong.push("a request was sent".to_string());
        }
        summary(&format!("{time} ({role:?})"), wrong, &ended)
    });
}

#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs TLS")]
fn a_private_ca_is_trusted_by_ca_file_or_environment() {
    let pki = Pki::get();
    let server = HttpServer::tls(&pki.good, TlsBehaviour::Proper, |_| Reply::ok("good 198.41.0.4"));
    for url in [server.url(), format!("https://localhost:{}", server.address().port())] {
        let by_file = Attack::new(Role::Provider, &url, "plain", "");
        by_file.trust(&pki.ca);
        let ended = by_file.run().go();
        summary("ca_file", by_file.check_succeeded(&ended), &ended).unwrap();
        // ca_file takes precedence over the environment.
        let wrong = by_file.scratch.write("other.pem", &pki.itself.certificate, 0o600);
        let ended = by_file.run().arg("--force").env("SSL_CERT_FILE", wrong).go();
        summary("ca_file before SSL_CERT_FILE", by_file.check_succeeded(&ended), &ended).unwrap();

        let by_variable = Attack::new(Role::Provider, &url, "plain", "");
        let store = by_variable.scratch.write("ca.pem", &pki.ca, 0o600);
        let ended = by_variable.run().env("SSL_CERT_FILE", store).go();
        summary("SSL_CERT_FILE", by_variable.check_succeeded(&ended), &ended).unwrap();

        let by_nothing = Attack::new(Role::Provider, &url, "plain", "");
        let ended = by_nothing.run().go();
        summary("the system's store", by_nothing.check_failed(&ended, "certificate"), &ended).unwrap();
    }
    assert_eq!(server.count(), 6);
}

/// homing neither gives up TLS for a server without it, nor connects by TLS where http:// is configured.
#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs TLS")]
fn https_never_falls_back_to_http() {
    all(&BOTH, |role| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        // Replies to what it does not understand, as web servers do, and records what came over each connection.
        let heard = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut heard = vec![0; 5];
            stream.read_exact(&mut heard).unwrap();
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
            let _ = stream.read_to_end(&mut heard);
            listener.set_nonblocking(true).unwrap();
            (heard, listener.accept().is_ok())
        });
        let attack = Attack::new(*role, &url, "plain", "");
        attack.trust(&Pki::get().ca);
        let ended = attack.run().go();
        let mut wrong = attack.check_failed(&ended, "no TLS connection to 127.0.0.1");
        let (heard, again) = heard.join().unwrap();
        if !heard.starts_with(&[22]) || heard.windows(5).any(|bytes| bytes == b"GET /") || again {
            wrong.push("asked in the clear, or again".to_string());
        }
        summary(&format!("{role:?}"), wrong, &ended)
    });
}
