//! The bytes of a DNS message: names, headers and records, written and read.
//! Apart from `dns.rs` because updates and signatures speak the same bytes but ask other questions;
//! nothing here knows a socket, and nothing here can panic or loop on what a stranger sent.

/// The longest message without EDNS (RFC 1035 §4.2.1).
pub const LONGEST: usize = 512;
/// The length of a header (RFC 1035 §4.1.1).
pub const HEADER: usize = 12;
/// The longest name, its length bytes and the root's included (RFC 1035 §2.3.4).
const LONGEST_NAME: usize = 255;
/// The longest label (RFC 1035 §2.3.4); the two bits above it mark a pointer.
const LONGEST_LABEL: usize = 63;
/// A name of 255 bytes has at most 127 labels, so nobody honest needs more hops.
const MOST_HOPS: usize = 128;
/// What the shortest record takes: root owner, type, class, TTL, RDLENGTH (RFC 1035 §4.1.3).
const SHORTEST_RECORD: usize = 11;

/// The fixed start of a message (RFC 1035 §4.1.1; for updates RFC 2136 §2.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// Chosen by who asks, echoed by who answers.
    pub id: u16,
    /// QR, opcode, AA, TC, RD, RA, Z and RCODE, as on the wire.
    pub flags: u16,
    /// Question, answer, authority, additional; or zone, prerequisite, update, additional.
    pub counts: [u16; 4],
}

impl Header {
    /// The QR bit: set in every reply (RFC 1035 §4.1.1).
    pub const REPLY: u16 = 0x8000;
    /// The TC bit: cut short (RFC 1035 §4.1.1).
    pub const CUT: u16 = 0x0200;
    /// The AA bit: from who has the zone itself (RFC 1035 §4.1.1).
    pub const AUTHORITY: u16 = 0x0400;
    /// The RD bit: recursion desired (RFC 1035 §4.1.1).
    pub const RECURSE: u16 = 0x0100;

    /// The kind of request: 0 a query (RFC 1035 §4.1.1), 5 an update (RFC 2136 §1.3).
    pub fn opcode(&self) -> u16 {
        self.flags >> 11 & 0xf
    }

    /// How it went: 0 is well (RFC 1035 §4.1.1, RFC 2136 §2.2).
    pub fn rcode(&self) -> u16 {
        self.flags & 0xf
    }

    /// Appends the header to a message.
    pub fn put(&self, message: &mut Vec<u8>) {
        put_u16(message, self.id);
        put_u16(message, self.flags);
        for count in self.counts {
            put_u16(message, count);
        }
    }
}

/// What people call an RCODE (IANA DNS RCODEs; RFC 1035 §4.1.1, RFC 2136 §2.2).
pub fn rcode_name(rcode: u16) -> String {
    let name = match rcode {
        0 => "NOERROR",
        1 => "FORMERR",
        2 => "SERVFAIL",
        3 => "NXDOMAIN",
        4 => "NOTIMP",
        5 => "REFUSED",
        6 => "YXDOMAIN",
        7 => "YXRRSET",
        8 => "NXRRSET",
        9 => "NOTAUTH",
        10 => "NOTZONE",
        // Of signatures: RFC 8945 §3.
        16 => "BADSIG",
        17 => "BADKEY",
        18 => "BADTIME",
        22 => "BADTRUNC",
        other => return format!("RCODE {other}"),
    };
    name.to_string()
}

/// Appends a number in network order (RFC 1035 §2.3.2).
pub fn put_u16(message: &mut Vec<u8>, number: u16) {
    message.extend_from_slice(&number.to_be_bytes());
}

/// Appends a record whose owner is in wire form (RFC 1035 §4.1.3); nothing where the data is longer than a record holds.
pub fn put_record(message: &mut Vec<u8>, owner: &[u8], [kind, class]: [u16; 2], ttl: u32, data: &[u8]) {
    let Ok(length) = u16::try_from(data.len()) else { return };
    message.extend_from_slice(owner);
    put_u16(message, kind);
    put_u16(message, class);
    message.extend_from_slice(&ttl.to_be_bytes());
    put_u16(message, length);
    message.extend_from_slice(data);
}

/// Appends a name uncompressed (RFC 1035 §3.1); on `Err`, which says why, nothing is appended.
/// A trailing dot changes nothing, `.` is the root, `_` and `*` are fine; `\` escapes are not known.
pub fn put_name(message: &mut Vec<u8>, name: &str) -> Result<(), &'static str> {
    let labels = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() {
        return Err("an empty name");
    }
    let mut wire = Vec::with_capacity(labels.len() + 2);
    if name != "." {
        for label in labels.split('.') {
            match u8::try_from(label.len()) {
                Ok(0) => return Err("an empty label"),
                Ok(length) if usize::from(length) <= LONGEST_LABEL => wire.push(length),
                _ => return Err("a label longer than 63 letters"),
            }
            if !label.bytes().all(|b| b.is_ascii_graphic() && b != b'\\') {
                return Err("a letter that a host name cannot have");
            }
            wire.extend_from_slice(label.as_bytes());
        }
    }
    wire.push(0);
    if wire.len() > LONGEST_NAME {
        return Err("a name longer than 255 bytes");
    }
    message.append(&mut wire);
    Ok(())
}

