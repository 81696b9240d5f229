//! The shipped configurations, started as they are, serve their callers.

use e2e::aws::Service;
use e2e::client::Request;
use e2e::ingress::{BUCKET, ROLE, Topology, WEB, World};

use crate::support::{API_HOST, PLACEMENTS, S3_HOST, ready_as_shipped};

#[test]
fn an_object_is_written_to_and_read_from_s3_as_the_session_of_this_ingress() {
    for placement in PLACEMENTS {
        let world = World::new();
        let ingress = ready_as_shipped(&world, Topology::S3, placement);
        let web = ingress.web();
        let put = Request::new("PUT", "/a/hello world.txt").host("ingress.mesh").body("hello");
        // A space cannot stand on the wire; browsers and curl send it encoded, or not at all.
        assert_eq!(web.send(&put).unwrap().status, 400);
        let put = Request::new("PUT", "/a/hello%20(1).txt").host("ingress.mesh").body("hello");
        let answer = web.send(&put).unwrap();
        assert_eq!(answer.status, 200, "{placement:?}: {}\n{}", answer.text(), ingress.log_tail());
        let answer = ingress.get("/a/hello%20%281%29.txt").unwrap();
        assert_eq!((answer.status, answer.text().as_str()), (200, "hello"), "{placement:?}");
        assert_eq!(world.aws.s3().get_object(BUCKET, "a/hello (1).txt").unwrap(), b"hello");

        let entries = world.aws.journal().of(Service::S3);
        assert_eq!(entries.len(), 2);
        for entry in entries {
            assert!(entry.signed && entry.allowed(), "{entry:?}");
            assert_eq!(entry.role_arn.as_deref(), Some(ROLE));
            assert_eq!(entry.session_name.as_deref(), Some(S3_HOST));
            assert_eq!(entry.caller_header.as_deref(), Some(WEB));
            assert_eq!(entry.path, "/a/hello%20%281%29.txt");
        }
        world.aws.journal().assert_never_unsigned();
        assert_eq!(ingress.metric(S3_HOST, "signed"), 2);
    }
}

#[test]
fn ranges_conditions_listings_and_heads_reach_s3_as_they_were_asked() {
    let world = World::new();
    world.aws.s3().put_object(BUCKET, "digits", b"0123456789").unwrap();
    let ingress = ready_as_shipped(&world, Topology::S3, PLACEMENTS[0]);
    let web = ingress.web();
    let range = web.send(&Request::new("GET", "/digits").host("ingress.mesh").header("range", "bytes=2-4")).unwrap();
    assert_eq!((range.status, range.text().as_str()), (206, "234"));
    let head = web.send(&Request::new("HEAD", "/digits").host("ingress.mesh")).unwrap();
    assert_eq!((head.status, head.header("content-length")), (200, Some("10")));
    let list = ingress.get("/?prefix=di&list-type=2").unwrap();
    assert_eq!(list.status, 200, "{}", list.text());
    assert!(list.text().contains("<Key>digits</Key>"), "{}", list.text());
    let missing = ingress.get("/nothing-here").unwrap();
    assert_eq!(missing.status, 404);
    let delete = web.send(&Request::new("DELETE", "/digits").host("ingress.mesh")).unwrap();
    assert_eq!(delete.status, 204, "{}", delete.text());
}

