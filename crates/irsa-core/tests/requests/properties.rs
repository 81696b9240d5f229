//! Whatever is sent: no panic, no unsigned authority, and what is sent on is signed as AWS would sign it.

use irsa_core::config::{Host, Plugin};
use irsa_core::{Body, Ingress, Step};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;

use crate::support::{
    API_HOST, CALLER, Headers, NOW, S3_HOST, Sent, XFCC, assert_signed_as_aws_would, only, signed_names, values, warm,
};

/// The same cases in every run: a failure on another machine is a failure here.
pub(crate) fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, rng_seed: RngSeed::Fixed(0x1a5a), ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(3000))]

    #[test]
    fn no_request_panics_and_none_goes_on_that_is_not_signed_for(sent in hostile(), s3 in any::<bool>(), pieces in pieces()) {
        let mut ingress = warm(s3, r#", "max_body_bytes": 100"#);
        if let Some(headers) = run(&mut ingress, &sent, &pieces) {
            check(&sent, &headers, s3);
        }
    }
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn what_is_sent_on_is_signed_as_aws_would_sign_it(sent in honest(), s3 in any::<bool>(), pieces in pieces()) {
        let mut ingress = warm(s3, "");
        let headers = run(&mut ingress, &sent, &pieces).expect("an honest request is sent on");
        check(&sent, &headers, s3);
        assert_signed_as_aws_would(&headers, s3);
    }
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn a_caller_who_is_not_certain_is_never_served(
        sent in honest(), peer in prop_oneof![Just(None), bytes(0..60).prop_map(Some)], xfcc in vec(xfcc(), 0..3), s3 in any::<bool>(),
    ) {
        let certain = xfcc.len() == 1 && peer.as_deref() == Some(CALLER.as_bytes());
        let sent = xfcc.iter().fold(sent.without("x-forwarded-client-cert").from(peer.as_deref()), |sent, value| {
            sent.with("x-forwarded-client-cert", value)
        });
        let served = run(&mut warm(s3, ""), &sent, &[]).is_some();
        prop_assert!(certain || !served);
    }

    #[test]
    fn no_configuration_panics(text in bytes(0..300), pieces in vec(select(vec![
        "{", "}", "[", "]", ":", ",", "\"sts\"", "\"callers\"", "\"session\"", "\"policy\"", "null", "1e9", "-1", "\"\\u0000\"",
        "\"region\"", "\"health_of\"", "true", "\"\"", " ",
    ]), 0..40)) {
        for text in [text.as_slice(), pieces.concat().as_bytes()] {
            if let Err(mistakes) = Plugin::parse(text, Host { vm_id: "v" }) {
                prop_assert!(mistakes.iter().count() > 0);
            }
        }
    }
}

#[test]
fn header_bombs_and_endless_paths_are_judged_like_any_other_request() {
    for s3 in [true, false] {
        let mut ingress = warm(s3, "");
        let mut bomb = Sent::get();
        for index in 0..5_000 {
            bomb = bomb
                .with(&format!("x-amz-meta-{}", index % 1_000), "v")
                .with("x-amz-meta-same", "")
                .with("cookie", "c");
        }
        check(&bomb, &bomb.forwarded(&mut ingress), s3);
        for piece in ["/a", "/..", "//", "%2F", "%ff", "?", "?a&", "+", "\u{1f600}"] {
            let endless = |bytes: usize| Sent::new("GET", &format!("/{}", piece.repeat(bytes / piece.len())));
            check(&endless(65_536), &endless(65_536).forwarded(&mut ingress), s3);
            // The oracle takes no longer URI than that, once it is encoded.
            assert_signed_as_aws_would(&endless(20_000).forwarded(&mut ingress), s3);
        }
        for piece in ["%", "\0", "#", "%0", "%zz", "%00"] {
            let endless = Sent::new("GET", &format!("/{}{piece}", "a".repeat(65_536)));
            assert_eq!(endless.refused(&mut ingress), irsa_core::Reason::MalformedTarget);
        }
    }
}

