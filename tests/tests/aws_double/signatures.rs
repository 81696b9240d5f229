//! Signatures that AWS would refuse are refused, by S3 and by API Gateway, each in its own words.

use std::time::Duration;

use e2e::aws::{AwsDouble, Service};
use e2e::client::Response;

use crate::support::{Creds, Form, SECOND, Signed, Signer, assert_refused, aws, credentials};

const MISMATCH: (u16, &str) = (403, "SignatureDoesNotMatch");
const API_MISMATCH: (u16, &str) = (403, "InvalidSignatureException");

/// Sends the same tampering to both services and expects each to refuse it in its way.
#[track_caller]
fn refused_by_both(s3: (u16, &str), api: (u16, &str), make: impl Fn(&AwsDouble, &Creds, bool) -> Signed) {
    let aws = aws();
    let creds = credentials(&aws);
    let response: Response = make(&aws, &creds, true).to_s3(&aws);
    assert_refused(&response, s3.0, s3.1);
    let response = make(&aws, &creds, false).to_api(&aws);
    assert_refused(&response, api.0, api.1);
    let allowed = aws.journal().filter(|entry| entry.service != Service::Sts && entry.allowed());
    assert!(allowed.is_empty(), "{allowed:#?}");
    assert!(aws.api_gateway().events().is_empty());
}

fn signer(aws: &AwsDouble, creds: &Creds, s3: bool) -> Signer {
    if s3 { Signer::s3(aws, creds) } else { Signer::api(aws, creds) }
}

fn target(s3: bool) -> &'static str {
    if s3 { "/a/hello.txt?x-id=GetObject" } else { "/prod/hello?x-id=GetObject" }
}

fn good(aws: &AwsDouble, creds: &Creds, s3: bool) -> Signed {
    signer(aws, creds, s3).sign("GET", target(s3), &[("x-mesh-caller", "spiffe://mesh/app-b")], b"")
}

#[test]
fn good_signatures_are_accepted_by_both() {
    let aws = aws();
    let creds = credentials(&aws);
    let response = good(&aws, &creds, true).to_s3(&aws);
    assert_eq!((response.status, response.body.as_slice()), (200, &b"0123456789"[..]));
    let response = good(&aws, &creds, false).to_api(&aws);
    assert_eq!(response.status, 200, "{}", response.text());
}

#[test]
fn a_wrong_signature_is_refused() {
    refused_by_both(MISMATCH, API_MISMATCH, |aws, creds, s3| {
        let signed = good(aws, creds, s3);
        let (_, authorization) = signed.headers.iter().find(|(name, _)| name == "authorization").unwrap();
        let (start, signature) = authorization.split_once("Signature=").unwrap();
        let flipped: String = signature.chars().rev().collect();
        let forged = format!("{start}Signature={flipped}");
        signed.set("authorization", &forged)
    });
}

#[test]
fn a_wrong_secret_is_refused() {
    refused_by_both(MISMATCH, API_MISMATCH, |aws, creds, s3| {
        good(aws, &Creds { secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(), ..creds.clone() }, s3)
    });
}

#[test]
fn an_altered_path_is_refused() {
    refused_by_both(MISMATCH, API_MISMATCH, |aws, creds, s3| {
        let mut signed = good(aws, creds, s3);
        signed.target = signed.target.replace("hello", "hullo");
        signed
    });
}

#[test]
fn an_altered_query_is_refused() {
    refused_by_both(MISMATCH, API_MISMATCH, |aws, creds, s3| {
        let mut signed = good(aws, creds, s3);
        signed.target.push_str("&more=1");
        signed
    });
}

#[test]
fn an_altered_method_is_refused() {
    refused_by_both(MISMATCH, API_MISMATCH, |aws, creds, s3| {
        let mut signed = good(aws, creds, s3);
        signed.method = "DELETE".to_owned();
        signed
    });
}

#[test]
fn an_altered_signed_header_is_refused() {
    refused_by_both(MISMATCH, API_MISMATCH, |aws, creds, s3| {
        good(aws, creds, s3).set("x-mesh-caller", "spiffe://mesh/admin")
    });
}

#[test]
fn a_second_value_of_a_signed_header_is_refused() {
    refused_by_both(MISMATCH, API_MISMATCH, |aws, creds, s3| {
        good(aws, creds, s3).add("x-mesh-caller", "spiffe://mesh/admin")
    });
}

#[test]
fn a_signed_header_that_did_not_arrive_is_refused() {
    let (s3, api) = ((400, "AuthorizationHeaderMalformed"), (403, "IncompleteSignatureException"));
    refused_by_both(s3, api, |aws, creds, s3| good(aws, creds, s3).remove("x-mesh-caller"));
}

#[test]
fn an_amz_header_added_after_signing_is_refused() {
    refused_by_both((403, "AccessDenied"), API_MISMATCH, |aws, creds, s3| {
        good(aws, creds, s3).add("x-amz-meta-role", "admin")
    });
}

