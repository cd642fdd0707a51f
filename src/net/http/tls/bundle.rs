//! Finds certificates by the name of their subject in a PEM file (RFC 7468) without decoding all of it. Only the first
//! bytes of each certificate are decoded, which hold its names, and its end is computed from the length that they contain.
//! A text that is not laid out so regularly is left to rustls-pki-types, so the result is always the same as if it
//! had read everything.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::CertificateDer;

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
const END: &[u8] = b"-----END CERTIFICATE-----";
/// How every PEM section begins.
const ANY_BEGIN: &[u8] = b"-----BEGIN ";
/// Decoded bytes of a certificate that hold its names, mostly and nearly always.
const USUAL_HEAD: usize = 288;
const HEAD: usize = 576;
/// Marks what is no character of base64.
const NONE: u8 = 255;

/// The values of the characters of base64 (RFC 4648, 4).
static VALUES: [u8; 256] = {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut values, mut i) = ([NONE; 256], 0);
    while i < 64 {
        values[alphabet[i as usize] as usize] = i;
        i += 1;
    }
    values
};

/// Passes on every certificate in `text` whose subject is one of `subjects`, and every one whose subject cannot be read.
/// Returns how many certificates there are at all. Names are compared as DER, as webpki does.
pub fn certificates(text: &[u8], subjects: &[&[u8]], found: &mut dyn FnMut(Vec<u8>)) -> usize {
    let (mut rest, mut count) = (text, 0);
    let mut pass_on = |der: CertificateDer<'_>| {
        if names(&der).is_none_or(|names| subjects.contains(&names.subject)) {
            found(der.to_vec());
        }
    };
    loop {
        if rest.starts_with(ANY_BEGIN) {
            let Some(section) = Section::measure(rest) else { break };
            count += 1;
            if section.may_be(subjects) {
                // An error means that rustls-pki-types takes it for none.
                CertificateDer::from_pem_slice(&rest[..section.length]).into_iter().for_each(&mut pass_on);
            }
            rest = &rest[section.length..];
        }
        match rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            Some(end) => rest = &rest[end + 1..],
            None => return count,
        }
    }
    // Everything from here on in the slow way.
    CertificateDer::pem_slice_iter(rest).flatten().fold(count, |count, der| {
        pass_on(der);
        count + 1
    })
}

/// A PEM section that is laid out regularly.
struct Section {
    /// From its first line to the end of the text of its last.
    length: usize,
    head: [u8; HEAD],
    decoded: usize,
}

impl Section {
    /// Measures the section at the beginning of `text`. `None` where it is not laid out regularly: lines of one width
    /// at its beginning, and its end where its first bytes say.
    fn measure(text: &[u8]) -> Option<Section> {
        let body = text.strip_prefix(BEGIN)?;
        let newline = match body {
            [b'\r', b'\n', ..] => 2,
            [b'\n', ..] => 1,
            _ => return None,
        };
        let (newline, body) = body.split_at(newline);
        let width = body.iter().position(|byte| matches!(byte, b'\n' | b'\r'))?;
        // Whole groups of four in each line, so that the beginning can be decoded line by line.
        if width == 0 || width % 4 != 0 {
            return None;
        }
        let mut section = Section { length: 0, head: [0; HEAD], decoded: 0 };
        for line in body.chunks(width + newline.len()) {
            // It ends early in a certificate that is shorter than the head: its last line is not full.
            if !section.decode(&line[..width.min(line.len())]) || section.is_enough() {
                break;
            }
            if !line.get(width..)?.starts_with(newline) {
                return None;
            }
        }
        let whole = der_length(&section.head[..section.decoded])?;
        let characters = whole.checked_add(2)? / 3 * 4;
        let end = characters.checked_add(characters.div_ceil(width).checked_mul(newline.len())?)?;
        let (body, after) = body.split_at_checked(end)?;
        let after_end = after.strip_prefix(END)?;
        // Base64 has no dash, so without one nothing in between begins or ends another section.
        let alone = body.ends_with(newline) && !body.contains(&b'-');
        if !alone || !matches!(after_end.first(), None | Some(b'\n' | b'\r')) {
            return None;
        }
        section.length = text.len() - after_end.len();
        Some(section)
    }

    /// Decodes whole groups of four characters as long as there is room. Returns whether all were good.
    fn decode(&mut self, line: &[u8]) -> bool {
        for group in line.chunks_exact(4) {
            let [a, b, c, d] = *group else { return false };
            let value = |character: u8| u32::from(VALUES[usize::from(character)]);
            let (a, b, c, d) = (value(a), value(b), value(c), value(d));
            if (a | b | c | d) > 63 {
                return false;
            }
            let Some(room) = self.head.get_mut(self.decoded..self.decoded + 3) else { return true };
            room.copy_from_slice(&(a << 18 | b << 12 | c << 6 | d).to_be_bytes()[1..]);
            self.decoded += 3;
        }
        true
    }

    /// Whether the names are decoded, or the buffer is full.
    fn is_enough(&self) -> bool {
        self.decoded == HEAD || self.decoded >= USUAL_HEAD && names(&self.head[..self.decoded]).is_some()
    }

    fn may_be(&self, subjects: &[&[u8]]) -> bool {
        names(&self.head[..self.decoded]).is_none_or(|names| subjects.contains(&names.subject))
    }
}

/// The names in a certificate, as the contents of their DER sequences.
#[derive(Debug, PartialEq, Eq)]
pub struct Names<'a> {
    pub issuer: &'a [u8],
    pub subject: &'a [u8],
}

/// Reads the names from a certificate or its beginning (RFC 5280, 4.1). `None` where they are not in it.
pub fn names(der: &[u8]) -> Option<Names<'_>> {
    let (_, certificate) = header(der)?;
    let (_, to_be_signed) = header(der.get(certificate..)?)?;
    let mut rest = der.get(certificate + to_be_signed..)?;
    let mut next = || {
        let (length, start) = header(rest)?;
        let end = start.checked_add(length)?;
        let (tag, value) = (rest[0], rest.get(start..end)?);
        rest = &rest[end..];
        Some((tag, value))
    };
    // The version is left out of certificates of version 1. Then this is the serial number already.
    if next()?.0 == 0xa0 {
        next()?;
    }
    let _algorithm = next()?;
    let (_, issuer) = next()?;
    let _validity = next()?;
    let (_, subject) = next()?;
    Some(Names { issuer, subject })
}

/// The length of a whole DER value, its header included.
fn der_length(der: &[u8]) -> Option<usize> {
    let (length, start) = header(der)?;
    start.checked_add(length)
}

/// The length of the contents of a DER value, and where they begin.
fn header(der: &[u8]) -> Option<(usize, usize)> {
    match *der.get(1)? {
        short @ 0..=127 => Some((usize::from(short), 2)),
        long => {
            let bytes = der.get(2..2 + usize::from(long & 127))?;
            let shift = |all: usize, byte: &u8| all.checked_mul(256)?.checked_add(usize::from(*byte));
            Some((bytes.iter().try_fold(0, shift)?, 2 + bytes.len()))
        }
    }
}

#[cfg(test)]
mod tests;
