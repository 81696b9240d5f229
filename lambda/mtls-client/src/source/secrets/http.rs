//! One HTTP/1.1 call to AWS, small enough to stand in memory as a whole.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use pki_types::ServerName;
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

use super::endpoint::Endpoint;
use crate::net::reach;

/// A secret has at most 64 KiB; JSON may need several bytes for one of them.
const MAX_ANSWER: usize = 512 * 1024;

/// All addresses of the endpoint together are tried for so long.
const CONNECT: Duration = Duration::from_secs(2);

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum CallError {
    /// No connection, with the reason.
    Connect(String),
    /// The connection broke. Worth a second try on a new one when it had been used before.
    Broken(String),
    /// The answer has more than [`MAX_ANSWER`] bytes.
    TooLong,
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => write!(f, "no connection: {error}"),
            Self::Broken(error) => write!(f, "the connection broke: {error}"),
            Self::TooLong => f.write_str("the answer is too long"),
        }
    }
}

/// An answer. The body is wiped when it is dropped; hyper's own buffers cannot be.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) error_type: Option<String>,
    pub(super) body: Zeroizing<Vec<u8>>,
}

/// An open connection to one endpoint.
pub(super) struct Connection(SendRequest<Full<Bytes>>);

/// Who may sign for AWS's names: the public authorities, or the given ones.
pub(super) fn tls_config(roots: Option<&Arc<RootCertStore>>) -> Result<Arc<ClientConfig>, rustls::Error> {
    let public = || Arc::new(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() });
    let provider: Arc<CryptoProvider> = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots.map_or_else(public, Arc::clone))
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

impl Connection {
    /// `tls` is not looked at for endpoints in clear.
    pub(super) async fn open(endpoint: &Endpoint, tls: Option<&Arc<ClientConfig>>) -> Result<Self, CallError> {
        let failed = |error: io::Error| CallError::Connect(error.to_string());
        let tcp = reach(endpoint.host(), endpoint.port(), CONNECT).await.map_err(failed)?;
        match tls {
            Some(config) if endpoint.is_tls() => {
                let name = ServerName::try_from(endpoint.host().to_owned())
                    .map_err(|error| CallError::Connect(error.to_string()))?;
                let stream = TlsConnector::from(Arc::clone(config)).connect(name, tcp).await.map_err(failed)?;
                Self::start(stream).await
            }
            None if !endpoint.is_tls() => Self::start(tcp).await,
            _ => Err(CallError::Connect("the endpoint wants TLS, and TLS is not set up".into())),
        }
    }

    async fn start<S>(stream: S) -> Result<Self, CallError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let broken = |error: hyper::Error| CallError::Broken(error.to_string());
        let (sender, connection) =
            http1::Builder::new().max_buf_size(64 * 1024).handshake(TokioIo::new(stream)).await.map_err(broken)?;
        tokio::spawn(connection);
        Ok(Self(sender))
    }

    /// Sends the request and reads the whole answer.
    pub(super) async fn call(&mut self, request: Request<Full<Bytes>>) -> Result<Answer, CallError> {
        let broken = |error: hyper::Error| CallError::Broken(error.to_string());
        self.0.ready().await.map_err(broken)?;
        let response = self.0.send_request(request).await.map_err(broken)?;
        let status = response.status();
        let error_type = response.headers().get("x-amzn-errortype").and_then(|value| value.to_str().ok());
        let error_type = error_type.map(str::to_owned);
        let mut body = Zeroizing::new(Vec::new());
        let mut incoming = Limited::new(response.into_body(), MAX_ANSWER);
        while let Some(frame) = incoming.frame().await {
            let frame = frame.map_err(|error| match error.downcast::<http_body_util::LengthLimitError>() {
                Ok(_) => CallError::TooLong,
                Err(error) => CallError::Broken(error.to_string()),
            })?;
            if let Some(data) = frame.data_ref() {
                // Grown by hand: what a Vec leaves behind when it moves is not wiped.
                if body.capacity() - body.len() < data.len() {
                    let mut larger = Zeroizing::new(Vec::with_capacity(2 * (body.len() + data.len())));
                    larger.extend_from_slice(&body);
                    body = larger;
                }
                body.extend_from_slice(data);
            }
        }
        Ok(Answer { status, error_type, body })
    }
}
