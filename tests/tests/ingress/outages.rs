//! The failure table of the design: what callers get, what operators see, and that service returns by itself.

use std::time::{Duration, Instant};

use e2e::aws::{Fault, Service};
use e2e::client::Response;
use e2e::ingress::{BUCKET, Ingress, Placement, SERVICE_ACCOUNT, Topology, World};
use serde_json::json;

use crate::support::{PLACEMENTS, S3_HOST, SOON, wait_for_held};

/// One back-off, one exchange, and a tick.
const ONE_BACK_OFF: Duration = Duration::from_secs(38);

fn world_with_object() -> World {
    let world = World::new();
    world.aws.s3().put_object(BUCKET, "a", b"a").unwrap();
    world
}

fn get(ingress: &Ingress) -> Response {
    ingress.get("/a").unwrap_or_else(|e| panic!("{e:?}\n{}", ingress.log_tail()))
}

fn assert_refused(answer: &Response, reason: &str, ingress: &Ingress) {
    let seen = (answer.status, answer.header("x-meshbridge-error"));
    assert_eq!(seen, (503, Some(reason)), "{}", ingress.log_tail());
}

fn assert_recovers(world: &World, ingress: &Ingress) {
    ingress.wait_for_readiness(200, ONE_BACK_OFF);
    assert_eq!(get(ingress).status, 200);
    world.aws.journal().assert_never_unsigned();
}

#[test]
fn sts_down_at_start_means_503_after_a_bounded_wait_and_service_when_it_returns() {
    for placement in PLACEMENTS {
        let world = world_with_object();
        world.aws.sts_control().set(Fault::Down);
        let ingress = world.start_with(Topology::S3, placement, &json!({ "sts": { "timeout_seconds": 1 } }));
        let asked = Instant::now();
        assert_refused(&get(&ingress), "no-credentials", &ingress);
        assert!(asked.elapsed() < Duration::from_secs(6), "{:?}", asked.elapsed());
        assert_eq!(ingress.probe().unwrap().status, 503);
        assert!(ingress.metric(S3_HOST, "exchange.failed.sts-unavailable") >= 1);
        world.aws.sts_control().set(Fault::Healthy);
        assert_recovers(&world, &ingress);
    }
}

#[test]
fn sts_down_during_a_refresh_is_felt_by_nobody_until_the_credentials_expire() {
    for placement in PLACEMENTS {
        let world = world_with_object();
        world.aws.sts_control().hand_out_lifetime(Some(Duration::from_secs(8)));
        let ingress = world.start_with(Topology::S3, placement, &json!({ "sts": { "timeout_seconds": 1 } }));
        ingress.wait_for_readiness(200, SOON);
        let expires_at = ingress.metric(S3_HOST, "expires_at");
        world.aws.sts_control().set(Fault::Down);
        // Nobody waits and nobody is refused, though the refresh fails.
        while world.aws.clock().unix() + 1 < expires_at {
            assert_eq!(get(&ingress).status, 200);
        }
        assert!(ingress.metric(S3_HOST, "exchange.failed.sts-unavailable") >= 1);
        assert!(ingress.envoy.logs().contains("the present ones stay in use"));
        assert_eq!(ingress.metric(S3_HOST, "waited"), 0);
        // Past expiry: refused, never unsigned.
        ingress.wait_for_readiness(503, SOON);
        assert_refused(&get(&ingress), "no-credentials", &ingress);
        world.aws.journal().assert_never_unsigned();
        assert!(world.aws.journal().of(Service::S3).iter().all(|entry| entry.allowed()));
        // And back.
        world.aws.sts_control().hand_out_lifetime(None);
        world.aws.sts_control().set(Fault::Healthy);
        assert_recovers(&world, &ingress);
    }
}

#[test]
fn a_denial_is_told_as_such_with_the_words_of_sts_and_without_the_token() {
    let world = world_with_object();
    let token = world.aws.token_of("shop:somebody-else");
    world.token.write(&token).unwrap();
    let ingress = world.start(Topology::S3);
    ingress.envoy.wait_for_log("AccessDenied", SOON).unwrap();
    assert_refused(&get(&ingress), "sts-denied", &ingress);
    assert_eq!(ingress.probe().unwrap().json().unwrap()["reason"], "sts-denied");
    assert!(ingress.metric(S3_HOST, "exchange.failed.sts-denied") >= 1);
    let log = ingress.envoy.logs();
    assert!(log.contains("Not authorized to perform sts:AssumeRoleWithWebIdentity"), "{}", ingress.log_tail());
    assert!(token.split('.').all(|part| !log.contains(part)));
    world.token.write(world.aws.token_of(SERVICE_ACCOUNT)).unwrap();
    assert_recovers(&world, &ingress);
}

#[test]
fn whatever_sts_answers_instead_of_credentials_is_refused_and_survived() {
    let faults = [
        Fault::Garbled,
        Fault::HtmlErrorPage,
        Fault::Truncated,
        Fault::TruncatedConnection,
        Fault::AlreadyExpired,
        Fault::Throttling,
        Fault::Status503,
        Fault::IdpCommunicationError,
        Fault::MissingField("SessionToken"),
        Fault::Hang,
    ];
    std::thread::scope(|scope| {
        for fault in faults {
            scope.spawn(move || {
                let world = world_with_object();
                world.aws.sts_control().set(fault.clone());
                let changes = json!({ "sts": { "timeout_seconds": 1 } });
                let ingress = world.start_with(Topology::S3, Placement::Upstream, &changes);
                assert_refused(&get(&ingress), "no-credentials", &ingress);
                assert!(ingress.metric(S3_HOST, "exchange.failed.sts-unavailable") >= 1, "{fault:?}");
                world.aws.sts_control().set(Fault::Healthy);
                assert_recovers(&world, &ingress);
            });
        }
    });
}

