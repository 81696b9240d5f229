//! How an app serves: TLS with a certificate asked for, HTTP/1.1 and HTTP/2, every request noted.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::certificate::spiffe_ids;
use super::svid::Svid;
use super::visits::{Hit, Inner};
use crate::aws::random::sha256_hex;
use crate::aws::server::{Body, HangUp};

/// Demands a certificate of these roots.
pub(super) fn acceptor(svid: &Svid, roots_pem: &str, protocols: &[String]) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_slice_iter(roots_pem.as_bytes()) {
        roots.add(root.expect("a certificate")).expect("a root");
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build();
    let chain = CertificateDer::pem_slice_iter(svid.full_chain_pem().as_bytes()).collect::<Result<Vec<_>, _>>();
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("TLS versions")
        .with_client_cert_verifier(verifier.expect("a verifier"))
        .with_single_cert(
            chain.expect("certificates"),
            PrivateKeyDer::from_pem_slice(svid.key_pem.as_bytes()).expect("a key"),
        )
        .expect("an identity");
    let offered: Vec<&str> =
        if protocols.is_empty() { vec!["h2", "http/1.1"] } else { protocols.iter().map(String::as_str).collect() };
    config.alpn_protocols = offered.into_iter().map(|name| name.as_bytes().to_vec()).collect();
    TlsAcceptor::from(Arc::new(config))
}

/// Takes connections until the runtime ends.
pub(super) async fn accept(listener: TcpListener, acceptor: Option<TlsAcceptor>, inner: Arc<Inner>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        inner.connections.fetch_add(1, Ordering::SeqCst);
        if !*inner.open.borrow() {
            continue;
        }
        let (acceptor, inner) = (acceptor.clone(), Arc::clone(&inner));
        let (born, mut cut) = inner.born();
        tokio::spawn(async move {
            tokio::select! {
                _ = connection(stream, acceptor, Arc::clone(&inner)) => {}
                _ = cut.changed() => {}
            }
            inner.dies(born);
        });
    }
}

async fn connection(stream: TcpStream, acceptor: Option<TlsAcceptor>, inner: Arc<Inner>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let builder = auto::Builder::new(TokioExecutor::new());
    let serve = |caller: Option<Caller>| {
        let inner = Arc::clone(&inner);
        service_fn(move |request| respond(Arc::clone(&inner), caller.clone(), request))
    };
    let Some(acceptor) = acceptor else {
        return builder.serve_connection(TokioIo::new(stream), serve(None)).await.map_err(io::Error::other);
    };
    let tls = match acceptor.accept(stream).into_fallible().await {
        Ok(tls) => tls,
        Err((error, stream)) => {
            part(stream).await;
            return Err(error);
        }
    };
    inner.handshakes.fetch_add(1, Ordering::SeqCst);
    let leaf = tls.get_ref().1.peer_certificates().and_then(<[_]>::first);
    let caller = leaf.map(|leaf| Caller { id: spiffe_ids(leaf).into_iter().next(), sha256: sha256_hex(leaf) });
    builder.serve_connection(TokioIo::new(tls), serve(caller)).await.map_err(io::Error::other)
}

/// Ends a connection so that the client can read the alert: with anything of the client's left unread, the kernel would
/// reset the connection, and the alert might be lost.
async fn part(mut stream: TcpStream) {
    let rest = async {
        let _ = stream.shutdown().await;
        let mut unread = [0; 4096];
        while stream.read(&mut unread).await.is_ok_and(|count| count > 0) {}
    };
    let _ = tokio::time::timeout(Duration::from_secs(10), rest).await;
}

/// Who holds the other end of a connection.
#[derive(Clone, Debug)]
struct Caller {
    id: Option<String>,
    sha256: String,
}

/// `URI=…` of `x-forwarded-client-cert`, which the app's Envoy sets and nobody else can.
fn forwarded(headers: &hyper::HeaderMap) -> Option<String> {
    let value = headers.get("x-forwarded-client-cert")?.to_str().ok()?;
    value.split(';').find_map(|part| part.strip_prefix("URI=")).map(str::to_owned)
}

async fn respond(
    inner: Arc<Inner>,
    caller: Option<Caller>,
    request: Request<Incoming>,
) -> Result<Response<Body>, HangUp> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let headers = parts.headers.iter();
    let headers: Vec<(String, String)> = headers
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let host = headers.iter().find(|(name, _)| name == "host").map(|(_, value)| value.clone());
    let (id, certificate_sha256) = caller.map(|caller| (caller.id, caller.sha256)).unzip();
    let mut hit = Hit {
        caller: id.flatten().or_else(|| forwarded(&parts.headers)),
        certificate_sha256,
        version: if parts.version == Version::HTTP_2 { "HTTP/2.0" } else { "HTTP/1.1" }.to_owned(),
        method: parts.method.to_string(),
        target: parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        authority: parts.uri.authority().map(ToString::to_string).or(host).unwrap_or_default(),
        headers,
        body_length: 0,
        body_sha256: String::new(),
    };
    if path == "/echo" {
        inner.note(hit);
        // Piece by piece, before the request has ended.
        return Ok(Response::new(body.map_err(Into::into).boxed_unsync()));
    }
    let body = body.collect().await.map_err(|_| HangUp)?.to_bytes();
    (hit.body_length, hit.body_sha256) = (body.len(), sha256_hex(&body));
    let said = json!({
        "app": inner.name, "caller": hit.caller, "method": hit.method, "target": hit.target, "version": hit.version,
        "authority": hit.authority, "body_length": hit.body_length, "body_sha256": hit.body_sha256,
    });
    inner.note(hit);
    inner.answer(&path, said.to_string()).await
}