/// Whether two names in wire form are the same, case aside (RFC 4343 §3).
/// Length bytes stop at 63 and letters begin at 65, so folding ASCII cannot confuse the two.
pub fn same_name(one: &[u8], other: &[u8]) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// A name in wire form as people write it, without the last dot; `None` where it holds what a host name cannot.
pub fn name_text(wire: &[u8]) -> Option<String> {
    let mut reader = Reader::new(wire);
    let mut text = String::new();
    loop {
        let length = reader.u8().ok()?;
        if length == 0 {
            return (reader.left() == 0).then_some(text);
        }
        let label = reader.take(usize::from(length)).ok()?;
        if !label.iter().all(|b| b.is_ascii_graphic() && !matches!(b, b'.' | b'\\')) {
            return None;
        }
        if !text.is_empty() {
            text.push('.');
        }
        text.push_str(std::str::from_utf8(label).ok()?);
    }
}

/// One record of any section (RFC 1035 §4.1.3).
#[derive(Debug)]
pub struct Record<'a> {
    /// Whose record it is, in wire form, uncompressed.
    pub owner: Vec<u8>,
    /// TYPE, as on the wire.
    pub kind: u16,
    /// CLASS, as on the wire.
    pub class: u16,
    /// Seconds it may be kept.
    pub ttl: u32,
    /// Where RDATA begins in the message, for names in it that are compressed.
    pub at: usize,
    /// RDATA: exactly RDLENGTH bytes; a name in it may be compressed and is not followed here.
    pub data: &'a [u8],
}

