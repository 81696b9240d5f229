//! From an upstream's name to a connection that speaks HTTP to it and to nobody else.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Context;
use std::time::Duration;

use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::body::RequestBody;
use super::fault::{self, Broken};
use super::stream::{Stream, TlsFault};
use crate::error::Error;
use crate::net::reach;
use crate::settings::Settings;
use crate::upstream::Upstream;

/// What one HTTP/2 stream, and all streams of a connection, may hold unread. hyper's own limits are megabytes, which an
/// extension that has 12 MB in all cannot give.
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;
const SEND_BUFFER: usize = 256 * 1024;
/// While requests are under way, a connection whose other end has vanished without a word is found out by pings. Without
/// them, new requests would join it until the kernel gives up, after a quarter of an hour.
const PING_EVERY: Duration = Duration::from_secs(15);
const PING_TIMEOUT: Duration = Duration::from_secs(5);
/// The largest head of an HTTP/1.1 answer, and what is read at a time.
const HTTP1_BUFFER: usize = 64 * 1024;

/// A new connection, of the protocol that ALPN agreed on.
pub(super) enum Sender {
    /// One request at a time.
    Http1(http1::SendRequest<RequestBody>),
    /// Many at once.
    Http2(http2::SendRequest<RequestBody>),
}

/// How many streams the server allows on a connection, as it last said. More than that would wait inside of the connection
/// for one that ends. Learnt when a request is sent after the server's settings have arrived, so from the second one on.
#[derive(Clone, Debug)]
pub(super) struct StreamLimit(Arc<AtomicUsize>);

impl Default for StreamLimit {
    /// The server has not said anything yet.
    fn default() -> Self {
        Self(Arc::new(AtomicUsize::new(usize::MAX)))
    }
}

impl StreamLimit {
    pub(super) fn get(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }
}

/// A connection and what TLS has to say when it breaks.
pub(super) struct Dialled {
    pub(super) sender: Sender,
    pub(super) fault: TlsFault,
}

/// Resolves, connects, proves both sides' identity, and starts HTTP.
pub(super) async fn dial(
    upstream: &Upstream,
    tls: &TlsConnector,
    allowed: &StreamLimit,
    settings: &Settings,
) -> Result<Dialled, Error> {
    let limit = settings.connect_timeout;
    timeout(limit, connect(upstream, tls, allowed, limit))
        .await
        .unwrap_or_else(|_| Err(fault::connect_timeout(upstream, limit)))
}

async fn connect(
    upstream: &Upstream,
    tls: &TlsConnector,
    allowed: &StreamLimit,
    limit: Duration,
) -> Result<Dialled, Error> {
    let tcp = reach(upstream.host(), upstream.port(), limit).await;
    let tcp = tcp.map_err(|error| fault::unreachable(upstream, &error))?;
    let stream = tls.connect(upstream.server_name(), tcp).await.map_err(|error| fault::handshake(upstream, &error))?;
    let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let tls_fault = Arc::new(OnceLock::new());
    let io = TokioIo::new(Stream::new(stream, Arc::clone(&tls_fault)));
    let broken = |error: hyper::Error| {
        fault::exchange(upstream, &error, &Broken { tls: tls_fault.get().cloned(), request_failed: false })
    };
    let sender = if http2 {
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buf_size(SEND_BUFFER)
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_TIMEOUT)
            .handshake(io)
            .await
            .map_err(broken)?;
        let allowed = allowed.clone();
        tokio::spawn(async move {
            let mut connection = pin!(connection);
            let mut before = connection.current_max_send_streams();
            let drive = |cx: &mut Context<'_>| {
                let outcome = connection.as_mut().poll(cx);
                let now = connection.current_max_send_streams();
                // A new connection only guesses, until the server's settings arrive.
                if now != before {
                    before = now;
                    allowed.0.store(now, Ordering::Release);
                }
                outcome
            };
            // How it ended is told to the requests on it.
            let _ = poll_fn(drive).await;
        });
        Sender::Http2(sender)
    } else {
        let (sender, connection) =
            http1::Builder::new().max_buf_size(HTTP1_BUFFER).handshake(io).await.map_err(broken)?;
        tokio::spawn(connection);
        Sender::Http1(sender)
    };
    Ok(Dialled { sender, fault: tls_fault })
}
