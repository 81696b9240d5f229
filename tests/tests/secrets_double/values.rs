//! What a reader finds, and when.

use e2e::mesh::document;
use e2e::secrets::{HOME, OTHER};
use serde_json::{Value, json};

use crate::support::{CERTIFICATE, KEY, World, assert_refused};

fn published(world: &World) -> Value {
    let answer = world.get(CERTIFICATE).unwrap().json().unwrap();
    serde_json::from_str(answer["SecretString"].as_str().unwrap()).unwrap()
}

#[test]
fn the_document_names_the_keys_version_and_the_version_can_be_read() {
    let world = World::new();
    let document = published(&world);
    assert_eq!(document["key_version"], world.key_version);
    assert_eq!(document["spiffe_id"], "spiffe://mesh.example.com/staging/reports");
    let asked = json!({ "SecretId": KEY, "VersionId": world.key_version });
    let key = world.caller().call(&asked).unwrap().json().unwrap();
    assert_eq!(key["SecretString"], world.svid.key_pem);
    assert_eq!(key["VersionId"], world.key_version);
}

#[test]
fn a_version_that_is_not_there_is_not_found() {
    let world = World::new();
    let asked = json!({ "SecretId": KEY, "VersionId": "01234567-89ab-cdef-0123-456789abcdef" });
    assert_refused(&world.caller().call(&asked).unwrap(), 400, "ResourceNotFoundException");
    assert_refused(&world.get("meshbridge/staging/reports/other").unwrap(), 400, "ResourceNotFoundException");
}

#[test]
fn a_key_that_no_document_names_yet_changes_nothing_for_readers() {
    let world = World::new();
    let next = world.mesh.svid("staging", "reports");
    let version = world.secrets.store().put_key(HOME, "staging", "reports", &next.key_pem);
    assert_ne!(version, world.key_version);
    assert_eq!(published(&world)["key_version"], world.key_version);
    assert_eq!(world.get(KEY).unwrap().json().unwrap()["SecretString"], world.svid.key_pem);
    let asked = json!({ "SecretId": KEY, "VersionId": version });
    assert_eq!(world.caller().call(&asked).unwrap().json().unwrap()["SecretString"], next.key_pem);
}

#[test]
fn a_second_publication_replaces_the_first_and_both_keys_can_be_read() {
    let world = World::new();
    let next = world.mesh.svid("staging", "reports");
    let version = world.secrets.store().publish(HOME, "staging", "reports", &next);
    assert_eq!(published(&world)["key_version"], version);
    assert_eq!(world.get(KEY).unwrap().json().unwrap()["SecretString"], next.key_pem);
    let asked = json!({ "SecretId": KEY, "VersionId": world.key_version });
    assert_eq!(world.caller().call(&asked).unwrap().json().unwrap()["SecretString"], world.svid.key_pem);
}

#[test]
fn a_torn_pair_can_be_written() {
    let world = World::new();
    let next = world.mesh.svid("staging", "reports");
    let torn = document(&next, &world.key_version);
    world.secrets.store().put_document(HOME, "staging", "reports", &torn);
    let found = published(&world);
    assert_eq!((&found["key_version"], &found["key_sha256"]), (&json!(world.key_version), &json!(next.key_sha256)));
}

#[test]
fn a_stale_region_shows_what_it_had_and_no_newer_version() {
    let world = World::new();
    world.secrets.make_stale(HOME);
    let next = world.mesh.svid("staging", "reports");
    let version = world.secrets.store().publish(HOME, "staging", "reports", &next);
    assert_eq!(published(&world)["key_version"], world.key_version);
    let asked = json!({ "SecretId": KEY, "VersionId": version });
    assert_refused(&world.caller().call(&asked).unwrap(), 400, "ResourceNotFoundException");

    world.secrets.store().publish(OTHER, "staging", "reports", &next);
    let mut elsewhere = world.caller();
    elsewhere.region = OTHER.to_owned();
    assert_eq!(elsewhere.call(&json!({ "SecretId": KEY })).unwrap().status, 200, "the other region is not stale");

    world.secrets.heal();
    assert_eq!(published(&world)["key_version"], version);
}

#[test]
fn two_doubles_share_no_secret() {
    let (one, two) = (World::new(), World::new());
    let key = |world: &World| world.get(KEY).unwrap().json().unwrap()["SecretString"].clone();
    assert_eq!(key(&one), one.svid.key_pem);
    assert_eq!(key(&two), two.svid.key_pem);
}
