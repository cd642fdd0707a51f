//! A server that answers each datagram with any bytes.

use super::stop::Stop;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread;

/// A datagram as received, and its sender.
pub type Asked = (Vec<u8>, SocketAddr);

/// Stops when dropped.
pub struct UdpServer {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    stop: Stop,
    listening: Option<thread::JoinHandle<()>>,
}

impl UdpServer {
    /// On an address and port. Each datagram gets the replies that `handler` returns for it.
    pub fn on(address: &str, handler: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> UdpServer {
        let socket = UdpSocket::bind(address).unwrap_or_else(|e| panic!("{address}: {e}"));
        let address = socket.local_addr().unwrap();
        let (asked, stop) = (Arc::new(Mutex::new(Vec::new())), Stop::default());
        let (log, stopped) = (Arc::clone(&asked), stop.clone());
        let listening = thread::spawn(move || {
            let mut bytes = [0; 4096];
            loop {
                let Ok((length, peer)) = socket.recv_from(&mut bytes) else { continue };
                if stopped.is_set() {
                    return;
                }
                log.lock().unwrap().push((bytes[..length].to_vec(), peer));
                for reply in handler(&bytes[..length]) {
                    let _ = socket.send_to(&reply, peer);
                }
            }
        });
        UdpServer { address, asked, stop, listening: Some(listening) }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// All datagrams so far, in order.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

impl Drop for UdpServer {
    fn drop(&mut self) {
        self.stop.now();
        // An empty datagram, so that `recv_from` returns and the flag is checked.
        let any = if self.address.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
        let _ = UdpSocket::bind(any).and_then(|socket| socket.send_to(&[], self.address));
        let _ = self.listening.take().map(thread::JoinHandle::join);
    }
}
