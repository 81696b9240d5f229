//! How S3 says no: its codes, its statuses, its XML.

use hyper::{Response, StatusCode};

use crate::aws::random;
use crate::aws::server::Body;
use crate::aws::verify::{MAX_SKEW, Refusal};
use crate::aws::wire::{self, iso_date, xml_text};

/// An error document of S3.
#[derive(Debug)]
pub(super) struct S3Refusal {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    message: String,
    details: Vec<(&'static str, String)>,
}

impl S3Refusal {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), details: Vec::new() }
    }

    pub(super) fn with(mut self, element: &'static str, text: impl Into<String>) -> Self {
        self.details.push((element, text.into()));
        self
    }

    pub(super) fn of(refusal: Refusal, region: &str) -> Self {
        let bad = |code, message: &str| Self::new(StatusCode::BAD_REQUEST, code, message);
        let forbidden = |code, message: &str| Self::new(StatusCode::FORBIDDEN, code, message);
        let header =
            |why: &str| bad("AuthorizationHeaderMalformed", &format!("The authorization header is malformed; {why}"));
        match refusal {
            Refusal::Unsigned => forbidden("AccessDenied", "Access Denied"),
            Refusal::Presigned => forbidden("AccessDenied", "this double refuses presigned URLs"),
            Refusal::Malformed(why) => header(&why),
            // A temporary key without its token is, to S3, a key that does not exist.
            Refusal::UnknownAccessKey(key) | Refusal::MissingToken(key) => {
                forbidden("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
                    .with("AWSAccessKeyId", key)
            }
            Refusal::WrongToken => bad("InvalidToken", "The provided token is malformed or otherwise invalid."),
            Refusal::Expired => bad("ExpiredToken", "The provided token has expired."),
            Refusal::WrongRegion(wrong) => {
                header(&format!("the region '{wrong}' is wrong; expecting '{region}'")).with("Region", region)
            }
            Refusal::WrongService(wrong) => {
                header(&format!("incorrect service \"{wrong}\". This endpoint belongs to \"s3\"."))
            }
            Refusal::ScopeDate => header("Invalid credential date. Date in the Credential must match x-amz-date."),
            Refusal::Skewed { now, raw, .. } => {
                let message = "The difference between the request time and the current time is too large.";
                forbidden("RequestTimeTooSkewed", message)
                    .with("RequestTime", raw)
                    .with("ServerTime", iso_date(now))
                    .with("MaxAllowedSkewMilliseconds", MAX_SKEW.as_millis().to_string())
            }
            Refusal::HeaderNotSigned(name) => {
                forbidden("AccessDenied", "There were headers present in the request which were not signed")
                    .with("HeadersNotSigned", name)
            }
            Refusal::MissingContentHash => {
                bad("InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
            }
            Refusal::ContentHash { claimed, actual } => {
                let message = "The provided 'x-amz-content-sha256' header does not match what was computed.";
                bad("XAmzContentSHA256Mismatch", message)
                    .with("ClientComputedContentSHA256", claimed)
                    .with("S3ComputedContentSHA256", actual)
            }
            Refusal::Mismatch(explanation) => {
                let message = "The request signature we calculated does not match the signature you provided. Check \
                               your key and signing method.";
                forbidden("SignatureDoesNotMatch", message)
                    .with("AWSAccessKeyId", &explanation.access_key_id)
                    .with("StringToSign", &explanation.string_to_sign)
                    .with("SignatureProvided", &explanation.signature_provided)
                    .with("StringToSignBytes", spaced_hex(&explanation.string_to_sign))
                    .with("CanonicalRequest", &explanation.canonical_request)
                    .with("CanonicalRequestBytes", spaced_hex(&explanation.canonical_request))
            }
        }
    }

    /// The answer; to HEAD it has no body.
    pub(super) fn into_response(self, method: &str) -> Response<Body> {
        let mut xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{}</Code><Message>{}</Message>",
            self.code,
            xml_text(&self.message)
        );
        for (element, text) in &self.details {
            xml.push_str(&format!("<{element}>{}</{element}>", xml_text(text)));
        }
        let (id, host) = (random::s3_request_id(), random::secret_access_key());
        xml.push_str(&format!("<RequestId>{id}</RequestId><HostId>{host}</HostId></Error>"));
        let body = if method == "HEAD" { String::new() } else { xml };
        wire::answer(self.status, &[("content-type", "application/xml")], body)
    }
}

fn spaced_hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}
