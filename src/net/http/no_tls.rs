//! Used instead of `tls.rs` in a build without TLS. No value of these types exists.

use super::stream::Received;
use std::io;
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Instant;

#[derive(Clone)]
pub enum TlsConfig {}

impl TlsConfig {
    pub fn new(_: Vec<PathBuf>) -> Result<TlsConfig, String> {
        Err("this homing was built without TLS: https:// needs the full build".to_string())
    }
}

pub enum TlsSession {}

impl TlsSession {
    pub fn open(config: &TlsConfig, _: &str, _: &TcpStream, _: Instant) -> Result<TlsSession, String> {
        match *config {}
    }

    pub fn send(&mut self, _: &TcpStream, _: &[u8], _: Instant) -> io::Result<()> {
        match *self {}
    }

    pub fn receive(&mut self, _: &TcpStream) -> io::Result<usize> {
        match *self {}
    }

    pub fn read(&mut self, _: &mut [u8]) -> io::Result<Received> {
        match *self {}
    }
}

pub fn describe_io(_: &io::Error) -> Option<String> {
    None
}
