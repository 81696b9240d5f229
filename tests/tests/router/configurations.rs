//! The files of `envoy-configs/` as their readers use them: mesh-gateway.yaml, mesh-gateway-routes.yaml and
//! mesh-gateway-clusters.yaml.

use e2e::envoy::{Envoy, EnvoyOptions};
use e2e::router::{FILE, Files, Outcome, World, artefact};

/// As shipped, all three, with the apps on loopback in the place of their host names.
fn shipped_files(world: &World) -> Files {
    let files = Files::new(world.mount());
    files.put_shipped_routes(&artefact());
    files.put_shipped_clusters(world.ledger.address(), world.reports.address());
    files
}

#[test]
fn the_shipped_files_serve_each_name_that_they_have() {
    let world = World::new();
    let files = shipped_files(&world);
    let gateway = world.launch(world.plan(), files);
    for (name, app) in [
        ("staging.ledger.mesh.example.com", "ledger"),
        ("staging.reports.mesh.example.com", "reports"),
        ("ledger.example.com", "ledger"),
    ] {
        assert_eq!(gateway.outcome_of(name), Outcome::reached(app), "{name}");
    }
    assert_eq!(gateway.outcome_of("production.ledger.mesh.example.com"), Outcome::Closed);
    assert_eq!(gateway.metric("names"), 3);
}

#[test]
fn envoys_own_reader_of_yaml_takes_the_shipped_file() {
    let world = World::new();
    shipped_files(&world);
    let options = EnvoyOptions { extra_args: vec!["--mode".into(), "validate".into()], ..EnvoyOptions::default() };
    // An Envoy that validates says so and ends, which is not being live.
    let log = Envoy::expect_refusal_text(&world.shipped_text(), &options).unwrap();
    assert!(log.contains("' OK"), "{FILE}: {log}");
}

#[test]
fn nobody_outside_can_reach_the_admin_interface_and_health_tells_nothing_else() {
    let world = World::new();
    assert!(world.shipped_text().contains("address: 127.0.0.1, port_value: 9901"));
    let gateway = world.gateway();
    assert_eq!(gateway.health(), 200);
    for path in ["/", "/stats", "/healthz/", "/quitquitquit"] {
        assert_eq!(gateway.health_port(path), 404, "{path}");
    }
}

#[test]
fn metrics_carry_the_router_and_the_reason_as_tags() {
    let world = World::new();
    let gateway = world.gateway();
    gateway.outcome_of("secret");
    let prometheus = gateway.envoy.admin_get("/stats/prometheus").unwrap();
    let line = prometheus.lines().find(|line| line.starts_with("meshbridge_sni_refused{") && line.ends_with(" 1"));
    let line = line.unwrap_or_else(|| panic!("no counter of refusals in {prometheus}"));
    for tag in ["meshbridge_router=\"sni-router\"", "meshbridge_reason=\"unknown-name\""] {
        assert!(line.contains(tag), "{line}");
    }
}
