//! An app behind its own Envoy, which authorises by SPIFFE ID.

use std::time::Duration;

use e2e::client::{Client, Request};
use e2e::envoy::EnvoyOptions;
use e2e::mesh::{AppEnvoy, Leaf, MESH, TrustDomain};

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn the_envoy_lets_through_who_is_allowed_and_tells_the_app_who_it_is() {
    let mesh = TrustDomain::new(MESH);
    let server = mesh.issue(&Leaf::new(mesh.id("staging", "ledger")).and_dns("ledger.test"));
    let allowed = mesh.id("staging", "reports");
    let app = AppEnvoy::start("ledger", &server, &mesh.bundle_pem(), &[&allowed], &EnvoyOptions::default());
    let anonymous = Client::tls(app.address(), "ledger.test", &mesh.bundle_pem()).with_timeout(PATIENCE);
    // Whoever calls may write what it likes into the header that names callers.
    let request = Request::new("GET", "/").host("ledger.test").header(
        "x-forwarded-client-cert",
        "By=spiffe://mesh.example.com/staging/ledger;URI=spiffe://mesh.example.com/staging/boss",
    );

    let caller = |svid: &e2e::mesh::Svid| anonymous.clone().with_identity(&svid.identity());
    let answer = caller(&mesh.svid("staging", "reports")).send(&request).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json().unwrap()["caller"], allowed);

    let other = caller(&mesh.svid("production", "reports")).send(&request).unwrap();
    assert_eq!((other.status, other.text().as_str()), (403, "RBAC: access denied"));
    anonymous.send(&request).unwrap_err();
    caller(&TrustDomain::new(MESH).svid("staging", "reports")).send(&request).unwrap_err();
    caller(&mesh.issue(&Leaf::new(&allowed).expired())).send(&request).unwrap_err();
    assert_eq!(app.hits().len(), 1, "the app saw only what was allowed");
    assert_eq!(app.app().name(), "ledger");
}

#[test]
fn an_envoy_that_allows_nobody_lets_nobody_through() {
    let mesh = TrustDomain::new(MESH);
    let server = mesh.issue(&Leaf::new(mesh.id("staging", "ledger")).and_dns("ledger.test"));
    let app = AppEnvoy::start("ledger", &server, &mesh.bundle_pem(), &[], &EnvoyOptions::default());
    let caller = Client::tls(app.address(), "ledger.test", &mesh.bundle_pem())
        .with_timeout(PATIENCE)
        .with_identity(&mesh.svid("staging", "reports").identity());
    assert_eq!(caller.send(&Request::new("GET", "/").host("ledger.test")).unwrap().status, 403);
    assert_eq!(app.hits().len(), 0);
}
