//! What the function's invocations have to do with the extension.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use e2e::client::{Client, Request, Response};
use e2e::egress::{Extension, World};
use e2e::lambda::{FunctionFailure, MovedClock, Outcome, Runtime};
use e2e::mesh::App;
use serde_json::json;

use crate::support::{assert_answered, assert_failure};

/// A function that calls the app's path that it is given, and leaves the answer where the test finds it.
struct Calling {
    extension: Extension,
    answers: Arc<Mutex<Vec<Response>>>,
}

/// What the function has to know, once there is an extension.
#[derive(Clone)]
struct Way {
    client: Client,
    token: String,
    clock: Arc<MovedClock>,
}

impl Calling {
    fn start(world: &World, ledger: &App, invocations: &str) -> Self {
        let answers = Arc::new(Mutex::new(Vec::new()));
        let way: Arc<Mutex<Option<Way>>> = Arc::default();
        let (noted, known) = (Arc::clone(&answers), Arc::clone(&way));
        let runtime = Runtime::Closure(Arc::new(move |event| {
            let way = known.lock().unwrap().clone().expect("where to call");
            // "LATE PATH": all but two seconds of the invocation's time are over.
            let given = String::from_utf8_lossy(&event.payload).into_owned();
            let path = given.strip_prefix("LATE ").unwrap_or(&given);
            if path != given {
                way.clock.advance(TIMEOUT - Duration::from_secs(2)).expect("the clock can be set");
            }
            let request = Request::new("GET", path).host("ledger").header("x-meshbridge-token", &way.token);
            let failure = |error: e2e::client::Error| FunctionFailure {
                error_type: "Function.NoAnswer".into(),
                message: error.to_string(),
            };
            noted.lock().unwrap().push(way.client.send(&request).map_err(failure)?);
            Ok(b"called".to_vec())
        }));
        let mut plan = world.plan().upstream(ledger).with("invocations", json!(invocations));
        plan.options.runtime = runtime;
        plan.options.function.timeout = TIMEOUT;
        let extension = plan.start();
        let clock = Arc::clone(extension.environment.clock());
        *way.lock().unwrap() = Some(Way { client: extension.client(), token: extension.token(), clock });
        Self { extension, answers }
    }

    fn invoke(&mut self, path: &str) -> (Outcome, Response) {
        let outcome = self.extension.environment.invoke(path);
        let answer = self.answers.lock().unwrap().pop();
        (outcome, answer.expect("an answer"))
    }
}

const TIMEOUT: Duration = Duration::from_secs(60);

#[test]
fn a_call_inside_an_invocation_is_answered_with_and_without_following() {
    for invocations in ["ignore", "follow"] {
        let world = World::new();
        let ledger = world.app("ledger");
        let mut calling = Calling::start(&world, &ledger, invocations);
        for _ in 0..3 {
            let (outcome, answer) = calling.invoke("/");
            assert_answered(&answer);
            assert_eq!(outcome.payload(), b"called");
            // Between invocations Lambda freezes.
            calling.extension.environment.freeze();
        }
    }
}

#[test]
fn followed_a_call_does_not_outlive_its_invocation() {
    let world = World::new();
    let ledger = world.app("ledger");
    let mut calling = Calling::start(&world, &ledger, "follow");
    let (_, answer) = calling.invoke("LATE /hang");
    assert_failure(&answer, 504, "deadline-exceeded");
    // The next invocation has a deadline of its own.
    let (_, answer) = calling.invoke("/");
    assert_answered(&answer);
}
