//! Where TLS's own end is held back. minreq takes the end of a connection for the last chunk of a body, and a proxy
//! whose backend died ends its connection properly: an answer cut between two chunks would be believed. A body that
//! says how long it is needs no end and is not shown one: bytes pass unchanged, but a record that can be a
//! `close_notify` only once something follows it. Without it TLS takes the end of the connection for the cut that it
//! then is; a body that was complete is read without it. One that ends where the connection does gets what was held.

const HEADER: usize = 5;
const ALERT: u8 = 21;
const DATA: u8 = 23;

/// The records of one connection, from the server.
#[derive(Default)]
pub struct Records {
    held: Vec<u8>,
    /// Bytes of the current record that are still to come.
    rest: usize,
}

impl Records {
    /// What did not go on yet.
    pub fn held(&self) -> &[u8] {
        &self.held
    }

    /// Takes bytes as they come; gives those that may go on.
    pub fn pass(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(bytes);
        let mut at = 0;
        loop {
            let n = self.rest.min(self.held.len() - at);
            (at, self.rest) = (at + n, self.rest - n);
            let Some(header) = self.held.get(at..at + HEADER) else { break };
            let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
            if may_end(header[0], length) && self.held.len() <= at + HEADER + length {
                break;
            }
            self.rest = HEADER + length;
        }
        self.held.drain(..at).collect()
    }
}

/// Whether a record of this kind and length can be an encrypted alert: in TLS 1.2 it says so, in TLS 1.3 it is data
/// of two bytes, the kind and a tag of sixteen. An alert in the clear has two bytes and tells of a failed handshake.
fn may_end(kind: u8, length: usize) -> bool {
    kind == ALERT && length > 2 || kind == DATA && length == 19
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u8, length: u8) -> Vec<u8> {
        [&[kind, 3, 3, 0, length][..], &vec![kind; usize::from(length)]].concat()
    }

    #[test]
    fn only_a_last_record_that_may_be_the_end_is_held() {
        for (stream, held) in [
            (vec![record(22, 50), record(DATA, 30)], 0),
            (vec![record(ALERT, 2)], 0),
            (vec![record(DATA, 30), record(DATA, 19)], 24),
            (vec![record(DATA, 30), record(ALERT, 26)], 31),
            (vec![record(DATA, 19), record(DATA, 19)], 24),
            (vec![record(DATA, 19), record(DATA, 30)], 0),
            (vec![b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()], 0),
        ] {
            let stream = stream.concat();
            for step in [1, 3, 7, stream.len()] {
                let mut records = Records::default();
                let passed: Vec<u8> = stream.chunks(step).flat_map(|piece| records.pass(piece)).collect();
                assert_eq!(passed, stream[..stream.len() - held], "step {step}");
            }
        }
    }
}
