//! SHA-256 of payloads, in the forms that `x-amz-content-sha256` may have.

use alloc::vec::Vec;
use core::fmt;

use sha2::{Digest, Sha256};

/// What the signature says about the payload: its hash, or that it is not covered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum PayloadHash {
    /// SHA-256 of the whole payload.
    Sha256([u8; 32]),
    /// `UNSIGNED-PAYLOAD`: TLS alone protects it. Only the S3 family accepts this.
    Unsigned,
}

impl PayloadHash {
    /// The hash of no bytes at all.
    pub const EMPTY: Self = Self::Sha256([
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae,
        0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
    ]);

    /// The hash of a payload that is at hand as a whole.
    #[must_use]
    pub fn of(payload: &[u8]) -> Self {
        Self::Sha256(Sha256::digest(payload).into())
    }

    /// Reads 64 hexadecimal digits, as a sender puts them into `x-amz-content-sha256`. `None` for anything else.
    #[must_use]
    pub fn from_hex(text: &[u8]) -> Option<Self> {
        let mut hash = [0; 32];
        if text.len() != 64 {
            return None;
        }
        for (byte, digits) in hash.iter_mut().zip(text.chunks_exact(2)) {
            for &digit in digits {
                *byte = *byte << 4 | u8::try_from(char::from(digit).to_digit(16)?).ok()?;
            }
        }
        Some(Self::Sha256(hash))
    }

    /// The value of `x-amz-content-sha256`, and the last line of the canonical request.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Sha256(hash) => write_hex(hash, out),
            Self::Unsigned => out.extend_from_slice(b"UNSIGNED-PAYLOAD"),
        }
    }
}

impl fmt::Debug for PayloadHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::new();
        self.write(&mut text);
        f.write_str(core::str::from_utf8(&text).unwrap_or_default())
    }
}

/// Hashes a payload that arrives piece by piece.
#[derive(Clone, Debug, Default)]
pub struct Sha256Stream {
    state: Sha256,
    len: u64,
}

impl Sha256Stream {
    /// Takes the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.state.update(piece);
        self.len = self.len.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
    }

    /// How many bytes were taken so far.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether nothing was taken so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The hash of everything that was taken.
    #[must_use]
    pub fn finish(self) -> PayloadHash {
        PayloadHash::Sha256(self.state.finalize().into())
    }
}

/// Lower-case hexadecimal, as every hash in SigV4 is written.
pub(crate) fn write_hex(bytes: &[u8], out: &mut Vec<u8>) {
    let digit = |value: u8| if value < 10 { b'0' + value } else { b'a' + (value - 10) };
    let start = out.len();
    out.resize(start + 2 * bytes.len(), 0);
    let (pairs, _) = out.get_mut(start..).unwrap_or_default().as_chunks_mut::<2>();
    for (pair, byte) in pairs.iter_mut().zip(bytes) {
        *pair = [digit(byte >> 4), digit(byte & 15)];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn the_hash_of_nothing_is_the_hash_of_nothing() {
        assert_eq!(PayloadHash::of(b""), PayloadHash::EMPTY);
        assert_eq!(Sha256Stream::default().finish(), PayloadHash::EMPTY);
    }

    #[test]
    fn a_payload_in_pieces_has_the_hash_of_the_whole() {
        let mut stream = Sha256Stream::default();
        assert!(stream.is_empty());
        stream.update(b"Welcome ");
        stream.update(b"");
        stream.update(b"to Amazon S3.");
        assert_eq!(stream.len(), 21);
        assert_eq!(stream.finish(), PayloadHash::of(b"Welcome to Amazon S3."));
    }

    #[test]
    fn hexadecimal_of_either_case_is_read_and_lower_case_is_written() {
        let text = "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855";
        assert_eq!(PayloadHash::from_hex(text.as_bytes()), Some(PayloadHash::EMPTY));
        assert_eq!(format!("{:?}", PayloadHash::EMPTY), text.to_lowercase());
        assert_eq!(format!("{:?}", PayloadHash::Unsigned), "UNSIGNED-PAYLOAD");
    }

    #[test]
    fn anything_but_64_hexadecimal_digits_is_not_a_hash() {
        for text in ["", "e3", "UNSIGNED-PAYLOAD", &"g".repeat(64), &"0".repeat(63), &"0".repeat(65), &"+".repeat(64)] {
            assert_eq!(PayloadHash::from_hex(text.as_bytes()), None, "{text}");
        }
    }
}
