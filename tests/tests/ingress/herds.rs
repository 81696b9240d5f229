//! Very many requests while there are no credentials: bounded, answered, and no trap.

use std::time::Duration;

use e2e::aws::Fault;
use e2e::envoy::EnvoyOptions;
use e2e::herd::Tally;
use e2e::ingress::{BUCKET, Ingress, Placement, Topology, World};
use serde_json::json;

use crate::support::{PLACEMENTS, S3_HOST, SOON};

fn tally(pairs: &[(u16, &str, usize)]) -> Tally {
    pairs.iter().map(|(status, reason, count)| ((*status, (*reason).to_owned()), *count)).collect()
}

/// One worker, so that all wait in one VM; as many streams as a connection wants.
fn start(world: &World, placement: Placement, max_waiting: usize, sts_timeout: u64) -> Ingress {
    let mut shipped = world.shipped(Topology::S3);
    shipped.configure(&json!({ "max_waiting": max_waiting, "sts": { "timeout_seconds": sts_timeout } }));
    if placement == Placement::Downstream {
        shipped.place_downstream();
    }
    let manager = shipped.manager("ingress");
    manager["http2_protocol_options"]["max_concurrent_streams"] = json!(2000);
    manager["access_log"] = json!([]);
    world.launch(shipped.value(), &EnvoyOptions { workers: 1, ..EnvoyOptions::default() })
}

#[test]
fn more_than_may_wait_are_refused_at_once_and_the_others_served() {
    for placement in PLACEMENTS {
        let world = World::new();
        world.aws.s3().put_object(BUCKET, "a", b"a").unwrap();
        world.aws.sts_control().set(Fault::Slow(Duration::from_secs(3)));
        let ingress = start(&world, placement, 100, 20);
        let seen = ingress.herd(2, 150).get("/a");
        assert_eq!(
            seen,
            tally(&[(200, "", 100), (503, "too-many-waiting", 200)]),
            "{placement:?}: {}",
            ingress.log_tail()
        );
        assert_eq!(ingress.metric(S3_HOST, "refused.too-many-waiting"), 200);
        assert_eq!(ingress.traps(), 0);
    }
}

#[test]
fn five_thousand_that_wait_in_one_vm_are_all_served_when_credentials_come() {
    let world = World::new();
    world.aws.s3().put_object(BUCKET, "a", b"a").unwrap();
    world.aws.sts_control().set(Fault::Slow(Duration::from_secs(5)));
    let mut shipped = world.shipped(Topology::S3);
    shipped.configure(&json!({ "max_waiting": 5000, "sts": { "timeout_seconds": 30 } }));
    shipped.place_downstream();
    let manager = shipped.manager("ingress");
    manager["http2_protocol_options"]["max_concurrent_streams"] = json!(2000);
    manager["access_log"] = json!([]);
    // The double need not stand 5,000 connections at once: after their release the requests queue in Envoy, on a busy
    // machine for longer than the shipped timers allow.
    manager["stream_idle_timeout"] = json!("120s");
    let route = manager.pointer_mut("/route_config/virtual_hosts/0/routes/0/route").unwrap();
    route["timeout"] = json!("120s");
    shipped.cluster("backend")["circuit_breakers"]["thresholds"][0]["max_connections"] = json!(16);
    let ingress = world.launch(shipped.value(), &EnvoyOptions { workers: 1, ..EnvoyOptions::default() });
    let mut herd = ingress.herd(5, 1000);
    herd.patience = Duration::from_secs(150);
    let seen = herd.get("/a");
    assert_eq!(seen, tally(&[(200, "", 5000)]), "{}", ingress.log_tail());
    assert_eq!(ingress.metric(S3_HOST, "waited"), 5000);
    assert_eq!(ingress.traps(), 0);
}

#[test]
fn five_thousand_that_wait_in_one_vm_are_all_refused_when_none_come() {
    let world = World::new();
    world.aws.sts_control().set(Fault::Hang);
    let ingress = start(&world, Placement::Downstream, 5000, 5);
    let seen = ingress.herd(5, 1000).get("/a");
    assert_eq!(seen, tally(&[(503, "no-credentials", 5000)]), "{}", ingress.log_tail());
    assert_eq!(ingress.traps(), 0);
    world.aws.journal().assert_never_unsigned();
}

#[test]
fn ten_thousand_requests_while_sts_is_slow_leave_memory_as_it_was() {
    let world = World::new();
    world.aws.s3().put_object(BUCKET, "a", b"a").unwrap();
    world.aws.sts_control().set(Fault::Hang);
    let ingress = start(&world, Placement::Downstream, 256, 10);
    // One round to fill pools and caches, then the measure.
    ingress.herd(2, 500).get("/a");
    let before = ingress.envoy.memory_allocated().unwrap();
    let mut refused = 0;
    for _ in 0..10 {
        let seen = ingress.herd(2, 500).get("/a");
        assert!(seen.keys().all(|(status, _)| *status == 503), "{seen:?}");
        refused += seen.values().sum::<usize>();
    }
    let after = ingress.envoy.memory_allocated().unwrap();
    println!("{refused} requests refused; Envoy held {before} bytes before, {after} after");
    assert_eq!(refused, 10_000);
    assert!(after < before + before / 4, "{before} -> {after}");
    assert_eq!(ingress.traps(), 0);
    world.aws.sts_control().set(Fault::Healthy);
    ingress.wait_for_readiness(200, Duration::from_secs(45));
    assert_eq!(ingress.get("/a").unwrap().status, 200);
}

#[test]
fn the_shipped_circuit_breakers_let_the_filter_say_no_first() {
    let world = World::new();
    world.aws.sts_control().set(Fault::Slow(Duration::from_secs(2)));
    let ingress = start(&world, Placement::Upstream, 256, 20);
    let seen = ingress.herd(2, 700).get("/a");
    let reasons: Vec<_> = seen.keys().map(|(status, reason)| (*status, reason.as_str())).collect();
    // 404: nothing was put into the bucket.
    assert_eq!(reasons, [(404, ""), (503, "too-many-waiting")], "{seen:?}");
    ingress.wait_for_readiness(200, SOON);
}
