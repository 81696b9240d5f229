//! Nobody waits for longer than was agreed.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Channel};
use mtls_client::{Reason, Upstream};
use tokio::net::TcpListener;

use crate::support::{Alpn, LEDGER, LEDGER_SNI, Lambda, PATIENCE, fetch, get, id, ledger, whole};

const SHORT: Duration = Duration::from_millis(200);

#[tokio::test]
async fn a_deadline_ends_the_wait_for_the_identity() {
    let lambda = Lambda::new();
    lambda.source.close();
    let server = lambda.ledger(Alpn::Http2).await;
    let error = lambda.client.send(&ledger(server.address), get("/hello"), Some(SHORT)).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (Reason::DeadlineExceeded, 504));
}

#[tokio::test]
async fn the_fetch_budget_ends_it_without_a_deadline() {
    let lambda = Lambda::with(|settings| settings.fetch_budget = SHORT);
    lambda.source.close();
    let server = lambda.ledger(Alpn::Http2).await;
    let error = fetch(&lambda.client, &ledger(server.address), "/hello").await.unwrap_err();
    assert_eq!(error.kind(), Reason::IdentityUnavailable, "{error}");
}

#[tokio::test]
async fn a_slow_refresh_holds_a_request_up_for_its_budget_only() {
    let lambda = Lambda::with(|settings| settings.refresh_budget = SHORT);
    let now = lambda.clock.unix_seconds();
    lambda.source.publish(0, &lambda.pki.svid_with(crate::support::OWN, now - 1000, now + 900, |_| ()));
    let server = lambda.ledger(Alpn::Http2).await;
    let to = ledger(server.address);
    fetch(&lambda.client, &to, "/hello").await.unwrap();
    lambda.source.close();
    lambda.clock.pass(61);
    // The first waits in vain, the others do not wait: the fetch is still under way.
    for _ in 0..3 {
        fetch(&lambda.client, &to, "/hello").await.unwrap();
        assert!(lambda.client.status().fetching);
    }
    assert_eq!(lambda.source.documents(), 2);
}

#[tokio::test]
async fn a_deadline_ends_the_wait_for_the_answer() {
    for alpn in [Alpn::Http1, Alpn::Http2] {
        let lambda = Lambda::new();
        let server = lambda.ledger(alpn).await;
        let to = ledger(server.address);
        fetch(&lambda.client, &to, "/hello").await.unwrap();
        let error = lambda.client.send(&to, get("/slow"), Some(SHORT)).await.unwrap_err();
        assert_eq!(error.kind(), Reason::DeadlineExceeded, "{alpn:?}");
        fetch(&lambda.client, &to, "/hello").await.unwrap();
    }
}

#[tokio::test]
async fn a_deadline_ends_an_answer_that_stalls_and_nothing_comes_after_it() {
    for alpn in [Alpn::Http1, Alpn::Http2] {
        let lambda = Lambda::new();
        let server = lambda.ledger(alpn).await;
        let to = ledger(server.address);
        fetch(&lambda.client, &to, "/hello").await.unwrap();
        let response = lambda.client.send(&to, get("/stall"), Some(Duration::from_secs(5))).await.unwrap();
        let mut body = response.into_body();
        let piece = body.frame().await.unwrap().unwrap();
        assert_eq!(piece.data_ref().unwrap(), "piece");
        let error = body.frame().await.unwrap().unwrap_err();
        assert_eq!(error.kind(), Reason::DeadlineExceeded, "{alpn:?}");
        let after = tokio::time::timeout(PATIENCE, body.frame()).await.unwrap();
        assert!(after.is_none());
        fetch(&lambda.client, &to, "/hello").await.unwrap();
    }
}

#[tokio::test]
async fn an_answer_that_ends_in_time_knows_no_deadline() {
    let lambda = Lambda::new();
    let server = lambda.ledger(Alpn::Http1).await;
    let response = lambda.client.send(&ledger(server.address), get("/bytes/1/1000"), Some(PATIENCE)).await.unwrap();
    assert_eq!(whole(response.into_body()).await.unwrap().len(), 1000);
    // Too far away to be counted.
    let response = lambda.client.send(&ledger(server.address), get("/hello"), Some(Duration::MAX)).await.unwrap();
    assert_eq!(whole(response.into_body()).await.unwrap(), "hello");
}

#[tokio::test]
async fn silence_after_the_request_is_a_timeout_of_the_upstream() {
    for alpn in [Alpn::Http1, Alpn::Http2] {
        let lambda = Lambda::with(|settings| settings.answer_timeout = Some(Duration::from_secs(2)));
        let server = lambda.ledger(alpn).await;
        let to = ledger(server.address);
        let error = fetch(&lambda.client, &to, "/slow").await.unwrap_err();
        assert_eq!(error.kind(), Reason::UpstreamTimeout, "{alpn:?} {error}");
        assert_eq!(server.journal.requests(), 1, "it is not repeated");
        // A connection that has been silent is not used again.
        fetch(&lambda.client, &to, "/hello").await.unwrap();
        assert_eq!(server.journal.connections(), 2, "{alpn:?}");
    }
}

#[tokio::test]
async fn a_body_that_is_still_flowing_is_no_silence() {
    for alpn in [Alpn::Http1, Alpn::Http2] {
        let lambda = Lambda::with(|settings| settings.answer_timeout = Some(Duration::from_secs(5)));
        let server = lambda.ledger(alpn).await;
        let (mut sender, body) = Channel::<Bytes>::new(1);
        let feed = tokio::spawn(async move {
            for _ in 0..20 {
                sender.send_data(Bytes::from_static(b"piece")).await.unwrap();
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
        });
        let request = Request::post("/hash").body(body).unwrap();
        let response = lambda.client.send(&ledger(server.address), request, None).await.unwrap();
        whole(response.into_body()).await.unwrap();
        feed.await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_accepts_and_says_nothing_is_a_timeout_of_the_upstream() {
    let lambda = Lambda::with(|settings| settings.connect_timeout = SHORT);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = Upstream::new(LEDGER_SNI, &listener.local_addr().unwrap().to_string(), id(LEDGER)).unwrap();
    let error = fetch(&lambda.client, &to, "/hello").await.unwrap_err();
    assert_eq!(error.kind(), Reason::UpstreamTimeout, "{error}");
}
