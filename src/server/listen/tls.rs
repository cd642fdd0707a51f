//! The certificate.

use crate::server::config::TlsFiles;
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::TlsAcceptor;

/// Reads the certificate chain and its key; TLS 1.2 and 1.3.
///
/// # Errors
/// The file that cannot be read or used, and why; also where key and certificate do not belong together.
pub fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, String> {
    let problem = |key: &str, path: &Path, why: &dyn std::fmt::Display| format!("{key} {}: {why}", path.display());
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(&files.cert).and_then(Iterator::collect);
    let chain = chain.map_err(|error| problem("ssl_cert_file", &files.cert, &error))?;
    if chain.is_empty() {
        return Err(problem("ssl_cert_file", &files.cert, &"no certificate in it"));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| problem("ssl_key_file", &files.key, &error))?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| problem("ssl_key_file", &files.key, &error))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
