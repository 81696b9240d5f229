//! API Gateway (a REST API with IAM authorisation) in front of a Lambda function, over TLS, HTTP/1.1 and HTTP/2.

mod event;
mod refusal;

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use serde_json::{Value, json};
use tokio::runtime::Handle;

use self::refusal::ApiRefusal;
use super::clock::Clock;
use super::journal::{Entry, Journal, Outcome, Service};
use super::random;
use super::server::{self, Answering, Body, Front, HangUp, Protocols};
use super::sessions::{Session, Sessions};
use super::verify::{Expectation, Rules, verify};
use super::wire::{self, Received, Unreadable};
use crate::pki::Pki;

/// API Gateway's own limit for a request's payload.
const MAX_BODY: usize = 10 * 1024 * 1024;

/// The events beyond this many are forgotten, oldest first.
const EVENTS: usize = 10_000;

/// What a Lambda function answers.
#[derive(Clone, Debug)]
pub struct LambdaResponse {
    /// The HTTP status.
    pub status: u16,
    /// Headers for the caller.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

type Handler = Arc<dyn Fn(&Value) -> LambdaResponse + Send + Sync>;

/// The address of the API and what passed through it.
#[derive(Clone)]
pub struct ApiGateway {
    address: SocketAddr,
    hostname: String,
    stage: String,
    lambda: Arc<Lambda>,
}

impl fmt::Debug for ApiGateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiGateway")
            .field("address", &self.address)
            .field("hostname", &self.hostname)
            .finish_non_exhaustive()
    }
}

struct Lambda {
    handler: Mutex<Handler>,
    delay: Mutex<Duration>,
    events: Mutex<VecDeque<Value>>,
}

impl ApiGateway {
    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// `API.execute-api.REGION.amazonaws.com`.
    #[must_use]
    pub fn hostname(&self) -> &str {
        &self.hostname
    }

    /// The stage: the first segment of every path.
    #[must_use]
    pub fn stage(&self) -> &str {
        &self.stage
    }

    /// Replaces the Lambda function.
    pub fn set_handler(&self, handler: impl Fn(&Value) -> LambdaResponse + Send + Sync + 'static) {
        *self.lambda.handler.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(handler);
    }

    /// Delays each answer of the function.
    pub fn set_delay(&self, delay: Duration) {
        *self.lambda.delay.lock().unwrap_or_else(PoisonError::into_inner) = delay;
    }

    /// The events that the function has received.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        self.lambda.events.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    pub(crate) fn start(
        runtime: &Handle,
        pki: &Pki,
        api: Api,
        clock: Arc<Clock>,
        sessions: Arc<Sessions>,
        journal: Arc<Journal>,
    ) -> io::Result<Self> {
        let lambda = Arc::new(Lambda {
            handler: Mutex::new(Arc::new(echo)),
            delay: Mutex::new(Duration::ZERO),
            events: Mutex::new(VecDeque::new()),
        });
        let (hostname, stage) = (api.hostname(), api.stage.clone());
        // AWS's own is for all APIs of the region.
        let wildcard = format!("*.execute-api.{}.amazonaws.com", api.region);
        let identity = pki.server(&[&wildcard]).map_err(io::Error::other)?;
        let expected = Expectation { service: "execute-api", region: api.region.clone(), rules: Rules::Other };
        let gate = Arc::new(Gate { api, expected, clock, sessions, journal, lambda: Arc::clone(&lambda) });
        let names = vec![hostname.clone()];
        let front = Front { identity: &identity, names, protocols: Protocols::Http1AndHttp2, door: None };
        let answering = move |request| -> Answering { Box::pin(Arc::clone(&gate).serve(request)) };
        let address = server::start(runtime, front, Arc::new(answering))?;
        Ok(Self { address, hostname, stage, lambda })
    }
}

/// Which API it is.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    pub(crate) id: String,
    pub(crate) region: String,
    pub(crate) account: String,
    pub(crate) stage: String,
}

impl Api {
    fn hostname(&self) -> String {
        format!("{}.execute-api.{}.amazonaws.com", self.id, self.region)
    }

    /// `arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/METHOD/PATH`.
    fn resource(&self, method: &str, path: &str) -> String {
        let Self { id, region, account, .. } = self;
        let mut parts = path.trim_start_matches('/').splitn(2, '/');
        let (stage, rest) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        format!("arn:aws:execute-api:{region}:{account}:{id}/{stage}/{method}/{rest}")
    }
}

