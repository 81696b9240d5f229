//! Each fault does what it says, and nothing else.

use std::time::{Duration, Instant};

use e2e::aws::Fault;
use e2e::client::Error;

use crate::support::{Form, PATIENCE, Signer, assert_refused, aws};

#[test]
fn down_turns_connections_away_and_cuts_live_ones() {
    let aws = aws();
    let request = Form::good(&aws).request(&aws);
    let mut live = aws.sts_client().connect().unwrap();
    assert_eq!(live.send(&request).unwrap().status, 200);
    aws.sts_control().set(Fault::Down);
    assert!(live.send(&request).is_err());
    assert!(aws.sts_client().send(&request).is_err());
    assert!(aws.sts_control().turned_away() >= 1);
    assert_eq!(aws.sts_control().calls(), 1);
    aws.sts_control().set(Fault::Healthy);
    assert_eq!(aws.sts_client().send(&request).unwrap().status, 200);
}

#[test]
fn down_for_the_next_connection_only() {
    let aws = aws();
    aws.sts_control().next(1, Fault::Down);
    let request = Form::good(&aws).request(&aws);
    assert!(aws.sts_client().send(&request).is_err());
    assert!(aws.sts_control().wait_for_turned_away(1, PATIENCE));
    assert_eq!(aws.sts_client().send(&request).unwrap().status, 200);
}

#[test]
fn errors_have_the_codes_and_statuses_of_aws() {
    let aws = aws();
    for (fault, status, code) in [
        (Fault::Status503, 503, "ServiceUnavailable"),
        (Fault::Throttling, 400, "Throttling"),
        (Fault::Deny, 403, "AccessDenied"),
        (Fault::IdpCommunicationError, 400, "IDPCommunicationError"),
        (Fault::RegionDisabled, 403, "RegionDisabledException"),
        (Fault::ExpiredToken, 400, "ExpiredTokenException"),
        (Fault::InvalidIdentityToken, 400, "InvalidIdentityToken"),
        (
            Fault::Error {
                status: 400,
                code: "PackedPolicyTooLarge",
                message: "Serialized token too large for session",
            },
            400,
            "PackedPolicyTooLarge",
        ),
    ] {
        aws.sts_control().set(fault);
        let response = Form::good(&aws).send(&aws);
        assert_refused(&response, status, code);
        assert_eq!(response.xml("Type").as_deref(), Some(if status < 500 { "Sender" } else { "Receiver" }));
        assert!(response.xml("RequestId").is_some());
    }
}

#[test]
fn faults_for_the_next_calls_come_in_order_and_then_end() {
    let aws = aws();
    aws.sts_control().next(2, Fault::Throttling);
    aws.sts_control().next(1, Fault::Status503);
    let statuses: Vec<u16> = (0..4).map(|_| Form::good(&aws).send(&aws).status).collect();
    assert_eq!(statuses, [400, 400, 503, 200]);
}

#[test]
fn slow_answers_late_but_properly() {
    let aws = aws();
    aws.sts_control().set(Fault::Slow(Duration::from_millis(300)));
    let start = Instant::now();
    assert_eq!(Form::good(&aws).send(&aws).status, 200);
    assert!(start.elapsed() >= Duration::from_millis(300));
}

#[test]
fn hang_never_answers_and_the_call_ends_with_its_client() {
    let aws = aws();
    aws.sts_control().set(Fault::Hang);
    let client = aws.sts_client().with_timeout(Duration::from_millis(300));
    assert!(matches!(client.send(&Form::good(&aws).request(&aws)), Err(Error::Timeout)));
    assert_eq!(aws.sts_control().calls(), 1);
    assert!(aws.sts_control().wait_for_quiet(PATIENCE));
}

