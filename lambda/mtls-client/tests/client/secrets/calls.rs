//! How the two secrets are asked for.

use std::sync::atomic::Ordering;
use std::time::Duration;

use mtls_client::{Client, Reason, SecretReplica, SecretsManager, Source as _, SourceFault};

use super::fake::{CERTIFICATE, Fake, KEY, Plan, REGION, environment};
use crate::support::{
    Alpn, ClientAuth, LEDGER, OWN, PATIENCE, Pki, Server, ServerOptions, TestClock, fetch, header, ledger, settings,
};

#[tokio::test]
async fn the_document_and_the_key_that_it_names_come_over_one_connection() {
    let (fake, svid) = (Fake::start().await, Pki::new().svid(OWN));
    fake.publish(&svid);
    let source = fake.source();
    let document = source.document(0).await.unwrap();
    assert_eq!(document.to_json(), svid.document.to_json());
    source.key(0, &document.key_version).await.unwrap();
    let version = &svid.document.key_version;
    assert_eq!(fake.asked(), [format!("{CERTIFICATE}@"), format!("{KEY}@{version}")]);
    assert_eq!(fake.state.connections.load(Ordering::SeqCst), 1);
    // Nothing stays open after the fetch.
    source.finished();
    let closed = fake.state.closed.notified();
    tokio::time::timeout(PATIENCE, closed).await.unwrap();
    assert_eq!(fake.state.open.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_client_calls_with_the_identity_that_secrets_manager_holds() {
    let (fake, pki, clock) = (Fake::start().await, Pki::new(), TestClock::new());
    let svid = pki.svid(OWN);
    fake.publish(&svid);
    let client = Client::new(fake.source().with_clock(clock.clone()), settings(&clock));
    let options = ServerOptions { alpn: Alpn::Http2, client_auth: ClientAuth::Required };
    let server = Server::start(&pki.svid(LEDGER), &pki, options).await;
    let answer = fetch(&client, &ledger(server.address), "/hello").await.unwrap();
    assert_eq!(header(&answer, "x-client"), svid.fingerprint());
    tokio::time::timeout(PATIENCE, fake.state.closed.notified()).await.unwrap();
}

#[tokio::test]
async fn a_kept_connection_that_has_died_costs_no_call() {
    let (fake, svid) = (Fake::start().await, Pki::new().svid(OWN));
    fake.publish(&svid);
    let source = fake.source();
    let document = source.document(0).await.unwrap();
    fake.plan(Plan::Drop);
    source.key(0, &document.key_version).await.unwrap();
    assert_eq!(fake.state.connections.load(Ordering::SeqCst), 2);
    // A new connection that is dropped is a failure.
    fake.plan(Plan::Drop);
    source.restored();
    assert_eq!(source.document(0).await.unwrap_err().fault, SourceFault::Unavailable);
}

#[tokio::test]
async fn a_kept_connection_is_not_used_after_a_freeze() {
    let (fake, svid, clock) = (Fake::start().await, Pki::new().svid(OWN), TestClock::new());
    fake.publish(&svid);
    let source = fake.source().with_clock(clock.clone());
    source.document(0).await.unwrap();
    source.document(0).await.unwrap();
    assert_eq!(fake.state.connections.load(Ordering::SeqCst), 1);
    clock.freeze(60);
    source.document(0).await.unwrap();
    assert_eq!(fake.state.connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn each_region_is_asked_at_its_own_endpoint() {
    let (near, far, svid) = (Fake::start().await, Fake::start().await, Pki::new().svid(OWN));
    far.publish(&svid);
    let replica =
        |region: &str, fake: &Fake| SecretReplica::new(region, CERTIFICATE, KEY, Some(&fake.endpoint())).unwrap();
    let source = SecretsManager::new(replica(REGION, &near), vec![replica(REGION, &far)], environment());
    assert_eq!(source.replicas(), 2);
    assert_eq!(source.document(0).await.unwrap_err().fault, SourceFault::Missing);
    source.document(1).await.unwrap();
    assert_eq!((near.asked().len(), far.asked().len()), (1, 1));
    assert_eq!(source.document(2).await.unwrap_err().fault, SourceFault::Missing);
    // The region is under the signature: a call that is signed for another one is refused.
    let source = SecretsManager::new(replica("us-east-1", &far), Vec::new(), environment());
    let error = source.document(0).await.unwrap_err();
    assert_eq!(error.fault, SourceFault::AccessDenied, "{error}");
}

#[tokio::test]
async fn nobody_at_the_endpoint_is_told_with_its_region_and_a_remedy() {
    let fake = Fake::start().await;
    let source = fake.source();
    drop(fake);
    tokio::task::yield_now().await;
    let error = source.document(0).await.unwrap_err();
    assert_eq!(error.fault, SourceFault::Unavailable, "{error}");
    assert!(error.message.contains(REGION) && error.message.contains("subnet"), "{error}");
}

#[tokio::test]
async fn a_service_that_hangs_is_given_up_within_the_budget() {
    let (fake, clock) = (Fake::start().await, TestClock::new());
    fake.plan(Plan::Hang);
    let mut settings = settings(&clock);
    settings.fetch_budget = Duration::from_millis(300);
    let client = Client::new(fake.source(), settings);
    let to = ledger("127.0.0.1:9".parse().unwrap());
    let error = fetch(&client, &to, "/hello").await.unwrap_err();
    assert_eq!(error.kind(), Reason::IdentityUnavailable, "{error}");
}

#[tokio::test]
async fn over_tls_the_endpoint_must_prove_its_name() {
    let svid = Pki::new().svid(OWN);
    let key = rcgen::KeyPair::generate().unwrap();
    let own = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.der().clone()], pki_types::PrivatePkcs8KeyDer::from(key.serialize_der()).into())
        .unwrap();
    let fake = Fake::listen(Some(std::sync::Arc::new(config))).await;
    fake.publish(&svid);
    let source = |host: &str| {
        let endpoint = format!("https://{host}:{}", fake.address.port());
        let replica = SecretReplica::new(REGION, CERTIFICATE, KEY, Some(&endpoint)).unwrap();
        SecretsManager::new(replica, Vec::new(), environment())
    };
    let trusting = source("localhost").with_roots(vec![own.der().clone()]).unwrap();
    trusting.document(0).await.unwrap();
    for refusing in [source("localhost"), source("127.0.0.1").with_roots(vec![own.der().clone()]).unwrap()] {
        let error = refusing.document(0).await.unwrap_err();
        assert_eq!(error.fault, SourceFault::Unavailable);
        assert!(error.message.contains("certificate"), "{error}");
    }
    assert_eq!(fake.asked().len(), 1, "nothing was sent to a server that is not trusted");
    let error = source("localhost").with_roots(vec![vec![0].into()]).unwrap_err();
    assert_eq!(error.fault, SourceFault::Invalid);
}
