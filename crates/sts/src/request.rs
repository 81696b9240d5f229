//! The request: a form in the body of a POST, never a URL, because it holds the token and URLs are logged.

use alloc::string::ToString;
use core::fmt;

use crate::WebIdentityToken;
use crate::wiped::Wiped;

/// Media type of [`FormBody`].
pub const CONTENT_TYPE: &str = "application/x-www-form-urlencoded";

/// The fixed headers of the request. The adapter adds `:method` (`POST`), `:path` (`/`), `:scheme`, `:authority` and
/// the length.
///
/// There is no `accept`: without one STS answers in XML, as documented. The user agent is what CloudTrail shows.
pub const HEADERS: [(&str, &str); 2] =
    [("content-type", CONTENT_TYPE), ("user-agent", concat!("meshbridge/", env!("CARGO_PKG_VERSION")))];

/// What is asked of STS. The fields are taken as they are: the configuration has checked them, and STS checks them
/// again.
#[derive(Clone, Copy, Debug)]
pub struct AssumeRole<'a> {
    /// ARN of the role, such as `arn:aws:iam::123456789012:role/mybucket-proxy`.
    pub role_arn: &'a str,
    /// `RoleSessionName`, 2 to 64 characters of `[\w+=,.@-]`: what CloudTrail shows as the caller.
    pub session_name: &'a str,
    /// Lifetime of the credentials in seconds, 900 to 43200 and at most what the role allows.
    pub duration_seconds: u32,
    /// Inline session policy: JSON, at most 2,048 characters.
    pub policy: Option<&'a str>,
}

impl AssumeRole<'_> {
    /// The body of the POST, of type [`CONTENT_TYPE`]. It holds the token.
    #[must_use]
    pub fn form_body(&self, token: &WebIdentityToken) -> FormBody {
        let policy = self.policy.unwrap_or_default();
        // Room for every byte as `%XX` before the first is written: a buffer that grew would leave copies of the token
        // in freed memory.
        let free_text = self.role_arn.len() + self.session_name.len() + policy.len();
        let mut body = Wiped::with_capacity(FIXED_BYTES + 3 * free_text + token.expose().len());
        body.push_str("Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=");
        encode(self.role_arn, &mut body);
        body.push_str("&RoleSessionName=");
        encode(self.session_name, &mut body);
        body.push_str("&DurationSeconds=");
        body.push_str(&self.duration_seconds.to_string());
        if self.policy.is_some() {
            body.push_str("&Policy=");
            encode(policy, &mut body);
        }
        // Base64url and dots are all unreserved.
        body.push_str("&WebIdentityToken=");
        body.push_str(token.expose());
        FormBody(body)
    }
}

/// At least what the names, the separators and the duration take.
const FIXED_BYTES: usize = 160;

/// The encoded form. `Debug` prints `[form with token]`; the bytes are wiped on drop.
#[derive(Clone, PartialEq, Eq)]
pub struct FormBody(Wiped);

impl FormBody {
    /// The bytes, for the one place that sends them.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.as_str().as_bytes()
    }
}

impl fmt::Debug for FormBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[form with token]")
    }
}

/// RFC 3986, section 2.3. The form syntax would also let `*` stand and write a space as `+`; this is read the same by
/// every decoder.
const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

#[inline(never)] // compiled once: it runs once an hour
fn encode(value: &str, out: &mut Wiped) {
    for byte in value.bytes() {
        if is_unreserved(byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(hex_digit(byte >> 4));
            out.push(hex_digit(byte & 15));
        }
    }
}

/// Upper case, as RFC 3986, section 2.1, recommends.
fn hex_digit(nibble: u8) -> char {
    char::from(if nibble < 10 { b'0' + nibble } else { b'A' + nibble - 10 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_never_grows_while_it_is_written() {
        let token = WebIdentityToken::parse(b"aaaa.bbbb.cccc").unwrap();
        for policy in [None, Some(""), Some("éééééééééééééééééééé{}{}{}{}{}{}{}{}")] {
            let ask = AssumeRole { role_arn: "::::", session_name: "====", duration_seconds: u32::MAX, policy };
            let asked = FIXED_BYTES + 3 * (8 + policy.map_or(0, str::len)) + token.expose().len();
            assert_eq!(ask.form_body(&token).0.capacity(), asked);
        }
    }
}
