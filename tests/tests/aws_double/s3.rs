//! S3's operations through both verifiers, and what it answers when it refuses.

use e2e::client::Request;

use crate::support::{BUCKET, Form, OBJECT, Signed, Signer, assert_refused, aws, credentials};

#[test]
fn put_get_head_range_list_and_delete_work_when_signed() {
    let aws = aws();
    let s3 = Signer::s3(&aws, &credentials(&aws));
    let put = s3.sign("PUT", "/new/file.bin", &[("content-type", "text/plain")], b"payload").to_s3(&aws);
    assert_eq!(put.status, 200, "{}", put.text());
    assert_eq!(aws.s3().get_object(BUCKET, "new/file.bin").unwrap(), b"payload");

    let get = s3.get("/new/file.bin").to_s3(&aws);
    assert_eq!((get.status, get.body.as_slice()), (200, &b"payload"[..]));
    assert_eq!(get.header("content-type"), Some("text/plain"));
    assert!(get.header("x-amz-request-id").is_some());
    assert_eq!(get.header("server"), Some("AmazonS3"));

    let head = s3.sign("HEAD", "/new/file.bin", &[], b"").to_s3(&aws);
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, Some("7"), 0));

    let part = s3.sign("GET", "/a/hello.txt", &[("range", "bytes=2-4")], b"").to_s3(&aws);
    assert_eq!((part.status, part.body.as_slice()), (206, &b"234"[..]));
    assert_eq!(part.header("content-range"), Some("bytes 2-4/10"));

    let list = s3.get("/?list-type=2&prefix=new%2F").to_s3(&aws);
    assert_eq!((list.status, list.xml("Key").as_deref()), (200, Some("new/file.bin")));

    assert_eq!(s3.sign("DELETE", "/new/file.bin", &[], b"").to_s3(&aws).status, 204);
    assert_refused(&s3.get("/new/file.bin").to_s3(&aws), 404, "NoSuchKey");
}

#[test]
fn a_signed_payload_is_accepted_too() {
    let aws = aws();
    let s3 = Signer { unsigned_payload: false, ..Signer::s3(&aws, &credentials(&aws)) };
    assert_eq!(s3.sign("PUT", "/a/b", &[], b"hashed").to_s3(&aws).status, 200);
    assert_eq!(aws.s3().get_object(BUCKET, "a/b").unwrap(), b"hashed");
    assert_eq!(s3.get("/a/b").to_s3(&aws).body, b"hashed");
}

#[test]
fn odd_keys_survive_in_canonical_encoding() {
    let aws = aws();
    let s3 = Signer::s3(&aws, &credentials(&aws));
    for (path, key) in [
        ("/sp%20ace/%C3%BC.txt", "sp ace/ü.txt"),
        ("/plus%2Bsign%3D%26%24%40", "plus+sign=&$@"),
        ("/percent%2525", "percent%25"),
        ("/tilde~-_.", "tilde~-_."),
        ("/exclaim%21%28%29%2A%27", "exclaim!()*'"),
    ] {
        let put = s3.sign("PUT", path, &[], b"x").to_s3(&aws);
        assert_eq!(put.status, 200, "{path}: {}", put.text());
        assert_eq!(aws.s3().get_object(BUCKET, key).unwrap(), b"x", "{path}");
        assert_eq!(s3.get(path).to_s3(&aws).status, 200, "{path}");
    }
}

#[test]
fn a_path_that_is_not_in_canonical_encoding_is_refused() {
    let aws = aws();
    let s3 = Signer::s3(&aws, &credentials(&aws));
    aws.s3().put_object(BUCKET, "ü", OBJECT).unwrap();
    assert_eq!(s3.get("/%C3%BC").to_s3(&aws).status, 200);
    // aws-sigv4 signs it as it is; S3, and s3s with it, sign the re-encoded path.
    assert_refused(&s3.get("/%c3%bc").to_s3(&aws), 403, "SignatureDoesNotMatch");
}

