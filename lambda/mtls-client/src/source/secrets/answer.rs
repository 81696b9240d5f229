//! What Secrets Manager's answers mean.

use http::StatusCode;
use serde::Deserialize;
use zeroize::{Zeroize as _, Zeroizing};

use super::http::Answer;
use crate::source::{SourceError, SourceFault};

/// Secrets Manager API Reference, GetSecretValue. `SecretBinary` is not read: nobody writes it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Value {
    secret_string: Option<String>,
    version_id: Option<String>,
}

/// Errors of the JSON protocol; both spellings of `message` occur.
#[derive(Deserialize, Default)]
struct Refusal {
    #[serde(rename = "__type")]
    kind: Option<String>,
    #[serde(alias = "Message")]
    message: Option<String>,
}

/// The secret's text out of an answer. `version` is the one that was asked for, if one was. `asked` tells for whom, in
/// words, such as `the secret a in us-west-2`.
pub(super) fn read(
    answer: &Answer,
    version: Option<&str>,
    asked: &str,
    token: Option<&str>,
) -> Result<Zeroizing<String>, SourceError> {
    if answer.status != StatusCode::OK {
        return Err(refused(answer, asked, token));
    }
    let invalid = |problem: &str| SourceError::new(SourceFault::Invalid, format!("{asked} {problem}"));
    let value: Value = serde_json::from_slice(&answer.body)
        .map_err(|_| invalid("came in an answer that is not Secrets Manager's; see what listens at the endpoint"))?;
    let Value { secret_string, version_id } = value;
    let text = secret_string.map(Zeroizing::new);
    let text = text.ok_or_else(|| invalid("has no SecretString; write it as text"))?;
    if version.is_some() && version != version_id.as_deref() {
        return Err(invalid("came in another version than the one asked for; see what listens at the endpoint"));
    }
    Ok(text)
}

/// Whether the answer says that the credentials have ended, so that newer ones may help.
pub(super) fn blames_credentials(answer: &Answer) -> bool {
    let kind = kind_of(answer, &refusal(answer));
    matches!(
        kind.as_str(),
        "ExpiredTokenException" | "ExpiredToken" | "UnrecognizedClientException" | "InvalidClientTokenId"
    )
}

fn refused(answer: &Answer, asked: &str, token: Option<&str>) -> SourceError {
    let mut refusal = refusal(answer);
    let kind = kind_of(answer, &refusal);
    let (fault, remedy) = classify(&kind, answer.status);
    let detail = refusal.message.as_deref().map_or_else(String::new, |text| presentable(&kind, text, token));
    refusal.message.zeroize();
    let name = if kind.is_empty() { answer.status.as_str().to_owned() } else { kind };
    SourceError::new(fault, format!("{asked}: {name}{detail}; {remedy}"))
}

fn refusal(answer: &Answer) -> Refusal {
    serde_json::from_slice(&answer.body).unwrap_or_default()
}

/// The name alone: in the body it may have a namespace in front (`com.amazonaws…#Name`), in the header a URI behind.
fn kind_of(answer: &Answer, refusal: &Refusal) -> String {
    let kind = refusal.kind.as_deref().or(answer.error_type.as_deref()).unwrap_or_default();
    let kind = kind.rsplit('#').next().unwrap_or_default();
    let kind = kind.split(':').next().unwrap_or_default();
    kind.chars().filter(char::is_ascii_alphanumeric).take(64).collect()
}

/// Secrets Manager API Reference, GetSecretValue and "Common errors".
fn classify(kind: &str, status: StatusCode) -> (SourceFault, &'static str) {
    match kind {
        "ResourceNotFoundException" | "ResourceNotFound" => {
            (SourceFault::Missing, "see whether the app is opted in and the issuer has published")
        }
        "InvalidRequestException" => {
            (SourceFault::Missing, "see whether the secret is scheduled for deletion, as after opting out")
        }
        "AccessDeniedException" | "AccessDenied" | "NotAuthorized" | "OptInRequired" => {
            (SourceFault::AccessDenied, "allow secretsmanager:GetSecretValue to the function's role, in both policies")
        }
        "DecryptionFailure" | "KMSAccessDeniedException" => {
            (SourceFault::AccessDenied, "allow kms:Decrypt of the secret's key to the function's role")
        }
        "ExpiredTokenException"
        | "ExpiredToken"
        | "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "IncompleteSignature"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "RequestExpired" => (SourceFault::AccessDenied, "see whether the function's credentials and clock are right"),
        "ThrottlingException"
        | "Throttling"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "LimitExceededException" => {
            (SourceFault::Throttled, "it is tried again by itself; raise the quota if it stays")
        }
        _ if status == StatusCode::TOO_MANY_REQUESTS => {
            (SourceFault::Throttled, "it is tried again by itself; raise the quota if it stays")
        }
        _ if status.is_server_error() => (SourceFault::Unavailable, "it is tried again by itself"),
        _ if status == StatusCode::FORBIDDEN || status == StatusCode::UNAUTHORIZED => {
            (SourceFault::AccessDenied, "allow secretsmanager:GetSecretValue to the function's role, in both policies")
        }
        _ => (SourceFault::Invalid, "see whether the names of the secrets are right"),
    }
}

/// The first line of AWS's own words. What it says about signatures may repeat the request with its session token, and is
/// left out.
fn presentable(kind: &str, text: &str, token: Option<&str>) -> String {
    let line: String = text.lines().next().unwrap_or_default().chars().filter(|c| !c.is_control()).take(300).collect();
    if line.is_empty() || kind.contains("Signature") || token.is_some_and(|token| text.contains(token)) {
        return String::new();
    }
    format!(" ({line})")
}
