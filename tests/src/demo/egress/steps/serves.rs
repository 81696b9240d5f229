//! The main job: a request through everything, in each of the forms in which functions may call.

use super::{fingerprint, hash_of, short, text};
use crate::demo::Stop;
use crate::demo::egress::function::{Call, Form, Lambda, Reply, STAGING};
use crate::demo::egress::stage::{CLUSTER, LEDGER, Mesh, REPORTS, Stage};
use crate::demo::screen::Screen;
use crate::mesh::{Hit, sni};

const PATH: &str = "/v1/balances";

/// Requests that RBAC let through or not, and TLS handshakes; of ledger's Envoy.
pub(super) const REQUESTS: &str = r"^http\.app\.downstream_rq_total$";
pub(super) const HANDSHAKES: &str = r"^listener\..*\.ssl\.handshake$";
/// Connections that sni-router sent somewhere.
pub(super) const ROUTED: &str = r"meshbridge_sni\.sni-router\.routed$";

pub(super) fn through_all(stage: &mut Stage, screen: &mut Screen) -> Result<(), Stop> {
    let Stage { functions, mesh } = stage;
    let (routed, connected) = (mesh.at_gateway(ROUTED), mesh.connections());
    let shaken = mesh.at_ledger(HANDSHAKES);
    let port = functions.reports.port();
    let caller = mesh.trust.id(STAGING, REPORTS);

    let ((reply, seen), passages) = {
        let asked = asked(mesh, &mut functions.reports, Form::Localhost);
        (asked, mesh.balancer.passages().split_off(connected))
    };
    screen.saw("function", format!("GET http://localhost:{port}{PATH}, Host: {LEDGER} -> {reply}"));
    for passage in &passages {
        let name = passage.name().unwrap_or_else(|| "no name".to_owned());
        screen.saw(
            "on the way",
            format!("a hello for {name},\nthen {} bytes that only ledger's Envoy can read", passage.bytes()),
        );
    }
    let to_cluster = mesh.gateway.connections_to(CLUSTER);
    screen
        .saw("gateway", format!("sni-router: {} routed, to {CLUSTER}: {to_cluster}", mesh.at_gateway(ROUTED) - routed));
    for hit in &seen {
        let (id, hash) = (hit.caller.as_deref().unwrap_or("nobody"), short(hash_of(hit)));
        screen.saw("ledger's Envoy", format!("RBAC lets {id} in,\nwho showed the certificate {hash}"));
        screen.saw("ledger saw", format!("{} {} over {}, for {}", hit.method, hit.target, hit.version, hit.authority));
    }
    served(&reply, &seen, &caller, screen);
    screen.expect("its certificate's SHA-256", short(&fingerprint(&functions.identity)), certificates(&seen));
    screen.expect("connections through the load balancer", 1, passages.len());
    let names: Vec<String> = passages.iter().filter_map(|passage| passage.name()).collect();
    screen.expect("the name in the hello", sni(STAGING, LEDGER), names.join(", "));
    let readable = passages.iter().filter(|passage| passage.shows(PATH) || passage.shows(&caller)).count();
    screen.expect("connections in which path or caller could be read on the way", 0, readable);
    screen.expect("sni-router has routed", 1, mesh.at_gateway(ROUTED) - routed);
    let handshakes = format!("{} and {}", mesh.at_gateway(HANDSHAKES), mesh.at_ledger(HANDSHAKES) - shaken);
    screen.expect("TLS handshakes with the gateway, and with ledger's Envoy", "0 and 1", handshakes);

    for (form, how) in [
        (Form::HttpProxy, format!("urlopen(\"http://{LEDGER}.mesh{PATH}\"), which knows HTTP_PROXY alone")),
        (Form::Client, format!("meshbridge.Client().get(\"{LEDGER}\", \"{PATH}\")")),
    ] {
        let (reply, seen) = asked(mesh, &mut functions.reports, form);
        screen.saw("function", format!("{how} -> {reply}"));
        served(&reply, &seen, &caller, screen);
    }
    screen.expect("connections for all three", 1, mesh.connections() - connected);
    Ok(())
}

fn asked(mesh: &Mesh, reports: &mut Lambda, form: Form) -> (Reply, Vec<Hit>) {
    mesh.watched(|| reports.call(&Call::new(form, LEDGER, PATH)))
}

/// It arrived once, from that caller, and the function has ledger's own answer.
fn served(reply: &Reply, seen: &[Hit], caller: &str, screen: &mut Screen) {
    screen.expect("answered", 200, reply.status);
    let callers: Vec<&str> = seen.iter().map(|hit| hit.caller.as_deref().unwrap_or("nobody")).collect();
    screen.expect("ledger saw one request, of", caller, callers.join(", "));
    let said = reply.json();
    let said = format!("{} for {}", text(&said, "/app"), text(&said, "/caller"));
    screen.expect("the function has the answer of", format!("{LEDGER} for {caller}"), said);
}

fn certificates(seen: &[Hit]) -> String {
    seen.iter().map(|hit| short(hash_of(hit))).collect::<Vec<_>>().join(", ")
}
