//! Which pairs are used: proven ones, and the old one until the new one is proven.

use std::time::Duration;

use mtls_client::{Document, Reason, SourceFault};
use rcgen::{KeyPair, SanType};

use crate::support::{
    Alpn, ClientAuth, LEDGER, Lambda, OWN, PATIENCE, Pki, Server, ServerOptions, Svid, fetch, header, ledger, tls,
};

/// The first fetch finds this; the request must fail for this reason, and no server may be dialled.
async fn refused(publish: impl FnOnce(&Lambda), reason: Reason, words: &str) {
    let lambda = Lambda::new();
    publish(&lambda);
    let server = lambda.ledger(Alpn::Http2).await;
    let error = fetch(&lambda.client, &ledger(server.address), "/hello").await.unwrap_err();
    assert_eq!(error.kind(), reason, "{error}");
    assert!(error.message().contains(words), "{error}");
    assert_eq!(server.journal.connections(), 0);
    let status = lambda.client.status();
    assert_eq!((status.identity, status.failure.map(|failure| failure.kind())), (None, Some(reason)));
}

fn window(lambda: &Lambda, spiffe_id: &str, from: i64, to: i64) -> Svid {
    let now = lambda.clock.unix_seconds();
    lambda.pki.svid_with(spiffe_id, now.saturating_add_signed(from), now.saturating_add_signed(to), |_| ())
}

#[tokio::test]
async fn an_expired_svid_is_refused() {
    refused(|lambda| lambda.source.publish(0, &window(lambda, OWN, -600, -1)), Reason::IdentityExpired, "expired")
        .await;
}

#[tokio::test]
async fn an_svid_whose_time_has_not_come_is_refused() {
    let early = |lambda: &Lambda| lambda.source.publish(0, &window(lambda, OWN, 300, 600));
    refused(early, Reason::IdentityInvalid, "not valid before").await;
}

#[tokio::test]
async fn the_svid_of_another_workload_is_refused() {
    let other = |lambda: &Lambda| lambda.source.publish(0, &lambda.pki.svid(LEDGER));
    refused(other, Reason::IdentityInvalid, LEDGER).await;
}

#[tokio::test]
async fn a_chain_that_leads_nowhere_is_refused() {
    let wrong = |lambda: &Lambda| {
        let svid = lambda.pki.svid(OWN);
        lambda.source.publish_key(0, &svid);
        lambda.source.publish_document(0, &Document { bundle: vec![Pki::new().root()], ..svid.document });
    };
    refused(wrong, Reason::IdentityInvalid, "no chain of signatures").await;
}

#[tokio::test]
async fn certificates_that_break_spiffes_rules_are_refused() {
    let with = |change: fn(&mut rcgen::CertificateParams)| {
        move |lambda: &Lambda| {
            let now = lambda.clock.unix_seconds();
            lambda.source.publish(0, &lambda.pki.svid_with(OWN, now - 300, now + 86_400, change));
        }
    };
    let ca = with(|params| params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained));
    refused(ca, Reason::IdentityInvalid, "one of a CA").await;
    let two =
        with(|params| params.subject_alt_names.push(SanType::URI("spiffe://mesh.example.com/a".try_into().unwrap())));
    refused(two, Reason::IdentityInvalid, "more than one URI").await;
    let none =
        with(|params| params.subject_alt_names = vec![SanType::DnsName("reports.example.com".try_into().unwrap())]);
    refused(none, Reason::IdentityInvalid, "no URI").await;
    refused(with(|params| params.key_usages.clear()), Reason::IdentityInvalid, "no key usage").await;
}

#[tokio::test]
async fn a_torn_pair_is_refused() {
    let torn = |lambda: &Lambda| {
        let svid = lambda.pki.svid(OWN);
        lambda.source.publish(0, &svid);
        lambda.source.put_key(0, &svid.document.key_version, &KeyPair::generate().unwrap().serialize_pem());
    };
    refused(torn, Reason::IdentityInvalid, "does not belong").await;
}

#[tokio::test]
async fn a_key_that_is_none_is_refused_without_repeating_it() {
    for text in
        ["", "geheim", "-----BEGIN PRIVATE KEY-----\nZ2VoZWlt\n-----END PRIVATE KEY-----\n", "{\"key\":\"geheim\"}"]
    {
        let garbled = |lambda: &Lambda| {
            let svid = lambda.pki.svid(OWN);
            lambda.source.publish(0, &svid);
            lambda.source.put_key(0, &svid.document.key_version, text);
        };
        refused(garbled, Reason::IdentityInvalid, "private key").await;
    }
}

