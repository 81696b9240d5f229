//! The numbers of the whole demo.

use super::refusals::{BY_RBAC, NO_CERTIFICATE};
use crate::aws::{Entry, Service};
use crate::demo::Stop;
use crate::demo::ingress::stage::Stage;
use crate::demo::screen::Screen;

pub(super) fn totals(stage: &Stage, screen: &mut Screen) -> Result<(), Stop> {
    let aws = &stage.world.aws;
    let at = |service: Service| aws.journal().of(service);
    let (s3, api) = (at(Service::S3), at(Service::ExecuteApi));
    screen.saw("served", format!("{} requests: S3 {}, API Gateway {}", s3.len() + api.len(), s3.len(), api.len()));
    let sum = |counters: &str| stage.gateways().iter().map(|gateway| gateway.sum(counters)).sum::<u64>();
    let by_tls = sum(NO_CERTIFICATE);
    let by_rbac = sum(BY_RBAC);
    let by_filter = sum(r"wasmcustom\.meshbridge_irsa\..*\.refused\.");
    let refused = by_tls + by_rbac + by_filter;
    screen.saw("refused", format!("{refused}: by irsa-signer {by_filter}, by RBAC {by_rbac}, by TLS {by_tls}"));
    let (sts, away) = (at(Service::Sts), aws.sts_control().turned_away());
    screen.saw("STS", format!("{} calls answered; {away} connections found it away", sts.len()));
    let refused_by_aws = |entries: &[Entry]| entries.iter().filter(|entry| !entry.allowed()).count();
    let signed: u64 = stage.gateways().iter().map(|gateway| gateway.metric("signed")).sum();
    screen.expect("requests that the filters signed", s3.len() + api.len(), signed);
    screen.expect("requests that AWS refused", 0, refused_by_aws(&s3) + refused_by_aws(&api));
    screen.expect("calls that STS refused", 0, refused_by_aws(&sts));
    let most = aws.sts_control().max_in_flight();
    screen.holds("never more than one STS call of an ingress at a time", most <= 2, format!("{most} of both together"));
    screen.expect("unsigned requests at AWS", 0, stage.unsigned_at_aws());
    Ok(())
}
