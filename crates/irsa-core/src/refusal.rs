//! What a caller is told when a request is not sent on: a status, a fixed reason, and a sentence.

use alloc::format;
use alloc::string::String;
use core::fmt;

use crate::session::Outage;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $status:literal $text:literal $sentence:literal,)+) => {
        /// Why a request is refused. Fixed text: fit for logs, metrics and response headers.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Reason {
            $($(#[$doc])* $name,)+
        }

        impl Reason {
            /// Every reason there is.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The status of the answer.
            #[must_use]
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status,)+ }
            }

            /// The value of `x-meshbridge-error`, and a part of the counter's name.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// What it means and what to do, for whoever reads the body of the answer.
            #[must_use]
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence,)+ }
            }
        }
    };
}

reasons! {
    /// No client certificate.
    NoClientCertificate = 401 "no-client-certificate"
        "this ingress serves callers with a mesh client certificate only",
    /// The certificate's URI is not the SPIFFE ID of a workload.
    CallerNotSpiffe = 403 "caller-not-spiffe"
        "the client certificate does not carry the SPIFFE ID of a workload",
    /// The certificate has not exactly one URI, or Envoy does not say.
    CallerAmbiguous = 403 "caller-ambiguous"
        "the client certificate must carry exactly one URI, and the listener must pass it on \
         (forward_client_cert_details: SANITIZE_SET with uri: true)",
    /// Another trust domain.
    CallerTrustDomain = 403 "caller-trust-domain"
        "the caller is of a trust domain that this ingress does not serve",
    /// Not on the list.
    CallerNotAllowed = 403 "caller-not-allowed"
        "the caller is not among the callers of this ingress",
    /// The query is signed already.
    PresignedQuery = 400 "presigned-query"
        "the query carries a signature of its own; send the request without it",
    /// An `x-amz-*` header that would lend the caller authority.
    HeaderNotAllowed = 400 "header-not-allowed"
        "this header is not passed on, and leaving it out would change what was asked for",
    /// The method or target cannot be signed.
    MalformedTarget = 400 "malformed-target"
        "the request target cannot be read in one way only",
    /// The path means another one, and Envoy would pick the route again by that.
    PathNotCanonical = 400 "path-not-canonical"
        "the path has parts to resolve or to decode, and could be routed by what it means then; send it in its plain form",
    /// `x-amz-copy-source` points out of the bucket.
    CopySourceNotAllowed = 403 "copy-source-not-allowed"
        "a copy may only read from the bucket that this ingress serves",
    /// `x-amz-content-sha256` is nothing that AWS knows.
    PayloadHashInvalid = 400 "payload-hash-invalid"
        "x-amz-content-sha256 is neither a hash nor a form of payload that AWS knows",
    /// The body is not the one that was hashed.
    PayloadHashMismatch = 400 "payload-hash-mismatch"
        "the body does not have the hash that x-amz-content-sha256 gives",
    /// A payload signed in chunks.
    PayloadStreamingUnsupported = 501 "payload-streaming-unsupported"
        "payloads signed in chunks are not supported; send the body as it is, without x-amz-content-sha256",
    /// The body is longer than `max_body_bytes`.
    BodyTooLarge = 413 "body-too-large"
        "the body is larger than this ingress hashes",
    /// STS could not be reached.
    NoCredentials = 503 "no-credentials"
        "there are no valid credentials to sign with; try again",
    /// STS refuses.
    StsDenied = 503 "sts-denied"
        "STS refuses to hand out credentials for this ingress",
    /// The token cannot be read.
    NoToken = 503 "no-token"
        "the pod's token cannot be read, so that no credentials can be had",
    /// `max_waiting` requests wait already.
    TooManyWaiting = 503 "too-many-waiting"
        "too many requests wait for credentials already; try again",
    /// Envoy did not do what it was asked to.
    HostError = 500 "host-error"
        "the proxy could not carry out a step; its log says more",
}

impl From<Option<Outage>> for Reason {
    fn from(outage: Option<Outage>) -> Self {
        match outage {
            Some(Outage::NoToken) => Self::NoToken,
            Some(Outage::StsDenied) => Self::StsDenied,
            Some(Outage::StsUnavailable) | None => Self::NoCredentials,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A refused request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// What exactly, such as the name of a header. Never a value.
    pub detail: Option<String>,
}

impl Refusal {
    /// With what it is about.
    #[must_use]
    pub fn about(reason: Reason, detail: &str) -> Self {
        Self { reason, detail: Some(detail.into()) }
    }

    /// The body of the answer: `{"error":"caller-not-allowed","message":"…"}` and a line feed.
    #[must_use]
    pub fn body(&self) -> String {
        let (error, sentence) = (self.reason.as_str(), self.reason.sentence());
        let detail = self.detail.as_deref().and_then(|detail| serde_json::to_string(detail).ok());
        match detail {
            Some(detail) => format!("{{\"error\":\"{error}\",\"message\":\"{sentence}\",\"detail\":{detail}}}\n"),
            None => format!("{{\"error\":\"{error}\",\"message\":\"{sentence}\"}}\n"),
        }
    }
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self { reason, detail: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn every_reason_is_fit_for_a_header_and_a_metric() {
        let mut texts: Vec<_> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
        assert!(texts.iter().all(|text| text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')));
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), Reason::ALL.len());
    }

    #[test]
    fn every_answer_is_json_and_an_error() {
        for &reason in Reason::ALL {
            assert!((400..=599).contains(&reason.status()));
            for refusal in [reason.into(), Refusal::about(reason, "quo\"te\u{1}\n")] {
                let body: serde_json::Value = serde_json::from_str(&refusal.body()).unwrap();
                assert_eq!(body["error"], reason.as_str());
                assert_eq!(body.get("detail").is_some(), refusal.detail.is_some());
            }
        }
    }
}
