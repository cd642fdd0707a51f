//! TLS with one server, by rustls. No other module names rustls.

mod anchors;
mod bundle;
mod error;
mod suites;

#[doc(hidden)]
pub use bundle::{certificates, names as certificate_names};
pub use error::describe_io;

use super::stream::{plain, time_left, Received};
use anchors::Anchors;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// Bytes that a server may send before its handshake ends. The longest chain of certificates has some KiB.
const MOST_HANDSHAKE: usize = 64 * 1024;

/// How TLS is made: its cryptography, whose certificates count, and sessions to resume.
#[derive(Clone)]
pub struct TlsConfig(Arc<ClientConfig>);

impl TlsConfig {
    /// Trusts what is in these files (PEM), and in the files of these folders.
    pub fn new(stores: Vec<PathBuf>) -> Result<TlsConfig, String> {
        let provider = Arc::new(suites::provider());
        let verifier = Anchors::new(stores, provider.signature_verification_algorithms);
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("cannot set up TLS: {error}"))?
            // rustls calls every verifier but its own so. This one calls the functions of rustls's own.
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        Ok(TlsConfig(Arc::new(config)))
    }
}

/// An established TLS session. The socket is its owner's, who passes it to each call.
pub struct TlsSession(ClientConnection);

impl TlsSession {
    /// Does the handshake. Every error means that nothing of a request was sent.
    pub fn open(config: &TlsConfig, host: &str, tcp: &TcpStream, until: Instant) -> Result<TlsSession, String> {
        let name = ServerName::try_from(host.to_string())
            .map_err(|_| format!("no TLS connection to {host}: a certificate cannot be for this name"))?;
        let connection =
            ClientConnection::new(config.0.clone(), name).map_err(|error| error::describe(&error, host))?;
        let mut session = TlsSession(connection);
        session.shake_hands(tcp, until).map_err(|failure| match failure {
            Failure::Tls(error) => error::describe(&error, host),
            Failure::Io(error) => format!("no TLS connection to {host}: {}", plain(&error)),
        })?;
        Ok(session)
    }

    fn shake_hands(&mut self, tcp: &TcpStream, until: Instant) -> Result<(), Failure> {
        let mut received = 0;
        // Our last message of the handshake stays behind and goes out together with the request.
        while self.0.is_handshaking() {
            self.flush(tcp, until)?;
            tcp.set_read_timeout(Some(time_left(until)?)).map_err(Failure::Io)?;
            let n = self.fill(tcp)?;
            received += n;
            if n == 0 || received > MOST_HANDSHAKE {
                return Err(Failure::Io(ErrorKind::UnexpectedEof.into()));
            }
            if let Err(error) = self.0.process_new_packets() {
                // Sends the alert, which says why.
                let _ = self.flush(tcp, until);
                return Err(Failure::Tls(error));
            }
        }
        Ok(())
    }

    /// Encrypts and writes all of `bytes`.
    pub fn send(&mut self, tcp: &TcpStream, mut bytes: &[u8], until: Instant) -> io::Result<()> {
        while !bytes.is_empty() {
            let n = self.0.writer().write(bytes)?;
            bytes = &bytes[n..];
            self.flush(tcp, until)?;
        }
        Ok(())
    }

    /// Reads once from the socket and decrypts. Returns how many bytes came over the wire.
    pub fn receive(&mut self, tcp: &TcpStream) -> io::Result<usize> {
        let n = self.fill(tcp)?;
        self.0.process_new_packets().map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        Ok(n)
    }

    /// Takes what was decrypted.
    pub fn read(&mut self, into: &mut [u8]) -> io::Result<Received> {
        match self.0.reader().read(into) {
            Ok(0) => Ok(Received::End { proper: true }),
            Ok(n) => Ok(Received::Bytes(n)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(Received::Nothing),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(Received::End { proper: false }),
            Err(error) => Err(error),
        }
    }

    fn fill(&mut self, mut tcp: &TcpStream) -> io::Result<usize> {
        loop {
            match self.0.read_tls(&mut tcp) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    fn flush(&mut self, mut tcp: &TcpStream, until: Instant) -> io::Result<()> {
        while self.0.wants_write() {
            tcp.set_write_timeout(Some(time_left(until)?))?;
            match self.0.write_tls(&mut tcp) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => drop(result?),
            }
        }
        Ok(())
    }
}

/// Why a handshake failed.
enum Failure {
    Tls(rustls::Error),
    Io(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Io(error)
    }
}
