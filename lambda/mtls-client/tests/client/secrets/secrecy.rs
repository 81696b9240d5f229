//! No type of this crate prints a secret.

use mtls_client::{Client, PrivateKey, Source as _};

use super::fake::{Fake, SECRET_KEY, SESSION_TOKEN, environment};
use crate::support::{Alpn, Lambda, OWN, Pki, TestClock, fetch, ledger, settings};

/// What must not be seen, also in parts.
fn assert_silent(text: &str, pem: &str) {
    for line in pem.lines().filter(|line| !line.starts_with("-----")) {
        assert!(!text.contains(line.trim()), "{text}");
    }
    for secret in [SECRET_KEY, SESSION_TOKEN] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[tokio::test]
async fn nothing_prints_a_key_or_a_token() {
    let (fake, svid, clock) = (Fake::start().await, Pki::new().svid(OWN), TestClock::new());
    let pem = svid.key.serialize_pem();
    fake.publish(&svid);
    let source = fake.source();
    let document = source.document(0).await.unwrap();
    let key = source.key(0, &document.key_version).await.unwrap();
    assert_eq!(format!("{key:?}"), "PrivateKey([secret])");
    assert_silent(&format!("{source:?} {:?} {document:?} {key:#?}", environment()), &pem);
    let client = Client::new(source, settings(&clock));
    fetch(&client, &ledger("127.0.0.1:9".parse().unwrap()), "/").await.unwrap_err();
    assert_eq!(client.status().identity.as_ref().unwrap().spiffe_id.as_str(), OWN);
    assert_silent(&format!("{client:?} {client:#?} {:?}", client.status()), &pem);
    let garbled = pem.replace("-----END", "-----FIN");
    let error = PrivateKey::from_pem(garbled.as_bytes()).unwrap_err();
    assert_silent(&format!("{error} {error:?}"), &pem);
}

#[tokio::test]
async fn the_parts_of_an_exchange_print_no_secret_either() {
    let lambda = Lambda::new();
    let server = lambda.ledger(Alpn::Http1).await;
    let request = http::Request::get("/hello").header("x-meshbridge-token", SECRET_KEY);
    let request = request.body(http_body_util::Empty::<bytes::Bytes>::new()).unwrap();
    let response = lambda.client.send(&ledger(server.address), request, None).await.unwrap();
    assert_silent(&format!("{response:?} {:?}", lambda.client), "");
}
