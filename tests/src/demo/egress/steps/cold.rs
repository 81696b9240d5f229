//! The functions start, each with the extension beside it, and get their identities.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant, UNIX_EPOCH};

use serde_json::{Value, json};

use super::text;
use crate::aws::wire;
use crate::demo::Stop;
use crate::demo::egress::function::{Lambda, Plan, STAGING};
use crate::demo::egress::parts::Parts;
use crate::demo::egress::stage::{ARCHIVE, COUPONS, Functions, LEDGER, Mesh, PAYROLL, REPORTS};
use crate::demo::found::failed;
use crate::demo::screen::{Look, Screen, seconds};
use crate::egress::EXTENSION;
use crate::lambda::Call;
use crate::mesh::write_directory;
use crate::secrets::{CallOutcome, HOME, OTHER, certificate_secret, key_secret};

/// For an identity, on a machine that is busy.
const IDENTITY_WITHIN: Duration = Duration::from_secs(60);

pub(in crate::demo::egress) fn start(mesh: &Mesh, parts: &Parts, screen: &mut Screen) -> Result<Functions, Stop> {
    let identity = mesh.issue(REPORTS);
    let begun = Instant::now();
    let reports = Lambda::start(
        Plan {
            app: REPORTS,
            upstreams: &[LEDGER, PAYROLL, ARCHIVE],
            gateway: mesh.balancer.address(),
            identity: json!({
                "source": "secrets-manager",
                "regions": [HOME, OTHER],
                "endpoint": mesh.secrets.endpoint(),
            }),
            invocations: "ignore",
            credentials: Some(mesh.role_of(REPORTS)),
            clock: mesh.clock.clone(),
        },
        parts,
    )?;
    screen.saw(
        "function",
        format!("{REPORTS}, in Python, ready {} after its cold start began", seconds(begun.elapsed())),
    );
    let calls = reports.environment.calls();
    screen.saw("Lambda saw", calls.iter().map(in_one_line).collect::<Vec<_>>().join("\n"));
    screen.saw("extension", format!("listens on http://127.0.0.1:{}", reports.port()));
    registered(&calls, screen);
    token(&reports, screen);

    let status = await_identity(&reports, screen)?;
    for call in mesh.secrets.calls().all() {
        let version = call.version_id.map_or(String::new(), |version| format!(", version {version}"));
        let what =
            format!("{} {}{version}\nin {} -> {}", call.operation, call.secret, call.region, became(&call.outcome));
        screen.saw("Secrets Manager", what);
    }
    let pair = &status["identity"]["pair"];
    let left = pair["not_after"].as_u64().unwrap_or(0).saturating_sub(mesh.clock.unix());
    let end = wire::iso_date(UNIX_EPOCH + Duration::from_secs(identity.not_after));
    screen.saw("identity", format!("{}\nuntil {end}, {:.1} hours from now", text(pair, "/spiffe_id"), hours(left)));
    screen.expect("whose identity it is", mesh.trust.id(STAGING, REPORTS), text(pair, "/spiffe_id"));
    let issued = format!("{} to {}", identity.not_before, identity.not_after);
    screen.expect("the one that was issued, valid", issued, format!("{} to {}", pair["not_before"], pair["not_after"]));
    let (certificate, key) = (certificate_secret(STAGING, REPORTS), key_secret(STAGING, REPORTS));
    screen.expect("fetches of the certificate document", 1, mesh.secrets.calls().of(&certificate));
    screen.expect("fetches of its key", 1, mesh.secrets.calls().of(&key));
    let verified = mesh.secrets.calls().count(|call| call.outcome == CallOutcome::Answered);
    screen.expect("of these: signature verified, allowed by the role", 2, verified);

    let coupons = start_coupons(mesh, parts)?;
    let status = await_identity(&coupons, screen)?;
    let name = text(&status, "/identity/pair/spiffe_id").to_owned();
    screen.saw("another function", format!("{COUPONS}, with a good identity of its own, from a directory:\n{name}"));
    screen.expect("whose identity it is", mesh.trust.id(STAGING, COUPONS), name);
    Ok(Functions { reports, identity, coupons })
}

/// The other function: nobody at ledger has heard of it. Its extension follows Lambda's events.
fn start_coupons(mesh: &Mesh, parts: &Parts) -> Result<Lambda, Stop> {
    let directory = mesh.directory(COUPONS);
    let svid = mesh.trust.svid(STAGING, COUPONS);
    write_directory(&directory, &svid, "v1").map_err(failed)?;
    Lambda::start(
        Plan {
            app: COUPONS,
            upstreams: &[LEDGER],
            gateway: mesh.balancer.address(),
            identity: json!({ "source": "directory", "path": directory }),
            invocations: "follow",
            credentials: None,
            clock: Default::default(),
        },
        parts,
    )
}

fn registered(calls: &[Call], screen: &mut Screen) {
    let at = |who: &str, what: &str| calls.iter().position(|call| call.who == who && call.what == what);
    let (register, next) = (at(EXTENSION, "register"), at(EXTENSION, "event/next"));
    let runtime = at("runtime", "invocation/next");
    let status = register.and_then(|at| calls.get(at)?.status);
    screen.expect("Lambda registered the extension", 200, status.unwrap_or(0));
    let ready = register.is_some() && register < next && next.is_some() && runtime.is_some();
    screen.holds("it and the function's runtime wait for their next event", ready, "another order");
}

/// The token's file, which keeps out whoever can reach loopback and not read files.
fn token(reports: &Lambda, screen: &mut Screen) {
    let metadata = fs::metadata(reports.token_file());
    let mode = metadata.map_or(0, |metadata| metadata.permissions().mode() & 0o7777);
    screen.expect("the token's file is for this user alone", "600", format!("{mode:o}"));
}

fn await_identity(function: &Lambda, screen: &mut Screen) -> Result<Value, Stop> {
    let look = || match function.status() {
        Some(status) if status["identity"]["pair"].is_object() => Look::There(status),
        other => Look::NotYet(other.map_or(String::new(), |status| status["identity"]["failure"].to_string())),
    };
    let there = screen.wait("the identity", IDENTITY_WITHIN, look)?;
    there.ok_or_else(|| {
        let (app, log) = (function.app, function.environment.output(EXTENSION));
        failed(format!("{app} has no identity within {}; its extension wrote:\n{log}", seconds(IDENTITY_WITHIN)))
    })
}

fn in_one_line(call: &Call) -> String {
    let status = call.status.map_or("waits".to_owned(), |status| format!("-> {status}"));
    format!("{:<10} {:<16} {status}", call.who, call.what)
}

fn became(outcome: &CallOutcome) -> String {
    match outcome {
        CallOutcome::Answered => "signature verified, answered".to_owned(),
        other => format!("{other:?}"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "2^53 seconds are longer than any certificate lives")]
fn hours(seconds: u64) -> f64 {
    seconds as f64 / 3600.0
}
