//! What can go wrong at STS, who is at fault, and how soon it is worth trying again.

use alloc::format;
use alloc::string::String;
use core::fmt;

/// One failed exchange.
///
/// Neither field ever holds the token or a piece of credentials, so all of it may be logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StsError {
    /// What kind of failure it is.
    pub kind: ErrorKind,
    /// How soon it is worth trying again; always `kind.retry()`.
    pub retry: Retry,
    /// STS's own code, such as `AccessDenied`, or when STS gave none the fixed word of the kind, such as `Unreachable`.
    pub code: String,
    /// STS's message without control characters and without the token, or our own words: at most 512 characters.
    pub message: String,
}

/// How soon a failed exchange is worth repeating. The back-off itself is the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It may pass by itself.
    Soon,
    /// Somebody has to change something first.
    Slow,
}

/// Kinds of failure. Source of the codes: AWS Security Token Service API Reference, pages `AssumeRoleWithWebIdentity`
/// and "Common Errors".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The role's trust policy does not allow this identity, or the role does not exist: `AccessDenied`.
    Denied,
    /// The token is not one that AWS trusts: `InvalidIdentityToken`, `IDPRejectedClaim`.
    IdentityRefused,
    /// The session policy is malformed or too large: `MalformedPolicyDocument`, `PackedPolicyTooLarge`.
    PolicyRefused,
    /// STS is not enabled for the account in this region: `RegionDisabledException`.
    RegionDisabled,
    /// A parameter is wrong (`ValidationError`, `MissingParameter`), or STS refused for a reason not known here.
    RequestRefused,
    /// The token has expired; kubelet rotates the file, so the next read has a fresh one: `ExpiredTokenException`.
    TokenExpired,
    /// Too many calls: `Throttling` and its kin, which arrive as status 400, or status 429.
    Throttled,
    /// STS could not reach the cluster's OIDC issuer to fetch its keys: `IDPCommunicationError`.
    IdpUnreachable,
    /// STS is there but cannot serve: `ServiceUnavailable`, `InternalFailure`, any other 5xx.
    Unavailable,
    /// No connection, or it broke before an answer.
    Unreachable,
    /// No complete answer in time.
    TimedOut,
    /// An answer that is not STS's: incomplete, too large, another page.
    Garbled,
    /// Complete credentials that are past their expiry already.
    AlreadyExpired,
}

/// The codes that are told apart, without `Exception`. A table, because it is half the size of a `match`.
const CODES: [(&str, ErrorKind); 21] = [
    ("AccessDenied", ErrorKind::Denied),
    ("InvalidIdentityToken", ErrorKind::IdentityRefused),
    ("IDPRejectedClaim", ErrorKind::IdentityRefused),
    ("MalformedPolicyDocument", ErrorKind::PolicyRefused),
    ("PackedPolicyTooLarge", ErrorKind::PolicyRefused),
    ("RegionDisabled", ErrorKind::RegionDisabled),
    ("ValidationError", ErrorKind::RequestRefused),
    ("MissingParameter", ErrorKind::RequestRefused),
    ("ExpiredToken", ErrorKind::TokenExpired),
    ("Throttling", ErrorKind::Throttled),
    ("Throttled", ErrorKind::Throttled),
    ("RequestThrottled", ErrorKind::Throttled),
    ("RequestLimitExceeded", ErrorKind::Throttled),
    ("TooManyRequests", ErrorKind::Throttled),
    ("SlowDown", ErrorKind::Throttled),
    ("IDPCommunicationError", ErrorKind::IdpUnreachable),
    ("ServiceUnavailable", ErrorKind::Unavailable),
    ("InternalFailure", ErrorKind::Unavailable),
    ("InternalError", ErrorKind::Unavailable),
    ("InternalServerError", ErrorKind::Unavailable),
    ("RequestTimeout", ErrorKind::Unavailable),
];

impl ErrorKind {
    /// Classifies STS's answer. The code decides, because `Throttling` has status 400; the status counts only for codes
    /// not known here.
    ///
    /// The same error is called `X` by some front ends of AWS and `XException` by others.
    #[must_use]
    pub fn of_answer(status: u16, code: &str) -> Self {
        let name = code.strip_suffix("Exception").unwrap_or(code);
        let known = CODES.iter().find(|(code, _)| *code == name).map(|(_, kind)| *kind);
        known.or(Self::of_status(status)).unwrap_or(Self::RequestRefused)
    }

    /// What a status says by itself; `None` for those that say nothing without a code.
    pub(crate) const fn of_status(status: u16) -> Option<Self> {
        match status {
            429 => Some(Self::Throttled),
            500..=599 => Some(Self::Unavailable),
            _ => None,
        }
    }

    /// How soon a failure of this kind is worth repeating.
    #[must_use]
    pub const fn retry(self) -> Retry {
        match self {
            Self::Denied
            | Self::IdentityRefused
            | Self::PolicyRefused
            | Self::RegionDisabled
            | Self::RequestRefused => Retry::Slow,
            Self::TokenExpired
            | Self::Throttled
            | Self::IdpUnreachable
            | Self::Unavailable
            | Self::Unreachable
            | Self::TimedOut
            | Self::Garbled
            | Self::AlreadyExpired => Retry::Soon,
        }
    }

    /// One fixed word for counters and logs, such as `Throttled`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "Denied",
            Self::IdentityRefused => "IdentityRefused",
            Self::PolicyRefused => "PolicyRefused",
            Self::RegionDisabled => "RegionDisabled",
            Self::RequestRefused => "RequestRefused",
            Self::TokenExpired => "TokenExpired",
            Self::Throttled => "Throttled",
            Self::IdpUnreachable => "IdpUnreachable",
            Self::Unavailable => "Unavailable",
            Self::Unreachable => "Unreachable",
            Self::TimedOut => "TimedOut",
            Self::Garbled => "Garbled",
            Self::AlreadyExpired => "AlreadyExpired",
        }
    }
}

impl StsError {
    /// The exchange failed before there was an answer; `what` is the transport's word for it, such as `connection
    /// refused`.
    #[must_use]
    pub fn unreachable(what: &'static str) -> Self {
        Self::own(
            ErrorKind::Unreachable,
            format!("no answer from STS ({what}): look at the cluster that `sts.cluster` names"),
        )
    }

    /// There was no complete answer after this many seconds.
    #[must_use]
    pub fn timed_out(seconds: u32) -> Self {
        Self::own(
            ErrorKind::TimedOut,
            format!(
                "no answer from STS within {seconds} s: look at the cluster that `sts.cluster` names, or raise `sts.timeout_seconds`"
            ),
        )
    }

    /// Whether STS refused, so that callers are told `sts-denied`: trust policy, identity, session policy, region or
    /// request are wrong, and stay wrong until somebody changes them. Otherwise callers are told `no-credentials`.
    #[must_use]
    pub const fn denied(&self) -> bool {
        matches!(self.retry, Retry::Slow)
    }

    /// An error that has no code of STS.
    pub(crate) fn own(kind: ErrorKind, message: String) -> Self {
        Self::new(kind, String::from(kind.as_str()), message)
    }

    pub(crate) const fn new(kind: ErrorKind, code: String, message: String) -> Self {
        Self { kind, retry: kind.retry(), code, message }
    }
}

impl fmt::Display for StsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No format machinery where two writes do.
        f.write_str(&self.code)?;
        f.write_str(": ")?;
        f.write_str(&self.message)
    }
}

impl core::error::Error for StsError {}
