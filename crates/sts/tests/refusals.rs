//! How STS's errors are classified, and what of its message is kept.
#![cfg(not(target_arch = "wasm32"))]
#![expect(
    clippy::unwrap_used,
    clippy::string_slice,
    reason = "in tests a panic is the verdict, and the vectors are ASCII"
)]

mod vectors;

use sts::{ErrorKind, Retry, StsError, WebIdentityToken, read_answer};
use vectors::{TOKEN, refusal};

fn token() -> WebIdentityToken {
    WebIdentityToken::parse(TOKEN.as_bytes()).unwrap()
}

fn read(status: u16, body: &str) -> StsError {
    read_answer(status, body.as_bytes(), &token()).unwrap_err()
}

fn message_of(message: &str) -> String {
    let error = read(400, &refusal("ValidationError", message));
    assert_eq!(error.code, "ValidationError", "{error}");
    error.message
}

#[test]
fn every_known_code_has_its_class_whatever_its_status() {
    use ErrorKind::*;
    use Retry::*;
    let table = [
        // Statuses and messages as the API Reference and public reports show them.
        (403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", Denied, Slow),
        (403, "AccessDeniedException", "User is not authorized", Denied, Slow),
        (
            400,
            "InvalidIdentityToken",
            "No OpenIDConnect provider found in your account for https://oidc.example",
            IdentityRefused,
            Slow,
        ),
        (400, "InvalidIdentityToken", "Incorrect token audience", IdentityRefused, Slow),
        (403, "IDPRejectedClaim", "graph.facebook.com responded with HTTP/1.1 400 Bad Request", IdentityRefused, Slow),
        (400, "MalformedPolicyDocument", "Syntax errors in policy.", PolicyRefused, Slow),
        (400, "PackedPolicyTooLarge", "Packed policy consumes 112% of allotted space", PolicyRefused, Slow),
        (
            403,
            "RegionDisabledException",
            "STS is not activated in this region for account:123456789012.",
            RegionDisabled,
            Slow,
        ),
        (403, "RegionDisabled", "STS is not activated in this region for account:123456789012.", RegionDisabled, Slow),
        (400, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration", RequestRefused, Slow),
        (400, "MissingParameter", "The request must contain the parameter RoleArn", RequestRefused, Slow),
        (
            400,
            "ExpiredTokenException",
            "Token expired: current date/time 1 must be before the expiration date/time 0",
            TokenExpired,
            Soon,
        ),
        (400, "ExpiredToken", "Token expired", TokenExpired, Soon),
        (400, "IDPCommunicationError", "Error communicating with identity provider", IdpUnreachable, Soon),
        (400, "Throttling", "Rate exceeded", Throttled, Soon),
        (400, "ThrottlingException", "Rate exceeded", Throttled, Soon),
        (400, "RequestLimitExceeded", "Request limit exceeded.", Throttled, Soon),
        (400, "TooManyRequestsException", "Too many requests", Throttled, Soon),
        (503, "ServiceUnavailable", "Service is unavailable", Unavailable, Soon),
        (500, "InternalFailure", "We encountered an internal error.", Unavailable, Soon),
        (500, "InternalError", "We encountered an internal error.", Unavailable, Soon),
    ];
    for (documented, code, message, kind, retry) in table {
        for status in [documented, 400, 403, 404, 429, 500, 503] {
            let error = read(status, &refusal(code, message));
            assert_eq!((error.kind, error.retry), (kind, retry), "{status} {code}");
            assert_eq!((error.code.as_str(), error.message.as_str()), (code, message), "{status}");
            assert_eq!(error.denied(), retry == Slow, "{status} {code}");
            assert_eq!(error.to_string(), format!("{code}: {message}"));
        }
    }
}

#[test]
fn a_code_that_is_not_known_is_classified_by_its_status() {
    for (status, kind) in [
        (400, ErrorKind::RequestRefused),
        (401, ErrorKind::RequestRefused),
        (403, ErrorKind::RequestRefused),
        (404, ErrorKind::RequestRefused),
        (413, ErrorKind::RequestRefused),
        (429, ErrorKind::Throttled),
        (500, ErrorKind::Unavailable),
        (502, ErrorKind::Unavailable),
        (503, ErrorKind::Unavailable),
        (504, ErrorKind::Unavailable),
        (599, ErrorKind::Unavailable),
    ] {
        let error = read(status, &refusal("SomethingNew", "new"));
        assert_eq!((error.kind, error.retry, error.code.as_str()), (kind, kind.retry(), "SomethingNew"), "{status}");
    }
    for near in ["accessdenied", "AccessDenied2", "Throttling.User", "Exception", "XAccessDenied"] {
        assert_eq!(read(400, &refusal(near, "")).kind, ErrorKind::RequestRefused, "{near}");
    }
}

#[test]
fn an_answer_without_a_readable_code_never_counts_as_a_refusal_by_sts() {
    let truncated = refusal("AccessDenied", "Not authorized");
    let bodies = [
        "",
        "upstream connect error or disconnect/reset before headers. reset reason: connection timeout",
        "<html><body><h1>403 Forbidden</h1></body></html>",
        "{\"Error\":{\"Code\":\"AccessDenied\"}}",
        "<ErrorResponse/>",
        "<ErrorResponse><Error/></ErrorResponse>",
        "<ErrorResponse><Error><Code/></Error></ErrorResponse>",
        "<ErrorResponse><Error><Code>Two words</Code></Error></ErrorResponse>",
        "<ErrorResponse><Error><Code>A</Code><Code>B</Code></Error></ErrorResponse>",
        "<ErrorResponse><Error><Code>A</Code></Error><Error><Code>B</Code></Error></ErrorResponse>",
        "<ErrorResponse><Error><Code>A</Code><Message/><Message/></Error></ErrorResponse>",
        "<!DOCTYPE x><ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>",
        &truncated[..truncated.len() - 20],
    ];
    for body in bodies {
        for (status, kind) in [
            (400, ErrorKind::Garbled),
            (403, ErrorKind::Garbled),
            (404, ErrorKind::Garbled),
            (302, ErrorKind::Garbled),
            (429, ErrorKind::Throttled),
            (500, ErrorKind::Unavailable),
            (503, ErrorKind::Unavailable),
        ] {
            let error = read(status, body);
            assert_eq!(
                (error.kind, error.retry, error.code.as_str()),
                (kind, Retry::Soon, kind.as_str()),
                "{status} {body}"
            );
            assert!(!error.denied() && error.message.contains(&status.to_string()), "{error}");
            assert!(
                !error.message.contains("connection timeout") && !error.message.contains("AccessDenied"),
                "{error}"
            );
        }
    }
    let error = read(204, &refusal("AccessDenied", "no"));
    assert_eq!(error.kind, ErrorKind::Garbled, "a status that promises success does not go with an error");
}

#[test]
fn errors_of_front_ends_in_another_namespace_are_understood() {
    let body = "<?xml version=\"1.0\"?>\n<ErrorResponse xmlns=\"http://webservices.amazon.com/AWSFault/2005-15-09\">\n<Error>\
        <Type>Sender</Type><Code>Throttling</Code><Message>Rate exceeded</Message></Error><RequestId>1</RequestId></ErrorResponse>";
    assert_eq!(read(400, body).kind, ErrorKind::Throttled);
    let bare = "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>";
    let error = read(403, bare);
    assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Denied, ""));
}

