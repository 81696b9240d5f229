//! One HTTP request as it stood on the wire, and the small conversions that several services need.

use std::time::SystemTime;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::{Request, Response, StatusCode};
use time::OffsetDateTime;
use time::macros::format_description;

use super::server::Body;

/// A request whose body has been read.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) method: String,
    /// Not decoded, not normalised.
    pub(crate) path: String,
    /// Not decoded, without the `?`.
    pub(crate) query: Option<String>,
    /// `Host`, or `:authority` in HTTP/2; with a port if one was sent.
    pub(crate) host: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Why a request could not be read; the caller answers with the status.
#[derive(Debug)]
pub(crate) struct Unreadable {
    pub(crate) status: StatusCode,
    pub(crate) reason: String,
}

impl Received {
    pub(crate) async fn read(request: Request<Incoming>, limit: usize) -> Result<Self, Unreadable> {
        let bad = |reason: &str| Unreadable { status: StatusCode::BAD_REQUEST, reason: reason.to_owned() };
        let (mut parts, body) = request.into_parts();
        let hosts: Vec<_> = parts.headers.get_all("host").iter().collect();
        let host = match (hosts.as_slice(), parts.uri.authority()) {
            ([one], _) => one.to_str().map_err(|_| bad("Host is not text"))?.to_owned(),
            // HTTP/2: what is signed as `host` travels as `:authority`.
            ([], Some(authority)) => authority.as_str().to_owned(),
            ([], None) => return Err(bad("Host is missing")),
            _ => return Err(bad("several Host headers")),
        };
        if hosts.is_empty() {
            parts.headers.insert("host", host.parse().map_err(|_| bad("Host is not text"))?);
        }
        if !parts.uri.path().starts_with('/') {
            return Err(bad("the path does not begin with a slash"));
        }
        let body = Limited::new(body, limit).collect().await.map_err(|error| {
            if error.downcast_ref::<LengthLimitError>().is_some() {
                Unreadable { status: StatusCode::PAYLOAD_TOO_LARGE, reason: "the body is too long".to_owned() }
            } else {
                bad("the body ended early")
            }
        })?;
        Ok(Self {
            method: parts.method.as_str().to_owned(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().map(str::to_owned),
            host,
            headers: parts.headers,
            body: body.to_bytes(),
        })
    }

    /// A header that occurs exactly once and is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let one = values.next()?;
        if values.next().is_some() { None } else { std::str::from_utf8(one.as_bytes()).ok() }
    }

    pub(crate) fn host_without_port(&self) -> &str {
        self.host.rsplit_once(':').map_or(self.host.as_str(), |(host, _)| host)
    }

    /// The query's keys and values, decoded; None when they do not decode to UTF-8.
    pub(crate) fn query_pairs(&self) -> Option<Vec<(String, String)>> {
        pairs(self.query.as_deref().unwrap_or_default())
    }
}

/// Decodes `a=b&c=d`, where `+` is a space; None on a bad `%` or on bytes that are not UTF-8.
pub(crate) fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let decode = |part: &str| String::from_utf8(percent_decode(&part.replace('+', " "))?).ok();
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(key)?, decode(value)?))
        })
        .collect()
}

/// Undoes `%XX`; None when two hexadecimal digits do not follow a `%`.
pub(crate) fn percent_decode(text: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let mut digit = || char::from(bytes.next()?).to_digit(16);
            let (high, low) = (digit()?, digit()?);
            decoded.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            decoded.push(byte);
        }
    }
    Some(decoded)
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(crate) fn http_date(time: SystemTime) -> String {
    const FORMAT: &[time::format_description::BorrowedFormatItem<'_>] =
        format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");
    OffsetDateTime::from(time).format(&FORMAT).expect("a date of our time can be written")
}

/// `2026-01-31T12:00:00Z`.
pub(crate) fn iso_date(time: SystemTime) -> String {
    const FORMAT: &[time::format_description::BorrowedFormatItem<'_>] =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    OffsetDateTime::from(time).format(&FORMAT).expect("a date of our time can be written")
}

/// Text as it must stand in XML.
pub(crate) fn xml_text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// An answer with a whole body; header values are our own and valid.
pub(crate) fn answer(status: StatusCode, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Response<Body> {
    let mut builder = Response::builder().status(status);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    let body = Full::new(body.into()).map_err(|never| match never {}).boxed_unsync();
    builder.body(body).expect("our own headers are valid")
}
