//! Detection and updates over real TLS: nginx with a certificate of a private authority made by openssl.

use super::daemon::{done, Daemon, Started};
use crate::testbed::{Ended, Run, Scratch};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

const FOUR: &str = "198.41.0.4";

/// An authority and a certificate by it for localhost and 127.0.0.1, both with P-256 keys.
fn authority(scratch: &Scratch) {
    for (name, subject) in [("ca", "/CN=A private authority"), ("strange", "/CN=Nobody we know")] {
        let (key, cert) = (format!("{name}.key"), format!("{name}.pem"));
        done(
            scratch,
            &[&CURVE[..], &["-x509", "-subj", subject, "-days", "30", "-keyout", &key, "-out", &cert]].concat(),
        );
    }
    let request = ["-subj", "/CN=localhost", "-keyout", "leaf.key", "-out", "leaf.csr"];
    done(scratch, &[&CURVE[..], &request].concat());
    scratch.write("leaf.ext", "subjectAltName = DNS:localhost, IP:127.0.0.1\nextendedKeyUsage = serverAuth\n", 0o600);
    let sign = "openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 20 -extfile leaf.ext -out leaf.pem";
    done(scratch, &sign.split(' ').collect::<Vec<_>>());
}

const CURVE: [&str; 6] = ["openssl", "req", "-nodes", "-newkey", "ec", "-pkeyopt=ec_paramgen_curve:prime256v1"];

/// nginx with five servers: default TLS; TLS 1.2 only; TLS 1.3 only; no TLS; TLS at an address that the certificate
/// does not name.
struct Nginx<'a> {
    scratch: &'a Scratch,
    started: Started,
}

impl<'a> Nginx<'a> {
    fn start(scratch: &'a Scratch) -> Nginx<'a> {
        authority(scratch);
        let secret = done(scratch, &["openssl", "passwd", "-apr1", "correct-horse"]);
        scratch.write("htpasswd", &format!("alice:{secret}\n"), 0o600);
        scratch.write("www/torn/ip", FOUR, 0o600);
        let started =
            Daemon::start(scratch, &["127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.2"], |at| {
                let file = scratch.write("nginx.conf", &config(scratch, at), 0o600);
                let (root, file) = (scratch.root().display().to_string(), file.display().to_string());
                ["nginx", "-p", &root, "-e", "error.log", "-c", &file].map(String::from).to_vec()
            });
        Nginx { scratch, started }
    }

    fn port(&self, server: usize) -> u16 {
        self.started.places[server].port()
    }

    /// The access log since the last call. One process serves all requests in turn, so once it has replied, earlier
    /// requests are in the log.
    fn log(&self) -> Vec<String> {
        let mut stream = TcpStream::connect(self.started.places[3]).unwrap();
        stream.write_all(b"GET /ready HTTP/1.0\r\n\r\n").unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap();
        let text = self.scratch.read("access.log");
        std::fs::write(self.scratch.path("access.log"), "").unwrap();
        text.lines().map(String::from).collect()
    }

    /// Detection at `ip` and updates to `push`, both complete URLs.
    fn config(&self, own: &str, ip: &str, push: &str) {
        let config = format!(
            "ipv4 = ipify\nhistory = {0}/history.log\nstate = {0}/state.json\n{own}\n[detector:ipify]\nurl = {ip}\n\
             [home]\nprovider = dyndns2\nurl = {push}\nhosts = a.example.com, b.example.com\nuser = alice\n\
             password = correct-horse\n",
            self.scratch.root().display(),
        );
        self.scratch.write("homing.conf", &config, 0o600);
        for file in ["history.log", "state.json"] {
            let _ = std::fs::remove_file(self.scratch.path(file));
        }
    }

    fn pass(&self) -> Run<'a> {
        Run::pass(self.scratch).env("SSL_CERT_FILE", self.scratch.path("ca.pem"))
    }
}

