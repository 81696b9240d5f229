//! AWS Secrets Manager, by one small signed call: `GetSecretValue`.

mod answer;
mod credentials;
mod endpoint;
mod http;
mod replica;
mod timestamp;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::http::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use ::http::{Method, Request};
use bytes::Bytes;
use http_body_util::Full;
use pki_types::CertificateDer;
use rustls::RootCertStore;
use serde::Serialize;
use sigv4::{CanonicalTarget, Credentials, Header, PathRules, PayloadHash, Scope, Signer, Timestamp};
use svid::Document;
use zeroize::Zeroizing;

use self::http::{Answer, CallError, Connection, tls_config};
use super::{PrivateKey, Source, SourceError, SourceFault};
use crate::clock::{Clock, Now, SystemClock};

pub use credentials::AwsCredentials;
pub use replica::{SecretReplica, SecretReplicaError};

const TARGET: &str = "secretsmanager.GetSecretValue";
const MEDIA_TYPE: &str = "application/x-amz-json-1.1";
/// The key is asked for right after the document, over the same connection; one that was kept for longer is not trusted.
const KEPT: Duration = Duration::from_secs(5);

/// Reads the two secrets of a workload from its own region, then from the other ones.
///
/// The endpoint is spoken to directly, over TLS 1.3. Each call is tried once; what may pass by itself is repeated by the
/// client, within its budget.
///
/// ```
/// use mtls_client::{AwsCredentials, SecretReplica, SecretsManager};
///
/// let (certificate, key) = ("meshbridge/staging/reports/certificate", "meshbridge/staging/reports/key");
/// let source = SecretsManager::new(
///     SecretReplica::new("us-west-2", certificate, key, None)?,
///     vec![SecretReplica::new("us-east-1", certificate, key, None)?],
///     AwsCredentials::from_environment(|name| std::env::var(name).ok()),
/// );
/// # Ok::<(), mtls_client::SecretReplicaError>(())
/// ```
pub struct SecretsManager {
    replicas: Vec<SecretReplica>,
    credentials: AwsCredentials,
    roots: Option<Arc<RootCertStore>>,
    clock: Arc<dyn Clock>,
    /// One for each replica.
    kept: Mutex<Vec<Option<Kept>>>,
}

struct Kept {
    connection: Connection,
    since: Now,
}

impl SecretsManager {
    /// `nearest` is asked first, `others` in their order.
    #[must_use]
    pub fn new(nearest: SecretReplica, others: Vec<SecretReplica>, credentials: AwsCredentials) -> Self {
        let mut replicas = vec![nearest];
        replicas.extend(others);
        let kept = Mutex::new(replicas.iter().map(|_| None).collect());
        Self { replicas, credentials, roots: None, clock: Arc::new(SystemClock::new()), kept }
    }

    /// For endpoints whose certificate comes from a private authority: these roots in place of the public ones.
    ///
    /// # Errors
    /// [`SourceFault::Invalid`], when one of them cannot be a root.
    pub fn with_roots(mut self, roots: Vec<CertificateDer<'static>>) -> Result<Self, SourceError> {
        let mut store = RootCertStore::empty();
        for root in roots {
            let invalid =
                |error| SourceError::new(SourceFault::Invalid, format!("a root of the endpoint is none ({error})"));
            store.add(root).map_err(invalid)?;
        }
        self.roots = Some(Arc::new(store));
        Ok(self)
    }

    /// Another clock than the system's, by which requests are signed.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// One secret's text. `version` of the key; the certificate's is always the current one.
    async fn get(&self, at: usize, secret: Which, version: Option<&str>) -> Result<Zeroizing<String>, SourceError> {
        let replica = self
            .replicas
            .get(at)
            .ok_or_else(|| SourceError::new(SourceFault::Missing, "there is no such region among the settings"))?;
        let name = match secret {
            Which::Certificate => replica.certificate(),
            Which::Key => replica.key(),
        };
        let asked = format!("the secret {name} in {}", replica.region());
        let payload = payload(name, version);
        let mut renewed = false;
        loop {
            let now = self.clock.now();
            let credentials = self.credentials.get(now.unix_seconds()).await?;
            let answer = self.call(at, replica, &payload, &credentials, now).await.map_err(|error| {
                let remedy =
                    "see whether the function reaches the endpoint: a subnet, a NAT gateway or an interface endpoint";
                SourceError::new(SourceFault::Unavailable, format!("{asked} cannot be read ({error}); {remedy}"))
            })?;
            if !renewed && answer::blames_credentials(&answer) && self.credentials.forget() {
                renewed = true;
                continue;
            }
            let token = credentials.session_token.as_ref().map(|token| token.expose());
            return answer::read(&answer, version, &asked, token);
        }
    }

