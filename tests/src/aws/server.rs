//! A TLS server on a free loopback port: it picks its certificate by SNI, as AWS's endpoints do, and can shut its door.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::pki::Identity;

/// The bodies of our answers.
pub(crate) type Body = UnsyncBoxBody<Bytes, Box<dyn Error + Send + Sync>>;

/// The answer to one request; an error closes the connection without one.
pub(crate) type Answering = Pin<Box<dyn Future<Output = Result<Response<Body>, HangUp>> + Send>>;

/// What a service does with requests.
pub(crate) type Service = Arc<dyn Fn(Request<Incoming>) -> Answering + Send + Sync>;

/// The connection ends here, without an answer.
#[derive(Debug)]
pub(crate) struct HangUp;

impl fmt::Display for HangUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection is closed without an answer")
    }
}

impl Error for HangUp {}

/// Decides at accept, and while connections live, whether there is anybody at home.
#[derive(Clone)]
pub(crate) struct Door {
    /// Asked for each new connection: false closes it at once.
    pub(crate) admit: Arc<dyn Fn() -> bool + Send + Sync>,
    /// While true, live connections are cut too.
    pub(crate) shut: watch::Receiver<bool>,
}

/// What a server shows to the world.
pub(crate) struct Front<'a> {
    pub(crate) identity: &'a Identity,
    /// The names that SNI may ask for; `*.` at the beginning stands for one label or more (buckets may have dots).
    pub(crate) names: Vec<String>,
    pub(crate) protocols: Protocols,
    pub(crate) door: Option<Door>,
}

/// Which HTTP versions a service speaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Protocols {
    /// STS and S3.
    Http1,
    /// API Gateway.
    Http1AndHttp2,
}

/// Binds a free port of 127.0.0.1 and serves until the runtime ends.
pub(crate) fn start(runtime: &Handle, front: Front<'_>, service: Service) -> io::Result<SocketAddr> {
    let acceptor = TlsAcceptor::from(Arc::new(tls(&front)?));
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let _inside = runtime.enter();
    let listener = TcpListener::from_std(listener)?;
    let (door, protocols) = (front.door, front.protocols);
    runtime.spawn(async move {
        loop {
            // Accepting can fail for want of file descriptors: then try again a little later.
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                continue;
            };
            if door.as_ref().is_some_and(|door| !(door.admit)()) {
                continue;
            }
            let connection = serve(stream, acceptor.clone(), protocols, Arc::clone(&service));
            let shut = door.as_ref().map(|door| door.shut.clone());
            tokio::spawn(async move {
                match shut {
                    None => connection.await,
                    Some(mut shut) => tokio::select! {
                        () = connection => {}
                        _ = shut.wait_for(|shut| *shut) => {}
                    },
                }
            });
        }
    });
    Ok(address)
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, protocols: Protocols, service: Service) {
    let _ = stream.set_nodelay(true);
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    let mut builder = auto::Builder::new(TokioExecutor::new());
    if protocols == Protocols::Http1 {
        builder = builder.http1_only();
    }
    // Its error is the client's business, or the fault that a test asked for.
    let _ = builder.serve_connection(TokioIo::new(stream), service_fn(move |request| service(request))).await;
}

fn tls(front: &Front<'_>) -> io::Result<rustls::ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = CertificateDer::pem_slice_iter(front.identity.certificate_pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(io::Error::other)?;
    let key = PrivateKeyDer::from_pem_slice(front.identity.key_pem.as_bytes()).map_err(io::Error::other)?;
    let certified = CertifiedKey::from_der(chain, key, &provider).map_err(io::Error::other)?;
    let resolver = BySni { names: front.names.clone(), certified: Arc::new(certified) };
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    config.alpn_protocols = match front.protocols {
        Protocols::Http1 => vec![b"http/1.1".to_vec()],
        Protocols::Http1AndHttp2 => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
    };
    Ok(config)
}

/// No SNI, or another endpoint's, ends the handshake: a client that does not ask for the right name is misconfigured.
#[derive(Debug)]
struct BySni {
    names: Vec<String>,
    certified: Arc<CertifiedKey>,
}

impl ResolvesServerCert for BySni {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let asked = hello.server_name()?;
        let known = self.names.iter().any(|name| match name.strip_prefix('*') {
            Some(suffix) => asked.len() > suffix.len() && asked.ends_with(suffix),
            None => asked == name,
        });
        known.then(|| Arc::clone(&self.certified))
    }
}
