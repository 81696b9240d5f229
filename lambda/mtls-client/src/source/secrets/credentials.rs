//! The function's own credentials: from its environment, or from the endpoint that SnapStart has instead.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST, HeaderValue};
use http::{Request, Uri};
use http_body_util::Full;
use serde::Deserialize;
use sigv4::{Credentials, Secret};
use zeroize::{Zeroize as _, Zeroizing};

use super::endpoint::Endpoint;
use super::http::{CallError, Connection, tls_config};
use super::timestamp;
use crate::source::{SourceError, SourceFault};

/// Credentials that end so soon, in seconds, are fetched anew.
const MARGIN: u64 = 300;

/// Where the function's credentials come from. They are read when they are needed, again when they are about to end, and
/// again after a restore.
pub struct AwsCredentials {
    origin: Origin,
    /// From the endpoint, with the second in which they end.
    cached: Mutex<Option<(Arc<Credentials>, u64)>>,
}

enum Origin {
    /// They live as long as the process.
    Environment(Arc<Credentials>),
    Endpoint {
        endpoint: Endpoint,
        target: String,
        token: Token,
    },
    /// None, for this reason.
    Nowhere(String),
}

enum Token {
    None,
    Text(Secret),
    /// Read at each call: whoever writes it may replace it.
    File(PathBuf),
}

/// AWS SDKs and Tools Reference Guide, "Container credential provider".
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Issued {
    access_key_id: String,
    secret_access_key: String,
    token: Option<String>,
    expiration: Option<String>,
}

impl AwsCredentials {
    /// Finds out where the credentials are, in the order of the AWS SDKs: `AWS_ACCESS_KEY_ID` with
    /// `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`, then `AWS_CONTAINER_CREDENTIALS_FULL_URI` with
    /// `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE` or `AWS_CONTAINER_AUTHORIZATION_TOKEN`, as Lambda sets them under SnapStart.
    /// `variable` reads the environment. When there are none, or they are wrong, each fetch says so
    /// ([`SourceFault::AccessDenied`]).
    ///
    /// ```
    /// use mtls_client::AwsCredentials;
    ///
    /// let credentials = AwsCredentials::from_environment(|name| std::env::var(name).ok());
    /// ```
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        Self { origin: Origin::find(variable), cached: Mutex::default() }
    }

    /// The credentials, as of now (seconds since 1970).
    pub(super) async fn get(&self, unix_seconds: u64) -> Result<Arc<Credentials>, SourceError> {
        match &self.origin {
            Origin::Environment(credentials) => Ok(Arc::clone(credentials)),
            Origin::Nowhere(reason) => Err(SourceError::new(SourceFault::AccessDenied, reason.clone())),
            Origin::Endpoint { endpoint, target, token } => {
                if let Some((credentials, _)) =
                    self.cached().clone().filter(|(_, ends)| unix_seconds.saturating_add(MARGIN) < *ends)
                {
                    return Ok(credentials);
                }
                let (credentials, ends) = fetch(endpoint, target, token).await?;
                let credentials = Arc::new(credentials);
                *self.cached() = Some((Arc::clone(&credentials), ends));
                Ok(credentials)
            }
        }
    }

    /// What was fetched is not used again. Whether there is anything to fetch.
    pub(super) fn forget(&self) -> bool {
        *self.cached() = None;
        matches!(self.origin, Origin::Endpoint { .. })
    }

    fn cached(&self) -> MutexGuard<'_, Option<(Arc<Credentials>, u64)>> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Origin {
    fn find(variable: impl Fn(&str) -> Option<String>) -> Self {
        match (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY")) {
            (Some(access_key_id), Some(secret)) => {
                return Self::Environment(Arc::new(Credentials {
                    access_key_id,
                    secret_access_key: Secret::new(secret),
                    session_token: variable("AWS_SESSION_TOKEN").map(Secret::new),
                }));
            }
            (None, None) => {}
            _ => {
                return Self::Nowhere(
                    "only one of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY is set; set both or neither".into(),
                );
            }
        }
        let Some(uri) = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI") else {
            return Self::Nowhere(
                "the environment has neither AWS_ACCESS_KEY_ID nor AWS_CONTAINER_CREDENTIALS_FULL_URI; run this with a role"
                    .into(),
            );
        };
        let Some((endpoint, target)) = parse_full_uri(&uri) else {
            return Self::Nowhere(format!(
                "AWS_CONTAINER_CREDENTIALS_FULL_URI is {uri:?}, where no AWS SDK would look; use https or a loopback address"
            ));
        };
        let token = match variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
            Some(path) => Token::File(path.into()),
            None => {
                variable("AWS_CONTAINER_AUTHORIZATION_TOKEN").map_or(Token::None, |text| Token::Text(Secret::new(text)))
            }
        };
        Self::Endpoint { endpoint, target, token }
    }
}

