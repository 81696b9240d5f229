//! Callers of an app, through the extension or directly: each sends its next request as soon as the last one was answered.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use super::apps::{LARGE, LARGE_PATH, SMALL};
use super::protocol::Protocol;
use crate::egress::{APP, ENVIRONMENT};
use crate::mesh::TrustDomain;

/// Far longer than any answer takes that is still to come.
const PATIENCE: Duration = Duration::from_secs(60);
/// What mtls-client lets one HTTP/2 stream, and all of a connection, hold unread.
const WINDOWS: (u32, u32) = (256 * 1024, 1024 * 1024);

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// A GET whose answer is a kibibyte.
    Small,
    /// A POST of a mebibyte whose answer is a mebibyte.
    Large,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Small => "answers of 1 KiB",
            Self::Large => "1 MiB both ways",
        })
    }
}

/// Callers with their open connections.
pub(super) struct Callers {
    lines: Vec<Line>,
}

struct Line {
    sender: Sender,
    /// Of each request, without its path.
    origin: String,
    host: HeaderValue,
    token: Option<HeaderValue>,
}

enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

impl Callers {
    /// Through the extension, each on a connection of its own to it.
    pub(super) async fn through(
        proxy: SocketAddr,
        token: &str,
        protocol: Protocol,
        number: usize,
    ) -> Result<Self, String> {
        let mut lines = Vec::new();
        for _ in 0..number {
            let tcp = connect(proxy).await?;
            let sender = http1_over(TokioIo::new(tcp)).await?;
            let host = HeaderValue::from_static(protocol.app());
            let token = Some(HeaderValue::from_str(token).map_err(told)?);
            lines.push(Line { sender, origin: String::new(), host, token });
        }
        Ok(Self { lines })
    }

    /// Without it: the same TLS, and as many connections as the extension makes: with HTTP/2 one for all.
    pub(super) async fn direct(
        mesh: &TrustDomain,
        app: SocketAddr,
        protocol: Protocol,
        number: usize,
    ) -> Result<Self, String> {
        let connector = TlsConnector::from(Arc::new(tls(mesh, protocol).map_err(|e| e.to_string())?));
        let name = ServerName::try_from(protocol.server_name()).map_err(told)?;
        let origin = format!("https://{}", protocol.server_name());
        let host = HeaderValue::from_str(&protocol.server_name()).map_err(told)?;
        let mut lines: Vec<Line> = Vec::new();
        for _ in 0..number {
            let sender = match (protocol, lines.first().map(|line| &line.sender)) {
                (Protocol::Http2, Some(Sender::Http2(sender))) => Sender::Http2(sender.clone()),
                _ => {
                    let tls = connector.connect(name.clone(), connect(app).await?).await.map_err(told)?;
                    match protocol {
                        Protocol::Http2 => http2_over(TokioIo::new(tls)).await?,
                        Protocol::Http1 => http1_over(TokioIo::new(tls)).await?,
                    }
                }
            };
            let origin = if protocol == Protocol::Http2 { origin.clone() } else { String::new() };
            lines.push(Line { sender, origin, host: host.clone(), token: None });
        }
        Ok(Self { lines })
    }

    /// Calls until the time is up and every call was answered; how long each took.
    pub(super) async fn run(&mut self, call: Call, time: Duration) -> Result<Vec<Duration>, String> {
        let until = Instant::now() + time;
        let mut running = JoinSet::new();
        for mut line in std::mem::take(&mut self.lines) {
            running.spawn(async move {
                let mut took = Vec::new();
                while Instant::now() < until {
                    let begun = Instant::now();
                    line.call(call).await?;
                    took.push(begun.elapsed());
                }
                Ok::<_, String>((line, took))
            });
        }
        let mut all = Vec::new();
        let in_time = tokio::time::timeout(time + PATIENCE, async {
            while let Some(ended) = running.join_next().await {
                let (line, took) = ended.map_err(told)??;
                self.lines.push(line);
                all.extend(took);
            }
            Ok::<_, String>(())
        });
        in_time.await.map_err(told)??;
        Ok(all)
    }
}

