//! `cargo xtask ci`: every check that a change must pass; all of them run, whatever fails.

use std::path::Path;

use crate::build::TARGET;
use crate::cmd::{Progress, cargo, minutes};
use crate::{artefact, test, tidy, tools};

/// `cargo xtask ci`.
pub fn command(root: &Path) -> Result<(), String> {
    let mut failed = Vec::new();
    let mut progress = Progress::new(4);
    let mut check = |what: &'static str, outcome: Result<bool, String>| match outcome {
        Ok(true) => {}
        Ok(false) => failed.push(what.to_owned()),
        Err(e) => failed.push(format!("{what} ({e})")),
    };

    let mut fmt = cargo(root, ["fmt", "--all", "--check"]);
    check("formatting", progress.shown("checking the formatting", &mut fmt, minutes(2)).map(|ran| ran.success));
    let mut clippy = cargo(root, ["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"]);
    check("clippy", progress.shown("clippy", &mut clippy, minutes(30)).map(|ran| ran.success));
    let mut clippy = cargo(root, ["clippy", "--locked", "--target", TARGET]);
    clippy.args(artefact::FILTERS.iter().flat_map(|filter| ["-p", filter.package])).args(["--", "-D", "warnings"]);
    let wasm = tools::wasm_target(root)
        .and_then(|()| progress.shown("clippy of the filters for wasm32", &mut clippy, minutes(20)))
        .map(|ran| ran.success);
    check("clippy for wasm32", wasm);
    check("tidy", progress.quiet("tidy", || tidy::findings(root)).map(|findings| tidy::print(&findings)));
    check("tests", test::command(root, &[]).map(|()| true));

    if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", "))) }
}
