//! Right configurations, and what they mean.

use irsa_core::config::{Payload, Unauthenticated};
use irsa_core::names::{CallerPattern, HeaderName, HostName, SessionName, TrustDomain};

use super::{Plugin, four_and, parse, signer};

const FOUR_ALONE: &str = r#"{ "service_name": "s3", "region": "us-west-2",
  "backend_hostname": "my-bucket.s3.us-west-2.amazonaws.com",
  "role_arn": "arn:aws:iam::123456789012:role/mybucket-proxy" }"#;

#[test]
fn the_four_fields_alone_are_a_complete_configuration_with_the_documented_defaults() {
    let config = signer(FOUR_ALONE);
    assert_eq!(config.service.as_str(), "s3");
    assert_eq!(config.region.as_str(), "us-west-2");
    assert_eq!(config.backend_hostname.as_str(), "my-bucket.s3.us-west-2.amazonaws.com");
    assert_eq!(config.role_arn.as_str(), "arn:aws:iam::123456789012:role/mybucket-proxy");
    assert_eq!(config.sts.cluster, "sts");
    assert_eq!(config.sts.hostname.as_str(), "sts.us-west-2.amazonaws.com");
    assert_eq!(config.sts.timeout_seconds, 5);
    assert_eq!(config.token.cluster, "irsa-token");
    assert_eq!(config.token.path, "/token");
    assert_eq!(config.session.duration_seconds, 3600);
    assert_eq!(config.session.name.as_str(), "my-bucket.s3.us-west-2.amazonaws.com");
    assert_eq!(config.session.policy, None);
    assert_eq!(config.callers, None);
    assert_eq!(config.trust_domain, None);
    assert_eq!(config.unauthenticated, Unauthenticated::Refuse);
    assert_eq!(config.caller_header.as_ref().map(HeaderName::as_str), Some("x-mesh-caller"));
    assert_eq!(config.payload, Payload::Unsigned);
    assert_eq!(config.max_body_bytes, 1024 * 1024);
    assert_eq!(config.max_waiting, 256);
}

#[test]
fn the_default_endpoint_of_sts_is_the_regional_one_of_the_partition() {
    for (region, partition, endpoint) in [
        ("eu-central-1", "aws", "sts.eu-central-1.amazonaws.com"),
        ("cn-north-1", "aws-cn", "sts.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "aws-us-gov", "sts.us-gov-west-1.amazonaws.com"),
    ] {
        let config = signer(&format!(
            r#"{{"service_name": "s3", "region": "{region}", "backend_hostname": "b.s3.example.com",
            "role_arn": "arn:{partition}:iam::123456789012:role/x"}}"#
        ));
        assert_eq!(config.sts.hostname.as_str(), endpoint);
    }
}

