//! `x-amz-copy-source`: a copy is a read of its source, so the source must be in the backend's own bucket.

use alloc::vec::Vec;

/// Whether the value names an object of this bucket: `bucket/key` or `/bucket/key`, percent-encoded, with an optional
/// `?versionId=`. (S3 API Reference, `CopyObject`.) ARNs of access points are another road to any bucket, and refused.
pub(super) fn is_in_bucket(value: &[u8], bucket: &str) -> bool {
    // S3 decodes the value once; whether a slash was encoded makes no difference to it, so it must make none here.
    let Some(decoded) = decode(value) else { return false };
    let path = decoded.strip_prefix(b"/").unwrap_or(&decoded);
    let mut halves = path.splitn(2, |&b| b == b'/');
    halves.next() == Some(bucket.as_bytes()) && halves.next().is_some_and(|key| !key.is_empty())
}

fn decode(value: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value.trim_ascii();
    while let Some((&first, tail)) = rest.split_first() {
        let (byte, tail) = match (first, tail) {
            (b'%', [high, low, tail @ ..]) => {
                let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
                (digit(*high)? << 4 | digit(*low)?, tail)
            }
            (b'%', _) => return None,
            _ => (first, tail),
        };
        if byte == 0 {
            return None;
        }
        out.push(byte);
        rest = tail;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_of_the_bucket_may_be_copied() {
        for value in ["b/key", "/b/key", "b/a/b.txt?versionId=3", "/b/caf%C3%A9%20x", "%2Fb%2Fkey", "b/../key"] {
            assert!(is_in_bucket(value.as_bytes(), "b"), "{value}");
        }
    }

    #[test]
    fn any_other_source_may_not() {
        for value in [
            "",
            "/",
            "b",
            "b/",
            "/b/",
            "other/key",
            "/other/key",
            "//b/key",
            "b%2",
            "b/%zz",
            "B/key",
            "bb/key",
            "%62b/key",
            "arn:aws:s3:us-west-2:123456789012:accesspoint/b/object/key",
            "b%00/key",
            "..%2fb/key",
        ] {
            assert!(!is_in_bucket(value.as_bytes(), "b"), "{value}");
        }
    }
}
