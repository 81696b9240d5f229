//! Requests that nobody means well with: each is answered, none is the end of a VM.

use std::time::Duration;

use e2e::client::{Error, Request, Response};
use e2e::ingress::{BUCKET, Ingress, Topology, World};

use crate::support::{PLACEMENTS, ready_as_shipped};

fn raw(ingress: &Ingress, bytes: &[u8]) -> Result<Response, Error> {
    ingress.web().with_timeout(Duration::from_secs(5)).send_raw(bytes)
}

fn get(target: &[u8], headers: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut out = b"GET ".to_vec();
    out.extend_from_slice(target);
    out.extend_from_slice(b" HTTP/1.1\r\nhost: ingress.mesh\r\n");
    for (name, value) in headers {
        out.extend_from_slice(name);
        out.extend_from_slice(b": ");
        out.extend_from_slice(value);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
    out
}

#[test]
fn targets_that_cannot_be_signed_are_refused_by_name() {
    let world = World::new();
    let ingress = ready_as_shipped(&world, Topology::S3, PLACEMENTS[0]);
    for target in ["/%", "/%4", "/%zz", "/a%00b", "/?q=%", "/?%00", "/a%"] {
        let answer = raw(&ingress, &get(target.as_bytes(), &[])).unwrap();
        let seen = (answer.status, answer.header("x-meshbridge-error"));
        assert_eq!(seen, (400, Some("malformed-target")), "{target}");
    }
    for target in ["/?X-Amz-Signature=0", "/?x-amz-credential=a", "/?AWSAccessKeyId=a&Signature=b&Expires=1"] {
        let answer = raw(&ingress, &get(target.as_bytes(), &[])).unwrap();
        assert_eq!((answer.status, answer.header("x-meshbridge-error")), (400, Some("presigned-query")), "{target}");
    }
    assert!(world.aws.journal().of(e2e::aws::Service::S3).is_empty());
}

#[test]
fn headers_that_would_lend_our_authority_are_refused_by_name() {
    let world = World::new();
    let ingress = ready_as_shipped(&world, Topology::S3, PLACEMENTS[0]);
    for name in
        ["x-amz-acl", "X-Amz-Grant-Read", "x-amz-tagging", "x-amz-bypass-governance-retention", "x-amz-new-thing"]
    {
        let answer = ingress.web().send(&Request::new("GET", "/a").host("ingress.mesh").header(name, "x")).unwrap();
        assert_eq!((answer.status, answer.header("x-meshbridge-error")), (400, Some("header-not-allowed")), "{name}");
        assert_eq!(answer.json().unwrap()["detail"], name.to_lowercase());
    }
    let copy = |source: &str| {
        let put = Request::new("PUT", "/copy").host("ingress.mesh").header("x-amz-copy-source", source);
        ingress.web().send(&put).unwrap()
    };
    for source in ["other/key", "/other/key", "arn:aws:s3:us-west-2:1:accesspoint/docs/object/a", "docs"] {
        let answer = copy(source);
        assert_eq!(
            (answer.status, answer.header("x-meshbridge-error")),
            (403, Some("copy-source-not-allowed")),
            "{source}"
        );
    }
    world.aws.s3().put_object(BUCKET, "a", b"a").unwrap();
    let answer = copy("docs/a");
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(world.aws.s3().get_object(BUCKET, "copy").unwrap(), b"a");
}

#[test]
fn odd_but_honest_headers_are_signed_as_they_are() {
    let world = World::new();
    let ingress = ready_as_shipped(&world, Topology::S3, PLACEMENTS[0]);
    let put = Request::new("PUT", "/odd")
        .host("ingress.mesh")
        .header("x-amz-meta-empty", "")
        .header("x-amz-meta-spaces", "a   b    c")
        .header("x-amz-meta-twice", "1")
        .header("content-type", "text/plain;  charset=utf-8")
        .body("odd");
    let answer = ingress.web().send(&put).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn no_request_makes_the_filter_trap() {
    for (placement, topology) in
        PLACEMENTS.into_iter().flat_map(|placement| [(placement, Topology::S3), (placement, Topology::ApiGateway)])
    {
        let world = World::new();
        let ingress = ready_as_shipped(&world, topology, placement);
        let long_path = [b"/".as_slice(), &b"a%20".repeat(12_000)].concat();
        let huge_path = [b"/".as_slice(), &b"p".repeat(65_536)].concat();
        let many_parameters = [b"/?".as_slice(), &b"b&a=1&".repeat(8_000)].concat();
        let mut requests: Vec<Vec<u8>> = vec![
            get(&long_path, &[]),
            get(&huge_path, &[]),
            get(&many_parameters, &[]),
            get(b"*", &[]),
            get(b"", &[]),
            get(b"?", &[]),
            get(b"http://elsewhere/x", &[]),
            get(b"//elsewhere/x", &[]),
            get(b"/a#fragment", &[]),
            get(b"/a?b#fragment", &[]),
            b"CONNECT elsewhere:443 HTTP/1.1\r\nhost: elsewhere:443\r\n\r\n".to_vec(),
            b"OPTIONS * HTTP/1.1\r\nhost: ingress.mesh\r\n\r\n".to_vec(),
            b"GET / HTTP/1.0\r\n\r\n".to_vec(),
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
            b"G\xffT / HTTP/1.1\r\nhost: ingress.mesh\r\n\r\n".to_vec(),
            b"GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n".to_vec(),
            b"GET / HTTP/1.1\r\nhost: \xff\xfe\r\n\r\n".to_vec(),
            b"GET / HTTP/1.1\r\nhost: ingress.mesh\r\nx-amz-meta-a: 1\r\n folded\r\n\r\n".to_vec(),
            b"GET / HTTP/1.1\r\nhost: ingress.mesh\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n".to_vec(),
            b"GET / HTTP/1.1\r\nhost: ingress.mesh\r\ncontent-length: -1\r\n\r\n".to_vec(),
            b"GET / HTTP/1.1\r\nhost: ingress.mesh\r\ncontent-length: 99999999999999999999\r\n\r\n".to_vec(),
            b"POST /prod/x HTTP/1.1\r\nhost: ingress.mesh\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n".to_vec(),
            b"POST /prod/x HTTP/1.1\r\nhost: ingress.mesh\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\xff: \xff\r\n\r\n".to_vec(),
            b"GET /a HTTP/1.1\r\nhost: ingress.mesh\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n".to_vec(),
        ];
        // Bytes that are no UTF-8, control characters and NULs in every place that a request has.
        for byte in [0x00_u8, 0x01, 0x09, 0x0a, 0x0d, 0x20, 0x22, 0x25, 0x2b, 0x3b, 0x7f, 0x80, 0xc3, 0xff] {
            let text: &[u8] = &[b'a', byte, b'b'];
            requests.push(get(&[b"/", text].concat(), &[]));
            requests.push(get(&[b"/?", text, b"=", text].concat(), &[]));
            for name in [
                "x-amz-meta-a",
                "content-type",
                "range",
                "x-amz-content-sha256",
                "x-amz-copy-source",
                "x-own",
                "x-forwarded-client-cert",
                "x-mesh-caller",
                "authorization",
                "content-md5",
                "x-amz-target",
            ] {
                requests.push(get(b"/", &[(name.as_bytes(), text)]));
                requests.push(get(b"/", &[(name.as_bytes(), text), (name.as_bytes(), b"")]));
            }
            requests.push(get(b"/", &[(&[b"x-amz-meta-", text].concat(), b"v")]));
        }
        // Header bombs: very many, very long.
        let many: Vec<(Vec<u8>, Vec<u8>)> =
            (0..95).map(|n| (format!("x-amz-meta-{n}").into_bytes(), b"v".repeat(400))).collect();
        let many: Vec<(&[u8], &[u8])> = many.iter().map(|(name, value)| (&name[..], &value[..])).collect();
        requests.push(get(b"/", &many));
        let too_many: Vec<(&[u8], &[u8])> = (0..2000).map(|_| (&b"a"[..], &b"b"[..])).collect();
        requests.push(get(b"/", &too_many));
        requests.push(get(b"/", &[(b"x-amz-meta-long", &b"v".repeat(58_000))]));

        for request in &requests {
            // Envoy may close a connection without a word; what counts is that it stays alive and the VM with it.
            if let Ok(answer) = raw(&ingress, request) {
                let shown = String::from_utf8_lossy(&request[..request.len().min(120)]).into_owned();
                assert!(answer.status != 500, "{placement:?} {topology:?}: {shown}: {}", answer.text());
            }
        }
        assert_eq!(ingress.traps(), 0, "{}", ingress.log_tail());
        assert!(!ingress.envoy.logs().contains("panicked"), "{}", ingress.log_tail());
        world.aws.journal().assert_never_unsigned();
        let honest = match topology {
            Topology::S3 => "/nothing-here",
            Topology::ApiGateway => "/prod/x",
        };
        let status = ingress.get(honest).unwrap().status;
        assert!(status == 404 || status == 200, "{status}");
        println!("{placement:?} {topology:?}: {} hostile requests", requests.len());
    }
}

#[test]
fn an_underscore_or_a_second_host_never_reaches_aws() {
    let world = World::new();
    let ingress = ready_as_shipped(&world, Topology::ApiGateway, PLACEMENTS[0]);
    let answer =
        ingress.web().send(&Request::new("GET", "/prod/x").host("ingress.mesh").header("x_amz_acl", "x")).unwrap();
    assert_eq!(answer.status, 400);
    assert_eq!(world.aws.api_gateway().events(), Vec::<serde_json::Value>::new());
}
