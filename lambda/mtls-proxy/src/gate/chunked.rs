//! Follows a chunked body to its end. (RFC 9112, section 7.1.)

use super::head::{self, Malformed, malformed};

/// Bytes of one chunk's extensions, which nobody reads.
const MAX_EXTENSION: usize = 256;
/// Bytes of all trailers, which are not forwarded.
const MAX_TRAILERS: usize = 8 * 1024;
/// Digits of a chunk's size: more than any body has, fewer than would overflow.
const MAX_DIGITS: usize = 15;

/// Where in the body.
#[derive(Debug)]
pub(super) struct Chunked {
    place: Place,
    /// Of the chunk that is under way.
    size: u64,
    /// Digits, bytes of an extension or bytes of trailers so far.
    count: usize,
    /// The trailer line that is under way.
    line: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Size,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    Trailer,
    TrailerLf,
    Done,
}

impl Chunked {
    pub(super) fn new() -> Self {
        Self { place: Place::Size, size: 0, count: 0, line: Vec::new() }
    }

    pub(super) fn is_done(&self) -> bool {
        self.place == Place::Done
    }

    /// How many of the bytes belong to the body; fails when the first of them is wrong.
    pub(super) fn follow(&mut self, input: &[u8]) -> Result<usize, Malformed> {
        let mut at = 0;
        while let Some(rest) = input.get(at..).filter(|rest| !rest.is_empty()) {
            if self.place == Place::Done {
                break;
            }
            match self.advance(rest) {
                Ok(taken) => at += taken,
                // What came before it is sound; the next call begins with it.
                Err(_) if at > 0 => break,
                Err(why) => return Err(why),
            }
        }
        Ok(at)
    }

    /// Takes at least one byte, or fails without having changed.
    fn advance(&mut self, input: &[u8]) -> Result<usize, Malformed> {
        let byte = input.first().copied().unwrap_or_default();
        self.place = match (self.place, byte) {
            (Place::Data, _) => {
                let taken = usize::try_from(self.size).unwrap_or(usize::MAX).min(input.len());
                self.size -= u64::try_from(taken).unwrap_or(self.size);
                if self.size == 0 {
                    self.place = Place::DataCr;
                }
                return Ok(taken);
            }
            (Place::Size, b'\r') if self.count > 0 => Place::SizeLf,
            (Place::Size, b';') if self.count > 0 => {
                self.count = 0;
                Place::Extension
            }
            (Place::Size, _) => {
                let digit =
                    char::from(byte).to_digit(16).filter(|_| self.count < MAX_DIGITS).ok_or(malformed::CHUNK)?;
                self.size = self.size << 4 | u64::from(digit);
                self.count += 1;
                Place::Size
            }
            (Place::Extension, b'\r') => Place::SizeLf,
            (Place::Extension, b'\t' | b' '..=b'~') if self.count < MAX_EXTENSION => {
                self.count += 1;
                Place::Extension
            }
            (Place::SizeLf, b'\n') => {
                self.count = 0;
                if self.size == 0 { Place::Trailer } else { Place::Data }
            }
            (Place::DataCr, b'\r') => Place::DataLf,
            (Place::DataLf, b'\n') => Place::Size,
            (Place::Trailer, b'\r') => {
                if !self.line.is_empty() {
                    head::header(&self.line).map_err(|_| malformed::TRAILER)?;
                }
                Place::TrailerLf
            }
            (Place::Trailer, _) if byte != b'\n' && self.count < MAX_TRAILERS => {
                self.count += 1;
                self.line.push(byte);
                Place::Trailer
            }
            (Place::TrailerLf, b'\n') => {
                if self.line.is_empty() {
                    Place::Done
                } else {
                    self.line.clear();
                    Place::Trailer
                }
            }
            (Place::Trailer | Place::TrailerLf, _) => return Err(malformed::TRAILER),
            _ => return Err(malformed::CHUNK),
        };
        Ok(1)
    }
}
