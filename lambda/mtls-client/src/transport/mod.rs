//! Connections to upstreams, and requests over them.

mod body;
mod dial;
mod fault;
mod lane;
mod request;
mod retry;
mod stream;
mod tls;

use std::collections::HashMap;
use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::request::Parts;
use http::{Request, Response};
use hyper::body::Incoming;
use rustls::crypto::CryptoProvider;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

use crate::error::{Error, Reason};
use crate::identity::Pair;
use crate::settings::Settings;
use crate::upstream::Upstream;
use lane::{Failed, Lane, Lease};
use request::Head;
use retry::{Attempt, may_repeat};

pub use body::ResponseBody;
pub(crate) use body::{BoxError, RequestBody};

/// All connections of a client.
pub(crate) struct Transport {
    settings: Arc<Settings>,
    provider: Arc<CryptoProvider>,
    lanes: Mutex<Lanes>,
}

#[derive(Default)]
struct Lanes {
    /// The newest identity seen. Lanes of older ones are closed.
    generation: u64,
    open: HashMap<(u64, Upstream), Arc<Lane>>,
}

/// Nothing moved for so long.
struct Silence(Duration);

impl Transport {
    pub(crate) fn new(settings: Arc<Settings>, provider: Arc<CryptoProvider>) -> Self {
        Self { settings, provider, lanes: Mutex::default() }
    }

    /// No connection that is there is used again. Requests under way go on.
    pub(crate) fn forget(&self) {
        let open = std::mem::take(&mut self.lanes().open);
        open.values().for_each(|lane| lane.close());
    }

    /// Sends one request, at most twice, and returns the head of the answer.
    pub(crate) async fn send(
        &self,
        pair: &Pair,
        upstream: &Upstream,
        parts: Parts,
        body: RequestBody,
        deadline: Option<Instant>,
    ) -> Result<Response<ResponseBody>, Error> {
        let head = Head::new(parts, upstream)?;
        let lane = self.lane(pair, upstream)?;
        let empty = body.is_empty();
        let mut lease = lane.lease(false).await?;
        let mut request = head.request(lease.is_http2(), body)?;
        let mut repeated = false;
        loop {
            let Failed { error, unsent } = match self.exchange(&mut lease, request).await {
                Ok(Ok(response)) => {
                    return Ok(response.map(|incoming| ResponseBody::new(incoming, lease, deadline, upstream.clone())));
                }
                Ok(Err(failed)) => failed,
                Err(Silence(limit)) => {
                    lease.distrust();
                    return Err(fault::answer_timeout(upstream, limit));
                }
            };
            let attempt = Attempt {
                repeated,
                unsent: unsent.is_some(),
                unprocessed: fault::is_unprocessed(&error),
                empty,
                idempotent: head.is_idempotent(),
                reused: lease.is_reused(),
            };
            if !may_repeat(&attempt) {
                return Err(fault::exchange(upstream, &error, &lease.broken()));
            }
            repeated = true;
            let body = unsent.map_or_else(RequestBody::empty, |request| request.into_body());
            lease.distrust();
            lease = lane.lease(true).await?;
            request = head.request(lease.is_http2(), body)?;
        }
    }

    /// One try.
    async fn exchange(
        &self,
        lease: &mut Lease,
        request: Request<RequestBody>,
    ) -> Result<Result<Response<Incoming>, Failed>, Silence> {
        let progress = request.body().progress();
        let exchange = lease.send(request);
        let Some(limit) = self.settings.answer_timeout else { return Ok(exchange.await) };
        let mut exchange = pin!(exchange);
        loop {
            // A body that is still flowing is no silence.
            let before = progress.pieces();
            match timeout(limit, exchange.as_mut()).await {
                Ok(outcome) => return Ok(outcome),
                Err(_) if progress.pieces() == before => return Err(Silence(limit)),
                Err(_) => {}
            }
        }
    }

    /// The lane of this identity and upstream. A newer identity closes all older lanes.
    fn lane(&self, pair: &Pair, upstream: &Upstream) -> Result<Arc<Lane>, Error> {
        let mut lanes = self.lanes();
        if pair.generation > lanes.generation {
            lanes.generation = pair.generation;
        }
        let newest = lanes.generation;
        lanes.open.retain(|(generation, _), lane| {
            let current = *generation == newest;
            if !current {
                lane.close();
            }
            current
        });
        let key = (pair.generation, upstream.clone());
        if let Some(lane) = lanes.open.get(&key) {
            return Ok(Arc::clone(lane));
        }
        let config = tls::client_config(pair, upstream, &self.provider, &self.settings.clock)
            .map_err(|error| Error::new(Reason::IdentityInvalid, format!("TLS cannot use the identity ({error})")))?;
        let tls = TlsConnector::from(Arc::new(config));
        let lane = Arc::new(Lane::new(upstream.clone(), tls, Arc::clone(&self.settings)));
        lanes.open.insert(key, Arc::clone(&lane));
        Ok(lane)
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("upstreams", &self.lanes().open.len()).finish_non_exhaustive()
    }
}
