//! SnapStart: what is in the snapshot, and what is made after it.

use std::time::Duration;

use e2e::egress::{Extension, World};
use e2e::lambda::{Initialization, RoleCredentials};
use e2e::mesh::App;
use e2e::secrets::may_read;

use crate::support::{HOUR, assert_answered, assert_failure, wait_until};

fn snapshot(world: &World, ledger: &App) -> Extension {
    let mut plan = world.plan().upstream(ledger);
    plan.options.initialization = Initialization::SnapStart;
    let mut extension = plan.start();
    extension.environment.freeze();
    extension
}

#[test]
fn nothing_secret_is_in_the_snapshot_and_all_of_it_is_made_after_the_restore() {
    let world = World::new();
    let ledger = world.app("ledger");
    let mut extension = snapshot(&world, &ledger);
    assert_eq!(world.secrets.calls().all().len(), 0, "no identity was fetched");
    assert!(!extension.token_file().exists(), "no token was made");

    let session = world.secrets.session(may_read("staging", "reports"), HOUR * 24 * 365);
    extension.environment.restore_after(HOUR * 2, RoleCredentials::from(&*session)).unwrap();
    extension.environment.invoke("first");
    wait_until("the token", || extension.token_file().exists());
    assert_answered(&extension.get("ledger", "/"));
    let calls = world.secrets.calls().all();
    assert!(!calls.is_empty());
    for call in calls {
        assert_eq!(
            call.access_key_id.as_deref(),
            Some(session.access_key_id.as_str()),
            "the credentials of the restore"
        );
    }
}

#[test]
fn a_request_before_the_snapshot_is_told_to_wait_for_the_restore() {
    let world = World::new();
    let ledger = world.app("ledger");
    let mut plan = world.plan().upstream(&ledger);
    plan.options.initialization = Initialization::SnapStart;
    let extension = plan.start();
    let bare = e2e::client::Request::new("GET", "/").host("ledger");
    assert_failure(&extension.send(&bare).unwrap(), 503, "restore-pending");
    assert_eq!((ledger.connections(), world.secrets.calls().all().len()), (0, 0));
}

#[test]
fn a_second_environment_of_the_same_snapshot_has_another_token() {
    let world = World::new();
    let ledger = world.app("ledger");
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let mut extension = snapshot(&world, &ledger);
        let session = world.secrets.session(may_read("staging", "reports"), HOUR * 24 * 365);
        extension.environment.restore_after(Duration::from_secs(1), RoleCredentials::from(&*session)).unwrap();
        extension.environment.invoke("first");
        wait_until("the token", || extension.token_file().exists());
        tokens.push(extension.token());
    }
    assert_ne!(tokens[0], tokens[1]);
}
