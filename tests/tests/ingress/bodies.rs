//! Bodies: hashed or streamed, whole or in pieces, too large, mismatched, cut.

use e2e::client::{Error, Request};
use e2e::envoy::EnvoyOptions;
use e2e::ingress::{BUCKET, Placement, Topology, World};
use serde_json::json;

use crate::support::{API_HOST, PLACEMENTS, SOON, ready, ready_as_shipped, wait_for_held};

const MIB: usize = 1024 * 1024;

fn post(body: &[u8]) -> Request {
    Request::new("POST", "/prod/upload").host("ingress.mesh").header("content-type", "text/plain").body(body)
}

fn text_of(len: usize) -> Vec<u8> {
    (0..len).map(|at| b'a' + u8::try_from(at % 26).unwrap()).collect()
}

fn received_body(world: &World) -> String {
    let events = world.aws.api_gateway().events();
    events.last().expect("an event")["body"].as_str().expect("a body").to_owned()
}

#[test]
fn a_hashed_body_may_be_as_large_as_the_limit_and_no_larger() {
    for placement in PLACEMENTS {
        let world = World::new();
        let ingress = ready_as_shipped(&world, Topology::ApiGateway, placement);
        let largest = text_of(MIB);
        let answer = ingress.web().send(&post(&largest)).unwrap();
        assert_eq!(answer.status, 200, "{placement:?}: {}\n{}", answer.text(), ingress.log_tail());
        assert_eq!(received_body(&world).as_bytes(), largest);

        let answer = ingress.web().send(&post(&text_of(MIB + 1))).unwrap();
        assert_eq!(
            (answer.status, answer.header("x-meshbridge-error")),
            (413, Some("body-too-large")),
            "{placement:?}"
        );
        // Without a content-length it shows only as it arrives.
        let pieces: Vec<Vec<u8>> = (0..9).map(|_| text_of(MIB / 8)).collect();
        let chunked = Request::new("POST", "/prod/upload").host("ingress.mesh").chunked(pieces);
        let answer = ingress.web().send(&chunked).unwrap();
        assert_eq!(
            (answer.status, answer.header("x-meshbridge-error")),
            (413, Some("body-too-large")),
            "{placement:?}"
        );
        assert_eq!(world.aws.api_gateway().events().len(), 1);
        assert_eq!(ingress.metric(API_HOST, "refused.body-too-large"), 2);
    }
}

#[test]
fn a_body_that_comes_in_pieces_is_hashed_as_a_whole() {
    for placement in PLACEMENTS {
        let world = World::new();
        let ingress = ready_as_shipped(&world, Topology::ApiGateway, placement);
        let whole = text_of(100_000);
        let chunked = Request::new("POST", "/prod/upload").host("ingress.mesh").chunked(whole.chunks(777));
        let answer = ingress.web().send(&chunked).unwrap();
        assert_eq!(answer.status, 200, "{placement:?}: {}", answer.text());
        assert_eq!(received_body(&world).as_bytes(), whole);
    }
}

#[test]
fn a_body_that_trailers_end_is_signed_and_sent() {
    let raw =
        b"POST /prod/upload HTTP/1.1\r\nhost: ingress.mesh\r\ntransfer-encoding: chunked\r\ntrailer: x-end\r\n\r\n\
        5\r\nhello\r\n6\r\n world\r\n0\r\nx-end: yes\r\n\r\n";
    // Without the option Envoy drops the trailers of HTTP/1.1, and the last piece of data ends the body.
    for (placement, trailers) in PLACEMENTS.into_iter().flat_map(|placement| [(placement, true), (placement, false)]) {
        let world = World::new();
        let mut shipped = world.shipped(Topology::ApiGateway);
        shipped.manager("ingress")["http_protocol_options"] = json!({ "enable_trailers": trailers });
        if placement == Placement::Downstream {
            shipped.place_downstream();
        }
        let ingress = world.launch(shipped.value(), &EnvoyOptions::default());
        ingress.wait_for_readiness(200, SOON);
        let answer = ingress.web().send_raw(raw).unwrap();
        assert_eq!(answer.status, 200, "{placement:?} {trailers}: {}", answer.text());
        assert_eq!(received_body(&world), "hello world");
        world.aws.journal().assert_never_unsigned();
    }
}

