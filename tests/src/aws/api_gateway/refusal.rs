//! How API Gateway says no: 403, a JSON message, and the reason in `x-amzn-errortype`.

use hyper::StatusCode;
use serde_json::json;

use crate::aws::verify::{Explanation, MAX_SKEW, Refusal};
use crate::aws::wire::iso_date;

/// A refusal of API Gateway.
#[derive(Debug)]
pub(super) struct ApiRefusal {
    pub(super) status: StatusCode,
    /// `x-amzn-errortype`.
    pub(super) kind: &'static str,
    message: String,
}

impl ApiRefusal {
    pub(super) fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, message: message.into() }
    }

    pub(super) fn of(refusal: Refusal, region: &str) -> Self {
        let no = |kind, message: String| Self::new(StatusCode::FORBIDDEN, kind, message);
        let signature = |message: String| no("InvalidSignatureException", message);
        match refusal {
            Refusal::Unsigned => no("MissingAuthenticationTokenException", "Missing Authentication Token".to_owned()),
            Refusal::Presigned => signature("this double refuses presigned URLs".to_owned()),
            Refusal::Malformed(why) => no("IncompleteSignatureException", why),
            Refusal::UnknownAccessKey(_) | Refusal::MissingToken(_) | Refusal::WrongToken => {
                no("UnrecognizedClientException", "The security token included in the request is invalid.".to_owned())
            }
            Refusal::Expired => {
                no("ExpiredTokenException", "The security token included in the request is expired".to_owned())
            }
            Refusal::WrongRegion(wrong) => {
                signature(format!("Credential should be scoped to a valid region, not '{wrong}' but '{region}'. "))
            }
            Refusal::WrongService(_) => {
                signature("Credential should be scoped to correct service: 'execute-api'. ".to_owned())
            }
            Refusal::ScopeDate => signature(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP".to_owned(),
            ),
            Refusal::Skewed { request, now, raw } if request < now => {
                let limit = iso_date(now - MAX_SKEW);
                signature(format!("Signature expired: {raw} is now earlier than {limit} ({} - 15 min.)", iso_date(now)))
            }
            Refusal::Skewed { now, raw, .. } => {
                let limit = iso_date(now + MAX_SKEW);
                signature(format!(
                    "Signature not yet current: {raw} is still later than {limit} ({} + 15 min.)",
                    iso_date(now)
                ))
            }
            Refusal::HeaderNotSigned(name) => {
                signature(format!("'{name}' must be a 'SignedHeader' in the AWS Authorization."))
            }
            Refusal::MissingContentHash => signature("x-amz-content-sha256 is missing".to_owned()),
            Refusal::ContentHash { claimed, actual } => signature(format!(
                "{MISMATCH}\n\nx-amz-content-sha256 says {claimed}, the body that arrived has {actual}\n"
            )),
            Refusal::Mismatch(explanation) => signature(mismatch(&explanation)),
        }
    }

    /// API Gateway spells it `Message` where IAM denied.
    pub(super) fn body(&self) -> String {
        let key = if self.kind == "AccessDeniedException" { "Message" } else { "message" };
        json!({ key: self.message }).to_string()
    }
}

const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS \
                        Secret Access Key and signing method. Consult the service documentation for details.";

fn mismatch(explanation: &Explanation) -> String {
    let Explanation { canonical_request, string_to_sign, .. } = explanation;
    format!(
        "{MISMATCH}\n\nThe Canonical String for this request should have been\n'{canonical_request}'\n\n\
         The String-to-Sign should have been\n'{string_to_sign}'\n"
    )
}
