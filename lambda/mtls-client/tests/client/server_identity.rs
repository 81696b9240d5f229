//! No byte of a request reaches a server that is not the expected workload.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mtls_client::{Reason, Upstream};
use rcgen::SanType;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use crate::support::{
    Alpn, ClientAuth, LEDGER, LEDGER_SNI, Lambda, OWN, Pki, Server, ServerOptions, Svid, fetch, id, ledger,
};

/// Calls a server with this identity. It must be refused, and must not have seen a request.
async fn refused(lambda: &Lambda, identity: &Svid, words: &str) {
    for alpn in [Alpn::Http1, Alpn::Http2] {
        let server = lambda.server(identity, alpn).await;
        let error = fetch(&lambda.client, &ledger(server.address), "/hello").await.unwrap_err();
        assert_eq!(error.kind(), Reason::UpstreamIdentity, "{error}");
        assert!(error.message().contains(words), "{error}");
        assert_eq!((server.journal.handshakes(), server.journal.requests()), (0, 0));
    }
}

#[tokio::test]
async fn another_app_is_refused_whatever_dns_names_it_has() {
    let lambda = Lambda::new();
    let now = lambda.clock.unix_seconds();
    let impostor = lambda.pki.svid_with("spiffe://mesh.example.com/staging/users", now - 300, now + 86_400, |params| {
        params.subject_alt_names.push(SanType::DnsName(LEDGER_SNI.try_into().unwrap()));
    });
    refused(&lambda, &impostor, "spiffe://mesh.example.com/staging/users").await;
    for other in [
        "spiffe://mesh.example.com/production/ledger",
        "spiffe://mesh.example.com/staging/ledger/v2",
        "spiffe://mesh.example.com/staging/Ledger",
        OWN,
    ] {
        refused(&lambda, &lambda.pki.svid(other), other).await;
    }
}

#[tokio::test]
async fn the_same_name_under_another_root_is_refused() {
    let lambda = Lambda::new();
    refused(&lambda, &Pki::new().svid(LEDGER), "no chain of signatures").await;
}

#[tokio::test]
async fn another_trust_domain_is_refused_though_its_signer_is_in_the_bundle() {
    let lambda = Lambda::new();
    refused(&lambda, &lambda.pki.svid("spiffe://other.example.com/staging/ledger"), "trust domain").await;
}

#[tokio::test]
async fn an_expired_or_early_server_is_refused() {
    let lambda = Lambda::new();
    let now = lambda.clock.unix_seconds();
    refused(&lambda, &lambda.pki.svid_with(LEDGER, now - 600, now - 300, |_| ()), "expired").await;
    refused(&lambda, &lambda.pki.svid_with(LEDGER, now + 300, now + 600, |_| ()), "not valid before").await;
}

#[tokio::test]
async fn a_servers_time_is_judged_by_the_wall_clock_of_the_client() {
    let lambda = Lambda::new();
    let now = lambda.clock.unix_seconds();
    let long = lambda.pki.svid_with(OWN, now - 300, now + 1_000_000, |_| ());
    lambda.source.publish(0, &long);
    let server = lambda.ledger(Alpn::Http2).await;
    fetch(&lambda.client, &ledger(server.address), "/hello").await.unwrap();
    lambda.clock.freeze(90_000);
    let error = fetch(&lambda.client, &ledger(server.address), "/hello").await.unwrap_err();
    assert_eq!(error.kind(), Reason::UpstreamIdentity, "{error}");
    assert_eq!(server.journal.requests(), 1);
}

#[tokio::test]
async fn a_server_certificate_that_breaks_spiffes_rules_is_refused() {
    let lambda = Lambda::new();
    let now = lambda.clock.unix_seconds();
    let with = |change: fn(&mut rcgen::CertificateParams)| lambda.pki.svid_with(LEDGER, now - 300, now + 600, change);
    let second = with(|params| params.subject_alt_names.push(SanType::URI("https://example.com".try_into().unwrap())));
    refused(&lambda, &second, "more than one URI").await;
    let ca = with(|params| params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained));
    refused(&lambda, &ca, "one of a CA").await;
    let dns_only = with(|params| params.subject_alt_names = vec![SanType::DnsName(LEDGER_SNI.try_into().unwrap())]);
    refused(&lambda, &dns_only, "no URI").await;
}

#[tokio::test]
async fn a_server_that_asks_for_no_certificate_is_served_if_it_is_the_right_one() {
    let lambda = Lambda::new();
    let options = ServerOptions { alpn: Alpn::Http2, client_auth: ClientAuth::None };
    let server = Server::start(&lambda.pki.svid(LEDGER), &lambda.pki, options).await;
    assert_eq!(fetch(&lambda.client, &ledger(server.address), "/hello").await.unwrap().body(), "hello");
    let other = Server::start(&lambda.pki.svid(OWN), &lambda.pki, options).await;
    let error = fetch(&lambda.client, &ledger(other.address), "/hello").await.unwrap_err();
    assert_eq!(error.kind(), Reason::UpstreamIdentity);
}

