//! The vectors inside a wasm engine: what is shipped is not the native code that the other tests run.
#![cfg(target_arch = "wasm32")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "clippy does not see that these are tests")]

mod vectors;

use sts::{AssumeRole, ErrorKind, Retry, WebIdentityToken, read_answer};
use vectors::{ACCESS_KEY_ID, ASSUMED_ROLE_ARN, EXPIRES_AT, ISSUED, SECRET_ACCESS_KEY, SESSION_TOKEN, TOKEN, refusal};
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
fn a_documented_answer_is_read_in_full() {
    let token = WebIdentityToken::parse(TOKEN.as_bytes()).unwrap();
    let issued = read_answer(200, ISSUED.as_bytes(), &token).unwrap();
    assert_eq!(issued.credentials.access_key_id, ACCESS_KEY_ID);
    assert_eq!(issued.credentials.secret_access_key.expose(), SECRET_ACCESS_KEY);
    assert_eq!(issued.credentials.session_token.as_ref().map(sigv4::Secret::expose), Some(SESSION_TOKEN));
    assert_eq!(issued.expires_at, EXPIRES_AT);
    assert_eq!(issued.assumed_role_arn.as_deref(), Some(ASSUMED_ROLE_ARN));
    assert!(issued.check_valid_at(EXPIRES_AT - 1).is_ok() && issued.check_valid_at(EXPIRES_AT).is_err());
}

#[wasm_bindgen_test]
fn every_beginning_of_an_answer_is_garbled() {
    let token = WebIdentityToken::parse(TOKEN.as_bytes()).unwrap();
    for end in 0..ISSUED.trim_end().len() {
        assert_eq!(read_answer(200, &ISSUED.as_bytes()[..end], &token).unwrap_err().kind, ErrorKind::Garbled);
    }
}

#[wasm_bindgen_test]
fn a_refusal_is_classified_and_its_echo_of_the_token_removed() {
    let token = WebIdentityToken::parse(TOKEN.as_bytes()).unwrap();
    let body = refusal("AccessDenied", &format!("Not authorized: {TOKEN}"));
    let error = read_answer(403, body.as_bytes(), &token).unwrap_err();
    assert_eq!((error.kind, error.retry, error.denied()), (ErrorKind::Denied, Retry::Slow, true));
    assert_eq!(error.to_string(), "AccessDenied: Not authorized: [token]");
    let error = read_answer(400, refusal("Throttling", "Rate exceeded").as_bytes(), &token).unwrap_err();
    assert_eq!((error.kind, error.retry, error.denied()), (ErrorKind::Throttled, Retry::Soon, false));
}

#[wasm_bindgen_test]
fn the_form_is_that_of_the_api_reference() {
    let token = WebIdentityToken::parse(b"aa.bb.cc").unwrap();
    let ask = AssumeRole { role_arn: "arn:aws:iam::1:role/r", session_name: "s", duration_seconds: 900, policy: None };
    let expected = "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr\
        &RoleSessionName=s&DurationSeconds=900&WebIdentityToken=aa.bb.cc";
    assert_eq!(ask.form_body(&token).expose(), expected.as_bytes());
}
