//! The Authorization header of SigV4, read strictly.

use crate::aws::wire::Received;

/// `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`.
#[derive(Clone, Debug)]
pub(crate) struct Authorization {
    pub(crate) access_key_id: String,
    /// `YYYYMMDD`.
    pub(crate) date: String,
    pub(crate) region: String,
    pub(crate) service: String,
    /// Lower case, sorted, each once.
    pub(crate) signed_headers: Vec<String>,
    /// 64 lower-case hexadecimal digits.
    pub(crate) signature: String,
}

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

impl Authorization {
    pub(crate) fn parse(header: &str) -> Result<Self, String> {
        let (algorithm, rest) = header.split_once(' ').ok_or("the Authorization header has one word only")?;
        if algorithm != ALGORITHM {
            return Err(format!("the algorithm is not {ALGORITHM}"));
        }
        let (mut credential, mut signed, mut signature) = (None, None, None);
        for part in rest.split(',') {
            let (key, value) = part.trim().split_once('=').ok_or_else(|| format!("no value in {part:?}"))?;
            let slot = match key {
                "Credential" => &mut credential,
                "SignedHeaders" => &mut signed,
                "Signature" => &mut signature,
                other => return Err(format!("unknown component {other:?}")),
            };
            if slot.replace(value).is_some() {
                return Err(format!("{key} occurs twice"));
            }
        }
        let credential = credential.ok_or("Credential is missing")?;
        let signed = signed.ok_or("SignedHeaders is missing")?;
        let signature = signature.ok_or("Signature is missing")?;

        let parts: Vec<&str> = credential.split('/').collect();
        let [access_key_id, date, region, service, "aws4_request"] = parts[..] else {
            return Err("the Credential is not KEY/DATE/REGION/SERVICE/aws4_request".to_owned());
        };
        if date.len() != 8 || !date.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err("the Credential's date is not YYYYMMDD".to_owned());
        }
        let signed: Vec<String> = signed.split(';').map(str::to_owned).collect();
        if signed.iter().any(|name| name.is_empty() || name.bytes().any(|byte| byte.is_ascii_uppercase())) {
            return Err("SignedHeaders has an empty name, or one not in lower case".to_owned());
        }
        if !signed.is_sorted_by(|a, b| a < b) {
            return Err("SignedHeaders is not sorted, or names a header twice".to_owned());
        }
        if signature.len() != 64 || !signature.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err("the Signature is not 64 lower-case hexadecimal digits".to_owned());
        }
        Ok(Self {
            access_key_id: access_key_id.to_owned(),
            date: date.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
            signed_headers: signed,
            signature: signature.to_owned(),
        })
    }
}

/// Whether a request carries any signature, good or bad; what carries none is anonymous.
pub(crate) fn is_signed(request: &Received) -> bool {
    let header = request.headers.get("authorization").map(http::HeaderValue::as_bytes);
    header.is_some_and(|value| value.starts_with(ALGORITHM.as_bytes()))
        || request.query.as_deref().is_some_and(|query| query.contains("X-Amz-Signature="))
}

/// The access key that a request claims, for the journal, even when the rest of the header is broken.
pub(crate) fn access_key_of(request: &Received) -> Option<String> {
    let (_, rest) = request.header("authorization")?.split_once("Credential=")?;
    rest.split(['/', ',']).next().map(str::to_owned)
}
