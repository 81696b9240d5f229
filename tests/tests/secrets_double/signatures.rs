//! Whose calls are let through.

use std::time::Duration;

use e2e::aws::Policy;
use e2e::secrets::{CallOutcome, HOME, OTHER, may_read};
use serde_json::json;

use crate::support::{CERTIFICATE, HOUR, KEY, World, assert_refused};

#[test]
fn a_call_signed_by_a_role_that_may_read_is_answered_and_noted() {
    let world = World::new();
    let answer = world.get(KEY).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json().unwrap()["SecretString"], world.svid.key_pem);
    let calls = world.secrets.calls().all();
    assert_eq!(calls.len(), 1);
    let call = &calls[0];
    assert_eq!((call.region.as_str(), call.secret.as_str(), &call.version_id), (HOME, KEY, &None));
    assert_eq!(call.outcome, CallOutcome::Answered);
    assert_eq!(call.access_key_id.as_deref(), Some(world.session.access_key_id.as_str()));
}

#[test]
fn an_unsigned_call_is_refused() {
    let world = World::new();
    let caller = world.caller();
    let body = json!({ "SecretId": KEY }).to_string();
    let mut headers = caller.headers(&body);
    headers.retain(|(name, _)| name != "authorization");
    let answer = caller.client.send(&caller.request(&headers, &body)).unwrap();
    assert_refused(&answer, 400, "MissingAuthenticationTokenException");
}

#[test]
fn what_was_changed_after_signing_is_refused() {
    let world = World::new();
    let caller = world.caller();
    let headers = caller.headers(&json!({ "SecretId": CERTIFICATE }).to_string());
    let other = json!({ "SecretId": KEY }).to_string();
    let answer = caller.client.send(&caller.request(&headers, &other)).unwrap();
    assert_refused(&answer, 400, "InvalidSignatureException");

    let body = json!({ "SecretId": KEY }).to_string();
    let mut headers = caller.headers(&body);
    for (_, value) in headers.iter_mut().filter(|(name, _)| name == "x-amz-target") {
        "secretsmanager.DescribeSecret".clone_into(value);
    }
    let answer = caller.client.send(&caller.request(&headers, &body)).unwrap();
    assert_refused(&answer, 400, "InvalidSignatureException");
}

#[test]
fn a_header_of_amazons_that_is_not_signed_is_refused() {
    let world = World::new();
    let caller = world.caller();
    let body = json!({ "SecretId": KEY }).to_string();
    let mut headers = caller.headers(&body);
    headers.push(("x-amz-extra".to_owned(), "1".to_owned()));
    let answer = caller.client.send(&caller.request(&headers, &body)).unwrap();
    assert_refused(&answer, 400, "InvalidSignatureException");
}

#[test]
fn another_service_and_an_unknown_region_are_refused() {
    let world = World::new();
    for (region, service) in [(HOME, "sts"), ("eu-central-1", "secretsmanager")] {
        let mut caller = world.caller();
        (caller.region, caller.service) = (region.to_owned(), service.to_owned());
        let answer = caller.call(&json!({ "SecretId": KEY })).unwrap();
        assert_refused(&answer, 400, "InvalidSignatureException");
    }
}

#[test]
fn a_clock_that_is_off_by_more_than_fifteen_minutes_is_refused() {
    let world = World::new();
    let mut caller = world.caller();
    caller.time = world.clock.now() - Duration::from_secs(16 * 60);
    let answer = caller.call(&json!({ "SecretId": KEY })).unwrap();
    assert_refused(&answer, 400, "InvalidSignatureException");
    world.clock.set_skew(-16 * 60);
    let answer = caller.call(&json!({ "SecretId": KEY })).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn credentials_that_are_unknown_or_expired_are_refused() {
    let world = World::new();
    let stranger = World::new();
    let mut caller = world.caller();
    caller.session = stranger.session;
    assert_refused(&caller.call(&json!({ "SecretId": KEY })).unwrap(), 400, "UnrecognizedClientException");

    world.clock.set_skew(3700);
    let mut caller = world.caller();
    assert_refused(&caller.call(&json!({ "SecretId": KEY })).unwrap(), 400, "ExpiredTokenException");
    caller.session = world.secrets.session(may_read("staging", "reports"), HOUR);
    assert_eq!(caller.call(&json!({ "SecretId": KEY })).unwrap().status, 200);
}

#[test]
fn a_role_reads_only_what_its_policy_names() {
    let world = World::new();
    let mut caller = world.caller();
    caller.session = world.secrets.session(may_read("production", "reports"), HOUR);
    assert_refused(&caller.call(&json!({ "SecretId": KEY })).unwrap(), 400, "AccessDeniedException");
    caller.session = world.secrets.session(Policy::nothing(), HOUR);
    assert_refused(&caller.call(&json!({ "SecretId": KEY })).unwrap(), 400, "AccessDeniedException");
}

#[test]
fn a_function_can_do_nothing_but_read_values() {
    let world = World::new();
    let mut caller = world.caller();
    for operation in ["PutSecretValue", "DescribeSecret", "ListSecrets", "DeleteSecret"] {
        operation.clone_into(&mut caller.operation);
        let answer = caller.call(&json!({ "SecretId": KEY })).unwrap();
        assert_refused(&answer, 400, "UnknownOperationException");
    }
}

#[test]
fn regions_are_told_apart_by_the_signature() {
    let world = World::new();
    let mut caller = world.caller();
    caller.region = OTHER.to_owned();
    let answer = caller.call(&json!({ "SecretId": KEY })).unwrap();
    assert_refused(&answer, 400, "ResourceNotFoundException");
    assert_eq!(world.secrets.calls().all()[0].region, OTHER);
}
