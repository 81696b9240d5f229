//! From the token in the pod's file to credentials of the role.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::{nothing_unsigned, own_session, role_session};
use crate::aws::Service;
use crate::demo::Stop;
use crate::demo::ingress::stage::Stage;
use crate::demo::screen::{Screen, seconds};
use crate::ingress::SERVICE_ACCOUNT;

pub(super) fn token_becomes_credentials(stage: &Stage, screen: &mut Screen) -> Result<(), Stop> {
    let claims = claims_of_token(stage);
    screen.saw("token", format!("sub {}\niss {}", text(&claims["sub"]), text(&claims["iss"])));
    for gateway in stage.gateways() {
        let exchanges = stage.world.aws.journal().of(Service::Sts);
        let of_this = exchanges.iter().find(|entry| entry.session_name.as_deref() == Some(&gateway.host));
        let Some(exchange) = of_this else {
            return Err(Stop::Failed(format!("the journal of STS has no exchange for {}", gateway.host)));
        };
        let key = exchange.access_key_id.as_deref().unwrap_or("no access key");
        let name = gateway.title();
        screen.saw(&format!("{name} ingress"), format!("{} as {}\ngot {key}", exchange.action, role_session(exchange)));
        screen.expect(&format!("{name}: STS verified the token"), "200", exchange.status);
        screen.expect(&format!("{name}: role session"), own_session(&gateway.host), role_session(exchange));
        screen.expect(&format!("{name}: exchanges for 2 workers"), 1, gateway.exchanges_until_ready);
        let ready = format!("{name}: readiness, {} after the start", seconds(gateway.ready_after));
        screen.expect(&ready, 200, gateway.readiness());
    }
    screen.expect("who the token speaks of", format!("system:serviceaccount:{SERVICE_ACCOUNT}"), text(&claims["sub"]));
    nothing_unsigned(stage, screen);
    Ok(())
}

/// What is written in the pod's token, as anybody can read it who holds it.
fn claims_of_token(stage: &Stage) -> Value {
    let token = std::fs::read_to_string(stage.world.token.path().join("token")).unwrap_or_default();
    let payload = token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok()).unwrap_or_default();
    serde_json::from_slice(&payload).unwrap_or_default()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("nobody")
}
