//! Secrets Manager for tests: moto, a real server process, behind a front that verifies, counts and breaks things.
//!
//! moto keeps secrets, versions and labels of any number of regions, and verifies nothing. The front verifies each
//! signature as AWS would, with the same second opinion as the rest of the double, asks IAM's question of the role behind
//! it, notes the call, and then does what the test asked for: passes it on, or fails in one of the ways of [`Fault`].

mod answers;
mod fault;
mod front;
mod journal;
mod moto;
mod store;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

pub use self::fault::{Fault, Target};
use self::front::Front;
pub use self::journal::{Call, CallOutcome, Calls};
pub use self::moto::Moto;
pub use self::store::{Store, certificate_secret, key_secret};
use crate::aws::{Clock, Policy, Role, Session, Sessions, TrustPolicy};

/// The account that moto plays.
pub const ACCOUNT: &str = "123456789012";
/// The region where functions run.
pub const HOME: &str = "us-west-2";
/// The other region.
pub const OTHER: &str = "us-east-1";

/// A running double of Secrets Manager in two regions. Dropping it ends its connections.
#[derive(Debug)]
pub struct SecretsManager {
    address: SocketAddr,
    front: Arc<Front>,
    store: Store,
    runtime: Option<Runtime>,
}

impl SecretsManager {
    /// Starts moto, unless another test of this process has it running, and a front of its own before it.
    ///
    /// # Panics
    /// When moto cannot be had or does not start.
    #[must_use]
    pub fn start(clock: Arc<Clock>) -> Self {
        Self::try_start(clock).unwrap_or_else(|error| panic!("Secrets Manager: {error}"))
    }

    fn try_start(clock: Arc<Clock>) -> io::Result<Self> {
        let store = Store::new(Moto::shared()?);
        let runtime = Builder::new_multi_thread().worker_threads(2).thread_name("secrets").enable_all().build()?;
        let front = Arc::new(Front::new(store.clone(), clock));
        let address = front::start(runtime.handle(), Arc::clone(&front))?;
        Ok(Self { address, front, store, runtime: Some(runtime) })
    }

    /// Its endpoint for every region: `http://127.0.0.1:PORT`. A call's region is that of its signature.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What an issuer does: writing, past the front.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Every call so far.
    #[must_use]
    pub fn calls(&self) -> &Calls {
        &self.front.calls
    }

    /// Credentials of a role that may do this with these secrets; they expire `within`.
    #[must_use]
    pub fn session(&self, permissions: Policy, within: Duration) -> Arc<Session> {
        let trust =
            TrustPolicy { issuer: String::new(), audience: String::new(), subject: "lambda.amazonaws.com".to_owned() };
        let role = Role::new(&format!("arn:aws:iam::{ACCOUNT}:role/reports-lambda"), trust, permissions);
        let expires_at = self.front.clock.now() + within;
        self.front.sessions.open(Arc::new(role), "reports", None, expires_at)
    }

    /// The sessions that signatures are verified by.
    #[must_use]
    pub fn sessions(&self) -> &Sessions {
        &self.front.sessions
    }

    /// From now on such calls fail so, until [`SecretsManager::heal`].
    pub fn fail(&self, target: Target, fault: Fault) {
        self.front.faults.add(target, fault, None);
    }

    /// The next `times` such calls fail so.
    pub fn fail_times(&self, target: Target, fault: Fault, times: usize) {
        self.front.faults.add(target, fault, Some(times));
    }

    /// From now on a region shows the values that it has now, as a replica that lags.
    pub fn make_stale(&self, region: &str) {
        let now = self.store.snapshot(region);
        self.front.make_stale(region, now);
    }

    /// No fault any more, and no stale region; what is held is passed on.
    pub fn heal(&self) {
        self.front.heal();
    }
}

impl Drop for SecretsManager {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(1));
        }
    }
}

/// A policy that lets a function read the two secrets of its app, in every region.
#[must_use]
pub fn may_read(environment: &str, app: &str) -> Policy {
    let resource = format!("arn:aws:secretsmanager:*:{ACCOUNT}:secret:meshbridge/{environment}/{app}/*");
    Policy::allow(&["secretsmanager:GetSecretValue"], &[&resource])
}