#[test]
fn a_hash_that_the_caller_gave_is_compared_with_its_body() {
    let hello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    for placement in PLACEMENTS {
        let world = World::new();
        let ingress = ready_as_shipped(&world, Topology::ApiGateway, placement);
        let with_hash = |body: &[u8], hash: &str| post(body).header("x-amz-content-sha256", hash);
        for (request, status, reason) in [
            (with_hash(b"hello", hello), 200, None),
            (with_hash(b"hullo", hello), 400, Some("payload-hash-mismatch")),
            (with_hash(b"", hello), 400, Some("payload-hash-mismatch")),
            (with_hash(b"hello", "UNSIGNED-PAYLOAD"), 200, None),
            (with_hash(b"hello", "nonsense"), 400, Some("payload-hash-invalid")),
            (with_hash(b"hello", hello).header("x-amz-content-sha256", hello), 400, Some("payload-hash-invalid")),
            (with_hash(b"hello", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"), 501, Some("payload-streaming-unsupported")),
        ] {
            let answer = ingress.web().send(&request).unwrap();
            let seen = (answer.status, answer.header("x-meshbridge-error"));
            assert_eq!(seen, (status, reason), "{placement:?}: {}", answer.text());
        }
        assert_eq!(world.aws.api_gateway().events().len(), 2);
    }
}

#[test]
fn a_body_that_stops_half_way_never_reaches_the_backend() {
    for placement in PLACEMENTS {
        let world = World::new();
        let ingress = ready_as_shipped(&world, Topology::ApiGateway, placement);
        let mut connection = ingress.web().connect().unwrap();
        connection
            .write(b"POST /prod/x HTTP/1.1\r\nhost: ingress.mesh\r\ncontent-length: 100\r\n\r\nonly this")
            .unwrap();
        wait_for_held(&ingress, 1);
        drop(connection);
        assert_eq!(ingress.web().send(&post(b"next")).unwrap().status, 200, "{placement:?}");
        assert_eq!(world.aws.api_gateway().events().len(), 1);
    }
}

#[test]
fn an_upload_to_s3_streams_without_a_limit() {
    for placement in PLACEMENTS {
        let world = World::new();
        let ingress = ready_as_shipped(&world, Topology::S3, placement);
        let large = text_of(5 * MIB);
        let put = Request::new("PUT", "/large").host("ingress.mesh").body(&large);
        let answer = ingress.web().send(&put).unwrap();
        assert_eq!(answer.status, 200, "{placement:?}: {}", answer.text());
        assert_eq!(world.aws.s3().get_object(BUCKET, "large").unwrap(), large);
    }
}

#[test]
fn s3_verifies_the_hash_that_the_caller_gave() {
    let world = World::new();
    let ingress = ready_as_shipped(&world, Topology::S3, Placement::Upstream);
    let hello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    let put =
        |body: &str| Request::new("PUT", "/h").host("ingress.mesh").header("x-amz-content-sha256", hello).body(body);
    assert_eq!(ingress.web().send(&put("hello")).unwrap().status, 200);
    let refused = ingress.web().send(&put("hullo")).unwrap();
    assert_eq!(refused.status, 400, "{}", refused.text());
    assert_eq!(refused.header("x-meshbridge-error"), None, "it was S3 that refused");
    assert_eq!(world.aws.s3().get_object(BUCKET, "h").unwrap(), b"hello");
}

#[test]
fn an_s3_body_may_be_hashed_too() {
    for placement in PLACEMENTS {
        let world = World::new();
        let mut shipped = world.shipped(Topology::S3);
        shipped.configure(&json!({ "payload": "signed", "max_body_bytes": 1000 }));
        shipped.signer()["typed_config"]["config"]["allow_on_headers_stop_iteration"] = json!(true);
        if placement == Placement::Downstream {
            shipped.place_downstream();
        }
        let ingress = world.launch(shipped.value(), &EnvoyOptions::default());
        ingress.wait_for_readiness(200, SOON);
        let put = |len: usize| Request::new("PUT", "/signed").host("ingress.mesh").body(text_of(len));
        assert_eq!(ingress.web().send(&put(1000)).unwrap().status, 200, "{placement:?}");
        assert_eq!(ingress.web().send(&put(1001)).unwrap().status, 413, "{placement:?}");
        assert_eq!(world.aws.s3().get_object(BUCKET, "signed").unwrap(), text_of(1000));
    }
}

#[test]
fn a_body_that_arrives_before_the_credentials_is_kept_and_signed_with_them() {
    for (placement, topology) in
        PLACEMENTS.into_iter().flat_map(|placement| [(placement, Topology::ApiGateway), (placement, Topology::S3)])
    {
        let world = World::new();
        // Envoy does not start without the file, and kubelet does not start Envoy without it; so it is there, and empty.
        world.token.write("").unwrap();
        let ingress = world.start_with(topology, placement, &json!({ "sts": { "timeout_seconds": 20 } }));
        let body = text_of(200_000);
        let request = match topology {
            Topology::ApiGateway => post(&body),
            Topology::S3 => Request::new("PUT", "/early").host("ingress.mesh").body(&body),
        };
        let answer = std::thread::scope(|scope| {
            let answer = scope.spawn(|| -> Result<_, Error> { ingress.web().send(&request) });
            wait_for_held(&ingress, 1);
            world.token.write(world.aws.token_of(e2e::ingress::SERVICE_ACCOUNT)).unwrap();
            answer.join().unwrap().unwrap()
        });
        assert_eq!(answer.status, 200, "{placement:?} {topology:?}: {}\n{}", answer.text(), ingress.log_tail());
        match topology {
            Topology::ApiGateway => assert_eq!(received_body(&world).as_bytes(), body),
            Topology::S3 => assert_eq!(world.aws.s3().get_object(BUCKET, "early").unwrap(), body),
        }
        world.aws.journal().assert_never_unsigned();
    }
}

#[test]
fn a_body_that_envoy_does_not_show_to_the_filter_is_never_forwarded_and_the_log_says_why() {
    let world = World::new();
    let mut shipped = world.shipped(Topology::ApiGateway);
    shipped.signer()["typed_config"]["config"]["allow_on_headers_stop_iteration"] = json!(false);
    shipped.manager("ingress")["stream_idle_timeout"] = json!("2s");
    let ingress = world.launch(shipped.value(), &EnvoyOptions::default());
    ingress.wait_for_readiness(200, SOON);
    let answer = ingress.web().send(&post(b"hello")).unwrap();
    assert!(answer.status >= 400, "{}", answer.text());
    ingress.envoy.wait_for_log("set allow_on_headers_stop_iteration: true", SOON).unwrap();
    assert!(world.aws.api_gateway().events().is_empty());
}

#[test]
fn an_ingress_configured_anew_reads_its_limit() {
    let world = World::new();
    let ingress = ready(&world, Topology::ApiGateway, Placement::Upstream, &json!({ "max_body_bytes": 10 }));
    assert_eq!(ingress.web().send(&post(b"0123456789")).unwrap().status, 200);
    assert_eq!(ingress.web().send(&post(b"0123456789a")).unwrap().status, 413);
}
