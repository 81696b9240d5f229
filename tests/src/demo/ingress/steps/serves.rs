//! The main job: an object in S3, a Lambda function behind API Gateway.

use super::{as_seen, nothing_unsigned, own_session, role_session};
use crate::aws::{Entry, Service};
use crate::client::Request;
use crate::demo::Stop;
use crate::demo::ingress::stage::{NOTE, NOTE_PATH, Stage, get_note, post_order};
use crate::demo::screen::Screen;
use crate::ingress::{BUCKET, WEB};

const CONTENT: &str = "hello from the mesh";

pub(super) fn object_in_s3(stage: &Stage, screen: &mut Screen) -> Result<(), Stop> {
    screen.saw("caller", format!("{WEB}, by its client certificate"));
    let put = Request::new("PUT", NOTE_PATH).host("ingress.mesh").body(CONTENT);
    let (written, at_put) = stage.watched(Service::S3, || stage.s3.ask(&put));
    screen.saw("PUT", format!("{NOTE_PATH} -> {written}"));
    let (read, at_get) = stage.watched(Service::S3, || stage.s3.ask(&get_note()));
    screen.saw("GET", format!("{NOTE_PATH} -> {read}: {:?}", read.text()));
    for entry in at_put.iter().chain(&at_get) {
        screen.saw("S3 saw", as_seen(entry));
    }
    screen.expect("PUT answered", 200, written.status());
    screen.expect("GET answered", 200, read.status());
    screen.expect("the caller reads", CONTENT, read.text());
    let stored = stage.world.aws.s3().get_object(BUCKET, NOTE).unwrap_or_default();
    screen.expect(&format!("the bucket holds `{NOTE}`"), CONTENT, String::from_utf8_lossy(&stored));
    signed_for_the_caller(&[at_put, at_get].concat(), 2, &stage.s3.host, screen);
    nothing_unsigned(stage, screen);
    Ok(())
}

pub(super) fn lambda_behind_api_gateway(stage: &Stage, screen: &mut Screen) -> Result<(), Stop> {
    let gateway = stage.world.aws.api_gateway();
    let events = gateway.events().len();
    let (posted, seen) = stage.watched(Service::ExecuteApi, || stage.api.ask(&post_order()));
    screen.saw("POST", format!("/prod/orders?rush=yes -> {posted}"));
    for entry in &seen {
        screen.saw("API Gateway saw", as_seen(entry));
    }
    screen.expect("POST answered", 200, posted.status());
    signed_for_the_caller(&seen, 1, &stage.api.host, screen);
    let event = gateway.events().split_off(events).pop().unwrap_or_default();
    let field = |pointer: &str| event.pointer(pointer).and_then(|value| value.as_str()).unwrap_or("nothing").to_owned();
    let (caller, user) = (field("/headers/x-mesh-caller"), field("/requestContext/identity/userArn"));
    let lambda = format!("x-mesh-caller  {caller}\nuserArn        {user}\nbody           {}", field("/body"));
    screen.saw("Lambda received", lambda);
    screen.expect("Lambda knows the caller (who claimed to be admin)", WEB, caller);
    let arn = format!("arn:aws:sts::123456789012:assumed-role/{}", own_session(&stage.api.host));
    screen.expect("Lambda knows the role session", arn, user);
    screen.expect("Lambda has the body", r#"{"item":"tea"}"#, field("/body"));
    nothing_unsigned(stage, screen);
    Ok(())
}

/// What the journal must say of requests that were served.
fn signed_for_the_caller(seen: &[Entry], count: usize, host: &str, screen: &mut Screen) {
    screen.expect("requests that arrived at AWS", count, seen.len());
    let good = |entry: &&Entry| {
        entry.signed
            && entry.allowed()
            && role_session(entry) == own_session(host)
            && entry.caller_header.as_deref() == Some(WEB)
            && entry.access_key_id.as_deref().is_some_and(|key| key.starts_with("ASIA"))
    };
    let claim = "of these: signed, verified by AWS, as this ingress's session, for this caller";
    screen.expect(claim, count, seen.iter().filter(good).count());
}
