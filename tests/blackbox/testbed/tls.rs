//! TLS for the scripted web server, correct or faulty, and its certificates, valid and invalid, which `openssl` makes
//! once per run. The expired one has really expired.

use super::stop::Stop;
use super::Scratch;
use rustix::net::sockopt::set_socket_linger;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConnection, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub use rustls::ServerConfig as Config;

/// A certificate and its key, in PEM format.
#[derive(Clone)]
pub struct Identity {
    pub certificate: String,
    key: String,
}

/// A private authority and what it signed. All except `other_name` are for 127.0.0.1 and localhost.
pub struct Pki {
    /// The authority's own certificate, for `ca_file`.
    pub ca: String,
    pub good: Identity,
    pub expired: Identity,
    pub early: Identity,
    /// For another hostname.
    pub other_name: Identity,
    /// Self-signed.
    pub itself: Identity,
}

impl Pki {
    pub fn get() -> &'static Pki {
        static PKI: OnceLock<Pki> = OnceLock::new();
        PKI.get_or_init(Pki::make)
    }

    fn make() -> Pki {
        let scratch = Scratch::new();
        let here = "subjectAltName=IP:127.0.0.1,DNS:localhost\n";
        scratch.write("here.ext", here, 0o600);
        scratch.write("there.ext", "subjectAltName=DNS:elsewhere.example\n", 0o600);
        scratch.write("index.txt", "", 0o600);
        scratch.write("index.txt.attr", "unique_subject=no\n", 0o600);
        let ca = "[ca]\ndefault_ca=a\n[a]\ndatabase=index.txt\nnew_certs_dir=.\nrand_serial=yes\ncertificate=ca.crt\n\
                  private_key=ca.key\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n\
                  [req]\ndistinguished_name=d\n[d]\n[x]\nbasicConstraints=critical,CA:TRUE\n";
        scratch.write("ca.cnf", ca, 0o600);
        let openssl = |words: &str| {
            let command = Command::new("openssl").args(words.split(' ')).current_dir(scratch.root()).output();
            let done = command.expect("openssl is missing: apt-get install openssl");
            assert!(done.status.success(), "openssl {words}: {}", String::from_utf8_lossy(&done.stderr));
        };
        let fresh = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config ca.cnf";
        openssl(&format!("req -x509 {fresh} -extensions x -days 30 -subj /CN=CA -keyout ca.key -out ca.crt"));
        openssl(&format!("req {fresh} -subj /CN=leaf -keyout leaf.key -out leaf.csr"));
        openssl(
            "req -x509 -config ca.cnf -days 30 -subj /CN=self -key leaf.key -addext basicConstraints=CA:FALSE \
                 -addext subjectAltName=IP:127.0.0.1,DNS:localhost -out itself.crt",
        );
        let leaf = |name: &str, ext: &str, from: &str, to: &str| {
            let sign = format!("ca -batch -notext -config ca.cnf -extfile {ext} -in leaf.csr -out {name}.crt");
            openssl(&format!("{sign} -startdate {from} -enddate {to}"));
            Identity { certificate: scratch.read(&format!("{name}.crt")), key: scratch.read("leaf.key") }
        };
        Pki {
            good: leaf("good", "here.ext", "20200101000000Z", "20990101000000Z"),
            expired: leaf("expired", "here.ext", "20200101000000Z", "20210101000000Z"),
            early: leaf("early", "here.ext", "20980101000000Z", "20990101000000Z"),
            other_name: leaf("other_name", "there.ext", "20200101000000Z", "20990101000000Z"),
            itself: Identity { certificate: scratch.read("itself.crt"), key: scratch.read("leaf.key") },
            ca: scratch.read("ca.crt"),
        }
    }
}

/// How a TLS server behaves at the level of records.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TlsBehaviour {
    Proper,
    /// The connection is closed without close_notify, as an attacker could do.
    Cut,
    /// From the reply on, the bytes of records are sent one at a time, with this pause before each.
    Drip(Duration),
}

pub fn config(identity: &Identity) -> Arc<Config> {
    let chain = CertificateDer::pem_slice_iter(identity.certificate.as_bytes()).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
    let versions =
        Config::builder_with_provider(Arc::new(ring::default_provider())).with_safe_default_protocol_versions();
    Arc::new(versions.unwrap().with_no_client_auth().with_single_cert(chain, key).unwrap())
}

/// The TCP stream below, which may be slow.
pub struct Wire {
    stream: TcpStream,
    pause: Option<Duration>,
    stop: Stop,
}

impl Read for Wire {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.stream.read(into)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.pause {
            Some(pause) if self.stop.within(pause) => Err(io::ErrorKind::Interrupted.into()),
            Some(_) => self.stream.write(&bytes[..1.min(bytes.len())]),
            None => self.stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The stream for a test's handler.
pub struct Secured<'a> {
    tls: &'a mut StreamOwned<ServerConnection, Wire>,
    pause: Option<Duration>,
}

impl Secured<'_> {
    /// Sends a reply, slowly if configured.
    pub fn answer(&mut self, give: impl FnOnce(&mut Self) -> io::Result<()>) -> io::Result<()> {
        self.tls.sock.pause = self.pause;
        give(self)
    }
}

impl Read for Secured<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.tls.read(into)
    }
}

impl Write for Secured<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.tls.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.tls.flush()
    }
}

/// One connection: the handshake, then `talk`, then the close, or a reset if `talk` returns true.
pub fn serve(
    stream: TcpStream,
    config: Arc<Config>,
    behaviour: TlsBehaviour,
    stop: &Stop,
    talk: impl FnOnce(Secured<'_>) -> io::Result<bool>,
) -> io::Result<()> {
    let connection = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut tls = StreamOwned::new(connection, Wire { stream, pause: None, stop: stop.clone() });
    let pause = match behaviour {
        TlsBehaviour::Drip(pause) => Some(pause),
        TlsBehaviour::Proper | TlsBehaviour::Cut => None,
    };
    if talk(Secured { tls: &mut tls, pause })? {
        return Ok(set_socket_linger(&tls.sock.stream, Some(Duration::ZERO))?);
    }
    if behaviour != TlsBehaviour::Cut {
        tls.conn.send_close_notify();
    }
    tls.flush()?;
    let mut stream = &tls.sock.stream;
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
    let _ = io::copy(&mut (&mut stream).take(1 << 20), &mut io::sink());
    Ok(())
}
