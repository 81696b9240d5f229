//! Lambda takes the environments down.

use std::path::Path;

use crate::child::Ended;
use crate::demo::egress::function::Lambda;
use crate::demo::egress::stage::Stage;
use crate::demo::screen::{Screen, seconds};
use crate::egress::EXTENSION;
use crate::lambda::{End, ShutdownReason};

/// Both functions, then the rest.
pub(in crate::demo::egress) fn shut_down(mut stage: Stage, screen: &mut Screen) {
    let extensions = [&stage.functions.reports, &stage.functions.coupons].map(|one| one.environment.pid_of(EXTENSION));
    let envoys = [stage.mesh.gateway.envoy.pid(), stage.mesh.ledger.envoy().pid()];
    // It registered for no events, so that no invocation ever waits for it; then Lambda does not say when it ends it.
    take_down(&mut stage.functions.reports, "had asked for no events, and is ended at once", End::NotTold, screen);
    let file = stage.functions.coupons.token_file();
    let by_itself = End::InTime(Ended::Exited(0));
    take_down(&mut stage.functions.coupons, "had asked for events, is told, and ends by itself", by_itself, screen);
    screen.holds("its token's file is gone", !file.exists(), "it is still there");
    drop(stage);
    let left = extensions.iter().chain(&envoys).filter(|pid| Path::new(&format!("/proc/{pid}")).exists()).count();
    screen.expect("extensions and Envoys that still run", 0, left);
}

fn take_down(function: &mut Lambda, how: &str, expected: End, screen: &mut Screen) {
    let report = function.environment.shutdown(ShutdownReason::Spindown);
    let app = function.app;
    let extension = report.extensions.get(EXTENSION);
    screen.saw(app, format!("down in {}; its extension {how}", seconds(report.took)));
    let seen = extension.map_or("unknown".to_owned(), |end| format!("{end:?}"));
    screen.expect(&format!("{app}: the extension's end"), format!("{expected:?}"), seen);
    let ended = matches!(report.runtime, Some(End::InTime(_)));
    screen.holds(&format!("{app}: the function's runtime ended when asked"), ended, format!("{:?}", report.runtime));
}
