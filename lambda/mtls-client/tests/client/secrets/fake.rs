//! A double of Secrets Manager, and of the endpoint that hands out credentials.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use mtls_client::{AwsCredentials, SecretReplica, SecretsManager};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::support::Svid;

pub(crate) const REGION: &str = "us-west-2";
pub(crate) const CERTIFICATE: &str = "meshbridge/staging/reports/certificate";
pub(crate) const KEY: &str = "meshbridge/staging/reports/key";

pub(crate) const ACCESS_KEY: &str = "ASIAIOSFODNN7EXAMPLE";
pub(crate) const SECRET_KEY: &str = "wJalrXUtnFEMI-K7MDENG-bPxRfiCYEXAMPLEKEY";
pub(crate) const SESSION_TOKEN: &str = "IQoJb3JpZ2luX2VjEXAMPLETOKEN";

/// A server in this process. Ends with its value.
pub(crate) struct Fake {
    pub(crate) address: SocketAddr,
    pub(crate) state: Arc<State>,
    task: JoinHandle<()>,
}

pub(crate) struct State {
    /// By name, then by version; the current one has the empty version.
    secrets: Mutex<HashMap<(String, String), String>>,
    /// Answers that come before everything else, in this order.
    planned: Mutex<Vec<Plan>>,
    /// What was asked, as `name@version`, or `GET path`.
    pub(crate) asked: Mutex<Vec<String>>,
    /// Access key and session token of the credentials that are accepted, with their secret.
    accepted: Mutex<[String; 3]>,
    /// What the credentials' endpoint answers, by the authorization that it wants.
    pub(crate) issued: Mutex<(String, String)>,
    pub(crate) connections: AtomicUsize,
    pub(crate) open: AtomicUsize,
    pub(crate) closed: Notify,
}

#[derive(Clone)]
pub(crate) enum Plan {
    Answer(u16, Vec<(&'static str, String)>, String),
    Hang,
    Drop,
}

pub(crate) fn plan(status: u16, body: impl Into<String>) -> Plan {
    Plan::Answer(status, Vec::new(), body.into())
}

impl Fake {
    pub(crate) async fn start() -> Self {
        Self::listen(None).await
    }

    pub(crate) async fn listen(tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let accepted = [ACCESS_KEY, SECRET_KEY, SESSION_TOKEN].map(str::to_owned);
        let state = Arc::new(State {
            secrets: Mutex::default(),
            planned: Mutex::default(),
            asked: Mutex::default(),
            accepted: Mutex::new(accepted),
            issued: Mutex::default(),
            connections: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            closed: Notify::new(),
        });
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                shared.connections.fetch_add(1, Ordering::SeqCst);
                let (shared, tls) = (Arc::clone(&shared), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(tcp, &shared).await,
                        Some(tls) => {
                            // A client that does not trust the server ends the handshake.
                            if let Ok(stream) = TlsAcceptor::from(tls).accept(tcp).await {
                                serve(stream, &shared).await;
                            }
                        }
                    }
                });
            }
        });
        Self { address, state, task }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn replica(&self) -> SecretReplica {
        SecretReplica::new(REGION, CERTIFICATE, KEY, Some(&self.endpoint())).unwrap()
    }

    pub(crate) fn source(&self) -> SecretsManager {
        SecretsManager::new(self.replica(), Vec::new(), environment())
    }

    pub(crate) fn put(&self, name: &str, version: &str, text: &str) {
        self.state.secrets.lock().unwrap().insert((name.into(), version.into()), text.into());
    }

    pub(crate) fn publish(&self, svid: &Svid) {
        self.put(KEY, &svid.document.key_version, &svid.key.serialize_pem());
        self.put(CERTIFICATE, "", &svid.document.to_json());
    }

    pub(crate) fn plan(&self, plan: Plan) {
        self.state.planned.lock().unwrap().push(plan);
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.state.asked.lock().unwrap().clone()
    }

    /// Other credentials than before are the right ones now.
    pub(crate) fn accept(&self, access_key: &str, secret: &str, token: &str) {
        *self.state.accepted.lock().unwrap() = [access_key, secret, token].map(str::to_owned);
    }

    /// What the credentials' endpoint hands out to this authorization.
    pub(crate) fn issue(&self, authorization: &str, json: &str) {
        *self.state.issued.lock().unwrap() = (authorization.into(), json.into());
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Credentials as Lambda puts them into the environment.
pub(crate) fn environment() -> AwsCredentials {
    AwsCredentials::from_environment(|name| {
        let value = match name {
            "AWS_ACCESS_KEY_ID" => ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY" => SECRET_KEY,
            "AWS_SESSION_TOKEN" => SESSION_TOKEN,
            _ => return None,
        };
        Some(value.into())
    })
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(stream: S, state: &State) {
    state.open.fetch_add(1, Ordering::SeqCst);
    let service = service_fn(|request| answer(request, state));
    // A planned drop is an error of the service, and so of the connection.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    state.open.fetch_sub(1, Ordering::SeqCst);
    state.closed.notify_one();
}

#[derive(Debug)]
struct Dropped;

impl std::fmt::Display for Dropped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("dropped as planned")
    }
}

