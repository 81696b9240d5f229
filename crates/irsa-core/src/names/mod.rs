//! Names that cannot be wrong: each type is parsed once, and holds only what AWS or SPIFFE would accept.

mod aws;
mod header;
mod spiffe;

pub use aws::{HostName, Region, RoleArn, ServiceName, SessionName};
pub use header::HeaderName;
pub use spiffe::{CallerPattern, SpiffeId, TrustDomain};

/// Why a text is not a name of its kind, in words for the person who wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// What is wrong with it.
    pub problem: &'static str,
    /// What to write instead.
    pub remedy: &'static str,
}
