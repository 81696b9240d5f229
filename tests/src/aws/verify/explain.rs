//! What the signature should have covered: S3 tells it to whoever signs wrongly, and so does the double.
//!
//! This is a report and never a verdict: aws-sigv4 gives that. A test holds that both mean the same.

use super::{Authorization, Rules};
use crate::aws::random::sha256_hex;
use crate::aws::wire::{self, Received};

/// The double's view of a request whose signature does not match.
#[derive(Clone, Debug)]
pub(crate) struct Explanation {
    pub(crate) access_key_id: String,
    pub(crate) canonical_request: String,
    pub(crate) string_to_sign: String,
    pub(crate) signature_provided: String,
}

impl Explanation {
    pub(super) fn of(request: &Received, authorization: &Authorization, rules: Rules, payload_hash: &str) -> Self {
        let path = match rules {
            Rules::S3 => request.path.clone(),
            Rules::Other => encode(normalise(&request.path).as_bytes(), true),
        };
        let mut canonical = format!("{}\n{path}\n{}\n", request.method, query(request));
        for name in &authorization.signed_headers {
            let values: Vec<_> = request
                .headers
                .get_all(name.as_str())
                .iter()
                .map(|value| collapse(&String::from_utf8_lossy(value.as_bytes())))
                .collect();
            canonical.push_str(&format!("{name}:{}\n", values.join(",")));
        }
        canonical.push_str(&format!("\n{}\n{payload_hash}", authorization.signed_headers.join(";")));
        let Authorization { date, region, service, .. } = authorization;
        let string_to_sign = format!(
            "AWS4-HMAC-SHA256\n{}\n{date}/{region}/{service}/aws4_request\n{}",
            request.header("x-amz-date").unwrap_or_default(),
            sha256_hex(canonical.as_bytes()),
        );
        Self {
            access_key_id: authorization.access_key_id.clone(),
            canonical_request: canonical,
            string_to_sign,
            signature_provided: authorization.signature.clone(),
        }
    }
}

fn query(request: &Received) -> String {
    let pairs = wire::pairs(request.query.as_deref().unwrap_or_default()).unwrap_or_default();
    let mut encoded: Vec<(String, String)> =
        pairs.iter().map(|(key, value)| (encode(key.as_bytes(), false), encode(value.as_bytes(), false))).collect();
    encoded.sort();
    encoded.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join("&")
}

fn collapse(value: &str) -> String {
    value.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn encode(bytes: &[u8], keep_slash: bool) -> String {
    let mut encoded = String::new();
    for byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(*byte)),
            b'/' if keep_slash => encoded.push('/'),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// RFC 3986, 5.2.4, with empty segments removed as SigV4 wants outside S3.
fn normalise(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            other => kept.push(other),
        }
    }
    let is_directory = ["/", "/.", "/.."].iter().any(|end| path.ends_with(end));
    let slash = if is_directory && !kept.is_empty() { "/" } else { "" };
    format!("/{}{slash}", kept.join("/"))
}