impl Line {
    async fn call(&mut self, call: Call) -> Result<(), String> {
        let request = self.request(call).map_err(told)?;
        let response = match &mut self.sender {
            Sender::Http1(sender) => {
                sender.ready().await.map_err(told)?;
                sender.send_request(request).await
            }
            Sender::Http2(sender) => sender.send_request(request).await,
        };
        let response = response.map_err(told)?;
        let status = response.status();
        let (mut body, mut length) = (response.into_body(), 0);
        let mut text = Vec::new();
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame.map_err(told)?.into_data() {
                length += data.len();
                if !status.is_success() {
                    text.extend_from_slice(&data);
                }
            }
        }
        let wanted = if call == Call::Large { LARGE } else { SMALL };
        if status == 200 && length == wanted {
            return Ok(());
        }
        Err(format!("answered with {status} and {length} bytes: {}", String::from_utf8_lossy(&text)))
    }

    /// With the headers of an ordinary program.
    fn request(&self, call: Call) -> http::Result<Request<Full<Bytes>>> {
        static BODY: [u8; LARGE] = [b'm'; LARGE];
        let (method, path, body) = match call {
            Call::Small => (Method::GET, "/entries/2026?expand=lines&currency=EUR", Bytes::new()),
            Call::Large => (Method::POST, LARGE_PATH, Bytes::from_static(&BODY)),
        };
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.origin));
        if self.origin.is_empty() {
            request = request.header(header::HOST, self.host.clone());
        }
        if let Some(token) = &self.token {
            request = request.header("x-meshbridge-token", token.clone());
        }
        request
            .header(header::USER_AGENT, "reports/1.7 (lambda)")
            .header(header::ACCEPT, "application/json")
            .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
            .header("x-request-id", "2f0c9a52-7c37-4b67-9d6f-3a1d6f0a7f1e")
            .body(Full::new(body))
    }
}

async fn connect(address: SocketAddr) -> Result<TcpStream, String> {
    let tcp = TcpStream::connect(address).await.map_err(|e| format!("{address}: {e}"))?;
    tcp.set_nodelay(true).map_err(told)?;
    Ok(tcp)
}

async fn http1_over<S>(io: TokioIo<S>) -> Result<Sender, String>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let (sender, connection) = http1::handshake(io).await.map_err(told)?;
    tokio::spawn(connection);
    Ok(Sender::Http1(sender))
}

async fn http2_over<S>(io: TokioIo<S>) -> Result<Sender, String>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let (stream, whole) = WINDOWS;
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder.initial_stream_window_size(stream).initial_connection_window_size(whole);
    let (sender, connection) = builder.handshake(io).await.map_err(told)?;
    tokio::spawn(connection);
    Ok(Sender::Http2(sender))
}

/// What mtls-client offers; the server's name stands for its SPIFFE ID, which matters in the handshake alone.
fn tls(mesh: &TrustDomain, protocol: Protocol) -> Result<ClientConfig, Box<dyn std::error::Error>> {
    let svid = mesh.svid(ENVIRONMENT, APP);
    let chain = CertificateDer::pem_slice_iter(svid.full_chain_pem().as_bytes()).collect::<Result<_, _>>()?;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(mesh.bundle_pem().as_bytes())?)?;
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(svid.key_pem.as_bytes())?)?;
    config.alpn_protocols = vec![protocol.alpn().to_vec()];
    Ok(config)
}

fn told(e: impl std::fmt::Display) -> String {
    e.to_string()
}

#[cfg(test)]
mod tests {
    use super::super::apps::Apps;
    use super::*;
    use crate::mesh::MESH;

    #[test]
    fn an_app_answers_small_and_large_calls_in_either_protocol() {
        let mesh = TrustDomain::new(MESH);
        let apps = Apps::start(&mesh).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            for protocol in [Protocol::Http2, Protocol::Http1] {
                let callers = Callers::direct(&mesh, apps.address(protocol), protocol, 3).await;
                let mut callers = callers.unwrap();
                for call in [Call::Small, Call::Large] {
                    let took = callers.run(call, Duration::from_millis(1)).await.unwrap();
                    assert!(took.len() >= 3 && callers.lines.len() == 3, "{protocol} {call:?}");
                }
            }
        });
    }
}
