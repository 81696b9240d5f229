//! Identities that must not be used, and the one after them that is.

use e2e::egress::World;
use e2e::mesh::{Flaw, Leaf, Svid, TrustDomain, document};
use e2e::secrets::HOME;
use serde_json::{Value, json};

use crate::support::assert_failure;

fn put(world: &World, document: &Value) {
    world.secrets.store().put_document(HOME, "staging", "reports", document);
}

/// The function starts with what `publish` leaves in Secrets Manager; then the issuer publishes a good identity.
#[track_caller]
fn refused_and_replaced(publish: impl FnOnce(&World), status: u16, reason: &str) {
    let world = World::without_identity();
    publish(&world);
    let ledger = world.app("ledger");
    let extension = world.plan().upstream(&ledger).start();
    assert_failure(&extension.get("ledger", "/"), status, reason);
    assert_eq!(ledger.connections(), 0, "nothing is called with such an identity");
    world.publish(HOME, &world.svid);
    extension.wait_for_recovery("ledger");
    let shown: Vec<_> = ledger.hits().into_iter().filter_map(|hit| hit.certificate_sha256).collect();
    assert!(shown.iter().all(|certificate| *certificate == world.svid.certificate_sha256()), "{shown:?}");
}

#[track_caller]
fn invalid(make: impl FnOnce(&World) -> Svid) {
    refused_and_replaced(|world| drop(world.publish(HOME, &make(world))), 502, "identity-invalid");
}

fn leaf(world: &World) -> Leaf {
    Leaf::new(world.mesh.id("staging", "reports"))
}

#[test]
fn none_at_all() {
    refused_and_replaced(|_| (), 503, "identity-missing");
}

#[test]
fn an_expired_one() {
    refused_and_replaced(
        |world| drop(world.publish(HOME, &world.mesh.issue(&leaf(world).expired()))),
        503,
        "identity-expired",
    );
}

#[test]
fn one_that_is_not_yet_valid() {
    invalid(|world| world.mesh.issue(&leaf(world).not_yet_valid()));
}

#[test]
fn a_torn_pair() {
    refused_and_replaced(
        |world| {
            let old = world.mesh.svid("staging", "reports");
            let version = world.publish(HOME, &old);
            put(world, &document(&world.mesh.svid("staging", "reports"), &version));
        },
        502,
        "identity-invalid",
    );
}

#[test]
fn a_document_whose_key_is_not_there() {
    refused_and_replaced(
        |world| {
            world.publish(HOME, &world.svid);
            put(world, &document(&world.svid, "01234567-89ab-cdef-0123-456789abcdef"));
        },
        503,
        "identity-missing",
    );
}

#[test]
fn one_of_another_app_or_environment() {
    invalid(|world| world.mesh.svid("staging", "ledger"));
    invalid(|world| world.mesh.svid("production", "reports"));
}

#[test]
fn one_of_another_trust_domain() {
    invalid(|world| world.mesh.issue(&Leaf::new("spiffe://other.example.com/staging/reports")));
}

#[test]
fn one_with_two_names_or_none() {
    invalid(|world| world.mesh.issue(&leaf(world).and_uri(&world.mesh.id("staging", "ledger"))));
    invalid(|world| {
        let nameless = world.mesh.issue(&Leaf { uris: Vec::new(), ..leaf(world).and_dns("reports.example.com") });
        Svid { spiffe_id: world.mesh.id("staging", "reports"), ..nameless }
    });
}

#[test]
fn an_authority_in_the_place_of_a_leaf() {
    invalid(|world| world.mesh.issue(&leaf(world).flawed(Flaw::IsAuthority)));
    invalid(|world| world.mesh.issue(&leaf(world).flawed(Flaw::SignsCertificates)));
}

#[test]
fn one_whose_key_may_not_sign() {
    invalid(|world| world.mesh.issue(&leaf(world).flawed(Flaw::SignsNothing)));
}

#[test]
fn one_for_servers_only() {
    invalid(|world| world.mesh.issue(&leaf(world).flawed(Flaw::OnlyForServers)));
}

#[test]
fn one_that_does_not_chain_to_the_bundle() {
    for flaw in [Flaw::Stranger, Flaw::NoIntermediate, Flaw::ExpiredIntermediate] {
        invalid(|world| world.mesh.issue(&leaf(world).flawed(flaw)));
    }
    // Another authority's leaf, with this one's roots beside it.
    invalid(|world| {
        let foreign = TrustDomain::new("mesh.example.com").svid("staging", "reports");
        Svid { bundle_pem: world.mesh.bundle_pem(), ..foreign }
    });
}

#[test]
fn a_document_that_contradicts_its_certificate() {
    for (field, value) in [
        ("key_sha256", json!("0".repeat(64))),
        ("spiffe_id", json!("spiffe://mesh.example.com/staging/ledger")),
        ("not_after", json!(4_000_000_000_u64)),
        ("version", json!(2)),
        ("certificate", json!("")),
        ("bundle", json!("")),
        ("key_version", json!("../other/key")),
    ] {
        refused_and_replaced(
            |world| {
                let version = world.publish(HOME, &world.svid);
                let mut document = document(&world.svid, &version);
                document[field] = value;
                put(world, &document);
            },
            502,
            "identity-invalid",
        );
    }
}

#[test]
fn a_value_that_is_no_document() {
    for value in [" ", "{", "[]", "null", "-----BEGIN CERTIFICATE-----"] {
        refused_and_replaced(
            |world| {
                drop(world.secrets.store().put(HOME, "meshbridge/staging/reports/certificate", value, "AWSCURRENT"))
            },
            502,
            "identity-invalid",
        );
    }
}