/// Everything that the host would do with it. What is sent on, if it is.
fn run(ingress: &mut Ingress, sent: &Sent, pieces: &[Vec<u8>]) -> Option<Headers> {
    let (mut exchange, mut step) = sent.arrive(ingress, 1);
    if sent.body == Body::Follows {
        for piece in pieces {
            if matches!(step, Step::Hold) {
                step = ingress.on_body(NOW, 1, &mut exchange, &sent.headers, piece);
            }
        }
        if matches!(step, Step::Hold) {
            step = ingress.on_end(NOW, 1, &mut exchange, &sent.headers);
        }
    }
    assert!(!exchange.is_open(), "with credentials everything is decided at its end");
    match step {
        Step::Forward(changes) => Some(sent.applied(&changes)),
        Step::Reject(refusal) => {
            assert!((400..=599).contains(&refusal.reason.status()));
            assert!(serde_json::from_str::<serde_json::Value>(&refusal.body()).is_ok(), "{}", refusal.body());
            None
        }
        step => panic!("{step:?}"),
    }
}

/// What holds for every request that is sent on.
fn check(sent: &Sent, headers: &Headers, s3: bool) {
    assert_eq!(sent.peer_uri.as_deref(), Some(CALLER.as_bytes()));
    assert_eq!(only(headers, ":authority"), if s3 { S3_HOST } else { API_HOST });
    assert_eq!(only(headers, "x-mesh-caller"), CALLER);
    let signed = signed_names(headers);
    for name in [":path", "authorization", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token"] {
        assert_eq!(values(headers, name).len(), 1, "{name}");
    }
    for name in ["host", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token", "x-mesh-caller"] {
        assert!(signed.contains(&name), "{name} is not signed");
    }
    for (name, value) in headers {
        assert!(!name.starts_with("x-amz-") || signed.contains(&name.as_str()), "{name} is not signed");
        assert!(name != "host" && name != "x-forwarded-client-cert" && !name.starts_with("x-envoy-"), "{name} goes on");
        assert!(!matches!(name.as_str(), "x-amz-acl" | "x-amz-tagging") && !name.starts_with("x-amz-grant-"), "{name}");
        let ours = [":path", ":authority", "authorization", "x-mesh-caller"].contains(&name.as_str());
        let made = ours || name.starts_with("x-amz-") && sent.headers.iter().all(|(other, _)| other != name);
        let passed = sent.headers.iter().any(|(other, given)| other == name && given == value);
        let replaced = matches!(name.as_str(), "x-amz-date" | "x-amz-content-sha256" | "x-amz-security-token");
        assert!(made || passed || replaced, "{name} came from nowhere");
    }
    let path = only(headers, ":path");
    assert!(path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#'), "{path}");
}

fn bytes(len: core::ops::Range<usize>) -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), len)
}

fn pieces() -> impl Strategy<Value = Vec<Vec<u8>>> {
    vec(bytes(0..60), 0..4)
}

fn xfcc() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(XFCC.as_bytes().to_vec()),
        vec(
            select(vec![
                "URI=",
                "URI",
                "=",
                ";",
                ",",
                "\"",
                "\\",
                CALLER,
                "spiffe://example.org/x",
                "By=",
                "uri=",
                " "
            ]),
            0..8
        )
        .prop_map(|parts| parts.concat().into_bytes()),
        bytes(0..40),
    ]
}

fn known_name() -> impl Strategy<Value = String> {
    select(vec![
        "",
        "host",
        "authorization",
        "content-type",
        "content-md5",
        "range",
        "cookie",
        "te",
        "content-length",
        "transfer-encoding",
        "expect",
        "x-amz-date",
        "x-amz-security-token",
        "x-amz-content-sha256",
        "x-amz-copy-source",
        "x-amz-meta-a",
        "x-amz-meta-",
        "x-amz-acl",
        "x-amz-grant-read",
        "x-amz-",
        "x-amz",
        "x-amzn-trace-id",
        "x-amz-target",
        "x-amz-tagging",
        "x-mesh-caller",
        "x-forwarded-client-cert",
        "x-envoy-a",
        "x-forwarded-for",
        ":method",
        ":path",
        ":authority",
        ":scheme",
        ":protocol",
        ":",
    ])
    .prop_map(str::to_owned)
}