#[test]
fn garbled_and_html_are_200_without_any_credentials() {
    let aws = aws();
    for (fault, kind) in [(Fault::Garbled, "text/xml"), (Fault::HtmlErrorPage, "text/html")] {
        aws.sts_control().set(fault);
        let response = Form::good(&aws).send(&aws);
        assert_eq!((response.status, response.header("content-type")), (200, Some(kind)));
        assert!(!response.text().contains("AccessKeyId"));
    }
}

#[test]
fn truncated_is_half_an_answer_with_a_length_to_match() {
    let aws = aws();
    aws.sts_control().set(Fault::Truncated);
    let response = Form::good(&aws).send(&aws);
    assert_eq!(response.status, 200);
    assert!(response.text().contains("<AssumeRoleWithWebIdentityResponse"));
    assert!(!response.text().contains("</AssumeRoleWithWebIdentityResponse>"));
}

#[test]
fn a_truncated_connection_ends_before_its_length() {
    let aws = aws();
    aws.sts_control().set(Fault::TruncatedConnection);
    match aws.sts_client().send(&Form::good(&aws).request(&aws)) {
        Err(Error::Truncated { received }) => assert!(received > 100, "{received}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn already_expired_says_so_and_is_so() {
    let aws = aws();
    aws.sts_control().set(Fault::AlreadyExpired);
    let creds = Form::good(&aws).credentials(&aws);
    assert_refused(&Signer::s3(&aws, &creds).get("/a/hello.txt").to_s3(&aws), 400, "ExpiredToken");
}

#[test]
fn a_missing_field_is_the_only_thing_that_is_missing() {
    let aws = aws();
    for name in ["AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"] {
        aws.sts_control().set(Fault::MissingField(name));
        let response = Form::good(&aws).send(&aws);
        assert_eq!((response.status, response.xml(name)), (200, None));
        assert!(response.xml("Credentials").is_some());
    }
    aws.sts_control().set(Fault::MissingField("Credentials"));
    assert_eq!(Form::good(&aws).send(&aws).xml("AccessKeyId"), None);
}

#[test]
fn the_expiration_tells_the_truth_about_a_short_lifetime() {
    let aws = aws();
    aws.sts_control().hand_out_lifetime(Some(Duration::from_secs(5)));
    let response = Form::good(&aws).send(&aws);
    let key = response.xml("AccessKeyId").unwrap();
    let session = aws.sessions().find(&key).unwrap();
    let left = session.expires_at.duration_since(aws.clock().now()).unwrap();
    assert!(left <= Duration::from_secs(5), "{left:?}");
    assert!(!session.is_expired(aws.clock().now()));
}

#[test]
fn a_skew_shows_in_the_date_header() {
    let aws = aws();
    let now = Form::good(&aws).send(&aws).header("date").unwrap().to_owned();
    aws.sts_control().date_skew(Some(86_400 * 400));
    let then = Form::good(&aws).send(&aws).header("date").unwrap().to_owned();
    assert_ne!(now[8..16], then[8..16], "{now} {then}");
    aws.sts_control().date_skew(None);
    assert_eq!(Form::good(&aws).send(&aws).header("date").unwrap()[..16], now[..16]);
}

#[test]
fn calls_are_counted_by_session_and_by_concurrency() {
    let aws = aws();
    aws.sts_control().set(Fault::Slow(Duration::from_millis(400)));
    std::thread::scope(|scope| {
        for index in 0..3 {
            let form = Form::good(&aws).with("RoleSessionName", if index == 0 { "one" } else { "two" });
            let aws = &aws;
            scope.spawn(move || assert_eq!(form.send(aws).status, 200));
        }
        assert!(aws.sts_control().wait_for_calls(3, PATIENCE));
    });
    let control = aws.sts_control();
    assert_eq!((control.calls(), control.max_in_flight(), control.in_flight()), (3, 3, 0));
    assert_eq!((control.calls_of_session("one"), control.calls_of_session("two")), (1, 2));
    control.reset_counters();
    assert_eq!((control.calls(), control.max_in_flight()), (0, 0));
    assert!(!control.wait_for_calls(1, Duration::from_millis(20)));
}
