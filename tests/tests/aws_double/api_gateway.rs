//! API Gateway passes verified requests to the function as proxy events, and refuses the rest.

use std::sync::Arc;
use std::time::{Duration, Instant};

use e2e::aws::{AwsDouble, LambdaResponse};
use e2e::client::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::Value;

use crate::support::{PATIENCE, SESSION, Signed, Signer, assert_refused, aws, credentials};

#[test]
fn the_function_learns_who_called_and_with_what() {
    let aws = aws();
    let creds = credentials(&aws);
    let caller = ("x-mesh-caller", "spiffe://mesh/app-b");
    let post = Signer::api(&aws, &creds).sign("POST", "/prod/orders/7?a=1&a=2&b=%20x", &[caller], b"{\"n\":1}");
    let response = post.to_api(&aws);
    assert_eq!(response.status, 200, "{}", response.text());
    assert!(response.header("x-amzn-requestid").is_some());
    let seen = response.json().unwrap();
    assert_eq!(seen["caller"], "spiffe://mesh/app-b");
    assert_eq!(seen["user_arn"], format!("arn:aws:sts::123456789012:assumed-role/docs-proxy/{SESSION}"));
    assert_eq!((&seen["path"], &seen["body"]), (&Value::from("/orders/7"), &Value::from("{\"n\":1}")));

    let event = &aws.api_gateway().events()[0];
    assert_eq!(event["httpMethod"], "POST");
    assert_eq!(event["requestContext"]["path"], "/prod/orders/7");
    assert_eq!(event["requestContext"]["identity"]["accessKey"], Value::from(creds.key));
    assert_eq!(event["multiValueQueryStringParameters"]["a"], serde_json::json!(["1", "2"]));
    assert_eq!(event["queryStringParameters"]["b"], " x");
    assert_eq!(event["isBase64Encoded"], false);
    assert!(event["headers"].get("x-amz-security-token").is_none());
}

#[test]
fn a_binary_body_arrives_in_base64() {
    let aws = aws();
    let post = Signer::api(&aws, &credentials(&aws)).sign("POST", "/prod/x", &[], b"\xff\x00");
    assert_eq!(post.to_api(&aws).status, 200);
    let event = &aws.api_gateway().events()[0];
    assert_eq!((&event["body"], &event["isBase64Encoded"]), (&Value::from("/wA="), &Value::from(true)));
}

#[test]
fn paths_are_normalised_and_encoded_twice_in_the_signature() {
    let aws = aws();
    let api = Signer::api(&aws, &credentials(&aws));
    for path in ["/prod/a%20b", "/prod/%C3%BC", "/prod//x/./y/../z", "/prod/100%25"] {
        assert_eq!(api.get(path).to_api(&aws).status, 200, "{path}");
    }
}

#[test]
fn an_unsigned_request_is_told_that_its_token_is_missing() {
    let aws = aws();
    let request = Request::new("GET", "/prod/x").host(aws.api_gateway().hostname());
    let response = aws.api_client().send(&request).unwrap();
    assert_refused(&response, 403, "MissingAuthenticationTokenException");
    assert_eq!(response.json().unwrap()["message"], "Missing Authentication Token");
    assert_eq!(aws.journal().unsigned().len(), 1);
}

#[test]
fn another_stage_or_host_is_forbidden() {
    let aws = aws();
    let api = Signer::api(&aws, &credentials(&aws));
    assert_refused(&api.get("/test/x").to_api(&aws), 403, "ForbiddenException");
    let other = Signer { host: "zzz.execute-api.us-west-2.amazonaws.com".to_owned(), ..api };
    assert_refused(&other.get("/prod/x").to_api(&aws), 403, "ForbiddenException");
}

#[test]
fn what_the_role_does_not_allow_is_denied() {
    let aws = aws();
    let response = Signer::api(&aws, &credentials(&aws)).get("/prod/forbidden/x").to_api(&aws);
    assert_refused(&response, 403, "AccessDeniedException");
    assert!(response.json().unwrap()["Message"].as_str().unwrap().contains("execute-api:Invoke"));
    assert!(aws.api_gateway().events().is_empty());
}

#[test]
fn a_test_can_replace_and_delay_the_function() {
    let aws = aws();
    aws.api_gateway().set_handler(|event| LambdaResponse {
        status: 418,
        headers: vec![("x-teapot".to_owned(), event["httpMethod"].as_str().unwrap().to_owned())],
        body: b"short and stout".to_vec(),
    });
    aws.api_gateway().set_delay(Duration::from_millis(200));
    let start = Instant::now();
    let response = Signer::api(&aws, &credentials(&aws)).get("/prod/x").to_api(&aws);
    assert!(start.elapsed() >= Duration::from_millis(200));
    assert_eq!((response.status, response.header("x-teapot")), (418, Some("GET")));
    assert_eq!(response.body, b"short and stout");
}

/// Sends a signed request over HTTP/2, where the host travels as `:authority`.
fn over_http2(aws: &AwsDouble, signed: &Signed) -> (u16, Value) {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(aws.pki().aws_ca_pem().as_bytes()).unwrap()).unwrap();
    let mut config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let host = aws.api_gateway().hostname().to_owned();
    let mut request =
        http::Request::builder().method(signed.method.as_str()).uri(format!("https://{host}{}", signed.target));
    for (name, value) in signed.headers.iter().filter(|(name, _)| name != "host") {
        request = request.header(name, value);
    }
    let request = request.body(Full::new(bytes::Bytes::from(signed.body.clone()))).unwrap();
    let exchange = async {
        let tcp = tokio::net::TcpStream::connect(aws.api_gateway().addr()).await.unwrap();
        let name = ServerName::try_from(host).unwrap();
        let tls = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, tcp).await.unwrap();
        assert_eq!(tls.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(tls)).await.unwrap();
        tokio::spawn(connection);
        let response = sender.send_request(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap())
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(PATIENCE, exchange).await.unwrap() })
}

#[test]
fn http2_is_spoken_and_verified_just_the_same() {
    let aws = aws();
    let api = Signer::api(&aws, &credentials(&aws));
    let signed = api.sign("POST", "/prod/x?a=1", &[("x-mesh-caller", "spiffe://mesh/app-b")], b"body");
    let (status, seen) = over_http2(&aws, &signed);
    assert_eq!((status, &seen["caller"], &seen["body"]), (200, &"spiffe://mesh/app-b".into(), &"body".into()));
    let (status, refusal) = over_http2(&aws, &signed.set("x-mesh-caller", "spiffe://mesh/admin"));
    assert_eq!(status, 403, "{refusal}");
}
