//! Names that cannot be wrong: each type is parsed once, and holds only what every reader of it accepts.

mod aws;
mod label;
mod mesh;
mod shared;

pub(crate) use aws::one_role;
pub use aws::{AccountId, AwsOrganisation, account_of};
pub use irsa_core::names::{HostName, Region, RoleArn, ServiceName};
pub use label::{AppName, EnvironmentName, IngressName};
pub use mesh::{ClusterName, Organisation, Owner, RelativePath, sni};
pub use sni_core::SniName;
pub use spiffe_id::{Invalid, SpiffeId, SpiffeIdBuf, TrustDomain};

pub(crate) use label::MOST_COMMON_NAME;
pub(crate) use shared::Shared;
