//! Why there are no new credentials, and what operators are told of each attempt.

use alloc::string::String;

use sts::{Retry, StsError};

/// Why the last attempt brought no credentials, as far as callers are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outage {
    /// The pod's token could not be read, or is none.
    NoToken,
    /// STS refuses this identity, role or policy: somebody has to change something.
    StsDenied,
    /// STS could not be reached, or did not answer as STS does.
    StsUnavailable,
}

impl Outage {
    pub(super) fn code(self) -> u8 {
        match self {
            Self::NoToken => 1,
            Self::StsDenied => 2,
            Self::StsUnavailable => 3,
        }
    }

    pub(super) fn from_code(code: u8) -> Option<Self> {
        [Self::NoToken, Self::StsDenied, Self::StsUnavailable].into_iter().find(|outage| outage.code() == code)
    }
}

/// What happened to one attempt, for logs and metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The token was read and is well formed.
    TokenRead,
    /// Credentials arrived and are in use.
    Issued {
        /// By AWS's clock.
        expires_ms: u64,
        /// How far that clock is ahead of the host's, in seconds.
        clock_offset_s: i64,
    },
    /// The attempt failed.
    Failed {
        /// As callers are told, should it come to that.
        outage: Outage,
        /// Fixed word, or STS's own code: `Throttling`.
        code: String,
        /// In words, without the token.
        message: String,
        /// Until the next attempt.
        retry_in_ms: u64,
    },
    /// The clocks differ by more than a day, and nothing is corrected.
    ClockBeyondCorrection,
}

/// A failure of either step, before it is published.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) outage: Outage,
    pub(super) retry: Retry,
    pub(super) code: String,
    pub(super) message: String,
}

impl Failure {
    pub(super) fn no_token(message: String) -> Self {
        Self { outage: Outage::NoToken, retry: Retry::Soon, code: "NoToken".into(), message }
    }
}

impl From<StsError> for Failure {
    fn from(error: StsError) -> Self {
        let outage = if error.denied() { Outage::StsDenied } else { Outage::StsUnavailable };
        Self { outage, retry: error.retry, code: error.code, message: error.message }
    }
}
