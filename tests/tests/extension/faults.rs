//! Every fault of Secrets Manager: its typed answer, and the recovery when it is over.

use std::time::Duration;

use e2e::egress::World;
use e2e::secrets::{Fault, Target, certificate_secret, key_secret, may_read};

use crate::support::{assert_answered, assert_failure};

/// The fault in the way of one of the two secrets, what the function is told, and that it gets well by itself.
fn fails_and_recovers(fault: Fault, status: u16, reason: &str) {
    for secret in [certificate_secret("staging", "reports"), key_secret("staging", "reports")] {
        let world = World::new();
        world.secrets.fail(Target::secret(&secret), fault);
        let ledger = world.app("ledger");
        let extension = world.plan().upstream(&ledger).start();
        assert_failure(&extension.get("ledger", "/"), status, reason);
        assert_eq!(ledger.connections(), 0, "nothing is called without an identity");
        world.secrets.heal();
        extension.wait_for_recovery("ledger");
        assert_eq!(extension.status()["identity"]["failure"], serde_json::Value::Null);
    }
}

#[test]
fn denied() {
    fails_and_recovers(Fault::Denied, 502, "access-denied");
}

#[test]
fn throttled() {
    fails_and_recovers(Fault::Throttled, 503, "throttled");
}

#[test]
fn not_found() {
    fails_and_recovers(Fault::NotFound, 503, "identity-missing");
}

#[test]
fn undecryptable() {
    fails_and_recovers(Fault::Undecryptable, 502, "access-denied");
}

#[test]
fn internal_error() {
    fails_and_recovers(Fault::Internal, 503, "identity-unavailable");
}

#[test]
fn unavailable() {
    fails_and_recovers(Fault::Unavailable, 503, "identity-unavailable");
}

#[test]
fn hanging() {
    fails_and_recovers(Fault::Hang, 503, "identity-unavailable");
}

#[test]
fn garbled() {
    fails_and_recovers(Fault::Garbled, 502, "identity-invalid");
}

#[test]
fn without_a_value() {
    fails_and_recovers(Fault::Valueless, 502, "identity-invalid");
}

#[test]
fn truncated() {
    fails_and_recovers(Fault::Truncated, 503, "identity-unavailable");
}

#[test]
fn closed_without_an_answer() {
    fails_and_recovers(Fault::HangUp, 503, "identity-unavailable");
}

#[test]
fn slow_but_in_time() {
    let world = World::new();
    world.secrets.fail(Target::all(), Fault::Slow(Duration::from_millis(400)));
    let ledger = world.app("ledger");
    let extension = world.plan().upstream(&ledger).start();
    assert_answered(&extension.get("ledger", "/"));
}

#[test]
fn one_failure_that_passes_by_itself_is_not_seen() {
    let world = World::new();
    world.secrets.fail_times(Target::all(), Fault::Throttled, 1);
    let ledger = world.app("ledger");
    let extension = world.plan().upstream(&ledger).start();
    assert_answered(&extension.get("ledger", "/"));
}

#[test]
fn credentials_that_have_expired_or_may_not_read_are_told() {
    let world = World::new();
    let ledger = world.app("ledger");
    for session in [
        world.secrets.session(may_read("staging", "reports"), Duration::ZERO),
        world.secrets.session(may_read("staging", "ledger"), Duration::from_secs(3600)),
    ] {
        let mut plan = world.plan().upstream(&ledger);
        plan.options.credentials = Some((&*session).into());
        assert_failure(&plan.start().get("ledger", "/"), 502, "access-denied");
    }
    let mut plan = world.plan().upstream(&ledger);
    plan.options.credentials = None;
    assert_failure(&plan.start().get("ledger", "/"), 502, "access-denied");
}

#[test]
fn while_the_identity_is_young_nobody_asks_and_no_fault_is_felt() {
    let world = World::new();
    let ledger = world.app("ledger");
    let extension = world.plan().upstream(&ledger).start();
    assert_answered(&extension.get("ledger", "/"));
    let asked = world.secrets.calls().all().len();
    world.secrets.fail(Target::all(), Fault::Hang);
    for _ in 0..20 {
        assert_answered(&extension.get("ledger", "/"));
    }
    assert_eq!(world.secrets.calls().all().len(), asked);
}
