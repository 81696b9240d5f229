//! Routes: in the listener Envoy picks them again after signing; in the cluster nothing comes after it.

use e2e::client::Request;
use e2e::envoy::EnvoyOptions;
use e2e::ingress::{BUCKET, Ingress, Placement, Topology, World};
use serde_json::{Value, json};

use crate::support::{S3_HOST, SOON, ready_as_shipped};

/// Two clusters; the routes are the test's.
fn with_routes(world: &World, placement: Placement, virtual_hosts: &Value) -> Ingress {
    let mut shipped = world.shipped(Topology::S3);
    if placement == Placement::Downstream {
        shipped.place_downstream();
    }
    let mut other = shipped.cluster("backend").clone();
    other["name"] = json!("other");
    other["load_assignment"]["cluster_name"] = json!("other");
    other.as_object_mut().unwrap().remove("typed_extension_protocol_options");
    shipped.value_mut()["static_resources"]["clusters"].as_array_mut().unwrap().push(other);
    shipped.manager("ingress")["route_config"]["virtual_hosts"] = virtual_hosts.clone();
    let ingress = world.launch(shipped.value(), &EnvoyOptions::default());
    ingress.wait_for_readiness(200, SOON);
    ingress
}

fn route(prefix: &str, cluster: &str) -> Value {
    json!({ "match": { "prefix": prefix }, "route": { "cluster": cluster } })
}

#[test]
fn in_the_listener_no_caller_can_choose_the_route_by_the_encoding_of_a_path() {
    let world = World::new();
    let hosts = json!([
        { "name": "all", "domains": ["*"], "routes": [route("/open", "backend"), route("/", "other")] },
    ]);
    let ingress = with_routes(&world, Placement::Downstream, &hosts);
    // What Envoy's router would have done: the path that was matched as one route means another.
    for target in ["/%6Fpen", "/open%2F..%2Fother", "/o%70en/x"] {
        let answer = ingress.get(target).unwrap();
        let seen = (answer.status, answer.header("x-meshbridge-error"));
        assert_eq!(seen, (400, Some("path-not-canonical")), "{target}: {}", ingress.log_tail());
    }
    assert_eq!(ingress.metric(S3_HOST, "refused.path-not-canonical"), 3);
    // Encoding what stood there raw is no other path.
    assert_eq!(ingress.get("/open/(a)+b").unwrap().status, 404);
    let upstream = ingress.envoy.stats("cluster.(backend|other).upstream_rq_total").unwrap();
    assert_eq!(upstream["cluster.backend.upstream_rq_total"], 1);
    assert_eq!(upstream["cluster.other.upstream_rq_total"], 0);
}

#[test]
fn in_the_listener_a_path_that_has_to_be_resolved_is_refused_for_other_services() {
    let world = World::new();
    let ingress = ready_as_shipped(&world, Topology::ApiGateway, Placement::Downstream);
    for target in ["/prod/../other/x", "/prod//x", "/prod/./x", "/prod/%2e%2e/x"] {
        let answer = ingress.get(target).unwrap();
        assert_eq!((answer.status, answer.header("x-meshbridge-error")), (400, Some("path-not-canonical")), "{target}");
    }
    assert_eq!(ingress.get("/prod/a%2Fb").unwrap().status, 200);
    let shipped = ready_as_shipped(&world, Topology::ApiGateway, Placement::Upstream);
    assert_eq!(shipped.get("/other/../prod//x").unwrap().status, 200);
    let event = world.aws.api_gateway().events().pop().unwrap();
    assert_eq!(event["path"], "/x", "{event}");
}

#[test]
fn in_the_shipped_placement_routes_may_depend_on_what_they_like() {
    let world = World::new();
    world.aws.s3().put_object(BUCKET, "a", b"a").unwrap();
    let hosts = json!([{ "name": "ingress", "domains": ["ingress.mesh"], "routes": [route("/%61", "backend")] }]);
    let ingress = with_routes(&world, Placement::Upstream, &hosts);
    assert_eq!(ingress.get("/%61").unwrap().status, 200, "{}", ingress.log_tail());
}

#[test]
fn each_retry_is_signed_anew_where_the_filter_is_in_the_cluster() {
    let world = World::new();
    let mut shipped = world.shipped(Topology::ApiGateway);
    let routes = shipped.manager("ingress").pointer_mut("/route_config/virtual_hosts/0/routes/0/route").unwrap();
    routes["retry_policy"] = json!({ "retry_on": "5xx", "num_retries": 2 });
    let ingress = world.launch(shipped.value(), &EnvoyOptions::default());
    ingress.wait_for_readiness(200, SOON);
    world.aws.api_gateway().set_handler(|_| e2e::aws::LambdaResponse {
        status: 502,
        headers: Vec::new(),
        body: "again".into(),
    });
    let post = Request::new("POST", "/prod/x").host("ingress.mesh").body("body");
    let answer = ingress.web().send(&post).unwrap();
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert_eq!(world.aws.api_gateway().events().len(), 3, "each was accepted by the verifier");
    world.aws.journal().assert_never_unsigned();
}
