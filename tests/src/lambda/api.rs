//! The two APIs on a loopback port: version 2018-06-01 for the runtime, 2020-01-01 for extensions.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Handle;

use super::event::Subscription;
use super::invocation::{Answer, Outcome};
use super::refusal::Refusal;
use super::shared::Shared;
use super::state::ExtensionState;
use super::{credentials, state::State};
use crate::aws::random;
use crate::aws::server::{Body, HangUp};
use crate::aws::wire::answer;

/// The most that a function may answer, unless it streams.
const MAX_PAYLOAD: usize = 6 * 1024 * 1024 + 100;

const RUNTIME: &str = "/2018-06-01/runtime/";
const EXTENSION: &str = "/2020-01-01/extension/";

/// Either an answer or a refusal, or the end of the connection.
type Answered = Result<Result<Response<Body>, Refusal>, HangUp>;

/// Serves on a free port of 127.0.0.1 until the runtime ends.
pub(super) fn start(runtime: &Handle, shared: Arc<Shared>) -> io::Result<SocketAddr> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let _inside = runtime.enter();
    let listener = TcpListener::from_std(listener)?;
    runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            let shared = Arc::clone(&shared);
            tokio::spawn(async move {
                let service = service_fn(move |request| serve(Arc::clone(&shared), request));
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    Ok(address)
}

async fn serve(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Body>, HangUp> {
    let path = request.uri().path().to_owned();
    if path == credentials::PATH {
        let shown = request.headers().get("authorization").and_then(|value| value.to_str().ok());
        return Ok(match shared.credentials.answer(shown).filter(|_| shared.snap_start) {
            Some(credentials) => json_answer(StatusCode::OK, &[], &credentials),
            None => answer(StatusCode::NOT_FOUND, &[], "cannot get credentials for the provided token"),
        });
    }
    let (parts, body) = request.into_parts();
    let generation = shared.update(|state| state.generation);
    let call = Api { shared: &shared, generation, parts: &parts };
    let (who, what, answered) = if let Some(rest) = path.strip_prefix(EXTENSION) {
        let what = extension_call(rest);
        let who = call.caller();
        let noted = shared.called(&who, what);
        (Some(noted), what, call.extension(what, &who, body).await?)
    } else if let Some(rest) = path.strip_prefix(RUNTIME) {
        let (what, request_id) = runtime_call(rest);
        let noted = shared.called("runtime", what);
        (Some(noted), what, call.runtime(what, request_id, body).await?)
    } else {
        (None, "", Err(Refusal::NotFound))
    };
    let response = answered.unwrap_or_else(|refusal| {
        let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        json_answer(status, &[], &refusal.json())
    });
    if let Some(noted) = who.filter(|_| !what.is_empty()) {
        shared.answered(noted, response.status().as_u16());
    }
    Ok(response)
}

fn extension_call(path: &str) -> &'static str {
    ["register", "event/next", "init/error", "exit/error"].into_iter().find(|one| *one == path).unwrap_or("")
}

/// The call, and the request ID where the path has one.
fn runtime_call(path: &str) -> (&'static str, Option<&str>) {
    let fixed = ["invocation/next", "init/error", "restore/next", "restore/error"];
    if let Some(what) = fixed.into_iter().find(|one| *one == path) {
        return (what, None);
    }
    match path.strip_prefix("invocation/").and_then(|rest| rest.split_once('/')) {
        Some((id, "response")) => ("invocation/response", Some(id)),
        Some((id, "error")) => ("invocation/error", Some(id)),
        _ => ("", None),
    }
}

/// One call.
struct Api<'a> {
    shared: &'a Shared,
    generation: u64,
    parts: &'a Parts,
}

