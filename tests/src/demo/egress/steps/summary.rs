//! The numbers of this act.

use super::refusals::{BY_RBAC, UNKNOWN};
use super::serves::ROUTED;
use crate::demo::Stop;
use crate::demo::egress::function::STAGING;
use crate::demo::egress::stage::{CLUSTER, REPORTS, Stage};
use crate::demo::screen::Screen;
use crate::secrets::CallOutcome;

pub(super) fn totals(stage: &mut Stage, screen: &mut Screen) -> Result<(), Stop> {
    let mesh = &stage.mesh;
    let hits = mesh.ledger.hits();
    let passages = mesh.balancer.passages();
    let (routed, unknown) = (mesh.at_gateway(ROUTED), mesh.at_gateway(UNKNOWN));
    screen.saw("ledger", format!("{} requests; {} refused by its RBAC", hits.len(), mesh.at_ledger(BY_RBAC)));
    screen
        .saw("gateway", format!("{} connections: {routed} routed, {unknown} of unknown names closed", passages.len()));
    let calls = mesh.secrets.calls().all();
    screen.saw("Secrets Manager", format!("{} calls", calls.len()));
    let caller = mesh.trust.id(STAGING, REPORTS);
    let others = hits.iter().filter(|hit| hit.caller.as_deref() != Some(caller.as_str())).count();
    screen.expect("requests at ledger of anybody else than reports", 0, others);
    let secret = |name: &str| name.starts_with("x-meshbridge-") || name == "proxy-authorization";
    let leaked = hits.iter().filter(|hit| hit.headers.iter().any(|(name, _)| secret(name))).count();
    screen.expect("requests at ledger that carried the token", 0, leaked);
    screen.expect("connections to a cluster that sni-router did not choose", 0, mesh.gateway.connections_to("nowhere"));
    screen.expect("connections to ledger's cluster", routed, mesh.gateway.connections_to(CLUSTER));
    let refused = calls.iter().filter(|call| call.outcome != CallOutcome::Answered).count();
    screen.expect("calls that Secrets Manager refused", 0, refused);
    Ok(())
}
