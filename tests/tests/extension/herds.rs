//! Many cold requests at once.

use std::collections::BTreeMap;
use std::time::Duration;

use e2e::client::{Connection, Request};
use e2e::egress::World;
use e2e::secrets::{Fault, Target, certificate_secret, key_secret};
use serde_json::json;

use crate::support::{PATIENCE, assert_failure};

const HERD: usize = 500;

/// All requests stand in the kernel's queues before the extension runs again, without an identity.
fn herd(connections: usize) {
    let world = World::new();
    world.secrets.fail(Target::all(), Fault::Denied);
    let ledger = world.app("ledger");
    let mut extension = world.plan().upstream(&ledger).with("max_connections", json!(connections)).start();
    assert_failure(&extension.get("ledger", "/"), 502, "access-denied");
    world.secrets.heal();
    world.secrets.calls().clear();

    let (client, token) = (extension.client().with_timeout(PATIENCE), extension.token());
    extension.environment.freeze();
    let mut waiting: Vec<Connection> = (0..HERD).map(|_| client.connect().unwrap()).collect();
    for (number, connection) in waiting.iter_mut().enumerate() {
        let request = Request::new("GET", format!("/{number}")).host("ledger").header("x-meshbridge-token", &token);
        connection.write(&request.to_bytes()).unwrap();
    }
    extension.environment.thaw_after(Duration::from_secs(60));
    let mut answers: BTreeMap<u16, usize> = BTreeMap::new();
    for mut connection in waiting {
        *answers.entry(connection.read().unwrap().status).or_default() += 1;
    }
    assert_eq!(answers, BTreeMap::from([(200, HERD)]), "{}", extension.output());
    assert_eq!(ledger.count(), HERD, "each arrived once");
    let calls = world.secrets.calls();
    let of = |secret: String| calls.of(&secret);
    assert_eq!((of(certificate_secret("staging", "reports")), of(key_secret("staging", "reports"))), (1, 1));
}

#[test]
fn five_hundred_cold_requests_cause_one_fetch() {
    herd(600);
}

#[test]
fn five_hundred_cold_requests_on_half_as_many_connections_cause_one_fetch() {
    herd(HERD / 2);
}

#[test]
fn requests_that_wait_in_vain_are_answered_and_the_next_ones_are_served() {
    let world = World::new();
    world.secrets.fail(Target::all(), Fault::Denied);
    let ledger = world.app("ledger");
    let extension = world.plan().upstream(&ledger).start();
    let client = extension.client();
    let mut waiting: Vec<Connection> = (0..50).map(|_| client.connect().unwrap()).collect();
    for connection in &mut waiting {
        connection.write(&extension.request("GET", "ledger", "/").to_bytes()).unwrap();
    }
    for mut connection in waiting {
        assert_failure(&connection.read().unwrap(), 502, "access-denied");
    }
    let asked = world.secrets.calls().all().len();
    assert!(asked < 20, "fifty requests made {asked} calls");
    world.secrets.heal();
    extension.wait_for_recovery("ledger");
}
