//! The first line of an HTTP/1 answer (RFC 9112, 4), read strictly.

/// Bytes of a status line that say everything: `HTTP/1.1 200` and what follows the digits.
pub const LENGTH: usize = 13;

/// The three digits of `HTTP/1.x NNN`, if that is how an answer begins.
pub fn status(head: &[u8]) -> Option<u16> {
    let [version, b' ', digits @ .., b' ' | b'\r' | b'\n'] = head.strip_prefix(b"HTTP/1.")?.get(..6)? else {
        return None;
    };
    let numeric = version.is_ascii_digit() && digits.iter().all(u8::is_ascii_digit);
    numeric.then(|| digits.iter().fold(0, |status, digit| status * 10 + u16::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_three_digits_after_an_http_1_version() {
        assert_eq!(status(b"HTTP/1.1 200 Connection established\r\n\r\n"), Some(200));
        assert_eq!(status(b"HTTP/1.0 407\r\n\r\n"), Some(407));
        assert_eq!(status(b"HTTP/1.1 204\n\n"), Some(204));
        for head in [
            "",
            "\r\n\r\n",
            "HTTP/1.1 20\r\n\r\n",
            "HTTP/1.1 2000 OK\r\n\r\n",
            "HTTP/1.1 +20\r\n\r\n",
            "HTTP/1.1  200 OK\r\n\r\n",
            "HTTP/1.x 200 OK\r\n\r\n",
            "HTTP/1.1 200",
            "HTTP/2 200\r\n\r\n",
            "http/1.1 200 OK\r\n\r\n",
            "SSH-2.0 200 x\r\n\r\n",
        ] {
            assert_eq!(status(head.as_bytes()), None, "{head}");
        }
    }
}
