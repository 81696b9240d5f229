//! The steps of this act in their order. Each does something, says what it saw, and what must be so.

mod exchange;
mod outage;
mod refusals;
mod serves;
mod summary;

use super::stage::Stage;
use crate::aws::Entry;
use crate::demo::Stop;
use crate::demo::screen::Screen;

type Step = fn(&Stage, &mut Screen) -> Result<(), Stop>;

/// Everything after the start, with the titles that stand on the screen.
pub(super) const ALL: &[(&str, Step)] = &[
    ("The pod's OIDC token becomes credentials at STS", exchange::token_becomes_credentials),
    ("A caller of the mesh writes and reads an object in S3", serves::object_in_s3),
    ("The same caller posts to an API Gateway that fronts a Lambda function", serves::lambda_behind_api_gateway),
    ("Whoever is not allowed gets nothing signed", refusals::strangers_and_headers),
    ("STS is taken away past a refresh, and nobody notices", outage::past_a_refresh),
    ("Past their expiry requests are refused rather than sent unsigned", outage::past_expiry),
    ("STS returns, and so does service", outage::return_of_sts),
    ("What it came to", summary::totals),
];

/// What must be so in each step that reaches AWS.
fn nothing_unsigned(stage: &Stage, screen: &mut Screen) {
    screen.expect("unsigned requests at AWS so far", 0, stage.unsigned_at_aws());
}

/// A request as AWS saw it.
fn as_seen(entry: &Entry) -> String {
    let key = entry.access_key_id.as_deref().unwrap_or("no access key");
    let signed = if entry.signed { "signed" } else { "NOT SIGNED" };
    let caller = entry.caller_header.as_deref().unwrap_or("nobody");
    format!("{} -> {}, {signed} with {key}\nas {} for {caller}", entry.action, entry.status, role_session(entry))
}

/// `ROLE/SESSION`, as CloudTrail ends its ARNs.
fn role_session(entry: &Entry) -> String {
    let role = entry.role_arn.as_deref().and_then(|arn| arn.rsplit('/').next()).unwrap_or("no role");
    format!("{role}/{}", entry.session_name.as_deref().unwrap_or("no session"))
}

/// The role session that this ingress must appear as.
fn own_session(host: &str) -> String {
    format!("docs-proxy/{host}")
}
