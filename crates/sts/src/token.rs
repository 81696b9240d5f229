//! The pod's OIDC token: checked for its shape, sent to STS, shown to nobody.

use core::fmt;

use crate::wiped::Wiped;

/// Largest token that is sent, in bytes. STS itself takes 20,000 characters; kubelet's tokens are about 1,000.
pub const MAX_TOKEN_BYTES: usize = 16_384;

/// A JSON Web Token in compact form, as kubelet projects it: three non-empty base64url parts separated by dots.
///
/// Only the shape is checked; whether the token is genuine is for STS to say. `Debug` prints `[token]`; the bytes are
/// wiped on drop.
#[derive(Clone, PartialEq, Eq)]
pub struct WebIdentityToken(Wiped);

impl WebIdentityToken {
    /// Takes the token from the bytes of its file; ASCII whitespace around it (a final newline) is not part of it.
    ///
    /// # Errors
    ///
    /// Nothing but whitespace, more than [`MAX_TOKEN_BYTES`], or not three dot-separated base64url parts (RFC 7515,
    /// section 3.1), such as an error page.
    pub fn parse(bytes: &[u8]) -> Result<Self, TokenError> {
        let trimmed = bytes.trim_ascii();
        if trimmed.is_empty() {
            return Err(TokenError::Empty);
        }
        if trimmed.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::TooLarge { len: trimmed.len(), limit: MAX_TOKEN_BYTES });
        }
        let text = core::str::from_utf8(trimmed).map_err(|_| TokenError::NotAJwt)?;
        // Every dot must end a part that is not empty, and so must the end.
        let mut dots = 0_u8;
        let mut in_part = false;
        for byte in text.bytes() {
            if is_base64url(byte) {
                in_part = true;
            } else if byte == b'.' && in_part && dots < 2 {
                dots += 1;
                in_part = false;
            } else {
                return Err(TokenError::NotAJwt);
            }
        }
        if dots != 2 || !in_part {
            return Err(TokenError::NotAJwt);
        }
        let mut token = Wiped::with_capacity(text.len());
        token.push_str(text);
        Ok(Self(token))
    }

    /// The token itself, for the request to STS and for removing its echoes.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Debug for WebIdentityToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[token]")
    }
}

const fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

/// Why what was read is no token. It never holds the bytes that were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenError {
    /// There was nothing, or only whitespace.
    Empty,
    /// More bytes than a token can have.
    TooLarge {
        /// How many bytes there were.
        len: usize,
        /// How many there may be: [`MAX_TOKEN_BYTES`].
        limit: usize,
    },
    /// Something else than a token, such as an error page.
    NotAJwt,
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the token file is empty: look at the pod's projected service-account token volume"),
            Self::TooLarge { len, limit } => {
                write!(f, "the token has {len} bytes, more than {limit}: look at which file `token.path` serves")
            }
            Self::NotAJwt => f.write_str(
                "what was read is no token (three base64url parts separated by dots): look at which file `token.path` serves",
            ),
        }
    }
}

impl core::error::Error for TokenError {}
