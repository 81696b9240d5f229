//! Vectors that need no file: `s3_examples.rs` runs them natively, `wasm.rs` inside a wasm engine.
#![expect(clippy::unwrap_used, reason = "a vector that cannot be run is a failed test")]

use sigv4::{
    CanonicalTarget, Credentials, Encode, Header, Normalize, PathRules, PayloadHash, Request, Scope, Secret, Signer,
    Timestamp,
};

/// One example of the S3 API Reference, "Signature Calculations for the Authorization Header: Transferring Payload in
/// a Single Chunk". All are signed at the same second, with the same keys, for the same bucket.
pub(crate) struct S3Example {
    method: &'static str,
    target: &'static str,
    /// Besides `host`, `x-amz-date` and `x-amz-content-sha256`.
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    canonical_request: &'static str,
    canonical_request_hash: &'static str,
    signature: &'static str,
}

pub(crate) const GET_OBJECT: S3Example = S3Example {
    method: "GET",
    target: "/test.txt",
    headers: &[("range", "bytes=0-9")],
    body: "",
    canonical_request: "GET\n/test.txt\n\nhost:examplebucket.s3.amazonaws.com\nrange:bytes=0-9\n\
        x-amz-content-sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n\
        x-amz-date:20130524T000000Z\n\nhost;range;x-amz-content-sha256;x-amz-date\n\
        e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    canonical_request_hash: "7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972",
    signature: "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
};

pub(crate) const PUT_OBJECT: S3Example = S3Example {
    method: "PUT",
    target: "/test$file.text",
    headers: &[("date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")],
    body: "Welcome to Amazon S3.",
    canonical_request: "PUT\n/test%24file.text\n\ndate:Fri, 24 May 2013 00:00:00 GMT\n\
        host:examplebucket.s3.amazonaws.com\n\
        x-amz-content-sha256:44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072\n\
        x-amz-date:20130524T000000Z\nx-amz-storage-class:REDUCED_REDUNDANCY\n\n\
        date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class\n\
        44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
    canonical_request_hash: "9e0e90d9c76de8fa5b200d8c849cd5b8dc7a3be3951ddb7f6a76b4158342019d",
    signature: "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
};

pub(crate) const GET_BUCKET_LIFECYCLE: S3Example = S3Example {
    method: "GET",
    target: "/?lifecycle",
    headers: &[],
    body: "",
    canonical_request: "GET\n/\nlifecycle=\nhost:examplebucket.s3.amazonaws.com\n\
        x-amz-content-sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n\
        x-amz-date:20130524T000000Z\n\nhost;x-amz-content-sha256;x-amz-date\n\
        e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    canonical_request_hash: "9766c798316ff2757b517bc739a67f6213b4ab36dd5da2f94eaebf79c77395ca",
    signature: "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
};

pub(crate) const LIST_OBJECTS: S3Example = S3Example {
    method: "GET",
    target: "/?max-keys=2&prefix=J",
    headers: &[],
    body: "",
    canonical_request: "GET\n/\nmax-keys=2&prefix=J\nhost:examplebucket.s3.amazonaws.com\n\
        x-amz-content-sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n\
        x-amz-date:20130524T000000Z\n\nhost;x-amz-content-sha256;x-amz-date\n\
        e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    canonical_request_hash: "df57d21db20da04d7fa30298dd4488ba3a2b47ca3a489c74750e0f1e7df1b9b7",
    signature: "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
};

impl S3Example {
    /// Signs the example and compares everything that AWS publishes about it.
    pub(crate) fn check(&self) {
        let credentials = Credentials {
            access_key_id: "AKIAIOSFODNN7EXAMPLE".into(),
            secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into()),
            session_token: None,
        };
        let target = CanonicalTarget::parse(self.target.as_bytes(), PathRules::S3).unwrap();
        let mut headers: Vec<_> =
            self.headers.iter().map(|(name, value)| Header { name, value: value.as_bytes() }).collect();
        headers.push(Header { name: "host", value: b"examplebucket.s3.amazonaws.com" });
        let request = Request {
            method: self.method.as_bytes(),
            target: &target,
            headers: &headers,
            payload: PayloadHash::of(self.body.as_bytes()),
        };
        let mut signer = Signer::new(Scope { region: "us-east-1".into(), service: "s3".into() });
        let at = Timestamp::from_unix_seconds(1_369_353_600).unwrap();
        let signed = signer.sign(&request, &credentials, at);

