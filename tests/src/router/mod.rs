//! A mesh gateway as it would run: the shipped configuration, a real Envoy with sni-router, and apps behind it.

mod app;
mod files;
pub mod hello;
mod post_quantum;
mod visitor;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Client, Request};
use crate::envoy::{Envoy, EnvoyOptions};
use crate::ingress::Shipped;

pub use app::{App, Apps, HANG_UP};
pub use files::Files;
pub use hello::{Hello, Recorded};
pub use post_quantum::PostQuantumSized;
pub use visitor::{Outcome, PROXY_HEADER, Visitor};

/// The shipped file.
pub const FILE: &str = "mesh-gateway.yaml";
/// The name of the app that most tests call.
pub const LEDGER: &str = "staging.ledger.mesh.example.com";
/// The name of another one.
pub const REPORTS: &str = "staging.reports.mesh.example.com";
/// Longer than any start or reload takes on a machine that is busy.
pub const SOON: Duration = Duration::from_secs(60);

/// Three apps, of which the table names two.
#[derive(Debug)]
pub struct World {
    /// Where more apps can be started.
    pub apps: Apps,
    /// `staging.ledger.mesh.example.com`, cluster `ledger-staging`.
    pub ledger: App,
    /// `staging.reports.mesh.example.com`, cluster `reports-staging`.
    pub reports: App,
    /// Cluster `secret`: Envoy has it, and the table does not name it. Nobody may ever get there.
    pub secret: App,
    dir: TempDir,
}

/// How a gateway is started.
#[derive(Debug)]
pub struct Plan {
    /// The shipped bootstrap, adapted.
    pub shipped: Shipped,
    /// The plugin's configuration.
    pub routes: String,
    /// Clusters by name.
    pub clusters: Vec<(String, SocketAddr)>,
    /// The filter's artefact.
    pub wasm: PathBuf,
    /// The Envoy.
    pub options: EnvoyOptions,
}

impl World {
    /// Plain apps: each tells its name to whoever says anything.
    pub fn new() -> Self {
        let apps = Apps::new();
        let [ledger, reports, secret] = ["ledger", "reports", "secret"].map(|name| apps.plain(name));
        let dir = tempfile::Builder::new().prefix("mb-").tempdir().expect("a temporary directory");
        Self { apps, ledger, reports, secret, dir }
    }

    /// The table that the tests start with.
    pub fn routes() -> Value {
        json!({
            "environment": "staging",
            "suffix": "mesh.example.com",
            "apps": { "ledger": "ledger-staging", "reports": "reports-staging" },
        })
    }

    /// The shipped bootstrap with every placeholder replaced and every mount in this directory.
    pub fn shipped_text(&self) -> String {
        let mount = self.mount();
        Shipped::text(
            FILE,
            &[("CHANGE-ME-gateway-pod-name", "gateway-0"), ("/etc/envoy/mesh-gateway", files::utf8(&mount))],
        )
    }

    /// The shipped configuration, with what the tests start with.
    pub fn plan(&self) -> Plan {
        let apps = [("ledger-staging", &self.ledger), ("reports-staging", &self.reports), ("secret", &self.secret)];
        Plan {
            shipped: Shipped::parse(&self.shipped_text()),
            routes: Self::routes().to_string(),
            clusters: apps.map(|(name, app)| (name.to_owned(), app.address())).into(),
            wasm: artefact(),
            options: EnvoyOptions {
                extra_args: vec!["--file-flush-interval-msec".into(), "20".into()],
                ..EnvoyOptions::default()
            },
        }
    }

    /// Starts it.
    pub fn gateway(&self) -> Gateway {
        self.start(self.plan())
    }

    /// Starts it with another table.
    pub fn gateway_with_routes(&self, routes: &Value) -> Gateway {
        self.start(Plan { routes: routes.to_string(), ..self.plan() })
    }

    /// Starts what was planned. One gateway a world.
    pub fn start(&self, plan: Plan) -> Gateway {
        let files = Files::new(self.mount());
        files.put_clusters(&plan.clusters);
        files.put_routes(&plan.routes, &plan.wasm);
        self.launch(plan, files)
    }

    /// The same with these files.
    pub fn launch(&self, plan: Plan, files: Files) -> Gateway {
        let envoy = Envoy::start(plan.shipped.value(), &plan.options).unwrap_or_else(|e| panic!("{e}"));
        // Envoy says that it is ready before its workers listen.
        let listens = || envoy.stat("listener_manager.workers_started").is_ok_and(|started| started == Some(1));
        envoy.wait_until("workers that listen", SOON, listens).unwrap_or_else(|e| panic!("{e}"));
        let address = envoy.listener("gateway").unwrap_or_else(|e| panic!("{e}"));
        Gateway { envoy, address, files, wasm: plan.wasm }
    }

    /// Where the gateway's files are.
    pub fn mount(&self) -> PathBuf {
        self.dir.path().join("gateway")
    }

