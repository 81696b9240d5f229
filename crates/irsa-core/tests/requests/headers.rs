//! What becomes of each header, seen in the whole list that is sent on.

use irsa_core::{Placement, Reason, Step};

use crate::support::{
    API_HOST, CALLER, DATE, EMPTY_HASH, KEY_ID, S3_HOST, SESSION_TOKEN, Sent, assert_signed_as_aws_would, only,
    signed_names, values, warm,
};

fn text(headers: &[(String, Vec<u8>)]) -> Vec<(&str, &str)> {
    headers.iter().map(|(name, value)| (name.as_str(), core::str::from_utf8(value).unwrap())).collect()
}

#[test]
fn exactly_these_headers_are_sent_on() {
    let sent = Sent::new("GET", "/caf\u{e9} 1?b=2&a=x+y")
        .with("user-agent", "curl/8")
        .with("authorization", "AWS4-HMAC-SHA256 Credential=DUMMY")
        .with("host", "evil.example.com")
        .with("x-amz-date", "20000101T000000Z")
        .with("x-amz-security-token", "the caller's own")
        .with("x-amz-content-sha256", "UNSIGNED-PAYLOAD")
        .with("x-mesh-caller", "spiffe://example.org/forged")
        .with("x-envoy-attempt-count", "1")
        .with("x-envoy-original-path", "/")
        .with("x-request-id", "1")
        .with("x-amzn-trace-id", "Root=1")
        .with("range", "bytes=0-9")
        .with("content-type", "text/plain")
        .with("x-amz-meta-a", " a  b ")
        .with("x-amz-meta-b", "1")
        .with("x-amz-meta-b", "")
        .with("accept", "*/*");
    let headers = sent.forwarded(&mut warm(true, ""));
    let authorization = only(&headers, "authorization");
    let signed = "content-type;host;range;x-amz-content-sha256;x-amz-date;x-amz-meta-a;x-amz-meta-b;\
        x-amz-security-token;x-mesh-caller";
    let scope =
        format!("AWS4-HMAC-SHA256 Credential={KEY_ID}/20261122/us-west-2/s3/aws4_request, SignedHeaders={signed}, ");
    assert!(authorization.starts_with(&scope), "{authorization}");
    assert_eq!(
        text(&headers),
        [
            (":method", "GET"),
            (":scheme", "https"),
            ("user-agent", "curl/8"),
            ("x-request-id", "1"),
            ("x-amzn-trace-id", "Root=1"),
            ("range", "bytes=0-9"),
            ("content-type", "text/plain"),
            ("x-amz-meta-a", " a  b "),
            ("x-amz-meta-b", "1"),
            ("x-amz-meta-b", ""),
            ("accept", "*/*"),
            (":path", "/caf%C3%A9%201?a=x%20y&b=2"),
            (":authority", S3_HOST),
            ("authorization", authorization),
            ("x-amz-date", DATE),
            ("x-amz-content-sha256", EMPTY_HASH),
            ("x-amz-security-token", SESSION_TOKEN),
            ("x-mesh-caller", CALLER),
        ]
    );
}

#[test]
fn each_safe_header_goes_on_under_the_signature() {
    let mut ingress = warm(true, "");
    for name in [
        "content-type",
        "content-md5",
        "range",
        "x-amz-meta-x",
        "x-amz-checksum-crc32",
        "x-amz-checksum-mode",
        "x-amz-sdk-checksum-algorithm",
        "x-amz-trailer",
        "x-amz-decoded-content-length",
        "x-amz-storage-class",
        "x-amz-server-side-encryption",
        "x-amz-server-side-encryption-aws-kms-key-id",
        "x-amz-server-side-encryption-customer-key-md5",
        "x-amz-copy-source-if-none-match",
        "x-amz-copy-source-range",
        "x-amz-expected-bucket-owner",
        "x-amz-target",
        "x-amz-user-agent",
        "x-amz-request-payer",
    ] {
        let headers = Sent::get().with(name, "v1").forwarded(&mut ingress);
        assert_eq!(only(&headers, name), "v1");
        assert!(signed_names(&headers).contains(&name), "{name}");
        assert_signed_as_aws_would(&headers, true);
    }
}

#[test]
fn each_header_that_would_lend_our_authority_is_refused_by_name() {
    let mut ingress = warm(true, "");
    for name in [
        "x-amz-acl",
        "x-amz-grant-read",
        "x-amz-grant-write-acp",
        "x-amz-tagging",
        "x-amz-website-redirect-location",
        "x-amz-object-lock-mode",
        "x-amz-bypass-governance-retention",
        "x-amz-mfa",
        "x-amz-",
        "x-amz-something-new",
    ] {
        match Sent::get().with(name, "v").arrive(&mut ingress, 1).1 {
            Step::Reject(refusal) => {
                assert_eq!((refusal.reason, refusal.detail.as_deref()), (Reason::HeaderNotAllowed, Some(name)));
            }
            step => panic!("{name}: {step:?}"),
        }
    }
}

