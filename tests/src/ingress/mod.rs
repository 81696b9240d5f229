//! An ingress as it would run in a pod: a shipped configuration, a real Envoy with irsa-signer, and the double of AWS.

mod sabotage;
mod shipped;
mod token;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::aws::{AwsDouble, AwsOptions, Policy, Role};
use crate::client::{Client, Error, Request, Response};
use crate::envoy::{Envoy, EnvoyOptions, find};
use crate::herd::Herd;
use crate::pki::{Identity, Pki};

pub use sabotage::trap_in;
pub use shipped::Shipped;
pub use token::TokenMount;

/// The caller that the shipped configurations allow, once their placeholders are replaced.
pub const WEB: &str = "spiffe://mesh.example.org/web";
/// A workload of the same trust domain that is not on the list.
pub const OTHER: &str = "spiffe://mesh.example.org/other";
/// The bucket behind `ingress-s3.yaml`.
pub const BUCKET: &str = "docs";
/// The role that the ingress assumes.
pub const ROLE: &str = "arn:aws:iam::123456789012:role/docs-proxy";
/// The Kubernetes service account that the role trusts.
pub const SERVICE_ACCOUNT: &str = "shop:docs-proxy";

/// Which shipped topology.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topology {
    /// `ingress-s3.yaml`
    S3,
    /// `ingress-api-gateway.yaml`
    ApiGateway,
}

impl Topology {
    /// The shipped file.
    pub fn file(self) -> &'static str {
        match self {
            Self::S3 => "ingress-s3.yaml",
            Self::ApiGateway => "ingress-api-gateway.yaml",
        }
    }
}

/// Where the filter stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Placement {
    /// In the backend's cluster, as shipped.
    #[default]
    Upstream,
    /// In the listener, as an ordinary HTTP filter.
    Downstream,
}

/// An AWS account made ready: a role, a bucket, an API, and a token for the pod.
#[derive(Debug)]
pub struct World {
    /// All of AWS that there is.
    pub aws: AwsDouble,
    /// The pod's token.
    pub token: TokenMount,
    dir: TempDir,
}

impl World {
    /// The role may read, write and list the bucket, and invoke the API; the token is in its place.
    pub fn new() -> Self {
        let aws = AwsDouble::start(AwsOptions::default()).expect("the double of AWS starts");
        let may = Policy::allow(
            &["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"],
            &["arn:aws:s3:::docs", "arn:aws:s3:::docs/*"],
        )
        .and_allow(&["execute-api:Invoke"], &["arn:aws:execute-api:us-west-2:123456789012:abc123/prod/*"]);
        aws.register_role(Role::new(ROLE, aws.trust_of(SERVICE_ACCOUNT), may));
        aws.s3().create_bucket(BUCKET).expect("a bucket");
        let dir = tempfile::Builder::new().prefix("mb-").tempdir().expect("a temporary directory");
        let token = TokenMount::new(&dir.path().join("sa")).expect("a token mount");
        token.write(aws.token_of(SERVICE_ACCOUNT)).expect("a token");
        let mesh = dir.path().join("mesh");
        std::fs::create_dir(&mesh).expect("a directory");
        let server =
            aws.pki().mesh_server(&["ingress.mesh"], "spiffe://mesh.example.org/ingress").expect("a certificate");
        let write = |name: &str, text: &str| std::fs::write(mesh.join(name), text).expect("a file");
        write("tls.crt", &server.certificate_pem);
        write("tls.key", &server.key_pem);
        write("ca.crt", &aws.pki().mesh_ca_pem());
        std::fs::write(dir.path().join("aws-ca.pem"), aws.pki().aws_ca_pem()).expect("a file");
        Self { aws, token, dir }
    }

    /// The certificates of the mesh and of AWS.
    pub fn pki(&self) -> Arc<Pki> {
        Arc::clone(self.aws.pki())
    }

    /// Its temporary directory: token, certificates, pipes.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The shipped file, with every placeholder replaced and every mount in this world's directory.
    pub fn shipped_text(&self, topology: Topology) -> String {
        let path = |name: &str| self.dir().join(name).to_str().expect("a path in UTF-8").to_owned();
        let (mesh, pipe, token) = (path("mesh"), path("token.sock"), path("sa"));
        let (ca, wasm) = (path("aws-ca.pem"), find::wasm().expect("the artefact"));
        let mut replacements = vec![
            ("CHANGE-ME.example.org", "mesh.example.org"),
            ("CHANGE-ME-ingress-pod-name", "ingress-0"),
            ("CHANGE-ME-role", "docs-proxy"),
            ("/etc/envoy/mesh", &mesh),
            ("/var/run/meshbridge/token.sock", &pipe),
            ("/var/run/secrets/eks.amazonaws.com/serviceaccount", &token),
            ("/etc/ssl/certs/ca-certificates.crt", &ca),
            ("/etc/envoy/irsa-signer.wasm", wasm.to_str().expect("a path in UTF-8")),
        ];
        replacements.push(match topology {
            Topology::S3 => ("CHANGE-ME-bucket", BUCKET),
            Topology::ApiGateway => ("CHANGE-ME-api-id", "abc123"),
        });
        Shipped::text(topology.file(), &replacements)
    }

