//! An app of the mesh: a server that demands a client certificate (or, behind its Envoy, speaks plain HTTP) and notes every
//! request, and who sent it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

use super::serving::{accept, acceptor};
use super::svid::Svid;
use super::visits::{Hit, Inner};

/// How an app is served.
#[derive(Clone, Debug, Default)]
pub struct AppOptions {
    /// Its certificate, and the roots of its callers' certificates; None is plain HTTP.
    pub tls: Option<(Svid, String)>,
    /// What it offers by ALPN; both by default.
    pub protocols: Vec<String>,
}

/// A running app. Dropping it ends its connections.
#[derive(Debug)]
pub struct App {
    name: String,
    address: SocketAddr,
    inner: Arc<Inner>,
    runtime: Option<Runtime>,
}

impl App {
    /// Starts it on a free port of 127.0.0.1.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(name: &str, options: AppOptions) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("app").enable_all().build();
        let runtime = runtime.expect("a runtime");
        let inner = Arc::new(Inner::new(name));
        let acceptor = options.tls.as_ref().map(|(svid, roots)| acceptor(svid, roots, &options.protocols));
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        listener.set_nonblocking(true).expect("a listener");
        let address = listener.local_addr().expect("an address");
        let inside = runtime.enter();
        let listener = TcpListener::from_std(listener).expect("a listener");
        drop(inside);
        runtime.spawn(accept(listener, acceptor, Arc::clone(&inner)));
        Self { name: name.to_owned(), address, inner, runtime: Some(runtime) }
    }

    /// Its name, which is in its answers.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every request so far.
    #[must_use]
    pub fn hits(&self) -> Vec<Hit> {
        self.inner.hits.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// How many requests there were so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.inner.hits.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether any request came with this certificate.
    #[must_use]
    pub fn was_called_with(&self, certificate_sha256: &str) -> bool {
        let hits = self.inner.hits.lock().unwrap_or_else(PoisonError::into_inner);
        hits.iter().rev().any(|hit| hit.certificate_sha256.as_deref() == Some(certificate_sha256))
    }

    /// TCP connections so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.inner.connections.load(Ordering::SeqCst)
    }

    /// TLS handshakes that both sides completed.
    #[must_use]
    pub fn handshakes(&self) -> usize {
        self.inner.handshakes.load(Ordering::SeqCst)
    }

    /// Ends every connection without a farewell, as a load balancer does to those that were idle for too long. Returns when
    /// they have ended.
    ///
    /// # Panics
    /// When they do not end.
    pub fn cut_connections(&self) {
        let mut live = self.inner.live.lock().unwrap_or_else(PoisonError::into_inner);
        let old = *self.inner.cut.borrow();
        self.inner.cut.send_replace(old + 1);
        let deadline = Instant::now() + Duration::from_secs(60);
        while live.range(..=old).any(|(_, count)| *count > 0) {
            assert!(Instant::now() < deadline, "connections do not end");
            let wait = Duration::from_millis(100);
            live = self.inner.died.wait_timeout(live, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// While closed, new connections are ended at once.
    pub fn set_open(&self, open: bool) {
        self.inner.open.send_replace(open);
    }

    /// Answers `/held`, what waits and what comes.
    pub fn release(&self) {
        self.inner.released.send_replace(true);
    }
}

impl Drop for App {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(1));
        }
    }
}
