//! The order of an initialisation, and how it fails.

use std::fs;
use std::time::Duration;

use e2e::lambda::{Call, InitCause, Options, Phase, Runtime};

use crate::support::{Starting, patient, site, started, wait_for};

fn marker() -> Runtime {
    let script = "touch \"$TMPDIR/runtime-started\"; exec sleep 600";
    Runtime::Program(vec!["/bin/sh".into(), "-c".into(), script.into()])
}

#[test]
fn the_runtime_starts_when_all_extensions_have_registered() {
    let starting = Starting::begin(site(&["a", "b"]), Options { runtime: marker(), ..patient() });
    let started = starting.temporary.join("runtime-started");
    let (mut a, mut b) = (starting.puppet("a"), starting.puppet("b"));
    a.register(&[]);
    a.next();
    // What comes after this call would have seen the runtime, had it been started.
    assert_eq!(b.call("POST", "register", &[], "{}").status, 403);
    assert!(!started.exists());
    b.register(&[]);
    wait_for("the runtime", || started.exists().then_some(()));
}

#[test]
fn an_initialisation_is_over_when_all_extensions_and_the_runtime_have_called_next() {
    let (environment, _puppet, _next) = started(&[], patient());
    assert_eq!(environment.phase(), Phase::Ready);
    let calls = environment.calls();
    let of = |who: &str, what| calls.iter().position(|call| call.who == who && call.what == what).unwrap();
    assert!(of("watcher", "register") < of("runtime", "invocation/next"), "{calls:?}");
    assert!(calls.contains(&Call { who: "watcher".into(), what: "event/next", status: None }));
}

#[test]
fn an_extension_that_does_not_register_in_time_fails_the_initialisation() {
    let options = Options { init_limit: Duration::from_millis(500), ..patient() };
    let starting = Starting::begin(site(&["idle"]), options);
    assert_eq!(starting.fail().cause, InitCause::NotRegistered(vec!["idle".into()]));
}

#[test]
fn an_extension_that_does_not_call_next_in_time_fails_the_initialisation() {
    // The puppet must have registered before the time is up, on whatever machine.
    let options = Options { init_limit: Duration::from_secs(5), ..patient() };
    let starting = Starting::begin(site(&["watcher"]), options);
    starting.puppet("watcher").register(&[]);
    assert_eq!(starting.fail().cause, InitCause::NotReady(vec!["watcher".into()]));
}

#[test]
fn an_extension_that_ends_fails_the_initialisation_with_what_it_said() {
    let site = site(&[]);
    site.install_script("brief", "#!/bin/sh\necho 'no configuration' >&2\nexit 3\n").unwrap();
    let failure = Starting::begin(site, patient()).fail();
    assert_eq!(failure.cause, InitCause::ExtensionExited("brief".into()));
    assert!(failure.output.contains("no configuration"), "{failure}");
}

#[test]
fn a_file_that_cannot_be_executed_fails_the_initialisation() {
    let site = site(&[]);
    fs::write(site.extensions().join("text"), "not a program").unwrap();
    let failure = Starting::begin(site, patient()).fail();
    assert!(matches!(&failure.cause, InitCause::Launch(name, _) if name == "text"), "{failure}");
}

#[test]
fn a_runtime_that_ends_or_reports_an_error_fails_the_initialisation() {
    let program = |script: &str| Runtime::Program(vec!["/bin/sh".into(), "-c".into(), script.into()]);
    let failure = Starting::begin(site(&[]), Options { runtime: program("exit 1"), ..patient() }).fail();
    assert_eq!(failure.cause, InitCause::RuntimeExited);

    let telling = program("printf %s \"$AWS_LAMBDA_RUNTIME_API\" >\"$TMPDIR/api\"; exec sleep 600");
    let starting = Starting::begin(site(&[]), Options { runtime: telling, ..patient() });
    let runtime = starting.puppet("runtime");
    let headers = [("Lambda-Runtime-Function-Error-Type", "Runtime.NoSuchHandler")];
    let answer = runtime.raw("POST", "/2018-06-01/runtime/init/error", &headers, "{}");
    assert_eq!(answer.status, 202);
    assert_eq!(starting.fail().cause, InitCause::RuntimeError("Runtime.NoSuchHandler".into()));
}

#[test]
fn an_environment_without_extensions_starts_too() {
    let mut environment = Starting::begin(site(&[]), patient()).finish();
    assert_eq!(environment.invoke("alone").payload(), b"alone");
}
