//! The whole way: extension, gateway Envoy with sni-router, the app's own Envoy with RBAC by SPIFFE ID.

use e2e::egress::{MeshGateway, World};
use e2e::envoy::EnvoyOptions;
use e2e::mesh::{AppEnvoy, Leaf, TrustDomain};
use serde_json::json;

use crate::support::{assert_answered, assert_failure};

fn app(world: &World, name: &str, allowed: &[&str]) -> AppEnvoy {
    let server = world.mesh.issue(&Leaf::new(world.mesh.id("staging", name)).hours(1, 24));
    AppEnvoy::start(name, &server, &world.mesh.bundle_pem(), allowed, &EnvoyOptions::default())
}

#[test]
fn a_request_reaches_the_app_through_both_envoys_and_only_where_it_is_allowed() {
    let world = World::new();
    let reports = world.mesh.id("staging", "reports");
    let ledger = app(&world, "ledger", &[&reports]);
    let users = app(&world, "users", &[&world.mesh.id("staging", "web")]);
    let gateway = MeshGateway::start(&[("staging", "ledger", ledger.address()), ("staging", "users", users.address())]);
    let mut plan = world.plan().with("gateway", json!(gateway.address().to_string()));
    for name in ["ledger", "users", "ghosts"] {
        plan = plan.upstream_as(&json!(name));
    }
    let extension = plan.start();

    let answer = extension.get("ledger", "/balance");
    assert_answered(&answer);
    assert_eq!(answer.json().unwrap()["caller"], reports);

    // The app's own Envoy says no: an answer like any other, not one of the proxy's.
    let refused = extension.get("users", "/");
    assert_eq!((refused.status, refused.text().as_str()), (403, "RBAC: access denied"));
    assert_eq!(refused.header("x-meshbridge-error"), None);
    assert_eq!(users.hits().len(), 0);

    // On the function's list, but the gateway's table does not know it, and closes the connection.
    let unknown = extension.get("ghosts", "/");
    assert_failure(&unknown, 502, "upstream-tls");
    assert!(unknown.text().contains("gateway"), "{}", unknown.text());
    gateway.inner().wait_until("the refusal", || gateway.inner().metric("refused.unknown-name") >= 1);

    // Not on the function's list: no connection is made.
    let routed = gateway.inner().metric("routed");
    assert_failure(&extension.get("payroll", "/"), 403, "upstream-not-allowed");
    assert_eq!(gateway.inner().metric("routed"), routed);
    assert_eq!(ledger.hits().len(), 1);
}

#[test]
fn a_gateway_that_leads_to_another_app_is_noticed_before_a_byte_is_sent() {
    let world = World::new();
    let reports = world.mesh.id("staging", "reports");
    let users = app(&world, "users", &[&reports]);
    // The table has a mistake: ledger's name leads to users.
    let gateway = MeshGateway::start(&[("staging", "ledger", users.address())]);
    let extension =
        world.plan().with("gateway", json!(gateway.address().to_string())).upstream_as(&json!("ledger")).start();
    assert_failure(&extension.get("ledger", "/secret"), 502, "upstream-identity");
    assert_eq!(users.hits().len(), 0);
}

#[test]
fn an_envoy_that_does_not_trust_the_functions_certificate_is_told_apart() {
    let world = World::new();
    let elsewhere = TrustDomain::new("mesh.example.com");
    let server = world.mesh.issue(&Leaf::new(world.mesh.id("staging", "ledger")).hours(1, 24));
    let reports = world.mesh.id("staging", "reports");
    let options = EnvoyOptions::default();
    let ledger = AppEnvoy::start("ledger", &server, &elsewhere.bundle_pem(), &[&reports], &options);
    let extension = world.plan().upstream_at("ledger", ledger.address()).start();
    for _ in 0..20 {
        assert_failure(&extension.get("ledger", "/"), 502, "upstream-tls");
    }
    assert_eq!(ledger.hits().len(), 0);
}
