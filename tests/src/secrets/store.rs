//! What an issuer does, straight at moto: keys, documents and labels, in any region.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::front::Snapshot;
use super::moto::Moto;
use crate::aws::random;
use crate::client::{Client, Request};
use crate::mesh::{Svid, document};

/// The label of a key that no document names yet.
const PENDING: &str = "pending-test";

/// The values in moto, as their writer sees them.
#[derive(Clone, Debug)]
pub struct Store {
    moto: Arc<Moto>,
    /// An account of its own, so that tests that share a moto share no secret.
    account: String,
    /// Region and name of every secret that was written here.
    written: Arc<Mutex<Vec<(String, String)>>>,
}

/// `meshbridge/<environment>/<app>/key`
#[must_use]
pub fn key_secret(environment: &str, app: &str) -> String {
    format!("meshbridge/{environment}/{app}/key")
}

/// `meshbridge/<environment>/<app>/certificate`
#[must_use]
pub fn certificate_secret(environment: &str, app: &str) -> String {
    format!("meshbridge/{environment}/{app}/certificate")
}

impl Store {
    pub(super) fn new(moto: Arc<Moto>) -> Self {
        Self { moto, account: random::account(), written: Arc::default() }
    }

    /// The whole protocol in one region: the key under a pending label, the document that names its version, then the label.
    /// Returns the key's version.
    pub fn publish(&self, region: &str, environment: &str, app: &str, svid: &Svid) -> String {
        let key = key_secret(environment, app);
        let version = self.put(region, &key, &svid.key_pem, PENDING);
        self.put_document(region, environment, app, &document(svid, &version));
        self.move_label(region, &key, &version);
        version
    }

    /// The key alone; its version.
    pub fn put_key(&self, region: &str, environment: &str, app: &str, key_pem: &str) -> String {
        self.put(region, &key_secret(environment, app), key_pem, PENDING)
    }

    /// The document alone.
    pub fn put_document(&self, region: &str, environment: &str, app: &str, document: &Value) {
        self.put(region, &certificate_secret(environment, app), &document.to_string(), "AWSCURRENT");
    }

    /// Any value; its version.
    ///
    /// # Panics
    /// When moto refuses it.
    pub fn put(&self, region: &str, name: &str, value: &str, label: &str) -> String {
        let known = (region.to_owned(), name.to_owned());
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if !written.contains(&known) {
            let created = self.call(region, "CreateSecret", &json!({ "Name": name }));
            created.unwrap_or_else(|error| panic!("CreateSecret: {error}"));
            written.push(known);
        }
        drop(written);
        let token = random::request_id();
        let put = json!({
            "SecretId": name, "SecretString": value, "ClientRequestToken": token, "VersionStages": [label],
        });
        let answer =
            self.call(region, "PutSecretValue", &put).unwrap_or_else(|error| panic!("PutSecretValue: {error}"));
        answer["VersionId"].as_str().unwrap_or_default().to_owned()
    }

    fn move_label(&self, region: &str, name: &str, version: &str) {
        let described = self.call(region, "DescribeSecret", &json!({ "SecretId": name }));
        let described = described.unwrap_or_else(|error| panic!("DescribeSecret: {error}"));
        let stages = described["VersionIdsToStages"].as_object().cloned().unwrap_or_default();
        let is_current = |stages: &Value| stages.as_array().is_some_and(|list| list.contains(&json!("AWSCURRENT")));
        let current = stages.iter().find(|(_, stages)| is_current(stages)).map(|(version, _)| version.clone());
        if current.as_deref() == Some(version) {
            return;
        }
        let mut moved = json!({ "SecretId": name, "VersionStage": "AWSCURRENT", "MoveToVersionId": version });
        if let Some(current) = current {
            moved["RemoveFromVersionId"] = json!(current);
        }
        self.call(region, "UpdateSecretVersionStage", &moved).unwrap_or_else(|error| panic!("the label: {error}"));
    }

    /// What GetSecretValue answers; None when there is no such value.
    pub(super) fn get(&self, region: &str, name: &str, version: Option<&str>) -> Option<Value> {
        // AWSCURRENT is the default, but moto's default does not follow a label that was moved.
        let wanted = match version {
            Some(version) => json!({ "SecretId": name, "VersionId": version }),
            None => json!({ "SecretId": name, "VersionStage": "AWSCURRENT" }),
        };
        self.call(region, "GetSecretValue", &wanted).ok()
    }

    /// The current value of every secret of a region that was written here.
    pub(super) fn snapshot(&self, region: &str) -> Snapshot {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let here = written.into_iter().filter(|(one, _)| one == region);
        here.filter_map(|(_, name)| Some((name.clone(), self.get(region, &name, None)?))).collect()
    }

    /// One call of moto, which looks at nothing of the signature but the region.
    fn call(&self, region: &str, operation: &str, parameters: &Value) -> Result<Value, String> {
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260131/{region}/secretsmanager/aws4_request, \
             SignedHeaders=host, Signature=0"
        );
        let request = Request::new("POST", "/")
            .host(&format!("secretsmanager.{region}.amazonaws.com"))
            .header("authorization", authorization)
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-moto-account-id", &self.account)
            .header("x-amz-target", format!("secretsmanager.{operation}"))
            .body(parameters.to_string());
        let client = Client::plain(self.moto.address()).with_timeout(Duration::from_secs(60));
        let answer = client.send(&request).map_err(|error| error.to_string())?;
        if answer.status == 200 { answer.json().map_err(|error| error.to_string()) } else { Err(answer.text()) }
    }
}
