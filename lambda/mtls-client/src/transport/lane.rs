//! The connections to one upstream with one identity.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use tokio_rustls::TlsConnector;

use super::body::{Progress, RequestBody};
use super::dial::{Dialled, Sender, StreamLimit, dial};
use super::fault::Broken;
use super::stream::TlsFault;
use crate::clock::Now;
use crate::error::Error;
use crate::settings::Settings;
use crate::upstream::Upstream;

/// Connections of one upstream and one generation of the identity; they are used for nothing else.
pub(super) struct Lane {
    pub(super) upstream: Upstream,
    tls: TlsConnector,
    settings: Arc<Settings>,
    allowed: StreamLimit,
    state: Mutex<State>,
    /// Held while dialling, until it is known that each request needs a connection of its own.
    dialling: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    protocol: Option<Protocol>,
    idle: Vec<Idle>,
    shared: Vec<Arc<Shared>>,
    /// Dials that have failed, and how the last one did.
    failures: u64,
    failure: Option<Error>,
    /// The identity is another one by now: what comes back is closed.
    closed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Http1,
    Http2,
}

/// When a connection was made and last used.
#[derive(Clone, Copy)]
struct Age {
    made: Now,
    used: Now,
}

struct Idle {
    connection: Http1,
    age: Age,
}

struct Http1 {
    sender: http1::SendRequest<RequestBody>,
    fault: TlsFault,
}

struct Shared {
    sender: http2::SendRequest<RequestBody>,
    fault: TlsFault,
    age: Mutex<Age>,
    streams: AtomicUsize,
}

/// The right to one request on a connection. Dropped, it closes an HTTP/1.1 connection.
pub(crate) struct Lease {
    lane: Arc<Lane>,
    kind: Kind,
    /// Whether the connection has carried requests before.
    reused: bool,
    progress: Progress,
}

enum Kind {
    Http1 { connection: Http1, made: Now },
    Http2(Share),
}

/// A try that ended without an answer.
pub(super) struct Failed {
    pub(super) error: hyper::Error,
    /// The request, when nothing of it was written.
    pub(super) unsent: Option<Request<RequestBody>>,
}

/// One of a connection's streams; counted.
struct Share {
    shared: Arc<Shared>,
    lane: Arc<Lane>,
}

