//! Which refusal wins when a request deserves several, and that each is given for its own cause only.

use std::collections::BTreeSet;

use irsa_core::{Body, Placement, Reason, Refusal, Step};

use crate::support::{HELLO_HASH, Sent, cold, warm};

/// Signed payloads, so that bodies are judged too.
const MORE: &str = r#", "callers": ["spiffe://example.org/ns/shop/sa/web"], "trust_domain": "example.org",
    "payload": "signed", "max_body_bytes": 5"#;

/// One thing that is wrong with a request. Those of one place exclude each other.
struct Fault {
    reason: Reason,
    place: &'static str,
    spoil: fn(Sent) -> Sent,
}

fn caller(sent: Sent, uri: &str) -> Sent {
    sent.without("x-forwarded-client-cert")
        .with("x-forwarded-client-cert", format!("URI={uri}"))
        .from(Some(uri.as_bytes()))
}

fn path(sent: Sent, path: &str) -> Sent {
    sent.without(":path").with(":path", path)
}

/// In the order of decisions.
const FAULTS: [Fault; 17] = [
    Fault { reason: Reason::NoClientCertificate, place: "caller", spoil: |sent| sent.from(None) },
    Fault { reason: Reason::CallerAmbiguous, place: "caller", spoil: |sent| sent.without("x-forwarded-client-cert") },
    Fault { reason: Reason::CallerNotSpiffe, place: "caller", spoil: |sent| caller(sent, "https://example.org/web") },
    Fault {
        reason: Reason::CallerTrustDomain,
        place: "caller",
        spoil: |sent| caller(sent, "spiffe://example.com/ns/shop/sa/web"),
    },
    Fault { reason: Reason::HeaderNotAllowed, place: "header", spoil: |sent| sent.with("x-amz-acl", "public-read") },
    Fault {
        reason: Reason::MalformedTarget,
        place: "method",
        spoil: |sent| sent.without(":method").with(":method", "GET /\nhost:evil"),
    },
    Fault { reason: Reason::MalformedTarget, place: "target", spoil: |sent| path(sent, "/%") },
    Fault {
        reason: Reason::PathNotCanonical,
        place: "target",
        spoil: |sent| Sent { placement: Placement::Listener, ..path(sent, "/%61?x-amz-signature=0") },
    },
    Fault { reason: Reason::PresignedQuery, place: "target", spoil: |sent| path(sent, "/key?x-amz-signature=0") },
    Fault {
        reason: Reason::CallerNotAllowed,
        place: "caller",
        spoil: |sent| caller(sent, "spiffe://example.org/ns/shop/sa/other"),
    },
    Fault {
        reason: Reason::CopySourceNotAllowed,
        place: "copy source",
        spoil: |sent| sent.with("x-amz-copy-source", "other-bucket/key"),
    },
    Fault {
        reason: Reason::PayloadHashInvalid,
        place: "hash",
        spoil: |sent| sent.with("x-amz-content-sha256", HELLO_HASH).with("x-amz-content-sha256", HELLO_HASH),
    },
    Fault {
        reason: Reason::PayloadHashInvalid,
        place: "hash",
        spoil: |sent| sent.with("x-amz-content-sha256", "none"),
    },
    Fault {
        reason: Reason::PayloadStreamingUnsupported,
        place: "hash",
        spoil: |sent| sent.with("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
    },
    Fault {
        reason: Reason::PayloadHashMismatch,
        place: "hash",
        spoil: |sent| Sent { body: Body::None, ..sent.with("x-amz-content-sha256", HELLO_HASH) },
    },
    Fault { reason: Reason::BodyTooLarge, place: "length", spoil: |sent| sent.with("content-length", "6") },
    // Not a fault of the request: the ingress of this test has no credentials.
    Fault { reason: Reason::TooManyWaiting, place: "credentials", spoil: |sent| Sent { body: Body::None, ..sent } },
];

#[test]
fn each_fault_alone_is_refused_for_its_own_reason() {
    let mut ingress = warm(true, MORE);
    for fault in &FAULTS[..16] {
        assert_eq!((fault.spoil)(Sent::put()).refused(&mut ingress), fault.reason, "{}", fault.place);
    }
    assert!(matches!(Sent::put().arrive(&mut ingress, 1).1, Step::Hold));
}

#[test]
fn of_two_faults_the_one_that_is_judged_first_wins() {
    for (index, first) in FAULTS.iter().enumerate() {
        for second in FAULTS[index + 1..].iter().filter(|second| second.place != first.place) {
            // Without a body no length is wrong.
            if first.reason == Reason::BodyTooLarge
                || second.place == "length" && first.reason == Reason::PayloadHashMismatch
            {
                continue;
            }
            let mut ingress = cold(true, &format!("{MORE}, \"max_waiting\": 0"));
            let sent = (first.spoil)((second.spoil)(Sent::put()));
            let places = (first.place, second.place);
            assert_eq!(sent.refused(&mut ingress), first.reason, "{places:?}");
        }
    }
}

#[test]
fn every_reason_that_the_core_can_have_is_reached() {
    let mut reached: BTreeSet<Reason> = FAULTS.iter().map(|fault| fault.reason).collect();
    // In tests of their own: see waiting.rs.
    reached.extend([Reason::NoCredentials, Reason::StsDenied, Reason::NoToken]);
    // Only Envoy can say so.
    reached.insert(Reason::HostError);
    assert!(Reason::ALL.iter().all(|reason| reached.contains(reason)));
}

#[test]
fn a_refusal_says_what_it_is_about_and_shows_no_value() {
    let mut ingress = warm(true, MORE);
    for (sent, refusal) in [
        (Sent::get().with("x-amz-acl", "hush"), Refusal::about(Reason::HeaderNotAllowed, "x-amz-acl")),
        (Sent::get().with("x-amz-grant-read", "hush"), Refusal::about(Reason::HeaderNotAllowed, "x-amz-grant-read")),
        (
            Sent::new("GET", "hush"),
            Refusal::about(Reason::MalformedTarget, "the request target does not begin with a slash"),
        ),
        (
            Sent::new("GET", "/hush%2"),
            Refusal::about(Reason::MalformedTarget, "a percent sign is not followed by two hexadecimal digits"),
        ),
        (Sent::new("GET", "/hush\0"), Refusal::about(Reason::MalformedTarget, "the request target contains a NUL")),
        (Sent::new("GET", "/hush#"), Refusal::about(Reason::MalformedTarget, "the request target contains a fragment")),
        (Sent::new("hu sh", "/"), Refusal::about(Reason::MalformedTarget, "the method is not a token")),
        (Sent::new("GET", "/?X-Amz-Signature=hush"), Reason::PresignedQuery.into()),
        (caller(Sent::get(), "spiffe://example.org/hush"), Reason::CallerNotAllowed.into()),
    ] {
        match sent.arrive(&mut ingress, 1).1 {
            Step::Reject(found) => {
                assert_eq!(found, refusal);
                assert!(!found.body().contains("hush"), "{}", found.body());
            }
            step => panic!("{sent:?}: {step:?}"),
        }
    }
}

#[test]
fn every_spelling_of_a_presigned_query_is_refused() {
    let mut ingress = warm(true, "");
    for key in [
        "X-Amz-Signature",
        "x-amz-algorithm",
        "X-AMZ-CREDENTIAL",
        "X-Amz-Date",
        "X-Amz-Expires",
        "X-Amz-SignedHeaders",
        "X-Amz-Security-Token",
        "AWSAccessKeyId",
        "X-Amz-Content-Sha256",
        "%58-Amz-Signature",
        "X%2dAmz%2DSignature",
    ] {
        for path in [format!("/?{key}"), format!("/key?a=1&{key}=x&b"), format!("/?&&{key}=")] {
            assert_eq!(Sent::new("GET", &path).refused(&mut ingress), Reason::PresignedQuery, "{path}");
        }
    }
    for path in ["/X-Amz-Signature", "/?a=X-Amz-Signature", "/?versionId=1&response-expires=x", "/?X-Amz=1"] {
        Sent::new("GET", path).forwarded(&mut ingress);
    }
}

#[test]
fn a_request_without_method_or_path_is_malformed() {
    let mut ingress = warm(true, "");
    for name in [":method", ":path"] {
        assert_eq!(Sent::get().without(name).refused(&mut ingress), Reason::MalformedTarget);
        assert_eq!(Sent::get().without(name).with(name, "").refused(&mut ingress), Reason::MalformedTarget);
    }
    assert_eq!(Sent::new("OPTIONS", "*").refused(&mut ingress), Reason::MalformedTarget);
    assert_eq!(Sent::new("CONNECT", "a:443").refused(&mut ingress), Reason::MalformedTarget);
    let nothing = Sent { headers: Vec::new(), ..Sent::get() };
    assert_eq!(nothing.refused(&mut ingress), Reason::CallerAmbiguous);
}
