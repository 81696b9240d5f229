//! Apps that answer as cheaply as they can, by mutual TLS: one speaks HTTP/2, the other HTTP/1.1.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::protocol::Protocol;
use crate::egress::ENVIRONMENT;
use crate::mesh::{Leaf, TrustDomain};

/// Bytes of an answer's body.
pub(super) const SMALL: usize = 1024;
/// Bytes of a body that does not fit into any buffer, in both directions.
pub(super) const LARGE: usize = 1024 * 1024;
/// The path whose answers are large.
pub(super) const LARGE_PATH: &str = "/large";

/// Both apps, on a thread of their own; they serve until the process ends.
#[derive(Debug)]
pub(super) struct Apps {
    http2: SocketAddr,
    http1: SocketAddr,
}

impl Apps {
    pub(super) fn start(mesh: &TrustDomain) -> Result<Self, String> {
        let mut addresses = Vec::new();
        for protocol in [Protocol::Http2, Protocol::Http1] {
            let acceptor = acceptor(mesh, protocol).map_err(|e| format!("an app's TLS: {e}"))?;
            addresses.push(serve_on_a_thread(acceptor).map_err(|e| format!("an app: {e}"))?);
        }
        let [http2, http1] = addresses[..] else { return Err("two apps".into()) };
        Ok(Self { http2, http1 })
    }

    pub(super) fn address(&self, protocol: Protocol) -> SocketAddr {
        match protocol {
            Protocol::Http2 => self.http2,
            Protocol::Http1 => self.http1,
        }
    }

    /// Their names and addresses.
    pub(super) fn all(&self) -> impl Iterator<Item = (&'static str, SocketAddr)> {
        [Protocol::Http2, Protocol::Http1].into_iter().map(|protocol| (protocol.app(), self.address(protocol)))
    }
}

fn acceptor(mesh: &TrustDomain, protocol: Protocol) -> Result<TlsAcceptor, Box<dyn std::error::Error>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(mesh.bundle_pem().as_bytes())?)?;
    let callers = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build()?;
    // A name besides the SPIFFE ID, so that callers without a verifier of their own can check it, too.
    let svid = mesh.issue(&Leaf::new(mesh.id(ENVIRONMENT, protocol.app())).and_dns(&protocol.server_name()));
    let chain = CertificateDer::pem_slice_iter(svid.full_chain_pem().as_bytes()).collect::<Result<_, _>>()?;
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(callers)
        .with_single_cert(chain, PrivateKeyDer::from_pem_slice(svid.key_pem.as_bytes())?)?;
    config.alpn_protocols = vec![protocol.alpn().to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn serve_on_a_thread(acceptor: TlsAcceptor) -> io::Result<SocketAddr> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    thread::spawn(move || {
        runtime.block_on(async move {
            let Ok(listener) = TcpListener::from_std(listener) else { return };
            loop {
                match listener.accept().await {
                    // A connection that breaks is noticed by who called.
                    Ok((stream, _)) => drop(tokio::spawn(connection(stream, acceptor.clone()))),
                    Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                }
            }
        });
    });
    Ok(address)
}

async fn connection(stream: TcpStream, acceptor: TlsAcceptor) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let tls = acceptor.accept(stream).await?;
    let server = auto::Builder::new(TokioExecutor::new());
    server.serve_connection(TokioIo::new(tls), service_fn(answer)).await.map_err(io::Error::other)
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    static BODY: [u8; LARGE] = [b'm'; LARGE];
    let large = request.uri().path() == LARGE_PATH;
    let mut body = request.into_body();
    // An upload that is broken off shows in its answer's absence.
    while let Some(Ok(_)) = body.frame().await {}
    let body = BODY.get(..if large { LARGE } else { SMALL }).unwrap_or_default();
    let mut response = Response::new(Full::new(Bytes::from_static(body)));
    for (name, value) in [("content-type", "application/json"), ("cache-control", "no-store"), ("vary", "accept")] {
        response.headers_mut().insert(name, http::HeaderValue::from_static(value));
    }
    Ok(response)
}
