//! Lambda freezes the environment between invocations; hours later its connections are dead, and it does not know.

use std::time::{Duration, Instant};

use crate::demo::Stop;
use crate::demo::egress::function::{Call, Form};
use crate::demo::egress::stage::{LEDGER, Stage};
use crate::demo::screen::{Screen, seconds};

const HOURS: u64 = 6;
/// At the same time, in the first invocation after the thaw.
const CALLS: usize = 8;

pub(super) fn and_thawed(stage: &mut Stage, screen: &mut Screen) -> Result<(), Stop> {
    let Stage { functions, mesh } = stage;
    let (reports, coupons) = (&mut functions.reports, &mut functions.coupons);
    let (fetches, connected) = (mesh.secrets.calls().all().len(), mesh.connections());
    reports.environment.freeze();
    coupons.environment.freeze();
    let dead = mesh.balancer.forget();
    let lost_without_a_word = format!("the load balancer forgets {dead} connections without a word");
    screen.saw("frozen", format!("both functions and extensions; {lost_without_a_word}"));
    reports.environment.thaw_after(Duration::from_secs(HOURS * 3600));
    coupons.environment.thaw_after(Duration::from_secs(HOURS * 3600));
    let begun = Instant::now();
    let calls = vec![Call::new(Form::Localhost, LEDGER, "/v1/balances"); CALLS];
    let (replies, seen) = mesh.watched(|| reports.calls(&calls));
    let statuses: Vec<String> = replies.iter().map(|reply| reply.status.to_string()).collect();
    let slowest = replies.iter().map(|reply| reply.took).max().unwrap_or_default();
    screen.saw("thawed", format!("{HOURS} hours later by its clock; {CALLS} calls at once -> {}", statuses.join(" ")));
    screen.saw("", format!("all done after {}, the slowest call took {}", seconds(begun.elapsed()), seconds(slowest)));
    screen.holds("there was a connection that died", dead > 0, "none");
    let lost = replies.iter().filter(|reply| reply.status != 200);
    let lost: Vec<String> = lost.map(|reply| format!("{reply}: {}", reply.words())).collect();
    let none_lost = if lost.is_empty() { "0".to_owned() } else { lost.join("; ") };
    screen.expect("calls lost", 0, none_lost);
    screen.expect("requests at ledger, none twice", CALLS, seen.len());
    let fresh = mesh.connections() - connected;
    screen.holds("over a new connection", fresh > 0, "none");
    let fetches = mesh.secrets.calls().all().len() - fetches;
    screen.expect("fetches of the identity, not yet half through its life", 0, fetches);
    let refused = coupons.call(&Call::new(Form::Localhost, LEDGER, "/v1/balances"));
    screen.expect("coupons, still refused by ledger's Envoy", "403", refused.verdict());
    Ok(())
}
