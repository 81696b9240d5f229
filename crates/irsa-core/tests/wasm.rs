//! Configuration, one whole exchange and a signature inside a wasm engine: what is shipped is not native code.
#![cfg(target_arch = "wasm32")]
#![expect(clippy::panic, reason = "clippy does not see that these are tests")]

use irsa_core::config::{Config, Host, Plugin};
use irsa_core::session::{Answer, Event, Now, RootStep, Shared};
use irsa_core::{Arrival, Body, Ingress, Placement, Readiness, Step};
use wasm_bindgen_test::wasm_bindgen_test;

/// 2026-11-22T05:51:21Z.
const NOW: Now = Now { wall_ms: 1_795_326_681_000, steady_ms: 0 };
const ABSENT: Shared<'_> = Shared { value: None, version: None };
const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl";
const ISSUED: &str = r#"<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleWithWebIdentityResult>
    <Credentials>
      <AccessKeyId>ASIATESTTESTTEST0001</AccessKeyId>
      <SecretAccessKey>wJalrXUtnFEMI/K7MDENG+bPxRfiCYzTESTSECRETKEY</SecretAccessKey>
      <SessionToken>IQoJb3JpZ2luX2VjEHoaCXVzLXdlc3QtMiJHMEUCIQDtests//only+not==</SessionToken>
      <Expiration>2026-11-22T06:51:21Z</Expiration>
    </Credentials>
  </AssumeRoleWithWebIdentityResult>
</AssumeRoleWithWebIdentityResponse>"#;
const AUTHORIZATION: &str = include_str!("vectors/authorization.txt");
const HEADERS: [(&str, &str); 5] = [
    (":method", "GET"),
    (":path", "/a key?versionId=3&acl"),
    (":authority", "ingress.local"),
    ("x-forwarded-client-cert", "URI=spiffe://example.org/ns/shop/sa/web"),
    ("range", "bytes=0-9"),
];

fn config() -> Config {
    let text = r#"{"service_name": "s3", "region": "us-west-2", "backend_hostname": "my-bucket.s3.us-west-2.amazonaws.com",
        "role_arn": "arn:aws:iam::123456789012:role/x", "session": {"duration_seconds": 900.0},
        "callers": ["spiffe://example.org/*"]}"#;
    match Plugin::parse(text.as_bytes(), Host { vm_id: "irsa-signer" }) {
        Ok(Plugin::Signer(config)) => *config,
        other => panic!("{other:?}"),
    }
}

fn arrival() -> Arrival<'static, &'static str, &'static str> {
    Arrival {
        headers: &HEADERS,
        peer_uri: Some(b"spiffe://example.org/ns/shop/sa/web"),
        body: Body::None,
        placement: Placement::Cluster,
        verified_before: None,
    }
}

#[wasm_bindgen_test]
fn every_mistake_of_a_configuration_is_reported() {
    let text =
        br#"{"service_name": "s3express", "region": "us-west-2", "role_arn": "x", "allow": [], "max_waiting": 1.5}"#;
    let Err(mistakes) = Plugin::parse(text, Host { vm_id: "" }) else { panic!("taken") };
    let fields: Vec<&str> = mistakes.iter().map(|mistake| mistake.field.as_str()).collect();
    assert_eq!(fields, ["vm_config.vm_id", "service_name", "backend_hostname", "role_arn", "max_waiting", "allow"]);
    assert!(Plugin::parse("[".repeat(100_000).as_bytes(), Host { vm_id: "v" }).is_err(), "and no stack overflows");
}

#[wasm_bindgen_test]
fn a_request_waits_for_a_whole_exchange_and_is_signed() {
    let mut ingress = Ingress::new(config(), b"pod-1");
    let (mut exchange, step) = ingress.on_headers(NOW, 1, &arrival());
    assert!(matches!(step, Step::Hold) && ingress.waiting() == 1);

    let RootStep::Claim(claim) = ingress.on_tick(NOW, ABSENT) else { panic!("nothing is claimed") };
    let keeper = ingress.keeper();
    let RootStep::ReadToken(_) = keeper.on_claim(NOW, true) else { panic!("no token is read") };
    let token = Answer { status: 200, date: None, body: TOKEN.as_bytes() };
    let RootStep::CallSts(call) = keeper.on_token(NOW, Ok(token)) else { panic!("STS is not called") };
    assert!(call.body.expose().ends_with(TOKEN.as_bytes()));
    let date = &b"Sun, 22 Nov 2026 05:51:21 GMT"[..];
    let answer = Answer { status: 200, date: Some(date), body: ISSUED.as_bytes() };
    assert!(matches!(keeper.on_sts(NOW, Ok(answer)), RootStep::Settle));
    let Some(settled) = keeper.settle(NOW, Shared { value: Some(&claim.value), version: Some(1) }) else {
        panic!("nothing is settled")
    };
    keeper.on_settled(NOW, true);
    let issued = Event::Issued { expires_ms: NOW.wall_ms + 3_600_000, clock_offset_s: 0 };
    assert_eq!(keeper.take_events(), [Event::TokenRead, issued]);
    let shared = Shared { value: Some(&settled.value), version: Some(2) };
    assert_eq!(Readiness::of_session(NOW, shared), Readiness::Ready { expires_at: NOW.wall_ms / 1000 + 3_600 });

    assert_eq!(ingress.released(NOW), [1]);
    let Step::Forward(changes) = ingress.release(NOW, &mut exchange, &HEADERS) else { panic!("not sent on") };
    let sent = changes.apply(&HEADERS);
    let value = |wanted: &str| sent.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value);
    assert_eq!(value(":path"), Some(&b"/a%20key?acl=&versionId=3"[..]));
    assert_eq!(value(":authority"), Some(&b"my-bucket.s3.us-west-2.amazonaws.com"[..]));
    // AWS's own signer agrees: see `the_signature_that_the_wasm_engine_must_find` in requests/headers.rs.
    assert_eq!(value("authorization").map(String::from_utf8_lossy).as_deref(), Some(AUTHORIZATION.trim_end()));
}
