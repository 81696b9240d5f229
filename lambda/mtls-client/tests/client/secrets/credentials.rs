//! Where the credentials come from, and when they are read again.

use std::collections::HashMap;
use std::fs;
use std::sync::Arc;

use mtls_client::{AwsCredentials, SecretsManager, Source as _, SourceFault};

use super::fake::{ACCESS_KEY, Fake, SECRET_KEY, SESSION_TOKEN, plan};
use crate::support::{OWN, Pki, TestClock};

fn with(variables: &[(&str, &str)]) -> AwsCredentials {
    let variables: HashMap<String, String> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    AwsCredentials::from_environment(|name| variables.get(name).cloned())
}

/// Credentials as the endpoint hands them out, with the time at which they end.
fn issued(access_key: &str, secret: &str, token: &str, ends: u64) -> String {
    let ends = time::OffsetDateTime::from_unix_timestamp(ends.try_into().unwrap()).unwrap();
    let ends =
        ends.format(time::macros::format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z")).unwrap();
    serde_json::json!({ "AccessKeyId": access_key, "SecretAccessKey": secret, "Token": token, "Expiration": ends, "RoleArn": "x" })
        .to_string()
}

/// A published pair and credentials at an endpoint, as under SnapStart.
async fn snapstart(token: &[(&str, &str)]) -> (Fake, SecretsManager, Arc<TestClock>) {
    let (fake, clock) = (Fake::start().await, TestClock::new());
    fake.publish(&Pki::new().svid(OWN));
    let uri = format!("{}/2021-04-23/credentials?a=b", fake.endpoint());
    let mut variables = vec![("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri.as_str())];
    variables.extend(token);
    let source = SecretsManager::new(fake.replica(), Vec::new(), with(&variables)).with_clock(clock.clone());
    (fake, source, clock)
}

const ASK: &str = "GET /2021-04-23/credentials?a=b";

fn fetches(fake: &Fake) -> usize {
    fake.asked().iter().filter(|ask| *ask == ASK).count()
}

#[tokio::test]
async fn without_credentials_the_answer_says_which_variables_are_missing() {
    let fake = Fake::start().await;
    for (variables, words) in [
        (&[][..], "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
        (&[("AWS_ACCESS_KEY_ID", ACCESS_KEY)], "only one of"),
        (&[("AWS_ACCESS_KEY_ID", ACCESS_KEY), ("AWS_SECRET_ACCESS_KEY", "")], "only one of"),
        (&[("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://10.0.0.1/")], "loopback"),
        (&[("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://localhost.example.com/")], "loopback"),
        (&[("AWS_CONTAINER_CREDENTIALS_FULL_URI", "file:///etc/passwd")], "loopback"),
        (&[("AWS_CONTAINER_CREDENTIALS_FULL_URI", "/relative")], "loopback"),
    ] {
        let source = SecretsManager::new(fake.replica(), Vec::new(), with(variables));
        let error = source.document(0).await.unwrap_err();
        assert_eq!(error.fault, SourceFault::AccessDenied, "{variables:?}");
        assert!(error.message.contains(words), "{error}");
    }
    assert!(fake.asked().is_empty());
}

#[tokio::test]
async fn the_environment_comes_first() {
    let fake = Fake::start().await;
    fake.publish(&Pki::new().svid(OWN));
    let uri = format!("{}/credentials", fake.endpoint());
    let credentials = with(&[
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
        ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
        ("AWS_SESSION_TOKEN", SESSION_TOKEN),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &uri),
    ]);
    SecretsManager::new(fake.replica(), Vec::new(), credentials).document(0).await.unwrap();
    assert_eq!(fake.asked().len(), 1);
}

#[tokio::test]
async fn wrong_credentials_are_refused_and_not_tried_twice() {
    let fake = Fake::start().await;
    for (id, secret) in [("AKIAOTHER", SECRET_KEY), (ACCESS_KEY, "wrong")] {
        let credentials =
            with(&[("AWS_ACCESS_KEY_ID", id), ("AWS_SECRET_ACCESS_KEY", secret), ("AWS_SESSION_TOKEN", SESSION_TOKEN)]);
        let before = fake.asked().len();
        let error = SecretsManager::new(fake.replica(), Vec::new(), credentials).document(0).await.unwrap_err();
        assert_eq!(error.fault, SourceFault::AccessDenied, "{error}");
        assert_eq!(fake.asked().len(), before + 1);
    }
}

#[tokio::test]
async fn credentials_of_the_endpoint_are_kept_until_they_are_about_to_end() {
    let (fake, source, clock) = snapstart(&[("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Bearer abc")]).await;
    fake.issue("Bearer abc", &issued(ACCESS_KEY, SECRET_KEY, SESSION_TOKEN, clock.unix_seconds() + 3600));
    for (seconds, expected) in [(0, 1), (3000, 1), (299, 1), (2, 2), (0, 3)] {
        clock.pass(seconds);
        source.document(0).await.unwrap();
        assert_eq!(fetches(&fake), expected, "after {seconds} s");
    }
    fake.issue("Bearer abc", &issued(ACCESS_KEY, SECRET_KEY, SESSION_TOKEN, clock.unix_seconds() + 3600));
    source.document(0).await.unwrap();
    source.document(0).await.unwrap();
    assert_eq!(fetches(&fake), 4);
}

#[tokio::test]
async fn credentials_that_are_refused_are_fetched_anew_once() {
    let (fake, source, clock) = snapstart(&[]).await;
    let ends = clock.unix_seconds() + 3600;
    fake.issue("", &issued(ACCESS_KEY, SECRET_KEY, SESSION_TOKEN, ends));
    source.document(0).await.unwrap();
    // The role was changed: others are valid now.
    fake.accept("ASIANEW", "new-secret", "new-token");
    fake.issue("", &issued("ASIANEW", "new-secret", "new-token", ends));
    source.document(0).await.unwrap();
    assert_eq!(fetches(&fake), 2);
    // Newer ones do not help either.
    fake.accept("ASIANOBODY", "s", "t");
    let error = source.document(0).await.unwrap_err();
    assert_eq!(error.fault, SourceFault::AccessDenied);
    assert_eq!(fetches(&fake), 3);
}

#[tokio::test]
async fn nothing_is_kept_over_a_restore() {
    let (fake, source, clock) = snapstart(&[]).await;
    fake.issue("", &issued(ACCESS_KEY, SECRET_KEY, SESSION_TOKEN, clock.unix_seconds() + 3600));
    source.document(0).await.unwrap();
    source.restored();
    source.document(0).await.unwrap();
    assert_eq!(fetches(&fake), 2);
}

#[tokio::test]
async fn the_token_file_is_read_each_time_and_goes_before_the_token() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let file = path.to_str().unwrap();
    let (fake, source, clock) =
        snapstart(&[("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file), ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "wrong")])
            .await;
    let json = issued(ACCESS_KEY, SECRET_KEY, SESSION_TOKEN, clock.unix_seconds() + 60);
    let error = source.document(0).await.unwrap_err();
    assert_eq!(error.fault, SourceFault::AccessDenied);
    assert!(error.message.contains(file), "{error}");
    for token in ["first", "second"] {
        fs::write(&path, format!("{token}\n")).unwrap();
        fake.issue(token, &json);
        source.document(0).await.unwrap();
    }
    fs::write(&path, "a\nb").unwrap();
    assert_eq!(source.document(0).await.unwrap_err().fault, SourceFault::AccessDenied);
}

#[tokio::test]
async fn an_endpoint_without_credentials_is_told_from_one_that_is_down() {
    let (fake, source, clock) = snapstart(&[]).await;
    fake.issue("expected", "{}");
    for (status, body, fault) in [
        (200, "{}", SourceFault::AccessDenied),
        (200, "no json", SourceFault::AccessDenied),
        (404, "", SourceFault::AccessDenied),
        (500, "", SourceFault::Unavailable),
    ] {
        fake.plan(plan(status, body));
        assert_eq!(source.document(0).await.unwrap_err().fault, fault, "{status} {body}");
    }
    fake.plan(plan(200, issued("A", "geheim", "b", clock.unix_seconds()).replace('Z', "+01:00")));
    let error = source.document(0).await.unwrap_err();
    assert_eq!(error.fault, SourceFault::AccessDenied);
    assert!(!error.message.contains("geheim"));
    let wrong = source.document(0).await.unwrap_err();
    assert_eq!(wrong.fault, SourceFault::AccessDenied, "wrong authorization");
    // Credentials without an end are good for as long as the process lives.
    fake.issue(
        "",
        &format!(r#"{{"AccessKeyId":"{ACCESS_KEY}","SecretAccessKey":"{SECRET_KEY}","Token":"{SESSION_TOKEN}"}}"#),
    );
    source.document(0).await.unwrap();
    clock.freeze(10);
    let before = fetches(&fake);
    source.document(0).await.unwrap();
    assert_eq!(fetches(&fake), before);
}
