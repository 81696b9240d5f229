//! The shipped configurations, started as they are, serve their callers.

use std::time::Duration;

use e2e::ingress::{BUCKET, Topology, World};

#[test]
fn an_object_is_fetched_from_s3_with_a_signature() {
    let world = World::new();
    world.aws.s3().put_object(BUCKET, "a/hello.txt", b"hello").unwrap();
    let ingress = world.start(Topology::S3);
    ingress.wait_for_readiness(200, Duration::from_secs(10));
    let answer = ingress.get("/a/hello.txt").unwrap();
    assert_eq!((answer.status, answer.text()), (200, "hello".into()), "{}", ingress.envoy.logs());
    world.aws.journal().assert_never_unsigned();
}
