//! Who is turned away, by whom, and that AWS hears nothing of it.

use super::nothing_unsigned;
use crate::aws::Service;
use crate::demo::Stop;
use crate::demo::ingress::stage::{Asked, Stage, get_note};
use crate::demo::screen::Screen;
use crate::ingress::{OTHER, WEB};

/// Envoy's counters of handshakes that failed for want of a certificate, and of requests that RBAC refused.
pub(super) const NO_CERTIFICATE: &str = r"^listener\..*\.ssl\.fail_verify_no_cert$";
pub(super) const BY_RBAC: &str = r"^http\.ingress\.rbac\.denied$";

pub(super) fn strangers_and_headers(stage: &Stage, screen: &mut Screen) -> Result<(), Stop> {
    let s3 = &stage.s3;
    let ((), seen) = stage.watched(Service::S3, || {
        let before = s3.sum(BY_RBAC);
        let listed = Asked::of(&s3.ingress.caller(&[OTHER]), &get_note());
        screen.saw("not on the list", format!("{OTHER} -> {listed}: {}", listed.text()));
        screen.expect("refused by Envoy's RBAC, which stands in front of the filter", 403, listed.status());
        screen.expect("RBAC has counted", 1, s3.sum(BY_RBAC) - before);

        let alone = Asked::of(&s3.past_rbac(&stage.world, OTHER), &get_note());
        screen.saw(
            "the filter alone",
            format!("the same at a listener without RBAC, added for this look -> {alone}: {}", alone.reason()),
        );
        screen.expect("refused by the filter alone", 403, alone.status());
        screen.expect("with its reason", "caller-not-allowed", alone.reason());

        let before = s3.sum(NO_CERTIFICATE);
        let nobody = Asked::of(&s3.ingress.anonymous(), &get_note());
        screen.saw("no certificate", format!("{}: {}", nobody.status(), nobody.text()));
        screen.holds("refused by TLS: there is not even an HTTP answer", nobody.answer.is_err(), nobody.status());
        screen.expect("Envoy's TLS has counted", 1, s3.sum(NO_CERTIFICATE) - before);

        let lent = get_note().header("x-amz-acl", "public-read");
        let lent = s3.ask(&lent);
        screen.saw("x-amz-acl", format!("{WEB} would make an object public -> {lent}: {}", lent.reason()));
        screen.expect("refused by the filter", 400, lent.status());
        screen.expect("with its reason", "header-not-allowed", lent.reason());
    });
    screen.expect("requests of theirs at AWS", 0, seen.len());
    nothing_unsigned(stage, screen);
    Ok(())
}
