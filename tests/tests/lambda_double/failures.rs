//! What breaks an environment, and how the next invocation begins with a new initialisation.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use e2e::lambda::{Function, Options, Outcome, Phase, Runtime};

use crate::support::{PATIENCE, Starting, patient, site, started, wait_for};

/// Registers by itself, and waits in next until the API hangs up; a crash is somebody's kill.
const SELF_SERVING: &str = r#"#!/bin/bash
exec 3<>"/dev/tcp/${AWS_LAMBDA_RUNTIME_API/://}"
printf 'POST /2020-01-01/extension/register HTTP/1.1\r\nHost: api\r\nLambda-Extension-Name: %s\r\nContent-Length: 2\r\n\r\n{}' "${0##*/}" >&3
while IFS= read -r line <&3 && [ "$line" != $'\r' ]; do
  case ${line,,} in lambda-extension-identifier:*) id=${line#*: } ;; esac
done
exec 3<>"/dev/tcp/${AWS_LAMBDA_RUNTIME_API/://}"
printf 'GET /2020-01-01/extension/event/next HTTP/1.1\r\nHost: api\r\nLambda-Extension-Identifier: %s\r\n\r\n' "${id%$'\r'}" >&3
read -r line <&3
"#;

#[test]
fn an_extension_that_crashes_fails_the_invocation_and_is_started_again_with_the_next() {
    let site = site(&[]);
    site.install_script("frail", SELF_SERVING).unwrap();
    let mut environment = Starting::begin(site, patient()).finish();
    assert_eq!(environment.invoke("one").payload(), b"one");
    let first = environment.pid_of("frail");
    environment.kill_extension("frail");
    assert_eq!(environment.invoke("two"), Outcome::ExtensionCrashed("frail".into()));
    assert_eq!(environment.phase(), Phase::Shutdown);
    assert_eq!(environment.invoke("three").payload(), b"three");
    assert_ne!(environment.pid_of("frail"), first);
    let registered = environment.calls().iter().filter(|call| call.what == "register").count();
    assert_eq!(registered, 2);
}

#[test]
fn an_invocation_that_takes_too_long_ends_the_environment_and_extensions_are_told_why() {
    let runtime = Runtime::Closure(Arc::new(|event| {
        if event.payload == b"slow" {
            thread::sleep(PATIENCE);
        }
        Ok(Vec::new())
    }));
    let function = Function { timeout: Duration::from_millis(500), ..Function::default() };
    let options = Options { runtime, function, shutdown: Duration::from_millis(500), ..patient() };
    let (mut environment, _puppet, next) = started(&["SHUTDOWN"], options);
    assert_eq!(environment.invoke("slow"), Outcome::TimedOut);
    let event = next.join().unwrap().unwrap();
    assert_eq!((&event["eventType"], &event["shutdownReason"]), (&"SHUTDOWN".into(), &"timeout".into()));
}

#[test]
fn a_runtime_that_ends_fails_the_invocation() {
    // It waits in next over a pipe that its own shell holds, and ends with what comes.
    let script = r#"
exec 3<>"/dev/tcp/${AWS_LAMBDA_RUNTIME_API/://}"
printf 'GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: api\r\n\r\n' >&3
read -r line <&3
exit 1"#;
    let runtime = Runtime::Program(vec!["/bin/bash".into(), "-c".into(), script.into()]);
    let mut environment = Starting::begin(site(&[]), Options { runtime, ..patient() }).finish();
    assert_eq!(environment.invoke("x"), Outcome::RuntimeExited);
    assert_eq!(environment.invoke("x"), Outcome::RuntimeExited, "it was started again, and did the same");
}

#[test]
fn an_extension_that_reports_an_error_fails_the_invocation() {
    let options = Options { shutdown: Duration::from_millis(500), ..patient() };
    let (mut environment, puppet, next) = started(&["INVOKE"], options);
    let invoked = thread::spawn(move || {
        let outcome = environment.invoke("x");
        (environment, outcome)
    });
    next.join().unwrap();
    assert_eq!(puppet.report("exit/error", "Extension.Lost").status, 202);
    let (_, outcome) = invoked.join().unwrap();
    assert_eq!(outcome, Outcome::ExtensionError("watcher".into(), "Extension.Lost".into()));
}

#[test]
fn nothing_is_left_of_an_environment_that_is_dropped() {
    let (environment, _puppet, next) = started(&[], patient());
    let pid = environment.pid_of("watcher");
    drop(environment);
    wait_for("the end of its process", || (!std::path::Path::new(&format!("/proc/{pid}")).exists()).then_some(()));
    assert_eq!(next.join().unwrap(), None, "whoever waited was hung up on");
}
