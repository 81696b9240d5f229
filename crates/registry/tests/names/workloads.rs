//! What follows from a snapshot for one app in one environment.

use super::registry;

const WEB: &str = r#"
[production]
account_id = "000000000042"
mesh_identity = true
lambda_roles = ["arn:aws:iam::000000000042:role/web-lambda"]
upstreams = ["old", "ledger"]
[staging]
account_id = "000000000043"
mesh_identity = false
lambda_roles = ["arn:aws:iam::000000000043:role/web-lambda"]
"#;

#[test]
fn an_app_has_the_names_of_the_design() {
    let snapshot = registry(&[("web", WEB), ("ledger", "[production]\n"), ("old", "[production]\n")]).unwrap();
    let web = snapshot.workload("production", "web").unwrap();
    assert_eq!(web.spiffe_id().as_str(), "spiffe://mesh.example.com/production/web");
    assert_eq!(web.sni().as_str(), "production.web.mesh.example.com");
    assert_eq!(web.cluster(), "web-production");
    assert_eq!(web.subject().unwrap().to_string(), "CN=web.production,O=Example\\, Inc,OU=000000000042");
    assert_eq!(web.key_secret(), "meshbridge/production/web/key");
    assert_eq!(web.certificate_secret(), "meshbridge/production/web/certificate");
    let upstreams: Vec<String> = web.upstreams().map(|upstream| upstream.app.name.as_str().to_owned()).collect();
    assert_eq!(upstreams, ["old", "ledger"]);
    let staging = snapshot.workload("staging", "web").unwrap();
    assert_eq!(staging.sni().as_str(), "staging.web.x.mesh.example.com");
}

#[test]
fn only_those_who_opted_in_get_identities() {
    let snapshot = registry(&[("web", WEB), ("ledger", "[production]\n"), ("old", "[production]\n")]).unwrap();
    let identities: Vec<String> =
        snapshot.identities().map(|identity| identity.spiffe_id().as_str().to_owned()).collect();
    assert_eq!(identities, ["spiffe://mesh.example.com/production/web"]);
    assert_eq!(snapshot.workloads().count(), 4);
}

#[test]
fn what_is_not_declared_is_not_found() {
    let snapshot = registry(&[("web", WEB), ("ledger", "[production]\n"), ("old", "[production]\n")]).unwrap();
    assert!(snapshot.workload("eu-staging", "web").is_none());
    assert!(snapshot.workload("production", "nobody").is_none());
    assert!(snapshot.app("we").is_none());
    assert!(snapshot.workload("production", "ledger").unwrap().subject().is_none(), "it has no account");
}

#[test]
fn an_app_may_use_one_account_in_two_environments_and_call_its_own_ingress() {
    let web = r#"
[production]
account_id = "000000000042"
[[production.ingress]]
name = "files"
service_name = "s3"
region = "us-west-2"
backend_hostname = "web-files.s3.us-west-2.amazonaws.com"
role_arn = "arn:aws:iam::000000000042:role/web-files"
callers = ["web"]
[staging]
account_id = "000000000042"
"#;
    let snapshot = registry(&[("web", web)]).unwrap();
    let web = snapshot.workload("production", "web").unwrap();
    assert_eq!(web.callers(&web.deployment.ingress[0]).count(), 1);
}

#[test]
fn an_override_may_say_what_the_rules_say() {
    let web = "[production]\nspiffe_id = \"spiffe://mesh.example.com/production/web\"\n\
               sni = \"production.web.mesh.example.com\"\ncluster = \"web-production\"\n";
    let with = registry(&[("web", web)]).unwrap();
    let without = registry(&[("web", "[production]\n")]).unwrap();
    let names = |snapshot: &registry::Snapshot| {
        let web = snapshot.workload("production", "web").unwrap();
        (web.spiffe_id(), web.sni(), web.cluster())
    };
    assert_eq!(names(&with), names(&without));
}

#[test]
fn every_value_knows_where_it_was_declared() {
    let snapshot = registry(&[("web", WEB), ("ledger", "[production]\n"), ("old", "[production]\n")]).unwrap();
    let web = snapshot.workload("production", "web").unwrap();
    let place = |located: registry::Place| located.to_string();
    assert_eq!(&*web.app.file, "web.toml");
    assert_eq!(place(web.app.name.place), "1:8");
    assert_eq!(place(web.deployment.environment.place), "4:2");
    assert_eq!(place(web.deployment.account.unwrap().place), "5:14");
    assert_eq!(place(web.deployment.upstreams[1].place), "8:21");
}

#[test]
fn a_name_with_the_suffix_of_another_environment_is_nobodys_by_rule() {
    // staging has a suffix of its own, so that this is no name of staging.
    let snapshot = registry(&[("web", "[production]\nsni = \"staging.ledger.mesh.example.com\"\n")]).unwrap();
    assert_eq!(snapshot.workload("production", "web").unwrap().sni().as_str(), "staging.ledger.mesh.example.com");
    assert!(registry(&[("web", "[production]\nsni = \"staging.ledger.x.mesh.example.com\"\n")]).is_err());
}

#[test]
fn a_certificates_name_may_have_64_characters_and_every_name_of_such_an_app_is_valid() {
    let fits = "a".repeat(63 - "production".len());
    let snapshot = registry(&[(&fits, "[production]\naccount_id = \"000000000042\"\n")]).unwrap();
    let workload = snapshot.workload("production", &fits).unwrap();
    assert_eq!(workload.subject().unwrap().common_name.len(), 64);
    assert!(workload.sni().as_str().starts_with("production.aaa"));
    assert!(registry(&[(&format!("{fits}a"), "[production]\n")]).is_err());
}

#[test]
fn the_longest_suffix_leaves_room_for_the_longest_names() {
    let (app, label) = ("a".repeat(53), "s".repeat(46));
    let suffix = format!("{label}.{label}.{label}.{label}x");
    assert_eq!(suffix.len(), 188);
    let settings = super::SETTINGS.replacen("\"mesh.example.com\"", &format!("\"{suffix}\""), 1);
    let text = format!("name = \"{app}\"\nowners = [\"team@example.com\"]\n[production]\n");
    let app_file = super::document(&format!("{app}.toml"), &text);
    let snapshot =
        registry::Snapshot::of_documents(&super::document("meshbridge.toml", &settings), [&app_file]).unwrap();
    assert_eq!(snapshot.workload("production", &app).unwrap().sni().as_str().len(), 253);
}
