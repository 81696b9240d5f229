//! The Lambda proxy event of a REST API (payload format 1.0), with the context that IAM authorisation adds.

use std::collections::BTreeMap;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Api;
use crate::aws::clock::unix_seconds;
use crate::aws::random;
use crate::aws::sessions::Session;
use crate::aws::wire::Received;

/// The first segment of a path.
pub(super) fn stage_of(path: &str) -> &str {
    path.trim_start_matches('/').split('/').next().unwrap_or_default()
}

pub(super) fn build(request: &Received, session: &Session, api: &Api, now: SystemTime) -> Value {
    let path = request.path.trim_start_matches('/').strip_prefix(api.stage.as_str()).unwrap_or_default();
    let path = if path.is_empty() { "/" } else { path };
    let headers = request
        .headers
        .iter()
        // API Gateway keeps what authenticated the caller to itself.
        .filter(|(name, _)| !matches!(name.as_str(), "authorization" | "x-amz-security-token"))
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    let (headers, multi_headers) = single_and_multi(headers);
    let (query, multi_query) = single_and_multi(request.query_pairs().unwrap_or_default().into_iter());
    let (body, encoded) = match std::str::from_utf8(&request.body) {
        Ok("") => (Value::Null, false),
        Ok(text) => (Value::from(text), false),
        Err(_) => (Value::from(STANDARD.encode(&request.body)), true),
    };
    json!({
        "version": "1.0",
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": request.method,
        "headers": headers,
        "multiValueHeaders": multi_headers,
        "queryStringParameters": query,
        "multiValueQueryStringParameters": multi_query,
        "pathParameters": { "proxy": path.trim_start_matches('/') },
        "stageVariables": null,
        "requestContext": {
            "accountId": api.account,
            "apiId": api.id,
            "stage": api.stage,
            "path": request.path,
            "httpMethod": request.method,
            "requestId": random::request_id(),
            "requestTimeEpoch": unix_seconds(now) * 1000,
            "identity": {
                "accessKey": session.access_key_id,
                "accountId": session.role.account(),
                "caller": session.role.assumed_role_id(&session.session_name),
                "user": session.role.assumed_role_id(&session.session_name),
                "userArn": session.arn(),
                "sourceIp": "127.0.0.1",
                "userAgent": request.header("user-agent"),
            },
        },
        "body": body,
        "isBase64Encoded": encoded,
    })
}

/// The last value of each name, and all of them; null when there are none, as API Gateway has it.
fn single_and_multi(pairs: impl Iterator<Item = (String, String)>) -> (Value, Value) {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in pairs {
        all.entry(name).or_default().push(value);
    }
    if all.is_empty() {
        return (Value::Null, Value::Null);
    }
    let last: BTreeMap<&String, Option<&String>> = all.iter().map(|(name, values)| (name, values.last())).collect();
    (json!(last), json!(all))
}
