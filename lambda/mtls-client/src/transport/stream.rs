//! The TLS stream under HTTP. It remembers what TLS had to complain about, which HTTP/2 forgets.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::fault;

/// Where the first fault of TLS is left for whoever has to explain a broken connection.
pub(super) type TlsFault = Arc<OnceLock<rustls::Error>>;

/// A TLS stream that keeps its first fault.
///
/// A TLS 1.3 server that does not accept the client's certificate says so after the handshake, with an alert, and closes.
/// When the client is writing at that moment, all that it sees is a broken pipe, although the alert has arrived. So after
/// a failed write the alert is looked for.
pub(super) struct Stream {
    tls: TlsStream<TcpStream>,
    fault: TlsFault,
    /// A write has failed with this, and what has arrived before it is still to be read.
    broken: Option<io::Error>,
}

impl Stream {
    pub(super) fn new(tls: TlsStream<TcpStream>, fault: TlsFault) -> Self {
        Self { tls, fault, broken: None }
    }

    fn remember(&self, error: &io::Error) {
        if let Some(fault) = fault::inner_tls(error) {
            // Only the first one tells the cause.
            let _ = self.fault.set(fault.clone());
        }
    }

    /// Of a write that failed, the alert is read first. The runtime may not know yet that there is something to read; a
    /// socket that is broken becomes readable at once, so that waiting for it is short.
    fn after_write<T>(&mut self, outcome: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        match outcome {
            Poll::Ready(Err(error)) => {
                self.remember(&error);
                if self.fault.get().is_some() || !is_gone(&error) {
                    return Poll::Ready(Err(error));
                }
                self.broken = Some(error);
                self.poll_broken(cx)
            }
            outcome => outcome,
        }
    }

    /// Reads what is left, and then fails as the write did.
    fn poll_broken<T>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let mut rest = [0; 256];
        loop {
            let mut buffer = ReadBuf::new(&mut rest);
            match Pin::new(&mut self.tls).poll_read(cx, &mut buffer) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {}
                Poll::Ready(Ok(())) => break,
                Poll::Ready(Err(error)) => {
                    self.remember(&error);
                    break;
                }
            }
        }
        Poll::Ready(Err(self.broken.take().unwrap_or_else(|| io::ErrorKind::BrokenPipe.into())))
    }
}

/// Whether the socket itself is at its end.
fn is_gone(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected)
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.tls).poll_read(cx, buf);
        if let Poll::Ready(Err(error)) = &outcome {
            self.remember(error);
        }
        outcome
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.broken.is_some() {
            return self.poll_broken(cx);
        }
        let outcome = Pin::new(&mut self.tls).poll_write(cx, buf);
        self.after_write(outcome, cx)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.broken.is_some() {
            return self.poll_broken(cx);
        }
        let outcome = Pin::new(&mut self.tls).poll_flush(cx);
        self.after_write(outcome, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tls).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.broken.is_some() {
            return self.poll_broken(cx);
        }
        let outcome = Pin::new(&mut self.tls).poll_write_vectored(cx, bufs);
        self.after_write(outcome, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.tls.is_write_vectored()
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("fault", &self.fault.get()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};
    use rustls::server::WebPkiClientVerifier;
    use rustls::{ClientConfig, RootCertStore, ServerConfig};
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;
    use tokio_rustls::{TlsAcceptor, TlsConnector};

    use super::*;

    struct Party {
        chain: Vec<pki_types::CertificateDer<'static>>,
        key: pki_types::PrivateKeyDer<'static>,
        roots: Arc<RootCertStore>,
    }

    fn party() -> Party {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(certificate.der().clone()).unwrap();
        let key = pki_types::PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        Party { chain: vec![certificate.der().clone()], key, roots: Arc::new(roots) }
    }

    #[tokio::test]
    async fn the_alert_behind_a_broken_pipe_is_found() {
        let (server, client) = (party(), party());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        // The server trusts nobody but itself.
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::clone(&server.roots), Arc::clone(&provider))
            .build()
            .unwrap();
        let acceptor: TlsAcceptor = Arc::new(
            ServerConfig::builder_with_provider(Arc::clone(&provider))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_client_cert_verifier(verifier)
                .with_single_cert(server.chain, server.key)
                .unwrap(),
        )
        .into();
        let connector: TlsConnector = Arc::new(
            ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(server.roots)
                .with_client_auth_cert(client.chain, client.key)
                .unwrap(),
        )
        .into();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tcp = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let refusing = tokio::spawn(async move {
            let (tcp, _) = listener.accept().await.unwrap();
            // The alert is sent, then the connection is dropped.
            acceptor.accept(tcp).await.unwrap_err();
        });
        let tls = connector.connect("localhost".try_into().unwrap(), tcp).await.unwrap();
        let fault = TlsFault::default();
        let mut stream = Stream::new(tls, Arc::clone(&fault));
        refusing.await.unwrap();
        let broken = async { while stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.is_ok() {} };
        tokio::time::timeout(std::time::Duration::from_secs(60), broken).await.unwrap();
        assert!(matches!(fault.get(), Some(rustls::Error::AlertReceived(_))), "{:?}", fault.get());
    }
}
