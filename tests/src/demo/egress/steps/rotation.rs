//! A newer identity is issued; past half of the old one's life the extension takes it up, with requests under way.

use std::fs;
use std::thread;
use std::time::Duration;

use serde_json::json;

use super::{fingerprint, hash_of, short};
use crate::demo::Stop;
use crate::demo::egress::function::STAGING;
use crate::demo::egress::stage::{LEDGER, REPORTS, Stage};
use crate::demo::found::failed;
use crate::demo::screen::{Look, Screen, seconds};
use crate::egress::EXTENSION;
use crate::secrets::key_secret;

/// Callers in the function that ask all the time.
const CALLERS: usize = 4;
/// So long before half of the life the function is thawed, so that both identities are seen at work.
const BEFORE_HALF: u64 = 2;
/// After the first request with the new certificate, so many more.
const MORE: usize = 200;
/// A machine that is busy takes longer than the two seconds.
const LIMIT: Duration = Duration::from_secs(60);

pub(super) fn under_load(stage: &mut Stage, screen: &mut Screen) -> Result<(), Stop> {
    let Stage { functions, mesh } = stage;
    let (old, pid) = (functions.identity.clone(), functions.reports.environment.pid_of(EXTENSION));
    let keys = mesh.secrets.calls().of(&key_secret(STAGING, REPORTS));

    functions.reports.environment.freeze();
    let half = old.not_after - (old.not_after - old.not_before) / 2;
    let passed = half.saturating_sub(BEFORE_HALF).saturating_sub(mesh.clock.unix());
    functions.identity = mesh.issue(REPORTS);
    let (before, after) = (fingerprint(&old), fingerprint(&functions.identity));
    screen.saw("issuer", format!("a new key and certificate {} in Secrets Manager", short(&after)));
    functions.reports.environment.thaw_after(Duration::from_secs(passed));
    screen
        .note(&format!("the function is thawed {BEFORE_HALF} s before half of the life of {} is over", short(&before)));

    let until = functions.reports.environment.site().temporary().join("enough");
    let event = json!({ "app": LEDGER, "path": "/bytes/2000", "callers": CALLERS, "until": until });
    let first = mesh.ledger.hits().len();
    let reports = &mut functions.reports;
    let told = thread::scope(|scope| {
        let load = scope.spawn(move || reports.invoke(&event));
        let look = || {
            let hits = mesh.ledger.hits();
            let new = hits.iter().skip(first).filter(|hit| hash_of(hit) == after).count();
            if new >= MORE || load.is_finished() {
                Look::There(())
            } else {
                Look::NotYet(format!("{} requests served", hits.len() - first))
            }
        };
        let waited = screen.wait("the new certificate at ledger", LIMIT, look);
        // Whatever came of it: the function ends by this file.
        let written = fs::write(&until, "").map_err(failed);
        let told = load.join().unwrap_or_else(|e| std::panic::resume_unwind(e));
        waited?;
        written.map(|()| told)
    })?;
    let told = told.map_err(|why| failed(format!("the function did not end well: {why}")))?;

    let hits = mesh.ledger.hits().split_off(first);
    let by = |hash: &str| hits.iter().filter(|hit| hash_of(hit) == hash).count();
    let (lost, served) = (told["lost"].as_array().cloned().unwrap_or_default(), told["served"].as_u64().unwrap_or(0));
    let slowest = Duration::from_millis(told["milliseconds"].as_u64().unwrap_or(0));
    screen.saw("requests", format!("{served} served by {CALLERS} callers, slowest {}", seconds(slowest)));
    screen.saw(
        "ledger's Envoy",
        format!("{} with {}, then {} with {}", by(&before), short(&before), by(&after), short(&after)),
    );
    screen.holds("the new certificate is in use", by(&after) > 0, "none with it");
    let none_lost = lost.first().map_or("0".to_owned(), |first| format!("{}, the first by {first}", lost.len()));
    screen.expect("requests lost, or answered with other bytes", 0, none_lost);
    screen.expect("requests at ledger, each once and with one of the two", served, by(&before) + by(&after));
    screen.expect("requests at ledger in all", served, hits.len());
    let fetched = mesh.secrets.calls().of(&key_secret(STAGING, REPORTS)) - keys;
    screen.expect("fetches of a key, for all callers together", 1, fetched);
    let same = functions.reports.environment.pid_of(EXTENSION);
    screen.expect("still the same process", pid, same);
    Ok(())
}
