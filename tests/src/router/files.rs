//! The two files that the gateway takes again whenever they are moved into place.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::ingress::Shipped;

const ROUTES: &str = "mesh-gateway-routes.yaml";
const CLUSTERS: &str = "mesh-gateway-clusters.yaml";

/// A directory with `routes.yaml` and `clusters.yaml`, each made from the shipped one.
#[derive(Debug)]
pub struct Files {
    dir: PathBuf,
}

impl Files {
    /// In this directory, which is made.
    pub fn new(dir: PathBuf) -> Self {
        std::fs::create_dir(&dir).expect("a directory");
        Self { dir }
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Moves another table into place: the plugin's configuration, and the artefact.
    pub fn put_routes(&self, configuration: &str, wasm: &Path) {
        let mut routes = parse(&Shipped::text(
            ROUTES,
            &[("CHANGE-ME.example.com", "example.com"), ("/etc/envoy/sni-router.wasm", utf8(wasm))],
        ));
        let value = routes.pointer_mut("/resources/0/typed_config/config/configuration/value");
        *value.expect("a configuration") = json!(configuration);
        self.put("routes.yaml", &routes.to_string());
    }

    /// Moves the shipped table into place.
    pub fn put_shipped_routes(&self, wasm: &Path) {
        let replacements = [("CHANGE-ME.example.com", "example.com"), ("/etc/envoy/sni-router.wasm", utf8(wasm))];
        self.put("routes.yaml", &Shipped::text(ROUTES, &replacements));
    }

    /// Moves other clusters into place, each like the first one that is shipped, on loopback.
    pub fn put_clusters(&self, clusters: &[(String, SocketAddr)]) {
        let replacements =
            [("CHANGE-ME-ledger.staging.svc", "ledger.invalid"), ("CHANGE-ME-reports.staging.svc", "reports.invalid")];
        let mut file = parse(&Shipped::text(CLUSTERS, &replacements));
        let model = file.pointer("/resources/0").expect("a cluster").clone();
        let like_it = |(name, address): &(String, SocketAddr)| {
            let mut cluster = model.clone();
            cluster["name"] = json!(name);
            cluster["type"] = json!("STATIC");
            cluster.as_object_mut().expect("an object").remove("dns_lookup_family");
            cluster["load_assignment"]["cluster_name"] = json!(name);
            let endpoint = cluster.pointer_mut("/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address");
            *endpoint.expect("an endpoint") = json!({
                "socket_address": { "address": address.ip().to_string(), "port_value": address.port() }
            });
            cluster
        };
        file["resources"] = clusters.iter().map(like_it).collect();
        self.put("clusters.yaml", &file.to_string());
    }

    /// Moves the shipped clusters into place, with these endpoints instead of the placeholders.
    pub fn put_shipped_clusters(&self, ledger: SocketAddr, reports: SocketAddr) {
        let (ledger, reports) = (ledger.to_string(), reports.to_string());
        let port = |address: &str| address.rsplit(':').next().expect("a port").to_owned();
        let text = Shipped::text(
            CLUSTERS,
            &[
                (
                    "CHANGE-ME-ledger.staging.svc, port_value: 8443",
                    &format!("127.0.0.1, port_value: {}", port(&ledger)),
                ),
                (
                    "CHANGE-ME-reports.staging.svc, port_value: 8443",
                    &format!("127.0.0.1, port_value: {}", port(&reports)),
                ),
            ],
        );
        self.put("clusters.yaml", &text);
    }

    /// Moves a file into place, as whoever replaces a file that is in use should.
    pub fn put(&self, name: &str, content: &str) {
        // Beside the watched directory: what is made in it is no move.
        let beside = self.dir.with_extension("new");
        std::fs::write(&beside, content).expect("a file");
        std::fs::rename(&beside, self.dir.join(name)).expect("a file that can be moved");
    }
}

fn parse(text: &str) -> Value {
    yaml_serde::from_str(text).unwrap_or_else(|e| panic!("{e}"))
}

/// A path in a text.
pub(super) fn utf8(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}
