//! The path: decoded, resolved where the service does so, and encoded once.

use alloc::vec::Vec;

use super::percent::{Decoded, decode_first, is_unreserved, write_encoded};
use super::{Encode, Normalize, PathRules, TargetError};

/// Writes the canonical path, and returns [`CanonicalTarget::path_was_reread`].
pub(super) fn write_path(raw: &[u8], rules: PathRules, out: &mut Vec<u8>) -> Result<bool, TargetError> {
    let mut reread = false;
    // `raw` begins with a slash, so the first segment is what follows it.
    out.push(b'/');
    let mut segment = out.len();
    let mut rest = raw.get(1..).unwrap_or_default();
    while let Some(Decoded { byte, was_encoded, rest: tail }) = decode_first(rest)? {
        rest = tail;
        if byte == b'/' && (!was_encoded || rules.encode == Encode::Once) {
            reread |= was_encoded;
            match rules.normalize {
                Normalize::No => out.push(b'/'),
                Normalize::Yes => reread |= close_segment(out, segment, End::Slash),
            }
            segment = out.len();
        } else {
            reread |= was_encoded && is_unreserved(byte);
            write_encoded(byte, out);
        }
    }
    if rules.normalize == Normalize::Yes && out.len() > segment {
        reread |= close_segment(out, segment, End::Path);
    }
    Ok(reread)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Slash,
    Path,
}

/// Resolves the segment that starts at `segment`; everything before it is resolved and ends with a slash. Whether there
/// was anything to resolve.
fn close_segment(out: &mut Vec<u8>, segment: usize, end: End) -> bool {
    match out.get(segment..).unwrap_or_default() {
        b"" | b"." => {
            out.truncate(segment);
            true
        }
        b".." => {
            // Drop this segment, the slash before it and the segment before that: back to the last slash but one.
            let parent = out.get(..segment.saturating_sub(1)).unwrap_or_default();
            let keep = parent.iter().rposition(|&b| b == b'/').map_or(1, |slash| slash + 1);
            out.truncate(keep);
            true
        }
        _ => {
            if end == End::Slash {
                out.push(b'/');
            }
            false
        }
    }
}
