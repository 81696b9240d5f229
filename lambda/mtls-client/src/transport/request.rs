//! The request as it goes to the upstream, in the form of either protocol.

use http::header::{CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, TE, TRANSFER_ENCODING, UPGRADE};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Method, Request, Uri, Version, request};

use super::body::RequestBody;
use crate::error::{Error, Reason};
use crate::upstream::Upstream;

/// What is sent, apart from the body. Kept to be sent again.
#[derive(Clone, Debug)]
pub(super) struct Head {
    method: Method,
    target: PathAndQuery,
    authority: Authority,
    headers: HeaderMap,
}

impl Head {
    /// The name that the upstream sees is the `host` header, else the URI's authority, else the SNI. Headers that are for
    /// one connection only (RFC 9110, section 7.6.1) go no further.
    ///
    /// # Errors
    /// `request-invalid` for CONNECT, and for a `host` that is none.
    pub(super) fn new(parts: request::Parts, upstream: &Upstream) -> Result<Self, Error> {
        let request::Parts { method, uri, mut headers, .. } = parts;
        if method == Method::CONNECT {
            return Err(Error::new(
                Reason::RequestInvalid,
                "CONNECT cannot be sent to an app; send the request itself",
            ));
        }
        let named = match headers.remove(HOST) {
            Some(host) => Some(parse_host(&host)?),
            None => uri.authority().cloned(),
        };
        let authority = match named {
            Some(authority) => authority,
            None => Authority::try_from(upstream.sni())
                .map_err(|_| Error::new(Reason::RequestInvalid, "the upstream's name is not a host"))?,
        };
        let target = uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        strip_hop_by_hop(&mut headers);
        Ok(Self { method, target, authority, headers })
    }

    /// RFC 9112, section 3.2.1 (origin form and `host`), or RFC 9113, section 8.3.1 (`:authority`).
    pub(super) fn request(&self, http2: bool, body: RequestBody) -> Result<Request<RequestBody>, Error> {
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.headers_mut() = self.headers.clone();
        if http2 {
            *request.version_mut() = Version::HTTP_2;
            *request.uri_mut() = Uri::builder()
                .scheme(Scheme::HTTPS)
                .authority(self.authority.clone())
                .path_and_query(self.target.clone())
                .build()
                .map_err(|_| Error::new(Reason::RequestInvalid, "the request's target is not a path"))?;
        } else {
            *request.uri_mut() = Uri::from(self.target.clone());
            let host = HeaderValue::from_str(self.authority.as_str()).map_err(|_| {
                Error::new(Reason::RequestInvalid, "the host header is not a host; write the app's name")
            })?;
            request.headers_mut().insert(HOST, host);
        }
        Ok(request)
    }

    /// RFC 9110, section 9.2.2.
    pub(super) fn is_idempotent(&self) -> bool {
        self.method.is_idempotent()
    }
}

/// RFC 9110, section 7.2: a host, or a host and a port, and nobody's name before them.
fn parse_host(host: &HeaderValue) -> Result<Authority, Error> {
    let whole = |authority: &Authority| {
        let text = authority.as_str();
        !text.contains('@') && (text == authority.host() || authority.port_u16().is_some())
    };
    let authority = Authority::try_from(host.as_bytes()).ok().filter(whole);
    authority.ok_or_else(|| Error::new(Reason::RequestInvalid, "the host header is not a host; write the app's name"))
}

fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let nominated: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    let trailers = headers.get(TE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"trailers"));
    for name in nominated {
        headers.remove(name);
    }
    for name in [CONNECTION, TE, TRANSFER_ENCODING, UPGRADE] {
        headers.remove(name);
    }
    for name in ["keep-alive", "proxy-connection"] {
        headers.remove(name);
    }
    if trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
}
