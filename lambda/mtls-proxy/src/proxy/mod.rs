//! From a request of the function to the app's answer, or to one of the proxy's own that says why there is none.

mod body;
mod server;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Method, Request, Response, Uri, header};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::answer::{Failure, Reason, push_json};
use crate::calls::Calls;
use crate::clock::Clock;
use crate::config::{Config, Timeouts, UnixToken, Upstream};
use crate::gate::{Verdict, Verdicts, malformed};
use crate::hygiene::{self, ToUs};
use crate::journal::{Entry, Journal};
use crate::route::{Astray, Route, Routes};
use crate::token::Token;

pub use body::RequestBody;
pub(crate) use body::{Answer, AnswerBody};
pub(crate) use server::{Listeners, Server};

/// How long a request waits for the event that says that the environment was restored: the event and the function's first
/// request set out at the same moment.
const RESTORE_GRACE: Duration = Duration::from_secs(2);

/// Everything that requests share.
#[derive(Debug)]
pub(crate) struct Proxy<C> {
    pub(crate) calls: C,
    routes: Routes,
    upstreams: Vec<Named>,
    /// Made once, at start or after the restore.
    token: OnceLock<Token>,
    unix_token: UnixToken,
    timeouts: Timeouts,
    clock: Clock,
    journal: Arc<Journal>,
    /// Whether there may be an identity in this environment: not while a snapshot of it may be taken.
    awake: watch::Sender<bool>,
    /// When the present invocation ends, in milliseconds since 1970; 0 when that is not known.
    invocation_ends: AtomicU64,
}

/// What is needed of an upstream for each request.
#[derive(Debug)]
struct Named {
    name: String,
    authority: Authority,
    host: HeaderValue,
}

/// Where a request came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// 127.0.0.1 or ::1, with this port.
    Tcp(u16),
    /// The UNIX socket.
    Unix,
}

impl<C: Calls> Proxy<C> {
    /// Asleep: see [`Proxy::wake`].
    pub(crate) fn new(config: &Config, calls: C, journal: Arc<Journal>, clock: Clock) -> Self {
        Self {
            calls,
            routes: Routes::new(&config.upstreams, config.environment.as_str()),
            upstreams: config.upstreams.iter().filter_map(Named::new).collect(),
            token: OnceLock::new(),
            unix_token: config.listen.unix_token,
            timeouts: config.timeouts,
            clock,
            journal,
            awake: watch::Sender::new(false),
            invocation_ends: AtomicU64::new(0),
        }
    }

    /// From now on requests are served, by those who know this token.
    pub(crate) fn wake(&self, token: Token) {
        // The first one stays: there is no second restore of one environment.
        let _ = self.token.set(token);
        self.awake.send_replace(true);
    }

    /// Removes the token's file, if it is this proxy's.
    pub(crate) fn forget_token_file(&self, file: &std::path::Path) {
        if let Some(token) = self.token.get() {
            token.remove(file);
        }
    }

    /// No request shall outlive this moment, in milliseconds since 1970.
    pub(crate) fn invocation_ends_at(&self, unix_ms: u64) {
        self.invocation_ends.store(unix_ms, Ordering::Relaxed);
    }

    /// Answers one request.
    pub(crate) async fn handle(&self, request: Request<Incoming>, door: Door, verdicts: &Verdicts) -> Answer<C::Body> {
        let begun = Instant::now();
        let mut upstream = None;
        match self.answer(request, door, verdicts, &mut upstream).await {
            Ok(answer) => answer,
            Err(failure) => {
                // What the peer broke off is told as such, whatever became of the call.
                let failure = verdicts.broken().map_or(failure, Failure::malformed);
                let upstream = upstream.and_then(|index: usize| self.upstreams.get(index));
                let upstream = upstream.map(|named| named.name.as_str());
                self.journal.record(Entry { failure: &failure, upstream, elapsed: begun.elapsed() });
                failure.response().map(AnswerBody::Own)
            }
        }
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        door: Door,
        verdicts: &Verdicts,
        upstream: &mut Option<usize>,
    ) -> Result<Answer<C::Body>, Failure> {
        let begun = Instant::now();
        if let Verdict::Refused(why) = verdicts.next() {
            return Err(Failure::malformed(why));
        }
        match *request.method() {
            Method::CONNECT => {
                let message =
                    "CONNECT is not for this proxy, which does the TLS itself; call http://, and set HTTP_PROXY alone";
                return Err(Failure::method_not_allowed(message));
            }
            Method::TRACE => return Err(Failure::malformed(malformed::TRACE)),
            _ => {}
        }
        let proxy_form = request.uri().scheme().is_some();
        let to_us = hygiene::read(request.headers(), proxy_form).map_err(Failure::malformed)?;
        self.wait_until_awake().await?;
        self.check_token(&to_us, door, proxy_form)?;
        let (index, path) = match self.route(&request, door)? {
            Route::App(index, path) => (index, path),
            Route::Status => return Ok(self.status()),
        };
        *upstream = Some(index);
        let named = self.upstreams.get(index).ok_or_else(|| Failure::malformed(malformed::NO_APP))?;
        let request = outgoing(request, named, path)?;
        let deadline = self.deadline(&to_us).map(|deadline| deadline.saturating_sub(begun.elapsed()));
        let call = self.calls.send(index, request, deadline);
        let mut response = match to_us.timeout {
            Some(_) => call.await?,
            None => match tokio::time::timeout(self.timeouts.response, call).await {
                Ok(response) => response?,
                Err(_) => return Err(Failure::deadline_exceeded()),
            },
        };
        hygiene::clean_response(response.headers_mut());
        let entry = (Arc::clone(&self.journal), named.name.clone());
        Ok(response.map(|body| AnswerBody::upstream(body, self.timeouts.stall, entry)))
    }