#[tokio::test]
async fn a_server_that_refuses_this_identity_is_told_from_one_that_is_down() {
    for alpn in [Alpn::Http1, Alpn::Http2, Alpn::Silent] {
        let lambda = Lambda::new();
        // The server trusts another mesh.
        let options = ServerOptions { alpn, client_auth: ClientAuth::Required };
        let server = Server::start(&lambda.pki.svid(LEDGER), &Pki::new(), options).await;
        for _ in 0..20 {
            let error = fetch(&lambda.client, &ledger(server.address), "/hello").await.unwrap_err();
            assert_eq!(error.kind(), Reason::UpstreamTls, "{alpn:?} {error}");
        }
        assert_eq!((server.journal.handshakes(), server.journal.requests()), (0, 0));
    }
}

#[tokio::test]
async fn what_does_not_speak_tls_is_a_failure_of_tls() {
    let lambda = Lambda::new();
    // Plain HTTP, a close, and the alert of a server that has TLS 1.2 only.
    for answer in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"", &[21, 3, 3, 0, 2, 2, 70]] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to = ledger(listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut tcp, _) = listener.accept().await.unwrap();
            let mut hello = [0; 64];
            tcp.read_exact(&mut hello).await.unwrap();
            tokio::io::AsyncWriteExt::write_all(&mut tcp, answer).await.unwrap();
        });
        let error = fetch(&lambda.client, &to, "/hello").await.unwrap_err();
        assert_eq!(error.kind(), Reason::UpstreamTls, "{error}");
        server.await.unwrap();
    }
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let lambda = Lambda::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = fetch(&lambda.client, &ledger(address), "/hello").await.unwrap_err();
    assert_eq!(error.kind(), Reason::UpstreamUnreachable, "{error}");
    assert!(error.message().contains(&address.to_string()), "{error}");
    let nowhere = Upstream::new(LEDGER_SNI, "no-such-host.invalid:443", id(LEDGER)).unwrap();
    let error = fetch(&lambda.client, &nowhere, "/hello").await.unwrap_err();
    assert_eq!(error.kind(), Reason::UpstreamUnreachable, "{error}");
}

#[tokio::test]
async fn two_apps_behind_one_address_never_share_a_connection() {
    let lambda = Lambda::new();
    let server = lambda.ledger(Alpn::Http2).await;
    let address = server.address.to_string();
    let right = ledger(server.address);
    // Same address, same SNI, another expectation; and another SNI with the same expectation.
    let users = Upstream::new(LEDGER_SNI, &address, id("spiffe://mesh.example.com/staging/users")).unwrap();
    let alias = Upstream::new("production.ledger.mesh.example.com", &address, id(LEDGER)).unwrap();
    fetch(&lambda.client, &right, "/hello").await.unwrap();
    let error = fetch(&lambda.client, &users, "/hello").await.unwrap_err();
    assert_eq!(error.kind(), Reason::UpstreamIdentity, "{error}");
    fetch(&lambda.client, &alias, "/hello").await.unwrap();
    fetch(&lambda.client, &right, "/hello").await.unwrap();
    assert_eq!((server.journal.handshakes(), server.journal.requests()), (2, 3));
    let snis = server.journal.snis.lock().unwrap().clone();
    assert_eq!(snis, [LEDGER_SNI, "production.ledger.mesh.example.com"]);
}

#[tokio::test]
async fn a_herd_that_meets_an_impostor_dials_once() {
    let lambda = Lambda::new();
    let impostor = lambda.server(&lambda.pki.svid(OWN), Alpn::Http2).await;
    let to = ledger(impostor.address);
    lambda.client.warm();
    fetch(&lambda.client, &to, "/hello").await.unwrap_err();
    let refused = Arc::new(AtomicUsize::new(0));
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let (client, to, refused) = (lambda.client.clone(), to.clone(), Arc::clone(&refused));
            tokio::spawn(async move {
                let error = fetch(&client, &to, "/hello").await.unwrap_err();
                assert_eq!(error.kind(), Reason::UpstreamIdentity);
                refused.fetch_add(1, Ordering::SeqCst);
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    assert_eq!(refused.load(Ordering::SeqCst), 100);
    // One before the herd, one for it; those that came after its end may have tried again.
    assert!(impostor.journal.connections() < 20, "{}", impostor.journal.connections());
}
