//! Temporary credentials of AWS, of which the secret parts can be used but never printed.

use alloc::string::String;
use core::fmt;

use zeroize::Zeroize as _;

/// Text that must not appear in any output. `Debug` prints a fixed placeholder; the bytes are wiped on drop.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes ownership of the text; the caller keeps no copy.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself, for the one place that must send or hash it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl Drop for Secret {
    /// Not inlined: the wiping loop would stand at every place where credentials end.
    #[inline(never)]
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// One set of temporary credentials, as STS hands them out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The public half, such as `ASIAIOSFODNN7EXAMPLE`. Not secret: CloudTrail shows it.
    pub access_key_id: String,
    /// The key that signatures are derived from.
    pub secret_access_key: Secret,
    /// Sent with each request in `x-amz-security-token`. `None` for long-term keys, as AWS's vectors use.
    pub session_token: Option<Secret>,
}
