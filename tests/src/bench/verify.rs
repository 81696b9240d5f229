//! Before anything is measured: each path forwards, signs, signs right, and signs the same headers.
//!
//! What arrived at the backend is sent once more, byte for byte, to the double of AWS, which verifies it.

use std::time::Duration;

use serde_json::{Value, json};

use super::backend::Backend;
use super::topology::{Filter, Variant};
use super::traffic::Traffic;
use crate::aws::{Entry, Service};
use crate::client::{Client, Request};
use crate::envoy::Envoy;
use crate::ingress::{BUCKET, ROLE, SERVICE_ACCOUNT, World};

/// For Envoy's own signer: a session of the same role, so that its token is as long as ours and the double knows it.
pub(super) fn static_credentials(world: &World) -> Result<Value, String> {
    let form = format!(
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=native&RoleArn={}&WebIdentityToken={}",
        ROLE.replace(':', "%3A").replace('/', "%2F"),
        world.aws.token_of(SERVICE_ACCOUNT)
    );
    let request = Request::new("POST", "/")
        .host(world.aws.sts_hostname())
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form);
    let answer = world.aws.sts_client().send(&request).map_err(|e| format!("the double of STS: {e}"))?;
    let part = |name: &str| answer.xml(name).ok_or_else(|| format!("STS names no {name}: {}", answer.text()));
    Ok(json!({
        "access_key_id": part("AccessKeyId")?,
        "secret_access_key": part("SecretAccessKey")?,
        "session_token": part("SessionToken")?,
    }))
}

/// One request through each listener, judged by the double.
pub(super) fn each_path(
    world: &World,
    traffic: Traffic,
    variants: &[Variant],
    envoy: &Envoy,
    backend: &Backend,
) -> Result<(), String> {
    world.aws.s3().put_object(BUCKET, Traffic::KEY, b"%PDF-2.0").map_err(|e| format!("the double of S3: {e}"))?;
    let mut covered: Option<String> = None;
    for variant in variants {
        let wrong = |what: String| format!("{traffic}, {} ({:?}): {what}", variant.name, variant.filter);
        let address = envoy.listener(&variant.name).map_err(|e| e.to_string())?;
        let client = Client::plain(address).with_timeout(Duration::from_secs(20));
        let seen = backend.observe();
        let answer = client.send(&traffic.request()).map_err(|e| wrong(e.to_string()))?;
        if answer.status != 200 {
            return Err(wrong(format!("answered with {}: {}\n{}", answer.status, answer.text(), envoy.logs())));
        }
        let arrived = seen.try_recv().map_err(|e| wrong(format!("nothing arrived at the backend: {e}")))?;
        match (&variant.filter, signed_headers(&arrived)) {
            (Filter::None, None) => {}
            (Filter::None, Some(_)) => return Err(wrong("a request without a signer is signed".into())),
            (_, None) => return Err(wrong(format!("not signed: {}", String::from_utf8_lossy(&arrived)))),
            (_, Some(names)) => {
                judge(world, traffic, &arrived).map_err(wrong)?;
                let others = covered.get_or_insert_with(|| names.clone());
                if *others != names {
                    return Err(wrong(format!("signs {names}, another signs {others}: that is not the same work")));
                }
            }
        }
    }
    Ok(())
}

/// `host;x-amz-date`, of a signed request.
fn signed_headers(request: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(request);
    let (_, rest) = text.split_once("\r\nauthorization: AWS4-HMAC-SHA256 Credential=")?;
    let (_, rest) = rest.split_once("SignedHeaders=")?;
    rest.split_once(',').map(|(names, _)| names.to_owned())
}

fn judge(world: &World, traffic: Traffic, request: &[u8]) -> Result<(), String> {
    let (client, service) = match traffic {
        Traffic::S3 => (world.aws.s3_client(BUCKET), Service::S3),
        Traffic::ApiGateway => (world.aws.api_client(), Service::ExecuteApi),
    };
    world.aws.journal().clear();
    let answer = client.send_raw(request).map_err(|e| format!("the double: {e}"))?;
    let entries = world.aws.journal().of(service);
    if answer.status == 200 && entries.iter().all(Entry::allowed) && entries.len() == 1 {
        return Ok(());
    }
    Err(format!(
        "the double refuses it with {}: {}\n{}",
        answer.status,
        answer.text(),
        String::from_utf8_lossy(request)
    ))
}
