//! The role's credentials: in the environment, or, under SnapStart, behind an endpoint on loopback.
//!
//! The endpoint is that of AWS's "container credential provider": GET of `AWS_CONTAINER_CREDENTIALS_FULL_URI` with the
//! header `Authorization: <AWS_CONTAINER_AUTHORIZATION_TOKEN>`.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use serde_json::{Value, json};

use crate::aws::random;
use crate::aws::{Session, wire};

/// Where the endpoint is.
pub(super) const PATH: &str = "/2021-04-23/credentials";

/// Temporary credentials of a role.
#[derive(Clone)]
pub struct RoleCredentials {
    /// `ASIA…`.
    pub access_key_id: String,
    /// The secret that signs.
    pub secret_access_key: String,
    /// What accompanies each request.
    pub session_token: String,
    /// From then on every service refuses them.
    pub expires_at: SystemTime,
}

impl fmt::Debug for RoleCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoleCredentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

impl From<&Session> for RoleCredentials {
    fn from(session: &Session) -> Self {
        Self {
            access_key_id: session.access_key_id.clone(),
            secret_access_key: session.secret_access_key.clone(),
            session_token: session.session_token.clone(),
            expires_at: session.expires_at,
        }
    }
}

/// The credentials of one environment.
pub(super) struct Credentials {
    current: Mutex<Option<RoleCredentials>>,
    /// What the endpoint wants to be shown.
    token: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials { .. }")
    }
}

impl Credentials {
    pub(super) fn new(current: Option<RoleCredentials>) -> Self {
        Self { current: Mutex::new(current), token: random::session_token() }
    }

    pub(super) fn set(&self, credentials: RoleCredentials) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(credentials);
    }

    fn get(&self) -> Option<RoleCredentials> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the endpoint answers to somebody who shows this token; None is 404, as AWS's emulator has it.
    pub(super) fn answer(&self, shown: Option<&str>) -> Option<Value> {
        let credentials = self.get().filter(|_| shown == Some(self.token.as_str()))?;
        Some(json!({
            "AccessKeyId": credentials.access_key_id,
            "SecretAccessKey": credentials.secret_access_key,
            "Token": credentials.session_token,
            "Expiration": wire::iso_date(credentials.expires_at),
        }))
    }

    /// The variables of an ordinary environment.
    pub(super) fn variables(&self) -> Vec<(String, String)> {
        let Some(credentials) = self.get() else { return Vec::new() };
        vec![
            ("AWS_ACCESS_KEY_ID".to_owned(), credentials.access_key_id),
            ("AWS_SECRET_ACCESS_KEY".to_owned(), credentials.secret_access_key),
            ("AWS_SESSION_TOKEN".to_owned(), credentials.session_token),
        ]
    }

    /// The variables of an environment with SnapStart, whose API is at `api` (`host:port`).
    pub(super) fn endpoint_variables(&self, api: &str) -> Vec<(String, String)> {
        vec![
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI".to_owned(), format!("http://{api}{PATH}")),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN".to_owned(), self.token.clone()),
        ]
    }
}
