//! Names of HTTP header fields.

use alloc::string::String;

use super::Invalid;

/// A header that the filter may set for the backend: a token in lower case (RFC 9110, section 5.1) that means nothing
/// to HTTP or to AWS already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderName(String);

impl HeaderName {
    /// # Errors
    /// [`Invalid`], when it is not a header name, or one that has a meaning of its own.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let token = (1..=128).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"!#$%&'*+.^`|~-".contains(&b));
        if !token {
            return Err(Invalid {
                problem: "is not a header name in lower case",
                remedy: "write it as x-mesh-caller, without underscores, or null to send none",
            });
        }
        let taken = text.starts_with("x-amz")
            || text.starts_with("x-envoy-")
            || text.starts_with("x-forwarded-")
            || text.starts_with("content-")
            || !text.starts_with("x-");
        if taken {
            return Err(Invalid {
                problem: "has a meaning of its own to HTTP, Envoy or AWS",
                remedy: "use a name of yours that begins with x-",
            });
        }
        Ok(Self(text.into()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_without_a_meaning_of_its_own_is_taken() {
        assert!(HeaderName::parse("x-mesh-caller").is_ok());
        for text in [
            "",
            "X-Mesh-Caller",
            "x mesh",
            ":path",
            "host",
            "authorization",
            "x-amz-meta-caller",
            "x-envoy-peer",
            "x-amzn-trace-id",
            "content-type",
            "x-forwarded-client-cert",
            "connection",
            "te",
            "x_mesh",
            "x-a\nb",
        ] {
            assert!(HeaderName::parse(text).is_err(), "{text}");
        }
    }
}
