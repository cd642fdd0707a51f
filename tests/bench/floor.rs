//! floor PORT [CA_FILE]: the least that a Rust program does to learn its address: one GET to localhost, its body out; with a
//! file of certificates over TLS, by the same library and cryptography as homing's, which trusts those.

use rustls::crypto::ring;
use rustls::pki_types::{pem::PemObject, CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let port: u16 = words.next().ok_or("which port?")?.parse()?;
    let trusted = words.next();
    let wire = TcpStream::connect(("localhost", port))?;
    let answer = match trusted {
        None => get(wire)?,
        Some(file) => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(CertificateDer::pem_file_iter(file)?.flatten());
            let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
                .with_safe_default_protocol_versions()?
                .with_root_certificates(roots)
                .with_no_client_auth();
            get(StreamOwned::new(ClientConnection::new(Arc::new(config), ServerName::try_from("localhost")?)?, wire))?
        }
    };
    let (_, body) = answer.split_once("\r\n\r\n").ok_or("no answer")?;
    println!("{body}");
    Ok(())
}

fn get(mut wire: impl Read + Write) -> std::io::Result<String> {
    wire.write_all(b"GET /ip HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    wire.read_to_string(&mut answer)?;
    Ok(answer)
}
