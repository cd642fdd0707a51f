//! The system's log, for machines whose messages are read there (`logread`, journalctl): datagrams to /dev/log in the
//! form of RFC 3164, as logger(1) sends them. The C library's own way is not needed for that.

use crate::sys::clock;
use std::os::unix::net::UnixDatagram;

/// Where the log listens.
const LOG: &str = "/dev/log";
/// RFC 3164 section 4.1: a whole packet has 1024 bytes at most; what is longer is cut.
const LONGEST: usize = 1024;
/// Facility 3, a daemon's, times 8.
const DAEMON: u8 = 3 << 3;

/// How serious (RFC 3164 section 4.1.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Severity {
    Error = 3,
    Warning = 4,
    Notice = 5,
    Info = 6,
}

/// Tells the log a line, which holds no secret; `false` if nobody listens. It does not wait.
pub fn tell(severity: Severity, line: &str) -> bool {
    let Ok(socket) = UnixDatagram::unbound() else { return false };
    let _ = socket.set_nonblocking(true);
    let packet = packet(severity, line, clock::now(), std::process::id());
    socket.send_to(packet.as_bytes(), LOG).is_ok()
}

fn packet(severity: Severity, line: &str, at: clock::Timestamp, pid: u32) -> String {
    let stamp = clock::stamp(at);
    let number = |from: usize| stamp.get(from..from + 2).and_then(|text| text.parse::<usize>().ok()).unwrap_or(1);
    let months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let month = number(5).saturating_sub(1).min(11) * 3;
    let day = number(8);
    let pad = if day < 10 { " " } else { "" };
    let time = stamp.get(11..19).unwrap_or("00:00:00");
    let priority = DAEMON + severity as u8;
    let mut packet = format!("<{priority}>{} {pad}{day} {time} homing[{pid}]: {line}", &months[month..month + 3]);
    let mut end = LONGEST.min(packet.len());
    while !packet.is_char_boundary(end) {
        end -= 1;
    }
    packet.truncate(end);
    packet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_as_logger_writes_it() {
        let at = clock::parse_stamp("2026-11-05T03:21:07Z").expect("a stamp");
        assert_eq!(packet(Severity::Notice, "a: new", at, 42), "<29>Nov  5 03:21:07 homing[42]: a: new");
        let at = clock::parse_stamp("1970-01-31T23:00:00Z").expect("a stamp");
        assert!(packet(Severity::Error, "", at, 1).starts_with("<27>Jan 31 23:00:00 homing[1]: "));
        let long = packet(Severity::Info, &"ü".repeat(2000), at, 1);
        assert!(long.len() <= LONGEST && long.ends_with('ü'));
    }
}
