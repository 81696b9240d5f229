//! An OIDC issuer like that of an EKS cluster: it signs service-account tokens and rotates its keys.
//!
//! EKS signs with RS256. This one signs with ES256, which IAM accepts as well: an RSA key takes seconds to generate
//! in a debug build, a P-256 key takes none, and what we test never looks into the token.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::KeyPair;
use serde_json::{Value, json};

use super::clock::Clock;
use super::random;

/// The issuer. The newest key signs; the JWKS has every key that is not retired.
#[derive(Debug)]
pub struct Oidc {
    issuer: String,
    clock: Arc<Clock>,
    keys: Mutex<Vec<Key>>,
}

struct Key {
    id: String,
    pair: KeyPair,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({})", self.id)
    }
}

impl Oidc {
    pub(crate) fn new(issuer: &str, clock: Arc<Clock>) -> Self {
        Self { issuer: issuer.to_owned(), clock, keys: Mutex::new(vec![Key::generate()]) }
    }

    /// The URL in `iss`.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// A token for a service account, signed by the newest key.
    #[must_use]
    pub fn issue(&self, subject: &str, audience: &str, lifetime: Duration) -> String {
        self.issue_with(&self.claims(subject, audience, lifetime))
    }

    /// A token with any claims, signed by the newest key.
    #[must_use]
    pub fn issue_with(&self, claims: &Value) -> String {
        let keys = self.lock();
        let key = keys.last().expect("there is always a key");
        sign(key, &key.id, claims)
    }

    /// A token that ended a minute ago.
    #[must_use]
    pub fn issue_expired(&self, subject: &str, audience: &str) -> String {
        let mut claims = self.claims(subject, audience, Duration::ZERO);
        let now = self.clock.unix();
        claims["iat"] = json!(now - 3660);
        claims["nbf"] = json!(now - 3660);
        claims["exp"] = json!(now - 60);
        self.issue_with(&claims)
    }

    /// A forgery: the right key ID, signed by a key that is not ours.
    #[must_use]
    pub fn issue_forged(&self, subject: &str, audience: &str, lifetime: Duration) -> String {
        let id = self.lock().last().expect("there is always a key").id.clone();
        sign(&Key::generate(), &id, &self.claims(subject, audience, lifetime))
    }

    /// A token by a key that no JWKS has ever listed.
    #[must_use]
    pub fn issue_by_unknown_key(&self, subject: &str, audience: &str, lifetime: Duration) -> String {
        let key = Key::generate();
        sign(&key, &key.id, &self.claims(subject, audience, lifetime))
    }

    /// The claims of a projected service-account token, to be changed and given to [`Oidc::issue_with`].
    #[must_use]
    pub fn claims(&self, subject: &str, audience: &str, lifetime: Duration) -> Value {
        let now = self.clock.unix();
        let mut names = subject.strip_prefix("system:serviceaccount:").unwrap_or("default:default").splitn(2, ':');
        let namespace = names.next().unwrap_or_default();
        let account = names.next().unwrap_or_default();
        json!({
            "aud": [audience],
            "exp": now + lifetime.as_secs(),
            "iat": now,
            "iss": self.issuer,
            "jti": random::request_id(),
            "kubernetes.io": {
                "namespace": namespace,
                "node": { "name": "ip-10-0-0-1.ec2.internal", "uid": random::request_id() },
                "pod": { "name": format!("{account}-0"), "uid": random::request_id() },
                "serviceaccount": { "name": account, "uid": random::request_id() },
            },
            "nbf": now,
            "sub": subject,
        })
    }

    /// From now on a new key signs; tokens of the old ones are still good.
    pub fn rotate_keys(&self) {
        self.lock().push(Key::generate());
    }

    /// The JWKS forgets every key but the newest.
    pub fn retire_old_keys(&self) {
        let mut keys = self.lock();
        let newest = keys.pop().expect("there is always a key");
        keys.clear();
        keys.push(newest);
    }

    /// The JSON Web Key Set, as served under `jwks_uri`.
    #[must_use]
    pub fn jwks(&self) -> Value {
        json!({ "keys": self.lock().iter().map(Key::public).collect::<Vec<_>>() })
    }

    pub(crate) fn key_set(&self) -> JwkSet {
        serde_json::from_value(self.jwks()).expect("our own keys are well-formed")
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Key>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Key {
    fn generate() -> Self {
        // rcgen's default is ECDSA on P-256 with SHA-256, which is what ES256 means.
        let pair = KeyPair::generate().expect("the system has randomness");
        Self { id: random::sha256_hex(pair.public_key_raw())[..40].to_owned(), pair }
    }

    fn public(&self) -> Value {
        // An uncompressed point: 0x04, x, y (SEC 1, 2.3.3).
        let point = self.pair.public_key_raw();
        let (x, y) = (&point[1..33], &point[33..65]);
        json!({
            "kty": "EC", "use": "sig", "alg": "ES256", "kid": self.id, "crv": "P-256",
            "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
        })
    }
}

fn sign(key: &Key, id: &str, claims: &Value) -> String {
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some(id.to_owned());
    header.typ = None; // as in Kubernetes' tokens
    let encoding = EncodingKey::from_ec_der(key.pair.serialized_der());
    jsonwebtoken::encode(&header, claims, &encoding).expect("a P-256 key signs")
}
