//! Who is turned away, by whom, and that ledger hears nothing of it.

use super::serves::REQUESTS;
use crate::demo::Stop;
use crate::demo::egress::function::{Call, Form, STAGING};
use crate::demo::egress::stage::{ARCHIVE, COUPONS, LEDGER, PAYROLL, Stage, USERS};
use crate::demo::screen::Screen;
use crate::mesh::sni;

/// Requests that ledger's RBAC refused.
pub(super) const BY_RBAC: &str = r"^http\.app\.rbac\.denied$";
/// Connections that sni-router closed because its table has no such name.
pub(super) const UNKNOWN: &str = r"meshbridge_sni\.sni-router\.refused\.unknown-name$";

const PATH: &str = "/v1/balances";

pub(super) fn all_kinds(stage: &mut Stage, screen: &mut Screen) -> Result<(), Stop> {
    let before = stage.mesh.ledger.hits().len();
    by_the_extension(stage, screen);
    by_ledger(stage, screen);
    by_the_gateway(stage, screen);
    by_the_servers_identity(stage, screen);
    screen.expect("requests of all these at ledger", 0, stage.mesh.ledger.hits().len() - before);
    Ok(())
}

/// Before anything is connected.
fn by_the_extension(stage: &mut Stage, screen: &mut Screen) {
    let Stage { functions, mesh } = stage;
    let connected = mesh.connections();
    let call = Call::new(Form::Localhost, LEDGER, PATH).without_token();
    let reply = functions.reports.call(&call);
    screen.saw("no token", format!("{LEDGER} -> {reply}:\n{}", reply.words()));
    screen.expect("refused by the extension", "401 token-missing", reply.verdict());

    let reply = functions.reports.call(&Call::new(Form::Localhost, USERS, PATH));
    screen.saw("not on its list", format!("{USERS} -> {reply}:\n{}", reply.words()));
    screen.expect("refused by the extension", "403 upstream-not-allowed", reply.verdict());
    screen.expect("connections for these two", 0, mesh.connections() - connected);
}

/// A caller of the mesh, with a good identity that is not on ledger's list.
fn by_ledger(stage: &mut Stage, screen: &mut Screen) {
    let Stage { functions, mesh } = stage;
    let before = mesh.at_ledger(BY_RBAC);
    let reply = functions.coupons.call(&Call::new(Form::Localhost, LEDGER, PATH));
    let caller = mesh.trust.id(STAGING, COUPONS);
    screen.saw("wrong identity", format!("{caller} -> {reply}:\n{}", reply.body));
    // With a reason it would be the extension's answer.
    screen.expect("refused by ledger's Envoy", "403", reply.verdict());
    screen.expect("its RBAC has counted", 1, mesh.at_ledger(BY_RBAC) - before);
}

/// An app on the extension's list that the gateway's table does not name.
fn by_the_gateway(stage: &mut Stage, screen: &mut Screen) {
    let Stage { functions, mesh } = stage;
    let (before, connected) = (mesh.at_gateway(UNKNOWN), mesh.connections());
    let reply = functions.reports.call(&Call::new(Form::Localhost, ARCHIVE, PATH));
    screen.saw("unknown name", format!("{} -> {reply}:\n{}", sni(STAGING, ARCHIVE), reply.words()));
    let log = mesh.gateway.envoy.logs();
    let line = log.lines().rev().find(|line| line.contains("sni-router") && line.contains(ARCHIVE));
    if let Some(line) = line.and_then(|line| line.split("sni-router").last()) {
        screen.saw("gateway's log", format!("sni-router{line}"));
    }
    screen.expect("the extension found no TLS there", "502 upstream-tls", reply.verdict());
    let connected = mesh.connections() - connected;
    screen.holds("it had connected", connected > 0, "no connection");
    screen.expect("connections that sni-router closed and counted", connected, mesh.at_gateway(UNKNOWN) - before);
}

/// A mistake in the gateway's table leads payroll's name to ledger.
fn by_the_servers_identity(stage: &mut Stage, screen: &mut Screen) {
    let Stage { functions, mesh } = stage;
    let requests = mesh.at_ledger(REQUESTS);
    let reply = functions.reports.call(&Call::new(Form::Localhost, PAYROLL, PATH));
    screen
        .saw("another's server", format!("{} leads to {LEDGER} -> {reply}:\n{}", sni(STAGING, PAYROLL), reply.words()));
    screen.expect("refused by the extension", "502 upstream-identity", reply.verdict());
    screen.expect("requests that ledger's Envoy got", 0, mesh.at_ledger(REQUESTS) - requests);
}
