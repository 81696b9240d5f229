//! One exchange for the whole Envoy, refreshed in time, however many workers and requests there are.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use e2e::aws::{Fault, Service};
use e2e::client::Request;
use e2e::envoy::EnvoyOptions;
use e2e::ingress::{BUCKET, Placement, SERVICE_ACCOUNT, Topology, World};
use serde_json::json;

use crate::support::{S3_HOST, SOON};

#[test]
fn four_workers_under_load_make_one_sts_call_for_each_lifetime() {
    let world = World::new();
    world.aws.s3().put_object(BUCKET, "a", b"a").unwrap();
    world.aws.sts_control().hand_out_lifetime(Some(Duration::from_secs(8)));
    let options = EnvoyOptions { workers: 4, ..EnvoyOptions::default() };
    let ingress = world.launch(world.shipped(Topology::S3).value(), &options);
    ingress.wait_for_readiness(200, SOON);
    let (stop, served) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let web = ingress.web();
                while !stop.load(Ordering::Relaxed) {
                    let mut connection = web.connect().unwrap();
                    for _ in 0..20 {
                        let answer = connection.send(&Request::new("GET", "/a").host("ingress.mesh")).unwrap();
                        assert_eq!(answer.status, 200, "{}", ingress.log_tail());
                        served.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        // The first exchange and three refreshes.
        let reached = world.aws.sts_control().wait_for_calls(4, Duration::from_secs(40));
        stop.store(true, Ordering::Relaxed);
        assert!(reached, "{}", ingress.log_tail());
    });
    let calls = world.aws.sts_control().calls();
    println!("4 workers, {} requests, three refreshes: {calls} STS calls", served.load(Ordering::Relaxed));
    assert_eq!(calls, 4);
    assert_eq!(world.aws.sts_control().max_in_flight(), 1);
    world.aws.journal().assert_never_unsigned();
    assert!(world.aws.journal().of(Service::S3).iter().all(|entry| entry.allowed()));
}

#[test]
fn a_refresh_under_way_slows_nothing_down() {
    let world = World::new();
    world.aws.s3().put_object(BUCKET, "a", b"a").unwrap();
    world.aws.sts_control().hand_out_lifetime(Some(Duration::from_secs(16)));
    let ingress = world.start(Topology::S3);
    ingress.wait_for_readiness(200, SOON);
    world.aws.sts_control().set(Fault::Slow(Duration::from_secs(2)));
    let until = Instant::now() + Duration::from_secs(17);
    let web = ingress.web();
    while Instant::now() < until {
        assert_eq!(web.send(&Request::new("GET", "/a").host("ingress.mesh")).unwrap().status, 200);
    }
    assert!(world.aws.sts_control().calls() >= 2);
    assert_eq!(ingress.metric(S3_HOST, "waited"), 0);
}

#[test]
fn a_rotated_token_is_used_for_the_next_exchange() {
    let world = World::new();
    world.aws.sts_control().hand_out_lifetime(Some(Duration::from_secs(4)));
    let ingress = world.start(Topology::S3);
    ingress.wait_for_readiness(200, SOON);
    // The key that signed the first token is gone: only a token that was read anew can be accepted.
    world.aws.oidc().rotate_keys();
    world.aws.oidc().retire_old_keys();
    world.token.write(world.aws.token_of(SERVICE_ACCOUNT)).unwrap();
    assert!(world.aws.sts_control().wait_for_calls(3, SOON));
    let refused = world.aws.journal().filter(|entry| entry.service == Service::Sts && !entry.allowed());
    assert!(refused.is_empty(), "{refused:?}");
}

#[test]
fn the_session_is_as_configured() {
    let world = World::new();
    let changes = json!({ "session": { "name": "docs-ingress", "duration_seconds": 900 } });
    let ingress = world.start_with(Topology::S3, Placement::Upstream, &changes);
    ingress.wait_for_readiness(200, SOON);
    assert_eq!(world.aws.sts_control().calls_of_session("docs-ingress"), 1);
    let body = ingress.probe().unwrap().json().unwrap();
    let now = world.aws.clock().unix();
    let left = body["expires_at"].as_u64().unwrap() - now;
    assert!((880..=900).contains(&left), "{left}");
    assert_eq!(ingress.metric(S3_HOST, "expires_at"), body["expires_at"].as_u64().unwrap());
    assert!(ingress.metric(S3_HOST, "token_read_at").abs_diff(now) < 30);
}

#[test]
fn a_clock_that_is_wrong_by_hours_is_corrected_by_what_sts_says() {
    for skew in [-7200, 7200] {
        let world = World::new();
        world.aws.s3().put_object(BUCKET, "a", b"a").unwrap();
        world.aws.sts_control().date_skew(Some(skew));
        // The token was issued by the clock of AWS.
        world.token.write(world.aws.token_of(SERVICE_ACCOUNT)).unwrap();
        let ingress = world.start(Topology::S3);
        ingress.wait_for_readiness(200, SOON);
        assert_eq!(ingress.get("/a").unwrap().status, 200, "{skew}: {}", ingress.log_tail());
        let (ahead, behind) =
            (ingress.metric(S3_HOST, "aws_clock_ahead_seconds"), ingress.metric(S3_HOST, "aws_clock_behind_seconds"));
        let seen = i64::try_from(ahead).unwrap() - i64::try_from(behind).unwrap();
        assert!(seen.abs_diff(skew) < 5, "{skew}: {ahead} {behind}");
    }
}
