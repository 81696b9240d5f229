//! Configuration and decisions inside a wasm engine: what is shipped is not native code.
#![cfg(target_arch = "wasm32")]
#![expect(clippy::panic, reason = "clippy does not see that these are tests")]

use std::fmt::Write as _;

use sni_core::{LogBudget, Refusal, Router, Step, filter_state};
use wasm_bindgen_test::wasm_bindgen_test;

fn router(text: &str) -> Router {
    Router::parse(text.as_bytes()).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

#[wasm_bindgen_test]
fn every_mistake_of_a_configuration_is_reported() {
    let text = br#"{"routes": [{"sni": "*"}, 1], "environment": "a.b", "apps": {"x": ""}, "default": "x"}"#;
    let Err(mistakes) = Router::parse(text) else { panic!("taken") };
    let fields: Vec<&str> = mistakes.iter().map(|mistake| mistake.field.as_str()).collect();
    let expected = ["default", "environment", "suffix", "routes[0].sni", "routes[0].cluster", "routes[1]", "apps.x"];
    assert_eq!(fields, expected);
    assert!(Router::parse("[".repeat(100_000).as_bytes()).is_err(), "and no stack overflows");
}

#[wasm_bindgen_test]
fn names_are_routed_or_refused() {
    let router = router(
        r#"{"environment": "staging", "suffix": "mesh.example.com", "apps": {"ledger": "ledger-staging"},
            "routes": [{"sni": "Reports.Example.com.", "cluster": "reports"}]}"#,
    );
    for (name, step) in [
        (&b"staging.ledger.mesh.example.com"[..], Step::Route("ledger-staging")),
        (b"STAGING.LEDGER.MESH.EXAMPLE.COM.", Step::Route("ledger-staging")),
        (b"reports.example.com", Step::Route("reports")),
        (b"", Step::Close(Refusal::NoName)),
        (b"ledger-staging", Step::Close(Refusal::UnknownName)),
        (b"10.0.0.1", Step::Close(Refusal::IpLiteral)),
        (b"staging.ledger.mesh.example.com\0", Step::Close(Refusal::InvalidName)),
        (b"\xff", Step::Close(Refusal::InvalidName)),
    ] {
        assert_eq!(router.route(name), step, "{}", name.escape_ascii());
    }
}

#[wasm_bindgen_test]
fn ten_thousand_names_are_found() {
    let mut text = r#"{"environment": "staging", "suffix": "mesh.example.com", "apps": {"#.to_owned();
    for number in 0..10_000 {
        let _ = write!(text, "\"app-{number}\": \"cluster-{number}\",");
    }
    text += "\"last\": \"last\"}}";
    let router = router(&text);
    for number in 0..10_000 {
        let name = format!("staging.app-{number}.mesh.example.com");
        assert_eq!(router.route(name.as_bytes()), Step::Route(&format!("cluster-{number}")));
    }
    assert_eq!(router.route(b"production.last.mesh.example.com"), Step::Close(Refusal::UnknownName));
}

#[wasm_bindgen_test]
fn what_is_said_to_envoy_and_to_the_log_is_the_same_as_natively() {
    let mut arguments = Vec::new();
    filter_state::write_arguments(&mut arguments, "envoy.tcp_proxy.cluster", &"c".repeat(200));
    assert_eq!(arguments.get(..2), Some(&b"\x0a\x17"[..]));
    assert_eq!(arguments.get(25..28), Some(&b"\x12\xc8\x01"[..]));
    let mut budget = LogBudget::new(u64::MAX - 500);
    assert_eq!((0..20).filter(|_| budget.take(u64::MAX).is_some()).count(), 10);
    let line = Refusal::UnknownName.line(b"a\n", 1 << 40);
    assert_eq!(
        line,
        "closed a connection for \"a\\n\": unknown-name (and 1099511627776 others since the last such line)"
    );
}
