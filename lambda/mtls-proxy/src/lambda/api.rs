//! Lambda's Extensions API, version 2020-01-01. (Lambda developer guide, "Using the Lambda Extensions API to create
//! extensions", "Extensions API reference".)

use std::fmt;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use tokio::net::TcpStream;

use super::socket::Socket;
use super::{Event, Fatal};
use crate::answer::push_json;

const NAME: &str = "lambda-extension-name";
const IDENTIFIER: &str = "lambda-extension-identifier";
const ERROR_TYPE: &str = "lambda-extension-function-error-type";
/// Bytes of an answer. An event has a few hundred.
const MAX_ANSWER: usize = 64 * 1024;

/// Where the API is: `AWS_LAMBDA_RUNTIME_API`, as `127.0.0.1:9001`.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    address: String,
}

/// A registered extension.
#[derive(Clone, Debug)]
pub(crate) struct Extension {
    api: Api,
    identifier: HeaderValue,
}

/// Why the API gave no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ApiError {
    /// No connection, or one that broke.
    Unreachable(String),
    /// It says no.
    Refused(StatusCode, String),
    /// It does not speak as documented.
    Garbled(&'static str),
}

impl Api {
    pub(crate) fn new(address: &str) -> Self {
        Self { address: address.to_owned() }
    }

    /// Registers under this file name for these events: `INVOKE`, `SHUTDOWN`, or none.
    pub(crate) async fn register(&self, file_name: &str, events: &[&str]) -> Result<Extension, ApiError> {
        let name = HeaderValue::from_str(file_name)
            .map_err(|_| ApiError::Garbled("the extension's file name is not one that a header can hold"))?;
        let body =
            format!("{{\"events\":[{}]}}", events.iter().map(|e| format!("\"{e}\"")).collect::<Vec<_>>().join(","));
        let request = self.request(Method::POST, "register", body).map(|mut request| {
            request.headers_mut().insert(NAME, name);
            request
        })?;
        let (response, _) = self.call(request).await?;
        let identifier = response.headers().get(IDENTIFIER).cloned();
        let identifier =
            identifier.ok_or(ApiError::Garbled("the answer to register has no Lambda-Extension-Identifier"))?;
        Ok(Extension { api: self.clone(), identifier })
    }

    fn request(&self, method: Method, path: &str, body: String) -> Result<Request<Full<Bytes>>, ApiError> {
        Request::builder()
            .method(method)
            .uri(format!("/2020-01-01/extension/{path}"))
            .header(header::HOST, &self.address)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(|_| ApiError::Garbled("AWS_LAMBDA_RUNTIME_API is not a host and a port"))
    }

    /// On a connection of its own: between two calls lies an invocation, or a freeze.
    async fn call(&self, request: Request<Full<Bytes>>) -> Result<(Response<()>, Bytes), ApiError> {
        let unreachable = |e: &dyn fmt::Display| ApiError::Unreachable(e.to_string());
        let socket = TcpStream::connect(&self.address).await.map_err(|e| unreachable(&e))?;
        let (mut sender, connection) = http1::handshake(Socket(socket)).await.map_err(|e| unreachable(&e))?;
        let exchange = async {
            let response = sender.send_request(request).await.map_err(|e| unreachable(&e))?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, MAX_ANSWER).collect().await.map_err(|e| unreachable(&e))?.to_bytes();
            Ok((Response::from_parts(parts, ()), body))
        };
        tokio::pin!(connection, exchange);
        let answer = tokio::select! {
            answer = exchange.as_mut() => answer,
            // It ends when the answer is there, or will never be.
            _ = connection => exchange.await,
        };
        let (response, body) = answer?;
        if !response.status().is_success() {
            return Err(ApiError::Refused(
                response.status(),
                String::from_utf8_lossy(&body).chars().take(200).collect(),
            ));
        }
        Ok((response, body))
    }
}

impl Extension {
    /// The next event; meanwhile the environment may be frozen, so that there is no time limit.
    pub(crate) async fn next(&self) -> Result<Event, ApiError> {
        let request = self.request(Method::GET, "event/next", String::new())?;
        let (_, body) = self.api.call(request).await?;
        Event::parse(&body).ok_or(ApiError::Garbled("the answer to next is no event"))
    }

    /// Tells that the extension could not be initialised; it must end then.
    pub(crate) async fn init_error(&self, fatal: &Fatal) -> Result<(), ApiError> {
        self.report("init/error", fatal).await
    }

    /// Tells that the extension failed; it must end then.
    pub(crate) async fn exit_error(&self, fatal: &Fatal) -> Result<(), ApiError> {
        self.report("exit/error", fatal).await
    }

    async fn report(&self, path: &str, fatal: &Fatal) -> Result<(), ApiError> {
        let mut body = String::from("{\"errorMessage\":");
        push_json(&mut body, &fatal.message);
        body.push_str(",\"errorType\":");
        push_json(&mut body, fatal.kind);
        body.push_str(",\"stackTrace\":[]}");
        let mut request = self.request(Method::POST, path, body)?;
        request.headers_mut().insert(ERROR_TYPE, HeaderValue::from_static(fatal.kind));
        self.api.call(request).await.map(drop)
    }

    fn request(&self, method: Method, path: &str, body: String) -> Result<Request<Full<Bytes>>, ApiError> {
        let mut request = self.api.request(method, path, body)?;
        request.headers_mut().insert(IDENTIFIER, self.identifier.clone());
        Ok(request)
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(why) => write!(f, "the Extensions API cannot be reached: {why}"),
            Self::Refused(status, body) => write!(f, "the Extensions API answered {status}: {body}"),
            Self::Garbled(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for ApiError {}

#[cfg(test)]
mod tests;