#[tokio::test]
async fn a_document_that_names_a_key_which_is_not_there_is_a_missing_identity() {
    let early = |lambda: &Lambda| lambda.source.publish_document(0, &lambda.pki.svid(OWN).document);
    refused(early, Reason::IdentityMissing, "nothing is published").await;
}

#[tokio::test]
async fn what_the_source_says_is_what_the_caller_reads() {
    for (fault, reason) in [
        (SourceFault::Missing, Reason::IdentityMissing),
        (SourceFault::AccessDenied, Reason::AccessDenied),
        (SourceFault::Throttled, Reason::Throttled),
        (SourceFault::Unavailable, Reason::IdentityUnavailable),
        (SourceFault::Invalid, Reason::IdentityInvalid),
    ] {
        refused(|lambda| lambda.source.fail(0, fault), reason, "replica 0 fails").await;
    }
}

/// A client with a pair that is past half of its life, and its server; each further request asks the source.
async fn aged() -> (Lambda, Server, String) {
    let lambda = Lambda::with(|settings| settings.refresh_every = Duration::ZERO);
    let old = window(&lambda, OWN, -1000, 900);
    lambda.source.publish(0, &old);
    let server = lambda.ledger(Alpn::Http2).await;
    let answer = fetch(&lambda.client, &ledger(server.address), "/hello").await.unwrap();
    assert_eq!(header(&answer, "x-client"), old.fingerprint());
    (lambda, server, old.fingerprint())
}

#[tokio::test]
async fn a_newer_pair_is_taken_by_the_next_request_past_half_life() {
    let (lambda, server, _) = aged().await;
    let new = lambda.pki.svid(OWN);
    lambda.source.publish(0, &new);
    let answer = fetch(&lambda.client, &ledger(server.address), "/hello").await.unwrap();
    assert_eq!(header(&answer, "x-client"), new.fingerprint());
    assert_eq!(lambda.client.status().identity.unwrap().generation, 2);
    // A young pair is not refreshed.
    let asked = lambda.source.documents();
    fetch(&lambda.client, &ledger(server.address), "/hello").await.unwrap();
    assert_eq!(lambda.source.documents(), asked);
}

#[tokio::test]
async fn the_key_of_a_document_that_is_known_is_not_fetched_again() {
    let (lambda, server, old) = aged().await;
    for _ in 0..3 {
        let answer = fetch(&lambda.client, &ledger(server.address), "/hello").await.unwrap();
        assert_eq!(header(&answer, "x-client"), old);
    }
    assert_eq!((lambda.source.documents(), lambda.source.keys()), (4, 1));
    assert_eq!(lambda.source.finished_count(), 4);
}

#[tokio::test]
async fn the_old_pair_stays_until_the_new_one_is_proven() {
    let (lambda, server, old) = aged().await;
    let to = ledger(server.address);
    let new = lambda.pki.svid(OWN);
    let (missing, wrong_chain) =
        (new.document.clone(), Document { bundle: vec![Pki::new().root()], ..new.document.clone() });
    let other_key = KeyPair::generate().unwrap().serialize_pem();
    let torn: [(&str, &dyn Fn()); 6] = [
        ("the document before its key", &|| lambda.source.publish_document(0, &missing)),
        ("another key under its version", &|| lambda.source.put_key(0, &new.document.key_version, &other_key)),
        ("a broken key", &|| lambda.source.put_key(0, &new.document.key_version, "-----BEGIN PRIV")),
        ("a bundle without its root", &|| {
            lambda.source.publish_key(0, &new);
            lambda.source.publish_document(0, &wrong_chain);
        }),
        ("somebody else's pair", &|| lambda.source.publish(0, &lambda.pki.svid(LEDGER))),
        ("no access any more", &|| lambda.source.fail(0, SourceFault::AccessDenied)),
    ];
    for (what, tear) in torn {
        tear();
        // Failures have their pause.
        lambda.clock.pass(60);
        let answer = fetch(&lambda.client, &to, "/hello").await.unwrap();
        assert_eq!(header(&answer, "x-client"), old, "{what}");
        assert!(lambda.client.status().failure.is_some(), "{what}");
    }
    lambda.source.recover(0);
    lambda.source.publish(0, &new);
    lambda.clock.pass(60);
    let answer = fetch(&lambda.client, &to, "/hello").await.unwrap();
    assert_eq!(header(&answer, "x-client"), new.fingerprint());
    assert!(lambda.client.status().failure.is_none());
}

