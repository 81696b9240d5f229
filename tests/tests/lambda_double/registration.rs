//! Register, and who an identifier belongs to.

use e2e::lambda::InitCause;
use serde_json::json;

use crate::support::{Starting, assert_refused, patient, site, started, wait_for};

#[test]
fn registering_tells_the_function_and_gives_an_identifier() {
    let starting = Starting::begin(site(&["watcher"]), patient());
    let mut puppet = starting.puppet("watcher");
    let said = puppet.register(&["INVOKE", "SHUTDOWN"]);
    assert_eq!(said, json!({ "functionName": "reports", "functionVersion": "$LATEST", "handler": "index.handler" }));
    assert_eq!(puppet.identifier().len(), 36);
    puppet.next();
    starting.finish();
}

#[test]
fn the_account_is_told_to_who_accepts_that_feature() {
    let starting = Starting::begin(site(&["watcher"]), patient());
    let puppet = starting.puppet("watcher");
    let headers = [("Lambda-Extension-Name", "watcher"), ("Lambda-Extension-Accept-Feature", "other, accountId")];
    let answer = puppet.call("POST", "register", &headers, "{}");
    assert_eq!(answer.json().unwrap()["accountId"], "123456789012");
}

#[test]
fn a_name_that_is_no_file_is_refused_and_registers_nobody() {
    let starting = Starting::begin(site(&["watcher"]), patient());
    let puppet = starting.puppet("watcher.sh");
    assert_refused(&puppet.try_register(&[]), 403, "Extension.InvalidExtensionName");
    let mut right = starting.puppet("watcher");
    right.register(&[]);
    right.next();
    starting.finish();
}

#[test]
fn a_register_without_a_name_without_a_body_or_with_an_unknown_event_is_refused() {
    let starting = Starting::begin(site(&["watcher"]), patient());
    let puppet = starting.puppet("watcher");
    let named = [("Lambda-Extension-Name", "watcher")];
    assert_refused(&puppet.call("POST", "register", &[], "{}"), 403, "Extension.InvalidExtensionName");
    assert_refused(&puppet.call("POST", "register", &named, ""), 403, "InvalidRequestFormat");
    assert_refused(&puppet.call("POST", "register", &named, r#"{"events":"INVOKE"}"#), 403, "InvalidRequestFormat");
    assert_refused(&puppet.try_register(&["INVOKE", "FREEZE"]), 403, "Extension.InvalidEventType");
    assert_refused(&puppet.call("GET", "register", &named, "{}"), 405, "MethodNotAllowed");
    assert_refused(&puppet.call("POST", "registration", &named, "{}"), 404, "NotFound");
}

#[test]
fn registering_twice_is_refused() {
    let starting = Starting::begin(site(&["watcher", "other"]), patient());
    let mut puppet = starting.puppet("watcher");
    puppet.register(&[]);
    assert_refused(&puppet.try_register(&[]), 403, "Extension.InvalidExtensionState");
}

#[test]
fn registration_closes_when_the_initialisation_is_over() {
    let (_environment, puppet, _next) = started(&[], patient());
    let late = puppet.call("POST", "register", &[("Lambda-Extension-Name", "late")], "{}");
    assert_refused(&late, 403, "Extension.RegistrationClosed");
    let again = puppet.try_register(&[]);
    assert_refused(&again, 403, "Extension.InvalidExtensionState");
}

#[test]
fn internal_extensions_register_while_the_runtime_starts_but_not_for_the_shutdown() {
    let starting = Starting::begin(site(&["watcher"]), patient());
    let mut watcher = starting.puppet("watcher");
    let mut inside = starting.puppet("inside");
    assert_refused(&inside.try_register(&["INVOKE"]), 403, "Extension.InvalidExtensionName");
    watcher.register(&[]);
    // The runtime starts now; the initialisation cannot end before the watcher calls next.
    wait_for("the runtime", || {
        let refused = inside.try_register(&["SHUTDOWN"]);
        refused.text().contains("Extension.InvalidEventType").then_some(())
    });
    inside.register(&["INVOKE"]);
    watcher.next();
    let event = inside.next();
    let mut environment = starting.finish();
    let invoked = std::thread::spawn(move || environment.invoke("x"));
    assert_eq!(event.join().unwrap().unwrap()["eventType"], "INVOKE");
    inside.next();
    assert_eq!(invoked.join().unwrap().payload(), b"x");
}

#[test]
fn next_wants_an_identifier_that_is_somebodys() {
    let starting = Starting::begin(site(&["watcher"]), patient());
    let mut puppet = starting.puppet("watcher");
    puppet.register(&[]);
    let next = |identifier: Option<&str>| {
        let headers: Vec<_> = identifier.map(|value| ("Lambda-Extension-Identifier", value)).into_iter().collect();
        puppet.call("GET", "event/next", &headers, "")
    };
    assert_refused(&next(None), 403, "Extension.MissingExtensionIdentifier");
    assert_refused(&next(Some("watcher")), 403, "Extension.InvalidExtensionIdentifier");
    let stranger = "01234567-89ab-cdef-0123-456789abcdef";
    assert_refused(&next(Some(stranger)), 403, "Extension.UnknownExtensionIdentifier");
    let posted = puppet.call("POST", "event/next", &[("Lambda-Extension-Identifier", puppet.identifier())], "");
    assert_refused(&posted, 405, "MethodNotAllowed");
}

#[test]
fn a_second_next_while_one_waits_is_refused() {
    let (environment, puppet, _next) = started(&[], patient());
    let second = puppet.call("GET", "event/next", &[("Lambda-Extension-Identifier", puppet.identifier())], "");
    assert_refused(&second, 403, "Extension.InvalidExtensionState");
    let calls = environment.calls();
    let statuses: Vec<_> = calls.iter().filter(|call| call.what == "event/next").map(|call| call.status).collect();
    assert_eq!(statuses, [None, Some(403)], "the first one waits: {calls:?}");
}

#[test]
fn an_error_report_wants_its_type_and_ends_the_initialisation() {
    let starting = Starting::begin(site(&["watcher"]), patient());
    let mut puppet = starting.puppet("watcher");
    puppet.register(&[]);
    let headers = [("Lambda-Extension-Identifier", puppet.identifier())];
    assert_refused(&puppet.call("POST", "init/error", &headers, "{}"), 403, "Extension.MissingHeader");
    let answer = puppet.report("init/error", "Extension.NoIdentity");
    assert_eq!((answer.status, answer.json().unwrap()), (202, json!({ "status": "OK" })));
    let expected = InitCause::ExtensionError("watcher".into(), "Extension.NoIdentity".into());
    let failure = starting.fail();
    assert_eq!(failure.cause, expected);
    assert!(failure.output.contains("--- watcher told Lambda\n{\"errorMessage\":\"m\""), "{failure}");
}

#[test]
fn an_init_error_after_next_is_refused() {
    let (_environment, puppet, _next) = started(&[], patient());
    assert_refused(&puppet.report("init/error", "Extension.Late"), 403, "Extension.InvalidExtensionState");
}