impl Api<'_> {
    fn header(&self, name: &str) -> Option<&str> {
        header(&self.parts.headers, name)
    }

    /// By name or by identifier, for the journal.
    fn caller(&self) -> String {
        let by_identifier = self.header("lambda-extension-identifier");
        let known = by_identifier.and_then(|id| self.shared.update(|state| state.name_of(id).ok()));
        known.or_else(|| self.header("lambda-extension-name").map(str::to_owned)).unwrap_or_default()
    }

    fn only(&self, method: &Method) -> Result<(), Refusal> {
        if self.parts.method == *method { Ok(()) } else { Err(Refusal::MethodNotAllowed) }
    }

    async fn extension(&self, what: &str, who: &str, body: Incoming) -> Answered {
        match what {
            "register" => Ok(self.register(body).await),
            "event/next" => match self.identified(&Method::GET) {
                Ok(identifier) => self.event_next(who, &identifier).await,
                Err(refusal) => Ok(Err(refusal)),
            },
            "init/error" => Ok(self.extension_error(ExtensionState::InitError, body).await),
            "exit/error" => Ok(self.extension_error(ExtensionState::ExitError, body).await),
            _ => Ok(Err(Refusal::NotFound)),
        }
    }

    async fn register(&self, body: Incoming) -> Result<Response<Body>, Refusal> {
        self.only(&Method::POST)?;
        let name = self.header("lambda-extension-name").filter(|name| !name.is_empty()).ok_or(Refusal::EmptyName)?;
        let wanted = subscriptions(&whole(body).await?)?;
        let identifier = self.shared.update(|state| state.register(name, wanted))?;
        let function = &self.shared.function;
        let mut said = json!({
            "functionName": function.name,
            "functionVersion": function.version,
            "handler": function.handler,
        });
        let features = self.header("lambda-extension-accept-feature").unwrap_or_default();
        if features.split(',').any(|feature| feature.trim() == "accountId") {
            said["accountId"] = json!(function.account);
        }
        Ok(json_answer(StatusCode::OK, &[("lambda-extension-identifier", &identifier)], &said))
    }

    /// The identifier, once it is known to be somebody's.
    fn identified(&self, method: &Method) -> Result<String, Refusal> {
        self.only(method)?;
        let shown = self.header("lambda-extension-identifier").filter(|shown| !shown.is_empty());
        let identifier = shown.ok_or(Refusal::MissingIdentifier)?;
        if !is_uuid(identifier) {
            return Err(Refusal::InvalidIdentifier);
        }
        self.shared.update(|state| state.name_of(identifier))?;
        Ok(identifier.to_owned())
    }

    async fn event_next(&self, name: &str, identifier: &str) -> Answered {
        if let Err(refusal) = self.shared.update(|state| state.extension_ready(name)) {
            return Ok(Err(refusal));
        }
        let event = self.shared.found(self.generation, |state| state.take_event(name)).await?;
        let event_id = random::request_id();
        let headers =
            [("lambda-extension-event-identifier", event_id.as_str()), ("lambda-extension-identifier", identifier)];
        Ok(Ok(json_answer(StatusCode::OK, &headers, &event.json())))
    }

    async fn extension_error(&self, to: ExtensionState, body: Incoming) -> Result<Response<Body>, Refusal> {
        let identifier = self.identified(&Method::POST)?;
        let document = String::from_utf8_lossy(&whole(body).await?).into_owned();
        const TYPE: &str = "Lambda-Extension-Function-Error-Type";
        let error_type = self.header(TYPE).filter(|value| !value.is_empty()).ok_or(Refusal::MissingHeader(TYPE))?;
        let change = |state: &mut State| {
            let name = state.name_of(&identifier)?;
            state.extension_error(&name, to, error_type, document)
        };
        self.shared.update(change)?;
        Ok(accepted())
    }

    async fn runtime(&self, what: &str, request_id: Option<&str>, body: Incoming) -> Answered {
        let method = if what.ends_with("next") { Method::GET } else { Method::POST };
        if let (false, Err(refusal)) = (what.is_empty(), self.only(&method)) {
            return Ok(Err(refusal));
        }
        match (what, request_id) {
            ("invocation/next", _) => self.invocation_next().await,
            ("restore/next", _) if self.shared.snap_start => self.restore_next().await,
            ("restore/error", _) if self.shared.snap_start => Ok(self.runtime_error(body, State::restore_error).await),
            ("init/error", _) => Ok(self.runtime_error(body, State::runtime_init_error).await),
            ("invocation/response", Some(id)) => Ok(self.response(id, body).await),
            ("invocation/error", Some(id)) => Ok(self.error(id, body).await),
            _ => Ok(Err(Refusal::NotFound)),
        }
    }

    async fn invocation_next(&self) -> Answered {
        if let Err(refusal) = self.shared.update(State::runtime_ready) {
            return Ok(Err(refusal));
        }
        let given = self.shared.found(self.generation, State::take_invocation).await?;
        let deadline = given.deadline_ms.to_string();
        let headers = [
            ("content-type", "application/json"),
            ("lambda-runtime-aws-request-id", given.request_id.as_str()),
            ("lambda-runtime-deadline-ms", deadline.as_str()),
            ("lambda-runtime-invoked-function-arn", given.function_arn.as_str()),
            ("lambda-runtime-trace-id", given.trace_id.as_str()),
        ];
        Ok(Ok(answer(StatusCode::OK, &headers, given.payload)))
    }

    async fn restore_next(&self) -> Answered {
        if let Err(refusal) = self.shared.update(State::restore_ready) {
            return Ok(Err(refusal));
        }
        self.shared.found(self.generation, |state| state.take_restore().then_some(())).await?;
        Ok(Ok(answer(StatusCode::OK, &[], "")))
    }

    async fn runtime_error(
        &self,
        body: Incoming,
        change: impl FnOnce(&mut State, &str, Vec<u8>) -> Result<(), Refusal>,
    ) -> Result<Response<Body>, Refusal> {
        let document = whole(body).await?;
        self.shared.update(|state| change(state, &self.error_type(), document.to_vec()))?;
        Ok(accepted())
    }

    fn error_type(&self) -> String {
        self.header("lambda-runtime-function-error-type").unwrap_or("Function.Unknown").to_owned()
    }

    async fn response(&self, id: &str, body: Incoming) -> Result<Response<Body>, Refusal> {
        self.shared.update(|state| state.begin_response(id))?;
        let mode = self.header("lambda-runtime-function-response-mode");
        let outcome = match mode {
            None | Some("streaming") => self.answered(mode.is_some(), body).await,
            Some(_) => Err((Refusal::InvalidResponseMode, "Runtime.InvalidResponseModeHeader")),
        };
        match outcome {
            Ok(outcome) => {
                self.shared.update(|state| state.end_response(outcome));
                Ok(accepted())
            }
            Err((refusal, error_type)) => {
                let payload = refusal.json().to_string().into_bytes();
                let outcome = Outcome::FunctionError { error_type: error_type.to_owned(), payload };
                self.shared.update(|state| state.end_response(outcome));
                Err(refusal)
            }
        }
    }

    async fn answered(&self, streamed: bool, body: Incoming) -> Result<Outcome, (Refusal, &'static str)> {
        let limit = if streamed { usize::MAX } else { MAX_PAYLOAD };
        let (payload, trailers) = collect(body, limit).await.map_err(|refusal| {
            let error_type = match refusal {
                Refusal::TooLarge(_) => "Function.ResponseSizeTooLarge",
                _ => "Runtime.TruncatedResponse",
            };
            (refusal, error_type)
        })?;
        // A streamed answer tells of its failure in trailers ("Response streaming" of the Runtime API).
        if let Some(error_type) = header(&trailers, "lambda-runtime-function-error-type").filter(|_| streamed) {
            return Ok(Outcome::FunctionError { error_type: error_type.to_owned(), payload: payload.to_vec() });
        }
        let content_type = self.header("content-type").map(str::to_owned);
        Ok(Outcome::Answered(Answer { payload: payload.to_vec(), content_type, streamed }))
    }

    async fn error(&self, id: &str, body: Incoming) -> Result<Response<Body>, Refusal> {
        self.shared.update(|state| state.begin_response(id))?;
        let payload = whole(body).await.unwrap_or_default().to_vec();
        let outcome = Outcome::FunctionError { error_type: self.error_type(), payload };
        self.shared.update(|state| state.end_response(outcome));
        Ok(accepted())
    }
}

