//! Every fault, as a caller sees it, and that it ends.

use std::thread;
use std::time::{Duration, Instant};

use e2e::client::Error;
use e2e::secrets::{CallOutcome, Fault, HOME, Moto, OTHER, Target};
use serde_json::json;

use crate::support::{CERTIFICATE, KEY, PATIENCE, World, assert_refused};

#[test]
fn refusals_carry_the_codes_of_the_service() {
    let world = World::new();
    for (fault, status, code) in [
        (Fault::Denied, 400, "AccessDeniedException"),
        (Fault::Throttled, 400, "ThrottlingException"),
        (Fault::NotFound, 400, "ResourceNotFoundException"),
        (Fault::Undecryptable, 400, "DecryptionFailure"),
        (Fault::Internal, 500, "InternalServiceError"),
    ] {
        world.secrets.fail_times(Target::all(), fault, 1);
        assert_refused(&world.get(KEY).unwrap(), status, code);
        assert_eq!(world.secrets.calls().all().last().unwrap().outcome, CallOutcome::Faulted(fault));
    }
    assert_eq!(world.get(KEY).unwrap().status, 200, "each was for one call");
}

#[test]
fn answers_that_are_no_answers_look_as_they_should() {
    let world = World::new();
    world.secrets.fail_times(Target::all(), Fault::Unavailable, 1);
    let unavailable = world.get(KEY).unwrap();
    assert_eq!((unavailable.status, unavailable.header("content-type")), (503, Some("text/html")));

    world.secrets.fail_times(Target::all(), Fault::Garbled, 1);
    let garbled = world.get(KEY).unwrap();
    assert_eq!(garbled.status, 200);
    assert!(garbled.json().is_err(), "{}", garbled.text());

    world.secrets.fail_times(Target::all(), Fault::Valueless, 1);
    let valueless = world.get(KEY).unwrap();
    assert_eq!(valueless.status, 200);
    assert!(valueless.json().unwrap().get("SecretString").is_none());

    world.secrets.fail_times(Target::all(), Fault::Truncated, 1);
    let truncated = world.get(KEY).unwrap_err();
    assert!(matches!(truncated, Error::Truncated { received } if (1..4000).contains(&received)), "{truncated}");

    world.secrets.fail_times(Target::all(), Fault::HangUp, 1);
    let hung_up = world.get(KEY).unwrap_err();
    assert!(matches!(hung_up, Error::Closed), "{hung_up}");
    assert_eq!(world.get(KEY).unwrap().status, 200);
}

#[test]
fn a_slow_answer_is_whole() {
    let world = World::new();
    world.secrets.fail_times(Target::all(), Fault::Slow(Duration::from_millis(200)), 1);
    let begun = Instant::now();
    assert_eq!(world.get(KEY).unwrap().json().unwrap()["SecretString"], world.svid.key_pem);
    assert!(begun.elapsed() >= Duration::from_millis(200));
}

#[test]
fn a_call_that_hangs_is_never_answered() {
    let world = World::new();
    world.secrets.fail(Target::all(), Fault::Hang);
    let mut caller = world.caller();
    caller.client = caller.client.with_timeout(Duration::from_millis(300));
    let hung = caller.call(&json!({ "SecretId": KEY })).unwrap_err();
    assert!(matches!(hung, Error::Timeout), "{hung}");
}

#[test]
fn a_held_call_is_answered_once_the_double_is_healed() {
    let world = World::new();
    world.secrets.fail(Target::secret(CERTIFICATE), Fault::Held);
    let (caller, asked) = (world.caller(), json!({ "SecretId": CERTIFICATE }));
    let held = thread::spawn(move || caller.call(&asked).unwrap());
    assert!(world.secrets.calls().wait_for(1, PATIENCE, |call| call.outcome == CallOutcome::Faulted(Fault::Held)));
    assert!(!held.is_finished());
    assert_eq!(world.get(KEY).unwrap().status, 200, "the other secret is not held");
    world.secrets.heal();
    assert_eq!(held.join().unwrap().status, 200);
}

#[test]
fn a_fault_of_one_region_is_not_one_of_the_other() {
    let world = World::new();
    world.secrets.store().publish(OTHER, "staging", "reports", &world.svid);
    world.secrets.fail(Target::secret(KEY).in_region(HOME), Fault::Denied);
    assert_refused(&world.get(KEY).unwrap(), 400, "AccessDeniedException");
    assert_eq!(world.get(CERTIFICATE).unwrap().status, 200);
    let mut elsewhere = world.caller();
    elsewhere.region = OTHER.to_owned();
    assert_eq!(elsewhere.call(&json!({ "SecretId": KEY })).unwrap().status, 200);
    world.secrets.heal();
    assert_eq!(world.get(KEY).unwrap().status, 200);
}

#[test]
fn what_is_not_verified_is_not_even_broken() {
    let world = World::new();
    world.secrets.fail(Target::all(), Fault::Throttled);
    let stranger = World::new();
    let mut caller = world.caller();
    caller.session = stranger.session;
    assert_refused(&caller.call(&json!({ "SecretId": KEY })).unwrap(), 400, "UnrecognizedClientException");
}

#[test]
fn all_doubles_of_a_process_share_one_moto_that_runs() {
    let (one, two) = (Moto::shared().unwrap(), Moto::shared().unwrap());
    assert_eq!(one.pid(), two.pid());
    assert!(std::path::Path::new(&format!("/proc/{}", one.pid())).exists());
}