#[test]
fn keys_are_never_normalised() {
    let aws = aws();
    let s3 = Signer::s3(&aws, &credentials(&aws));
    for path in ["/a/../a/hello.txt", "/a//hello.txt", "/a/./hello.txt", "/a", "/a/", "/a%2F..%2Fa%2Fhello.txt"] {
        let response = s3.get(path).to_s3(&aws);
        assert!(matches!(response.status, 403 | 404), "{path}: {} {}", response.status, response.text());
        assert!(!response.text().contains("0123456789"), "{path}");
    }
    assert_eq!(s3.sign("PUT", "/x/../y", &[], b"x").to_s3(&aws).status, 400);
    assert!(aws.s3().get_object(BUCKET, "y").is_err());
}

#[test]
fn a_query_that_is_not_utf8_is_refused() {
    let aws = aws();
    let s3 = Signer::s3(&aws, &credentials(&aws));
    assert_eq!(s3.get("/a/hello.txt?x=%FF").to_s3(&aws).status, 400);
}

#[test]
fn anonymous_requests_are_denied_and_journalled_as_such() {
    let aws = aws();
    let request = Request::new("GET", "/a/hello.txt").host(&aws.s3().bucket_hostname(BUCKET));
    assert_refused(&aws.s3_client(BUCKET).send(&request).unwrap(), 403, "AccessDenied");
    let anonymous = aws.journal().unsigned();
    assert_eq!(anonymous.len(), 1);
    assert_eq!(anonymous[0].path, "/a/hello.txt");
}

#[test]
fn path_style_works_on_the_regional_host() {
    let aws = aws();
    let host = aws.s3().hostname().to_owned();
    let signer = Signer { host: host.clone(), ..Signer::s3(&aws, &credentials(&aws)) };
    let client = e2e::client::Client::tls(aws.s3().addr(), &host, &aws.pki().aws_ca_pem());
    let response = client.send(&signer.get("/docs/a/hello.txt").request()).unwrap();
    assert_eq!((response.status, response.body.as_slice()), (200, OBJECT));
}

#[test]
fn a_mismatch_is_explained() {
    let aws = aws();
    let mut signed = Signer::s3(&aws, &credentials(&aws)).get("/a/hello.txt");
    signed.target = "/a/other.txt".to_owned();
    let response = signed.to_s3(&aws);
    assert_refused(&response, 403, "SignatureDoesNotMatch");
    assert!(response.xml("CanonicalRequest").unwrap().starts_with("GET\n/a/other.txt\n\nhost:docs.s3."));
    assert!(response.xml("StringToSign").unwrap().starts_with("AWS4-HMAC-SHA256\n"));
    assert_eq!(response.xml("SignatureProvided").unwrap().len(), 64);
}

#[test]
fn chunked_uploads_without_a_length_are_not_implemented() {
    let aws = aws();
    let signed = Signer::s3(&aws, &credentials(&aws)).sign("PUT", "/a/b", &[], b"");
    let request = Signed { body: Vec::new(), ..signed }.request().chunked([b"one", b"two"]);
    assert_refused(&aws.s3_client(BUCKET).send(&request).unwrap(), 501, "NotImplemented");
}

#[test]
fn a_missing_object_is_hidden_from_those_who_may_not_list() {
    let aws = aws();
    let policy = r#"{"Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}"#;
    let creds = Form::good(&aws).with("Policy", policy).credentials(&aws);
    let s3 = Signer::s3(&aws, &creds);
    assert_refused(&s3.get("/missing").to_s3(&aws), 403, "AccessDenied");
    assert_eq!(s3.get("/a/hello.txt").to_s3(&aws).status, 200);
}

#[test]
fn a_bucket_that_does_not_exist_is_not_found() {
    let aws = aws();
    let role =
        e2e::aws::Role::new(crate::support::ROLE, aws.trust_of("shop:proxy"), e2e::aws::Policy::allow(&["*"], &["*"]));
    aws.register_role(role);
    let host = aws.s3().bucket_hostname("other");
    let signer = Signer { host, ..Signer::s3(&aws, &credentials(&aws)) };
    let response = aws.s3_client("other").send(&signer.get("/?list-type=2").request()).unwrap();
    assert_refused(&response, 404, "NoSuchBucket");
}
