//! Very many requests at once: HTTP/2 streams over a few connections, all under way before the first is answered.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::pki::Identity;

/// What the callers were told: how many got each pair of status and `x-meshbridge-error` (empty when there is none).
/// Status 0 stands for a stream or connection that ended without an answer.
pub type Tally = BTreeMap<(u16, String), usize>;

/// Callers of one ingress, all with one certificate.
#[derive(Clone, Debug)]
pub struct Herd {
    /// The ingress.
    pub address: SocketAddr,
    /// Roots of the ingress' certificate.
    pub roots_pem: String,
    /// The callers' certificate.
    pub identity: Identity,
    /// How many connections.
    pub connections: usize,
    /// How many streams on each.
    pub streams: usize,
    /// After this a stream counts as unanswered.
    pub patience: Duration,
}

impl Herd {
    /// Sends a GET of `path` on every stream, and waits until each is answered or has run out of patience.
    ///
    /// # Panics
    /// When the runtime cannot be made or no connection can be had.
    pub fn get(&self, path: &str) -> Tally {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let tally = runtime.block_on(async {
            let connections = (0..self.connections).map(|_| tokio::spawn(self.clone().one_connection(path.to_owned())));
            let connections: Vec<_> = connections.collect();
            let mut tally = Tally::new();
            for connection in connections {
                for answer in connection.await.expect("a task that does not panic") {
                    *tally.entry(answer).or_default() += 1;
                }
            }
            tally
        });
        runtime.shutdown_timeout(Duration::from_secs(1));
        tally
    }

    async fn one_connection(self, path: String) -> Vec<(u16, String)> {
        let connector = TlsConnector::from(Arc::new(self.tls()));
        let socket = TcpStream::connect(self.address).await.expect("a connection");
        let name = ServerName::try_from("ingress.mesh").expect("a name");
        let tls = connector.connect(name, socket).await.expect("a handshake");
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .initial_max_send_streams(self.streams)
            .handshake::<_, Empty<Bytes>>(TokioIo::new(tls))
            .await
            .expect("HTTP/2");
        let driver = tokio::spawn(connection);
        let answers: Vec<_> = (0..self.streams)
            .map(|_| {
                let mut sender = sender.clone();
                let request = http::Request::get(format!("https://ingress.mesh{path}")).body(Empty::new());
                let patience = self.patience;
                tokio::spawn(async move {
                    let request = request.expect("a request");
                    match tokio::time::timeout(patience, sender.send_request(request)).await {
                        Ok(Ok(answer)) => {
                            let status = answer.status().as_u16();
                            let reason = answer.headers().get("x-meshbridge-error");
                            let reason = reason.and_then(|reason| reason.to_str().ok()).unwrap_or_default().to_owned();
                            let _ = answer.into_body().collect().await;
                            (status, reason)
                        }
                        Ok(Err(_)) | Err(_) => (0, String::new()),
                    }
                })
            })
            .collect();
        let mut out = Vec::with_capacity(self.streams);
        for answer in answers {
            out.push(answer.await.expect("a task that does not panic"));
        }
        driver.abort();
        out
    }

    fn tls(&self) -> rustls::ClientConfig {
        let mut roots = rustls::RootCertStore::empty();
        for root in CertificateDer::pem_slice_iter(self.roots_pem.as_bytes()) {
            roots.add(root.expect("a certificate")).expect("a root");
        }
        let chain = CertificateDer::pem_slice_iter(self.identity.certificate_pem.as_bytes());
        let chain = chain.collect::<Result<Vec<_>, _>>().expect("certificates");
        let key = PrivateKeyDer::from_pem_slice(self.identity.key_pem.as_bytes()).expect("a key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions().expect("TLS versions");
        let mut config = builder.with_root_certificates(roots).with_client_auth_cert(chain, key).expect("an identity");
        config.alpn_protocols = vec![b"h2".to_vec()];
        config
    }
}
