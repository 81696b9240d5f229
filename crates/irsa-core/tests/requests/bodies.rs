//! Bodies: none, in pieces, with trailers, too long, other than announced.

use irsa_core::{Body, Exchange, Ingress, Reason, Step};
use proptest::prelude::*;

use crate::support::{EMPTY_HASH, HELLO_HASH, NOW, Sent, assert_signed_as_aws_would, only, warm};

fn hold(sent: &Sent, ingress: &mut Ingress) -> Exchange {
    match sent.arrive(ingress, 1) {
        (exchange, Step::Hold) => exchange,
        (_, step) => panic!("{sent:?}: {step:?}"),
    }
}

/// What becomes of a body that comes in these pieces.
fn feed(sent: &Sent, ingress: &mut Ingress, pieces: &[&[u8]]) -> Step {
    let mut exchange = hold(sent, ingress);
    for piece in pieces {
        match ingress.on_body(NOW, 1, &mut exchange, &sent.headers, piece) {
            Step::Hold => {}
            step => {
                assert!(!exchange.is_open());
                return step;
            }
        }
    }
    assert_eq!(exchange.body_taken(), pieces.iter().map(|piece| piece.len() as u64).sum::<u64>());
    let step = ingress.on_end(NOW, 1, &mut exchange, &sent.headers);
    assert!(!exchange.is_open());
    // Whatever still comes of a signed request passes, and nothing of a refused one.
    let passes = matches!(step, Step::Forward(_));
    for late in [
        ingress.on_body(NOW, 1, &mut exchange, &sent.headers, b"late"),
        ingress.on_end(NOW, 1, &mut exchange, &sent.headers),
        ingress.release(NOW, &mut exchange, &sent.headers),
    ] {
        assert!(if passes { matches!(late, Step::Pass) } else { matches!(late, Step::Hold) });
    }
    step
}

fn hash_of(sent: &Sent, step: Step) -> String {
    match step {
        Step::Forward(changes) => {
            let headers = sent.applied(&changes);
            assert_signed_as_aws_would(&headers, only(&headers, ":authority").contains(".s3."));
            only(&headers, "x-amz-content-sha256").into()
        }
        step => panic!("{step:?}"),
    }
}

fn reason(step: Step) -> Reason {
    match step {
        Step::Reject(refusal) => refusal.reason,
        step => panic!("{step:?}"),
    }
}

#[test]
fn a_request_without_a_body_is_signed_at_once() {
    for s3 in [true, false] {
        let headers = Sent::get().forwarded(&mut warm(s3, ""));
        assert_eq!(only(&headers, "x-amz-content-sha256"), EMPTY_HASH);
        assert_signed_as_aws_would(&headers, s3);
    }
}

#[test]
fn a_body_for_s3_streams_unsigned_or_under_the_callers_own_hash() {
    let mut ingress = warm(true, "");
    for (claim, hash) in
        [(None, "UNSIGNED-PAYLOAD"), (Some("UNSIGNED-PAYLOAD"), "UNSIGNED-PAYLOAD"), (Some(HELLO_HASH), HELLO_HASH)]
    {
        let sent = claim.into_iter().fold(Sent::put(), |sent, claim| sent.with("x-amz-content-sha256", claim));
        // Its length is none of our business either.
        let headers = sent.with("content-length", "99999999999").forwarded(&mut ingress);
        assert_eq!(only(&headers, "x-amz-content-sha256"), hash);
        assert_signed_as_aws_would(&headers, true);
    }
}

#[test]
fn a_body_is_hashed_whatever_the_pieces_it_comes_in() {
    let mut ingress = warm(false, "");
    for pieces in
        [&[&b"hello"[..]][..], &[b"he", b"llo"], &[b"", b"h", b"", b"ello", b""], &[b"h", b"e", b"l", b"l", b"o"]]
    {
        let sent = Sent::put();
        let step = feed(&sent, &mut ingress, pieces);
        assert_eq!(hash_of(&sent, step), HELLO_HASH);
    }
    for pieces in [&[][..], &[&b""[..]], &[b"", b""]] {
        let sent = Sent::put();
        let step = feed(&sent, &mut ingress, pieces);
        assert_eq!(hash_of(&sent, step), EMPTY_HASH, "trailers or an empty DATA frame alone");
    }
}

