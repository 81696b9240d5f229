//! When something in the gateway is broken: a closed connection, never another cluster.

use std::path::PathBuf;

use e2e::ingress::trap_in;
use e2e::router::{Gateway, LEDGER, Outcome, Plan, REPORTS, World, artefact};
use serde_json::json;

/// The artefact with one text in it changed, in place.
fn altered(world: &World, from: &str, to: &str) -> PathBuf {
    let mut wasm = std::fs::read(artefact()).unwrap();
    let places: Vec<usize> =
        wasm.windows(from.len()).enumerate().filter(|(_, part)| *part == from.as_bytes()).map(|(at, _)| at).collect();
    assert!(from.len() == to.len() && !places.is_empty(), "{from}");
    for at in places {
        wasm[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
    written(world, &wasm)
}

fn written(world: &World, wasm: &[u8]) -> PathBuf {
    let path = world.mount().with_extension("wasm");
    std::fs::write(&path, wasm).unwrap();
    path
}

fn assert_all_closed(world: &World, gateway: &Gateway) {
    for name in [LEDGER, REPORTS, "secret", "nowhere", "staging.payroll.mesh.example.com"] {
        assert_eq!(gateway.outcome_of(name), Outcome::Closed, "{name}: {}", gateway.log_tail());
    }
    assert_eq!((world.ledger.visits(), world.reports.visits()), (0, 0));
    world.assert_secret_kept(gateway);
}

#[test]
fn a_route_that_envoy_does_not_take_is_a_closed_connection() {
    let world = World::new();
    let wasm = altered(&world, "set_envoy_filter_state", "set_envoy_filter_stat_");
    let gateway = world.start(Plan { wasm, ..world.plan() });
    assert_all_closed(&world, &gateway);
    assert_eq!((gateway.metric("refused.host-error"), gateway.metric("routed")), (2, 0));
    let line = format!("closed a connection for \"{LEDGER}\": host-error");
    gateway.wait_until(&line, || gateway.envoy.logs().contains(&line));
}

#[test]
fn a_filter_state_that_envoy_does_not_know_is_a_closed_connection() {
    let world = World::new();
    let wasm = altered(&world, "envoy.tcp_proxy.cluster", "envoy.tcp_proxy.clust__");
    let gateway = world.start(Plan { wasm, ..world.plan() });
    assert_all_closed(&world, &gateway);
    assert_eq!(gateway.metric("refused.host-error"), 2);
}

#[test]
fn a_name_that_envoy_does_not_tell_is_a_closed_connection() {
    let world = World::new();
    let wasm = altered(&world, "requested_server_name", "requested_server_nam_");
    let gateway = world.start(Plan { wasm, ..world.plan() });
    assert_all_closed(&world, &gateway);
    assert_eq!((gateway.refused(), gateway.metric("routed")), (5, 0));
}

#[test]
fn a_trap_closes_the_connection_and_the_next_one_gets_a_new_vm() {
    let world = World::new();
    let wasm = written(&world, &trap_in(&std::fs::read(artefact()).unwrap(), "proxy_on_new_connection"));
    let gateway = world.start(Plan { wasm, ..world.plan() });
    assert_all_closed(&world, &gateway);
    assert!(gateway.traps() >= 2, "{}", gateway.log_tail());
    gateway.wait_until("a new VM", || {
        gateway.outcome_of(LEDGER);
        gateway.stat("wasm.sni-router.vm_reload_success") >= 1
    });
    // A table with an artefact that works is taken, without a restart.
    gateway.files.put_routes(&World::routes().to_string(), &artefact());
    gateway.wait_for_everywhere(LEDGER, &Outcome::reached("ledger"));
}

/// tcp_proxy's own cluster is the last line: what gets past the filter without a route finds no endpoint.
#[test]
fn without_the_filter_there_is_nowhere_to_go() {
    let world = World::new();
    let mut plan = world.plan();
    let filters = plan.listener().pointer_mut("/filter_chains/0/filters").unwrap().as_array_mut().unwrap();
    filters.retain(|filter| filter["name"] != "sni-router");
    let gateway = world.start(plan);
    assert_all_closed(&world, &gateway);
    assert_eq!(gateway.stat("cluster.nowhere.upstream_cx_none_healthy"), 5);
}

#[test]
fn a_cluster_that_envoy_does_not_have_is_a_closed_connection() {
    let world = World::new();
    let gateway = world.gateway_with_routes(&json!({ "routes": [
        { "sni": LEDGER, "cluster": "not-yet" }, { "sni": REPORTS, "cluster": "reports-staging" }
    ] }));
    assert_eq!(gateway.outcome_of(LEDGER), Outcome::Closed);
    assert_eq!(gateway.outcome_of(REPORTS), Outcome::reached("reports"));
    world.assert_secret_kept(&gateway);
    // Once the cluster is there, the name leads to it.
    gateway.files.put_clusters(&[
        ("not-yet".into(), world.ledger.address()),
        ("reports-staging".into(), world.reports.address()),
        ("secret".into(), world.secret.address()),
    ]);
    gateway.wait_for_everywhere(LEDGER, &Outcome::reached("ledger"));
}
