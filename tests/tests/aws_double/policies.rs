//! What a role allows, and what a session policy leaves of it.

use e2e::aws::policy::{Decision, Policy};

use crate::support::{BUCKET, Form, Signer, assert_refused, aws, credentials};

#[test]
fn the_role_allows_only_what_it_lists() {
    let aws = aws();
    aws.s3().put_object(BUCKET, "x/forbidden/y", b"secret").unwrap();
    aws.s3().create_bucket("other").unwrap();
    let s3 = Signer::s3(&aws, &credentials(&aws));
    assert_refused(&s3.get("/x/forbidden/y").to_s3(&aws), 403, "AccessDenied");
    assert_refused(&s3.get("/a/hello.txt?acl").to_s3(&aws), 403, "AccessDenied");
    assert_refused(&s3.get("/?location").to_s3(&aws), 403, "AccessDenied");
    let other = Signer { host: aws.s3().bucket_hostname("other"), ..s3 };
    let response = aws.s3_client("other").send(&other.get("/x").request()).unwrap();
    assert_refused(&response, 403, "AccessDenied");
}

#[test]
fn a_session_policy_narrows_the_role_and_never_widens_it() {
    let aws = aws();
    let read_only = r#"{"Version":"2012-10-17","Statement":[
        {"Sid":"Read","Effect":"Allow","Action":["s3:Get*"],"Resource":["arn:aws:s3:::docs/a/*","arn:aws:s3:::other/*"]},
        {"Effect":"Deny","Action":"s3:GetObject","Resource":"arn:aws:s3:::docs/a/private/*"}]}"#;
    aws.s3().put_object(BUCKET, "a/private/x", b"x").unwrap();
    aws.s3().put_object(BUCKET, "b", b"x").unwrap();
    let s3 = Signer::s3(&aws, &Form::good(&aws).with("Policy", read_only).credentials(&aws));
    assert_eq!(s3.get("/a/hello.txt").to_s3(&aws).status, 200);
    assert_refused(&s3.get("/b").to_s3(&aws), 403, "AccessDenied");
    assert_refused(&s3.get("/a/private/x").to_s3(&aws), 403, "AccessDenied");
    assert_refused(&s3.sign("PUT", "/a/new", &[], b"x").to_s3(&aws), 403, "AccessDenied");
    let other = Signer { host: aws.s3().bucket_hostname("other"), ..s3 };
    let response = aws.s3_client("other").send(&other.get("/x").request()).unwrap();
    assert_refused(&response, 403, "AccessDenied");
}

#[test]
fn a_copy_needs_the_right_to_read_its_source() {
    let aws = aws();
    let s3 = Signer::s3(&aws, &credentials(&aws));
    let own = s3.sign("PUT", "/a/copy", &[("x-amz-copy-source", "/docs/a/hello.txt")], b"").to_s3(&aws);
    assert_eq!(own.status, 200, "{}", own.text());
    let foreign = s3.sign("PUT", "/a/copy", &[("x-amz-copy-source", "/other/x")], b"").to_s3(&aws);
    assert_refused(&foreign, 403, "AccessDenied");
}

#[test]
fn wildcards_match_as_in_iam() {
    let policy =
        Policy::allow(&["s3:Get*", "s3:?utObject"], &["arn:aws:s3:::b/*/x?z"]).and_deny(&["S3:GETOBJECTACL"], &["*"]);
    let decide = |action, resource| policy.decide(action, resource);
    assert_eq!(decide("s3:GetObject", "arn:aws:s3:::b/1/2/xyz"), Decision::Allow);
    assert_eq!(decide("s3:PutObject", "arn:aws:s3:::b/1/xyz"), Decision::Allow);
    assert_eq!(decide("s3:GetObjectAcl", "arn:aws:s3:::b/1/xyz"), Decision::Deny);
    assert_eq!(decide("s3:GetObject", "arn:aws:s3:::b/1/xz"), Decision::Silent);
    assert_eq!(decide("s3:DeleteObject", "arn:aws:s3:::b/1/xyz"), Decision::Silent);
}