#[test]
fn every_beginning_of_a_refusal_is_soon_retried() {
    let body = refusal("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity");
    let body = body.trim_end();
    for end in 0..body.len() {
        assert_eq!(read(403, &body[..end]).kind, ErrorKind::Garbled, "{end}");
    }
    assert_eq!(read(403, body).kind, ErrorKind::Denied);
}

#[test]
fn every_kind_has_a_word_and_only_refusals_are_slow() {
    use ErrorKind::*;
    for kind in [Denied, IdentityRefused, PolicyRefused, RegionDisabled, RequestRefused] {
        assert_eq!(kind.retry(), Retry::Slow, "{kind:?}");
        assert_eq!(kind.as_str(), format!("{kind:?}"));
    }
    for kind in [TokenExpired, Throttled, IdpUnreachable, Unavailable, Unreachable, TimedOut, Garbled, AlreadyExpired] {
        assert_eq!(kind.retry(), Retry::Soon, "{kind:?}");
        assert_eq!(kind.as_str(), format!("{kind:?}"));
    }
}

#[test]
fn failures_of_the_transport_are_soon_retried_and_say_where_to_look() {
    let error = StsError::unreachable("connection refused");
    assert_eq!((error.kind, error.retry, error.code.as_str()), (ErrorKind::Unreachable, Retry::Soon, "Unreachable"));
    assert!(error.message.contains("connection refused") && error.message.contains("`sts.cluster`"), "{error}");
    let error = StsError::timed_out(5);
    assert_eq!((error.kind, error.retry, error.code.as_str()), (ErrorKind::TimedOut, Retry::Soon, "TimedOut"));
    assert!(error.message.contains("5 s") && error.message.contains("`sts.timeout_seconds`"), "{error}");
}