impl Drop for Share {
    fn drop(&mut self) {
        lock(&self.shared.age).used = self.lane.settings.clock.now();
        self.shared.streams.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Nothing that is done under these locks panics half-way.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Age {
    /// Whether the connection may be used again: not idle for too long, and not frozen in between.
    fn is_trusted(self, now: Now, settings: &Settings) -> bool {
        now.elapsed_since(self.used) <= settings.idle_timeout && now.gap_since(self.made) < settings.thaw_gap
    }
}

impl Lane {
    pub(super) fn new(upstream: Upstream, tls: TlsConnector, settings: Arc<Settings>) -> Self {
        let (state, dialling) = (Mutex::default(), tokio::sync::Mutex::default());
        Self { upstream, tls, settings, allowed: StreamLimit::default(), state, dialling }
    }

    /// Idle connections are closed now, the others when their requests have ended.
    pub(super) fn close(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        let (idle, shared) = (std::mem::take(&mut state.idle), std::mem::take(&mut state.shared));
        drop(state);
        drop((idle, shared));
    }

    /// A connection for one request: one that is there, or a new one. `fresh` asks for a new one, after one that was there
    /// has failed.
    pub(super) async fn lease(self: &Arc<Self>, fresh: bool) -> Result<Lease, Error> {
        if !fresh && let Some(lease) = self.take().await {
            return Ok(lease);
        }
        let (protocol, failures) = {
            let state = lock(&self.state);
            (state.protocol, state.failures)
        };
        if protocol == Some(Protocol::Http1) {
            return self.dial().await;
        }
        // Of a herd one dials, and all others share its HTTP/2 connection, or its failure.
        let turn = self.dialling.lock().await;
        if let Some(lease) = self.take_shared() {
            return Ok(lease);
        }
        let known = {
            let state = lock(&self.state);
            match &state.failure {
                Some(failure) if state.failures != failures => return Err(failure.clone()),
                _ => state.protocol,
            }
        };
        if known == Some(Protocol::Http1) {
            drop(turn);
        }
        self.dial().await
    }

    async fn dial(self: &Arc<Self>) -> Result<Lease, Error> {
        let Dialled { sender, fault } = match dial(&self.upstream, &self.tls, &self.allowed, &self.settings).await {
            Ok(dialled) => dialled,
            Err(error) => {
                let mut state = lock(&self.state);
                state.failures += 1;
                state.failure = Some(error.clone());
                return Err(error);
            }
        };
        let now = self.settings.clock.now();
        let mut state = lock(&self.state);
        let kind = match sender {
            Sender::Http1(sender) => {
                state.protocol = Some(Protocol::Http1);
                Kind::Http1 { connection: Http1 { sender, fault }, made: now }
            }
            Sender::Http2(sender) => {
                state.protocol = Some(Protocol::Http2);
                let age = Mutex::new(Age { made: now, used: now });
                let shared = Arc::new(Shared { sender, fault, age, streams: AtomicUsize::new(1) });
                if !state.closed {
                    state.shared.push(Arc::clone(&shared));
                }
                Kind::Http2(Share { shared, lane: Arc::clone(self) })
            }
        };
        drop(state);
        Ok(Lease { lane: Arc::clone(self), kind, reused: false, progress: Progress::default() })
    }

    async fn take(self: &Arc<Self>) -> Option<Lease> {
        if let Some(lease) = self.take_shared() {
            return Some(lease);
        }
        while let Some(Idle { mut connection, age }) = self.take_idle() {
            // It was put back after its answer had ended; its task only has to notice.
            if connection.sender.ready().await.is_ok() {
                let kind = Kind::Http1 { connection, made: age.made };
                return Some(Lease { lane: Arc::clone(self), kind, reused: true, progress: Progress::default() });
            }
        }
        None
    }

    /// The idle connection that was used last: the others may then grow old.
    fn take_idle(&self) -> Option<Idle> {
        let now = self.settings.clock.now();
        let mut state = lock(&self.state);
        let (trusted, old) = std::mem::take(&mut state.idle)
            .into_iter()
            .partition(|idle: &Idle| idle.age.is_trusted(now, &self.settings) && !idle.connection.sender.is_closed());
        state.idle = trusted;
        let idle = state.idle.pop();
        drop(state);
        drop::<Vec<Idle>>(old);
        idle
    }

    fn take_shared(self: &Arc<Self>) -> Option<Lease> {
        let now = self.settings.clock.now();
        let mut state = lock(&self.state);
        state.shared.retain(|shared| {
            let mut age = *lock(&shared.age);
            if shared.streams.load(Ordering::Acquire) > 0 {
                age.used = now;
            }
            !shared.sender.is_closed() && age.is_trusted(now, &self.settings)
        });
        let limit = self.settings.streams_per_connection.min(self.allowed.get()).max(1);
        let has_room = |shared: &&Arc<Shared>| shared.streams.load(Ordering::Acquire) < limit;
        let shared = state.shared.iter().find(has_room)?;
        shared.streams.fetch_add(1, Ordering::AcqRel);
        let share = Share { shared: Arc::clone(shared), lane: Arc::clone(self) };
        drop(state);
        Some(Lease { lane: Arc::clone(self), kind: Kind::Http2(share), reused: true, progress: Progress::default() })
    }
}

impl Lease {
    pub(super) fn is_http2(&self) -> bool {
        matches!(self.kind, Kind::Http2(_))
    }

    pub(super) fn is_reused(&self) -> bool {
        self.reused
    }

    /// What is known when the exchange has failed.
    pub(super) fn broken(&self) -> Broken {
        let fault = match &self.kind {
            Kind::Http1 { connection, .. } => &connection.fault,
            Kind::Http2(share) => &share.shared.fault,
        };
        Broken { tls: fault.get().cloned(), request_failed: self.progress.has_failed() }
    }

    /// Sends the request and waits for the head of the answer.
    pub(super) async fn send(&mut self, request: Request<RequestBody>) -> Result<Response<Incoming>, Failed> {
        self.progress = request.body().progress();
        let outcome = match &mut self.kind {
            Kind::Http1 { connection, .. } => {
                if let Err(error) = connection.sender.ready().await {
                    return Err(Failed { error, unsent: Some(request) });
                }
                connection.sender.try_send_request(request).await
            }
            Kind::Http2(share) => {
                let mut sender = share.shared.sender.clone();
                if let Err(error) = sender.ready().await {
                    return Err(Failed { error, unsent: Some(request) });
                }
                sender.try_send_request(request).await
            }
        };
        outcome.map_err(|mut failed| {
            let unsent = failed.take_message();
            Failed { error: failed.into_error(), unsent }
        })
    }

    /// The connection has failed: no further request goes over it. Those under way are left to it.
    pub(super) fn distrust(self) {
        if let Kind::Http2(share) = &self.kind {
            lock(&self.lane.state).shared.retain(|shared| !Arc::ptr_eq(shared, &share.shared));
        }
    }

    /// The answer is at its end. An HTTP/1.1 connection is kept for the next request if the request is at its end, too.
    pub(super) fn give_back(self) {
        let Self { lane, kind, progress, .. } = self;
        let Kind::Http1 { connection, made } = kind else { return };
        if !progress.has_ended() {
            return;
        }
        let used = lane.settings.clock.now();
        let mut state = lock(&lane.state);
        if !state.closed && state.idle.len() < lane.settings.idle_connections {
            state.idle.push(Idle { connection, age: Age { made, used } });
        }
    }
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane").field("upstream", &self.upstream).finish_non_exhaustive()
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("lane", &self.lane).field("reused", &self.reused).finish_non_exhaustive()
    }
}
