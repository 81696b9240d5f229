//! Every failure is a typed answer, and one line of the log.

use std::time::Duration;

use http::Response;

use super::world::{TOKEN, World, app, until, whole};
use crate::answer::Failure;

const GET: &str = "GET /~ledger/ HTTP/1.1\r\nHost: localhost\r\n\r\n";

#[tokio::test]
async fn each_failure_of_a_call_is_told_by_its_reason_and_logged_once() {
    for reason in mtls_client::Reason::ALL {
        let failing = app(move |_| async move {
            Err(Failure::of_call(reason.as_str(), reason.status(), format!("what to do about {reason}")))
        });
        let world = World::new(failing, "").await;
        let answer = world.call(GET).await;
        assert_eq!((answer.status, answer.reason()), (reason.status(), reason.as_str()));
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.json()["error"], reason.as_str());
        assert_eq!(answer.json()["message"], format!("what to do about {reason}"));
        let lines = world.log.lines();
        assert_eq!(lines.len(), 1, "{reason}");
        assert_eq!((&lines[0]["reason"], &lines[0]["failures"]), (&reason.as_str().into(), &1.into()));
        assert_eq!((&lines[0]["app"], &lines[0]["environment"]), (&"reports".into(), &"staging".into()));
        assert_eq!((&lines[0]["upstream"], &lines[0]["status"]), (&"ledger.staging".into(), &reason.status().into()));
    }
}

#[tokio::test]
async fn refusals_are_logged_with_their_kind_and_without_the_token() {
    let world = World::echo().await;
    world.exchange("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n").await;
    world
        .exchange("GET / HTTP/1.1\r\nHost: ledger\r\nX-Meshbridge-Token: guessed-token\r\nConnection: close\r\n\r\n")
        .await;
    world.call("GET /secret-path HTTP/1.1\r\nHost: elsewhere\r\n\r\n").await;
    let lines = world.log.lines();
    let told: Vec<_> = lines.iter().map(|line| (line["reason"].as_str().unwrap(), line["kind"].as_str())).collect();
    assert_eq!(told, [("bad-request", Some("host-twice")), ("token-wrong", None), ("upstream-not-allowed", None)]);
    let all = serde_json::to_string(&lines).unwrap();
    for secret in [TOKEN, "guessed-token", "secret-path"] {
        assert!(!all.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn what_succeeds_is_not_logged_whatever_its_status() {
    let failing = app(|_| async {
        let mut response = Response::new(whole("no such thing"));
        *response.status_mut() = http::StatusCode::NOT_FOUND;
        Ok(response)
    });
    let world = World::new(failing, "").await;
    let answer = world.call(GET).await;
    assert_eq!((answer.status, answer.reason(), answer.text()), (404, "none", "no such thing"));
    assert_eq!(world.log.lines().len(), 0);
}

#[tokio::test]
async fn an_app_that_does_not_answer_in_time_is_given_up() {
    let silent = app(|_| std::future::pending());
    let world = World::new(silent, r#", "timeouts": {"response_ms": 50}"#).await;
    let answer = world.call(GET).await;
    assert_eq!((answer.status, answer.reason()), (504, "deadline-exceeded"));
    assert!(answer.text().contains("timeouts.response_ms"));
    assert_eq!(world.arrived()[0].deadline, None);
}

#[tokio::test]
async fn a_request_that_says_how_long_it_waits_is_bounded_by_that_alone() {
    let world = World::new(super::world::echo(), r#", "timeouts": {"response_ms": 50}"#).await;
    world.call("GET /~ledger/ HTTP/1.1\r\nHost: localhost\r\nX-Meshbridge-Timeout-Ms: 120000\r\n\r\n").await;
    let deadline = world.arrived()[0].deadline.unwrap();
    assert!(deadline <= Duration::from_secs(120) && deadline > Duration::from_secs(100), "{deadline:?}");
}

#[tokio::test]
async fn no_request_outlives_its_invocation() {
    let world = World::echo().await;
    let now = crate::clock::Clock::system().wall();
    let at = |left: Duration| u64::try_from((now + left).as_millis()).unwrap();
    world.proxy.invocation_ends_at(at(Duration::from_secs(60)));
    world.call(GET).await;
    world.call("GET /~ledger/ HTTP/1.1\r\nHost: localhost\r\nX-Meshbridge-Timeout-Ms: 5000\r\n\r\n").await;
    world.call("GET /~ledger/ HTTP/1.1\r\nHost: localhost\r\nX-Meshbridge-Timeout-Ms: 900000\r\n\r\n").await;
    // The event of a new invocation may come after its first request.
    world.proxy.invocation_ends_at(at(Duration::ZERO));
    world.call(GET).await;
    let deadlines: Vec<_> = world.arrived().iter().map(|arrived| arrived.deadline).collect();
    assert!(deadlines[0].unwrap() <= Duration::from_secs(60), "{deadlines:?}");
    assert!(deadlines[1].unwrap() <= Duration::from_secs(5), "{deadlines:?}");
    assert!(deadlines[2].unwrap() <= Duration::from_secs(60), "{deadlines:?}");
    assert_eq!(deadlines[3], None);
}

#[tokio::test]
async fn a_head_that_does_not_come_to_its_end_in_time_is_told_so() {
    let world = World::new(super::world::echo(), r#", "timeouts": {"head_ms": 100}"#).await;
    let mut wire = world.connect().await;
    wire.send(b"GET /~ledger/ HTTP/1.1\r\nHost: ").await;
    let answer = wire.answer().await.unwrap();
    assert_eq!((answer.status, answer.json()["kind"].as_str()), (408, Some("head-timeout")));
    assert!(wire.answer().await.is_none());
    assert_eq!(world.arrived().len(), 0);
}

#[tokio::test]
async fn a_slow_head_in_time_is_served() {
    let world = World::echo().await;
    let mut wire = world.connect().await;
    for byte in format!("GET /~ledger/ HTTP/1.1\r\nHost: localhost\r\nX-Meshbridge-Token: {TOKEN}\r\n\r\n").bytes() {
        wire.send(&[byte]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(wire.answer().await.unwrap().status, 200);
}

#[tokio::test]
async fn a_caller_that_goes_away_ends_its_call() {
    struct Dropped(std::sync::Arc<std::sync::atomic::AtomicBool>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.store(true, std::sync::atomic::Ordering::SeqCst);
        }
    }
    let gone = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let seen = std::sync::Arc::clone(&gone);
    let silent = app(move |_| {
        let guard = Dropped(std::sync::Arc::clone(&seen));
        async move {
            std::future::pending::<()>().await;
            drop(guard);
            Ok(Response::new(whole("never")))
        }
    });
    let world = World::new(silent, "").await;
    let mut wire = world.connect().await;
    wire.send(format!("GET / HTTP/1.1\r\nHost: ledger\r\nX-Meshbridge-Token: {TOKEN}\r\n\r\n").as_bytes()).await;
    until("the call begins", || world.arrived().len() == 1).await;
    drop(wire);
    until("the call ends", || gone.load(std::sync::atomic::Ordering::SeqCst)).await;
}
