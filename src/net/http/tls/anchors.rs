//! Which certificates a server may show. The trusted authorities ("trust anchors", RFC 5280, 6.1.1) are looked up by
//! the names of the issuers in the chain that the server shows: of a bundle of 145 only those that can matter are
//! decoded. The verdict is that of the whole bundle, for webpki uses no anchor whose name is not an issuer's.

use super::bundle::{self, names};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{verify_tls12_signature, verify_tls13_signature, WebPkiSupportedAlgorithms};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use std::path::{Path, PathBuf};

/// rustls's verifier with anchors from files.
#[derive(Debug)]
pub struct Anchors {
    /// PEM files, and folders of PEM files.
    stores: Vec<PathBuf>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Anchors {
    pub fn new(stores: Vec<PathBuf>, algorithms: WebPkiSupportedAlgorithms) -> Anchors {
        Anchors { stores, algorithms }
    }

    /// The anchors that have one of these names.
    fn named(&self, issuers: &[&[u8]]) -> Result<RootCertStore, Error> {
        let mut roots = RootCertStore::empty();
        let mut seen = 0;
        for store in &self.stores {
            read_store(store, &mut |text| {
                seen += bundle::certificates(text, issuers, &mut |der| {
                    // webpki does not take everything for an anchor. What it does not take is not trusted.
                    let _ = roots.add(der.into());
                });
            });
        }
        match seen {
            0 => Err(Error::General("no certificate of an authority is known".to_string())),
            _ => Ok(roots),
        }
    }
}

impl ServerCertVerifier for Anchors {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = std::iter::once(end_entity).chain(intermediates);
        let issuers: Vec<&[u8]> = chain.filter_map(|cert| Some(names(cert)?.issuer)).collect();
        let roots = self.named(&issuers)?;
        // What rustls's own verifier does where no list of revoked certificates is given.
        let parsed = ParsedCertificate::try_from(end_entity)?;
        verify_server_cert_signed_by_trust_anchor(&parsed, &roots, intermediates, now, self.algorithms.all)?;
        verify_server_name(&parsed, server)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Passes on the text of a file, or of each file in a folder. What cannot be read holds no authority.
fn read_store(store: &Path, with: &mut impl FnMut(&[u8])) {
    let mut pass_on = |file: &Path| {
        if let Ok(text) = std::fs::read(file) {
            with(&text);
        }
    };
    match std::fs::read_dir(store) {
        Ok(entries) => {
            // Links are followed: `openssl rehash` makes them. A pipe would never end.
            entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).for_each(|path| pass_on(&path));
        }
        Err(_) => pass_on(store),
    }
}

#[cfg(test)]
mod tests;
