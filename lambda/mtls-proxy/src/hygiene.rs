//! What of a message's headers is for the next hop alone, or claims what the caller cannot know, is taken out.

use std::time::Duration;

use base64::Engine as _;
use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING,
    UPGRADE, VIA,
};
use http::{HeaderMap, HeaderName, HeaderValue, Version};
use zeroize::Zeroizing;

use crate::gate::{Malformed, malformed};

/// The header that brings the token.
pub const TOKEN_HEADER: HeaderName = HeaderName::from_static("x-meshbridge-token");
/// The header that says how long the caller waits for the head of the answer.
pub const TIMEOUT_HEADER: HeaderName = HeaderName::from_static("x-meshbridge-timeout-ms");
/// The user of the token's proxy form: `http://meshbridge:TOKEN@127.0.0.1:8181`.
const PROXY_USER: &[u8] = b"meshbridge:";
/// Lambda's own limit. (Lambda quotas: a function runs for at most 900 seconds.)
const MAX_TIMEOUT_MS: u64 = 900_000;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");

/// For one connection only. (RFC 9110, section 7.6.1; the two of proxies are ours to use up.)
const HOP_BY_HOP: [HeaderName; 10] = [
    CONNECTION,
    KEEP_ALIVE,
    PROXY_CONNECTION,
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    HTTP2_SETTINGS,
];

/// What only a proxy that checked it may say to an app, so that nothing that a function was made to send is believed.
/// `client-cert`: RFC 9440. Envoy obeys `x-envoy-*` where it takes its caller for internal.
const CLAIMS: [&str; 5] = ["forwarded", "x-real-ip", "client-cert", "client-cert-chain", "x-client-cert"];
const CLAIM_PREFIXES: [&str; 4] = ["x-forwarded-", "x-envoy-", "x-meshbridge-", "x-ssl-"];

/// What a request says to the proxy itself.
#[derive(Debug)]
pub(crate) struct ToUs {
    /// The token that it presents.
    pub(crate) token: Option<Presented>,
    /// How long it waits.
    pub(crate) timeout: Option<Duration>,
}

/// A token as it was presented. Never printed, and wiped.
pub(crate) struct Presented(pub(crate) Zeroizing<Vec<u8>>);

impl std::fmt::Debug for Presented {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Presented(…)")
    }
}

/// Reads what the request says to the proxy; refuses what must not be forwarded.
pub(crate) fn read(headers: &HeaderMap, proxy_form: bool) -> Result<ToUs, Malformed> {
    for option in connection_options(headers) {
        if [HOST, CONTENT_LENGTH, TRANSFER_ENCODING].iter().any(|name| option.eq_ignore_ascii_case(name.as_str())) {
            return Err(malformed::CONNECTION);
        }
    }
    if headers.get_all(EXPECT).iter().any(|value| !value.as_bytes().eq_ignore_ascii_case(b"100-continue")) {
        return Err(malformed::EXPECTATION);
    }
    // Java's client offers h2c with every request; not to accept is to go on with HTTP/1.1. (RFC 9110, section 7.8.)
    if headers.get_all(UPGRADE).iter().any(|value| !value.as_bytes().eq_ignore_ascii_case(b"h2c")) {
        return Err(malformed::UPGRADE);
    }
    Ok(ToUs { token: token(headers, proxy_form)?, timeout: timeout(headers)? })
}

fn token(headers: &HeaderMap, proxy_form: bool) -> Result<Option<Presented>, Malformed> {
    if let Some(value) = only(headers, &TOKEN_HEADER).map_err(|()| malformed::TOKEN_TWICE)? {
        return Ok(Some(Presented(Zeroizing::new(value.as_bytes().to_vec()))));
    }
    if !proxy_form {
        return Ok(None);
    }
    let value = only(headers, &PROXY_AUTHORIZATION).map_err(|()| malformed::TOKEN_TWICE)?;
    Ok(value.map(|value| Presented(Zeroizing::new(basic(value).unwrap_or_default()))))
}

/// The password of `Basic base64(meshbridge:password)`. (RFC 7617)
fn basic(value: &HeaderValue) -> Option<Vec<u8>> {
    let (scheme, credentials) = value.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = Zeroizing::new(base64::engine::general_purpose::STANDARD.decode(credentials.trim()).ok()?);
    decoded.strip_prefix(PROXY_USER).map(<[u8]>::to_vec)
}

fn timeout(headers: &HeaderMap) -> Result<Option<Duration>, Malformed> {
    let Some(value) = only(headers, &TIMEOUT_HEADER).map_err(|()| malformed::TIMEOUT_HEADER)? else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default();
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let number = text.parse().ok().filter(|number| digits && (1..=MAX_TIMEOUT_MS).contains(number));
    number.map(|number| Some(Duration::from_millis(number))).ok_or(malformed::TIMEOUT_HEADER)
}

/// The one value of a header; fails when there are several.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a HeaderValue>, ()> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() { Err(()) } else { Ok(first) }
}

/// Makes of a request's headers what the app shall see.
pub(crate) fn clean_request(headers: &mut HeaderMap, version: Version, authority: HeaderValue) {
    remove_hop_by_hop(headers);
    headers.remove(EXPECT);
    let claims: Vec<HeaderName> = headers.keys().filter(|name| is_claim(name.as_str())).cloned().collect();
    for name in claims {
        headers.remove(name);
    }
    headers.insert(HOST, authority);
    // RFC 9110, section 7.6.3: a proxy must say that it was there, and by which protocol it was reached.
    let via = if version == Version::HTTP_10 { "1.0 meshbridge" } else { "1.1 meshbridge" };
    headers.append(VIA, HeaderValue::from_static(via));
}

/// Makes of a response's headers what the function shall see: no word of ours but from us.
pub(crate) fn clean_response(headers: &mut HeaderMap) {
    remove_hop_by_hop(headers);
    let ours: Vec<HeaderName> =
        headers.keys().filter(|name| name.as_str().starts_with("x-meshbridge-")).cloned().collect();
    for name in ours {
        headers.remove(name);
    }
}

fn is_claim(name: &str) -> bool {
    CLAIMS.contains(&name) || CLAIM_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(CONNECTION) {
        let named: Vec<HeaderName> =
            connection_options(headers).filter_map(|option| HeaderName::from_bytes(option.as_bytes()).ok()).collect();
        for name in named {
            headers.remove(name);
        }
    }
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
}

fn connection_options(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(CONNECTION).iter();
    values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).map(str::trim)
}

#[cfg(test)]
mod tests;