#[tokio::test]
async fn a_pair_that_ends_earlier_never_replaces_the_one_at_hand() {
    let (lambda, server, old) = aged().await;
    lambda.source.publish(0, &window(&lambda, OWN, -10, 800));
    let answer = fetch(&lambda.client, &ledger(server.address), "/hello").await.unwrap();
    assert_eq!(header(&answer, "x-client"), old);
    // Once the one at hand is over, there is no better one.
    lambda.clock.freeze(902);
    // The server lives in the system's time, so the pair is valid in both.
    let short = window(&lambda, OWN, -1000, 60);
    lambda.source.publish(0, &short);
    let answer = fetch(&lambda.client, &ledger(server.address), "/hello").await.unwrap();
    assert_eq!(header(&answer, "x-client"), short.fingerprint());
}

#[tokio::test]
async fn a_new_bundle_is_taken_with_the_same_certificate() {
    let (lambda, server, old) = aged().await;
    let to = ledger(server.address);
    // The mesh changes its root; the ledger's next certificate is under the new one.
    let next = Pki::new();
    let options = ServerOptions { alpn: Alpn::Http2, client_auth: ClientAuth::Required };
    let moved = Server::listen(tls(&next.svid(LEDGER), &lambda.pki, options), None).await;
    let error = fetch(&lambda.client, &ledger(moved.address), "/hello").await.unwrap_err();
    assert_eq!(error.kind(), Reason::UpstreamIdentity);
    let mut document = lambda.source.document_of(0);
    document.bundle.push(next.root());
    lambda.source.publish_document(0, &document);
    let answer = fetch(&lambda.client, &ledger(moved.address), "/hello").await.unwrap();
    assert_eq!(header(&answer, "x-client"), old);
    fetch(&lambda.client, &to, "/hello").await.unwrap();
}

#[tokio::test]
async fn an_expired_pair_is_never_used_and_the_answer_says_why_there_is_no_newer_one() {
    let (lambda, server, _) = aged().await;
    let to = ledger(server.address);
    lambda.source.fail(0, SourceFault::AccessDenied);
    lambda.clock.freeze(902);
    for _ in 0..3 {
        let error = fetch(&lambda.client, &to, "/hello").await.unwrap_err();
        assert_eq!(error.kind(), Reason::IdentityExpired, "{error}");
        assert!(error.message().contains("replica 0 fails"), "{error}");
    }
    assert_eq!(server.journal.requests(), 1);
    // And is replaced as soon as there is a newer one.
    lambda.source.recover(0);
    let new = window(&lambda, OWN, -1000, 900);
    lambda.source.publish(0, &new);
    lambda.clock.freeze(60);
    let answer = fetch(&lambda.client, &to, "/hello").await.unwrap();
    assert_eq!(header(&answer, "x-client"), new.fingerprint());
}

#[tokio::test]
async fn a_refresh_that_fails_is_not_repeated_while_there_is_a_pair_to_go_on_with() {
    let (lambda, server, old) = aged().await;
    lambda.source.fail(0, SourceFault::Unavailable);
    let answer = fetch(&lambda.client, &ledger(server.address), "/hello").await.unwrap();
    assert_eq!(header(&answer, "x-client"), old);
    assert_eq!(lambda.source.documents(), 2);
}

#[tokio::test]
async fn a_document_that_has_expired_where_it_is_published_is_not_asked_for_by_every_request() {
    let lambda = Lambda::with(|settings| settings.first_pause = PATIENCE);
    lambda.source.publish(0, &window(&lambda, OWN, -1000, 900));
    let server = lambda.ledger(Alpn::Http2).await;
    fetch(&lambda.client, &ledger(server.address), "/hello").await.unwrap();
    lambda.clock.freeze(902);
    for _ in 0..3 {
        let error = fetch(&lambda.client, &ledger(server.address), "/hello").await.unwrap_err();
        assert_eq!(error.kind(), Reason::IdentityExpired, "{error}");
    }
    assert_eq!(lambda.source.documents(), 2);
}

#[tokio::test]
async fn a_pair_that_is_about_to_end_is_used_when_there_is_no_other() {
    let (lambda, server, old) = aged().await;
    lambda.source.fail(0, SourceFault::Unavailable);
    lambda.clock.freeze(880);
    for _ in 0..3 {
        let answer = fetch(&lambda.client, &ledger(server.address), "/hello").await.unwrap();
        assert_eq!(header(&answer, "x-client"), old);
    }
}
