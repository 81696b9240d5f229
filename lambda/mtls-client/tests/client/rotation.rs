//! The identity changes while requests run: none is lost, and each answer is whole.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;

use crate::support::{Alpn, Lambda, OWN, PATIENCE, Svid, body_of, fetch, get, hash, header, ledger, whole};

/// A pair that is always past half of its life, so that a newer one is looked for at every request.
fn aged(lambda: &Lambda, number: u64) -> Svid {
    let now = lambda.clock.unix_seconds();
    lambda.pki.svid_with(OWN, now - 100_000, now + 50_000 + number, |_| ())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_lost_or_damaged_while_the_identity_changes_twenty_times() {
    for alpn in [Alpn::Http1, Alpn::Http2] {
        let lambda = Arc::new(Lambda::with(|settings| settings.refresh_every = Duration::ZERO));
        let first = aged(&lambda, 0);
        lambda.source.publish(0, &first);
        let server = lambda.ledger(alpn).await;
        let to = ledger(server.address);
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let workers: Vec<_> = (0..8_u64)
            .map(|worker| {
                let (lambda, to, stop, done) = (Arc::clone(&lambda), to.clone(), Arc::clone(&stop), Arc::clone(&done));
                tokio::spawn(async move {
                    let mut clients = HashSet::new();
                    for round in 0.. {
                        if stop.load(Ordering::SeqCst) {
                            break;
                        }
                        let (seed, len) = (worker * 1000 + round, 1 + usize::try_from(round * 7919 % 200_000).unwrap());
                        let expected = hash(&body_of(seed, len));
                        let answer = fetch(&lambda.client, &to, &format!("/bytes/{seed}/{len}")).await.unwrap();
                        assert_eq!(hash(answer.body()), expected);
                        clients.insert(header(&answer, "x-client").to_owned());
                        let upload = Request::post("/hash").body(Full::<Bytes>::new(body_of(seed, len))).unwrap();
                        let response = lambda.client.send(&to, upload, Some(PATIENCE)).await.unwrap();
                        assert_eq!(whole(response.into_body()).await.unwrap(), expected);
                        done.fetch_add(1, Ordering::SeqCst);
                    }
                    clients
                })
            })
            .collect();
        let mut fingerprints = HashSet::from([first.fingerprint()]);
        for number in 1..=20 {
            let before = done.load(Ordering::SeqCst);
            let next = aged(&lambda, number);
            lambda.source.publish(0, &next);
            fingerprints.insert(next.fingerprint());
            let changed = async {
                let arrived = || {
                    lambda
                        .client
                        .status()
                        .identity
                        .is_some_and(|identity| identity.not_after == next.document.not_after)
                };
                while done.load(Ordering::SeqCst) < before + 16 || !arrived() {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            };
            tokio::time::timeout(PATIENCE, changed).await.unwrap();
        }
        stop.store(true, Ordering::SeqCst);
        let mut seen = HashSet::new();
        for worker in workers {
            seen.extend(worker.await.unwrap());
        }
        assert!(seen.len() >= 20, "{alpn:?}: requests went out under {} identities", seen.len());
        assert!(seen.is_subset(&fingerprints));
    }
}

#[tokio::test]
async fn an_answer_that_began_before_the_change_is_read_to_its_end_and_the_next_request_is_a_new_one() {
    for alpn in [Alpn::Http1, Alpn::Http2] {
        let lambda = Lambda::with(|settings| settings.refresh_every = Duration::ZERO);
        let old = aged(&lambda, 0);
        lambda.source.publish(0, &old);
        let server = lambda.ledger(alpn).await;
        let to = ledger(server.address);
        // More than any window: the server is still sending when the identity changes.
        let response = lambda.client.send(&to, get("/bytes/5/8000000"), Some(PATIENCE)).await.unwrap();
        assert_eq!(header(&response, "x-client"), old.fingerprint());
        let new = lambda.pki.svid(OWN);
        lambda.source.publish(0, &new);
        let answer = fetch(&lambda.client, &to, "/hello").await.unwrap();
        assert_eq!(header(&answer, "x-client"), new.fingerprint());
        assert_eq!(hash(&whole(response.into_body()).await.unwrap()), hash(&body_of(5, 8_000_000)), "{alpn:?}");
        // The old connection is not used again.
        let answer = fetch(&lambda.client, &to, "/hello").await.unwrap();
        assert_eq!(header(&answer, "x-client"), new.fingerprint());
        assert_eq!(server.journal.connections(), 2, "{alpn:?}");
    }
}

#[tokio::test]
async fn connections_of_the_old_identity_are_closed() {
    for alpn in [Alpn::Http1, Alpn::Http2] {
        let lambda = Lambda::with(|settings| settings.refresh_every = Duration::ZERO);
        lambda.source.publish(0, &aged(&lambda, 0));
        let server = lambda.ledger(alpn).await;
        let to = ledger(server.address);
        fetch(&lambda.client, &to, "/hello").await.unwrap();
        lambda.source.publish(0, &lambda.pki.svid(OWN));
        fetch(&lambda.client, &to, "/hello").await.unwrap();
        let closed = async {
            while server.journal.open() > 1 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(PATIENCE, closed).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_drains_its_connections_costs_no_request() {
    // An HTTP/1.1 server that closes an idle connection may cross a request on its way: only what is harmless is sent
    // again. HTTP/2 can tell what it has not begun.
    for (alpn, method) in [(Alpn::Http1, Method::GET), (Alpn::Http2, Method::GET), (Alpn::Http2, Method::POST)] {
        let lambda = Arc::new(Lambda::new());
        let server = lambda.ledger(alpn).await;
        let to = ledger(server.address);
        let done = Arc::new(AtomicUsize::new(0));
        let workers: Vec<_> = (0..4)
            .map(|_| {
                let (lambda, to, done, method) = (Arc::clone(&lambda), to.clone(), Arc::clone(&done), method.clone());
                tokio::spawn(async move {
                    for _ in 0..200 {
                        let request = Request::builder().method(&method).uri("/hash").body(Full::<Bytes>::default());
                        let response = lambda.client.send(&to, request.unwrap(), Some(PATIENCE)).await.unwrap();
                        assert_eq!(whole(response.into_body()).await.unwrap(), hash(b""));
                        done.fetch_add(1, Ordering::SeqCst);
                    }
                })
            })
            .collect();
        // Each connection lives for some requests at least: one that is drained at once could hit the second try, too.
        while !workers.iter().all(tokio::task::JoinHandle::is_finished) {
            let before = done.load(Ordering::SeqCst);
            while done.load(Ordering::SeqCst) < (before + 40).min(800) {
                assert!(
                    !workers.iter().all(tokio::task::JoinHandle::is_finished) || done.load(Ordering::SeqCst) == 800
                );
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            server.journal.drain.notify_waiters();
        }
        for worker in workers {
            worker.await.unwrap();
        }
        assert!(server.journal.connections() > 5, "{alpn:?}: {} connections", server.journal.connections());
    }
}
