//! Many requests at once, and one fetch.

use std::collections::HashMap;
use std::time::Duration;

use mtls_client::{Reason, SourceFault};

use crate::support::{Alpn, Lambda, PATIENCE, fetch, get, ledger};

/// 500 requests at once; how often each outcome came.
async fn herd(lambda: &Lambda, to: &mtls_client::Upstream) -> HashMap<Result<(), Reason>, usize> {
    let calls: Vec<_> = (0..500)
        .map(|_| {
            let (client, to) = (lambda.client.clone(), to.clone());
            tokio::spawn(async move { fetch(&client, &to, "/hello").await.map(|_| ()).map_err(|error| error.kind()) })
        })
        .collect();
    let mut outcomes = HashMap::new();
    for call in calls {
        *outcomes.entry(call.await.unwrap()).or_insert(0) += 1;
    }
    outcomes
}

#[tokio::test]
async fn five_hundred_cold_requests_cause_one_fetch_and_one_connection() {
    let lambda = Lambda::new();
    let server = lambda.ledger(Alpn::Http2).await;
    let to = ledger(server.address);
    assert_eq!(herd(&lambda, &to).await, HashMap::from([(Ok(()), 500)]));
    assert_eq!((lambda.source.documents(), lambda.source.keys()), (1, 1));
    // One connection for each hundred requests that are under way at once.
    assert!((1..=5).contains(&server.journal.connections()), "{}", server.journal.connections());
}

#[tokio::test]
async fn a_fetch_that_was_started_early_serves_the_herd() {
    let lambda = Lambda::new();
    let server = lambda.ledger(Alpn::Http2).await;
    lambda.client.warm();
    lambda.client.warm();
    assert_eq!(herd(&lambda, &ledger(server.address)).await, HashMap::from([(Ok(()), 500)]));
    lambda.client.warm();
    assert_eq!(lambda.source.documents(), 1);
}

#[tokio::test]
async fn a_herd_does_not_stampede_on_a_failing_source() {
    let lambda = Lambda::with(|settings| settings.first_pause = PATIENCE);
    let server = lambda.ledger(Alpn::Http2).await;
    let to = ledger(server.address);
    lambda.source.fail(0, SourceFault::AccessDenied);
    for _ in 0..3 {
        assert_eq!(herd(&lambda, &to).await, HashMap::from([(Err(Reason::AccessDenied), 500)]));
    }
    assert_eq!(lambda.source.documents(), 1);
    // After the pause one asks again, and all are served.
    lambda.source.recover(0);
    lambda.clock.freeze(PATIENCE.as_secs() + 1);
    assert_eq!(herd(&lambda, &to).await, HashMap::from([(Ok(()), 500)]));
    assert_eq!(lambda.source.documents(), 2);
}

#[tokio::test]
async fn the_fetch_goes_on_when_the_request_that_began_it_has_gone() {
    let lambda = Lambda::new();
    let server = lambda.ledger(Alpn::Http2).await;
    let to = ledger(server.address);
    lambda.source.close();
    let error = lambda.client.send(&to, get("/hello"), Some(Duration::from_millis(20))).await.unwrap_err();
    assert_eq!(error.kind(), Reason::DeadlineExceeded);
    assert!(lambda.client.status().fetching);
    lambda.source.open();
    fetch(&lambda.client, &to, "/hello").await.unwrap();
    assert_eq!(lambda.source.documents(), 1);
}

#[tokio::test]
async fn a_passing_failure_is_asked_about_once_more_within_the_same_call() {
    for fault in [SourceFault::Throttled, SourceFault::Unavailable] {
        let lambda = Lambda::new();
        let server = lambda.ledger(Alpn::Http2).await;
        lambda.source.fail_times(0, fault, 1);
        fetch(&lambda.client, &ledger(server.address), "/hello").await.unwrap();
        assert_eq!(lambda.source.documents(), 2);
        // A failure that stays is told after the second try.
        lambda.client.restored();
        lambda.source.fail(0, fault);
        fetch(&lambda.client, &ledger(server.address), "/hello").await.unwrap_err();
        assert_eq!(lambda.source.documents(), 4);
    }
}
