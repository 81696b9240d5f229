//! Invocations, as the runtime, the extensions and the caller see them.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use e2e::client::{Client, Request, Response};
use e2e::lambda::{Answer, Environment, FunctionFailure, Options, Outcome, Runtime};

use crate::support::{PATIENCE, Starting, assert_refused, patient, site, started, text_of};

/// A runtime that the test plays: its process only tells where the API is.
struct PlayedRuntime {
    client: Client,
}

impl PlayedRuntime {
    fn start() -> (Starting, Self) {
        let script = "echo \"$AWS_LAMBDA_RUNTIME_API\" >\"$TMPDIR/played\"; exec sleep 600";
        let runtime = Runtime::Program(vec!["/bin/sh".into(), "-c".into(), script.into()]);
        let starting = Starting::begin(site(&[]), Options { runtime, ..patient() });
        let api = text_of(&starting.temporary.join("played")).trim().parse().unwrap();
        (starting, Self { client: Client::plain(api).with_timeout(PATIENCE) })
    }

    fn next(&self) -> Response {
        let request = Request::new("GET", "/2018-06-01/runtime/invocation/next").host("api");
        self.client.send(&request).unwrap()
    }

    fn post(&self, request_id: &str, what: &str, body: &str) -> Response {
        self.client.send(&Self::posting(request_id, what).body(body)).unwrap()
    }

    fn posting(request_id: &str, what: &str) -> Request {
        Request::new("POST", format!("/2018-06-01/runtime/invocation/{request_id}/{what}")).host("api")
    }

    /// The environment with one invocation under way, and that invocation.
    fn invoked(payload: &'static str) -> (Self, thread::JoinHandle<(Environment, Outcome)>, Response) {
        let (starting, runtime) = Self::start();
        let client = Self { client: runtime.client.clone() };
        let given = thread::spawn(move || client.next());
        let mut environment = starting.finish();
        let outcome = thread::spawn(move || {
            let outcome = environment.invoke(payload);
            (environment, outcome)
        });
        (runtime, outcome, given.join().unwrap())
    }
}

fn id_of(given: &Response) -> String {
    given.header("lambda-runtime-aws-request-id").unwrap().to_owned()
}

#[test]
fn the_runtime_is_handed_the_payload_with_the_documented_headers() {
    let (runtime, outcome, given) = PlayedRuntime::invoked("{\"a\":1}");
    assert_eq!((given.status, given.text().as_str()), (200, "{\"a\":1}"));
    assert_eq!(id_of(&given).len(), 36);
    let arn = given.header("lambda-runtime-invoked-function-arn").unwrap();
    assert_eq!(arn, "arn:aws:lambda:us-west-2:123456789012:function:reports");
    assert!(given.header("lambda-runtime-trace-id").unwrap().starts_with("Root=1-"));
    assert!(given.header("lambda-runtime-deadline-ms").unwrap().parse::<u64>().unwrap() > 1_700_000_000_000);
    assert_eq!(runtime.post(&id_of(&given), "response", "done").status, 202);
    let next = thread::spawn(move || runtime.client.send(&Request::new("GET", NEXT).host("api")));
    let (environment, outcome) = outcome.join().unwrap();
    assert_eq!(outcome.payload(), b"done");
    drop(environment);
    assert!(next.join().unwrap().is_err(), "the API is gone");
}

const NEXT: &str = "/2018-06-01/runtime/invocation/next";

#[test]
fn an_answer_for_another_request_or_a_second_answer_is_refused() {
    let (runtime, outcome, given) = PlayedRuntime::invoked("x");
    let other = runtime.post("01234567-89ab-cdef-0123-456789abcdef", "response", "x");
    assert_refused(&other, 400, "InvalidRequestID");
    assert_refused(&runtime.next(), 403, "InvalidStateTransition");
    assert_eq!(runtime.post(&id_of(&given), "response", "first").status, 202);
    assert_refused(&runtime.post(&id_of(&given), "response", "second"), 403, "InvalidStateTransition");
    let next = thread::spawn(move || runtime.client.send(&Request::new("GET", NEXT).host("api")));
    assert_eq!(outcome.join().unwrap().1.payload(), b"first");
    assert!(next.join().unwrap().is_err());
}

