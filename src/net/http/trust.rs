//! Whose certificates count: the system's store, through its one bundle file, or the file that the operator
//! names. The usual probing of a directory of hashed files costs a thousand system calls a pass. Also the place
//! where TLS gets its cryptography, and where its errors become advice.

use crate::sys::os;
use std::cell::OnceCell;
use std::path::{Path, PathBuf};

/// Which store counts, and what stands in the way of TLS, if anything does.
pub struct Trust {
    /// Looked at when the first connection needs it: most passes of who detects by DNS never do.
    bundle: Option<PathBuf>,
    trouble: OnceCell<Option<String>>,
}

impl Trust {
    /// Whether a TLS connection can be verified at all.
    pub fn ready(&self) -> Result<(), String> {
        let trouble = self.trouble.get_or_init(|| {
            let bundle = self.bundle.as_deref()?;
            let error = os::may_read(bundle).err()?;
            Some(format!("cannot read the certificates in {}: {error}", bundle.display()))
        });
        trouble.clone().map_or(Ok(()), Err)
    }

    fn hopeless(why: &str) -> Trust {
        Trust { bundle: None, trouble: OnceCell::from(Some(why.to_string())) }
    }
}

/// Removes what other packages would read from the environment: minreq a timeout, the resolver its options.
/// To be called before any thread exists.
pub fn settle_environment() {
    for name in ["MINREQ_TIMEOUT", "HOSTALIASES", "LOCALDOMAIN", "RES_OPTIONS"] {
        std::env::remove_var(name);
    }
}

#[cfg(feature = "tls")]
mod with_tls {
    use super::*;
    use crate::sys::clock;
    use rustls::{CertificateError, Error as TlsError};

    /// Where distributions keep the bundle: Debian, Raspberry Pi OS and OpenWrt's ca-bundle; Alpine and OpenWrt;
    /// Fedora; openSUSE.
    const BUNDLES: [&str; 4] = [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/ssl/cert.pem",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
    ];

    impl Trust {
        /// Chooses the store: `ca_file`, else `SSL_CERT_FILE` or `SSL_CERT_DIR` as the administrator set them, else
        /// the first bundle found. Sets the variables by which the TLS library is told, so it must run before any
        /// thread exists.
        pub fn establish(ca_file: Option<&Path>) -> Trust {
            // Fails only if a provider is installed already, and then it is this one.
            let _ = crate::net::http::suites::provider().install_default();
            let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
            let bundle = match (ca_file, set("SSL_CERT_FILE")) {
                (Some(file), _) => Some(file.to_path_buf()),
                (None, Some(file)) => Some(file.into()),
                (None, None) if set("SSL_CERT_DIR").is_some() => {
                    return Trust { bundle: None, trouble: OnceCell::new() };
                }
                (None, None) => BUNDLES.iter().map(Into::into).find(|file: &PathBuf| file.exists()),
            };
            let Some(bundle) = bundle else {
                return Trust::hopeless(
                    "no certificate store found: install the package ca-certificates (OpenWrt: ca-bundle), \
                     or set ca_file",
                );
            };
            std::env::set_var("SSL_CERT_FILE", &bundle);
            std::env::remove_var("SSL_CERT_DIR");
            Trust { bundle: Some(bundle), trouble: OnceCell::new() }
        }
    }

    /// What a TLS error means, and whether it came before anything was sent for certain. `None` when the error is about
    /// something else.
    pub fn explain(error: &minreq::Error, host: &str) -> Option<(String, bool)> {
        let tls = match error {
            minreq::Error::RustlsCreateConnection(error) => error,
            minreq::Error::IoError(error) => error.get_ref()?.downcast_ref::<TlsError>()?,
            _ => return None,
        };
        let now = || clock::stamp(clock::now());
        let sure = matches!(tls, TlsError::InvalidCertificate(_) | TlsError::General(_));
        let why = match tls {
            TlsError::InvalidCertificate(why) => match why {
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => format!(
                    "the certificate of {host} is not yet valid: this machine's clock reads {}; set the clock",
                    now()
                ),
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => format!(
                    "the certificate of {host} has expired, or this machine's clock, which reads {}, is wrong",
                    now()
                ),
                CertificateError::UnknownIssuer => format!(
                    "the certificate of {host} is not signed by an authority that this machine trusts \
                     (a private one goes into ca_file)"
                ),
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                    format!("the certificate shown by {host} belongs to another name")
                }
                CertificateError::Revoked => format!("the certificate of {host} is revoked"),
                CertificateError::BadSignature => format!("the certificate of {host} is not signed as it says"),
                CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                    format!("the certificate of {host} is not for a server")
                }
                // rustls's own words for these are the names that `{:?}` prints, which small builds do not have.
                _ => {
                    format!("the certificate of {host} is not good: malformed, or signed in a way that does not count")
                }
            },
            TlsError::General(why) => {
                format!("no TLS connection to {host}: {why} (is the certificate store, or ca_file, a PEM file?)")
            }
            TlsError::AlertReceived(alert) => {
                format!("no TLS connection to {host}: it ended it (alert {}, RFC 8446)", u8::from(*alert))
            }
            TlsError::PeerIncompatible(_) => format!("no TLS connection to {host}: it wants what homing has not"),
            TlsError::PeerMisbehaved(_) => format!("no TLS connection to {host}: it breaks TLS's rules"),
            TlsError::InvalidMessage(_) => format!("no TLS connection to {host}: it does not speak TLS"),
            other => format!("no TLS connection to {host}: {other}"),
        };
        Some((why, sure))
    }
}

#[cfg(feature = "tls")]
pub use with_tls::explain;

#[cfg(not(feature = "tls"))]
impl Trust {
    /// This build speaks no TLS, and says so when asked to.
    pub fn establish(_: Option<&Path>) -> Trust {
        Trust::hopeless("this homing was built without TLS: https:// needs the full build")
    }
}

/// Without TLS no error is about it.
#[cfg(not(feature = "tls"))]
pub fn explain(_: &minreq::Error, _: &str) -> Option<(String, bool)> {
    None
}
