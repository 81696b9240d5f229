//! Percent-encoding (RFC 3986, section 2.1), one byte at a time.

use alloc::vec::Vec;

use super::TargetError;

/// The first byte of a text after decoding.
pub(super) struct Decoded<'a> {
    pub(super) byte: u8,
    /// Whether it stood there as `%XX`.
    pub(super) was_encoded: bool,
    pub(super) rest: &'a [u8],
}

pub(super) fn decode_first(raw: &[u8]) -> Result<Option<Decoded<'_>>, TargetError> {
    let decoded = match raw {
        [] => return Ok(None),
        [b'%', high, low, rest @ ..] => match (hex_value(*high), hex_value(*low)) {
            (Some(high), Some(low)) => Decoded { byte: high << 4 | low, was_encoded: true, rest },
            _ => return Err(TargetError::MalformedPercent),
        },
        [b'%', ..] => return Err(TargetError::MalformedPercent),
        [b'#', ..] => return Err(TargetError::Fragment),
        [byte, rest @ ..] => Decoded { byte: *byte, was_encoded: false, rest },
    };
    if decoded.byte == 0 { Err(TargetError::Nul) } else { Ok(Some(decoded)) }
}

fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// RFC 3986, section 2.3.
pub(super) fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Percent-encodes all but the unreserved characters, in upper-case hexadecimal.
pub(super) fn write_encoded(byte: u8, out: &mut Vec<u8>) {
    if is_unreserved(byte) {
        out.push(byte);
    } else {
        let digit = |value: u8| if value < 10 { b'0' + value } else { b'A' + (value - 10) };
        out.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 15)]);
    }
}