fn hostile_value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => bytes(0..40),
        2 => "[ -~]{0,30}".prop_map(String::into_bytes),
        1 => select(vec!["", " ", "\0", "\r\n", "a\nhost:evil", "UNSIGNED-PAYLOAD", "my-bucket/key", CALLER, "5", "\u{feff}"])
            .prop_map(|text| text.as_bytes().to_vec()),
    ]
}

/// Names are what Envoy lets through: tokens in lower case.
fn hostile() -> impl Strategy<Value = Sent> {
    let name = prop_oneof![4 => known_name(), 1 => "[a-z0-9!#$%&'*+.^_`|~-]{1,12}", 1 => "x-amz-[a-z-]{0,9}"];
    let target = prop_oneof![
        4 => "/[a-z]{0,5}(\\?[a-z=&]{0,8})?".prop_map(String::into_bytes),
        2 => bytes(0..80).prop_map(|rest| [&b"/"[..], &rest].concat()),
        1 => bytes(0..40),
    ];
    let method = prop_oneof![6 => Just(b"GET".to_vec()), 1 => bytes(0..8)];
    let peer =
        prop_oneof![6 => Just(Some(CALLER.as_bytes().to_vec())), 1 => Just(None), 1 => bytes(0..30).prop_map(Some)];
    let xfcc = prop_oneof![6 => Just(XFCC.as_bytes().to_vec()), 1 => xfcc()];
    (vec((name, hostile_value()), 0..12), target, method, peer, xfcc, any::<bool>(), any::<bool>()).prop_map(
        |(more, target, method, peer_uri, xfcc, has_body, first)| {
            let mut headers: Headers = vec![
                (":method".into(), method),
                (":path".into(), target),
                (":authority".into(), b"a".to_vec()),
                ("x-forwarded-client-cert".into(), xfcc),
            ];
            if first {
                headers.extend(more);
            } else {
                headers.splice(0..0, more);
            }
            Sent { headers, peer_uri, body: if has_body { Body::Follows } else { Body::None }, ..Sent::get() }
        },
    )
}

/// A request that must be served, with every kind of text that the oracle can read.
fn honest() -> impl Strategy<Value = Sent> {
    let name = select(vec![
        "content-type",
        "content-md5",
        "range",
        "accept",
        "user-agent",
        "x-amz-meta-a",
        "x-amz-meta-b",
        "x-amz-target",
        "x-amz-checksum-crc32",
        "x-amz-storage-class",
        "x-amzn-trace-id",
        "x-request-id",
        "x-amz-date",
        "authorization",
        "x-mesh-caller",
        "x-envoy-attempt-count",
        "x-amz-security-token",
    ]);
    let value = "([!-~\u{a0}-\u{ffff}]{1,8}( {1,3}[!-~]{1,4}){0,2})?";
    let path = "/([A-Za-z0-9._~/ +=:@()*!-]|%[1-9A-F][0-9a-fA-F]|\u{e9}|\u{1f600}){0,20}";
    // The oracle reads a query as UTF-8 only.
    let query = "(\\?([A-Za-z0-9._~ +=&/?:@-]|%[2-7][0-9a-fA-F]|\u{e9}){0,20})?";
    let method = select(vec!["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH"]);
    (vec((name, value), 0..10), path, query, method, any::<bool>()).prop_map(|(more, path, query, method, has_body)| {
        let sent = more
            .iter()
            .fold(Sent::new(method, &format!("{path}{query}")), |sent, (name, value)| sent.with(name, value));
        Sent { body: if has_body { Body::Follows } else { Body::None }, ..sent }
    })
}