#[test]
fn stss_message_is_kept_as_it_is() {
    let message = "No OpenIDConnect provider found in your account for https://oidc.eks.us-west-2.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE";
    assert_eq!(message_of(message), message);
    assert_eq!(
        message_of("1 validation error detected: Value &apos;x&apos; at &#39;y&#39; — é"),
        "1 validation error detected: Value 'x' at 'y' — é"
    );
    assert_eq!(
        message_of("  arn:aws:iam::123456789012:role/mybucket-proxy \n"),
        "arn:aws:iam::123456789012:role/mybucket-proxy"
    );
}

#[test]
fn an_echo_of_the_token_or_of_a_part_of_it_is_removed() {
    let parts: Vec<&str> = TOKEN.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("three parts") };
    for echo in [TOKEN, header, payload, signature, &TOKEN[..80], &TOKEN[60..], &payload[30..50], &signature[10..22]] {
        for (before, after) in
            [("the token ", " is bad"), ("'", "'"), ("token=", "&amp;x"), ("", ""), ("xx", "yy"), (".", ".")]
        {
            let message = message_of(&format!("{before}{echo}{after}"));
            assert!(message.contains("[token]"), "{message}");
            for start in 0..=echo.len() - 12 {
                assert!(!message.contains(&echo[start..start + 12]), "{message}");
            }
        }
    }
    assert_eq!(
        message_of(&format!("bad token '{TOKEN}', and again {TOKEN}")),
        "bad token '[token]', and again [token]"
    );
}

#[test]
fn short_parts_of_a_token_are_removed_too_unless_they_are_words() {
    let token = WebIdentityToken::parse(b"headerA1.short.sign4ture_").unwrap();
    let body = refusal("ValidationError", "x headerA1 short sign4ture_ preheaderA1post eaderA1");
    let error = read_answer(400, body.as_bytes(), &token).unwrap_err();
    assert_eq!(error.message, "x [token] short [token] [token] eaderA1");
}

#[test]
fn another_token_is_removed_as_well() {
    let other = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJzb21lb25lLWVsc2UifQ.c2lnbmF0dXJl";
    assert_eq!(message_of(&format!("got {other}!")), "got [token]!");
    assert_eq!(message_of(&format!("got {}!", "A1b2".repeat(100))), "got [token]!", "long encoded data");
    assert_eq!(message_of("eyJ is how they start"), "eyJ is how they start");
}

#[test]
fn a_token_across_the_cut_is_not_left_half_standing() {
    for fill in 480..=520 {
        let message = message_of(&format!("{} {TOKEN}", "a b ".repeat(fill / 4) + &"c".repeat(fill % 4)));
        assert!(message.chars().count() <= 512 && !message.contains("eyJ"), "{message}");
    }
}

#[test]
fn a_code_that_echoes_the_token_is_not_taken_for_one() {
    let header = TOKEN.split('.').next().unwrap();
    let error = read(400, &refusal(header, "x"));
    assert_eq!(error.kind, ErrorKind::Garbled);
    assert!(!format!("{error:?}").contains(header));
}

#[test]
fn a_message_is_one_line_of_at_most_512_characters() {
    assert_eq!(message_of("a\nb\tc\r\nd&#10;e&#x85;f\u{7f}g"), "a b c  d e f g");
    assert_eq!(message_of("a\u{202E}b\u{2028}c\u{2066}d\u{200F}e"), "a b c d e");
    assert_eq!(message_of(&"é".repeat(600)), "é".repeat(512));
    assert_eq!(message_of(&"\u{1F600}".repeat(600)).chars().count(), 512);
    assert_eq!(message_of(&"word ".repeat(5_000)).chars().count(), 512);
}
