//! What each answer of Secrets Manager means.

use mtls_client::{Source as _, SourceFault};

use super::fake::{CERTIFICATE, Fake, KEY, Plan, REGION, SESSION_TOKEN, plan};
use crate::support::{OWN, Pki};

#[tokio::test]
async fn errors_are_told_apart_by_who_must_do_something() {
    let fake = Fake::start().await;
    let source = fake.source();
    for (status, kind, fault) in [
        (400, "ResourceNotFoundException", SourceFault::Missing),
        (400, "InvalidRequestException", SourceFault::Missing),
        (400, "AccessDeniedException", SourceFault::AccessDenied),
        (400, "com.amazonaws.secretsmanager#AccessDeniedException", SourceFault::AccessDenied),
        (400, "DecryptionFailure", SourceFault::AccessDenied),
        (400, "UnrecognizedClientException", SourceFault::AccessDenied),
        (400, "ExpiredTokenException", SourceFault::AccessDenied),
        (400, "InvalidSignatureException", SourceFault::AccessDenied),
        (403, "MissingAuthenticationTokenException", SourceFault::AccessDenied),
        (400, "ThrottlingException", SourceFault::Throttled),
        (400, "TooManyRequestsException", SourceFault::Throttled),
        (429, "", SourceFault::Throttled),
        (500, "InternalServiceError", SourceFault::Unavailable),
        (503, "ServiceUnavailable", SourceFault::Unavailable),
        (502, "", SourceFault::Unavailable),
        (403, "", SourceFault::AccessDenied),
        (400, "ValidationException", SourceFault::Invalid),
        (404, "UnknownOperationException", SourceFault::Invalid),
    ] {
        let body = serde_json::json!({ "__type": kind, "message": "what AWS says" }).to_string();
        fake.plan(plan(status, body));
        let error = source.document(0).await.unwrap_err();
        assert_eq!(error.fault, fault, "{status} {kind}: {error}");
        assert!(error.message.contains(CERTIFICATE) && error.message.contains(REGION), "{error}");
        assert!(error.message.contains(kind.rsplit('#').next().unwrap()), "{error}");
        // The type may stand in a header alone.
        let header = vec![("x-amzn-errortype", format!("{kind}:http://internal.amazon.com/coral/"))];
        fake.plan(Plan::Answer(status, header, String::new()));
        assert_eq!(source.key(0, "v1").await.unwrap_err().fault, fault, "{status} {kind} in a header");
    }
}

#[tokio::test]
async fn the_words_of_aws_are_passed_on_but_never_the_session_token() {
    let fake = Fake::start().await;
    let source = fake.source();
    let role = "User: arn:aws:sts::123456789012:assumed-role/reports is not authorized";
    fake.plan(plan(400, serde_json::json!({ "__type": "AccessDeniedException", "Message": role }).to_string()));
    let error = source.document(0).await.unwrap_err();
    assert!(error.message.contains(role), "{error}");
    for (kind, message) in [
        ("InvalidSignatureException", format!("The Canonical String should have been 'POST {SESSION_TOKEN}'")),
        ("AccessDeniedException", format!("not with {SESSION_TOKEN}")),
        ("AccessDeniedException", format!("line one\nx-amz-security-token:{SESSION_TOKEN}")),
        ("SomethingNew", format!("{}{SESSION_TOKEN}", "a".repeat(290))),
    ] {
        fake.plan(plan(400, serde_json::json!({ "__type": kind, "message": message }).to_string()));
        let error = source.document(0).await.unwrap_err();
        assert!(!error.message.contains(SESSION_TOKEN) && !error.message.contains(&SESSION_TOKEN[..8]), "{error}");
    }
}

#[tokio::test]
async fn an_answer_that_is_not_secrets_managers_is_invalid_and_not_repeated() {
    let (fake, svid) = (Fake::start().await, Pki::new().svid(OWN));
    let source = fake.source();
    let pem = svid.key.serialize_pem();
    for body in [
        "".to_owned(),
        "<html>geheim</html>".into(),
        "[]".into(),
        r#"{"SecretBinary":"Z2VoZWlt","VersionId":"v1"}"#.into(),
        r#"{"SecretString":42,"VersionId":"v1"}"#.into(),
        r#"{"SecretString":"geheim","VersionId":"v1"}"#.into(),
        serde_json::json!({ "SecretString": pem, "VersionId": "another" }).to_string(),
        serde_json::json!({ "SecretString": pem }).to_string(),
    ] {
        fake.plan(plan(200, body.clone()));
        let error = source.key(0, "v1").await.unwrap_err();
        assert_eq!(error.fault, SourceFault::Invalid, "{body}: {error}");
        assert!(!error.message.contains("geheim") && !error.message.contains("PRIVATE KEY-"), "{error}");
    }
    fake.plan(plan(200, serde_json::json!({ "SecretString": "no document", "VersionId": "v1" }).to_string()));
    let error = source.document(0).await.unwrap_err();
    assert_eq!(error.fault, SourceFault::Invalid);
    fake.plan(plan(200, serde_json::json!({ "SecretString": pem, "VersionId": "v1" }).to_string()));
    source.key(0, "v1").await.unwrap();
}

#[tokio::test]
async fn an_endless_answer_is_not_read_to_its_end() {
    let fake = Fake::start().await;
    fake.plan(plan(200, "a".repeat(1_000_000)));
    let error = fake.source().document(0).await.unwrap_err();
    assert_eq!(error.fault, SourceFault::Unavailable);
    assert!(error.message.contains("too long"), "{error}");
}

#[tokio::test]
async fn a_secret_of_the_largest_size_is_read_whole() {
    let (fake, svid) = (Fake::start().await, Pki::new().svid(OWN));
    let mut json: serde_json::Value = serde_json::from_str(&svid.document.to_json()).unwrap();
    let room = 65_536 - json.to_string().len() - r#","padding":"""#.len();
    json["padding"] = "\u{1}".repeat(room / 6).into();
    fake.put(CERTIFICATE, "", &json.to_string());
    assert_eq!(fake.source().document(0).await.unwrap().key_version, svid.document.key_version);
}

#[tokio::test]
async fn a_stale_replica_that_lacks_the_version_is_a_missing_identity() {
    let (fake, svid) = (Fake::start().await, Pki::new().svid(OWN));
    fake.publish(&svid);
    let error = fake.source().key(0, "another-version").await.unwrap_err();
    assert_eq!(error.fault, SourceFault::Missing, "{error}");
    assert!(error.message.contains(KEY), "{error}");
}
