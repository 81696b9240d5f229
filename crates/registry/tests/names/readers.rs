//! What the registry accepts, the filters accept: an ingress as irsa-signer's configuration, all routes as sni-router's.

use irsa_core::config::{Host, Plugin};
use registry::{Snapshot, Workload};
use serde_json::json;

const WEB: &str = r#"
[production]
account_id = "000000000042"
mesh_identity = true
lambda_roles = ["arn:aws:iam::000000000042:role/deep/path/web-lambda"]
upstreams = ["ledger", "old"]

[[production.ingress]]
name = "files"
service_name = "s3"
region = "us-west-2"
backend_hostname = "web-files.s3.us-west-2.amazonaws.com"
role_arn = "arn:aws:iam::000000000042:role/web-files"
callers = ["web", "ledger", "old"]

[[production.ingress]]
name = "api"
service_name = "execute-api"
region = "eu-west-1"
backend_hostname = "a1b2c3.execute-api.eu-west-1.amazonaws.com"
role_arn = "arn:aws:iam::000000000042:role/web-api"
callers = ["ledger"]
"#;

const OLD: &str = r#"
[production]
spiffe_id = "spiffe://legacy.example.com/ns/Old/sa/old_app"
sni = "old.legacy.example.com"
cluster = "outbound|443||old.legacy.svc.cluster.local"
"#;

fn snapshot() -> Snapshot {
    super::registry(&[("web", WEB), ("ledger", "[production]\n[staging]\n"), ("old", OLD)]).unwrap()
}

fn signer(workload: &Workload<'_>, index: usize) -> String {
    let ingress = &workload.deployment.ingress[index];
    let callers: Vec<String> = workload.callers(ingress).map(|caller| caller.spiffe_id().as_str().to_owned()).collect();
    json!({
        "service_name": ingress.service.as_str(),
        "region": ingress.region.as_str(),
        "backend_hostname": ingress.backend_hostname.as_str(),
        "role_arn": ingress.role.as_str(),
        "callers": callers,
    })
    .to_string()
}

#[test]
fn every_ingress_is_a_configuration_of_the_signer() {
    let snapshot = snapshot();
    let web = snapshot.workload("production", "web").unwrap();
    for (index, callers) in [(0, 3), (1, 1)] {
        let configuration = signer(&web, index);
        let plugin = Plugin::parse(configuration.as_bytes(), Host { vm_id: "irsa-signer" });
        match plugin {
            Ok(Plugin::Signer(config)) => assert_eq!(config.callers.map(|callers| callers.len()), Some(callers)),
            other => panic!("{configuration}: {other:?}"),
        }
    }
}

#[test]
fn callers_expand_to_spiffe_ids_overridden_ones_included() {
    let snapshot = snapshot();
    let web = snapshot.workload("production", "web").unwrap();
    assert!(signer(&web, 0).contains(
        "\"callers\":[\"spiffe://mesh.example.com/production/web\",\"spiffe://mesh.example.com/production/ledger\",\
         \"spiffe://legacy.example.com/ns/Old/sa/old_app\"]"
    ));
}

#[test]
fn the_names_and_clusters_of_all_apps_are_a_table_of_the_router() {
    let snapshot = snapshot();
    let routes: Vec<_> = snapshot
        .workloads()
        .map(|workload| json!({ "sni": workload.sni().as_str(), "cluster": workload.cluster() }))
        .collect();
    assert_eq!(routes.len(), 4);
    let configuration = json!({ "routes": routes }).to_string();
    assert!(sni_core::Config::parse(configuration.as_bytes()).is_ok(), "{configuration}");
}