#[test]
fn a_post_reaches_the_lambda_behind_api_gateway_with_its_body_and_its_caller() {
    for placement in PLACEMENTS {
        let world = World::new();
        let ingress = ready_as_shipped(&world, Topology::ApiGateway, placement);
        let post = Request::new("POST", "/prod/orders?b=2&a=1+1&a=0")
            .host("ingress.mesh")
            .header("content-type", "application/json")
            .header("x-mesh-caller", "spiffe://mesh.example.org/admin")
            .body(r#"{"item":"tea"}"#);
        let answer = ingress.web().send(&post).unwrap();
        assert_eq!(answer.status, 200, "{placement:?}: {}\n{}", answer.text(), ingress.log_tail());
        let events = world.aws.api_gateway().events();
        assert_eq!(events.len(), 1);
        let event = &events[0];
        assert_eq!(event["httpMethod"], "POST");
        assert_eq!(event["body"], r#"{"item":"tea"}"#);
        assert_eq!(event["headers"]["x-mesh-caller"], WEB);
        assert_eq!(event["multiValueHeaders"]["x-mesh-caller"].as_array().unwrap().len(), 1);
        assert_eq!(event["multiValueQueryStringParameters"]["a"], serde_json::json!(["0", "1 1"]));
        let arn = event["requestContext"]["identity"]["userArn"].as_str().unwrap();
        assert_eq!(arn, format!("arn:aws:sts::123456789012:assumed-role/docs-proxy/{API_HOST}"));
        world.aws.journal().assert_never_unsigned();
    }
}

#[test]
fn nothing_of_the_mesh_and_nothing_of_the_callers_own_signature_reaches_aws() {
    for placement in PLACEMENTS {
        let world = World::new();
        let ingress = ready_as_shipped(&world, Topology::ApiGateway, placement);
        let get = Request::new("GET", "/prod/x")
            .host("ingress.mesh")
            .header("authorization", "AWS4-HMAC-SHA256 Credential=AKIDUMMY/20260101/us-west-2/s3/aws4_request")
            .header("x-amz-date", "20260101T000000Z")
            .header("x-amz-security-token", "dummy")
            .header("x-forwarded-client-cert", "URI=spiffe://mesh.example.org/admin")
            .header("x-envoy-retry-on", "5xx")
            .header("x-amzn-trace-id", "Root=1-5759e988-bd862e3fe1be46a994272793")
            .header("x-own", "stays");
        let answer = ingress.web().send(&get).unwrap();
        assert_eq!(answer.status, 200, "{placement:?}: {}", answer.text());
        let event = &world.aws.api_gateway().events()[0];
        let headers = event["headers"].as_object().unwrap();
        let names: Vec<_> = headers.keys().map(|name| name.to_lowercase()).collect();
        assert!(
            !names.iter().any(|name| name.starts_with("x-envoy-") || name == "x-forwarded-client-cert"),
            "{names:?}"
        );
        assert_eq!(headers["x-own"], "stays");
        assert!(!answer.text().contains("AKIDUMMY"));
    }
}

#[test]
fn the_access_log_names_caller_session_and_access_key_and_no_secret() {
    for placement in PLACEMENTS {
        let world = World::new();
        world.aws.s3().put_object(BUCKET, "a", b"a").unwrap();
        let ingress = ready_as_shipped(&world, Topology::S3, placement);
        assert_eq!(ingress.get("/a").unwrap().status, 200);
        let refused =
            ingress.web().send(&Request::new("GET", "/a").host("ingress.mesh").header("x-amz-acl", "public-read"));
        assert_eq!(refused.unwrap().status, 400);
        let entry = world.aws.journal().of(Service::S3).remove(0);
        let key = entry.access_key_id.unwrap();
        let log = ingress.envoy.stop();
        let line = |text: &str| {
            let found = log.lines().find(|line| line.starts_with('{') && line.contains(text));
            let line = found.unwrap_or_else(|| panic!("{placement:?}: no access log line with {text}:\n{log}"));
            serde_json::from_str::<serde_json::Value>(line).unwrap()
        };
        let served = line("\"status\":200");
        assert_eq!(served["signed"], format!("{WEB} {S3_HOST}/{key}"), "{placement:?}");
        assert_eq!(served["peer"], WEB);
        let refused = line("\"status\":400");
        assert_eq!(refused["reason"], "header-not-allowed");
        assert_eq!((&refused["peer"], &refused["signed"]), (&serde_json::json!(WEB), &serde_json::Value::Null));
        let session = world.aws.sessions().find(&key).unwrap();
        assert!(!log.contains(&session.secret_access_key) && !log.contains(&session.session_token));
    }
}

#[test]
fn prometheus_sees_backend_and_reason_as_labels() {
    let world = World::new();
    let ingress = ready_as_shipped(&world, Topology::S3, PLACEMENTS[0]);
    assert_eq!(ingress.get("/%").unwrap().status, 400);
    let text = ingress.envoy.admin_get("/stats/prometheus").unwrap();
    let backend = S3_HOST.replace('.', "_");
    let line = |name: &str, labels: &str| text.lines().any(|line| line.contains(name) && line.contains(labels));
    assert!(line("meshbridge_irsa_expires_at", &format!("meshbridge_backend=\"{backend}\"")), "{text}");
    assert!(line("meshbridge_irsa_refused", "meshbridge_reason=\"malformed-target\""));
    assert!(line("meshbridge_irsa_refused", &format!("meshbridge_backend=\"{backend}\"")));
}

#[test]
fn addresses_of_the_mesh_stay_in_the_mesh() {
    let world = World::new();
    let ingress = ready_as_shipped(&world, Topology::ApiGateway, PLACEMENTS[0]);
    assert_eq!(ingress.get("/prod/x").unwrap().status, 200);
    let event = &world.aws.api_gateway().events()[0];
    assert!(!event["headers"].to_string().contains("127.0.0.1"), "{event}");
}