#[test]
fn a_host_that_is_not_signed_is_refused() {
    refused_by_both((403, "AccessDenied"), API_MISMATCH, |aws, creds, s3| {
        good(aws, creds, s3).edit_authorization("SignedHeaders=host;", "SignedHeaders=")
    });
}

#[test]
fn unsorted_signed_headers_are_refused() {
    let (s3, api) = ((400, "AuthorizationHeaderMalformed"), (403, "IncompleteSignatureException"));
    refused_by_both(s3, api, |aws, creds, s3| {
        good(aws, creds, s3).edit_authorization("SignedHeaders=host;", "SignedHeaders=x-mesh-caller;host;")
    });
}

#[test]
fn a_missing_session_token_is_refused() {
    let (s3, api) = ((403, "InvalidAccessKeyId"), (403, "UnrecognizedClientException"));
    refused_by_both(s3, api, |aws, creds, s3| good(aws, &Creds { token: None, ..creds.clone() }, s3));
}

#[test]
fn another_sessions_token_is_refused() {
    let (s3, api) = ((400, "InvalidToken"), (403, "UnrecognizedClientException"));
    refused_by_both(s3, api, |aws, creds, s3| {
        let other = credentials(aws);
        good(aws, &Creds { token: other.token, ..creds.clone() }, s3)
    });
}

#[test]
fn an_unknown_access_key_is_refused() {
    let (s3, api) = ((403, "InvalidAccessKeyId"), (403, "UnrecognizedClientException"));
    refused_by_both(s3, api, |aws, creds, s3| {
        good(aws, &Creds { key: "ASIAIOSFODNN7EXAMPLE".to_owned(), ..creds.clone() }, s3)
    });
}

#[test]
fn an_expired_session_is_refused() {
    let (s3, api) = ((400, "ExpiredToken"), (403, "ExpiredTokenException"));
    refused_by_both(s3, api, |aws, creds, s3| {
        aws.clock().set_skew(3601);
        good(aws, creds, s3)
    });
}

#[test]
fn a_session_ends_when_its_short_lifetime_does() {
    let aws = aws();
    aws.sts_control().hand_out_lifetime(Some(Duration::from_secs(30)));
    let creds = Form::good(&aws).with("DurationSeconds", "900").credentials(&aws);
    assert_eq!(good(&aws, &creds, true).to_s3(&aws).status, 200);
    aws.clock().set_skew(30);
    assert_refused(&good(&aws, &creds, true).to_s3(&aws), 400, "ExpiredToken");
}

#[test]
fn a_wrong_region_in_the_scope_is_refused() {
    refused_by_both((400, "AuthorizationHeaderMalformed"), API_MISMATCH, |aws, creds, s3| {
        Signer { region: "us-east-1", ..signer(aws, creds, s3) }.get(target(s3))
    });
}

#[test]
fn a_wrong_service_in_the_scope_is_refused() {
    refused_by_both((400, "AuthorizationHeaderMalformed"), API_MISMATCH, |aws, creds, s3| {
        Signer { service: "sts", ..signer(aws, creds, s3) }.get(target(s3))
    });
}

#[test]
fn a_scope_of_another_day_is_refused() {
    refused_by_both((400, "AuthorizationHeaderMalformed"), API_MISMATCH, |aws, creds, s3| {
        let signed = good(aws, creds, s3);
        let (_, date) = signed.headers.iter().find(|(name, _)| name == "x-amz-date").unwrap();
        let day = date[..8].to_owned();
        signed.edit_authorization(&format!("/{day}/"), "/20150830/")
    });
}

#[test]
fn a_date_more_than_fifteen_minutes_old_is_refused() {
    refused_by_both((403, "RequestTimeTooSkewed"), API_MISMATCH, |aws, creds, s3| {
        let time = aws.clock().now() - 901 * SECOND;
        Signer { time, ..signer(aws, creds, s3) }.get(target(s3))
    });
}

#[test]
fn a_date_more_than_fifteen_minutes_ahead_is_refused() {
    refused_by_both((403, "RequestTimeTooSkewed"), API_MISMATCH, |aws, creds, s3| {
        let time = aws.clock().now() + 905 * SECOND;
        Signer { time, ..signer(aws, creds, s3) }.get(target(s3))
    });
}

#[test]
fn a_date_within_fifteen_minutes_is_accepted() {
    let aws = aws();
    let creds = credentials(&aws);
    for time in [aws.clock().now() - 890 * SECOND, aws.clock().now() + 890 * SECOND] {
        assert_eq!(Signer { time, ..Signer::s3(&aws, &creds) }.get("/a/hello.txt").to_s3(&aws).status, 200);
        assert_eq!(Signer { time, ..Signer::api(&aws, &creds) }.get("/prod/x").to_api(&aws).status, 200);
    }
}

#[test]
fn the_shifted_clock_of_the_double_is_what_counts() {
    let aws = aws();
    aws.sts_control().date_skew(Some(-7200));
    let creds = credentials(&aws);
    assert_eq!(Signer::s3(&aws, &creds).get("/a/hello.txt").to_s3(&aws).status, 200);
    let time = aws.clock().now() + 7200 * SECOND;
    let late = Signer { time, ..Signer::s3(&aws, &creds) }.get("/a/hello.txt").to_s3(&aws);
    assert_refused(&late, 403, "RequestTimeTooSkewed");
}

