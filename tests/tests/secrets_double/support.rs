//! A caller that signs with AWS's own signer.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use e2e::aws::{Clock, Session};
use e2e::client::{Client, Error, Request, Response};
use e2e::mesh::{MESH, Svid, TrustDomain};
use e2e::secrets::{HOME, SecretsManager, may_read};
use serde_json::{Value, json};

pub(crate) const KEY: &str = "meshbridge/staging/reports/key";
pub(crate) const CERTIFICATE: &str = "meshbridge/staging/reports/certificate";
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
/// Longer than anything takes on a machine under load.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A double with an identity of the app in its home region.
pub(crate) struct World {
    pub(crate) clock: Arc<Clock>,
    pub(crate) secrets: SecretsManager,
    pub(crate) session: Arc<Session>,
    pub(crate) mesh: TrustDomain,
    pub(crate) svid: Svid,
    pub(crate) key_version: String,
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(Clock::default());
        let secrets = SecretsManager::start(Arc::clone(&clock));
        let session = secrets.session(may_read("staging", "reports"), HOUR);
        let mesh = TrustDomain::new(MESH);
        let svid = mesh.svid("staging", "reports");
        let key_version = secrets.store().publish(HOME, "staging", "reports", &svid);
        Self { clock, secrets, session, mesh, svid, key_version }
    }

    pub(crate) fn caller(&self) -> Caller {
        Caller {
            client: Client::plain(self.secrets.address()).with_timeout(PATIENCE),
            host: self.secrets.address().to_string(),
            session: Arc::clone(&self.session),
            region: HOME.to_owned(),
            service: "secretsmanager".to_owned(),
            time: self.clock.now(),
            operation: "GetSecretValue".to_owned(),
        }
    }

    /// Asks for the current value of a secret.
    pub(crate) fn get(&self, secret: &str) -> Result<Response, Error> {
        self.caller().call(&json!({ "SecretId": secret }))
    }
}

#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) client: Client,
    pub(crate) host: String,
    pub(crate) session: Arc<Session>,
    pub(crate) region: String,
    pub(crate) service: String,
    pub(crate) time: SystemTime,
    pub(crate) operation: String,
}

impl Caller {
    pub(crate) fn call(&self, parameters: &Value) -> Result<Response, Error> {
        let body = parameters.to_string();
        self.client.send(&self.request(&self.headers(&body), &body))
    }

    pub(crate) fn request(&self, headers: &[(String, String)], body: &str) -> Request {
        let mut request = Request::new("POST", "/");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request.body(body)
    }

    /// All headers, signed.
    pub(crate) fn headers(&self, body: &str) -> Vec<(String, String)> {
        let session = &self.session;
        let token = Some(session.session_token.clone());
        let identity = Credentials::new(&session.access_key_id, &session.secret_access_key, token, None, "test").into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(&self.service)
            .time(self.time)
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let mut headers = vec![
            ("host".to_owned(), self.host.clone()),
            ("content-type".to_owned(), "application/x-amz-json-1.1".to_owned()),
            ("x-amz-target".to_owned(), format!("secretsmanager.{}", self.operation)),
        ];
        let pairs = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let uri = format!("http://{}/", self.host);
        let signable = SignableRequest::new("POST", uri, pairs, SignableBody::Bytes(body.as_bytes())).unwrap();
        let (instructions, _) = sign(signable, &params).unwrap().into_parts();
        headers.extend(instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())));
        headers
    }
}

#[track_caller]
pub(crate) fn assert_refused(response: &Response, status: u16, code: &str) {
    let found = response.json().ok().and_then(|document| Some(document["__type"].as_str()?.to_owned()));
    assert_eq!((response.status, found.as_deref()), (status, Some(code)), "{}", response.text());
}