fn config(scratch: &Scratch, at: &[SocketAddr]) -> String {
    let site = "
    location = /ip { default_type text/plain; return 200 \"198.41.0.4\"; }
    location = /ip-line { default_type text/plain; return 200 \"198.41.0.4\\n\"; }
    location /torn/ { ssi on; ssi_types *; }
    location = /nic/update { auth_basic dyndns; auth_basic_user_file htpasswd; try_files /none @good; }
    location @good { default_type text/plain; return 200 \"good $arg_myip\\n\"; }
    location = /ready { access_log off; return 204; }";
    let tls = "ssl_certificate leaf.pem; ssl_certificate_key leaf.key;";
    let versions = ["", "ssl_protocols TLSv1.2;", "ssl_protocols TLSv1.3;"];
    let mut servers: String = versions
        .iter()
        .zip(at)
        .map(|(version, at)| format!("  server {{ listen {at} ssl; {tls} {version} {site}\n  }}\n"))
        .collect();
    servers += &format!("  server {{ listen {}; {site}\n  }}\n", at[3]);
    servers += &format!("  server {{ listen {} ssl; {tls} {site}\n  }}\n", at[4]);
    // One process, so that none remains when it is killed and no worker gives up root's access to the folder.
    format!(
        "daemon off;
master_process off;
pid nginx.pid;
error_log error.log;
events {{ worker_connections 64; }}
http {{
  root {}/www;
  log_format seen '$request_uri $status user=$remote_user agent=$http_user_agent tls=$ssl_protocol torn=$sent_http_transfer_encoding';
  access_log access.log seen;
  lingering_close off;
  client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
{servers}}}
",
        scratch.root().display()
    )
}

fn agent() -> String {
    format!("homing/{}", env!("CARGO_PKG_VERSION"))
}

fn good(run: &Ended) {
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
}

#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs TLS")]
fn a_pass_over_https_through_nginx_succeeds() {
    let scratch = Scratch::new();
    let nginx = Nginx::start(&scratch);
    let base = format!("https://localhost:{}", nginx.port(0));
    nginx.config("", &format!("{base}/ip"), &format!("{base}/nic/update"));

    let run = nginx.pass().go();
    good(&run);
    assert_eq!(run.stdout, "a.example.com: ipv4 is now 198.41.0.4\nb.example.com: ipv4 is now 198.41.0.4\n");
    let log = nginx.log();
    let expected = [
        ("/ip", ""),
        ("/nic/update?hostname=a.example.com&myip=198.41.0.4", "alice"),
        ("/nic/update?hostname=b.example.com&myip=198.41.0.4", "alice"),
    ];
    assert_eq!(log.len(), expected.len(), "{log:#?}");
    for (line, (uri, user)) in log.iter().zip(expected) {
        let user = if user.is_empty() { "-" } else { user };
        assert!(line.starts_with(&format!("{uri} 200 user={user} agent={}", agent())), "{line}");
        assert!(line.contains("tls=TLSv1."), "{line}");
    }

    // Nothing changed: one request for the address, none with credentials.
    let run = nginx.pass().go();
    good(&run);
    assert_eq!(run.stdout, "");
    let log = nginx.log();
    assert!(log.len() == 1 && log[0].starts_with("/ip 200 user=- "), "{log:#?}");
}

#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs TLS")]
fn ca_file_trusts_a_private_authority() {
    let scratch = Scratch::new();
    let nginx = Nginx::start(&scratch);
    // By address as well as by name; and the config takes precedence over the environment.
    let base = format!("https://127.0.0.1:{}", nginx.port(0));
    let own = format!("ca_file = {}", scratch.path("ca.pem").display());
    nginx.config(&own, &format!("{base}/ip"), &format!("{base}/nic/update"));
    let run = Run::pass(&scratch).env("SSL_CERT_FILE", scratch.path("strange.pem")).go();
    good(&run);
    assert_eq!(nginx.log().len(), 3);
}

#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs TLS")]
fn tls_1_2_and_1_3_and_chunked_bodies_work() {
    let scratch = Scratch::new();
    let nginx = Nginx::start(&scratch);
    for (server, version, page) in
        [(1, "TLSv1.2 ", "/ip"), (2, "TLSv1.3 ", "/ip"), (0, "TLSv1.", "/torn/ip"), (0, "TLSv1.", "/ip-line")]
    {
        let base = format!("https://localhost:{}", nginx.port(server));
        nginx.config("", &format!("{base}{page}"), &format!("{base}/nic/update"));
        good(&nginx.pass().go());
        let log = nginx.log();
        assert!(log.len() == 3 && log.iter().all(|line| line.contains(&format!("tls={version}"))), "{log:#?}");
        let torn = if page == "/torn/ip" { "torn=chunked" } else { "torn=-" };
        assert!(log[0].ends_with(torn), "{}", log[0]);
    }
}

#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs TLS")]
fn unverified_servers_get_no_credentials() {
    let scratch = Scratch::new();
    let nginx = Nginx::start(&scratch);
    let ip = format!("http://127.0.0.1:{}/ip", nginx.port(3));
    let by_name = format!("https://localhost:{}/nic/update", nginx.port(0));
    let by_other = format!("https://127.0.0.2:{}/nic/update", nginx.port(4));
    let into_plain = format!("https://localhost:{}/nic/update", nginx.port(3));
    let days = |days: i64| days * 86400;
    for (push, authority, at, expected) in [
        (&by_name, "strange.pem", None, "is not signed by an authority that this machine trusts"),
        (&by_other, "ca.pem", None, "belongs to another name"),
        // A board whose clock was never set.
        (&by_name, "ca.pem", Some(0), "is not yet valid: this machine's clock reads 1970-01-01"),
        (&by_name, "ca.pem", Some(days(365 * 100)), "has expired, or this machine's clock"),
        (&into_plain, "ca.pem", None, "no TLS connection to localhost"),
        (&by_name, "leaf.key", None, "ca_file"),
        (&by_name, "missing.pem", None, "cannot read the certificates"),
    ] {
        nginx.config("", &ip, push);
        let run = Run::pass(&scratch).env("SSL_CERT_FILE", scratch.path(authority));
        let run = match at {
            Some(at) => run.at(&at.to_string()).go(),
            None => run.go(),
        };
        assert_eq!(run.code, Some(1), "{push} {authority} {run:?}");
        assert_eq!(run.stderr.matches(expected).count(), 2, "{expected}: {}", run.stderr);
        let log: Vec<String> = nginx.log().into_iter().filter(|line| !line.starts_with("/ip 200 user=- ")).collect();
        assert!(log.iter().all(|line| line.contains(" 400 user=- ")), "{expected}: {log:#?}");
    }
}

#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs TLS")]
fn an_unverified_detector_is_ignored() {
    let scratch = Scratch::new();
    let nginx = Nginx::start(&scratch);
    let base = format!("https://localhost:{}", nginx.port(0));
    nginx.config("", &format!("{base}/ip"), &format!("{base}/nic/update"));
    let run = nginx.pass().env("SSL_CERT_FILE", scratch.path("strange.pem")).go();
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("is not signed by an authority"), "{}", run.stderr);
    assert_eq!((nginx.log(), scratch.read("history.log")), (Vec::new(), String::new()));
}

#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs TLS")]
fn a_wrong_password_is_sent_once() {
    let scratch = Scratch::new();
    let nginx = Nginx::start(&scratch);
    let base = format!("https://localhost:{}", nginx.port(0));
    nginx.config("", &format!("{base}/ip"), &format!("{base}/nic/update"));
    let config = scratch.read("homing.conf").replace("correct-horse", "battery-staple");
    scratch.write("homing.conf", &config, 0o600);
    // nginx sends 401 with an HTML page: the user has to act.
    let run = nginx.pass().go();
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.stderr.contains("401"), "{}", run.stderr);
    let tried = nginx.log().iter().filter(|line| line.starts_with("/nic/update") && line.contains(" 401 ")).count();
    assert!(tried == 1 || tried == 2, "{tried}");
    let run = nginx.pass().go();
    assert_eq!(run.code, Some(3), "{run:?}");
    assert_eq!(nginx.log().iter().filter(|line| !line.starts_with("/ip ")).count(), 0, "not again");
}