#[test]
fn bodies_are_unsigned_for_the_s3_family_and_signed_for_every_other_service() {
    for (service, payload) in [
        ("s3", Payload::Unsigned),
        ("s3-outposts", Payload::Unsigned),
        ("s3-object-lambda", Payload::Unsigned),
        ("execute-api", Payload::Signed),
        ("lambda", Payload::Signed),
        ("dynamodb", Payload::Signed),
        ("s3tables", Payload::Signed),
    ] {
        let text = FOUR_ALONE.replace("\"s3\"", &format!("\"{service}\""));
        assert_eq!(signer(&text).payload, payload, "{service}");
    }
    assert_eq!(signer(&four_and(r#""payload": "signed""#)).payload, Payload::Signed);
}

#[test]
fn a_session_named_after_a_long_backend_is_one_that_sts_takes() {
    let text = FOUR_ALONE.replace("my-bucket.s3", &format!("{}.s3", "b".repeat(60)));
    let config = signer(&text);
    let name = config.session.name.as_str();
    assert_eq!(name.len(), 64);
    assert!(name.starts_with(&"b".repeat(51)) && SessionName::parse(name).is_ok(), "{name}");
}

#[test]
fn every_optional_field_can_be_set() {
    let config = signer(&four_and(
        r#"
        "sts": {"cluster": "aws-sts", "hostname": "vpce-1.sts.us-west-2.vpce.amazonaws.com", "timeout_seconds": 60},
        "token": {"cluster": "pod-token", "path": "/var/token?x=1"},
        "session": {"duration_seconds": 43200, "name": "team_a+b=c,d.e@f-g",
                    "policy": {"Version": "2012-10-17", "Statement": []}},
        "callers": ["spiffe://example.org/ns/shop/sa/web", "spiffe://example.org/ns/ops/*"],
        "trust_domain": "example.org",
        "unauthenticated_callers": "allow",
        "caller_header": "x-shop-caller",
        "payload": "signed",
        "max_body_bytes": 67108864,
        "max_waiting": 0"#,
    ));
    assert_eq!(config.sts.cluster, "aws-sts");
    assert_eq!(config.sts.hostname, HostName::parse("vpce-1.sts.us-west-2.vpce.amazonaws.com").unwrap());
    assert_eq!(config.sts.timeout_seconds, 60);
    assert_eq!((config.token.cluster.as_str(), config.token.path.as_str()), ("pod-token", "/var/token?x=1"));
    assert_eq!(config.session.duration_seconds, 43_200);
    assert_eq!(config.session.name.as_str(), "team_a+b=c,d.e@f-g");
    assert_eq!(config.session.policy.as_deref(), Some(r#"{"Version":"2012-10-17","Statement":[]}"#));
    let callers = ["spiffe://example.org/ns/shop/sa/web", "spiffe://example.org/ns/ops/*"]
        .map(|caller| CallerPattern::parse(caller).unwrap());
    assert_eq!(config.callers.as_deref(), Some(&callers[..]));
    assert_eq!(config.trust_domain, Some(TrustDomain::parse("example.org").unwrap()));
    assert_eq!(config.unauthenticated, Unauthenticated::Allow);
    assert_eq!(config.caller_header.as_ref().map(HeaderName::as_str), Some("x-shop-caller"));
    assert_eq!(config.payload, Payload::Signed);
    assert_eq!((config.max_body_bytes, config.max_waiting), (67_108_864, 0));
}

#[test]
fn numbers_may_come_as_the_doubles_of_a_struct() {
    for (written, seconds) in [("900.0", 900), ("9e2", 900), ("3.6E3", 3600), ("43200", 43_200), ("43200.000", 43_200)]
    {
        let config = signer(&four_and(&format!(r#""session": {{"duration_seconds": {written}}}"#)));
        assert_eq!(config.session.duration_seconds, seconds, "{written}");
    }
    let config =
        signer(&four_and(r#""max_waiting": -0.0, "max_body_bytes": 1.048576e6, "sts": {"timeout_seconds": 1.0}"#));
    assert_eq!((config.max_waiting, config.max_body_bytes, config.sts.timeout_seconds), (0, 1_048_576, 1));
}

#[test]
fn a_policy_loses_its_white_space_and_nothing_else() {
    let config = signer(&four_and(
        r#""session": {"policy": {
            "Version": "2012-10-17",
            "Statement": [ { "Effect": "Allow", "Action": [ "s3:GetObject" ], "Resource": "arn:aws:s3:::b/\u00e9 \"x\"\\*",
                             "Condition": { "Bool": { "aws:SecureTransport": true }, "Null": { "a": null },
                                            "NumericLessThan": { "s3:max-keys": 10.0 } } } ] } }"#,
    ));
    assert_eq!(
        config.session.policy.as_deref(),
        Some(concat!(
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject"],"#,
            r#""Resource":"arn:aws:s3:::b/é \"x\"\\*","Condition":{"Bool":{"aws:SecureTransport":true},"#,
            r#""Null":{"a":null},"NumericLessThan":{"s3:max-keys":10}}}]}"#
        ))
    );
}

#[test]
fn null_is_the_same_as_absent_but_turns_the_caller_header_off() {
    let nulls = [
        "sts",
        "token",
        "session",
        "callers",
        "trust_domain",
        "unauthenticated_callers",
        "payload",
        "max_body_bytes",
        "max_waiting",
        "health_of",
    ];
    let more = nulls.map(|name| format!("\"{name}\": null")).join(", ");
    assert_eq!(signer(&four_and(&more)), signer(FOUR_ALONE));
    let mut without = signer(FOUR_ALONE);
    without.caller_header = None;
    assert_eq!(signer(&four_and(r#""caller_header": null"#)), without);
    let sections = r#""sts": {}, "token": {"path": null}, "session": {"name": null, "policy": null}"#;
    assert_eq!(signer(&four_and(sections)), signer(FOUR_ALONE));
}

#[test]
fn health_of_alone_is_a_readiness_probe() {
    assert_eq!(parse(r#" {"health_of": "irsa-signer"} "#), Ok(Plugin::Health { of: "irsa-signer".into() }));
}

#[test]
fn what_is_allowed_but_risky_is_warned_of() {
    const OPEN: &str = "unauthenticated_callers is \"allow\": whoever reaches this listener gets requests signed; \
        make sure that something else protects it";
    const ANY_CERTIFICATE: &str =
        "callers is not set: every holder of a verified SPIFFE certificate gets requests signed; list them";
    const ANY_OF_DOMAIN: &str =
        "callers is not set: every workload of the trust domain gets requests signed; list them";
    for (more, warnings) in [
        (r#""callers": ["spiffe://example.org/web"]"#, &[][..]),
        (r#""callers": ["spiffe://example.org/web"], "trust_domain": "example.org""#, &[]),
        (r#""max_waiting": 256"#, &[ANY_CERTIFICATE]),
        (r#""trust_domain": "example.org""#, &[ANY_OF_DOMAIN]),
        (r#""unauthenticated_callers": "refuse""#, &[ANY_CERTIFICATE]),
        (r#""unauthenticated_callers": "allow""#, &[OPEN, ANY_CERTIFICATE]),
        (r#""unauthenticated_callers": "allow", "callers": ["spiffe://example.org/*"]"#, &[OPEN]),
    ] {
        assert_eq!(signer(&four_and(more)).warnings(), warnings, "{more}");
    }
}
