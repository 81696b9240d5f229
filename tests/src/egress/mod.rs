//! A Lambda function that calls the mesh: the extension in a fake environment, its identity in Secrets Manager, apps.

mod extension;
mod gateway;
mod plan;
mod ports;

use std::sync::Arc;
use std::time::Duration;

use crate::aws::{Clock, Session};
use crate::mesh::{App, AppOptions, Leaf, MESH, Svid, TrustDomain};
use crate::secrets::{HOME, SecretsManager, may_read};

pub use self::extension::{EXTENSION, Extension, program};
pub use self::gateway::MeshGateway;
pub use self::plan::Plan;
pub use self::ports::{listening_port, quiet_port};

/// The app that the function belongs to.
pub const APP: &str = "reports";
/// The environment of everything, unless a test says otherwise.
pub const ENVIRONMENT: &str = "staging";

/// A mesh, and an account with the function's identity in its home region.
#[derive(Debug)]
pub struct World {
    /// The clock of the function and of Secrets Manager. Apps and Envoys live in the machine's time.
    pub clock: Arc<Clock>,
    /// The trust domain of everybody.
    pub mesh: TrustDomain,
    /// Where the function's identity is.
    pub secrets: SecretsManager,
    /// The function's role.
    pub session: Arc<Session>,
    /// What is published at first.
    pub svid: Svid,
}

impl World {
    /// With a good identity.
    #[must_use]
    pub fn new() -> Self {
        let world = Self::without_identity();
        world.secrets.store().publish(HOME, ENVIRONMENT, APP, &world.svid);
        world
    }

    /// With nothing in Secrets Manager.
    #[must_use]
    pub fn without_identity() -> Self {
        let clock = Arc::new(Clock::default());
        let mesh = TrustDomain::new(MESH);
        let secrets = SecretsManager::start(Arc::clone(&clock));
        // Ten years: tests that move the clock are not about the role's credentials.
        let session = secrets.session(may_read(ENVIRONMENT, APP), Duration::from_secs(10 * 365 * 24 * 3600));
        let svid = mesh.svid(ENVIRONMENT, APP);
        Self { clock, mesh, secrets, session, svid }
    }

    /// An app of the mesh that lets in whoever has a certificate of the trust domain. Its own certificate is good for a
    /// year, so that the function's clock can be moved.
    #[must_use]
    pub fn app(&self, name: &str) -> App {
        let server = Leaf::new(self.mesh.id(ENVIRONMENT, name)).hours(1, 365 * 24);
        self.app_as(name, &self.mesh.issue(&server))
    }

    /// An identity of the function that lives from so many hours ago for so many hours to come.
    #[must_use]
    pub fn identity(&self, ago: u32, to_come: u32) -> Svid {
        self.mesh.issue(&Leaf::new(self.mesh.id(ENVIRONMENT, APP)).hours(ago, to_come))
    }

    /// One that speaks only this version of HTTP, `h2` or `http/1.1`.
    #[must_use]
    pub fn app_speaking(&self, name: &str, protocol: &str) -> App {
        let server = Leaf::new(self.mesh.id(ENVIRONMENT, name)).hours(1, 365 * 24);
        let tls = Some((self.mesh.issue(&server), self.mesh.bundle_pem()));
        App::start(name, AppOptions { tls, protocols: vec![protocol.to_owned()] })
    }

    /// One that shows this certificate.
    #[must_use]
    pub fn app_as(&self, name: &str, svid: &Svid) -> App {
        App::start(name, AppOptions { tls: Some((svid.clone(), self.mesh.bundle_pem())), protocols: Vec::new() })
    }

    /// The next identity of the function, published in a region.
    pub fn publish(&self, region: &str, svid: &Svid) -> String {
        self.secrets.store().publish(region, ENVIRONMENT, APP, svid)
    }

    /// The function's configuration and environment, with no upstream yet.
    #[must_use]
    pub fn plan(&self) -> Plan {
        Plan::new(self)
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}