struct Gate {
    api: Api,
    expected: Expectation,
    clock: Arc<Clock>,
    sessions: Arc<Sessions>,
    journal: Arc<Journal>,
    lambda: Arc<Lambda>,
}

impl Gate {
    async fn serve(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Body>, HangUp> {
        let received = match Received::read(request, MAX_BODY).await {
            Ok(received) => received,
            Err(Unreadable { status, reason }) => {
                return Ok(self.refuse(&ApiRefusal::new(status, "BadRequestException", reason)));
            }
        };
        let mut entry = Entry::of(Service::ExecuteApi, "execute-api:Invoke".to_owned(), &received, self.clock.now());
        let response = match self.judge(&received, &mut entry) {
            Ok(session) => {
                entry.outcome = Outcome::Allowed;
                self.invoke(&received, &session).await
            }
            Err(refusal) => {
                entry.outcome = Outcome::Refused(refusal.kind.to_owned());
                self.refuse(&refusal)
            }
        };
        entry.status = response.status().as_u16();
        self.journal.add(entry);
        Ok(response)
    }

    fn judge(&self, received: &Received, entry: &mut Entry) -> Result<Arc<Session>, ApiRefusal> {
        let forbidden = |kind, message: &str| ApiRefusal::new(StatusCode::FORBIDDEN, kind, message);
        if received.host_without_port() != self.api.hostname() {
            return Err(forbidden("ForbiddenException", "Forbidden"));
        }
        let session = verify(received, &self.expected, &self.sessions, self.clock.now())
            .map_err(|refusal| ApiRefusal::of(refusal, &self.api.region))?;
        entry.by(&session);
        if event::stage_of(&received.path) != self.api.stage {
            return Err(forbidden("ForbiddenException", "Forbidden"));
        }
        let resource = self.api.resource(&received.method, &received.path);
        if !session.may("execute-api:Invoke", &resource) {
            let user = session.arn();
            let message =
                format!("User: {user} is not authorized to perform: execute-api:Invoke on resource: {resource}");
            return Err(forbidden("AccessDeniedException", &message));
        }
        Ok(session)
    }

    async fn invoke(&self, received: &Received, session: &Session) -> Response<Body> {
        let event = event::build(received, session, &self.api, self.clock.now());
        {
            let mut events = self.lambda.events.lock().unwrap_or_else(PoisonError::into_inner);
            if events.len() == EVENTS {
                events.pop_front();
            }
            events.push_back(event.clone());
        }
        let delay = *self.lambda.delay.lock().unwrap_or_else(PoisonError::into_inner);
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let handler = Arc::clone(&self.lambda.handler.lock().unwrap_or_else(PoisonError::into_inner));
        let answer = handler(&event);
        let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
        let mut headers: Vec<(&str, &str)> =
            answer.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            headers.push(("content-type", "application/json"));
        }
        let (id, date) = (random::request_id(), wire::http_date(self.clock.now()));
        headers.extend([("x-amzn-requestid", id.as_str()), ("x-amz-apigw-id", "double"), ("date", date.as_str())]);
        wire::answer(status, &headers, answer.body)
    }

    fn refuse(&self, refusal: &ApiRefusal) -> Response<Body> {
        let (id, date) = (random::request_id(), wire::http_date(self.clock.now()));
        let headers = [
            ("x-amzn-requestid", id.as_str()),
            ("x-amzn-errortype", refusal.kind),
            ("content-type", "application/json"),
            ("date", date.as_str()),
        ];
        wire::answer(refusal.status, &headers, refusal.body())
    }
}

/// The function when a test gives none: it tells what it received.
fn echo(event: &Value) -> LambdaResponse {
    let header = |name: &str| event["headers"].get(name).cloned().unwrap_or(Value::Null);
    let seen = json!({
        "caller": header("x-mesh-caller"),
        "user_arn": event["requestContext"]["identity"]["userArn"],
        "method": event["httpMethod"],
        "path": event["path"],
        "query": event["multiValueQueryStringParameters"],
        "body": event["body"],
    });
    LambdaResponse { status: 200, headers: Vec::new(), body: seen.to_string().into_bytes() }
}
