//! The extension killed and started again, and mistakes that keep it from starting.

use e2e::egress::{EXTENSION, World, quiet_port};
use e2e::lambda::{InitCause, Outcome};
use serde_json::json;

use crate::support::assert_answered;

#[test]
fn killed_and_started_again_it_serves_on_the_same_port_and_socket_with_a_new_token() {
    let world = World::new();
    let ledger = world.app("ledger");
    let mut plan = world.plan().upstream(&ledger);
    plan.config["listen"]["port"] = json!(quiet_port());
    let mut extension = plan.start();
    assert_answered(&extension.get("ledger", "/"));
    let (address, token) = (extension.address(), extension.token());

    extension.environment.kill_extension(EXTENSION);
    assert_eq!(extension.environment.invoke("x"), Outcome::ExtensionCrashed(EXTENSION.into()));
    assert_eq!(extension.environment.invoke("y").payload(), b"y");
    assert_eq!(extension.address(), address);
    assert_ne!(extension.token(), token);
    assert_answered(&extension.get("ledger", "/"));
}

#[test]
fn a_configuration_with_mistakes_fails_the_initialisation_and_lists_them_all() {
    let world = World::new();
    let plan = world.plan().upstream(&world.app("ledger"));
    let plan = plan.with("trust_domain", json!("Not A Domain")).with("surprise", json!(1)).with("app", json!("UPPER"));
    let failure = plan.try_start().unwrap_err();
    let expected = InitCause::ExtensionError(EXTENSION.into(), "Extension.ConfigInvalid".into());
    assert_eq!(failure.cause, expected, "{failure}");
    for field in ["trust_domain", "surprise", "app"] {
        assert!(failure.output.contains(field), "{field} is not named: {failure}");
    }
}

#[test]
fn a_port_that_is_taken_fails_the_initialisation() {
    let world = World::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut plan = world.plan().upstream(&world.app("ledger"));
    plan.config["listen"]["port"] = json!(taken.local_addr().unwrap().port());
    let failure = plan.try_start().unwrap_err();
    let expected = InitCause::ExtensionError(EXTENSION.into(), "Extension.ListenFailed".into());
    assert_eq!(failure.cause, expected, "{failure}");
}
