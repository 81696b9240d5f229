//! A runtime inside the test's process: a thread that speaks the Runtime API and calls a closure.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::client::{Client, Request, Response};

/// What the function is handed.
#[derive(Clone, Debug)]
pub struct FunctionEvent {
    /// `Lambda-Runtime-Aws-Request-Id`.
    pub request_id: String,
    /// `Lambda-Runtime-Deadline-Ms`: milliseconds since 1970, by the environment's clock.
    pub deadline_ms: u64,
    /// `Lambda-Runtime-Trace-Id`.
    pub trace_id: String,
    /// The body.
    pub payload: Vec<u8>,
}

/// Why a function failed.
#[derive(Clone, Debug)]
pub struct FunctionFailure {
    /// `Lambda-Runtime-Function-Error-Type`.
    pub error_type: String,
    /// What stands in the error document.
    pub message: String,
}

/// A function.
pub type Handler = dyn Fn(&FunctionEvent) -> Result<Vec<u8>, FunctionFailure> + Send + Sync;

/// Longer than any test: next has no limit of its own.
const FOR_EVER: Duration = Duration::from_secs(3600);

/// Serves until the API hangs up.
pub(super) fn run(api: SocketAddr, snap_start: bool, handler: Arc<Handler>) {
    thread::spawn(move || {
        let client = Client::plain(api).with_timeout(FOR_EVER);
        let get = |path: &str| client.send(&Request::new("GET", format!("/2018-06-01/runtime/{path}")).host("runtime"));
        let is_ok = |answer: &Result<Response, _>| answer.as_ref().is_ok_and(|answer| answer.status == 200);
        if snap_start && !is_ok(&get("restore/next")) {
            return;
        }
        while let Ok(given) = get("invocation/next")
            && given.status == 200
        {
            let header = |name: &str| given.header(name).unwrap_or_default().to_owned();
            let event = FunctionEvent {
                request_id: header("lambda-runtime-aws-request-id"),
                deadline_ms: header("lambda-runtime-deadline-ms").parse().unwrap_or_default(),
                trace_id: header("lambda-runtime-trace-id"),
                payload: given.body.clone(),
            };
            let path = format!("/2018-06-01/runtime/invocation/{}", event.request_id);
            let request = match handler(&event) {
                Ok(answer) => Request::new("POST", format!("{path}/response")).host("runtime").body(answer),
                Err(failure) => Request::new("POST", format!("{path}/error"))
                    .host("runtime")
                    .header("lambda-runtime-function-error-type", &failure.error_type)
                    .body(
                        json!({ "errorMessage": failure.message, "errorType": failure.error_type, "stackTrace": [] })
                            .to_string(),
                    ),
            };
            if client.send(&request).is_err() {
                return;
            }
        }
    });
}