    /// The same with the double in the place of AWS.
    pub fn shipped(&self, topology: Topology) -> Shipped {
        let mut shipped = Shipped::parse(&self.shipped_text(topology));
        let backend = match topology {
            Topology::S3 => self.aws.s3().addr(),
            Topology::ApiGateway => self.aws.api_gateway().addr(),
        };
        shipped.redirect("backend", backend);
        shipped.redirect("sts", self.aws.sts());
        shipped
    }

    /// Starts the shipped configuration as it is.
    pub fn start(&self, topology: Topology) -> Ingress {
        self.launch(self.shipped(topology).value(), &EnvoyOptions::default())
    }

    /// Starts it with changes to the plugin's configuration, in either placement.
    pub fn start_with(&self, topology: Topology, placement: Placement, changes: &Value) -> Ingress {
        let mut shipped = self.shipped(topology);
        shipped.configure(changes);
        if placement == Placement::Downstream {
            shipped.place_downstream();
        }
        self.launch(shipped.value(), &EnvoyOptions::default())
    }

    /// Starts any configuration made from a shipped one.
    pub fn launch(&self, config: &Value, options: &EnvoyOptions) -> Ingress {
        let envoy = Envoy::start(config, options).unwrap_or_else(|e| panic!("{e}"));
        let listener = envoy.listener("ingress").unwrap_or_else(|e| panic!("{e}"));
        let readiness = envoy.listener("readiness").unwrap_or_else(|e| panic!("{e}"));
        Ingress { envoy, listener, readiness, pki: self.pki() }
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

/// A running ingress.
#[derive(Debug)]
pub struct Ingress {
    /// The Envoy.
    pub envoy: Envoy,
    listener: SocketAddr,
    readiness: SocketAddr,
    pki: Arc<Pki>,
}

impl Ingress {
    /// Where callers connect.
    pub fn address(&self) -> SocketAddr {
        self.listener
    }

    /// A caller without a certificate.
    pub fn anonymous(&self) -> Client {
        Client::tls(self.listener, "ingress.mesh", &self.pki.mesh_ca_pem()).with_timeout(Duration::from_secs(30))
    }

    /// A caller with a certificate of these URIs.
    pub fn caller(&self, uris: &[&str]) -> Client {
        self.caller_as(&self.pki.mesh_client(uris).expect("a certificate"))
    }

    /// A caller with this certificate.
    pub fn caller_as(&self, identity: &Identity) -> Client {
        self.anonymous().with_identity(identity)
    }

    /// The caller that is allowed.
    pub fn web(&self) -> Client {
        self.caller(&[WEB])
    }

    /// Very many callers at once, all of them the one that is allowed.
    pub fn herd(&self, connections: usize, streams: usize) -> Herd {
        Herd {
            address: self.listener,
            roots_pem: self.pki.mesh_ca_pem(),
            identity: self.pki.mesh_client(&[WEB]).expect("a certificate"),
            connections,
            streams,
            patience: Duration::from_secs(60),
        }
    }

    /// How often a VM trapped, by Envoy's log.
    pub fn traps(&self) -> usize {
        self.envoy.logs().lines().filter(|line| line.contains("Uncaught RuntimeError")).count()
    }

    /// How often a VM was started anew after a trap, which Envoy does when the next request comes to its worker.
    pub fn vm_restarts(&self) -> u64 {
        let stats = self.envoy.stats("wasm.*vm_reload_success").unwrap_or_else(|e| panic!("{e}"));
        stats.values().sum()
    }

    /// The allowed caller's GET of a path.
    pub fn get(&self, target: &str) -> Result<Response, Error> {
        self.web().send(&Request::new("GET", target).host("ingress.mesh"))
    }

    /// The readiness probe's answer, as kubelet gets it.
    pub fn probe(&self) -> Result<Response, Error> {
        Client::plain(self.readiness).send(&Request::new("GET", "/").host("probe"))
    }

    /// The end of Envoy's log, for a test that fails.
    pub fn log_tail(&self) -> String {
        let log = self.envoy.logs();
        let lines: Vec<&str> = log.lines().filter(|line| !line.contains("source/server/server.cc")).collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// Waits until the readiness probe answers so.
    pub fn wait_for_readiness(&self, status: u16, within: Duration) {
        self.envoy
            .wait_until(&format!("readiness {status}"), within, || {
                self.probe().is_ok_and(|probe| probe.status == status)
            })
            .unwrap_or_else(|e| panic!("{e}"));
    }

    /// One of the filter's metrics: `signed`, `refused.no-credentials`, `expires_at`.
    pub fn metric(&self, backend: &str, name: &str) -> u64 {
        let name = format!("wasmcustom.meshbridge_irsa.{}.{name}", backend.replace('.', "_"));
        let stats = self.envoy.stats("wasmcustom").unwrap_or_else(|e| panic!("{e}"));
        // Envoy 1.36 puts `cluster.backend.` in front of what an upstream filter defines.
        let found = stats.iter().find(|(full, _)| full.ends_with(&name));
        *found.unwrap_or_else(|| panic!("no metric {name} among {:?}", stats.keys())).1
    }
}
