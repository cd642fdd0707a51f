//! What an error of TLS means, and what to do about it.

use crate::sys::clock;
use rustls::{CertificateError, Error};
use std::io;

/// The error of TLS behind an I/O error, described; `None` where it is about something else.
pub fn describe_io(error: &io::Error) -> Option<String> {
    error.get_ref()?.downcast_ref().map(describe_after_handshake)
}

/// An error on a connection on which the handshake was good, so the server is not named again.
fn describe_after_handshake(error: &Error) -> String {
    match error {
        Error::AlertReceived(alert) => format!("the server ended TLS (alert {}, RFC 8446)", u8::from(*alert)),
        _ => "the TLS connection was damaged".to_string(),
    }
}

/// An error during the handshake.
pub fn describe(error: &Error, host: &str) -> String {
    match error {
        Error::InvalidCertificate(why) => describe_certificate(why, host),
        Error::General(why) => {
            format!("no TLS connection to {host}: {why} (is the certificate store, or ca_file, a PEM file?)")
        }
        Error::AlertReceived(alert) => {
            format!("no TLS connection to {host}: the server ended it (alert {}, RFC 8446)", u8::from(*alert))
        }
        Error::PeerIncompatible(_) => {
            format!("no TLS connection to {host}: the server offers no version or cipher that homing has")
        }
        Error::PeerMisbehaved(_) => format!("no TLS connection to {host}: the server breaks the rules of TLS"),
        Error::InvalidMessage(_) => format!("no TLS connection to {host}: the server does not speak TLS"),
        other => format!("no TLS connection to {host}: {other}"),
    }
}

fn describe_certificate(why: &CertificateError, host: &str) -> String {
    let now = || clock::stamp(clock::now());
    match why {
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            format!("the certificate of {host} is not yet valid: this machine's clock reads {}; set the clock", now())
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            format!("the certificate of {host} has expired, or this machine's clock, which reads {}, is wrong", now())
        }
        CertificateError::UnknownIssuer => format!(
            "the certificate of {host} is not signed by an authority that this machine trusts \
             (put a private one into ca_file)"
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("the certificate shown by {host} belongs to another name")
        }
        CertificateError::Revoked => format!("the certificate of {host} is revoked"),
        CertificateError::BadSignature => format!("a signature in the certificate chain of {host} is wrong"),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            format!("the certificate of {host} is not for a server")
        }
        // rustls's own text for these is the name that `{:?}` prints, which small builds do not have.
        _ => format!("the certificate of {host} is malformed, or signed by a method that is not accepted"),
    }
}
