//! Frozen between invocations, for seconds or for days.

use std::time::Duration;

use e2e::egress::World;
use e2e::secrets::{Fault, HOME, Target};

use crate::support::{HOUR, assert_answered, assert_failure};

#[test]
fn connections_that_died_while_it_was_frozen_are_not_used() {
    let world = World::new();
    let ledger = world.app("ledger");
    let mut extension = world.plan().upstream(&ledger).start();
    assert_answered(&extension.get("ledger", "/"));
    for round in 0..5 {
        extension.environment.freeze();
        ledger.cut_connections();
        extension.environment.thaw_after(Duration::from_secs(300));
        // Not idempotent, so that a second try would not be allowed.
        let post = extension.request("POST", "ledger", &format!("/{round}")).body("once");
        assert_answered(&extension.send(&post).unwrap());
    }
    let posts: Vec<_> = ledger.hits().into_iter().filter(|hit| hit.method == "POST").map(|hit| hit.target).collect();
    assert_eq!(posts, ["/0", "/1", "/2", "/3", "/4"], "each arrived once");
}

#[test]
fn connections_that_live_are_used_again_when_there_was_no_freeze() {
    let world = World::new();
    let ledger = world.app("ledger");
    let extension = world.plan().upstream(&ledger).start();
    for _ in 0..10 {
        assert_answered(&extension.get("ledger", "/"));
    }
    assert_eq!(ledger.connections(), 1);
}

#[test]
fn an_identity_that_expired_while_it_was_frozen_is_replaced_by_the_next() {
    let world = World::new();
    let ledger = world.app("ledger");
    let mut extension = world.plan().upstream(&ledger).start();
    assert_answered(&extension.get("ledger", "/"));
    let next = world.identity(0, 100);
    world.publish(HOME, &next);
    extension.environment.freeze();
    extension.environment.thaw_after(HOUR * 25);
    assert_answered(&extension.get("ledger", "/"));
    let hits = ledger.hits();
    assert_eq!(hits[0].certificate_sha256, Some(world.svid.certificate_sha256()));
    assert_eq!(hits[1].certificate_sha256, Some(next.certificate_sha256()));
}

#[test]
fn an_identity_that_expired_and_has_no_successor_is_not_used() {
    let world = World::new();
    let ledger = world.app("ledger");
    let mut extension = world.plan().upstream(&ledger).start();
    assert_answered(&extension.get("ledger", "/"));
    world.secrets.fail(Target::all(), Fault::Throttled);
    extension.environment.freeze();
    extension.environment.thaw_after(HOUR * 25);
    assert_failure(&extension.get("ledger", "/"), 503, "identity-expired");
    assert_eq!(ledger.hits().len(), 1);
    // Secrets Manager is well again, but the issuer has not published either.
    world.secrets.heal();
    assert_failure(&extension.get("ledger", "/"), 503, "identity-expired");
    world.publish(HOME, &world.identity(0, 100));
    extension.wait_for_recovery("ledger");
}

#[test]
fn past_half_of_its_life_an_identity_serves_while_the_next_cannot_be_had() {
    let world = World::new();
    let ledger = world.app("ledger");
    let mut extension = world.plan().upstream(&ledger).start();
    assert_answered(&extension.get("ledger", "/"));
    for fault in [Fault::Throttled, Fault::Hang, Fault::Denied, Fault::NotFound, Fault::Garbled] {
        world.secrets.heal();
        world.secrets.fail(Target::all(), fault);
        extension.environment.freeze();
        extension.environment.thaw_after(HOUR * 2 + HOUR / 2);
        assert_answered(&extension.get("ledger", "/"));
    }
    // It did ask: 12.5 hours are more than half of a day.
    assert!(world.secrets.calls().all().len() > 2);
    assert!(ledger.hits().iter().all(|hit| hit.certificate_sha256 == Some(world.svid.certificate_sha256())));
}

#[test]
fn a_clock_that_is_set_back_does_no_harm() {
    let world = World::new();
    let ledger = world.app("ledger");
    let mut extension = world.plan().upstream(&ledger).start();
    assert_answered(&extension.get("ledger", "/"));
    extension.environment.freeze();
    extension.environment.thaw_after(HOUR);
    assert_answered(&extension.get("ledger", "/"));
    extension.environment.skip_back(Duration::from_secs(3500));
    assert_answered(&extension.get("ledger", "/"));
}

#[test]
fn a_freeze_in_the_middle_of_a_fetch_is_survived() {
    let world = World::new();
    world.secrets.fail(Target::all(), Fault::Hang);
    let ledger = world.app("ledger");
    let mut extension = world.plan().upstream(&ledger).start();
    assert!(world.secrets.calls().wait_for(1, crate::support::PATIENCE, |_| true));
    // Nobody waited for the fetch, so Lambda froze in its middle, and its connection is dead.
    extension.environment.freeze();
    world.secrets.heal();
    extension.environment.thaw_after(HOUR);
    extension.wait_for_recovery("ledger");
}
