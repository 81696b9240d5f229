//! Names that cannot be wrong: each type is parsed once, and holds only what AWS or SPIFFE would accept.

mod aws;
mod header;
mod spiffe;

pub use aws::{HostName, Region, RoleArn, ServiceName, SessionName};
pub use header::HeaderName;
pub use spiffe::CallerPattern;
pub use spiffe_id::{Invalid, SpiffeId, TrustDomain};
