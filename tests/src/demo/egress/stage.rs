//! What runs during this act: Secrets Manager, a load balancer, the gateway Envoy, an app's own Envoy, and functions.

use std::panic;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use serde_json::json;

use super::balancer::Balancer;
use super::function::{Lambda, STAGING};
use super::parts::Parts;
use crate::aws::Clock;
use crate::demo::Stop;
use crate::demo::found::failed;
use crate::demo::screen::{Screen, seconds};
use crate::envoy::EnvoyOptions;
use crate::lambda::RoleCredentials;
use crate::mesh::{AppEnvoy, Hit, Leaf, MESH, Svid, TrustDomain};
use crate::router::{self, Gateway, Plan};
use crate::secrets::{self, HOME, OTHER, SecretsManager};

/// How long certificates live.
const LIFE: Duration = Duration::from_secs(24 * 3600);
/// Longer than all the time that passes here. Real ones live for hours, and Lambda brings new ones.
const CREDENTIALS: Duration = Duration::from_secs(72 * 3600);
/// For the start of what runs, on a machine that is busy.
const UP_WITHIN: Duration = Duration::from_secs(120);

/// The function that ledger allows, and its app.
pub(super) const REPORTS: &str = "reports";
/// A function of the same mesh that ledger does not allow.
pub(super) const COUPONS: &str = "coupons";
/// The app that is called.
pub(super) const LEDGER: &str = "ledger";
/// An app whose name leads to ledger, by a mistake in the gateway's table.
pub(super) const PAYROLL: &str = "payroll";
/// An app that the gateway does not know.
pub(super) const ARCHIVE: &str = "archive";
/// An app that no function may call here.
pub(super) const USERS: &str = "users";
/// Ledger's cluster at the gateway.
pub(super) const CLUSTER: &str = "ledger-staging";

/// Everything that runs. Dropping it ends the functions first.
pub(super) struct Stage {
    pub(super) functions: Functions,
    pub(super) mesh: Mesh,
}

/// The two functions.
pub(super) struct Functions {
    pub(super) reports: Lambda,
    /// What reports shows to servers at present.
    pub(super) identity: Svid,
    pub(super) coupons: Lambda,
}

/// All but the functions.
pub(super) struct Mesh {
    pub(super) balancer: Balancer,
    pub(super) gateway: Gateway,
    pub(super) ledger: AppEnvoy,
    pub(super) secrets: SecretsManager,
    pub(super) trust: TrustDomain,
    /// As the function that is frozen sees it, and Secrets Manager.
    pub(super) clock: Arc<Clock>,
    // The gateway's files are in its directory.
    _world: router::World,
}

impl Mesh {
    /// Starts everything, and shows it.
    pub(super) fn set(parts: &Parts, screen: &mut Screen) -> Result<Self, Stop> {
        let (trust, clock) = (TrustDomain::new(MESH), Arc::new(Clock::default()));
        screen.saw("mesh", format!("trust domain {MESH}, environment {STAGING}"));
        screen.saw("filter", &parts.router);
        screen.saw("extension", parts.extension());
        screen.saw("Envoy", parts.envoys.two_of_them());
        let begun = Instant::now();
        let (secrets, ledger, (world, gateway)) = thread::scope(|scope| {
            let secrets = scope.spawn(|| SecretsManager::start(Arc::clone(&clock)));
            let envoys = scope.spawn(|| {
                let ledger = start_ledger(&trust);
                let gateway = start_gateway(&ledger);
                (ledger, gateway)
            });
            let up = || secrets.is_finished() && envoys.is_finished();
            screen.wait_until("two Envoys and Secrets Manager start", UP_WITHIN, up)?;
            let secrets = secrets.join().unwrap_or_else(|e| panic::resume_unwind(e));
            let (ledger, gateway) = envoys.join().unwrap_or_else(|e| panic::resume_unwind(e));
            Ok((secrets, ledger, gateway))
        })?;
        let balancer = Balancer::start(gateway.address()).map_err(failed)?;
        screen.saw("Secrets Manager", format!("{} and {OTHER} at {}", HOME, secrets.endpoint()));
        screen.saw("load balancer", format!("{}, with the PROXY protocol towards the gateway", balancer.address()));
        screen.saw("gateway", format!("{}, envoy-configs/mesh-gateway.yaml; its table:", gateway.address()));
        for app in [LEDGER, PAYROLL] {
            screen.saw("", format!("{STAGING}.{app}.{MESH} -> cluster {CLUSTER}"));
        }
        screen.saw("ledger's Envoy", format!("{}, RBAC lets {} in", ledger.address(), trust.id(STAGING, REPORTS)));
        screen.note(&format!("all of it up after {}", seconds(begun.elapsed())));
        Ok(Self { balancer, gateway, ledger, secrets, trust, clock, _world: world })
    }

    /// What the issuer does, in both regions: a new key and a certificate for 24 hours from now, as the function sees it.
    pub(super) fn issue(&self, app: &str) -> Svid {
        let now = self.clock.now();
        let svid = self.trust.issue(&living(self.trust.id(STAGING, app), now));
        for region in [HOME, OTHER] {
            self.secrets.store().publish(region, STAGING, app, &svid);
        }
        svid
    }

    /// Credentials of a role that may read the secrets of this app.
    pub(super) fn role_of(&self, app: &str) -> RoleCredentials {
        RoleCredentials::from(&*self.secrets.session(secrets::may_read(STAGING, app), CREDENTIALS))
    }

    /// Where files can be put that go with the gateway's own.
    pub(super) fn directory(&self, name: &str) -> PathBuf {
        self.gateway.files.dir().with_file_name(name)
    }

    /// Some of the gateway's counters, summed up.
    pub(super) fn at_gateway(&self, counters: &str) -> u64 {
        self.gateway.envoy.stats(counters).unwrap_or_else(|e| panic!("{e}")).values().sum()
    }

    /// Some of the counters of ledger's Envoy, summed up.
    pub(super) fn at_ledger(&self, counters: &str) -> u64 {
        self.ledger.envoy().stats(counters).unwrap_or_else(|e| panic!("{e}")).values().sum()
    }

    /// What came through to ledger while something was done.
    pub(super) fn watched<T>(&self, act: impl FnOnce() -> T) -> (T, Vec<Hit>) {
        let before = self.ledger.hits().len();
        let outcome = act();
        (outcome, self.ledger.hits().split_off(before))
    }

    /// How many connections the load balancer has had.
    pub(super) fn connections(&self) -> usize {
        self.balancer.passages().len()
    }
}

/// Valid at once, and everywhere: real Envoys go by the machine's clock, which is behind the function's.
fn living(spiffe_id: String, from: SystemTime) -> Leaf {
    let leaf = Leaf::new(spiffe_id);
    let not_before = leaf.not_before;
    leaf.living(not_before, from + LIFE)
}

fn start_ledger(trust: &TrustDomain) -> AppEnvoy {
    let (svid, reports) = (trust.svid(STAGING, LEDGER), trust.id(STAGING, REPORTS));
    AppEnvoy::start(LEDGER, &svid, &trust.bundle_pem(), &[&reports], &EnvoyOptions::default())
}

fn start_gateway(ledger: &AppEnvoy) -> (router::World, Gateway) {
    let world = router::World::new();
    let table = json!({
        "environment": STAGING,
        "suffix": MESH,
        "apps": { LEDGER: CLUSTER, PAYROLL: CLUSTER },
    });
    let plan =
        Plan { routes: table.to_string(), clusters: vec![(CLUSTER.to_owned(), ledger.address())], ..world.plan() };
    let gateway = world.start(plan);
    (world, gateway)
}
