//! SnapStart: credentials behind an endpoint, and the order of a restore.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime};

use e2e::lambda::{InitCause, Initialization, Options, RoleCredentials, Runtime};
use serde_json::json;

use crate::support::{PATIENCE, Puppet, Starting, assert_refused, patient, site, started, text_of};

fn credentials(name: &str) -> RoleCredentials {
    RoleCredentials {
        access_key_id: format!("ASIA{name}"),
        secret_access_key: format!("secret of {name}"),
        session_token: format!("token of {name}"),
        expires_at: SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000),
    }
}

fn snap_start() -> Options {
    let initialization = Initialization::SnapStart;
    Options { initialization, credentials: Some(credentials("BEFORE")), ..patient() }
}

/// Tells the variables about credentials that a process sees, and where the API is.
const TELLING: &str = "#!/bin/sh\nenv | grep -E '^AWS_(CONTAINER|ACCESS|SECRET|SESSION|LAMBDA_INIT)' | sort >\"$TMPDIR/env\"\n\
    printf %s \"$AWS_LAMBDA_RUNTIME_API\" >\"$TMPDIR/api\"\nexec sleep 600\n";

fn telling(options: Options) -> (Starting, Puppet) {
    let site = site(&[]);
    site.install_script("telling", TELLING).unwrap();
    let starting = Starting::begin(site, options);
    let mut puppet = starting.puppet("telling");
    puppet.register(&[]);
    puppet.next();
    (starting, puppet)
}

#[test]
fn credentials_come_from_the_endpoint_and_change_with_the_restore() {
    let (starting, puppet) = telling(snap_start());
    let variables = text_of(&starting.temporary.join("env"));
    assert!(!variables.contains("AWS_ACCESS_KEY_ID") && !variables.contains("secret"), "{variables}");
    assert!(variables.contains("AWS_LAMBDA_INITIALIZATION_TYPE=snap-start"), "{variables}");
    let value = |name: &str| {
        let line = variables.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.strip_prefix('=').unwrap().to_owned()
    };
    let uri = value("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    let path = uri.strip_prefix("http://").unwrap().split_once('/').unwrap().1;
    let path = format!("/{path}");
    let token = value("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    let get = |token: &str| puppet.raw("GET", &path, &[("Authorization", token)], "");

    assert_eq!(get("another").status, 404);
    let expected = |name: &str| {
        json!({
            "AccessKeyId": format!("ASIA{name}"),
            "SecretAccessKey": format!("secret of {name}"),
            "Token": format!("token of {name}"),
            "Expiration": "2027-01-15T08:00:00Z",
        })
    };
    assert_eq!(get(&token).json().unwrap(), expected("BEFORE"));
    let mut environment = starting.finish();
    environment.freeze();
    environment.restore_after(Duration::from_secs(3600), credentials("AFTER")).unwrap();
    assert_eq!(get(&token).json().unwrap(), expected("AFTER"));
    assert_eq!(environment.invoke("restored").payload(), b"restored");
}

#[test]
fn an_ordinary_environment_has_its_credentials_in_variables_and_nothing_to_restore() {
    let (starting, puppet) = telling(Options { credentials: Some(credentials("PLAIN")), ..patient() });
    let variables = text_of(&starting.temporary.join("env"));
    assert!(variables.contains("AWS_ACCESS_KEY_ID=ASIAPLAIN\n"), "{variables}");
    assert!(variables.contains("AWS_SECRET_ACCESS_KEY=secret of PLAIN\n"), "{variables}");
    assert!(variables.contains("AWS_SESSION_TOKEN=token of PLAIN\n"), "{variables}");
    assert!(variables.contains("AWS_LAMBDA_INITIALIZATION_TYPE=on-demand\n"), "{variables}");
    assert!(!variables.contains("AWS_CONTAINER"), "{variables}");
    assert_refused(&puppet.raw("GET", "/2018-06-01/runtime/restore/next", &[], ""), 404, "NotFound");
    starting.finish();
}

#[test]
fn the_runtime_runs_no_invocation_before_it_is_restored() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    let runtime = Runtime::Closure(Arc::new(move |event| {
        noted.lock().unwrap().push(event.payload.clone());
        Ok(Vec::new())
    }));
    let (mut environment, _puppet, _next) = started(&[], Options { runtime, ..snap_start() });
    let of_runtime = |environment: &e2e::lambda::Environment| {
        let calls = environment.calls();
        calls.iter().filter(|call| call.who == "runtime").map(|call| (call.what, call.status)).collect::<Vec<_>>()
    };
    assert_eq!(of_runtime(&environment), [("restore/next", None)]);
    environment.freeze();
    environment.restore_after(Duration::from_secs(60), credentials("AFTER")).unwrap();
    assert_eq!(of_runtime(&environment), [("restore/next", Some(200)), ("invocation/next", None)]);
    environment.invoke("x");
    assert_eq!(*seen.lock().unwrap(), [b"x".to_vec()]);
}

#[test]
fn a_runtime_whose_hook_fails_after_the_restore_fails_the_restore() {
    let script = "echo \"$AWS_LAMBDA_RUNTIME_API\" >\"$TMPDIR/played\"; exec sleep 600";
    let runtime = Runtime::Program(vec!["/bin/sh".into(), "-c".into(), script.into()]);
    let starting = Starting::begin(site(&[]), Options { runtime, ..snap_start() });
    let api = text_of(&starting.temporary.join("played")).trim().parse().unwrap();
    let client = e2e::client::Client::plain(api).with_timeout(PATIENCE);
    let call = move |method: &str, path: &str| {
        let path = format!("/2018-06-01/runtime/{path}");
        let request = e2e::client::Request::new(method, path).host("api");
        client.send(&request.header("Lambda-Runtime-Function-Error-Type", "Runtime.HookFailed").body("{}")).unwrap()
    };
    let early = call("POST", "restore/error");
    assert_refused(&early, 403, "InvalidStateTransition");
    let hook = thread::spawn(move || {
        assert_eq!(call("GET", "restore/next").status, 200);
        assert_eq!(call("POST", "restore/error").status, 202);
    });
    let mut environment = starting.finish();
    environment.freeze();
    let failure = environment.restore_after(Duration::ZERO, credentials("AFTER")).unwrap_err();
    assert_eq!(failure.cause, InitCause::RuntimeError("Runtime.HookFailed".into()));
    hook.join().unwrap();
}