#[test]
fn a_body_up_to_the_limit_is_taken_and_a_byte_more_is_not() {
    let mut ingress = warm(false, r#", "max_body_bytes": 5"#);
    let sent = Sent::put();
    let step = feed(&sent, &mut ingress, &[b"hel", b"lo"]);
    assert_eq!(hash_of(&sent, step), HELLO_HASH);
    for pieces in [&[&b"hello!"[..]][..], &[b"hello", b"!"], &[b"hello", b"", b"!", b"and more"]] {
        assert_eq!(reason(feed(&sent, &mut ingress, pieces)), Reason::BodyTooLarge);
    }
}

#[test]
fn an_announced_length_over_the_limit_is_refused_before_the_body() {
    let mut ingress = warm(false, r#", "max_body_bytes": 5"#);
    for length in ["6", "18446744073709551615"] {
        assert_eq!(Sent::put().with("content-length", length).refused(&mut ingress), Reason::BodyTooLarge);
    }
    // What is no length is Envoy's to refuse; here the bytes themselves are counted.
    for length in ["5", "0", "", "x", "-1", "99999999999999999999999", "\u{ff}"] {
        let sent = Sent::put().with("content-length", length);
        let step = feed(&sent, &mut ingress, &[b"hello"]);
        assert_eq!(hash_of(&sent, step), HELLO_HASH, "{length}");
        assert_eq!(reason(feed(&sent, &mut ingress, &[b"hello", b"!"])), Reason::BodyTooLarge);
    }
}

#[test]
fn a_body_must_have_the_hash_that_its_caller_gave() {
    let mut ingress = warm(false, "");
    let sent = Sent::put().with("x-amz-content-sha256", HELLO_HASH);
    let step = feed(&sent, &mut ingress, &[b"hel", b"lo"]);
    assert_eq!(hash_of(&sent, step), HELLO_HASH);
    for pieces in [&[&b"hello!"[..]][..], &[b"hell"], &[]] {
        assert_eq!(reason(feed(&sent, &mut ingress, pieces)), Reason::PayloadHashMismatch);
    }
    let unsigned = Sent::put().with("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
    let step = feed(&unsigned, &mut ingress, &[b"hello"]);
    assert_eq!(hash_of(&unsigned, step), HELLO_HASH);
    let upper = Sent::put().with("x-amz-content-sha256", HELLO_HASH.to_uppercase());
    let step = feed(&upper, &mut ingress, &[b"hello"]);
    assert_eq!(hash_of(&upper, step), HELLO_HASH, "in whatever case");
}

#[test]
fn payloads_in_signed_chunks_are_refused_in_either_mode() {
    for s3 in [true, false] {
        let mut ingress = warm(s3, "");
        for claim in [
            "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
            "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD",
            "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER",
        ] {
            let sent = Sent::put().with("x-amz-content-sha256", claim);
            assert_eq!(sent.refused(&mut ingress), Reason::PayloadStreamingUnsupported, "{claim}");
        }
        for claim in [
            "",
            "STREAMING",
            "unsigned-payload",
            "UNSIGNED-PAYLOAD ",
            HELLO_HASH.trim_end_matches("4"),
            &format!("{HELLO_HASH}0"),
        ] {
            let sent = Sent::put().with("x-amz-content-sha256", claim);
            assert_eq!(sent.refused(&mut ingress), Reason::PayloadHashInvalid, "{claim}");
        }
    }
}

#[test]
fn a_body_that_stops_half_way_is_never_signed() {
    let mut ingress = warm(false, "");
    let sent = Sent::put();
    let mut exchange = hold(&sent, &mut ingress);
    assert!(matches!(ingress.on_body(NOW, 1, &mut exchange, &sent.headers, b"hel"), Step::Hold));
    // A tick that takes it for one that waits must not sign the half.
    assert!(ingress.released(NOW).is_empty());
    ingress.leave(1);
    assert!(exchange.is_open());
}

proptest! {
    #![proptest_config(crate::properties::cases(300))]

    #[test]
    fn any_body_in_any_pieces_has_the_hash_of_the_whole(
        pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..8),
    ) {
        let whole = sigv4::PayloadHash::of(&pieces.concat());
        let mut hex = Vec::new();
        if let sigv4::PayloadHash::Sha256(bytes) = whole {
            hex.extend(bytes.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()));
        }
        let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        let sent = Sent { body: Body::Follows, ..Sent::new("POST", "/") };
        let step = feed(&sent, &mut warm(false, ""), &pieces);
        prop_assert_eq!(hash_of(&sent, step).into_bytes(), hex);
    }
}
