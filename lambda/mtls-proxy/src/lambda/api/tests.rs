//! The Extensions API to the letter of its documentation.

use super::super::fake::{FakeApi, IDENTIFIER};
use super::*;

fn fatal() -> Fatal {
    Fatal { kind: "Extension.ConfigInvalid", message: "a \"mistake\"\nor two".into() }
}

#[tokio::test]
async fn registration_names_the_file_and_the_events() {
    for (events, body) in
        [(&[][..], r#"{"events":[]}"#), (&["INVOKE", "SHUTDOWN"][..], r#"{"events":["INVOKE","SHUTDOWN"]}"#)]
    {
        let fake = FakeApi::start(200).await;
        Api::new(&fake.address).register("mtls-proxy", events).await.unwrap();
        let asked = &fake.asked()[0];
        assert_eq!(asked.line, "POST /2020-01-01/extension/register HTTP/1.1");
        assert_eq!(asked.header("lambda-extension-name"), Some("mtls-proxy"));
        assert_eq!(asked.header("content-type"), Some("application/json"));
        assert_eq!(asked.header("host"), Some(fake.address.as_str()));
        assert_eq!(asked.body, body);
    }
}

#[tokio::test]
async fn each_further_call_brings_the_identifier() {
    let fake = FakeApi::start(200).await;
    let extension = Api::new(&fake.address).register("mtls-proxy", &[]).await.unwrap();
    fake.event(r#"{"eventType": "INVOKE", "deadlineMs": 5}"#);
    assert_eq!(extension.next().await, Ok(Event::Invoke { deadline_ms: 5 }));
    extension.exit_error(&fatal()).await.unwrap();
    extension.init_error(&fatal()).await.unwrap();
    assert_eq!(fake.paths(), ["POST register", "GET event/next", "POST exit/error", "POST init/error"]);
    for asked in &fake.asked()[1..] {
        assert_eq!(asked.header("lambda-extension-identifier"), Some(IDENTIFIER));
    }
    for asked in &fake.asked()[2..] {
        assert_eq!(asked.header("lambda-extension-function-error-type"), Some("Extension.ConfigInvalid"));
        let body: serde_json::Value = serde_json::from_str(&asked.body).unwrap();
        assert_eq!(body["errorType"], "Extension.ConfigInvalid");
        assert_eq!(body["errorMessage"], "a \"mistake\"\nor two");
        assert_eq!(body["stackTrace"], serde_json::json!([]));
    }
}

#[tokio::test]
async fn a_refusal_is_told_with_status_and_body() {
    for status in [400, 403, 500] {
        let fake = FakeApi::start(status).await;
        let error = Api::new(&fake.address).register("mtls-proxy", &[]).await.unwrap_err();
        assert!(error.to_string().contains(&format!("answered {status}")), "{error}");
        assert!(error.to_string().contains("functionName"), "{error}");
    }
}

#[tokio::test]
async fn an_api_that_is_not_there_or_breaks_off_is_unreachable() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    assert!(matches!(Api::new(&gone).register("mtls-proxy", &[]).await, Err(ApiError::Unreachable(_))));
    let fake = FakeApi::start(200).await;
    let extension = Api::new(&fake.address).register("mtls-proxy", &[]).await.unwrap();
    fake.events.send((0, String::new())).unwrap();
    assert!(matches!(extension.next().await, Err(ApiError::Unreachable(_))));
}

#[tokio::test]
async fn what_is_no_event_is_garbled() {
    let fake = FakeApi::start(200).await;
    let extension = Api::new(&fake.address).register("mtls-proxy", &[]).await.unwrap();
    fake.event("what?");
    assert!(matches!(extension.next().await, Err(ApiError::Garbled(_))));
}

#[tokio::test]
async fn a_file_name_that_no_header_can_hold_is_told() {
    let error = Api::new("127.0.0.1:1").register("mtls\nproxy", &[]).await.unwrap_err();
    assert!(error.to_string().contains("file name"), "{error}");
}
