//! Whose certificates count: the system's store, through its one bundle file, or the file that the administrator names.
//! Looking for certificates in a folder of hashed files instead costs a thousand system calls a pass.

use super::tls::TlsConfig;
use crate::sys::os;
use std::cell::OnceCell;
use std::path::{Path, PathBuf};

/// Where distributions keep the bundle: Debian, Raspberry Pi OS and OpenWrt's ca-bundle; Alpine and OpenWrt; Fedora;
/// openSUSE.
const BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/cert.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
];

/// The certificate store in use. It is read when the first request over HTTPS needs it; most passes never do.
pub struct Trust {
    store: Store,
    config: OnceCell<Result<TlsConfig, String>>,
}

enum Store {
    Bundle(PathBuf),
    Folders(Vec<PathBuf>),
    Missing,
}

impl Trust {
    /// Chooses the store: `ca_file`, else `SSL_CERT_FILE` or `SSL_CERT_DIR` as the administrator set them, else the
    /// first bundle that is there.
    pub fn establish(ca_file: Option<&Path>) -> Trust {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let store = match (ca_file, set("SSL_CERT_FILE"), set("SSL_CERT_DIR")) {
            (Some(file), ..) => Store::Bundle(file.to_path_buf()),
            (None, Some(file), _) => Store::Bundle(file.into()),
            (None, None, Some(folders)) => Store::Folders(std::env::split_paths(&folders).collect()),
            (None, None, None) => match BUNDLES.iter().map(PathBuf::from).find(|file| file.exists()) {
                Some(file) => Store::Bundle(file),
                None => Store::Missing,
            },
        };
        Trust { store, config: OnceCell::new() }
    }

    /// How TLS connections are made, or why none can be verified.
    pub fn tls_config(&self) -> Result<TlsConfig, String> {
        self.config.get_or_init(|| self.make_config()).clone()
    }

    fn make_config(&self) -> Result<TlsConfig, String> {
        let stores = match &self.store {
            Store::Bundle(file) => vec![file.clone()],
            Store::Folders(folders) => folders.clone(),
            Store::Missing => Vec::new(),
        };
        // In a build without TLS this is the error, whatever the store.
        let config = TlsConfig::new(stores)?;
        match &self.store {
            Store::Bundle(file) => os::may_read(file)
                .map(|()| config)
                .map_err(|error| format!("cannot read the certificates in {}: {error}", file.display())),
            Store::Folders(_) => Ok(config),
            Store::Missing => Err("no certificate store found: install the package ca-certificates (OpenWrt: \
                                   ca-bundle), or set ca_file"
                .to_string()),
        }
    }
}

/// Removes what other packages would read from the environment: minreq a timeout, the resolver its options.
/// To be called before any thread exists.
pub fn settle_environment() {
    for name in ["MINREQ_TIMEOUT", "HOSTALIASES", "LOCALDOMAIN", "RES_OPTIONS"] {
        std::env::remove_var(name);
    }
}
