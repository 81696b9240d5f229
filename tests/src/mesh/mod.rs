//! A mesh for tests: trust domains with SVIDs good and bad, certificate documents, app servers that demand a client
//! certificate and note who called, and an app's own Envoy that authorises by SPIFFE ID.

mod app;
mod certificate;
mod document;
mod envoy;
mod serving;
mod svid;
mod visits;

pub use self::app::{App, AppOptions};
pub use self::document::{document, write_directory};
pub use self::envoy::AppEnvoy;
pub use self::svid::{Flaw, Leaf, Svid, TrustDomain};
pub use self::visits::{Hit, pattern};

/// The trust domain, and the suffix of the mesh's names, wherever tests do not say otherwise.
pub const MESH: &str = "mesh.example.com";

/// `<environment>.<app>.mesh.example.com`: what the gateway routes by.
#[must_use]
pub fn sni(environment: &str, app: &str) -> String {
    format!("{environment}.{app}.{MESH}")
}
