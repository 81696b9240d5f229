//! The client: identity and connections together.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tokio::time::{Instant, timeout_at};

use crate::error::{Error, Reason};
use crate::identity::Keeper;
use crate::settings::Settings;
use crate::source::Source;
use crate::status::Status;
use crate::transport::{BoxError, RequestBody, ResponseBody, Transport};
use crate::upstream::Upstream;

/// Calls apps of the mesh as one workload. Cheap to clone; clones share identity and connections.
///
/// Its methods belong into a tokio runtime with I/O and time enabled; one thread is enough.
#[derive(Clone, Debug)]
pub struct Client {
    keeper: Keeper,
    transport: Arc<Transport>,
}

impl Client {
    /// Nothing is fetched yet: see [`Client::warm`].
    pub fn new(source: impl Source, settings: Settings) -> Self {
        let settings = Arc::new(settings);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        Self {
            keeper: Keeper::new(Arc::clone(&settings), Box::new(source), Arc::clone(&provider)),
            transport: Arc::new(Transport::new(settings, provider)),
        }
    }

    /// Starts to fetch the identity in the background, unless that is done or under way. Requests that come in the
    /// meantime wait for it. Must be called within a tokio runtime.
    pub fn warm(&self) {
        self.keeper.warm();
    }

    /// Sends one request to one upstream and returns the head of its answer; both bodies are streamed. The target is the
    /// path and query of the request's URI. The upstream sees the request's `host` header as its name, else the URI's
    /// authority, else the upstream's SNI.
    ///
    /// `deadline` counts from now and is for everything: identity, connection, both bodies.
    ///
    /// A request that ended without an answer is repeated once, if nothing of it had been sent, or if it has no body and
    /// is idempotent.
    ///
    /// # Errors
    /// [`Error`], with the reason. After the head of the answer, errors come out of the [`ResponseBody`].
    pub async fn send<B>(
        &self,
        to: &Upstream,
        request: Request<B>,
        deadline: Option<Duration>,
    ) -> Result<Response<ResponseBody>, Error>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let (parts, body) = request.into_parts();
        let body = RequestBody::new(body);
        // A deadline that is too far away to be counted is none.
        let deadline = deadline.and_then(|limit| Instant::now().checked_add(limit));
        let exchange = async {
            let pair = self.keeper.pair().await?;
            self.transport.send(&pair, to, parts, body, deadline).await
        };
        match deadline {
            None => exchange.await,
            Some(at) => timeout_at(at, exchange).await.unwrap_or_else(|_| {
                let message = format!("the deadline passed before {} answered; allow more time", to.sni());
                Err(Error::new(Reason::DeadlineExceeded, message))
            }),
        }
    }

    /// To be called after a SnapStart restore, or any other moment at which the process may be a copy of another one: the
    /// identity is forgotten and fetched again by the next request or [`Client::warm`], and no connection is used again.
    pub fn restored(&self) {
        self.keeper.restored();
        self.transport.forget();
    }

    /// The identity now, for health checks and metrics.
    #[must_use]
    pub fn status(&self) -> Status {
        self.keeper.status()
    }
}
