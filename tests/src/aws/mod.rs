//! A strict double of AWS inside the test's process: an OIDC issuer, STS, S3 and API Gateway, over TLS on loopback.
//!
//! It verifies and never nods: tokens by JWKS and trust policy, signatures by aws-sigv4 and s3s, sessions by their
//! expiry, actions by role and session policy. It shares no code with the crates that it judges.

pub mod api_gateway;
pub mod clock;
pub mod journal;
pub mod oidc;
pub mod policy;
pub(crate) mod random;
pub mod roles;
pub mod s3;
pub(crate) mod server;
pub mod sessions;
pub mod sts;
pub(crate) mod verify;
pub(crate) mod wire;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

pub use self::api_gateway::{ApiGateway, LambdaResponse};
pub use self::clock::Clock;
pub use self::journal::{Entry, Journal, Outcome, Service};
pub use self::oidc::Oidc;
pub use self::policy::Policy;
pub use self::roles::{Role, TrustPolicy};
pub use self::s3::S3;
pub use self::sessions::{Session, Sessions};
pub use self::sts::{Fault, StsControl};
use crate::aws::api_gateway::Api;
use crate::aws::sts::Sts;
use crate::client::Client;
use crate::pki::Pki;

/// The audience of a service-account token on EKS.
pub const AUDIENCE: &str = "sts.amazonaws.com";

/// What a double is like; the defaults serve.
#[derive(Clone, Debug)]
pub struct AwsOptions {
    /// The certificates; None makes new ones.
    pub pki: Option<Arc<Pki>>,
    /// The region of every service.
    pub region: String,
    /// The account of the API.
    pub account: String,
    /// The ID of the API, the first label of its host name.
    pub api_id: String,
    /// The API's only stage.
    pub stage: String,
}

impl Default for AwsOptions {
    fn default() -> Self {
        Self {
            pki: None,
            region: "us-west-2".to_owned(),
            account: "123456789012".to_owned(),
            api_id: "abc123".to_owned(),
            stage: "prod".to_owned(),
        }
    }
}

/// A running double. Dropping it ends all of its connections and frees its ports.
#[derive(Debug)]
pub struct AwsDouble {
    runtime: Option<Runtime>,
    pki: Arc<Pki>,
    clock: Arc<Clock>,
    sessions: Arc<Sessions>,
    journal: Arc<Journal>,
    oidc: Arc<Oidc>,
    sts: Arc<Sts>,
    sts_address: SocketAddr,
    s3: S3,
    api_gateway: ApiGateway,
    // Removed from the disk when the double goes, after the runtime has ended.
    _objects: TempDir,
}

impl AwsDouble {
    /// Starts every service on a free port of 127.0.0.1, on threads of its own.
    pub fn start(options: AwsOptions) -> io::Result<Self> {
        let AwsOptions { pki, region, account, api_id, stage } = options;
        let pki = match pki {
            Some(pki) => pki,
            None => Arc::new(Pki::new().map_err(io::Error::other)?),
        };
        let runtime = Builder::new_multi_thread().worker_threads(2).thread_name("aws-double").enable_all().build()?;
        let handle = runtime.handle();
        let clock = Arc::new(Clock::default());
        let sessions = Arc::new(Sessions::default());
        let journal = Arc::new(Journal::default());
        let issuer = format!("https://oidc.eks.{region}.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE");
        let oidc = Arc::new(Oidc::new(&issuer, Arc::clone(&clock)));
        let sts = Arc::new(Sts {
            hostname: format!("sts.{region}.amazonaws.com"),
            clock: Arc::clone(&clock),
            oidc: Arc::clone(&oidc),
            sessions: Arc::clone(&sessions),
            journal: Arc::clone(&journal),
            roles: Mutex::new(HashMap::new()),
            control: StsControl::new(Arc::clone(&clock)),
            client_ids: vec![AUDIENCE.to_owned()],
        });
        let sts_address = sts.start(handle, &pki)?;
        let shared = || (Arc::clone(&clock), Arc::clone(&sessions), Arc::clone(&journal));
        let (c, s, j) = shared();
        let (s3, objects) = S3::start(handle, &pki, &region, c, s, j)?;
        let (c, s, j) = shared();
        let api = Api { id: api_id, region, account, stage };
        let api_gateway = ApiGateway::start(handle, &pki, api, c, s, j)?;
        Ok(Self {
            runtime: Some(runtime),
            pki,
            clock,
            sessions,
            journal,
            oidc,
            sts,
            sts_address,
            s3,
            api_gateway,
            _objects: objects,
        })
    }

    /// The certificates in use; `pki().aws_ca_pem()` is the root that clients of the double must trust.
    #[must_use]
    pub fn pki(&self) -> &Arc<Pki> {
        &self.pki
    }

    /// The clock by which the double judges.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Who did what.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The issuer of tokens.
    #[must_use]
    pub fn oidc(&self) -> &Oidc {
        &self.oidc
    }

    /// The sessions handed out.
    #[must_use]
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// Where STS listens.
    #[must_use]
    pub fn sts(&self) -> SocketAddr {
        self.sts_address
    }

    /// `sts.REGION.amazonaws.com`.
    #[must_use]
    pub fn sts_hostname(&self) -> &str {
        &self.sts.hostname
    }

    /// How to steer STS.
    #[must_use]
    pub fn sts_control(&self) -> &StsControl {
        &self.sts.control
    }

    /// S3.
    #[must_use]
    pub fn s3(&self) -> &S3 {
        &self.s3
    }

    /// API Gateway.
    #[must_use]
    pub fn api_gateway(&self) -> &ApiGateway {
        &self.api_gateway
    }

    /// Makes a role known, or replaces the one with the same ARN.
    pub fn register_role(&self, role: Role) {
        let mut roles = self.sts.roles.lock().unwrap_or_else(PoisonError::into_inner);
        roles.insert(role.arn.clone(), Arc::new(role));
    }

    /// A trust policy for one Kubernetes service account (`NAMESPACE:NAME`), as EKS users write it.
    #[must_use]
    pub fn trust_of(&self, service_account: &str) -> TrustPolicy {
        TrustPolicy {
            issuer: self.oidc.issuer().to_owned(),
            audience: AUDIENCE.to_owned(),
            subject: format!("system:serviceaccount:{service_account}"),
        }
    }

    /// A token for a service account (`NAMESPACE:NAME`), good for a day as projected tokens often are.
    #[must_use]
    pub fn token_of(&self, service_account: &str) -> String {
        let subject = format!("system:serviceaccount:{service_account}");
        self.oidc.issue(&subject, AUDIENCE, Duration::from_secs(86_400))
    }

    /// A client that speaks to STS directly.
    #[must_use]
    pub fn sts_client(&self) -> Client {
        Client::tls(self.sts_address, self.sts_hostname(), &self.pki.aws_ca_pem())
    }

    /// A client that speaks to a bucket directly.
    #[must_use]
    pub fn s3_client(&self, bucket: &str) -> Client {
        Client::tls(self.s3.addr(), &self.s3.bucket_hostname(bucket), &self.pki.aws_ca_pem())
    }

    /// A client that speaks to API Gateway directly.
    #[must_use]
    pub fn api_client(&self) -> Client {
        Client::tls(self.api_gateway.addr(), self.api_gateway.hostname(), &self.pki.aws_ca_pem())
    }
}

impl Drop for AwsDouble {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(2));
        }
    }
}