/// Walks through a message; every step is checked, and after an `Err`, which says why, it is of no more use.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    message: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Begins at the message's first byte.
    pub fn new(message: &'a [u8]) -> Self {
        Reader { message, at: 0 }
    }

    /// The same message from another place on.
    pub fn from(&self, at: usize) -> Self {
        Reader { message: self.message, at: at.min(self.message.len()) }
    }

    /// How many bytes have been read (a signature covers what stands before its own record, RFC 8945 §5.2).
    pub fn at(&self) -> usize {
        self.at
    }

    /// How many bytes are left.
    pub fn left(&self) -> usize {
        self.message.len().saturating_sub(self.at)
    }

    /// The next `count` bytes.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], &'static str> {
        let end = self.at.checked_add(count).ok_or("it ends too early")?;
        let bytes = self.message.get(self.at..end).ok_or("it ends too early")?;
        self.at = end;
        Ok(bytes)
    }

    /// The next `N` bytes as an array.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], &'static str> {
        self.take(N)?.try_into().map_err(|_| "it ends too early")
    }

    /// The next byte.
    pub fn u8(&mut self) -> Result<u8, &'static str> {
        self.array().map(u8::from_be_bytes)
    }

    /// The next two bytes as a number (RFC 1035 §2.3.2).
    pub fn u16(&mut self) -> Result<u16, &'static str> {
        self.array().map(u16::from_be_bytes)
    }

    /// The next four bytes as a number (RFC 1035 §2.3.2).
    pub fn u32(&mut self) -> Result<u32, &'static str> {
        self.array().map(u32::from_be_bytes)
    }

    /// The header (RFC 1035 §4.1.1).
    pub fn header(&mut self) -> Result<Header, &'static str> {
        Ok(Header { id: self.u16()?, flags: self.u16()?, counts: [self.u16()?, self.u16()?, self.u16()?, self.u16()?] })
    }

    /// The next name in wire form, decompressed (RFC 1035 §4.1.4), letters as they came.
    /// A pointer must lead to before the labels it ends, and behind the header, so a walk always shrinks.
    pub fn name(&mut self) -> Result<Vec<u8>, &'static str> {
        let mut name = Vec::new();
        let mut walk = self.clone();
        let mut begin = walk.at;
        let mut hops = 0;
        loop {
            let length = walk.u8()?;
            match length >> 6 {
                0 => {
                    let label = walk.take(usize::from(length))?;
                    if name.len() + 1 + label.len() > LONGEST_NAME {
                        return Err("a name longer than 255 bytes");
                    }
                    name.push(length);
                    name.extend_from_slice(label);
                    if length == 0 {
                        break;
                    }
                }
                3 => {
                    let target = usize::from(u16::from_be_bytes([length & 0x3f, walk.u8()?]));
                    if hops == 0 {
                        self.at = walk.at;
                    }
                    hops += 1;
                    if target < HEADER || target >= begin || hops > MOST_HOPS {
                        return Err("a name that points nowhere");
                    }
                    begin = target;
                    walk.at = target;
                }
                _ => return Err("a label of unknown kind"),
            }
        }
        if hops == 0 {
            self.at = walk.at;
        }
        Ok(name)
    }

    /// One question, or the zone of an update: a name, its type and its class (RFC 1035 §4.1.2, RFC 2136 §2.3).
    pub fn question(&mut self) -> Result<(Vec<u8>, u16, u16), &'static str> {
        Ok((self.name()?, self.u16()?, self.u16()?))
    }

    /// The next record (RFC 1035 §4.1.3).
    pub fn record(&mut self) -> Result<Record<'a>, &'static str> {
        let (owner, kind, class, ttl) = (self.name()?, self.u16()?, self.u16()?, self.u32()?);
        let length = self.u16()?;
        let at = self.at;
        let data = self.take(usize::from(length))?;
        Ok(Record { owner, kind, class, ttl, at, data })
    }

    /// Whether so many records could stand in what is left; asked before walking them.
    pub fn has_room_for(&self, records: usize) -> bool {
        records <= self.left() / SHORTEST_RECORD
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(name: &str) -> Result<Vec<u8>, &'static str> {
        let mut message = Vec::new();
        put_name(&mut message, name).map(|()| message)
    }

    /// Reads the name at `at` of twelve header bytes and `body`; says where the reader stands after it.
    fn read(body: &[u8], at: usize) -> Result<(Vec<u8>, usize), &'static str> {
        let message = [&[0; HEADER], body].concat();
        let mut reader = Reader { message: &message, at };
        reader.name().map(|name| (name, reader.at()))
    }

    #[test]
    fn names_are_written_or_refused() {
        assert_eq!(wire("a.bc").unwrap(), b"\x01a\x02bc\0");
        assert_eq!(wire("a.bc."), wire("a.bc"));
        assert_eq!(wire("_acme.*.x-1").unwrap(), b"\x05_acme\x01*\x03x-1\0");
        assert_eq!(wire(".").unwrap(), b"\0");
        for bad in ["", "..", "a..b", ".a", "a..", "a b", "a\\046b", "bücher.example", "a\0"] {
            assert!(wire(bad).is_err(), "{bad:?}");
        }
        assert!(wire(&"a".repeat(63)).is_ok());
        assert!(wire(&"a".repeat(64)).is_err());
        assert!(wire(&"a".repeat(300)).is_err());
        let three = format!("{0}.{0}.{0}", "a".repeat(63));
        assert_eq!(wire(&format!("{three}.{}", "b".repeat(61))).unwrap().len(), 255);
        assert!(wire(&format!("{three}.{}", "b".repeat(62))).is_err());
        let mut kept = vec![7];
        assert!(put_name(&mut kept, "good..bad").is_err());
        assert_eq!(kept, [7]);
    }

    #[test]
    fn names_are_read_as_people_write_them() {
        let text = |name: &str| name_text(&wire(name).unwrap());
        assert_eq!(text("*._a.Bc-1.example.").as_deref(), Some("*._a.Bc-1.example"));
        assert_eq!(text(".").as_deref(), Some(""));
        for bad in
            [&b"\x03a.b\0"[..], b"\x01\\\0", b"\x01 \0", b"\x02\xc3\xbc\0", b"\x05ab\0", b"\x01a", b"", b"\x01a\0x"]
        {
            assert_eq!(name_text(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn pointers_lead_back_only() {
        // 12: "a", 15: "b" then a pointer to 12, 19: a pointer to that.
        let body = b"\x01a\0\x01b\xc0\x0c\xc0\x0f";
        assert_eq!(read(body, 15).unwrap(), (b"\x01b\x01a\0".to_vec(), 19));
        assert_eq!(read(body, 19).unwrap(), (b"\x01b\x01a\0".to_vec(), 21));
        assert!(read(b"\xc0\x0c", 12).is_err(), "itself");
        assert!(read(b"\x01a\xc0\x0c", 12).is_err(), "its own label");
        assert!(read(b"\xc0\x0e\xc0\x0c", 12).is_err(), "a pair");
        assert!(read(b"\xc0\x0e\x01a\0", 12).is_err(), "forward");
        assert!(read(b"\xc0\x00", 12).is_err(), "the header");
        assert!(read(b"\xff\xff", 12).is_err(), "beyond the end");
        assert!(read(b"\xc0", 12).is_err(), "half a pointer");
        assert!(read(b"\x40a\0", 12).is_err() && read(b"\x80a\0", 12).is_err());
        assert!(read(b"\x05abc", 12).is_err() && read(b"\x01a", 12).is_err());
    }

    #[test]
    fn long_walks_and_long_names_end() {
        // A name, then pointers each to the one before: 128 hops are walked, 129 are not.
        let mut body = vec![0];
        for hop in 0..130u16 {
            let target = if hop == 0 { 12 } else { 13 + 2 * (hop - 1) };
            put_u16(&mut body, 0xc000 | target);
        }
        assert!(read(&body, 13 + 2 * 127).is_ok());
        assert!(read(&body, 13 + 2 * 128).is_err());
        // Each name is a label of 60 and a pointer to the one before: the fifth is over 255.
        let mut body = vec![0];
        let mut last = 12;
        for turn in 1..=5 {
            let here = HEADER + body.len();
            body.push(60);
            body.extend([b'x'; 60]);
            put_u16(&mut body, 0xc000 | last);
            last = here as u16;
            assert_eq!(read(&body, here).is_ok(), turn <= 4);
        }
    }
}