impl std::error::Error for Dropped {}

async fn answer(request: Request<Incoming>, state: &State) -> Result<Response<Full<Bytes>>, Dropped> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let ask = match parts.method {
        Method::GET => format!("GET {}", parts.uri),
        _ => {
            let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
            format!("{}@{}", json["SecretId"].as_str().unwrap(), json["VersionId"].as_str().unwrap_or_default())
        }
    };
    state.asked.lock().unwrap().push(ask.clone());
    let planned = {
        let mut planned = state.planned.lock().unwrap();
        if planned.is_empty() { None } else { Some(planned.remove(0)) }
    };
    match planned {
        Some(Plan::Hang) => std::future::pending().await,
        Some(Plan::Drop) => Err(Dropped),
        Some(Plan::Answer(status, headers, body)) => {
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            Ok(response.body(Full::new(body.into())).unwrap())
        }
        None if parts.method == Method::GET => Ok(credentials(&parts.headers, state)),
        None => Ok(secret(&parts.headers, &body, &ask, state)),
    }
}

fn credentials(headers: &HeaderMap, state: &State) -> Response<Full<Bytes>> {
    let (wanted, json) = state.issued.lock().unwrap().clone();
    let given = headers.get("authorization").map_or("", |value| value.to_str().unwrap());
    if given == wanted { ok(json) } else { refuse(401, "Unauthorized", "wrong authorization token") }
}

fn secret(headers: &HeaderMap, body: &Bytes, ask: &str, state: &State) -> Response<Full<Bytes>> {
    assert_eq!(headers["x-amz-target"], "secretsmanager.GetSecretValue");
    assert_eq!(headers["content-type"], "application/x-amz-json-1.1");
    if let Err(kind) = verify(headers, body, state) {
        return refuse(400, kind, "The security token included in the request is invalid.");
    }
    let (name, version) = ask.split_once('@').unwrap();
    match state.secrets.lock().unwrap().get(&(name.to_owned(), version.to_owned())) {
        None => refuse(400, "ResourceNotFoundException", "Secrets Manager can't find the specified secret."),
        Some(text) => {
            let version = if version.is_empty() { "current" } else { version };
            ok(serde_json::json!({
                "ARN": format!("arn:aws:secretsmanager:{REGION}:123456789012:secret:{name}-AbCdEf"),
                "Name": name,
                "VersionId": version,
                "SecretString": text,
                "VersionStages": ["AWSCURRENT"],
                "CreatedDate": 1_700_000_000.123,
            })
            .to_string())
        }
    }
}

fn ok(json: String) -> Response<Full<Bytes>> {
    Response::new(Full::new(json.into()))
}

fn refuse(status: u16, kind: &str, message: &str) -> Response<Full<Bytes>> {
    let json = serde_json::json!({ "__type": kind, "Message": message }).to_string();
    Response::builder().status(status).body(Full::new(json.into())).unwrap()
}

/// AWS's own signer makes the signature anew, from what is on the wire.
fn verify(headers: &HeaderMap, body: &[u8], state: &State) -> Result<(), &'static str> {
    let [access_key, secret, token] = state.accepted.lock().unwrap().clone();
    let text = |name: &str| headers[name].to_str().unwrap();
    let authorization = text("authorization");
    if !authorization.contains(&format!("Credential={access_key}/")) || text("x-amz-security-token") != token {
        return Err("UnrecognizedClientException");
    }
    let own = ["content-type", "host", "x-amz-target"];
    let signed = "content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token;x-amz-target";
    assert!(authorization.contains(&format!("SignedHeaders={signed},")), "{authorization}");
    let date = time::PrimitiveDateTime::parse(
        text("x-amz-date"),
        time::macros::format_description!("[year][month][day]T[hour][minute][second]Z"),
    );
    let at = date.unwrap().assume_utc().unix_timestamp();
    let credentials = aws_credential_types::Credentials::new(access_key, secret, Some(token), None, "test").into();
    let mut settings = SigningSettings::default();
    settings.payload_checksum_kind = aws_sigv4::http_request::PayloadChecksumKind::XAmzSha256;
    let parameters = v4::SigningParams::builder()
        .identity(&credentials)
        .region(REGION)
        .name("secretsmanager")
        .time(SystemTime::UNIX_EPOCH + Duration::from_secs(at.try_into().unwrap()))
        .settings(settings)
        .build()
        .unwrap()
        .into();
    let url = format!("https://{}/", text("host"));
    let request =
        SignableRequest::new("POST", url, own.map(|name| (name, text(name))).into_iter(), SignableBody::Bytes(body));
    let (instructions, _) = aws_sigv4::http_request::sign(request.unwrap(), &parameters).unwrap().into_parts();
    let expected = instructions.headers().find(|(name, _)| *name == "authorization").unwrap().1.to_owned();
    if expected == authorization { Ok(()) } else { Err("InvalidSignatureException") }
}
