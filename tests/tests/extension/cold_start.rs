//! From nothing to the first answer.

use std::os::unix::fs::PermissionsExt as _;

use e2e::egress::{World, quiet_port};
use e2e::lambda::Runtime;
use e2e::secrets::{Fault, Target};
use serde_json::json;

#[test]
fn the_first_request_is_answered_by_the_app_which_knows_the_function() {
    let world = World::new();
    let ledger = world.app("ledger");
    let extension = world.plan().upstream(&ledger).start();
    let answer = extension.get("ledger", "/balance?of=x");
    assert_eq!(answer.status, 200, "{}\n{}", answer.text(), extension.output());
    let said = answer.json().unwrap();
    assert_eq!(said["caller"], "spiffe://mesh.example.com/staging/reports");
    assert_eq!((&said["app"], &said["target"]), (&"ledger".into(), &"/balance?of=x".into()));
    assert_eq!(ledger.hits().len(), 1);
}

#[test]
fn the_extension_registers_for_nothing_and_is_ready_before_secrets_manager_answers() {
    let world = World::new();
    world.secrets.fail(Target::all(), Fault::Hang);
    let ledger = world.app("ledger");
    let mut extension = world.plan().upstream(&ledger).start();
    let calls = extension.environment.calls();
    let of = |what: &str| calls.iter().position(|call| call.what == what).unwrap();
    assert!(of("register") < of("event/next"), "{calls:?}");
    assert!(of("register") < of("invocation/next"), "{calls:?}");
    // No event is waiting for it, so an invocation does not wait for it either.
    assert_eq!(extension.environment.invoke("x").payload(), b"x");
    let calls = extension.environment.calls();
    assert_eq!(calls.iter().filter(|call| call.what == "event/next").count(), 1, "{calls:?}");
}

#[test]
fn the_token_is_there_when_the_function_starts_and_only_its_user_can_read_it() {
    let world = World::new();
    let extension = world.plan().upstream(&world.app("ledger")).start();
    let file = extension.token_file();
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(file.parent().unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o700);
    assert!(extension.token().len() >= 32);
}

#[test]
fn an_unchanged_program_calls_by_http_proxy_through_the_wrapper() {
    let world = World::new();
    let ledger = world.app("ledger");
    let port = quiet_port();
    let mut plan = world.plan().upstream(&ledger).with("listen", json!({ "port": port, "unix": null }));
    let token = plan.config["token"]["file"].as_str().unwrap().to_owned();
    let wrapper = plan.site.opt().join("mtls-proxy-wrapper");
    std::fs::copy(WRAPPER, &wrapper).unwrap();
    std::fs::set_permissions(&wrapper, std::fs::Permissions::from_mode(0o755)).unwrap();
    let function = plan.site.task().join("function.py");
    std::fs::write(&function, FUNCTION).unwrap();
    let path = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    plan.options.runtime = Runtime::Program(vec![python(), path(&function)]);
    let mut extension = plan
        .variable("AWS_LAMBDA_EXEC_WRAPPER", &path(&wrapper))
        .variable("MESHBRIDGE_PROXY", &format!("http://127.0.0.1:{port}"))
        .variable("MESHBRIDGE_TOKEN_FILE", &token)
        .start();
    let outcome = extension.environment.invoke("http://ledger.mesh/balance");
    let said: serde_json::Value = serde_json::from_slice(outcome.payload()).unwrap();
    assert_eq!(said["caller"], "spiffe://mesh.example.com/staging/reports", "{said}");
    assert_eq!(said["target"], "/balance");
    let hits = ledger.hits();
    let proxy_only = |name: &str| name.starts_with("proxy-") || name.contains("meshbridge");
    assert!(hits[0].headers.iter().all(|(name, _)| !proxy_only(name)), "{:?}", hits[0]);
}

const WRAPPER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../lambda/mtls-proxy/mtls-proxy-wrapper");

/// The interpreter itself: the runtime's PATH is Lambda's, not this machine's.
fn python() -> String {
    let root = xtask::workspace::root().unwrap();
    xtask::moto::find(&root).unwrap().python.to_str().unwrap().to_owned()
}

/// A custom runtime whose function fetches the URL that it is given. It knows nothing of the mesh.
const FUNCTION: &str = r#"
import os, urllib.request
api = "http://%s/2018-06-01/runtime/" % os.environ["AWS_LAMBDA_RUNTIME_API"]
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
while True:
    given = direct.open(api + "invocation/next")
    try:
        body = urllib.request.urlopen(given.read().decode(), timeout=60).read()
    except Exception as error:
        body = repr(error).encode()
    request = urllib.request.Request(api + "invocation/%s/response" % given.headers["Lambda-Runtime-Aws-Request-Id"], body)
    direct.open(request).read()
"#;
