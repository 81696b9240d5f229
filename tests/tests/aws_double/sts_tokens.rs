//! Tokens: what STS makes of signatures, issuers, audiences, subjects, times and rotating keys.

use std::time::Duration;

use e2e::aws::{AwsDouble, Role};
use serde_json::json;

use crate::support::{ACCOUNT, Form, ROLE, assert_refused, aws};

const AUD: &str = "sts.amazonaws.com";
const SUB: &str = "system:serviceaccount:shop:proxy";
const HOUR: Duration = Duration::from_secs(3600);

#[track_caller]
fn refused(aws: &AwsDouble, token: &str, status: u16, code: &str) {
    assert_refused(&Form::good(aws).with("WebIdentityToken", token).send(aws), status, code);
}

#[test]
fn a_good_token_is_exchanged_for_credentials() {
    let aws = aws();
    let response = Form::good(&aws).send(&aws);
    assert_eq!(response.status, 200, "{}", response.text());
    assert!(response.text().contains("xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\""));
    assert_eq!(response.xml("SubjectFromWebIdentityToken").as_deref(), Some(SUB));
    assert_eq!(response.xml("Audience").as_deref(), Some(AUD));
    let arn = "arn:aws:sts::123456789012:assumed-role/docs-proxy/ingress@shop";
    assert_eq!(response.xml("Arn").as_deref(), Some(arn));
    assert!(response.xml("AssumedRoleId").unwrap().ends_with(":ingress@shop"));
    assert!(response.xml("Provider").unwrap().contains(":oidc-provider/oidc.eks.us-west-2.amazonaws.com/id/"));
    assert!(response.xml("AccessKeyId").unwrap().starts_with("ASIA"));
    assert_eq!(response.xml("SecretAccessKey").unwrap().len(), 40);
    assert!(response.xml("SessionToken").unwrap().len() > 900);
    assert!(response.xml("Expiration").unwrap().ends_with('Z'));
    assert!(response.xml("RequestId").is_some());
    assert!(response.header("x-amzn-requestid").is_some());
    assert!(response.header("date").unwrap().ends_with("GMT"));
}

#[test]
fn credentials_are_new_each_time() {
    let aws = aws();
    let (one, two) = (Form::good(&aws).credentials(&aws), Form::good(&aws).credentials(&aws));
    assert_ne!(one.key, two.key);
    assert_ne!(one.secret, two.secret);
    assert_ne!(one.token, two.token);
}

#[test]
fn an_expired_token_is_refused() {
    let aws = aws();
    let token = aws.oidc().issue_expired(SUB, AUD);
    refused(&aws, &token, 400, "ExpiredTokenException");
}

#[test]
fn a_token_expires_by_the_clock_of_the_double() {
    let aws = aws();
    let token = aws.oidc().issue(SUB, AUD, HOUR);
    aws.clock().set_skew(3601);
    refused(&aws, &token, 400, "ExpiredTokenException");
}

#[test]
fn a_token_of_the_future_is_refused() {
    let aws = aws();
    let mut claims = aws.oidc().claims(SUB, AUD, HOUR);
    claims["nbf"] = json!(aws.clock().unix() + 1000);
    refused(&aws, &aws.oidc().issue_with(&claims), 400, "InvalidIdentityToken");
}

#[test]
fn a_token_of_another_issuer_is_refused() {
    let aws = aws();
    let mut claims = aws.oidc().claims(SUB, AUD, HOUR);
    claims["iss"] = json!("https://oidc.eks.us-west-2.amazonaws.com/id/OTHER");
    refused(&aws, &aws.oidc().issue_with(&claims), 400, "InvalidIdentityToken");
}

#[test]
fn a_token_for_another_audience_is_refused() {
    let aws = aws();
    refused(&aws, &aws.oidc().issue(SUB, "https://kubernetes.default.svc", HOUR), 400, "InvalidIdentityToken");
}

#[test]
fn a_token_of_another_subject_is_denied_by_the_trust_policy() {
    let aws = aws();
    refused(&aws, &aws.token_of("shop:other"), 403, "AccessDenied");
}

#[test]
fn a_role_that_wants_another_audience_or_issuer_denies() {
    let aws = aws();
    let mut trust = aws.trust_of(ACCOUNT);
    trust.audience = "another".to_owned();
    aws.register_role(Role::new(ROLE, trust, e2e::aws::Policy::nothing()));
    assert_refused(&Form::good(&aws).send(&aws), 403, "AccessDenied");
    let mut trust = aws.trust_of(ACCOUNT);
    trust.issuer = "https://another".to_owned();
    aws.register_role(Role::new(ROLE, trust, e2e::aws::Policy::nothing()));
    assert_refused(&Form::good(&aws).send(&aws), 403, "AccessDenied");
}

#[test]
fn a_forged_token_is_refused() {
    let aws = aws();
    refused(&aws, &aws.oidc().issue_forged(SUB, AUD, HOUR), 400, "InvalidIdentityToken");
}

#[test]
fn a_key_that_is_not_in_the_jwks_is_refused() {
    let aws = aws();
    refused(&aws, &aws.oidc().issue_by_unknown_key(SUB, AUD, HOUR), 400, "InvalidIdentityToken");
}

#[test]
fn a_token_whose_claims_were_changed_is_refused() {
    let aws = aws();
    let (mine, other) = (aws.token_of("shop:other"), aws.token_of(ACCOUNT));
    let mine: Vec<&str> = mine.split('.').collect();
    let other: Vec<&str> = other.split('.').collect();
    refused(&aws, &[mine[0], other[1], mine[2]].join("."), 400, "InvalidIdentityToken");
}

#[test]
fn an_unsigned_or_broken_token_is_refused() {
    let aws = aws();
    let good = aws.token_of(ACCOUNT);
    let claims = good.split('.').nth(1).unwrap();
    // {"alg":"none"}
    refused(&aws, &format!("eyJhbGciOiJub25lIn0.{claims}."), 400, "InvalidIdentityToken");
    refused(&aws, "not a token at all", 400, "InvalidIdentityToken");
    refused(&aws, &good[..good.len() - 10], 400, "InvalidIdentityToken");
}

#[test]
fn after_a_rotation_old_and_new_tokens_are_accepted_until_the_old_key_is_retired() {
    let aws = aws();
    let old = aws.token_of(ACCOUNT);
    aws.oidc().rotate_keys();
    let new = aws.token_of(ACCOUNT);
    assert_eq!(aws.oidc().jwks()["keys"].as_array().unwrap().len(), 2);
    for token in [&old, &new] {
        assert_eq!(Form::good(&aws).with("WebIdentityToken", token).send(&aws).status, 200);
    }
    aws.oidc().retire_old_keys();
    refused(&aws, &old, 400, "InvalidIdentityToken");
    assert_eq!(Form::good(&aws).with("WebIdentityToken", &new).send(&aws).status, 200);
}