#[test]
fn a_body_that_is_not_the_hashed_one_is_refused() {
    let aws = aws();
    let creds = credentials(&aws);
    let mut put = Signer { unsigned_payload: false, ..Signer::s3(&aws, &creds) }.sign("PUT", "/a/b", &[], b"honest");
    put.body = b"forged".to_vec();
    assert_refused(&put.to_s3(&aws), 400, "XAmzContentSHA256Mismatch");
    assert!(aws.s3().get_object("docs", "a/b").is_err());

    let mut post = Signer::api(&aws, &creds).sign("POST", "/prod/x", &[], b"honest");
    post.body = b"forged".to_vec();
    assert_refused(&post.to_api(&aws), 403, "InvalidSignatureException");
    assert!(aws.api_gateway().events().is_empty());
}

#[test]
fn an_unsigned_payload_is_refused_outside_s3() {
    let aws = aws();
    let creds = credentials(&aws);
    let headers = [("x-amz-content-sha256", "UNSIGNED-PAYLOAD")];
    let post = Signer { unsigned_payload: true, ..Signer::api(&aws, &creds) }.sign("POST", "/prod/x", &headers, b"x");
    assert_eq!(post.to_api(&aws).status, 403);
}

#[test]
fn s3_wants_the_content_hash() {
    let aws = aws();
    let creds = credentials(&aws);
    let signed = Signer::s3(&aws, &creds).get("/a/hello.txt");
    let signed = signed.remove("x-amz-content-sha256").edit_authorization("x-amz-content-sha256;", "");
    assert_refused(&signed.to_s3(&aws), 400, "InvalidRequest");
}

#[test]
fn presigned_urls_are_refused() {
    let aws = aws();
    let query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=ASIAX&X-Amz-Signature=00";
    let signed = Signed {
        method: "GET".to_owned(),
        target: format!("/a/hello.txt?{query}"),
        headers: vec![("host".to_owned(), aws.s3().bucket_hostname("docs"))],
        body: Vec::new(),
    };
    assert_refused(&signed.to_s3(&aws), 403, "AccessDenied");
}

#[test]
fn broken_authorization_headers_are_refused() {
    let aws = aws();
    let creds = credentials(&aws);
    for broken in [
        "",
        "Bearer abc",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=ASIAX, SignedHeaders=host",
        "AWS4-HMAC-SHA256 Credential=ASIAX/20260101/us-west-2/s3, SignedHeaders=host, Signature=00",
        "AWS4-HMAC-SHA256 Credential=A/20260101/us-west-2/s3/aws4_request, SignedHeaders=Host, Signature=00",
        "AWS4-HMAC-SHA256 Credential=A/20260101/us-west-2/s3/aws4_request, SignedHeaders=host, Signature=00",
        "AWS4-HMAC-SHA256 Credential=A, Credential=A, SignedHeaders=host, Signature=00",
    ] {
        let signed = good(&aws, &creds, true).set("authorization", broken);
        assert_refused(&signed.to_s3(&aws), 400, "AuthorizationHeaderMalformed");
    }
    let twice = good(&aws, &creds, true).add("authorization", "AWS4-HMAC-SHA256 x");
    assert_refused(&twice.to_s3(&aws), 400, "AuthorizationHeaderMalformed");
}

#[test]
fn the_explanation_of_a_mismatch_means_the_same_as_the_verdict() {
    use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
    let aws = aws();
    let creds = credentials(&aws);
    // Sign something odd, spoil the signature, and compute a signature from what the double says was to be signed.
    let headers = [("x-mesh-caller", "  a   b "), ("x-two", "1"), ("x-two", "2")];
    for (s3, target) in [(true, "/a/he%20llo/../x%2Fy?b=2&a=1&a=%20%2B&c"), (false, "/prod//a/./b/../c%20d/?b=2&a=~")] {
        let signer = signer(&aws, &creds, s3);
        let signed = signer.sign("GET", target, &headers, b"");
        let (_, authorization) = signed.headers.iter().find(|(name, _)| name == "authorization").unwrap();
        let right = authorization.rsplit('=').next().unwrap().to_owned();
        let spoilt = signed.clone().edit_authorization(&right, &"0".repeat(64));
        let response = if s3 { spoilt.to_s3(&aws) } else { spoilt.to_api(&aws) };
        let string_to_sign = if s3 {
            response.xml("StringToSign").unwrap()
        } else {
            let message = response.json().unwrap()["message"].as_str().unwrap().to_owned();
            let (_, rest) = message.split_once("String-to-Sign should have been\n'").unwrap();
            rest.trim_end_matches(['\n', '\'']).to_owned()
        };
        let key = generate_signing_key(&creds.secret, signer.time, signer.region, signer.service);
        assert_eq!(calculate_signature(key, string_to_sign.as_bytes()), right, "{}", response.text());
    }
}