    async fn wait_until_awake(&self) -> Result<(), Failure> {
        if *self.awake.borrow() {
            return Ok(());
        }
        let mut awake = self.awake.subscribe();
        let waited = tokio::time::timeout(RESTORE_GRACE, awake.wait_for(|awake| *awake)).await;
        match waited {
            Ok(Ok(_)) => Ok(()),
            _ => Err(Failure::restore_pending()),
        }
    }

    fn check_token(&self, to_us: &ToUs, door: Door, proxy_form: bool) -> Result<(), Failure> {
        if door == Door::Unix && self.unix_token == UnixToken::None {
            return Ok(());
        }
        let Some(presented) = &to_us.token else {
            return Err(Failure::token(Reason::TokenMissing, proxy_form));
        };
        match self.token.get() {
            Some(token) if token.matches(&presented.0) => Ok(()),
            _ => Err(Failure::token(Reason::TokenWrong, proxy_form)),
        }
    }

    fn route(&self, request: &Request<Incoming>, door: Door) -> Result<Route, Failure> {
        let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let port = match door {
            Door::Tcp(port) => Some(port),
            Door::Unix => None,
        };
        self.routes.find(request.uri(), host, port).map_err(|astray| match astray {
            Astray::Malformed(why) => Failure::malformed(why),
            Astray::NotAllowed(name) => Failure::not_allowed(&name),
        })
    }

    /// For everything, the bodies too: what the caller asked for, and not beyond the invocation.
    fn deadline(&self, to_us: &ToUs) -> Option<Duration> {
        let ends = Duration::from_millis(self.invocation_ends.load(Ordering::Relaxed));
        // An end that has passed is that of the invocation before: this one's event has not come yet.
        let left = ends.checked_sub(self.clock.wall()).filter(|left| !left.is_zero());
        match (to_us.timeout, left) {
            (Some(asked), Some(left)) => Some(asked.min(left)),
            (asked, left) => asked.or(left),
        }
    }

    fn status(&self) -> Answer<C::Body> {
        let mut body = format!("{{\"identity\":{},\"upstreams\":[", self.calls.status());
        for (index, named) in self.upstreams.iter().enumerate() {
            if index > 0 {
                body.push(',');
            }
            push_json(&mut body, &named.name);
        }
        body.push_str("]}\n");
        let mut response = Response::new(AnswerBody::Own(Full::new(body.into())));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

impl Named {
    /// A host name that was parsed is a header's value and an authority.
    fn new(upstream: &Upstream) -> Option<Self> {
        let authority = upstream.authority.as_str();
        Some(Self {
            name: format!("{}.{}", upstream.app.as_str(), upstream.environment.as_str()),
            authority: authority.parse().ok()?,
            host: authority.parse().ok()?,
        })
    }
}

/// The request as the app shall see it.
fn outgoing(request: Request<Incoming>, named: &Named, path: PathAndQuery) -> Result<Request<RequestBody>, Failure> {
    let (mut parts, body) = request.into_parts();
    let mut uri = http::uri::Parts::default();
    uri.scheme = Some(Scheme::HTTPS);
    uri.authority = Some(named.authority.clone());
    uri.path_and_query = Some(path);
    parts.uri = Uri::from_parts(uri).map_err(|_| Failure::malformed(malformed::TARGET))?;
    hygiene::clean_request(&mut parts.headers, parts.version, named.host.clone());
    parts.version = http::Version::HTTP_11;
    // hyper's own, of this connection.
    parts.extensions.clear();
    Ok(Request::from_parts(parts, RequestBody::new(body)))
}

#[cfg(test)]
mod tests;