#[test]
fn an_answer_over_six_megabytes_is_refused_unless_it_streams() {
    let (runtime, outcome, given) = PlayedRuntime::invoked("x");
    let large = "x".repeat(6 * 1024 * 1024 + 101);
    assert_refused(&runtime.post(&id_of(&given), "response", &large), 413, "RequestEntityTooLarge");
    let next = thread::spawn(move || runtime.client.send(&Request::new("GET", NEXT).host("api")));
    let (_, outcome) = outcome.join().unwrap();
    let Outcome::FunctionError { error_type, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(error_type, "Function.ResponseSizeTooLarge");
    assert!(next.join().unwrap().is_err());

    let (runtime, outcome, given) = PlayedRuntime::invoked("x");
    let streamed = PlayedRuntime::posting(&id_of(&given), "response")
        .header("Lambda-Runtime-Function-Response-Mode", "streaming")
        .header("Content-Type", "application/octet-stream")
        .chunked([&large, "end"]);
    assert_eq!(runtime.client.send(&streamed).unwrap().status, 202);
    let next = thread::spawn(move || runtime.client.send(&Request::new("GET", NEXT).host("api")));
    let (_, outcome) = outcome.join().unwrap();
    let payload = format!("{large}end").into_bytes();
    let content_type = Some("application/octet-stream".to_owned());
    assert_eq!(outcome, Outcome::Answered(Answer { payload, content_type, streamed: true }));
    assert!(next.join().unwrap().is_err());
}

#[test]
fn a_streamed_answer_tells_of_its_failure_in_trailers() {
    let (runtime, outcome, given) = PlayedRuntime::invoked("x");
    let mut bytes = PlayedRuntime::posting(&id_of(&given), "response")
        .header("Lambda-Runtime-Function-Response-Mode", "streaming")
        .header("Trailer", "Lambda-Runtime-Function-Error-Type")
        .chunked(["part"])
        .to_bytes();
    // The end of the chunks, again, with a trailer.
    bytes.truncate(bytes.len() - b"0\r\n\r\n".len());
    bytes.extend(b"0\r\nLambda-Runtime-Function-Error-Type: Runtime.Broken\r\n\r\n");
    assert_eq!(runtime.client.send_raw(&bytes).unwrap().status, 202);
    let next = thread::spawn(move || runtime.client.send(&Request::new("GET", NEXT).host("api")));
    let (_, outcome) = outcome.join().unwrap();
    let expected = Outcome::FunctionError { error_type: "Runtime.Broken".into(), payload: b"part".to_vec() };
    assert_eq!(outcome, expected);
    assert!(next.join().unwrap().is_err());
}

#[test]
fn an_unknown_response_mode_is_refused() {
    let (runtime, outcome, given) = PlayedRuntime::invoked("x");
    let request = PlayedRuntime::posting(&id_of(&given), "response")
        .header("Lambda-Runtime-Function-Response-Mode", "buffered")
        .body("x");
    assert_refused(&runtime.client.send(&request).unwrap(), 400, "InvalidFunctionResponseMode");
    let next = thread::spawn(move || runtime.client.send(&Request::new("GET", NEXT).host("api")));
    let (_, outcome) = outcome.join().unwrap();
    assert!(matches!(outcome, Outcome::FunctionError { .. }), "{outcome:?}");
    assert!(next.join().unwrap().is_err());
}

#[test]
fn a_function_that_fails_is_reported_with_its_type_and_the_environment_lives_on() {
    let runtime = Runtime::Closure(Arc::new(|event| {
        let failure = FunctionFailure { error_type: "Function.Sad".into(), message: "no".into() };
        if event.payload == b"fail" { Err(failure) } else { Ok(b"fine".to_vec()) }
    }));
    let mut environment = Starting::begin(site(&[]), Options { runtime, ..patient() }).finish();
    let Outcome::FunctionError { error_type, payload } = environment.invoke("fail") else { panic!() };
    assert_eq!(error_type, "Function.Sad");
    assert!(String::from_utf8(payload).unwrap().contains("\"errorMessage\":\"no\""));
    assert_eq!(environment.invoke("x").payload(), b"fine");
}

#[test]
fn an_extension_that_registered_for_invocations_is_told_and_waited_for() {
    let (mut environment, puppet, next) = started(&["INVOKE"], patient());
    let invoked = thread::spawn(move || {
        let outcome = environment.invoke("x");
        (environment, outcome)
    });
    let event = next.join().unwrap().unwrap();
    assert_eq!(event["eventType"], "INVOKE");
    assert_eq!(event["requestId"].as_str().unwrap().len(), 36);
    assert_eq!(event["tracing"]["type"], "X-Amzn-Trace-Id");
    assert!(event["deadlineMs"].as_u64().unwrap() > 1_700_000_000_000);
    assert_eq!(event["invokedFunctionArn"], "arn:aws:lambda:us-west-2:123456789012:function:reports");
    // The runtime has long answered, perhaps; the invocation is over when the extension calls next.
    thread::sleep(Duration::from_millis(50));
    assert!(!invoked.is_finished());
    let waiting = puppet.next();
    let (environment, outcome) = invoked.join().unwrap();
    assert_eq!(outcome.payload(), b"x");
    assert!(!waiting.is_finished());
    drop(environment);
}

#[test]
fn an_extension_that_registered_for_nothing_delays_no_invocation() {
    let (mut environment, _puppet, next) = started(&[], patient());
    for _ in 0..3 {
        assert_eq!(environment.invoke("x").payload(), b"x");
    }
    assert!(!next.is_finished(), "it still waits in its first next");
}
