//! The end of an environment.

use std::thread;

use e2e::child::Ended;
use e2e::egress::{EXTENSION, World};
use e2e::lambda::{End, SHUTDOWN, ShutdownReason};
use serde_json::json;

use crate::support::{PATIENCE, assert_answered, wait_until};

#[test]
fn told_of_the_shutdown_it_ends_by_itself_within_the_documented_time() {
    let world = World::new();
    let ledger = world.app("ledger");
    let mut extension = world.plan().upstream(&ledger).with("invocations", json!("follow")).start();
    assert_answered(&extension.get("ledger", "/"));
    let (token, socket) =
        (extension.token_file(), extension.environment.site().temporary().join("meshbridge/proxy.sock"));
    assert!(token.exists() && socket.exists());
    let report = extension.environment.shutdown(ShutdownReason::Spindown);
    assert_eq!(report.extensions[EXTENSION], End::InTime(Ended::Exited(0)), "{}", extension.output());
    assert!(!token.exists() && !socket.exists(), "its files are gone");
}

#[test]
fn a_request_under_way_is_finished_before_the_end() {
    let world = World::new();
    let ledger = world.app("ledger");
    let mut plan = world.plan().upstream(&ledger).with("invocations", json!("follow"));
    plan.options.shutdown = PATIENCE;
    let mut extension = plan.start();
    let (client, request) = (extension.client(), extension.request("GET", "ledger", "/held"));
    let held = thread::spawn(move || client.send(&request));
    wait_until("the request", || ledger.hits().len() == 1);
    let releasing = thread::spawn(move || {
        ledger.release();
        ledger
    });
    let report = extension.environment.shutdown(ShutdownReason::Spindown);
    releasing.join().unwrap();
    assert_answered(&held.join().unwrap().unwrap());
    assert_eq!(report.extensions[EXTENSION], End::InTime(Ended::Exited(0)), "{}", extension.output());
}

#[test]
fn a_request_that_does_not_end_does_not_keep_it_from_ending_in_time() {
    let world = World::new();
    let ledger = world.app("ledger");
    let mut plan = world.plan().upstream(&ledger).with("invocations", json!("follow"));
    // Five times what Lambda gives, for a machine under load; still far less than the request would take.
    plan.options.shutdown = SHUTDOWN * 5;
    let mut extension = plan.start();
    let (client, request) = (extension.client(), extension.request("GET", "ledger", "/hang"));
    let hanging = thread::spawn(move || client.send(&request));
    wait_until("the request", || ledger.hits().len() == 1);
    let report = extension.environment.shutdown(ShutdownReason::Spindown);
    assert_eq!(report.extensions[EXTENSION], End::InTime(Ended::Exited(0)), "{}", extension.output());
    let _ = hanging.join().unwrap();
}

#[test]
fn an_extension_that_follows_nothing_needs_no_time_at_the_end() {
    let world = World::new();
    let mut extension = world.plan().upstream(&world.app("ledger")).start();
    let report = extension.environment.shutdown(ShutdownReason::Spindown);
    assert_eq!(report.extensions[EXTENSION], End::NotTold);
}
