//! The readiness probe: whether the signing plugin of a name has valid credentials, as shared data shows it.

use alloc::format;
use alloc::string::String;

use crate::session::{Keeper, Now, Shared};

/// The answer to a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Requests are signed.
    Ready {
        /// Until then, by AWS's clock, in seconds since 1970.
        expires_at: u64,
    },
    /// Requests are refused, with this reason.
    NotReady(crate::Reason),
}

impl Readiness {
    /// Judges the shared value of a session.
    #[must_use]
    pub fn of_session(now: Now, shared: Shared<'_>) -> Self {
        match Keeper::peek(now, shared) {
            Ok(expires_ms) => Self::Ready { expires_at: expires_ms / 1000 },
            Err(outage) => Self::NotReady(outage.into()),
        }
    }

    /// 200, or 503.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Ready { .. } => 200,
            Self::NotReady(_) => 503,
        }
    }

    /// JSON and a line feed.
    #[must_use]
    pub fn body(&self) -> String {
        match self {
            Self::Ready { expires_at } => format!("{{\"ready\":true,\"expires_at\":{expires_at}}}\n"),
            Self::NotReady(reason) => format!("{{\"ready\":false,\"reason\":\"{reason}\"}}\n"),
        }
    }
}
