//! Freeze, thaw and restore: what was open before is not trusted after.

use std::sync::atomic::Ordering;

use mtls_client::Reason;

use crate::support::{Alpn, Lambda, OWN, fetch, header, ledger};

const PROTOCOLS: [Alpn; 2] = [Alpn::Http1, Alpn::Http2];

#[tokio::test]
async fn connections_from_before_a_freeze_are_not_used_again() {
    for alpn in PROTOCOLS {
        let lambda = Lambda::new();
        let server = lambda.ledger(alpn).await;
        let to = ledger(server.address);
        for (seconds, connections) in [(0, 1), (1, 1), (3, 2), (3600, 3), (0, 3)] {
            lambda.clock.freeze(seconds);
            fetch(&lambda.client, &to, "/hello").await.unwrap();
            assert_eq!(server.journal.connections(), connections, "{alpn:?} after {seconds} s");
        }
        // The server offers tickets; a session that is taken up would skip the proof of both identities.
        assert_eq!(server.journal.resumed.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn a_wall_clock_that_was_set_back_counts_as_a_freeze() {
    for alpn in PROTOCOLS {
        let lambda = Lambda::new();
        let server = lambda.ledger(alpn).await;
        fetch(&lambda.client, &ledger(server.address), "/hello").await.unwrap();
        lambda.clock.set_back(60);
        fetch(&lambda.client, &ledger(server.address), "/hello").await.unwrap();
        assert_eq!(server.journal.connections(), 2, "{alpn:?}");
    }
}

#[tokio::test]
async fn connections_that_were_idle_for_long_are_not_used_again() {
    for alpn in PROTOCOLS {
        let lambda = Lambda::new();
        let server = lambda.ledger(alpn).await;
        for (seconds, connections) in [(0, 1), (40, 1), (40, 1), (51, 2)] {
            lambda.clock.pass(seconds);
            fetch(&lambda.client, &ledger(server.address), "/hello").await.unwrap();
            assert_eq!(server.journal.connections(), connections, "{alpn:?} after {seconds} s");
        }
    }
}

#[tokio::test]
async fn a_busy_http2_connection_is_not_idle() {
    let lambda = Lambda::new();
    let server = lambda.ledger(Alpn::Http2).await;
    let to = ledger(server.address);
    let slow = {
        let (client, to) = (lambda.client.clone(), to.clone());
        tokio::spawn(async move { fetch(&client, &to, "/slow").await })
    };
    server.journal.arrived.notified().await;
    lambda.clock.pass(600);
    fetch(&lambda.client, &to, "/hello").await.unwrap();
    server.journal.release.notify_waiters();
    slow.await.unwrap().unwrap();
    assert_eq!(server.journal.connections(), 1);
}

#[tokio::test]
async fn a_day_of_freeze_fetches_the_identity_anew_before_the_first_call() {
    let lambda = Lambda::new();
    let server = lambda.ledger(Alpn::Http2).await;
    let to = ledger(server.address);
    fetch(&lambda.client, &to, "/hello").await.unwrap();
    lambda.clock.freeze(86_401);
    // The server lives in the system's time, so the new pair is valid in both.
    let now = lambda.clock.unix_seconds();
    let new = lambda.pki.svid_with(OWN, now - 90_000, now + 86_400, |_| ());
    lambda.source.publish(0, &new);
    let error = fetch(&lambda.client, &to, "/hello").await.unwrap_err();
    // The server's certificate has expired by the client's clock: that the identity was new is seen in the status.
    assert_eq!(error.kind(), Reason::UpstreamIdentity);
    let identity = lambda.client.status().identity.unwrap();
    assert_eq!((identity.generation, identity.not_after), (2, now + 86_400));
    assert_eq!(server.journal.requests(), 1);
}

#[tokio::test]
async fn after_a_restore_nothing_from_the_snapshot_is_used() {
    for alpn in PROTOCOLS {
        let lambda = Lambda::new();
        let server = lambda.ledger(alpn).await;
        let to = ledger(server.address);
        fetch(&lambda.client, &to, "/hello").await.unwrap();
        let new = lambda.pki.svid(OWN);
        lambda.source.publish(0, &new);
        lambda.client.restored();
        assert!(lambda.client.status().identity.is_none());
        assert_eq!(lambda.source.restored_count(), 1);
        let answer = fetch(&lambda.client, &to, "/hello").await.unwrap();
        assert_eq!(header(&answer, "x-client"), new.fingerprint());
        assert_eq!((server.journal.connections(), lambda.source.keys()), (2, 2), "{alpn:?}");
    }
}

#[tokio::test]
async fn a_fetch_that_was_under_way_at_the_restore_does_not_count() {
    let lambda = Lambda::new();
    let server = lambda.ledger(Alpn::Http2).await;
    let to = ledger(server.address);
    lambda.source.close();
    lambda.client.warm();
    while lambda.source.documents() == 0 {
        tokio::task::yield_now().await;
    }
    lambda.client.restored();
    lambda.client.warm();
    while lambda.source.documents() == 1 {
        tokio::task::yield_now().await;
    }
    lambda.source.open();
    fetch(&lambda.client, &to, "/hello").await.unwrap();
    while lambda.source.finished_count() < 2 {
        tokio::task::yield_now().await;
    }
    let status = lambda.client.status();
    assert_eq!((status.identity.unwrap().generation, status.fetching), (1, false));
}

#[tokio::test]
async fn a_fetch_that_was_frozen_is_begun_anew_after_the_thaw() {
    let lambda = Lambda::new();
    let server = lambda.ledger(Alpn::Http2).await;
    lambda.source.hang(0);
    lambda.client.warm();
    while lambda.source.documents() == 0 {
        tokio::task::yield_now().await;
    }
    lambda.clock.freeze(600);
    lambda.source.recover(0);
    fetch(&lambda.client, &ledger(server.address), "/hello").await.unwrap();
    assert_eq!(lambda.source.documents(), 2);
}
