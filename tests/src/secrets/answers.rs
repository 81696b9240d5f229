//! Answers in Secrets Manager's protocol (JSON 1.1), and those that break it.

use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use super::fault::Fault;
use crate::aws::random;
use crate::aws::server::{Body, HangUp};
use crate::aws::verify::Refusal;
use crate::aws::wire::answer;
use crate::cut;

const JSON: (&str, &str) = ("content-type", "application/x-amz-json-1.1");

/// An error of the service.
#[derive(Debug)]
pub(super) struct ServiceError {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl ServiceError {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, message: message.into() }
    }

    pub(super) fn response(&self) -> Response<Body> {
        let document = json!({ "__type": self.code, "Message": self.message });
        let request_id = random::request_id();
        let headers = [JSON, ("x-amzn-requestid", &request_id), ("x-amzn-errortype", self.code)];
        answer(self.status, &headers, document.to_string())
    }
}

impl From<Refusal> for ServiceError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unsigned => Self::new("MissingAuthenticationTokenException", "Missing Authentication Token"),
            Refusal::Malformed(why) => Self::new("IncompleteSignatureException", why),
            Refusal::UnknownAccessKey(_) | Refusal::MissingToken(_) | Refusal::WrongToken => {
                Self::new("UnrecognizedClientException", "The security token included in the request is invalid.")
            }
            Refusal::Expired => {
                Self::new("ExpiredTokenException", "The security token included in the request is expired")
            }
            Refusal::Mismatch(explanation) => Self::new(
                "InvalidSignatureException",
                format!("The signature does not match. Canonical request:\n{}", explanation.canonical_request),
            ),
            other => Self::new("InvalidSignatureException", format!("{other:?}")),
        }
    }
}

/// A value as it stands in a snapshot.
pub(super) fn value(document: &Value) -> Response<Body> {
    let request_id = random::request_id();
    answer(StatusCode::OK, &[JSON, ("x-amzn-requestid", &request_id)], document.to_string())
}

/// What a fault answers by itself; None for those that pass the call on sooner or later.
pub(super) fn faulty(fault: Fault) -> Option<Result<Response<Body>, HangUp>> {
    let refused = |code, message: &str| Some(Ok(ServiceError::new(code, message).response()));
    match fault {
        Fault::Denied => refused(
            "AccessDeniedException",
            "User: arn:aws:sts::123456789012:assumed-role/reports-lambda/reports is not authorized to perform: \
             secretsmanager:GetSecretValue because no identity-based policy allows it",
        ),
        Fault::Throttled => refused("ThrottlingException", "Rate exceeded"),
        Fault::NotFound => refused("ResourceNotFoundException", "Secrets Manager can't find the specified secret."),
        Fault::Undecryptable => refused("DecryptionFailure", "Access to KMS is not allowed"),
        Fault::Internal => {
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            let message = "An error occurred on the server side.".to_owned();
            Some(Ok(ServiceError { status, code: "InternalServiceError", message }.response()))
        }
        Fault::Unavailable => {
            let page = "<html><body><h1>503 Service Unavailable</h1></body></html>";
            Some(Ok(answer(StatusCode::SERVICE_UNAVAILABLE, &[("content-type", "text/html")], page)))
        }
        Fault::Garbled => Some(Ok(answer(StatusCode::OK, &[JSON], &b"\x1f\x8b\x08\x00{\"SecretString\": "[..]))),
        Fault::Valueless => Some(Ok(value(&json!({ "Name": "meshbridge", "VersionStages": ["AWSCURRENT"] })))),
        Fault::Truncated => Some(truncated()),
        Fault::HangUp => Some(Err(HangUp)),
        Fault::Slow(_) | Fault::Held | Fault::Hang => None,
    }
}

/// The beginning of a value, and then the end of the connection, long before the content length is reached.
fn truncated() -> Result<Response<Body>, HangUp> {
    let response = Response::builder().header(JSON.0, JSON.1).header("content-length", "4000");
    let body = cut::body(b"{\"Name\": \"meshbridge\", \"SecretString\": \"{");
    response.body(body).map_err(|_| HangUp)
}
