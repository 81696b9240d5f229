//! A server of the mesh: TLS with an identity, HTTP/1.1 and HTTP/2, and a journal.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::HeaderValue;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Channel, Empty, Full};
use hyper::body::{Body as _, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::server::WebPkiClientVerifier;
use rustls::{HandshakeKind, RootCertStore, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::{Pki, Svid};

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// Which protocols the server offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alpn {
    Http1,
    Http2,
    /// HTTP/2 with three streams at a time.
    Http2Narrow,
    /// Does not take part in ALPN.
    Silent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientAuth {
    Required,
    /// Does not ask for a certificate.
    None,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct ServerOptions {
    pub(crate) alpn: Alpn,
    pub(crate) client_auth: ClientAuth,
}

/// Ends with its value.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) journal: Arc<Journal>,
    task: JoinHandle<()>,
}

/// What a server saw.
#[derive(Default)]
pub(crate) struct Journal {
    /// TCP connections.
    pub(crate) connections: AtomicUsize,
    /// Handshakes that succeeded.
    pub(crate) handshakes: AtomicUsize,
    pub(crate) requests: AtomicUsize,
    /// The names asked for.
    pub(crate) snis: Mutex<Vec<String>>,
    /// Requests to `/slow` wait for this.
    pub(crate) release: Notify,
    /// Told, all connections are closed in an orderly manner.
    pub(crate) drain: Notify,
    /// Told when a request to `/slow` has come.
    pub(crate) arrived: Notify,
    /// Handshakes that took up an earlier session.
    pub(crate) resumed: AtomicUsize,
    next: AtomicU64,
    open: AtomicUsize,
}

impl Journal {
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn handshakes(&self) -> usize {
        self.handshakes.load(Ordering::SeqCst)
    }

    /// Connections that are open now.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

pub(crate) fn hash(bytes: &[u8]) -> String {
    ring::digest::digest(&ring::digest::SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The same bytes for the same seed, at every place of the tests.
pub(crate) fn body_of(seed: u64, len: usize) -> Bytes {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        bytes.extend_from_slice(&state.to_be_bytes());
    }
    bytes.truncate(len);
    bytes.into()
}

pub(crate) fn tls(identity: &Svid, pki: &Pki, options: ServerOptions) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().unwrap();
    let builder = match options.client_auth {
        ClientAuth::None => builder.with_no_client_auth(),
        ClientAuth::Required => {
            let mut roots = RootCertStore::empty();
            roots.add(pki.root()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
    };
    let chain = std::iter::once(&identity.certificate).chain(&identity.chain).cloned().collect();
    let mut config = builder.with_single_cert(chain, identity.key_der()).unwrap();
    config.alpn_protocols = match options.alpn {
        Alpn::Http1 => vec![b"http/1.1".to_vec()],
        Alpn::Http2 | Alpn::Http2Narrow => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        Alpn::Silent => Vec::new(),
    };
    Arc::new(config)
}

impl Server {
    pub(crate) async fn start(identity: &Svid, pki: &Pki, options: ServerOptions) -> Self {
        let streams = (options.alpn == Alpn::Http2Narrow).then_some(3);
        Self::listen(tls(identity, pki, options), streams).await
    }

    pub(crate) async fn listen(tls: Arc<ServerConfig>, streams: Option<u32>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let journal = Arc::new(Journal::default());
        let task = tokio::spawn(accept(listener, TlsAcceptor::from(tls), Arc::clone(&journal), streams));
        Self { address, journal, task }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, journal: Arc<Journal>, streams: Option<u32>) {
    while let Ok((tcp, _)) = listener.accept().await {
        journal.connections.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(serve(tcp, acceptor.clone(), Arc::clone(&journal), streams));
    }
}

async fn serve(tcp: TcpStream, acceptor: TlsAcceptor, journal: Arc<Journal>, streams: Option<u32>) {
    let Ok(stream) = acceptor.accept(tcp).await else { return };
    journal.handshakes.fetch_add(1, Ordering::SeqCst);
    let number = journal.next.fetch_add(1, Ordering::SeqCst);
    let session = stream.get_ref().1;
    if session.handshake_kind() == Some(HandshakeKind::Resumed) {
        journal.resumed.fetch_add(1, Ordering::SeqCst);
    }
    journal.snis.lock().unwrap().extend(session.server_name().map(str::to_owned));
    let client = session.peer_certificates().and_then(|chain| chain.first()).map_or_else(String::new, |der| hash(der));
    let open = Arc::clone(&journal);
    let answer = move |request: Request<Incoming>| {
        let (journal, client) = (Arc::clone(&journal), client.clone());
        async move {
            journal.requests.fetch_add(1, Ordering::SeqCst);
            let head = request.method() == Method::HEAD;
            let mut response = answer(request, &journal).await;
            if head {
                let length = response.body().size_hint().exact().unwrap();
                response = response.map(|_| Empty::new().boxed_unsync());
                response.headers_mut().insert("content-length", HeaderValue::from(length));
            }
            response.headers_mut().insert("x-connection", HeaderValue::from(number));
            response.headers_mut().insert("x-client", HeaderValue::from_str(&client).unwrap());
            Ok::<_, Infallible>(response)
        }
    };
    open.open.fetch_add(1, Ordering::SeqCst);
    let mut builder = auto::Builder::new(TokioExecutor::new());
    if let Some(streams) = streams {
        builder.http2().max_concurrent_streams(streams);
    }
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service_fn(answer)));
    loop {
        tokio::select! {
            // A connection that the client drops is no failure of the server.
            _ = connection.as_mut() => break,
            () = open.drain.notified() => connection.as_mut().graceful_shutdown(),
        }
    }
    open.open.fetch_sub(1, Ordering::SeqCst);
}

fn full(bytes: impl Into<Bytes>) -> Response<Body> {
    Response::new(Full::new(bytes.into()).boxed_unsync())
}

async fn answer(request: Request<Incoming>, journal: &Journal) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let numbers: Vec<u64> = path.split('/').filter_map(|part| part.parse().ok()).collect();
    match path.split('/').nth(1).unwrap_or_default() {
        "hello" => full("hello"),
        // What the server makes of the request: version, method, target, host, headers.
        "mirror" => {
            let host = request.uri().authority().map(ToString::to_string);
            let host = host.or_else(|| request.headers().get("host").map(|value| value.to_str().unwrap().to_owned()));
            let headers: Vec<String> =
                request.headers().iter().map(|(name, value)| format!("{name}={}", value.to_str().unwrap())).collect();
            let (method, target) = (request.method(), request.uri().path_and_query().unwrap());
            full(format!(
                "{:?} {method} {target} {}\n{}",
                request.version(),
                host.unwrap_or_default(),
                headers.join("\n")
            ))
        }
        // /bytes/SEED/LENGTH
        "bytes" => full(body_of(numbers[0], usize::try_from(numbers[1]).unwrap())),
        "hash" => {
            let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes);
            body.map_or_else(|_| full("the request broke"), |body| full(hash(&body)))
        }
        // Sends back each piece as it comes, then trailers that name the request's own.
        "echo" => full_duplex(request.into_body()),
        // Does not wait for the request to end; nor does it end the connection.
        "early" => {
            tokio::spawn(request.into_body().collect());
            full("early")
        }
        "slow" => {
            journal.arrived.notify_one();
            journal.release.notified().await;
            full("at last")
        }
        // The head and one piece at once, the rest never.
        "stall" => stalling(),
        "close" => {
            let mut response = full("good-bye");
            response.headers_mut().insert("connection", HeaderValue::from_static("close"));
            response
        }
        "empty" => {
            let mut response = Response::new(Empty::new().boxed_unsync());
            *response.status_mut() = StatusCode::NO_CONTENT;
            response
        }
        _ => {
            let mut response = full("no such path");
            *response.status_mut() = StatusCode::NOT_FOUND;
            response
        }
    }
}

/// The answer begins before the request has ended.
fn full_duplex(mut incoming: Incoming) -> Response<Body> {
    let (mut sender, body) = Channel::new(1);
    tokio::spawn(async move {
        let mut names = Vec::new();
        while let Some(Ok(frame)) = incoming.frame().await {
            if let Some(trailers) = frame.trailers_ref() {
                names.extend(trailers.iter().map(|(name, value)| format!("{name}={}", value.to_str().unwrap())));
            } else if sender.send(frame).await.is_err() {
                return;
            }
        }
        let mut trailers = HeaderMap::new();
        trailers.insert("x-seen", HeaderValue::from_str(&names.join(",")).unwrap());
        // The client may have had enough.
        let _ = sender.send_trailers(trailers).await;
    });
    let mut response = Response::new(body.boxed_unsync());
    response.headers_mut().insert("trailer", HeaderValue::from_static("x-seen"));
    response
}

/// One piece, and then nothing for as long as the client stays.
fn stalling() -> Response<Body> {
    let (mut sender, body) = Channel::<Bytes>::new(1);
    tokio::spawn(async move {
        let _ = sender.send_data(Bytes::from_static(b"piece")).await;
        std::future::pending::<()>().await;
    });
    Response::new(body.boxed_unsync())
}