    /// One call, over the connection that the call before has left, or a new one.
    async fn call(
        &self,
        at: usize,
        replica: &SecretReplica,
        payload: &Bytes,
        credentials: &Credentials,
        now: Now,
    ) -> Result<Answer, CallError> {
        let request = || sign(replica, payload, credentials, now);
        let kept = self.kept().get_mut(at).and_then(Option::take);
        let recent = kept.filter(|kept| now.elapsed_since(kept.since) < KEPT && now.gap_since(kept.since) < KEPT);
        if let Some(Kept { mut connection, .. }) = recent {
            match connection.call(request()?).await {
                Err(CallError::Broken(_)) => {}
                outcome => return outcome.inspect(|_| self.keep(at, connection)),
            }
        }
        let tls = replica.endpoint().is_tls().then(|| tls_config(self.roots.as_ref())).transpose();
        let tls = tls.map_err(|error| CallError::Connect(error.to_string()))?;
        let mut connection = Connection::open(replica.endpoint(), tls.as_ref()).await?;
        let answer = connection.call(request()?).await?;
        self.keep(at, connection);
        Ok(answer)
    }

    fn keep(&self, at: usize, connection: Connection) {
        if let Some(slot) = self.kept().get_mut(at) {
            *slot = Some(Kept { connection, since: self.clock.now() });
        }
    }

    fn drop_kept(&self) {
        self.kept().iter_mut().for_each(|slot| *slot = None);
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Option<Kept>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Which {
    Certificate,
    Key,
}

/// Secrets Manager API Reference, GetSecretValue.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Ask<'a> {
    secret_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<&'a str>,
}

fn payload(secret_id: &str, version_id: Option<&str>) -> Bytes {
    // Strings always have a form in JSON.
    serde_json::to_vec(&Ask { secret_id, version_id }).unwrap_or_default().into()
}

fn sign(
    replica: &SecretReplica,
    payload: &Bytes,
    credentials: &Credentials,
    now: Now,
) -> Result<Request<Full<Bytes>>, CallError> {
    let unsigned = |what: &str| CallError::Connect(format!("the call cannot be signed: {what}"));
    let at = Timestamp::from_unix_seconds(now.unix_seconds()).ok_or_else(|| unsigned("the clock is wrong"))?;
    let target = CanonicalTarget::parse(b"/", PathRules::STANDARD).map_err(|error| unsigned(&error.to_string()))?;
    let host = replica.endpoint().authority();
    let own = [(HOST, host), (CONTENT_TYPE, MEDIA_TYPE), (HeaderName::from_static("x-amz-target"), TARGET)];
    let headers: Vec<_> =
        own.iter().map(|(name, value)| Header { name: name.as_str(), value: value.as_bytes() }).collect();
    let to_sign =
        sigv4::Request { method: b"POST", target: &target, headers: &headers, payload: PayloadHash::of(payload) };
    let mut signer = Signer::new(Scope { region: replica.region().into(), service: "secretsmanager".into() });
    let signed = signer.sign(&to_sign, credentials, at);

    let mut request = Request::new(Full::new(payload.clone()));
    *request.method_mut() = Method::POST;
    let invalid = |_| unsigned("the credentials have bytes that no header may have");
    for (name, value) in own {
        request.headers_mut().insert(name, HeaderValue::from_str(value).map_err(invalid)?);
    }
    for (name, value) in signed.headers() {
        let mut value = HeaderValue::from_bytes(value).map_err(invalid)?;
        value.set_sensitive(true);
        request.headers_mut().insert(HeaderName::from_static(name), value);
    }
    Ok(request)
}

impl Source for SecretsManager {
    fn replicas(&self) -> usize {
        self.replicas.len()
    }

    async fn document(&self, replica: usize) -> Result<Document, SourceError> {
        let text = self.get(replica, Which::Certificate, None).await?;
        Document::parse(text.as_bytes()).map_err(|error| {
            let region = self.replicas.get(replica).map_or("", SecretReplica::region);
            SourceError::new(SourceFault::Invalid, format!("{error} (in {region}); let the issuer write it anew"))
        })
    }

    async fn key(&self, replica: usize, version: &str) -> Result<PrivateKey, SourceError> {
        let text = self.get(replica, Which::Key, Some(version)).await?;
        PrivateKey::from_pem(text.as_bytes())
    }

    /// An idle connection would only hold memory until it dies.
    fn finished(&self) {
        self.drop_kept();
    }

    fn restored(&self) {
        self.drop_kept();
        self.credentials.forget();
    }
}

impl fmt::Debug for SecretsManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { replicas, credentials, .. } = self;
        f.debug_struct("SecretsManager")
            .field("replicas", replicas)
            .field("credentials", credentials)
            .finish_non_exhaustive()
    }
}
