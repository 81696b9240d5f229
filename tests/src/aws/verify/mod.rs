//! Judges the SigV4 signature of a request as it stood on the wire, with AWS's own `aws-sigv4` as the second opinion.
//!
//! Two things that AWS might accept are refused here on purpose, so nothing can depend on them: a query that does not
//! decode to UTF-8 (aws-sigv4 would replace its bytes before signing), and presigned URLs.

mod authorization;
mod explain;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode,
    sign,
};
use aws_sigv4::sign::v4;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

pub(crate) use self::authorization::{Authorization, access_key_of, is_signed};
pub(crate) use self::explain::Explanation;
use super::random::sha256_hex;
use super::sessions::{Session, Sessions};
use super::wire::Received;

/// How far from the server's time a request may be dated.
pub(crate) const MAX_SKEW: Duration = Duration::from_secs(15 * 60);

/// Whose rules apply.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Rules {
    /// The path encoded once and not normalised; `x-amz-content-sha256` required.
    S3,
    /// The path normalised and encoded twice; the payload is always covered.
    Other,
}

/// What an endpoint expects in the credential scope.
#[derive(Clone, Debug)]
pub(crate) struct Expectation {
    pub(crate) service: &'static str,
    pub(crate) region: String,
    pub(crate) rules: Rules,
}

/// Why a request is refused.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// No signature at all.
    Unsigned,
    /// The query carries the signature.
    Presigned,
    /// Something about the signature cannot be read.
    Malformed(String),
    UnknownAccessKey(String),
    /// The session's token did not come along.
    MissingToken(String),
    /// The token is not this session's.
    WrongToken,
    Expired,
    WrongRegion(String),
    WrongService(String),
    /// The scope's date is not that of `x-amz-date`.
    ScopeDate,
    Skewed {
        request: SystemTime,
        now: SystemTime,
        raw: String,
    },
    /// This header arrived without being covered by the signature.
    HeaderNotSigned(String),
    /// S3 wants `x-amz-content-sha256`.
    MissingContentHash,
    /// The body is not the one that was hashed.
    ContentHash {
        claimed: String,
        actual: String,
    },
    Mismatch(Box<Explanation>),
}

/// Verifies one request; on success the session that signed it.
pub(crate) fn verify(
    request: &Received,
    expected: &Expectation,
    sessions: &Sessions,
    now: SystemTime,
) -> Result<Arc<Session>, Refusal> {
    let pairs = request.query_pairs();
    if pairs.iter().flatten().any(|(key, _)| key == "X-Amz-Signature") {
        return Err(Refusal::Presigned);
    }
    if !request.headers.contains_key("authorization") {
        return Err(Refusal::Unsigned);
    }
    let header = request.header("authorization").ok_or_else(|| malformed("several or binary Authorization headers"))?;
    let authorization = Authorization::parse(header).map_err(Refusal::Malformed)?;
    if pairs.is_none() {
        return Err(malformed("the query does not decode to UTF-8"));
    }

    let session = sessions
        .find(&authorization.access_key_id)
        .ok_or_else(|| Refusal::UnknownAccessKey(authorization.access_key_id.clone()))?;
    check_token(request, &session, now)?;
    let date = check_scope(request, &authorization, expected, now)?;
    check_coverage(request, &authorization)?;
    let payload_hash = check_payload(request, expected.rules)?;
    check_signature(request, &authorization, expected, &session, date, payload_hash)?;
    Ok(session)
}

fn check_token(request: &Received, session: &Session, now: SystemTime) -> Result<(), Refusal> {
    if !request.headers.contains_key("x-amz-security-token") {
        return Err(Refusal::MissingToken(session.access_key_id.clone()));
    }
    if request.header("x-amz-security-token") != Some(&session.session_token) {
        return Err(Refusal::WrongToken);
    }
    if session.is_expired(now) { Err(Refusal::Expired) } else { Ok(()) }
}

fn check_scope(
    request: &Received,
    authorization: &Authorization,
    expected: &Expectation,
    now: SystemTime,
) -> Result<SystemTime, Refusal> {
    if authorization.region != expected.region {
        return Err(Refusal::WrongRegion(authorization.region.clone()));
    }
    if authorization.service != expected.service {
        return Err(Refusal::WrongService(authorization.service.clone()));
    }
    let raw = request.header("x-amz-date").ok_or_else(|| malformed("x-amz-date is missing or not single"))?;
    let date = amz_date(raw).ok_or_else(|| malformed("x-amz-date is not YYYYMMDD'T'HHMMSS'Z'"))?;
    if !raw.starts_with(&authorization.date) {
        return Err(Refusal::ScopeDate);
    }
    let skew = now.duration_since(date).unwrap_or_else(|ahead| ahead.duration());
    if skew > MAX_SKEW {
        return Err(Refusal::Skewed { request: date, now, raw: raw.to_owned() });
    }
    Ok(date)
}

