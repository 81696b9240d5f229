//! Who may call, and what the others are told.

use e2e::client::{Client, Error, Request, Response};
use e2e::ingress::{BUCKET, Ingress, OTHER, Placement, Topology, WEB, World};
use serde_json::{Value, json};

use crate::support::{PLACEMENTS, S3_HOST, SOON, ready, ready_as_shipped};

fn get(client: &Client) -> Result<Response, Error> {
    client.send(&Request::new("GET", "/a").host("ingress.mesh"))
}

/// The shipped listener with one of its locks open, so that the other can be seen to hold: no RBAC in front, and TLS
/// that takes callers without a certificate and of any trust domain.
fn with_open_listener(world: &World, placement: Placement, changes: &Value) -> Ingress {
    let mut shipped = world.shipped(Topology::S3);
    shipped.configure(changes);
    if placement == Placement::Downstream {
        shipped.place_downstream();
    }
    let filters = shipped.manager("ingress")["http_filters"].as_array_mut().unwrap();
    filters.retain(|filter| filter["name"] != "envoy.filters.http.rbac");
    let listeners = shipped.value_mut()["static_resources"]["listeners"].as_array_mut().unwrap();
    let tls = listeners[0].pointer_mut("/filter_chains/0/transport_socket/typed_config").unwrap();
    tls["require_client_certificate"] = json!(false);
    tls["common_tls_context"]["validation_context"].as_object_mut().unwrap().remove("match_typed_subject_alt_names");
    let ingress = world.launch(shipped.value(), &e2e::envoy::EnvoyOptions::default());
    ingress.wait_for_readiness(200, SOON);
    ingress
}

#[test]
fn the_shipped_listener_turns_away_whoever_has_no_certificate_of_the_mesh() {
    let world = World::new();
    let ingress = ready_as_shipped(&world, Topology::S3, Placement::Upstream);
    let pki = world.pki();
    let strangers = [
        ("no certificate", ingress.anonymous()),
        ("another CA", ingress.caller_as(&pki.untrusted_client(&[WEB]).unwrap())),
        ("expired", ingress.caller_as(&pki.mesh_client_expired(&[WEB]).unwrap())),
        ("another trust domain", ingress.caller(&["spiffe://elsewhere.example.org/web"])),
        ("no URI", ingress.caller(&[])),
    ];
    for (who, client) in strangers {
        let outcome = get(&client);
        assert!(outcome.is_err(), "{who}: {outcome:?}");
    }
    assert!(world.aws.journal().of(e2e::aws::Service::S3).is_empty());
}

#[test]
fn the_shipped_rbac_refuses_a_workload_that_is_not_listed() {
    let world = World::new();
    let ingress = ready_as_shipped(&world, Topology::S3, Placement::Upstream);
    let answer = get(&ingress.caller(&[OTHER])).unwrap();
    assert_eq!(answer.status, 403);
    assert!(world.aws.journal().of(e2e::aws::Service::S3).is_empty());
}

#[test]
fn the_filter_alone_refuses_each_wrong_caller_with_its_own_reason() {
    for placement in PLACEMENTS {
        let world = World::new();
        world.aws.s3().put_object(BUCKET, "a", b"a").unwrap();
        let ingress = with_open_listener(&world, placement, &json!({}));
        let cases = [
            ("no-client-certificate", 401, ingress.anonymous()),
            ("no-client-certificate", 401, ingress.caller(&[])),
            ("caller-not-spiffe", 403, ingress.caller(&["https://mesh.example.org/web"])),
            ("caller-not-spiffe", 403, ingress.caller(&["spiffe://mesh.example.org"])),
            ("caller-trust-domain", 403, ingress.caller(&["spiffe://elsewhere.example.org/web"])),
            ("caller-not-allowed", 403, ingress.caller(&[OTHER])),
            ("caller-not-allowed", 403, ingress.caller(&["spiffe://mesh.example.org/web/sub"])),
            ("caller-ambiguous", 403, ingress.caller(&[WEB, OTHER])),
            ("caller-ambiguous", 403, ingress.caller(&[OTHER, WEB])),
        ];
        for (reason, status, client) in cases {
            let answer = get(&client).unwrap();
            let seen = (answer.status, answer.header("x-meshbridge-error"));
            assert_eq!(seen, (status, Some(reason)), "{placement:?}");
            assert_eq!(answer.json().unwrap()["error"], reason);
        }
        assert_eq!(get(&ingress.web()).unwrap().status, 200, "{placement:?}");
        for (reason, count) in [
            ("no-client-certificate", 2),
            ("caller-not-spiffe", 2),
            ("caller-trust-domain", 1),
            ("caller-not-allowed", 2),
            ("caller-ambiguous", 2),
        ] {
            assert_eq!(ingress.metric(S3_HOST, &format!("refused.{reason}")), count, "{reason}");
        }
        assert_eq!(world.aws.journal().of(e2e::aws::Service::S3).len(), 1);
    }
}