/// `https` to anyone; `http` to this machine and to the fixed addresses of ECS and EKS, as the SDKs allow.
fn parse_full_uri(text: &str) -> Option<(Endpoint, String)> {
    let uri: Uri = text.parse().ok()?;
    let endpoint = Endpoint::of_uri(&uri)?;
    let fixed = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23"];
    let known = |ip: IpAddr| fixed.iter().any(|text| text.parse() == Ok(ip));
    let target = uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
    (endpoint.is_tls() || endpoint.is_loopback() || endpoint.ip().is_some_and(known)).then_some((endpoint, target))
}

async fn fetch(endpoint: &Endpoint, target: &str, token: &Token) -> Result<(Credentials, u64), SourceError> {
    let denied = |message: String| SourceError::new(SourceFault::AccessDenied, message);
    let unavailable = |error: CallError| {
        let message =
            format!("the endpoint of the credentials did not answer ({error}); see whether the role is attached");
        SourceError::new(SourceFault::Unavailable, message)
    };
    let token = token.read().await?;
    let mut request = Request::new(Full::<Bytes>::default());
    *request.uri_mut() = target.parse().map_err(|_| denied("the credentials' URI has no path".into()))?;
    let invalid = |_| denied("the authorization token of the credentials has bytes that no header may have".into());
    let host = HeaderValue::from_str(endpoint.authority()).map_err(invalid)?;
    request.headers_mut().insert(HOST, host);
    if let Some(token) = token {
        let mut value = HeaderValue::from_str(&token).map_err(invalid)?;
        value.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, value);
    }
    let tls = endpoint.is_tls().then(|| tls_config(None)).transpose();
    let tls = tls.map_err(|error| unavailable(CallError::Connect(error.to_string())))?;
    let answer = Connection::open(endpoint, tls.as_ref()).await.map_err(unavailable)?.call(request).await;
    let answer = answer.map_err(unavailable)?;
    if !answer.status.is_success() {
        let message =
            format!("the endpoint of the credentials answered {}; see whether the role is attached", answer.status);
        let server = answer.status.is_server_error();
        return Err(SourceError::new(
            if server { SourceFault::Unavailable } else { SourceFault::AccessDenied },
            message,
        ));
    }
    read(&answer.body).ok_or_else(|| denied("the endpoint of the credentials answered without credentials".into()))
}

fn read(json: &[u8]) -> Option<(Credentials, u64)> {
    let Issued { access_key_id, secret_access_key, token, expiration } = serde_json::from_slice(json).ok()?;
    let secret_access_key = Secret::new(secret_access_key);
    let session_token = token.map(Secret::new);
    let ends = match expiration {
        Some(text) => timestamp::unix_seconds(&text)?,
        None => u64::MAX,
    };
    Some((Credentials { access_key_id, secret_access_key, session_token }, ends))
}

impl Token {
    async fn read(&self) -> Result<Option<Zeroizing<String>>, SourceError> {
        match self {
            Self::None => Ok(None),
            Self::Text(secret) => Ok(Some(Zeroizing::new(secret.expose().to_owned()))),
            Self::File(path) => match tokio::fs::read_to_string(path).await {
                Ok(mut text) => {
                    let token = Zeroizing::new(text.trim_end().to_owned());
                    text.zeroize();
                    Ok(Some(token))
                }
                Err(error) => {
                    let message = format!(
                        "{} with the authorization token of the credentials cannot be read ({error}); let this user read it",
                        path.display()
                    );
                    Err(SourceError::new(SourceFault::AccessDenied, message))
                }
            },
        }
    }
}

impl fmt::Debug for AwsCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.origin {
            Origin::Environment(_) => "AwsCredentials(environment)",
            Origin::Endpoint { .. } => "AwsCredentials(endpoint)",
            Origin::Nowhere(_) => "AwsCredentials(none)",
        })
    }
}