        assert_eq!(text(signer.last_canonical_request()), self.canonical_request);
        assert_eq!(
            text(signer.last_string_to_sign()),
            format!(
                "AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n{}",
                self.canonical_request_hash
            )
        );
        assert_eq!(text(signed.signature()), self.signature);
        let (_, signed_headers) = self.canonical_request.split_once("\n\n").unwrap_or_default();
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
             SignedHeaders={}, Signature={}",
            signed_headers.lines().rev().nth(1).unwrap(),
            self.signature
        );
        assert_eq!(
            signed.headers().next().map(|(name, value)| (name, text(value))),
            Some(("authorization", &*authorization))
        );
    }
}

/// A raw target, the wire form that it gets, and the canonical URI that is signed for it.
type CanonicalForm = (PathRules, &'static [u8], &'static str, &'static str);

const UNRESOLVED: PathRules = PathRules { normalize: Normalize::No, encode: Encode::Twice };
const RESOLVED_ONCE: PathRules = PathRules { normalize: Normalize::Yes, encode: Encode::Once };

/// Each way in which a target is rewritten, with every combination of rules.
pub(crate) const CANONICAL_FORMS: [CanonicalForm; 20] = [
    (PathRules::S3, b"/", "/", "/"),
    (PathRules::S3, b"/photos/a b@2x.png", "/photos/a%20b%402x.png", "/photos/a%20b%402x.png"),
    (PathRules::S3, b"/photos//../a/./b/", "/photos//../a/./b/", "/photos//../a/./b/"),
    (PathRules::S3, b"/a%2fb%2Fc", "/a/b/c", "/a/b/c"),
    (PathRules::S3, b"/1+1=2", "/1%2B1%3D2", "/1%2B1%3D2"),
    (PathRules::S3, b"/%7e%41%2e", "/~A.", "/~A."),
    (PathRules::S3, b"/100%25%2541", "/100%25%2541", "/100%25%2541"),
    (PathRules::S3, "/\u{1234}".as_bytes(), "/%E1%88%B4", "/%E1%88%B4"),
    (PathRules::S3, b"/\xff%fE\x01", "/%FF%FE%01", "/%FF%FE%01"),
    (PathRules::S3, b"/k?versionId=3&acl", "/k?acl=&versionId=3", "/k"),
    (PathRules::S3, b"/?prefix=a+b%2Bc/d&&delimiter=/", "/?delimiter=%2F&prefix=a%20b%2Bc%2Fd", "/"),
    (PathRules::STANDARD, b"/stage/./x/../item//7", "/stage/item/7", "/stage/item/7"),
    (PathRules::STANDARD, b"/../../a/%2E%2e/b/.", "/b/", "/b/"),
    (PathRules::STANDARD, b"/a b", "/a%20b", "/a%2520b"),
    (PathRules::STANDARD, b"/a%2Fb", "/a%2Fb", "/a%252Fb"),
    (PathRules::STANDARD, b"/fn/arn:aws:x%3ay", "/fn/arn%3Aaws%3Ax%3Ay", "/fn/arn%253Aaws%253Ax%253Ay"),
    (PathRules::STANDARD, b"/?b=2&a=2&a=1&a&B=%e1%88%b4", "/?B=%E1%88%B4&a=&a=1&a=2&b=2", "/"),
    (PathRules::STANDARD, b"/?a-b=1&a=2", "/?a=2&a-b=1", "/"),
    (UNRESOLVED, b"//a/../%20", "//a/../%20", "//a/../%2520"),
    (RESOLVED_ONCE, b"//a/..%2f%20", "/%20", "/%20"),
];

/// Compares wire form and canonical URI, and reads the wire form again.
pub(crate) fn check_canonical_form(&(rules, raw, wire, canonical_uri): &CanonicalForm) {
    let target = CanonicalTarget::parse(raw, rules).unwrap();
    assert_eq!(text(target.as_bytes()), wire);
    assert_eq!(CanonicalTarget::parse(target.as_bytes(), rules).as_ref(), Ok(&target), "{wire} parses to itself");

    let credentials =
        Credentials { access_key_id: "AKID".into(), secret_access_key: Secret::new("s".into()), session_token: None };
    let mut signer = Signer::new(Scope { region: "r".into(), service: "s".into() });
    let request = Request { method: b"GET", target: &target, headers: &[], payload: PayloadHash::EMPTY };
    signer.sign(&request, &credentials, Timestamp::from_unix_seconds(0).unwrap());
    let lines: Vec<_> = text(signer.last_canonical_request()).lines().collect();
    let query = wire.split_once('?').map_or("", |(_, query)| query);
    assert_eq!(lines.get(1..3), Some(&[canonical_uri, query][..]));
}

fn text(bytes: &[u8]) -> &str {
    core::str::from_utf8(bytes).unwrap()
}
