//! A filter that traps: Envoy fails closed, starts the VM anew, and service returns.

use std::time::Duration;

use e2e::aws::Service;
use e2e::client::Request;
use e2e::envoy::{EnvoyOptions, find};
use e2e::ingress::{Ingress, Placement, Topology, World, trap_in};
use serde_json::json;

use crate::support::{PLACEMENTS, SOON, wait_for_held};

/// An ingress whose filter traps when a request has trailers, and is the real one otherwise.
fn sabotaged(world: &World, placement: Placement, options: &EnvoyOptions) -> Ingress {
    let module = std::fs::read(find::wasm().unwrap()).unwrap();
    let path = world.dir().join("sabotaged.wasm");
    std::fs::write(&path, trap_in(&module, "proxy_on_request_trailers")).unwrap();
    let mut shipped = world.shipped(Topology::ApiGateway);
    if placement == Placement::Downstream {
        shipped.place_downstream();
    }
    shipped.manager("ingress")["http_protocol_options"] = json!({ "enable_trailers": true });
    let code = json!({ "local": { "filename": path } });
    shipped.signer()["typed_config"]["config"]["vm_config"]["code"] = code.clone();
    let probe = &mut shipped.manager("readiness")["http_filters"][0]["typed_config"]["config"];
    probe["vm_config"]["code"] = code;
    let ingress = world.launch(shipped.value(), options);
    ingress.wait_for_readiness(200, SOON);
    ingress
}

const WITH_TRAILERS: &[u8] = b"POST /prod/x HTTP/1.1\r\nhost: ingress.mesh\r\ntransfer-encoding: chunked\r\n\r\n\
    5\r\nhello\r\n0\r\nx-end: yes\r\n\r\n";

#[test]
fn a_trap_fails_the_request_closed_and_the_next_one_is_served_by_a_new_vm() {
    for placement in PLACEMENTS {
        let world = World::new();
        let ingress = sabotaged(&world, placement, &EnvoyOptions::default());
        let post = Request::new("POST", "/prod/x").host("ingress.mesh").body("plain");
        assert_eq!(ingress.web().send(&post).unwrap().status, 200);
        let calls = world.aws.sts_control().calls();

        let trapped = ingress.web().with_timeout(Duration::from_secs(60)).send_raw(WITH_TRAILERS);
        assert!(trapped.as_ref().map_or(true, |answer| answer.status >= 500), "{placement:?}: {trapped:?}");
        ingress.envoy.wait_for_log("Uncaught RuntimeError", SOON).unwrap_or_else(|e| panic!("{placement:?}: {e}"));
        assert_eq!(ingress.traps(), 1, "{placement:?}: {}", ingress.log_tail());
        // Requests go to either worker: in time also to the one whose VM trapped.
        let is_back =
            || ingress.web().send(&post).is_ok_and(|answer| answer.status == 200) && ingress.vm_restarts() > 0;
        ingress.envoy.wait_until("service by a new VM", SOON, is_back).unwrap_or_else(|e| panic!("{placement:?}: {e}"));
        // The credentials outlive the VM in shared data: the new one need not ask STS.
        assert_eq!(world.aws.sts_control().calls(), calls, "{placement:?}");
        world.aws.journal().assert_never_unsigned();
        let allowed = world.aws.journal().of(Service::ExecuteApi).iter().all(|entry| entry.allowed());
        assert!(allowed, "{placement:?}");
    }
}

#[test]
fn requests_that_a_trapped_vm_held_end_by_envoys_timers() {
    let world = World::new();
    let options = EnvoyOptions { workers: 1, ..EnvoyOptions::default() };
    let ingress = sabotaged(&world, Placement::Upstream, &options);
    let mut held = ingress.web().with_timeout(Duration::from_secs(60)).connect().unwrap();
    held.write(b"POST /prod/x HTTP/1.1\r\nhost: ingress.mesh\r\ncontent-length: 100\r\n\r\nonly this").unwrap();
    wait_for_held(&ingress, 1);
    let _ = ingress.web().with_timeout(Duration::from_secs(60)).send_raw(WITH_TRAILERS);
    // It is answered with an error or closed, within the listener's stream_idle_timeout, and never forwarded.
    let asked = std::time::Instant::now();
    let outcome = held.read();
    assert!(outcome.as_ref().map_or(true, |answer| answer.status >= 400), "{outcome:?}");
    assert!(asked.elapsed() < Duration::from_secs(40), "{:?}", asked.elapsed());
    world.aws.journal().assert_never_unsigned();
    assert!(world.aws.api_gateway().events().is_empty());
}
