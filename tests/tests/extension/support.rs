//! What the tests of the extension have in common.

use std::thread;
use std::time::{Duration, Instant};

use e2e::client::Response;

/// Longer than anything takes on a machine under load.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);

/// Asserts one of the proxy's own answers: its status, the reason in the header and in the body, and a message.
#[track_caller]
pub(crate) fn assert_failure(answer: &Response, status: u16, reason: &str) {
    let found = (answer.status, answer.header("x-meshbridge-error"));
    assert_eq!(found, (status, Some(reason)), "{}", answer.text());
    let document = answer.json().unwrap_or_else(|error| panic!("{error}: {}", answer.text()));
    assert_eq!(document["error"], reason);
    assert!(document["message"].as_str().is_some_and(|message| message.len() > 10), "{document}");
}

/// Asserts an answer of the app.
#[track_caller]
pub(crate) fn assert_answered(answer: &Response) {
    assert_eq!((answer.status, answer.header("x-meshbridge-error")), (200, None), "{}", answer.text());
}

/// Waits until it is so.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut reached: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !reached() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(10));
    }
}