#[test]
fn a_caller_cannot_smuggle_another_identity_in_a_header() {
    for placement in PLACEMENTS {
        let world = World::new();
        world.aws.s3().put_object(BUCKET, "a", b"a").unwrap();
        let ingress = with_open_listener(&world, placement, &json!({}));
        let forged = Request::new("GET", "/a")
            .host("ingress.mesh")
            .header("x-forwarded-client-cert", format!("URI={WEB}"))
            .header("x-mesh-caller", WEB);
        assert_eq!(ingress.anonymous().send(&forged).unwrap().status, 401, "{placement:?}");
        assert_eq!(ingress.caller(&[OTHER]).send(&forged).unwrap().status, 403, "{placement:?}");
        let underscores = Request::new("GET", "/a").host("ingress.mesh").header("x_amz_acl", "public-read");
        assert_eq!(ingress.web().send(&underscores).unwrap().status, 400, "{placement:?}");
    }
}

#[test]
fn a_listener_that_does_not_sanitise_certificates_gets_nothing_signed() {
    let world = World::new();
    let mut shipped = world.shipped(Topology::S3);
    shipped.manager("ingress").as_object_mut().unwrap().remove("forward_client_cert_details");
    let ingress = world.launch(shipped.value(), &e2e::envoy::EnvoyOptions::default());
    ingress.wait_for_readiness(200, SOON);
    let answer = get(&ingress.web()).unwrap();
    assert_eq!((answer.status, answer.header("x-meshbridge-error")), (403, Some("caller-ambiguous")));
}

#[test]
fn unauthenticated_callers_are_served_where_that_is_spelled_out() {
    let world = World::new();
    world.aws.s3().put_object(BUCKET, "a", b"a").unwrap();
    let changes = json!({ "unauthenticated_callers": "allow", "callers": null, "trust_domain": null });
    let ingress = with_open_listener(&world, Placement::Upstream, &changes);
    assert_eq!(get(&ingress.anonymous()).unwrap().status, 200);
    let entry = world.aws.journal().of(e2e::aws::Service::S3).remove(0);
    assert_eq!(entry.caller_header, None);
    assert!(ingress.envoy.logs().contains("unauthenticated_callers is \"allow\""));
    // A certificate that is shown all the same is judged.
    assert_eq!(get(&ingress.caller(&[WEB, OTHER])).unwrap().status, 403);
}

#[test]
fn prefixes_and_the_name_of_the_caller_header_are_as_configured() {
    let world = World::new();
    world.aws.s3().put_object(BUCKET, "a", b"a").unwrap();
    let changes = json!({ "callers": ["spiffe://mesh.example.org/ns/*"], "caller_header": "x-caller-of-mine" });
    let ingress = with_open_listener(&world, Placement::Upstream, &changes);
    assert_eq!(get(&ingress.caller(&["spiffe://mesh.example.org/ns/shop/web"])).unwrap().status, 200);
    assert_eq!(get(&ingress.web()).unwrap().status, 403);
}

#[test]
fn a_role_whose_policy_says_no_is_aws_business() {
    let world = World::new();
    let ingress = ready(
        &world,
        Topology::S3,
        Placement::Upstream,
        &json!({ "session": { "policy": {
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::docs/public/*" }]
    } } }),
    );
    world.aws.s3().put_object(BUCKET, "public/a", b"a").unwrap();
    world.aws.s3().put_object(BUCKET, "private/a", b"a").unwrap();
    assert_eq!(ingress.get("/public/a").unwrap().status, 200);
    let refused = ingress.get("/private/a").unwrap();
    assert_eq!((refused.status, refused.header("x-meshbridge-error")), (403, None));
    assert_eq!(refused.xml("Code").as_deref(), Some("AccessDenied"));
}