    /// Fails the test if anybody got to where the table leads nobody.
    pub fn assert_secret_kept(&self, gateway: &Gateway) {
        assert_eq!(self.secret.visits(), 0, "{}", gateway.log_tail());
        for cluster in ["secret", "nowhere"] {
            assert_eq!(gateway.connections_to(cluster), 0, "{cluster}: {}", gateway.log_tail());
        }
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl Plan {
    /// The listener's part of the configuration.
    pub fn listener(&mut self) -> &mut Value {
        self.shipped.value_mut().pointer_mut("/static_resources/listeners/0").expect("the listener")
    }

    /// The configuration of tcp_proxy.
    pub fn tcp_proxy(&mut self) -> &mut Value {
        let proxy = self.listener().pointer_mut("/filter_chains/0/filters/1/typed_config").expect("tcp_proxy");
        assert_eq!(proxy["stat_prefix"], "gateway");
        proxy
    }
}

/// A running gateway.
#[derive(Debug)]
pub struct Gateway {
    /// The Envoy.
    pub envoy: Envoy,
    /// What it reads again.
    pub files: Files,
    address: SocketAddr,
    wasm: PathBuf,
}

impl Gateway {
    /// Where clients, or the load balancer, connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A client behind the load balancer.
    pub fn visitor(&self) -> Visitor {
        Visitor::connect(self.address)
    }

    /// Where a client comes out that sends these bytes.
    pub fn outcome(&self, bytes: impl AsRef<[u8]>) -> Outcome {
        self.visitor().send(bytes).outcome()
    }

    /// Where a client comes out that asks for this name.
    pub fn outcome_of(&self, name: impl AsRef<[u8]>) -> Outcome {
        self.outcome(Recorded::Go.hello().named(name).to_bytes())
    }

    /// A client that has reached the app of this name.
    ///
    /// # Panics
    /// When it comes out elsewhere.
    pub fn guest(&self, name: &str) -> Visitor {
        let mut visitor = self.visitor();
        let outcome = visitor.send(Recorded::Go.hello().named(name).to_bytes()).outcome();
        assert!(matches!(outcome, Outcome::Reached(_)), "{name} was closed: {}", self.log_tail());
        visitor
    }

    /// Moves another table into place.
    pub fn put_routes(&self, routes: &Value) {
        self.files.put_routes(&routes.to_string(), &self.wasm);
    }

    /// Waits until every worker sends this name there: the kernel deals connections out to them by chance.
    pub fn wait_for_everywhere(&self, name: &str, outcome: &Outcome) {
        let what = format!("{name} to be {outcome:?} at every worker");
        self.wait_until(&what, || (0..24).all(|_| self.outcome_of(name) == *outcome));
    }

    /// Waits until it is so.
    pub fn wait_until(&self, what: &str, reached: impl FnMut() -> bool) {
        self.envoy.wait_until(what, SOON, reached).unwrap_or_else(|e| panic!("{e}"));
    }

    /// What the health port says to the load balancer.
    pub fn health(&self) -> u16 {
        self.health_port("/healthz")
    }

    /// What the health port says to a GET of this path.
    pub fn health_port(&self, path: &str) -> u16 {
        let address = self.envoy.listener("health").unwrap_or_else(|e| panic!("{e}"));
        let answer = Client::plain(address).send(&Request::new("GET", path).host("health"));
        answer.unwrap_or_else(|e| panic!("{e:?}")).status
    }

    /// One of the filter's metrics: `routed`, `refused.no-name`, `names`.
    pub fn metric(&self, name: &str) -> u64 {
        self.stat(&format!("wasmcustom.meshbridge_sni.sni-router.{name}"))
    }

    /// All connections that the filter ever closed.
    pub fn refused(&self) -> u64 {
        let stats = self.envoy.stats("meshbridge_sni.*refused").unwrap_or_else(|e| panic!("{e}"));
        stats.values().sum()
    }

    /// One of Envoy's counters or gauges, by its whole name.
    ///
    /// # Panics
    /// When there is none of this name.
    pub fn stat(&self, name: &str) -> u64 {
        let stat = self.envoy.stat(name).unwrap_or_else(|e| panic!("{e}"));
        stat.unwrap_or_else(|| panic!("Envoy has no {name}"))
    }

    /// One of the listener's counters or gauges.
    pub fn listener_stat(&self, name: &str) -> u64 {
        self.stat(&format!("listener.gateway.{name}"))
    }

    /// One of the counters of the table's subscription: `config_reload`, `config_fail`, `update_rejected`.
    pub fn table_stat(&self, name: &str) -> u64 {
        self.stat(&format!("extension_config_discovery.network_filter.sni-router.{name}"))
    }

    /// How many connections Envoy ever made to a cluster.
    pub fn connections_to(&self, cluster: &str) -> u64 {
        self.stat(&format!("cluster.{cluster}.upstream_cx_total"))
    }

    /// The access log's lines so far, as they are written: when connections end.
    pub fn access_log(&self) -> Vec<Value> {
        let log = self.envoy.logs();
        log.lines().filter(|line| line.starts_with('{')).filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// How often a VM trapped, by Envoy's log.
    pub fn traps(&self) -> usize {
        self.envoy.logs().lines().filter(|line| line.contains("Uncaught RuntimeError")).count()
    }

    /// The end of Envoy's log, for a test that fails.
    pub fn log_tail(&self) -> String {
        let log = self.envoy.logs();
        let lines: Vec<&str> = log.lines().filter(|line| !line.contains("source/server/server.cc")).collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

/// The artefact of sni-router, as `cargo xtask build` made it.
///
/// # Panics
/// When it is not there.
pub fn artefact() -> PathBuf {
    let root = xtask::workspace::root().unwrap_or_else(|e| panic!("{e}"));
    let path = xtask::workspace::artefact(&root, "sni-router");
    assert!(path.is_file(), "{} is not there; run `cargo xtask build` first", path.display());
    path
}