#[test]
fn sts_that_is_not_who_it_should_be_gets_no_token() {
    let world = world_with_object();
    let mut shipped = world.shipped(Topology::S3);
    // Another server of the same CA: the wrong name in its certificate.
    shipped.redirect("sts", world.aws.s3().addr());
    shipped.cluster("sts")["transport_socket"]["typed_config"]["sni"] = json!(S3_HOST);
    let ingress = world.launch(shipped.value(), &e2e::envoy::EnvoyOptions::default());
    ingress.envoy.wait_for_log("no credentials of", SOON).unwrap();
    assert_refused(&get(&ingress), "no-credentials", &ingress);
    assert!(world.aws.journal().entries().is_empty(), "{:?}", world.aws.journal().entries());
}

#[test]
fn a_token_that_is_none_is_told_as_such_and_read_again_until_it_is_one() {
    let too_large = format!("a.{}.c", "b".repeat(16_384));
    let page = "<html><body>404 not found</body></html>";
    std::thread::scope(|scope| {
        for content in ["", page, "only.two", &too_large[..16_000], "..", "a.b.c.d"] {
            scope.spawn(move || {
                let world = world_with_object();
                world.token.write(content).unwrap();
                let ingress = world.start(Topology::S3);
                ingress.envoy.wait_for_log("NoToken", SOON).unwrap();
                let is_a_token = content.starts_with("a.b") && content.len() > 100;
                if !is_a_token {
                    assert_refused(&get(&ingress), "no-token", &ingress);
                    assert_eq!(world.aws.sts_control().calls(), 0, "nothing is sent to STS");
                    assert!(ingress.metric(S3_HOST, "exchange.failed.no-token") >= 1);
                }
                world.token.write(world.aws.token_of(SERVICE_ACCOUNT)).unwrap();
                assert_recovers(&world, &ingress);
            });
        }
    });
}

#[test]
fn a_token_that_is_taken_away_is_noticed_at_the_next_exchange_and_needed_no_sooner() {
    let world = world_with_object();
    world.aws.sts_control().hand_out_lifetime(Some(Duration::from_secs(6)));
    let ingress = world.start(Topology::S3);
    ingress.wait_for_readiness(200, SOON);
    world.token.write("").unwrap();
    ingress.envoy.wait_for_log("NoToken", SOON).unwrap();
    ingress.wait_for_readiness(503, SOON);
    assert_refused(&get(&ingress), "no-token", &ingress);
    world.token.write(world.aws.token_of(SERVICE_ACCOUNT)).unwrap();
    assert_recovers(&world, &ingress);
}

#[test]
fn a_cluster_that_is_not_there_is_named_in_the_log() {
    let world = world_with_object();
    let changes = json!({ "token": { "cluster": "nowhere" } });
    let ingress = world.start_with(Topology::S3, Placement::Upstream, &changes);
    ingress.envoy.wait_for_log("envoy has no cluster of the name token.cluster", SOON).unwrap();
    assert_refused(&get(&ingress), "no-token", &ingress);
    let changes = json!({ "sts": { "cluster": "nowhere" } });
    let ingress = world.start_with(Topology::S3, Placement::Upstream, &changes);
    ingress.envoy.wait_for_log("envoy has no such cluster", SOON).unwrap();
    assert_refused(&get(&ingress), "no-credentials", &ingress);
}

#[test]
fn a_waiting_caller_that_leaves_takes_nobody_with_it() {
    for placement in PLACEMENTS {
        let world = world_with_object();
        world.aws.sts_control().set(Fault::Slow(Duration::from_secs(2)));
        let ingress = world.start_with(Topology::S3, placement, &json!({}));
        let mut first = ingress.web().connect().unwrap();
        first.write(b"GET /a HTTP/1.1\r\nhost: ingress.mesh\r\n\r\n").unwrap();
        wait_for_held(&ingress, 1);
        std::thread::scope(|scope| {
            let others: Vec<_> = (0..5).map(|_| scope.spawn(|| get(&ingress).status)).collect();
            wait_for_held(&ingress, 4);
            drop(first);
            for other in others {
                assert_eq!(other.join().unwrap(), 200, "{placement:?}: {}", ingress.log_tail());
            }
        });
        assert_eq!(world.aws.journal().of(Service::S3).len(), 5);
    }
}

#[test]
fn envoy_refuses_to_start_with_a_configuration_that_is_wrong_and_names_every_mistake() {
    let world = World::new();
    let mut shipped = world.shipped(Topology::S3);
    shipped.configure(&json!({ "region": "US-WEST-2", "role_arn": null, "allow": [], "max_waiting": "many" }));
    let log = e2e::envoy::Envoy::expect_refusal(shipped.value(), &e2e::envoy::EnvoyOptions::default()).unwrap();
    for text in ["the configuration has 4 mistakes", "region:", "role_arn: is missing", "allow:", "max_waiting:"] {
        assert!(log.contains(text), "{text}");
    }
    let mut shipped = world.shipped(Topology::S3);
    shipped.signer()["typed_config"]["config"]["vm_config"].as_object_mut().unwrap().remove("vm_id");
    let log = e2e::envoy::Envoy::expect_refusal(shipped.value(), &e2e::envoy::EnvoyOptions::default()).unwrap();
    assert!(log.contains("vm_config.vm_id: is empty"));
}
