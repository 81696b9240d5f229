//! The journal tells who did what, as CloudTrail would.

use e2e::aws::{Outcome, Service};

use crate::support::{Form, PATIENCE, ROLE, SESSION, Signer, aws, credentials};

#[test]
fn it_names_session_role_key_and_action() {
    let aws = aws();
    let creds = credentials(&aws);
    let caller = ("x-mesh-caller", "spiffe://mesh/app-b");
    Signer::s3(&aws, &creds).sign("GET", "/a/hello.txt?x-id=GetObject", &[caller], b"").to_s3(&aws);
    Signer::api(&aws, &creds).get("/prod/x").to_api(&aws);

    let entries = aws.journal().entries();
    let seen: Vec<_> = entries.iter().map(|entry| (entry.service, entry.action.as_str())).collect();
    let expected = [
        (Service::Sts, "sts:AssumeRoleWithWebIdentity"),
        (Service::S3, "s3:GetObject"),
        (Service::ExecuteApi, "execute-api:Invoke"),
    ];
    assert_eq!(seen, expected);
    for entry in &entries {
        assert!(entry.allowed());
        assert_eq!(entry.status, 200);
        assert_eq!(entry.session_name.as_deref(), Some(SESSION));
        assert_eq!(entry.role_arn.as_deref(), Some(ROLE));
        assert_eq!(entry.access_key_id.as_deref(), Some(creds.key.as_str()));
    }
    let get = &aws.journal().of(Service::S3)[0];
    assert_eq!(get.caller_header.as_deref(), Some("spiffe://mesh/app-b"));
    assert_eq!((get.path.as_str(), get.query.as_deref()), ("/a/hello.txt", Some("x-id=GetObject")));
    aws.journal().assert_never_unsigned();
    assert_eq!(aws.journal().session_names(Service::S3), [SESSION]);
}

#[test]
fn refusals_are_in_it_with_their_code() {
    let aws = aws();
    let creds = credentials(&aws);
    let mut signed = Signer::s3(&aws, &creds).get("/a/hello.txt");
    signed.target = "/a/other".to_owned();
    signed.to_s3(&aws);
    Form::good(&aws).with("RoleSessionName", "x").send(&aws);
    let refused = aws.journal().filter(|entry| !entry.allowed());
    let codes: Vec<_> = refused.iter().map(|entry| &entry.outcome).collect();
    let code = |code: &str| Outcome::Refused(code.to_owned());
    assert_eq!(codes, [&code("SignatureDoesNotMatch"), &code("ValidationError")]);
    assert_eq!(refused[0].access_key_id.as_deref(), Some(creds.key.as_str()));
    assert!(refused[0].signed);
}

#[test]
fn it_can_be_waited_for_and_cleared() {
    let aws = aws();
    assert!(!aws.journal().wait_for(1, std::time::Duration::from_millis(20), |_| true));
    std::thread::scope(|scope| {
        scope.spawn(|| credentials(&aws));
        assert!(aws.journal().wait_for(1, PATIENCE, |entry| entry.service == Service::Sts));
    });
    aws.journal().clear();
    assert!(aws.journal().entries().is_empty());
}

#[test]
#[should_panic(expected = "requests left unsigned")]
fn an_unsigned_request_fails_the_test_that_asks() {
    let aws = aws();
    let request = e2e::client::Request::new("GET", "/a").host(&aws.s3().bucket_hostname("docs"));
    aws.s3_client("docs").send(&request).unwrap();
    aws.journal().assert_never_unsigned();
}
