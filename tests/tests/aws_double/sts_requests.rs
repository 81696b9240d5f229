//! The shape of a call: STS takes a form by POST, and checks every parameter.

use std::time::Duration;

use e2e::aws::{Policy, Role};
use e2e::client::Request;

use crate::support::{ACCOUNT, Form, ROLE, assert_refused, aws};

#[test]
fn get_is_refused() {
    let aws = aws();
    let request = Request::new("GET", format!("/?{}", Form::good(&aws).encode())).host(aws.sts_hostname());
    assert_eq!(aws.sts_client().send(&request).unwrap().status, 405);
}

#[test]
fn parameters_in_the_url_are_refused() {
    let aws = aws();
    let request = Request::new("POST", "/?Action=AssumeRoleWithWebIdentity")
        .host(aws.sts_hostname())
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Form::good(&aws).encode());
    assert_refused(&aws.sts_client().send(&request).unwrap(), 400, "MalformedInput");
}

#[test]
fn another_path_host_or_content_type_is_refused() {
    let aws = aws();
    let body = Form::good(&aws).encode();
    let form = "application/x-www-form-urlencoded";
    for (path, host, kind, status) in [
        ("/sts", aws.sts_hostname(), form, 404),
        ("/", "sts.amazonaws.com", form, 400),
        ("/", aws.sts_hostname(), "application/json", 400),
        ("/", aws.sts_hostname(), "", 400),
    ] {
        let request = Request::new("POST", path).host(host).header("content-type", kind).body(&body);
        assert_eq!(aws.sts_client().send(&request).unwrap().status, status, "{path} {host} {kind}");
    }
}

#[test]
fn a_host_with_a_port_is_the_same_host() {
    let aws = aws();
    let request = Request::new("POST", "/")
        .host(&format!("{}:443", aws.sts_hostname()))
        .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
        .body(Form::good(&aws).encode());
    assert_eq!(aws.sts_client().send(&request).unwrap().status, 200);
}

#[test]
fn a_signed_call_is_refused() {
    let aws = aws();
    let request = Form::good(&aws).request(&aws).header("authorization", "AWS4-HMAC-SHA256 x");
    assert_refused(&aws.sts_client().send(&request).unwrap(), 400, "MalformedInput");
}

#[test]
fn another_action_or_version_is_refused() {
    let aws = aws();
    assert_refused(&Form::good(&aws).with("Action", "AssumeRole").send(&aws), 400, "InvalidAction");
    assert_refused(&Form::good(&aws).with("Version", "2010-05-08").send(&aws), 400, "InvalidAction");
    assert_refused(&Form::good(&aws).without("Version").send(&aws), 400, "InvalidAction");
    assert_refused(&Form::good(&aws).without("Action").send(&aws), 400, "MissingAction");
}

#[test]
fn a_missing_parameter_is_refused() {
    let aws = aws();
    for name in ["RoleArn", "RoleSessionName", "WebIdentityToken"] {
        assert_refused(&Form::good(&aws).without(name).send(&aws), 400, "ValidationError");
    }
}

#[test]
fn an_unknown_or_repeated_parameter_is_refused() {
    let aws = aws();
    assert_refused(&Form::good(&aws).with("Tags.member.1.Key", "x").send(&aws), 400, "ValidationError");
    let mut twice = Form::good(&aws);
    twice.0.push(("RoleArn", ROLE.to_owned()));
    assert_refused(&twice.send(&aws), 400, "MalformedInput");
}

#[test]
fn a_body_that_is_not_a_form_is_refused() {
    let aws = aws();
    for body in [&b"Action=%zz"[..], b"Action=%ff", b"\xff\xfe=1", b"Action=%4"] {
        let request = Request::new("POST", "/")
            .host(aws.sts_hostname())
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        assert_refused(&aws.sts_client().send(&request).unwrap(), 400, "MalformedInput");
    }
}

#[test]
fn a_bad_session_name_is_refused() {
    let aws = aws();
    for bad in ["", "x", "two words", "slash/ed", "colon:ed", "ümlaut", &"x".repeat(65)] {
        assert_refused(&Form::good(&aws).with("RoleSessionName", bad).send(&aws), 400, "ValidationError");
    }
    for good in ["ab", "a_b+c=d,e.f@g-h", &"x".repeat(64)] {
        assert_eq!(Form::good(&aws).with("RoleSessionName", good).send(&aws).status, 200, "{good}");
    }
}

#[test]
fn a_bad_duration_is_refused() {
    let aws = aws();
    for bad in ["0", "899", "43201", "99999999999999999999"] {
        let response = Form::good(&aws).with("DurationSeconds", bad).send(&aws);
        assert_eq!(response.status, 400, "{bad}: {}", response.text());
    }
    assert_refused(&Form::good(&aws).with("DurationSeconds", "an hour").send(&aws), 400, "MalformedInput");
    assert_eq!(Form::good(&aws).with("DurationSeconds", "900").send(&aws).status, 200);
}

#[test]
fn a_duration_over_the_roles_maximum_is_refused() {
    let aws = aws();
    let refused = Form::good(&aws).with("DurationSeconds", "3601").send(&aws);
    assert_refused(&refused, 400, "ValidationError");
    assert!(refused.text().contains("MaxSessionDuration"));
    let role = Role::new(ROLE, aws.trust_of(ACCOUNT), Policy::nothing());
    aws.register_role(role.with_max_session_duration(Duration::from_secs(43_200)));
    assert_eq!(Form::good(&aws).with("DurationSeconds", "43200").send(&aws).status, 200);
}

#[test]
fn an_unknown_role_is_denied_and_a_malformed_one_is_invalid() {
    let aws = aws();
    let other = "arn:aws:iam::123456789012:role/other";
    assert_refused(&Form::good(&aws).with("RoleArn", other).send(&aws), 403, "AccessDenied");
    for bad in ["docs-proxy", "arn:aws:iam::12:role/x", "arn:aws:iam::123456789012:user/x", "arn:aws:s3:::docs"] {
        assert_refused(&Form::good(&aws).with("RoleArn", bad).send(&aws), 400, "ValidationError");
    }
}

#[test]
fn a_bad_policy_is_refused() {
    let aws = aws();
    for bad in [
        "not json",
        "[]",
        "{}",
        r#"{"Statement":[]}"#,
        r#"{"Version":"2026-01-01","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#,
        r#"{"Statement":{"Effect":"allow","Action":"s3:*","Resource":"*"}}"#,
        r#"{"Statement":{"Effect":"Allow","Action":"GetObject","Resource":"*"}}"#,
        r#"{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"docs"}}"#,
        r#"{"Statement":{"Effect":"Allow","NotAction":"s3:*","Resource":"*"}}"#,
        r#"{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{}}}"#,
        r#"{"Statement":{"Effect":"Allow","Action":[1],"Resource":"*"}}"#,
    ] {
        assert_refused(&Form::good(&aws).with("Policy", bad).send(&aws), 400, "MalformedPolicyDocument");
    }
    let long =
        format!(r#"{{"Statement":{{"Effect":"Allow","Action":"s3:*","Resource":"*","Sid":"{}"}}}}"#, "x".repeat(2048));
    assert_refused(&Form::good(&aws).with("Policy", &long).send(&aws), 400, "ValidationError");
}

#[test]
fn a_policy_is_accepted_and_its_packed_size_told() {
    let aws = aws();
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}"#;
    let response = Form::good(&aws).with("Policy", policy).send(&aws);
    assert_eq!(response.status, 200, "{}", response.text());
    assert!(response.xml("PackedPolicySize").unwrap().parse::<u32>().unwrap() > 0);
}
