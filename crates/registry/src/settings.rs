//! What holds for the whole registry: `meshbridge.toml`.

use std::collections::BTreeMap;

use crate::names::{AwsOrganisation, EnvironmentName, Organisation, Region, RelativePath, SniName, TrustDomain};
use crate::place::Located;

/// The settings of a registry, as `meshbridge.toml` in its directory has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `organisation`: `O=` in the subject of certificates.
    pub organisation: Organisation,
    /// `aws_organisation`: secrets can be read from its accounts only. `None`: from any account that is named.
    pub aws_organisation: Option<AwsOrganisation>,
    /// `regions`: where identities are issued and kept; the first is the primary. One to eight, of one partition.
    pub regions: Box<[Region]>,
    /// `environments`. At least one.
    pub environments: BTreeMap<EnvironmentName, Environment>,
    /// `trust.import`: roots that the mesh has already, to stand in the bundles beside ours.
    pub imports: Box<[TrustImport]>,
}

/// `[environments.<name>]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// Its name.
    pub name: Located<EnvironmentName>,
    /// `trust_domain` of its SPIFFE IDs. Several environments may share one.
    pub trust_domain: TrustDomain,
    /// `mesh_suffix`: what the SNI of its apps ends in. By default that of the top level.
    pub mesh_suffix: SniName,
}

/// `[[trust.import]]`: roots of a trust domain in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustImport {
    /// `trust_domain`: whose roots they are. One of an environment, or one that overridden SPIFFE IDs are of.
    pub trust_domain: Located<TrustDomain>,
    /// The file with the roots.
    pub roots: Roots,
}

/// A file with roots, below the registry's directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Roots {
    /// `pem`: certificates.
    Pem(RelativePath),
    /// `spiffe_bundle`: a JWK set. (SPIFFE Trust Domain and Bundle, section 4.)
    SpiffeBundle(RelativePath),
}

impl Roots {
    /// The file's path from the registry's directory.
    #[must_use]
    pub fn path(&self) -> &RelativePath {
        match self {
            Self::Pem(path) | Self::SpiffeBundle(path) => path,
        }
    }
}
