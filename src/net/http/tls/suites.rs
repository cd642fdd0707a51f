//! What TLS is made of: ring as rustls ships it, less what a client like this never uses, so that linking drops it:
//! private keys (we show no certificate of our own) and QUIC. Nothing of the verification is left out.

use rustls::crypto::ring::{cipher_suite::*, default_provider};
use rustls::crypto::{CryptoProvider, KeyProvider};
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::SigningKey;
use rustls::{CipherSuiteCommon, Error, SupportedCipherSuite, Tls13CipherSuite};
use std::sync::Arc;

/// ring's cryptography, for [`CryptoProvider::install_default`].
pub fn provider() -> CryptoProvider {
    static AES_256: Tls13CipherSuite = without_quic(TLS13_AES_256_GCM_SHA384);
    static AES_128: Tls13CipherSuite = without_quic(TLS13_AES_128_GCM_SHA256);
    static CHACHA20: Tls13CipherSuite = without_quic(TLS13_CHACHA20_POLY1305_SHA256);
    CryptoProvider {
        cipher_suites: vec![
            SupportedCipherSuite::Tls13(&AES_256),
            SupportedCipherSuite::Tls13(&AES_128),
            SupportedCipherSuite::Tls13(&CHACHA20),
            TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
            TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
            TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        ],
        key_provider: &NoKeys,
        ..default_provider()
    }
}

const fn without_quic(suite: SupportedCipherSuite) -> Tls13CipherSuite {
    let SupportedCipherSuite::Tls13(suite) = suite else { panic!("a suite of TLS 1.2") };
    let CipherSuiteCommon { suite: name, hash_provider, confidentiality_limit } = suite.common;
    let common = CipherSuiteCommon { suite: name, hash_provider, confidentiality_limit };
    Tls13CipherSuite { common, hkdf_provider: suite.hkdf_provider, aead_alg: suite.aead_alg, quic: None }
}

#[derive(Debug)]
struct NoKeys;

impl KeyProvider for NoKeys {
    fn load_private_key(&self, _: PrivateKeyDer<'static>) -> Result<Arc<dyn SigningKey>, Error> {
        Err(Error::General("this client has no key".to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_rustls_would_offer_is_offered() {
        let names = |provider: &CryptoProvider| {
            let suites: Vec<_> = provider.cipher_suites.iter().map(|suite| suite.suite()).collect();
            let groups: Vec<_> = provider.kx_groups.iter().map(|group| group.name()).collect();
            (suites, groups, provider.signature_verification_algorithms.supported_schemes())
        };
        assert_eq!(names(&provider()), names(&default_provider()));
    }
}
