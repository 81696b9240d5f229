//! How the identity is doing, for health checks and metrics.

use spiffe_id::SpiffeIdBuf;

use crate::error::Error;

/// The state of a [`crate::Client`].
#[derive(Clone, Debug)]
pub struct Status {
    /// The pair in use, in its time or past it. `None` before the first fetch has succeeded.
    pub identity: Option<IdentityStatus>,
    /// Why the last fetch failed. `None` when it succeeded, and before the first.
    pub failure: Option<Error>,
    /// Whether a fetch is under way.
    pub fetching: bool,
}

/// The pair in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityStatus {
    /// Whom it identifies.
    pub spiffe_id: SpiffeIdBuf,
    /// The first second in which it is valid, since 1970.
    pub not_before: u64,
    /// The last one.
    pub not_after: u64,
    /// Counts the pairs that this client has had, from 1.
    pub generation: u64,
    /// The replica of the source that it came from; 0 is the nearest.
    pub replica: usize,
}

impl Status {
    /// Whether a request that comes now would have an identity at once.
    #[must_use]
    pub fn is_usable(&self, unix_seconds: u64) -> bool {
        self.identity.as_ref().is_some_and(|id| (id.not_before..=id.not_after).contains(&unix_seconds))
    }
}
