//! Why a call did not get an answer: a fixed word for machines, a sentence with a remedy for people.

use std::borrow::Cow;
use std::fmt;

/// What kept a call from being answered. [`Reason::as_str`] is the value of the header `x-meshbridge-error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// There is no certificate or no key where it was looked for.
    IdentityMissing,
    /// The certificate's time is over, and no newer one could be had.
    IdentityExpired,
    /// What was found is not a valid pair of certificate and key for this workload.
    IdentityInvalid,
    /// The function's role may not read the secrets, or has no credentials.
    AccessDenied,
    /// Secrets Manager asked for fewer calls.
    Throttled,
    /// The source of the identity did not answer, or not in time.
    IdentityUnavailable,
    /// The server is not the expected workload. Nothing of the request was sent.
    UpstreamIdentity,
    /// No connection, or one that broke before the answer.
    UpstreamUnreachable,
    /// The TLS handshake failed, or the server refused the client's certificate.
    UpstreamTls,
    /// The upstream did not connect or answer in time.
    UpstreamTimeout,
    /// The answer is not HTTP, or breaks its rules.
    UpstreamProtocol,
    /// The caller's deadline has passed.
    DeadlineExceeded,
    /// The caller's request cannot be sent: CONNECT, or its own body failed.
    RequestInvalid,
}

impl Reason {
    /// Every reason, for documentation and tests.
    pub const ALL: [Self; 13] = [
        Self::IdentityMissing,
        Self::IdentityExpired,
        Self::IdentityInvalid,
        Self::AccessDenied,
        Self::Throttled,
        Self::IdentityUnavailable,
        Self::UpstreamIdentity,
        Self::UpstreamUnreachable,
        Self::UpstreamTls,
        Self::UpstreamTimeout,
        Self::UpstreamProtocol,
        Self::DeadlineExceeded,
        Self::RequestInvalid,
    ];

    /// The fixed word, such as `identity-expired`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IdentityMissing => "identity-missing",
            Self::IdentityExpired => "identity-expired",
            Self::IdentityInvalid => "identity-invalid",
            Self::AccessDenied => "access-denied",
            Self::Throttled => "throttled",
            Self::IdentityUnavailable => "identity-unavailable",
            Self::UpstreamIdentity => "upstream-identity",
            Self::UpstreamUnreachable => "upstream-unreachable",
            Self::UpstreamTls => "upstream-tls",
            Self::UpstreamTimeout => "upstream-timeout",
            Self::UpstreamProtocol => "upstream-protocol",
            Self::DeadlineExceeded => "deadline-exceeded",
            Self::RequestInvalid => "request-invalid",
        }
    }

    /// The status that a proxy should answer with. 503 is worth repeating as it is, 502 needs somebody to mend
    /// something, 504 took too long.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::RequestInvalid => 400,
            Self::IdentityInvalid
            | Self::AccessDenied
            | Self::UpstreamIdentity
            | Self::UpstreamTls
            | Self::UpstreamProtocol => 502,
            Self::IdentityMissing
            | Self::IdentityExpired
            | Self::Throttled
            | Self::IdentityUnavailable
            | Self::UpstreamUnreachable => 503,
            Self::UpstreamTimeout | Self::DeadlineExceeded => 504,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A [`Reason`], and in words what happened and what to do. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    reason: Reason,
    message: Cow<'static, str>,
}

impl Error {
    /// `message` is lower case and ends with the remedy, without a full stop.
    pub(crate) fn new(reason: Reason, message: impl Into<Cow<'static, str>>) -> Self {
        Self { reason, message: message.into() }
    }

    /// The fixed word: the value of `x-meshbridge-error`.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        self.reason.as_str()
    }

    /// The same, to be matched on.
    #[must_use]
    pub const fn kind(&self) -> Reason {
        self.reason
    }

    /// As [`Reason::status`].
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.reason.status()
    }

    /// What happened and what to do.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.message)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_word_of_its_own_and_a_status_of_an_error() {
        for (at, reason) in Reason::ALL.into_iter().enumerate() {
            assert!((400..=599).contains(&reason.status()), "{reason}");
            assert!(reason.as_str().bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{reason}");
            assert!(Reason::ALL.iter().skip(at + 1).all(|other| other.as_str() != reason.as_str()), "{reason}");
        }
    }
}