/// `host` and every `x-amz-*` header must be covered, and nothing may be covered that is not there.
fn check_coverage(request: &Received, authorization: &Authorization) -> Result<(), Refusal> {
    let signed = &authorization.signed_headers;
    for name in request.headers.keys().map(http::HeaderName::as_str) {
        let must = name == "host" || name.starts_with("x-amz-");
        if must && !signed.iter().any(|one| one == name) {
            return Err(Refusal::HeaderNotSigned(name.to_owned()));
        }
    }
    for name in signed {
        let values: Vec<_> = request.headers.get_all(name.as_str()).iter().collect();
        if values.is_empty() {
            return Err(malformed(&format!("signed header {name} did not arrive")));
        }
        if values.iter().any(|value| std::str::from_utf8(value.as_bytes()).is_err()) {
            return Err(malformed(&format!("signed header {name} is not UTF-8")));
        }
    }
    Ok(())
}

/// The last line of the canonical request, after comparing it with the body where it is a hash.
fn check_payload(request: &Received, rules: Rules) -> Result<String, Refusal> {
    let actual = sha256_hex(&request.body);
    if !request.headers.contains_key("x-amz-content-sha256") {
        return match rules {
            Rules::S3 => Err(Refusal::MissingContentHash),
            Rules::Other => Ok(actual),
        };
    }
    let claimed = request
        .header("x-amz-content-sha256")
        .ok_or_else(|| malformed("several x-amz-content-sha256 headers"))?
        .to_owned();
    let is_hash = claimed.len() == 64 && claimed.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let is_keyword = matches!(
        claimed.as_str(),
        "UNSIGNED-PAYLOAD"
            | "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
            | "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
            | "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
    );
    match rules {
        // Chunk signatures and trailers inside the body are s3s's to verify.
        Rules::S3 if is_keyword => Ok(claimed),
        _ if is_hash && claimed == actual => Ok(claimed),
        _ if is_hash => Err(Refusal::ContentHash { claimed, actual }),
        _ => Err(malformed("x-amz-content-sha256 is neither a hash nor a keyword that this service accepts")),
    }
}

fn check_signature(
    request: &Received,
    authorization: &Authorization,
    expected: &Expectation,
    session: &Session,
    date: SystemTime,
    payload_hash: String,
) -> Result<(), Refusal> {
    // The host header stands among the headers; aws-sigv4 only wants some absolute URI.
    let query = request.query.as_deref().map(|query| format!("?{query}")).unwrap_or_default();
    let uri = format!("https://double.invalid{}{query}", request.path);
    let mut headers = Vec::new();
    for name in &authorization.signed_headers {
        // aws-sigv4 sets these two itself, from the date and the credentials.
        if name == "x-amz-date" || name == "x-amz-security-token" {
            continue;
        }
        for value in request.headers.get_all(name.as_str()) {
            headers.push((name.as_str(), std::str::from_utf8(value.as_bytes()).unwrap_or_default()));
        }
    }
    let mut settings = SigningSettings::default();
    // Exactly the headers that we pass in are to be covered, User-Agent included if the client signed it.
    settings.excluded_headers = None;
    settings.payload_checksum_kind = PayloadChecksumKind::NoHeader;
    (settings.percent_encoding_mode, settings.uri_path_normalization_mode) = match expected.rules {
        Rules::S3 => (PercentEncodingMode::Single, UriPathNormalizationMode::Disabled),
        Rules::Other => (PercentEncodingMode::Double, UriPathNormalizationMode::Enabled),
    };
    let identity = Credentials::new(
        &session.access_key_id,
        &session.secret_access_key,
        Some(session.session_token.clone()),
        None,
        "double",
    )
    .into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(&authorization.region)
        .name(&authorization.service)
        .time(date)
        .settings(settings)
        .build()
        .map_err(|error| malformed(&error.to_string()))?
        .into();
    let body = SignableBody::Precomputed(payload_hash.clone());
    let signable = SignableRequest::new(&request.method, uri, headers.into_iter(), body)
        .map_err(|error| malformed(&error.to_string()))?;
    let (_, signature) = sign(signable, &params).map_err(|error| malformed(&error.to_string()))?.into_parts();
    if signature == authorization.signature {
        return Ok(());
    }
    Err(Refusal::Mismatch(Box::new(Explanation::of(request, authorization, expected.rules, &payload_hash))))
}

fn amz_date(text: &str) -> Option<SystemTime> {
    const FORMAT: &[time::format_description::BorrowedFormatItem<'_>] =
        format_description!("[year][month][day]T[hour][minute][second]Z");
    let date: OffsetDateTime = PrimitiveDateTime::parse(text, &FORMAT).ok()?.assume_utc();
    (text.len() == 16).then(|| date.into())
}

fn malformed(reason: &str) -> Refusal {
    Refusal::Malformed(reason.to_owned())
}