#[test]
fn a_copy_reads_from_the_own_bucket_only() {
    let mut ingress = warm(true, "");
    let copy = |source: &[u8]| Sent::new("PUT", "/copy").with("x-amz-copy-source", source);
    for source in ["my-bucket/key", "/my-bucket/a/b?versionId=1", "%2Fmy-bucket%2Fkey"] {
        let headers = copy(source.as_bytes()).forwarded(&mut ingress);
        assert_eq!(only(&headers, "x-amz-copy-source"), source);
        assert!(signed_names(&headers).contains(&"x-amz-copy-source"));
        assert_signed_as_aws_would(&headers, true);
    }
    for source in [&b"other/key"[..], b"", b"my-bucket", b"my-bucket\xff/key", b"%00my-bucket/key", b"/", b"my-bucket%"]
    {
        assert_eq!(copy(source).refused(&mut ingress), Reason::CopySourceNotAllowed, "{source:?}");
    }
    let two = copy(b"my-bucket/a").with("x-amz-copy-source", "my-bucket/b");
    assert_eq!(two.refused(&mut ingress), Reason::CopySourceNotAllowed);
    // Outside S3 there is no bucket that could be the own one.
    assert_eq!(copy(b"my-bucket/key").refused(&mut warm(false, "")), Reason::CopySourceNotAllowed);
}

#[test]
fn what_is_signed_is_what_goes_on_the_wire() {
    for (s3, raw, wire) in [
        (true, "/a//b/../c", "/a//b/../c"),
        (false, "/a//b/../c", "/a/c"),
        (true, "/a%2fb", "/a/b"),
        (false, "/a%2fb", "/a%2Fb"),
        (true, "/+?+", "/%2B?%20="),
        (false, "/%7e?b&a&a=1&%61=0", "/~?a=&a=0&a=1&b="),
        (true, "/?", "/"),
    ] {
        let headers = Sent::new("GET", raw).forwarded(&mut warm(s3, ""));
        assert_eq!(only(&headers, ":path"), wire, "{raw}");
        assert_eq!(only(&headers, ":authority"), if s3 { S3_HOST } else { API_HOST });
        assert_signed_as_aws_would(&headers, s3);
    }
}

#[test]
fn a_signature_of_yesterday_is_not_used_today() {
    let mut ingress = warm(true, "");
    let sent = Sent::get();
    for later_s in [0, 1, 3_599] {
        let now = irsa_core::session::Now { wall_ms: (crate::support::NOW_S + later_s) * 1000 + 999, steady_ms: 0 };
        let Step::Forward(changes) = ingress.on_headers(now, 1, &sent.arrival()).1 else { panic!("not sent on") };
        let headers = sent.applied(&changes);
        let minutes = 51 + (21 + later_s) / 60;
        let date = format!("20261122T{:02}{:02}{:02}Z", 5 + minutes / 60, minutes % 60, (21 + later_s) % 60);
        assert_eq!(only(&headers, "x-amz-date"), date);
        assert_eq!(values(&headers, "authorization").len(), 1);
    }
}

#[test]
fn the_signature_that_the_wasm_engine_must_find() {
    let sent = Sent::new("GET", "/a key?versionId=3&acl").with("range", "bytes=0-9");
    let headers = sent.forwarded(&mut warm(true, ""));
    assert_signed_as_aws_would(&headers, true);
    assert_eq!(only(&headers, "authorization"), include_str!("../vectors/authorization.txt").trim_end());
}

#[test]
fn in_a_listener_a_path_that_others_may_read_otherwise_is_refused() {
    for (path, s3, standard) in [
        ("/a/b", true, true),
        ("/caf\u{e9} 1", true, true),
        ("/%C3%A9", true, true),
        ("/a?b=%61&a", true, true),
        ("/%61", false, false),
        ("/a%2Fb", false, true),
        ("/a/../b", true, false),
        ("/a//b", true, false),
    ] {
        for (is_s3, goes_on) in [(true, s3), (false, standard)] {
            let mut ingress = warm(is_s3, "");
            let sent = Sent { placement: Placement::Listener, ..Sent::new("GET", path) };
            if goes_on {
                assert_signed_as_aws_would(&sent.forwarded(&mut ingress), is_s3);
            } else {
                assert_eq!(sent.refused(&mut ingress), Reason::PathNotCanonical, "{path}");
            }
            Sent::new("GET", path).forwarded(&mut ingress);
        }
    }
}
