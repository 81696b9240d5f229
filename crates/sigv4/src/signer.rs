//! Puts the parts together: canonical request, string to sign, signature, and the headers to set.

use alloc::string::String;
use alloc::vec::Vec;

use sha2::{Digest, Sha256};

use crate::canonical::{Header, Request, write_canonical_request, write_signed_headers};
use crate::credentials::Credentials;
use crate::hash::write_hex;
use crate::key::KeyCache;
use crate::timestamp::Timestamp;

const ALGORITHM: &[u8] = b"AWS4-HMAC-SHA256";

/// What a signing key is good for, besides its date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Such as `us-west-2`.
    pub region: String,
    /// The service's signing name, such as `s3` or `execute-api`.
    pub service: String,
}

/// Whether the session token is under the signature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SessionToken {
    /// As nearly every service wants it.
    #[default]
    Signed,
    /// Added after signing.
    Unsigned,
}

/// Variations that AWS's own vectors need. The default is right for every request that is really sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether the session token is under the signature.
    pub session_token: SessionToken,
    /// Leaves `x-amz-content-sha256` out. S3 requires it; all other services take it.
    pub omit_content_sha256: bool,
}

/// Signs the requests of one region and service. Keeps its buffers and the signing key from one request to the next.
pub struct Signer {
    scope: Scope,
    options: Options,
    keys: KeyCache,
    canonical_request: Vec<u8>,
    string_to_sign: Vec<u8>,
}

impl Signer {
    /// A signer with the default options.
    #[must_use]
    pub fn new(scope: Scope) -> Self {
        Self::with_options(scope, Options::default())
    }

    /// A signer for services with special needs, and for AWS's vectors.
    #[must_use]
    pub fn with_options(scope: Scope, options: Options) -> Self {
        Self {
            scope,
            options,
            keys: KeyCache::default(),
            canonical_request: Vec::with_capacity(2048),
            string_to_sign: Vec::with_capacity(192),
        }
    }

    /// Signs a request as of `at`. `request.headers` must not hold the headers that [`Signed::headers`] returns:
    /// they are added here.
    pub fn sign<'c>(&mut self, request: &Request<'_>, credentials: &'c Credentials, at: Timestamp) -> Signed<'c> {
        let mut content_sha256 = Vec::with_capacity(64);
        request.payload.write(&mut content_sha256);
        let token = credentials.session_token.as_ref().map(|token| token.expose().as_bytes());

        let mut headers = Vec::with_capacity(request.headers.len() + 3);
        headers.extend_from_slice(request.headers);
        headers.push(Header { name: "x-amz-date", value: at.as_bytes() });
        if !self.options.omit_content_sha256 {
            headers.push(Header { name: "x-amz-content-sha256", value: &content_sha256 });
        }
        if let (Some(value), SessionToken::Signed) = (token, self.options.session_token) {
            headers.push(Header { name: "x-amz-security-token", value });
        }
        self.canonical_request.clear();
        write_canonical_request(request, &mut headers, &mut self.canonical_request);

        self.string_to_sign.clear();
        let out = &mut self.string_to_sign;
        out.extend_from_slice(ALGORITHM);
        out.push(b'\n');
        out.extend_from_slice(at.as_bytes());
        out.push(b'\n');
        write_scope(&self.scope, at, out);
        out.push(b'\n');
        write_hex(&Sha256::digest(&self.canonical_request), out);

        let signature = self.keys.get(credentials, at.date(), &self.scope).sign(&self.string_to_sign);

        let mut authorization = Vec::with_capacity(256);
        authorization.extend_from_slice(ALGORITHM);
        authorization.extend_from_slice(b" Credential=");
        authorization.extend_from_slice(credentials.access_key_id.as_bytes());
        authorization.push(b'/');
        write_scope(&self.scope, at, &mut authorization);
        authorization.extend_from_slice(b", SignedHeaders=");
        write_signed_headers(&headers, &mut authorization);
        authorization.extend_from_slice(b", Signature=");
        write_hex(&signature, &mut authorization);

        let content_sha256 = (!self.options.omit_content_sha256).then_some(content_sha256);
        Signed { at, authorization, content_sha256, token }
    }

    /// The canonical request of the last [`Signer::sign`]. Holds the session token where that was signed: a caller
    /// that shows it to anybody must take the value out first.
    #[must_use]
    pub fn last_canonical_request(&self) -> &[u8] {
        &self.canonical_request
    }

    /// The string to sign of the last [`Signer::sign`]. Holds no secret.
    #[must_use]
    pub fn last_string_to_sign(&self) -> &[u8] {
        &self.string_to_sign
    }
}

impl core::fmt::Debug for Signer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // The canonical request holds the session token.
        f.debug_struct("Signer").field("scope", &self.scope).field("options", &self.options).finish_non_exhaustive()
    }
}

/// The credential scope: `20150830/us-east-1/s3/aws4_request`.
fn write_scope(scope: &Scope, at: Timestamp, out: &mut Vec<u8>) {
    out.extend_from_slice(&at.date());
    for part in [scope.region.as_bytes(), scope.service.as_bytes(), b"aws4_request"] {
        out.push(b'/');
        out.extend_from_slice(part);
    }
}

/// The headers that make a request a signed one.
#[derive(Clone)]
pub struct Signed<'c> {
    at: Timestamp,
    authorization: Vec<u8>,
    content_sha256: Option<Vec<u8>>,
    token: Option<&'c [u8]>,
}

impl Signed<'_> {
    /// What to set on the request, each name once; a header of that name that is there already must go.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &[u8])> {
        [
            Some(("authorization", self.authorization.as_slice())),
            Some(("x-amz-date", self.at.as_bytes())),
            self.content_sha256.as_deref().map(|value| ("x-amz-content-sha256", value)),
            self.token.map(|value| ("x-amz-security-token", value)),
        ]
        .into_iter()
        .flatten()
    }

    /// The signature alone: the last 64 hexadecimal digits of `authorization`.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        self.authorization.rsplit(|&b| b == b'=').next().unwrap_or_default()
    }
}

impl core::fmt::Debug for Signed<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // The session token is a secret; a valid signature is good for a quarter of an hour.
        f.debug_struct("Signed").field("at", &self.at).finish_non_exhaustive()
    }
}
