//! What is right, and what stands in for what is left out.

use std::path::{Path, PathBuf};
use std::time::Duration;

use mtls_proxy::config::{Identity, Invocations, UnixToken, VARIABLES};

use super::{right, with};

#[test]
fn what_is_left_out_has_its_default() {
    let config = right(&with(&[]), &[]);
    assert_eq!(config.spiffe_id.as_str(), "spiffe://mesh.example.com/staging/reports");
    let upstream = &config.upstreams[0];
    assert_eq!((upstream.app.as_str(), upstream.environment.as_str()), ("ledger", "staging"));
    assert_eq!(upstream.sni.as_str(), "staging.ledger.mesh.example.com");
    assert_eq!(upstream.authority, upstream.sni);
    assert_eq!(upstream.spiffe_id.as_str(), "spiffe://mesh.example.com/staging/ledger");
    assert_eq!((upstream.gateway.host(), upstream.gateway.port()), ("gateway.mesh.example.com", 443));
    let Identity::SecretsManager { replicas } = &config.identity else { panic!("{config:?}") };
    assert_eq!(replicas.len(), 1);
    assert_eq!(replicas[0].region, "us-west-2");
    assert_eq!(replicas[0].certificate, "meshbridge/staging/reports/certificate");
    assert_eq!(replicas[0].key, "meshbridge/staging/reports/key");
    assert_eq!(replicas[0].endpoint, None);
    assert_eq!((config.listen.port, config.listen.unix_token), (8181, UnixToken::Required));
    assert_eq!(config.listen.unix.as_deref(), Some(Path::new("/tmp/meshbridge/proxy.sock")));
    assert_eq!(config.token.file, PathBuf::from("/tmp/meshbridge/token"));
    assert!(config.token.given.is_none());
    assert_eq!(config.timeouts.response, Duration::from_secs(30));
    assert_eq!(config.timeouts.head, Duration::from_secs(10));
    assert_eq!(config.timeouts.stall, Duration::from_secs(60));
    assert_eq!((config.max_connections, config.invocations), (256, Invocations::Ignore));
}

#[test]
fn every_field_can_be_given() {
    let config = right(
        &with(&[
            ("mesh_suffix", r#""apps.example.net""#),
            ("spiffe_id", r#""spiffe://mesh.example.com/ns/staging/sa/reports""#),
            (
                "upstreams",
                r#"["ledger", {"app": "users", "environment": "production", "sni": "users.example.net", "gateway": "10.1.2.3:8443",
                    "spiffe_id": "spiffe://other.example.com/users", "authority": "users.internal"},
                    {"app": "users"}]"#,
            ),
            (
                "identity",
                r#"{"source": "secrets-manager", "regions": ["eu-west-1", "us-gov-west-1"], "certificate": "a/b", "key": "c",
                    "endpoint": "https://vpce.example.com:8443/"}"#,
            ),
            ("listen", r#"{"port": 0, "unix": null, "unix_token": "none"}"#),
            ("token", r#"{"file": "/run/meshbridge/token"}"#),
            ("timeouts", r#"{"response_ms": 1, "head_ms": 100, "stall_ms": 900000}"#),
            ("max_connections", "900"),
            ("invocations", r#""follow""#),
        ]),
        &[],
    );
    assert_eq!(config.spiffe_id.as_str(), "spiffe://mesh.example.com/ns/staging/sa/reports");
    assert_eq!(config.upstreams[0].sni.as_str(), "staging.ledger.apps.example.net");
    let users = &config.upstreams[1];
    assert_eq!((users.sni.as_str(), users.authority.as_str()), ("users.example.net", "users.internal"));
    assert_eq!((users.gateway.host(), users.gateway.port()), ("10.1.2.3", 8443));
    assert_eq!(users.spiffe_id.as_str(), "spiffe://other.example.com/users");
    let Identity::SecretsManager { replicas } = &config.identity else { panic!("{config:?}") };
    assert_eq!((replicas[1].certificate.as_str(), replicas[1].key.as_str()), ("a/b", "c"));
    assert_eq!(replicas[1].endpoint.as_deref(), Some("https://vpce.example.com:8443"));
    assert_eq!((config.listen.port, &config.listen.unix), (0, &None));
    assert_eq!(config.invocations, Invocations::Follow);
}

#[test]
fn null_is_the_same_as_nothing() {
    let nulls = with(&[("mesh_suffix", "null"), ("spiffe_id", "null"), ("listen", "null"), ("timeouts", "null")]);
    assert_eq!(format!("{:?}", right(&nulls, &[])), format!("{:?}", right(&with(&[]), &[])));
}

#[test]
fn addresses_of_gateways_are_read_in_each_form() {
    for (text, host, port) in [
        ("gateway", "gateway", 443),
        ("gateway:8443", "gateway", 8443),
        ("10.0.0.1", "10.0.0.1", 443),
        ("10.0.0.1:1", "10.0.0.1", 1),
        ("[fd00::1]", "fd00::1", 443),
        ("[fd00::1]:65535", "fd00::1", 65535),
    ] {
        let config = right(&with(&[("gateway", &format!("\"{text}\""))]), &[]);
        let gateway = &config.upstreams[0].gateway;
        assert_eq!((gateway.host(), gateway.port()), (host, port), "{text}");
    }
}

#[test]
fn the_functions_own_region_is_asked_first() {
    let regions = |own, listed: &str| {
        let config = right(&with(&[("identity", listed)]), &[("AWS_REGION", own)]);
        let Identity::SecretsManager { replicas } = config.identity else { panic!("not Secrets Manager") };
        replicas.into_iter().map(|replica| replica.region).collect::<Vec<_>>()
    };
    let listed = r#"{"regions": ["us-west-2", "us-east-1", "eu-west-1"]}"#;
    assert_eq!(regions("us-east-1", listed), ["us-east-1", "us-west-2", "eu-west-1"]);
    assert_eq!(regions("ap-south-1", listed), ["us-west-2", "us-east-1", "eu-west-1"]);
    assert_eq!(regions("us-east-1", "{}"), ["us-east-1"]);
}

#[test]
fn each_region_may_have_its_own_secrets() {
    let arn = |region: &str, name: &str| format!("arn:aws:secretsmanager:{region}:123456789012:secret:{name}-AbCdEf");
    let identity = format!(
        r#"{{"key": "shared/key", "regions": [
            {{"region": "us-west-2", "certificate": "{}", "key": "{}"}},
            {{"region": "us-east-1", "certificate": "{}", "endpoint": "http://127.0.0.1:5000"}}]}}"#,
        arn("us-west-2", "c"),
        arn("us-west-2", "k"),
        arn("us-east-1", "c"),
    );
    let config = right(&with(&[("identity", &identity)]), &[]);
    let Identity::SecretsManager { replicas } = config.identity else { panic!("not Secrets Manager") };
    assert_eq!(replicas[0].key, arn("us-west-2", "k"));
    assert_eq!(
        (replicas[1].certificate.as_str(), replicas[1].key.as_str()),
        (arn("us-east-1", "c").as_str(), "shared/key")
    );
    assert_eq!(replicas[1].endpoint.as_deref(), Some("http://127.0.0.1:5000"));
}

