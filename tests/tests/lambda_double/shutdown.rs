//! The shutdown: who is told, who is asked, who is ended by force.

use std::os::raw::c_int;
use std::time::Duration;

use e2e::child::Ended;
use e2e::lambda::{End, Options, RUNTIME_SHUTDOWN, Runtime, SHUTDOWN, ShutdownReason};

use crate::support::{Starting, patient, site, started, text_of};

const KILL: c_int = 9;

/// A runtime that waits in next, and does this at SIGTERM.
fn runtime(at_term: &str) -> Runtime {
    let script = format!(
        r#"trap '{at_term}' TERM
exec 3<>"/dev/tcp/${{AWS_LAMBDA_RUNTIME_API/://}}"
printf 'GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: api\r\n\r\n' >&3
while :; do sleep 0.02; done"#
    );
    Runtime::Program(vec!["/bin/bash".into(), "-c".into(), script])
}

#[test]
fn the_documented_limits_are_the_defaults() {
    assert_eq!((RUNTIME_SHUTDOWN, SHUTDOWN), (Duration::from_millis(300), Duration::from_millis(2000)));
    let options = Options::default();
    assert_eq!((options.runtime_shutdown, options.shutdown), (RUNTIME_SHUTDOWN, SHUTDOWN));
    assert_eq!(options.init_limit, Duration::from_secs(10));
}

#[test]
fn an_extension_that_registered_for_it_is_told_the_reason_and_the_deadline() {
    let options = Options { shutdown: Duration::from_millis(600), ..patient() };
    let (mut environment, _puppet, next) = started(&["SHUTDOWN"], options);
    let before = environment.clock().shared().unix();
    let report = environment.shutdown(ShutdownReason::Spindown);
    let event = next.join().unwrap().unwrap();
    assert_eq!(event["eventType"], "SHUTDOWN");
    assert_eq!(event["shutdownReason"], "spindown");
    assert!(event["deadlineMs"].as_u64().unwrap() / 1000 >= before);
    // Its process sleeps on, so it is ended by force when its time is up.
    assert_eq!(report.extensions["watcher"], End::Killed);
    assert!(report.took >= Duration::from_millis(600));
}

#[test]
fn an_extension_that_ends_in_time_is_not_killed() {
    let site = site(&[]);
    let script = r#"#!/bin/bash
call() { exec 3<>"/dev/tcp/${AWS_LAMBDA_RUNTIME_API/://}"; printf "$@" >&3; }
call 'POST /2020-01-01/extension/register HTTP/1.1\r\nHost: api\r\nLambda-Extension-Name: neat\r\nContent-Length: 23\r\n\r\n{"events":["SHUTDOWN"]}'
while IFS= read -r line <&3 && [ "$line" != $'\r' ]; do
  case ${line,,} in lambda-extension-identifier:*) id=${line#*: } ;; esac
done
call 'GET /2020-01-01/extension/event/next HTTP/1.1\r\nHost: api\r\nLambda-Extension-Identifier: %s\r\n\r\n' "${id%$'\r'}"
read -r line <&3
exit 7
"#;
    site.install_script("neat", script).unwrap();
    let mut environment = Starting::begin(site, Options { shutdown: crate::support::PATIENCE, ..patient() }).finish();
    let report = environment.shutdown(ShutdownReason::Spindown);
    assert_eq!(report.extensions["neat"], End::InTime(Ended::Exited(7)));
}

#[test]
fn an_extension_that_did_not_register_for_it_is_killed_without_a_word() {
    let (mut environment, _puppet, next) = started(&["INVOKE"], patient());
    let report = environment.shutdown(ShutdownReason::Spindown);
    assert_eq!(report.extensions["watcher"], End::NotTold);
    drop(environment);
    assert_eq!(next.join().unwrap(), None);
}

#[test]
fn a_runtime_beside_extensions_is_asked_first_and_killed_when_it_does_not_end() {
    let asked = |at_term: &str, limit| {
        let options = Options { runtime: runtime(at_term), runtime_shutdown: limit, ..patient() };
        let (environment, _puppet, _next) = started(&[], options);
        environment
    };
    let mut willing = asked("echo asked >\"$TMPDIR/asked\"; exit 0", crate::support::PATIENCE);
    assert_eq!(willing.shutdown(ShutdownReason::Spindown).runtime, Some(End::InTime(Ended::Exited(0))));
    assert_eq!(text_of(&willing.site().temporary().join("asked")), "asked\n");

    let mut stubborn = asked(":", Duration::from_millis(100));
    assert_eq!(stubborn.shutdown(ShutdownReason::Spindown).runtime, Some(End::Killed));
}

#[test]
fn a_runtime_without_extensions_is_killed_at_once() {
    let options = Options { runtime: runtime("sleep 600"), ..patient() };
    let mut environment = Starting::begin(site(&[]), options).finish();
    let report = environment.shutdown(ShutdownReason::Spindown);
    assert!(matches!(report.runtime, Some(End::Killed | End::InTime(Ended::Signalled(KILL)))), "{report:?}");
}

#[test]
fn a_frozen_environment_can_be_shut_down() {
    let (mut environment, _puppet, _next) = started(&[], patient());
    environment.freeze();
    let report = environment.shutdown(ShutdownReason::Spindown);
    assert_eq!(report.extensions["watcher"], End::NotTold);
}
