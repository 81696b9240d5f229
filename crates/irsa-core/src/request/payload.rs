//! Step 6: how the body is covered by the signature.

use sigv4::PayloadHash;

use super::Body;
use crate::config::Payload;
use crate::refusal::{Reason, Refusal};

/// What is to happen with the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// The hash is known, or not wanted: the request can be signed before its body arrives.
    Known(PayloadHash),
    /// Hold the body and hash it; compare it with what the caller said, if anything.
    Collect { claimed: Option<PayloadHash> },
}

/// What `x-amz-content-sha256` says.
enum Claim {
    Nothing,
    Unsigned,
    Hash(PayloadHash),
    Chunked,
}

/// The payload table of the design. `claim` is the caller's `x-amz-content-sha256`.
pub(super) fn plan(mode: Payload, body: Body, claim: Option<&[u8]>) -> Result<Plan, Refusal> {
    let claim = read_claim(claim)?;
    Ok(match (mode, body, claim) {
        (_, _, Claim::Chunked) => return Err(Reason::PayloadStreamingUnsupported.into()),
        // S3 verifies the hash that the caller gave.
        (Payload::Unsigned, _, Claim::Hash(hash)) => Plan::Known(hash),
        (Payload::Signed, Body::None, Claim::Hash(hash)) if hash != PayloadHash::EMPTY => {
            return Err(Reason::PayloadHashMismatch.into());
        }
        (_, Body::None, _) => Plan::Known(PayloadHash::EMPTY),
        (Payload::Unsigned, Body::Follows, Claim::Nothing | Claim::Unsigned) => Plan::Known(PayloadHash::Unsigned),
        (Payload::Signed, Body::Follows, Claim::Hash(hash)) => Plan::Collect { claimed: Some(hash) },
        (Payload::Signed, Body::Follows, Claim::Nothing | Claim::Unsigned) => Plan::Collect { claimed: None },
    })
}

fn read_claim(value: Option<&[u8]>) -> Result<Claim, Refusal> {
    let Some(value) = value else { return Ok(Claim::Nothing) };
    if value == b"UNSIGNED-PAYLOAD" {
        return Ok(Claim::Unsigned);
    }
    if CHUNKED.iter().any(|chunked| chunked.as_bytes() == value) {
        return Ok(Claim::Chunked);
    }
    PayloadHash::from_hex(value).map(Claim::Hash).ok_or(Reason::PayloadHashInvalid.into())
}

/// Bodies that are signed chunk by chunk. Compared as texts: a pattern of bytes is compiled byte by byte.
const CHUNKED: [&str; 5] = [
    "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
    "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD",
    "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER",
];

#[cfg(test)]
mod tests {
    use super::*;

    const HELLO: &[u8] = b"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    const EMPTY: &[u8] = b"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn hello() -> PayloadHash {
        PayloadHash::of(b"hello")
    }

    #[test]
    fn the_table_of_an_unsigned_payload() {
        for (body, claim, expected) in [
            (Body::None, None, Ok(PayloadHash::EMPTY)),
            (Body::None, Some(&b"UNSIGNED-PAYLOAD"[..]), Ok(PayloadHash::EMPTY)),
            (Body::Follows, None, Ok(PayloadHash::Unsigned)),
            (Body::Follows, Some(b"UNSIGNED-PAYLOAD"), Ok(PayloadHash::Unsigned)),
            (Body::Follows, Some(HELLO), Ok(hello())),
            (Body::None, Some(HELLO), Ok(hello())),
            (Body::Follows, Some(b"STREAMING-UNSIGNED-PAYLOAD-TRAILER"), Err(Reason::PayloadStreamingUnsupported)),
            (Body::Follows, Some(b"STREAMING-AWS4-HMAC-SHA256-PAYLOAD"), Err(Reason::PayloadStreamingUnsupported)),
            (Body::Follows, Some(b""), Err(Reason::PayloadHashInvalid)),
            (Body::Follows, Some(b"unsigned-payload"), Err(Reason::PayloadHashInvalid)),
        ] {
            let expected = expected.map(Plan::Known).map_err(Refusal::from);
            assert_eq!(plan(Payload::Unsigned, body, claim), expected, "{body:?} {claim:?}");
        }
    }

    #[test]
    fn the_table_of_a_signed_payload() {
        for (body, claim, expected) in [
            (Body::None, None, Ok(Plan::Known(PayloadHash::EMPTY))),
            (Body::None, Some(EMPTY), Ok(Plan::Known(PayloadHash::EMPTY))),
            (Body::None, Some(HELLO), Err(Reason::PayloadHashMismatch)),
            (Body::Follows, None, Ok(Plan::Collect { claimed: None })),
            (Body::Follows, Some(&b"UNSIGNED-PAYLOAD"[..]), Ok(Plan::Collect { claimed: None })),
            (Body::Follows, Some(HELLO), Ok(Plan::Collect { claimed: Some(hello()) })),
            (Body::Follows, Some(b"STREAMING-UNSIGNED-PAYLOAD-TRAILER"), Err(Reason::PayloadStreamingUnsupported)),
            (Body::None, Some(b"nonsense"), Err(Reason::PayloadHashInvalid)),
        ] {
            assert_eq!(plan(Payload::Signed, body, claim), expected.map_err(Refusal::from), "{body:?} {claim:?}");
        }
    }
}