/// `{"events": ["INVOKE", "SHUTDOWN"]}`; the list may be missing.
fn subscriptions(body: &[u8]) -> Result<Vec<Subscription>, Refusal> {
    let document: Value = serde_json::from_slice(body).map_err(|error| Refusal::BadFormat(error.to_string()))?;
    let fields = document.as_object().ok_or_else(|| Refusal::BadFormat("not an object".to_owned()))?;
    if fields.get("configurationKeys").and_then(Value::as_array).is_some_and(|keys| !keys.is_empty()) {
        return Err(Refusal::BadFormat(
            "configurationKeys are deprecated; use environment variables instead".to_owned(),
        ));
    }
    let events = match fields.get("events") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(events) => events.as_array().ok_or_else(|| Refusal::BadFormat("events is not a list".to_owned()))?,
    };
    let mut wanted = Vec::new();
    for event in events {
        let text = event.as_str().ok_or_else(|| Refusal::BadFormat("an event is not a text".to_owned()))?;
        wanted.push(Subscription::parse(text).ok_or_else(|| Refusal::InvalidEvent(text.to_owned()))?);
    }
    Ok(wanted)
}

async fn whole(body: Incoming) -> Result<Bytes, Refusal> {
    Ok(collect(body, MAX_PAYLOAD).await?.0)
}

async fn collect(mut body: Incoming, limit: usize) -> Result<(Bytes, HeaderMap), Refusal> {
    let (mut bytes, mut trailers) = (BytesMut::new(), HeaderMap::new());
    while let Some(frame) = body.frame().await {
        match frame.map_err(|_| Refusal::Truncated)?.into_data() {
            Ok(data) => bytes.extend_from_slice(&data),
            Err(frame) => trailers = frame.into_trailers().unwrap_or_default(),
        }
        if bytes.len() > limit {
            return Err(Refusal::TooLarge(limit));
        }
    }
    Ok((bytes.freeze(), trailers))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn accepted() -> Response<Body> {
    json_answer(StatusCode::ACCEPTED, &[], &json!({ "status": "OK" }))
}

fn json_answer(status: StatusCode, headers: &[(&str, &str)], said: &Value) -> Response<Body> {
    let headers: Vec<_> = headers.iter().copied().chain([("content-type", "application/json")]).collect();
    answer(status, &headers, said.to_string())
}

/// 8-4-4-4-12 hexadecimal digits.
fn is_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
