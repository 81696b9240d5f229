//! The proxy's own answers: a status, a fixed reason for machines, and a sentence that says what to do.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, PROXY_AUTHENTICATE, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::Full;

use crate::gate::Malformed;

/// Carries the reason of a failure. An answer of an upstream never has it: the proxy takes it out there.
pub const ERROR_HEADER: HeaderName = HeaderName::from_static("x-meshbridge-error");

/// What the proxy itself refuses a request for; the reasons of calls that failed are those of [`mtls_client::Reason`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The request is not well-formed, or has more than one meaning. The answer says which, as `kind`.
    BadRequest,
    /// CONNECT and TRACE.
    MethodNotAllowed,
    /// No token was presented.
    TokenMissing,
    /// Another token was presented.
    TokenWrong,
    /// The app is not one that this function may call.
    UpstreamNotAllowed,
    /// SnapStart: the environment is one that a snapshot is taken of, so that there is no identity in it.
    RestorePending,
}

impl Reason {
    /// Every reason, for documentation and tests.
    pub const ALL: [Self; 6] = [
        Self::BadRequest,
        Self::MethodNotAllowed,
        Self::TokenMissing,
        Self::TokenWrong,
        Self::UpstreamNotAllowed,
        Self::RestorePending,
    ];

    /// The value of `x-meshbridge-error`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "bad-request",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::TokenMissing => "token-missing",
            Self::TokenWrong => "token-wrong",
            Self::UpstreamNotAllowed => "upstream-not-allowed",
            Self::RestorePending => "restore-pending",
        }
    }
}

/// Why a request did not get an upstream's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The value of `x-meshbridge-error`.
    pub reason: &'static str,
    /// Of the answer.
    pub status: StatusCode,
    /// Which of the ways to be a bad request.
    pub kind: Option<&'static str>,
    /// What happened and what to do; lower case, without a full stop.
    pub message: Cow<'static, str>,
    /// The challenge that goes with 401, 405 and 407.
    challenge: Option<(HeaderName, &'static str)>,
}

impl Failure {
    /// A call that failed.
    #[must_use]
    pub fn of_call(reason: &'static str, status: u16, message: String) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
        Self { reason, status, kind: None, message: message.into(), challenge: None }
    }

    pub(crate) fn malformed(malformed: Malformed) -> Self {
        let status = StatusCode::from_u16(malformed.status).unwrap_or(StatusCode::BAD_REQUEST);
        if status == StatusCode::METHOD_NOT_ALLOWED {
            return Self::method_not_allowed(malformed.message);
        }
        Self::own(Reason::BadRequest, status, malformed.message).with_kind(malformed.kind)
    }

    pub(crate) fn method_not_allowed(message: &'static str) -> Self {
        let challenge = Some((ALLOW, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
        Self { challenge, ..Self::own(Reason::MethodNotAllowed, StatusCode::METHOD_NOT_ALLOWED, message) }
    }

    /// 407 where the proxy form was used, so that its clients know what is asked for; else 401.
    pub(crate) fn token(reason: Reason, proxy_form: bool) -> Self {
        let message = if reason == Reason::TokenMissing {
            "the request has no token; send the content of the token file (MESHBRIDGE_TOKEN_FILE) as x-meshbridge-token"
        } else {
            "the token is not this proxy's; read the token file (MESHBRIDGE_TOKEN_FILE) again"
        };
        let (status, challenge) = if proxy_form {
            (StatusCode::PROXY_AUTHENTICATION_REQUIRED, (PROXY_AUTHENTICATE, "Basic realm=\"meshbridge\""))
        } else {
            (StatusCode::UNAUTHORIZED, (WWW_AUTHENTICATE, "MeshbridgeToken"))
        };
        Self { challenge: Some(challenge), ..Self::own(reason, status, message) }
    }

    pub(crate) fn not_allowed(name: &str) -> Self {
        // The name is the caller's: what is not of a host name's characters has been refused before.
        let message = format!("{name} is not an app that this function may call; list it under upstreams");
        Self::own(Reason::UpstreamNotAllowed, StatusCode::FORBIDDEN, message)
    }

    pub(crate) fn restore_pending() -> Self {
        let message = "a snapshot is taken of this environment, so that it has no identity; call from the handler, not from \
            the initialisation";
        Self::own(Reason::RestorePending, StatusCode::SERVICE_UNAVAILABLE, message)
    }

    /// The same reason as that of a call whose own deadline passes.
    pub(crate) fn deadline_exceeded() -> Self {
        let message =
            "the app did not answer within timeouts.response_ms; allow more there, or with x-meshbridge-timeout-ms";
        let reason = mtls_client::Reason::DeadlineExceeded;
        Self::of_call(reason.as_str(), reason.status(), message.to_owned())
    }

    fn own(reason: Reason, status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { reason: reason.as_str(), status, kind: None, message: message.into(), challenge: None }
    }

    fn with_kind(self, kind: &'static str) -> Self {
        Self { kind: Some(kind), ..self }
    }

    /// The answer: `{"error": reason, "kind": …, "message": …}`.
    pub(crate) fn response(&self) -> Response<Full<Bytes>> {
        let mut body = String::from("{\"error\":");
        push_json(&mut body, self.reason);
        if let Some(kind) = self.kind {
            body.push_str(",\"kind\":");
            push_json(&mut body, kind);
        }
        body.push_str(",\"message\":");
        push_json(&mut body, &self.message);
        body.push_str("}\n");
        let mut response = Response::new(Full::new(Bytes::from(body)));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(ERROR_HEADER, HeaderValue::from_static(self.reason));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some((name, value)) = &self.challenge {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

/// Appends a text as JSON.
pub(crate) fn push_json(out: &mut String, text: &str) {
    // Writing a text cannot fail; an empty one would be valid JSON all the same.
    out.push_str(&serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::malformed;

    #[test]
    fn every_reason_is_a_word_of_its_own_beside_those_of_calls() {
        let own = Reason::ALL.map(Reason::as_str);
        let calls = mtls_client::Reason::ALL.map(mtls_client::Reason::as_str);
        let mut all: Vec<&str> = own.into_iter().chain(calls).collect();
        all.sort_unstable();
        let count = all.len();
        all.dedup();
        assert_eq!(all.len(), count);
        assert!(all.iter().all(|reason| reason.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')));
    }

    #[test]
    fn every_malformation_has_a_kind_of_its_own_and_a_status_of_a_client_or_server_error() {
        let mut kinds: Vec<&str> = malformed::ALL.iter().map(|malformed| malformed.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds.len(), malformed::ALL.len());
        for malformed in malformed::ALL {
            let failure = Failure::malformed(*malformed);
            assert_eq!(failure.status.as_u16(), malformed.status, "{malformed:?}");
            assert!(failure.status.is_client_error() || failure.status.is_server_error(), "{malformed:?}");
        }
    }

    #[test]
    fn texts_are_escaped_in_json() {
        let mut out = String::new();
        push_json(&mut out, "a\"b\\\n\u{1}");
        assert_eq!(out, r#""a\"b\\\n\u0001""#);
    }
}
