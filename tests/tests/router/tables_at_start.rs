//! What a gateway does that starts without a table that is right, and two gateways in one Envoy.

use e2e::envoy::Envoy;
use e2e::router::{Files, Gateway, LEDGER, Outcome, Plan, REPORTS, Visitor, World, artefact};
use serde_json::{Value, json};

/// Nothing is routed, and a table that is right is taken without a restart.
fn assert_closed_until_there_is_a_table(world: &World, gateway: &Gateway) {
    for name in [LEDGER, REPORTS, "secret"] {
        assert_eq!(gateway.outcome_of(name), Outcome::Closed, "{name}");
    }
    assert_eq!(gateway.listener_stat("network_extension_config_missing"), 3);
    assert_eq!((world.ledger.visits(), world.reports.visits()), (0, 0));
    world.assert_secret_kept(gateway);
    gateway.put_routes(&World::routes());
    gateway.wait_for_everywhere(LEDGER, &Outcome::reached("ledger"));
}

#[test]
fn a_table_with_mistakes_at_start_routes_nothing_and_every_mistake_is_named() {
    let world = World::new();
    let routes = json!({
        "routes": [
            { "sni": "ledger.example.com", "cluster": "" },
            { "sni": "LEDGER.example.com.", "cluster": "ledger-staging" },
            { "sni": "*.example.com", "cluster": "x" },
            { "cluster": "x", "port": 8443 },
        ],
        "environment": "staging.eu",
        "apps": { "led ger": "x", "reports": 1 },
        "default": "ledger-staging",
    });
    let gateway = world.gateway_with_routes(&routes);
    for text in [
        "the configuration has 10 mistakes:",
        "- default: is not a field that this version knows",
        "- environment: \"staging.eu\" holds a character",
        "- suffix: is missing",
        "- routes[0].cluster: \"\" is empty",
        "- routes[1].sni: \"ledger.example.com\" stands in the table already",
        "- routes[2].sni: \"*.example.com\" holds a *",
        "- routes[3].port: is not a field",
        "- routes[3].sni: is missing; add \"sni\": \"staging.ledger.mesh.example.com\"",
        "- apps.led ger: \"led ger\" holds a character",
        "- apps.reports: is a number, not a text",
    ] {
        gateway.wait_until(text, || gateway.envoy.logs().contains(text));
    }
    assert_closed_until_there_is_a_table(&world, &gateway);
}

#[test]
fn without_a_file_with_a_table_envoy_does_not_start() {
    let world = World::new();
    let files = Files::new(world.mount());
    let plan = world.plan();
    files.put_clusters(&plan.clusters);
    let log = Envoy::expect_refusal(plan.shipped.value(), &plan.options).unwrap();
    assert!(log.contains("routes.yaml' does not exist"), "{log}");
}

/// Without a word about another table afterwards: Envoy 1.36 does not survive the next one, 1.40 does.
#[test]
fn without_the_artefact_nothing_is_routed() {
    let world = World::new();
    let plan = Plan { wasm: world.mount().with_extension("nowhere.wasm"), ..world.plan() };
    let gateway = world.start(plan);
    for name in [LEDGER, REPORTS, "secret"] {
        assert_eq!(gateway.outcome_of(name), Outcome::Closed, "{name}");
    }
    assert_eq!(gateway.listener_stat("network_extension_config_missing"), 3);
    world.assert_secret_kept(&gateway);
}

#[test]
fn a_table_that_stands_in_the_bootstrap_itself_must_be_right_or_envoy_does_not_start() {
    let world = World::new();
    let mut plan = world.plan();
    *sni_router(plan.listener()) = plugin("staging", &json!({ "routes": [{ "sni": "*", "cluster": "" }] }));
    let files = Files::new(world.mount());
    files.put_clusters(&plan.clusters);
    let log = Envoy::expect_refusal(plan.shipped.value(), &plan.options).unwrap();
    assert!(log.contains("the configuration has 2 mistakes:"), "{log}");
}

/// Staging's listener cannot know production's names, also where one VM serves both.
#[test]
fn two_listeners_in_one_envoy_have_each_a_table_of_its_own() {
    let world = World::new();
    let mut plan = world.plan();
    let production = json!({
        "environment": "production", "suffix": "mesh.example.com", "apps": { "ledger": "reports-staging" },
    });
    let mut second = plan.listener().clone();
    second["name"] = json!("production");
    second["stat_prefix"] = json!("production");
    *sni_router(&mut second) = plugin("production", &production);
    plan.shipped.value_mut()["static_resources"]["listeners"].as_array_mut().unwrap().push(second);
    let gateway = world.start(plan);
    let production = gateway.envoy.listener("production").unwrap();
    let outcome_in_production = |name: &str| {
        Visitor::connect(production).send(e2e::router::Recorded::Go.hello().named(name).to_bytes()).outcome()
    };
    let other = "production.ledger.mesh.example.com";
    for _ in 0..8 {
        assert_eq!(gateway.outcome_of(LEDGER), Outcome::reached("ledger"));
        assert_eq!(outcome_in_production(other), Outcome::reached("reports"));
        assert_eq!(gateway.outcome_of(other), Outcome::Closed);
        assert_eq!(outcome_in_production(LEDGER), Outcome::Closed);
    }
    // One changes, the other does not.
    gateway.put_routes(&json!({ "routes": [{ "sni": REPORTS, "cluster": "reports-staging" }] }));
    gateway.wait_for_everywhere(LEDGER, &Outcome::Closed);
    assert_eq!(outcome_in_production(other), Outcome::reached("reports"));
    assert_eq!(outcome_in_production(REPORTS), Outcome::Closed);
    assert_eq!(gateway.stat("wasmcustom.meshbridge_sni.production.refused.unknown-name"), 9);
    world.assert_secret_kept(&gateway);
}

fn sni_router(listener: &mut Value) -> &mut Value {
    let filter = listener.pointer_mut("/filter_chains/0/filters/0").unwrap();
    assert_eq!(filter["name"], "sni-router");
    filter
}

/// The filter with its table in the bootstrap.
fn plugin(name: &str, routes: &Value) -> Value {
    json!({ "name": name, "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.wasm.v3.Wasm",
        "config": {
            "name": name,
            "failure_policy": "FAIL_RELOAD",
            "vm_config": {
                "vm_id": "sni-router",
                "runtime": "envoy.wasm.runtime.v8",
                "code": { "local": { "filename": artefact() } },
            },
            "configuration": {
                "@type": "type.googleapis.com/google.protobuf.StringValue", "value": routes.to_string(),
            },
        },
    } })
}