#[test]
fn a_directory_needs_no_region() {
    let config = right(&with(&[("identity", r#"{"source": "directory", "path": "/etc/identity"}"#)]), &[]);
    assert_eq!(config.identity, Identity::Directory { path: "/etc/identity".into() });
}

#[test]
fn the_environment_decides_over_the_file() {
    let token = "0123456789abcdef0123456789abcdef";
    let given = [
        ("MESHBRIDGE_APP", "billing"),
        ("MESHBRIDGE_ENVIRONMENT", "production"),
        ("MESHBRIDGE_TRUST_DOMAIN", "other.example.com"),
        ("MESHBRIDGE_MESH_SUFFIX", "apps.example.net"),
        ("MESHBRIDGE_GATEWAY", "10.0.0.1:8443"),
        ("MESHBRIDGE_UPSTREAMS", "users, ledger"),
        ("MESHBRIDGE_PROXY", "http://127.0.0.1:9000"),
        ("MESHBRIDGE_TOKEN_FILE", "/run/token"),
        ("MESHBRIDGE_TOKEN", token),
    ];
    // The test has them all.
    assert_eq!(given.map(|(name, _)| name).to_vec(), VARIABLES.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    for text in [with(&[]), with(&[("listen", r#"{"port": 1}"#), ("token", r#"{"file": "/x"}"#)])] {
        let config = right(&text, &given);
        assert_eq!(config.spiffe_id.as_str(), "spiffe://other.example.com/production/billing");
        let snis: Vec<_> = config.upstreams.iter().map(|upstream| upstream.sni.as_str()).collect();
        assert_eq!(snis, ["production.users.apps.example.net", "production.ledger.apps.example.net"]);
        assert_eq!(config.upstreams[0].gateway.port(), 8443);
        assert_eq!((config.listen.port, config.token.file), (9000, "/run/token".into()));
        assert!(config.token.given.unwrap().matches(token.as_bytes()));
    }
    for address in ["http://localhost:9000", "http://127.0.0.1:9000/"] {
        assert_eq!(right(&with(&[]), &[("MESHBRIDGE_PROXY", address)]).listen.port, 9000);
    }
    let listen = right(&with(&[]), &[("MESHBRIDGE_PROXY", "unix:/tmp/m/s")]).listen;
    assert_eq!((listen.port, listen.unix.as_deref()), (8181, Some(std::path::Path::new("/tmp/m/s"))));
}

#[test]
fn a_configuration_cannot_print_its_token() {
    let token = "0123456789abcdef0123456789abcdef";
    assert!(!format!("{:?}", right(&with(&[]), &[("MESHBRIDGE_TOKEN", token)])).contains("01234567"));
}

#[test]
fn a_trust_domain_that_is_no_dns_name_needs_a_suffix_and_no_more() {
    let config = right(&with(&[("trust_domain", r#""mesh_prod""#), ("mesh_suffix", r#""mesh.example.com""#)]), &[]);
    assert_eq!(config.upstreams[0].spiffe_id.as_str(), "spiffe://mesh_prod/staging/ledger");
}
